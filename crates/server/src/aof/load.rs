//! Loading an append-only file: the base, then the increments, command by command.

use super::Aof;
use crate::clock;
use crate::config::{Settings, os_text, rows};
use crate::host::Server;
use crate::persist::{LoadFailure, LoadFlags};
use redan_engine::{Engine, RestorePolicy, Session, SessionOrigin, Worker};
use redan_persistence::aof::{
    Annotation, AofReader, DirStorage, Manifest, ManifestFailure, ReadError, Record, Storage, load_manifest,
};
use redan_persistence::rdb::ReplicationInfo;
use redan_replication::ReplId;
use redan_replication::replica::io::Position;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Commands between two looks at the clock.
const COMMANDS_PER_LOOK: u64 = 1024;
/// What an RDB file begins with.
const RDB_MAGIC: &[u8] = b"REDIS";

/// What was loaded.
pub(super) struct Loaded {
    pub(super) manifest: Manifest,
    /// Where replication stood, if the files say so.
    pub(super) position: Option<Position>,
    /// Where the log goes on if they do not.
    pub(super) offset: Option<u64>,
}

/// How a file was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileEnd {
    Whole,
    /// Its end was cut off.
    Truncated,
}

impl Aof {
    /// Loads the files in `storage` into the dataset, which is empty and nobody else's. Why it fails is logged.
    pub(super) fn load(
        &self,
        server: &Server,
        storage: &DirStorage,
        settings: &Settings,
    ) -> Result<Loaded, ()> {
        let stem = settings.get(rows::APPENDFILENAME);
        let manifest =
            load_manifest(storage, stem).map_err(|error| log_manifest_failure(&error, settings))?;
        let manifest = upgrade(manifest, storage, settings)?;
        if manifest.is_empty() {
            warn_of_snapshot(settings);
            return Ok(Loaded { manifest, position: None, offset: None });
        }
        let total = total_len(&manifest, storage)?;
        let progress = server.persist().loading();
        progress.started_s.store(clock::unix_s(), Relaxed);
        progress.loaded_bytes.store(0, Relaxed);
        progress.total_bytes.store(total, Relaxed);
        let started = Instant::now();
        let mut worker = self.replayer.lock();
        let Some(worker) = worker.as_mut() else { return Err(()) };
        let mut loader = Loader::new(server, self.engine, worker, settings, total);
        let files: Vec<_> = manifest.files().collect();
        for (index, file) in files.iter().enumerate() {
            let is_base = manifest.base.as_ref().is_some_and(|base| base.name == file.name);
            let began = Instant::now();
            let is_old = file.name == stem;
            let end = loader.load_file(&storage.dir().join(&file.name), &file.name, is_old)?;
            if end == FileEnd::Truncated && index + 1 < files.len() {
                tracing::warn!("Fatal error: the truncated file is not the last file");
                return Err(());
            }
            let kind = if is_base { "base" } else { "incr" };
            let seconds = began.elapsed().as_secs_f64();
            tracing::info!("DB loaded from {kind} file {}: {seconds:.3} seconds", file.name);
        }
        let position = loader.position();
        server.persist().note_loaded();
        progress.loaded_bytes.store(total, Relaxed);
        tracing::info!("DB loaded from append only file: {:.3} seconds", started.elapsed().as_secs_f64());
        crate::memory::publish();
        let offset = match position {
            Some(_) => None,
            None => last_offset(&manifest, storage),
        };
        Ok(Loaded { manifest, position, offset })
    }
}

/// Where the log ended by what the manifest says, so that offsets never go back.
fn last_offset(manifest: &Manifest, storage: &DirStorage) -> Option<u64> {
    let last = manifest.incr.last()?;
    let by_length = || {
        let len = storage.len(&last.name).unwrap_or(0);
        u64::try_from(last.start_offset.unwrap_or(0)).unwrap_or(0).saturating_add(len)
    };
    Some(last.end_offset.and_then(|end| u64::try_from(end).ok()).unwrap_or_else(by_length))
}

fn log_manifest_failure(failure: &ManifestFailure, settings: &Settings) {
    match failure {
        ManifestFailure::Io(error) => {
            let path = super::manifest_path(settings);
            tracing::warn!(
                "Fatal error: can't open the AOF manifest file {} for reading: {}",
                path.display(),
                os_text(error)
            );
        }
        ManifestFailure::Invalid(error) => {
            tracing::warn!("*** FATAL AOF MANIFEST FILE ERROR ***");
            if error.line_number > 0 {
                tracing::warn!("Reading the manifest file, at line {}", error.line_number);
                tracing::warn!(">>> '{}'", error.line);
            }
            tracing::warn!("{}", error.kind);
        }
    }
}

/// Takes over the single file of an old version.
fn upgrade(manifest: Manifest, storage: &DirStorage, settings: &Settings) -> Result<Manifest, ()> {
    let stem = settings.get(rows::APPENDFILENAME);
    let old_path = Path::new(settings.get(rows::DIR)).join(stem);
    if !old_path.is_file() {
        return Ok(manifest);
    }
    let was_interrupted = manifest.incr.is_empty()
        && manifest.base.as_ref().is_some_and(|base| base.name == stem)
        && storage.len(stem).is_err();
    if !manifest.is_empty() && !was_interrupted {
        return Ok(manifest);
    }
    let upgraded = Manifest::of_old_file(stem);
    let move_over = || -> io::Result<()> {
        std::fs::create_dir_all(storage.dir())?;
        redan_persistence::aof::AofStore::new(storage.clone(), stem, manifest.clone()).replace(&upgraded)?;
        std::fs::rename(&old_path, storage.dir().join(stem))?;
        storage.sync_names()
    };
    move_over().map_err(|error| {
        tracing::warn!(
            "Error trying to move the old AOF file {stem} into dir {}: {}",
            storage.dir().display(),
            os_text(&error)
        );
    })?;
    tracing::info!(
        "Successfully migrated an old-style AOF file ({stem}) into the AOF directory ({}).",
        settings.get(rows::APPENDDIRNAME)
    );
    Ok(upgraded)
}

/// Whoever switches the file on in the configuration may expect to find the data of a snapshot.
fn warn_of_snapshot(settings: &Settings) {
    let path = crate::persist::rdb_path(settings);
    if path.metadata().is_ok_and(|metadata| metadata.len() > 0) {
        tracing::warn!(
            "appendonly is on and there is no append only file yet: the dataset in {} is not loaded. To keep it, start \
             with 'appendonly no' and switch it on with CONFIG SET appendonly yes.",
            path.display()
        );
    }
}

fn total_len(manifest: &Manifest, storage: &DirStorage) -> Result<u64, ()> {
    let mut total = 0;
    for file in manifest.files() {
        total += storage.len(&file.name).map_err(|error| {
            tracing::warn!("Unable to obtain the AOF file {} length. stat: {}", file.name, os_text(&error));
        })?;
    }
    Ok(total)
}

/// Executes what is in files.
struct Loader<'a> {
    server: &'a Server,
    engine: &'static Engine,
    worker: &'a mut Worker,
    session: Session,
    load_truncated: bool,
    /// Bytes of all files, and of those before the current one.
    total: u64,
    before: u64,
    commands: u64,
    now_ms: i64,
    /// Where in which history the next command begins, if that is known.
    place: Option<(ReplId, u64)>,
    /// The database that was selected in the stream when a base ended.
    base_db: Option<u32>,
}

impl<'a> Loader<'a> {
    fn new(
        server: &'a Server,
        engine: &'static Engine,
        worker: &'a mut Worker,
        settings: &Settings,
        total: u64,
    ) -> Self {
        let now_ms = engine.clock().wall_ms();
        let client = engine.clients().unlisted(-1, Default::default(), 0, now_ms);
        Self {
            server,
            engine,
            worker,
            session: Session::new(client, SessionOrigin::File, engine),
            load_truncated: settings.get(rows::AOF_LOAD_TRUNCATED),
            total,
            before: 0,
            commands: 0,
            now_ms,
            place: None,
            base_db: None,
        }
    }

    /// Where replication stood at the end of what was loaded.
    fn position(&self) -> Option<Position> {
        let (id, offset) = self.place?;
        Some(Position { id, offset, db: self.base_db.unwrap_or(self.session.state.db.0) })
    }

    fn load_file(&mut self, path: &Path, name: &str, is_old: bool) -> Result<FileEnd, ()> {
        let opened = File::open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata.len())));
        let (file, len) = opened.map_err(|error| {
            let error = os_text(&error);
            tracing::warn!("Fatal error: can't open the append log file {name} for reading: {error}");
        })?;
        if len == 0 {
            return Ok(FileEnd::Whole);
        }
        // Each file selects its databases itself.
        self.engine.select(&mut self.session, 0);
        let mut source = BufReader::with_capacity(1 << 20, file);
        let is_rdb = source.fill_buf().is_ok_and(|start| start.starts_with(RDB_MAGIC));
        let end = if is_rdb {
            let (offset, rest) = self.load_preamble(source, name, len, is_old)?;
            self.replay(rest, offset, path, name)?
        } else {
            self.replay(source, 0, path, name)?
        };
        self.before += len;
        Ok(end)
    }

    /// Loads the RDB part at the start; returns its length and what follows.
    fn load_preamble(
        &mut self,
        mut source: BufReader<File>,
        name: &str,
        len: u64,
        is_old: bool,
    ) -> Result<(u64, impl BufRead + use<>), ()> {
        if is_old {
            tracing::info!("Reading RDB preamble from AOF file...");
        } else {
            tracing::info!("Reading RDB base file on AOF loading...");
        }
        let _ = source.rewind();
        let flags = LoadFlags { keep_expired: true, merge: false };
        let persist = self.server.persist();
        let loaded = persist.load_part(self.server, self.engine.keyspace(), source, Some(len), flags);
        persist.loading().total_bytes.store(self.total, Relaxed);
        match loaded {
            Ok((report, (rest, source))) => {
                let scripts = self.engine.scripts();
                if let Err(error) = scripts.restore(&report.functions, RestorePolicy::Flush) {
                    tracing::warn!("Failed to load the functions: {}", error.text());
                }
                if let Some(info) = report.replication() {
                    self.note_base(&info);
                }
                if is_old {
                    tracing::info!("Reading the remaining AOF tail...");
                }
                Ok((report.bytes, BufReader::with_capacity(1 << 16, Cursor::new(rest).chain(source))))
            }
            Err(error) => {
                log_rdb_failure(&error);
                let what = if is_old { "RDB preamble of the AOF file" } else { "RDB base file" };
                tracing::warn!("Error reading the {what} {name}, AOF loading aborted");
                Err(())
            }
        }
    }

    fn note_base(&mut self, info: &ReplicationInfo) {
        let id = ReplId::parse(info.id.as_bytes());
        self.place = id.zip(u64::try_from(info.offset).ok());
        self.base_db = u32::try_from(info.stream_db).ok();
    }

    /// Executes the commands of a file, the first of which is at `offset`.
    fn replay(&mut self, source: impl BufRead, offset: u64, path: &Path, name: &str) -> Result<FileEnd, ()> {
        let mut reader = AofReader::new(source, offset);
        let (mut good, mut before_multi) = (offset, offset);
        let mut place_before_multi = self.place;
        // They had no effect when they were written either.
        let mut failures = 0_u64;
        loop {
            let was_in_multi = self.session.state.multi.is_some();
            match reader.next_record() {
                Ok(Some(Record::Command(args, len))) => {
                    let place = self.place;
                    let command = args.get(0).unwrap_or_default();
                    match self.engine.replay(self.worker, &mut self.session, args, self.now_ms) {
                        Some(None) => {}
                        Some(Some(error)) => {
                            failures += 1;
                            if failures == 1 {
                                let command = command.escape_ascii();
                                tracing::warn!("Command '{command}' in {name} at {good} fails: {error}");
                            }
                        }
                        None => {
                            let command = command.escape_ascii();
                            tracing::warn!("Unknown command '{command}' reading the append only file {name}");
                            return Err(());
                        }
                    }
                    self.base_db = None;
                    self.place = place.map(|(id, offset)| (id, offset + len));
                    if !was_in_multi {
                        (before_multi, place_before_multi) = (good, place);
                    }
                    good = reader.offset();
                    self.look_up(good);
                }
                Ok(Some(Record::Annotation(annotation))) => {
                    if let Some(Annotation::Replication { id, offset }) = annotation {
                        self.place = ReplId::parse(id.as_bytes()).map(|id| (id, offset));
                    }
                    if !was_in_multi {
                        good = reader.offset();
                    }
                }
                Ok(None) if was_in_multi => {
                    tracing::warn!("Revert incomplete MULTI/EXEC transaction in AOF file {name}");
                    return self.truncate(path, name, before_multi, place_before_multi);
                }
                Ok(None) => return Ok(FileEnd::Whole),
                Err(ReadError::UnexpectedEof) if was_in_multi => {
                    return self.truncate(path, name, before_multi, place_before_multi);
                }
                Err(ReadError::UnexpectedEof) => return self.truncate(path, name, good, self.place),
                Err(ReadError::BadFormat) => {
                    tracing::warn!(
                        "Bad file format reading the append only file {name}: make a backup of your AOF file, then use \
                         ./redis-check-aof --fix <filename.manifest>"
                    );
                    return Err(());
                }
                Err(ReadError::Io(error)) => {
                    tracing::warn!(
                        "Unrecoverable error reading the append only file {name}: {}",
                        os_text(&error)
                    );
                    return Err(());
                }
            }
        }
    }

    /// From time to time: tells how far it is, and what time it is.
    fn look_up(&mut self, offset: u64) {
        self.commands += 1;
        let delay_us = self.server.config().peek().get(rows::KEY_LOAD_DELAY);
        if delay_us != 0 {
            let micros = u64::try_from(delay_us).unwrap_or(0);
            std::thread::sleep(Duration::from_micros(micros));
        }
        if self.commands.is_multiple_of(COMMANDS_PER_LOOK) {
            self.now_ms = self.engine.clock().wall_ms();
            self.server.persist().loading().loaded_bytes.store(self.before + offset, Relaxed);
            crate::memory::publish();
        }
    }

    /// The file ends too early: cuts it where it is whole, if that is allowed.
    fn truncate(
        &mut self,
        path: &Path,
        name: &str,
        good: u64,
        place: Option<(ReplId, u64)>,
    ) -> Result<FileEnd, ()> {
        if self.load_truncated {
            tracing::warn!("!!! Warning: short read while loading the AOF file {name}!!!");
            tracing::warn!("!!! Truncating the AOF {name} at offset {good} !!!");
            let cut = OpenOptions::new().write(true).open(path).and_then(|file| {
                file.set_len(good)?;
                file.sync_all()
            });
            match cut {
                Ok(()) => {
                    tracing::warn!("AOF {name} loaded anyway because aof-load-truncated is enabled");
                    self.place = place;
                    self.forget_transaction();
                    return Ok(FileEnd::Truncated);
                }
                Err(error) => {
                    tracing::warn!("Error truncating the AOF file {name}: {}", os_text(&error));
                }
            }
        }
        tracing::warn!(
            "Unexpected end of file reading the append only file {name}. You can: 1) Make a backup of your AOF file, then \
             use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' \
             configuration option to yes and restart the server."
        );
        Err(())
    }

    /// What was queued since a MULTI without EXEC never happened.
    fn forget_transaction(&mut self) {
        if self.session.state.multi.is_some() {
            let db = self.session.state.db;
            let client = self.engine.clients().unlisted(-1, Default::default(), 0, self.now_ms);
            self.session = Session::new(client, SessionOrigin::File, self.engine);
            self.session.state.db = db;
        }
    }
}

fn log_rdb_failure(error: &LoadFailure) {
    tracing::warn!("{error}");
}
