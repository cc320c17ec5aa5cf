//! Members that nobody named: random picks, and the steps of SSCAN.

use super::{Repr, Set};
use crate::object::Aggregate;
use crate::value::{IntText, StringRef};

impl Set {
    /// The member at a place below [`len`](Aggregate::len) of some order that holds until the set is changed. O(1); O(n) in
    /// a listpack.
    pub fn get(&self, index: usize) -> Option<StringRef<'_>> {
        match &self.repr {
            Repr::Intset(intset) => intset.get(index).map(StringRef::Int),
            Repr::Listpack(listpack) => listpack.seek(index).map(|pos| listpack.get(pos)),
            Repr::Table(table) => table.try_get(u32::try_from(index).ok()?).map(|member| member.text()),
        }
    }

    /// A fair random member. O(1); O(n) in a listpack.
    pub fn random(&self, random: &mut fastrand::Rng) -> Option<StringRef<'_>> {
        let len = self.len();
        if len == 0 { None } else { self.get(random.usize(..len)) }
    }

    /// Takes a fair random member out and shows it. O(1); O(n) in an intset or a listpack.
    pub fn pop_random<T>(&mut self, random: &mut fastrand::Rng, show: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let len = self.len();
        if len == 0 {
            return None;
        }
        let index = random.usize(..len);
        let mut scratch = IntText::new();
        match &mut self.repr {
            Repr::Intset(intset) => intset.remove_at(index).map(|value| show(scratch.format(value))),
            Repr::Listpack(listpack) => {
                let pos = listpack.seek(index)?;
                let shown = show(listpack.get(pos).bytes(&mut scratch));
                listpack.remove(pos);
                Some(shown)
            }
            Repr::Table(table) => {
                let member = table.swap_remove(index as u32);
                Some(show(member.text().bytes(&mut scratch)))
            }
        }
    }

    /// Keeps `kept` fair random members in a set of their own and leaves the others: for taking nearly everything.
    /// The new set is as compact as the limits allow. O(kept), and O(n) in a listpack for each.
    pub fn split_random(
        &mut self,
        kept: usize,
        random: &mut fastrand::Rng,
        limits: &crate::limits::Limits,
    ) -> Self {
        let mut split = match &self.repr {
            Repr::Intset(_) => Self::default(),
            Repr::Listpack(_) | Repr::Table(_) => Self::new_listpack(),
        };
        for _ in 0..kept {
            self.pop_random(random, |member| split.insert(member, limits));
        }
        split
    }

    /// One step of SSCAN: shows about `count` members and returns the cursor to go on with, 0 at the end. Start with 0.
    /// A small encoding is shown whole. Each member that is there from the first to the last step is shown.
    pub fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(StringRef<'_>)) -> u64 {
        match &self.repr {
            Repr::Table(table) => table.scan(cursor, count, |member| visit(member.text())),
            _ => {
                self.iter().for_each(visit);
                0
            }
        }
    }
}
