//! The driver of the replication machines.
//!
//! [`redan_replication`] decides, this module acts: it owns the sockets, the threads, the clock and the files. Both
//! machines lie behind one mutex ([`Machines`]); whoever has news locks it, gives the input and does what comes out
//! ([`drive`]). Whatever takes long is handed on, in order: to the task of a replica ([`serve`]), to the link's thread
//! ([`link`]), to a thread for a snapshot ([`snapshot`]) or for loading one ([`payload`]).
//!
//! Two rules keep this free of deadlocks and histories free of holes:
//! - The gate comes before the machines. Who holds the machines never enters the gate; changes of role that turn up then
//!   are handed to a thread that enters the gate alone first ([`role`]).
//! - What the master sent is executed, appended to the log and reported to the machine in one stay inside the gate, and
//!   REPLICAOF runs alone: the offset that the next PSYNC asks for is always that of the data.

mod drive;
mod info;
mod link;
mod loader;
mod parameters;
mod payload;
mod role;
mod serve;
mod snapshot;

use crate::host::Server;
use crate::net::socket::LooseSocket;
use drive::Machines;
use link::Work;
use parking_lot::{Mutex, RwLock};
use redan_engine::{CmdResult, Engine, ReplyError, Session, SessionOrigin, SessionState, Worker};
use redan_persistence::rdb::ReplicationInfo;
use redan_replication::primary::io::{Input, ReplicaId, Role};
use redan_replication::{Log, Millis, Primary, ReplId, ReplicaLink};
use redan_resp::{Args, ReplyBuf};
pub(crate) use role::position_of;
use serve::Replica;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How long the end of the process waits for replicas to be sent what they lack.
const EXIT_FLUSH: Duration = Duration::from_millis(200);
/// No client has this id: FAILOVER's replies go to whoever asks.
const NOBODY: ReplicaId = ReplicaId(0);

/// A connection that asked for the replication stream.
pub struct NewReplica {
    /// Its socket, non-blocking.
    pub socket: LooseSocket,
    /// Its session; `state.hand_over` holds the PSYNC or SYNC it sent. All its replies are written.
    pub session: Session,
    /// What it has sent behind that.
    pub input: Vec<u8>,
}

/// How far replicas are behind, for an orderly shutdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaSync {
    /// Replicas that have all of the stream.
    pub in_sync: usize,
    /// All of them.
    pub total: usize,
}

/// See the module's text.
pub struct Replication {
    engine: &'static Engine,
    log: Arc<Log>,
    machines: Mutex<Machines>,
    server: OnceLock<Arc<Server>>,
    /// Where replicas are served.
    runtime: OnceLock<tokio::runtime::Handle>,
    /// Runs the commands of connections that asked to be replicas and are none.
    worker: OnceLock<Mutex<Worker>>,
    /// Replicas that read the log: woken when something was appended.
    streaming: Arc<RwLock<Vec<Arc<Replica>>>>,
    /// Rung when the master's side wants to be called earlier than its timer task knows.
    timer: Notify,
    /// When that task will call it.
    armed: AtomicU64,
    /// What the link's thread has to do.
    work: UnboundedSender<Work>,
    work_queue: Mutex<Option<UnboundedReceiver<Work>>>,
    /// The last connection to a master of which nothing more may be executed.
    closed_through: AtomicU64,
    is_replica: AtomicBool,
    /// Held by the thread that loads a payload.
    loading: Mutex<()>,
}

impl Replication {
    /// A master without replicas.
    pub fn new(engine: &'static Engine) -> Self {
        let log = engine.log_arc();
        let primary = Primary::new(Arc::clone(&log), Default::default(), Role::Master, random_id());
        let link = ReplicaLink::new(Default::default());
        let (work, queue) = unbounded_channel();
        Self {
            engine,
            log,
            machines: Mutex::new(Machines::new(primary, link)),
            server: OnceLock::new(),
            runtime: OnceLock::new(),
            worker: OnceLock::new(),
            streaming: Arc::default(),
            timer: Notify::new(),
            armed: AtomicU64::new(0),
            work,
            work_queue: Mutex::new(Some(queue)),
            closed_through: AtomicU64::new(0),
            is_replica: AtomicBool::new(false),
            loading: Mutex::new(()),
        }
    }

    /// Begins to work: called once, when everything else is wired and before the dataset is loaded.
    pub fn start(&self, server: &Arc<Server>) {
        assert!(self.server.set(Arc::clone(server)).is_ok(), "replication is started once");
        parameters::watch(server);
        self.prepare_role(server);
        let streaming = Arc::clone(&self.streaming);
        let aof = server.aof().doorbell();
        self.log.set_waker(Arc::new(move || {
            aof.on_appended();
            streaming.read().iter().for_each(|replica| replica.on_appended());
        }));
        // It runs on the thread that empties the pipes of a snapshot.
        let _ = self.worker.set(Mutex::new(Worker::new(self.engine).without_waiting()));
        self.start_serving(server);
        if let Some(queue) = self.work_queue.lock().take() {
            link::start(server, queue);
        }
    }

    /// The thread that serves replicas.
    fn start_serving(&self, server: &Arc<Server>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("the system has an event queue: the main thread has one");
        let _ = self.runtime.set(runtime.handle().clone());
        let server = Arc::clone(server);
        let serve = move || {
            crate::memory::join_thread();
            runtime.block_on(server.replication().run_timers());
        };
        let spawned = std::thread::Builder::new().name("replicas".to_owned()).spawn(serve);
        spawned.expect("the system has threads at the start");
    }

    /// Calls the master's side when it wants to be called.
    async fn run_timers(&self) {
        loop {
            let deadline = self.machines.lock().primary.poll_timeout().unwrap_or(Millis::MAX);
            self.armed.store(deadline, Relaxed);
            let wait = Duration::from_millis(deadline.saturating_sub(self.now()).min(3_600_000));
            tokio::select! {
                () = self.timer.notified() => {}
                () = tokio::time::sleep(wait) => {
                    self.act(false, |machines, now| machines.primary.handle_timeout(now));
                }
            }
        }
    }

    /// The clock of the machines.
    fn now(&self) -> Millis {
        self.engine.clock().monotonic_ns() / 1_000_000
    }

    fn server(&self) -> &Arc<Server> {
        self.server.get().expect("replication is started before anybody connects")
    }

    /// Called by the cron, ten times a second.
    pub fn on_cron(&self) {
        let overrun = self.log.check_limits(self.now());
        let (engine, log) = (self.engine, &self.log);
        self.act(false, |machines, now| {
            let lost: Vec<_> = machines
                .replicas
                .iter()
                .filter(|(_, replica)| replica.cursor().is_some_and(|cursor| overrun.contains(&cursor)))
                .map(|(id, _)| *id)
                .collect();
            for id in lost {
                redan_engine::Counters::count(&engine.counters().output_limit_disconnections);
                machines.primary.handle(now, Input::Overrun(id));
            }
            for replica in machines.replicas.values() {
                let lag = replica.cursor().and_then(|cursor| log.lag(cursor).ok()).unwrap_or(0);
                replica.client.reply_bytes.store(usize::try_from(lag).unwrap_or(usize::MAX), Relaxed);
            }
            machines.forget_the_gone(engine, now);
        });
    }

    /// DEBUG SLEEP: whoever tests how others take a server that hangs wants all of it to hang.
    pub fn sleep(&self, time: Duration) {
        if let Some(runtime) = self.runtime.get() {
            runtime.spawn(async move { std::thread::sleep(time) });
        }
        self.hand_on(Work::Sleep(time));
    }

    /// Whether this server is a replica.
    pub fn is_replica(&self) -> bool {
        self.is_replica.load(Relaxed)
    }

    /// Where replication stands, for the header of a snapshot; the caller runs alone.
    pub fn snapshot_info(&self) -> Option<ReplicationInfo> {
        // Without a backlog nobody can resume what the offset counts.
        self.log.has_backlog().then(|| ReplicationInfo {
            stream_db: self.log.stream_db().unwrap_or(0).into(),
            id: self.log.ids().id.to_string(),
            offset: i64::try_from(self.log.end_offset()).unwrap_or(i64::MAX),
        })
    }

    /// Takes over the connection of a replica.
    pub fn adopt_replica(&self, new: NewReplica) {
        let Some(runtime) = self.runtime.get() else { return };
        let server = Arc::clone(self.server());
        runtime.spawn(async move { serve::serve(server, new).await });
    }

    /// How far replicas are behind.
    pub fn replica_sync(&self) -> ReplicaSync {
        let now = self.now();
        let machines = self.machines.lock();
        let total = machines.primary.online_rows(now).len();
        ReplicaSync { in_sync: total - machines.primary.lagging(now).len(), total }
    }

    /// The process ends: replicas get what they have not got yet, as far as that takes no time.
    pub fn on_exit(&self) {
        let now = self.now();
        for row in self.machines.lock().primary.lagging(now) {
            tracing::info!(
                "Lagging replica {}:{} reported offset {} behind master, lag={}, state={}.",
                row.ip,
                row.port,
                self.log.end_offset().saturating_sub(row.offset),
                row.lag_seconds,
                row.state.info_name()
            );
        }
        self.log.notify();
        let deadline = Instant::now() + EXIT_FLUSH;
        let is_behind = |replica: &Arc<Replica>| {
            replica.cursor().is_some_and(|cursor| self.log.lag(cursor).is_ok_and(|lag| lag > 0))
        };
        while self.streaming.read().iter().any(is_behind) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// See [`Host::replconf`](redan_engine::Host::replconf).
    ///
    /// # Errors
    /// None: replies are written as they are.
    pub fn replconf(&self, session: &mut SessionState, args: Args<'_>, out: &mut ReplyBuf) -> CmdResult {
        if session.origin != SessionOrigin::Client {
            return Ok(());
        }
        let replica = ReplicaId(session.client.id.0);
        let ((), replies) = self.act(false, |machines, now| {
            machines.announced.insert(replica);
            machines.primary.handle(now, Input::ReplConf { replica, args: args.to_owned_args() });
        });
        replies.iter().filter(|(to, _)| *to == replica).for_each(|(_, reply)| out.raw(reply));
        Ok(())
    }

    /// See [`Host::acked_replicas`](redan_engine::Host::acked_replicas).
    pub fn acked_replicas(&self, offset: u64) -> usize {
        self.machines.lock().primary.acked(offset)
    }

    /// See [`Host::fsynced_replicas`](redan_engine::Host::fsynced_replicas).
    pub fn fsynced_replicas(&self, offset: u64) -> usize {
        self.machines.lock().primary.fsynced(offset)
    }

    /// See [`Host::request_acks`](redan_engine::Host::request_acks).
    pub fn request_acks(&self) {
        self.act(false, |machines, now| machines.primary.handle(now, Input::RequestAcks));
    }

    /// See [`Host::failover`](redan_engine::Host::failover).
    ///
    /// # Errors
    /// Why it did not start.
    pub fn failover(&self, args: Args<'_>) -> CmdResult {
        let args = args.to_owned_args();
        let ((), replies) = self.act(true, |machines, now| {
            machines.primary.handle(now, Input::Failover { client: NOBODY, args })
        });
        let reply = replies.into_iter().find(|(to, _)| *to == NOBODY).map(|(_, reply)| reply);
        match reply.as_deref().and_then(|reply| reply.strip_prefix(b"-")) {
            Some(error) => Err(ReplyError::new(String::from_utf8_lossy(error).trim_end().to_owned())),
            None => Ok(()),
        }
    }
}

/// A random replication id.
fn random_id() -> ReplId {
    let mut random = [0; 20];
    fastrand::fill(&mut random);
    ReplId::from_random(random)
}
