//! One client's connection, from the first byte to the last.
//!
//! A connection is a hand-written future, so that a turn costs no more than it must: one read, one run of the engine, one
//! write. Its states are few: it reads, or it sleeps ([`redan_engine::Park`]), or it closes once its replies are
//! written. In all of them it listens to its mailbox.
//!
//! Idle connections hold no buffers: they read into the worker's buffer, keep what is left of an incomplete request,
//! and borrow the memory of their replies from the worker.

use crate::host::{FREE_OUTPUT_LEN, Server};
use crate::net::socket::{LooseSocket, Socket};
use crate::replication::NewReplica;
use crate::worker::{Desk, READ_LEN, with_desk};
use redan_engine::{Client, ClientKind, Counters, Engine, Session, SessionOrigin, TurnEnd};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// Incomplete requests up to this length are completed in the worker's buffer, longer ones in one of their own.
const SHARED_INPUT_LEN: usize = READ_LEN / 2;
/// Room that a long request gets at first, whatever length it announces; later it doubles.
const FIRST_GROWTH: usize = 256 << 10;
/// Reading stops while so many bytes of replies wait for the client to take them. Clients that send a long pipeline before
/// they read the first reply must not be stopped, so it is a lot.
const STOP_READING_LEN: usize = 64 << 20;
/// Replies up to this length may wait until the other connections of the worker have had their turn.
const LATER_OUTPUT_LEN: usize = 16 << 10;
/// What a client may leave unread that has never said who it is.
const STRANGER_OUTPUT_LEN: usize = 1024;
/// What a sleeping connection may read ahead.
const PARKED_INPUT_LEN: usize = 64 << 10;

/// A client as the acceptor hands it to a worker.
pub(crate) struct NewClient {
    pub(crate) socket: LooseSocket,
    pub(crate) client: Arc<Client>,
    /// Its session, if it comes from another worker.
    pub(crate) session: Option<Box<Session>>,
    /// What was read and not yet executed.
    pub(crate) input: Vec<u8>,
}

/// Why a connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// All is said.
    Closed,
    /// The client is gone, was killed or did not keep to its limits.
    Lost,
    /// A replica's from now on.
    HandOver,
    /// Another worker's from now on.
    Move,
}

/// See the module's text.
pub(crate) struct Connection {
    server: Arc<Server>,
    engine: &'static Engine,
    socket: Option<Socket>,
    session: Session,
    client: Arc<Client>,
    /// What was read and not yet executed.
    input: Vec<u8>,
    /// Bytes that are missing from the request it ends with.
    want: usize,
    /// The input holds requests that have not been looked at since the connection woke up.
    rerun: bool,
    /// How much of the session's replies is written.
    sent: usize,
    /// Replies that wait for the disk: their end in the session's buffer, and how much of the log must be there.
    held: VecDeque<(usize, u64)>,
    /// The session's last write when its replies were looked at.
    seen_write: u64,
    /// Closes, or changes hands, once the replies are written.
    ending: Option<End>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    /// A connection of the worker the caller is on.
    pub(crate) fn new(server: Arc<Server>, new: NewClient) -> io::Result<Self> {
        let engine = server.engine();
        let mut session = match new.session {
            Some(session) => *session,
            None => Session::new(Arc::clone(&new.client), SessionOrigin::Client, engine),
        };
        let socket = match new.socket.attach() {
            Ok(socket) => socket,
            Err(error) => {
                // One that comes from another worker may be subscribed and watch keys.
                engine.close_session(&mut session);
                return Err(error);
            }
        };
        Ok(Self {
            server,
            engine,
            socket: Some(socket),
            session,
            client: new.client,
            rerun: !new.input.is_empty(),
            input: new.input,
            want: 1,
            sent: 0,
            held: VecDeque::new(),
            seen_write: 0,
            ending: None,
            deadline: None,
        })
    }

    /// The client.
    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Binds the connection to the runtime the caller is in; it was bound to another one.
    ///
    /// # Errors
    /// When one of the runtimes refuses.
    pub(crate) fn rehome(mut self) -> io::Result<Self> {
        let socket = self.socket.take().expect("a connection has a socket until it ends");
        match socket.detach().and_then(LooseSocket::attach) {
            Ok(socket) => {
                self.socket = Some(socket);
                Ok(self)
            }
            Err(error) => {
                self.engine.close_session(&mut self.session);
                Err(error)
            }
        }
    }

    /// Goes on until there is nothing to do but wait.
    fn advance(&mut self, desk: &mut Desk, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            if self.client.mailbox.is_killed() {
                return Poll::Ready(End::Lost);
            }
            if let Some(end) = self.poll_turn(desk, cx) {
                return Poll::Ready(end);
            }
            if !self.poll_mailbox(desk, cx) && !self.poll_deadline(desk, cx) {
                return Poll::Pending;
            }
        }
    }

    /// Reads and runs requests and writes replies until the socket or the session makes it wait.
    fn poll_turn(&mut self, desk: &mut Desk, cx: &mut Context<'_>) -> Option<End> {
        loop {
            match self.poll_write(desk, cx) {
                Ok(true) if self.ending.is_some() => return self.ending,
                Ok(_) => {}
                Err(_) => return Some(End::Lost),
            }
            if self.ending.is_some() {
                return None;
            }
            if self.is_parked() {
                return self.read_ahead(cx);
            }
            if self.session.out.len() - self.sent >= STOP_READING_LEN {
                return None;
            }
            if desk.worker.is_beside_scripts() && !self.engine.is_busy() {
                // Back to a worker that runs commands of all kinds.
                if self.client.worker.load(Relaxed) == desk.number {
                    self.client.worker.store(self.server.net().choose_worker(), Relaxed);
                }
                return None;
            }
            if !std::mem::take(&mut self.rerun) {
                match self.poll_read(desk, cx) {
                    Poll::Pending => return None,
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(_) => return Some(End::Lost),
                }
            } else {
                desk.read.clear();
            }
            self.run(desk);
            if self.is_over_hard_limit() {
                Counters::count(&self.engine.counters().output_limit_disconnections);
                return Some(End::Lost);
            }
            if desk.is_crowded()
                && (1..=LATER_OUTPUT_LEN).contains(&self.session.out.len())
                && self.ending.is_none()
            {
                cx.waker().wake_by_ref();
                return None;
            }
        }
    }

    /// Whether what one turn has made is more than the client may leave unread at all.
    fn is_over_hard_limit(&self) -> bool {
        let (hard, _, _) = self.engine.settings().normal_output_limit;
        let waiting = (self.session.out.len() - self.sent).saturating_sub(FREE_OUTPUT_LEN) as u64;
        hard != 0 && waiting >= hard && self.client.kind() == ClientKind::Normal
    }

    /// Whether the session sleeps.
    pub(crate) fn is_parked(&self) -> bool {
        self.session.state.park.is_some()
    }

    /// Reads behind what is left from before, into the worker's buffer or, for a long request, into the connection's own.
    fn poll_read(&mut self, desk: &mut Desk, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let socket = self.socket.as_mut().expect("a connection has a socket until it ends");
        let shared = self.input.len() + self.want <= SHARED_INPUT_LEN;
        desk.read.clear();
        let polled = if shared {
            desk.read.extend_from_slice(&self.input);
            socket.poll_read(cx, &mut desk.read)
        } else {
            let room = self.want.min(self.input.len().max(FIRST_GROWTH));
            if self.input.capacity() - self.input.len() < room {
                self.input.reserve_exact(room);
            }
            socket.poll_read(cx, &mut self.input)
        };
        if let Poll::Ready(Ok(read)) = polled {
            desk.worker.count_read(read);
            self.client.net_in.fetch_add(read as u64, Relaxed);
        }
        polled
    }

    /// Executes what is in the worker's buffer, or else in the connection's own.
    fn run(&mut self, desk: &mut Desk) {
        if self.session.out.capacity() == 0 {
            self.session.out.lend(desk.lend_reply());
        }
        // What others sent before this turn goes in front of its replies: who knows by other means that a message was
        // published finds it before the answer to a PING sent afterwards.
        for message in self.client.mailbox.take() {
            self.session.out.raw(&message);
        }
        self.server.note_caller(&self.client);
        let shared = !desk.read.is_empty();
        let buf = if shared { &desk.read } else { &self.input };
        let turn = self.engine.run(&mut desk.worker, &mut self.session, buf);
        desk.count_turn();
        self.want = 1;
        match turn.end {
            TurnEnd::NeedInput(want) => self.want = want.max(1),
            TurnEnd::Parked => self.on_parked(),
            TurnEnd::Close => self.ending = Some(End::Closed),
            TurnEnd::HandOver => self.ending = Some(End::HandOver),
        }
        self.keep_rest(&desk.read, shared, turn.consumed);
    }

    /// Keeps what was not executed, and no memory if there is nothing to keep.
    fn keep_rest(&mut self, read: &[u8], shared: bool, consumed: usize) {
        if shared {
            let rest = &read[consumed..];
            self.input.clear();
            if rest.is_empty() {
                self.input = Vec::new();
            } else {
                self.input.extend_from_slice(rest);
            }
        } else if consumed == self.input.len() {
            self.input = Vec::new();
        } else {
            self.input.drain(..consumed);
        }
        self.client.query_bytes.store(self.input.len(), Relaxed);
        self.client.query_free.store(self.input.capacity() - self.input.len(), Relaxed);
    }

    fn on_parked(&mut self) {
        self.rerun = true;
        let deadline_ms = self.session.state.park.and_then(redan_engine::Park::deadline_ms);
        self.deadline = deadline_ms.map(|deadline_ms| {
            let wait_ms = deadline_ms.saturating_sub(self.engine.clock().wall_ms()).max(0);
            Box::pin(tokio::time::sleep(Duration::from_millis(wait_ms as u64)))
        });
    }

    /// What a sleeping client sends is kept for later; mainly this notices that it is gone.
    fn read_ahead(&mut self, cx: &mut Context<'_>) -> Option<End> {
        while self.input.len() < PARKED_INPUT_LEN {
            let socket = self.socket.as_mut().expect("a connection has a socket until it ends");
            self.input.reserve(PARKED_INPUT_LEN / 16);
            match socket.poll_read(cx, &mut self.input) {
                Poll::Ready(Ok(read @ 1..)) => {
                    self.client.net_in.fetch_add(read as u64, Relaxed);
                }
                Poll::Ready(_) => return Some(End::Lost),
                Poll::Pending => break,
            }
        }
        self.client.query_bytes.store(self.input.len(), Relaxed);
        None
    }

    /// Writes replies as far as the socket takes them; true when none are left.
    fn poll_write(&mut self, desk: &mut Desk, cx: &mut Context<'_>) -> io::Result<bool> {
        let may_go = self.writable_len();
        let out = &mut self.session.out;
        while self.sent < may_go {
            let socket = self.socket.as_mut().expect("a connection has a socket until it ends");
            match socket.poll_write(cx, &out.as_slice()[self.sent..may_go])? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => {
                    desk.worker.count_write(written);
                    self.client.net_out.fetch_add(written as u64, Relaxed);
                    self.sent += written;
                }
                Poll::Pending => return self.on_slow_reader(),
            }
        }
        if may_go < out.len() {
            desk.hold(cx.waker().clone());
            return Ok(false);
        }
        if self.sent > 0 {
            self.sent = 0;
            self.held.clear();
            out.clear();
            self.client.reply_bytes.store(0, Relaxed);
        }
        if out.capacity() > 0 {
            desk.take_back_reply(out.take());
        }
        Ok(true)
    }

    /// How much of the session's replies may be written: with `appendfsync always`, what tells of nothing that is not on
    /// disk.
    fn writable_len(&mut self) -> usize {
        let commit = self.server.aof().commit();
        if !commit.is_holding() && self.held.is_empty() {
            return self.session.out.len();
        }
        let made = self.session.out.len();
        if made > self.held.back().map_or(0, |(end, _)| *end) {
            let wrote = self.session.state.last_write_offset != self.seen_write;
            self.seen_write = self.session.state.last_write_offset;
            // While the disk fails, reads are served all the same.
            if wrote || !commit.is_failing() {
                self.held.push_back((made, self.engine.log().end_offset()));
            }
        }
        let released = commit.released();
        while self.held.get(1).is_some_and(|(_, needs)| *needs <= released) {
            self.held.pop_front();
        }
        match self.held.front() {
            Some((_, needs)) if *needs > released => self.sent,
            // What waits for nothing may stand behind the last that does.
            Some((end, _)) if self.held.len() > 1 => *end,
            _ => made,
        }
    }

    /// The client does not take its replies: an error when it is over its limit.
    fn on_slow_reader(&mut self) -> io::Result<bool> {
        if self.sent >= self.session.out.len() / 2 {
            self.session.out.consume(self.sent);
            self.held.iter_mut().for_each(|(end, _)| *end = end.saturating_sub(self.sent));
            self.sent = 0;
        }
        let waiting = self.session.out.len() - self.sent;
        self.client.reply_bytes.store(waiting, Relaxed);
        let is_stranger = !self.session.state.is_authenticated() && waiting > STRANGER_OUTPUT_LEN;
        if is_stranger || self.server.is_over_output_limit(&self.client, waiting) {
            Counters::count(&self.engine.counters().output_limit_disconnections);
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        Ok(false)
    }

    /// Takes in what others have sent; true when there is something new to do.
    fn poll_mailbox(&mut self, desk: &mut Desk, cx: &mut Context<'_>) -> bool {
        if self.sent < self.session.out.len() {
            // Messages stay where all receivers share them until this client takes what it has got already.
            let rung = self.client.mailbox.poll_bell(cx);
            if rung {
                self.try_resume(desk);
            }
            return rung;
        }
        if !self.client.mailbox.poll(cx) {
            return false;
        }
        // What a client waited for goes in front of what others tell it: it may be what it is told about.
        self.try_resume(desk);
        let messages = self.client.mailbox.take();
        if !messages.is_empty() && self.session.out.capacity() == 0 {
            self.session.out.lend(desk.lend_reply());
        }
        for message in messages {
            self.session.out.raw(&message);
        }
        true
    }

    /// True when the time for which the session slept is over.
    fn poll_deadline(&mut self, desk: &mut Desk, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = &mut self.deadline else { return false };
        if deadline.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.deadline = None;
        self.try_resume(desk);
        true
    }

    fn try_resume(&mut self, desk: &mut Desk) {
        if self.is_parked() {
            if self.engine.resume(&mut desk.worker, &mut self.session) {
                self.deadline = None;
            } else {
                self.on_parked();
            }
        }
    }

    /// Whether the connection is to go to another worker and holds nothing that belongs to this one.
    fn may_move(&self, desk: &Desk) -> bool {
        self.client.worker.load(Relaxed) != desk.number
            && self.ending.is_none()
            && !self.is_parked()
            && (self.input.is_empty() || desk.worker.is_beside_scripts())
            && self.session.out.is_empty()
    }

    /// Takes back what others hold of the session, and gives the socket away if it is a replica's.
    fn finish(&mut self, end: End) {
        let socket = self.socket.take().filter(|_| matches!(end, End::HandOver | End::Move));
        let Some(socket) = socket.and_then(|socket| socket.detach().ok()) else {
            self.engine.close_session(&mut self.session);
            return;
        };
        let spare = self.engine.clients().unlisted(-1, Default::default(), 0, 0);
        let successor = Session::new(spare, SessionOrigin::Client, self.engine);
        let session = std::mem::replace(&mut self.session, successor);
        if end == End::Move {
            let client = Arc::clone(&self.client);
            let input = std::mem::take(&mut self.input);
            let session = Some(Box::new(session));
            self.server.net().move_over(NewClient { socket, client, session, input });
            return;
        }
        let input = std::mem::take(&mut self.input);
        self.server.replication().adopt_replica(NewReplica { socket, session, input });
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let ended = with_desk(|desk| match this.advance(desk, cx) {
            Poll::Pending if this.may_move(desk) => Poll::Ready(End::Move),
            polled => polled,
        });
        let polled = ended.map(|end| this.finish(end));
        crate::memory::publish();
        polled
    }
}
