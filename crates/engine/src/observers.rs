//! Who hears of changes of keys: WATCH, client-side caching, and the commands that wait for a key.

use crate::blocking::BlockedKeys;
use crate::tracking::Tracking;
use crate::watch::WatchTable;
use parking_lot::Mutex;
use redan_keyspace::{Change, DbIndex, Keyspace, Observer};

/// The keyspace's one observer, which tells those that are interested.
pub(crate) struct Observers {
    pub(crate) watches: WatchTable,
    pub(crate) blocked: BlockedKeys,
    pub(crate) tracking: Tracking,
    interest: Mutex<Interest>,
}

/// How many have to be told; the keyspace tells nobody while there are none.
#[derive(Clone, Copy, Default)]
pub(crate) struct Interest {
    /// Keys watched, each as often as it is watched.
    pub(crate) watched: usize,
    /// Commands that wait for a key.
    pub(crate) blocked: usize,
    /// Clients that track.
    pub(crate) tracking: usize,
}

impl Interest {
    fn is_any(self) -> bool {
        self.watched + self.blocked + self.tracking > 0
    }
}

impl Observers {
    pub(crate) fn new(databases: u32) -> Self {
        Self {
            watches: WatchTable::new(databases),
            blocked: BlockedKeys::new(databases),
            tracking: Tracking::default(),
            interest: Mutex::default(),
        }
    }

    /// Changes who is interested. The keyspace learns under the lock whether there is anybody: the end of the last
    /// interest must not overtake the beginning of the next.
    pub(crate) fn change_interest(&self, keyspace: &Keyspace, change: impl FnOnce(&mut Interest)) {
        let mut interest = self.interest.lock();
        change(&mut interest);
        keyspace.set_observed(interest.is_any());
    }

    pub(crate) fn interest(&self) -> Interest {
        *self.interest.lock()
    }
}

impl Observer for Observers {
    fn on_mutation(&self, db: DbIndex, key: &[u8], change: Change) {
        self.watches.on_mutation(db, key);
        self.blocked.on_mutation(db, key);
        self.tracking.on_mutation(key, change);
    }

    fn on_flush(&self, db: DbIndex, holds: &dyn Fn(DbIndex, &[u8]) -> bool) {
        self.watches.on_flush(db, holds);
        self.blocked.on_database(db);
        self.tracking.on_flush();
    }

    fn on_swap(&self, first: DbIndex, second: DbIndex, holds: &dyn Fn(DbIndex, &[u8]) -> bool) {
        self.watches.on_swap(first, second, holds);
        self.blocked.on_database(first);
        self.blocked.on_database(second);
    }
}
