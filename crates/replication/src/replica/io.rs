//! What goes into and comes out of a [`super::ReplicaLink`].

use bytes::Bytes;

use crate::{Audience, LogLevel, ReplId};

/// Names one connection to the master. Never used again for another one; what concerns an old one is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// Where a master listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MasterAddr {
    /// Host name or address as REPLICAOF gave it.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// A place in a history: what a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The history.
    pub id: ReplId,
    /// Bytes of it.
    pub offset: u64,
    /// The database selected there.
    pub db: u32,
}

/// How the payload of a full sync is loaded (`repl-diskless-load`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadMode {
    /// Into a file first.
    #[default]
    Disk,
    /// From the socket, after the old data was flushed.
    Flush,
    /// From the socket, beside the old data, which is replaced at the end.
    SwapDb,
}

/// The parameters that a replica's link depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// `masteruser`.
    pub master_user: Option<String>,
    /// `masterauth`; without it no AUTH is sent.
    pub master_auth: Option<Vec<u8>>,
    /// `repl-timeout` in milliseconds.
    pub timeout_ms: u64,
    /// The port that INFO of the master shall name: `replica-announce-port`, else `port` (or `tls-port`).
    pub announce_port: u16,
    /// `replica-announce-ip`.
    pub announce_ip: Option<String>,
    /// `repl-diskless-load`.
    pub load: LoadMode,
    /// Whether to offer the master a compressed link (`capa redan-lz4`).
    pub offer_lz4: bool,
    /// Whether the driver shall compare an arrived payload with the present data before replacing it; see
    /// [`Output::PayloadDone`].
    pub refuse_empty_master: bool,
}

impl Default for LinkConfig {
    fn default() -> Self {
        LinkConfig {
            master_user: None,
            master_auth: None,
            timeout_ms: 60_000,
            announce_port: 6379,
            announce_ip: None,
            load: LoadMode::Disk,
            offer_lz4: false,
            refuse_empty_master: false,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// REPLICAOF host port.
    SetMaster {
        /// The master to follow.
        master: MasterAddr,
        /// What this server has, if it was a master until now or has just restarted with data: the new master may have
        /// the same history. None for a server that already is a replica (what the link knows stays valid) and for one
        /// without history.
        own: Option<Position>,
        /// True when FAILOVER hands the role over: PSYNC asks the other one to become master first.
        failover: bool,
    },
    /// REPLICAOF NO ONE.
    Unset,
    /// [`Output::Connect`] succeeded.
    Connected(LinkId),
    /// [`Output::Connect`] failed.
    ConnectFailed {
        /// The connection.
        link: LinkId,
        /// Why, in the words of the operating system.
        error: String,
    },
    /// Bytes arrived. Not to be given while [`super::ReplicaLink::wants_read`] is false (they would be buffered).
    Received {
        /// The connection.
        link: LinkId,
        /// The bytes.
        bytes: Bytes,
    },
    /// The connection was closed by the master or broke.
    Closed {
        /// The connection.
        link: LinkId,
        /// Why, if not just closed.
        error: Option<String>,
    },
    /// The payload is loaded and is the data set now.
    PayloadLoaded {
        /// The connection.
        link: LinkId,
        /// `repl-stream-db` of the payload, 0 if it had none.
        stream_db: u32,
    },
    /// The payload could not be stored or loaded.
    PayloadFailed {
        /// The connection.
        link: LinkId,
        /// Why.
        error: String,
    },
    /// The payload was not taken over: the master came back empty; see [`LinkConfig::refuse_empty_master`].
    PayloadRefused {
        /// The connection.
        link: LinkId,
    },
    /// All commands up to this offset were executed.
    Applied {
        /// The connection.
        link: LinkId,
        /// The `end_offset` of an [`Output::Apply`].
        offset: u64,
    },
    /// The AOF is on disk up to this offset; None without an AOF.
    Fsynced(Option<u64>),
    /// REPLCONF GETACK from a client: acknowledge now.
    AckNow,
    /// Parameters changed.
    Config(LinkConfig),
}

/// What the driver must do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Connect, and report [`Input::Connected`] or [`Input::ConnectFailed`].
    Connect {
        /// Names the connection.
        link: LinkId,
        /// To where.
        master: MasterAddr,
    },
    /// Send bytes.
    Send {
        /// The connection.
        link: LinkId,
        /// The bytes.
        bytes: Bytes,
    },
    /// Close the connection and forget what belongs to it (a half-received payload, queued commands).
    Close(LinkId),
    /// A full sync's payload begins. For [`LoadMode::Flush`] flush the old data now.
    PayloadStart {
        /// The connection.
        link: LinkId,
        /// What the server will have after loading it (the database is not known yet).
        id: ReplId,
        /// Offset in that history.
        offset: u64,
        /// Bytes, if the master said.
        size: Option<u64>,
        /// How to load it.
        load: LoadMode,
    },
    /// Bytes of the payload.
    Payload {
        /// The connection.
        link: LinkId,
        /// The bytes.
        bytes: Bytes,
    },
    /// The payload is complete: load it and report [`Input::PayloadLoaded`] or [`Input::PayloadFailed`].
    PayloadDone {
        /// The connection.
        link: LinkId,
        /// With [`LinkConfig::refuse_empty_master`]: when the payload holds no key and this server holds some, do not
        /// replace the data and report [`Input::PayloadRefused`]. To be able to, load it aside.
        refuse_if_empty: bool,
    },
    /// Another history is about to replace ours: disconnect this server's own replicas and free the backlog
    /// ([`crate::Log::free_backlog`]).
    DropReplicas,
    /// A full sync is done (the id is [`ReplId::NONE`] after a master too old to name it: choose one): take over id and offset (`set_id`, `clear_second_id`, `set_offset`, `create_backlog` of
    /// [`crate::Log`]).
    AdoptHistory(Position),
    /// A partial resync continues: create the backlog if there is none.
    Continue(Position),
    /// The master's history goes on under another id: ours too (`set_ids` with `id2` = `old`, valid up to
    /// `offset + 1`). Disconnect this server's own replicas, so that they learn it.
    ReplIdChanged {
        /// The id until now.
        old: ReplId,
        /// The id from now on.
        new: ReplId,
        /// Offset of the change.
        offset: u64,
    },
    /// Commands from the master: execute them, append the bytes to the log verbatim, and report [`Input::Applied`].
    /// Whole commands and whole transactions only.
    Apply {
        /// The connection.
        link: LinkId,
        /// The bytes as the master sent them.
        bytes: Bytes,
        /// Offset behind them.
        end_offset: u64,
        /// Database selected before them.
        db: u32,
        /// Database selected behind them.
        db_after: u32,
        /// For whom they go into the log: PING and REPLCONF are not for the AOF and need not be executed.
        audience: Audience,
    },
    /// Promoted: begin a new history ([`crate::Log::shift_id`]) and disconnect this server's own replicas, which
    /// will resume.
    Promoted,
    /// The link is up (true) or was lost (false).
    LinkChanged(bool),
    /// FAILOVER: the other server took the role over.
    FailoverAccepted,
    /// FAILOVER: the other server refused, or could not be asked.
    FailoverRejected {
        /// For the log.
        reason: &'static str,
    },
    /// Write a line to the log file.
    Log {
        /// Its level.
        level: LogLevel,
        /// Its text.
        text: String,
    },
}

/// What ROLE calls the state of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Not a replica.
    None,
    /// About to connect.
    Connect,
    /// Connecting.
    Connecting,
    /// Between the connection and PSYNC's answer.
    Handshake,
    /// Receiving or loading a payload.
    Sync,
    /// Up.
    Connected,
}

impl LinkState {
    /// The word in the reply to ROLE.
    pub fn role_name(self) -> &'static str {
        match self {
            LinkState::None => "none",
            LinkState::Connect => "connect",
            LinkState::Connecting => "connecting",
            LinkState::Handshake => "handshake",
            LinkState::Sync => "sync",
            LinkState::Connected => "connected",
        }
    }
}

/// What INFO and ROLE tell about the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// The master; None for a master.
    pub master: Option<MasterAddr>,
    /// State of the link; `master_link_status` is `up` when [`LinkState::Connected`].
    pub state: LinkState,
    /// `master_last_io_seconds_ago`, -1 when not connected.
    pub last_io_seconds_ago: i64,
    /// `master_sync_in_progress`.
    pub sync_in_progress: bool,
    /// `slave_read_repl_offset`: received.
    pub read_offset: u64,
    /// `slave_repl_offset`: executed.
    pub applied_offset: u64,
    /// `master_sync_total_bytes`: size of the payload, 0 when not known.
    pub sync_total_bytes: u64,
    /// `master_sync_read_bytes`.
    pub sync_read_bytes: u64,
    /// `master_sync_last_io_seconds_ago`.
    pub sync_last_io_seconds_ago: u64,
    /// `master_link_down_since_seconds`; None while it is up, Some(-1) when it never was.
    pub down_since_seconds: Option<i64>,
    /// Whether a partial resync could be tried.
    pub has_cached_master: bool,
}
