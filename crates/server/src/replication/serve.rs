//! One replica's connection.
//!
//! A hand-written future: it writes what the machine orders, then a payload, then what its cursor reads from the log;
//! it reads acknowledgements; it listens to its client's mailbox, which is also the bell for everything else.

use super::drive::Machines;
use super::{NewReplica, Replication};
use crate::host::Server;
use crate::net::socket::Socket;
use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use redan_engine::{Client, ClientKind, Session, TurnEnd};
use redan_replication::primary::io::{Input, ReplicaId};
use redan_replication::{CursorError, CursorId};
use redan_resp::{Args, Decoded, OwnedArgs, RequestDecoder, RequestLimits, Span};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Chunks of a snapshot that may wait for a replica's socket.
const PIPE_LEN: usize = 16;
/// Bytes that are taken from the log or a file at once.
const READ_LEN: usize = 128 << 10;
/// Room for what a replica sends.
const INPUT_LEN: usize = 4 << 10;
/// No replica sends that much at once.
const MAX_INPUT_LEN: usize = 1 << 20;

/// What the machine orders a connection to do, in order.
pub(super) enum Order {
    /// Write bytes.
    Bytes(Bytes),
    /// Write a snapshot as it is made.
    Pipe(PayloadPipe),
    /// Write a file.
    File(Arc<PayloadFile>),
    /// Write the log from this cursor on.
    Stream(CursorId),
    /// Close when everything is written.
    Close,
    /// Close now.
    Cut,
}

/// A snapshot on disk.
#[derive(Debug)]
pub(super) struct PayloadFile {
    pub(super) file: File,
    pub(super) bytes: u64,
}

/// A snapshot on its way from the thread that makes it.
pub(super) struct PayloadPipe {
    chunks: Receiver<Chunk>,
    trailer: Bytes,
}

enum Chunk {
    Data(Bytes),
    /// That was all of it. A pipe that ends without was broken.
    End,
}

/// The other end of the pipe.
pub(super) struct PipeEnd(Sender<Chunk>);

impl PayloadPipe {
    pub(super) fn new(trailer: Bytes) -> (Self, PipeEnd) {
        let (sender, chunks) = channel(PIPE_LEN);
        (Self { chunks, trailer }, PipeEnd(sender))
    }
}

impl PipeEnd {
    /// Waits until there is room. An error when the replica is gone.
    pub(super) fn send(&self, chunk: Bytes) -> Result<(), ()> {
        self.0.blocking_send(Chunk::Data(chunk)).map_err(drop)
    }

    pub(super) fn end(self) {
        // Nobody is interested in the end of what nobody reads.
        let _ = self.0.blocking_send(Chunk::End);
    }
}

/// A replica's connection as others know it.
pub(super) struct Replica {
    pub(super) client: Arc<Client>,
    orders: Mutex<VecDeque<Order>>,
    /// Everything in the log is written: to be woken when there is more.
    hungry: AtomicBool,
    /// Its cursor's number, 0 without one.
    cursor: AtomicU64,
}

impl Replica {
    pub(super) fn order(&self, order: Order) {
        self.orders.lock().push_back(order);
        self.client.mailbox.ring();
    }

    pub(super) fn cursor(&self) -> Option<CursorId> {
        Some(self.cursor.load(Ordering::Relaxed)).filter(|&number| number != 0).map(CursorId)
    }

    pub(super) fn set_cursor(&self, cursor: Option<CursorId>) {
        self.cursor.store(cursor.map_or(0, |cursor| cursor.0), Ordering::Relaxed);
    }

    /// Something was appended to the log.
    pub(super) fn on_appended(&self) {
        if self.hungry.swap(false, Ordering::SeqCst) {
            self.client.mailbox.ring();
        }
    }
}

/// Serves a connection until it ends.
pub(super) async fn serve(server: Arc<Server>, new: NewReplica) {
    let client = Arc::clone(&new.session.state.client);
    let replica = Arc::new(Replica {
        client,
        orders: Mutex::default(),
        hungry: AtomicBool::new(false),
        cursor: AtomicU64::new(0),
    });
    let id = ReplicaId(replica.client.id.0);
    server.replication().machines.lock().replicas.insert(id, Arc::clone(&replica));
    let NewReplica { socket, mut session, input } = new;
    let socket = match socket.attach() {
        Ok(socket) => socket,
        Err(error) => {
            tracing::warn!("A replica's connection is lost: {error}");
            return server.replication().on_gone(id, &replica, &mut session);
        }
    };
    let mut feed = Feed {
        server: Arc::clone(&server),
        id,
        replica: Arc::clone(&replica),
        session,
        socket,
        input,
        decoder: RequestDecoder::new(),
        pending: VecDeque::new(),
        source: Source::None,
        closing: false,
        cut: false,
        stalled: false,
    };
    feed.request_sync();
    feed.run();
    (&mut feed).await;
    server.replication().on_gone(id, &replica, &mut feed.session);
}

impl Replication {
    fn on_gone(&self, id: ReplicaId, replica: &Arc<Replica>, session: &mut Session) {
        self.streaming.write().retain(|other| !Arc::ptr_eq(other, replica));
        self.engine.close_session(session);
        let was_replica = replica.client.kind() == ClientKind::Replica;
        let name = self.act(false, |machines: &mut Machines, now| {
            machines.replicas.remove(&id);
            machines.announced.remove(&id);
            let row = machines.primary.rows(now).into_iter().find(|row| row.id == id);
            machines.primary.handle(now, Input::Closed(id));
            row.map(|row| format!("{}:{}", row.ip, row.port))
        });
        if let (true, Some(name)) = (was_replica, name.0) {
            tracing::info!("Connection with replica {name} lost.");
        }
    }
}

/// Bytes to be written. Those of the log carry the offset behind them.
struct Piece {
    bytes: Bytes,
    log_end: Option<u64>,
}

/// Where further bytes come from.
enum Source {
    None,
    Pipe(PayloadPipe),
    File {
        file: Arc<PayloadFile>,
        at: u64,
    },
    /// The payload is complete once what is pending is written.
    PayloadEnd,
    Stream(CursorId),
}

struct Feed {
    server: Arc<Server>,
    id: ReplicaId,
    replica: Arc<Replica>,
    session: Session,
    socket: Socket,
    input: Vec<u8>,
    decoder: RequestDecoder,
    pending: VecDeque<Piece>,
    source: Source,
    /// Closes once everything is written.
    closing: bool,
    /// Closes now.
    cut: bool,
    /// The machine was told that it does not take the payload.
    stalled: bool,
}

impl Feed {
    fn replication(&self) -> &Replication {
        self.server.replication()
    }

    fn tell(&self, input: Input) {
        self.replication().act(false, |machines, now| machines.primary.handle(now, input));
    }

    /// Whether the machine has accepted it.
    fn is_replica(&self) -> bool {
        self.replica.client.kind() == ClientKind::Replica
    }

    /// Gives the machine the PSYNC or SYNC that the session has accepted.
    fn request_sync(&mut self) {
        let Some(args) = self.session.state.hand_over.take() else { return };
        let peer_ip = ip_of(&self.replica.client.meta.lock().addr);
        self.tell(Input::Sync {
            replica: self.id,
            args,
            peer_ip,
            has_pending_output: !self.pending.is_empty(),
        });
    }

    /// Goes on until there is nothing to do but wait.
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.replica.client.mailbox.is_killed() {
                return Poll::Ready(());
            }
            self.take_orders();
            if self.cut {
                return Poll::Ready(());
            }
            let mut moved = self.fill(cx);
            match self.write(cx) {
                Ok(wrote) => moved |= wrote,
                Err(_) => return Poll::Ready(()),
            }
            if self.closing && self.pending.is_empty() {
                return Poll::Ready(());
            }
            match self.read(cx) {
                Ok(read) => moved |= read,
                Err(_) => return Poll::Ready(()),
            }
            if moved {
                continue;
            }
            if !self.replica.client.mailbox.poll(cx) {
                return Poll::Pending;
            }
            // What was published to it before it became a replica is nothing for it now.
            self.replica.client.mailbox.take();
        }
    }

    fn take_orders(&mut self) {
        // Further orders wait until the payload is out: they come behind it.
        loop {
            let Some(order) = self.replica.orders.lock().pop_front() else { return };
            match order {
                Order::Bytes(bytes) => self.push(bytes),
                Order::Pipe(pipe) => self.source = Source::Pipe(pipe),
                Order::File(file) => self.source = Source::File { file, at: 0 },
                Order::Stream(cursor) => self.source = Source::Stream(cursor),
                Order::Close => self.closing = true,
                Order::Cut => self.cut = true,
            }
        }
    }

    fn push(&mut self, bytes: Bytes) {
        self.pending.push_back(Piece { bytes, log_end: None });
    }

    /// Takes more from the source when everything is written; true if that changed something.
    fn fill(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.pending.is_empty() || self.closing {
            return false;
        }
        match &mut self.source {
            Source::None => false,
            Source::Pipe(pipe) => {
                match pipe.chunks.poll_recv(cx) {
                    Poll::Ready(Some(Chunk::Data(bytes))) => self.push(bytes),
                    Poll::Ready(Some(Chunk::End)) => {
                        let trailer = std::mem::take(&mut pipe.trailer);
                        self.push(trailer);
                        self.source = Source::PayloadEnd;
                    }
                    // The machine is told by whoever broke it.
                    Poll::Ready(None) => self.source = Source::None,
                    Poll::Pending => return false,
                }
                true
            }
            Source::File { .. } => self.fill_from_file(),
            Source::PayloadEnd => {
                self.source = Source::None;
                self.tell(Input::PayloadSent(self.id));
                true
            }
            Source::Stream(cursor) => {
                let cursor = *cursor;
                self.fill_from_log(cursor)
            }
        }
    }

    fn fill_from_file(&mut self) -> bool {
        let Source::File { file, at } = &mut self.source else { return false };
        let len = (file.bytes - *at).min(READ_LEN as u64) as usize;
        if len == 0 {
            self.source = Source::PayloadEnd;
            return true;
        }
        let mut bytes = vec![0; len];
        match file.file.read_exact_at(&mut bytes, *at) {
            Ok(()) => {
                *at += len as u64;
                self.push(bytes.into());
            }
            Err(error) => {
                tracing::warn!("Read error sending DB to replica: {error}");
                self.cut = true;
            }
        }
        true
    }

    fn fill_from_log(&mut self, cursor: CursorId) -> bool {
        let server = Arc::clone(&self.server);
        let log = &server.replication().log;
        let mut read = log.read(cursor, READ_LEN);
        if matches!(&read, Ok(read) if read.start == read.end) {
            // First say that we sleep, then look once more: whoever appends does it the other way round.
            self.replica.hungry.store(true, Ordering::SeqCst);
            read = log.read(cursor, READ_LEN);
        }
        match read {
            Ok(read) if read.start == read.end => false,
            Ok(read) => {
                self.replica.hungry.store(false, Ordering::SeqCst);
                let mut end = read.start;
                for bytes in read.chunks {
                    end += bytes.len() as u64;
                    self.pending.push_back(Piece { bytes, log_end: Some(end) });
                }
                true
            }
            Err(error) => {
                self.source = Source::None;
                if error == CursorError::Overrun {
                    self.tell(Input::Overrun(self.id));
                }
                true
            }
        }
    }

    /// Writes what is pending as far as the socket takes it; true if it took something.
    fn write(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut wrote = false;
        while let Some(piece) = self.pending.front_mut() {
            if !piece.bytes.is_empty() {
                let written = match self.socket.poll_write(cx, &piece.bytes)? {
                    Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Poll::Ready(written) => written,
                    Poll::Pending => {
                        self.note_stalled(true);
                        return Ok(wrote);
                    }
                };
                piece.bytes.advance(written);
                wrote = true;
                self.replica.client.net_out.fetch_add(written as u64, Ordering::Relaxed);
                if let (Some(end), Source::Stream(cursor)) = (piece.log_end, &self.source) {
                    // A cursor that is gone is noticed when it is read.
                    let _ = self.server.replication().log.advance(*cursor, end - piece.bytes.len() as u64);
                }
            }
            if piece.bytes.is_empty() {
                self.pending.pop_front();
            }
        }
        if wrote {
            self.note_stalled(false);
        }
        Ok(wrote)
    }

    /// Tells the machine whether the replica takes its diskless payload.
    fn note_stalled(&mut self, stalled: bool) {
        if self.stalled != stalled && matches!(self.source, Source::Pipe(_) | Source::PayloadEnd) {
            self.stalled = stalled;
            self.tell(Input::PayloadProgress { replica: self.id, stalled });
        }
    }

    /// Reads and carries out what the replica sent; an error at the end of the stream.
    fn read(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        self.input.reserve(INPUT_LEN);
        match self.socket.poll_read(cx, &mut self.input) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Poll::Ready(Ok(read)) => {
                self.replica.client.net_in.fetch_add(read as u64, Ordering::Relaxed);
            }
            Poll::Ready(Err(error)) => return Err(error),
        }
        self.run();
        if self.input.len() > MAX_INPUT_LEN { Err(io::ErrorKind::InvalidData.into()) } else { Ok(true) }
    }

    fn run(&mut self) {
        while !self.input.is_empty() && !self.closing {
            let before = (self.input.len(), self.is_replica());
            if before.1 {
                self.run_as_replica();
            } else {
                self.run_as_client();
            }
            if before == (self.input.len(), self.is_replica()) {
                return;
            }
        }
    }

    /// A connection whose PSYNC was refused goes on as a client, and may try again.
    fn run_as_client(&mut self) {
        let server = Arc::clone(&self.server);
        let replication = server.replication();
        let Some(worker) = replication.worker.get() else { return };
        let turn = replication.engine.run(&mut worker.lock(), &mut self.session, &self.input);
        self.input.drain(..turn.consumed);
        if !self.session.out.is_empty() {
            let replies = Bytes::from(self.session.out.take());
            self.push(replies);
        }
        match turn.end {
            TurnEnd::NeedInput(_) => {}
            // Nobody waits on a connection for replicas: it is answered at once what it would be answered late.
            TurnEnd::Parked => replication.engine.wake_up(&mut self.session.state),
            TurnEnd::Close => self.closing = true,
            TurnEnd::HandOver => self.request_sync(),
        }
    }

    /// A replica acknowledges and shows that it is alive; nothing else it says is answered.
    fn run_as_replica(&mut self) {
        let mut spans: Vec<Span> = Vec::new();
        match self.decoder.decode(&self.input, &RequestLimits::authenticated(), &mut spans) {
            Ok(Decoded::Request { consumed, .. }) => {
                let args = Args::new(&self.input, &spans).to_owned_args();
                self.input.drain(..consumed);
                self.on_request(args);
            }
            Ok(Decoded::Inline(args, consumed)) => {
                self.input.drain(..consumed);
                self.on_request(args);
            }
            Ok(Decoded::Empty { consumed }) => {
                self.input.drain(..consumed);
                self.tell(Input::Newline(self.id));
            }
            Ok(Decoded::Incomplete { .. }) => {}
            Err(error) => {
                tracing::warn!("Protocol error from a replica: {error}");
                self.cut = true;
                self.input.clear();
            }
        }
    }

    fn on_request(&mut self, args: OwnedArgs) {
        let name = args.get(0).unwrap_or_default();
        self.replica.client.commands.fetch_add(1, Ordering::Relaxed);
        let now_ms = self.replication().engine.clock().wall_ms();
        self.replica.client.last_active_ms.store(now_ms, Ordering::Relaxed);
        if name.eq_ignore_ascii_case(b"REPLCONF") {
            self.tell(Input::ReplConf { replica: self.id, args });
        } else if !name.eq_ignore_ascii_case(b"PING") {
            let name = name.escape_ascii();
            tracing::debug!("A replica sent a command that is not for replicas: {name}");
        }
    }
}

impl Future for &mut Feed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.advance(cx)
    }
}

/// The address without its port; empty for a Unix socket.
fn ip_of(addr: &str) -> String {
    match addr.parse::<std::net::SocketAddr>() {
        Ok(addr) => addr.ip().to_canonical().to_string(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_are_known_by_their_address() {
        assert_eq!(ip_of("127.0.0.1:6379"), "127.0.0.1");
        assert_eq!(ip_of("[::1]:6379"), "::1");
        assert_eq!(ip_of("[::ffff:10.0.0.1]:1"), "10.0.0.1");
        assert_eq!(ip_of("/tmp/redis.sock:0"), "");
    }
}
