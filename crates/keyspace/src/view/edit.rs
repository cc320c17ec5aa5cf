//! A key under change, and a key taken out.

use std::sync::Arc;

use crate::clock::AccessClock;
use crate::entry::Entry;
use crate::entry_ref::EntryRef;
use crate::field_expiry::Doomed;
use crate::mutation::{Change, Hook};
use crate::object::{Aggregate, Hash};
use crate::shard::HeldShard;
use crate::table::SetTtl;
use crate::value::{NewValue, ValueRef};
use crate::view::ExpiryMode;

/// A key that may be changed. Nothing is told to anybody until the first change is made.
pub struct EntryMut<'a, 'k> {
    hook: &'a mut Hook<'k>,
    held: &'a mut HeldShard<'k>,
    at: u32,
    announced: bool,
    /// Whether the key was created and no element of its aggregate was counted yet: its creation was counted as one change.
    fresh: bool,
}

impl<'a, 'k> EntryMut<'a, 'k> {
    pub(crate) fn new(hook: &'a mut Hook<'k>, held: &'a mut HeldShard<'k>, at: u32) -> Self {
        Self { hook, held, at, announced: false, fresh: false }
    }

    /// The same for a key that was just created: what is done to it now belongs to that one change.
    pub(crate) fn already_announced(self) -> Self {
        Self { announced: true, fresh: true, ..self }
    }

    /// The key as it is now.
    pub fn entry(&self) -> EntryRef<'_> {
        self.hook.entry_ref(self.held, self.at)
    }

    /// The value as it is now.
    pub fn value(&self) -> ValueRef<'_> {
        self.entry().value()
    }

    /// The mutable entry, once the hook knows. Several changes through one `EntryMut` are one change of the key.
    fn entry_mut(&mut self) -> &mut Entry {
        if !self.announced {
            self.hook.before_edit(self.held, self.at, Change::Edited);
            self.announced = true;
        }
        self.held.table_mut().get_mut(self.at)
    }

    /// Replaces the value and keeps the expiry.
    pub fn set(&mut self, value: NewValue<'_>) {
        let value = value.settle();
        self.entry_mut();
        let old = self.held.table_mut().replace(self.at, value.payload(), SetTtl::Keep);
        self.hook.keep_garbage(old);
    }

    /// Replaces the value by a string, which stays one even if it looks like an integer.
    pub fn set_bytes(&mut self, bytes: &[u8]) {
        self.set(NewValue::Text(bytes));
    }

    /// Replaces the value by an integer, in place if it was one.
    pub fn set_int(&mut self, value: i64) {
        let old = self.entry_mut().set_int(value);
        self.hook.keep_garbage(old);
    }

    /// Appends to the string and returns its new length. Amortised O(appended), unless a snapshot or a reply holds
    /// the old string, which is copied then.
    pub fn append(&mut self, tail: &[u8]) -> usize {
        self.entry_mut().append(tail)
    }

    /// Writes `bytes` at `offset`, padding with zeros if the string is shorter, and returns its new length.
    pub fn set_range(&mut self, offset: usize, bytes: &[u8]) -> usize {
        let string = self.string_mut(offset + bytes.len());
        string[offset..offset + bytes.len()].copy_from_slice(bytes);
        string.len()
    }

    /// The string's bytes, after it was padded with zeros to at least `min_len`.
    pub fn string_mut(&mut self, min_len: usize) -> &mut [u8] {
        self.entry_mut().string_mut(min_len)
    }

    /// Sets or removes the expiry.
    pub fn set_expiry(&mut self, expire_at_ms: Option<i64>) {
        self.entry_mut();
        self.held.table_mut().set_expiry(self.at, expire_at_ms);
        self.held.publish();
    }

    /// The aggregate, if it is of type `T`.
    #[inline]
    pub fn aggregate<T: Aggregate>(&self) -> Option<&T> {
        self.held.table().get(self.at).value().aggregate()
    }

    /// The aggregate to be changed, if it is of type `T`. Nobody is told yet, because many commands know only afterwards
    /// whether they changed something: who did says so by [`changed`](Self::changed). An aggregate that a snapshot or a
    /// reply still shares is copied first.
    pub fn aggregate_mut<T: Aggregate>(&mut self) -> Option<&mut T> {
        self.aggregate::<T>()?;
        self.hook.before_probe(self.held, self.at);
        T::of_mut(self.held.table_mut().get_mut(self.at).object_mut()?)
    }

    /// Says that `changes` elements of the aggregate were changed: counts them as dirty and tells whoever watches the
    /// key. Zero changes are none.
    pub fn changed(&mut self, changes: u64) {
        if changes == 0 {
            return;
        }
        if std::mem::take(&mut self.fresh) {
            self.hook.dirty += changes - 1;
        } else {
            self.hook.changed(self.held, self.at, changes);
        }
        self.held.note_fields(self.at);
        self.announced = true;
    }

    /// Removes those of these fields whose time has come, on a master; [`View::take_expired`](super::View::take_expired)
    /// reports them, and no change is counted. `None` if the last field and so the key went. One look at a hash without fields
    /// that expire, and nothing else is done to other types.
    #[inline]
    pub fn expire_fields<'f>(self, fields: impl IntoIterator<Item = &'f [u8]>) -> Option<Self> {
        if !self.may_expire_fields() { Some(self) } else { self.expire_these_fields(fields) }
    }

    #[cold]
    fn expire_these_fields<'f>(self, fields: impl IntoIterator<Item = &'f [u8]>) -> Option<Self> {
        let horizon_ms = self.hook.access.horizon_ms();
        for field in fields {
            let found = self.aggregate::<Hash>().and_then(|hash| hash.get(field));
            if found.is_some_and(|found| !found.is_live(horizon_ms))
                && self.hook.expire_fields(self.held, self.at, Doomed::One(field)).1
            {
                return None;
            }
        }
        Some(self)
    }

    /// The same for all fields.
    pub fn expire_all_fields(self) -> Option<Self> {
        let emptied = self.may_expire_fields()
            && self.hook.expire_fields(self.held, self.at, Doomed::Any(usize::MAX)).1;
        (!emptied).then_some(self)
    }

    /// Whether fields are to be removed: the time of some has come, and this is a master.
    #[inline]
    fn may_expire_fields(&self) -> bool {
        let access = self.hook.access;
        access.expiry == ExpiryMode::Delete
            && self.aggregate::<Hash>().is_some_and(|hash| hash.has_expired(access.horizon_ms()))
    }

    /// Says that elements of the aggregate were changed together with another key, whose change counts for both.
    pub fn changed_along(&mut self) {
        if !std::mem::take(&mut self.fresh) {
            self.hook.changed(self.held, self.at, 1);
            self.hook.dirty -= 1;
        }
        self.announced = true;
    }

    /// Removes the key if its aggregate has no element left, and says whether it did. The change that emptied it was
    /// told already, so this is none.
    pub fn remove_if_emptied(self) -> bool {
        let emptied = match self.held.table().get(self.at).value() {
            ValueRef::String(_) => false,
            ValueRef::Object(object) => object.is_empty(),
        };
        if emptied {
            let entry = self.hook.remove(self.held, self.at, Change::Removed);
            self.hook.discard(entry);
            self.hook.dirty -= 1;
        }
        emptied
    }

    /// Removes the key.
    pub fn remove(self) {
        let entry = self.hook.remove(self.held, self.at, Change::Removed);
        self.hook.discard(entry);
    }
}

/// A key that was taken out of the keyspace.
pub struct Removed<'k> {
    entry: Entry,
    clock: &'k AccessClock,
}

impl<'k> Removed<'k> {
    pub(crate) fn new(entry: Entry, clock: &'k AccessClock) -> Self {
        Self { entry, clock }
    }

    pub(crate) fn into_entry(self) -> Entry {
        self.entry
    }

    /// The key as it was.
    pub fn entry(&self) -> EntryRef<'_> {
        EntryRef::new(&self.entry, self.clock)
    }

    /// The value as it was.
    pub fn value(&self) -> ValueRef<'_> {
        self.entry.value()
    }

    /// A shared handle to the value if it is a long string.
    pub fn shared(&self) -> Option<Arc<Vec<u8>>> {
        self.entry.shared()
    }
}
