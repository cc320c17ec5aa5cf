//! `View`: how a command reaches its keys.
//!
//! A handler is written once and works in two modes. In *keyed* mode the shards of the declared keys were locked before
//! it runs, and touching any other key is a bug that debug builds catch. In *exclusive* mode the engine guarantees that
//! nobody else runs commands, and the view locks shards as it meets their keys.
//!
//! Either way the locks are held until the view is dropped (an exclusive view may give some back earlier), so that the
//! engine can append to its log in the order of execution: first [`View::take_expired`], then the command's effect.

use smallvec::SmallVec;

use crate::entry_ref::EntryRef;
use crate::hash::{Key, KeyHash, SHARDS, shard_of};
use crate::keyspace::{DbIndex, Keyspace};
use crate::mutation::{Change, ExpiredKeys, Garbage, Hook};
use crate::shard::{Database, HeldShard, Shard, ShardId};
use crate::table::SetTtl;
use crate::value::NewValue;

mod edit;
mod walk;

pub use edit::{EntryMut, Removed};

/// What becomes of a key whose time has come when somebody looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryMode {
    /// It is deleted and reported by [`View::take_expired`]: on a master.
    Delete,
    /// It is treated as absent but stays: on a replica, which deletes what its master tells it to.
    Hide,
    /// It is treated as present: for the commands of the replication stream and while the AOF is replayed.
    Ignore,
}

/// How a view accesses keys.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// The time at which the command runs, in Unix milliseconds.
    pub now_ms: i64,
    /// What becomes of expired keys.
    pub expiry: ExpiryMode,
    /// Whether looking at a key updates its access clock (false after CLIENT NO-TOUCH).
    pub touch: bool,
    /// Whether the command may write: its database is created if it does not exist.
    pub writes: bool,
}

impl Access {
    /// For a reading command of an ordinary client of a master.
    pub fn read(now_ms: i64) -> Self {
        Self { now_ms, expiry: ExpiryMode::Delete, touch: true, writes: false }
    }

    /// For a writing command of an ordinary client of a master.
    pub fn write(now_ms: i64) -> Self {
        Self { writes: true, ..Self::read(now_ms) }
    }

    /// Fields of hashes that expire before this time count as gone: to be handed to the methods of
    /// [`Hash`](crate::Hash).
    #[inline]
    pub fn horizon_ms(&self) -> i64 {
        if self.expiry == ExpiryMode::Ignore { i64::MIN } else { self.now_ms }
    }

    /// Whether a key with this expiry is past it. As in Redis, it still lives in the very millisecond it names.
    #[inline]
    pub(crate) fn is_past(&self, expire_at_ms: Option<i64>) -> bool {
        self.expiry != ExpiryMode::Ignore && expire_at_ms.is_some_and(|at_ms| self.now_ms > at_ms)
    }
}

/// What a closed view leaves to its engine.
pub struct Closed {
    /// Number of changes.
    pub dirty: u64,
    /// Values to be dropped in the background.
    pub garbage: Garbage,
    /// Whether entries were handed to a snapshot: the caller is to wait in
    /// [`Keyspace::wait_for_snapshot_room`] once it holds nothing that others need.
    pub handed_over: bool,
}

/// An exclusive view gives all its locks back when it would hold more than this, so that finding one stays quick.
const EXCLUSIVE_HELD_MAX: usize = 32;

/// A command's access to one database; see the module's page.
pub struct View<'k> {
    // Dropped in this order: the locks go before the garbage in the hook is freed.
    held: SmallVec<[HeldShard<'k>; 2]>,
    hook: Hook<'k>,
    /// What the database was when the view was opened; a keyed view locked its shards in it.
    database: Option<&'k Database>,
    exclusive: bool,
}

impl<'k> View<'k> {
    #[inline]
    pub(crate) fn new(
        keyspace: &'k Keyspace,
        db: DbIndex,
        physical: u32,
        access: Access,
        exclusive: bool,
    ) -> Self {
        let database = if access.writes && !exclusive {
            Some(keyspace.database_or_create(physical))
        } else {
            keyspace.database_at(physical)
        };
        Self { held: SmallVec::new(), hook: Hook::new(keyspace, db, physical, access), database, exclusive }
    }

    /// Locks the shards of the declared keys, in ascending order and each once.
    #[inline]
    pub(crate) fn lock_declared(&mut self, keys: impl IntoIterator<Item = KeyHash>) {
        let Some(database) = self.database else { return };
        let mut shards = keys.into_iter().map(shard_of);
        let Some(first) = shards.next() else { return };
        let Some(second) = shards.next() else { return self.lock(database, first) };
        let mut shards: SmallVec<[usize; 16]> = [first, second].into_iter().chain(shards).collect();
        shards.sort_unstable();
        shards.dedup();
        for shard in shards {
            self.lock(database, shard);
        }
    }

    #[inline]
    fn lock(&mut self, database: &'k Database, shard: usize) {
        let id = ShardId::new(self.hook.physical, shard);
        self.held.push(database.shard(shard).lock(id));
    }

    // --- the view itself ----------------------------------------------------------------------------------------

    /// The keyspace.
    pub fn keyspace(&self) -> &'k Keyspace {
        self.hook.keyspace
    }

    /// The database it looks at.
    pub fn db(&self) -> DbIndex {
        self.hook.db
    }

    /// How it accesses keys.
    pub fn access(&self) -> Access {
        self.hook.access
    }

    /// Changes how it accesses keys from now on.
    pub fn set_access(&mut self, access: Access) {
        self.hook.access = access;
    }

    /// Whether it runs alone.
    pub fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// Looks at another database from now on. Only an exclusive view can.
    pub fn switch(&mut self, db: DbIndex) {
        assert!(self.exclusive || db == self.hook.db, "a keyed view has locked shards of one database");
        self.hook.db = db;
        self.hook.physical = self.hook.keyspace.physical(db);
        self.database = self.hook.keyspace.database_at(self.hook.physical);
    }

    /// Gives its locks back before whole databases are flushed or exchanged. Only an exclusive view can: it takes them
    /// again as it needs them.
    pub fn release(&mut self) {
        assert!(self.exclusive, "a keyed view has its locks once");
        self.held.clear();
    }

    /// Gives the locks of a reading command back before it encodes a big reply from a shared handle (see
    /// [`EntryRef::shared_object`]), so that others need not wait for it. The command must not reach for a key again.
    pub fn let_go(&mut self) {
        if !self.exclusive && self.hook.dirty == 0 && !self.has_expired() {
            self.held.clear();
        }
    }

    /// Number of changes since the view was opened.
    pub fn dirty(&self) -> u64 {
        self.hook.dirty
    }

    /// Whether keys expired that were not taken yet.
    #[inline]
    pub fn has_expired(&self) -> bool {
        self.hook.expired_len() > 0
    }

    /// The keys that this view found expired and deleted, in order. The engine logs their deletion before the effect of the running
    /// command, while the locks are held.
    pub fn take_expired(&mut self) -> ExpiredKeys {
        self.hook.take_expired()
    }

    /// Values that take long to free, to be dropped elsewhere.
    pub fn take_garbage(&mut self) -> Garbage {
        self.hook.take_garbage()
    }

    /// Releases the locks.
    pub fn close(self) -> Closed {
        let Self { held, mut hook, .. } = self;
        drop(held);
        debug_assert!(hook.expired_len() == 0, "expired keys must be logged before the locks are released");
        Closed { dirty: hook.dirty, garbage: hook.take_garbage(), handed_over: hook.captured }
    }

    // --- reaching a shard ---------------------------------------------------------------------------------------

    /// The place in `held` of the shard with this number, which is locked first if need be.
    #[inline]
    fn reach(&mut self, shard: usize, create: bool) -> Option<usize> {
        let id = ShardId::new(self.hook.physical, shard);
        if let Some(place) = self.held.iter().position(|held| held.id == id) {
            return Some(place);
        }
        self.reach_new(shard, create)
    }

    #[cold]
    fn reach_new(&mut self, shard: usize, create: bool) -> Option<usize> {
        if self.database.is_none() && create {
            debug_assert!(self.exclusive, "a command that writes says so when its view is opened");
            self.database = Some(self.hook.keyspace.database_or_create(self.hook.physical));
        }
        let database = self.database?;
        debug_assert!(self.exclusive, "a key was touched that the command did not declare");
        if self.held.len() >= EXCLUSIVE_HELD_MAX {
            self.held.clear();
        }
        self.lock(database, shard);
        Some(self.held.len() - 1)
    }

    /// The place of a key's shard and the key's slot; a key whose time has come is deleted or hidden.
    #[inline]
    fn lookup(&mut self, key: &Key<'_>) -> Option<(usize, u32)> {
        let place = self.reach(shard_of(key.hash), false)?;
        let at = self.lookup_at(place, key)?;
        Some((place, at))
    }

    #[inline]
    fn lookup_at(&mut self, place: usize, key: &Key<'_>) -> Option<u32> {
        let held = &mut self.held[place];
        let at = held.table().find(key)?;
        if self.hook.access.is_past(held.table().get(at).expire_at_ms()) {
            if self.hook.access.expiry == ExpiryMode::Delete {
                self.hook.expire(held, at);
            }
            return None;
        }
        Some(at)
    }

    /// As [`lookup`](Self::lookup) for a command that reads: counts a hit or a miss.
    #[inline]
    fn lookup_counted(&mut self, key: &Key<'_>) -> Option<(usize, u32)> {
        let Some(place) = self.reach(shard_of(key.hash), false) else {
            self.hook.keyspace.count_absent_miss();
            return None;
        };
        let at = self.lookup_at(place, key);
        self.held[place].count(at.is_some());
        Some((place, at?))
    }

    /// The shard and slot to write `key` to: the slot is `None` if the key is not there, and `live` is false if it is
    /// there but hidden.
    fn lookup_for_set(&mut self, key: &Key<'_>) -> (usize, Option<(u32, bool)>) {
        let place = self.reach(shard_of(key.hash), true).expect("the shard is created for a write");
        let held = &mut self.held[place];
        let Some(at) = held.table().find(key) else { return (place, None) };
        if !self.hook.access.is_past(held.table().get(at).expire_at_ms()) {
            return (place, Some((at, true)));
        }
        if self.hook.access.expiry == ExpiryMode::Delete {
            self.hook.expire(held, at);
            return (place, None);
        }
        (place, Some((at, false)))
    }

    #[inline]
    fn touch(&mut self, place: usize, at: u32) {
        if !self.hook.access.touch {
            return;
        }
        let now_ms = self.hook.access.now_ms;
        let clock = self.hook.keyspace.clock();
        let Shard { table, random } = self.held[place].shard_mut();
        let entry = table.get_mut(at);
        entry.set_clock(clock.touched(entry.clock(), now_ms, || random.u32(..)));
    }

    #[inline]
    fn entry_ref(&self, place: usize, at: u32) -> EntryRef<'_> {
        self.hook.entry_ref(&self.held[place], at)
    }

    // --- reading ------------------------------------------------------------------------------------------------

    /// Looks a key up for a reading command: counts a hit or miss and updates the access clock.
    #[inline]
    pub fn get(&mut self, key: &Key<'_>) -> Option<EntryRef<'_>> {
        let (place, at) = self.lookup_counted(key)?;
        self.touch(place, at);
        Some(self.entry_ref(place, at))
    }

    /// Looks a key up without leaving a trace: no clock, no hit or miss.
    #[inline]
    pub fn peek(&mut self, key: &Key<'_>) -> Option<EntryRef<'_>> {
        let (place, at) = self.lookup(key)?;
        Some(self.entry_ref(place, at))
    }

    /// Whether a key exists; counts a hit or miss but does not update the clock.
    pub fn exists(&mut self, key: &Key<'_>) -> bool {
        self.lookup_counted(key).is_some()
    }

    /// The expiry of a key in Unix milliseconds: `None` if the key is not there, `Some(None)` if it has none.
    pub fn expiry(&mut self, key: &Key<'_>) -> Option<Option<i64>> {
        self.peek(key).map(EntryRef::expire_at_ms)
    }

    // --- writing ------------------------------------------------------------------------------------------------

    /// Looks a key up in order to change it: the only way to a mutable value.
    pub fn edit(&mut self, key: &Key<'_>) -> Option<EntryMut<'_, 'k>> {
        let (place, at) = self.lookup(key)?;
        self.touch(place, at);
        Some(EntryMut::new(&mut self.hook, &mut self.held[place], at))
    }

    /// As [`edit`](Self::edit), but a key that is not there is created with `default` and no expiry. The flag says
    /// whether it was created.
    pub fn edit_or_insert(&mut self, key: &Key<'_>, default: NewValue<'_>) -> (EntryMut<'_, 'k>, bool) {
        self.edit_or_insert_with(key, || default)
    }

    /// The same with a value that is made only if it is needed. The creation counts as one change; the first
    /// [`EntryMut::changed`] takes that into account.
    pub fn edit_or_insert_with<'v>(
        &mut self,
        key: &Key<'_>,
        default: impl FnOnce() -> NewValue<'v>,
    ) -> (EntryMut<'_, 'k>, bool) {
        let (place, found) = self.lookup_for_set(key);
        let (at, created) = match found {
            Some((at, true)) => {
                self.touch(place, at);
                (at, false)
            }
            Some((at, false)) => {
                let value = default().settle();
                self.hook.overwrite(&mut self.held[place], at, value.payload(), SetTtl::Clear);
                (at, true)
            }
            None => {
                let value = default().settle();
                (self.hook.insert(&mut self.held[place], key, value.payload(), None), true)
            }
        };
        let mut entry = EntryMut::new(&mut self.hook, &mut self.held[place], at);
        if created {
            entry = entry.already_announced();
        }
        (entry, created)
    }

    /// Stores a value, whether the key is there or not, and says whether it was there.
    pub fn set(&mut self, key: &Key<'_>, value: NewValue<'_>, ttl: SetTtl) -> bool {
        let value = value.settle();
        let (place, found) = self.lookup_for_set(key);
        match found {
            Some((at, live)) => {
                let ttl = if !live && ttl == SetTtl::Keep { SetTtl::Clear } else { ttl };
                self.hook.overwrite(&mut self.held[place], at, value.payload(), ttl);
                self.touch(place, at);
                live
            }
            None => {
                self.hook.insert(&mut self.held[place], key, value.payload(), ttl.resolve(None));
                false
            }
        }
    }

    /// Sets or removes the expiry. Returns false if the key is not there.
    pub fn set_expiry(&mut self, key: &Key<'_>, expire_at_ms: Option<i64>) -> bool {
        let Some((place, at)) = self.lookup(key) else { return false };
        self.hook.set_expiry(&mut self.held[place], at, expire_at_ms);
        true
    }

    /// Removes a key and says whether it was there.
    pub fn remove(&mut self, key: &Key<'_>) -> bool {
        self.remove_as(key, Change::Removed)
    }

    /// Removes a key to make room. Unlike [`remove`](Self::remove) this does not count as dirty.
    pub fn evict(&mut self, key: &Key<'_>) -> bool {
        self.remove_as(key, Change::Evicted)
    }

    fn remove_as(&mut self, key: &Key<'_>, change: Change) -> bool {
        let Some((place, at)) = self.lookup(key) else { return false };
        let entry = self.hook.remove(&mut self.held[place], at, change);
        self.hook.discard(entry);
        true
    }

    /// Removes a key and hands it out, for commands that answer with the old value.
    pub fn take(&mut self, key: &Key<'_>) -> Option<Removed<'k>> {
        let (place, at) = self.lookup(key)?;
        let entry = self.hook.remove(&mut self.held[place], at, Change::Removed);
        Some(Removed::new(entry, self.hook.keyspace.clock()))
    }

    /// Frees what [`take`](Self::take) handed out, in the background if that takes long.
    pub fn discard(&mut self, removed: Removed<'_>) {
        self.hook.discard(removed.into_entry());
    }

    /// Gives a key another name, replacing what is there. Value, expiry and clock stay. Returns false if `from` is
    /// not there. Renaming a key to itself changes nothing.
    pub fn rename(&mut self, from: &Key<'_>, to: &Key<'_>) -> bool {
        let Some((place, at)) = self.lookup(from) else { return false };
        if from.bytes == to.bytes {
            return true;
        }
        let entry = self.hook.remove(&mut self.held[place], at, Change::Removed);
        let expire_at_ms = entry.expire_at_ms();
        self.place_entry(to, entry.rekey(to.bytes, to.hash.low()), expire_at_ms);
        // One change, though two keys changed.
        self.hook.dirty -= 1;
        true
    }

    /// Copies a key, replacing what is at `to`. Value, expiry and clock are those of the original; a long string is
    /// shared until one of the two changes. `to_db` can differ only in an exclusive view. Returns false if `from` is
    /// not there.
    pub fn copy(&mut self, from: &Key<'_>, to_db: DbIndex, to: &Key<'_>) -> bool {
        let db = self.db();
        let Some((place, at)) = self.lookup(from) else { return false };
        let entry = self.held[place].table().get(at);
        let (copy, expire_at_ms) = (entry.duplicate(to.bytes, to.hash.low()), entry.expire_at_ms());
        self.switch(to_db);
        self.place_entry(to, copy, expire_at_ms);
        self.switch(db);
        true
    }

    /// Moves a key to another database, replacing what is there. Value, expiry and clock stay. Only an exclusive view
    /// can. Returns false if the key is not there.
    pub fn move_to(&mut self, key: &Key<'_>, to_db: DbIndex) -> bool {
        let db = self.db();
        let Some((place, at)) = self.lookup(key) else { return false };
        if to_db == db {
            return true;
        }
        let mut entry = self.hook.remove(&mut self.held[place], at, Change::Removed);
        let expire_at_ms = entry.expire_at_ms();
        // Its place in the old shard's volatile list means nothing in the new one.
        entry.set_expiry(None);
        self.switch(to_db);
        self.place_entry(key, entry.rekey(key.bytes, key.hash.low()), expire_at_ms);
        self.switch(db);
        // One change, though two databases changed.
        self.hook.dirty -= 1;
        true
    }

    /// Puts an entry in the place of whatever its key holds.
    fn place_entry(&mut self, key: &Key<'_>, entry: crate::entry::Entry, expire_at_ms: Option<i64>) {
        let (place, found) = self.lookup_for_set(key);
        if let Some((at, _)) = found {
            // The replacement is one change, whether something was there or not.
            let old = self.hook.remove(&mut self.held[place], at, Change::Removed);
            self.hook.discard(old);
            self.hook.dirty -= 1;
        }
        self.hook.insert_entry(&mut self.held[place], entry, expire_at_ms);
    }

    /// Sets the idle time of a key in seconds (RESTORE ... IDLETIME). Returns false if the key is not there.
    pub fn set_idle_seconds(&mut self, key: &Key<'_>, seconds: u64) -> bool {
        let clock = self.hook.keyspace.clock().with_idle(seconds, self.hook.access.now_ms);
        self.set_clock(key, clock)
    }

    /// Sets the LFU counter of a key (RESTORE ... FREQ). Returns false if the key is not there.
    pub fn set_lfu_freq(&mut self, key: &Key<'_>, frequency: u8) -> bool {
        let clock = self.hook.keyspace.clock().with_frequency(frequency, self.hook.access.now_ms);
        self.set_clock(key, clock)
    }

    fn set_clock(&mut self, key: &Key<'_>, clock: u32) -> bool {
        let Some((place, at)) = self.lookup(key) else { return false };
        self.held[place].table_mut().get_mut(at).set_clock(clock);
        true
    }

    /// Updates a key's access clock (TOUCH), whatever [`Access::touch`] says. Returns false if it is not there.
    pub fn touch_key(&mut self, key: &Key<'_>) -> bool {
        let Some((place, at)) = self.lookup_counted(key) else { return false };
        let touch = std::mem::replace(&mut self.hook.access.touch, true);
        self.touch(place, at);
        self.hook.access.touch = touch;
        true
    }
}

// Shard numbers travel in the low bits of a SCAN cursor.
const _: () = assert!(SHARDS.is_power_of_two());

#[cfg(test)]
mod tests;
