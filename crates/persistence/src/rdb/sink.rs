//! Where a running snapshot puts what it captures.
//!
//! Two kinds of threads call in: the walker, and any worker about to change a value that the walker has not reached
//! (it hands over the old value). Both hold a shard lock then, so [`RdbSink`] does as little as possible: it copies short
//! values into one buffer, as they are, and keeps shared handles of long ones. The thread that drives the snapshot takes them out
//! and does the rest without any lock: encoding, compression, checksum, output.
//!
//! What is waiting may not grow without bound. A worker that finds it over the limit waits, but only in
//! [`SnapshotSink::wait_for_room`], which it calls when it holds no lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use redan_keyspace::{DbIndex, EntryRef, INLINE_MAX, Object, SnapshotSink, StringRef, ValueRef};

use super::writer::{EntryWriter, KeyMeta, SavedAccess};

/// Which access information goes into the file; it depends on the eviction policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessField {
    /// None.
    #[default]
    None,
    /// Idle time (`maxmemory-policy` is one of the LRU policies).
    Idle,
    /// Frequency (`maxmemory-policy` is one of the LFU policies).
    Freq,
}

/// What a sink keeps of an entry and how much it holds.
#[derive(Debug, Clone, Copy)]
pub struct SinkOptions {
    /// Which access information is saved.
    pub access: AccessField,
    /// When the snapshot is taken, in Unix milliseconds; idle times and frequencies are those of this moment.
    pub now_ms: i64,
    /// Workers wait while more bytes than this are waiting for the output.
    pub max_buffered: usize,
}

impl Default for SinkOptions {
    fn default() -> Self {
        SinkOptions { access: AccessField::None, now_ms: 0, max_buffered: 32 << 20 }
    }
}

/// A value as it was captured.
#[derive(Debug)]
enum CapturedValue {
    Int(i64),
    /// So many bytes in the batch's buffer, behind the key.
    Copied(usize),
    Shared(Arc<Vec<u8>>),
    /// An object and about how many bytes it takes.
    Object(Arc<Object>, usize),
}

/// Elements looked at to say how much memory a captured object takes.
const OBJECT_SAMPLES: usize = 5;

/// An entry as it was captured; its key is in the batch's buffer.
#[derive(Debug)]
struct Captured {
    db: u32,
    meta: KeyMeta,
    key_len: usize,
    value: CapturedValue,
}

/// What was captured and not taken yet, in order.
#[derive(Debug, Default)]
pub(super) struct Batch {
    entries: Vec<Captured>,
    /// Keys and copied values, back to back.
    buffer: Vec<u8>,
    /// Bytes of shared values.
    shared_len: usize,
}

impl Batch {
    /// Memory that this keeps from being freed, in bytes.
    fn footprint(&self) -> usize {
        self.buffer.len() + self.shared_len + self.entries.len() * size_of::<Captured>()
    }

    fn push(&mut self, db: DbIndex, entry: EntryRef<'_>, meta: KeyMeta) {
        let key = entry.key();
        self.buffer.extend_from_slice(key);
        let shared = entry.shared().filter(|shared| shared.len() > INLINE_MAX);
        let value = match (entry.value(), shared, entry.shared_object()) {
            (_, Some(shared), _) => {
                self.shared_len += shared.len();
                CapturedValue::Shared(shared)
            }
            (_, _, Some(object)) => {
                let len = object.memory_usage(OBJECT_SAMPLES);
                self.shared_len += len;
                CapturedValue::Object(object, len)
            }
            (ValueRef::String(StringRef::Int(number)), ..) => CapturedValue::Int(number),
            (ValueRef::String(StringRef::Bytes(bytes)), ..) => {
                self.buffer.extend_from_slice(bytes);
                CapturedValue::Copied(bytes.len())
            }
            (ValueRef::Object(_), ..) => unreachable!("an object can be shared"),
        };
        self.entries.push(Captured { db: db.0, meta, key_len: key.len(), value });
    }

    /// Writes the entries one by one and empties the batch; `after_entry` is told how many bytes each one took here.
    pub(super) fn write<W: EntryWriter, E>(
        &mut self,
        writer: &mut W,
        mut after_entry: impl FnMut(&mut W, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = &self.buffer[..];
        for entry in self.entries.drain(..) {
            let (key, behind) = rest.split_at(entry.key_len);
            rest = behind;
            let mut footprint = size_of::<Captured>() + key.len();
            let value = match &entry.value {
                CapturedValue::Int(number) => ValueRef::String(StringRef::Int(*number)),
                CapturedValue::Copied(len) => {
                    let (value, behind) = rest.split_at(*len);
                    rest = behind;
                    footprint += len;
                    ValueRef::String(StringRef::Bytes(value))
                }
                CapturedValue::Shared(shared) => {
                    footprint += shared.len();
                    ValueRef::String(StringRef::Bytes(shared))
                }
                CapturedValue::Object(object, len) => {
                    footprint += len;
                    ValueRef::Object(object)
                }
            };
            writer.put_entry(entry.db, key, entry.meta, value);
            after_entry(writer, footprint)?;
        }
        self.buffer.clear();
        self.shared_len = 0;
        Ok(())
    }
}

#[derive(Debug)]
struct State {
    batch: Batch,
    /// Bytes taken out that the output has not accepted yet.
    in_flight: usize,
    /// Nobody will take anything any more.
    closed: bool,
}

/// Collects what a snapshot captures, for [`save_snapshot`](super::save_snapshot). Make one for each snapshot.
#[derive(Debug)]
pub struct RdbSink {
    options: SinkOptions,
    state: Mutex<State>,
    room: Condvar,
    keys: AtomicU64,
}

impl RdbSink {
    /// A sink with nothing in it, to make the cut with.
    pub fn new(options: SinkOptions) -> Self {
        let state = State { batch: Batch::default(), in_flight: 0, closed: false };
        RdbSink { options, state: Mutex::new(state), room: Condvar::new(), keys: AtomicU64::new(0) }
    }

    /// How many keys were captured so far.
    pub fn keys_captured(&self) -> u64 {
        self.keys.load(Relaxed)
    }

    /// Exchanges what was captured for an empty batch, whose allocations are used again.
    pub(super) fn take(&self, batch: &mut Batch) {
        let mut state = self.lock();
        std::mem::swap(&mut state.batch, batch);
        state.in_flight += batch.footprint();
    }

    /// The output has accepted so many bytes of what was taken.
    pub(super) fn release(&self, bytes: usize) {
        let mut state = self.lock();
        let was_full = state.is_full(&self.options);
        state.in_flight -= bytes;
        if was_full && !state.is_full(&self.options) {
            self.room.notify_all();
        }
    }

    /// Nothing will be taken any more: what is captured from now on is dropped, and nobody waits.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.batch = Batch::default();
        drop(state);
        self.room.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file records of an entry beside its value.
    fn meta_of(&self, entry: EntryRef<'_>) -> KeyMeta {
        let now_ms = self.options.now_ms;
        let access = match self.options.access {
            AccessField::None => SavedAccess::None,
            AccessField::Idle => SavedAccess::Idle(entry.idle_ms(now_ms) / 1000),
            AccessField::Freq => SavedAccess::Freq(entry.lfu_freq(now_ms)),
        };
        KeyMeta { expire_at_ms: entry.expire_at_ms(), access }
    }
}

impl State {
    fn is_full(&self, options: &SinkOptions) -> bool {
        !self.closed && self.in_flight + self.batch.footprint() > options.max_buffered
    }
}

impl SnapshotSink for RdbSink {
    fn capture(&self, db: DbIndex, entry: EntryRef<'_>) {
        let meta = self.meta_of(entry);
        let mut state = self.lock();
        if !state.closed {
            self.keys.fetch_add(1, Relaxed);
            state.batch.push(db, entry, meta);
        }
    }

    fn wait_for_room(&self) {
        let mut state = self.lock();
        while state.is_full(&self.options) {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
