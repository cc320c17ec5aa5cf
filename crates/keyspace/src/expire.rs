//! The active expiry cycle: finds keys whose time has come though nobody looks at them.
//!
//! It goes through the shards round and round and in each through the volatile entries round and round, so that it
//! sees every key with an expiry again after a bounded number of steps. Where many of them turn out to be expired it stays
//! longer. Shards without volatile entries cost one load.

use std::sync::atomic::Ordering::Relaxed;

use crate::hash::SHARDS;
use crate::keyspace::{DbIndex, Keyspace};
use crate::mutation::Garbage;
use crate::mutation::Hook;
use crate::shard::ShardId;
use crate::view::{Access, ExpiryMode};

/// Entries looked at in a shard before deciding whether to stay.
const BATCH: usize = 20;
/// The cycle stays in a shard while at least one in this many entries was expired.
const STAY_ONE_IN: usize = 10;
/// Batches per visit of a shard, so that others get at it.
const BATCHES_MAX: usize = 8;

/// What one call of the cycle may do.
#[derive(Clone, Copy, Debug)]
pub struct ExpireBudget {
    /// Shards to visit.
    pub shards: usize,
    /// Entries to look at.
    pub entries: usize,
}

/// What one call of the cycle did.
#[derive(Default)]
pub struct ExpireProgress {
    /// Entries it looked at.
    pub sampled: usize,
    /// Entries it deleted.
    pub expired: usize,
    /// Shards it passed, empty ones included.
    pub shards: usize,
    /// Whether it passed the last shard of the database.
    pub wrapped: bool,
    /// Values to drop in the background.
    pub garbage: Garbage,
    /// As [`Closed::handed_over`](crate::Closed::handed_over).
    pub handed_over: bool,
}

impl Keyspace {
    /// Deletes expired keys of `db`, from shard `*cursor` on, which moves on (start with 0). Only `access.now_ms` matters.
    ///
    /// `on_expired` is called for each deleted key under its shard's lock: the engine logs the deletion there. The caller
    /// is counted as a running keyed command: it holds the gate and no view. Returns early if the budget is spent.
    pub fn expire_cycle(
        &self,
        db: DbIndex,
        cursor: &mut usize,
        access: Access,
        budget: ExpireBudget,
        mut on_expired: impl FnMut(DbIndex, &[u8]),
    ) -> ExpireProgress {
        let mut progress = ExpireProgress::default();
        let physical = self.physical(db);
        let Some(database) = self.database_at(physical) else {
            *cursor = 0;
            progress.wrapped = true;
            return progress;
        };
        let access = Access { expiry: ExpiryMode::Delete, ..access };
        let mut hook = Hook::new(self, db, physical, access);
        let mut ttl = TtlAverage::default();
        *cursor %= SHARDS;
        while progress.shards < budget.shards && progress.sampled < budget.entries && !progress.wrapped {
            let cell = database.shard(*cursor);
            if cell.expires() > 0 {
                let mut held = cell.lock(ShardId::new(physical, *cursor));
                for _ in 0..BATCHES_MAX {
                    let (sampled, expired) = expire_batch(&mut hook, &mut held, &mut ttl, &mut on_expired);
                    progress.sampled += sampled;
                    progress.expired += expired;
                    if expired * STAY_ONE_IN < BATCH || sampled < BATCH || progress.sampled >= budget.entries
                    {
                        break;
                    }
                }
            }
            progress.shards += 1;
            *cursor = (*cursor + 1) % SHARDS;
            progress.wrapped = *cursor == 0;
        }
        ttl.fold_into(&database.avg_ttl_ms, database.expires() == 0);
        progress.garbage = hook.take_garbage();
        progress.handed_over = hook.captured;
        progress
    }
}

/// Looks at up to [`BATCH`] volatile entries; returns how many and how many of them were deleted.
fn expire_batch(
    hook: &mut Hook<'_>,
    held: &mut crate::shard::HeldShard<'_>,
    ttl: &mut TtlAverage,
    on_expired: &mut impl FnMut(DbIndex, &[u8]),
) -> (usize, usize) {
    let batch = held.table().volatile_len().min(BATCH);
    let mut expired = 0;
    for _ in 0..batch {
        let Some(at) = held.table_mut().next_volatile() else { break };
        let expire_at_ms = held.table().get(at).expire_at_ms();
        if hook.access.is_past(expire_at_ms) {
            hook.expire(held, at);
            expired += 1;
        } else {
            ttl.add(expire_at_ms.unwrap_or(hook.access.now_ms).saturating_sub(hook.access.now_ms));
        }
    }
    for key in hook.take_expired() {
        on_expired(key.db, &key.key);
    }
    (batch, expired)
}

/// Times to live seen during one call.
#[derive(Default)]
struct TtlAverage {
    sum_ms: i128,
    count: i128,
}

impl TtlAverage {
    fn add(&mut self, ttl_ms: i64) {
        self.sum_ms += i128::from(ttl_ms);
        self.count += 1;
    }

    /// A running average: what was seen now weighs 2 %, as in Redis.
    fn fold_into(self, average: &std::sync::atomic::AtomicI64, none_left: bool) {
        if none_left {
            average.store(0, Relaxed);
        } else if self.count > 0 {
            let seen = (self.sum_ms / self.count) as i64;
            let old = average.load(Relaxed);
            average.store(if old == 0 { seen } else { old / 50 * 49 + seen / 50 }, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
