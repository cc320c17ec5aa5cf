//! What a stream remembers of its history, and what follows for how far a group has read.

use super::group::Group;
use super::id::StreamId;

/// Counts and ids of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Entries that are there.
    pub len: u64,
    /// The oldest of them; zero without any.
    pub first_id: StreamId,
    /// The last id that was given out.
    pub last_id: StreamId,
    /// The highest id that was deleted, not counting what was trimmed.
    pub max_deleted_id: StreamId,
    /// Entries that were ever added.
    pub entries_added: u64,
}

impl Counters {
    /// Whether entries above `id` were deleted, so that one cannot count by counters alone from there.
    fn has_holes_from(&self, id: StreamId) -> bool {
        self.len > 0 && self.max_deleted_id != StreamId::MIN && id <= self.max_deleted_id
    }

    /// How many entries were ever added up to `id`, if that can be told.
    pub fn entries_added_until(&self, id: StreamId) -> Option<u64> {
        if self.entries_added == 0 {
            return Some(0);
        }
        if self.len == 0 && id <= self.last_id {
            return Some(self.entries_added);
        }
        if id != StreamId::MIN && id < self.max_deleted_id {
            return None;
        }
        if id >= self.last_id {
            return (id == self.last_id).then_some(self.entries_added);
        }
        if self.max_deleted_id == StreamId::MIN || self.max_deleted_id < self.first_id {
            let before_first = self.entries_added.wrapping_sub(self.len);
            if id < self.first_id {
                return Some(before_first);
            }
            if id == self.first_id {
                return Some(before_first + 1);
            }
        }
        None
    }

    /// How many entries a group has still to read, if that can be told.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        if self.entries_added == 0 || self.len == 0 {
            return Some(0);
        }
        if group.last_id < self.first_id && self.max_deleted_id < self.first_id {
            return Some(self.len as i64);
        }
        let read = group.entries_read.filter(|_| !self.has_holes_from(group.last_id));
        let read = read.or_else(|| self.entries_added_until(group.last_id))?;
        Some((self.entries_added as i64).wrapping_sub(read as i64))
    }

    /// Moves a group on to an entry it has just read.
    pub fn advance(&self, group: &mut Group, id: StreamId) {
        let counts = group.last_id >= self.first_id && !self.has_holes_from(group.last_id);
        match &mut group.entries_read {
            Some(read) if counts => *read += 1,
            read if self.entries_added > 0 => *read = self.entries_added_until(id),
            _ => {}
        }
        group.last_id = id;
    }
}
