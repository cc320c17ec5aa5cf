//! Building a stream from what a file says.

use std::sync::Arc;

use super::log::{EntryLog, Filed};
use super::node::{Field, Node};
use super::{Stream, StreamId};
use crate::value::StringRef;

/// What a file says cannot be a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenStream {
    /// Ids do not grow.
    Order,
    /// There is an entry above the id that is said to be the last.
    LastId,
}

/// Builds a stream node by node. The nodes stay as they were, whatever the limits are now.
#[derive(Default)]
pub struct StreamLoader {
    log: EntryLog,
    /// The entry before, in this node or the one before it.
    last: Option<StreamId>,
}

impl StreamLoader {
    /// A stream without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a node that is filed under `first`, with the names that its entries may share.
    ///
    /// # Errors
    /// It does not come behind the node before.
    pub fn node<'a>(
        &mut self,
        first: StreamId,
        names: impl ExactSizeIterator<Item = StringRef<'a>>,
    ) -> Result<(), BrokenStream> {
        if self.last.is_some_and(|last| first <= last) {
            return Err(BrokenStream::Order);
        }
        self.close_node();
        self.log.nodes.push_back(Filed { first, node: Arc::new(Node::new(first, names)) });
        Ok(())
    }

    /// Adds an entry to the node that was begun.
    ///
    /// # Errors
    /// It does not come behind the entry before.
    ///
    /// # Panics
    /// When no node was begun.
    pub fn entry<'a>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = Field<'a>> + Clone,
    ) -> Result<(), BrokenStream> {
        let Filed { first, node } = self.log.nodes.back_mut().expect("a node was begun");
        if id < *first || self.last.is_some_and(|last| id <= last) {
            return Err(BrokenStream::Order);
        }
        let node = Arc::get_mut(node).expect("nobody else has it yet");
        node.append(*first, id, fields);
        self.log.counters.len += 1;
        self.last = Some(id);
        Ok(())
    }

    /// Gives back what the node does not need, or the whole node if it got no entry.
    fn close_node(&mut self) {
        let Some(Filed { node, .. }) = self.log.nodes.back_mut() else { return };
        if node.live() == 0 {
            self.log.nodes.pop_back();
        } else {
            Arc::get_mut(node).expect("nobody else has it yet").shrink();
        }
    }

    /// Number of entries so far.
    pub fn len(&self) -> u64 {
        self.log.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The stream, without groups. What it remembers is to be set with [`EntryLog::set_counters`] if the file has it.
    ///
    /// # Errors
    /// An entry is above `last_id`.
    pub fn finish(mut self, last_id: StreamId) -> Result<Stream, BrokenStream> {
        if self.last.is_some_and(|last| last > last_id) {
            return Err(BrokenStream::LastId);
        }
        self.close_node();
        self.log.find_first();
        self.log.set_counters(last_id, StreamId::MIN, self.log.len());
        let mut stream = Stream::default();
        *stream.log_mut() = self.log;
        Ok(stream)
    }
}
