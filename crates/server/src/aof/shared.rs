//! What the writer's thread and everybody else know of the append-only file.

use super::commit::Commit;
use super::doorbell::Doorbell;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Whether there is an append-only file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// There is none.
    Off,
    /// It was switched on and its first base is not there yet.
    WaitRewrite,
    /// There is one.
    On,
}

/// A rewrite under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunningRewrite {
    pub(super) started: Instant,
}

/// What is known of rewrites.
#[derive(Debug)]
pub(super) struct Rewrites {
    pub(super) running: Option<RunningRewrite>,
    /// One is to start as soon as possible.
    pub(super) scheduled: bool,
    pub(super) last_took: Option<Duration>,
    pub(super) last_ok: bool,
    pub(super) done: u64,
    pub(super) failures_in_a_row: u64,
    pub(super) backoff: super::backoff::Backoff,
}

#[derive(Debug)]
pub(super) struct Shared {
    state: AtomicU8,
    pub(super) commit: Arc<Commit>,
    pub(super) doorbell: Arc<Doorbell>,
    /// The file is on disk up to this offset of the log.
    pub(super) synced: AtomicU64,
    /// Why it cannot be written, while it cannot.
    pub(super) error: Mutex<Option<String>>,
    /// Length of the base and all increments, bytes.
    pub(super) current_size: AtomicU64,
    /// The same behind the last rewrite.
    pub(super) base_size: AtomicU64,
    pub(super) delayed_fsync: AtomicU64,
    pub(super) is_syncing: AtomicBool,
    /// DEBUG AOF-FLUSH-SLEEP, microseconds.
    pub(super) flush_sleep_us: AtomicU64,
    pub(super) rewrites: Mutex<Rewrites>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            state: AtomicU8::new(0),
            commit: Arc::default(),
            doorbell: Arc::default(),
            synced: AtomicU64::new(0),
            error: Mutex::default(),
            current_size: AtomicU64::new(0),
            base_size: AtomicU64::new(0),
            delayed_fsync: AtomicU64::new(0),
            is_syncing: AtomicBool::new(false),
            flush_sleep_us: AtomicU64::new(0),
            rewrites: Mutex::new(Rewrites {
                running: None,
                scheduled: false,
                last_took: None,
                last_ok: true,
                done: 0,
                failures_in_a_row: 0,
                backoff: super::backoff::Backoff::default(),
            }),
        }
    }
}

impl Shared {
    pub(super) fn state(&self) -> State {
        match self.state.load(Relaxed) {
            0 => State::Off,
            1 => State::WaitRewrite,
            _ => State::On,
        }
    }

    pub(super) fn set_state(&self, state: State) {
        self.state.store(state as u8, Relaxed);
    }
}
