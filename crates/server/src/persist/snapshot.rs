//! Running a snapshot: the cut, and the thread that walks and writes.

use super::{Persist, Running};
use crate::config::{Settings, rows};
use crate::host::Server;
use crate::{cli, clock, memory};
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use redan_engine::condition;
use redan_keyspace::Snapshot;
use redan_persistence::aof::{Annotation, AofBaseWriter};
use redan_persistence::rdb::{
    AccessField, RdbHeader, RdbOutput, RdbSink, ReplicationInfo, SaveError, SaveOptions, SaveProgress,
    SaveStats, SinkOptions, save_commands, save_snapshot,
};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Keys walked between two looks at the output.
const KEYS_PER_STEP: usize = 4096;
/// With `rdb-key-save-delay`, steps are made to take about so long.
const DELAYED_STEP_US: u64 = 10_000;

/// What a snapshot is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The file of SAVE, BGSAVE and the save points.
    Disk,
    /// Full synchronisation of replicas.
    Replicas,
    /// The base of a new append-only file.
    AofBase,
}

/// Where a snapshot goes. All is called on the snapshot's own thread.
pub trait SnapshotTarget: Send {
    /// Takes the next chunk of the RDB file; may wait. An error gives the snapshot up.
    ///
    /// # Errors
    /// When it can take no more.
    fn write_chunk(&mut self, chunk: Bytes) -> io::Result<()>;

    /// The snapshot is over.
    fn finish(self: Box<Self>, saved: Result<SaveStats, SaveError>);
}

/// A snapshot to be taken.
pub struct SnapshotJob {
    /// What it is for.
    pub purpose: Purpose,
    /// Where replication stands, if that is to be in the file.
    pub replication: Option<ReplicationInfo>,
    /// Written as commands instead of an RDB file.
    pub as_commands: bool,
    /// Where it goes.
    pub target: Box<dyn SnapshotTarget>,
}

/// Why a snapshot was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotRefusal {
    /// Another one is running.
    #[error("a snapshot is already in progress")]
    Running(Purpose),
    /// What is there is only a part of a dataset.
    #[error("the dataset is being loaded")]
    Loading,
    /// The system has no thread for it.
    #[error("no thread for the snapshot: {0}")]
    NoThread(io::Error),
}

/// A cut that was made, ready to be written.
pub(super) struct Cut {
    pub(super) snapshot: Snapshot<'static>,
    pub(super) sink: Arc<RdbSink>,
    pub(super) header: RdbHeader,
    pub(super) keys: u64,
}

/// Lets a walk go slowly, and be cancelled or hurried while it does.
pub(super) struct Pace {
    state: Mutex<PaceState>,
    changed: Condvar,
}

struct PaceState {
    cancelled: bool,
    /// `rdb-key-save-delay`.
    delay_us: i64,
}

impl Pace {
    pub(super) fn new(delay_us: i64) -> Self {
        Self { state: Mutex::new(PaceState { cancelled: false, delay_us }), changed: Condvar::new() }
    }

    pub(super) fn cancel(&self) {
        self.state.lock().cancelled = true;
        self.changed.notify_all();
    }

    pub(super) fn set_delay(&self, delay_us: i64) {
        self.state.lock().delay_us = delay_us;
        self.changed.notify_all();
    }

    /// Waits as long as `keys` keys are to take.
    fn sleep(&self, keys: u64) {
        let started = Instant::now();
        let mut state = self.state.lock();
        while state.delay_us != 0 && !state.cancelled {
            let deadline = started + delay_of(state.delay_us, keys);
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
    }
}

/// Adapts a target to what the codec writes to.
struct Output<'a>(&'a mut dyn SnapshotTarget);

impl RdbOutput for Output<'_> {
    fn write_chunk(&mut self, chunk: Bytes) -> io::Result<()> {
        self.0.write_chunk(chunk)
    }
}

impl Persist {
    /// Takes a snapshot in the background. The caller runs alone, so that the cut is where it stands. The result tells
    /// how far it is, and cancels it.
    ///
    /// # Errors
    /// When another one is running, or the system is out of threads. The target is dropped then.
    pub fn start_snapshot(
        &self,
        server: &Server,
        job: SnapshotJob,
    ) -> Result<Arc<SaveProgress>, SnapshotRefusal> {
        if self.engine.conditions().any(condition::LOADING) {
            return Err(SnapshotRefusal::Loading);
        }
        let mut state = self.shared.state.lock();
        if let Some(running) = &state.running {
            return Err(SnapshotRefusal::Running(running.purpose));
        }
        let settings = server.config().load();
        let end = end_of_commands(job.replication.as_ref());
        let cut = self
            .cut(&settings, job.replication, job.purpose)
            .map_err(|_| SnapshotRefusal::Running(Purpose::Disk))?;
        let progress = Arc::new(SaveProgress::default());
        let pace = Arc::new(Pace::new(settings.get(rows::RDB_KEY_SAVE_DELAY)));
        state.running = Some(Running {
            purpose: job.purpose,
            progress: Arc::clone(&progress),
            pace: Arc::clone(&pace),
            started: Instant::now(),
            keys: cut.keys,
            dirty: self.engine.dirty(),
        });
        let config = server.config().load();
        let (shared, persist) = (Arc::clone(&progress), self.handle());
        let mut target = job.target;
        let end = job.as_commands.then_some(end);
        let run = move || {
            memory::join_thread();
            let saved = write(cut, &mut *target, &config, end, (&shared, &pace));
            // The end is announced when the target is done, so that whoever waits for it finds the file.
            target.finish(saved);
            persist.on_snapshot_over();
            memory::publish();
        };
        match std::thread::Builder::new().name("snapshot".to_owned()).spawn(run) {
            Ok(_) => Ok(progress),
            Err(error) => {
                state.running = None;
                Err(SnapshotRefusal::NoThread(error))
            }
        }
    }

    /// Makes the cut; the caller runs alone.
    pub(super) fn cut(
        &self,
        settings: &Settings,
        replication: Option<ReplicationInfo>,
        purpose: Purpose,
    ) -> Result<Cut, redan_keyspace::SnapshotRunning> {
        let policy = crate::host::policy(settings);
        let access = match settings.get(rows::MAXMEMORY_POLICY).as_str() {
            _ if policy.is_lfu() => AccessField::Freq,
            name if name.ends_with("-lru") => AccessField::Idle,
            _ => AccessField::None,
        };
        let sink = Arc::new(RdbSink::new(SinkOptions {
            access,
            now_ms: clock::unix_ms(),
            ..SinkOptions::default()
        }));
        let snapshot = self.engine.keyspace().begin_snapshot(Arc::clone(&sink) as Arc<_>)?;
        let header = RdbHeader {
            redis_version: cli::REDIS_VERSION.to_owned(),
            ctime_s: clock::unix_s(),
            used_memory: memory::used(),
            replication,
            aof_base: purpose == Purpose::AofBase,
            functions: self.engine.scripts().libraries().into_iter().map(|library| library.code).collect(),
        };
        let keys = snapshot.sizes().iter().map(|size| size.keys).sum();
        Ok(Cut { snapshot, sink, header, keys })
    }
}

/// Writes a whole snapshot.
pub(super) fn write(
    cut: Cut,
    target: &mut dyn SnapshotTarget,
    settings: &Settings,
    as_commands: Option<Vec<u8>>,
    (progress, pace): (&SaveProgress, &Pace),
) -> Result<SaveStats, SaveError> {
    let delay_us = settings.get(rows::RDB_KEY_SAVE_DELAY);
    let keys_per_step = match u64::try_from(delay_us) {
        Ok(delay_us @ 1..) => (DELAYED_STEP_US / delay_us).clamp(1, KEYS_PER_STEP as u64) as usize,
        _ => KEYS_PER_STEP,
    };
    let mut after_step = |keys: u64| pace.sleep(keys);
    let options = SaveOptions {
        compression: settings.get(rows::RDBCOMPRESSION),
        checksum: settings.get(rows::RDBCHECKSUM),
        keys_per_step,
        after_step: &mut after_step,
    };
    let mut output = Output(target);
    let Some(end) = as_commands else {
        return save_snapshot(cut.snapshot, &cut.sink, &cut.header, &mut output, options, progress);
    };
    let mut writer = AofBaseWriter::new();
    if settings.get(rows::AOF_TIMESTAMP_ENABLED) {
        let mut line = Vec::new();
        Annotation::Timestamp(clock::unix_s()).write(&mut line);
        writer.put_raw(&line);
    }
    cut.header.functions.iter().for_each(|code| writer.put_function(code));
    save_commands(cut.snapshot, &cut.sink, (writer, &end), &mut output, options, progress)
}

/// What a dataset as commands ends with: where replication stood.
fn end_of_commands(replication: Option<&ReplicationInfo>) -> Vec<u8> {
    let mut end = Vec::new();
    if let Some(info) = replication
        && let (Ok(db), Ok(offset)) = (u32::try_from(info.stream_db), u64::try_from(info.offset))
    {
        let mut digits = itoa::Buffer::new();
        let select = [b"SELECT".as_slice(), digits.format(db).as_bytes()];
        redan_resp::encode_command(&mut end, select.into_iter());
        Annotation::Replication { id: info.id.clone(), offset }.write(&mut end);
    }
    end
}

/// How long `keys` keys take longer: microseconds a key, or for a negative delay keys a microsecond.
pub(super) fn delay_of(delay_us: i64, keys: u64) -> Duration {
    match u64::try_from(delay_us) {
        Ok(delay_us) => Duration::from_micros(delay_us.saturating_mul(keys)),
        Err(_) => Duration::from_micros(keys / delay_us.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_delays_are_keys_per_microsecond() {
        assert_eq!(delay_of(100, 3), Duration::from_micros(300));
        assert_eq!(delay_of(-10, 35), Duration::from_micros(3));
        assert_eq!(delay_of(0, 35), Duration::ZERO);
    }

    #[test]
    fn a_walk_that_is_hurried_wakes_up() {
        let pace = Pace::new(60_000_000);
        let started = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| pace.sleep(1));
            pace.set_delay(0);
        });
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_cancelled_walk_does_not_sleep_on() {
        let pace = Pace::new(60_000_000);
        pace.cancel();
        let started = Instant::now();
        pace.sleep(1);
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
