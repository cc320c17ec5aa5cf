//! Snapshots without fork: the content of all databases at one moment, written while commands go on.
//!
//! The cut is a number. Each entry carries the epoch in which it was last shown to a snapshot or born; the cut bumps
//! the keyspace's epoch, and from then on an entry with another epoch is one the snapshot has not seen. Two parties show entries to
//! the [`SnapshotSink`], each under the shard's lock and stamping the entry first: the *walker*, which goes through
//! the shards downward as SCAN does, and a *writer* that is about to change an unseen entry. New entries are born with the
//! new epoch. So each entry of the cut is shown exactly once, as it was at the cut, and nothing else is shown.
//!
//! Databases are known to a snapshot by their physical number, so SWAPDB does not concern it. The tables of a flushed
//! database are handed to it; it shows what it has not seen and frees them.
//!
//! At its end all entries carry the current epoch again, also if it was given up: otherwise an entry could keep a stale
//! epoch until the 8-bit number comes round to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::entry_ref::EntryRef;
use crate::keyspace::{DbIndex, Keyspace};
use crate::shard::HeldShard;
use crate::table::Table;

/// The walker looks at no more entries than this before it lets writers at the shard.
const SLICE: usize = 64;

/// Where the entries of a snapshot go.
pub trait SnapshotSink: Send + Sync {
    /// Takes one entry of the cut. `db` is the database's number at the cut.
    ///
    /// Called under a shard's lock, by the walker and by writers at the same time: it must encode quickly, or clone
    /// (see [`EntryRef::shared`]) and encode later; it must not wait and must not use the keyspace.
    fn capture(&self, db: DbIndex, entry: EntryRef<'_>);

    /// Waits until there is room for more. Called by a writer that handed something over, after it released its locks.
    fn wait_for_room(&self);
}

/// The size of a database at the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DbSize {
    /// Its number at the cut.
    pub db: DbIndex,
    /// Its keys, expired ones included.
    pub keys: u64,
    /// Its keys with an expiry.
    pub expires: u64,
}

/// How far a walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    Running,
    /// Every entry of the cut was captured, and the snapshot is over.
    Done,
}

/// Another snapshot is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a snapshot is already in progress")]
pub struct SnapshotRunning;

/// What writers know of a running snapshot.
pub(crate) struct SnapshotState {
    sink: Arc<dyn SnapshotSink>,
    epoch: u8,
    /// The number of each physical database at the cut.
    names: Box<[DbIndex]>,
    /// Nothing is shown any more.
    aborted: AtomicBool,
    /// Tables of databases that were flushed meanwhile.
    adopted: Mutex<Vec<(u32, Table)>>,
}

impl SnapshotState {
    /// Shows an entry that was stamped.
    pub(crate) fn capture(&self, physical: u32, entry: EntryRef<'_>) {
        if !self.aborted.load(Relaxed) {
            self.sink.capture(self.names[physical as usize], entry);
        }
    }

    /// Takes over tables that are not part of the keyspace any more.
    pub(crate) fn adopt(&self, physical: u32, tables: Vec<Table>) {
        self.adopted.lock().extend(tables.into_iter().map(|table| (physical, table)));
    }
}

/// Where the walker is.
struct Walk {
    /// The databases that existed at the cut, to be walked from the last one on.
    physical: Vec<u32>,
    shard: usize,
    /// All slots at and above it are stamped.
    position: u32,
    /// The adopted table that is being walked.
    adopted: Option<(u32, Table)>,
    done: bool,
}

impl Walk {
    fn next_shard(&mut self) {
        self.shard += 1;
        self.position = u32::MAX;
        if self.shard == crate::hash::SHARDS {
            self.shard = 0;
            self.physical.pop();
        }
    }
}

/// A running snapshot. Dropping it before it is done gives it up.
pub struct Snapshot<'k> {
    keyspace: &'k Keyspace,
    state: Arc<SnapshotState>,
    sizes: Vec<DbSize>,
    walk: Mutex<Walk>,
}

impl Keyspace {
    /// Makes the cut (*exclusive*): what is in the keyspace now will be shown to `sink`. O(databases × shards).
    pub fn begin_snapshot(&self, sink: Arc<dyn SnapshotSink>) -> Result<Snapshot<'_>, SnapshotRunning> {
        let mut running = self.snapshot.write();
        if running.is_some() {
            return Err(SnapshotRunning);
        }
        let mut names = vec![DbIndex(0); self.databases() as usize];
        let mut sizes = Vec::new();
        for db in (0..self.databases()).map(DbIndex) {
            names[self.physical(db) as usize] = db;
            let keys = self.len(db);
            if keys > 0 {
                sizes.push(DbSize { db, keys, expires: self.expires_len(db) });
            }
        }
        // Walked from the end, so that the lowest database comes first.
        let mut physical: Vec<u32> = sizes.iter().map(|size| self.physical(size.db)).collect();
        physical.reverse();
        let state = Arc::new(SnapshotState {
            sink,
            epoch: self.next_epoch(),
            names: names.into(),
            aborted: AtomicBool::new(false),
            adopted: Mutex::new(Vec::new()),
        });
        *running = Some(Arc::clone(&state));
        let walk = Walk { physical, shard: 0, position: u32::MAX, adopted: None, done: false };
        Ok(Snapshot { keyspace: self, state, sizes, walk: Mutex::new(walk) })
    }

    /// Waits until the running snapshot's sink has room. For a writer whose view said
    /// [`handed_over`](crate::Closed::handed_over), once it holds nothing that others need.
    pub fn wait_for_snapshot_room(&self) {
        if let Some(snapshot) = self.running_snapshot() {
            snapshot.sink.wait_for_room();
        }
    }

    /// Whether a snapshot is running.
    pub fn is_snapshot_running(&self) -> bool {
        self.snapshot.read().is_some()
    }
}

impl Snapshot<'_> {
    /// The databases that held keys at the cut, for the RDB's RESIZEDB.
    pub fn sizes(&self) -> &[DbSize] {
        &self.sizes
    }

    /// Visits at most about `max_entries` entries, locking shards briefly. After each step the caller lets the sink drain.
    pub fn walk_step(&self, max_entries: usize) -> Progress {
        let mut walk = self.walk.lock();
        let mut left = max_entries.max(1);
        while left > 0 {
            if walk.done {
                return Progress::Done;
            }
            left = left.saturating_sub(self.walk_slice(&mut walk, left.min(SLICE)));
        }
        if walk.done { Progress::Done } else { Progress::Running }
    }

    /// Visits up to `max` entries of one table and returns the effort; at least 1, so that empty shards count too.
    fn walk_slice(&self, walk: &mut Walk, max: usize) -> usize {
        if walk.adopted.is_none() {
            walk.adopted = self.state.adopted.lock().pop();
        }
        if let Some((physical, table)) = &mut walk.adopted {
            let visited = self.walk_adopted(*physical, table, max);
            if table.len() == 0 {
                walk.adopted = None;
            }
            return visited.max(1);
        }
        let Some(&physical) = walk.physical.last() else {
            self.finish(walk);
            return 1;
        };
        let mut held =
            self.keyspace.lock_shard(physical, walk.shard).expect("a database that held keys exists");
        let visited = self.walk_shard(walk, physical, &mut held, max);
        drop(held);
        if walk.position == 0 {
            walk.next_shard();
        }
        visited.max(1)
    }

    fn walk_shard(&self, walk: &mut Walk, physical: u32, held: &mut HeldShard<'_>, max: usize) -> usize {
        let clock = self.keyspace.clock();
        let table = held.table_mut();
        let top = walk.position.min(table.len() as u32);
        walk.position = top;
        while walk.position > 0 && ((top - walk.position) as usize) < max {
            walk.position -= 1;
            let entry = table.get_mut(walk.position);
            if entry.epoch() != self.state.epoch {
                entry.set_epoch(self.state.epoch);
                self.state.capture(physical, EntryRef::new(entry, clock));
            }
        }
        (top - walk.position) as usize
    }

    /// As [`walk_shard`](Self::walk_shard) for a table nobody else has, freeing what was shown.
    fn walk_adopted(&self, physical: u32, table: &mut Table, max: usize) -> usize {
        let visit = table.len().min(max);
        for _ in 0..visit {
            let entry = table.remove((table.len() - 1) as u32);
            if entry.epoch() != self.state.epoch {
                self.state.capture(physical, EntryRef::new(&entry, self.keyspace.clock()));
            }
        }
        visit
    }

    fn finish(&self, walk: &mut Walk) {
        let mut running = self.keyspace.snapshot.write();
        // A flush holds this lock while it moves tables over to here.
        if self.state.adopted.lock().is_empty() {
            *running = None;
            walk.done = true;
        }
    }

    /// Gives the snapshot up: nothing more is shown to the sink. Takes a moment, because all entries get stamped.
    pub fn abort(self) {}
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if self.walk.lock().done {
            return;
        }
        self.state.aborted.store(true, Relaxed);
        while self.walk_step(usize::MAX) == Progress::Running {}
    }
}

#[cfg(test)]
mod tests;
