//! Snapshots to disk: SAVE, BGSAVE, save points, and loading them again.
//!
//! A snapshot never forks. Its cut is made while nothing else runs; then a thread of its own walks the keyspace and writes
//! (see [`redan_keyspace::Snapshot`]). One runs at a time, whatever it is for; [`Persist::start_snapshot`] is what
//! replication uses too.

mod file;
mod load;
mod points;
mod snapshot;

pub use file::{FileError, TempFile};
pub use load::{LoadFailure, LoadFlags, LoadProgress};
pub use snapshot::{Purpose, SnapshotJob, SnapshotRefusal, SnapshotTarget};

use crate::clock;
use crate::config::{Settings, rows};
use crate::host::Server;
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use redan_engine::{CmdResult, Engine, ReplyError, RestorePolicy, SaveRefusal, condition, errors};

use redan_persistence::rdb::{SaveError, SaveProgress, SaveStats};
use redan_replication::Audience;
use snapshot::Pace;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The reply when a file cannot be loaded.
const LOAD_FAILED: ReplyError =
    ReplyError::fixed("ERR Error trying to load the RDB dump, check server logs.");

/// How long a cancelled snapshot may take to end.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(60);

/// A snapshot under way.
struct Running {
    purpose: Purpose,
    progress: Arc<SaveProgress>,
    pace: Arc<Pace>,
    started: Instant,
    /// Keys at the cut.
    keys: u64,
    /// The count of changes at the cut.
    dirty: u64,
}

/// The state that INFO shows and decisions are made on.
struct State {
    running: Option<Running>,
    /// A BGSAVE waits for a snapshot of another kind to end.
    scheduled: bool,
    last_save_s: i64,
    last_try: Option<Instant>,
    last_ok: bool,
    last_took: Option<Duration>,
    /// The count of changes that the last saved snapshot contains.
    saved_dirty: u64,
    saves: u64,
}

/// Keys with the number of their database.
type DbKeys = Vec<(u32, Box<[u8]>)>;

/// See the module's text.
pub struct Persist {
    engine: &'static Engine,
    shared: Arc<Shared>,
    /// How far a load is.
    loading: LoadProgress,
    /// Keys that were left out at the start because their time was over.
    expired_at_start: Mutex<Option<DbKeys>>,
}

/// What the snapshot's thread shares with everybody else.
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

/// What INFO shows of snapshots.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Changes since the last snapshot was saved.
    pub changes: u64,
    /// What the running snapshot is for.
    pub running: Option<Purpose>,
    /// When the last one was saved, Unix seconds.
    pub last_save_s: i64,
    /// Whether the last one in the background succeeded.
    pub last_ok: bool,
    /// How long it took, seconds; -1 if there was none.
    pub last_took_s: i64,
    /// How long the running one has taken, seconds; -1 if there is none.
    pub current_s: i64,
    /// Snapshots saved.
    pub saves: u64,
    /// Keys the running one has saved.
    pub keys_processed: u64,
    /// Keys the running one has to save.
    pub keys_total: u64,
    /// Whether a BGSAVE waits.
    pub scheduled: bool,
}

impl Persist {
    /// Nothing was saved yet.
    pub fn new(engine: &'static Engine) -> Self {
        let state = State {
            running: None,
            scheduled: false,
            last_save_s: clock::unix_s(),
            last_try: None,
            last_ok: true,
            last_took: None,
            saved_dirty: 0,
            saves: 0,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), ended: Condvar::new() });
        Self { engine, shared, loading: LoadProgress::default(), expired_at_start: Mutex::default() }
    }

    fn handle(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// SAVE; the caller runs alone.
    ///
    /// # Errors
    /// When a snapshot is running, or this one cannot be written.
    pub fn save(&self, server: &Server) -> CmdResult {
        if self.shared.state.lock().running.is_some() {
            return Err(errors::SAVE_IN_PROGRESS);
        }
        self.save_now(server).map_err(|_| ReplyError::fixed("ERR"))
    }

    /// Writes a snapshot on the calling thread, which runs alone. Failures are logged.
    pub(crate) fn save_now(&self, server: &Server) -> Result<(), ()> {
        let settings = server.config().load();
        let dirty = self.engine.dirty();
        let saved = self.write_now(server, &settings);
        let mut state = self.shared.state.lock();
        match saved {
            Ok(()) => {
                tracing::info!("DB saved on disk");
                state.on_saved(dirty);
                state.last_ok = true;
            }
            Err(ref error) => tracing::warn!("{error}"),
        }
        drop(state);
        self.refresh_condition(server);
        saved.map_err(drop)
    }

    fn write_now(&self, server: &Server, settings: &Settings) -> Result<(), String> {
        let mut target =
            DiskTarget { file: self.create_file(settings).map_err(|error| error.to_string())?, end: None };
        let cut = self
            .cut(settings, server.replication().snapshot_info(), Purpose::Disk)
            .map_err(|error| error.to_string())?;
        snapshot::write(cut, &mut target, settings, None, (&SaveProgress::default(), &Pace::new(0)))
            .map_err(|error| error.to_string())?;
        target.file.complete().map_err(|error| error.to_string())
    }

    fn create_file(&self, settings: &Settings) -> Result<TempFile, FileError> {
        let temp_name = format!("temp-{}.rdb", std::process::id());
        TempFile::create(&rdb_path(settings), &temp_name, settings.get(rows::RDB_SAVE_INCREMENTAL_FSYNC))
    }

    /// BGSAVE; the caller runs alone. `Ok(false)`: it starts when what runs now has ended.
    ///
    /// # Errors
    /// Why not.
    pub fn bgsave(&self, server: &Server, schedule: bool) -> Result<bool, SaveRefusal> {
        let mut state = self.shared.state.lock();
        match &state.running {
            Some(running) if running.purpose != Purpose::AofBase => return Err(SaveRefusal::InProgress),
            Some(_) if schedule => {
                state.scheduled = true;
                return Ok(false);
            }
            Some(_) => return Err(SaveRefusal::OtherInProgress),
            None => {}
        }
        state.last_try = Some(Instant::now());
        state.scheduled = false;
        drop(state);
        let settings = server.config().load();
        let started = self.create_file(&settings).map_err(|error| error.to_string()).and_then(|file| {
            let end =
                Some(DiskEnd { shared: self.handle(), engine: self.engine, dirty: self.engine.dirty() });
            let job = SnapshotJob {
                purpose: Purpose::Disk,
                replication: server.replication().snapshot_info(),
                as_commands: false,
                target: Box::new(DiskTarget { file, end }),
            };
            self.start_snapshot(server, job).map_err(|error| error.to_string())
        });
        match started {
            Ok(_) => {
                tracing::info!("Background saving started by pid {}", std::process::id());
                Ok(true)
            }
            Err(error) => {
                tracing::warn!("Can't save in background: {error}");
                self.shared.state.lock().last_ok = false;
                self.refresh_condition(server);
                Err(SaveRefusal::Failed)
            }
        }
    }

    /// Gives a running snapshot up and waits until it is over. True if there was one.
    pub fn cancel(&self) -> bool {
        let mut state = self.shared.state.lock();
        let Some(running) = &state.running else { return false };
        running.progress.cancel();
        running.pace.cancel();
        let deadline = Instant::now() + CANCEL_TIMEOUT;
        while state.running.is_some() {
            if self.shared.ended.wait_until(&mut state, deadline).timed_out() {
                tracing::warn!("A cancelled snapshot does not end");
                break;
            }
        }
        true
    }

    /// Tells the log of keys that a load at the start has left out: replicas that resume still have them. To be called
    /// when the log is where the file was written.
    pub(crate) fn log_expired_at_start(&self) {
        let log = self.engine.log();
        for (db, key) in self.expired_at_start.lock().take().into_iter().flatten() {
            if log.is_active() {
                log.append_command(db, Audience::All, [b"DEL".as_slice(), &key].into_iter());
            }
        }
    }

    /// `rdb-key-save-delay` was changed: it counts for a running snapshot too.
    pub(crate) fn set_delay(&self, delay_us: i64) {
        if let Some(running) = &self.shared.state.lock().running {
            running.pace.set_delay(delay_us);
        }
    }

    /// The running snapshot, made for replicas, is complete in the configured file: it counts as saved.
    pub(crate) fn on_sync_saved(&self) {
        let mut state = self.shared.state.lock();
        if let Some(dirty) = state.running.as_ref().map(|running| running.dirty) {
            state.on_saved(dirty);
            state.last_ok = true;
            self.engine.conditions().put(condition::SAVE_ERROR, false);
        }
    }

    /// What the running snapshot is for, if there is one.
    pub fn running(&self) -> Option<Purpose> {
        self.shared.state.lock().running.as_ref().map(|running| running.purpose)
    }

    /// What is in the keyspace now counts as saved: it was loaded from a file.
    pub(crate) fn note_loaded(&self) {
        self.shared.state.lock().saved_dirty = self.engine.dirty();
    }

    /// The dataset was emptied by a client: what is being saved is worth nothing, and what is on disk neither. The caller
    /// runs alone.
    pub fn on_flushed(&self, server: &Server) {
        let saves_to_disk = |running: &Running| running.purpose == Purpose::Disk;
        if self.shared.state.lock().running.as_ref().is_some_and(saves_to_disk) {
            self.cancel();
        }
        let has_points = !server.config().peek().get(rows::SAVE).is_empty();
        if has_points && self.shared.state.lock().running.is_none() {
            // Failures are in the log, and the file on disk is the old one.
            let _ = self.save_now(server);
        }
    }

    /// DEBUG RELOAD; the caller runs alone.
    ///
    /// # Errors
    /// When the file cannot be saved or loaded.
    pub fn reload(&self, server: &Server, save: bool, flush: bool, merge: bool) -> CmdResult {
        if save {
            self.cancel();
            self.save_now(server)
                .map_err(|()| ReplyError::fixed("ERR Error saving the DB, check server logs."))?;
        }
        if flush {
            drop(self.engine.keyspace().flush_all());
        }
        let path = rdb_path(&server.config().load());
        let flags = LoadFlags { keep_expired: server.replication().is_replica(), merge };
        match self.load_file(server, &path, flags) {
            Ok(report) => {
                let policy = match (flush, merge) {
                    (true, _) => RestorePolicy::Flush,
                    (false, true) => RestorePolicy::Replace,
                    (false, false) => RestorePolicy::Append,
                };
                if let Err(error) = self.engine.scripts().restore(&report.functions, policy) {
                    tracing::warn!("Failed to load the functions: {}", error.text());
                    return Err(LOAD_FAILED);
                }
                tracing::warn!("DB reloaded by DEBUG RELOAD");
                Ok(())
            }
            Err(error) => {
                tracing::warn!("{error}");
                Err(LOAD_FAILED)
            }
        }
    }

    /// When the last snapshot was saved, Unix seconds.
    pub fn last_save_s(&self) -> i64 {
        self.shared.state.lock().last_save_s
    }

    /// How far a load is.
    pub fn loading(&self) -> &LoadProgress {
        &self.loading
    }

    /// What INFO shows.
    pub fn figures(&self) -> Figures {
        let state = self.shared.state.lock();
        let running = state.running.as_ref();
        Figures {
            changes: self.engine.dirty().saturating_sub(state.saved_dirty),
            running: running.map(|running| running.purpose),
            last_save_s: state.last_save_s,
            last_ok: state.last_ok,
            last_took_s: state.last_took.map_or(-1, |took| took.as_secs() as i64),
            current_s: running.map_or(-1, |running| running.started.elapsed().as_secs() as i64),
            saves: state.saves,
            keys_processed: running.map_or(0, |running| running.progress.keys()),
            keys_total: running.map_or(0, |running| running.keys),
            scheduled: state.scheduled,
        }
    }

    /// Writes are refused while snapshots are wanted and fail.
    pub fn refresh_condition(&self, server: &Server) {
        let settings = server.config().peek();
        let stops = settings.get(rows::STOP_WRITES_ON_BGSAVE_ERROR) && !settings.get(rows::SAVE).is_empty();
        let failed = stops && !self.shared.state.lock().last_ok;
        self.engine.conditions().put(condition::SAVE_ERROR, failed);
    }
}

impl State {
    fn on_saved(&mut self, dirty: u64) {
        self.saved_dirty = dirty;
        self.last_save_s = clock::unix_s();
        self.saves += 1;
    }
}

impl Shared {
    fn on_snapshot_over(&self) {
        let mut state = self.state.lock();
        state.running = None;
        drop(state);
        self.ended.notify_all();
    }
}

/// Where the configured file is.
pub(crate) fn rdb_path(settings: &Settings) -> PathBuf {
    Path::new(settings.get(rows::DIR)).join(settings.get(rows::DBFILENAME))
}

/// The file of SAVE and BGSAVE.
struct DiskTarget {
    file: TempFile,
    end: Option<DiskEnd>,
}

/// Who is told how a BGSAVE ended.
struct DiskEnd {
    shared: Arc<Shared>,
    engine: &'static Engine,
    /// The count of changes at the cut.
    dirty: u64,
}

impl SnapshotTarget for DiskTarget {
    fn write_chunk(&mut self, chunk: Bytes) -> io::Result<()> {
        self.file.write_chunk(&chunk)
    }

    fn finish(self: Box<Self>, saved: Result<SaveStats, SaveError>) {
        let Self { file, end } = *self;
        let cancelled = matches!(saved, Err(SaveError::Cancelled));
        let result = saved
            .map_err(|error| error.to_string())
            .and_then(|_| file.complete().map_err(|error| error.to_string()));
        let Some(end) = end else { return };
        let mut state = end.shared.state.lock();
        state.last_took = state.running.as_ref().map(|running| running.started.elapsed());
        match result {
            Ok(()) => {
                tracing::info!("DB saved on disk");
                tracing::info!("Background saving terminated with success");
                state.on_saved(end.dirty);
                state.last_ok = true;
                end.engine.conditions().put(condition::SAVE_ERROR, false);
            }
            // Whoever cancelled it knows why: it is no sign of a bad disk.
            Err(_) if cancelled => tracing::warn!("Background saving terminated by signal {}", libc::SIGUSR1),
            Err(error) => {
                tracing::warn!("{error}");
                tracing::warn!("Background saving error");
                state.last_ok = false;
            }
        }
    }
}
