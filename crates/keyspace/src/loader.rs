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
        // The number comes from a file that may lie: at most 80 MB are taken for it, the rest grows as keys come.
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(1 << 14);
        for (shard, cell) in self.database.shards().enumerate() {
            let mut held = cell.lock(ShardId::new(self.physical, shard));
            held.table_mut().reserve(room);
            held.publish();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Access;

    const DB: DbIndex = DbIndex(1);

    #[test]
    fn loaded_keys_are_there_with_expiry_and_clock() {
        let keyspace = Keyspace::new(2, 1);
        let loader = keyspace.loader(DB, 100_000);
        loader.reserve(5000);
        for n in 0..5000_i64 {
            let name = n.to_string();
            let expiry = (n % 5 == 0).then_some(1_000_000 + n);
            let value = NewValue::Text(name.as_bytes());
            loader
                .insert(&Key::new(name.as_bytes()), value, expiry, LoadedAccess::IdleSeconds(7))
                .expect("a new key");
        }
        let key = Key::new(b"25");
        assert_eq!(loader.insert(&key, NewValue::Int(0), None, LoadedAccess::Now), Err(DuplicateKey));
        assert_eq!((keyspace.len(DB), keyspace.expires_len(DB), keyspace.len(DbIndex(0))), (5000, 1000, 0));
        let mut view = keyspace.view_keyed(DB, Access::read(100_000), [key.hash]);
        let entry = view.peek(&key).expect("it was loaded");
        assert_eq!(
            (entry.string().unwrap().to_vec(), entry.expire_at_ms()),
            (b"25".to_vec(), Some(1_000_025))
        );
        assert_eq!(entry.idle_ms(100_000), 7_000);
    }

    #[test]
    fn a_lying_size_does_not_take_the_memory() {
        let keyspace = Keyspace::new(2, 1);
        keyspace.loader(DB, 0).reserve(u64::MAX);
        assert!(keyspace.table_memory_usage(DB) < 120 << 20);
        assert!(keyspace.is_empty());
    }
}
