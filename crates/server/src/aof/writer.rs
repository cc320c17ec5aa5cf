//! The thread that writes the append-only file.
//!
//! It follows the log with a cursor, appends what is there, and syncs as `appendfsync` says. Everything that touches the
//! files passes through its queue, so nothing about them needs a lock. It never enters the gate: whoever runs alone may
//! wait for it.

use super::feed::Feed;
use super::shared::{Shared, State};
use super::syncer::{SyncJob, Syncer};
use crate::config::choices::AppendFsync;
use crate::config::{Settings, os_text, rows};
use crate::host::Server;
use redan_engine::condition;
use redan_persistence::aof::{AofStore, BaseFormat, DirStorage, Manifest};
use redan_replication::Log;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

/// How often a write that failed is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// At least so long between two lines about failures.
const ERROR_LOG_PAUSE: Duration = Duration::from_secs(30);
/// `appendfsync everysec`.
const SYNC_PERIOD: Duration = Duration::from_secs(1);
/// While there is nothing to do.
const IDLE: Duration = Duration::from_secs(3600);

/// Where the result of a piece of work is to go.
pub(super) type ReplyTo = SyncSender<Result<(), String>>;

/// What the thread is asked to do.
pub(super) enum Work {
    /// The dataset was loaded: append to the last increment, behind a base of its own if there is none.
    Open {
        store: Box<AofStore<DirStorage>>,
        base: Option<(Vec<u8>, BaseFormat)>,
        feed: Box<Feed>,
        reply: ReplyTo,
    },
    /// Collect commands in a temporary file until the first base is there.
    Collect { store: Option<Box<AofStore<DirStorage>>>, feed: Box<Feed> },
    /// The files as they are on disk, for a rewrite while there is no file to append to.
    Adopt(Box<AofStore<DirStorage>>),
    /// Go on with another file at the cursor's fence, because everything before will be in a base. `given_up` is set if that
    /// fails.
    Switch { db: Option<u32>, given_up: Arc<AtomicBool> },
    /// The base is complete.
    Publish { temp: String, format: BaseFormat, reply: ReplyTo },
    /// There is no base.
    GiveUp { temp: String },
    /// Write and sync everything there is in the log.
    Flush { reply: ReplyTo },
    /// The same, and close.
    Stop { reply: ReplyTo },
    /// Remove the history.
    CollectGarbage,
    /// A sync on the other thread is done.
    Synced { job: SyncJob, result: io::Result<()>, took: Duration },
    /// Copy the files into a directory of this name.
    Backup { name: String, db: Option<u32>, reply: ReplyTo },
}

/// The state of the thread.
pub(super) struct Writer {
    server: Arc<Server>,
    shared: Arc<Shared>,
    log: Arc<Log>,
    work: Receiver<Work>,
    pub(super) store: Option<Box<AofStore<DirStorage>>>,
    feed: Option<Box<Feed>>,
    syncer: Syncer,
    /// Tells files apart.
    generation: u64,
    last_sync: Instant,
    /// The first increment that the base being written does not contain.
    rewrite_from: Option<i64>,
    buf: Vec<u8>,
    write_failed: bool,
    sync_failed: bool,
    retry_at: Option<Instant>,
    last_error_line: Option<Instant>,
}

impl Writer {
    pub(super) fn new(
        server: Arc<Server>,
        shared: Arc<Shared>,
        work: Receiver<Work>,
        syncer: Syncer,
    ) -> Self {
        let log = server.engine().log_arc();
        Self {
            server,
            shared,
            log,
            work,
            store: None,
            feed: None,
            syncer,
            generation: 0,
            last_sync: Instant::now(),
            rewrite_from: None,
            buf: Vec::new(),
            write_failed: false,
            sync_failed: false,
            retry_at: None,
            last_error_line: None,
        }
    }

    pub(super) fn run(mut self) {
        self.shared.doorbell.answer_here();
        loop {
            while let Ok(work) = self.work.try_recv() {
                self.execute(work);
            }
            if self.retry_at.is_none_or(|at| at <= Instant::now()) {
                self.retry_at = None;
                if self.write_all().is_ok() {
                    self.sync_if_due();
                }
            }
            self.rest();
        }
    }

    fn rest(&mut self) {
        let listens = self.feed.is_some() && self.retry_at.is_none();
        let position = self.feed.as_ref().map_or(u64::MAX, |feed| feed.position);
        let timeout = match self.retry_at {
            Some(at) => at.saturating_duration_since(Instant::now()),
            None if self.has_unsynced() && self.policy() == AppendFsync::Everysec => {
                SYNC_PERIOD.saturating_sub(self.last_sync.elapsed()).max(Duration::from_millis(1))
            }
            // Syncing was put off until a snapshot is done.
            None if self.has_unsynced() && self.policy() == AppendFsync::Always => RETRY_PAUSE,
            None => IDLE,
        };
        let log = &self.log;
        self.shared.doorbell.wait(listens, timeout, || !listens || log.end_offset() <= position);
    }

    fn execute(&mut self, work: Work) {
        match work {
            Work::Open { store, base, feed, reply } => self.open(store, base, feed, &reply),
            Work::Collect { store, feed } => self.collect(store, feed),
            Work::Adopt(store) => self.store = Some(store),
            Work::Switch { db, given_up } => {
                if let Err(error) = self.switch(db) {
                    tracing::warn!("Can't go on with another append only file: {}", os_text(&error));
                    given_up.store(true, Relaxed);
                }
            }
            Work::Publish { temp, format, reply } => {
                let published = self.publish(&temp, format);
                answer(&reply, published);
            }
            Work::GiveUp { temp } => self.give_up(&temp),
            Work::Flush { reply } => {
                let flushed = self.flush();
                answer(&reply, flushed);
            }
            Work::Stop { reply } => {
                let stopped = self.stop();
                answer(&reply, stopped);
            }
            Work::CollectGarbage => self.collect_garbage(),
            Work::Synced { job, result, took } => self.on_synced(&job, result, took),
            Work::Backup { name, db, reply } => {
                let copied = self.back_up(&name, db);
                answer(&reply, copied);
            }
        }
    }

    fn open(
        &mut self,
        mut store: Box<AofStore<DirStorage>>,
        base: Option<(Vec<u8>, BaseFormat)>,
        feed: Box<Feed>,
        reply: &ReplyTo,
    ) {
        let base = base.as_ref().map(|(bytes, format)| (bytes.as_slice(), *format));
        let opened = store.open(feed.begin as i64, base);
        if opened.is_ok() {
            self.begin_file(feed, store.file_len());
            self.store = Some(store);
            self.shared.set_state(State::On);
            self.note_size();
            let base_len = self.base_len();
            self.shared.base_size.store(base_len, Relaxed);
            self.publish_synced();
            self.hold_if_due();
        } else {
            feed.detach(&self.log);
        }
        answer(reply, opened);
    }

    /// Length of the base alone.
    fn base_len(&self) -> u64 {
        use redan_persistence::aof::Storage;
        let base = self.store.as_ref().and_then(|store| {
            let file = store.manifest().base.as_ref()?;
            store.storage().len(&file.name).ok()
        });
        base.unwrap_or(0)
    }

    fn collect(&mut self, store: Option<Box<AofStore<DirStorage>>>, feed: Box<Feed>) {
        if store.is_some() {
            self.store = store;
        }
        let opened = match &mut self.store {
            Some(store) => store.open_temp(),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        match opened {
            Ok(()) => {
                tracing::info!(
                    "Creating AOF incr file {} on background rewrite",
                    Manifest::temp_incr_name(self.server.config().peek().get(rows::APPENDFILENAME))
                );
                self.begin_file(feed, 0);
            }
            Err(error) => {
                // The base cannot be published without: the rewrite fails then, and is tried again.
                feed.detach(&self.log);
                tracing::warn!("Can't open the append-only file: {}", os_text(&error));
            }
        }
    }

    fn begin_file(&mut self, mut feed: Box<Feed>, file_len: u64) {
        feed.resume_file(file_len);
        self.shared.commit.restart(feed.position);
        if let Some(old) = self.feed.replace(feed) {
            old.detach(&self.log);
        }
        self.generation += 1;
        self.last_sync = Instant::now();
        self.rewrite_from = None;
        self.end_failure();
    }

    /// Appends everything that the cursor may read.
    pub(super) fn write_all(&mut self) -> io::Result<()> {
        while let (Some(feed), Some(store)) = (&mut self.feed, &mut self.store) {
            let read = match feed.read(&self.log) {
                Ok(Some(read)) => read,
                Ok(None) => break,
                Err(error) => return self.on_lost(&error.to_string()),
            };
            let wants_time = self.server.config().peek().get(rows::AOF_TIMESTAMP_ENABLED);
            let timestamp_s = wants_time.then(crate::clock::unix_s);
            self.buf.clear();
            feed.render(&self.log, &read, timestamp_s, &mut self.buf);
            let sleep_us = self.shared.flush_sleep_us.load(Relaxed);
            if sleep_us > 0 {
                std::thread::sleep(Duration::from_micros(sleep_us));
            }
            let started = Instant::now();
            match store.append(&self.buf) {
                Ok(_) => {
                    feed.on_written(&self.log, &read, timestamp_s);
                    self.shared.current_size.fetch_add(self.buf.len() as u64, Relaxed);
                    self.note_write(started.elapsed());
                    self.buf.shrink_to(1 << 20);
                }
                Err(error) => return self.on_write_error(error),
            }
        }
        if self.write_failed {
            self.write_failed = false;
            self.note_failure("AOF write error looks solved, Redis can write again.");
        }
        Ok(())
    }

    fn note_write(&self, took: Duration) {
        let engine = self.server.engine();
        let event = if self.shared.is_syncing.load(Relaxed) {
            "aof-write-pending-fsync"
        } else if engine.keyspace().is_snapshot_running() {
            "aof-write-active-child"
        } else {
            "aof-write-alone"
        };
        let nanos = took.as_nanos() as u64;
        engine.note_latency(event, nanos);
        engine.note_latency("aof-write", nanos);
        if self.syncer.is_late() {
            self.shared.delayed_fsync.fetch_add(1, Relaxed);
            tracing::info!(
                "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for \
                 fsync to complete, this may slow down Redis."
            );
        }
    }

    pub(super) fn settings(&self) -> Arc<Settings> {
        self.server.config().load()
    }

    fn policy(&self) -> AppendFsync {
        self.server.config().peek().get(rows::APPENDFSYNC)
    }

    fn has_unsynced(&self) -> bool {
        self.store.as_ref().is_some_and(|store| store.unsynced() > 0)
    }

    /// Syncs if the policy says so, and says what is on disk.
    fn sync_if_due(&mut self) {
        let (Some(feed), Some(store)) = (&mut self.feed, &mut self.store) else { return };
        let policy = self.server.config().peek().get(rows::APPENDFSYNC);
        if store.unsynced() == 0 {
            feed.release(&self.log, store.file_len());
            return self.publish_synced();
        }
        let put_off = self.server.config().peek().get(rows::NO_APPENDFSYNC_ON_REWRITE)
            && self.server.engine().keyspace().is_snapshot_running();
        if policy != AppendFsync::Always || put_off {
            feed.release(&self.log, store.file_len());
            self.shared.commit.release(feed.position);
        }
        match policy {
            _ if put_off => {}
            AppendFsync::Always => {
                if self.sync_now().is_ok() {
                    self.publish_synced();
                }
            }
            AppendFsync::Everysec => {
                let is_due = self.last_sync.elapsed() >= SYNC_PERIOD && !self.shared.is_syncing.load(Relaxed);
                if is_due && let Some((file, file_len)) = store.sync_handle() {
                    self.last_sync = Instant::now();
                    self.shared.is_syncing.store(true, Relaxed);
                    let (generation, offset) = (self.generation, feed.position);
                    self.syncer.start(SyncJob { file, file_len, generation, offset });
                }
            }
            AppendFsync::No => {}
        }
    }

    /// Everything in the file is on disk afterwards, or it is an error that was reported.
    fn sync_now(&mut self) -> io::Result<()> {
        let (Some(feed), Some(store)) = (&mut self.feed, &mut self.store) else { return Ok(()) };
        let started = Instant::now();
        let can_rewind = feed.can_rewind(store.synced_len());
        let synced = if can_rewind { store.sync() } else { store.sync_in_place() };
        match synced {
            Ok(()) => {
                self.server.engine().note_latency("aof-fsync-always", started.elapsed().as_nanos() as u64);
                feed.release(&self.log, store.file_len());
                self.last_sync = Instant::now();
                if self.sync_failed {
                    self.sync_failed = false;
                    self.note_failure("AOF write error looks solved, Redis can write again.");
                }
                Ok(())
            }
            Err(error) => {
                if can_rewind && feed.rewind(&self.log).is_err() {
                    return self.on_lost("what was not synced is gone");
                }
                self.sync_failed = true;
                self.retry_at = Some(Instant::now() + RETRY_PAUSE);
                self.report("Can't persist AOF for fsync error", &error);
                Err(error)
            }
        }
    }

    fn on_synced(&mut self, job: &SyncJob, result: io::Result<()>, took: Duration) {
        self.shared.is_syncing.store(false, Relaxed);
        if job.generation != self.generation {
            return;
        }
        self.server.engine().note_latency("aof-fsync", took.as_nanos() as u64);
        match result {
            Ok(()) => {
                if let Some(store) = &mut self.store {
                    store.on_synced(job.file_len);
                }
                if std::mem::take(&mut self.sync_failed) {
                    self.note_failure("AOF fsync error looks solved, Redis can write again.");
                    // The system may have forgotten what it could not sync: a base holds it.
                    self.shared.rewrites.lock().scheduled = true;
                }
                self.publish_synced_to(job.offset);
            }
            Err(error) => {
                self.sync_failed = true;
                self.report("Fail to fsync the AOF file", &error);
            }
        }
    }

    /// All of the file is on disk.
    fn publish_synced(&mut self) {
        if let Some(position) = self.feed.as_ref().map(|feed| feed.position) {
            self.publish_synced_to(position);
        }
    }

    fn publish_synced_to(&mut self, offset: u64) {
        let before = self.shared.synced.swap(offset, Relaxed);
        self.shared.commit.release(offset);
        if before != offset {
            self.server.engine().ring_parked();
        }
    }

    fn hold_if_due(&self) {
        self.shared
            .commit
            .set_holding(self.shared.state() == State::On && self.policy() == AppendFsync::Always);
    }

    /// Goes on with another file where the cursor's fence is.
    fn switch(&mut self, db: Option<u32>) -> io::Result<()> {
        let written = self.write_all();
        let (Some(feed), Some(store)) = (&mut self.feed, &mut self.store) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let switched = written.and_then(|()| store.switch(feed.position as i64));
        // Without another file it goes on with the old one.
        let _ = self.log.set_fence(feed.cursor, false);
        let seq = switched?;
        let name = store.manifest().incr.last().map_or("", |file| &file.name);
        tracing::info!("Creating AOF incr file {name} on background rewrite");
        feed.release(&self.log, 0);
        feed.begin_file(db);
        self.generation += 1;
        self.last_sync = Instant::now();
        self.rewrite_from = Some(seq);
        self.publish_synced();
        Ok(())
    }

    fn publish(&mut self, temp: &str, format: BaseFormat) -> io::Result<()> {
        let was_waiting = self.shared.state() == State::WaitRewrite;
        if was_waiting {
            self.write_all()?;
        }
        let from = self.rewrite_from.take();
        let Some(store) = &mut self.store else { return Err(io::ErrorKind::NotConnected.into()) };
        let is_ready = from.is_some() || if was_waiting { store.is_temp() } else { !store.is_open() };
        if !is_ready {
            return Err(io::Error::other("there is no increment for what came behind the base"));
        }
        let offset = self.feed.as_ref().map_or(0, |feed| feed.begin);
        store.publish(temp, format, from, offset as i64)?;
        if was_waiting {
            if let Some(feed) = &mut self.feed {
                feed.release(&self.log, store.file_len());
            }
            self.shared.set_state(State::On);
            self.publish_synced();
            self.hold_if_due();
        }
        self.note_size();
        self.shared.base_size.store(self.shared.current_size.load(Relaxed), Relaxed);
        self.collect_garbage();
        Ok(())
    }

    fn note_size(&self) {
        let size = self.store.as_ref().map_or(0, |store| store.total_len());
        self.shared.current_size.store(size, Relaxed);
    }

    fn give_up(&mut self, temp: &str) {
        self.rewrite_from = None;
        let Some(store) = &mut self.store else { return };
        store.remove_temp_base(temp);
        if store.is_temp() {
            tracing::info!(
                "Removing the temp incr aof file {} in the background",
                Manifest::temp_incr_name(self.server.config().peek().get(rows::APPENDFILENAME))
            );
            store.drop_temp();
            if let Some(feed) = self.feed.take() {
                feed.detach(&self.log);
            }
            self.end_failure();
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.write_all()?;
        self.sync_now()?;
        self.publish_synced();
        Ok(())
    }

    /// The end of the file, whatever the disk says. An error when something is missing in it.
    fn stop(&mut self) -> io::Result<()> {
        let last_line = self.feed.as_ref().and_then(|feed| feed.last_line(&self.log));
        let mut flushed = self.write_all();
        if let (Ok(()), Some(line), Some(store)) = (&flushed, last_line, &mut self.store) {
            flushed = store.append(&line).map(drop);
        }
        let flushed = flushed.and_then(|()| match &mut self.store {
            Some(store) => store.sync_in_place(),
            None => Ok(()),
        });
        if let Err(error) = &flushed {
            tracing::warn!("Fail to fsync the AOF file: {}", os_text(error));
        }
        if let Some(feed) = self.feed.take() {
            feed.detach(&self.log);
            if let Some(store) = &mut self.store
                && let Err(error) = store.close(feed.position as i64)
            {
                tracing::warn!("Can't note the end of the AOF file in its manifest: {}", os_text(&error));
            }
        }
        self.generation += 1;
        self.rewrite_from = None;
        self.shared.set_state(State::Off);
        self.shared.commit.set_holding(false);
        self.end_failure();
        flushed
    }

    pub(super) fn collect_garbage(&mut self) {
        if self.server.config().peek().get(rows::AOF_DISABLE_AUTO_GC) {
            return;
        }
        let Some(store) = &mut self.store else { return };
        match store.remove_history() {
            Ok(names) => {
                for name in names {
                    tracing::info!("Removing the history file {name} in the background");
                }
            }
            Err(error) => tracing::warn!("Can't remove AOF history files: {}", os_text(&error)),
        }
    }

    /// [`Writer::switch`] without a base to come: what is before the new file does not change any more.
    pub(super) fn cut_off(&mut self, db: Option<u32>) -> io::Result<()> {
        let from = self.rewrite_from;
        let switched = self.switch(db);
        self.rewrite_from = from;
        switched
    }

    fn on_write_error(&mut self, error: io::Error) -> io::Result<()> {
        self.write_failed = true;
        self.retry_at = Some(Instant::now() + RETRY_PAUSE);
        self.report("Error writing to the AOF file", &error);
        Err(error)
    }

    /// The log does not have what the file needs next.
    fn on_lost(&mut self, what: &str) -> io::Result<()> {
        if let Some(feed) = self.feed.take() {
            feed.detach(&self.log);
        }
        let error = io::Error::other(what.to_owned());
        self.write_failed = true;
        self.report("The AOF file has lost its place in the log", &error);
        Err(error)
    }

    /// Has writes refused until things are better.
    fn report(&mut self, doing: &str, error: &io::Error) {
        let reason = os_text(error);
        if self.last_error_line.is_none_or(|last| last.elapsed() > ERROR_LOG_PAUSE) {
            self.last_error_line = Some(Instant::now());
            tracing::warn!("{doing}: {reason}");
        }
        *self.shared.error.lock() = Some(reason);
        self.shared.commit.set_failing(true);
        self.server.engine().conditions().put(condition::AOF_ERROR, true);
    }

    /// One of the failures is over.
    fn note_failure(&mut self, line: &str) {
        tracing::info!("{line}");
        if !self.write_failed && !self.sync_failed {
            self.end_failure();
        }
    }

    fn end_failure(&mut self) {
        self.write_failed = false;
        self.sync_failed = false;
        self.retry_at = None;
        self.last_error_line = None;
        *self.shared.error.lock() = None;
        self.shared.commit.set_failing(false);
        self.server.engine().conditions().put(condition::AOF_ERROR, false);
    }
}

fn answer(reply: &ReplyTo, result: io::Result<()>) {
    // Whoever asked may have gone.
    let _ = reply.send(result.map_err(|error| os_text(&error)));
}
