//! The thread that syncs for `appendfsync everysec`, so that writing goes on meanwhile.

use super::doorbell::Doorbell;
use super::writer::Work;
use redan_persistence::aof::StorageFile;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// A sync that takes longer than this is late.
const LATE: Duration = Duration::from_secs(2);

/// A file to be synced.
pub(super) struct SyncJob {
    pub(super) file: Arc<File>,
    /// Its length now.
    pub(super) file_len: u64,
    /// Which file it is.
    pub(super) generation: u64,
    /// Offset in the log of the file's end.
    pub(super) offset: u64,
}

/// The way to the thread.
pub(super) struct Syncer {
    jobs: Sender<SyncJob>,
    began: Instant,
    /// When the running job began, milliseconds behind `began`, plus one; 0: none runs.
    running_since: Arc<AtomicU64>,
    /// The running job was found late.
    found_late: AtomicBool,
}

impl Syncer {
    /// Starts the thread, which reports to `done`.
    ///
    /// # Errors
    /// When the system has none.
    pub(super) fn spawn(done: Sender<Work>, doorbell: Arc<Doorbell>) -> io::Result<Self> {
        let (jobs, queue) = channel();
        let running_since = Arc::new(AtomicU64::new(0));
        let shared = Arc::clone(&running_since);
        let run = move || run(&queue, &done, &doorbell, &shared);
        std::thread::Builder::new().name("aof-sync".to_owned()).spawn(run)?;
        Ok(Self { jobs, began: Instant::now(), running_since, found_late: AtomicBool::new(false) })
    }

    pub(super) fn start(&self, job: SyncJob) {
        self.found_late.store(false, Relaxed);
        self.running_since.store(self.began.elapsed().as_millis() as u64 + 1, Relaxed);
        // The thread lives as long as the process.
        let _ = self.jobs.send(job);
    }

    /// Whether the running job is late and nobody was told so yet.
    pub(super) fn is_late(&self) -> bool {
        let since = self.running_since.load(Relaxed);
        let took_ms = (self.began.elapsed().as_millis() as u64 + 1).saturating_sub(since);
        since != 0 && took_ms > LATE.as_millis() as u64 && !self.found_late.swap(true, Relaxed)
    }
}

fn run(queue: &Receiver<SyncJob>, done: &Sender<Work>, doorbell: &Doorbell, running_since: &AtomicU64) {
    while let Ok(job) = queue.recv() {
        let started = Instant::now();
        let result = job.file.sync();
        let took = started.elapsed();
        running_since.store(0, Relaxed);
        if done.send(Work::Synced { job, result, took }).is_err() {
            return;
        }
        doorbell.ring();
    }
}
