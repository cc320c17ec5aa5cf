//! A consumer group: how far it has read, its consumers, and what they have not acknowledged yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::id::StreamId;

/// Which consumer of a group; meaningful within the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerId(u32);

/// An entry that was delivered to a consumer and that it has not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Whose it is.
    pub consumer: ConsumerId,
    /// When it was delivered last, Unix ms.
    pub delivered_ms: i64,
    /// How often it was delivered.
    pub deliveries: u64,
}

/// A consumer of a group.
#[derive(Clone, Debug)]
pub struct Consumer {
    name: Arc<[u8]>,
    /// When it last asked for anything, Unix ms.
    pub seen_ms: i64,
    /// When it last got anything, Unix ms; -1: never.
    pub active_ms: i64,
    pending: BTreeSet<StreamId>,
}

impl Consumer {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The entries it has not acknowledged.
    pub fn pending(&self) -> &BTreeSet<StreamId> {
        &self.pending
    }
}

/// A consumer group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The last entry it was given.
    pub last_id: StreamId,
    /// How many entries it was given, counted from the stream's very first one; `None` if that cannot be told.
    pub entries_read: Option<u64>,
    pending: BTreeMap<StreamId, Pending>,
    names: BTreeMap<Arc<[u8]>, ConsumerId>,
    /// By id; the place of a consumer that is gone is given to the next one that comes.
    consumers: Vec<Option<Consumer>>,
}

impl Group {
    /// A group without consumers.
    pub fn new(last_id: StreamId, entries_read: Option<u64>) -> Self {
        Self {
            last_id,
            entries_read,
            pending: BTreeMap::new(),
            names: BTreeMap::new(),
            consumers: Vec::new(),
        }
    }

    /// All entries that were not acknowledged, in order.
    pub fn pending(&self) -> &BTreeMap<StreamId, Pending> {
        &self.pending
    }

    /// The consumer with this name.
    pub fn find_consumer(&self, name: &[u8]) -> Option<ConsumerId> {
        self.names.get(name).copied()
    }

    /// A consumer.
    pub fn consumer(&self, id: ConsumerId) -> &Consumer {
        self.consumers[id.0 as usize].as_ref().expect("ids are of consumers that exist")
    }

    /// A consumer, to have its times changed.
    pub fn consumer_mut(&mut self, id: ConsumerId) -> &mut Consumer {
        self.consumers[id.0 as usize].as_mut().expect("ids are of consumers that exist")
    }

    /// All consumers in the order of their names.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = &Consumer> {
        self.names.values().map(|id| self.consumer(*id))
    }

    /// Adds a consumer that is seen now and never got anything; `None` if there is one of this name.
    pub fn add_consumer(&mut self, name: &[u8], now_ms: i64) -> Option<ConsumerId> {
        if self.names.contains_key(name) {
            return None;
        }
        let name: Arc<[u8]> = name.into();
        let consumer =
            Consumer { name: Arc::clone(&name), seen_ms: now_ms, active_ms: -1, pending: BTreeSet::new() };
        let place = self.consumers.iter().position(Option::is_none).unwrap_or_else(|| {
            self.consumers.push(None);
            self.consumers.len() - 1
        });
        self.consumers[place] = Some(consumer);
        let id = ConsumerId(place as u32);
        self.names.insert(name, id);
        Some(id)
    }

    /// Removes a consumer with all it has not acknowledged, and says how much that was.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let id = self.names.remove(name)?;
        let consumer = self.consumers[id.0 as usize].take().expect("it had a name");
        consumer.pending.iter().for_each(|entry| {
            self.pending.remove(entry);
        });
        Some(consumer.pending.len())
    }

    /// Makes an entry pending with a consumer, whoever had it before.
    pub fn assign(&mut self, entry: StreamId, pending: Pending) {
        let before = self.pending.insert(entry, pending);
        if let Some(before) = before {
            if before.consumer == pending.consumer {
                return;
            }
            self.consumer_mut(before.consumer).pending.remove(&entry);
        }
        self.consumer_mut(pending.consumer).pending.insert(entry);
    }

    /// Notes that an entry was delivered to its consumer once more.
    pub fn redeliver(&mut self, entry: StreamId, now_ms: i64) {
        if let Some(pending) = self.pending.get_mut(&entry) {
            pending.delivered_ms = now_ms;
            pending.deliveries = pending.deliveries.saturating_add(1);
        }
    }

    /// Ends the pending of an entry, and says what it was.
    pub fn acknowledge(&mut self, entry: StreamId) -> Option<Pending> {
        let pending = self.pending.remove(&entry)?;
        self.consumer_mut(pending.consumer).pending.remove(&entry);
        Some(pending)
    }

    /// Whether the group still needs an entry: it has not read it, or not acknowledged it.
    pub fn needs(&self, entry: StreamId) -> bool {
        entry > self.last_id || self.pending.contains_key(&entry)
    }

    /// Bytes allocated, about.
    pub(super) fn memory_usage(&self) -> usize {
        /// A tree of leaves that are two thirds full.
        fn tree<T>(len: usize) -> usize {
            len * size_of::<T>() * 3 / 2
        }
        let consumers: usize = self
            .consumers
            .iter()
            .flatten()
            .map(|consumer| consumer.name.len() + tree::<StreamId>(consumer.pending.len()))
            .sum();
        size_of::<Self>()
            + consumers
            + self.consumers.capacity() * size_of::<Option<Consumer>>()
            + tree::<(Arc<[u8]>, ConsumerId)>(self.names.len())
            + tree::<(StreamId, Pending)>(self.pending.len())
    }
}
