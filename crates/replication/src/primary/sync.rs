//! PSYNC and SYNC, and the snapshots that full syncs need.

use std::fmt::Write as _;

use bytes::Bytes;
use redan_resp::{OwnedArgs, parse_i64};

use super::io::{DisconnectReason, FailoverState, Output, ReplicaId, Role, SnapshotContent, SnapshotId};
use super::peer::{Peer, Stage};
use super::{Primary, Timer, is_arg, text_arg};
use crate::{Audience, LogLevel, Millis, Refusal};

/// A replica's request.
#[derive(Debug)]
pub(super) struct SyncRequest {
    pub(super) replica: ReplicaId,
    pub(super) args: OwnedArgs,
    pub(super) peer_ip: String,
    pub(super) has_pending_output: bool,
}

/// The snapshot that is being made for replicas.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) id: SnapshotId,
    pub(super) diskless: bool,
    content: SnapshotContent,
    /// The log's end at the cut, once that was made.
    offset: Option<u64>,
    /// It is generated, and still being sent.
    is_streamed: bool,
}

impl Primary {
    pub(super) fn on_sync(&mut self, now: Millis, request: SyncRequest) {
        let replica = request.replica;
        if self.is_replica(replica) {
            return;
        }
        if is_arg(&request.args, 0, "PSYNC") && is_arg(&request.args, 3, "FAILOVER") {
            let id = text_arg(&request.args, 1);
            self.log_line(LogLevel::Notice, format!("Failover request received for replid {id}."));
            if self.role == Role::Master {
                return self.reply_error(replica, "ERR PSYNC FAILOVER can't be sent to a master.");
            }
            if !self.log.ids().id.matches(id.as_bytes()) {
                return self.reply_error(replica, "ERR PSYNC FAILOVER replid must match my replid.");
            }
            let text = format!("MASTER MODE enabled (failover request from 'id={}')", replica.0);
            self.log_line(LogLevel::Notice, text);
            self.outputs.push_back(Output::BecomeMaster);
            self.deferred = Some(request);
            return;
        }
        self.sync(now, request);
    }

    pub(super) fn sync(&mut self, now: Millis, request: SyncRequest) {
        let SyncRequest { replica, args, peer_ip, has_pending_output } = request;
        let peer = self.peer_mut(replica);
        peer.peer_ip = peer_ip;
        let lacks_eof = peer.content != SnapshotContent::default() && !peer.capa_eof;
        if self.failover.state != FailoverState::NoFailover {
            return self.reply_error(replica, "NOMASTERLINK Can't SYNC while failing over");
        }
        if self.role == (Role::Replica { link_up: false }) {
            return self.reply_error(replica, "NOMASTERLINK Can't SYNC while not connected with my master");
        }
        if has_pending_output {
            return self.reply_error(replica, "ERR SYNC and PSYNC are invalid with pending output");
        }
        if lacks_eof {
            return self.reply_error(replica, "ERR Filtered replica requires EOF capability");
        }
        let name = self.name_of(replica);
        self.log_line(LogLevel::Notice, format!("Replica {name} asks for synchronization"));
        let is_psync = is_arg(&args, 0, "PSYNC");
        if is_psync {
            let Some(offset) = args.get(2).and_then(parse_i64) else {
                let text = format!("Replica {name} asks for synchronization but with a wrong offset");
                self.log_line(LogLevel::Warning, text);
                return self.reply_error(replica, "ERR value is not an integer or out of range");
            };
            let id = args.get(1).unwrap_or_default();
            if self.try_continue(now, replica, id, offset) {
                self.stats.partial_ok += 1;
                return;
            }
            if !id.starts_with(b"?") {
                self.stats.partial_err += 1;
            }
        }
        self.stats.full += 1;
        self.await_snapshot(now, replica, is_psync);
    }

    /// A partial resync, if the log has what the replica lacks.
    fn try_continue(&mut self, now: Millis, replica: ReplicaId, id: &[u8], psync_offset: i64) -> bool {
        let attached = self.log.can_continue(id, psync_offset).map(|offset| {
            // Bytes may be trimmed away in between when others append.
            self.log.attach(offset, Audience::ReplicasOnly).map(|cursor| (cursor, offset)).ok()
        });
        let (cursor, offset) = match attached {
            Ok(Some(attached)) => attached,
            Ok(None) => return false,
            Err(refusal) => {
                self.log_refusal(replica, id, psync_offset, refusal);
                return false;
            }
        };
        let peer = self.peer_mut(replica);
        peer.stage = Some(Stage::Online);
        peer.ack_ms = now;
        peer.cursor = Some(cursor);
        let (is_psync2, name) = (peer.capa_psync2, peer.name(replica));
        let answer = if is_psync2 {
            format!("+CONTINUE {}\r\n", self.log.ids().id)
        } else {
            "+CONTINUE\r\n".to_owned()
        };
        self.outputs.push_back(Output::BecameReplica(replica));
        self.reply(replica, answer);
        self.outputs.push_back(Output::AttachCursor { replica, cursor, offset });
        self.outputs.push_back(Output::StartStream { replica, cursor });
        let missing = self.log.end_offset() - offset;
        let text = format!(
            "Partial resynchronization request from {name} accepted. Sending {missing} bytes of backlog starting from \
             offset {psync_offset}."
        );
        self.log_line(LogLevel::Notice, text);
        self.watch_replicas(now);
        true
    }

    fn log_refusal(&mut self, replica: ReplicaId, id: &[u8], offset: i64, refusal: Refusal) {
        let name = self.name_of(replica);
        let wanted = String::from_utf8_lossy(id);
        match refusal {
            Refusal::OtherHistory(_) if id.starts_with(b"?") => {
                self.log_line(LogLevel::Notice, format!("Full resync requested by replica {name}"));
            }
            Refusal::OtherHistory(ids) if ids.id2.matches(id) => {
                let text = format!(
                    "Partial resynchronization not accepted: Requested offset for second ID was {offset}, but I can \
                     reply up to {}",
                    ids.second_offset
                );
                self.log_line(LogLevel::Notice, text);
            }
            Refusal::OtherHistory(ids) => {
                let text = format!(
                    "Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '{wanted}', my \
                     replication IDs are '{}' and '{}')",
                    ids.id, ids.id2
                );
                self.log_line(LogLevel::Notice, text);
            }
            Refusal::NotInBacklog { .. } => {
                let text = format!(
                    "Unable to partial resync with replica {name} for lack of backlog (Replica request was: {offset})."
                );
                self.log_line(LogLevel::Notice, text);
                if u64::try_from(offset).is_ok_and(|offset| offset > self.log.end_offset()) {
                    let text = format!(
                        "Warning: replica {name} tried to PSYNC with an offset that is greater than the master \
                         replication offset."
                    );
                    self.log_line(LogLevel::Warning, text);
                }
            }
        }
    }

    /// A full sync: the replica gets the running snapshot or waits for the next one.
    fn await_snapshot(&mut self, now: Millis, replica: ReplicaId, is_psync: bool) {
        let peer = self.peer_mut(replica);
        peer.stage = Some(Stage::WaitStart);
        peer.since = now;
        peer.ack_ms = now;
        peer.is_pre_psync = !is_psync;
        let (content, capa_eof) = (peer.content, peer.capa_eof);
        self.outputs.push_back(Output::BecameReplica(replica));
        if !self.log.has_backlog() {
            if self.role == Role::Master {
                self.begin_history();
            }
            self.log.create_backlog();
            let ids = self.log.ids();
            let text = format!(
                "Replication backlog created, my new replication IDs are '{}' and '{}'",
                ids.id, ids.id2
            );
            self.log_line(LogLevel::Notice, text);
        }
        self.watch_replicas(now);
        match &self.snapshot {
            Some(Snapshot { offset: None, .. }) | None => self.try_start_snapshot(now),
            Some(Snapshot { diskless: true, .. }) => self.log_line(
                LogLevel::Notice,
                "Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC",
            ),
            Some(Snapshot { offset: Some(offset), content: made, .. }) => {
                let offset = *offset;
                if *made == content && self.can_join(replica, offset) {
                    self.set_up(replica, offset, None);
                    self.log_line(LogLevel::Notice, "Waiting for end of BGSAVE for SYNC");
                } else {
                    self.log_line(
                        LogLevel::Notice,
                        "Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC",
                    );
                }
            }
        }
        if self.snapshot.is_none() && self.config.diskless_sync && capa_eof {
            self.log_line(LogLevel::Notice, "Delay next BGSAVE for diskless SYNC");
        }
    }

    /// Whether the log still holds everything since the cut, because another replica of that snapshot needs it.
    fn can_join(&self, replica: ReplicaId, offset: u64) -> bool {
        let rdb_only = self.peers.get(&replica).is_some_and(|peer| peer.rdb_only);
        let has_member = self
            .replicas()
            .any(|(_, peer)| peer.stage == Some(Stage::WaitEnd) && (rdb_only || peer.cursor.is_some()));
        has_member
            && (rdb_only
                || self
                    .log
                    .attach(offset, Audience::ReplicasOnly)
                    .map(|probe| self.log.detach(probe))
                    .is_ok())
    }

    /// Starts a snapshot for the replicas that wait for one, if none is running and they have waited long enough.
    pub(super) fn try_start_snapshot(&mut self, now: Millis) {
        self.timers.stop(Timer::SnapshotDelay as usize);
        if self.snapshot.is_some() {
            return;
        }
        let is_waiting = |peer: &&Peer| peer.stage == Some(Stage::WaitStart);
        let Some(content) = self.peers.values().find(is_waiting).map(|peer| peer.content) else { return };
        let group = || self.peers.values().filter(is_waiting).filter(|peer| peer.content == content);
        let all_eof = group().all(|peer| peer.capa_eof);
        let diskless = (self.config.diskless_sync || content != SnapshotContent::default()) && all_eof;
        // Once begun nobody can join a diskless one: wait a little for others.
        if diskless && self.config.diskless_sync {
            let max = self.config.diskless_sync_max_replicas;
            let oldest = group().map(|peer| peer.since).min().unwrap_or(now);
            let begin = oldest.saturating_add(self.config.diskless_sync_delay_ms);
            if begin > now && (max == 0 || group().count() < max) {
                return self.timers.set(Timer::SnapshotDelay as usize, begin);
            }
        }
        let id = SnapshotId(self.next_snapshot);
        self.next_snapshot += 1;
        self.snapshot = Some(Snapshot { id, diskless, content, offset: None, is_streamed: false });
        let target = if diskless { "replicas sockets" } else { "disk" };
        self.log_line(LogLevel::Notice, format!("Starting BGSAVE for SYNC with target: {target}"));
        self.outputs.push_back(Output::StartSnapshot { snapshot: id, diskless, content });
    }

    pub(super) fn on_cut(&mut self, now: Millis, snapshot: SnapshotId, offset: u64, eof_mark: &[u8; 40]) {
        let Some(current) = self.snapshot.as_mut().filter(|current| current.id == snapshot) else { return };
        current.offset = Some(offset);
        let (diskless, content) = (current.diskless, current.content);
        let is_member = |peer: &Peer| {
            peer.stage == Some(Stage::WaitStart) && peer.content == content && (!diskless || peer.capa_eof)
        };
        let members: Vec<ReplicaId> =
            self.peers.iter().filter(|(_, peer)| is_member(peer)).map(|(id, _)| *id).collect();
        // Their stream begins here. They know of no SELECT; a replica cannot insert one, and its snapshot says it instead.
        if self.role == Role::Master {
            self.log.force_select();
        }
        for replica in members {
            self.set_up(replica, offset, diskless.then_some((snapshot, eof_mark)));
        }
        self.cancel_unneeded_snapshot(now);
    }

    /// Makes a replica a member of the snapshot that was cut at `offset`; `payload` for a diskless one.
    fn set_up(&mut self, replica: ReplicaId, offset: u64, payload: Option<(SnapshotId, &[u8; 40])>) {
        let id = self.log.ids().id;
        let Some(peer) = self.peers.get_mut(&replica) else { return };
        peer.stage = Some(Stage::WaitEnd);
        peer.has_acked_payload = false;
        if !peer.rdb_only {
            let cursor = self.log.attach(offset, Audience::ReplicasOnly);
            peer.cursor =
                Some(cursor.expect("the cut is the log's end, or another cursor holds what follows it"));
        }
        let cursor = peer.cursor;
        if !peer.is_pre_psync {
            self.reply(replica, format!("+FULLRESYNC {id} {offset}\r\n"));
        }
        if let Some(cursor) = cursor {
            self.outputs.push_back(Output::AttachCursor { replica, cursor, offset });
        }
        if let Some((snapshot, mark)) = payload {
            let header = [b"$EOF:", &mark[..], b"\r\n"].concat();
            let trailer = Bytes::copy_from_slice(mark);
            self.outputs.push_back(Output::SendPayload { replica, snapshot, header: header.into(), trailer });
        }
    }

    pub(super) fn on_ready(&mut self, now: Millis, snapshot: SnapshotId, bytes: u64) {
        if self.snapshot.as_ref().is_none_or(|current| current.id != snapshot || current.diskless) {
            return;
        }
        self.snapshot = None;
        let mut header = String::new();
        write!(header, "${bytes}\r\n").expect("writing to a string cannot fail");
        let header = Bytes::from(header);
        for (&replica, peer) in &mut self.peers {
            if peer.stage == Some(Stage::WaitEnd) {
                peer.stage = Some(Stage::SendBulk);
                let (header, trailer) = (header.clone(), Bytes::new());
                self.outputs.push_back(Output::SendPayload { replica, snapshot, header, trailer });
            }
        }
        self.try_start_snapshot(now);
    }

    pub(super) fn on_snapshot_failed(&mut self, now: Millis, snapshot: SnapshotId, error: &str) {
        let Some(current) = self.snapshot.take_if(|current| current.id == snapshot) else { return };
        let (stage, text) = match current.offset {
            None => (Stage::WaitStart, "BGSAVE for replication failed"),
            Some(_) => (Stage::WaitEnd, "SYNC failed. BGSAVE child returned an error"),
        };
        self.log_line(LogLevel::Warning, format!("{text}: {error}"));
        let members: Vec<ReplicaId> =
            self.replicas().filter(|(_, peer)| peer.stage == Some(stage)).map(|(id, _)| id).collect();
        for replica in members {
            if stage == Stage::WaitStart {
                self.reply_error(replica, "ERR BGSAVE failed, replication can't continue");
            }
            self.disconnect(now, replica, DisconnectReason::SnapshotFailed);
        }
        self.try_start_snapshot(now);
    }

    pub(super) fn on_payload_sent(&mut self, now: Millis, replica: ReplicaId) {
        let Some(peer) = self.peers.get_mut(&replica) else { return };
        let diskless = peer.stage == Some(Stage::WaitEnd);
        if !diskless && peer.stage != Some(Stage::SendBulk) {
            return;
        }
        let name = peer.name(replica);
        if diskless {
            // The mark is out, so nothing is left to generate.
            if let Some(snapshot) = &mut self.snapshot {
                snapshot.is_streamed = true;
            }
            let text = format!(
                "Streamed RDB transfer with replica {name} succeeded (socket). Waiting for REPLCONF ACK from replica \
                 to enable streaming"
            );
            self.outputs.push_back(Output::Log { level: LogLevel::Notice, text });
        }
        if peer.rdb_only {
            let text =
                format!("RDB transfer completed, rdb only replica ({name}) should be disconnected asap");
            self.log_line(LogLevel::Notice, text);
            return self.disconnect(now, replica, DisconnectReason::RdbOnly);
        }
        peer.stage = Some(Stage::Online);
        peer.ack_ms = now;
        peer.stalled_since = None;
        // A diskless payload ends with a mark. A replica that looks for it only at the end of what it has read (Redis)
        // must find nothing behind it. One that uses SYNC will not acknowledge.
        peer.stream_on_ack = diskless && !peer.has_acked_payload && !peer.is_pre_psync;
        let (waits, cursor) = (peer.stream_on_ack, peer.cursor);
        self.log_line(LogLevel::Notice, format!("Synchronization with replica {name} succeeded"));
        if let Some(cursor) = cursor
            && !waits
        {
            self.outputs.push_back(Output::StartStream { replica, cursor });
        }
        if diskless && self.receivers().next().is_none() {
            self.snapshot = None;
            self.try_start_snapshot(now);
        }
    }

    pub(super) fn on_streamed(&mut self, snapshot: SnapshotId) {
        let Some(current) = self.snapshot.as_mut().filter(|current| current.id == snapshot) else { return };
        current.is_streamed = true;
        let receivers = self.receivers().count();
        let text = format!("Diskless rdb transfer, done reading from pipe, {receivers} replicas still up.");
        self.log_line(LogLevel::Notice, text);
    }

    fn receivers(&self) -> impl Iterator<Item = ReplicaId> {
        self.replicas().filter(|(_, peer)| peer.stage == Some(Stage::WaitEnd)).map(|(id, _)| id)
    }

    /// Cancels a diskless snapshot whose last receiver is gone. One on disk is finished: it is of use by itself.
    pub(super) fn cancel_unneeded_snapshot(&mut self, now: Millis) {
        let Some(Snapshot { id, diskless: true, offset: Some(_), is_streamed, .. }) = self.snapshot else {
            return;
        };
        if self.receivers().next().is_some() {
            return;
        }
        self.snapshot = None;
        if !is_streamed {
            let text = "Diskless rdb transfer, last replica dropped, killing fork child.";
            self.log_line(LogLevel::Notice, text);
            self.outputs.push_back(Output::CancelSnapshot(id));
        }
        self.try_start_snapshot(now);
    }
}
