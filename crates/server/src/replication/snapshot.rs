//! The snapshots that full synchronisations need: streamed into the sockets of replicas, or written to a file first.

use super::Replication;
use super::serve::{PayloadFile, PipeEnd};
use crate::config::rows;
use crate::host::Server;
use crate::persist::{Purpose, SnapshotJob, SnapshotRefusal, SnapshotTarget, TempFile, rdb_path};
use bytes::Bytes;
use redan_engine::REDIS_VERSION;
use redan_persistence::rdb::{RdbHeader, RdbWriter, SaveError, SaveStats};
use redan_replication::primary::io::{Input, SnapshotContent, SnapshotId};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How often to look whether another snapshot has ended.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
/// A checksum that says that there is none.
const NO_CHECKSUM: [u8; 8] = [0; 8];

/// Where a diskless snapshot goes.
pub(super) type Receivers = Vec<PipeEnd>;

impl Replication {
    /// Makes a snapshot for replicas as soon as no other one runs.
    pub(super) fn start_snapshot(&self, snapshot: SnapshotId, diskless: bool, content: SnapshotContent) {
        let server = Arc::clone(self.server());
        let run = move || begin(&server, snapshot, diskless, content);
        if let Err(error) = std::thread::Builder::new().name("sync".to_owned()).spawn(run) {
            self.fail_snapshot(snapshot, error.to_string());
        }
    }

    fn fail_snapshot(&self, snapshot: SnapshotId, error: String) {
        self.act(false, |machines, now| {
            machines.primary.handle(now, Input::SnapshotFailed { snapshot, error });
        });
    }

    /// Tells the machine of the cut; the caller runs alone. Returns who gets a diskless snapshot.
    fn announce_cut(&self, snapshot: SnapshotId) -> Receivers {
        let mut eof_mark = [0; 40];
        eof_mark.copy_from_slice(super::random_id().as_bytes());
        let offset = self.log.end_offset();
        self.act(true, |machines, now| {
            machines.primary.handle(now, Input::SnapshotCut { snapshot, offset, eof_mark });
        });
        std::mem::take(&mut self.machines.lock().receivers)
    }
}

fn begin(server: &Arc<Server>, snapshot: SnapshotId, diskless: bool, content: SnapshotContent) {
    let replication = server.replication();
    if content.without_data {
        let alone = replication.engine.gate().enter_alone();
        let receivers = replication.announce_cut(snapshot);
        drop(alone);
        return send_empty(server, snapshot, receivers);
    }
    loop {
        let (give, receivers) = channel();
        let target: Box<dyn SnapshotTarget> = if diskless {
            Box::new(Sockets { server: Arc::clone(server), snapshot, come: receivers, receivers: None })
        } else {
            match create_file(server) {
                Ok(file) => Box::new(Disk { server: Arc::clone(server), snapshot, file }),
                Err(error) => return replication.fail_snapshot(snapshot, error),
            }
        };
        let alone = replication.engine.gate().enter_alone();
        let job = SnapshotJob {
            purpose: Purpose::Replicas,
            replication: replication.snapshot_info(),
            as_commands: false,
            target,
        };
        match server.persist().start_snapshot(server, job) {
            Ok(progress) => {
                replication.machines.lock().snapshot = Some((snapshot, progress));
                // The thread of the snapshot waits for them.
                let _ = give.send(replication.announce_cut(snapshot));
                if diskless {
                    tracing::info!("Background RDB transfer started by pid {}", std::process::id());
                } else {
                    tracing::info!("Background saving started by pid {}", std::process::id());
                }
                drop(alone);
                return;
            }
            Err(SnapshotRefusal::Running(_)) => {
                drop(alone);
                std::thread::sleep(BUSY_PAUSE);
            }
            Err(error) => {
                drop(alone);
                return replication.fail_snapshot(snapshot, error.to_string());
            }
        }
    }
}

/// An RDB file without a key.
fn send_empty(server: &Arc<Server>, snapshot: SnapshotId, receivers: Receivers) {
    let mut writer = RdbWriter::new(false);
    let header = RdbHeader { redis_version: REDIS_VERSION.to_owned(), ..RdbHeader::default() };
    writer.put_header(&header, &[]);
    writer.put_end();
    let mut file = writer.take(0).to_vec();
    file.extend_from_slice(&NO_CHECKSUM);
    let file = Bytes::from(file);
    for pipe in receivers {
        // One that is gone is known to be gone.
        let _ = pipe.send(file.clone());
        pipe.end();
    }
    server.replication().act(false, |machines, now| {
        machines.primary.handle(now, Input::SnapshotStreamed(snapshot));
    });
}

/// The sockets of replicas.
struct Sockets {
    server: Arc<Server>,
    snapshot: SnapshotId,
    /// Where the receivers come from, once the machine knows them.
    come: Receiver<Receivers>,
    receivers: Option<Receivers>,
}

impl SnapshotTarget for Sockets {
    fn write_chunk(&mut self, chunk: Bytes) -> io::Result<()> {
        let receivers = self.receivers.get_or_insert_with(|| self.come.recv().unwrap_or_default());
        receivers.retain(|pipe| pipe.send(chunk.clone()).is_ok());
        if receivers.is_empty() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }

    fn finish(self: Box<Self>, saved: Result<SaveStats, SaveError>) {
        let replication = self.server.replication();
        replication.machines.lock().snapshot = None;
        match saved {
            Ok(_) => {
                self.receivers.into_iter().flatten().for_each(PipeEnd::end);
                replication.act(false, |machines, now| {
                    machines.primary.handle(now, Input::SnapshotStreamed(self.snapshot));
                });
                tracing::info!("Background RDB transfer terminated with success");
            }
            Err(SaveError::Cancelled) => {
                tracing::warn!("Background transfer terminated by signal {}", libc::SIGUSR1)
            }
            Err(error) => {
                drop(self.receivers);
                tracing::warn!("Background transfer error");
                replication.fail_snapshot(self.snapshot, error.to_string());
            }
        }
    }
}

fn create_file(server: &Server) -> Result<TempFile, String> {
    let settings = server.config().load();
    let temp_name = format!("temp-{}-sync.rdb", std::process::id());
    TempFile::create(&rdb_path(&settings), &temp_name, settings.get(rows::RDB_SAVE_INCREMENTAL_FSYNC))
        .map_err(|error| error.to_string())
}

/// The configured file: what replicas are sent is a snapshot like any other.
struct Disk {
    server: Arc<Server>,
    snapshot: SnapshotId,
    file: TempFile,
}

impl SnapshotTarget for Disk {
    fn write_chunk(&mut self, chunk: Bytes) -> io::Result<()> {
        self.file.write_chunk(&chunk)
    }

    fn finish(self: Box<Self>, saved: Result<SaveStats, SaveError>) {
        let Self { server, snapshot, file } = *self;
        let replication = server.replication();
        replication.machines.lock().snapshot = None;
        let settings = server.config().load();
        let path = rdb_path(&settings);
        let opened = saved
            .map_err(|error| error.to_string())
            .and_then(|stats| file.complete().map(|()| stats.bytes).map_err(|error| error.to_string()))
            .and_then(|bytes| File::open(&path).map(|file| (file, bytes)).map_err(|error| error.to_string()));
        match opened {
            Ok((file, bytes)) => {
                tracing::info!("Background saving terminated with success");
                server.persist().on_sync_saved();
                if settings.get(rows::RDB_DEL_SYNC_FILES) && settings.get(rows::SAVE).is_empty() {
                    tracing::info!(
                        "Removing the RDB file {} used to feed replicas in a persistence-less instance",
                        path.display()
                    );
                    // It is still read by those who have it open.
                    let _ = std::fs::remove_file(&path);
                }
                replication.act(false, |machines, now| {
                    machines.file = Some((snapshot, Arc::new(PayloadFile { file, bytes })));
                    machines.primary.handle(now, Input::SnapshotReady { snapshot, bytes });
                });
                replication.machines.lock().file = None;
            }
            Err(error) => {
                tracing::warn!("Background saving error");
                replication.fail_snapshot(snapshot, error);
            }
        }
    }
}
