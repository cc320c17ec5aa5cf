//! The replica's side of replication: one link to one master.

mod cutter;
mod handshake;
pub mod io;
mod negotiation;
mod payload;
mod streaming;
mod transfer;

use std::collections::VecDeque;
use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};

use crate::timer::{Millis, TimerTable};
use crate::{LogLevel, ReplId};
use cutter::StreamCutter;
use handshake::Step;
use io::{Input, LinkConfig, LinkId, LinkState, LinkStatus, MasterAddr, Output, Position};
use payload::PayloadReader;
use streaming::Applied;

/// How long to wait before connecting again after a failure.
const RETRY_MS: u64 = 1000;
/// How often to acknowledge, and while loading to send a newline.
const ACK_PERIOD_MS: u64 = 1000;

/// The timers of a [`ReplicaLink`].
#[derive(Clone, Copy, Debug)]
enum Timer {
    /// Connect again.
    Retry,
    /// Nothing was received for `repl-timeout`.
    Silence,
    /// Acknowledge, or tell the master that we are alive.
    Ack,
    /// Number of timers.
    Count,
}

/// The link of a replica to its master: a state machine without I/O.
///
/// # Contract
/// - Everything that happens goes into [`ReplicaLink::handle`], with the time of a monotonic clock in milliseconds.
/// - After every call the driver drains [`ReplicaLink::poll_output`] and does what it says, in order.
/// - [`ReplicaLink::poll_timeout`] says when to call [`ReplicaLink::handle_timeout`]; calling it early is harmless. Ask
///   again after every call.
/// - Commands of [`Output::Apply`] are executed in order, and [`Input::Applied`] is reported before any other input: what
///   was applied when the link broke is what the next PSYNC asks to continue. After [`Output::Close`] nothing more of
///   that link may be executed.
/// - The machine knows neither data nor files. It never asks for randomness.
///
/// # States
/// ```text
/// None -> Waiting -> Connecting -> Handshake -> Header -> Payload -> Loading -> Streaming
///            ^            |            |   |       |         |          |           ^  |
///            +-- retry ---+------------+   +-------|-- partial resync --|-----------+  |
///            +-- at once --------------------------+---------+----------+--------------+
/// ```
/// A handshake that fails is repeated after a second, a link that breaks later at once.
#[derive(Debug)]
pub struct ReplicaLink {
    config: LinkConfig,
    master: Option<MasterAddr>,
    phase: Phase,
    /// The present connection, or the last one.
    link: LinkId,
    /// Bytes received and not yet interpreted, except those of payload and stream.
    inbuf: BytesMut,
    /// What a partial resync can continue from.
    cached: Option<Position>,
    /// The next PSYNC asks the other one to become the master.
    failover: bool,
    /// What the payload being received or loaded brings us to; None when the master could not say (SYNC).
    target: Option<(ReplId, u64)>,
    /// Size of the payload, if known, and bytes received of it.
    payload_size: Option<u64>,
    payload_read: u64,
    /// The connection broke behind the payload: once that is loaded, a partial resync gets the rest.
    broke_while_loading: bool,
    applied: Applied,
    fsynced: Option<u64>,
    last_io: Millis,
    down_since: Option<Millis>,
    timers: TimerTable<{ Timer::Count as usize }>,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
enum Phase {
    /// Not a replica.
    None,
    /// Until [`Timer::Retry`].
    Waiting,
    Connecting,
    Handshake(Step),
    /// Before the first line of the payload.
    Header,
    Payload(PayloadReader),
    /// The driver loads the payload.
    Loading,
    Streaming(StreamCutter),
}

impl ReplicaLink {
    /// A server that is no replica.
    pub fn new(config: LinkConfig) -> Self {
        let position = Position { id: ReplId::NONE, offset: 0, db: 0 };
        ReplicaLink {
            config,
            master: None,
            phase: Phase::None,
            link: LinkId(0),
            inbuf: BytesMut::new(),
            cached: None,
            failover: false,
            target: None,
            payload_size: None,
            payload_read: 0,
            broke_while_loading: false,
            applied: Applied::at(position, false),
            fsynced: None,
            last_io: 0,
            down_since: None,
            timers: TimerTable::new(),
            outputs: VecDeque::new(),
        }
    }

    /// What the driver must do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`ReplicaLink::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Millis> {
        self.timers.next()
    }

    /// Whether the driver shall read from the connection: not while the payload is being loaded.
    pub fn wants_read(&self) -> bool {
        !matches!(self.phase, Phase::Loading)
    }

    /// The master that this server follows, if it is a replica.
    pub fn master(&self) -> Option<&MasterAddr> {
        self.master.as_ref()
    }

    /// The parameters in use.
    pub fn config(&self) -> &LinkConfig {
        &self.config
    }

    /// For INFO and ROLE.
    pub fn status(&self, now: Millis) -> LinkStatus {
        let seconds = |since: Millis| now.saturating_sub(since) / 1000;
        let state = match self.phase {
            Phase::None => LinkState::None,
            Phase::Waiting => LinkState::Connect,
            Phase::Connecting => LinkState::Connecting,
            Phase::Handshake(_) => LinkState::Handshake,
            Phase::Header | Phase::Payload(_) | Phase::Loading => LinkState::Sync,
            Phase::Streaming(_) => LinkState::Connected,
        };
        let connected = state == LinkState::Connected;
        let applied = if connected { Some(self.applied.position) } else { self.cached };
        let applied_offset = applied.map_or(0, |position| position.offset);
        let read_offset = match &self.phase {
            Phase::Streaming(cutter) => self.applied.given + cutter.pending() as u64,
            _ => applied_offset,
        };
        LinkStatus {
            master: self.master.clone(),
            state,
            last_io_seconds_ago: if connected { seconds(self.last_io) as i64 } else { -1 },
            sync_in_progress: state == LinkState::Sync,
            read_offset,
            applied_offset,
            sync_total_bytes: self.payload_size.unwrap_or(0),
            sync_read_bytes: self.payload_read,
            sync_last_io_seconds_ago: seconds(self.last_io),
            down_since_seconds: (!connected)
                .then(|| self.down_since.map_or(-1, |since| seconds(since) as i64)),
            has_cached_master: self.cached.is_some(),
        }
    }

    /// Takes what happened at `now`.
    pub fn handle(&mut self, now: Millis, input: Input) {
        match input {
            Input::SetMaster { master, own, failover } => self.on_set_master(now, master, own, failover),
            Input::Unset => self.on_unset(),
            Input::Fsynced(offset) => self.fsynced = offset,
            Input::AckNow => self.ack(),
            Input::Config(config) => self.on_config(config),
            Input::Connected(link) if self.is_current(link) => self.on_connected(now),
            Input::ConnectFailed { link, error } if self.is_current(link) => {
                self.on_connect_failed(now, &error)
            }
            Input::Received { link, bytes } if self.is_current(link) => self.on_received(now, bytes),
            Input::Closed { link, error } if self.is_current(link) => self.on_closed(now, error),
            Input::PayloadLoaded { link, stream_db } if self.is_current(link) => {
                self.on_loaded(now, stream_db)
            }
            Input::PayloadFailed { link, error } if self.is_current(link) => {
                self.on_payload_failed(now, &error)
            }
            Input::PayloadRefused { link } if self.is_current(link) => self.on_refused(now),
            Input::Applied { link, offset } if self.is_current(link) => self.on_applied(now, offset),
            // About a connection that is no more.
            Input::Connected(_)
            | Input::ConnectFailed { .. }
            | Input::Received { .. }
            | Input::Closed { .. }
            | Input::PayloadLoaded { .. }
            | Input::PayloadFailed { .. }
            | Input::PayloadRefused { .. }
            | Input::Applied { .. } => {}
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Millis) {
        if self.timers.expire(Timer::Retry as usize, now) && matches!(self.phase, Phase::Waiting) {
            self.log_master(LogLevel::Notice, "Connecting to MASTER", "");
            self.connect(now);
        }
        if self.timers.expire(Timer::Silence as usize, now) {
            // Not set on every read, so it may be early.
            if now.saturating_sub(self.last_io) < self.config.timeout_ms {
                self.timers.set(Timer::Silence as usize, self.last_io + self.config.timeout_ms);
            } else {
                self.on_silence(now);
            }
        }
        if self.timers.expire(Timer::Ack as usize, now) {
            match self.phase {
                Phase::Streaming(_) => self.ack(),
                Phase::Loading => self.send(Bytes::from_static(b"\n")),
                _ => return,
            }
            self.timers.set(Timer::Ack as usize, now + ACK_PERIOD_MS);
        }
    }

    fn is_current(&self, link: LinkId) -> bool {
        self.link == link && !matches!(self.phase, Phase::None | Phase::Waiting)
    }

    fn on_config(&mut self, config: LinkConfig) {
        self.config = config;
        // A shorter timeout counts from now on, not from when the longer one would have been over.
        if self.timers.is_set(Timer::Silence as usize) {
            self.timers.set(Timer::Silence as usize, self.last_io + self.config.timeout_ms);
        }
    }

    fn on_set_master(&mut self, now: Millis, master: MasterAddr, own: Option<Position>, failover: bool) {
        self.drop_link(now);
        self.failover = failover;
        self.master = Some(master);
        if let Some(own) = own {
            self.discard_cached();
            self.log(
                LogLevel::Notice,
                "Before turning into a replica, using my own master parameters to synthesize a cached master: \
                 I may be able to synchronize with the new master with just a partial transfer.",
            );
            self.cached = Some(own);
        }
        self.log_master(LogLevel::Notice, "Connecting to MASTER", "");
        self.connect(now);
    }

    fn on_unset(&mut self) {
        if self.master.is_none() {
            return;
        }
        self.drop_link(self.last_io);
        self.discard_cached();
        self.master = None;
        self.failover = false;
        self.phase = Phase::None;
        self.timers.stop_all();
        self.down_since = None;
        self.outputs.push_back(Output::Promoted);
    }

    /// Ends the present connection, if any, because the master changes.
    fn drop_link(&mut self, now: Millis) {
        match self.phase {
            Phase::None | Phase::Waiting => {}
            Phase::Streaming(_) => {
                self.outputs.push_back(Output::Close(self.link));
                self.cache_master(now);
            }
            _ => self.outputs.push_back(Output::Close(self.link)),
        }
        if self.master.is_some() {
            self.phase = Phase::Waiting;
        }
    }

    /// The stream broke: remembers where to continue.
    fn cache_master(&mut self, now: Millis) {
        self.log(LogLevel::Notice, "Connection with master lost.");
        self.log(LogLevel::Notice, "Caching the disconnected master state.");
        self.cached = (!self.applied.is_pre_psync).then_some(self.applied.position);
        self.down_since = Some(now);
        self.outputs.push_back(Output::LinkChanged(false));
    }

    fn discard_cached(&mut self) {
        if self.cached.take().is_some() {
            self.log(LogLevel::Notice, "Discarding previously cached master state.");
        }
    }

    fn connect(&mut self, now: Millis) {
        let Some(master) = self.master.clone() else { return };
        self.link = LinkId(self.link.0 + 1);
        self.inbuf.clear();
        self.broke_while_loading = false;
        self.phase = Phase::Connecting;
        self.last_io = now;
        self.timers.stop_all();
        self.timers.set(Timer::Silence as usize, now + self.config.timeout_ms);
        self.outputs.push_back(Output::Connect { link: self.link, master });
        self.log(LogLevel::Notice, "MASTER <-> REPLICA sync started");
    }

    /// Closes the connection and tries again in a while.
    fn retry_later(&mut self, now: Millis) {
        self.outputs.push_back(Output::Close(self.link));
        self.phase = Phase::Waiting;
        self.timers.stop_all();
        self.timers.set(Timer::Retry as usize, now + RETRY_MS);
    }

    /// Closes the connection and tries again at once: handshake or transfer came to nothing.
    fn retry_now(&mut self, now: Millis) {
        self.outputs.push_back(Output::Close(self.link));
        self.log_master(LogLevel::Notice, "Reconnecting to MASTER", " after failure");
        self.connect(now);
    }

    /// The stream ended or broke.
    fn lose_stream(&mut self, now: Millis) {
        self.outputs.push_back(Output::Close(self.link));
        self.cache_master(now);
        self.log_master(LogLevel::Notice, "Reconnecting to MASTER", "");
        self.connect(now);
    }

    fn on_connected(&mut self, now: Millis) {
        if !matches!(self.phase, Phase::Connecting) {
            return;
        }
        self.last_io = now;
        self.log(LogLevel::Notice, "Non blocking connect for SYNC fired the event.");
        self.phase = Phase::Handshake(Step::Ping);
        self.send(handshake::command(&[b"PING"]));
    }

    fn on_connect_failed(&mut self, now: Millis, error: &str) {
        self.log(LogLevel::Warning, format!("Error condition on socket for SYNC: {error}"));
        self.retry_later(now);
    }

    fn on_closed(&mut self, now: Millis, error: Option<String>) {
        match self.phase {
            Phase::None | Phase::Waiting => {}
            Phase::Connecting => self.on_connect_failed(now, error.as_deref().unwrap_or("connection closed")),
            Phase::Handshake(Step::Psync) => {
                self.log(LogLevel::Warning, "Master did not reply to PSYNC, will try later");
                self.refuse_failover();
                self.retry_later(now);
            }
            Phase::Handshake(_) => {
                self.log(LogLevel::Warning, "Master did not respond to command during SYNC handshake");
                self.retry_later(now);
            }
            Phase::Header => {
                let error = error.as_deref().unwrap_or("connection lost");
                self.log(LogLevel::Warning, format!("I/O error reading bulk count from MASTER: {error}"));
                self.retry_now(now);
            }
            Phase::Loading => {
                self.broke_while_loading = true;
                self.timers.stop(Timer::Ack as usize);
            }
            Phase::Payload(_) => {
                let error = error.as_deref().unwrap_or("connection lost");
                self.log(LogLevel::Warning, format!("I/O error trying to sync with MASTER: {error}"));
                self.retry_now(now);
            }
            Phase::Streaming(_) => self.lose_stream(now),
        }
    }

    fn on_silence(&mut self, now: Millis) {
        match self.phase {
            // Loading may take as long as it needs.
            Phase::None | Phase::Waiting | Phase::Loading => {}
            Phase::Connecting | Phase::Handshake(_) => {
                self.log(LogLevel::Warning, "Timeout connecting to the MASTER...");
                self.retry_now(now);
            }
            Phase::Header | Phase::Payload(_) => {
                self.log(
                    LogLevel::Warning,
                    "Timeout receiving bulk data from MASTER... If the problem persists try to set the \
                     'repl-timeout' parameter in redis.conf to a larger value.",
                );
                self.retry_now(now);
            }
            Phase::Streaming(_) => {
                self.log(LogLevel::Warning, "MASTER timeout: no data nor PING received...");
                self.lose_stream(now);
            }
        }
    }

    fn on_received(&mut self, now: Millis, bytes: Bytes) {
        self.last_io = now;
        match self.phase {
            Phase::Payload(_) => self.on_payload(now, bytes),
            Phase::Streaming(_) => self.on_stream(now, &bytes),
            // What the driver reads although we load waits in `inbuf`.
            Phase::Loading => self.inbuf.extend_from_slice(&bytes),
            _ => {
                self.inbuf.extend_from_slice(&bytes);
                self.read_lines(now);
            }
        }
    }

    fn send(&mut self, bytes: Bytes) {
        self.outputs.push_back(Output::Send { link: self.link, bytes });
    }

    fn log(&mut self, level: LogLevel, text: impl Into<String>) {
        self.outputs.push_back(Output::Log { level, text: text.into() });
    }

    /// Logs `what` about the master, with its address.
    fn log_master(&mut self, level: LogLevel, what: &str, more: &str) {
        let mut text = what.to_owned();
        if let Some(MasterAddr { host, port }) = &self.master {
            write!(text, " {host}:{port}{more}").expect("writing to a string cannot fail");
        }
        self.log(level, text);
    }
}

#[cfg(test)]
mod tests;
