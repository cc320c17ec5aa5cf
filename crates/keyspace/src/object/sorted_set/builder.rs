//! Sorted sets that are made at once.

use std::collections::BTreeSet;

use super::indexed::{Indexed, find};
use super::member::{Member, hash_of};
use super::packed::{Packed, parse_score};
use super::{Form, SortedSet};
use crate::dense::Dense;
use crate::limits::{Limit, Limits};
use crate::listpack::Listpack;
use crate::value::{IntText, StringRef};

/// Collects members in any order; they are put into order once, at the end.
#[derive(Default)]
pub struct SortedSetBuilder {
    members: Dense<Member>,
    longest: usize,
    /// Bytes of all members together.
    total: usize,
}

impl SortedSetBuilder {
    /// Nothing collected yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for so many more members.
    pub fn reserve(&mut self, additional: usize) {
        self.members.reserve(additional);
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nothing was collected yet.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether a member was collected. O(1).
    pub fn contains(&self, member: &[u8]) -> bool {
        find(&self.members, member, hash_of(member)).is_some()
    }

    /// Sets the score of a member to what `score` makes of the one it has, if it has one. O(1).
    pub fn update(&mut self, member: &[u8], score: impl FnOnce(Option<f64>) -> f64) {
        let hash = hash_of(member);
        match find(&self.members, member, hash) {
            Some(at) => {
                let member = self.members.get_mut(at);
                member.set_score(score(Some(member.score())));
            }
            None => {
                self.longest = self.longest.max(member.len());
                self.total += member.len();
                self.members.push(Member::new(member, hash, score(None)));
            }
        }
    }

    /// Adds a member; false if it was there already. O(1).
    pub fn insert(&mut self, member: &[u8], score: f64) -> bool {
        let mut is_new = false;
        self.update(member, |old| {
            is_new = old.is_none();
            score
        });
        is_new
    }

    /// Removes a member, if it was collected. O(1).
    pub fn remove(&mut self, member: &[u8]) {
        if let Some(at) = find(&self.members, member, hash_of(member)) {
            self.members.swap_remove(at);
        }
    }

    /// Puts the members into order, as those of a big set.
    pub(super) fn into_indexed(self) -> Indexed {
        Indexed::new(self.members)
    }

    /// Puts the members into order, in the encoding that the limits ask for. O(N log N), O(N) if they came in order
    /// or in reverse.
    pub fn finish(self, limits: &Limits) -> SortedSet {
        let small = self.len() <= limits.size(Limit::ZsetMaxListpackEntries)
            && self.longest <= limits.size(Limit::ZsetMaxListpackValue);
        let indexed = Indexed::new(self.members);
        if !small {
            return SortedSet(Form::Indexed(Box::new(indexed)));
        }
        let mut packed = Packed(Listpack::with_capacity(self.total + indexed.len() * 4));
        indexed.range(0..indexed.len()).for_each(|(member, score)| packed.push(member, score));
        packed.0.shrink_to_fit();
        SortedSet(Form::Packed(packed))
    }
}

impl SortedSet {
    /// Takes over a listpack of members and scores in turn. One that is in order, as all should be, is kept as it is
    /// if the limits allow. `None` if there is a member without a score, a score that is no number, or a member twice.
    pub fn from_listpack(listpack: Listpack, limits: &Limits) -> Option<Self> {
        let mut pairs = Vec::with_capacity(listpack.len() / 2);
        let mut entries = listpack.iter();
        while let Some(member) = entries.next() {
            pairs.push((member, parse_score(entries.next()?)?));
        }
        if keeps(&pairs, limits) {
            return Some(Self(Form::Packed(Packed(listpack))));
        }
        let mut builder = SortedSetBuilder::new();
        builder.reserve(pairs.len());
        let new =
            pairs.iter().all(|(member, score)| builder.insert(member.bytes(&mut IntText::new()), *score));
        new.then(|| builder.finish(limits))
    }
}

/// Whether members in a listpack are in order, each once, and not too many or too long.
fn keeps(pairs: &[(StringRef<'_>, f64)], limits: &Limits) -> bool {
    let longest = limits.size(Limit::ZsetMaxListpackValue);
    if pairs.len() > limits.size(Limit::ZsetMaxListpackEntries)
        || pairs.iter().any(|(member, _)| member.len() > longest)
    {
        return false;
    }
    let in_order = pairs.windows(2).all(|pair| {
        let (a, b) = (&pair[0], &pair[1]);
        let (mut a_text, mut b_text) = (IntText::new(), IntText::new());
        a.1 < b.1 || a.1 == b.1 && a.0.bytes(&mut a_text) < b.0.bytes(&mut b_text)
    });
    let mut seen = BTreeSet::new();
    in_order && pairs.iter().all(|(member, _)| seen.insert(member.to_vec()))
}
