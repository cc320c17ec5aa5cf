//! The driver of the replication machines.
//!
//! A server without it is a master that refuses replicas: PSYNC is answered with an error and the connection closed.

use crate::host::Server;
use crate::net::socket::LooseSocket;
use redan_engine::{Client, CmdResult, Engine, ReplyError, Session, SessionState};
use redan_persistence::rdb::{LoadReport, ReplicationInfo};
use redan_resp::{Args, ReplyBuf};
use std::io::Write;
use std::sync::Arc;

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
}

impl Replication {
    /// A driver at rest.
    pub fn new(engine: &'static Engine) -> Self {
        Self { engine }
    }

    /// Begins to work: called once, when everything else is wired and before the dataset is loaded.
    pub fn start(&self, _server: &Arc<Server>) {}

    /// The dataset was loaded from a file, which may say where replication stood.
    pub fn on_loaded(&self, _report: Option<&LoadReport>) {}

    /// Called by the cron, ten times a second.
    pub fn on_cron(&self) {}

    /// Whether this server is a replica.
    pub fn is_replica(&self) -> bool {
        false
    }

    /// Where replication stands, for the header of a snapshot; the caller runs alone.
    pub fn snapshot_info(&self) -> Option<ReplicationInfo> {
        None
    }

    /// Takes over the connection of a replica.
    pub fn adopt_replica(&self, mut new: NewReplica) {
        if let LooseSocket::Tcp(socket) = &mut new.socket {
            // Whether it is read or not, the connection ends here.
            let _ = socket.write_all(b"-ERR replication is not available\r\n");
        }
        self.engine.close_session(&mut new.session);
    }

    /// How far replicas are behind.
    pub fn replica_sync(&self) -> ReplicaSync {
        ReplicaSync::default()
    }

    /// The process ends: replicas get what they have not got yet, as far as that takes no time.
    pub fn on_exit(&self) {}

    /// The fields of INFO replication.
    pub fn info(&self, out: &mut String) {
        use std::fmt::Write;
        let ids = self.engine.log().ids();
        let _ = write!(
            out,
            "role:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\nmaster_replid:{}\r\n\
             master_replid2:0000000000000000000000000000000000000000\r\nmaster_repl_offset:{}\r\n\
             second_repl_offset:-1\r\nrepl_backlog_active:0\r\nrepl_backlog_size:{}\r\n\
             repl_backlog_first_byte_offset:0\r\nrepl_backlog_histlen:0\r\n",
            ids.id.as_str(),
            self.engine.log().end_offset(),
            self.engine.log().backlog_size(),
        );
    }

    /// See [`Host::replicaof`](redan_engine::Host::replicaof).
    ///
    /// # Errors
    /// Always, for a master that has to become a replica.
    pub fn replicaof(
        &self,
        target: Option<(&[u8], u16)>,
        _client: &Arc<Client>,
    ) -> Result<&'static str, ReplyError> {
        match target {
            None => Ok("OK"),
            Some(_) => Err(ReplyError::fixed("ERR replication is not available")),
        }
    }

    /// See [`Host::role`](redan_engine::Host::role).
    pub fn role(&self, out: &mut ReplyBuf) {
        out.array(3);
        out.bulk(b"master");
        out.int(self.engine.log().end_offset() as i64);
        out.array(0);
    }

    /// See [`Host::replconf`](redan_engine::Host::replconf).
    ///
    /// # Errors
    /// None yet.
    pub fn replconf(&self, _session: &mut SessionState, _args: Args<'_>, out: &mut ReplyBuf) -> CmdResult {
        out.simple("OK");
        Ok(())
    }

    /// See [`Host::acked_replicas`](redan_engine::Host::acked_replicas).
    pub fn acked_replicas(&self, _offset: u64) -> usize {
        0
    }

    /// See [`Host::request_acks`](redan_engine::Host::request_acks).
    pub fn request_acks(&self) {}

    /// See [`Host::failover`](redan_engine::Host::failover).
    ///
    /// # Errors
    /// Always: there is no replica.
    pub fn failover(&self, _args: Args<'_>) -> CmdResult {
        Err(ReplyError::fixed("ERR FAILOVER requires connected replicas."))
    }
}
