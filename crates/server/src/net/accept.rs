//! Whom the server lets in.
//!
//! All listeners are served by the runtime of the main thread; it hands each new socket to a worker (see the
//! `placement` module).

use super::relief::Relief;
use crate::config::rows;
use crate::host::Server;
use crate::net::connection::NewClient;
use crate::net::listen::{ListenError, Listener, Plan};
use crate::net::placement::{Placement, Watch};
use crate::net::socket::LooseSocket;
use crate::worker::{self, WorkerHandle};
use parking_lot::Mutex;
use redan_engine::{ClientFlags, ClientMeta, Clients, Counters, errors};
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;

/// How long accepting rests when the system has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long closing listeners may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// What a stranger is told in protected mode.
const PROTECTED: &str = "-DENIED Redis is running in protected mode because protected mode is enabled and no password \
    is set for the default user. In this mode connections are only accepted from the loopback interface. To let \
    clients of other machines in, do one of the following: 1) set a password for the default user (CONFIG SET \
    requirepass, or ACL SETUSER); 2) if nobody but trusted machines can reach this port, disable protected mode with \
    'CONFIG SET protected-mode no' from this machine, followed by CONFIG REWRITE to make it last; 3) put \
    'protected-mode no' into the configuration file and restart; 4) for a test, start the server with \
    '--protected-mode no'. Setting up one of them is enough.\r\n";

/// The listeners and the workers they feed.
#[derive(Default)]
pub struct Net {
    workers: OnceLock<Vec<WorkerHandle>>,
    relief: OnceLock<Relief>,
    placement: Placement,
    runtime: OnceLock<tokio::runtime::Handle>,
    tcp: Mutex<Option<OpenTcp>>,
    unix: Mutex<Option<JoinHandle<()>>>,
}

/// The TCP listeners and what they were opened for.
struct OpenTcp {
    plan: Plan,
    tasks: Vec<JoinHandle<()>>,
}

impl Net {
    /// Starts the workers.
    ///
    /// # Errors
    /// When the system has no threads for them.
    pub fn start_workers(&self, server: &Arc<Server>, count: usize) -> io::Result<()> {
        let workers =
            (0..count as u32).map(|number| worker::spawn(server, number)).collect::<io::Result<_>>()?;
        assert!(self.workers.set(workers).is_ok(), "workers are started once");
        let relief = Relief::start(server, count as u32)?;
        assert!(self.relief.set(relief).is_ok(), "workers are started once");
        Ok(())
    }

    /// Opens all listeners. To be called in the main thread's runtime, which serves them from now on.
    ///
    /// # Errors
    /// What could not be listened on.
    pub fn open(&self, server: &Arc<Server>, plan: &Plan) -> Result<(), ListenError> {
        let _ = self.runtime.set(tokio::runtime::Handle::current());
        self.open_tcp(server, plan)?;
        if let Some(unix) = plan.open_unix()? {
            *self.unix.lock() = Some(self.serve(server, unix));
        }
        Ok(())
    }

    /// Listens on other addresses or another port. What is not wanted any more is closed first, since the new address may
    /// contain an old one. To be called on any thread but the main one.
    ///
    /// # Errors
    /// When the new ones are not available; nothing is listened on then.
    pub fn reopen_tcp(&self, server: &Arc<Server>, plan: &Plan) -> Result<(), ListenError> {
        if self.tcp.lock().as_ref().is_some_and(|open| open.plan == *plan) {
            return Ok(());
        }
        let old = self.tcp.lock().take().map_or_else(Vec::new, |open| open.tasks);
        old.iter().for_each(JoinHandle::abort);
        if let Some(runtime) = self.runtime.get() {
            let (closed, wait) = std::sync::mpsc::channel::<()>();
            // A task is gone, and its listener closed, when waiting for it ends; the channel tells by closing.
            runtime.spawn(async move {
                for task in old {
                    let _ = task.await;
                }
                drop(closed);
            });
            let _ = wait.recv_timeout(CLOSE_TIMEOUT);
        }
        self.open_tcp(server, plan)
    }

    fn open_tcp(&self, server: &Arc<Server>, plan: &Plan) -> Result<(), ListenError> {
        let tasks = plan.open_tcp()?.into_iter().map(|listener| self.serve(server, listener)).collect();
        *self.tcp.lock() = Some(OpenTcp { plan: plan.clone(), tasks });
        Ok(())
    }

    /// Stops listening: the process is about to end.
    pub fn close(&self) {
        if let Some(open) = self.tcp.lock().take() {
            open.tasks.iter().for_each(JoinHandle::abort);
        }
        if let Some(task) = self.unix.lock().take() {
            task.abort();
        }
    }

    fn serve(&self, server: &Arc<Server>, listener: Listener) -> JoinHandle<()> {
        let server = Arc::clone(server);
        let runtime = self.runtime.get().expect("listeners are opened by the main thread first");
        match listener {
            Listener::Tcp(listener) => runtime.spawn(accept_tcp(server, listener)),
            Listener::Unix(listener) => runtime.spawn(accept_unix(server, listener)),
        }
    }

    fn hand_over(&self, server: &Server, client: NewClient) {
        let workers = self.workers();
        let relief = self.relief.get().and_then(|relief| relief.on_duty(server));
        let worker = if relief.is_some() { workers.len() } else { self.placement.choose(workers) };
        client.client.worker.store(worker as u32, Relaxed);
        relief.unwrap_or_else(|| &workers[worker]).send(client);
    }

    fn workers(&self) -> &[WorkerHandle] {
        self.workers.get().expect("workers are started before listeners")
    }

    /// The worker of this number.
    pub(super) fn worker(&self, number: usize) -> Option<&WorkerHandle> {
        self.workers().get(number)
    }

    /// The number of the worker that is to have the next connection.
    pub(super) fn choose_worker(&self) -> u32 {
        self.placement.choose(self.workers()) as u32
    }

    /// Gives a connection to the worker that is to take it over.
    pub(super) fn move_over(&self, client: NewClient) {
        let worker = client.client.worker.load(Relaxed) as usize;
        match self.worker(worker) {
            Some(worker) => worker.send(client),
            None => self.relief.get().expect("it is started with the workers").worker().send(client),
        }
    }

    /// Puts as many workers to use as there is work for.
    pub(crate) fn balance(&self, watch: &mut Watch, clients: &Clients) {
        if let Some(workers) = self.workers.get() {
            self.placement.balance(watch, workers, clients);
        }
    }
}

async fn accept_tcp(server: Arc<Server>, listener: std::net::TcpListener) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::warn!("Cannot serve a listener: {error}"),
    };
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                if let Err(error) = welcome_tcp(&server, socket, peer) {
                    tracing::debug!("Error accepting a client connection: {error}");
                }
            }
            Err(error) => rest_after(&error).await,
        }
    }
}

async fn accept_unix(server: Arc<Server>, listener: std::os::unix::net::UnixListener) {
    let listener = match UnixListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::warn!("Cannot serve a listener: {error}"),
    };
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                if let Err(error) = welcome_unix(&server, socket) {
                    tracing::debug!("Error accepting a client connection: {error}");
                }
            }
            Err(error) => rest_after(&error).await,
        }
    }
}

async fn rest_after(error: &io::Error) {
    // A client that is gone already is nobody's fault.
    if error.kind() == io::ErrorKind::ConnectionAborted {
        return;
    }
    tracing::warn!("Accepting client connection: {}", crate::config::os_text(error));
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

fn welcome_tcp(server: &Arc<Server>, socket: tokio::net::TcpStream, peer: SocketAddr) -> io::Result<()> {
    let socket = socket.into_std()?;
    let local = socket.local_addr()?;
    let is_local = peer.ip().to_canonical().is_loopback();
    if let Some(refusal) = refusal(server, is_local) {
        return refuse(&socket, &refusal);
    }
    socket.set_nodelay(true)?;
    let keepalive_s = server.config().peek().get(rows::TCP_KEEPALIVE);
    if keepalive_s > 0 {
        let interval = Duration::from_secs((keepalive_s as u64 / 3).max(1));
        let idle = Duration::from_secs(keepalive_s as u64);
        let keepalive = TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(3);
        SockRef::from(&socket).set_tcp_keepalive(&keepalive)?;
    }
    let meta = ClientMeta { addr: peer.to_string(), laddr: local.to_string(), ..ClientMeta::default() };
    let flags = if is_local { ClientFlags::LOCAL } else { 0 };
    let fd = socket.as_raw_fd();
    admit(server, LooseSocket::Tcp(socket), fd, meta, flags);
    Ok(())
}

fn welcome_unix(server: &Arc<Server>, socket: tokio::net::UnixStream) -> io::Result<()> {
    let socket = socket.into_std()?;
    if let Some(refusal) = refusal(server, true) {
        return refuse(&socket, &refusal);
    }
    let path = format!("{}:0", server.config().peek().get(rows::UNIXSOCKET));
    let meta = ClientMeta { addr: path.clone(), laddr: path, ..ClientMeta::default() };
    let fd = socket.as_raw_fd();
    admit(server, LooseSocket::Unix(socket), fd, meta, ClientFlags::LOCAL | ClientFlags::UNIX_SOCKET);
    Ok(())
}

fn admit(server: &Arc<Server>, socket: LooseSocket, fd: i32, meta: ClientMeta, flags: u32) {
    let engine = server.engine();
    Counters::count(&engine.counters().connections_received);
    let client = engine.clients().add(fd, meta, flags, engine.clock().wall_ms());
    server.net().hand_over(server, NewClient { socket, client, session: None, input: Vec::new() });
}

/// Why a client is not let in.
fn refusal(server: &Server, is_local: bool) -> Option<String> {
    let engine = server.engine();
    let settings = server.config().peek();
    if engine.clients().len() as i64 >= settings.get(rows::MAXCLIENTS) {
        Counters::count(&engine.counters().rejected_connections);
        return Some(format!("-{}\r\n", errors::MAX_CLIENTS.text()));
    }
    if !is_local && settings.get(rows::PROTECTED_MODE) && engine.users().default_is_open() {
        Counters::count(&engine.counters().rejected_connections);
        return Some(PROTECTED.to_owned());
    }
    None
}

/// Says why, as far as that goes without waiting.
fn refuse(mut socket: impl Write, refusal: &str) -> io::Result<()> {
    socket.write_all(refusal.as_bytes())
}
