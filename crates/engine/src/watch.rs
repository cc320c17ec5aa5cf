//! WATCH: which clients must hear of changes to which keys.

use crate::{Client, ClientFlags, ClientId};
use bytes::Bytes;
use parking_lot::RwLock;
use redan_keyspace::DbIndex;
use std::collections::HashMap;
use std::sync::Arc;

/// Who watches each key of one database.
type Watchers = HashMap<Bytes, Vec<Arc<Client>>>;

/// The watched keys of all databases.
pub(crate) struct WatchTable {
    databases: Box<[RwLock<Watchers>]>,
}

impl WatchTable {
    pub(crate) fn new(databases: u32) -> Self {
        Self { databases: (0..databases).map(|_| RwLock::default()).collect() }
    }

    pub(crate) fn watch(&self, db: DbIndex, key: Bytes, client: &Arc<Client>) {
        self.databases[db.0 as usize].write().entry(key).or_default().push(Arc::clone(client));
    }

    /// The keys of a database that somebody watches.
    pub(crate) fn keys(&self, db: DbIndex) -> Vec<Bytes> {
        self.databases[db.0 as usize].read().keys().cloned().collect()
    }

    pub(crate) fn unwatch(&self, db: DbIndex, key: &Bytes, client: ClientId) {
        let mut keys = self.databases[db.0 as usize].write();
        if let Some(clients) = keys.get_mut(key) {
            clients.retain(|watcher| watcher.id != client);
            if clients.is_empty() {
                keys.remove(key);
            }
        }
    }

    /// A key was changed.
    pub(crate) fn on_mutation(&self, db: DbIndex, key: &[u8]) {
        if let Some(clients) = self.databases[db.0 as usize].read().get(key) {
            mark(clients);
        }
    }

    /// All keys of a database are about to be removed; `holds` says whether a key is there.
    pub(crate) fn on_flush(&self, db: DbIndex, holds: &dyn Fn(DbIndex, &[u8]) -> bool) {
        let keys = self.databases[db.0 as usize].read();
        keys.iter().filter(|(key, _)| holds(db, key)).for_each(|(_, clients)| mark(clients));
    }

    /// Two databases are about to change places. A key that is in neither of them stays as it is: absent.
    pub(crate) fn on_swap(&self, first: DbIndex, second: DbIndex, holds: &dyn Fn(DbIndex, &[u8]) -> bool) {
        for db in [first, second] {
            let keys = self.databases[db.0 as usize].read();
            let changed = keys.iter().filter(|(key, _)| holds(first, key) || holds(second, key));
            changed.for_each(|(_, clients)| mark(clients));
        }
    }
}

fn mark(clients: &[Arc<Client>]) {
    for client in clients {
        client.put(ClientFlags::DIRTY, true);
    }
}
