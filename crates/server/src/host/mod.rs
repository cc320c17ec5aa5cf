//! The server as a whole, and what it does for the engine ([`Host`]).

mod acl;
mod apply;
mod config;
mod debug;
mod encodings;
mod exchange;
mod lazy_free;
mod shutdown;

use crate::aof::Aof;
use crate::config::{Config, Settings, rows};
use crate::info::Info;
use crate::logging::Log;
use crate::net::Net;
use crate::persist::Persist;
use crate::replication::Replication;
use crate::sentinel::Sentinel;
use crate::{clock, memory};
use exchange::Exchanges;
use lazy_free::LazyFree;
use redan_engine::{
    Client, ClientFlags, ClientKind, CmdResult, Engine, Exchange, Host, InfoSection, ReplyError, SaveRefusal,
    SessionState, ShutdownRequest,
};
use redan_keyspace::DbIndex;
use redan_resp::{Args, ReplyBuf};
use shutdown::Shutdown;
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

pub(crate) use apply::policy;
pub use shutdown::ExitReason;

/// Output that does not count towards limits: Redis holds as much in a buffer that each client has anyway.
pub(crate) const FREE_OUTPUT_LEN: usize = 16 << 10;

/// What a server is made of.
pub struct Parts {
    /// Its engine, which lives as long as the process.
    pub engine: &'static Engine,
    /// Its configuration.
    pub settings: Settings,
    /// The file the configuration came from.
    pub config_file: Option<PathBuf>,
    /// Its log.
    pub log: Log,
    /// The Sentinel, if this is one.
    pub sentinel: Option<Sentinel>,
}

/// Everything the threads of the process share.
pub struct Server {
    engine: &'static Engine,
    config: Config,
    config_file: Option<PathBuf>,
    log: Log,
    net: Net,
    persist: Persist,
    aof: Aof,
    replication: Replication,
    sentinel: Option<Sentinel>,
    lazy_free: LazyFree,
    exchanges: Exchanges,
    shutdown: Shutdown,
    info: Info,
    /// Memory in use before there was any data, bytes.
    startup_memory: AtomicU64,
    /// DEBUG PAUSE-CRON.
    cron_paused: AtomicBool,
    /// DEBUG SET-ACTIVE-EXPIRE.
    active_expire: AtomicBool,
}

thread_local! {
    /// Whether the client whose commands the calling worker runs is connected from this machine.
    static CALLER_IS_LOCAL: Cell<bool> = const { Cell::new(false) };
}

impl Server {
    /// Puts the parts together, applies the configuration and becomes the engine's host.
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { engine, settings, config_file, log, sentinel } = parts;
        let server = Arc::new(Self {
            engine,
            config: Config::new(settings),
            config_file,
            log,
            net: Net::default(),
            persist: Persist::new(engine),
            aof: Aof::new(engine),
            replication: Replication::new(engine),
            sentinel,
            lazy_free: LazyFree::default(),
            exchanges: Exchanges::default(),
            shutdown: Shutdown::default(),
            info: Info::new(),
            startup_memory: AtomicU64::new(0),
            cron_paused: AtomicBool::new(false),
            active_expire: AtomicBool::new(true),
        });
        apply::apply_all(&server);
        engine.set_host(Arc::clone(&server) as Arc<dyn Host>);
        server
    }

    /// The engine.
    pub fn engine(&self) -> &'static Engine {
        self.engine
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The file the configuration came from.
    pub fn config_file(&self) -> Option<&PathBuf> {
        self.config_file.as_ref()
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Sockets and workers.
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// Snapshots.
    pub fn persist(&self) -> &Persist {
        &self.persist
    }

    /// The append-only file.
    pub fn aof(&self) -> &Aof {
        &self.aof
    }

    /// The replication driver.
    pub fn replication(&self) -> &Replication {
        &self.replication
    }

    /// The Sentinel driver, if this is a Sentinel.
    pub fn sentinel_driver(&self) -> Option<&Sentinel> {
        self.sentinel.as_ref()
    }

    /// Whether this is a Sentinel.
    pub fn is_sentinel(&self) -> bool {
        self.sentinel.is_some()
    }

    /// What INFO needs to remember.
    pub fn info_state(&self) -> &Info {
        &self.info
    }

    /// Memory in use before there was any data, bytes.
    pub(crate) fn startup_memory(&self) -> u64 {
        self.startup_memory.load(Relaxed)
    }

    /// Notes that there is no data yet.
    pub(crate) fn note_startup_memory(&self) {
        self.startup_memory.store(memory::used(), Relaxed);
    }

    /// What is freed in the background.
    pub(crate) fn lazy_free(&self) -> &LazyFree {
        &self.lazy_free
    }

    /// Number of connections kept for MIGRATE.
    pub(crate) fn kept_exchanges(&self) -> usize {
        self.exchanges.kept()
    }

    /// Closes connections that MIGRATE has not used for some time.
    pub(crate) fn close_idle_exchanges(&self) {
        self.exchanges.close_idle();
    }

    /// Whether the cron rests (DEBUG PAUSE-CRON).
    pub fn is_cron_paused(&self) -> bool {
        self.cron_paused.load(Relaxed)
    }

    /// Whether expired keys are looked for (DEBUG SET-ACTIVE-EXPIRE).
    pub fn expires_actively(&self) -> bool {
        self.active_expire.load(Relaxed)
    }

    /// Notes whose commands the calling worker is about to run.
    #[inline]
    pub(crate) fn note_caller(&self, client: &Client) {
        CALLER_IS_LOCAL.set(client.has(ClientFlags::LOCAL));
    }

    /// Whether a client that does not take its output, `written` bytes of which have left its mailbox, is to be
    /// disconnected.
    pub(crate) fn is_over_output_limit(&self, client: &Client, written: usize) -> bool {
        let waiting = written.saturating_sub(FREE_OUTPUT_LEN) + client.mailbox.pending_bytes();
        let settings = self.engine.settings();
        let limits = match client.kind() {
            ClientKind::PubSub => settings.pubsub_output_limit,
            ClientKind::Normal => settings.normal_output_limit,
            // The log knows how far replicas lag.
            ClientKind::Replica | ClientKind::Master => return false,
        };
        client.mailbox.over_limit(waiting as u64, limits, self.engine.clock().wall_ms())
    }
}

impl Host for Server {
    fn config_get(&self, patterns: &[&[u8]]) -> Vec<(String, Vec<u8>)> {
        let found = self.config.get(patterns).into_iter();
        found.map(|(name, value)| (String::from_utf8_lossy(&name).into_owned(), value)).collect()
    }

    fn config_set(&self, pairs: &[(&[u8], &[u8])]) -> CmdResult {
        self.set_config(pairs, CALLER_IS_LOCAL.get())
    }

    fn config_rewrite(&self) -> CmdResult {
        self.rewrite_config()
    }

    fn info(&self, section: InfoSection, out: &mut String) {
        crate::info::write(self, section, out);
    }

    fn used_memory(&self) -> u64 {
        memory::used()
    }

    fn save(&self) -> CmdResult {
        self.persist.save(self)
    }

    fn bgsave(&self, schedule: bool) -> Result<bool, SaveRefusal> {
        self.persist.bgsave(self, schedule)
    }

    fn bgrewriteaof(&self) -> Result<bool, ReplyError> {
        self.aof.bgrewrite(self)
    }

    fn aof_error(&self) -> String {
        self.aof.error()
    }

    fn is_fsynced(&self, offset: u64) -> Option<bool> {
        self.aof.is_fsynced(offset)
    }

    fn fsynced_replicas(&self, offset: u64) -> usize {
        self.replication.fsynced_replicas(offset)
    }

    fn backup(&self, client: &Arc<Client>, name: &[u8]) -> CmdResult {
        self.aof.backup(client, name)
    }

    fn debug_loadaof(&self, client: &Arc<Client>, may_wait: bool) -> Result<bool, ReplyError> {
        self.aof.reload(self, client, may_wait)
    }

    fn last_save_s(&self) -> i64 {
        self.persist.last_save_s()
    }

    fn shutdown(&self, client: &Arc<Client>, request: ShutdownRequest) -> Result<bool, ReplyError> {
        self.begin_shutdown(request, ExitReason::Client(client.id))
    }

    fn shutdown_abort(&self) -> CmdResult {
        self.abort_shutdown()
    }

    fn replicaof(
        &self,
        target: Option<(&[u8], u16)>,
        client: &Arc<Client>,
    ) -> Result<&'static str, ReplyError> {
        self.replication.replicaof(target, client)
    }

    fn role(&self, out: &mut ReplyBuf) {
        self.replication.role(out);
    }

    fn replconf(&self, session: &mut SessionState, args: Args<'_>, out: &mut ReplyBuf) -> CmdResult {
        self.replication.replconf(session, args, out)
    }

    fn acked_replicas(&self, offset: u64) -> usize {
        self.replication.acked_replicas(offset)
    }

    fn request_acks(&self) {
        self.replication.request_acks();
    }

    fn failover(&self, args: Args<'_>) -> CmdResult {
        self.replication.failover(args)
    }

    fn resume(&self, session: &mut SessionState, out: &mut ReplyBuf, _now_ms: i64) -> bool {
        if let Some(is_done) = self.aof.resume(session.client.id, out) {
            return is_done;
        }
        match &self.sentinel {
            Some(sentinel) if sentinel.is_waiting(session.client.id) => {
                sentinel.resume(session.client.id, out)
            }
            _ => self.resume_shutdown(session.client.id, out),
        }
    }

    fn sentinel(
        &self,
        session: &mut SessionState,
        args: Args<'_>,
        out: &mut ReplyBuf,
    ) -> Result<bool, ReplyError> {
        match &self.sentinel {
            Some(sentinel) => sentinel.command(session, args, out),
            None => Err(ReplyError::fixed("ERR This instance is not a Sentinel")),
        }
    }

    fn debug_reload(&self, save: bool, flush: bool, merge: bool) -> CmdResult {
        self.persist.reload(self, save, flush, merge)
    }

    fn debug_sleep(&self, micros: u64) {
        let time = std::time::Duration::from_micros(micros);
        self.replication.sleep(time);
        std::thread::sleep(time);
    }

    fn debug_other(&self, args: Args<'_>, out: &mut ReplyBuf) -> Result<bool, ReplyError> {
        self.debug(args, out)
    }

    fn debug_allowed(&self, client: &Client) -> bool {
        use crate::config::choices::ProtectedAction;
        match self.config.peek().get(rows::ENABLE_DEBUG_COMMAND) {
            ProtectedAction::Yes => true,
            ProtectedAction::Local => client.has(ClientFlags::LOCAL),
            ProtectedAction::No => false,
        }
    }

    fn dataset_flushed(&self, db: Option<DbIndex>) {
        if db.is_none() {
            self.persist.on_flushed(self);
        }
    }

    fn purge_memory(&self) {
        crate::sys::arena::purge();
    }

    fn free_later(&self, garbage: Box<dyn Send>) {
        self.lazy_free.add(garbage);
    }

    fn acl_file(&self) -> Option<String> {
        self.acl_file_name()
    }

    fn read_acl_file(&self) -> Result<Vec<u8>, String> {
        self.read_acl()
    }

    fn write_acl_file(&self, text: &[u8]) -> bool {
        self.write_acl(text)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system has random bytes");
    }

    fn exchange(
        &self,
        host: &[u8],
        port: &[u8],
        request: &[u8],
        replies: usize,
        timeout_ms: u64,
    ) -> Exchange {
        self.exchanges.run(host, port, request, replies, Duration::from_millis(timeout_ms))
    }

    fn log_notice(&self, text: &str) {
        tracing::info!("{text}");
    }
}

/// Drops what takes long to drop on a thread of its own.
pub(crate) fn free_later(server: &Server, garbage: impl Send + 'static) {
    Host::free_later(server, Box::new(garbage));
}

/// Seconds since the process started, for INFO and logs.
pub(crate) fn uptime_s(server: &Server) -> i64 {
    clock::unix_s() - server.info.started_s()
}
