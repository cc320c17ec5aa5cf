//! The driver of the Sentinel machine ([`redan_sentinel`]): it gives the machine time, sockets, names, files and
//! processes, and clients their answers.
//!
//! The machine sits behind one mutex. A thread of its own (`sentinel`) feeds it with what happens on its links and with
//! time, and carries out what it asks for; workers ask it on behalf of clients. Nobody does anything slow while holding
//! the mutex: names are looked up, scripts run and files are written elsewhere ([`names`], [`scripts`], [`store`]).

mod clients;
mod driver;
mod link;
mod names;
mod scripts;
mod store;

use crate::clock;
use crate::config::LoadError;
use crate::config::choices::LogLevel;
use crate::config::load::Loaded;
use crate::config::{Settings, rows};
use crate::host::Server;
use clients::Held;
use parking_lot::{Mutex, MutexGuard};
use redan_sentinel::{Millis, Now, RewriteLine, ServerFacts};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use store::Store;
use tokio::sync::Notify;

type Machine = redan_sentinel::Sentinel;

/// See the module's text.
pub struct Sentinel {
    machine: Mutex<Machine>,
    started: Instant,
    /// Rung when a client has made the machine want something.
    wake: Notify,
    /// Answers that wait for the disk.
    held: Mutex<Held>,
    store: Store,
}

impl Sentinel {
    /// A Sentinel as configured, with what it remembers from before. It begins to work with [`start`](Self::start).
    /// `dir` is the directory the process is in.
    ///
    /// # Errors
    /// The line of the configuration, or the state file, that makes no sense.
    pub fn new(loaded: &Loaded, config_file: Option<&Path>, dir: &Path) -> Result<Self, LoadError> {
        let settings = &loaded.settings;
        let store = Store::new(config_file, &dir.join(settings.get(rows::DIR)));
        let config = store.read(&loaded.sentinel)?;
        let started = Instant::now();
        // The keys of a new hasher come from the system's source of randomness.
        let seed = RandomState::new().build_hasher().finish();
        let machine = Machine::new(config, facts(settings), seed, now_since(started));
        Ok(Self { machine: Mutex::new(machine), started, wake: Notify::new(), held: Mutex::default(), store })
    }

    /// Begins to work: called once, when everything else is wired.
    ///
    /// # Errors
    /// When the system has no thread or no event queue for it.
    pub fn start(&self, server: &Arc<Server>) -> io::Result<()> {
        driver::start(server)
    }

    /// The fields of INFO sentinel.
    pub fn info(&self, out: &mut String) {
        let section = self.machine().info_section();
        // The heading is written by whoever puts the sections together.
        let fields = section.split_once("\r\n").map_or("", |(_, fields)| fields);
        out.push_str(fields);
    }

    /// The `sentinel` lines for the configuration file.
    pub fn config_lines(&self) -> Vec<Vec<u8>> {
        file_lines(self.machine().rewrite_lines())
    }

    /// The machine, for a moment.
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock()
    }

    fn now(&self) -> Now {
        now_since(self.started)
    }

    /// The moment `at`, told in the machine's time.
    fn instant(&self, at: Millis) -> Instant {
        self.started + std::time::Duration::from_millis(at.0)
    }
}

fn now_since(started: Instant) -> Now {
    Now {
        mono: Millis(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)),
        wall: Millis(u64::try_from(clock::unix_ms()).unwrap_or_default()),
    }
}

/// Lines that say nothing new are left out: the file says the same without them.
fn file_lines(lines: Vec<RewriteLine>) -> Vec<Vec<u8>> {
    lines.into_iter().filter(|line| !line.is_default).map(|line| line.line).collect()
}

/// What the machine has to know of the server around it.
fn facts(settings: &Settings) -> ServerFacts {
    let tls = settings.get(rows::TLS_REPLICATION);
    let tls_port = settings.get(rows::TLS_PORT);
    let port = if tls && tls_port != 0 { tls_port } else { settings.get(rows::PORT) };
    let password = settings.get(rows::REQUIREPASS);
    ServerFacts {
        port: u16::try_from(port).unwrap_or_default(),
        requirepass: (!password.is_empty()).then(|| password.to_vec()),
        tls,
        loglevel: match settings.get(rows::LOGLEVEL) {
            LogLevel::Debug => redan_sentinel::LogLevel::Debug,
            LogLevel::Verbose => redan_sentinel::LogLevel::Verbose,
            LogLevel::Notice => redan_sentinel::LogLevel::Notice,
            LogLevel::Warning => redan_sentinel::LogLevel::Warning,
            LogLevel::Nothing => redan_sentinel::LogLevel::Nothing,
        },
    }
}
