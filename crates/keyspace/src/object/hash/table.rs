//! A big hash: a [`Dense`] table of pairs, and the order in which those with an expiry expire.

use std::collections::BTreeSet;

use super::FieldRef;
use super::pair::{Pair, hash_of};
use crate::dense::Dense;
use crate::table::SetTtl;
use crate::value::StringRef;

/// Expiries with the numbers of their slots.
type Times = BTreeSet<(i64, u32)>;

/// See the module's page.
#[derive(Clone, Default)]
pub(super) struct HashTable {
    pairs: Dense<Pair>,
    /// There only if a field has an expiry: hashes without pay nothing for it.
    times: Option<Box<Times>>,
}

impl Pair {
    fn show(&self) -> FieldRef<'_> {
        FieldRef {
            field: StringRef::Bytes(self.field()),
            value: StringRef::Bytes(self.value()),
            expire_at_ms: self.expire_at_ms(),
        }
    }
}

impl HashTable {
    pub(super) fn with_room(fields: usize) -> Self {
        let mut table = Self::default();
        table.pairs.reserve(fields);
        table
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    #[inline]
    fn find(&self, hash: u32, field: &[u8]) -> Option<u32> {
        self.pairs.find(hash, |pair| pair.field() == field)
    }

    #[inline]
    pub(super) fn get(&self, field: &[u8]) -> Option<FieldRef<'_>> {
        self.find(hash_of(field), field).map(|at| self.pairs.get(at).show())
    }

    /// The field with the given number below the length.
    pub(super) fn at(&self, index: usize) -> Option<FieldRef<'_>> {
        self.pairs.try_get(u32::try_from(index).ok()?).map(Pair::show)
    }

    /// Sets a value and says whether the field is new.
    #[inline]
    pub(super) fn set(&mut self, field: &[u8], value: &[u8], ttl: SetTtl) -> bool {
        let hash = hash_of(field);
        let Some(at) = self.find(hash, field) else {
            let expire_at_ms = ttl.resolve(None);
            let at = self.pairs.push(Pair::new(hash, field, value, expire_at_ms));
            self.note_time(at, None, expire_at_ms);
            return true;
        };
        let current = self.pairs.get(at).expire_at_ms();
        let target = ttl.resolve(current);
        if target != current {
            self.pairs.get_mut(at).set_expiry(target);
            self.note_time(at, current, target);
        }
        self.pairs.get_mut(at).set_value(value);
        false
    }

    /// Sets or removes the expiry of a field, and says whether the field is there.
    pub(super) fn set_expiry(&mut self, field: &[u8], expire_at_ms: Option<i64>) -> bool {
        let Some(at) = self.find(hash_of(field), field) else { return false };
        let pair = self.pairs.get_mut(at);
        let current = pair.expire_at_ms();
        pair.set_expiry(expire_at_ms);
        self.note_time(at, current, expire_at_ms);
        true
    }

    fn note_time(&mut self, at: u32, old: Option<i64>, new: Option<i64>) {
        if old == new {
            return;
        }
        let times = self.times.get_or_insert_default();
        if let Some(old) = old {
            times.remove(&(old, at));
        }
        if let Some(new) = new {
            times.insert((new, at));
        } else if times.is_empty() {
            self.times = None;
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, field: &[u8]) -> bool {
        match self.find(hash_of(field), field) {
            Some(at) => {
                self.remove_at(at);
                true
            }
            None => false,
        }
    }

    /// Takes a pair out; the last one gets its number.
    fn remove_at(&mut self, at: u32) -> Pair {
        if self.times.is_some() {
            self.note_time(at, self.pairs.get(at).expire_at_ms(), None);
            let last = (self.pairs.len() - 1) as u32;
            if at != last
                && let Some(moved) = self.pairs.get(last).expire_at_ms()
                && let Some(times) = &mut self.times
            {
                times.remove(&(moved, last));
                times.insert((moved, at));
            }
        }
        self.pairs.swap_remove(at)
    }

    /// The earliest expiry.
    #[inline]
    pub(super) fn next_expiry(&self) -> Option<i64> {
        self.times.as_ref()?.first().map(|&(at_ms, _)| at_ms)
    }

    /// Removes the field that expires first, if that is before `horizon`.
    pub(super) fn pop_expired(&mut self, horizon: i64) -> Option<Box<[u8]>> {
        let &(at_ms, at) = self.times.as_ref()?.first()?;
        (at_ms < horizon).then(|| self.remove_at(at).field().into())
    }

    pub(super) fn for_each<'a>(&'a self, visit: impl FnMut(FieldRef<'a>)) {
        self.pairs.iter().map(Pair::show).for_each(visit);
    }

    pub(super) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(FieldRef<'_>)) -> u64 {
        self.pairs.scan(cursor, count, |pair| visit(pair.show()))
    }

    /// Bytes of the table with its pairs, of which `samples` are looked at (0: all).
    pub(super) fn memory_usage(&self, samples: usize) -> usize {
        let len = self.len();
        let looked_at = if samples == 0 { len } else { samples.min(len) };
        let blocks: usize = self.pairs.iter().take(looked_at).map(Pair::allocated).sum();
        let pairs = blocks * len / looked_at.max(1);
        // A node of a B-tree is three quarters full.
        let times = self.times.as_ref().map_or(0, |times| times.len() * size_of::<(i64, u32)>() * 4 / 3);
        size_of::<Self>() + self.pairs.memory_usage() + pairs + times
    }

    pub(super) fn free_effort(&self) -> usize {
        self.len()
    }

    #[cfg(test)]
    pub(super) fn check(&self) {
        let mut times: Vec<(i64, u32)> = Vec::new();
        for (at, pair) in self.pairs.iter().enumerate() {
            times.extend(pair.expire_at_ms().map(|at_ms| (at_ms, at as u32)));
        }
        times.sort_unstable();
        let kept: Vec<(i64, u32)> = self.times.iter().flat_map(|times| times.iter().copied()).collect();
        assert_eq!(times, kept);
        assert_eq!(self.times.is_some(), !times.is_empty(), "hashes without expiries have no tree");
    }
}
