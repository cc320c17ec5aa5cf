//! Cutting old entries off.

use std::sync::Arc;

use super::Inner;
use super::id::StreamId;
use super::log::Filed;

/// Which entries are to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimBy {
    /// The oldest, so that this many stay.
    Length(u64),
    /// All below this id.
    Id(StreamId),
}

/// What becomes of entries that consumer groups still know when they are deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum References {
    /// They are deleted; what is pending in a group stays pending.
    #[default]
    Keep,
    /// They are deleted, and from what is pending too.
    Delete,
    /// They are not deleted before every group has read and acknowledged them.
    Acknowledged,
}

/// How a stream is trimmed.
#[derive(Clone, Copy, Debug)]
pub struct Trim {
    /// Which entries are to go.
    pub by: TrimBy,
    /// Only whole nodes go: quicker, but some entries stay that could go.
    pub approximate: bool,
    /// About how many entries go at most; 0: all.
    pub limit: u64,
    /// What of entries that groups still know.
    pub references: References,
}

impl Inner {
    /// Deletes old entries and says how many. O(1) for each node and each entry deleted.
    pub(super) fn trim(&mut self, trim: &Trim) -> u64 {
        let before = self.log.counters.len;
        let mut at = 0;
        while let Some(Filed { first, node }) = self.log.nodes.get(at) {
            let len = self.log.counters.len;
            if matches!(trim.by, TrimBy::Length(max) if len <= max) {
                break;
            }
            let live = node.live();
            if trim.limit > 0 && before - len + live > trim.limit {
                break;
            }
            let whole = match trim.by {
                TrimBy::Length(max) => len - live >= max,
                TrimBy::Id(min) => node.last_live(*first).is_some_and(|last| last < min),
            };
            if whole && trim.references == References::Keep {
                self.log.nodes.remove(at);
                self.log.counters.len -= live;
                continue;
            }
            if trim.approximate && !whole {
                break;
            }
            let removed = self.trim_node(at, trim);
            if !removed {
                at += 1;
            }
            if !whole {
                break;
            }
        }
        let deleted = before - self.log.counters.len;
        if deleted > 0 {
            self.log.find_first();
        }
        deleted
    }

    /// Deletes entries of one node, and says whether the whole node is gone with them.
    fn trim_node(&mut self, at: usize, trim: &Trim) -> bool {
        let Filed { first, node } = &self.log.nodes[at];
        let len = self.log.counters.len;
        let mut doomed = Vec::new();
        for step in node.walk(*first).filter(|step| !step.deleted) {
            let id = step.entry.id;
            let enough = match trim.by {
                TrimBy::Length(max) => len - doomed.len() as u64 <= max,
                TrimBy::Id(min) => id >= min,
            };
            if enough {
                break;
            }
            if trim.references != References::Acknowledged || !self.is_needed(id) {
                doomed.push((step.at, id));
            }
        }
        if trim.references == References::Delete {
            for (_, id) in &doomed {
                self.forget_pending(*id);
            }
        }
        self.log.counters.len -= doomed.len() as u64;
        if doomed.len() as u64 == self.log.nodes[at].node.live() {
            self.log.nodes.remove(at);
            return true;
        }
        if !doomed.is_empty() {
            let node = Arc::make_mut(&mut self.log.nodes[at].node);
            doomed.iter().for_each(|(place, _)| node.delete_at(*place));
        }
        false
    }
}
