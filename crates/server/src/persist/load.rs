//! Loading the snapshot's file.

use super::Persist;
use super::snapshot::delay_of;
use crate::clock;
use crate::config::{Settings, rows};
use crate::host::Server;
use redan_engine::{RestorePolicy, condition};
use redan_keyspace::Keyspace;
use redan_persistence::rdb::{
    LoadEvent, LoadOptions, LoadReport, RdbError, RdbErrorKind, RdbReader, ReaderOptions, load,
};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// Why a file was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadFailure {
    /// It cannot be opened.
    #[error("Fatal error: can't open the RDB file {path} for reading: {}", crate::config::os_text(.error))]
    Open {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// It is damaged.
    #[error("Internal error in RDB reading: {0}")]
    Damaged(#[from] RdbError),
}

impl LoadFailure {
    /// Logs why a server that cannot do without the file ends.
    pub(crate) fn log(&self) {
        tracing::warn!("{self}");
        if let Self::Damaged(error) = self {
            if matches!(error.kind, RdbErrorKind::WrongChecksum { .. }) {
                tracing::warn!("RDB CRC error");
            }
            tracing::warn!("Terminating server after rdb file reading failure.");
        }
    }
}

/// How far a load is; shown by INFO.
#[derive(Debug, Default)]
pub struct LoadProgress {
    pub(crate) started_s: AtomicI64,
    pub(crate) total_bytes: AtomicU64,
    pub(crate) loaded_bytes: AtomicU64,
    pub(crate) rdb_used_memory: AtomicU64,
    pub(crate) last_keys_loaded: AtomicU64,
    pub(crate) last_keys_expired: AtomicU64,
}

/// How to load.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadFlags {
    /// Keep keys that have expired: a replica leaves that to its master.
    pub keep_expired: bool,
    /// Keys that are there already are replaced.
    pub merge: bool,
}

impl Persist {
    /// Loads the configured file, if there is one, and lets clients in. To be called on a thread of its own at the
    /// start, while the condition `LOADING` is set.
    ///
    /// # Errors
    /// When there is a file that cannot be loaded.
    pub fn load_at_start(&self, server: &Server) -> Result<Option<LoadReport>, LoadFailure> {
        let settings = server.config().load();
        let path = super::rdb_path(&settings);
        let started = std::time::Instant::now();
        let flags = LoadFlags { keep_expired: server.replication().is_replica(), merge: false };
        *self.expired_at_start.lock() = Some(Vec::new());
        match self.load_file(server, &path, flags) {
            Ok(report) => {
                if let Err(error) = server.engine().scripts().restore(&report.functions, RestorePolicy::Flush)
                {
                    tracing::warn!("Failed to load the functions: {}", error.text());
                }
                tracing::info!("DB loaded from disk: {:.3} seconds", started.elapsed().as_secs_f64());
                Ok(Some(report))
            }
            Err(LoadFailure::Open { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Loads a file into the keyspace, which nobody else uses meanwhile: the caller runs alone, or nobody is let in.
    ///
    /// # Errors
    /// When it cannot be loaded; the keyspace then holds a part of it.
    pub fn load_file(
        &self,
        server: &Server,
        path: &Path,
        flags: LoadFlags,
    ) -> Result<LoadReport, LoadFailure> {
        let open = |error| LoadFailure::Open { path: path.display().to_string(), error };
        let file = File::open(path).map_err(open)?;
        let len = file.metadata().map_err(open)?.len();
        // The reader has a buffer of its own; this one saves system calls.
        self.load_from(server, BufReader::with_capacity(1 << 20, file), Some(len), flags)
    }

    /// Loads an RDB file from any source, a master's socket for example; see [`Persist::load_file`].
    ///
    /// # Errors
    /// When it cannot be loaded; the keyspace then holds a part of it.
    pub fn load_from(
        &self,
        server: &Server,
        source: impl Read,
        len: Option<u64>,
        flags: LoadFlags,
    ) -> Result<LoadReport, LoadFailure> {
        self.load_into(server, self.engine.keyspace(), source, len, flags)
    }

    /// The same into another keyspace than the one in use.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub fn load_into(
        &self,
        server: &Server,
        keyspace: &Keyspace,
        source: impl Read,
        len: Option<u64>,
        flags: LoadFlags,
    ) -> Result<LoadReport, LoadFailure> {
        self.load_part(server, keyspace, source, len, flags).map(|(report, _)| report)
    }

    /// The same for a source in which something follows the RDB file: gives back what was read of that, and the source.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub(crate) fn load_part<R: Read>(
        &self,
        server: &Server,
        keyspace: &Keyspace,
        source: R,
        len: Option<u64>,
        flags: LoadFlags,
    ) -> Result<(LoadReport, (Vec<u8>, R)), LoadFailure> {
        let settings = server.config().load();
        let progress = &self.loading;
        progress.started_s.store(clock::unix_s(), Relaxed);
        progress.total_bytes.store(len.unwrap_or(0), Relaxed);
        progress.loaded_bytes.store(0, Relaxed);
        let verify_checksum = settings.get(rows::RDBCHECKSUM);
        let mut reader =
            RdbReader::new(source, ReaderOptions { verify_checksum, ..ReaderOptions::default() });
        let options = self.load_options(&settings, len, flags);
        let report = load(&mut reader, keyspace, &options, &mut |event| self.on_load_event(server, event))?;
        progress.loaded_bytes.store(report.bytes, Relaxed);
        progress.last_keys_loaded.store(report.keys_loaded, Relaxed);
        progress.last_keys_expired.store(report.keys_expired, Relaxed);
        log_report(&report);
        crate::memory::publish();
        Ok((report, reader.into_rest()))
    }

    fn load_options(&self, settings: &Settings, len: Option<u64>, flags: LoadFlags) -> LoadOptions {
        LoadOptions {
            now_ms: clock::unix_ms(),
            drop_expired: !flags.keep_expired,
            allow_duplicates: flags.merge,
            source_len: len,
            progress_interval_bytes: settings.get(rows::LOADING_PROCESS_EVENTS_INTERVAL_BYTES) as u64,
            report_keys: settings.get(rows::KEY_LOAD_DELAY) != 0,
        }
    }

    fn on_load_event(&self, server: &Server, event: LoadEvent<'_>) -> ControlFlow<()> {
        match event {
            LoadEvent::Aux(aux) => {
                let value = String::from_utf8_lossy(&aux.value);
                match aux.name.as_slice() {
                    b"redis-ver" => tracing::info!("Loading RDB produced by version {value}"),
                    b"used-mem" => {
                        let bytes = value.parse::<u64>().unwrap_or(0);
                        self.loading.rdb_used_memory.store(bytes, Relaxed);
                        tracing::info!(
                            "RDB memory usage when created {:.2} Mb",
                            bytes as f64 / f64::from(1 << 20)
                        );
                    }
                    b"ctime" => {
                        let age_s = clock::unix_s() - value.parse::<i64>().unwrap_or(0);
                        tracing::info!("RDB age {} seconds", age_s.max(0));
                    }
                    _ => {}
                }
            }
            LoadEvent::EmptyKeySkipped { key, .. } => {
                tracing::info!("RDB: skipping empty key: {}", key.escape_ascii());
            }
            LoadEvent::Progress { bytes, .. } => {
                self.loading.loaded_bytes.store(bytes, Relaxed);
                crate::memory::publish();
            }
            LoadEvent::KeyLoaded => {
                let delay_us = server.config().peek().get(rows::KEY_LOAD_DELAY);
                if delay_us != 0 {
                    std::thread::sleep(delay_of(delay_us, 1));
                }
            }
            LoadEvent::Expired { db, key } => {
                if let Some(expired) = self.expired_at_start.lock().as_mut() {
                    expired.push((db, key.into()));
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether a dataset is being loaded.
    pub fn is_loading(&self) -> bool {
        self.engine.conditions().any(condition::LOADING | condition::ASYNC_LOADING)
    }
}

fn log_report(report: &LoadReport) {
    tracing::info!(
        "Done loading RDB, keys loaded: {}, keys expired: {}, empty keys skipped: {}.",
        report.keys_loaded,
        report.keys_expired,
        report.empty_keys_skipped
    );
    if report.checksum_disabled {
        tracing::debug!("RDB file was saved with checksum disabled: no check performed.");
    }
}
