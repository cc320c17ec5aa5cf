//! The threads that serve clients.
//!
//! A worker is a thread with a single-threaded runtime. A connection is one task, which lives on one worker. What the
//! connections of a worker share lies on its [`Desk`], in a thread-local, so that their futures stay `Send`.

use crate::host::Server;
use crate::net::berth::{Berth, InBerth};
use crate::net::connection::{Connection, NewClient};
use parking_lot::Mutex;
use redan_engine::{ClientId, Worker};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A worker's stack: scripts nest calls of the interpreter's, some of which take ten kilobytes.
const STACK_LEN: usize = 8 << 20;
/// Room for what is read from a socket at once.
pub(crate) const READ_LEN: usize = 64 << 10;
/// Reply memory of one connection that a worker keeps from turn to turn.
const KEPT_REPLY_LEN: usize = 32 << 10;
/// For how many connections it does.
const KEPT_REPLIES: usize = 64;

/// What the connections of a worker share; each uses it for a turn and leaves it clean.
pub(crate) struct Desk {
    pub(crate) worker: Worker,
    /// The worker's number.
    pub(crate) number: u32,
    /// What it shows of itself.
    shared: Arc<Shared>,
    /// What was read last, behind what was left over from before.
    pub(crate) read: Vec<u8>,
    /// Memory for replies, as much as the connections of a round have needed at once.
    replies: Vec<Vec<u8>>,
    /// Turns since the thread has slept last.
    turns: usize,
    /// Whether several connections had something to do when the thread woke up last.
    crowded: bool,
    /// Connections whose replies wait for the disk.
    held: Vec<Waker>,
}

impl Desk {
    fn new(worker: Worker, number: u32, shared: Arc<Shared>) -> Self {
        Self {
            worker,
            number,
            shared,
            read: Vec::with_capacity(READ_LEN),
            replies: Vec::new(),
            turns: 0,
            crowded: false,
            held: Vec::new(),
        }
    }

    /// Counts a turn.
    pub(crate) fn count_turn(&mut self) {
        self.turns += 1;
    }

    /// Whether replies are better written when all connections that have something to do have done it: clients then
    /// find several replies when they look, instead of being woken for each.
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded
    }

    /// The thread is about to sleep.
    fn end_round(&mut self) {
        self.crowded = self.turns > 1;
        self.turns = 0;
    }

    /// Memory for the replies of one connection, to be given back once they are written.
    pub(crate) fn lend_reply(&mut self) -> Vec<u8> {
        self.replies.pop().unwrap_or_default()
    }

    /// Has a connection look again when more is on disk.
    pub(crate) fn hold(&mut self, waker: Waker) {
        self.held.push(waker);
    }

    /// Takes reply memory back.
    pub(crate) fn take_back_reply(&mut self, mut reply: Vec<u8>) {
        if reply.capacity() <= KEPT_REPLY_LEN && self.replies.len() < KEPT_REPLIES {
            reply.clear();
            self.replies.push(reply);
        }
    }
}

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
    static NUMBER: Cell<u32> = const { Cell::new(NO_WORKER) };
}

/// Runs `f` with the desk of the worker the caller is on.
///
/// # Panics
/// On a thread that is no worker, or inside another such call: bugs of the caller.
pub(crate) fn with_desk<T>(f: impl FnOnce(&mut Desk) -> T) -> T {
    DESK.with_borrow_mut(|desk| f(desk.as_mut().expect("connections are polled by workers")))
}

/// The number of a thread that is no worker.
pub(crate) const NO_WORKER: u32 = u32::MAX;

/// The number of the worker the caller is on.
pub(crate) fn current() -> u32 {
    NUMBER.get()
}

/// The way to a worker.
pub(crate) struct WorkerHandle {
    clients: UnboundedSender<NewClient>,
    shared: Arc<Shared>,
}

/// What a worker shows of itself.
#[derive(Default)]
struct Shared {
    connections: AtomicUsize,
    /// Its connections, from where another thread can take them.
    berths: Mutex<HashMap<ClientId, Arc<Berth<Connection>>>>,
    /// Where the system tells how much processor time its thread has had.
    schedstat: OnceLock<PathBuf>,
}

impl WorkerHandle {
    /// Gives it a connection.
    pub(crate) fn send(&self, client: NewClient) {
        self.shared.connections.fetch_add(1, Relaxed);
        // A worker ends only with the process.
        let _ = self.clients.send(client);
    }

    /// Where its connections lie.
    pub(crate) fn berths(&self) -> Vec<Arc<Berth<Connection>>> {
        self.shared.berths.lock().values().cloned().collect()
    }

    /// How many connections it serves.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Relaxed)
    }

    /// The processor time that it has had, ns; 0 where the system does not tell.
    pub(crate) fn spent_ns(&self) -> u64 {
        let text = self.shared.schedstat.get().and_then(|path| std::fs::read_to_string(path).ok());
        text.and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or(0)
    }
}

/// Starts a worker.
///
/// # Errors
/// When the system has no thread or no event queue for it.
pub(crate) fn spawn(server: &Arc<Server>, number: u32) -> io::Result<WorkerHandle> {
    let worker = Worker::new(server.engine());
    start(server, number, format!("worker-{number}"), worker, |_| std::future::ready(()))
}

/// Starts a thread that serves connections beside a script that keeps the server busy, and does something else too.
///
/// # Errors
/// As for [`spawn`].
pub(crate) fn spawn_relief<F: Future<Output = ()> + Send + 'static>(
    server: &Arc<Server>,
    number: u32,
    beside: impl FnOnce(Arc<Server>) -> F + Send + 'static,
) -> io::Result<WorkerHandle> {
    let worker = Worker::beside_scripts(server.engine());
    start(server, number, "relief".to_owned(), worker, beside)
}

fn start<F: Future<Output = ()> + Send + 'static>(
    server: &Arc<Server>,
    number: u32,
    name: String,
    worker: Worker,
    beside: impl FnOnce(Arc<Server>) -> F + Send + 'static,
) -> io::Result<WorkerHandle> {
    let (sender, clients) = unbounded_channel();
    let shared = Arc::new(Shared::default());
    let handle = WorkerHandle { clients: sender, shared: Arc::clone(&shared) };
    let server = Arc::clone(server);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(|| DESK.with_borrow_mut(|desk| desk.iter_mut().for_each(Desk::end_round)))
        .build()?;
    std::thread::Builder::new().name(name).stack_size(STACK_LEN).spawn(move || {
        crate::sys::arena::use_own_arena();
        crate::memory::join_thread();
        if let Ok(thread) = std::fs::read_link("/proc/thread-self") {
            let _ = shared.schedstat.set(PathBuf::from("/proc").join(thread).join("schedstat"));
        }
        DESK.set(Some(Desk::new(worker, number, Arc::clone(&shared))));
        NUMBER.set(number);
        runtime.block_on(async {
            drop(tokio::spawn(beside(Arc::clone(&server))));
            serve(&server, clients, &shared).await;
        });
    })?;
    Ok(handle)
}

/// Wakes connections whose replies waited for the disk.
async fn release_replies(server: Arc<Server>) {
    let bell = server.aof().commit().add_worker();
    loop {
        bell.notified().await;
        let held = with_desk(|desk| std::mem::take(&mut desk.held));
        held.into_iter().for_each(Waker::wake);
    }
}

async fn serve(server: &Arc<Server>, mut clients: UnboundedReceiver<NewClient>, shared: &Arc<Shared>) {
    drop(tokio::spawn(release_replies(Arc::clone(server))));
    while let Some(client) = clients.recv().await {
        match Connection::new(Arc::clone(server), client) {
            Ok(connection) => berth(connection, Arc::clone(shared)),
            Err(error) => {
                shared.connections.fetch_sub(1, Relaxed);
                tracing::warn!("Error registering fd event for the new client connection: {error}");
            }
        }
    }
}

/// Serves a connection on the worker the caller is on.
fn berth(connection: Connection, shared: Arc<Shared>) {
    let id = connection.client().id;
    let berth = Arc::new(Berth::new(connection));
    shared.berths.lock().insert(id, Arc::clone(&berth));
    drop(tokio::spawn(async move {
        InBerth(berth).await;
        shared.berths.lock().remove(&id);
        shared.connections.fetch_sub(1, Relaxed);
    }));
}

/// The same for one that another worker has served until now.
pub(crate) fn berth_here(connection: Connection) {
    let shared = with_desk(|desk| Arc::clone(&desk.shared));
    shared.connections.fetch_add(1, Relaxed);
    berth(connection, shared);
}
