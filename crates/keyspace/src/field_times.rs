//! Which hashes of a shard hold fields that expire, and when the first field of each does.
//!
//! The active cycle asks for the earliest; nothing is kept for hashes without such fields. Hashes are known by their slot
//! numbers, so that a change of a hash finds its old time without the hash having to remember it.

use std::collections::{BTreeMap, BTreeSet};

/// See the module's page.
#[derive(Default)]
pub(crate) struct FieldTimes {
    by_time: BTreeSet<(i64, u32)>,
    by_slot: BTreeMap<u32, i64>,
}

impl FieldTimes {
    /// Number of hashes.
    pub(crate) fn len(&self) -> usize {
        self.by_slot.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_slot.is_empty()
    }

    /// The hash whose first field expires first.
    pub(crate) fn first(&self) -> Option<(i64, u32)> {
        self.by_time.first().copied()
    }

    /// Notes when the first field of the hash in this slot expires: `None` for no field, and for whatever is no hash. O(log N).
    pub(crate) fn note(&mut self, at: u32, next_ms: Option<i64>) {
        let old = match next_ms {
            Some(next_ms) => self.by_slot.insert(at, next_ms),
            None => self.by_slot.remove(&at),
        };
        if old == next_ms {
            return;
        }
        if let Some(old) = old {
            self.by_time.remove(&(old, at));
        }
        if let Some(next_ms) = next_ms {
            self.by_time.insert((next_ms, at));
        }
    }

    /// Notes that what was in slot `from` is in slot `to` now.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) {
        let next_ms = self.by_slot.get(&from).copied();
        self.note(from, None);
        self.note(to, next_ms);
    }

    /// Bytes allocated, about: a node of a B-tree is three quarters full.
    pub(crate) fn memory_usage(&self) -> usize {
        self.len() * (size_of::<(i64, u32)>() * 2) * 4 / 3
    }
}
