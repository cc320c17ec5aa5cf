//! The registry of connections.

use crate::{Client, ClientId, ClientMeta};
use dashmap::DashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// All connections, by id.
pub struct Clients {
    by_id: DashMap<ClientId, Arc<Client>>,
    next_id: AtomicU64,
}

impl Default for Clients {
    fn default() -> Self {
        Self { by_id: DashMap::new(), next_id: AtomicU64::new(1) }
    }
}

impl Clients {
    /// Registers a new connection.
    pub fn add(&self, fd: i32, meta: ClientMeta, flags: u32, now_ms: i64) -> Arc<Client> {
        let client = self.unlisted(fd, meta, flags, now_ms);
        self.by_id.insert(client.id, Arc::clone(&client));
        client
    }

    /// A client with an id of its own that no list shows: the session that applies a master's stream, for example.
    pub fn unlisted(&self, fd: i32, meta: ClientMeta, flags: u32, now_ms: i64) -> Arc<Client> {
        let id = ClientId(self.next_id.fetch_add(1, Ordering::Relaxed));
        Arc::new(Client::new(id, fd, meta, flags, now_ms))
    }

    /// Forgets a connection that has closed.
    pub fn remove(&self, id: ClientId) {
        self.by_id.remove(&id);
    }

    /// The connection with this id.
    pub fn get(&self, id: ClientId) -> Option<Arc<Client>> {
        self.by_id.get(&id).map(|client| Arc::clone(&client))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// All of them, in the order they came.
    pub fn all(&self) -> Vec<Arc<Client>> {
        let mut all: Vec<_> = self.by_id.iter().map(|entry| Arc::clone(entry.value())).collect();
        all.sort_unstable_by_key(|client| client.id);
        all
    }
}
