//! Eviction sampling: which key to delete when memory runs out.
//!
//! An approximation as in Redis: a few random keys are looked at and the best candidates are remembered in a small pool
//! across calls, which brings the choice close to a true LRU or LFU order. The keys of one sample come from one
//! shard; shards are filled by hash, so that a shard's keys are as good a sample as any.

use crate::hash::{Key, SHARDS, shard_of};
use crate::keyspace::{DbIndex, Keyspace};
use crate::shard::HeldShard;
use crate::table::Table;

/// Candidates remembered between calls.
const POOL_MAX: usize = 16;

/// What `maxmemory-policy` can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvictionPolicy {
    /// Deletes nothing: writes fail.
    NoEviction,
    /// The least recently used key.
    AllKeysLru,
    /// The least frequently used key.
    AllKeysLfu,
    /// A random key.
    AllKeysRandom,
    /// The least recently used key with an expiry.
    VolatileLru,
    /// The least frequently used key with an expiry.
    VolatileLfu,
    /// A random key with an expiry.
    VolatileRandom,
    /// The key that expires next.
    VolatileTtl,
}

impl EvictionPolicy {
    /// All policies by the name that the configuration uses.
    pub const ALL: [(&'static str, Self); 8] = [
        ("noeviction", Self::NoEviction),
        ("allkeys-lru", Self::AllKeysLru),
        ("allkeys-lfu", Self::AllKeysLfu),
        ("allkeys-random", Self::AllKeysRandom),
        ("volatile-lru", Self::VolatileLru),
        ("volatile-lfu", Self::VolatileLfu),
        ("volatile-random", Self::VolatileRandom),
        ("volatile-ttl", Self::VolatileTtl),
    ];

    /// Whether only keys with an expiry are evicted.
    pub fn is_volatile(self) -> bool {
        matches!(self, Self::VolatileLru | Self::VolatileLfu | Self::VolatileRandom | Self::VolatileTtl)
    }

    /// Whether the access clock has to count frequency.
    pub fn is_lfu(self) -> bool {
        matches!(self, Self::AllKeysLfu | Self::VolatileLfu)
    }

    fn is_random(self) -> bool {
        matches!(self, Self::AllKeysRandom | Self::VolatileRandom)
    }
}

/// A key to evict. It existed when it was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvictionCandidate {
    /// Its database.
    pub db: DbIndex,
    /// Its name.
    pub key: Box<[u8]>,
}

struct Pooled {
    /// The higher, the better to evict.
    score: u64,
    candidate: EvictionCandidate,
}

/// The best candidates seen so far.
#[derive(Default)]
pub struct EvictionPool {
    policy: Option<EvictionPolicy>,
    /// Ascending by score.
    pooled: Vec<Pooled>,
}

impl EvictionPool {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses a key to evict, or `None` if the policy finds none (there are no keys, or none with an expiry).
    ///
    /// `samples` is `maxmemory-samples`. Locks a few shards in turn: call it with no view open. The caller evicts through
    /// [`View::evict`](crate::View::evict), which can fail if somebody was faster; then it asks again.
    pub fn pick(
        &mut self,
        keyspace: &Keyspace,
        policy: EvictionPolicy,
        samples: usize,
        now_ms: i64,
    ) -> Option<EvictionCandidate> {
        if policy == EvictionPolicy::NoEviction {
            return None;
        }
        if self.policy.replace(policy) != Some(policy) {
            self.pooled.clear();
        }
        if policy.is_random() {
            return pick_random(keyspace, policy);
        }
        // A pool full of keys that are gone is refilled; keys are found as long as there are any.
        for _ in 0..=POOL_MAX {
            if !self.refill(keyspace, policy, samples, now_ms) {
                return None;
            }
            while let Some(best) = self.pooled.pop() {
                if still_there(keyspace, policy, &best.candidate) {
                    return Some(best.candidate);
                }
            }
        }
        None
    }

    /// Samples every database once; false if no database has a key that qualifies.
    fn refill(&mut self, keyspace: &Keyspace, policy: EvictionPolicy, samples: usize, now_ms: i64) -> bool {
        let mut any = false;
        for db in (0..keyspace.databases()).map(DbIndex) {
            let mut left = samples.max(1);
            // Small databases have few keys per shard: several shards make up the sample.
            for _ in 0..samples.max(1) {
                let Some(mut held) = lock_random_shard(keyspace, db, policy) else { break };
                let draws = left.min(qualifying(held.table(), policy));
                for _ in 0..draws {
                    let random = held.random();
                    if let Some(at) = draw(held.table(), policy, random) {
                        let entry = held.table().get(at);
                        let score = score(keyspace, policy, entry.clock(), entry.expire_at_ms(), now_ms);
                        self.offer(score, db, entry.key());
                        any = true;
                    }
                }
                left -= draws;
                if left == 0 {
                    break;
                }
            }
        }
        any
    }

    fn offer(&mut self, score: u64, db: DbIndex, key: &[u8]) {
        let full = self.pooled.len() >= POOL_MAX;
        if full && self.pooled.first().is_some_and(|worst| worst.score >= score) {
            return;
        }
        if self.pooled.iter().any(|pooled| pooled.candidate.db == db && *pooled.candidate.key == *key) {
            return;
        }
        if full {
            self.pooled.remove(0);
        }
        let at = self.pooled.partition_point(|pooled| pooled.score <= score);
        self.pooled.insert(at, Pooled { score, candidate: EvictionCandidate { db, key: key.into() } });
    }
}

fn score(
    keyspace: &Keyspace,
    policy: EvictionPolicy,
    clock: u32,
    expire_at_ms: Option<i64>,
    now_ms: i64,
) -> u64 {
    match policy {
        EvictionPolicy::VolatileTtl => (i64::MAX - expire_at_ms.unwrap_or(i64::MAX).max(0)) as u64,
        EvictionPolicy::AllKeysLfu | EvictionPolicy::VolatileLfu => {
            u64::from(u8::MAX - keyspace.clock().frequency(clock, now_ms))
        }
        _ => keyspace.clock().idle_ms(clock, now_ms),
    }
}

fn qualifying(table: &Table, policy: EvictionPolicy) -> usize {
    if policy.is_volatile() { table.volatile_len() } else { table.len() }
}

fn draw(table: &Table, policy: EvictionPolicy, random: u64) -> Option<u32> {
    if policy.is_volatile() { table.random_volatile(random) } else { table.slots().random(random) }
}

/// Locks the first shard with a qualifying key from a random one on.
fn lock_random_shard(keyspace: &Keyspace, db: DbIndex, policy: EvictionPolicy) -> Option<HeldShard<'_>> {
    let physical = keyspace.physical(db);
    let database = keyspace.database_at(physical)?;
    let start = keyspace.random_below(SHARDS as u64) as usize;
    let shard = (start..SHARDS).chain(0..start).find(|&shard| {
        let cell = database.shard(shard);
        if policy.is_volatile() { cell.expires() > 0 } else { cell.keys() > 0 }
    })?;
    keyspace.lock_shard(physical, shard)
}

/// A random key of the databases in turn, starting with a random one.
fn pick_random(keyspace: &Keyspace, policy: EvictionPolicy) -> Option<EvictionCandidate> {
    let databases = keyspace.databases();
    let start = keyspace.random_below(u64::from(databases)) as u32;
    (start..databases).chain(0..start).map(DbIndex).find_map(|db| {
        let mut held = lock_random_shard(keyspace, db, policy)?;
        let random = held.random();
        let at = draw(held.table(), policy, random)?;
        Some(EvictionCandidate { db, key: held.table().get(at).key().into() })
    })
}

fn still_there(keyspace: &Keyspace, policy: EvictionPolicy, candidate: &EvictionCandidate) -> bool {
    let key = Key::new(&candidate.key);
    let physical = keyspace.physical(candidate.db);
    let Some(held) = keyspace.lock_shard(physical, shard_of(key.hash)) else { return false };
    let found = held.table().find(&key);
    found.is_some_and(|at| !policy.is_volatile() || held.table().get(at).expire_at_ms().is_some())
}

#[cfg(test)]
mod tests;
