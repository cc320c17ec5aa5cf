//! Where a running snapshot puts what it captures.
//!
//! Two kinds of threads call in: the walker, and any worker about to change a value that the walker has not reached
//! (it hands over the old value). Both hold a shard lock then, so [`RdbSink`] does as little as possible: small
//! values are encoded into the current buffer at once, large ones are kept as shared handles. The thread that drives the
//! snapshot takes both out and does the rest: encoding large values, checksums, output.
//!
//! What is waiting may not grow without bound. A worker that finds it over the limit waits, but only in
//! [`SnapshotSink::wait_for_room`], which it calls when it holds no lock.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use redan_keyspace::{DbIndex, DbSize, EntryRef, INLINE_MAX, SnapshotSink, ValueRef};

use super::writer::{KeyMeta, RdbHeader, RdbWriter, SavedAccess};

/// A buffer is closed, and ready to be taken, when it has this many bytes.
const CHUNK_LEN: usize = 64 << 10;

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

/// How a sink encodes and how much it holds.
#[derive(Debug, Clone, Copy)]
pub struct SinkOptions {
    /// Compress strings (`rdbcompression`).
    pub compression: bool,
    /// Which access information is saved.
    pub access: AccessField,
    /// When the snapshot is taken, in Unix milliseconds; idle times and frequencies are those of this moment.
    pub now_ms: i64,
    /// Workers wait while more bytes than this are waiting for the output.
    pub max_buffered: usize,
}

impl Default for SinkOptions {
    fn default() -> Self {
        SinkOptions { compression: true, access: AccessField::None, now_ms: 0, max_buffered: 32 << 20 }
    }
}

/// A value that is encoded outside the shard's lock.
#[derive(Debug)]
pub(super) struct LargeEntry {
    pub(super) db: u32,
    pub(super) key: Box<[u8]>,
    pub(super) meta: KeyMeta,
    pub(super) value: Arc<Vec<u8>>,
}

impl LargeEntry {
    /// Writes the entry.
    pub(super) fn put(&self, writer: &mut RdbWriter) {
        writer.put_entry(self.db, &self.key, self.meta, ValueRef::Bytes(&self.value));
    }
}

/// What the driving thread takes out at once: the chunks come first, then the large entries.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) chunks: VecDeque<Bytes>,
    pub(super) large: VecDeque<LargeEntry>,
}

#[derive(Debug)]
struct State {
    writer: RdbWriter,
    ready: Batch,
    /// Bytes in `ready`.
    ready_len: usize,
    /// Bytes taken out that the output has not accepted yet.
    in_flight: usize,
    /// Nobody will take anything any more.
    closed: bool,
}

/// Encodes what a snapshot captures, as an RDB file.
#[derive(Debug)]
pub struct RdbSink {
    options: SinkOptions,
    state: Mutex<State>,
    room: Condvar,
    keys: AtomicU64,
}

impl RdbSink {
    /// A sink with nothing in it. Make the cut with it, and call [`RdbSink::start`] before anybody writes again.
    pub fn new(options: SinkOptions) -> Self {
        let writer = RdbWriter::new(options.compression);
        let state = State { writer, ready: Batch::default(), ready_len: 0, in_flight: 0, closed: false };
        RdbSink { options, state: Mutex::new(state), room: Condvar::new(), keys: AtomicU64::new(0) }
    }

    /// Writes what stands before the first key; `sizes` are those of the snapshot. The caller still excludes all others, as
    /// for the cut: nothing was captured yet.
    pub fn start(&self, header: &RdbHeader, sizes: &[DbSize]) {
        let mut state = self.lock();
        debug_assert!(state.writer.is_empty() && self.keys_captured() == 0, "started after a capture");
        state.writer.put_header(header, sizes);
    }

    /// How many keys were captured so far.
    pub fn keys_captured(&self) -> u64 {
        self.keys.load(Relaxed)
    }

    /// How the sink was told to encode.
    pub fn options(&self) -> &SinkOptions {
        &self.options
    }

    /// Takes what is ready; `all` takes the unfinished buffer as well.
    pub(super) fn take(&self, all: bool) -> Batch {
        let mut state = self.lock();
        if all || !state.ready.large.is_empty() {
            state.close_chunk(0);
        }
        if !state.ready.large.is_empty() {
            // The large entries are written by somebody else, who selects databases.
            state.writer.deselect();
        }
        state.in_flight += std::mem::take(&mut state.ready_len);
        std::mem::take(&mut state.ready)
    }

    /// The output has accepted everything that was taken.
    pub(super) fn taken_is_written(&self) {
        self.lock().in_flight = 0;
        self.room.notify_all();
    }

    /// Writes the end mark; no key follows.
    pub(super) fn put_end(&self) {
        self.lock().writer.put_end();
    }

    /// Nothing will be taken any more: what is captured from now on is dropped, and nobody waits.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.ready = Batch::default();
        state.writer.take(0);
        drop(state);
        self.room.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Bytes that wait for the output.
    fn buffered(&self) -> usize {
        self.ready_len + self.in_flight + self.writer.len()
    }

    /// Makes the current buffer ready to be taken and starts one of `capacity` bytes.
    fn close_chunk(&mut self, capacity: usize) {
        if !self.writer.is_empty() {
            let chunk = self.writer.take(capacity);
            self.ready_len += chunk.len();
            self.ready.chunks.push_back(chunk);
        }
    }
}

/// What the file records of an entry beside its value.
fn meta_of(entry: EntryRef<'_>, options: &SinkOptions) -> KeyMeta {
    let access = match options.access {
        AccessField::None => SavedAccess::None,
        AccessField::Idle => SavedAccess::Idle(entry.idle_ms(options.now_ms) / 1000),
        AccessField::Freq => SavedAccess::Freq(entry.lfu_freq(options.now_ms)),
    };
    KeyMeta { expire_at_ms: entry.expire_at_ms(), access }
}

impl SnapshotSink for RdbSink {
    fn capture(&self, db: DbIndex, entry: EntryRef<'_>) {
        let meta = meta_of(entry, &self.options);
        let mut state = self.lock();
        if state.closed {
            return;
        }
        self.keys.fetch_add(1, Relaxed);
        match entry.shared().filter(|value| value.len() > INLINE_MAX) {
            Some(value) => {
                // The first selection of a database announces its size.
                state.writer.select(db.0);
                state.ready_len += value.len();
                state.ready.large.push_back(LargeEntry { db: db.0, key: entry.key().into(), meta, value });
            }
            None => {
                state.writer.put_entry(db.0, entry.key(), meta, entry.value());
                if state.writer.len() >= CHUNK_LEN {
                    state.close_chunk(CHUNK_LEN + (CHUNK_LEN >> 3));
                }
            }
        }
    }

    fn wait_for_room(&self) {
        let mut state = self.lock();
        while !state.closed && state.buffered() > self.options.max_buffered {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
