//! How a command runs: the gate, sessions, dispatch and its checks, effects and propagation, transactions, pub/sub.
//!
//! The engine sits between the sockets (crate `server`) and the data (crate `keyspace`). It knows *how* commands run
//! and nothing about what any of them does: those are [`Command`] rows with handlers, made by crate `commands` and
//! given to [`Engine::new`] as slices. What only a process can do (files, links, configuration, the clock) it asks of
//! the [`Host`], which the server implements.
//!
//! One turn of a connection is one call of [`Engine::run`]: it takes the bytes read so far and executes every complete
//! request in them, one after the other, synchronously, writing replies into the session's [`ReplyBuf`]. The pieces,
//! in the order a request meets them:
//!
//! 1. [`CommandTable`] finds the row of the request's name.
//! 2. [`dispatch`](Engine::run) checks what the server and the session are in: two words of bits that are zero when
//!    nothing is special, so that the common command pays two loads.
//! 3. The [`Gate`] is entered: by the worker's own slot for keyed commands, by all slots for exclusive ones.
//! 4. The handler runs with a [`Cx`]: the locked view of its keys, the reply buffer, the session.
//! 5. What it changed is appended to the replication log while the shard locks are still held, then locks go, then
//!    keyspace events are published.
//!
//! Nothing here awaits, sleeps, reads a clock or opens a socket.

mod acl;
mod batch;
mod blocking;
mod checks;
mod client;
mod client_line;
mod clients;
mod command;
mod conditions;
mod context;
mod dispatch;
mod effects;
mod engine;
pub mod errors;
mod gate;
mod host;
mod latency;
mod monitor;
mod notify;
mod observers;
mod park;
mod pubsub;
mod redact;
mod replay;
mod script;
mod session;
mod settings;
mod slowlog;
mod stats;
mod switches;
mod table;
mod tracking;
mod transaction;
mod upkeep;
mod watch;
mod worker;

pub use acl::{
    AclContext, AclEntry, AclLog, DEFAULT_USER, Denied, Passwords, Permissions, RuleError, RuleScope,
    Selector, SetUserError, User, Users, has_spaces, load_acl_file, merge_selectors,
};
pub use blocking::{BlockOn, TimeoutReply};
pub use client::{Client, ClientFlags, ClientId, ClientKind, ClientMeta, Mailbox, Unblock};
pub use client_line::{ClientNow, write_client_line};
pub use clients::Clients;
pub use command::{
    Arg, ArgKind, Category, Channels, Command, FindKeys, Flags, Group, Handler, KeyFinder, KeyFlags, KeySpec,
    Run, category, flag, key_flag,
};
pub use command::{BeginSearch, arg_flag};
pub use conditions::{Conditions, condition};
pub use context::Cx;
pub use dispatch::{Turn, TurnEnd};
pub use effects::Effects;
pub use engine::{Clock, Engine, EngineOptions, Totals};
pub use errors::ReplyError;
pub use gate::{ExclusiveGuard, Gate, SlotGuard, SlotId};
pub use host::{Exchange, ExchangeError, Host, InfoSection, SaveRefusal, ShutdownRequest};
pub use latency::{Latencies, LatencyMonitor, LatencySample, LatencySeries};
pub use notify::{NotifyClasses, notify_class};
pub use park::{Park, PauseKind};
pub use pubsub::PubSub;
pub use script::{
    CallError, FunctionInfo, KillRefusal, LibraryInfo, RestorePolicy, RunningScript, Script, ScriptCx,
    ScriptEnd, ScriptEngine, ScriptFigures, ScriptJob, ScriptKind, ScriptSource, ScriptWatch, Verdict,
    script_flag,
};
pub(crate) use session::RunNow;
pub use session::{MultiState, ReplyMode, Session, SessionOrigin, SessionState, Watched};
pub use settings::Settings;
pub use slowlog::{SlowCommand, Slowlog};
pub use stats::{CommandStats, Counters, ErrorStats};
pub use switches::Switches;
pub use table::{CommandEntry, CommandTable, Lookup};
pub use tracking::{ClientTracking, TrackingCounts, TrackingFlags, TrackingRequest};
pub use upkeep::ExpireCursor;
pub use worker::Worker;

/// The outcome of a handler: its reply is in the buffer, or an error reply replaces whatever it had written.
pub type CmdResult = Result<(), ReplyError>;

/// The version of Redis that clients take us for (INFO, HELLO).
pub const REDIS_VERSION: &str = "7.4.0";
