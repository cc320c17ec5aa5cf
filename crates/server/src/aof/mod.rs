//! The append-only file.
//!
//! One thread writes ([`writer`]); it follows the log, so workers do nothing for the file but wake it. What it does to
//! files is [`redan_persistence::aof::AofStore`]'s business. With `appendfsync always` replies wait for it ([`commit`]).
//! A rewrite is a snapshot whose cut is where the file goes on in another increment ([`rewrite`]); nothing forks.

mod backoff;
mod backup;
mod commit;
mod doorbell;
mod feed;
mod load;
mod reload;
mod rewrite;
mod shared;
mod syncer;
mod writer;

pub use commit::Commit;
pub use doorbell::Doorbell;

use crate::config::choices::AppendFsync;
use crate::config::{Settings, rows};
use crate::host::Server;
use feed::Feed;
use load::Loaded;
use parking_lot::Mutex;
use redan_engine::{ClientId, Engine, ReplyError, Worker};
use redan_persistence::aof::{AofStore, BaseFormat, DirStorage, Manifest, ManifestFailure, load_manifest};
use redan_persistence::rdb::{RdbHeader, RdbWriter};
use redan_replication::CursorId;
use redan_replication::replica::io::Position;
use shared::{Shared, State};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, OnceLock};
use syncer::Syncer;
use writer::{Work, Writer};

/// A checksum that says that there is none.
const NO_CHECKSUM: [u8; 8] = [0; 8];

/// See the module's text.
pub struct Aof {
    engine: &'static Engine,
    shared: Arc<Shared>,
    work: Sender<Work>,
    queue: Mutex<Option<Receiver<Work>>>,
    /// The writer's place in the log, while there is a file.
    cursor: Mutex<Option<CursorId>>,
    /// Executes what is in files.
    replayer: Mutex<Option<Worker>>,
    /// What was loaded at the start, until the file is opened.
    loaded: Mutex<Option<Loaded>>,
    /// Clients that wait, and what they will be told.
    waiting: Mutex<HashMap<ClientId, Option<Result<(), ReplyError>>>>,
    server: OnceLock<std::sync::Weak<Server>>,
}

/// What INFO shows.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Whether there is a file, or will be soon.
    pub enabled: bool,
    /// A rewrite is running.
    pub rewriting: bool,
    /// A rewrite is to start.
    pub scheduled: bool,
    /// How long the running rewrite has taken, seconds; -1 without one.
    pub current_s: i64,
    /// How long the last one took, seconds; -1 if there was none.
    pub last_took_s: i64,
    /// Whether it succeeded.
    pub last_ok: bool,
    /// Rewrites that succeeded.
    pub rewrites: u64,
    /// How many have failed since.
    pub failures: u64,
    /// Whether the file can be written.
    pub write_ok: bool,
    /// Bytes of all files.
    pub current_size: u64,
    /// Bytes of all files behind the last rewrite.
    pub base_size: u64,
    /// Bytes of the log that are not in the file yet.
    pub buffer_len: u64,
    /// Syncs that run on the other thread.
    pub pending_fsync: u64,
    /// Writes that found a sync under way for too long.
    pub delayed_fsync: u64,
}

impl Aof {
    /// No file yet.
    pub fn new(engine: &'static Engine) -> Self {
        let (work, queue) = channel();
        Self {
            engine,
            shared: Arc::default(),
            work,
            queue: Mutex::new(Some(queue)),
            cursor: Mutex::default(),
            replayer: Mutex::default(),
            loaded: Mutex::default(),
            waiting: Mutex::default(),
            server: OnceLock::new(),
        }
    }

    /// Starts the threads: called once, before the dataset is loaded.
    ///
    /// # Errors
    /// When the system has none.
    pub fn start(&self, server: &Arc<Server>) -> std::io::Result<()> {
        let Some(queue) = self.queue.lock().take() else { return Ok(()) };
        let _ = self.server.set(Arc::downgrade(server));
        *self.replayer.lock() = Some(Worker::new(self.engine).without_waiting());
        let syncer = Syncer::spawn(self.work.clone(), Arc::clone(&self.shared.doorbell))?;
        let writer = Writer::new(Arc::clone(server), Arc::clone(&self.shared), queue, syncer);
        let run = move || {
            crate::memory::join_thread();
            writer.run();
        };
        std::thread::Builder::new().name("aof".to_owned()).spawn(run)?;
        self.watch(server);
        Ok(())
    }

    fn watch(&self, server: &Arc<Server>) {
        let hook = |apply: fn(&Aof, &Server, &Settings) -> Result<(), String>| {
            let weak = Arc::downgrade(server);
            move |settings: &Settings| match weak.upgrade() {
                Some(server) => apply(server.aof(), &server, settings),
                None => Ok(()),
            }
        };
        server.config().on_change(&[rows::APPENDONLY.name()], hook(Aof::on_appendonly));
        let sync = [rows::APPENDFSYNC.name(), rows::NO_APPENDFSYNC_ON_REWRITE.name()];
        server.config().on_change(
            &sync,
            hook(|aof, _, settings| {
                let is_held = settings.get(rows::APPENDFSYNC) == AppendFsync::Always;
                aof.shared.commit.set_holding(is_held && aof.shared.state() == State::On);
                aof.shared.doorbell.ring();
                Ok(())
            }),
        );
        server.config().on_change(
            &[rows::AOF_DISABLE_AUTO_GC.name()],
            hook(|aof, _, settings| {
                if !settings.get(rows::AOF_DISABLE_AUTO_GC) {
                    aof.ask(|_| Work::CollectGarbage);
                    return aof.settle().map_err(|error| error.text().to_owned());
                }
                Ok(())
            }),
        );
    }

    /// Whose replies wait for the disk.
    pub fn commit(&self) -> &Arc<Commit> {
        &self.shared.commit
    }

    /// What is rung when something was appended to the log.
    pub fn doorbell(&self) -> Arc<Doorbell> {
        Arc::clone(&self.shared.doorbell)
    }

    fn send(&self, work: Work) {
        // The thread lives as long as the process; without it (a Sentinel) nobody asks for anything.
        let _ = self.work.send(work);
        self.shared.doorbell.ring();
    }

    /// Has something done and waits until it is.
    fn ask_and_wait(&self, work: impl FnOnce(writer::ReplyTo) -> Work) -> Result<(), String> {
        let (reply, answer) = sync_channel(1);
        self.send(work(reply));
        answer.recv().unwrap_or_else(|_| Err("the thread of the append only file is gone".to_owned()))
    }

    fn ask(&self, work: impl FnOnce(()) -> Work) {
        self.send(work(()));
    }

    /// Waits until everything that was asked for is done.
    fn settle(&self) -> Result<(), ReplyError> {
        // A flush comes behind everything else; how it ends does not matter here.
        let _ = self.ask_and_wait(|reply| Work::Flush { reply });
        Ok(())
    }

    /// CONFIG SET appendonly; the caller runs alone.
    fn on_appendonly(&self, server: &Server, settings: &Settings) -> Result<(), String> {
        // While a dataset is loaded, the end of that sees to it.
        if server.persist().is_loading() {
            return Ok(());
        }
        self.follow(server, settings)
    }

    /// Does what the configuration says; the caller runs alone.
    fn follow(&self, server: &Server, settings: &Settings) -> Result<(), String> {
        match (settings.get(rows::APPENDONLY), self.shared.state()) {
            (true, State::Off) => self.enable(server),
            (false, State::On | State::WaitRewrite) => {
                // Whatever is missing in the file, nobody wants it any more; it is in the log.
                let _ = self.disable(server);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Switches the file on: its base is made in the background. The caller runs alone.
    fn enable(&self, server: &Server) -> Result<(), String> {
        self.shared.set_state(State::WaitRewrite);
        if server.persist().running().is_some() {
            self.shared.rewrites.lock().scheduled = true;
            tracing::info!(
                "AOF was enabled but there is already another background operation. An AOF background was scheduled to \
                 start when possible."
            );
            return Ok(());
        }
        self.start_rewrite(server).map_err(|error| {
            self.shared.set_state(State::Off);
            self.shared.rewrites.lock().scheduled = false;
            tracing::warn!(
                "Redis needs to enable the AOF but can't trigger a background AOF rewrite operation: {error}"
            );
            "Unable to turn on AOF. Check server logs.".to_owned()
        })
    }

    /// Switches the file off; it stays as it is. The caller runs alone. An error when something is missing in it.
    fn disable(&self, server: &Server) -> Result<(), String> {
        if server.persist().running() == Some(crate::persist::Purpose::AofBase) {
            tracing::info!("Killing running AOF rewrite child: {}", std::process::id());
            server.persist().cancel();
        }
        self.shared.rewrites.lock().scheduled = false;
        let stopped = self.ask_and_wait(|reply| Work::Stop { reply });
        *self.cursor.lock() = None;
        // Who waits for the disk waits in vain.
        self.engine.ring_parked();
        stopped
    }

    /// Another dataset is about to replace this one: the file ends here. The caller runs alone.
    pub fn on_dataset_replaced(&self, server: &Server) {
        if self.shared.state() != State::Off {
            // The file is of a dataset that is gone.
            let _ = self.disable(server);
        }
    }

    /// Another dataset has replaced the old one: the file begins anew. The caller runs alone.
    pub fn on_dataset_loaded(&self, server: &Server) {
        let settings = server.config().load();
        if let Err(error) = self.follow(server, &settings) {
            // It is tried again until it works: what is configured to be kept must not be lost silently.
            tracing::warn!("Failed to enable AOF! Trying it again: {error}");
            self.shared.set_state(State::WaitRewrite);
            self.shared.rewrites.lock().scheduled = true;
        }
    }

    /// Loads the files at the start, while `LOADING` is set. Returns where replication stood.
    ///
    /// # Errors
    /// When they cannot be loaded; why is in the log.
    pub(crate) fn load_at_start(&self, server: &Server) -> Result<Option<Position>, ()> {
        let settings = server.config().load();
        let storage = DirStorage::new(aof_dir(&settings));
        let loaded = self.load(server, &storage, &settings)?;
        let position = loaded.position;
        *self.loaded.lock() = Some(loaded);
        Ok(position)
    }

    /// Opens the files that were loaded at the start; the caller runs alone.
    ///
    /// # Errors
    /// When that fails: a server that shall keep what it is told must not start without.
    pub fn open_loaded(&self, server: &Server) -> Result<(), String> {
        let Some(loaded) = self.loaded.lock().take() else { return Ok(()) };
        let settings = server.config().load();
        if !settings.get(rows::APPENDONLY) {
            return Ok(());
        }
        if let Some(offset) = loaded.offset {
            self.engine.log().set_offset(offset, None);
        }
        create_dir(&settings)?;
        let base = loaded.manifest.is_empty().then(|| empty_base(&settings));
        let has_incr = !loaded.manifest.incr.is_empty();
        let is_new = base.is_some();
        let storage = DirStorage::new(aof_dir(&settings));
        let store = AofStore::new(storage, settings.get(rows::APPENDFILENAME), loaded.manifest);
        let feed = Feed::attach(self.engine.log()).map_err(|error| error.to_string())?;
        *self.cursor.lock() = Some(feed.cursor);
        let (store, feed) = (Box::new(store), Box::new(feed));
        self.ask_and_wait(|reply| Work::Open { store, base, feed, reply })
            .map_err(|error| format!("Can't open the append-only file: {error}"))?;
        if is_new {
            tracing::info!("Creating AOF base file on server start");
        }
        let how = if has_incr { "Opening" } else { "Creating" };
        tracing::info!("{how} AOF incr file on server start");
        Ok(())
    }

    /// The dataset is loaded and clients are let in: what was configured meanwhile takes effect. The caller runs alone.
    pub fn after_start(&self, server: &Server) {
        self.on_dataset_loaded(server);
    }

    /// The store as it is on disk, for a file that is not open.
    fn store_on_disk(settings: &Settings) -> Result<Box<AofStore<DirStorage>>, ManifestFailure> {
        let storage = DirStorage::new(aof_dir(settings));
        let stem = settings.get(rows::APPENDFILENAME);
        let manifest = load_manifest(&storage, stem)?;
        Ok(Box::new(AofStore::new(storage, stem, manifest)))
    }

    /// The process ends: what is in the log goes to the disk. The caller runs alone.
    ///
    /// # Errors
    /// When it does not, and the process is to go on.
    pub(crate) fn shut_down(&self, server: &Server, force: bool) -> Result<(), ()> {
        if server.persist().running() == Some(crate::persist::Purpose::AofBase) {
            if self.shared.state() == State::WaitRewrite {
                if !force {
                    tracing::warn!("Writing initial AOF, can't exit");
                    return Err(());
                }
                tracing::warn!("Writing initial AOF. Exiting anyway.");
            }
            tracing::warn!("There is a child rewriting the AOF. Killing it!");
            server.persist().cancel();
        }
        if self.shared.state() != State::On {
            return Ok(());
        }
        tracing::info!("Calling fsync() on the AOF file.");
        if let Err(error) = self.ask_and_wait(|reply| Work::Flush { reply })
            && !force
        {
            tracing::warn!("The AOF file cannot be written ({error}), can't exit.");
            return Err(());
        }
        // Without force there is nothing left to be written.
        let _ = self.ask_and_wait(|reply| Work::Stop { reply });
        Ok(())
    }

    /// Whether everything up to `offset` is on disk; `None` without a file.
    pub fn is_fsynced(&self, offset: u64) -> Option<bool> {
        match self.shared.state() {
            State::Off => None,
            State::WaitRewrite => Some(false),
            State::On => Some(self.shared.synced.load(Relaxed) >= offset),
        }
    }

    /// Up to where the file is on disk; `None` without one.
    pub fn fsynced(&self) -> Option<u64> {
        (self.shared.state() == State::On).then(|| self.shared.synced.load(Relaxed))
    }

    /// Why the file cannot be written.
    pub fn error(&self) -> String {
        self.shared.error.lock().clone().unwrap_or_else(|| "No space left on device".to_owned())
    }

    /// DEBUG AOF-FLUSH-SLEEP.
    pub(crate) fn set_flush_sleep(&self, micros: u64) {
        self.shared.flush_sleep_us.store(micros, Relaxed);
    }

    /// What INFO shows.
    pub fn figures(&self) -> Figures {
        let shared = &self.shared;
        let rewrites = shared.rewrites.lock();
        let cursor = *self.cursor.lock();
        Figures {
            enabled: shared.state() != State::Off,
            rewriting: rewrites.running.is_some(),
            scheduled: rewrites.scheduled,
            current_s: rewrites.running.map_or(-1, |running| running.started.elapsed().as_secs() as i64),
            last_took_s: rewrites.last_took.map_or(-1, |took| took.as_secs() as i64),
            last_ok: rewrites.last_ok,
            rewrites: rewrites.done,
            failures: rewrites.failures_in_a_row,
            write_ok: shared.error.lock().is_none(),
            current_size: shared.current_size.load(Relaxed),
            base_size: shared.base_size.load(Relaxed),
            buffer_len: cursor.and_then(|cursor| self.engine.log().lag(cursor).ok()).unwrap_or(0),
            pending_fsync: u64::from(shared.is_syncing.load(Relaxed)),
            delayed_fsync: shared.delayed_fsync.load(Relaxed),
        }
    }
}

/// Where the files are.
fn aof_dir(settings: &Settings) -> PathBuf {
    Path::new(settings.get(rows::DIR)).join(settings.get(rows::APPENDDIRNAME))
}

fn create_dir(settings: &Settings) -> Result<(), String> {
    let dir = aof_dir(settings);
    std::fs::create_dir_all(&dir).map_err(|error| {
        let reason = crate::config::os_text(&error);
        tracing::warn!("Can't open or create append-only dir {}: {reason}", dir.display());
        reason
    })
}

fn base_format(settings: &Settings) -> BaseFormat {
    if settings.get(rows::AOF_USE_RDB_PREAMBLE) { BaseFormat::Rdb } else { BaseFormat::Commands }
}

/// The base of an empty dataset.
fn empty_base(settings: &Settings) -> (Vec<u8>, BaseFormat) {
    let format = base_format(settings);
    let bytes = match format {
        BaseFormat::Rdb => {
            let header = RdbHeader {
                redis_version: redan_engine::REDIS_VERSION.to_owned(),
                ctime_s: crate::clock::unix_s(),
                used_memory: crate::memory::used(),
                aof_base: true,
                ..RdbHeader::default()
            };
            let mut writer = RdbWriter::new(false);
            writer.put_header(&header, &[]);
            writer.put_end();
            [writer.take(0).as_ref(), &NO_CHECKSUM].concat()
        }
        BaseFormat::Commands => Vec::new(),
    };
    (bytes, format)
}

/// The name of the manifest, for the log.
fn manifest_path(settings: &Settings) -> PathBuf {
    aof_dir(settings).join(Manifest::file_name(settings.get(rows::APPENDFILENAME)))
}
