//! A big sorted set: a table of members and their order.
//!
//! The table knows each member's bytes and score by its hash; the tree knows the order as scores and numbers of the
//! table. A member's bytes are kept once. When the table fills a hole with its last member, that member's number
//! changes and the tree is told.

use std::ops::Range;

use super::member::{Member, hash_of};
use super::order::{Item, Items, Order};
use super::range::{LexRange, ScoreRange};
use crate::dense::Dense;

/// Members with their scores, by hash and in order.
#[derive(Clone, Default)]
pub(super) struct Indexed {
    members: Dense<Member>,
    order: Order,
}

type Members = Dense<Member>;

impl std::fmt::Debug for Indexed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.range(0..self.len())).finish()
    }
}

/// Whether an item stands in front of this score and member.
#[inline]
fn before(members: &Members, score: f64, member: &[u8]) -> impl Fn(Item) -> bool {
    move |item| item.score < score || item.score == score && members.get(item.id).bytes() < member
}

/// Whether an item stands in front of this member of the table or is its own, which may bear another number still.
#[inline]
fn up_to(members: &Members, at: u32, number: u32) -> impl Fn(Item) -> bool {
    let member = members.get(at);
    let (score, bytes) = (member.score(), member.bytes());
    move |item| {
        item.score < score
            || item.score == score && (item.id == number || members.get(item.id).bytes() < bytes)
    }
}

/// The number of a member.
#[inline]
pub(super) fn find(members: &Members, member: &[u8], hash: u32) -> Option<u32> {
    members.find(hash, |other| other.bytes() == member)
}

impl Indexed {
    /// Puts the members of a table into order. O(N log N), O(N) if they are in order or in reverse already.
    pub(super) fn new(members: Members) -> Self {
        let mut items: Vec<Item> =
            (0..members.len() as u32).map(|id| Item { score: members.get(id).score(), id }).collect();
        items.sort_by(|a, b| {
            let bytes = |item: &Item| members.get(item.id).bytes();
            a.score.partial_cmp(&b.score).expect("no score is NaN").then_with(|| bytes(a).cmp(bytes(b)))
        });
        let mut order = Order::default();
        items.into_iter().for_each(|item| order.insert(item, |_| true));
        Self { members, order }
    }

    /// Number of members.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// The score of a member. O(1).
    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        let at = find(&self.members, member, hash_of(member))?;
        Some(self.members.get(at).score())
    }

    /// Rank and score of a member. O(log N).
    pub(super) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let at = find(&self.members, member, hash_of(member))?;
        let rank = self.order.rank(up_to(&self.members, at, at)) - 1;
        Some((rank, self.members.get(at).score()))
    }

    /// Shows `decide` the score of a member, and stores what it answers. O(log N) if something changes, else O(1).
    pub(super) fn update(&mut self, member: &[u8], decide: impl FnOnce(Option<f64>) -> Option<f64>) {
        let hash = hash_of(member);
        match find(&self.members, member, hash) {
            Some(at) => {
                let old = self.members.get(at).score();
                if let Some(new) = decide(Some(old)).filter(|new| *new != old) {
                    self.move_to(at, new);
                }
            }
            None => {
                if let Some(score) = decide(None) {
                    let id = self.members.push(Member::new(member, hash, score));
                    self.order.insert(Item { score, id }, before(&self.members, score, member));
                }
            }
        }
    }

    fn move_to(&mut self, at: u32, score: f64) {
        self.order.remove(up_to(&self.members, at, at));
        self.members.get_mut(at).set_score(score);
        let bytes = self.members.get(at).bytes();
        self.order.insert(Item { score, id: at }, before(&self.members, score, bytes));
    }

    /// Removes a member and returns its score. O(log N).
    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let at = find(&self.members, member, hash_of(member))?;
        let removed = self.order.remove(up_to(&self.members, at, at));
        debug_assert_eq!(removed.id, at);
        self.drop_member(at);
        Some(removed.score)
    }

    /// Takes a member that is not in the tree any more out of the table.
    fn drop_member(&mut self, at: u32) {
        self.members.swap_remove(at);
        let last = self.members.len() as u32;
        if at != last {
            self.order.renumber(at, up_to(&self.members, at, last));
        }
    }

    /// Removes the members of these ranks. O(removed log N).
    pub(super) fn remove_ranks(&mut self, ranks: Range<usize>) {
        if ranks.len() == self.len() {
            *self = Self::default();
            return;
        }
        let mut ids = self.order.remove_range(ranks);
        // From the highest on: what moves into a hole is then never one that is still to be removed.
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.into_iter().for_each(|id| self.drop_member(id));
    }

    /// The ranks of the members whose scores lie in a range. O(log N).
    pub(super) fn score_ranks(&self, range: &ScoreRange) -> Range<usize> {
        let start = self.order.rank(|item| range.is_above(item.score));
        let end = self.order.rank(|item| !range.is_below(item.score));
        start..end.max(start)
    }

    /// The ranks of the members that lie in a range. O(log N).
    pub(super) fn lex_ranks(&self, range: &LexRange<'_>) -> Range<usize> {
        let bytes = |item: Item| self.members.get(item.id).bytes();
        let start = self.order.rank(|item| range.is_above(bytes(item)));
        let end = self.order.rank(|item| !range.is_below(bytes(item)));
        start..end.max(start)
    }

    /// The members of these ranks.
    pub(super) fn range(&self, ranks: Range<usize>) -> Ordered<'_> {
        Ordered { members: &self.members, items: self.order.range(ranks) }
    }

    /// A fair random member. O(1).
    pub(super) fn random(&self, random: u64) -> Option<(&[u8], f64)> {
        let member = self.members.get(self.members.random(random)?);
        Some((member.bytes(), member.score()))
    }

    /// One step of a walk over the table; see [`Dense::scan`].
    pub(super) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8], f64)) -> u64 {
        self.members.scan(cursor, count, |member| visit(member.bytes(), member.score()))
    }

    /// Bytes of the table, the tree, and long members, of which `samples` are looked at (0: all).
    pub(super) fn memory_usage(&self, samples: usize) -> usize {
        let samples = if samples == 0 { self.len() } else { samples.min(self.len()) };
        let sampled: usize = self.members.iter().take(samples).map(Member::heap_usage).sum();
        let members = (sampled * self.len()).checked_div(samples).unwrap_or(0);
        size_of::<Self>() + self.members.memory_usage() + self.order.memory_usage() + members
    }
}

/// Members in order.
#[derive(Clone)]
pub(super) struct Ordered<'a> {
    members: &'a Members,
    items: Items<'a>,
}

impl<'a> Ordered<'a> {
    #[inline]
    fn member(&self, item: Item) -> (&'a [u8], f64) {
        (self.members.get(item.id).bytes(), item.score)
    }
}

impl<'a> Iterator for Ordered<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.items.next().map(|item| self.member(item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl DoubleEndedIterator for Ordered<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.items.next_back().map(|item| self.member(item))
    }
}
