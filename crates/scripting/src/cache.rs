//! The cache of EVAL's scripts: by SHA-1, with a bound for those that nobody asked to keep.
//!
//! SCRIPT LOAD keeps a script until SCRIPT FLUSH. What EVAL leaves behind goes again when there are too many of them, the
//! longest unused first.

use bytes::Bytes;
use sha1::{Digest, Sha1};
use std::collections::HashMap;

/// Most scripts of EVAL that are kept.
const MAX_EVALS: usize = 500;

/// No slot.
const NONE: u32 = u32::MAX;

/// What is kept for a script besides its text, bytes, roughly: for INFO.
const OVERHEAD: u64 = 96;

/// The SHA-1 of a script.
pub(crate) type Sha = [u8; 20];

struct Entry {
    sha: Sha,
    flags: u32,
    body: Bytes,
    /// Whether it goes when there are too many: it is in the list then.
    is_eval: bool,
    older: u32,
    newer: u32,
}

/// See the module's text.
pub(crate) struct Cache {
    slots: Vec<Option<Entry>>,
    free: Vec<u32>,
    by_sha: HashMap<Sha, u32>,
    oldest: u32,
    newest: u32,
    evals: usize,
    bytes: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_sha: HashMap::new(),
            oldest: NONE,
            newest: NONE,
            evals: 0,
            bytes: 0,
        }
    }
}

/// The SHA-1 of a text.
pub(crate) fn sha_of(body: &[u8]) -> Sha {
    Sha1::digest(body).into()
}

/// The SHA-1 that forty hexadecimal digits mean.
pub(crate) fn parse_sha(text: &[u8]) -> Option<Sha> {
    let digits: &[u8; 40] = text.try_into().ok()?;
    let mut sha = Sha::default();
    for (byte, pair) in sha.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = (high << 4 | low) as u8;
    }
    Some(sha)
}

impl Cache {
    /// Slot and flags of a cached script.
    pub(crate) fn find(&self, sha: &Sha) -> Option<(u32, u32)> {
        let slot = *self.by_sha.get(sha)?;
        self.slots[slot as usize].as_ref().map(|entry| (slot, entry.flags))
    }

    /// The slot that the next script will have.
    pub(crate) fn next_slot(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.slots.len() as u32)
    }

    /// Adds a script in [`next_slot`](Self::next_slot). Returns the slot of the one that went for it, if one did.
    pub(crate) fn add(&mut self, sha: Sha, body: Bytes, flags: u32, is_eval: bool) -> Option<u32> {
        let evicted = if is_eval && self.evals >= MAX_EVALS { self.evict() } else { None };
        // The slot was named before anything was evicted: that one's slot is free for the next.
        let slot = match self.free.iter().rposition(|slot| Some(*slot) != evicted) {
            Some(at) => self.free.swap_remove(at),
            None => {
                self.slots.push(None);
                self.slots.len() as u32 - 1
            }
        };
        self.bytes += body.len() as u64 + OVERHEAD;
        let entry = Entry { sha, flags, body, is_eval, older: NONE, newer: NONE };
        self.slots[slot as usize] = Some(entry);
        self.by_sha.insert(sha, slot);
        if is_eval {
            self.evals += 1;
            self.append(slot);
        }
        evicted
    }

    /// The SHA-1 of the script in a slot.
    pub(crate) fn sha(&self, slot: u32) -> Sha {
        self.slots[slot as usize].as_ref().expect("slots in use have entries").sha
    }

    /// A script is used.
    #[inline]
    pub(crate) fn touch(&mut self, slot: u32) {
        if self.newest != slot && self.entry(slot).is_eval {
            self.unlink(slot);
            self.append(slot);
        }
    }

    /// A script stays from now on.
    pub(crate) fn keep(&mut self, slot: u32) {
        if self.entry(slot).is_eval {
            self.unlink(slot);
            self.entry(slot).is_eval = false;
            self.evals -= 1;
        }
    }

    /// How many scripts.
    pub(crate) fn len(&self) -> usize {
        self.by_sha.len()
    }

    /// Bytes of their texts and what else is kept of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn evict(&mut self) -> Option<u32> {
        let slot = self.oldest;
        if slot == NONE {
            return None;
        }
        self.unlink(slot);
        let gone = self.slots[slot as usize].take()?;
        self.by_sha.remove(&gone.sha);
        self.bytes -= gone.body.len() as u64 + OVERHEAD;
        self.evals -= 1;
        self.free.push(slot);
        Some(slot)
    }

    fn entry(&mut self, slot: u32) -> &mut Entry {
        self.slots[slot as usize].as_mut().expect("slots in use have entries")
    }

    fn append(&mut self, slot: u32) {
        let newest = std::mem::replace(&mut self.newest, slot);
        match newest {
            NONE => self.oldest = slot,
            _ => self.entry(newest).newer = slot,
        }
        let entry = self.entry(slot);
        (entry.older, entry.newer) = (newest, NONE);
    }

    fn unlink(&mut self, slot: u32) {
        let entry = self.entry(slot);
        let (older, newer) = (entry.older, entry.newer);
        match older {
            NONE => self.oldest = newer,
            _ => self.entry(older).newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            _ => self.entry(newer).older = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn add(cache: &mut Cache, number: u32, is_eval: bool) -> Option<u32> {
        let body = number.to_string();
        let expected = cache.next_slot();
        let evicted = cache.add(sha_of(body.as_bytes()), body.clone().into(), 0, is_eval);
        assert_eq!(cache.find(&sha_of(body.as_bytes())).map(|(slot, _)| slot), Some(expected));
        evicted
    }

    #[test]
    fn forty_digits() {
        let sha = sha_of(b"return 1");
        assert_eq!(parse_sha(b"e0e1f9fabfc9d4800c877a703b823ac0578ff8db"), Some(sha));
        assert_eq!(parse_sha(b"E0E1F9FABFC9D4800C877A703B823AC0578FF8DB"), Some(sha));
        assert_eq!(parse_sha(b"e0e1f9"), None);
        assert_eq!(parse_sha(&[b'x'; 40]), None);
    }

    proptest! {
        /// Against a list of what was used when.
        #[test]
        fn the_longest_unused_goes(uses in prop::collection::vec((0_u32..700, 0_u8..8), 0..3000)) {
            let mut cache = Cache::default();
            let (mut order, mut kept): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
            for (number, what) in uses {
                let keep = what == 0;
                match cache.find(&sha_of(number.to_string().as_bytes())) {
                    Some((slot, _)) if keep => cache.keep(slot),
                    Some((slot, _)) => cache.touch(slot),
                    None => {
                        let evicted = add(&mut cache, number, !keep);
                        let due = !keep && order.len() == MAX_EVALS;
                        prop_assert_eq!(evicted.is_some(), due);
                        if due {
                            order.remove(0);
                        }
                    }
                }
                let was_eval = order.iter().position(|known| *known == number).map(|at| order.remove(at));
                if keep || kept.contains(&number) {
                    if !kept.contains(&number) {
                        kept.push(number);
                    }
                } else {
                    let _ = was_eval;
                    order.push(number);
                }
                prop_assert_eq!(cache.len(), order.len() + kept.len());
            }
            for number in order.iter().chain(&kept) {
                prop_assert!(cache.find(&sha_of(number.to_string().as_bytes())).is_some());
            }
        }
    }
}
