//! Counters for INFO: per worker where the hot path counts, shared where it does not matter.

use crate::latency::Histogram;
use crossbeam_utils::CachePadded;
use dashmap::DashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Adds to a counter that only the calling thread writes: a load and a store, no locked instruction.
#[inline]
pub(crate) fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
}

/// What one command has cost. In a worker's table only that worker writes.
#[derive(Default)]
pub struct CommandStats {
    /// Executions.
    pub calls: AtomicU64,
    /// Time spent, ns.
    pub nanos: AtomicU64,
    /// Refused before execution.
    pub rejected: AtomicU64,
    /// Ended in an error.
    pub failed: AtomicU64,
    /// How long executions took; made with the first.
    pub(crate) latency: OnceLock<Box<Histogram>>,
}

impl CommandStats {
    /// Counts an execution.
    #[inline]
    pub(crate) fn count(&self, nanos: u64, tracked: bool) {
        bump(&self.calls, 1);
        bump(&self.nanos, nanos);
        if tracked {
            self.latency.get_or_init(Box::default).count(nanos);
        }
    }
}

/// The counters of one worker.
pub(crate) struct WorkerStats {
    pub(crate) commands: Box<[CommandStats]>,
    pub(crate) processed: AtomicU64,
    pub(crate) error_replies: AtomicU64,
    pub(crate) net_in: AtomicU64,
    pub(crate) net_out: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) writes: AtomicU64,
}

impl WorkerStats {
    pub(crate) fn new(commands: usize) -> CachePadded<Self> {
        CachePadded::new(Self {
            commands: (0..commands).map(|_| CommandStats::default()).collect(),
            processed: AtomicU64::new(0),
            error_replies: AtomicU64::new(0),
            net_in: AtomicU64::new(0),
            net_out: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
        })
    }

    pub(crate) fn reset(&self) {
        for command in &self.commands {
            for counter in [&command.calls, &command.nanos, &command.rejected, &command.failed] {
                counter.store(0, Ordering::Relaxed);
            }
            if let Some(latency) = command.latency.get() {
                latency.reset();
            }
        }
        for counter in
            [&self.processed, &self.error_replies, &self.net_in, &self.net_out, &self.reads, &self.writes]
        {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counters that are not on the hot path. Anybody may add.
        #[derive(Default, Debug)]
        pub struct Counters { $($(#[$doc])* pub $name: AtomicU64),* }

        impl Counters {
            pub(crate) fn reset(&self) {
                $(self.$name.store(0, Ordering::Relaxed);)*
            }
        }
    };
}

counters! {
    /// Connections accepted.
    connections_received,
    /// Connections refused over `maxclients`.
    rejected_connections,
    /// Full syncs served.
    sync_full,
    /// Partial syncs served.
    sync_partial_ok,
    /// Partial syncs refused.
    sync_partial_err,
    /// Active expiry cycles that ran out of their time.
    expired_time_cap_reached,
    /// Keys evicted.
    evicted_keys,
    /// Clients evicted.
    evicted_clients,
    /// Reads by and errors of unexpected kinds in replies to a master.
    unexpected_error_replies,
    /// Clients disconnected over their output-buffer limit.
    output_limit_disconnections,
    /// Clients disconnected over their query-buffer limit.
    query_limit_disconnections,
    /// Failed authentications.
    auth_denied,
    /// Commands refused because the user may not run them.
    acl_denied_commands,
    /// Commands refused because of a key.
    acl_denied_keys,
    /// Commands refused because of a channel.
    acl_denied_channels,
    /// Objects freed in the background.
    lazyfreed_objects,
}

impl Counters {
    /// Adds one.
    pub fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many error replies there were, by code. Bounded: codes are part of user scripts too.
#[derive(Default)]
pub struct ErrorStats {
    by_code: DashMap<String, u64>,
}

const MAX_ERROR_CODES: usize = 128;

impl ErrorStats {
    /// Counts an error with this code.
    pub fn count(&self, code: &str) {
        if let Some(mut count) = self.by_code.get_mut(code) {
            *count += 1;
        } else if self.by_code.len() < MAX_ERROR_CODES {
            *self.by_code.entry(code.to_owned()).or_default() += 1;
        }
    }

    /// Codes and counts, by code.
    pub fn all(&self) -> Vec<(String, u64)> {
        let mut all: Vec<_> =
            self.by_code.iter().map(|entry| (entry.key().clone(), *entry.value())).collect();
        all.sort();
        all
    }

    /// Forgets all.
    pub fn reset(&self) {
        self.by_code.clear();
    }
}
