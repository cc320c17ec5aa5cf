//! A shard: a table behind a one-byte lock, with its counts beside the lock; and a database, which is 1024 of them.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

use crossbeam_utils::CachePadded;
use parking_lot::{Mutex, MutexGuard};

use crate::hash::SHARDS;
use crate::index::IndexLayout;
use crate::prefetch::prefetch;
use crate::table::Table;

/// What the lock of a shard protects.
pub(crate) struct Shard {
    pub(crate) table: Table,
    /// Drives the LFU counters and the sampling in this shard.
    pub(crate) random: fastrand::Rng,
}

/// A shard with its lock and the figures that may be read without it.
///
/// The figures are written only by whoever holds the lock, with plain loads and stores.
pub(crate) struct ShardCell {
    lock: Mutex<Shard>,
    keys: AtomicU32,
    expires: AtomicU32,
    hits: AtomicU64,
    misses: AtomicU64,
    index_base: AtomicUsize,
    index_buckets: AtomicU32,
    /// When the first field of a hash expires, in Unix milliseconds; [`NEVER`] for no such field.
    next_field: AtomicI64,
}

/// No field expires.
const NEVER: i64 = i64::MAX;

// A database in use costs 1024 of these.
const _: () = assert!(size_of::<CachePadded<ShardCell>>() <= 128);

impl ShardCell {
    fn new(seed: u64) -> Self {
        let shard = Shard { table: Table::default(), random: fastrand::Rng::with_seed(seed) };
        Self {
            lock: Mutex::new(shard),
            keys: AtomicU32::new(0),
            expires: AtomicU32::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            index_base: AtomicUsize::new(0),
            index_buckets: AtomicU32::new(0),
            next_field: AtomicI64::new(NEVER),
        }
    }

    /// Locks the shard; `id` orders locks among databases and shards.
    #[inline]
    pub(crate) fn lock(&self, id: ShardId) -> HeldShard<'_> {
        HeldShard { id, cell: self, guard: self.lock.lock() }
    }

    /// Number of keys, expired ones included.
    #[inline]
    pub(crate) fn keys(&self) -> u32 {
        self.keys.load(Relaxed)
    }

    /// Number of keys with an expiry.
    #[inline]
    pub(crate) fn expires(&self) -> u32 {
        self.expires.load(Relaxed)
    }

    /// When the first field of a hash expires, in Unix milliseconds; `i64::MAX` for no such field.
    #[inline]
    pub(crate) fn next_field_ms(&self) -> i64 {
        self.next_field.load(Relaxed)
    }

    pub(crate) fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits.load(Relaxed), self.misses.load(Relaxed))
    }

    /// Fetches the line of the index at which a lookup of this hash starts.
    #[inline]
    pub(crate) fn prefetch_index(&self, low: u32) {
        // The two loads need not belong together: a wrong address costs a useless line and nothing else.
        let layout =
            IndexLayout { base: self.index_base.load(Relaxed), buckets: self.index_buckets.load(Relaxed) };
        if layout.buckets != 0 {
            prefetch(layout.line_of(low));
        }
    }

    /// Fetches the list of chunks of the table. Does nothing if somebody holds the lock: a hint is not worth waiting for.
    #[inline]
    pub(crate) fn prefetch_chunks(&self) {
        if let Some(shard) = self.lock.try_lock() {
            prefetch(shard.table.slots().chunks_address());
        }
    }

    /// Fetches the slot of this hash, whose index line and list of chunks were fetched before.
    #[inline]
    pub(crate) fn prefetch_slot(&self, low: u32) {
        if let Some(shard) = self.lock.try_lock()
            && let Some(entry) = shard.table.slots().likely(low)
        {
            prefetch(std::ptr::from_ref(entry) as usize);
        }
    }

    /// Fetches the block of key and value of this hash, whose slot was fetched before.
    #[inline]
    pub(crate) fn prefetch_block(&self, low: u32) {
        if let Some(shard) = self.lock.try_lock()
            && let Some(entry) = shard.table.slots().likely(low)
        {
            let address = entry.block_address();
            prefetch(address);
            // A block of two or three dozen bytes often lies across two lines.
            prefetch(address + BLOCK_REACH);
        }
    }
}

/// How far into a block the second line is fetched.
const BLOCK_REACH: usize = 47;

/// Where a shard is: the physical database and the shard's number. Locks are taken in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ShardId(u32);

impl ShardId {
    #[inline]
    pub(crate) fn new(physical: u32, shard: usize) -> Self {
        Self(physical * SHARDS as u32 + shard as u32)
    }
}

/// A locked shard.
pub(crate) struct HeldShard<'k> {
    pub(crate) id: ShardId,
    cell: &'k ShardCell,
    guard: MutexGuard<'k, Shard>,
}

impl HeldShard<'_> {
    #[inline]
    pub(crate) fn table(&self) -> &Table {
        &self.guard.table
    }

    /// The table, to change it; [`publish`](Self::publish) afterwards if keys or expiries came or went.
    #[inline]
    pub(crate) fn table_mut(&mut self) -> &mut Table {
        &mut self.guard.table
    }

    #[inline]
    pub(crate) fn shard_mut(&mut self) -> &mut Shard {
        &mut self.guard
    }

    pub(crate) fn random(&mut self) -> u64 {
        self.guard.random.u64(..)
    }

    /// Shows the table's counts to those who read without the lock.
    pub(crate) fn publish(&self) {
        let table = &self.guard.table;
        self.cell.keys.store(table.len() as u32, Relaxed);
        self.cell.expires.store(table.volatile_len() as u32, Relaxed);
        let layout = table.slots().index_layout();
        self.cell.index_base.store(layout.base, Relaxed);
        self.cell.index_buckets.store(layout.buckets, Relaxed);
        self.publish_next_field();
    }

    fn publish_next_field(&self) {
        let next_ms = self.guard.table.first_field().map_or(NEVER, |(at_ms, _)| at_ms);
        self.cell.next_field.store(next_ms, Relaxed);
    }

    /// To be called when the value of an entry was changed in place: it may be a hash with fields that expire.
    #[inline]
    pub(crate) fn note_fields(&mut self, at: u32) {
        self.guard.table.note_fields(at);
        if self.guard.table.has_lists() || self.cell.next_field_ms() != NEVER {
            self.publish_next_field();
        }
    }

    /// Counts a lookup that found its key or did not.
    #[inline]
    pub(crate) fn count(&self, hit: bool) {
        let counter = if hit { &self.cell.hits } else { &self.cell.misses };
        counter.store(counter.load(Relaxed).wrapping_add(1), Relaxed);
    }

    pub(crate) fn reset_hits_and_misses(&self) {
        self.cell.hits.store(0, Relaxed);
        self.cell.misses.store(0, Relaxed);
    }
}

/// One database: its shards, and the average time to live that the active cycle last estimated.
pub(crate) struct Database {
    shards: Box<[CachePadded<ShardCell>]>,
    pub(crate) avg_ttl_ms: AtomicI64,
}

impl Database {
    pub(crate) fn new(seed: u64) -> Self {
        let mut seeds = fastrand::Rng::with_seed(seed);
        let shards = (0..SHARDS).map(|_| CachePadded::new(ShardCell::new(seeds.u64(..)))).collect();
        Self { shards, avg_ttl_ms: AtomicI64::new(0) }
    }

    #[inline]
    pub(crate) fn shard(&self, shard: usize) -> &ShardCell {
        &self.shards[shard]
    }

    pub(crate) fn shards(&self) -> impl Iterator<Item = &ShardCell> {
        self.shards.iter().map(|cell| &**cell)
    }

    pub(crate) fn keys(&self) -> u64 {
        self.shards().map(|cell| u64::from(cell.keys())).sum()
    }

    pub(crate) fn expires(&self) -> u64 {
        self.shards().map(|cell| u64::from(cell.expires())).sum()
    }
}
