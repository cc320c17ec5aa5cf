//! Giving inputs to the machines and doing what they say.

use super::link::Work;
use super::role::RoleChange;
use super::serve::{Order, PayloadFile, PayloadPipe, Replica};
use super::snapshot::Receivers;
use super::{NOBODY, Replication, random_id};
use crate::config::{Settings, rows};
use bytes::Bytes;
use redan_engine::{ClientId, ClientKind, Engine, PauseKind, condition};
use redan_persistence::rdb::SaveProgress;
use redan_replication::primary::SyncStats;
use redan_replication::primary::io::{
    DisconnectReason, Input, Output, ReplicaId, Role, SnapshotContent, SnapshotId,
};
use redan_replication::replica::io::{MasterAddr, Output as LinkOutput, Position};
use redan_replication::{
    Audience, CursorId, LagLimits, LogLevel, Millis, Primary, ReplicaLink, ReplicationIds,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Both machines and what names in their outputs mean.
pub(super) struct Machines {
    pub(super) primary: Primary,
    pub(super) link: ReplicaLink,
    pub(super) link_up: bool,
    /// Connections that are fed by us, or asked to be.
    pub(super) replicas: HashMap<ReplicaId, Arc<Replica>>,
    /// Clients that sent REPLCONF.
    pub(super) announced: HashSet<ReplicaId>,
    /// Who gets the diskless snapshot that has just been cut.
    pub(super) receivers: Receivers,
    /// The snapshot being made for replicas.
    pub(super) snapshot: Option<(SnapshotId, Arc<SaveProgress>)>,
    /// The snapshot on disk that replicas are being sent.
    pub(super) file: Option<(SnapshotId, Arc<PayloadFile>)>,
    /// What was added to the counters of INFO so far.
    counted: SyncStats,
}

impl Machines {
    pub(super) fn new(primary: Primary, link: ReplicaLink) -> Self {
        Self {
            primary,
            link,
            link_up: false,
            replicas: HashMap::new(),
            announced: HashSet::new(),
            receivers: Receivers::default(),
            snapshot: None,
            file: None,
            counted: SyncStats::default(),
        }
    }

    /// Forgets what clients announced that have closed without becoming replicas.
    pub(super) fn forget_the_gone(&mut self, engine: &Engine, now: Millis) {
        let is_gone = |id: &ReplicaId| engine.clients().get(ClientId(id.0)).is_none();
        let gone: Vec<ReplicaId> = self.announced.iter().filter(|id| is_gone(id)).copied().collect();
        for id in gone {
            self.announced.remove(&id);
            if !self.replicas.contains_key(&id) {
                self.primary.handle(now, Input::Closed(id));
            }
        }
    }
}

/// What is done when the machines are no longer locked.
#[derive(Default)]
pub(super) struct After {
    /// Replies to clients that are not replicas.
    replies: Vec<(ReplicaId, Bytes)>,
    notify_log: bool,
    ring_parked: bool,
    snapshots: Vec<(SnapshotId, bool, SnapshotContent)>,
    role_changes: Vec<RoleChange>,
    pub(super) has_new_role: bool,
}

impl Replication {
    /// Locks the machines, lets `f` give them inputs, and does what they say. `alone`: the caller runs alone. Returns the
    /// replies to clients that are no replicas too.
    pub(super) fn act<R>(
        &self,
        alone: bool,
        f: impl FnOnce(&mut Machines, Millis) -> R,
    ) -> (R, Vec<(ReplicaId, Bytes)>) {
        let mut after = After::default();
        let now = self.now();
        let mut machines = self.machines.lock();
        let result = f(&mut machines, now);
        self.drain(&mut machines, now, alone, &mut after);
        drop(machines);
        (result, self.finish(after))
    }

    fn drain(&self, machines: &mut Machines, now: Millis, alone: bool, after: &mut After) {
        loop {
            if let Some(output) = machines.link.poll_output() {
                self.on_link_output(machines, now, after, output);
            } else if let Some(output) = machines.primary.poll_output() {
                self.on_primary_output(machines, now, alone, after, output);
            } else {
                break;
            }
        }
        self.publish(machines, now);
        if machines.primary.poll_timeout().is_some_and(|deadline| deadline < self.armed.load(Relaxed)) {
            self.timer.notify_one();
        }
    }

    /// Counters and conditions that follow from what the machines know.
    fn publish(&self, machines: &mut Machines, now: Millis) {
        let (stats, counted) = (machines.primary.stats(), machines.counted);
        if stats != counted {
            let counters = self.engine.counters();
            counters.sync_full.fetch_add(stats.full - counted.full, Relaxed);
            counters.sync_partial_ok.fetch_add(stats.partial_ok - counted.partial_ok, Relaxed);
            counters.sync_partial_err.fetch_add(stats.partial_err - counted.partial_err, Relaxed);
            machines.counted = stats;
        }
        self.engine.conditions().put(condition::FEW_REPLICAS, !machines.primary.has_enough_replicas(now));
    }

    fn finish(&self, after: After) -> Vec<(ReplicaId, Bytes)> {
        if after.notify_log {
            self.log.notify();
        }
        if after.ring_parked {
            self.engine.ring_parked();
        }
        for (snapshot, diskless, content) in after.snapshots {
            self.start_snapshot(snapshot, diskless, content);
        }
        for change in after.role_changes {
            self.change_role_soon(change);
        }
        if after.has_new_role {
            self.note_role();
        }
        after.replies
    }

    fn on_link_output(&self, machines: &mut Machines, now: Millis, after: &mut After, output: LinkOutput) {
        match output {
            LinkOutput::DropReplicas => {
                self.log.free_backlog();
                machines.primary.handle(now, Input::DropReplicas);
            }
            LinkOutput::AdoptHistory(position) => self.adopt_history(position),
            LinkOutput::Continue(position) => {
                self.log.create_backlog();
                self.log.append_verbatim(position.db, Audience::ReplicasOnly, b"");
            }
            LinkOutput::ReplIdChanged { old, new, offset } => {
                let second_offset = i64::try_from(offset).unwrap_or(i64::MAX).saturating_add(1);
                self.log.set_ids(ReplicationIds { id: new, id2: old, second_offset });
                machines.primary.handle(now, Input::DropReplicas);
            }
            LinkOutput::Promoted => self.on_promoted(machines, now, after),
            LinkOutput::LinkChanged(up) => {
                machines.link_up = up;
                machines.primary.handle(now, Input::Role(Role::Replica { link_up: up }));
                self.refresh_conditions(machines);
                self.hand_on(Work::LinkChanged(up));
            }
            LinkOutput::FailoverAccepted => {
                machines.primary.handle(now, Input::FailoverAnswered { accepted: true, reason: "" });
            }
            LinkOutput::FailoverRejected { reason } => {
                machines.primary.handle(now, Input::FailoverAnswered { accepted: false, reason });
            }
            LinkOutput::Log { level, text } => write_log(level, &text),
            LinkOutput::Close(link) => {
                self.closed_through.fetch_max(link.0, Relaxed);
                self.hand_on(Work::Close(link));
            }
            LinkOutput::Connect { link, master } => self.hand_on(Work::Connect { link, master }),
            LinkOutput::Send { link, bytes } => self.hand_on(Work::Send { link, bytes }),
            LinkOutput::PayloadStart { link, id, size, load, .. } => {
                let same_history = id == self.log.ids().id;
                self.hand_on(Work::PayloadStart { link, size, load, same_history });
            }
            LinkOutput::Payload { link, bytes } => self.hand_on(Work::Payload { link, bytes }),
            LinkOutput::PayloadDone { link, .. } => self.hand_on(Work::PayloadDone { link }),
            LinkOutput::Apply { link, bytes, end_offset, db, db_after, audience } => {
                self.hand_on(Work::Apply { link, bytes, end_offset, db, db_after, audience });
            }
        }
    }

    pub(super) fn hand_on(&self, work: Work) {
        // The link's thread lives as long as the process.
        let _ = self.work.send(work);
    }

    /// What was loaded is another history: ours from now on.
    fn adopt_history(&self, position: Position) {
        let id = if position.id.is_none() { random_id() } else { position.id };
        self.log.set_id(id);
        self.log.clear_second_id();
        self.log.set_offset(position.offset, Some(position.db));
        self.log.create_backlog();
    }

    fn on_promoted(&self, machines: &mut Machines, now: Millis, after: &mut After) {
        machines.link_up = false;
        self.log.create_backlog();
        let ids = self.log.shift_id(random_id());
        tracing::info!(
            "Setting secondary replication ID to {}, valid up to offset: {}. New replication ID is {}",
            ids.id2,
            ids.second_offset,
            ids.id
        );
        self.is_replica.store(false, Relaxed);
        // First those go that were fed until now; one that asked for the change of role comes behind them.
        machines.primary.handle(now, Input::DropReplicas);
        machines.primary.handle(now, Input::Role(Role::Master));
        self.refresh_conditions(machines);
        after.has_new_role = true;
    }

    fn on_primary_output(
        &self,
        machines: &mut Machines,
        now: Millis,
        alone: bool,
        after: &mut After,
        output: Output,
    ) {
        match output {
            Output::Reply { replica, bytes } => match machines.replicas.get(&replica) {
                Some(peer) if replica != NOBODY => peer.order(Order::Bytes(bytes)),
                _ => after.replies.push((replica, bytes)),
            },
            Output::BecameReplica(replica) => {
                if let Some(peer) = machines.replicas.get(&replica) {
                    peer.client.set_kind(ClientKind::Replica);
                }
            }
            Output::StartSnapshot { snapshot, diskless, content } => {
                after.snapshots.push((snapshot, diskless, content));
            }
            Output::CancelSnapshot(snapshot) => {
                if let Some((_, progress)) = machines.snapshot.as_ref().filter(|(id, _)| *id == snapshot) {
                    progress.cancel();
                }
            }
            Output::AttachCursor { replica, cursor, .. } => self.limit(machines, replica, cursor),
            Output::SendPayload { replica, snapshot, header, trailer } => {
                self.send_payload(machines, replica, snapshot, header, trailer);
            }
            Output::StartStream { replica, cursor } => {
                if let Some(peer) = machines.replicas.get(&replica) {
                    self.streaming.write().push(Arc::clone(peer));
                    peer.order(Order::Stream(cursor));
                }
            }
            Output::Disconnect { replica, reason } => {
                if let Some(peer) = machines.replicas.get(&replica) {
                    peer.set_cursor(None);
                    let at_once = matches!(reason, DisconnectReason::Timeout | DisconnectReason::Overrun);
                    peer.order(if at_once { Order::Cut } else { Order::Close });
                }
            }
            Output::AppendPing => after.notify_log |= self.append_for_replicas(&[b"PING"]),
            Output::AppendGetAck => {
                after.notify_log |= self.append_for_replicas(&[b"REPLCONF", b"GETACK", b"*"]);
            }
            Output::AcksAdvanced => after.ring_parked = true,
            Output::WantReplId => machines.primary.handle(now, Input::NewReplId(random_id())),
            Output::PauseWrites => self.engine.pause(PauseKind::Write, i64::MAX),
            Output::UnpauseWrites => self.engine.unpause(),
            Output::FailoverTo { host, port } => {
                let change = RoleChange::Follow { master: MasterAddr { host, port }, failover: true };
                self.change_role_if(machines, now, alone, after, change);
            }
            Output::BecomeMaster => self.change_role_if(machines, now, alone, after, RoleChange::Lead),
            Output::Log { level, text } => write_log(level, &text),
        }
    }

    /// A change of role: now if the caller runs alone, else as soon as somebody does.
    fn change_role_if(
        &self,
        machines: &mut Machines,
        now: Millis,
        alone: bool,
        after: &mut After,
        change: RoleChange,
    ) {
        if alone {
            self.change_role(machines, now, after, change);
        } else {
            after.role_changes.push(change);
        }
    }

    /// [`Replication::act`] with a change of role; the caller runs alone.
    pub(super) fn act_on_role(&self, change: RoleChange) {
        let mut after = After::default();
        let now = self.now();
        let mut machines = self.machines.lock();
        self.change_role(&mut machines, now, &mut after, change);
        self.drain(&mut machines, now, true, &mut after);
        drop(machines);
        self.finish(after);
    }

    fn limit(&self, machines: &Machines, replica: ReplicaId, cursor: CursorId) {
        self.set_limits(&self.server().config().peek(), cursor);
        if let Some(peer) = machines.replicas.get(&replica) {
            peer.set_cursor(Some(cursor));
        }
    }

    /// Says how far a replica may lag.
    pub(super) fn set_limits(&self, settings: &Settings, cursor: CursorId) {
        let limits = settings.get(rows::CLIENT_OUTPUT_BUFFER_LIMIT).replica;
        let soft_ms = limits.soft_seconds.saturating_mul(1000);
        // A cursor that is gone needs no limits.
        let _ = self.log.set_limits(cursor, LagLimits { hard: limits.hard, soft: limits.soft, soft_ms });
    }

    fn send_payload(
        &self,
        machines: &mut Machines,
        replica: ReplicaId,
        snapshot: SnapshotId,
        header: Bytes,
        trailer: Bytes,
    ) {
        let Some(peer) = machines.replicas.get(&replica) else { return };
        peer.order(Order::Bytes(header));
        match machines.file.as_ref().filter(|(id, _)| *id == snapshot) {
            Some((_, file)) => peer.order(Order::File(Arc::clone(file))),
            None => {
                let (pipe, end) = PayloadPipe::new(trailer);
                machines.receivers.push(end);
                peer.order(Order::Pipe(pipe));
            }
        }
    }

    fn append_for_replicas(&self, args: &[&[u8]]) -> bool {
        self.log.append_command(0, Audience::ReplicasOnly, args.iter().copied());
        true
    }
}

/// Writes a line of a machine to the log.
fn write_log(level: LogLevel, text: &str) {
    match level {
        LogLevel::Debug => tracing::trace!("{text}"),
        LogLevel::Verbose => tracing::debug!("{text}"),
        LogLevel::Notice => tracing::info!("{text}"),
        LogLevel::Warning => tracing::warn!("{text}"),
    }
}
