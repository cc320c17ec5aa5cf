//! The log, in Redis's format: `12345:M 20 Nov 2026 22:31:05.123 * message`.
//!
//! Code logs with the macros of `tracing`: `trace!` is Redis's level debug (`.`), `debug!` verbose (`-`), `info!`
//! notice (`*`), `warn!` and `error!` warning (`#`). The letter after the process id tells the role: master, replica
//! (`S`), child (`C`) or Sentinel (`X`).
//!
//! A slow disk must not stall whoever logs. Messages go into a bounded queue, from which one thread writes them; when
//! the queue is full they are dropped and counted, and the count is logged when there is room again. [`Log::fatal`] and
//! [`Log::flush`] wait until everything is written.

mod line;
mod sink;
mod subscriber;
mod writer;

pub use subscriber::LogSubscriber;

use crate::config::choices::LogLevel;
use line::Mark;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant, SystemTime};
use tracing::Level;
use tracing::level_filters::LevelFilter;
use writer::{Message, Record};

/// Messages that may wait to be written.
const QUEUE_LEN: usize = 8192;
/// How long the end of the process may be delayed by a log that cannot be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before trying again to put a last message into a full queue.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// What the process is, for the letter in each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `M`
    Master,
    /// `S`
    Replica,
    /// `C`
    Child,
    /// `X`
    Sentinel,
}

impl Role {
    const fn letter(self) -> u8 {
        match self {
            Role::Master => b'M',
            Role::Replica => b'S',
            Role::Child => b'C',
            Role::Sentinel => b'X',
        }
    }
}

/// What all handles share.
struct Shared {
    queue: SyncSender<Message>,
    role: AtomicU8,
    /// The discriminant of the [`LogLevel`].
    level: AtomicU8,
    dropped: Arc<AtomicU64>,
}

/// The log. Clones are handles to the same log.
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Log({:?})", self.max_level())
    }
}

impl Log {
    /// Starts the writing thread. `file` is the log file, an absolute path, or `None` for standard output.
    ///
    /// Threads do not survive a fork: a process that goes to the background must have done so before.
    pub fn start(file: Option<PathBuf>, level: LogLevel, role: Role) -> std::io::Result<Log> {
        let (queue, messages) = sync_channel(QUEUE_LEN);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&dropped);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writer::run(&messages, sink::Sink::new(file), &counter))?;
        let shared =
            Shared { queue, role: AtomicU8::new(role.letter()), level: AtomicU8::new(level as u8), dropped };
        Ok(Log { shared: Arc::new(shared) })
    }

    /// Sends the events of the whole process here. Does nothing if another log was installed before.
    pub fn install(&self) {
        if tracing::subscriber::set_global_default(self.subscriber()).is_err() {
            self.put(Mark::Warning, "Another log is installed already");
        }
    }

    /// What `tracing` calls.
    pub fn subscriber(&self) -> LogSubscriber {
        LogSubscriber::new(self.clone())
    }

    /// Changes the least important messages that are logged, at once and for all threads.
    pub fn set_level(&self, level: LogLevel) {
        self.shared.level.store(level as u8, Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
    }

    /// Changes the role shown from now on.
    pub fn set_role(&self, role: Role) {
        self.shared.role.store(role.letter(), Ordering::Relaxed);
    }

    /// Logs text as it is, without anything before it and whatever the level: the banner, crash reports.
    pub fn raw(&self, text: &str) {
        self.send(Message::Raw(text.to_owned()));
    }

    /// Logs a last message, and returns when it is written or cannot be for five seconds.
    pub fn fatal(&self, text: &str) {
        let record = self.record(Mark::Warning, text.to_owned());
        let deadline = Instant::now() + FLUSH_TIMEOUT;
        self.send_until(deadline, Message::Record(record));
        self.flush_until(deadline);
    }

    /// Returns when all messages are written, or cannot be for five seconds. Tells which.
    pub fn flush(&self) -> bool {
        self.flush_until(Instant::now() + FLUSH_TIMEOUT)
    }

    fn flush_until(&self, deadline: Instant) -> bool {
        let (done, written) = sync_channel(1);
        self.send_until(deadline, Message::Flush(done))
            && written.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok()
    }

    /// Waits for room in the queue, which only the end of the process justifies.
    fn send_until(&self, deadline: Instant, mut message: Message) -> bool {
        loop {
            match self.shared.queue.try_send(message) {
                Ok(()) => return true,
                Err(TrySendError::Full(back)) if Instant::now() < deadline => message = back,
                Err(_) => return false,
            }
            std::thread::sleep(RETRY_PAUSE);
        }
    }

    /// The `tracing` levels that are logged.
    fn max_level(&self) -> LevelFilter {
        match self.shared.level.load(Ordering::Relaxed) {
            level if level == LogLevel::Debug as u8 => LevelFilter::TRACE,
            level if level == LogLevel::Verbose as u8 => LevelFilter::DEBUG,
            level if level == LogLevel::Notice as u8 => LevelFilter::INFO,
            level if level == LogLevel::Warning as u8 => LevelFilter::WARN,
            _ => LevelFilter::OFF,
        }
    }

    fn event(&self, level: &Level, text: String) {
        self.send(Message::Record(self.record(Mark::of(level), text)));
    }

    fn put(&self, mark: Mark, text: &str) {
        self.send(Message::Record(self.record(mark, text.to_owned())));
    }

    fn record(&self, mark: Mark, text: String) -> Record {
        let role = self.shared.role.load(Ordering::Relaxed);
        Record { time: SystemTime::now(), role, mark, text }
    }

    fn send(&self, message: Message) {
        if let Err(TrySendError::Full(_)) = self.shared.queue.try_send(message) {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
