//! A long list: nodes of some kilobytes each, in a ring.
//!
//! Redis links its nodes. In a ring a node costs 16 bytes beside its elements, and finding an index walks over the counts in a
//! row instead of from node to node. A node in the middle can be added and removed by moving half of the ring, which
//! for a million elements is some kilobytes.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::End;
use super::limits::ListLimits;
use super::node::{ListNode, Node};
use crate::listpack::{Listpack, Needle};
use crate::value::StringRef;

/// A list of nodes; none of them is empty, and those at the ends are not compressed.
#[derive(Clone, Debug, Default)]
pub(super) struct Quicklist {
    nodes: VecDeque<Node>,
    len: usize,
}

/// Where an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    node: usize,
    index: usize,
}

impl Quicklist {
    /// A list of the elements of a listpack.
    pub(super) fn from_listpack(listpack: Listpack) -> Self {
        let mut list = Self::default();
        list.append_listpack(listpack);
        list
    }

    /// Number of elements.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Number of nodes.
    pub(super) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// What the nodes hold, from the first to the last.
    pub(super) fn nodes(&self) -> impl Iterator<Item = ListNode<'_>> {
        self.nodes.iter().map(Node::open)
    }

    /// The bytes of all nodes before compression.
    pub(super) fn byte_len(&self) -> usize {
        self.nodes.iter().map(Node::byte_len).sum()
    }

    /// Bytes allocated; `samples` nodes at the start are looked at (0: all).
    pub(super) fn memory_usage(&self, samples: usize) -> usize {
        let looked_at = if samples == 0 { self.nodes.len() } else { samples.min(self.nodes.len()) };
        let sum: usize = self.nodes.iter().take(looked_at).map(Node::allocated).sum();
        let nodes = sum.checked_div(looked_at).map_or(0, |_| sum * self.nodes.len() / looked_at);
        size_of::<Self>() + self.nodes.capacity() * size_of::<Node>() + nodes
    }

    /// The element at an end.
    #[inline]
    pub(super) fn peek(&self, end: End) -> Option<StringRef<'_>> {
        match end {
            End::Head => self.nodes.front(),
            End::Tail => self.nodes.back(),
        }
        .map(|node| node.peek(end))
    }

    /// Hands out up to `n` elements, beginning `skip` elements from `end` and going away from it.
    pub(super) fn visit(
        &self,
        end: End,
        skip: usize,
        n: usize,
        mut f: impl FnMut(StringRef<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if skip >= self.len {
            return ControlFlow::Continue(());
        }
        let from = match end {
            End::Head => self.locate(skip),
            End::Tail => self.locate(self.len - 1 - skip),
        };
        let mut left = n.min(self.len - skip);
        let mut node = from.node;
        let mut skip = match end {
            End::Head => from.index,
            End::Tail => self.nodes[node].count() - 1 - from.index,
        };
        while left > 0 {
            let here = &self.nodes[node];
            here.open().visit(end, skip, left, &mut f)?;
            left = left.saturating_sub(here.count() - skip);
            skip = 0;
            node = match end {
                End::Head => node + 1,
                End::Tail => node.wrapping_sub(1),
            };
        }
        ControlFlow::Continue(())
    }

    /// Adds an element at an end. Amortised O(1) beside the bytes of a node.
    #[inline]
    pub(super) fn push(&mut self, end: End, value: StringRef<'_>, limits: &ListLimits) {
        let node = match end {
            End::Head => self.nodes.front_mut(),
            End::Tail => self.nodes.back_mut(),
        };
        self.len += 1;
        match node {
            Some(node) if node.has_room_for(value, limits) => node.push(end, value),
            _ => {
                let node = Node::of_one(value, limits);
                match end {
                    End::Head => self.nodes.push_front(node),
                    End::Tail => self.nodes.push_back(node),
                }
                self.settle(limits);
            }
        }
    }

    /// Adds the elements of a listpack, of which there is at least one, as a node behind the last.
    pub(super) fn append_listpack(&mut self, listpack: Listpack) {
        let node = Node::packed(listpack);
        self.len += node.count();
        self.nodes.push_back(node);
    }

    /// Adds a node for a single element behind the last.
    pub(super) fn append_plain(&mut self, bytes: Vec<u8>) {
        self.nodes.push_back(Node::Plain(bytes.into()));
        self.len += 1;
    }

    /// Puts an element in front of the one at `index`, or behind the last. O(nodes).
    pub(super) fn insert(&mut self, index: usize, value: StringRef<'_>, limits: &ListLimits) {
        if index == 0 || index >= self.len {
            return self.push(if index == 0 { End::Head } else { End::Tail }, value, limits);
        }
        let at = self.locate(index);
        self.len += 1;
        if self.nodes[at.node].has_room_for(value, limits) {
            self.nodes[at.node].insert(at.index, value);
            return self.recompress(at.node, limits);
        }
        if at.index == 0 && self.nodes[at.node - 1].has_room_for(value, limits) {
            self.nodes[at.node - 1].push(End::Tail, value);
            return self.recompress(at.node - 1, limits);
        }
        let between = self.split(at);
        self.nodes.insert(between, Node::of_one(value, limits));
        self.merge_around(between, limits);
        self.settle(limits);
    }

    /// Gives the element at `index`, which is there, another value. O(nodes).
    pub(super) fn replace(&mut self, index: usize, value: StringRef<'_>, limits: &ListLimits) {
        let at = self.locate(index);
        if self.nodes[at.node].try_replace(at.index, value, limits) {
            return self.recompress(at.node, limits);
        }
        // A small element becomes large or the other way round: it moves to a node of its own, between its neighbours.
        let mut node = self.split(at);
        if self.nodes[node].count() == 1 {
            self.nodes[node] = Node::of_one(value, limits);
        } else {
            self.nodes[node].remove(0, 1);
            self.nodes.insert(node, Node::of_one(value, limits));
        }
        node = node.min(self.nodes.len() - 1);
        self.merge_around(node, limits);
        self.settle(limits);
    }

    /// Removes `n` elements from `index` on, which are there. O(nodes).
    pub(super) fn remove(&mut self, index: usize, n: usize, limits: &ListLimits) {
        if n == 0 {
            return;
        }
        let nodes_before = self.nodes.len();
        let mut at = self.locate(index);
        let mut left = n;
        self.len -= n;
        // The part of the first node, whole nodes, and the part of the last.
        if at.index > 0 {
            let here = left.min(self.nodes[at.node].count() - at.index);
            self.nodes[at.node].remove(at.index, here);
            left -= here;
            self.recompress(at.node, limits);
            at.node += 1;
        }
        let whole = self.nodes.range(at.node.min(self.nodes.len())..).scan(&mut left, |left, node| {
            **left = left.checked_sub(node.count())?;
            Some(())
        });
        let whole = whole.count();
        self.drop_nodes(at.node, whole);
        if left > 0 {
            self.nodes[at.node].remove(0, left);
            self.recompress(at.node, limits);
        }
        if self.nodes.len() != nodes_before {
            self.settle(limits);
        }
    }

    /// Removes up to `max` elements that have this value, beginning at `end`, and says how many that were. O(N).
    pub(super) fn remove_value(
        &mut self,
        needle: &Needle<'_>,
        end: End,
        max: usize,
        limits: &ListLimits,
    ) -> usize {
        let mut removed = 0;
        let order: &mut dyn Iterator<Item = usize> = match end {
            End::Head => &mut (0..self.nodes.len()),
            End::Tail => &mut (0..self.nodes.len()).rev(),
        };
        let mut emptied = Vec::new();
        for index in order {
            if removed == max {
                break;
            }
            let node = &mut self.nodes[index];
            let count = node.count();
            let here = node.remove_value(needle, end, max - removed);
            removed += here;
            if here == count {
                emptied.push(index);
            } else if here > 0 {
                self.recompress(index, limits);
            }
        }
        self.len -= removed;
        if !emptied.is_empty() {
            self.drop_emptied(emptied);
            self.settle(limits);
        }
        removed
    }

    /// The only node's listpack, if there is just one node, and one of small elements, that `fits`.
    pub(super) fn take_only_listpack(&mut self, fits: impl Fn(usize, usize) -> bool) -> Option<Listpack> {
        match self.nodes.front() {
            None => Some(Listpack::new()),
            Some(node)
                if self.nodes.len() == 1 && !node.is_plain() && fits(node.byte_len(), node.count()) =>
            {
                self.nodes.pop_front().and_then(Node::into_listpack)
            }
            Some(_) => None,
        }
    }

    /// Compresses and expands all nodes as the limits ask for.
    pub(super) fn settle_all(&mut self, limits: &ListLimits) {
        self.settle(limits);
        for node in 0..self.nodes.len() {
            self.recompress(node, limits);
        }
    }

    /// Where the element at `index` is. O(nodes), from the nearer end.
    fn locate(&self, index: usize) -> Place {
        debug_assert!(index < self.len);
        if index < self.len / 2 {
            let mut left = index;
            for (node, here) in self.nodes.iter().enumerate() {
                match left.checked_sub(here.count()) {
                    Some(rest) => left = rest,
                    None => return Place { node, index: left },
                }
            }
        } else {
            let mut behind = self.len - index;
            for (node, here) in self.nodes.iter().enumerate().rev() {
                match here.count().checked_sub(behind) {
                    Some(index) => return Place { node, index },
                    None => behind -= here.count(),
                }
            }
        }
        unreachable!("the counts of the nodes add up to the length")
    }

    /// Sees to it that a node begins at this place, and says which.
    fn split(&mut self, at: Place) -> usize {
        if at.index == 0 {
            return at.node;
        }
        let tail = self.nodes[at.node].split_off(at.index);
        self.nodes.insert(at.node + 1, tail);
        at.node + 1
    }

    /// Merges neighbours near a node that together are no more than one may be.
    fn merge_around(&mut self, node: usize, limits: &ListLimits) {
        let last = (node + 2).min(self.nodes.len() - 1);
        for index in (node.saturating_sub(2)..last).rev() {
            let (before, behind) = self.nodes.as_mut_slices();
            let split = before.len();
            let merged = match index + 1 {
                next if next < split => {
                    let (a, b) = before.split_at_mut(next);
                    a[index].try_merge(&b[0], limits)
                }
                next if next == split => before[index].try_merge(&behind[0], limits),
                next => {
                    let (a, b) = behind.split_at_mut(next - split);
                    a[index - split].try_merge(&b[0], limits)
                }
            };
            if merged {
                self.nodes.remove(index + 1);
            }
        }
    }

    /// Removes whole nodes.
    fn drop_nodes(&mut self, from: usize, n: usize) {
        match n {
            0 => {}
            1 if from == 0 => drop(self.nodes.pop_front()),
            _ => drop(self.nodes.drain(from..from + n)),
        }
        if self.nodes.len() < self.nodes.capacity() / 4 {
            self.nodes.shrink_to(self.nodes.len() * 2);
        }
    }

    /// Removes the nodes with these numbers, each of which lost all its elements.
    fn drop_emptied(&mut self, mut emptied: Vec<usize>) {
        emptied.sort_unstable();
        let mut index = 0;
        self.nodes.retain(|_| {
            index += 1;
            emptied.binary_search(&(index - 1)).is_err()
        });
        self.drop_nodes(0, 0);
    }

    /// Compresses an inner node again after it was changed.
    #[inline]
    fn recompress(&mut self, node: usize, limits: &ListLimits) {
        if limits.depth > 0 && node >= limits.depth && node + limits.depth < self.nodes.len() {
            self.nodes[node].compress();
        }
    }

    /// Restores what holds for the ends after nodes came or went: they are open, and what is just behind them is not.
    fn settle(&mut self, limits: &ListLimits) {
        /// By so many places an operation moves a node away from an end.
        const MOVED: usize = 3;
        let len = self.nodes.len();
        for index in 0..limits.depth.max(1).min(len) {
            self.nodes[index].expand();
            self.nodes[len - 1 - index].expand();
        }
        if limits.depth > 0 {
            for index in limits.depth..(limits.depth + MOVED).min(len) {
                self.recompress(index, limits);
                self.recompress(len - 1 - index, limits);
            }
        }
    }

    /// Asserts what has to hold.
    #[cfg(test)]
    pub(super) fn check(&self, depth: usize) {
        let mut sum = 0;
        for (index, node) in self.nodes.iter().enumerate() {
            match node.open() {
                ListNode::Packed(listpack) => assert_eq!(listpack.len(), node.count()),
                ListNode::Plain(_) => assert_eq!(node.count(), 1),
            }
            assert!(node.count() > 0, "an empty node");
            let from_end = index.min(self.nodes.len() - 1 - index);
            assert!(!node.is_compressed() || from_end >= depth.max(1), "an end is compressed");
            sum += node.count();
        }
        assert_eq!(sum, self.len);
    }

    /// Number of compressed nodes.
    #[cfg(test)]
    pub(super) fn compressed(&self) -> usize {
        self.nodes.iter().filter(|node| node.is_compressed()).count()
    }
}
