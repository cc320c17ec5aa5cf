//! What is known about one replica.

use super::io::{ReplicaId, ReplicaRow, ReplicaState, SnapshotContent};
use crate::{CursorId, Millis};

/// Where an attached replica is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Needs a snapshot that has not been cut.
    WaitStart,
    /// Belongs to the running snapshot; a diskless one is being sent.
    WaitEnd,
    /// Receives the file.
    SendBulk,
    /// Receives the stream.
    Online,
}

/// A replica, or a client that announced itself with REPLCONF and may become one.
#[derive(Debug, Default)]
pub(super) struct Peer {
    /// None: not a replica yet.
    pub(super) stage: Option<Stage>,
    pub(super) listening_port: u16,
    pub(super) announced_ip: Option<String>,
    pub(super) peer_ip: String,
    /// Understands payloads that a mark ends.
    pub(super) capa_eof: bool,
    /// Understands a new id in +CONTINUE.
    pub(super) capa_psync2: bool,
    /// Understands a compressed link.
    pub(super) capa_lz4: bool,
    pub(super) content: SnapshotContent,
    /// Wants no stream.
    pub(super) rdb_only: bool,
    /// Asked with SYNC: sends no acknowledgements.
    pub(super) is_pre_psync: bool,
    pub(super) cursor: Option<CursorId>,
    /// When it asked.
    pub(super) since: Millis,
    pub(super) ack_offset: u64,
    pub(super) aof_offset: u64,
    /// When it was last heard from.
    pub(super) ack_ms: Millis,
    /// Its stream starts with its next acknowledgement.
    pub(super) stream_on_ack: bool,
    /// It acknowledged before we knew that its payload was out.
    pub(super) has_acked_payload: bool,
    /// Since when a diskless payload waits for it to read.
    pub(super) stalled_since: Option<Millis>,
}

impl Peer {
    fn ip(&self) -> &str {
        self.announced_ip.as_deref().unwrap_or(&self.peer_ip)
    }

    /// How log lines call it.
    pub(super) fn name(&self, id: ReplicaId) -> String {
        let ip = self.ip();
        match self.listening_port {
            _ if ip.is_empty() => format!("client id #{}", id.0),
            0 => format!("{ip}:<unknown-replica-port>"),
            port if ip.contains(':') => format!("[{ip}]:{port}"),
            port => format!("{ip}:{port}"),
        }
    }

    /// Whether FAILOVER TO means it.
    pub(super) fn is_at(&self, host: &str, port: u16) -> bool {
        self.listening_port == port && self.ip().eq_ignore_ascii_case(host)
    }

    pub(super) fn row(&self, id: ReplicaId, now: Millis) -> ReplicaRow {
        let state = match self.stage {
            None | Some(Stage::WaitStart | Stage::WaitEnd) => ReplicaState::WaitBgsave,
            Some(Stage::SendBulk) => ReplicaState::SendBulk,
            Some(Stage::Online) => ReplicaState::Online,
        };
        let is_online = state == ReplicaState::Online;
        let lag_seconds = if is_online { now.saturating_sub(self.ack_ms) / 1000 } else { 0 };
        ReplicaRow {
            id,
            ip: self.ip().to_owned(),
            port: self.listening_port,
            state,
            offset: self.ack_offset,
            lag_seconds,
        }
    }
}
