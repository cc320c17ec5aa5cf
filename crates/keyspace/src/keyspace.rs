//! All databases, and what concerns them as a whole.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use crate::clock::AccessClock;
use crate::hash::{Key, KeyHash, SHARDS, shard_of};
use crate::limits::Limits;
use crate::mutation::Observer;
use crate::prefetch::prefetch;
use crate::shard::{Database, HeldShard, ShardId};
use crate::snapshot::SnapshotState;
use crate::table::Table;
use crate::view::{Access, View};
use parking_lot::RwLock;

/// The number of a database, as SELECT takes it. It is below [`Keyspace::databases`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DbIndex(pub u32);

/// Lookups that found their key, lookups that did not, and keys that expired, since the start or the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyspaceStats {
    /// Reads of a key that existed.
    pub hits: u64,
    /// Reads of a key that did not exist.
    pub misses: u64,
    /// Keys deleted because their time had come.
    pub expired: u64,
    /// Fields of hashes deleted because their time had come.
    pub expired_fields: u64,
}

/// How far down the chain of addresses [`Keyspace::prefetch`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefetchStage {
    /// The shard's header with its lock.
    Shard,
    /// The line of the index, and the list of chunks.
    Index,
    /// The slot.
    Slot,
    /// Key and value.
    Block,
}

/// All databases of the server.
///
/// A database takes no memory until something is written to it. Who may call what when is the engine's business (its
/// gate): methods marked *exclusive* expect that no [`View`] is open and none is opened meanwhile.
pub struct Keyspace {
    /// By physical number; SWAPDB exchanges entries of `physical_of` and leaves these alone.
    databases: Box<[OnceLock<Database>]>,
    physical_of: Box<[AtomicU32]>,
    seed: u64,
    epoch: AtomicU8,
    pub(crate) snapshot: RwLock<Option<Arc<SnapshotState>>>,
    clock: AccessClock,
    limits: Limits,
    observer: OnceLock<Arc<dyn Observer>>,
    pub(crate) observed: AtomicBool,
    expired: AtomicU64,
    pub(crate) expired_fields: AtomicU64,
    /// Misses in databases that do not exist yet.
    absent_misses: AtomicU64,
    random: AtomicU64,
}

impl Keyspace {
    /// A keyspace of `databases` empty databases; `seed` drives sampling and the LFU counters.
    pub fn new(databases: u32, seed: u64) -> Self {
        assert!(
            databases > 0 && u64::from(databases) * (SHARDS as u64) < 1 << 32,
            "from 1 to 2^22 databases"
        );
        Self {
            databases: (0..databases).map(|_| OnceLock::new()).collect(),
            physical_of: (0..databases).map(AtomicU32::new).collect(),
            seed,
            epoch: AtomicU8::new(0),
            snapshot: RwLock::new(None),
            clock: AccessClock::default(),
            limits: Limits::default(),
            observer: OnceLock::new(),
            observed: AtomicBool::new(false),
            expired: AtomicU64::new(0),
            expired_fields: AtomicU64::new(0),
            absent_misses: AtomicU64::new(0),
            random: AtomicU64::new(seed),
        }
    }

    /// Number of databases.
    pub fn databases(&self) -> u32 {
        self.databases.len() as u32
    }

    /// The sizes at which values change their encoding.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The access clock, to choose its policy and parameters.
    pub fn clock(&self) -> &AccessClock {
        &self.clock
    }

    /// Installs the observer, once. It is only told anything while [`set_observed`](Self::set_observed) is on.
    /// Returns false if there is one already.
    pub fn set_observer(&self, observer: Arc<dyn Observer>) -> bool {
        self.observer.set(observer).is_ok()
    }

    /// Says whether anybody is interested in changes. Whoever starts to watch a key sets this and then touches the
    /// key's shard (opens a view on it): later changes of the key are then seen.
    pub fn set_observed(&self, observed: bool) {
        self.observed.store(observed, Relaxed);
    }

    pub(crate) fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.observer.get()
    }

    // --- views --------------------------------------------------------------------------------------------------

    /// A view for a command that declared its keys: locks their shards in ascending order, each once.
    ///
    /// If `access.writes` is not set and the database was never written to, there is nothing to lock.
    #[inline]
    pub fn view_keyed(
        &self,
        db: DbIndex,
        access: Access,
        keys: impl IntoIterator<Item = KeyHash>,
    ) -> View<'_> {
        let mut view = View::new(self, db, self.physical(db), access, false);
        view.lock_declared(keys);
        view
    }

    /// A view for a command that runs alone (*exclusive*): it locks shards as it meets their keys.
    pub fn view_exclusive(&self, db: DbIndex, access: Access) -> View<'_> {
        View::new(self, db, self.physical(db), access, true)
    }

    /// Fetches what a lookup of `hash` will touch, one step down the chain of addresses: a hint that reads nothing as far
    /// as the program is concerned. For a pipeline call it for all keys with one stage, then for all with the next, so
    /// that their cache misses overlap. The caller holds the gate and no shard.
    ///
    /// The later stages look at what the shard's lock protects, and skip a shard that is locked.
    #[inline]
    pub fn prefetch(&self, db: DbIndex, hash: KeyHash, stage: PrefetchStage) {
        let Some(database) = self.database(db) else { return };
        let shard = database.shard(shard_of(hash));
        match stage {
            PrefetchStage::Shard => prefetch(std::ptr::from_ref(shard) as usize),
            PrefetchStage::Index => {
                shard.prefetch_index(hash.low());
                shard.prefetch_chunks();
            }
            PrefetchStage::Slot => shard.prefetch_slot(hash.low()),
            PrefetchStage::Block => shard.prefetch_block(hash.low()),
        }
    }

    // --- figures ------------------------------------------------------------------------------------------------

    /// Number of keys of a database, including expired ones that were not deleted yet. O(shards).
    pub fn len(&self, db: DbIndex) -> u64 {
        self.database(db).map_or(0, Database::keys)
    }

    /// Whether no database holds a key.
    pub fn is_empty(&self) -> bool {
        (0..self.databases()).all(|db| self.len(DbIndex(db)) == 0)
    }

    /// Number of keys with an expiry. O(shards).
    pub fn expires_len(&self, db: DbIndex) -> u64 {
        self.database(db).map_or(0, Database::expires)
    }

    /// Average time to live of the keys with an expiry in milliseconds, as the active cycle last estimated it.
    pub fn avg_ttl_ms(&self, db: DbIndex) -> i64 {
        self.database(db).map_or(0, |database| database.avg_ttl_ms.load(Relaxed))
    }

    /// Hits, misses and expired keys of all databases.
    pub fn stats(&self) -> KeyspaceStats {
        let mut stats = KeyspaceStats {
            hits: 0,
            misses: self.absent_misses.load(Relaxed),
            expired: self.expired.load(Relaxed),
            expired_fields: self.expired_fields.load(Relaxed),
        };
        for cell in self.databases.iter().filter_map(OnceLock::get).flat_map(Database::shards) {
            let (hits, misses) = cell.hits_and_misses();
            stats.hits += hits;
            stats.misses += misses;
        }
        stats
    }

    /// Starts the figures of [`stats`](Self::stats) anew (CONFIG RESETSTAT). Locks each shard in turn; call it with no view open.
    pub fn reset_stats(&self) {
        self.expired.store(0, Relaxed);
        self.expired_fields.store(0, Relaxed);
        self.absent_misses.store(0, Relaxed);
        for (physical, database) in self.existing() {
            for (shard, cell) in database.shards().enumerate() {
                cell.lock(ShardId::new(physical, shard)).reset_hits_and_misses();
            }
        }
    }

    /// Bytes of the tables of a database (slots, indexes, shard headers), without the entries' own blocks: the
    /// `overhead.hashtable` figure of MEMORY STATS. Locks each shard in turn; call it with no view open.
    pub fn table_memory_usage(&self, db: DbIndex) -> usize {
        let physical = self.physical(db);
        let Some(database) = self.database_at(physical) else { return 0 };
        let shards = database.shards().enumerate();
        shards
            .map(|(shard, cell)| 128 + cell.lock(ShardId::new(physical, shard)).table().memory_usage())
            .sum()
    }

    pub(crate) fn count_expired(&self) {
        self.expired.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_absent_miss(&self) {
        self.absent_misses.fetch_add(1, Relaxed);
    }

    // --- whole databases ----------------------------------------------------------------------------------------

    /// Exchanges two databases (*exclusive*). O(1).
    pub fn swap(&self, first: DbIndex, second: DbIndex) {
        if first == second {
            return;
        }
        if self.observed.load(Relaxed)
            && let Some(observer) = self.observer()
        {
            observer.on_swap(first, second, &|db, key| self.holds(db, key));
        }
        let (one, other) = (self.physical(first), self.physical(second));
        self.physical_of[first.0 as usize].store(other, Relaxed);
        self.physical_of[second.0 as usize].store(one, Relaxed);
    }

    /// Empties a database (*exclusive*) and hands its tables back, to be dropped where that disturbs nobody.
    ///
    /// If a snapshot is running, it gets the tables instead, and drops them when it has seen them.
    pub fn flush(&self, db: DbIndex) -> Detached {
        let mut detached = Detached::default();
        if self.observed.load(Relaxed)
            && let Some(observer) = self.observer()
        {
            observer.on_flush(db, &|db, key| self.holds(db, key));
        }
        let physical = self.physical(db);
        let Some(database) = self.database_at(physical) else { return detached };
        // Held until the tables have an owner again: a snapshot does not end while keys of the cut are in the air.
        let running = self.snapshot.read();
        for (shard, cell) in database.shards().enumerate() {
            if cell.keys() == 0 {
                continue;
            }
            let mut held = cell.lock(ShardId::new(physical, shard));
            let table = std::mem::take(held.table_mut());
            held.publish();
            detached.keys += table.len() as u64;
            detached.tables.push(table);
        }
        database.avg_ttl_ms.store(0, Relaxed);
        if let Some(snapshot) = running.as_ref() {
            snapshot.adopt(physical, std::mem::take(&mut detached.tables));
        }
        detached
    }

    /// Empties all databases (*exclusive*); see [`flush`](Self::flush).
    pub fn flush_all(&self) -> Detached {
        let mut detached = Detached::default();
        for db in 0..self.databases() {
            let mut one = self.flush(DbIndex(db));
            detached.keys += one.keys;
            detached.tables.append(&mut one.tables);
        }
        detached
    }

    /// Whether a key is stored, past its time or not.
    fn holds(&self, db: DbIndex, key: &[u8]) -> bool {
        let key = Key::new(key);
        let shard = self.lock_shard(self.physical(db), shard_of(key.hash));
        shard.is_some_and(|shard| shard.table().find(&key).is_some())
    }

    // --- within the crate ---------------------------------------------------------------------------------------

    #[inline]
    pub(crate) fn physical(&self, db: DbIndex) -> u32 {
        self.physical_of[db.0 as usize].load(Relaxed)
    }

    #[inline]
    pub(crate) fn database_at(&self, physical: u32) -> Option<&Database> {
        self.databases[physical as usize].get()
    }

    #[inline]
    pub(crate) fn database(&self, db: DbIndex) -> Option<&Database> {
        self.database_at(self.physical(db))
    }

    #[inline]
    pub(crate) fn database_or_create(&self, physical: u32) -> &Database {
        self.databases[physical as usize].get_or_init(|| {
            Database::new(self.seed.wrapping_add(u64::from(physical).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
        })
    }

    /// The databases that exist, by physical number.
    pub(crate) fn existing(&self) -> impl Iterator<Item = (u32, &Database)> {
        self.databases.iter().enumerate().filter_map(|(physical, cell)| Some((physical as u32, cell.get()?)))
    }

    /// Locks one shard of an existing database.
    pub(crate) fn lock_shard(&self, physical: u32, shard: usize) -> Option<HeldShard<'_>> {
        Some(self.database_at(physical)?.shard(shard).lock(ShardId::new(physical, shard)))
    }

    /// A random number below `bound`, which is not 0, for choices that no shard's generator can make.
    pub(crate) fn random_below(&self, bound: u64) -> u64 {
        // A Weyl sequence shared by all threads seeds a generator for one number.
        let state = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Relaxed);
        fastrand::Rng::with_seed(state).u64(..bound)
    }

    /// A generator of random numbers, for commands that pick elements. Each call gives another one.
    pub fn generator(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.random_below(u64::MAX))
    }

    #[inline]
    pub(crate) fn epoch(&self) -> u8 {
        self.epoch.load(Relaxed)
    }

    pub(crate) fn set_epoch(&self, epoch: u8) {
        self.epoch.store(epoch, Relaxed);
    }

    pub(crate) fn next_epoch(&self) -> u8 {
        self.epoch.fetch_add(1, Relaxed).wrapping_add(1)
    }

    pub(crate) fn running_snapshot(&self) -> Option<Arc<SnapshotState>> {
        self.snapshot.read().clone()
    }
}

/// The tables of flushed databases. Dropping it frees them, which takes as long as there are keys.
#[derive(Default)]
pub struct Detached {
    keys: u64,
    tables: Vec<Table>,
}

impl Detached {
    /// Number of keys that were removed.
    pub fn keys(&self) -> u64 {
        self.keys
    }
}
