//! Fields of hashes whose time has come: removed when somebody meets them, or by the active cycle.

use std::sync::atomic::Ordering::Relaxed;

use crate::keyspace::{DbIndex, Keyspace};
use crate::mutation::{Change, ExpiredField, ExpiredKey, Garbage, Hook};
use crate::object::{Aggregate, Hash};
use crate::shard::{HeldShard, ShardId};
use crate::view::{Access, ExpiryMode};

/// What one call of the cycle did.
#[derive(Default)]
pub struct FieldExpireProgress {
    /// Fields it removed.
    pub expired: usize,
    /// Values to drop in the background.
    pub garbage: Garbage,
    /// As [`Closed::handed_over`](crate::Closed::handed_over).
    pub handed_over: bool,
}

/// Which fields go.
pub(crate) enum Doomed<'f> {
    /// All whose time has come, but no more than this.
    Any(usize),
    /// This one, if its time has come.
    One(&'f [u8]),
}

impl Doomed<'_> {
    /// Removes the next of them from the hash.
    fn pop(&mut self, hash: &mut Hash, horizon_ms: i64) -> Option<Box<[u8]>> {
        match self {
            Self::Any(most) => {
                *most = most.checked_sub(1)?;
                hash.pop_expired(horizon_ms)
            }
            Self::One(field) => {
                let expired = hash.get(field).is_some_and(|found| !found.is_live(horizon_ms));
                (expired && hash.remove(field)).then(|| (*field).into())
            }
        }
    }
}

impl Hook<'_> {
    /// Removes fields of a hash whose time has come, remembers them for the log, and says how many they were and whether
    /// the key went with the last. Counts no change: nobody asked for it.
    #[cold]
    pub(crate) fn expire_fields(
        &mut self,
        held: &mut HeldShard<'_>,
        at: u32,
        mut doomed: Doomed<'_>,
    ) -> (usize, bool) {
        let horizon_ms = self.access.horizon_ms();
        self.before_probe(held, at);
        let (mut removed, mut emptied) = (0, false);
        while let Some(hash) = held.table_mut().get_mut(at).object_mut().and_then(Hash::of_mut)
            && let Some(name) = doomed.pop(hash, horizon_ms)
        {
            removed += 1;
            emptied = hash.is_empty();
            let key = held.table().get(at).key().into();
            let field = Some(ExpiredField { name, was_last: emptied });
            self.keep_expired(ExpiredKey { db: self.db, key, field });
            if emptied {
                break;
            }
        }
        if removed == 0 {
            held.note_fields(at);
            return (0, false);
        }
        self.keyspace.expired_fields.fetch_add(removed as u64, Relaxed);
        if emptied {
            let entry = self.remove(held, at, Change::Expired);
            self.discard(entry);
        } else {
            self.tell(held.table().get(at).key(), Change::Expired);
            held.note_fields(at);
        }
        (removed, emptied)
    }
}

impl Keyspace {
    /// Removes up to `budget` fields of hashes of `db` whose time has come, the earliest hashes first. Only `access.now_ms`
    /// matters. Shards without such fields cost one load.
    ///
    /// `on_expired` is called for each removed field under its shard's lock: the engine logs the deletion there. The caller
    /// is counted as a running keyed command: it holds the gate and no view.
    pub fn expire_fields_cycle(
        &self,
        db: DbIndex,
        access: Access,
        budget: usize,
        mut on_expired: impl FnMut(ExpiredKey),
    ) -> FieldExpireProgress {
        let mut progress = FieldExpireProgress::default();
        let physical = self.physical(db);
        let Some(database) = self.database_at(physical) else { return progress };
        let access = Access { expiry: ExpiryMode::Delete, ..access };
        let cells = database.shards().enumerate();
        let mut due: Vec<(i64, usize)> = cells
            .map(|(shard, cell)| (cell.next_field_ms(), shard))
            .filter(|&(next_ms, _)| next_ms < access.horizon_ms())
            .collect();
        due.sort_unstable();
        let mut hook = Hook::new(self, db, physical, access);
        for (_, shard) in due {
            let mut held = database.shard(shard).lock(ShardId::new(physical, shard));
            while progress.expired < budget
                && let Some((next_ms, at)) = held.table().first_field()
                && next_ms < access.horizon_ms()
            {
                let doomed = Doomed::Any(budget - progress.expired);
                progress.expired += hook.expire_fields(&mut held, at, doomed).0;
                hook.take_expired().into_iter().for_each(&mut on_expired);
            }
        }
        progress.garbage = hook.take_garbage();
        progress.handed_over = hook.captured;
        progress
    }

    /// Number of hashes of `db` with fields that expire. Locks the shards that have some, one at a time.
    pub fn hashes_with_expiring_fields(&self, db: DbIndex) -> u64 {
        let physical = self.physical(db);
        let Some(database) = self.database_at(physical) else { return 0 };
        let listed = database.shards().enumerate().filter(|(_, cell)| cell.next_field_ms() != i64::MAX);
        listed.map(|(shard, cell)| cell.lock(ShardId::new(physical, shard)).table().fields_len() as u64).sum()
    }
}

#[cfg(test)]
mod tests;
