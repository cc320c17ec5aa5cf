//! The orderly end of the process.
//!
//! SHUTDOWN and termination signals do the same: writes are paused until replicas have caught up (at most for
//! `shutdown-timeout`), a snapshot is written if save points ask for it, then the process exits. When the snapshot
//! fails, the server goes on, unless it was told to go by force.

use super::Server;
use crate::config::choices::ShutdownFlags;
use crate::config::rows;
use crate::startup::process;
use parking_lot::Mutex;
use redan_engine::{ClientId, CmdResult, PauseKind, ReplyError, ShutdownRequest, condition};
use redan_resp::ReplyBuf;

/// What clients are told whose SHUTDOWN came to nothing.
const FAILED: ReplyError = ReplyError::fixed("ERR Errors trying to SHUTDOWN. Check logs.");
/// SHUTDOWN ABORT without one.
const NONE_IN_PROGRESS: ReplyError = ReplyError::fixed("ERR No shutdown in progress.");

/// Who asks for the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExitReason {
    /// A client.
    Client(ClientId),
    /// A signal.
    Signal,
}

/// A shutdown under way.
#[derive(Default)]
pub(super) struct Shutdown {
    waiting: Mutex<Option<Waiting>>,
}

#[derive(Clone, Copy)]
struct Waiting {
    request: ShutdownRequest,
    deadline_ms: i64,
}

impl From<ShutdownFlags> for Request {
    fn from(flags: ShutdownFlags) -> Self {
        Request(ShutdownRequest {
            save: flags.has(ShutdownFlags::SAVE),
            nosave: flags.has(ShutdownFlags::NOSAVE),
            now: flags.has(ShutdownFlags::NOW),
            force: flags.has(ShutdownFlags::FORCE),
        })
    }
}

/// A request as the configuration spells it.
struct Request(ShutdownRequest);

impl Server {
    /// Begins the end; the caller runs alone. Returns only if the process goes on for now: `true` when replicas are
    /// waited for.
    ///
    /// # Errors
    /// When the process goes on for good.
    pub fn begin_shutdown(&self, request: ShutdownRequest, _reason: ExitReason) -> Result<bool, ReplyError> {
        if self.shutdown.waiting.lock().is_some() {
            return Ok(true);
        }
        let mut request = request;
        if self.persist.is_loading() || self.sentinel.is_some() {
            request.save = false;
            request.nosave = true;
        }
        tracing::info!("User requested shutdown...");
        process::tell_stopping(&self.config.peek());
        let timeout_s = self.config.peek().get(rows::SHUTDOWN_TIMEOUT);
        if !request.now && timeout_s != 0 && !self.is_ready_to_exit() {
            tracing::info!("Waiting for replicas before shutting down.");
            let deadline_ms = self.engine.clock().wall_ms() + timeout_s * 1000;
            *self.shutdown.waiting.lock() = Some(Waiting { request, deadline_ms });
            self.engine.pause(PauseKind::Write, i64::MAX);
            self.replication.request_acks();
            return Ok(true);
        }
        self.finish_shutdown(request).map(|never| match never {})
    }

    /// Begins the end because of a signal. `sigint` tells which one.
    pub fn shutdown_by_signal(&self, sigint: bool) {
        let settings = self.config.load();
        let key = if sigint { rows::SHUTDOWN_ON_SIGINT } else { rows::SHUTDOWN_ON_SIGTERM };
        let Request(request) = settings.get(key).into();
        if self.engine.conditions().any(condition::LOADING) {
            tracing::warn!("Received shutdown signal during loading, exiting now.");
            self.exit(0);
        }
        let alone = self.engine.gate().enter_alone();
        if self.begin_shutdown(request, ExitReason::Signal).is_err() {
            tracing::warn!("Shutdown failed, the server goes on.");
        }
        drop(alone);
    }

    /// Called often while replicas are waited for: goes when they are ready or the time is over.
    pub fn poll_shutdown(&self) {
        let Some(waiting) = *self.shutdown.waiting.lock() else { return };
        let late = self.engine.clock().wall_ms() >= waiting.deadline_ms;
        if !late && !self.is_ready_to_exit() {
            return;
        }
        let alone = self.engine.gate().enter_alone();
        let Err(_) = self.finish_shutdown(waiting.request);
        drop(alone);
        self.end_shutdown();
    }

    /// Milliseconds until a shutdown stops waiting, if one is under way.
    pub fn shutdown_in_ms(&self) -> Option<i64> {
        let waiting = *self.shutdown.waiting.lock();
        waiting.map(|waiting| (waiting.deadline_ms - self.engine.clock().wall_ms()).max(0))
    }

    pub(super) fn abort_shutdown(&self) -> CmdResult {
        if self.shutdown.waiting.lock().is_none() {
            return Err(NONE_IN_PROGRESS);
        }
        tracing::info!("Shutdown manually aborted.");
        self.end_shutdown();
        Ok(())
    }

    /// The process goes on: lets writes in again and tells whoever asked.
    fn end_shutdown(&self) {
        if self.shutdown.waiting.lock().take().is_some() {
            self.engine.unpause();
            self.engine.ring_parked();
        }
    }

    /// A client that waits for the end was woken: true if it gets a reply, which means that there is no end.
    pub(super) fn resume_shutdown(&self, _client: ClientId, out: &mut ReplyBuf) -> bool {
        if self.shutdown.waiting.lock().is_some() {
            return false;
        }
        out.error(FAILED.text());
        true
    }

    fn is_ready_to_exit(&self) -> bool {
        let replicas = self.replication.replica_sync();
        replicas.in_sync == replicas.total
    }

    /// Saves what is to be saved and exits; the caller runs alone.
    fn finish_shutdown(&self, request: ShutdownRequest) -> Result<std::convert::Infallible, ReplyError> {
        let replicas = self.replication.replica_sync();
        if replicas.total > 0 {
            let (in_sync, total) = (replicas.in_sync, replicas.total);
            tracing::info!("{in_sync} of {total} replicas are in sync when shutting down.");
        }
        let saves = request.save || (!request.nosave && !self.config.peek().get(rows::SAVE).is_empty());
        if self.aof.shut_down(self, request.force).is_err() {
            return Err(FAILED);
        }
        if self.persist.figures().running.is_some() {
            tracing::warn!("There is a snapshot being saved. Giving it up!");
            self.persist.cancel();
        }
        if saves {
            tracing::info!("Saving the final RDB snapshot before exiting.");
            if self.persist.save_now(self).is_err() {
                if !request.force {
                    tracing::warn!("Error trying to save the DB, can't exit.");
                    return Err(FAILED);
                }
                tracing::warn!("Error trying to save the DB, but exiting anyway.");
            }
        }
        self.replication.on_exit();
        self.exit(0)
    }

    /// Leaves without saving anything.
    pub fn exit(&self, code: i32) -> ! {
        self.clean_up();
        tracing::warn!("Redis is now ready to exit, bye bye...");
        self.log.flush();
        std::process::exit(code)
    }

    /// Removes what must not outlive the process.
    pub(super) fn clean_up(&self) {
        self.net.close();
        let settings = self.config.load();
        if let Some(path) = crate::net::Plan::of(&settings).unix {
            tracing::info!("Removing the unix socket file.");
            let _ = std::fs::remove_file(path);
        }
        if let Some(path) = process::pid_file(&settings) {
            tracing::info!("Removing the pid file.");
            let _ = std::fs::remove_file(path);
        }
    }
}
