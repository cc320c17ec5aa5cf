//! Rewrites: a new base is written beside the increments.
//!
//! At the cut nothing runs: the snapshot begins there, and the writer's cursor is fenced there, so that the next
//! increment begins exactly where the base ends. The writer makes that increment in its own time. When the base is
//! complete, the writer publishes a manifest of both.

use super::backoff::Verdict;
use super::feed::Feed;
use super::shared::{RunningRewrite, Shared, State};
use super::writer::{ReplyTo, Work};
use super::{Aof, base_format, create_dir};
use crate::clock;
use crate::config::rows;
use crate::host::Server;
use crate::persist::{Purpose, SnapshotJob, SnapshotTarget};
use bytes::Bytes;
use redan_engine::{ReplyError, errors};
use redan_persistence::aof::{BaseFormat, DirStorage, Storage, StorageFile, TEMP_BASE_PREFIX};
use redan_persistence::rdb::{SaveError, SaveStats};
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Sender, sync_channel};
use std::time::Instant;

/// With `aof-rewrite-incremental-fsync`, the base is synced whenever so many bytes were written.
const SYNC_EVERY_LEN: u64 = 4 << 20;

impl Aof {
    /// BGREWRITEAOF; the caller runs alone. `Ok(false)`: it starts when what runs now has ended.
    ///
    /// # Errors
    /// Why not.
    pub fn bgrewrite(&self, server: &Server) -> Result<bool, ReplyError> {
        match server.persist().running() {
            Some(Purpose::AofBase) => return Err(errors::REWRITE_IN_PROGRESS),
            Some(_) => {
                let mut rewrites = self.shared.rewrites.lock();
                rewrites.scheduled = true;
                rewrites.failures_in_a_row = 0;
                return Ok(false);
            }
            None => {}
        }
        self.start_rewrite(server).map(|()| true).map_err(|error| {
            tracing::warn!("Can't rewrite append only file in background: {error}");
            errors::REWRITE_FAILED
        })
    }

    /// Makes the cut and writes a base behind it; the caller runs alone.
    pub(super) fn start_rewrite(&self, server: &Server) -> Result<(), String> {
        let settings = server.config().load();
        create_dir(&settings)?;
        let storage = DirStorage::new(super::aof_dir(&settings));
        let temp = format!("{TEMP_BASE_PREFIX}{}.aof", std::process::id());
        let file = storage.open(&temp, true).map_err(|error| crate::config::os_text(&error))?;
        let format = base_format(&settings);
        let given_up = Arc::new(AtomicBool::new(false));
        let incremental = settings.get(rows::AOF_REWRITE_INCREMENTAL_FSYNC);
        let target = BaseTarget {
            file,
            unsynced: incremental.then_some(0),
            given_up: Arc::clone(&given_up),
            end: Some(BaseEnd { shared: Arc::clone(&self.shared), work: self.work.clone(), temp, format }),
        };
        self.fence(server, given_up)?;
        {
            let mut rewrites = self.shared.rewrites.lock();
            rewrites.scheduled = false;
            rewrites.running = Some(RunningRewrite { started: Instant::now() });
        }
        let job = SnapshotJob {
            purpose: Purpose::AofBase,
            replication: server.replication().snapshot_info(),
            as_commands: format == BaseFormat::Commands,
            target: Box::new(target),
        };
        // If it does not start, the target is dropped, which undoes the rest.
        server.persist().start_snapshot(server, job).map_err(|error| error.to_string())?;
        tracing::info!("Background append only file rewriting started by pid {}", std::process::id());
        Ok(())
    }

    /// Has the next file begin at the end of the log.
    fn fence(&self, _server: &Server, given_up: Arc<AtomicBool>) -> Result<(), String> {
        let log = self.engine.log();
        let settings = _server.config().load();
        let store = || Self::store_on_disk(&settings).map_err(|error| error.to_string());
        match self.shared.state() {
            State::Off => self.send(Work::Adopt(store()?)),
            State::WaitRewrite => {
                let store = Some(store()?);
                let feed = Feed::attach(log).map_err(|error| error.to_string())?;
                *self.cursor.lock() = Some(feed.cursor);
                self.send(Work::Collect { store, feed: Box::new(feed) });
            }
            State::On => {
                let cursor = self.cursor.lock().ok_or("the append only file is not open")?;
                let db = log.stream_db();
                log.set_fence(cursor, true).map_err(|error| error.to_string())?;
                self.send(Work::Switch { db, given_up });
            }
        }
        Ok(())
    }

    /// Starts what is due. Called by the cron, which is outside of the gate.
    pub fn on_cron(&self, server: &Server) {
        let is_idle = || server.persist().running().is_none() && !server.persist().is_loading();
        if !is_idle() || !self.is_rewrite_due(server) {
            return;
        }
        let alone = self.engine.gate().enter_alone();
        if is_idle()
            && let Err(error) = self.start_rewrite(server)
        {
            tracing::warn!("Can't rewrite append only file in background: {error}");
            self.shared.note_rewrite(false);
        }
        drop(alone);
    }

    fn is_rewrite_due(&self, server: &Server) -> bool {
        let mut rewrites = self.shared.rewrites.lock();
        let growth = self.growth_percent(server);
        if !rewrites.scheduled && growth.is_none() {
            return false;
        }
        let failures = rewrites.failures_in_a_row;
        match rewrites.backoff.ask(failures, clock::unix_s()) {
            Verdict::May => {}
            Verdict::Pauses => return false,
            Verdict::BeginsPause(minutes) => {
                tracing::warn!(
                    "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in {minutes} \
                     minutes"
                );
                return false;
            }
        }
        if let Some(growth) = growth.filter(|_| !rewrites.scheduled) {
            tracing::info!("Starting automatic rewriting of AOF on {growth}% growth");
        }
        true
    }

    /// By how much the file has grown since the last rewrite, if that is enough for another one.
    fn growth_percent(&self, server: &Server) -> Option<u64> {
        let settings = server.config().peek();
        let wanted = u64::try_from(settings.get(rows::AUTO_AOF_REWRITE_PERCENTAGE)).unwrap_or(0);
        let (size, base) = (self.shared.current_size.load(Relaxed), self.shared.base_size.load(Relaxed));
        let is_large = size > settings.get(rows::AUTO_AOF_REWRITE_MIN_SIZE);
        if self.shared.state() != State::On || wanted == 0 || !is_large {
            return None;
        }
        let growth = (u128::from(size) * 100 / u128::from(base.max(1))).saturating_sub(100);
        let growth = u64::try_from(growth).unwrap_or(u64::MAX);
        (growth >= wanted).then_some(growth)
    }
}

impl Shared {
    /// A rewrite is over.
    pub(super) fn note_rewrite(&self, ok: bool) {
        let mut rewrites = self.rewrites.lock();
        if let Some(running) = rewrites.running.take() {
            rewrites.last_took = Some(running.started.elapsed());
        }
        rewrites.last_ok = ok;
        if ok {
            rewrites.done += 1;
            rewrites.failures_in_a_row = 0;
        } else {
            rewrites.failures_in_a_row += 1;
        }
        // A file that waits for its base goes on waiting.
        rewrites.scheduled |= self.state() == State::WaitRewrite;
    }
}

/// The base being written.
struct BaseTarget {
    file: Arc<File>,
    /// Bytes since the last sync, if it is synced on the way.
    unsynced: Option<u64>,
    /// The writer could not make the increment behind it.
    given_up: Arc<AtomicBool>,
    /// `None` once the end was dealt with.
    end: Option<BaseEnd>,
}

/// Who is told how it ended.
struct BaseEnd {
    shared: Arc<Shared>,
    work: Sender<Work>,
    temp: String,
    format: BaseFormat,
}

impl BaseEnd {
    fn send(&self, work: Work) {
        // The thread lives as long as the process.
        let _ = self.work.send(work);
        self.shared.doorbell.ring();
    }

    fn publish(&self) -> Result<(), String> {
        let (reply, answer): (ReplyTo, _) = sync_channel(1);
        self.send(Work::Publish { temp: self.temp.clone(), format: self.format, reply });
        answer.recv().unwrap_or_else(|_| Err("the thread of the append only file is gone".to_owned()))
    }

    fn give_up(&self) {
        self.send(Work::GiveUp { temp: self.temp.clone() });
        self.shared.note_rewrite(false);
    }
}

impl SnapshotTarget for BaseTarget {
    fn write_chunk(&mut self, chunk: Bytes) -> io::Result<()> {
        if self.given_up.load(Relaxed) {
            return Err(io::Error::other("there is no file for what comes behind the base"));
        }
        (&mut &*self.file).write_all(&chunk)?;
        if let Some(unsynced) = &mut self.unsynced {
            *unsynced += chunk.len() as u64;
            if *unsynced >= SYNC_EVERY_LEN {
                *unsynced = 0;
                self.file.sync()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, saved: Result<SaveStats, SaveError>) {
        let Some(end) = self.end.take() else { return };
        let cancelled = matches!(saved, Err(SaveError::Cancelled)) && !self.given_up.load(Relaxed);
        let published = saved
            .map_err(|error| error.to_string())
            .and_then(|_| self.file.sync().map_err(|error| crate::config::os_text(&error)))
            .and_then(|()| {
                tracing::info!("Background AOF rewrite terminated with success");
                end.publish()
            });
        match published {
            Ok(()) => {
                tracing::info!("Background AOF rewrite finished successfully");
                end.shared.note_rewrite(true);
            }
            Err(_) if cancelled => {
                tracing::warn!("Background AOF rewrite terminated by signal {}", libc::SIGUSR1);
                end.give_up();
            }
            Err(error) => {
                tracing::warn!("Background AOF rewrite terminated with error: {error}");
                end.give_up();
            }
        }
    }
}

impl Drop for BaseTarget {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            // The snapshot did not even start.
            end.give_up();
        }
    }
}
