//! The engine: everything connections share.

use crate::latency::{Latencies, LatencyMonitor};
use crate::monitor::Monitors;
use crate::observers::Observers;
use crate::slowlog::Slowlog;
use crate::stats::WorkerStats;
use crate::switches::Switches;
use crate::watch::WatchTable;
use crate::{
    Clients, Command, CommandTable, Conditions, Counters, ErrorStats, Gate, Host, PauseKind, PubSub,
    ScriptEngine, ScriptWatch, SessionOrigin, SessionState, Settings, Users, Worker, condition,
};
use arc_swap::ArcSwap;
use crossbeam_utils::CachePadded;
use parking_lot::Mutex;
use redan_keyspace::{Access, ExpiryMode, Keyspace, Observer};
use redan_replication::Log;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The time, as the server tells it.
pub trait Clock: Send + Sync {
    /// Wall clock, Unix milliseconds.
    fn wall_ms(&self) -> i64;
    /// Wall clock, Unix microseconds.
    fn wall_us(&self) -> i64;
    /// A monotonic clock, nanoseconds; called once a command.
    fn monotonic_ns(&self) -> u64;
}

/// What an engine is made of.
pub struct EngineOptions {
    /// The rows of all commands.
    pub commands: Vec<&'static [Command]>,
    /// `rename-command`: from, to.
    pub renames: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether this is a Sentinel.
    pub sentinel: bool,
    /// `databases`.
    pub databases: u32,
    /// How many threads will run commands.
    pub threads: usize,
    /// Seeds sampling and the LFU counters.
    pub seed: u64,
    /// The replication log.
    pub log: Arc<Log>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// See the module's text. Shared by all workers, for the life of the process.
pub struct Engine {
    keyspace: Arc<Keyspace>,
    gate: Gate,
    log: Arc<Log>,
    table: CommandTable,
    clients: Clients,
    pubsub: PubSub,
    users: Users,
    observers: Arc<Observers>,
    conditions: Conditions,
    settings: ArcSwap<Settings>,
    notify_bits: AtomicU32,
    counters: Counters,
    errors: ErrorStats,
    workers: Mutex<Vec<Arc<CachePadded<WorkerStats>>>>,
    dirty: CachePadded<AtomicU64>,
    pub(crate) pause: Mutex<Option<(PauseKind, i64)>>,
    pub(crate) parked: AtomicUsize,
    pub(crate) monitors: Monitors,
    pub(crate) slowlog: Slowlog,
    pub(crate) latency: LatencyMonitor,
    latency_tracking: AtomicBool,
    pub(crate) switches: Switches,
    pub(crate) scripts: OnceLock<Arc<dyn ScriptEngine>>,
    pub(crate) script_watch: Arc<ScriptWatch>,
    /// Held while the condition that a script keeps the server busy changes.
    pub(crate) busy: Mutex<()>,
    clock: Arc<dyn Clock>,
    host: OnceLock<Arc<dyn Host>>,
}

impl Engine {
    /// An engine without a host yet: [`set_host`](Self::set_host) comes before the first command.
    ///
    /// # Errors
    /// When a `rename-command` does not fit the table.
    pub fn new(options: EngineOptions) -> Result<Self, String> {
        let mut table = CommandTable::new(&options.commands, options.sentinel);
        for (from, to) in &options.renames {
            table.rename(from, to)?;
        }
        let keyspace = Arc::new(Keyspace::new(options.databases, options.seed));
        let observers = Arc::new(Observers::new(options.databases));
        keyspace.set_observer(Arc::clone(&observers) as Arc<dyn Observer>);
        let conditions = Conditions::default();
        conditions.put(condition::SENTINEL, options.sentinel);
        Ok(Self {
            keyspace,
            gate: Gate::new(options.threads),
            log: options.log,
            users: Users::new(&table),
            table,
            clients: Clients::default(),
            pubsub: PubSub::default(),
            observers,
            conditions,
            settings: ArcSwap::from_pointee(Settings::default()),
            notify_bits: AtomicU32::new(0),
            counters: Counters::default(),
            errors: ErrorStats::default(),
            workers: Mutex::default(),
            dirty: CachePadded::new(AtomicU64::new(0)),
            pause: Mutex::default(),
            parked: AtomicUsize::new(0),
            monitors: Monitors::default(),
            slowlog: Slowlog::default(),
            latency: LatencyMonitor::default(),
            latency_tracking: AtomicBool::new(true),
            switches: Switches::default(),
            scripts: OnceLock::new(),
            script_watch: Arc::default(),
            busy: Mutex::default(),
            clock: options.clock,
            host: OnceLock::new(),
        })
    }

    /// Gives the engine its host, once.
    pub fn set_host(&self, host: Arc<dyn Host>) {
        assert!(self.host.set(host).is_ok(), "an engine has one host");
    }

    /// The process around it.
    pub fn host(&self) -> &dyn Host {
        self.host.get().expect("the host is set before the first command").as_ref()
    }

    /// The dataset.
    pub fn keyspace(&self) -> &Keyspace {
        &self.keyspace
    }

    /// The dataset, to keep.
    pub fn keyspace_arc(&self) -> Arc<Keyspace> {
        Arc::clone(&self.keyspace)
    }

    /// The gate.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The replication log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The log, to keep.
    pub fn log_arc(&self) -> Arc<Log> {
        Arc::clone(&self.log)
    }

    /// All commands.
    pub fn table(&self) -> &CommandTable {
        &self.table
    }

    /// All connections.
    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    /// All subscriptions.
    pub fn pubsub(&self) -> &PubSub {
        &self.pubsub
    }

    /// Who may connect.
    pub fn users(&self) -> &Users {
        &self.users
    }

    /// What the server is in.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// The configuration as the engine heeds it.
    pub fn settings(&self) -> arc_swap::Guard<Arc<Settings>> {
        self.settings.load()
    }

    /// Replaces the configuration; takes effect with the next command.
    pub fn set_settings(&self, settings: Settings) {
        self.notify_bits.store(settings.notify.0, Ordering::Relaxed);
        self.conditions.put(condition::MEMORY_LIMITED, settings.maxmemory > 0);
        if self.observers.tracking.set_max_keys(settings.tracking_max_keys) {
            self.conditions.put(condition::TRACKING_FULL, true);
        }
        self.latency.configure(settings.latency_monitor_threshold_ms);
        self.latency_tracking.store(settings.latency_tracking, Ordering::Relaxed);
        self.users.set_all_channels(settings.acl_all_channels);
        self.users.log().set_max_len(settings.acl_log_max_len);
        self.slowlog.configure(settings.slowlog_slower_than_us, settings.slowlog_max_len);
        self.settings.store(Arc::new(settings));
    }

    #[inline]
    pub(crate) fn notify_bits(&self) -> u32 {
        self.notify_bits.load(Ordering::Relaxed)
    }

    /// The time.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Counters that are not per worker.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Error replies by code.
    pub fn errors(&self) -> &ErrorStats {
        &self.errors
    }

    pub(crate) fn observers(&self) -> &Observers {
        &self.observers
    }

    pub(crate) fn watches(&self) -> &WatchTable {
        &self.observers.watches
    }

    /// How a session sees keys now.
    #[inline]
    pub(crate) fn access(&self, now_ms: i64, session: &SessionState, writes: bool) -> Access {
        const HIDE: u32 = condition::REPLICA | condition::PAUSE_WRITE | condition::PAUSE_ALL;
        let expiry = if session.origin != SessionOrigin::Client {
            ExpiryMode::Ignore
        } else if self.conditions.any(HIDE) {
            ExpiryMode::Hide
        } else {
            ExpiryMode::Delete
        };
        Access { now_ms, expiry, touch: !session.no_touch, writes }
    }

    /// Changes to the dataset since the start, in Redis's count.
    pub fn dirty(&self) -> u64 {
        self.dirty.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn add_dirty(&self, by: u64) {
        self.dirty.fetch_add(by, Ordering::Relaxed);
    }

    /// Tells the log's readers, if this worker has appended since the last time.
    pub fn notify_log(&self, worker: &mut Worker) {
        if std::mem::take(&mut worker.appended) {
            self.log.notify();
        }
    }

    pub(crate) fn add_worker_stats(&self) -> Arc<CachePadded<WorkerStats>> {
        let stats = Arc::new(WorkerStats::new(self.table.entries().len()));
        self.workers.lock().push(Arc::clone(&stats));
        stats
    }

    /// Calls, nanoseconds, rejections and failures of the command with this index, over all workers.
    pub fn command_totals(&self, index: u16) -> [u64; 4] {
        let mut totals = [0; 4];
        for worker in self.workers.lock().iter() {
            let stats = &worker.commands[index as usize];
            let counters = [&stats.calls, &stats.nanos, &stats.rejected, &stats.failed];
            for (total, counter) in totals.iter_mut().zip(counters) {
                *total += counter.load(Ordering::Relaxed);
            }
        }
        totals
    }

    /// How long the command with this index took, over all workers.
    pub fn command_latencies(&self, index: u16) -> Latencies {
        let mut sum = Latencies::new();
        for worker in self.workers.lock().iter() {
            if let Some(latency) = worker.commands[index as usize].latency.get() {
                sum.add(latency);
            }
        }
        sum
    }

    /// `latency-tracking`.
    #[inline]
    pub(crate) fn tracks_latency(&self) -> bool {
        self.latency_tracking.load(Ordering::Relaxed)
    }

    /// Commands processed, error replies, bytes in, bytes out, reads and writes of sockets, over all workers.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for worker in self.workers.lock().iter() {
            totals.commands += worker.processed.load(Ordering::Relaxed);
            totals.error_replies += worker.error_replies.load(Ordering::Relaxed);
            totals.net_in += worker.net_in.load(Ordering::Relaxed);
            totals.net_out += worker.net_out.load(Ordering::Relaxed);
            totals.reads += worker.reads.load(Ordering::Relaxed);
            totals.writes += worker.writes.load(Ordering::Relaxed);
        }
        totals
    }

    /// CONFIG RESETSTAT.
    pub fn reset_stats(&self) {
        for worker in self.workers.lock().iter() {
            worker.reset();
        }
        self.counters.reset();
        self.errors.reset();
        if self.has_scripts() {
            self.scripts().reset_stats();
        }
        self.keyspace.reset_stats();
    }

    /// How many keys are watched, each as often as it is watched.
    pub fn watched_keys(&self) -> usize {
        self.observers.interest().watched
    }

    /// How many connections wait in a blocking command.
    pub fn blocked_clients(&self) -> usize {
        self.parked.load(Ordering::Relaxed)
    }
}

/// Sums over all workers.
#[derive(Clone, Copy, Default, Debug)]
pub struct Totals {
    /// Commands processed.
    pub commands: u64,
    /// Error replies.
    pub error_replies: u64,
    /// Bytes read from sockets.
    pub net_in: u64,
    /// Bytes written to sockets.
    pub net_out: u64,
    /// Reads.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
}
