//! What the engine asks of the process around it: configuration, files, links, memory. The server implements it.
//!
//! Methods marked *alone* are called while nothing else runs (their rows are exclusive); they may cut a snapshot or
//! change the role, and must not wait for other commands. All others are called from inside a worker's slot, must be
//! quick and must not enter the gate.

use crate::{Client, CmdResult, ReplyError, SessionState};
use redan_keyspace::DbIndex;
use redan_resp::{Args, ReplyBuf};
use std::sync::Arc;

/// The sections of INFO that the process knows (the engine knows the rest).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the sections")]
pub enum InfoSection {
    Server,
    Clients,
    Memory,
    Persistence,
    Threads,
    Stats,
    Replication,
    Cpu,
    Sentinel,
}

/// Why BGSAVE did not start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SaveRefusal {
    /// One is running.
    InProgress,
    /// Another snapshot (for the append-only file or a replica) is running.
    OtherInProgress,
    /// It could not start; the log says why.
    Failed,
}

/// SHUTDOWN's options.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ShutdownRequest {
    /// SAVE: write a snapshot even without save points.
    pub save: bool,
    /// NOSAVE: write none.
    pub nosave: bool,
    /// NOW: do not wait for replicas.
    pub now: bool,
    /// FORCE: go even if the snapshot fails.
    pub force: bool,
}

/// Why an exchange with another server ended early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExchangeError {
    /// There was no connection to be had.
    Connecting,
    /// What was to be sent could not be sent.
    Writing,
    /// Replies are missing.
    Reading,
}

/// What came of an exchange with another server.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exchange {
    /// The replies that came, a line each, without its end.
    pub replies: Vec<Vec<u8>>,
    /// Why there are no more.
    pub error: Option<ExchangeError>,
}

/// See the module's text.
pub trait Host: Send + Sync {
    /// Names and values of the parameters that match any of the patterns.
    fn config_get(&self, patterns: &[&[u8]]) -> Vec<(String, Vec<u8>)>;

    /// Sets parameters, all or none. *Alone.*
    ///
    /// # Errors
    /// The reply that says which one was wrong and why.
    fn config_set(&self, pairs: &[(&[u8], &[u8])]) -> CmdResult;

    /// Writes the configuration file.
    ///
    /// # Errors
    /// The reply that says why it could not be written.
    fn config_rewrite(&self) -> CmdResult;

    /// Appends the process's fields of a section, as `name:value\r\n` lines.
    fn info(&self, section: InfoSection, out: &mut String);

    /// Memory in use, bytes, by the allocator's count: cheap enough to ask before a write.
    fn used_memory(&self) -> u64;

    /// Writes a snapshot now. *Alone.*
    ///
    /// # Errors
    /// The reply that says why not.
    fn save(&self) -> CmdResult;

    /// Starts a snapshot in the background; with `schedule` it may wait for another one to end. `Ok(false)`: it waits.
    /// *Alone.*
    ///
    /// # Errors
    /// Why it did not start.
    fn bgsave(&self, schedule: bool) -> Result<bool, SaveRefusal>;

    /// Starts a rewrite of the append-only file in the background. `Ok(false)`: when what runs now has ended. *Alone.*
    ///
    /// # Errors
    /// Why it did not start.
    fn bgrewriteaof(&self) -> Result<bool, ReplyError>;

    /// Why the append-only file cannot be written.
    fn aof_error(&self) -> String;

    /// Whether everything up to this offset of the log is in the append-only file and on disk; `None` without such a file.
    fn is_fsynced(&self, offset: u64) -> Option<bool>;

    /// How many replicas have everything up to `offset` in their append-only files and on disk.
    fn fsynced_replicas(&self, offset: u64) -> usize;

    /// BACKUP: begins a copy of the append-only file called `name`; the client waits ([`Park::Host`](crate::Park)).
    /// *Alone.*
    ///
    /// # Errors
    /// Why not.
    fn backup(&self, client: &Arc<Client>, name: &[u8]) -> CmdResult;

    /// When the last snapshot succeeded, Unix seconds.
    fn last_save_s(&self) -> i64;

    /// Begins an orderly end of the process. `Ok(true)`: the client waits ([`Park::Host`](crate::Park)) while replicas
    /// catch up. *Alone.*
    ///
    /// # Errors
    /// Why the process goes on.
    fn shutdown(&self, client: &Arc<Client>, request: ShutdownRequest) -> Result<bool, ReplyError>;

    /// SHUTDOWN ABORT.
    ///
    /// # Errors
    /// When none is under way.
    fn shutdown_abort(&self) -> CmdResult;

    /// Makes this server a replica of `host:port`, or a master. Returns the status to reply. *Alone.*
    ///
    /// # Errors
    /// When a failover is under way, for example.
    fn replicaof(
        &self,
        target: Option<(&[u8], u16)>,
        client: &Arc<Client>,
    ) -> Result<&'static str, ReplyError>;

    /// Writes ROLE's reply.
    fn role(&self, out: &mut ReplyBuf);

    /// A replica's REPLCONF; replies itself if a reply is due.
    ///
    /// # Errors
    /// The reply to a malformed one.
    fn replconf(&self, session: &mut SessionState, args: Args<'_>, out: &mut ReplyBuf) -> CmdResult;

    /// How many replicas have acknowledged everything up to `offset`.
    fn acked_replicas(&self, offset: u64) -> usize;

    /// Asks all replicas for an acknowledgement; parked clients are rung as they come.
    fn request_acks(&self);

    /// FAILOVER. *Alone.*
    ///
    /// # Errors
    /// The reply that says why it did not start.
    fn failover(&self, args: Args<'_>) -> CmdResult;

    /// A session parked with [`Park::Host`](crate::Park) was rung or its deadline has passed: whether it has its reply.
    fn resume(&self, session: &mut SessionState, out: &mut ReplyBuf, now_ms: i64) -> bool;

    /// A command of a Sentinel (SENTINEL, and its ROLE, PUBLISH), with its reply. `Ok(true)`: the reply comes later, the
    /// client waits ([`Park::Host`](crate::Park)).
    ///
    /// # Errors
    /// Its error reply.
    fn sentinel(
        &self,
        session: &mut SessionState,
        args: Args<'_>,
        out: &mut ReplyBuf,
    ) -> Result<bool, ReplyError>;

    /// DEBUG RELOAD and its kin: `save` writes the snapshot first, `flush` empties the dataset before loading. *Alone.*
    ///
    /// # Errors
    /// What went wrong with the file.
    fn debug_reload(&self, save: bool, flush: bool, merge: bool) -> CmdResult;

    /// DEBUG LOADAOF: empties the dataset and loads the append-only file. `Ok(true)`: the client waits
    /// ([`Park::Host`](crate::Park)), which it only does if `may_wait` is set. *Alone.*
    ///
    /// # Errors
    /// What went wrong with the files.
    fn debug_loadaof(&self, client: &Arc<Client>, may_wait: bool) -> Result<bool, ReplyError>;

    /// DEBUG SLEEP: lets the calling thread sleep for so many microseconds. *Alone.*
    fn debug_sleep(&self, micros: u64);

    /// DEBUG subcommands about the process itself (SEGFAULT, PANIC, PAUSE-CRON, RESTART, ...). `false`: no such one.
    ///
    /// # Errors
    /// Its error reply.
    fn debug_other(&self, args: Args<'_>, out: &mut ReplyBuf) -> Result<bool, ReplyError>;

    /// Whether DEBUG is allowed for this client.
    fn debug_allowed(&self, client: &Client) -> bool;

    /// The dataset was emptied by a client (FLUSHALL): a running snapshot of the old one is pointless. *Alone.*
    fn dataset_flushed(&self, db: Option<DbIndex>);

    /// Gives memory that the allocator keeps in reserve back to the system.
    fn purge_memory(&self);

    /// Sends requests to another server and reads so many replies, each of one line. The one method that waits for
    /// others: `timeout_ms` for the connection, for the sending and for each reply.
    fn exchange(&self, host: &[u8], port: &[u8], request: &[u8], replies: usize, timeout_ms: u64)
    -> Exchange;

    /// Drops a value on a background thread.
    fn free_later(&self, garbage: Box<dyn Send>);

    /// The ACL file's name as configured, if there is one.
    fn acl_file(&self) -> Option<String>;

    /// The text of the ACL file.
    ///
    /// # Errors
    /// What the system says.
    fn read_acl_file(&self) -> Result<Vec<u8>, String>;

    /// Replaces the ACL file, durably and in one step; returns whether that worked. If not, the log says why.
    fn write_acl_file(&self, text: &[u8]) -> bool;

    /// Fills a buffer with bytes that nobody can guess.
    fn fill_random(&self, bytes: &mut [u8]);

    /// Writes a line to the log at notice level.
    fn log_notice(&self, text: &str);
}
