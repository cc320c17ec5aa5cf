//! Members that nobody named: random picks, and the steps of SSCAN.

use std::collections::HashSet;

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

    /// Shows so many different random members, at most all; every choice of them has the same chance.
    /// O(count), at most O(n); O(n) in a listpack.
    pub fn sample<'a>(
        &'a self,
        count: usize,
        random: &mut fastrand::Rng,
        mut visit: impl FnMut(StringRef<'a>),
    ) {
        /// From this share of the members on, one pass over all is cheaper than drawing places.
        const PASS_SHARE: usize = 3;
        let len = self.len();
        let count = count.min(len);
        if count.saturating_mul(PASS_SHARE) < len && !matches!(self.repr, Repr::Listpack(_)) {
            let mut drawn = HashSet::with_capacity(count);
            while drawn.len() < count {
                let index = random.usize(..len);
                if drawn.insert(index) {
                    self.get(index).into_iter().for_each(&mut visit);
                }
            }
            return;
        }
        // Selection sampling (Knuth, TAOCP 3.4.2, algorithm S).
        let mut wanted = count;
        for (seen, member) in self.iter().enumerate() {
            if wanted == 0 {
                return;
            }
            if random.usize(..len - seen) < wanted {
                visit(member);
                wanted -= 1;
            }
        }
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
