//! A stream: a log of entries, and the groups that read it.

mod counters;
mod entry;
mod group;
mod id;
mod load;
mod log;
mod node;
mod packed;
#[cfg(test)]
mod tests;
mod trim;

pub use counters::Counters;
pub use entry::StreamEntry;
pub use group::{Consumer, ConsumerId, Group, Pending};
pub use id::{IdText, StreamId};
pub use load::{BrokenStream, StreamLoader};
pub use log::{AppendError, Entries, EntriesBack, EntryLog, NodeLimits, NodeRef};
pub use node::Field;
pub use trim::{References, Trim, TrimBy};

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Aggregate, variant};
use crate::value::Encoding;

/// Groups by name.
type Groups = BTreeMap<Box<[u8]>, Arc<Group>>;

/// A stream.
#[derive(Clone, Debug, Default)]
pub struct Stream(Box<Inner>);

#[derive(Clone, Debug, Default)]
pub(super) struct Inner {
    log: EntryLog,
    /// A group is shared with a snapshot that still has to write it.
    groups: Groups,
}

impl Stream {
    /// The entries.
    pub fn log(&self) -> &EntryLog {
        &self.0.log
    }

    /// The entries, to be added to or deleted from.
    pub fn log_mut(&mut self) -> &mut EntryLog {
        &mut self.0.log
    }

    /// Deletes old entries and says how many. O(1) for each node and each entry deleted.
    pub fn trim(&mut self, trim: &Trim) -> u64 {
        self.0.trim(trim)
    }

    /// The groups in the order of their names.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = (&[u8], &Group)> {
        self.0.groups.iter().map(|(name, group)| (&**name, &**group))
    }

    /// The group with this name.
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.0.groups.get(name).map(|group| &**group)
    }

    /// The group with this name, to be changed.
    pub fn group_mut(&mut self, name: &[u8]) -> Option<&mut Group> {
        self.0.groups.get_mut(name).map(Arc::make_mut)
    }

    /// The entries, and a group that reads them.
    pub fn log_and_group_mut(&mut self, name: &[u8]) -> Option<(&EntryLog, &mut Group)> {
        let Inner { log, groups } = &mut *self.0;
        groups.get_mut(name).map(|group| (&*log, Arc::make_mut(group)))
    }

    /// Adds a group, unless there is one of this name.
    pub fn add_group(&mut self, name: &[u8], group: Group) -> bool {
        if self.0.groups.contains_key(name) {
            return false;
        }
        self.0.groups.insert(name.into(), Arc::new(group)).is_none()
    }

    /// Removes a group and says whether it was there.
    pub fn remove_group(&mut self, name: &[u8]) -> bool {
        self.0.groups.remove(name).is_some()
    }

    /// Whether some group has not read this entry, or not acknowledged it.
    pub fn is_needed(&self, id: StreamId) -> bool {
        self.0.is_needed(id)
    }

    /// Ends the pending of an entry in all groups, and says whether it was pending in any.
    pub fn forget_pending(&mut self, id: StreamId) -> bool {
        self.0.forget_pending(id)
    }
}

impl Inner {
    fn is_needed(&self, id: StreamId) -> bool {
        self.groups.values().any(|group| group.needs(id))
    }

    fn forget_pending(&mut self, id: StreamId) -> bool {
        let mut found = false;
        for group in self.groups.values_mut().filter(|group| group.pending().contains_key(&id)) {
            Arc::make_mut(group).acknowledge(id);
            found = true;
        }
        found
    }
}

impl Aggregate for Stream {
    variant!(Stream);

    fn len(&self) -> usize {
        self.0.log.len() as usize
    }

    /// A stream stays when it has no entries left: its ids go on from where they were.
    fn is_empty(&self) -> bool {
        false
    }

    fn encoding(&self) -> Encoding {
        Encoding::Stream
    }

    fn memory_usage(&self, samples: usize) -> usize {
        let groups: usize = self.0.groups.iter().map(|(name, group)| name.len() + group.memory_usage()).sum();
        size_of::<Inner>() + self.0.log.memory_usage(samples) + groups
    }

    fn free_effort(&self) -> usize {
        let pending: usize = self.0.groups.values().map(|group| 1 + group.pending().len() / 4).sum();
        self.0.log.node_count() * 2 + pending
    }
}
