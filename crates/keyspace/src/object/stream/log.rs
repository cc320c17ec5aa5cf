//! The entries of a stream, in runs.

use std::collections::{VecDeque, vec_deque};
use std::sync::Arc;

use super::counters::Counters;
use super::entry::StreamEntry;
use super::id::StreamId;
use super::node::{Field, Node, Walk};
use crate::limits::{Limit, Limits};
use crate::value::StringRef;

/// Longest node, as a listpack, and longest entry, in bytes.
const NODE_MAX_BYTES: usize = 1 << 30;

/// A node with the id it is filed under: that of the first entry it ever had.
#[derive(Clone, Debug)]
pub(super) struct Filed {
    pub(super) first: StreamId,
    /// Shared with a snapshot that still has to write it.
    pub(super) node: Arc<Node>,
}

/// When a node is full.
#[derive(Clone, Copy, Debug)]
pub struct NodeLimits {
    max_bytes: usize,
    max_entries: u64,
}

impl NodeLimits {
    /// What `stream-node-max-bytes` and `stream-node-max-entries` say.
    pub fn new(limits: &Limits) -> Self {
        let max_bytes = match limits.size(Limit::StreamNodeMaxBytes) {
            0 => NODE_MAX_BYTES,
            bytes => bytes.min(NODE_MAX_BYTES),
        };
        let max_entries = match limits.size(Limit::StreamNodeMaxEntries) {
            0 => u64::MAX,
            entries => entries as u64,
        };
        Self { max_bytes, max_entries }
    }
}

/// Why an entry was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// Its id is not above that of the newest entry.
    IdTooLow,
    /// Its fields and values are longer than a node can be.
    TooLong,
}

/// The entries of a stream, and what it remembers of those that are gone.
///
/// Appending takes O(1). Whatever starts from an id takes O(log nodes) to find the node and O(entries of a node) within it.
#[derive(Clone, Debug, Default)]
pub struct EntryLog {
    /// In order of their ids; none is without a live entry.
    pub(super) nodes: VecDeque<Filed>,
    pub(super) counters: Counters,
}

impl EntryLog {
    /// The counts and ids that a stream remembers.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Number of entries.
    pub fn len(&self) -> u64 {
        self.counters.len
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.counters.len == 0
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes in order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeRef<'_>> {
        self.nodes.iter().map(NodeRef)
    }

    /// The oldest entry's id.
    pub fn first_id(&self) -> Option<StreamId> {
        (!self.is_empty()).then_some(self.counters.first_id)
    }

    /// The newest entry's id. It is lower than the last id ever given out if newer entries were deleted.
    pub fn newest_id(&self) -> Option<StreamId> {
        let Filed { first, node } = self.nodes.back()?;
        node.last_live(*first)
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// The id is not above the last one, or the entry is too long.
    pub fn append<'a>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = Field<'a>> + Clone,
        limits: NodeLimits,
    ) -> Result<(), AppendError> {
        if id <= self.counters.last_id {
            return Err(AppendError::IdTooLow);
        }
        let bytes: usize = fields.clone().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > NODE_MAX_BYTES {
            return Err(AppendError::TooLong);
        }
        let full = self.nodes.back().is_none_or(|Filed { node, .. }| {
            // XSETID can go back behind entries that were deleted.
            id <= node.last()
                || node.total() >= limits.max_entries
                || node.listpack_len() + bytes >= limits.max_bytes
        });
        if full {
            if let Some(Filed { node, .. }) = self.nodes.back_mut() {
                Arc::make_mut(node).shrink();
            }
            self.begin_node(id, fields.clone().map(|(name, _)| name));
        }
        let Filed { first, node } = self.nodes.back_mut().expect("there is one by now");
        Arc::make_mut(node).append(*first, id, fields);
        let counters = &mut self.counters;
        counters.len += 1;
        counters.entries_added += 1;
        counters.last_id = id;
        if counters.len == 1 {
            counters.first_id = id;
        }
        Ok(())
    }

    pub(super) fn begin_node<'a>(
        &mut self,
        first: StreamId,
        names: impl ExactSizeIterator<Item = StringRef<'a>>,
    ) {
        self.nodes.push_back(Filed { first, node: Arc::new(Node::new(first, names)) });
    }

    /// The node that has the entry with this id, if any has.
    fn node_of(&self, id: StreamId) -> Option<usize> {
        self.nodes.partition_point(|filed| filed.first <= id).checked_sub(1)
    }

    /// The entry with this id.
    pub fn get(&self, id: StreamId) -> Option<StreamEntry<'_>> {
        self.range(id, id).next()
    }

    /// Whether there is an entry with this id.
    pub fn contains(&self, id: StreamId) -> bool {
        self.node_of(id).is_some_and(|at| {
            let Filed { first, node } = &self.nodes[at];
            node.find(*first, id).is_some()
        })
    }

    /// The entries from `from` to `to`, both included, in order.
    pub fn range(&self, from: StreamId, to: StreamId) -> Entries<'_> {
        let begin = self.node_of(from).unwrap_or(0);
        Entries { nodes: self.nodes.range(begin..), walk: None, from, to }
    }

    /// The same entries, the newest first.
    pub fn range_back(&self, from: StreamId, to: StreamId) -> EntriesBack<'_> {
        let end = self.node_of(to).map_or(0, |at| at + 1);
        EntriesBack { nodes: self.nodes.range(..end), ready: Vec::new(), from, to }
    }

    /// Deletes an entry and says whether it was there.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let Some(at) = self.node_of(id) else { return false };
        let Filed { first, node } = &mut self.nodes[at];
        let Some(place) = node.find(*first, id) else { return false };
        if node.live() == 1 {
            self.nodes.remove(at);
        } else {
            Arc::make_mut(node).delete_at(place);
        }
        self.counters.len -= 1;
        self.counters.max_deleted_id = self.counters.max_deleted_id.max(id);
        if id == self.counters.first_id {
            self.find_first();
        }
        true
    }

    /// Notes which entry is the oldest now.
    pub(super) fn find_first(&mut self) {
        let first = self.range(StreamId::MIN, StreamId::MAX).next().map(|entry| entry.id);
        self.counters.first_id = first.unwrap_or_default();
    }

    /// Sets what the stream remembers; the ids and counts have to be possible with the entries that are there.
    pub fn set_counters(&mut self, last_id: StreamId, max_deleted_id: StreamId, entries_added: u64) {
        debug_assert!(self.newest_id().is_none_or(|newest| newest <= last_id), "ids grow");
        self.counters.last_id = last_id;
        self.counters.max_deleted_id = max_deleted_id;
        self.counters.entries_added = entries_added;
    }

    /// Bytes allocated.
    pub(super) fn memory_usage(&self, samples: usize) -> usize {
        /// Counts of the shared handle.
        const ARC: usize = 16;
        let count = self.nodes.len();
        let looked_at = if samples == 0 { count } else { samples.min(count) };
        let bytes: usize = self.nodes.iter().take(looked_at).map(|filed| filed.node.capacity()).sum();
        // All but the newest node are about as long as each other.
        let all = bytes.checked_div(looked_at).unwrap_or(0) * count;
        all + count * (ARC + size_of::<Node>()) + self.nodes.capacity() * size_of::<Filed>()
    }
}

/// A node, for those who write streams node by node.
#[derive(Clone, Copy)]
pub struct NodeRef<'a>(&'a Filed);

impl<'a> NodeRef<'a> {
    /// The id it is filed under: not above that of any of its entries.
    pub fn first(&self) -> StreamId {
        self.0.first
    }

    /// The field names that its entries may share.
    pub fn names(&self) -> impl ExactSizeIterator<Item = StringRef<'a>> + Clone + use<'a> {
        self.0.node.names()
    }

    /// Number of entries.
    pub fn len(&self) -> u64 {
        self.0.node.live()
    }

    /// Whether it has no entries: never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries in order.
    pub fn entries(&self) -> impl Iterator<Item = StreamEntry<'a>> + use<'a> {
        self.0.node.entries(self.0.first)
    }
}

/// Entries in order, see [`EntryLog::range`].
#[derive(Clone)]
pub struct Entries<'a> {
    nodes: vec_deque::Iter<'a, Filed>,
    walk: Option<Walk<'a>>,
    from: StreamId,
    to: StreamId,
}

impl<'a> Iterator for Entries<'a> {
    type Item = StreamEntry<'a>;

    fn next(&mut self) -> Option<StreamEntry<'a>> {
        loop {
            let Some(walk) = &mut self.walk else {
                let Filed { first, node } = self.nodes.next()?;
                if *first > self.to {
                    self.nodes = Default::default();
                    return None;
                }
                self.walk = Some(node.walk(*first));
                continue;
            };
            let (from, to) = (self.from, self.to);
            match walk.find(|step| step.entry.id > to || (step.entry.id >= from && !step.deleted)) {
                Some(step) if step.entry.id <= to => return Some(step.entry),
                Some(_) => self.nodes = Default::default(),
                None => {}
            }
            self.walk = None;
        }
    }
}

/// Entries from the newest to the oldest, see [`EntryLog::range_back`].
pub struct EntriesBack<'a> {
    nodes: vec_deque::Iter<'a, Filed>,
    /// Those of a node that were not given out yet: it can be read only forwards.
    ready: Vec<StreamEntry<'a>>,
    from: StreamId,
    to: StreamId,
}

impl<'a> Iterator for EntriesBack<'a> {
    type Item = StreamEntry<'a>;

    fn next(&mut self) -> Option<StreamEntry<'a>> {
        loop {
            if let Some(entry) = self.ready.pop() {
                return Some(entry);
            }
            let Filed { first, node } = self.nodes.next_back()?;
            if node.last() < self.from {
                self.nodes = Default::default();
                return None;
            }
            let (from, to) = (self.from, self.to);
            let entries = node.entries(*first).take_while(|entry| entry.id <= to);
            self.ready.extend(entries.filter(|entry| entry.id >= from));
        }
    }
}
