//! The link to our master: its connection, and the execution of what it sends.
//!
//! All of it happens on one thread, in the order in which the machine says it. The thread may wait at the gate: while it
//! does nothing is read, and the master feels the back-pressure.

use super::Replication;
use super::loader::{LoadOutcome, Loader};
use super::payload::Payload;
use crate::config::rows;
use crate::host::Server;
use bytes::{Bytes, BytesMut};
use redan_engine::{Client, ClientKind, ClientMeta, Counters, Session, SessionOrigin, Worker};
use redan_replication::replica::io::{Input, LinkId, LoadMode, MasterAddr};
use redan_replication::{Audience, Millis};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// Bytes read from the master at once.
const READ_LEN: usize = 256 << 10;

/// What the machine wants done; see [`redan_replication::replica::io::Output`].
#[derive(Debug)]
pub(super) enum Work {
    Connect {
        link: LinkId,
        master: MasterAddr,
    },
    Send {
        link: LinkId,
        bytes: Bytes,
    },
    Close(LinkId),
    PayloadStart {
        link: LinkId,
        size: Option<u64>,
        load: LoadMode,
        same_history: bool,
    },
    Payload {
        link: LinkId,
        bytes: Bytes,
    },
    PayloadDone {
        link: LinkId,
    },
    Apply {
        link: LinkId,
        bytes: Bytes,
        end_offset: u64,
        db: u32,
        db_after: u32,
        audience: Audience,
    },
    LinkChanged(bool),
    /// DEBUG SLEEP.
    Sleep(Duration),
}

/// What tasks and threads of the link report.
#[derive(Debug)]
pub(super) enum Event {
    /// The connection is there, or is not.
    Connected(LinkId, io::Result<TcpStream>),
    /// A payload is loaded, or is not.
    Loaded(LinkId, LoadOutcome),
}

/// Starts the thread.
pub(super) fn start(server: &Arc<Server>, work: UnboundedReceiver<Work>) {
    let server = Arc::clone(server);
    let run = move || {
        crate::memory::join_thread();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("the system has an event queue: the main thread has one");
        runtime.block_on(Link::new(server, work).run());
    };
    let spawned = std::thread::Builder::new().name("master-link".to_owned()).spawn(run);
    spawned.expect("the system has threads at the start");
}

/// A connection to a master.
struct Connection {
    link: LinkId,
    stream: TcpStream,
    /// What the socket has not taken yet.
    unsent: BytesMut,
}

struct Link {
    server: Arc<Server>,
    worker: Worker,
    /// Executes the stream; its client is shown while the stream flows.
    session: Session,
    is_listed: bool,
    work: UnboundedReceiver<Work>,
    events: UnboundedReceiver<Event>,
    report: UnboundedSender<Event>,
    connecting: Option<(LinkId, JoinHandle<()>)>,
    connection: Option<Connection>,
    payload: Option<Payload>,
    buffer: BytesMut,
}

impl Link {
    fn new(server: Arc<Server>, work: UnboundedReceiver<Work>) -> Self {
        let engine = server.engine();
        let (report, events) = unbounded_channel();
        let client = engine.clients().unlisted(-1, ClientMeta::default(), 0, engine.clock().wall_ms());
        Self {
            worker: Worker::new(engine),
            session: Session::new(client, SessionOrigin::Master, engine),
            is_listed: false,
            server,
            work,
            events,
            report,
            connecting: None,
            connection: None,
            payload: None,
            buffer: BytesMut::new(),
        }
    }

    fn replication(&self) -> &Replication {
        self.server.replication()
    }

    fn tell(&self, input: Input) {
        self.replication().act(false, |machines, now| machines.link.handle(now, input));
    }

    async fn run(mut self) {
        loop {
            while let Ok(work) = self.work.try_recv() {
                self.execute(work);
            }
            let (deadline, wants_read) = {
                let machines = self.replication().machines.lock();
                (machines.link.poll_timeout(), machines.link.wants_read())
            };
            let wait = deadline.map_or(Duration::from_secs(3600), |deadline: Millis| {
                Duration::from_millis(deadline.saturating_sub(self.replication().now()))
            });
            let client = Arc::clone(&self.session.state.client);
            tokio::select! {
                biased;
                () = killed(&client), if self.is_listed => self.on_killed(),
                Some(work) = self.work.recv() => self.execute(work),
                Some(event) = self.events.recv() => self.on_event(event),
                () = tokio::time::sleep(wait) => {
                    let fsynced = Input::Fsynced(self.server.aof().fsynced());
                    self.replication().act(false, |machines, now| {
                        machines.link.handle(now, fsynced);
                        machines.link.handle_timeout(now);
                    });
                }
                ready = ready(self.connection.as_ref(), wants_read) => self.on_ready(ready, wants_read),
            }
        }
    }

    fn execute(&mut self, work: Work) {
        match work {
            Work::Connect { link, master } => self.connect(link, master),
            Work::Send { link, bytes } => {
                if let Some(connection) =
                    self.connection.as_mut().filter(|connection| connection.link == link)
                {
                    connection.unsent.extend_from_slice(&bytes);
                    self.write();
                }
            }
            Work::Close(link) => self.close(link),
            Work::LinkChanged(up) => self.show_master(up),
            Work::Apply { link, bytes, end_offset, db, db_after, audience } => {
                self.apply(link, &bytes, end_offset, (db, db_after), audience);
            }
            Work::Sleep(time) => std::thread::sleep(time),
            Work::PayloadStart { link, size, load, same_history } => {
                let loader = self.loader(link, size, load, same_history);
                self.payload = Some(Payload::begin(&self.server, &loader));
            }
            Work::Payload { link, bytes } => {
                if let Some(payload) = self.payload.as_mut().filter(|payload| payload.link() == link)
                    && let Err(error) = payload.take(bytes)
                {
                    self.tell(Input::PayloadFailed { link, error });
                }
            }
            Work::PayloadDone { link } => {
                if let Some(payload) = self.payload.take_if(|payload| payload.link() == link)
                    && let Err(error) = payload.finish(&self.server)
                {
                    self.tell(Input::PayloadFailed { link, error });
                }
            }
        }
    }

    fn loader(&self, link: LinkId, size: Option<u64>, load: LoadMode, same_history: bool) -> Loader {
        let refuse_if_empty = self.replication().machines.lock().link.config().refuse_empty_master;
        let (server, report) = (Arc::clone(&self.server), self.report.clone());
        Loader { server, link, size, load, same_history, refuse_if_empty, report }
    }

    fn connect(&mut self, link: LinkId, master: MasterAddr) {
        let settings = self.server.config().load();
        // One of the parameters depends on what there is to lose now.
        let config = self.replication().link_config(&settings);
        self.tell(Input::Config(config));
        let source = settings.get(rows::BIND_SOURCE_ADDR).to_owned();
        let keepalive_s = settings.get(rows::TCP_KEEPALIVE);
        let report = self.report.clone();
        let task = tokio::spawn(async move {
            let connected = connect(&master, &source, keepalive_s).await;
            // The link's thread lives as long as the process.
            let _ = report.send(Event::Connected(link, connected));
        });
        if let Some((_, former)) = self.connecting.replace((link, task)) {
            former.abort();
        }
    }

    fn close(&mut self, link: LinkId) {
        if let Some((_, task)) = self.connecting.take_if(|(connecting, _)| *connecting == link) {
            task.abort();
        }
        self.connection.take_if(|connection| connection.link == link);
        if let Some(payload) = self.payload.take_if(|payload| payload.link() == link) {
            payload.abandon();
        }
        self.show_master(false);
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected(link, connected) => {
                if self.connecting.take_if(|(connecting, _)| *connecting == link).is_none() {
                    return;
                }
                match connected {
                    Ok(stream) => {
                        self.connection = Some(Connection { link, stream, unsent: BytesMut::new() });
                        self.tell(Input::Connected(link));
                    }
                    Err(error) => {
                        let error = crate::config::os_text(&error);
                        self.tell(Input::ConnectFailed { link, error });
                    }
                }
            }
            Event::Loaded(link, outcome) => self.on_loaded(link, outcome),
        }
    }

    /// The loader has told the machine of success itself, because that must happen while it runs alone.
    fn on_loaded(&mut self, link: LinkId, outcome: LoadOutcome) {
        match outcome {
            LoadOutcome::Done => {}
            LoadOutcome::Failed(error) => self.tell(Input::PayloadFailed { link, error }),
            LoadOutcome::Refused => self.tell(Input::PayloadRefused { link }),
        }
    }

    fn on_ready(&mut self, ready: io::Result<tokio::io::Ready>, wants_read: bool) {
        let Ok(ready) = ready else { return self.lose(None) };
        if ready.is_writable() {
            self.write();
        }
        if wants_read && ready.is_readable() {
            self.read();
        }
    }

    fn write(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        while !connection.unsent.is_empty() {
            match connection.stream.try_write(&connection.unsent) {
                Ok(written) => drop(connection.unsent.split_to(written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => return self.lose(Some(error)),
            }
        }
    }

    fn read(&mut self) {
        let Some(connection) = &self.connection else { return };
        self.buffer.reserve(READ_LEN);
        match connection.stream.try_read_buf(&mut self.buffer) {
            Ok(0) => self.lose(None),
            Ok(read) => {
                self.worker.count_read(read);
                self.session.state.client.net_in.fetch_add(read as u64, Relaxed);
                let (link, bytes) = (connection.link, self.buffer.split().freeze());
                self.tell(Input::Received { link, bytes });
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => self.lose(Some(error)),
        }
    }

    /// The connection is gone.
    fn lose(&mut self, error: Option<io::Error>) {
        if let Some(Connection { link, .. }) = self.connection.take() {
            let error = error.map(|error| crate::config::os_text(&error));
            self.tell(Input::Closed { link, error });
        }
    }

    /// CLIENT KILL of the master.
    fn on_killed(&mut self) {
        self.show_master(false);
        self.lose(None);
    }

    /// The stream flows, or not any more: CLIENT LIST shows the master meanwhile.
    fn show_master(&mut self, up: bool) {
        let engine = self.server.engine();
        if self.is_listed {
            engine.clients().remove(self.session.state.client.id);
            self.is_listed = false;
        }
        let Some(connection) = self.connection.as_ref().filter(|_| up) else { return };
        let addr = |addr: io::Result<SocketAddr>| addr.map(|addr| addr.to_string()).unwrap_or_default();
        let meta = ClientMeta {
            addr: addr(connection.stream.peer_addr()),
            laddr: addr(connection.stream.local_addr()),
            ..ClientMeta::default()
        };
        let client = engine.clients().add(connection.stream.as_raw_fd(), meta, 0, engine.clock().wall_ms());
        client.set_kind(ClientKind::Master);
        self.session = Session::new(client, SessionOrigin::Master, engine);
        self.is_listed = true;
    }

    /// Executes commands of the master and appends them to our own log, unless the link is closed meanwhile.
    fn apply(
        &mut self,
        link: LinkId,
        bytes: &[u8],
        end_offset: u64,
        (db, db_after): (u32, u32),
        audience: Audience,
    ) {
        let server = Arc::clone(&self.server);
        let (engine, replication) = (server.engine(), server.replication());
        engine.select(&mut self.session, db);
        let is_wanted = || replication.closed_through.load(Relaxed) < link.0;
        let fsynced = Input::Fsynced(server.aof().fsynced());
        let seal = || {
            replication.log.append_verbatim(db_after, audience, bytes);
            let input = Input::Applied { link, offset: end_offset };
            replication.act(false, |machines, now| {
                machines.link.handle(now, fsynced);
                machines.link.handle(now, input);
            });
        };
        // What keeps the link alive is not for execution.
        let commands = if audience == Audience::All { bytes } else { &[] };
        let errors = engine.apply_piece(&mut self.worker, &mut self.session, commands, is_wanted, seal);
        replication.log.notify();
        for error in errors {
            Counters::count(&engine.counters().unexpected_error_replies);
            tracing::warn!("== CRITICAL == This replica is sending an error to its master: '{error}'");
        }
    }
}

/// Waits until the client is killed.
async fn killed(client: &Client) {
    poll_fn(|cx| {
        while !client.mailbox.is_killed() && client.mailbox.poll(cx) {
            // Rung for something else.
            client.mailbox.take();
        }
        if client.mailbox.is_killed() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Waits until the connection can be read (if it is to be) or written (if there is something to write).
async fn ready(connection: Option<&Connection>, wants_read: bool) -> io::Result<tokio::io::Ready> {
    let interest = connection.and_then(|connection| match (wants_read, connection.unsent.is_empty()) {
        (true, true) => Some(Interest::READABLE),
        (true, false) => Some(Interest::READABLE | Interest::WRITABLE),
        (false, false) => Some(Interest::WRITABLE),
        (false, true) => None,
    });
    match (connection, interest) {
        (Some(connection), Some(interest)) => connection.stream.ready(interest).await,
        _ => std::future::pending().await,
    }
}

/// Connects to the first of the master's addresses that answers.
async fn connect(master: &MasterAddr, source: &str, keepalive_s: i64) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for addr in tokio::net::lookup_host((master.host.as_str(), master.port)).await? {
        match connect_to(addr, source).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                if let Ok(seconds @ 1..) = u64::try_from(keepalive_s) {
                    let interval = Duration::from_secs((seconds / 3).max(1));
                    let keepalive = TcpKeepalive::new()
                        .with_time(Duration::from_secs(seconds))
                        .with_interval(interval)
                        .with_retries(3);
                    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
                }
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn connect_to(addr: SocketAddr, source: &str) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    if !source.is_empty() {
        let source: IpAddr = source.parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        socket.bind(&SockAddr::from(SocketAddr::new(source, 0)))?;
    }
    TcpSocket::from_std_stream(socket.into()).connect(addr).await
}
