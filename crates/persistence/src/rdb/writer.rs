//! The order of the parts of an RDB file, writing side.

use std::collections::BTreeMap;

use bytes::Bytes;
use redan_keyspace::{DbSize, StringRef, ValueRef};

use super::encode::RdbEncoder;
use super::format::{LOWEST_WRITTEN_VERSION, ValueType, opcode};

/// Where a replication stream stood when the snapshot was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationInfo {
    /// The database that the stream had selected; -1 if none.
    pub stream_db: i64,
    /// The replication id, 40 hexadecimal digits.
    pub id: String,
    /// The replication offset.
    pub offset: i64,
}

/// What stands before the first key.
#[derive(Debug, Clone, Default)]
pub struct RdbHeader {
    /// The version of Redis that the server claims to be.
    pub redis_version: String,
    /// When the snapshot was taken, in Unix seconds.
    pub ctime_s: i64,
    /// Memory in use at that time, in bytes.
    pub used_memory: u64,
    /// Where replication stood, if that is to be resumed from the file.
    pub replication: Option<ReplicationInfo>,
    /// Whether the file is the base of an AOF.
    pub aof_base: bool,
    /// The code of each function library.
    pub functions: Vec<Bytes>,
}

/// When a key was last used, or how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SavedAccess {
    /// Not recorded.
    None,
    /// Seconds since it was used.
    Idle(u64),
    /// Logarithmic count of uses.
    Freq(u8),
}

/// What a file records of a key beside its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyMeta {
    pub(crate) expire_at_ms: Option<i64>,
    pub(crate) access: SavedAccess,
}

/// Writes captured entries in some format.
pub(crate) trait EntryWriter {
    /// Writes a key with its value.
    fn put_entry(&mut self, db: u32, key: &[u8], meta: KeyMeta, value: ValueRef<'_>);

    /// Number of bytes written and not taken yet.
    fn len(&self) -> usize;

    /// Takes what was written, and goes on with an empty buffer of `capacity` bytes.
    fn take(&mut self, capacity: usize) -> Bytes;
}

/// Writes the parts of an RDB file in order: the header, entries of any databases in any order, the end.
#[derive(Debug)]
pub struct RdbWriter {
    encoder: RdbEncoder,
    selected: Option<u32>,
    /// Sizes of the databases that were not selected yet.
    sizes: BTreeMap<u32, DbSize>,
}

impl RdbWriter {
    /// A writer with an empty buffer.
    pub fn new(compression: bool) -> Self {
        RdbWriter { encoder: RdbEncoder::new(compression), selected: None, sizes: BTreeMap::new() }
    }

    /// Writes what stands before the first key. The sizes of the databases follow when these are selected first.
    pub fn put_header(&mut self, header: &RdbHeader, sizes: &[DbSize]) {
        let encoder = &mut self.encoder;
        encoder.put_raw(format!("REDIS{LOWEST_WRITTEN_VERSION:04}").as_bytes());
        encoder.put_aux(b"redis-ver", header.redis_version.as_bytes());
        encoder.put_aux_int(b"redis-bits", 64);
        encoder.put_aux_int(b"ctime", header.ctime_s);
        encoder.put_aux_int(b"used-mem", i64::try_from(header.used_memory).unwrap_or(i64::MAX));
        if let Some(replication) = &header.replication {
            encoder.put_aux_int(b"repl-stream-db", replication.stream_db);
            encoder.put_aux(b"repl-id", replication.id.as_bytes());
            encoder.put_aux_int(b"repl-offset", replication.offset);
        }
        encoder.put_aux_int(b"aof-base", header.aof_base.into());
        for function in &header.functions {
            encoder.put_byte(opcode::FUNCTION2);
            encoder.put_string(function);
        }
        self.sizes = sizes.iter().map(|size| (size.db.0, *size)).collect();
    }

    /// Makes `db` the database of the following entries.
    pub fn select(&mut self, db: u32) {
        if self.selected == Some(db) {
            return;
        }
        self.selected = Some(db);
        self.encoder.put_byte(opcode::SELECTDB);
        self.encoder.put_len(db.into());
        if let Some(size) = self.sizes.remove(&db) {
            self.encoder.put_byte(opcode::RESIZEDB);
            self.encoder.put_len(size.keys);
            self.encoder.put_len(size.expires);
        }
    }

    /// Writes a key with its value.
    pub(crate) fn put_entry(&mut self, db: u32, key: &[u8], meta: KeyMeta, value: ValueRef<'_>) {
        self.select(db);
        let encoder = &mut self.encoder;
        if let Some(at) = meta.expire_at_ms {
            encoder.put_byte(opcode::EXPIRETIME_MS);
            encoder.put_millis(at);
        }
        match meta.access {
            SavedAccess::None => {}
            SavedAccess::Idle(seconds) => {
                encoder.put_byte(opcode::IDLE);
                encoder.put_len(seconds);
            }
            SavedAccess::Freq(count) => {
                encoder.put_byte(opcode::FREQ);
                encoder.put_byte(count);
            }
        }
        encoder.put_type(type_of(value));
        encoder.put_string(key);
        put_value(encoder, value);
    }

    /// Writes the end mark; only the checksum may follow.
    pub fn put_end(&mut self) {
        self.encoder.put_byte(opcode::EOF);
    }

    /// Number of bytes written and not taken yet.
    pub fn len(&self) -> usize {
        self.encoder.len()
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.encoder.is_empty()
    }

    /// Takes what was written, and goes on with an empty buffer of `capacity` bytes.
    pub fn take(&mut self, capacity: usize) -> Bytes {
        Bytes::from(self.encoder.take(capacity))
    }
}

impl EntryWriter for RdbWriter {
    fn put_entry(&mut self, db: u32, key: &[u8], meta: KeyMeta, value: ValueRef<'_>) {
        RdbWriter::put_entry(self, db, key, meta, value);
    }

    fn len(&self) -> usize {
        RdbWriter::len(self)
    }

    fn take(&mut self, capacity: usize) -> Bytes {
        RdbWriter::take(self, capacity)
    }
}

/// The type that a value is stored as.
pub(crate) fn type_of(value: ValueRef<'_>) -> ValueType {
    match value {
        ValueRef::String(_) => ValueType::String,
        ValueRef::Object(object) => super::object::type_of(object),
    }
}

/// Writes a value, without its type.
pub(crate) fn put_value(encoder: &mut RdbEncoder, value: ValueRef<'_>) {
    match value {
        ValueRef::String(StringRef::Int(number)) => encoder.put_int_string(number),
        ValueRef::String(StringRef::Bytes(bytes)) => encoder.put_string(bytes),
        ValueRef::Object(object) => super::object::put(encoder, object),
    }
}
