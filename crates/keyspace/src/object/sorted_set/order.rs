//! The order of a big sorted set: a counted B+ tree.
//!
//! An item is a score and the number of a member in the table that knows the members' bytes. The tree never sees those: whoever
//! searches it brings a predicate that says whether an item stands before the place that is meant. Items with
//! different scores are told apart by what the leaf holds, so that a member is looked up only among equal scores.
//!
//! All leaves are at the same depth. An inner node knows of each child its first item and how many items are below it, which
//! gives ranks in both directions in O(log N). A leaf is 760 bytes, scores and numbers apart from each other, so that a search
//! reads few cache lines and a walk reads them in order.
//!
//! A full leaf is split in the middle, but at its end if the new item goes there: what comes in order, as a load or a
//! log of times, fills the leaves completely. Nodes that have become small are merged with a neighbour if the two
//! together leave some room.

mod node;

use std::ops::Range;

use node::{Leaf, Node};

/// A place in the order: a score, and who has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Item {
    /// The score; never NaN.
    pub(super) score: f64,
    /// The number of the member.
    pub(super) id: u32,
}

/// Items in order, with ranks; see the module's page.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    root: Node,
    len: usize,
}

impl Order {
    /// Number of items.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts an item behind all those that `before` accepts. O(log N).
    ///
    /// `before` has to accept exactly the items up to some place, here as everywhere.
    pub(super) fn insert(&mut self, item: Item, before: impl Fn(Item) -> bool) {
        if let Some(right) = self.root.insert(item, &before) {
            let left = std::mem::take(&mut self.root);
            self.root = Node::parent_of(left, right);
        }
        self.len += 1;
    }

    /// Takes out the last item that `up_to` accepts; there has to be one. O(log N).
    pub(super) fn remove(&mut self, up_to: impl Fn(Item) -> bool) -> Item {
        let item = self.root.remove(&up_to);
        self.len -= 1;
        self.root.collapse();
        item
    }

    /// Gives the last item that `up_to` accepts another number; there has to be one. O(log N).
    pub(super) fn renumber(&mut self, id: u32, up_to: impl Fn(Item) -> bool) {
        self.root.renumber(id, &up_to);
    }

    /// Takes out the items of these ranks and returns their numbers. O(log N + removed).
    pub(super) fn remove_range(&mut self, ranks: Range<usize>) -> Vec<u32> {
        let mut removed = Vec::with_capacity(ranks.len());
        if !ranks.is_empty() {
            self.root.remove_range(ranks, &mut removed);
            self.len -= removed.len();
            self.root.collapse();
        }
        removed
    }

    /// How many items `before` accepts: the rank of the first it does not. O(log N).
    pub(super) fn rank(&self, before: impl Fn(Item) -> bool) -> usize {
        self.root.rank(&before)
    }

    /// The items of these ranks, in order from both ends. O(log N), then O(1) for each.
    pub(super) fn range(&self, ranks: Range<usize>) -> Items<'_> {
        debug_assert!(ranks.end <= self.len);
        Items { order: self, ranks, front: None, back: None }
    }

    /// Bytes of all nodes.
    pub(super) fn memory_usage(&self) -> usize {
        self.root.memory_usage()
    }
}

/// The items of a range of ranks.
#[derive(Clone)]
pub(super) struct Items<'a> {
    order: &'a Order,
    /// What was not given yet.
    ranks: Range<usize>,
    /// Leaf and place of the next item from the front, if the leaf goes on.
    front: Option<(&'a Leaf, usize)>,
    /// Leaf and place behind the next item from the back, if the leaf goes on.
    back: Option<(&'a Leaf, usize)>,
}

impl Iterator for Items<'_> {
    type Item = Item;

    #[inline]
    fn next(&mut self) -> Option<Item> {
        let rank = self.ranks.next()?;
        let (leaf, at) = match self.front {
            Some((leaf, at)) if at < leaf.len() => (leaf, at),
            _ => self.order.root.locate(rank),
        };
        self.front = Some((leaf, at + 1));
        Some(leaf.get(at))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }
}

impl DoubleEndedIterator for Items<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Item> {
        let rank = self.ranks.next_back()?;
        let (leaf, at) = match self.back {
            Some((leaf, end)) if end > 0 => (leaf, end - 1),
            _ => self.order.root.locate(rank),
        };
        self.back = Some((leaf, at));
        Some(leaf.get(at))
    }
}

impl ExactSizeIterator for Items<'_> {}

#[cfg(test)]
mod tests;
