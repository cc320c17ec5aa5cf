//! Intersection, union and difference of sets.

use super::Set;
use super::member::hash_of;
use crate::dense::{Dense, Slot};
use crate::hash::KeyHash;
use crate::object::Aggregate;
use crate::value::StringRef;

impl Set {
    /// Shows the members that all of the sets have, until `visit` returns false. No member is shown twice.
    /// O(n * m) for n members of the smallest set and m sets.
    pub fn intersection<'a>(sets: &[&'a Set], mut visit: impl FnMut(StringRef<'a>) -> bool) {
        let mut ordered = sets.to_vec();
        ordered.sort_by_key(|set| set.len());
        let Some((smallest, others)) = ordered.split_first() else { return };
        for member in smallest.iter() {
            let everywhere =
                others.iter().all(|other| std::ptr::eq(*other, *smallest) || other.contains_ref(member));
            if everywhere && !visit(member) {
                return;
            }
        }
    }

    /// Shows the members that any of the sets has, each once. O(n) for n members in all.
    pub fn union<'a>(sets: &[&'a Set], mut visit: impl FnMut(StringRef<'a>)) {
        match sets {
            [] => {}
            [only] => only.iter().for_each(visit),
            _ => {
                let mut seen = Seen::default();
                let members = sets.iter().flat_map(|set| set.iter());
                members.filter(|&member| seen.insert(member)).for_each(&mut visit);
            }
        }
    }

    /// Shows the members of the first set that none of the others has, each once.
    ///
    /// Either each member of the first is looked for in the others, O(n * m), or those of the others are taken away
    /// from a copy of the first, O(sum of all), whichever promises to be less work.
    pub fn difference<'a>(first: &'a Set, others: &[&'a Set], mut visit: impl FnMut(StringRef<'a>)) {
        if others.iter().any(|other| std::ptr::eq(*other, first)) {
            return;
        }
        let looked_up = first.len() * (others.len() + 1);
        let walked = first.len() + others.iter().map(|other| other.len()).sum::<usize>();
        // A lookup often ends early, at the first set that has the member.
        if looked_up / 2 <= walked {
            let mut others = others.to_vec();
            others.sort_by_key(|other| std::cmp::Reverse(other.len()));
            let left = first.iter().filter(|&member| !others.iter().any(|other| other.contains_ref(member)));
            left.for_each(visit);
        } else {
            let mut left = Seen::default();
            first.iter().for_each(|member| {
                left.insert(member);
            });
            for member in others.iter().flat_map(|other| other.iter()) {
                if left.0.is_empty() {
                    return;
                }
                left.remove(member);
            }
            left.0.iter().for_each(|seen| visit(seen.member));
        }
    }
}

/// Whether no text is there twice.
pub(super) fn are_distinct<'a>(mut members: impl Iterator<Item = StringRef<'a>>) -> bool {
    let mut seen = Seen::default();
    members.all(|member| seen.insert(member))
}

/// Members of sets that were seen, without a copy of their texts.
#[derive(Default)]
struct Seen<'a>(Dense<SeenMember<'a>>);

struct SeenMember<'a> {
    hash: u32,
    /// An integer is always `Int` here, however its set keeps it.
    member: StringRef<'a>,
}

impl Slot for SeenMember<'_> {
    #[inline]
    fn hash(&self) -> u32 {
        self.hash
    }
}

/// The one form of a member that different encodings agree about, and a hash of it.
fn normalized(member: StringRef<'_>) -> (u32, StringRef<'_>) {
    match (member.as_int(), member) {
        (Some(value), _) => (KeyHash::of(&value.to_ne_bytes()).low(), StringRef::Int(value)),
        (None, StringRef::Bytes(bytes)) => (hash_of(bytes), member),
        (None, StringRef::Int(_)) => unreachable!("an integer is one"),
    }
}

impl<'a> Seen<'a> {
    fn insert(&mut self, member: StringRef<'a>) -> bool {
        let (hash, member) = normalized(member);
        let fresh = self.0.find(hash, |seen| seen.member == member).is_none();
        if fresh {
            self.0.push(SeenMember { hash, member });
        }
        fresh
    }

    fn remove(&mut self, member: StringRef<'_>) {
        let (hash, member) = normalized(member);
        if let Some(at) = self.0.find(hash, |seen| seen.member == member) {
            self.0.swap_remove(at);
        }
    }
}
