//! The base of an AOF as commands (`aof-use-rdb-preamble no`).

use bytes::Bytes;
use redan_keyspace::{StringRef, ValueRef};
use redan_resp::CommandBuilder;

use super::object;
use crate::rdb::{EntryWriter, KeyMeta};

/// Writes entries as the commands that create them, in databases and order as they come.
#[derive(Debug, Default)]
pub struct AofBaseWriter {
    out: Vec<u8>,
    selected: Option<u32>,
}

impl AofBaseWriter {
    /// A writer with an empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends bytes as they are: annotations, or whole commands.
    pub fn put_raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Writes the commands that create a function library.
    pub fn put_function(&mut self, code: &[u8]) {
        CommandBuilder::new(&mut self.out, 3).arg(b"FUNCTION").arg(b"LOAD").arg(code);
    }

    fn select(&mut self, db: u32) {
        if self.selected != Some(db) {
            self.selected = Some(db);
            CommandBuilder::new(&mut self.out, 2).arg(b"SELECT").int(db.into());
        }
    }
}

impl EntryWriter for AofBaseWriter {
    fn put_entry(&mut self, db: u32, key: &[u8], meta: KeyMeta, value: ValueRef<'_>) {
        self.select(db);
        match value {
            ValueRef::String(StringRef::Int(number)) => {
                CommandBuilder::new(&mut self.out, 3).arg(b"SET").arg(key).int(number);
            }
            ValueRef::String(StringRef::Bytes(bytes)) => {
                CommandBuilder::new(&mut self.out, 3).arg(b"SET").arg(key).arg(bytes);
            }
            ValueRef::Object(object) => object::put(&mut self.out, key, object),
        }
        if let Some(at_ms) = meta.expire_at_ms {
            CommandBuilder::new(&mut self.out, 3).arg(b"PEXPIREAT").arg(key).int(at_ms);
        }
    }

    fn len(&self) -> usize {
        self.out.len()
    }

    fn take(&mut self, capacity: usize) -> Bytes {
        Bytes::from(std::mem::replace(&mut self.out, Vec::with_capacity(capacity)))
    }
}
