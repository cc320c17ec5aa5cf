//! Commands that look at keys nobody named: SCAN, KEYS, RANDOMKEY.
//!
//! They lock shards they did not declare, in ascending order and one at a time, so a keyed view must not hold any
//! declared ones.

use super::{ExpiryMode, View};
use crate::entry_ref::EntryRef;
use crate::hash::SHARDS;

/// Bits of a cursor that name the shard; the rest is the position in it, counted from above.
const CURSOR_SHARD_BITS: u32 = SHARDS.trailing_zeros();

/// The position at which the walk through a shard starts: above all elements.
const TOP: u32 = u32::MAX;

/// RANDOMKEY gives up drawing after this many expired keys and takes the first live one.
const RANDOM_TRIES: usize = 100;

fn cursor_of(shard: usize, position: u32) -> u64 {
    u64::from(position) << CURSOR_SHARD_BITS | shard as u64
}

impl View<'_> {
    /// One step of SCAN: shows about `count` keys (exactly, unless the walk ends or some are expired) and returns the
    /// cursor to go on with, 0 at the end. Start with 0.
    ///
    /// Each key that is there from the first to the last step is shown, most of them once. A cursor is below 2^42.
    /// Any other number is a valid cursor that shows some keys.
    pub fn scan(&mut self, cursor: u64, count: usize, mut visit: impl FnMut(EntryRef<'_>)) -> u64 {
        let Some(database) = self.database else { return 0 };
        let mut shard = cursor as usize & (SHARDS - 1);
        let mut position = u32::try_from(cursor >> CURSOR_SHARD_BITS).unwrap_or(TOP);
        if cursor == 0 {
            position = TOP;
        }
        let mut left = count.max(1);
        while shard < SHARDS {
            position = position.min(database.shard(shard).keys());
            if position == 0 {
                shard += 1;
                position = TOP;
                continue;
            }
            if left == 0 {
                return cursor_of(shard, position);
            }
            (position, left) = self.scan_shard(shard, position, left, &mut visit);
        }
        0
    }

    fn scan_shard(
        &mut self,
        shard: usize,
        position: u32,
        mut left: usize,
        visit: &mut impl FnMut(EntryRef<'_>),
    ) -> (u32, usize) {
        let Some((place, fresh)) = self.reach_for_walk(shard) else { return (0, left) };
        let expired_before = self.hook.expired_len();
        let mut below = position.min(self.held[place].table().len() as u32);
        while below > 0 && left > 0 {
            below -= 1;
            left -= 1;
            let held = &mut self.held[place];
            if !self.hook.access.is_past(held.table().get(below).expire_at_ms()) {
                visit(self.hook.entry_ref(held, below));
            } else if self.hook.access.expiry == ExpiryMode::Delete {
                self.hook.expire(held, below);
            }
        }
        // A shard in which a key was deleted stays locked, so that the deletion is logged before anybody can recreate the key.
        if fresh && self.hook.expired_len() == expired_before {
            self.held.pop();
        }
        (below, left)
    }

    /// The place of a shard that may not have been declared, and whether it was locked just now.
    fn reach_for_walk(&mut self, shard: usize) -> Option<(usize, bool)> {
        let database = self.database?;
        let id = crate::shard::ShardId::new(self.hook.physical, shard);
        if let Some(place) = self.held.iter().position(|held| held.id == id) {
            return Some((place, false));
        }
        debug_assert!(
            self.exclusive || self.held.last().is_none_or(|last| last.id < id),
            "a keyed view walks upward"
        );
        self.held.push(database.shard(shard).lock(id));
        Some((self.held.len() - 1, true))
    }

    /// Shows all keys of the database that did not expire, shard by shard. Nothing is deleted.
    ///
    /// In an exclusive view this is a picture of one moment; in a keyed one each key that is there throughout is shown.
    pub fn for_each_key(&mut self, mut visit: impl FnMut(EntryRef<'_>)) {
        let expiry = self.hook.access.expiry;
        if expiry == ExpiryMode::Delete {
            self.hook.access.expiry = ExpiryMode::Hide;
        }
        let mut cursor = self.scan(0, usize::MAX, &mut visit);
        while cursor != 0 {
            cursor = self.scan(cursor, usize::MAX, &mut visit);
        }
        self.hook.access.expiry = expiry;
    }

    /// A fair random key that did not expire, or `None` if there is none. Nothing is deleted.
    pub fn random_key(&mut self) -> Option<Vec<u8>> {
        for _ in 0..RANDOM_TRIES {
            let (place, fresh) = self.random_shard()?;
            let random = self.held[place].random();
            let mut found = None;
            if let Some(at) = self.held[place].table().slots().random(random) {
                let entry = self.held[place].table().get(at);
                let past = self.hook.access.is_past(entry.expire_at_ms());
                found = (!past).then(|| entry.key().to_vec());
            }
            if fresh {
                self.held.pop();
            }
            if found.is_some() {
                return found;
            }
        }
        self.first_live_key()
    }

    /// Locks a shard with a probability in proportion to its keys.
    fn random_shard(&mut self) -> Option<(usize, bool)> {
        let database = self.database?;
        let total = database.keys();
        if total == 0 {
            return None;
        }
        let mut nth = self.hook.keyspace.random_below(total);
        let mut chosen = None;
        for (shard, cell) in database.shards().enumerate() {
            let keys = u64::from(cell.keys());
            if keys > 0 {
                chosen = Some(shard);
            }
            if nth < keys {
                break;
            }
            nth -= keys;
        }
        self.reach_for_walk(chosen?)
    }

    fn first_live_key(&mut self) -> Option<Vec<u8>> {
        let mut first = None;
        self.for_each_key(|entry| {
            first.get_or_insert_with(|| entry.key().to_vec());
        });
        first
    }
}
