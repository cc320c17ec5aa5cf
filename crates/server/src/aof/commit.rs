//! Group commit: with `appendfsync always` replies wait until what they tell of is on disk.
//!
//! A connection notes where the log ended when its replies were made, and writes them when the append-only file is on
//! disk up to there. The rule covers reads too: whatever a reply has seen lies before that place. One sync serves all
//! who wait for it. Connections sleep on their worker's [`Desk`](crate::worker::Desk); the writer rings one bell a worker.

use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Notify;

/// See the module's text.
#[derive(Debug, Default)]
pub struct Commit {
    /// Whether replies wait at all.
    holding: AtomicBool,
    /// The file cannot be written.
    failing: AtomicBool,
    /// Replies that saw the log up to here may go.
    released: AtomicU64,
    bells: RwLock<Vec<Arc<Notify>>>,
}

impl Commit {
    /// Whether replies wait.
    #[inline]
    pub(crate) fn is_holding(&self) -> bool {
        self.holding.load(Ordering::Acquire)
    }

    /// Whether the file cannot be written: then those who have written nothing are served, whatever they see.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Up to where in the log replies may tell of.
    pub(crate) fn released(&self) -> u64 {
        if self.is_holding() { self.released.load(Ordering::Acquire) } else { u64::MAX }
    }

    /// The bell of another worker, which lets its connections look again.
    pub(crate) fn add_worker(&self) -> Arc<Notify> {
        let bell = Arc::new(Notify::new());
        self.bells.write().push(Arc::clone(&bell));
        bell
    }

    pub(super) fn release(&self, offset: u64) {
        if self.released.fetch_max(offset, Ordering::AcqRel) < offset && self.is_holding() {
            self.ring();
        }
    }

    /// The log begins anew at `offset`.
    pub(super) fn restart(&self, offset: u64) {
        self.released.store(offset, Ordering::Release);
    }

    pub(super) fn set_holding(&self, holding: bool) {
        if self.holding.swap(holding, Ordering::AcqRel) && !holding {
            self.ring();
        }
    }

    pub(super) fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    fn ring(&self) {
        self.bells.read().iter().for_each(|bell| bell.notify_one());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_hold_has_released_everything() {
        let commit = Commit::default();
        assert_eq!(commit.released(), u64::MAX);
        commit.set_holding(true);
        assert_eq!(commit.released(), 0);
        commit.release(7);
        assert_eq!(commit.released(), 7);
        commit.set_holding(false);
        assert_eq!(commit.released(), u64::MAX);
    }

    #[tokio::test]
    async fn workers_are_rung_when_something_is_released() {
        let commit = Commit::default();
        let bell = commit.add_worker();
        commit.set_holding(true);
        commit.release(1);
        bell.notified().await;
        commit.set_holding(false);
        bell.notified().await;
    }
}
