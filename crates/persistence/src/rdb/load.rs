//! Loads an RDB file into a keyspace.

use std::io::Read;
use std::ops::ControlFlow;

use redan_keyspace::{Access, DbIndex, DuplicateKey, ExpiryMode, Key, Keyspace, LoadedAccess, Loader};

use super::error::{RdbError, RdbErrorKind};
use super::reader::{Aux, Checksum, Entry, Part, RdbReader};
use super::writer::ReplicationInfo;

/// A hint about the size of a database is believed up to this number of keys when the length of the file is unknown.
const MAX_BLIND_RESERVE: u64 = 1 << 20;
/// No key takes less than this in a file: type, key and value.
const MIN_ENTRY_LEN: u64 = 4;
/// Length of a replication id.
const REPL_ID_LEN: usize = 40;

/// How a file is loaded.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadOptions {
    /// The time, in Unix milliseconds.
    pub now_ms: i64,
    /// Leave out keys that have expired already, as a master does; a replica, and the base of an AOF, keep them.
    pub drop_expired: bool,
    /// A key that is there twice, or was there before, replaces the earlier one instead of being an error.
    pub allow_duplicates: bool,
    /// Length of the file, if known: bounds what its size hints can make the keyspace reserve.
    pub source_len: Option<u64>,
    /// Report progress about every so many bytes (`loading-process-events-interval-bytes`); 0: never.
    pub progress_interval_bytes: u64,
    /// Report every key (`key-load-delay` sleeps then).
    pub report_keys: bool,
}

/// What happens while a file is loaded.
#[derive(Debug)]
pub enum LoadEvent<'a> {
    /// A fact about the file was read; those that are known are in the [`LoadReport`] too.
    Aux(&'a Aux),
    /// A key was left out because it has expired.
    Expired {
        /// Its database.
        db: u32,
        /// The key.
        key: &'a [u8],
    },
    /// A key was left out: its value is empty, which an old version could write by mistake, or belongs to a module and
    /// the reader skips those.
    EmptyKeySkipped {
        /// Its database.
        db: u32,
        /// The key.
        key: &'a [u8],
    },
    /// Another interval of bytes was read.
    Progress {
        /// Bytes read so far.
        bytes: u64,
        /// Keys loaded so far.
        keys: u64,
    },
    /// A key was loaded; only told if [`LoadOptions::report_keys`] is set.
    KeyLoaded,
}

/// What was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// The version of the format.
    pub version: u16,
    /// Number of keys loaded.
    pub keys_loaded: u64,
    /// Number of keys left out because they have expired.
    pub keys_expired: u64,
    /// Number of keys left out for their value; see [`LoadEvent::EmptyKeySkipped`].
    pub empty_keys_skipped: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Whether the file says that it was written without a checksum.
    pub checksum_disabled: bool,
    /// The code of each function library.
    pub functions: Vec<Vec<u8>>,
    /// The version of Redis that wrote the file.
    pub redis_version: Option<String>,
    /// When it was written, in Unix seconds.
    pub ctime_s: Option<i64>,
    /// Memory in use at that time, in bytes.
    pub used_memory: Option<u64>,
    /// The replication id.
    pub repl_id: Option<String>,
    /// The replication offset.
    pub repl_offset: Option<i64>,
    /// The database that the replication stream had selected.
    pub repl_stream_db: Option<i64>,
    /// Whether the file is the base of an AOF.
    pub aof_base: bool,
}

impl LoadReport {
    /// Where replication stood, if the file says all of it.
    pub fn replication(&self) -> Option<ReplicationInfo> {
        Some(ReplicationInfo {
            stream_db: self.repl_stream_db?,
            id: self.repl_id.clone()?,
            offset: self.repl_offset?,
        })
    }

    fn note_aux(&mut self, aux: &Aux) {
        let text = String::from_utf8_lossy(&aux.value);
        let number = leading_int(&aux.value);
        match aux.name.to_ascii_lowercase().as_slice() {
            b"redis-ver" => self.redis_version = Some(text.into_owned()),
            b"ctime" => self.ctime_s = Some(number),
            b"used-mem" => self.used_memory = Some(u64::try_from(number).unwrap_or(0)),
            b"repl-stream-db" => self.repl_stream_db = Some(number),
            b"repl-id" if aux.value.len() == REPL_ID_LEN => self.repl_id = Some(text.into_owned()),
            b"repl-offset" => self.repl_offset = Some(number),
            b"aof-base" | b"aof-preamble" => self.aof_base |= number != 0,
            _ => {}
        }
    }
}

/// The number at the start of a text, 0 if there is none.
fn leading_int(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let digits = text[sign..].iter().take_while(|b| b.is_ascii_digit()).count();
    str::from_utf8(&text[..sign + digits]).ok().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Loads a whole file from `reader` into `keyspace`, which nobody else uses meanwhile.
///
/// `observe` is told what happens, between keys; if it breaks, loading ends with [`RdbErrorKind::Cancelled`]. A single
/// large value is read without a word in between: who must show signs of life then wraps the source.
///
/// On an error the keyspace holds what was loaded so far. After success, [`RdbReader::into_rest`] gives what follows
/// the file in the source (the commands of an AOF).
pub fn load<R: Read>(
    reader: &mut RdbReader<R>,
    keyspace: &Keyspace,
    options: &LoadOptions,
    observe: &mut dyn FnMut(LoadEvent<'_>) -> ControlFlow<()>,
) -> Result<LoadReport, RdbError> {
    let report = LoadReport { version: reader.header()?, ..LoadReport::default() };
    let loader = keyspace.loader(DbIndex(0), options.now_ms);
    let next_progress = options.progress_interval_bytes;
    let mut load = Load { reader, keyspace, loader, options, observe, report, db: DbIndex(0), next_progress };
    while load.step()? {}
    load.report.bytes = load.reader.offset();
    Ok(load.report)
}

struct Load<'a, 'k, R> {
    reader: &'a mut RdbReader<R>,
    keyspace: &'k Keyspace,
    /// Inserts into the selected database.
    loader: Loader<'k>,
    options: &'a LoadOptions,
    observe: &'a mut dyn FnMut(LoadEvent<'_>) -> ControlFlow<()>,
    report: LoadReport,
    /// The selected database.
    db: DbIndex,
    /// Progress is reported when this many bytes were read.
    next_progress: u64,
}

/// What became of a key.
enum Outcome {
    Loaded,
    Expired,
    Skipped,
}

impl<R: Read> Load<'_, '_, R> {
    /// Loads the next part; false after the last.
    fn step(&mut self) -> Result<bool, RdbError> {
        match self.reader.next_part()? {
            Part::Entry(entry) => self.entry(entry)?,
            Part::SelectDb(db) => self.select(db)?,
            Part::ResizeDb { keys, .. } => self.reserve(keys),
            Part::Aux(aux) => {
                self.report.note_aux(&aux);
                self.tell(LoadEvent::Aux(&aux))?;
            }
            Part::Function(code) => self.report.functions.push(code),
            Part::SlotInfo { .. } | Part::ModuleAux(_) => {}
            Part::End(checksum) => {
                self.report.checksum_disabled = checksum == Checksum::Disabled;
                return Ok(false);
            }
        }
        let bytes = self.reader.offset();
        if bytes >= self.next_progress && self.options.progress_interval_bytes > 0 {
            self.next_progress = bytes + self.options.progress_interval_bytes;
            self.tell(LoadEvent::Progress { bytes, keys: self.report.keys_loaded })?;
        }
        Ok(true)
    }

    fn tell(&mut self, event: LoadEvent<'_>) -> Result<(), RdbError> {
        match (self.observe)(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(self.reader.error(RdbErrorKind::Cancelled)),
        }
    }

    fn select(&mut self, db: u64) -> Result<(), RdbError> {
        let configured = self.keyspace.databases();
        match u32::try_from(db) {
            Ok(db) if db < configured => {
                self.db = DbIndex(db);
                self.loader = self.keyspace.loader(self.db, self.options.now_ms);
                Ok(())
            }
            _ => Err(self.reader.error(RdbErrorKind::TooManyDatabases { found: db, configured })),
        }
    }

    /// Makes room for the keys of a database, as far as the hint can be true.
    fn reserve(&mut self, keys: u64) {
        let believable = self.options.source_len.map_or(MAX_BLIND_RESERVE, |len| len / MIN_ENTRY_LEN);
        self.loader.reserve(keys.min(believable));
    }

    fn entry(&mut self, entry: Entry) -> Result<(), RdbError> {
        let Self { reader, keyspace, loader, options, observe, db, .. } = self;
        let db = *db;
        let expired = options.drop_expired && entry.expire_at_ms.is_some_and(|at| at < options.now_ms);
        let outcome = reader.value(keyspace.limits(), |key, value| {
            let Some(value) = value.into_new_value() else {
                return told(observe(LoadEvent::EmptyKeySkipped { db: db.0, key }), Outcome::Skipped);
            };
            if expired {
                return told(observe(LoadEvent::Expired { db: db.0, key }), Outcome::Expired);
            }
            let access = match (entry.freq, entry.idle_s) {
                (Some(count), _) => LoadedAccess::Frequency(count),
                (None, Some(seconds)) => LoadedAccess::IdleSeconds(seconds),
                (None, None) => LoadedAccess::Now,
            };
            let key = Key::new(key);
            if options.allow_duplicates {
                make_way(keyspace, db, &key, options.now_ms);
            }
            match loader.insert(&key, value, entry.expire_at_ms, access) {
                Ok(()) => Ok(Outcome::Loaded),
                Err(DuplicateKey) => Err(RdbErrorKind::DuplicateKey { db: db.0 }),
            }
        })?;
        match outcome {
            Outcome::Loaded => self.report.keys_loaded += 1,
            Outcome::Expired => self.report.keys_expired += 1,
            Outcome::Skipped => self.report.empty_keys_skipped += 1,
        }
        if self.options.report_keys { self.tell(LoadEvent::KeyLoaded) } else { Ok(()) }
    }
}

/// What became of a key that the observer was told about.
fn told(answer: ControlFlow<()>, outcome: Outcome) -> Result<Outcome, RdbErrorKind> {
    match answer {
        ControlFlow::Continue(()) => Ok(outcome),
        ControlFlow::Break(()) => Err(RdbErrorKind::Cancelled),
    }
}

/// Removes a key that a newer one will replace.
fn make_way(keyspace: &Keyspace, db: DbIndex, key: &Key<'_>, now_ms: i64) {
    let access = Access { expiry: ExpiryMode::Ignore, ..Access::write(now_ms) };
    keyspace.view_exclusive(db, access).remove(key);
}
