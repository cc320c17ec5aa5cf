//! The replica's side of replication: one link to one master.

mod handshake;
pub mod io;
mod payload;
mod stream;

use std::collections::VecDeque;
use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};

use crate::timer::{Millis, TimerTable};
use crate::{Audience, LogLevel, ReplId};
use handshake::{PsyncAnswer, Step};
use io::{Input, LinkConfig, LinkId, LinkState, LinkStatus, LoadMode, MasterAddr, Output, Position};
use payload::{Framing, Parts, PayloadReader};
use stream::{Piece, StreamCutter};

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

/// What was executed of the stream.
#[derive(Debug)]
struct Applied {
    position: Position,
    /// Offset behind the last piece given out, and the pieces that were not reported as applied: offset behind them,
    /// database selected there.
    given: u64,
    pending: VecDeque<(u64, u32)>,
    /// A GETACK at this offset waits for what was in front of it.
    ack_due: Option<u64>,
    /// The master is too old to understand acknowledgements and partial resyncs.
    is_pre_psync: bool,
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
            Input::Config(config) => self.config = config,
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
            Input::Applied { link, offset } if self.is_current(link) => self.on_applied(offset),
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

    /// Interprets lines for as long as lines are expected, and hands on what is behind them.
    fn read_lines(&mut self, now: Millis) {
        let link = self.link;
        while self.link == link {
            match self.phase {
                Phase::Handshake(_) | Phase::Header => {}
                Phase::Payload(_) | Phase::Streaming(_) => {
                    let rest = self.inbuf.split().freeze();
                    return if rest.is_empty() {
                    } else {
                        self.on_received(now, rest)
                    };
                }
                _ => return,
            }
            match handshake::take_line(&mut self.inbuf) {
                Some(line) => self.on_line(now, &line),
                None if self.inbuf.len() > handshake::MAX_LINE => {
                    self.log(
                        LogLevel::Warning,
                        "Too long a line from MASTER, are you sure the host and port are right?",
                    );
                    return self.retry_later(now);
                }
                None => return,
            }
        }
    }

    fn on_line(&mut self, now: Millis, line: &str) {
        match self.phase {
            Phase::Handshake(Step::Psync) => self.on_psync_answer(now, line),
            Phase::Handshake(step) => self.on_answer(now, step, line),
            _ => self.on_header(now, line),
        }
    }

    fn on_answer(&mut self, now: Millis, step: Step, line: &str) {
        let is_error = line.starts_with('-');
        match step {
            Step::Ping if !handshake::is_ping_answer(line) => {
                self.log(LogLevel::Warning, format!("Error reply to PING from master: '{line}'"));
                return self.retry_later(now);
            }
            Step::Ping => {
                self.log(LogLevel::Notice, "Master replied to PING, replication can continue...");
                let introduction = handshake::introduction(&self.config);
                self.send(introduction);
            }
            Step::Auth if is_error => {
                self.log(LogLevel::Warning, format!("Unable to AUTH to MASTER: {line}"));
                return self.retry_later(now);
            }
            Step::ListeningPort | Step::IpAddress | Step::Capa if is_error => {
                let option = match step {
                    Step::ListeningPort => "listening-port",
                    Step::IpAddress => "ip-address",
                    _ => "capa",
                };
                let text = format!("(Non critical) Master does not understand REPLCONF {option}: {line}");
                self.log(LogLevel::Notice, text);
            }
            _ => {}
        }
        let next = step.next(&self.config);
        self.phase = Phase::Handshake(next);
        if next == Step::Psync {
            self.send_psync();
        }
    }

    fn send_psync(&mut self) {
        match self.cached {
            Some(Position { id, offset, .. }) => {
                let text = format!("Trying a partial resynchronization (request {id}:{}).", offset + 1);
                self.log(LogLevel::Notice, text);
            }
            None => self.log(LogLevel::Notice, "Partial resynchronization not possible (no cached master)"),
        }
        self.send(handshake::psync(self.cached, self.failover));
    }

    fn on_psync_answer(&mut self, now: Millis, line: &str) {
        if line.is_empty() {
            // The master is alive and prepares its answer.
            return;
        }
        let answer = PsyncAnswer::parse(line);
        match &answer {
            PsyncAnswer::FullResync(_) | PsyncAnswer::Continue(_) if self.failover => {
                self.failover = false;
                self.outputs.push_back(Output::FailoverAccepted);
            }
            PsyncAnswer::FullResync(_) | PsyncAnswer::Continue(_) => {}
            _ if self.failover => {
                self.log_refusal(&answer, line);
                self.refuse_failover();
                return self.retry_later(now);
            }
            _ => {}
        }
        match answer {
            PsyncAnswer::FullResync(target) => {
                match target {
                    Some((id, offset)) => {
                        self.log(LogLevel::Notice, format!("Full resync from master: {id}:{offset}"))
                    }
                    None => self.log(LogLevel::Warning, "Master replied with wrong +FULLRESYNC syntax."),
                }
                self.target = Some(target.unwrap_or((ReplId::NONE, 0)));
                self.begin_transfer();
            }
            PsyncAnswer::Continue(id) => self.on_continue(now, id),
            PsyncAnswer::TryLater => {
                self.log_refusal(&answer, line);
                self.retry_later(now);
            }
            PsyncAnswer::NotSupported | PsyncAnswer::Unexpected => {
                self.log_refusal(&answer, line);
                self.log(LogLevel::Notice, "Retrying with SYNC...");
                self.send(Bytes::from_static(b"SYNC\r\n"));
                self.target = None;
                self.begin_transfer();
            }
        }
    }

    fn log_refusal(&mut self, answer: &PsyncAnswer, line: &str) {
        match answer {
            PsyncAnswer::TryLater => {
                let text = format!("Master is currently unable to PSYNC but should be in the future: {line}");
                self.log(LogLevel::Notice, text);
            }
            PsyncAnswer::NotSupported => {
                let text = format!("Master does not support PSYNC or is in error state (reply: {line})");
                self.log(LogLevel::Notice, text);
            }
            _ => self.log(LogLevel::Warning, format!("Unexpected reply to PSYNC from master: {line}")),
        }
    }

    fn refuse_failover(&mut self) {
        if std::mem::take(&mut self.failover) {
            let reason = "Failover target rejected psync request";
            self.outputs.push_back(Output::FailoverRejected { reason });
        }
    }

    fn on_continue(&mut self, now: Millis, id: Option<ReplId>) {
        let Some(mut position) = self.cached.take() else {
            self.log(LogLevel::Warning, "Master continues a replication that was not asked for");
            return self.retry_later(now);
        };
        self.log(LogLevel::Notice, "Successful partial resynchronization with master.");
        if let Some(new) = id
            && new != position.id
        {
            self.log(LogLevel::Notice, format!("Master replication ID changed to {new}"));
            let (old, offset) = (position.id, position.offset);
            self.outputs.push_back(Output::ReplIdChanged { old, new, offset });
            position.id = new;
        }
        self.outputs.push_back(Output::Continue(position));
        self.log(LogLevel::Notice, "MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
        self.start_streaming(now, position, false);
    }

    fn begin_transfer(&mut self) {
        self.phase = Phase::Header;
        self.payload_size = None;
        self.payload_read = 0;
    }

    fn on_header(&mut self, now: Millis, line: &str) {
        if line.is_empty() {
            return;
        }
        if let Some(error) = line.strip_prefix('-') {
            self.log(LogLevel::Warning, format!("MASTER aborted replication with an error: {error}"));
            return self.retry_now(now);
        }
        let Some(framing) = Framing::parse(line) else {
            let text = format!(
                "Bad protocol from MASTER, the first byte is not '$' (we received '{line}'), are you sure the host \
                 and port are right?"
            );
            self.log(LogLevel::Warning, text);
            return self.retry_now(now);
        };
        let to = if self.config.load == LoadMode::Disk { "to disk" } else { "to parser" };
        match framing {
            Framing::Marked(_) => self.log(
                LogLevel::Notice,
                format!("MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF {to}"),
            ),
            Framing::Sized(size) => self.log(
                LogLevel::Notice,
                format!("MASTER <-> REPLICA sync: receiving {size} bytes from master {to}"),
            ),
        }
        self.payload_size = if let Framing::Sized(size) = framing { Some(size) } else { None };
        let (id, offset) = self.target.unwrap_or((ReplId::NONE, 0));
        self.phase = Phase::Payload(PayloadReader::new(framing));
        if self.config.load == LoadMode::Flush {
            self.replace_history();
        }
        if self.config.load != LoadMode::Disk {
            self.log(LogLevel::Notice, "MASTER <-> REPLICA sync: Loading DB in memory");
        }
        if self.config.load == LoadMode::Flush {
            self.log(LogLevel::Notice, "MASTER <-> REPLICA sync: Flushing old data");
        }
        let (link, size, load) = (self.link, self.payload_size, self.config.load);
        self.outputs.push_back(Output::PayloadStart { link, id, offset, size, load });
        if self.payload_size == Some(0) {
            self.on_payload(now, Bytes::new());
        }
    }

    /// The old data is about to go: nobody can continue from it.
    fn replace_history(&mut self) {
        self.discard_cached();
        self.outputs.push_back(Output::DropReplicas);
    }

    fn on_payload(&mut self, now: Millis, bytes: Bytes) {
        let Phase::Payload(reader) = &mut self.phase else { return };
        let mut parts = Parts::new();
        let rest = reader.feed(bytes, &mut parts);
        let link = self.link;
        for bytes in parts {
            self.payload_read += bytes.len() as u64;
            self.outputs.push_back(Output::Payload { link, bytes });
        }
        let Some(rest) = rest else { return };
        self.inbuf.clear();
        self.inbuf.extend_from_slice(&rest);
        self.phase = Phase::Loading;
        self.broke_while_loading = false;
        self.timers.stop(Timer::Silence as usize);
        self.timers.set(Timer::Ack as usize, now + ACK_PERIOD_MS);
        let refuse_if_empty = self.config.refuse_empty_master;
        if self.config.load == LoadMode::Disk {
            if !refuse_if_empty {
                self.replace_history();
            }
            self.log(LogLevel::Notice, "MASTER <-> REPLICA sync: Loading DB in memory");
        }
        self.outputs.push_back(Output::PayloadDone { link, refuse_if_empty });
    }

    fn on_loaded(&mut self, now: Millis, db: u32) {
        // With `LoadMode::Flush` a driver that loads while it receives may know of an error early, never of success.
        if !matches!(self.phase, Phase::Loading) {
            return;
        }
        if self.config.load == LoadMode::SwapDb || self.config.refuse_empty_master {
            self.replace_history();
        }
        let (id, offset) = self.target.unwrap_or((ReplId::NONE, 0));
        let position = Position { id, offset, db };
        self.outputs.push_back(Output::AdoptHistory(position));
        self.log(LogLevel::Notice, "MASTER <-> REPLICA sync: Finished with success");
        self.start_streaming(now, position, self.target.is_none());
    }

    fn on_payload_failed(&mut self, now: Millis, error: &str) {
        if matches!(self.phase, Phase::Payload(_) | Phase::Loading) {
            let from = if self.config.load == LoadMode::Disk { "from disk" } else { "from socket" };
            let text = format!("Failed trying to load the MASTER synchronization DB {from}: {error}");
            self.log(LogLevel::Warning, text);
            self.retry_now(now);
        }
    }

    fn on_refused(&mut self, now: Millis) {
        if matches!(self.phase, Phase::Loading) {
            self.log(
                LogLevel::Warning,
                "MASTER <-> REPLICA sync: the master came back empty, keeping the data set of this replica",
            );
            self.retry_later(now);
        }
    }

    fn start_streaming(&mut self, now: Millis, position: Position, is_pre_psync: bool) {
        self.applied = Applied::at(position, is_pre_psync);
        self.phase = Phase::Streaming(StreamCutter::new(position.db));
        self.last_io = now;
        self.down_since = None;
        self.timers.set(Timer::Silence as usize, now + self.config.timeout_ms);
        self.timers.set(Timer::Ack as usize, now + ACK_PERIOD_MS);
        self.outputs.push_back(Output::LinkChanged(true));
        // A master waits for it after a payload that a mark ended; else it just tells early that we are there.
        self.ack();
        let rest = self.inbuf.split().freeze();
        if !rest.is_empty() {
            self.on_stream(now, &rest);
        }
        if std::mem::take(&mut self.broke_while_loading) && matches!(self.phase, Phase::Streaming(_)) {
            self.lose_stream(now);
        }
    }

    fn on_stream(&mut self, now: Millis, bytes: &[u8]) {
        let Phase::Streaming(cutter) = &mut self.phase else { return };
        let (link, applied, outputs) = (self.link, &mut self.applied, &mut self.outputs);
        let result = cutter.feed(bytes, |piece| outputs.push_back(applied.give(link, piece)));
        if let Err(error) = result {
            let what = match error {
                stream::StreamError::Inline => "Receiving inline protocol from master".to_owned(),
                stream::StreamError::Protocol(error) => error.to_string(),
            };
            self.log(
                LogLevel::Warning,
                format!(
                    "WARNING: {what}, master stream corruption? Closing the master connection and discarding the \
                     cached master."
                ),
            );
            // What was given out is not to be executed: the driver reports nothing more about this link.
            self.lose_stream(now);
            self.discard_cached();
            return;
        }
        self.ack_if_due();
    }

    fn on_applied(&mut self, offset: u64) {
        if matches!(self.phase, Phase::Streaming(_)) {
            self.applied.advance(offset);
            self.ack_if_due();
        }
    }

    fn ack_if_due(&mut self) {
        if self.applied.ack_due.is_some_and(|due| due <= self.applied.position.offset) {
            self.applied.ack_due = None;
            self.ack();
        }
    }

    /// Tells the master how far we are.
    fn ack(&mut self) {
        if !matches!(self.phase, Phase::Streaming(_)) || self.applied.is_pre_psync {
            return;
        }
        let offset = self.applied.position.offset.to_string();
        let bytes = match self.fsynced.map(|fsynced| fsynced.to_string()) {
            Some(fsynced) => {
                handshake::command(&[b"REPLCONF", b"ACK", offset.as_bytes(), b"FACK", fsynced.as_bytes()])
            }
            None => handshake::command(&[b"REPLCONF", b"ACK", offset.as_bytes()]),
        };
        self.send(bytes);
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

impl Applied {
    fn at(position: Position, is_pre_psync: bool) -> Self {
        let given = position.offset;
        Applied { position, given, pending: VecDeque::new(), ack_due: None, is_pre_psync }
    }

    /// Notes a piece that is given out.
    fn give(&mut self, link: LinkId, piece: Piece) -> Output {
        let start = self.given;
        self.given += piece.bytes.len() as u64;
        self.pending.push_back((self.given, piece.db_after));
        if piece.is_getack {
            self.ack_due.get_or_insert(start);
        }
        let Piece { bytes, audience, db, db_after, .. } = piece;
        debug_assert!(audience == Audience::All || db == db_after);
        Output::Apply { link, bytes, end_offset: self.given, db, db_after, audience }
    }

    /// Everything up to `offset` is executed.
    fn advance(&mut self, offset: u64) {
        while let Some(&(end, db)) = self.pending.front()
            && end <= offset
        {
            self.position.offset = end;
            self.position.db = db;
            self.pending.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
