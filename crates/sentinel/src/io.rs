//! The contract with the driver: what goes into the machine and what comes out of it.
//!
//! All of these are plain values that compare, so that a test can assert a whole story.

use redan_resp::Frame;

use crate::event::{Event, LogLevel};
use crate::ids::{LinkId, SaveId, ScriptId};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkKind {
    /// Requests and their replies.
    Command,
    /// A subscription to the hello channel.
    PubSub,
}

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A numeric IP address, already resolved.
    pub ip: String,
    /// TCP port.
    pub port: u16,
}

/// Something that happened outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A connection stands (with TLS: after the handshake). `local_ip` is our own address on it, which is
    /// what the machine announces unless `announce-ip` says otherwise.
    Connected {
        /// From [`Output::Connect`].
        link: LinkId,
        /// Our end's address.
        local_ip: String,
    },
    /// A connection attempt failed.
    ConnectFailed {
        /// From [`Output::Connect`].
        link: LinkId,
        /// Why, for the log.
        error: String,
    },
    /// An established connection ended (not because of [`Output::Close`]: that needs no answer).
    Closed {
        /// From [`Output::Connect`].
        link: LinkId,
    },
    /// A frame arrived: a reply, in the order of the commands sent, or on a subscription a message.
    Frame {
        /// From [`Output::Connect`].
        link: LinkId,
        /// The frame as decoded.
        frame: Frame,
    },
    /// A name was looked up; `ip` is `None` if it does not resolve (now).
    Resolved {
        /// From [`Output::Resolve`].
        name: String,
        /// One numeric address.
        ip: Option<String>,
    },
    /// The state as it was when [`Output::SaveState`] came out (or later) is on disk.
    Saved {
        /// From [`Output::SaveState`].
        save: SaveId,
    },
    /// It could not be written.
    SaveFailed {
        /// From [`Output::SaveState`].
        save: SaveId,
        /// Why, for the log.
        error: String,
    },
    /// A script is running.
    ScriptStarted {
        /// From [`Output::RunScript`].
        script: ScriptId,
        /// Its process id.
        pid: i64,
    },
    /// A script ended, or could not be started.
    ScriptEnded {
        /// From [`Output::RunScript`].
        script: ScriptId,
        /// How.
        end: ScriptEnd,
    },
}

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptEnd {
    /// By itself. Code 1 asks for a retry.
    Exited(i32),
    /// By a signal; is retried.
    Killed(i32),
    /// It never ran.
    NotStarted,
}

/// Something the driver is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Open a connection; answer with `Connected` or `ConnectFailed`.
    Connect {
        /// Names the connection from now on.
        link: LinkId,
        /// What it is for.
        kind: LinkKind,
        /// Where to.
        to: Endpoint,
        /// Whether to speak TLS.
        tls: bool,
    },
    /// Send one command (RESP array of bulk strings) on a connection that stands.
    Send {
        /// The connection.
        link: LinkId,
        /// Command name and arguments.
        command: Vec<Vec<u8>>,
    },
    /// Drop a connection or the attempt; nothing is expected to be said about it any more.
    Close {
        /// The connection.
        link: LinkId,
    },
    /// Look a name up and answer with `Resolved`. Must not block the driver's loop.
    Resolve {
        /// Host name.
        name: String,
    },
    /// Log `name message` at the event's level, and publish `message` to the clients subscribed to channel
    /// `name` unless the level is debug.
    Event(Event),
    /// Only log.
    Log {
        /// Severity.
        level: LogLevel,
        /// One line.
        text: String,
    },
    /// Write down the state ([`crate::Sentinel::rewrite_lines`]) and answer with `Saved` or `SaveFailed`.
    SaveState {
        /// To be given back.
        save: SaveId,
    },
    /// Run a program; answer with `ScriptStarted` and `ScriptEnded`.
    RunScript {
        /// Names the run.
        script: ScriptId,
        /// Program and arguments.
        argv: Vec<Vec<u8>>,
    },
    /// Kill a script that runs for too long.
    KillScript {
        /// Which.
        script: ScriptId,
    },
    /// `SENTINEL CONFIG SET loglevel` was used.
    SetLogLevel(LogLevel),
    /// `SENTINEL SIMULATE-FAILURE`: end the process at once with status 99.
    Crash,
}

/// What the machine asks of the file system while it handles a command or a configuration line.
pub trait Host {
    /// Whether a script may be used: it exists and may be executed.
    fn is_executable(&self, path: &[u8]) -> bool;
}
