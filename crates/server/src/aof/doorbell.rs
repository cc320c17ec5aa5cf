//! Wakes the writer's thread, without a system call while it is awake.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::Thread;
use std::time::Duration;

/// See the module's text.
#[derive(Debug, Default)]
pub struct Doorbell {
    /// The thread sleeps, or is about to, and wants to hear of appends.
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Doorbell {
    /// Says that something was appended to the log.
    #[inline]
    pub(crate) fn on_appended(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            self.ring();
        }
    }

    /// Wakes the thread whatever it does.
    pub(super) fn ring(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// The calling thread is the one to be woken.
    pub(super) fn answer_here(&self) {
        let _ = self.thread.set(std::thread::current());
    }

    /// Sleeps until rung, unless `is_idle` is not true any more. Without `listens`, appends do not wake it.
    pub(super) fn wait(&self, listens: bool, timeout: Duration, is_idle: impl FnOnce() -> bool) {
        self.asleep.store(listens, Ordering::SeqCst);
        // Whoever appends after this sees that it sleeps; what was appended before is seen here.
        fence(Ordering::SeqCst);
        if is_idle() {
            std::thread::park_timeout(timeout);
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}
