//! The driver of a node's replication machines.

use super::{Dataset, Feed, Node, Snapshot, random_id};
use crate::decode::{commands, words};
use crate::env::{Alarm, Env, host_at};
use crate::faults::Break;
use crate::net::ConnId;
use bytes::Bytes;
use redan_replication::primary::io::{
    Input as PrimaryInput, Output as PrimaryOutput, ReplicaId, Role, SnapshotId,
};
use redan_replication::replica::io::{Input, LinkId, Output, Position};
use redan_replication::{Audience, ReplId, ReplicationIds};
use redan_resp::{FrameDecoder, encode_command};

/// How much a replica is sent at once.
const CHUNK_LEN: usize = 4096;

impl Node {
    /// Carries out what the machines ask for until they ask for nothing.
    pub(super) fn settle(&mut self, env: &mut Env) {
        loop {
            if let Some(output) = self.link.poll_output() {
                self.follow(env, output);
            } else if let Some(output) = self.primary.poll_output() {
                self.lead(env, output);
            } else if !self.feed(env) {
                return;
            }
        }
    }

    /// The side of the replica.
    fn follow(&mut self, env: &mut Env, output: Output) {
        let now = env.now;
        match output {
            Output::Connect { link, master } => match host_at(&master.host, master.port) {
                Some(host) => self.upstream = Some((link, env.connect(host))),
                None => {
                    self.link.handle(now, Input::ConnectFailed { link, error: "no such host".into() });
                }
            },
            Output::Send { bytes, .. } => {
                if let Some((_, conn)) = self.upstream {
                    env.send(conn, bytes);
                }
            }
            Output::Close(link) => {
                self.loading = self.loading.filter(|loading| *loading != link);
                if let Some((_, conn)) = self.upstream.take() {
                    env.close(conn);
                }
            }
            Output::PayloadStart { .. } => self.payload.clear(),
            Output::Payload { bytes, .. } => self.payload.extend_from_slice(&bytes),
            Output::PayloadDone { link, .. } => {
                self.loading = Some(link);
                let delay_ms = env.rng.u64(5..100);
                env.alarm(delay_ms, Alarm::Loaded { link: link.0 });
            }
            Output::DropReplicas => {
                self.log.free_backlog();
                self.primary.handle(now, PrimaryInput::DropReplicas);
            }
            Output::AdoptHistory(at) => self.adopt(env, at),
            Output::Continue(_) => self.log.create_backlog(),
            Output::ReplIdChanged { old, new, offset } => {
                let second_offset = i64::try_from(offset).expect("runs are short") + 1;
                self.log.set_ids(ReplicationIds { id: new, id2: old, second_offset });
                self.primary.handle(now, PrimaryInput::DropReplicas);
            }
            Output::Promoted => {
                let id = random_id(env);
                self.log.shift_id(id);
                self.primary.handle(now, PrimaryInput::Role(Role::Master));
                self.primary.handle(now, PrimaryInput::DropReplicas);
                env.note("is a master now");
            }
            Output::LinkChanged(link_up) => {
                self.primary.handle(now, PrimaryInput::Role(Role::Replica { link_up }));
            }
            Output::Apply { link, bytes, end_offset, db_after, audience, .. } => {
                self.apply(env, &bytes);
                self.log.append_verbatim(db_after, audience, &bytes);
                self.maybe_save(env);
                self.link.handle(now, Input::Applied { link, offset: end_offset });
            }
            Output::Log { text, .. } => env.note(&text),
            // Nobody sends FAILOVER.
            Output::FailoverAccepted | Output::FailoverRejected { .. } => {}
        }
    }

    fn apply(&mut self, env: &mut Env, bytes: &[u8]) {
        for command in commands(bytes) {
            if command[0] == b"SET" {
                let skips = self.broken == Some(Break::LosesWrites) && env.rng.u8(..8) == 0;
                if !skips {
                    self.data.add(number(&command[2]));
                }
            }
        }
    }

    /// A payload has been loaded: it is the dataset now.
    pub(super) fn loaded(&mut self, env: &mut Env, link: LinkId) {
        if self.loading != Some(link) {
            return;
        }
        self.loading = None;
        let payload = std::mem::take(&mut self.payload);
        let frames = FrameDecoder::decode_all(&payload);
        let Ok([frame]) = frames.as_deref() else {
            let error = "not a payload".into();
            return self.link.handle(env.now, Input::PayloadFailed { link, error });
        };
        let words = words(frame);
        self.data = Dataset::default();
        words[1..].iter().for_each(|word| self.data.add(number(word)));
        let stream_db = u32::try_from(number(&words[0])).expect("databases are few");
        self.link.handle(env.now, Input::PayloadLoaded { link, stream_db });
    }

    fn adopt(&mut self, env: &mut Env, at: Position) {
        let id = if at.id == ReplId::NONE { random_id(env) } else { at.id };
        self.log.set_id(id);
        self.log.clear_second_id();
        self.log.set_offset(at.offset, Some(at.db));
        self.log.create_backlog();
        env.note(&format!("has a copy of {} writes", self.data.len()));
    }

    /// The side of the master.
    fn lead(&mut self, env: &mut Env, output: PrimaryOutput) {
        let now = env.now;
        match output {
            PrimaryOutput::Reply { replica, bytes } => env.send(ConnId(replica.0), bytes),
            PrimaryOutput::StartSnapshot { snapshot, diskless, .. } => {
                let delay_ms = env.rng.u64(..20);
                env.alarm(delay_ms, Alarm::Cut { snapshot: snapshot.0, diskless });
            }
            PrimaryOutput::CancelSnapshot(_) => self.snapshot = None,
            PrimaryOutput::AttachCursor { replica, cursor, .. } => {
                self.feeds.insert(ConnId(replica.0), Feed { cursor, streaming: false });
            }
            PrimaryOutput::SendPayload { replica, snapshot, header, trailer } => {
                let current = self.snapshot.as_ref().filter(|current| current.id == snapshot);
                if let Some(payload) = current.and_then(|current| current.payload.clone()) {
                    for part in [header, payload, trailer] {
                        self.send_in_pieces(env, ConnId(replica.0), &part);
                    }
                    self.primary.handle(now, PrimaryInput::PayloadSent(replica));
                }
            }
            PrimaryOutput::StartStream { replica, cursor } => {
                self.feeds.insert(ConnId(replica.0), Feed { cursor, streaming: true });
            }
            PrimaryOutput::Disconnect { replica, .. } => {
                let conn = ConnId(replica.0);
                env.close(conn);
                self.forget(env, conn);
            }
            PrimaryOutput::AppendPing => self.append_for_replicas(&[b"PING"]),
            PrimaryOutput::AppendGetAck => self.append_for_replicas(&[b"REPLCONF", b"GETACK", b"*"]),
            PrimaryOutput::WantReplId => {
                let id = random_id(env);
                self.primary.handle(now, PrimaryInput::NewReplId(id));
            }
            PrimaryOutput::BecomeMaster => self.link.handle(now, Input::Unset),
            PrimaryOutput::Log { text, .. } => env.note(&text),
            PrimaryOutput::BecameReplica(_) | PrimaryOutput::AcksAdvanced => {}
            // Nobody sends FAILOVER.
            PrimaryOutput::PauseWrites | PrimaryOutput::UnpauseWrites | PrimaryOutput::FailoverTo { .. } => {}
        }
    }

    fn append_for_replicas(&self, command: &[&[u8]]) {
        self.log.append_command(0, Audience::ReplicasOnly, command.iter().copied());
    }

    /// The cut of a snapshot.
    pub(super) fn cut(&mut self, env: &mut Env, id: SnapshotId, diskless: bool) {
        let db = self.log.stream_db().unwrap_or_default().to_string();
        let values: Vec<String> = self.data.writes().iter().map(u64::to_string).collect();
        let words: Vec<&[u8]> = std::iter::once(&db).chain(&values).map(String::as_bytes).collect();
        let mut payload = Vec::new();
        encode_command(&mut payload, words.into_iter());
        let bytes = payload.len() as u64;
        self.snapshot = Some(Snapshot { id, payload: Some(payload.into()) });
        let mut eof_mark = [0; 40];
        eof_mark.fill_with(|| env.rng.alphanumeric() as u8);
        let offset = self.log.end_offset();
        self.primary.handle(env.now, PrimaryInput::SnapshotCut { snapshot: id, offset, eof_mark });
        if diskless {
            self.settle(env);
            self.primary.handle(env.now, PrimaryInput::SnapshotStreamed(id));
        } else {
            let delay_ms = env.rng.u64(5..100);
            env.alarm(delay_ms, Alarm::Ready { snapshot: id.0, bytes });
        }
    }

    /// Sends replicas what they have not got yet; tells whether there was anything.
    fn feed(&mut self, env: &mut Env) -> bool {
        let mut sent = false;
        let feeds = self.feeds.iter().filter(|(_, feed)| feed.streaming);
        let feeds: Vec<_> = feeds.map(|(conn, feed)| (*conn, feed.cursor)).collect();
        for (conn, cursor) in feeds {
            match self.log.read(cursor, CHUNK_LEN) {
                Ok(read) if read.start < read.end => {
                    for chunk in &read.chunks {
                        self.send_in_pieces(env, conn, chunk);
                    }
                    let advanced = self.log.advance(cursor, read.end);
                    debug_assert!(advanced.is_ok(), "a cursor that was just read");
                    sent = true;
                }
                Ok(_) => {}
                Err(_) => {
                    self.feeds.remove(&conn);
                    self.primary.handle(env.now, PrimaryInput::Overrun(ReplicaId(conn.0)));
                    sent = true;
                }
            }
        }
        sent
    }

    /// Networks do not keep what was written in one piece together.
    fn send_in_pieces(&self, env: &mut Env, conn: ConnId, bytes: &Bytes) {
        let middle = if bytes.len() > 1 && env.rng.bool() { env.rng.usize(1..bytes.len()) } else { 0 };
        for piece in [bytes.slice(..middle), bytes.slice(middle..)] {
            if !piece.is_empty() {
                env.send(conn, piece);
            }
        }
    }

    /// A client is gone.
    pub(super) fn forget(&mut self, env: &Env, conn: ConnId) {
        self.sessions.remove(&conn);
        self.feeds.remove(&conn);
        self.primary.handle(env.now, PrimaryInput::Closed(ReplicaId(conn.0)));
    }
}

fn number(word: &[u8]) -> u64 {
    let text = std::str::from_utf8(word).expect("numbers are text");
    text.parse().expect("nodes write numbers")
}
