//! The one mutation hook.
//!
//! Every change of a key goes through [`Hook`]: insert, overwrite, edit, remove, rename, expire, evict. It does, under
//! the shard's lock and in this order: hand the old entry to a running snapshot that has not seen it (stamp first, then
//! serialise), make the change, publish the counts, count `dirty`, and tell the [`Observer`] if anybody is interested.
//! Nothing else in this crate has `&mut` access to a stored value, except the loader, which runs before there is
//! anybody to tell.

use std::sync::atomic::Ordering::Relaxed;

use crate::entry::Entry;
use crate::entry_ref::EntryRef;
use crate::hash::Key;
use crate::keyspace::{DbIndex, Keyspace};
use crate::shard::HeldShard;
use crate::table::SetTtl;
use crate::value::{Owned, Payload};
use crate::view::Access;

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Inserted,
    /// Its value was replaced.
    Overwritten,
    /// Its value is about to be changed in place.
    Edited,
    /// Its expiry was set or removed.
    ExpiryChanged,
    /// It was removed by a command (a rename removes the old name and inserts the new one).
    Removed,
    /// It was removed because its time had come, or one of its fields was.
    Expired,
    /// It was removed to make room.
    Evicted,
}

/// Somebody who wants to know about changes: WATCH and client tracking.
///
/// Called under the shard's lock, so it must be quick and must not use the keyspace.
pub trait Observer: Send + Sync {
    /// `key` in `db` was changed.
    fn on_mutation(&self, db: DbIndex, key: &[u8], change: Change);

    /// All keys of `db` are about to be removed. Called without any shard lock; nobody else runs commands. `holds` says
    /// whether a key is there, past its time or not.
    fn on_flush(&self, db: DbIndex, holds: &dyn Fn(DbIndex, &[u8]) -> bool);

    /// The two databases are about to change places. Called as `on_flush`.
    fn on_swap(&self, first: DbIndex, second: DbIndex, holds: &dyn Fn(DbIndex, &[u8]) -> bool);
}

/// A key, or a field of a hash, that was deleted because its time had come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredKey {
    /// Its database.
    pub db: DbIndex,
    /// Its name.
    pub key: Box<[u8]>,
    /// The field, if it was one and not the whole key.
    pub field: Option<ExpiredField>,
}

/// A field of a hash that was deleted because its time had come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredField {
    /// Its name.
    pub name: Box<[u8]>,
    /// Whether it was the last one, so that its key went with it.
    pub was_last: bool,
}

/// Expired keys and fields in the order of their deletion.
pub type ExpiredKeys = Vec<ExpiredKey>;

/// Values that take long to free; to be dropped on a background thread.
#[derive(Default)]
pub struct Garbage {
    values: Vec<Owned>,
}

impl Garbage {
    /// Whether there is nothing to free.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// About how many bytes dropping this frees, unless a snapshot or a reply still shares them.
    pub fn memory_usage(&self) -> usize {
        /// Elements of an object looked at.
        const SAMPLES: usize = 5;
        let usage = |value: &Owned| match value {
            Owned::String(string) => string.capacity(),
            Owned::Object(object) => object.memory_usage(SAMPLES),
        };
        self.values.iter().map(usage).sum()
    }

    /// Takes over what `other` holds.
    pub fn append(&mut self, mut other: Self) {
        self.values.append(&mut other.values);
    }
}

/// The state of the hook for one view.
pub(crate) struct Hook<'k> {
    pub(crate) keyspace: &'k Keyspace,
    pub(crate) db: DbIndex,
    pub(crate) physical: u32,
    pub(crate) access: Access,
    /// The epoch that stamped entries have. It does not change while a view is open: a cut excludes all views.
    epoch: u8,
    pub(crate) dirty: u64,
    /// Whether an entry was handed to a snapshot, so that its sink may be full.
    pub(crate) captured: bool,
    /// Rarely anything, and views are made for every command: kept small.
    leftovers: Option<Box<Leftovers>>,
}

/// What a view leaves to the engine.
#[derive(Default)]
struct Leftovers {
    expired: ExpiredKeys,
    garbage: Garbage,
}

impl<'k> Hook<'k> {
    #[inline]
    pub(crate) fn new(keyspace: &'k Keyspace, db: DbIndex, physical: u32, access: Access) -> Self {
        Self {
            keyspace,
            db,
            physical,
            access,
            epoch: keyspace.epoch(),
            dirty: 0,
            captured: false,
            leftovers: None,
        }
    }

    pub(crate) fn entry_ref<'a>(&'a self, held: &'a HeldShard<'_>, at: u32) -> EntryRef<'a> {
        EntryRef::new(held.table().get(at), self.keyspace.clock())
    }

    /// Adds a key that is not there.
    pub(crate) fn insert(
        &mut self,
        held: &mut HeldShard<'_>,
        key: &Key<'_>,
        payload: Payload<'_>,
        expire_at_ms: Option<i64>,
    ) -> u32 {
        let clock = self.keyspace.clock().born(self.access.now_ms);
        let at = held.table_mut().insert(key, payload, expire_at_ms, clock, self.epoch);
        held.publish();
        self.announce(key.bytes, Change::Inserted);
        at
    }

    /// Adds an entry whose key is not there: the second half of a rename or a copy.
    pub(crate) fn insert_entry(
        &mut self,
        held: &mut HeldShard<'_>,
        mut entry: Entry,
        expire_at_ms: Option<i64>,
    ) {
        entry.set_epoch(self.epoch);
        let at = held.table_mut().insert_entry(entry, expire_at_ms);
        held.publish();
        self.announce(held.table().get(at).key(), Change::Inserted);
    }

    /// Replaces value and expiry of a key.
    pub(crate) fn overwrite(&mut self, held: &mut HeldShard<'_>, at: u32, payload: Payload<'_>, ttl: SetTtl) {
        self.preserve(held, at);
        let table = held.table_mut();
        let old = table.replace(at, payload, ttl);
        self.keep_garbage(old);
        if ttl != SetTtl::Keep {
            held.publish();
        }
        self.announce(held.table().get(at).key(), Change::Overwritten);
    }

    /// Shows an entry that is about to be changed to a running snapshot. Whether it really was changed is said later by
    /// [`changed`](Self::changed).
    pub(crate) fn before_probe(&mut self, held: &mut HeldShard<'_>, at: u32) {
        self.preserve(held, at);
    }

    /// Counts and tells that an entry was changed in place, in `changes` elements.
    pub(crate) fn changed(&mut self, held: &HeldShard<'_>, at: u32, changes: u64) {
        self.announce(held.table().get(at).key(), Change::Edited);
        self.dirty += changes - 1;
    }

    /// To be called before an entry is changed in place.
    pub(crate) fn before_edit(&mut self, held: &mut HeldShard<'_>, at: u32, change: Change) {
        self.preserve(held, at);
        self.announce(held.table().get(at).key(), change);
    }

    /// Sets or removes the expiry.
    pub(crate) fn set_expiry(&mut self, held: &mut HeldShard<'_>, at: u32, expire_at_ms: Option<i64>) {
        self.before_edit(held, at, Change::ExpiryChanged);
        held.table_mut().set_expiry(at, expire_at_ms);
        held.publish();
    }

    /// Takes a key out.
    pub(crate) fn remove(&mut self, held: &mut HeldShard<'_>, at: u32, change: Change) -> Entry {
        self.preserve(held, at);
        let entry = held.table_mut().remove(at);
        held.publish();
        self.announce(entry.key(), change);
        entry
    }

    /// Deletes a key whose time has come and remembers it for the log.
    #[cold]
    pub(crate) fn expire(&mut self, held: &mut HeldShard<'_>, at: u32) {
        let entry = self.remove(held, at, Change::Expired);
        self.keyspace.count_expired();
        self.keep_expired(ExpiredKey { db: self.db, key: entry.key().into(), field: None });
        self.discard(entry);
    }

    /// Remembers what expired for the log.
    pub(crate) fn keep_expired(&mut self, expired: ExpiredKey) {
        self.leftovers.get_or_insert_default().expired.push(expired);
    }

    /// Frees an entry, or keeps its value for the background if that takes long.
    pub(crate) fn discard(&mut self, mut entry: Entry) {
        self.keep_garbage(entry.take_owned());
    }

    /// Keeps an old value for the background if freeing it takes long.
    #[inline]
    pub(crate) fn keep_garbage(&mut self, old: Option<Owned>) {
        if let Some(old) = old
            && old.is_slow_to_free()
        {
            self.leftovers.get_or_insert_default().garbage.values.push(old);
        }
    }

    #[inline]
    pub(crate) fn expired_len(&self) -> usize {
        self.leftovers.as_ref().map_or(0, |leftovers| leftovers.expired.len())
    }

    pub(crate) fn take_expired(&mut self) -> ExpiredKeys {
        self.leftovers.as_mut().map(|leftovers| std::mem::take(&mut leftovers.expired)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn take_garbage(&mut self) -> Garbage {
        self.leftovers.as_mut().map(|leftovers| std::mem::take(&mut leftovers.garbage)).unwrap_or_default()
    }

    /// Hands an entry that a running snapshot has not seen to it.
    #[inline]
    fn preserve(&mut self, held: &mut HeldShard<'_>, at: u32) {
        if held.table().get(at).epoch() != self.epoch {
            self.hand_over(held, at);
        }
    }

    #[cold]
    fn hand_over(&mut self, held: &mut HeldShard<'_>, at: u32) {
        let entry = held.table_mut().get_mut(at);
        entry.set_epoch(self.epoch);
        if let Some(snapshot) = self.keyspace.running_snapshot() {
            snapshot.capture(self.physical, EntryRef::new(entry, self.keyspace.clock()));
            self.captured = true;
        }
    }

    #[inline]
    fn announce(&mut self, key: &[u8], change: Change) {
        // Expiry and eviction are not what `rdb_changes_since_last_save` counts.
        if !matches!(change, Change::Expired | Change::Evicted) {
            self.dirty += 1;
        }
        self.tell(key, change);
    }

    /// Tells the observer, if anybody is interested.
    #[inline]
    pub(crate) fn tell(&self, key: &[u8], change: Change) {
        if self.keyspace.observed.load(Relaxed) {
            self.notify(key, change);
        }
    }

    #[cold]
    fn notify(&self, key: &[u8], change: Change) {
        if let Some(observer) = self.keyspace.observer() {
            observer.on_mutation(self.db, key, change);
        }
    }
}
