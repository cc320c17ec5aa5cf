//! What goes into and comes out of a [`super::Primary`].

use bytes::Bytes;
use redan_resp::OwnedArgs;

use crate::{CursorId, LogLevel, ReplId};

/// Names an attached replica: the id of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplicaId(pub u64);

/// Names one snapshot made for replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapshotId(pub u64);

/// What a snapshot holds (`REPLCONF rdb-filter-only`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotContent {
    /// Leave out the keys.
    pub without_data: bool,
    /// Leave out the functions.
    pub without_functions: bool,
}

/// The parameters that the master's side depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimaryConfig {
    /// `repl-timeout` in milliseconds.
    pub timeout_ms: u64,
    /// `repl-ping-replica-period` in milliseconds.
    pub ping_period_ms: u64,
    /// `repl-diskless-sync`.
    pub diskless_sync: bool,
    /// `repl-diskless-sync-delay` in milliseconds.
    pub diskless_sync_delay_ms: u64,
    /// `repl-diskless-sync-max-replicas`, 0 for no maximum.
    pub diskless_sync_max_replicas: usize,
    /// `repl-backlog-ttl` in milliseconds, 0 to keep the backlog for ever.
    pub backlog_ttl_ms: u64,
    /// `min-replicas-to-write`, 0 when off.
    pub min_replicas_to_write: usize,
    /// `min-replicas-max-lag` in milliseconds, 0 when off.
    pub min_replicas_max_lag_ms: u64,
}

impl Default for PrimaryConfig {
    fn default() -> Self {
        PrimaryConfig {
            timeout_ms: 60_000,
            ping_period_ms: 10_000,
            diskless_sync: true,
            diskless_sync_delay_ms: 5_000,
            diskless_sync_max_replicas: 0,
            backlog_ttl_ms: 3_600_000,
            min_replicas_to_write: 0,
            min_replicas_max_lag_ms: 10_000,
        }
    }
}

/// What this server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A master.
    Master,
    /// A replica whose link to its master is up or not.
    Replica {
        /// Whether it is up.
        link_up: bool,
    },
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// REPLCONF, with its name as argument 0. Also from clients that are no replicas yet. (GETACK goes to the
    /// [`crate::ReplicaLink`] as well.)
    ReplConf {
        /// The client.
        replica: ReplicaId,
        /// All arguments.
        args: OwnedArgs,
    },
    /// PSYNC or SYNC, with its name as argument 0.
    Sync {
        /// The client.
        replica: ReplicaId,
        /// All arguments.
        args: OwnedArgs,
        /// Address of its socket, without port.
        peer_ip: String,
        /// Whether replies to earlier commands are still unsent.
        has_pending_output: bool,
    },
    /// A bare newline from a replica that loads its payload: it is alive.
    Newline(ReplicaId),
    /// The client is gone.
    Closed(ReplicaId),
    /// The cut of a snapshot: to be given while no command runs. `offset` is the log's end.
    SnapshotCut {
        /// The snapshot.
        snapshot: SnapshotId,
        /// The log's end at the cut.
        offset: u64,
        /// Forty random characters to mark the end of a diskless payload.
        eof_mark: [u8; 40],
    },
    /// A snapshot on disk is complete.
    SnapshotReady {
        /// The snapshot.
        snapshot: SnapshotId,
        /// Its size in bytes.
        bytes: u64,
    },
    /// A diskless snapshot is generated completely; what is left is to send it.
    SnapshotStreamed(SnapshotId),
    /// A snapshot could not be begun or finished.
    SnapshotFailed {
        /// The snapshot.
        snapshot: SnapshotId,
        /// For the log.
        error: String,
    },
    /// Header, payload and trailer of [`Output::SendPayload`] are written to the socket.
    PayloadSent(ReplicaId),
    /// The replica took some of the payload.
    PayloadProgress {
        /// The replica.
        replica: ReplicaId,
        /// Whether more could have been written if it read faster. A replica that stays stalled for `repl-timeout` is
        /// disconnected.
        stalled: bool,
    },
    /// The log's cursor of the replica was overrun (`client-output-buffer-limit`).
    Overrun(ReplicaId),
    /// WAIT or WAITAOF blocks a client: replicas shall acknowledge now.
    RequestAcks,
    /// Role or state of the link to the own master changed.
    Role(Role),
    /// This server's history changed: all replicas must be disconnected.
    DropReplicas,
    /// FAILOVER, with its name as argument 0.
    Failover {
        /// The client.
        client: ReplicaId,
        /// All arguments.
        args: OwnedArgs,
    },
    /// The target of a failover took the role over, or refused.
    FailoverAnswered {
        /// True when it took over.
        accepted: bool,
        /// For the log when it did not.
        reason: &'static str,
    },
    /// A random id for the next history, at once whenever [`Output::WantReplId`] asked.
    NewReplId(ReplId),
    /// Parameters changed.
    Config(PrimaryConfig),
}

/// Why a replica is disconnected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// Nothing was heard from it for `repl-timeout`.
    Timeout,
    /// It lagged over `client-output-buffer-limit`.
    Overrun,
    /// The snapshot failed.
    SnapshotFailed,
    /// It only wanted a snapshot and has it.
    RdbOnly,
    /// The history changed.
    HistoryChanged,
}

/// What the driver must do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send bytes to a client: a reply, or a newline to keep the link alive.
    Reply {
        /// The client.
        replica: ReplicaId,
        /// The bytes.
        bytes: Bytes,
    },
    /// The client is a replica from now on (MONITOR, CLIENT LIST and limits treat it as one).
    BecameReplica(ReplicaId),
    /// Make a snapshot for replicas as soon as none is running, and report [`Input::SnapshotCut`].
    StartSnapshot {
        /// Names it.
        snapshot: SnapshotId,
        /// True: streamed into the sockets that [`Output::SendPayload`] will name right after the cut. False: into a
        /// file, and [`Input::SnapshotReady`] follows.
        diskless: bool,
        /// What to leave out.
        content: SnapshotContent,
    },
    /// The last receiver of the diskless snapshot is gone.
    CancelSnapshot(SnapshotId),
    /// The replica will read the log from `cursor` on; give the cursor its limits. Nothing is to be sent yet.
    AttachCursor {
        /// The replica.
        replica: ReplicaId,
        /// Its cursor.
        cursor: CursorId,
        /// Offset of the cursor.
        offset: u64,
    },
    /// Send a payload: header, the snapshot's bytes, trailer. Then report [`Input::PayloadSent`].
    SendPayload {
        /// The replica.
        replica: ReplicaId,
        /// The snapshot.
        snapshot: SnapshotId,
        /// `$<size>\r\n` or `$EOF:<mark>\r\n`.
        header: Bytes,
        /// Empty, or the mark.
        trailer: Bytes,
    },
    /// From now on send the replica what its cursor gives.
    StartStream {
        /// The replica.
        replica: ReplicaId,
        /// Its cursor.
        cursor: CursorId,
    },
    /// Close the client after what it was sent. Its cursor is detached already.
    Disconnect {
        /// The replica.
        replica: ReplicaId,
        /// Why.
        reason: DisconnectReason,
    },
    /// Append PING to the log, for replicas only.
    AppendPing,
    /// Append `REPLCONF GETACK *` to the log, for replicas only.
    AppendGetAck,
    /// Some replica acknowledged more: see whether clients in WAIT and WAITAOF can go on.
    AcksAdvanced,
    /// Report [`Input::NewReplId`].
    WantReplId,
    /// Pause writes of clients (FAILOVER).
    PauseWrites,
    /// End that pause.
    UnpauseWrites,
    /// Become a replica of the failover's target, by a PSYNC FAILOVER.
    FailoverTo {
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
    },
    /// Become a master (again): PSYNC FAILOVER was received, or the own failover failed. Must be done before the next
    /// input.
    BecomeMaster,
    /// Write a line to the log file.
    Log {
        /// Its level.
        level: LogLevel,
        /// Its text.
        text: String,
    },
}

/// State of a replica as INFO names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaState {
    /// Waits for a snapshot, to begin or to end.
    WaitBgsave,
    /// Receives the payload.
    SendBulk,
    /// Receives the stream.
    Online,
    /// Wanted no more than a payload and has it.
    RdbTransmitted,
}

impl ReplicaState {
    /// The word in INFO.
    pub fn info_name(self) -> &'static str {
        match self {
            ReplicaState::WaitBgsave => "wait_bgsave",
            ReplicaState::SendBulk => "send_bulk",
            ReplicaState::Online => "online",
            ReplicaState::RdbTransmitted => "rdb_transmitted",
        }
    }
}

/// One attached replica as INFO and ROLE show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaRow {
    /// The client.
    pub id: ReplicaId,
    /// The announced address, else the socket's.
    pub ip: String,
    /// The announced port.
    pub port: u16,
    /// State.
    pub state: ReplicaState,
    /// Acknowledged offset.
    pub offset: u64,
    /// Seconds since the last acknowledgement; 0 unless online.
    pub lag_seconds: u64,
}

impl std::fmt::Display for ReplicaRow {
    /// The value of INFO's `slave<n>`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.info_name();
        write!(f, "ip={},port={},state={state}", self.ip, self.port)?;
        write!(f, ",offset={},lag={}", self.offset, self.lag_seconds)
    }
}

/// `master_failover_state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailoverState {
    /// None.
    #[default]
    NoFailover,
    /// Writes are paused until a replica has everything.
    WaitingForSync,
    /// The target was asked to take over.
    InProgress,
}

impl FailoverState {
    /// The word in INFO.
    pub fn info_name(self) -> &'static str {
        match self {
            FailoverState::NoFailover => "no-failover",
            FailoverState::WaitingForSync => "waiting-for-sync",
            FailoverState::InProgress => "failover-in-progress",
        }
    }
}
