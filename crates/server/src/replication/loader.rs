//! Loading the payload of a full synchronisation, on a thread of its own.

use super::link::Event;
use super::payload::PipeReader;
use crate::config::rows;
use crate::host::Server;
use crate::persist::LoadFlags;
use redan_engine::{Host, RestorePolicy, condition};
use redan_keyspace::Keyspace;
use redan_persistence::rdb::LoadReport;
use redan_replication::replica::io::{Input, LinkId, LoadMode};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::sync::mpsc::UnboundedSender;

/// How loading ended.
#[derive(Debug)]
pub(super) enum LoadOutcome {
    /// The data is there, and the machine knows.
    Done,
    /// There is no data.
    Failed(String),
    /// The master has none, and ours was kept.
    Refused,
}

/// What is to be loaded, and who is told.
#[derive(Clone)]
pub(super) struct Loader {
    pub(super) server: Arc<Server>,
    pub(super) link: LinkId,
    /// Length of the payload, if the master said.
    pub(super) size: Option<u64>,
    pub(super) load: LoadMode,
    /// The payload is a later state of the data we have.
    pub(super) same_history: bool,
    /// Keep our data if the payload has none (`replica-refuse-empty-master`).
    pub(super) refuse_if_empty: bool,
    pub(super) report: UnboundedSender<Event>,
}

impl Loader {
    /// Loads from the socket while the payload arrives.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub(super) fn load_from_pipe(self, mut source: PipeReader, cancelled: Arc<AtomicBool>) -> io::Result<()> {
        let run = move || {
            crate::memory::join_thread();
            let outcome = self.load(|loader, keyspace| {
                let cancellable = Cancellable { source: &mut source, cancelled: &cancelled };
                let report = loader.read(keyspace, cancellable, loader.size)?;
                source.drain().map_err(|error| error.to_string())?;
                Ok(report)
            });
            self.tell(outcome);
        };
        std::thread::Builder::new().name("sync-load".to_owned()).spawn(run).map(drop)
    }

    /// Loads a file.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub(super) fn load_file(self, path: PathBuf) -> io::Result<()> {
        let run = move || {
            crate::memory::join_thread();
            let outcome = self.load(|loader, keyspace| {
                let file = File::open(&path).map_err(|error| crate::config::os_text(&error))?;
                let len = file.metadata().map(|metadata| metadata.len()).ok();
                loader.read(keyspace, BufReader::with_capacity(1 << 20, file), len)
            });
            let settings = self.server.config().load();
            if settings.get(rows::RDB_DEL_SYNC_FILES) && settings.get(rows::SAVE).is_empty() {
                tracing::info!(
                    "Removing the RDB file obtained from the master. This replica has persistence disabled"
                );
                // What cannot be removed is overwritten next time.
                let _ = std::fs::remove_file(&path);
            }
            self.tell(outcome);
        };
        std::thread::Builder::new().name("sync-load".to_owned()).spawn(run).map(drop)
    }

    fn tell(&self, outcome: LoadOutcome) {
        // The link's thread lives as long as the process.
        let _ = self.report.send(Event::Loaded(self.link, outcome));
    }

    fn load(&self, fill: impl FnOnce(&Self, &Keyspace) -> Result<LoadReport, String>) -> LoadOutcome {
        // One whose connection broke may still be on its way out.
        let _turn = self.server.replication().loading.lock();
        if self.load == LoadMode::SwapDb { self.replace_at_once(fill) } else { self.empty_and_fill(fill) }
    }

    /// Empties the dataset and fills it again. Nobody is let at it in between.
    fn empty_and_fill(
        &self,
        fill: impl FnOnce(&Self, &Keyspace) -> Result<LoadReport, String>,
    ) -> LoadOutcome {
        if self.load == LoadMode::Disk {
            tracing::info!("MASTER <-> REPLICA sync: Flushing old data");
        }
        let engine = self.server.engine();
        let alone = engine.gate().enter_alone();
        engine.conditions().put(condition::LOADING, true);
        let old = engine.keyspace().flush_all();
        drop(alone);
        self.free(old);
        let filled = fill(self, engine.keyspace());
        let alone = engine.gate().enter_alone();
        let outcome = match filled {
            Ok(report) if !self.is_closed() => {
                self.adopt(&report);
                LoadOutcome::Done
            }
            other => {
                self.free(engine.keyspace().flush_all());
                LoadOutcome::Failed(other.err().unwrap_or_default())
            }
        };
        engine.conditions().put(condition::LOADING, false);
        self.begin_aof(&outcome);
        drop(alone);
        outcome
    }

    /// Fills another keyspace, which takes the place of the old one when it is complete. Clients may read the old data
    /// meanwhile if it is an earlier state of the new.
    fn replace_at_once(
        &self,
        fill: impl FnOnce(&Self, &Keyspace) -> Result<LoadReport, String>,
    ) -> LoadOutcome {
        let engine = self.server.engine();
        let loading = if self.same_history { condition::ASYNC_LOADING } else { condition::LOADING };
        let alone = engine.gate().enter_alone();
        engine.conditions().put(loading, true);
        drop(alone);
        let aside = engine.keyspace().aside();
        let filled = fill(self, &aside);
        let alone = engine.gate().enter_alone();
        let outcome = match filled {
            Ok(report) if self.must_refuse(&report) => {
                self.free(aside);
                LoadOutcome::Refused
            }
            Ok(report) if !self.is_closed() => {
                tracing::info!("MASTER <-> REPLICA sync: Swapping active DB with loaded DB");
                let old = engine.keyspace().take_over(aside);
                self.adopt(&report);
                tracing::info!("MASTER <-> REPLICA sync: Discarding old DB in background");
                free_later(&self.server, old);
                LoadOutcome::Done
            }
            other => {
                tracing::info!("MASTER <-> REPLICA sync: Discarding temporary DB in background");
                free_later(&self.server, aside);
                LoadOutcome::Failed(other.err().unwrap_or_default())
            }
        };
        engine.conditions().put(loading, false);
        self.begin_aof(&outcome);
        drop(alone);
        outcome
    }

    /// Whether a master came back empty to a replica that has data and shall keep it.
    fn must_refuse(&self, report: &LoadReport) -> bool {
        self.refuse_if_empty && report.keys_loaded == 0 && !self.server.engine().keyspace().is_empty()
    }

    /// Tells the machine that the payload is the dataset now; the caller runs alone.
    fn adopt(&self, report: &LoadReport) {
        self.server.aof().on_dataset_replaced(&self.server);
        let stream_db = report.repl_stream_db.and_then(|db| u32::try_from(db).ok()).unwrap_or(0);
        let functions = self.server.engine().scripts().restore(&report.functions, RestorePolicy::Flush);
        if let Err(error) = functions {
            tracing::warn!("The master's functions cannot be loaded: {}", error.text());
        }
        let input = Input::PayloadLoaded { link: self.link, stream_db };
        self.server.replication().act(true, |machines, now| machines.link.handle(now, input));
    }

    /// What was loaded needs an append-only file of its own; the caller runs alone.
    fn begin_aof(&self, outcome: &LoadOutcome) {
        if matches!(outcome, LoadOutcome::Done) {
            self.server.aof().on_dataset_loaded(&self.server);
        }
    }

    /// Whether the machine has given the connection up meanwhile.
    fn is_closed(&self) -> bool {
        self.server.replication().closed_through.load(Relaxed) >= self.link.0
    }

    fn read(&self, keyspace: &Keyspace, source: impl Read, len: Option<u64>) -> Result<LoadReport, String> {
        let flags = LoadFlags { keep_expired: true, merge: false };
        let persist = self.server.persist();
        persist.load_into(&self.server, keyspace, source, len, flags).map_err(|error| error.to_string())
    }

    fn free(&self, old: impl Send + 'static) {
        if self.server.config().peek().get(rows::REPLICA_LAZY_FLUSH) {
            free_later(&self.server, old);
        }
    }
}

fn free_later(server: &Server, garbage: impl Send + 'static) {
    Host::free_later(server, Box::new(garbage));
}

/// A source that ends with an error once it is cancelled.
struct Cancellable<'a> {
    source: &'a mut PipeReader,
    cancelled: &'a AtomicBool,
}

impl Read for Cancellable<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.cancelled.load(Relaxed) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.source.read(buf)
    }
}
