//! A set, in one of three encodings: an array of integers, a listpack, a hash table.

mod algebra;
mod iter;
mod member;
mod pick;

pub use iter::SetIter;

use super::{Aggregate, variant};
use crate::dense::Dense;
use crate::intset::Intset;
use crate::limits::{Limit, Limits};
use crate::listpack::{Listpack, Pos};
use crate::value::{Encoding, IntText, StringRef, parse_int};
use member::{Member, hash_of};

/// Intsets never get bigger than this, whatever `set-max-intset-entries` says: their length has 32 bits.
const INTSET_MAX: usize = 1 << 30;

/// A set.
///
/// It begins as an intset if its first member is an integer and as a listpack otherwise, and changes its encoding when
/// a member does not fit or one of the limits is passed. It never changes back, except when it is stored as a result
/// (see [`Set::settle`]).
#[derive(Clone, Debug, Default)]
pub struct Set {
    repr: Repr,
}

#[derive(Clone, Debug)]
enum Repr {
    Intset(Intset),
    Listpack(Listpack),
    Table(Box<Dense<Member>>),
}

const _: () = assert!(size_of::<Set>() <= 24);

impl Default for Repr {
    fn default() -> Self {
        Self::Intset(Intset::new())
    }
}

/// How many integers an intset may hold.
fn intset_max(limits: &Limits) -> usize {
    limits.size(Limit::SetMaxIntsetEntries).min(INTSET_MAX)
}

impl Set {
    /// An empty set that can take `first`, and about `expected` members in all without a change of encoding.
    pub fn for_members(first: &[u8], expected: usize, limits: &Limits) -> Self {
        let repr = if expected <= limits.size(Limit::SetMaxIntsetEntries) && parse_int(first).is_some() {
            Repr::default()
        } else if expected <= limits.size(Limit::SetMaxListpackEntries) {
            Repr::Listpack(Listpack::new())
        } else {
            table(expected)
        };
        Self { repr }
    }

    /// An empty listpack.
    pub fn new_listpack() -> Self {
        Self { repr: Repr::Listpack(Listpack::new()) }
    }

    /// An empty hash table with room for `members`, for members of any kind.
    pub fn new_table(members: usize) -> Self {
        Self { repr: table(members) }
    }

    /// Takes a set over from an intset; it becomes a hash table if the limits say so.
    pub fn from_intset(intset: Intset, limits: &Limits) -> Self {
        let mut set = Self { repr: Repr::Intset(intset) };
        set.check_intset(limits);
        set
    }

    /// Takes a set over from a listpack; it becomes a hash table if the limits say so. `None` if an element is there
    /// twice.
    pub fn from_listpack(listpack: Listpack, limits: &Limits) -> Option<Self> {
        if !algebra::are_distinct(listpack.iter()) {
            return None;
        }
        let longest = limits.size(Limit::SetMaxListpackValue);
        let fits = listpack.len() <= limits.size(Limit::SetMaxListpackEntries)
            && listpack.iter().all(|member| member.len() <= longest);
        let mut set = Self { repr: Repr::Listpack(listpack) };
        if !fits {
            set.convert_to_table(0);
        }
        Some(set)
    }

    /// Becomes a hash table if so many members are about to be added that it would end as one.
    pub fn expect(&mut self, members: usize, limits: &Limits) {
        let limit = match &self.repr {
            Repr::Intset(_) => Limit::SetMaxIntsetEntries,
            Repr::Listpack(_) => Limit::SetMaxListpackEntries,
            Repr::Table(_) => return,
        };
        if members > limits.size(limit) {
            self.convert_to_table(members);
        }
    }

    /// The bytes of the intset, if it is one.
    pub fn as_intset(&self) -> Option<&Intset> {
        match &self.repr {
            Repr::Intset(intset) => Some(intset),
            _ => None,
        }
    }

    /// The listpack, if it is one.
    pub fn as_listpack(&self) -> Option<&Listpack> {
        match &self.repr {
            Repr::Listpack(listpack) => Some(listpack),
            _ => None,
        }
    }

    /// Whether `member` is in the set. O(1); O(log n) in an intset, O(n) in a listpack.
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.repr {
            Repr::Intset(intset) => parse_int(member).is_some_and(|value| intset.contains(value)),
            Repr::Listpack(listpack) => find_listed(listpack, StringRef::Bytes(member)).is_some(),
            Repr::Table(table) => find(table, member).is_some(),
        }
    }

    /// The same for a member of another set.
    pub fn contains_ref(&self, member: StringRef<'_>) -> bool {
        match (&self.repr, member) {
            (Repr::Intset(intset), StringRef::Int(value)) => intset.contains(value),
            (Repr::Listpack(listpack), _) => find_listed(listpack, member).is_some(),
            _ => self.contains(member.bytes(&mut IntText::new())),
        }
    }

    /// Adds a member; false if it was there. Amortised O(1) in a hash table, O(n) otherwise.
    pub fn insert(&mut self, member: &[u8], limits: &Limits) -> bool {
        match &mut self.repr {
            Repr::Intset(intset) => match parse_int(member) {
                Some(value) => {
                    let added = intset.insert(value);
                    if added {
                        self.check_intset(limits);
                    }
                    added
                }
                None => {
                    self.leave_intset(member, limits);
                    self.insert(member, limits)
                }
            },
            Repr::Listpack(listpack) => {
                if find_listed(listpack, StringRef::Bytes(member)).is_some() {
                    return false;
                }
                if listpack.len() < limits.size(Limit::SetMaxListpackEntries)
                    && member.len() <= limits.size(Limit::SetMaxListpackValue)
                    && listpack.has_room_for(member.len())
                {
                    listpack.push_back(member);
                    return true;
                }
                self.convert_to_table(1).push(Member::new(member, hash_of(member)));
                true
            }
            Repr::Table(table) => {
                let hash = hash_of(member);
                let absent = table.find(hash, |known| known.is(member)).is_none();
                if absent {
                    table.push(Member::new(member, hash));
                }
                absent
            }
        }
    }

    /// The same for a member of another set.
    pub fn insert_ref(&mut self, member: StringRef<'_>, limits: &Limits) -> bool {
        if let (Repr::Intset(intset), StringRef::Int(value)) = (&mut self.repr, member) {
            let added = intset.insert(value);
            if added {
                self.check_intset(limits);
            }
            return added;
        }
        self.insert(member.bytes(&mut IntText::new()), limits)
    }

    /// Removes a member; false if it was not there. O(1) in a hash table, O(n) otherwise.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.repr {
            Repr::Intset(intset) => parse_int(member).is_some_and(|value| intset.remove(value)),
            Repr::Listpack(listpack) => match find_listed(listpack, StringRef::Bytes(member)) {
                Some(pos) => {
                    listpack.remove(pos);
                    true
                }
                None => false,
            },
            Repr::Table(table) => match find(table, member) {
                Some(at) => {
                    table.swap_remove(at);
                    true
                }
                None => false,
            },
        }
    }

    /// Becomes an intset if all members are integers and few enough, as results of set operations do.
    pub fn settle(&mut self, limits: &Limits) {
        if matches!(self.repr, Repr::Intset(_)) || self.len() > intset_max(limits) {
            return;
        }
        let values: Option<Vec<i64>> = self.iter().map(StringRef::as_int).collect();
        if let Some(mut values) = values {
            // Ascending insertions move nothing.
            values.sort_unstable();
            self.repr = Repr::Intset(values.into_iter().collect());
        }
    }

    /// Takes the intset apart, because `member` is no integer: into a listpack if that is allowed to hold all.
    fn leave_intset(&mut self, member: &[u8], limits: &Limits) {
        let Repr::Intset(intset) = &self.repr else { return };
        let digits = |value: Option<i64>| value.map_or(0, |value| StringRef::Int(value).len());
        let longest = digits(intset.min()).max(digits(intset.max())).max(member.len());
        let fits = intset.len() < limits.size(Limit::SetMaxListpackEntries)
            && longest <= limits.size(Limit::SetMaxListpackValue);
        if fits {
            self.repr = Repr::Listpack(intset.iter().map(StringRef::Int).collect());
        } else {
            self.convert_to_table(1);
        }
    }

    fn check_intset(&mut self, limits: &Limits) {
        if let Repr::Intset(intset) = &self.repr
            && intset.len() > intset_max(limits)
        {
            self.convert_to_table(0);
        }
    }

    /// Becomes a hash table with room for `more` members.
    fn convert_to_table(&mut self, more: usize) -> &mut Dense<Member> {
        if !matches!(self.repr, Repr::Table(_)) {
            let mut table = Dense::new();
            table.reserve(self.len() + more);
            for member in self.iter() {
                let mut scratch = IntText::new();
                let text = member.bytes(&mut scratch);
                table.push(Member::new(text, hash_of(text)));
            }
            self.repr = Repr::Table(Box::new(table));
        }
        match &mut self.repr {
            Repr::Table(table) => table,
            _ => unreachable!("it was just made one"),
        }
    }
}

/// An empty hash table with room.
fn table(members: usize) -> Repr {
    /// No more than this is reserved for members that nobody has seen yet.
    const TRUSTED: usize = 1 << 12;
    let mut table = Dense::new();
    table.reserve(members.min(TRUSTED));
    Repr::Table(Box::new(table))
}

#[inline]
fn find(table: &Dense<Member>, member: &[u8]) -> Option<u32> {
    table.find(hash_of(member), |known| known.is(member))
}

#[inline]
fn find_listed(listpack: &Listpack, member: StringRef<'_>) -> Option<Pos> {
    listpack.find(member, listpack.first()?, 0)
}

impl Aggregate for Set {
    variant!(Set);

    #[inline]
    fn len(&self) -> usize {
        match &self.repr {
            Repr::Intset(intset) => intset.len(),
            Repr::Listpack(listpack) => listpack.len(),
            Repr::Table(table) => table.len(),
        }
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn encoding(&self) -> Encoding {
        match &self.repr {
            Repr::Intset(_) => Encoding::Intset,
            Repr::Listpack(_) => Encoding::Listpack,
            Repr::Table(_) => Encoding::Hashtable,
        }
    }

    fn memory_usage(&self, samples: usize) -> usize {
        match &self.repr {
            Repr::Intset(intset) => intset.as_bytes().len(),
            Repr::Listpack(listpack) => listpack.allocated(),
            Repr::Table(table) => {
                let looked_at = if samples == 0 { table.len() } else { samples.min(table.len()) };
                let sampled: usize = table.iter().take(looked_at).map(Member::heap_usage).sum();
                let heap = (sampled * table.len()).checked_div(looked_at).unwrap_or(0);
                size_of::<Dense<Member>>() + table.memory_usage() + heap
            }
        }
    }

    fn free_effort(&self) -> usize {
        match &self.repr {
            Repr::Intset(_) | Repr::Listpack(_) => 1,
            Repr::Table(table) => table.len(),
        }
    }
}

#[cfg(test)]
mod tests;
