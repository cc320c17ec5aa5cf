//! The threads that serve clients.
//!
//! A worker is a thread with a single-threaded runtime. A connection is one task, which lives on one worker. What the
//! connections of a worker share lies on its [`Desk`], in a thread-local, so that their futures stay `Send`.

use crate::host::Server;
use crate::net::connection::{Connection, NewClient};
use redan_engine::Worker;
use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Room for what is read from a socket at once.
pub(crate) const READ_LEN: usize = 64 << 10;
/// Reply memory that a worker keeps from turn to turn.
const KEPT_REPLY_LEN: usize = 256 << 10;

/// What the connections of a worker share; each uses it for a turn and leaves it clean.
pub(crate) struct Desk {
    pub(crate) worker: Worker,
    /// What was read last, behind what was left over from before.
    pub(crate) read: Vec<u8>,
    /// Memory for replies.
    reply: Vec<u8>,
}

impl Desk {
    fn new(worker: Worker) -> Self {
        Self { worker, read: Vec::with_capacity(READ_LEN), reply: Vec::new() }
    }

    /// Memory for the replies of one connection, to be given back once they are written.
    pub(crate) fn lend_reply(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.reply)
    }

    /// Takes reply memory back.
    pub(crate) fn take_back_reply(&mut self, mut reply: Vec<u8>) {
        if reply.capacity() > self.reply.capacity() && reply.capacity() <= KEPT_REPLY_LEN {
            reply.clear();
            self.reply = reply;
        }
    }
}

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

/// Runs `f` with the desk of the worker the caller is on.
///
/// # Panics
/// On a thread that is no worker, or inside another such call: bugs of the caller.
pub(crate) fn with_desk<T>(f: impl FnOnce(&mut Desk) -> T) -> T {
    DESK.with_borrow_mut(|desk| f(desk.as_mut().expect("connections are polled by workers")))
}

/// The way to a worker.
pub(crate) type WorkerHandle = UnboundedSender<NewClient>;

/// Starts a worker.
///
/// # Errors
/// When the system has no thread or no event queue for it.
pub(crate) fn spawn(server: &Arc<Server>, index: usize) -> io::Result<WorkerHandle> {
    let (sender, clients) = unbounded_channel();
    let server = Arc::clone(server);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
        crate::sys::arena::use_own_arena();
        crate::memory::join_thread();
        let desk = Desk::new(Worker::new(server.engine()));
        DESK.set(Some(desk));
        runtime.block_on(serve(&server, clients));
    })?;
    Ok(sender)
}

async fn serve(server: &Arc<Server>, mut clients: UnboundedReceiver<NewClient>) {
    while let Some(client) = clients.recv().await {
        match Connection::new(Arc::clone(server), client) {
            Ok(connection) => drop(tokio::spawn(connection)),
            Err(error) => tracing::warn!("Error registering fd event for the new client connection: {error}"),
        }
    }
}
