//! The master's side of replication: all attached replicas.

mod failover;
pub mod io;
mod peer;
mod replconf;
mod sync;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use redan_resp::OwnedArgs;

use crate::timer::{Millis, TimerTable};
use crate::{Log, LogLevel, ReplId};
use failover::Failover;
use io::{DisconnectReason, FailoverState, Input, Output, PrimaryConfig, ReplicaId, ReplicaRow, Role};
use peer::{Peer, Stage};
use sync::{Snapshot, SyncRequest};

/// How often replicas are looked after.
const CRON_MS: u64 = 1000;

/// The timers of a [`Primary`].
#[derive(Clone, Copy, Debug)]
enum Timer {
    /// PING, newlines, silent replicas; only while there are replicas.
    Cron,
    /// `repl-diskless-sync-delay` is over.
    SnapshotDelay,
    /// `repl-backlog-ttl` without replicas is over.
    BacklogTtl,
    /// FAILOVER's TIMEOUT.
    Failover,
    /// Number of timers.
    Count,
}

/// All replicas of this server: a state machine without I/O.
///
/// # Contract
/// - Everything that happens goes into [`Primary::handle`], with the time of a monotonic clock in milliseconds.
/// - After every call the driver drains [`Primary::poll_output`] and does what it says, in order.
/// - [`Primary::poll_timeout`] says when to call [`Primary::handle_timeout`]; calling it early is harmless. Ask again
///   after every call.
/// - The machine reads the log (offsets, ids, whether a replica can continue), attaches and detaches the replicas'
///   cursors, and creates and frees the backlog; it never appends.
/// - Inputs about clients that are no replicas are ignored, except REPLCONF, PSYNC, SYNC and FAILOVER.
/// - Randomness comes in with [`Input::NewReplId`], which is due at once when [`Output::WantReplId`] asks, and with the cut.
#[derive(Debug)]
pub struct Primary {
    config: PrimaryConfig,
    log: Arc<Log>,
    role: Role,
    /// Replicas, and clients that sent REPLCONF.
    peers: BTreeMap<ReplicaId, Peer>,
    /// The snapshot being made for replicas, if any.
    snapshot: Option<Snapshot>,
    next_snapshot: u64,
    /// The id of the next history.
    next_id: Option<ReplId>,
    failover: Failover,
    /// PSYNC FAILOVER that waits until this server is a master.
    deferred: Option<SyncRequest>,
    /// The log's end when PING was last considered, and since when it is that.
    seen_end: u64,
    last_append: Millis,
    stats: SyncStats,
    timers: TimerTable<{ Timer::Count as usize }>,
    outputs: VecDeque<Output>,
}

/// Counters for INFO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncStats {
    /// `sync_full`: full resyncs.
    pub full: u64,
    /// `sync_partial_ok`: accepted partial resyncs.
    pub partial_ok: u64,
    /// `sync_partial_err`: refused partial resyncs.
    pub partial_err: u64,
}

impl Primary {
    /// A server without replicas. `next_id` is a random id.
    pub fn new(log: Arc<Log>, config: PrimaryConfig, role: Role, next_id: ReplId) -> Self {
        Primary {
            config,
            role,
            peers: BTreeMap::new(),
            snapshot: None,
            next_snapshot: 1,
            next_id: Some(next_id),
            failover: Failover::default(),
            deferred: None,
            seen_end: log.end_offset(),
            last_append: 0,
            log,
            stats: SyncStats::default(),
            timers: TimerTable::new(),
            outputs: VecDeque::new(),
        }
    }

    /// What the driver must do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Primary::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Millis> {
        self.timers.next()
    }

    /// Takes what happened at `now`.
    pub fn handle(&mut self, now: Millis, input: Input) {
        match input {
            Input::ReplConf { replica, args } => self.on_replconf(now, replica, &args),
            Input::Sync { replica, args, peer_ip, has_pending_output } => {
                self.on_sync(now, SyncRequest { replica, args, peer_ip, has_pending_output });
            }
            Input::Newline(replica) => {
                if let Some(peer) = self.peers.get_mut(&replica) {
                    peer.ack_ms = now;
                }
            }
            Input::Closed(replica) => self.on_closed(now, replica),
            Input::SnapshotCut { snapshot, offset, eof_mark } => {
                self.on_cut(now, snapshot, offset, &eof_mark)
            }
            Input::SnapshotReady { snapshot, bytes } => self.on_ready(now, snapshot, bytes),
            Input::SnapshotStreamed(snapshot) => self.on_streamed(snapshot),
            Input::SnapshotFailed { snapshot, error } => self.on_snapshot_failed(now, snapshot, &error),
            Input::PayloadSent(replica) => self.on_payload_sent(now, replica),
            Input::PayloadProgress { replica, stalled } => {
                if let Some(peer) = self.peers.get_mut(&replica) {
                    peer.stalled_since = stalled.then_some(now);
                }
            }
            Input::Overrun(replica) => self.on_overrun(now, replica),
            Input::RequestAcks => self.on_request_acks(),
            Input::Role(role) => self.on_role(now, role),
            Input::DropReplicas => self.drop_replicas(now),
            Input::Failover { client, args } => self.on_failover(now, client, &args),
            Input::FailoverAnswered { accepted, reason } => self.on_failover_answered(accepted, reason),
            Input::NewReplId(id) => self.next_id = Some(id),
            Input::Config(config) => self.on_config(now, config),
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Millis) {
        if self.timers.expire(Timer::Failover as usize, now) {
            self.on_failover_timeout();
        }
        if self.timers.expire(Timer::SnapshotDelay as usize, now) {
            self.try_start_snapshot(now);
        }
        if self.timers.expire(Timer::BacklogTtl as usize, now) {
            self.free_backlog();
        }
        if self.timers.expire(Timer::Cron as usize, now) {
            self.cron(now);
        }
    }
}

/// Questions.
impl Primary {
    /// The parameters in use.
    pub fn config(&self) -> &PrimaryConfig {
        &self.config
    }

    /// Counters for INFO.
    pub fn stats(&self) -> SyncStats {
        self.stats
    }

    /// Number of attached replicas (`connected_slaves`), those being synchronised included.
    pub fn replica_count(&self) -> usize {
        self.replicas().count()
    }

    /// All attached replicas in the order of their ids, for INFO.
    pub fn rows(&self, now: Millis) -> Vec<ReplicaRow> {
        self.replicas().map(|(id, peer)| peer.row(id, now)).collect()
    }

    /// The replicas that are online, for ROLE.
    pub fn online_rows(&self, now: Millis) -> Vec<ReplicaRow> {
        self.online().map(|(id, peer)| peer.row(id, now)).collect()
    }

    /// Replicas that have not acknowledged everything: SHUTDOWN waits for them.
    pub fn lagging(&self, now: Millis) -> Vec<ReplicaRow> {
        let end = self.log.end_offset();
        self.replicas()
            .filter(|(_, peer)| peer.ack_offset != end)
            .map(|(id, peer)| peer.row(id, now))
            .collect()
    }

    /// What SHUTDOWN logs about its replicas when it goes on, at level notice.
    pub fn shutdown_report(&self, now: Millis) -> Vec<String> {
        let (all, lagging) = (self.replica_count(), self.lagging(now));
        if all == 0 {
            return Vec::new();
        }
        let end = self.log.end_offset();
        let describe = |row: &ReplicaRow| {
            let (name, behind) = (self.name_of(row.id), end.saturating_sub(row.offset));
            let (lag, state) = (row.lag_seconds, row.state.info_name());
            format!(
                "Lagging replica {name} reported offset {behind} behind master, lag={lag}, state={state}."
            )
        };
        let mut lines: Vec<String> = lagging.iter().map(describe).collect();
        lines.push(format!("{} of {all} replicas are in sync when shutting down.", all - lagging.len()));
        lines
    }

    /// Replicas that have executed everything up to `offset` (WAIT).
    pub fn acked(&self, offset: u64) -> usize {
        self.online().filter(|(_, peer)| peer.ack_offset >= offset).count()
    }

    /// Replicas that have everything up to `offset` on disk (WAITAOF).
    pub fn fsynced(&self, offset: u64) -> usize {
        self.online().filter(|(_, peer)| peer.aof_offset >= offset).count()
    }

    /// Replicas that were heard from within `min-replicas-max-lag` (`min_slaves_good_slaves`).
    pub fn good_replicas(&self, now: Millis) -> usize {
        let max_lag = self.config.min_replicas_max_lag_ms;
        // Whole seconds: replicas acknowledge once a second.
        let is_good = |peer: &Peer| now.saturating_sub(peer.ack_ms) / 1000 * 1000 <= max_lag;
        self.online().filter(|(_, peer)| is_good(peer)).count()
    }

    /// Whether writes are allowed by `min-replicas-to-write`.
    pub fn has_enough_replicas(&self, now: Millis) -> bool {
        let PrimaryConfig { min_replicas_to_write, min_replicas_max_lag_ms, .. } = self.config;
        self.role != Role::Master
            || min_replicas_to_write == 0
            || min_replicas_max_lag_ms == 0
            || self.good_replicas(now) >= min_replicas_to_write
    }

    /// `master_failover_state`.
    pub fn failover_state(&self) -> FailoverState {
        self.failover.state
    }

    /// Whether the client is an attached replica.
    pub fn is_replica(&self, client: ReplicaId) -> bool {
        self.peers.get(&client).is_some_and(|peer| peer.stage.is_some())
    }

    fn replicas(&self) -> impl Iterator<Item = (ReplicaId, &Peer)> {
        self.peers.iter().filter(|(_, peer)| peer.stage.is_some()).map(|(id, peer)| (*id, peer))
    }

    fn online(&self) -> impl Iterator<Item = (ReplicaId, &Peer)> {
        self.replicas().filter(|(_, peer)| peer.stage == Some(Stage::Online))
    }
}

/// Reactions.
impl Primary {
    fn on_closed(&mut self, now: Millis, replica: ReplicaId) {
        if self.deferred.as_ref().is_some_and(|request| request.replica == replica) {
            self.deferred = None;
        }
        self.forget(now, replica);
    }

    /// Removes a client and its cursor. Returns whether it was a replica.
    fn forget(&mut self, now: Millis, replica: ReplicaId) -> bool {
        let Some(peer) = self.peers.remove(&replica) else { return false };
        if let Some(cursor) = peer.cursor {
            self.log.detach(cursor);
        }
        if peer.stage.is_none() {
            return false;
        }
        self.cancel_unneeded_snapshot(now);
        self.watch_replicas(now);
        true
    }

    fn disconnect(&mut self, now: Millis, replica: ReplicaId, reason: DisconnectReason) {
        if self.forget(now, replica) {
            self.outputs.push_back(Output::Disconnect { replica, reason });
        }
    }

    fn on_overrun(&mut self, now: Millis, replica: ReplicaId) {
        if self.is_replica(replica) {
            let text = format!(
                "Client {} closed ASAP for overcoming of output buffer limits.",
                self.name_of(replica)
            );
            self.log_line(LogLevel::Warning, text);
            self.disconnect(now, replica, DisconnectReason::Overrun);
        }
    }

    fn drop_replicas(&mut self, now: Millis) {
        let ids: Vec<ReplicaId> = self.replicas().map(|(id, _)| id).collect();
        for id in ids {
            self.disconnect(now, id, DisconnectReason::HistoryChanged);
        }
    }

    fn on_request_acks(&mut self) {
        if self.role == Role::Master && self.online().next().is_some() {
            self.outputs.push_back(Output::AppendGetAck);
        }
    }

    fn on_role(&mut self, now: Millis, role: Role) {
        let was_master = self.role == Role::Master;
        self.role = role;
        if was_master != (role == Role::Master) {
            // Counted anew: else the backlog of a new master might be freed before its replicas had time to come.
            self.timers.stop(Timer::BacklogTtl as usize);
            self.watch_replicas(now);
        }
        if role == Role::Master
            && let Some(request) = self.deferred.take()
        {
            self.sync(now, request);
        }
    }

    fn on_config(&mut self, now: Millis, config: PrimaryConfig) {
        if config.backlog_ttl_ms != self.config.backlog_ttl_ms {
            self.timers.stop(Timer::BacklogTtl as usize);
        }
        self.config = config;
        self.watch_replicas(now);
        self.try_start_snapshot(now);
    }

    /// Sets the timers that depend on whether there are replicas.
    fn watch_replicas(&mut self, now: Millis) {
        if self.replicas().next().is_some() {
            self.timers.stop(Timer::BacklogTtl as usize);
            if !self.timers.is_set(Timer::Cron as usize) {
                self.timers.set(Timer::Cron as usize, now + CRON_MS);
            }
            return;
        }
        self.timers.stop(Timer::Cron as usize);
        let ttl = self.config.backlog_ttl_ms;
        // A replica without replicas keeps its backlog: it may become the master.
        if self.role != Role::Master || ttl == 0 || !self.log.has_backlog() {
            self.timers.stop(Timer::BacklogTtl as usize);
        } else if !self.timers.is_set(Timer::BacklogTtl as usize) {
            self.timers.set(Timer::BacklogTtl as usize, now + ttl);
        }
    }

    /// Nobody came back. Without a backlog the log may stop, and writes happen that no offset tells of: a new history.
    fn free_backlog(&mut self) {
        if self.role != Role::Master || self.replicas().next().is_some() {
            return;
        }
        self.begin_history();
        self.log.free_backlog();
        let seconds = self.config.backlog_ttl_ms / 1000;
        let text = format!("Replication backlog freed after {seconds} seconds without connected replicas.");
        self.log_line(LogLevel::Notice, text);
    }

    /// Begins a history without a past.
    fn begin_history(&mut self) {
        let id = self.next_id.take().expect("the driver answers WantReplId at once");
        self.log.set_id(id);
        self.log.clear_second_id();
        self.outputs.push_back(Output::WantReplId);
    }

    /// Once a second while there are replicas.
    fn cron(&mut self, now: Millis) {
        self.timers.set(Timer::Cron as usize, now + CRON_MS);
        self.ping_if_idle(now);
        self.send_newlines();
        self.drop_silent(now);
        self.watch_replicas(now);
    }

    /// A stream that carries nothing else carries a PING each period, so that replicas notice a dead master.
    fn ping_if_idle(&mut self, now: Millis) {
        let end = self.log.end_offset();
        if end != self.seen_end {
            self.seen_end = end;
            self.last_append = now;
            return;
        }
        let is_due = now.saturating_sub(self.last_append) >= self.config.ping_period_ms;
        // The offset must stand still while a failover with a deadline waits for a replica to have it.
        if is_due && self.role == Role::Master && !self.failover.has_deadline() {
            self.last_append = now;
            self.outputs.push_back(Output::AppendPing);
        }
    }

    /// A newline tells replicas that wait for a snapshot that we are alive.
    fn send_newlines(&mut self) {
        let is_diskless = self.snapshot.as_ref().is_some_and(|snapshot| snapshot.diskless);
        for (&replica, peer) in &self.peers {
            let waits = match peer.stage {
                Some(Stage::WaitStart) => true,
                Some(Stage::WaitEnd) => !is_diskless,
                _ => false,
            };
            if waits {
                self.outputs.push_back(Output::Reply { replica, bytes: Bytes::from_static(b"\n") });
            }
        }
    }

    fn drop_silent(&mut self, now: Millis) {
        let timeout = self.config.timeout_ms;
        let is_over = |since: Millis| now.saturating_sub(since) > timeout;
        let mut silent = Vec::new();
        for (id, peer) in self.replicas() {
            match peer.stage {
                Some(Stage::Online) if !peer.is_pre_psync && is_over(peer.ack_ms) => {
                    silent.push((id, "streaming sync"))
                }
                Some(Stage::WaitEnd) if peer.stalled_since.is_some_and(is_over) => {
                    silent.push((id, "full sync"))
                }
                _ => {}
            }
        }
        for (id, what) in silent {
            let text = format!("Disconnecting timedout replica ({what}): {}", self.name_of(id));
            self.log_line(LogLevel::Warning, text);
            self.disconnect(now, id, DisconnectReason::Timeout);
        }
    }

    fn peer_mut(&mut self, replica: ReplicaId) -> &mut Peer {
        self.peers.entry(replica).or_default()
    }

    /// How log lines call a replica.
    fn name_of(&self, replica: ReplicaId) -> String {
        self.peers
            .get(&replica)
            .map_or_else(|| format!("client id #{}", replica.0), |peer| peer.name(replica))
    }

    fn reply(&mut self, replica: ReplicaId, bytes: impl Into<Bytes>) {
        self.outputs.push_back(Output::Reply { replica, bytes: bytes.into() });
    }

    fn reply_ok(&mut self, replica: ReplicaId) {
        self.reply(replica, Bytes::from_static(b"+OK\r\n"));
    }

    /// Replies with an error; `text` begins with its code.
    fn reply_error(&mut self, replica: ReplicaId, text: impl std::fmt::Display) {
        // What the client sent may be quoted: no line ends in it.
        let line = text.to_string().replace(['\r', '\n'], " ");
        self.reply(replica, format!("-{line}\r\n"));
    }

    fn log_line(&mut self, level: LogLevel, text: impl Into<String>) {
        self.outputs.push_back(Output::Log { level, text: text.into() });
    }
}

/// Argument `i` as text.
fn text_arg(args: &OwnedArgs, i: usize) -> String {
    args.get(i).map(|arg| String::from_utf8_lossy(arg).into_owned()).unwrap_or_default()
}

/// Whether argument `i` is `word`, whatever its case.
fn is_arg(args: &OwnedArgs, i: usize, word: &str) -> bool {
    args.get(i).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests;
