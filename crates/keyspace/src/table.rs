//! A shard's table: the entries, and the list of those that have an expiry.
//!
//! The list of volatile entries holds slot numbers; each such entry knows its place in the list, so that both stay in step in
//! O(1). The active expiry cycle and the volatile eviction policies look at nothing else, however few of the keys
//! have an expiry. The hashes whose fields expire are kept in order of that beside it (see the `field_times` module).

use crate::dense::Dense;
use crate::entry::Entry;
use crate::field_times::FieldTimes;
use crate::hash::Key;
use crate::value::{Owned, Payload};

/// What becomes of the expiry when a key is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetTtl {
    /// The key has none afterwards.
    Clear,
    /// The key keeps the one it has, if any.
    Keep,
    /// The key expires at this Unix time in milliseconds.
    At(i64),
}

impl SetTtl {
    /// The expiry that results if the key had `current`.
    pub(crate) fn resolve(self, current: Option<i64>) -> Option<i64> {
        match self {
            Self::Clear => None,
            Self::Keep => current,
            Self::At(at_ms) => Some(at_ms),
        }
    }
}

/// The entries with an expiry, and the hashes whose fields have one.
#[derive(Default)]
struct Volatile {
    /// Slot numbers in no particular order.
    slots: Vec<u32>,
    /// The active cycle continues below this place.
    next: u32,
    fields: FieldTimes,
}

/// Entries and volatile list of one shard.
#[derive(Default)]
pub(crate) struct Table {
    slots: Dense<Entry>,
    /// Boxed, because most shards of most servers have none and the shard's header is one cache line pair.
    volatile: Option<Box<Volatile>>,
}

impl Table {
    #[inline]
    pub(crate) fn slots(&self) -> &Dense<Entry> {
        &self.slots
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn volatile_len(&self) -> usize {
        self.volatile.as_ref().map_or(0, |volatile| volatile.slots.len())
    }

    pub(crate) fn reserve(&mut self, additional: usize) {
        self.slots.reserve(additional);
    }

    #[inline]
    pub(crate) fn find(&self, key: &Key<'_>) -> Option<u32> {
        self.slots.find(key.hash.low(), |entry| entry.key() == key.bytes)
    }

    #[inline]
    pub(crate) fn get(&self, at: u32) -> &Entry {
        self.slots.get(at)
    }

    /// The entry to change anything but key and expiry.
    #[inline]
    pub(crate) fn get_mut(&mut self, at: u32) -> &mut Entry {
        self.slots.get_mut(at)
    }

    /// Adds a key that is not there.
    pub(crate) fn insert(
        &mut self,
        key: &Key<'_>,
        payload: Payload<'_>,
        expire_at_ms: Option<i64>,
        clock: u32,
        epoch: u8,
    ) -> u32 {
        let expiry = expire_at_ms.map(|at_ms| (at_ms, self.volatile_len() as u32));
        let mut entry = Entry::new(key.bytes, key.hash.low(), payload, expiry);
        entry.set_clock(clock);
        entry.set_epoch(epoch);
        let at = self.slots.push(entry);
        if expiry.is_some() {
            self.enlist(at);
        }
        self.note_fields(at);
        at
    }

    /// Adds an entry that has no expiry yet and whose key is not there.
    pub(crate) fn insert_entry(&mut self, entry: Entry, expire_at_ms: Option<i64>) -> u32 {
        debug_assert!(entry.expire_at_ms().is_none(), "its place would be one in another list");
        let at = self.slots.push(entry);
        self.set_expiry(at, expire_at_ms);
        self.note_fields(at);
        at
    }

    /// Replaces value and expiry. Returns what the entry owned outside of its block.
    pub(crate) fn replace(&mut self, at: u32, payload: Payload<'_>, ttl: SetTtl) -> Option<Owned> {
        let current = self.get(at).expire_at_ms();
        let expiry = self.settle_expiry(at, ttl.resolve(current));
        let old = self.get_mut(at).replace(payload, expiry);
        self.note_fields(at);
        old
    }

    /// Sets or removes the expiry.
    pub(crate) fn set_expiry(&mut self, at: u32, expire_at_ms: Option<i64>) {
        let expiry = self.settle_expiry(at, expire_at_ms);
        self.get_mut(at).set_expiry(expiry);
    }

    /// Brings the volatile list in step with the expiry that the entry is about to get.
    fn settle_expiry(&mut self, at: u32, target: Option<i64>) -> Option<(i64, u32)> {
        match (self.get(at).expiry(), target) {
            (None, None) => None,
            (Some((_, place)), Some(at_ms)) => Some((at_ms, place)),
            (None, Some(at_ms)) => Some((at_ms, self.enlist(at))),
            (Some((_, place)), None) => {
                self.delist(place);
                None
            }
        }
    }

    fn enlist(&mut self, at: u32) -> u32 {
        let list = &mut self.volatile.get_or_insert_default().slots;
        list.push(at);
        (list.len() - 1) as u32
    }

    fn delist(&mut self, place: u32) {
        let volatile = self.volatile.as_mut().expect("an entry with a place is in the list");
        let list = &mut volatile.slots;
        list.swap_remove(place as usize);
        if let Some(&moved) = list.get(place as usize) {
            self.slots.get_mut(moved).set_volatile_place(place);
        } else if list.is_empty() {
            self.drop_unused_lists();
        } else if list.capacity() > 32 && list.len() * 4 < list.capacity() {
            list.shrink_to(list.len() * 2);
        }
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, at: u32) -> Entry {
        if let Some((_, place)) = self.get(at).expiry() {
            self.delist(place);
        }
        let removed = self.slots.swap_remove(at);
        let moved = (at as usize) < self.slots.len();
        if moved
            && let Some((_, place)) = self.get(at).expiry()
            && let Some(volatile) = &mut self.volatile
        {
            volatile.slots[place as usize] = at;
        }
        if self.volatile.is_some() {
            self.forget_fields(at, moved);
        }
        removed
    }

    fn drop_unused_lists(&mut self) {
        let unused = |volatile: &Volatile| volatile.slots.is_empty() && volatile.fields.is_empty();
        if self.volatile.as_deref().is_some_and(unused) {
            self.volatile = None;
        }
    }

    /// To be called when an entry may have become, or may have been, a hash with fields that expire. One load for others.
    #[inline]
    pub(crate) fn note_fields(&mut self, at: u32) {
        let next_ms = self.get(at).next_field_expiry();
        if next_ms.is_none() && self.fields_len() == 0 {
            return;
        }
        self.volatile.get_or_insert_default().fields.note(at, next_ms);
        self.drop_unused_lists();
    }

    /// The entry in slot `at` was taken out, and if `moved` the last one has its number now.
    fn forget_fields(&mut self, at: u32, moved: bool) {
        let last = self.slots.len() as u32;
        if let Some(volatile) = &mut self.volatile
            && !volatile.fields.is_empty()
        {
            volatile.fields.note(at, None);
            if moved {
                volatile.fields.renumber(last, at);
            }
        }
        self.drop_unused_lists();
    }

    /// Whether any entry or field has an expiry.
    #[inline]
    pub(crate) fn has_lists(&self) -> bool {
        self.volatile.is_some()
    }

    /// Number of hashes with fields that expire.
    #[inline]
    pub(crate) fn fields_len(&self) -> usize {
        self.volatile.as_ref().map_or(0, |volatile| volatile.fields.len())
    }

    /// The hash whose first field expires first, and when.
    #[inline]
    pub(crate) fn first_field(&self) -> Option<(i64, u32)> {
        self.volatile.as_ref()?.fields.first()
    }

    /// A fair random entry with an expiry.
    pub(crate) fn random_volatile(&self, random: u64) -> Option<u32> {
        let list = &self.volatile.as_ref()?.slots;
        let place = (u128::from(random) * list.len() as u128) >> 64;
        list.get(place as usize).copied()
    }

    /// The next volatile entry of the active cycle, which walks the list downward round and round; like the walk over
    /// slots it misses nobody. It may remove the entry it was given.
    pub(crate) fn next_volatile(&mut self) -> Option<u32> {
        let volatile = self.volatile.as_mut()?;
        let len = volatile.slots.len() as u32;
        if len == 0 {
            return None;
        }
        let below = if volatile.next == 0 { len } else { volatile.next.min(len) };
        volatile.next = below - 1;
        volatile.slots.get(volatile.next as usize).copied()
    }

    /// Bytes of the table, without the entries' blocks.
    pub(crate) fn memory_usage(&self) -> usize {
        let volatile = self.volatile.as_ref();
        let lists = |lists: &Volatile| {
            size_of::<Volatile>() + lists.slots.capacity() * size_of::<u32>() + lists.fields.memory_usage()
        };
        self.slots.memory_usage() + volatile.map_or(0, |volatile| lists(volatile))
    }
}
