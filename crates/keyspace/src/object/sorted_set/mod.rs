//! A sorted set.
//!
//! A small one is a listpack of members and scores in turn ([`packed`]), a big one a table and a tree ([`indexed`]). It becomes
//! big when it exceeds a limit and never small again, except where it is made anew.

mod builder;
mod indexed;
mod member;
mod order;
mod packed;
mod range;

use std::ops::Range;

pub use builder::SortedSetBuilder;
pub use range::{LexBound, LexRange, ScoreRange};

use indexed::{Indexed, Ordered};
use packed::{Change, Packed, Pairs};

use super::{Aggregate, variant};
use crate::limits::{Limit, Limits};
use crate::listpack::Listpack;
use crate::value::{Encoding, IntText, StringRef};

/// SortedSetIter, each with a score, ordered by score and then by their bytes. Scores are never NaN.
#[derive(Clone, Debug, Default)]
pub struct SortedSet(Form);

const _: () = assert!(size_of::<SortedSet>() <= 24);

#[derive(Clone, Debug)]
enum Form {
    Packed(Packed),
    Indexed(Box<Indexed>),
}

impl Default for Form {
    fn default() -> Self {
        Self::Packed(Packed::default())
    }
}

macro_rules! both {
    ($form:expr, $set:ident => $do:expr) => {
        match $form {
            Form::Packed($set) => $do,
            Form::Indexed($set) => $do,
        }
    };
}

/// Reading.
impl SortedSet {
    /// An empty sorted set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The score of a member. O(1), O(N) for a small set.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        both!(&self.0, set => set.score(member))
    }

    /// Rank, from the lowest score, and score of a member. O(log N).
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        both!(&self.0, set => set.rank(member))
    }

    /// The ranks of the members whose scores lie in a range. O(log N).
    pub fn score_ranks(&self, range: &ScoreRange) -> Range<usize> {
        both!(&self.0, set => set.score_ranks(range))
    }

    /// The ranks of the members that lie in a range, if all have the same score. O(log N).
    pub fn lex_ranks(&self, range: &LexRange<'_>) -> Range<usize> {
        both!(&self.0, set => set.lex_ranks(range))
    }

    /// The members of these ranks, which all are there, in order from both ends. O(log N), then O(1) for each.
    pub fn range(&self, ranks: Range<usize>) -> SortedSetIter<'_> {
        match &self.0 {
            Form::Packed(set) => SortedSetIter(Walk::Packed(set.range(ranks))),
            Form::Indexed(set) => SortedSetIter(Walk::Indexed(set.range(ranks))),
        }
    }

    /// All members in order.
    pub fn iter(&self) -> SortedSetIter<'_> {
        self.range(0..self.len())
    }

    /// The member that a random 64-bit number picks, fairly; `None` if there is none. O(1), O(N) for a small set.
    pub fn random(&self, random: u64) -> Option<(StringRef<'_>, f64)> {
        match &self.0 {
            Form::Packed(set) => {
                let rank = ((u128::from(random) * set.len() as u128) >> 64) as usize;
                set.range(rank..set.len()).next()
            }
            Form::Indexed(set) => {
                let (member, score) = set.random(random)?;
                Some((StringRef::Bytes(member), score))
            }
        }
    }

    /// Shows some `count` members and returns the cursor to go on with, 0 at the end. A walk that begins with 0 shows every
    /// member that is there throughout. A small set is shown at once.
    pub fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8], f64)) -> u64 {
        match &self.0 {
            Form::Packed(set) => {
                for (member, score) in set.range(0..set.len()) {
                    visit(member.bytes(&mut IntText::new()), score);
                }
                0
            }
            Form::Indexed(set) => set.scan(cursor, count, visit),
        }
    }

    /// The listpack of a small set, as it is stored.
    pub fn listpack(&self) -> Option<&Listpack> {
        match &self.0 {
            Form::Packed(set) => Some(&set.0),
            Form::Indexed(_) => None,
        }
    }
}

/// Changing.
impl SortedSet {
    /// Shows `decide` the score of a member, if it is one, and stores the score that it answers, which is no NaN. `None` leaves
    /// all as it was. O(log N).
    pub fn update(
        &mut self,
        member: &[u8],
        limits: &Limits,
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) {
        let set = match &mut self.0 {
            Form::Indexed(set) => return set.update(member, decide),
            Form::Packed(set) => set,
        };
        let mut decide = Some(decide);
        let mut ask = |old| decide.take().expect("asked once")(old);
        // Unlike here, `None` from `change`'s closure removes: the old score leaves all as it was.
        if let Change::Was(_) = set.change(member, |old| Some(ask(Some(old)).unwrap_or(old))) {
            return;
        }
        let Some(score) = ask(None) else { return };
        if set.len() < limits.size(Limit::ZsetMaxListpackEntries)
            && member.len() <= limits.size(Limit::ZsetMaxListpackValue)
            && set.0.has_room_for(member.len())
        {
            set.insert(member, score);
        } else {
            self.indexed().update(member, |_| Some(score));
        }
    }

    /// The big form, into which a small one is turned.
    fn indexed(&mut self) -> &mut Indexed {
        if let Form::Packed(set) = &self.0 {
            let mut builder = SortedSetBuilder::new();
            for (member, score) in set.range(0..set.len()) {
                builder.insert(member.bytes(&mut IntText::new()), score);
            }
            self.0 = Form::Indexed(Box::new(builder.into_indexed()));
        }
        match &mut self.0 {
            Form::Indexed(set) => set,
            Form::Packed(_) => unreachable!("it was turned into the other form"),
        }
    }

    /// Removes a member and returns its score. O(log N).
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.0 {
            Form::Packed(set) => match set.change(member, |_| None) {
                Change::Was(score) => Some(score),
                Change::Missing => None,
            },
            Form::Indexed(set) => set.remove(member),
        }
    }

    /// Removes the members of these ranks, which all are there. O(removed log N).
    pub fn remove_ranks(&mut self, ranks: Range<usize>) {
        if !ranks.is_empty() {
            both!(&mut self.0, set => set.remove_ranks(ranks));
        }
    }
}

impl Aggregate for SortedSet {
    variant!(SortedSet);

    fn len(&self) -> usize {
        both!(&self.0, set => set.len())
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn encoding(&self) -> Encoding {
        match self.0 {
            Form::Packed(_) => Encoding::Listpack,
            Form::Indexed(_) => Encoding::Skiplist,
        }
    }

    fn memory_usage(&self, samples: usize) -> usize {
        match &self.0 {
            Form::Packed(set) => set.0.allocated(),
            Form::Indexed(set) => set.memory_usage(samples),
        }
    }

    fn free_effort(&self) -> usize {
        match &self.0 {
            Form::Packed(_) => 1,
            Form::Indexed(set) => set.len(),
        }
    }
}

/// SortedSetIter with their scores, in order.
#[derive(Clone)]
pub struct SortedSetIter<'a>(Walk<'a>);

#[derive(Clone)]
enum Walk<'a> {
    Packed(Pairs<'a>),
    Indexed(Ordered<'a>),
}

impl<'a> Iterator for SortedSetIter<'a> {
    type Item = (StringRef<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Walk::Packed(pairs) => pairs.next(),
            Walk::Indexed(ordered) => ordered.next().map(|(member, score)| (StringRef::Bytes(member), score)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Walk::Packed(pairs) => pairs.size_hint(),
            Walk::Indexed(ordered) => ordered.size_hint(),
        }
    }
}

impl DoubleEndedIterator for SortedSetIter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Walk::Packed(pairs) => pairs.next_back(),
            Walk::Indexed(ordered) => {
                ordered.next_back().map(|(member, score)| (StringRef::Bytes(member), score))
            }
        }
    }
}

impl ExactSizeIterator for SortedSetIter<'_> {}

#[cfg(test)]
mod tests;
