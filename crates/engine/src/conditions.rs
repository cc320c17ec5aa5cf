//! What the server is in that commands must heed, as one word of bits: zero when nothing is special.

use std::sync::atomic::{AtomicU32, Ordering};

/// Bits of [`Conditions`].
pub mod condition {
    /// A dataset is being loaded.
    pub const LOADING: u32 = 1 << 0;
    /// A replica loads a new dataset while serving the old one.
    pub const ASYNC_LOADING: u32 = 1 << 1;
    /// A read-only replica.
    pub const READ_ONLY: u32 = 1 << 2;
    /// A replica whose link is down and that may not serve stale data.
    pub const STALE: u32 = 1 << 3;
    /// The last snapshot failed and `stop-writes-on-bgsave-error` is on.
    pub const SAVE_ERROR: u32 = 1 << 4;
    /// The append-only file cannot be written.
    pub const AOF_ERROR: u32 = 1 << 5;
    /// Fewer good replicas than `min-replicas-to-write`.
    pub const FEW_REPLICAS: u32 = 1 << 6;
    /// `maxmemory` is set: writes that may grow the dataset make room first.
    pub const MEMORY_LIMITED: u32 = 1 << 7;
    /// Writes wait (CLIENT PAUSE WRITE, failover).
    pub const PAUSE_WRITE: u32 = 1 << 8;
    /// Everything waits (CLIENT PAUSE ALL).
    pub const PAUSE_ALL: u32 = 1 << 9;
    /// Somebody watches with MONITOR.
    pub const MONITORED: u32 = 1 << 10;
    /// A script is over its time limit.
    pub const BUSY: u32 = 1 << 11;
    /// This is a Sentinel.
    pub const SENTINEL: u32 = 1 << 12;
    /// More keys are tracked than `tracking-table-max-keys` allows.
    pub const TRACKING_FULL: u32 = 1 << 15;
    /// Always set, so that [`CommandEntry::heeds`](crate::CommandEntry) can ask for a closer look at any time.
    pub const ALWAYS: u32 = 1 << 14;
    /// This is a replica (read-only or not): keys expire by the master's word only.
    pub const REPLICA: u32 = 1 << 13;
}

/// The word of bits. Whoever changes the server's state sets and clears its bit; commands load it once.
pub struct Conditions(AtomicU32);

impl Default for Conditions {
    fn default() -> Self {
        Self(AtomicU32::new(condition::ALWAYS))
    }
}

impl Conditions {
    /// All bits.
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Whether any of `bits` is set.
    #[inline]
    pub fn any(&self, bits: u32) -> bool {
        self.get() & bits != 0
    }

    /// Sets or clears `bits`.
    pub fn put(&self, bits: u32, on: bool) {
        if on {
            self.0.fetch_or(bits, Ordering::AcqRel);
        } else {
            self.0.fetch_and(!bits, Ordering::AcqRel);
        }
    }
}
