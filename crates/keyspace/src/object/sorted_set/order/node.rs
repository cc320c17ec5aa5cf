//! The nodes of the tree.

use std::ops::Range;

use super::Item;

/// Items of a leaf: as many as fit jemalloc's class of 768 bytes.
const LEAF: usize = 63;
/// Children of an inner node.
const FAN_OUT: usize = 48;

/// The lowest level: up to [`LEAF`] items.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    scores: [f64; LEAF],
    ids: [u32; LEAF],
    len: u32,
}

const _: () = assert!(size_of::<Leaf>() <= 768);

impl Leaf {
    fn new() -> Box<Self> {
        Box::new(Self { scores: [0.0; LEAF], ids: [0; LEAF], len: 0 })
    }

    /// Number of items.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// The item at a place below [`len`](Self::len).
    #[inline]
    pub(super) fn get(&self, at: usize) -> Item {
        Item { score: self.scores[at], id: self.ids[at] }
    }

    /// How many items `before` accepts.
    #[inline]
    fn rank(&self, before: &impl Fn(Item) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.get(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Puts an item at a place. A full leaf gives away what belongs behind it in a new leaf.
    fn insert(&mut self, at: usize, item: Item) -> Option<Box<Self>> {
        if self.len() < LEAF {
            self.put(at, item);
            return None;
        }
        let split = match at {
            0 | LEAF => at,
            _ => LEAF / 2,
        };
        let mut right = self.split_off(split);
        if at < split || split == 0 {
            self.put(at, item);
        } else {
            right.put(at - split, item);
        }
        Some(right)
    }

    fn put(&mut self, at: usize, item: Item) {
        let len = self.len();
        self.scores.copy_within(at..len, at + 1);
        self.ids.copy_within(at..len, at + 1);
        self.scores[at] = item.score;
        self.ids[at] = item.id;
        self.len += 1;
    }

    fn split_off(&mut self, at: usize) -> Box<Self> {
        let mut right = Self::new();
        right.extend(&self.scores[at..self.len()], &self.ids[at..self.len()]);
        self.len = at as u32;
        right
    }

    fn extend(&mut self, scores: &[f64], ids: &[u32]) {
        let places = self.len()..self.len() + ids.len();
        self.scores[places.clone()].copy_from_slice(scores);
        self.ids[places].copy_from_slice(ids);
        self.len += ids.len() as u32;
    }

    fn remove(&mut self, places: Range<usize>) {
        let len = self.len();
        self.scores.copy_within(places.end..len, places.start);
        self.ids.copy_within(places.end..len, places.start);
        self.len -= places.len() as u32;
    }
}

/// A child of an inner node, with what its parent has to know.
#[derive(Clone, Debug)]
pub(super) struct Child {
    /// Score of the first item below.
    score: f64,
    /// Number of the first item below.
    id: u32,
    /// Items below.
    count: u32,
    node: Node,
}

impl Child {
    fn of(node: Node) -> Self {
        let Item { score, id } = node.first();
        Self { score, id, count: node.count() as u32, node }
    }

    #[inline]
    fn first(&self) -> Item {
        Item { score: self.score, id: self.id }
    }

    /// Looks up what is known of a node whose first item may be another one now.
    fn refresh_first(&mut self) {
        Item { score: self.score, id: self.id } = self.node.first();
    }
}

/// A node and all below it. No node but the root of an empty tree is empty.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Leaf(Box<Leaf>),
    Inner(Vec<Child>),
}

impl Default for Node {
    fn default() -> Self {
        Self::Leaf(Leaf::new())
    }
}

/// The child that the last item accepted by `before` is below, or the first if there is none.
#[inline]
fn child_of(children: &[Child], before: &impl Fn(Item) -> bool) -> usize {
    children.partition_point(|child| before(child.first())).saturating_sub(1)
}

/// Searching.
impl Node {
    /// Items or children of this very node.
    fn len(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.len(),
            Self::Inner(children) => children.len(),
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Self::Leaf(_) => LEAF,
            Self::Inner(_) => FAN_OUT,
        }
    }

    /// Items below.
    fn count(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.len(),
            Self::Inner(children) => children.iter().map(|child| child.count as usize).sum(),
        }
    }

    fn first(&self) -> Item {
        match self {
            Self::Leaf(leaf) => leaf.get(0),
            Self::Inner(children) => children[0].first(),
        }
    }

    /// How many items `before` accepts.
    pub(super) fn rank(&self, before: &impl Fn(Item) -> bool) -> usize {
        let (mut node, mut rank) = (self, 0);
        loop {
            match node {
                Self::Leaf(leaf) => return rank + leaf.rank(before),
                Self::Inner(children) => {
                    let at = child_of(children, before);
                    rank += children[..at].iter().map(|child| child.count as usize).sum::<usize>();
                    node = &children[at].node;
                }
            }
        }
    }

    /// The leaf with the item of a rank that there is, and the item's place in it.
    pub(super) fn locate(&self, rank: usize) -> (&Leaf, usize) {
        let (mut node, mut rank) = (self, rank);
        loop {
            match node {
                Self::Leaf(leaf) => return (leaf, rank),
                Self::Inner(children) => {
                    let mut at = 0;
                    while rank >= children[at].count as usize {
                        rank -= children[at].count as usize;
                        at += 1;
                    }
                    node = &children[at].node;
                }
            }
        }
    }

    /// Bytes of this node and all below it, without the enum itself.
    pub(super) fn memory_usage(&self) -> usize {
        match self {
            Self::Leaf(_) => size_of::<Leaf>(),
            Self::Inner(children) => {
                let below: usize = children.iter().map(|child| child.node.memory_usage()).sum();
                children.capacity() * size_of::<Child>() + below
            }
        }
    }
}

/// Changing.
impl Node {
    /// The root above two nodes.
    pub(super) fn parent_of(left: Node, right: Node) -> Self {
        let mut children = Vec::with_capacity(FAN_OUT + 1);
        children.extend([Child::of(left), Child::of(right)]);
        Self::Inner(children)
    }

    /// Replaces a root that has one child by that child.
    pub(super) fn collapse(&mut self) {
        while let Self::Inner(children) = self
            && children.len() <= 1
        {
            *self = children.pop().map_or_else(Self::default, |child| child.node);
        }
    }

    /// Puts an item behind those that `before` accepts. If the node was full, its right half comes back.
    pub(super) fn insert(&mut self, item: Item, before: &impl Fn(Item) -> bool) -> Option<Node> {
        match self {
            Self::Leaf(leaf) => leaf.insert(leaf.rank(before), item).map(Self::Leaf),
            Self::Inner(children) => {
                let at = child_of(children, before);
                let child = &mut children[at];
                match child.node.insert(item, before) {
                    None => {
                        child.count += 1;
                        child.refresh_first();
                        None
                    }
                    Some(right) => {
                        *child = Child::of(std::mem::take(&mut child.node));
                        children.insert(at + 1, Child::of(right));
                        split_if_too_long(children, at + 1)
                    }
                }
            }
        }
    }

    /// Takes out the last item that `up_to` accepts.
    pub(super) fn remove(&mut self, up_to: &impl Fn(Item) -> bool) -> Item {
        match self {
            Self::Leaf(leaf) => {
                let at = leaf.rank(up_to) - 1;
                let item = leaf.get(at);
                leaf.remove(at..at + 1);
                item
            }
            Self::Inner(children) => {
                let at = child_of(children, up_to);
                let child = &mut children[at];
                let item = child.node.remove(up_to);
                child.count -= 1;
                if child.count == 0 {
                    children.remove(at);
                } else {
                    child.refresh_first();
                    merge_small(children, at.saturating_sub(1)..at + 1);
                }
                item
            }
        }
    }

    /// Gives the last item that `up_to` accepts another number.
    pub(super) fn renumber(&mut self, id: u32, up_to: &impl Fn(Item) -> bool) {
        match self {
            Self::Leaf(leaf) => {
                let at = leaf.rank(up_to) - 1;
                leaf.ids[at] = id;
            }
            Self::Inner(children) => {
                let at = child_of(children, up_to);
                let child = &mut children[at];
                child.node.renumber(id, up_to);
                child.refresh_first();
            }
        }
    }

    /// Takes out the items of these ranks, which are there but not all there are, and appends their numbers.
    pub(super) fn remove_range(&mut self, ranks: Range<usize>, removed: &mut Vec<u32>) {
        match self {
            Self::Leaf(leaf) => {
                removed.extend_from_slice(&leaf.ids[ranks.clone()]);
                leaf.remove(ranks);
            }
            Self::Inner(children) => {
                let mut start = 0;
                for child in children.iter_mut() {
                    let end = start + child.count as usize;
                    let below = ranks.start.max(start)..ranks.end.min(end);
                    if !below.is_empty() {
                        child.remove_range(below.start - start..below.end - start, removed);
                    }
                    start = end;
                }
                children.retain(|child| child.count > 0);
                let all = 0..children.len();
                merge_small(children, all);
            }
        }
    }

    fn append_ids(&self, ids: &mut Vec<u32>) {
        match self {
            Self::Leaf(leaf) => ids.extend_from_slice(&leaf.ids[..leaf.len()]),
            Self::Inner(children) => children.iter().for_each(|child| child.node.append_ids(ids)),
        }
    }

    /// Takes over all that is in the node behind this one, which is of the same level.
    fn append(&mut self, right: Node) {
        match (self, right) {
            (Self::Leaf(left), Self::Leaf(right)) => {
                left.extend(&right.scores[..right.len()], &right.ids[..right.len()]);
            }
            (Self::Inner(left), Self::Inner(right)) => left.extend(right),
            _ => unreachable!("all leaves are at the same depth"),
        }
    }
}

impl Child {
    fn remove_range(&mut self, ranks: Range<usize>, removed: &mut Vec<u32>) {
        self.count -= ranks.len() as u32;
        if self.count == 0 {
            self.node.append_ids(removed);
        } else {
            self.node.remove_range(ranks, removed);
            self.refresh_first();
        }
    }
}

/// The right part of the children if they have become too many; `new` is the place of the one that came last.
fn split_if_too_long(children: &mut Vec<Child>, new: usize) -> Option<Node> {
    if children.len() <= FAN_OUT {
        return None;
    }
    // As with leaves: what comes in order leaves full nodes behind.
    let split = if new == FAN_OUT { FAN_OUT } else { FAN_OUT / 2 };
    let mut right = Vec::with_capacity(FAN_OUT + 1);
    right.extend(children.drain(split..));
    Some(Node::Inner(right))
}

/// Merges neighbours of which one is less than a quarter full and that together leave a quarter of a node free. `lefts` are the
/// places of the left ones.
fn merge_small(children: &mut Vec<Child>, lefts: Range<usize>) {
    for left in lefts.rev() {
        if left + 1 >= children.len() {
            continue;
        }
        let capacity = children[left].node.capacity();
        let (a, b) = (children[left].node.len(), children[left + 1].node.len());
        if a.min(b) * 4 < capacity && (a + b) * 4 <= capacity * 3 {
            let right = children.remove(left + 1);
            let left = &mut children[left];
            left.count += right.count;
            left.node.append(right.node);
        }
    }
}
