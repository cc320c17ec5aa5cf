//! Relief for a worker that a script keeps busy.
//!
//! A script runs on the worker of the client that wanted it, and until it ends that worker serves nobody else. When a
//! script is over its time limit, this thread takes that worker's connections over: clients are told that the server is
//! busy, and the few commands that may run beside a script (SCRIPT KILL, SHUTDOWN NOSAVE) do. It never passes the gate,
//! so it cannot get stuck itself. When the script has ended, the connections go back.

use super::berth::Berth;
use super::connection::Connection;
use crate::host::Server;
use crate::worker::{self, WorkerHandle};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::Notify;

/// How often the thread looks whether the script has ended, while it serves the connections of its worker.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// See the module's text.
pub(crate) struct Relief {
    worker: WorkerHandle,
    late: Arc<Late>,
}

/// What the bell leaves for the thread.
struct Late {
    bell: Notify,
    /// The worker that runs the script.
    worker: AtomicU32,
}

impl Relief {
    /// Starts the thread. `number` is its number among the workers.
    ///
    /// # Errors
    /// When the system has no thread or no event queue for it.
    pub(crate) fn start(server: &Arc<Server>, number: u32) -> io::Result<Self> {
        let late = Arc::new(Late { bell: Notify::new(), worker: AtomicU32::new(worker::NO_WORKER) });
        let for_thread = Arc::clone(&late);
        let worker = worker::spawn_relief(server, number, move |server| async move {
            loop {
                for_thread.bell.notified().await;
                relieve(&server, for_thread.worker.load(Relaxed), number).await;
            }
        })?;
        let for_bell = Arc::clone(&late);
        server.engine().script_watch().set_bell(move || {
            for_bell.worker.store(worker::current(), Relaxed);
            for_bell.bell.notify_one();
        });
        Ok(Self { worker, late })
    }

    /// The way to the thread while a script keeps the server busy: new connections go there.
    pub(crate) fn on_duty(&self, server: &Server) -> Option<&WorkerHandle> {
        (server.engine().is_busy() && self.late.worker.load(Relaxed) != worker::NO_WORKER)
            .then_some(&self.worker)
    }

    /// The way to the thread.
    pub(crate) fn worker(&self) -> &WorkerHandle {
        &self.worker
    }
}

/// Serves a worker's connections until its script has ended.
async fn relieve(server: &Arc<Server>, from: u32, number: u32) {
    let engine = server.engine();
    if !engine.announce_busy() {
        return;
    }
    if let Some(worker) = server.net().worker(from as usize) {
        worker.berths().into_iter().for_each(|berth| take_over(&berth, number));
    }
    while engine.is_busy() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    for client in engine.clients().all() {
        if client.worker.load(Relaxed) == number {
            client.worker.store(server.net().choose_worker(), Relaxed);
            client.mailbox.ring();
        }
    }
}

/// Moves a connection to this thread, unless it is the script's own or sleeps.
fn take_over(berth: &Berth<Connection>, number: u32) {
    let Some(connection) = berth.try_take(|connection| !connection.is_parked()) else { return };
    let client = Arc::clone(connection.client());
    client.worker.store(number, Relaxed);
    match connection.rehome() {
        Ok(connection) => worker::berth_here(connection),
        Err(error) => tracing::debug!("A connection could not be taken over: {error}"),
    }
    // The worker it comes from notices that its berth is empty.
    client.mailbox.ring();
}
