//! When a node of a list is full, and which elements have one of their own.

use crate::limits::{Limit, Limits};

/// Bytes of a node for `list-max-listpack-size` from -1 down; lower numbers count as the last.
const NODE_BYTES: [usize; 5] = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10];
/// Bytes of a node whose elements are counted.
const COUNTED_NODE_BYTES: usize = 8 << 10;
/// What an element is thought to take beside its text.
pub(super) const ELEMENT_OVERHEAD: usize = 8;

/// The limits of a list's nodes as they are at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLimits {
    /// Bytes that a node may take.
    bytes: usize,
    /// Elements that a node may hold, if they are counted.
    elements: Option<usize>,
    /// Bytes from which an element has its own node, if that is not by `bytes`.
    packed_threshold: usize,
    /// Nodes at each end that are not compressed; 0: none is.
    pub(super) depth: usize,
}

impl ListLimits {
    /// The limits in force.
    #[inline]
    pub fn of(limits: &Limits) -> Self {
        let fill = limits.get(Limit::ListMaxListpackSize);
        let (bytes, elements) = match usize::try_from(fill) {
            // A node holds at least one element.
            Ok(count) => (COUNTED_NODE_BYTES, Some(count.max(1))),
            Err(_) => {
                let class = usize::try_from(-1 - fill).unwrap_or(0).min(NODE_BYTES.len() - 1);
                (NODE_BYTES[class], None)
            }
        };
        Self {
            bytes,
            elements,
            packed_threshold: limits.size(Limit::ListPackedThreshold),
            depth: limits.size(Limit::ListCompressDepth),
        }
    }

    /// Whether this many elements in this many bytes are too much for one node.
    #[inline]
    pub(super) fn exceeded(&self, bytes: usize, elements: usize) -> bool {
        bytes > self.bytes || self.elements.is_some_and(|max| elements > max)
    }

    /// Whether a list that became shorter is short enough to live in one listpack: half of a node, so that it does not go to
    /// and fro. `shrinking` is false for one that was just loaded, which may fill a whole node.
    pub(super) fn fits_one(&self, bytes: usize, elements: usize, shrinking: bool) -> bool {
        let part = if shrinking { 2 } else { 1 };
        // A node whose elements are counted is judged by nothing else here.
        match self.elements {
            Some(max) => elements <= max / part,
            None => bytes <= self.bytes / part,
        }
    }

    /// Whether an element of this length has a node of its own.
    #[inline]
    pub(super) fn is_large(&self, len: usize) -> bool {
        if self.packed_threshold > 0 { len >= self.packed_threshold } else { len > self.bytes }
    }
}
