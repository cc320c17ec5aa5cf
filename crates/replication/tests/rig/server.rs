//! One server without data: what it has executed is all it holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use redan_replication::primary::io::{self as primary_io, PrimaryConfig, ReplicaId, Role, SnapshotId};
use redan_replication::replica::io::{self as link_io, LinkConfig, LinkId, MasterAddr, Position};
use redan_replication::{Audience, CursorId, Log, Millis, Primary, ReplId, ReplicaLink, ReplicationIds};
use redan_resp::{Args, Decoded, OwnedArgs, RequestDecoder, RequestLimits};

/// What a server wants from the network.
pub(crate) enum Wish {
    Connect { link: LinkId, port: u16 },
    SendToMaster { link: LinkId, bytes: Bytes },
    CloseLink(LinkId),
    SendToReplica { replica: ReplicaId, bytes: Bytes },
    CloseReplica(ReplicaId),
}

/// A snapshot that is wanted, or cut and on its way to disk.
struct Snapshot {
    diskless: bool,
    /// What it holds, from the cut on.
    content: Option<Vec<u8>>,
}

/// Log, machines and the few things around them that a driver has.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) log: Arc<Log>,
    pub(crate) primary: Primary,
    pub(crate) link: ReplicaLink,
    /// Every byte of the stream that was executed, from the beginning of the history on. A full sync carries it whole.
    pub(crate) history: Vec<u8>,
    /// Writes are paused for a failover.
    pub(crate) paused: bool,
    pub(crate) wishes: Vec<Wish>,
    payload: Vec<u8>,
    snapshots: BTreeMap<SnapshotId, Snapshot>,
    cursors: BTreeMap<ReplicaId, Stream>,
    decoders: BTreeMap<ReplicaId, (RequestDecoder, BytesMut)>,
    now: Millis,
    ids: u64,
}

/// A replica's place in the log.
struct Stream {
    cursor: CursorId,
    is_started: bool,
}

impl Server {
    pub(crate) fn new(port: u16, primary: PrimaryConfig, link: LinkConfig) -> Self {
        let mut ids = u64::from(port) << 32;
        let log = Arc::new(Log::new(next_id(&mut ids)));
        log.create_backlog();
        Server {
            port,
            primary: Primary::new(Arc::clone(&log), primary, Role::Master, next_id(&mut ids)),
            link: ReplicaLink::new(LinkConfig { announce_port: port, ..link }),
            log,
            history: Vec::new(),
            paused: false,
            wishes: Vec::new(),
            payload: Vec::new(),
            snapshots: BTreeMap::new(),
            cursors: BTreeMap::new(),
            decoders: BTreeMap::new(),
            now: 0,
            ids,
        }
    }

    pub(crate) fn is_master(&self) -> bool {
        self.link.master().is_none()
    }

    /// Executes a client's write.
    pub(crate) fn write(&mut self, db: u32, args: &[&[u8]], is_transaction: bool) {
        if !self.is_master() || self.paused {
            return;
        }
        let before = self.log.end_offset();
        let cursor = self.log.attach(before, Audience::ReplicasOnly).expect("the end is always there");
        self.log.append(db, Audience::All, |out| {
            if is_transaction {
                out.command([&b"MULTI"[..]].into_iter());
                out.command(args.iter().copied());
            }
            out.command(args.iter().copied());
            if is_transaction {
                out.command([&b"EXEC"[..]].into_iter());
            }
        });
        self.remember(cursor);
    }

    /// Appends what the log holds from the cursor on to the history.
    fn remember(&mut self, cursor: CursorId) {
        let read = self.log.read(cursor, usize::MAX).expect("it was just attached");
        self.log.detach(cursor);
        read.chunks.iter().for_each(|chunk| self.history.extend_from_slice(chunk));
    }

    fn append_for_replicas(&mut self, args: &[&[u8]]) {
        // A role change in between makes it out of place.
        if self.is_master() {
            let before = self.log.end_offset();
            let cursor = self.log.attach(before, Audience::ReplicasOnly).expect("the end is always there");
            self.log.append_command(0, Audience::ReplicasOnly, args.iter().copied());
            self.remember(cursor);
        }
    }

    pub(crate) fn follow(&mut self, port: u16) {
        self.set_master(port, false);
    }

    fn set_master(&mut self, port: u16, failover: bool) {
        let own = self.is_master().then(|| Position {
            id: self.log.ids().id,
            offset: self.log.end_offset(),
            db: 0,
        });
        let master = MasterAddr { host: "peer".to_owned(), port };
        self.primary_input(primary_io::Input::Role(Role::Replica { link_up: false }));
        self.link_input(link_io::Input::SetMaster { master, own, failover });
    }

    pub(crate) fn promote(&mut self) {
        self.link_input(link_io::Input::Unset);
    }

    pub(crate) fn failover(&mut self) {
        let args: OwnedArgs = ["FAILOVER"].into_iter().collect();
        self.primary_input(primary_io::Input::Failover { client: ReplicaId(0), args });
    }

    pub(crate) fn abort_failover(&mut self) {
        let args: OwnedArgs = ["FAILOVER", "ABORT"].into_iter().collect();
        self.primary_input(primary_io::Input::Failover { client: ReplicaId(0), args });
    }

    /// Fires the timers that are due.
    pub(crate) fn tick(&mut self, now: Millis) {
        self.now = now;
        if self.link.poll_timeout().is_some_and(|at| at <= now) {
            self.link.handle_timeout(now);
            self.drain();
        }
        if self.primary.poll_timeout().is_some_and(|at| at <= now) {
            self.primary.handle_timeout(now);
            self.drain();
        }
    }

    /// Makes the next step of a snapshot, if there is one to make.
    pub(crate) fn advance_snapshot(&mut self) {
        let Some((&id, snapshot)) = self.snapshots.iter_mut().next() else { return };
        if snapshot.content.is_none() {
            snapshot.content = Some(self.history.clone());
            self.ids += 1;
            let mut eof_mark = [b'm'; 40];
            eof_mark[..8].copy_from_slice(&self.ids.to_be_bytes());
            let eof_mark = eof_mark.map(|byte| b'A' + byte % 26);
            let offset = self.log.end_offset();
            self.primary_input(primary_io::Input::SnapshotCut { snapshot: id, offset, eof_mark });
        } else if snapshot.diskless {
            self.snapshots.remove(&id);
        } else {
            let bytes = snapshot.content.as_ref().map_or(0, Vec::len) as u64;
            self.primary_input(primary_io::Input::SnapshotReady { snapshot: id, bytes });
            self.snapshots.remove(&id);
        }
    }

    /// Sends at most `max` bytes of the stream to a replica. Returns whether there were any.
    pub(crate) fn pump(&mut self, replica: ReplicaId, max: usize) -> bool {
        let Some(Stream { cursor, is_started: true }) = self.cursors.get(&replica) else { return false };
        match self.log.read(*cursor, max) {
            Ok(read) if read.end > read.start => {
                self.log.advance(*cursor, read.end).expect("it could be read");
                let bytes = Bytes::from(read.chunks.concat());
                self.wishes.push(Wish::SendToReplica { replica, bytes });
                true
            }
            Ok(_) => false,
            Err(_) => {
                self.primary_input(primary_io::Input::Overrun(replica));
                true
            }
        }
    }

    /// Bytes from a replica.
    pub(crate) fn receive(&mut self, replica: ReplicaId, bytes: &[u8]) {
        let (mut decoder, mut buf) = self.decoders.remove(&replica).unwrap_or_default();
        buf.extend_from_slice(bytes);
        loop {
            let mut spans = Vec::new();
            match decoder
                .decode(&buf, &RequestLimits::authenticated(), &mut spans)
                .expect("replicas speak well")
            {
                Decoded::Request { consumed, .. } => {
                    let args = Args::new(&buf, &spans).to_owned_args();
                    buf.advance(consumed);
                    self.command(replica, args);
                }
                Decoded::Inline(args, consumed) => {
                    buf.advance(consumed);
                    self.command(replica, args);
                }
                Decoded::Empty { consumed } => {
                    buf.advance(consumed);
                    self.primary_input(primary_io::Input::Newline(replica));
                }
                Decoded::Incomplete { .. } => break,
            }
        }
        self.decoders.insert(replica, (decoder, buf));
    }

    fn command(&mut self, replica: ReplicaId, args: OwnedArgs) {
        match &args[0] {
            b"PING" => {
                self.wishes.push(Wish::SendToReplica { replica, bytes: Bytes::from_static(b"+PONG\r\n") })
            }
            b"REPLCONF" => self.primary_input(primary_io::Input::ReplConf { replica, args }),
            b"PSYNC" | b"SYNC" => {
                let (peer_ip, has_pending_output) = ("peer".to_owned(), false);
                self.primary_input(primary_io::Input::Sync { replica, args, peer_ip, has_pending_output });
            }
            other => panic!("a replica sent {:?}", other.escape_ascii().to_string()),
        }
    }

    pub(crate) fn replica_closed(&mut self, replica: ReplicaId) {
        self.cursors.remove(&replica);
        self.decoders.remove(&replica);
        self.primary_input(primary_io::Input::Closed(replica));
    }

    pub(crate) fn link_input(&mut self, input: link_io::Input) {
        self.link.handle(self.now, input);
        self.drain();
    }

    pub(crate) fn primary_input(&mut self, input: primary_io::Input) {
        self.primary.handle(self.now, input);
        self.drain();
    }

    /// Does what the machines want until they want nothing. Depth first, as outputs must be done in order.
    fn drain(&mut self) {
        loop {
            if let Some(output) = self.primary.poll_output() {
                self.on_primary(output);
            } else if let Some(output) = self.link.poll_output() {
                self.on_link(output);
            } else {
                return;
            }
        }
    }

    fn on_primary(&mut self, output: primary_io::Output) {
        use primary_io::{Input, Output};
        match output {
            Output::Reply { replica: ReplicaId(0), .. } => {}
            Output::Reply { replica, bytes } => self.wishes.push(Wish::SendToReplica { replica, bytes }),
            Output::StartSnapshot { snapshot, diskless, .. } => {
                self.snapshots.insert(snapshot, Snapshot { diskless, content: None });
            }
            Output::CancelSnapshot(snapshot) => {
                self.snapshots.remove(&snapshot);
            }
            Output::AttachCursor { replica, cursor, .. } => {
                self.cursors.insert(replica, Stream { cursor, is_started: false });
            }
            Output::SendPayload { replica, snapshot, header, trailer } => {
                let content = self.snapshots[&snapshot].content.as_ref().expect("it was cut");
                let bytes = [&header, &content[..], &trailer].concat().into();
                self.wishes.push(Wish::SendToReplica { replica, bytes });
                self.primary.handle(self.now, Input::PayloadSent(replica));
            }
            Output::StartStream { replica, .. } => {
                self.cursors.get_mut(&replica).expect("it has a cursor").is_started = true;
            }
            Output::Disconnect { replica, .. } => {
                self.cursors.remove(&replica);
                self.wishes.push(Wish::CloseReplica(replica));
            }
            Output::AppendPing => self.append_for_replicas(&[b"PING"]),
            Output::AppendGetAck => self.append_for_replicas(&[b"REPLCONF", b"GETACK", b"*"]),
            Output::WantReplId => {
                let id = next_id(&mut self.ids);
                self.primary.handle(self.now, Input::NewReplId(id));
            }
            Output::PauseWrites => self.paused = true,
            Output::UnpauseWrites => self.paused = false,
            Output::FailoverTo { port, .. } => self.set_master(port, true),
            Output::BecomeMaster => self.promote(),
            Output::BecameReplica(_) | Output::AcksAdvanced | Output::Log { .. } => {}
        }
    }

    fn on_link(&mut self, output: link_io::Output) {
        use link_io::{Input, Output};
        match output {
            Output::Connect { link, master } => self.wishes.push(Wish::Connect { link, port: master.port }),
            Output::Send { link, bytes } => self.wishes.push(Wish::SendToMaster { link, bytes }),
            Output::Close(link) => self.wishes.push(Wish::CloseLink(link)),
            Output::PayloadStart { .. } => self.payload.clear(),
            Output::Payload { bytes, .. } => self.payload.extend_from_slice(&bytes),
            Output::PayloadDone { link, .. } => {
                self.history = std::mem::take(&mut self.payload);
                self.link.handle(self.now, Input::PayloadLoaded { link, stream_db: 0 });
            }
            Output::DropReplicas => {
                self.log.free_backlog();
                self.primary.handle(self.now, primary_io::Input::DropReplicas);
            }
            Output::AdoptHistory(Position { id, offset, db }) => {
                self.log.set_ids(ReplicationIds::new(id));
                self.log.set_offset(offset, Some(db));
                self.log.create_backlog();
                assert_eq!(self.history.len() as u64, offset, "the payload is not what the offset says");
            }
            Output::Continue(at) => {
                assert_eq!((at.id, at.offset), (self.log.ids().id, self.log.end_offset()))
            }
            Output::ReplIdChanged { old, new, offset } => {
                let mut ids = ReplicationIds::new(old);
                ids.shift(new, offset);
                self.log.set_ids(ids);
                self.primary.handle(self.now, primary_io::Input::DropReplicas);
            }
            Output::Apply { link, bytes, end_offset, db_after, audience, .. } => {
                self.history.extend_from_slice(&bytes);
                assert_eq!(self.log.append_verbatim(db_after, audience, &bytes), end_offset);
                self.link.handle(self.now, Input::Applied { link, offset: end_offset });
            }
            Output::Promoted => {
                self.log.shift_id(next_id(&mut self.ids));
                self.primary.handle(self.now, primary_io::Input::DropReplicas);
                self.primary.handle(self.now, primary_io::Input::Role(Role::Master));
            }
            Output::LinkChanged(link_up) => {
                self.primary.handle(self.now, primary_io::Input::Role(Role::Replica { link_up }));
            }
            Output::FailoverAccepted => {
                let answered = primary_io::Input::FailoverAnswered { accepted: true, reason: "" };
                self.primary.handle(self.now, answered);
            }
            Output::FailoverRejected { reason } => {
                let answered = primary_io::Input::FailoverAnswered { accepted: false, reason };
                self.primary.handle(self.now, answered);
            }
            Output::Log { .. } => {}
        }
    }
}

fn next_id(ids: &mut u64) -> ReplId {
    *ids += 1;
    let mut random = [0; 20];
    random[..8].copy_from_slice(&ids.to_be_bytes());
    ReplId::from_random(random)
}
