//! A small sorted set: a listpack of members and scores in turn, in order.

use std::ops::Range;

use super::range::{LexRange, ScoreRange};
use crate::listpack::{Listpack, Pos};
use crate::value::{IntText, StringRef};

/// Members with their scores, in order. Everything is O(N).
#[derive(Clone, Debug, Default)]
pub(super) struct Packed(pub(super) Listpack);

/// Scores up to this size that are integers are stored as such: all of them survive the way to `i64` and back.
const INTEGER_MAX: f64 = (1_i64 << 62) as f64;

/// A score as it is stored, handed to `f`.
fn with_stored<T>(score: f64, f: impl FnOnce(StringRef<'_>) -> T) -> T {
    if score.abs() <= INTEGER_MAX && score.trunc() == score {
        f(StringRef::Int(score as i64))
    } else {
        f(StringRef::Bytes(ryu::Buffer::new().format(score).as_bytes()))
    }
}

/// A score as it was stored; `None` if that is no number.
pub(super) fn parse_score(stored: StringRef<'_>) -> Option<f64> {
    match stored {
        StringRef::Int(score) => Some(score as f64),
        StringRef::Bytes(text) => {
            let score: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            (!score.is_nan()).then_some(score)
        }
    }
}

fn score_of(stored: StringRef<'_>) -> f64 {
    parse_score(stored).expect("scores are checked when they come in")
}

impl Packed {
    /// Number of members.
    pub(super) fn len(&self) -> usize {
        self.0.len() / 2
    }

    /// The place of a member, and the place of its score behind it.
    fn find(&self, member: &[u8]) -> Option<(Pos, Pos)> {
        let at = self.0.find(member, self.0.first()?, 1)?;
        Some((at, self.0.next(at).expect("a score stands behind each member")))
    }

    /// The score of a member.
    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.find(member).map(|(_, score)| score_of(self.0.get(score)))
    }

    /// Rank and score of a member.
    pub(super) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let (at, score) = self.find(member)?;
        let rank = self.0.iter().positions().step_by(2).position(|other| other == at);
        Some((rank.expect("the member was found"), score_of(self.0.get(score))))
    }

    /// Gives a member that is there another score, or removes it.
    pub(super) fn change(&mut self, member: &[u8], decide: impl FnOnce(f64) -> Option<f64>) -> Change {
        let Some((at, score_at)) = self.find(member) else {
            return Change::Missing;
        };
        let old = score_of(self.0.get(score_at));
        match decide(old) {
            Some(new) if new != old => {
                self.0.remove_from(at, 2);
                self.insert(member, new);
            }
            Some(_) => {}
            None => {
                self.0.remove_from(at, 2);
            }
        }
        Change::Was(old)
    }

    /// Adds a member that is not there yet.
    pub(super) fn insert(&mut self, member: &[u8], score: f64) {
        let mut entries = self.0.iter().entries();
        let place = loop {
            let (Some((at, other)), Some((_, stored))) = (entries.next(), entries.next()) else {
                break None;
            };
            let other_score = score_of(stored);
            if other_score > score || other_score == score && other.bytes(&mut IntText::new()) > member {
                break Some(at);
            }
        };
        with_stored(score, |stored| match place {
            None => {
                self.0.push_back(member);
                self.0.push_back(stored);
            }
            Some(at) => {
                self.0.insert_before(at, member);
                self.0.insert_after(at, stored);
            }
        });
    }

    /// Adds a member that belongs behind all others.
    pub(super) fn push(&mut self, member: &[u8], score: f64) {
        self.0.push_back(member);
        with_stored(score, |stored| self.0.push_back(stored));
    }

    /// Removes the members of these ranks.
    pub(super) fn remove_ranks(&mut self, ranks: Range<usize>) {
        self.0.remove_range(ranks.start * 2, ranks.len() * 2);
    }

    /// The ranks of the members whose scores lie in a range.
    pub(super) fn score_ranks(&self, range: &ScoreRange) -> Range<usize> {
        let start = self.count_while(|_, score| range.is_above(score));
        let end = self.count_while(|_, score| !range.is_below(score));
        start..end.max(start)
    }

    /// The ranks of the members that lie in a range.
    pub(super) fn lex_ranks(&self, range: &LexRange<'_>) -> Range<usize> {
        let start = self.count_while(|member, _| range.is_above(member));
        let end = self.count_while(|member, _| !range.is_below(member));
        start..end.max(start)
    }

    /// How many members from the first on `accept` accepts.
    fn count_while(&self, accept: impl Fn(&[u8], f64) -> bool) -> usize {
        let accepted =
            |(member, score): &(StringRef<'_>, f64)| accept(member.bytes(&mut IntText::new()), *score);
        self.range(0..self.len()).take_while(accepted).count()
    }

    /// The members of these ranks.
    pub(super) fn range(&self, ranks: Range<usize>) -> Pairs<'_> {
        Pairs { listpack: &self.0, ranks, front: None, back: None }
    }
}

/// What a member was before a change.
pub(super) enum Change {
    Missing,
    Was(f64),
}

/// Members in order.
#[derive(Clone)]
pub(super) struct Pairs<'a> {
    listpack: &'a Listpack,
    /// What was not given yet.
    ranks: Range<usize>,
    /// What goes on from the front, once somebody asked.
    front: Option<crate::listpack::Iter<'a>>,
    /// What goes on from the back, once somebody asked.
    back: Option<crate::listpack::Iter<'a>>,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (StringRef<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next()?;
        let listpack = self.listpack;
        let front = self.front.get_or_insert_with(|| {
            let at = listpack.seek(rank * 2).expect("there are as many members");
            listpack.iter_from(at)
        });
        let member = front.next()?;
        Some((member, score_of(front.next()?)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }
}

impl DoubleEndedIterator for Pairs<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next_back()?;
        let listpack = self.listpack;
        let back = self.back.get_or_insert_with(|| {
            let at = listpack.seek(rank * 2 + 1).expect("there are as many members");
            listpack.iter_to(at)
        });
        let score = score_of(back.next_back()?);
        Some((back.next_back()?, score))
    }
}
