//! Filling the keyspace from a file or a master, before anybody looks at it.
//!
//! No hook runs: there are no watchers, no snapshot that would want the entries (they are born in the current epoch),
//! and nothing to log. Several threads may load at the same time.

use crate::hash::{Key, SHARDS, shard_of};
use crate::keyspace::{DbIndex, Keyspace};
use crate::shard::{Database, ShardId};
use crate::value::NewValue;

/// A key was in the input twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key exists already")]
pub struct DuplicateKey;

/// What the input says about the last accesses of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadedAccess {
    /// Nothing: it counts as used now.
    #[default]
    Now,
    /// It was idle for this many seconds.
    IdleSeconds(u64),
    /// Its LFU counter.
    Frequency(u8),
}

/// Inserts keys into one database.
#[derive(Clone, Copy)]
pub struct Loader<'k> {
    keyspace: &'k Keyspace,
    database: &'k Database,
    physical: u32,
    now_ms: i64,
}

impl Keyspace {
    /// A loader for one database, which is created if need be. Expired keys are loaded like others; whether to skip them is the
    /// caller's decision (a master does, a replica does not).
    pub fn loader(&self, db: DbIndex, now_ms: i64) -> Loader<'_> {
        let physical = self.physical(db);
        Loader { keyspace: self, database: self.database_or_create(physical), physical, now_ms }
    }
}

impl Loader<'_> {
    /// Makes room for `keys` more keys (RESIZEDB), so that no index is rebuilt during the load.
    pub fn reserve(&self, keys: u64) {
        // A shard gets its share give or take a few standard deviations.
        let share = keys / SHARDS as u64;
        let room = share + share.isqrt() * 3;
        if share == 0 {
            return;
        }
        // The number comes from a file that may lie: do not let it take more than the keys could.
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(1 << 20);
        for (shard, cell) in self.database.shards().enumerate() {
            cell.lock(ShardId::new(self.physical, shard)).table_mut().reserve(room);
        }
    }

    /// Inserts a key. If it is there already, nothing changes.
    pub fn insert(
        &self,
        key: &Key<'_>,
        value: NewValue<'_>,
        expire_at_ms: Option<i64>,
        access: LoadedAccess,
    ) -> Result<(), DuplicateKey> {
        let value = value.settle();
        let clock = self.keyspace.clock();
        let clock = match access {
            LoadedAccess::IdleSeconds(seconds) if !clock.is_lfu() => clock.with_idle(seconds, self.now_ms),
            LoadedAccess::Frequency(frequency) if clock.is_lfu() => {
                clock.with_frequency(frequency, self.now_ms)
            }
            _ => clock.born(self.now_ms),
        };
        let shard = shard_of(key.hash);
        let mut held = self.database.shard(shard).lock(ShardId::new(self.physical, shard));
        if held.table().find(key).is_some() {
            return Err(DuplicateKey);
        }
        held.table_mut().insert(key, value.payload(), expire_at_ms, clock, self.keyspace.epoch());
        held.publish();
        Ok(())
    }
}
