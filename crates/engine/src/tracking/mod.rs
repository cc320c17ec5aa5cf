//! Client-side caching: who has read which keys, and telling them when one changes.
//!
//! A client that tracks is noted with every key that its reading commands name, while the key's shard is locked, so that
//! no change slips in between. The keyspace's hook tells of changes: whoever was noted with the key is due a message, and
//! is forgotten with it. In BCAST mode nothing is noted: a client hears of all keys with its prefixes. What is due waits
//! until the command that made the changes has replied ([`Engine::deliver_invalidations`](crate::Engine)).
//!
//! As in Redis, databases do not count: a key of the same name in any of them is meant.

mod client;
mod deliver;

pub use client::{ClientTracking, TrackingFlags, TrackingRequest};

use crate::{Client, ClientId};
use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::{Mutex, RwLock};
use redan_keyspace::Change;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Clients by id.
type Trackers = HashMap<ClientId, Arc<Client>>;

/// Who tracks what.
pub(crate) struct Tracking {
    clients: Mutex<Trackers>,
    client_count: AtomicUsize,
    /// Who has read a key since it was last changed.
    keys: DashMap<Bytes, Vec<ClientId>>,
    key_count: AtomicUsize,
    item_count: AtomicUsize,
    /// Keys kept at most; 0: all.
    max_keys: AtomicUsize,
    /// BCAST: who hears of all keys with a prefix.
    prefixes: RwLock<BTreeMap<Bytes, Trackers>>,
    due: Mutex<Due>,
    has_due: AtomicBool,
}

/// What has to be told.
#[derive(Default)]
struct Due {
    /// A key, who has read it, and who changed it.
    keys: Vec<(Bytes, Vec<ClientId>, Option<ClientId>)>,
    /// By prefix, the keys with who changed them.
    broadcasts: BTreeMap<Bytes, BTreeMap<Bytes, Option<ClientId>>>,
    /// Everything was flushed.
    flushed: bool,
}

/// Numbers for INFO.
pub struct TrackingCounts {
    /// Clients that track.
    pub clients: usize,
    /// Keys noted.
    pub keys: usize,
    /// Clients noted with a key, for all keys.
    pub items: usize,
    /// Different prefixes of BCAST.
    pub prefixes: usize,
}

thread_local! {
    /// Whose command runs on this thread. The keyspace knows no clients, so its hook cannot say.
    static CALLER: Cell<Option<ClientId>> = const { Cell::new(None) };
}

/// For as long as it lives, changes made on this thread are a client's.
pub(crate) struct CallerGuard(Option<ClientId>);

impl CallerGuard {
    pub(crate) fn enter(client: ClientId) -> Self {
        Self(CALLER.replace(Some(client)))
    }
}

impl Drop for CallerGuard {
    fn drop(&mut self) {
        CALLER.set(self.0);
    }
}

impl Default for Tracking {
    fn default() -> Self {
        Self {
            clients: Mutex::default(),
            client_count: AtomicUsize::new(0),
            keys: DashMap::new(),
            key_count: AtomicUsize::new(0),
            item_count: AtomicUsize::new(0),
            max_keys: AtomicUsize::new(0),
            prefixes: RwLock::default(),
            due: Mutex::default(),
            has_due: AtomicBool::new(false),
        }
    }
}

impl Tracking {
    /// Whether anybody tracks.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.client_count.load(Relaxed) > 0
    }

    /// Whether something has to be told.
    #[inline]
    pub(crate) fn has_due(&self) -> bool {
        self.has_due.load(Relaxed)
    }

    pub(crate) fn counts(&self) -> TrackingCounts {
        TrackingCounts {
            clients: self.client_count.load(Relaxed),
            keys: self.key_count.load(Relaxed),
            items: self.item_count.load(Relaxed),
            prefixes: self.prefixes.read().len(),
        }
    }

    /// Sets how many keys are kept; says whether there are more now.
    pub(crate) fn set_max_keys(&self, max_keys: usize) -> bool {
        self.max_keys.store(max_keys, Relaxed);
        self.is_over_limit()
    }

    fn is_over_limit(&self) -> bool {
        let max_keys = self.max_keys.load(Relaxed);
        max_keys > 0 && self.key_count.load(Relaxed) > max_keys
    }

    /// Notes that a client has read a key whose shard is locked; says whether there are too many keys now.
    pub(crate) fn note(&self, key: &[u8], client: ClientId) -> bool {
        // Most keys are read again and again: they are looked up without a copy.
        if let Some(mut readers) = self.keys.get_mut(key) {
            if !readers.contains(&client) {
                readers.push(client);
                self.item_count.fetch_add(1, Relaxed);
            }
            return false;
        }
        let mut readers = self.keys.entry(Bytes::copy_from_slice(key)).or_default();
        if readers.is_empty() {
            self.key_count.fetch_add(1, Relaxed);
        }
        if !readers.contains(&client) {
            readers.push(client);
            self.item_count.fetch_add(1, Relaxed);
        }
        drop(readers);
        self.is_over_limit()
    }

    /// Forgets keys until there are no more than allowed. Their readers are told, as if they had changed.
    pub(crate) fn keep_to_limit(&self) {
        while self.is_over_limit() {
            // Any key will do.
            let Some(key) = self.keys.iter().next().map(|entry| entry.key().clone()) else { return };
            self.invalidate(&key, None);
        }
    }

    fn invalidate(&self, key: &[u8], origin: Option<ClientId>) {
        if let Some((key, readers)) = self.keys.remove(key) {
            self.key_count.fetch_sub(1, Relaxed);
            self.item_count.fetch_sub(readers.len(), Relaxed);
            self.due.lock().keys.push((key, readers, origin));
            self.has_due.store(true, Relaxed);
        }
    }

    /// A key was changed or removed.
    pub(crate) fn on_mutation(&self, key: &[u8], change: Change) {
        if !self.is_on() {
            return;
        }
        // Time and lack of memory are nobody's doing.
        let nobodys = matches!(change, Change::Expired | Change::Evicted);
        let origin = if nobodys { None } else { CALLER.get() };
        self.invalidate(key, origin);
        let prefixes = self.prefixes.read();
        for prefix in prefixes.keys().filter(|prefix| key.starts_with(prefix)) {
            let mut due = self.due.lock();
            let keys = due.broadcasts.entry(prefix.clone()).or_default();
            // What expires under the one who changed it is nobody's doing either.
            let known = keys.entry(Bytes::copy_from_slice(key)).or_insert(origin);
            if nobodys {
                *known = None;
            }
            self.has_due.store(true, Relaxed);
        }
    }

    /// All keys of a database are about to go: whatever anybody has read is void.
    pub(crate) fn on_flush(&self) {
        if !self.is_on() {
            return;
        }
        self.forget_keys();
        self.due.lock().flushed = true;
        self.has_due.store(true, Relaxed);
    }

    /// Forgets who has read what.
    fn forget_keys(&self) {
        self.keys.retain(|_, readers| {
            self.key_count.fetch_sub(1, Relaxed);
            self.item_count.fetch_sub(readers.len(), Relaxed);
            false
        });
    }

    fn take_due(&self) -> Due {
        let mut due = self.due.lock();
        self.has_due.store(false, Relaxed);
        std::mem::take(&mut due)
    }
}
