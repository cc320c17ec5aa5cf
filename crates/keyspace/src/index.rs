//! The index of a [`Dense`](crate::Dense) table: from a 32-bit hash to a slot number, in about five bytes per element.
//!
//! An array of buckets, each one cache line of 15 entries and an overflow count, so that a lookup touches one line
//! where a table with separate control bytes touches two. The element's home bucket comes from the high bits of the
//! hash. If it is full the element goes to the next bucket with room, and each bucket it passed counts it in `overflow`: a
//! search ends at the first bucket with a count of 0, and a removal leaves no tombstone.
//!
//! An entry packs the slot number plus one (0 is an empty entry) into its low bits and as many low bits of the hash as
//! fit above; with 1000 elements that are 22 bits, so that practically every match is the right one.
//!
//! Tables are filled to 90 % and grow by a fifth, because all shards of a database grow at the same time: with doubling, half of
//! the databases one meets would have their indexes half empty. Sizes follow jemalloc's size classes.
//!
//! The overflow count is the idea of F14 (Bronson and Shi, "Open-sourcing F14", 2019).

/// Entries of a bucket.
const ENTRIES: usize = 15;
/// Tables above this number of buckets grow by half, because a rebuild takes long then.
const FINE_GROWTH_MAX: usize = 1 << 12;
/// Slot numbers have at most this many bits, so that a tag can be shifted above them.
const NUMBER_BITS_MAX: u32 = 31;

/// One cache line: 15 entries, then the number of elements that passed this bucket on the way from their home.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Bucket([u32; ENTRIES + 1]);

impl Bucket {
    const EMPTY: Self = Self([0; ENTRIES + 1]);

    /// Bit `n` is set if entry `n` has the tag. Branch-free over the whole line, which compiles to vector code.
    #[inline]
    fn matches(&self, tag: u32, tag_mask: u32) -> u32 {
        let mut matches = 0;
        for (n, &entry) in self.0.iter().enumerate() {
            matches |= u32::from(entry & tag_mask == tag) << n;
        }
        matches & ((1 << ENTRIES) - 1)
    }

    fn position(&self, entry: u32) -> Option<usize> {
        self.0[..ENTRIES].iter().position(|&other| other == entry)
    }

    #[inline]
    fn overflow(&self) -> u32 {
        self.0[ENTRIES]
    }
}

/// Where an index lies in memory: all that a prefetch needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IndexLayout {
    /// Address of the first bucket.
    pub(crate) base: usize,
    /// Number of buckets; 0 if there is nothing to fetch.
    pub(crate) buckets: u32,
}

impl IndexLayout {
    /// Address of the line that a lookup of this hash reads first.
    #[inline]
    pub(crate) fn line_of(self, hash: u32) -> usize {
        self.base.wrapping_add(home(hash, self.buckets as usize) * size_of::<Bucket>())
    }
}

#[inline]
fn home(hash: u32, buckets: usize) -> usize {
    ((u64::from(hash) * buckets as u64) >> 32) as usize
}

/// From hash to slot number; see the module's page.
#[derive(Clone, Default)]
pub(crate) struct Index {
    buckets: Box<[Bucket]>,
    len: u32,
    /// At this many elements it is rebuilt.
    max_len: u32,
    /// Low bits of an entry that hold the slot number plus one.
    number_bits: u32,
}

/// How many elements so many buckets take.
fn max_len_of(buckets: usize) -> usize {
    if buckets <= 1 { buckets * ENTRIES } else { buckets * ENTRIES * 9 / 10 }
}

/// The next size up: four steps per doubling.
fn next_size(buckets: usize) -> usize {
    let step = match buckets.checked_ilog2() {
        None | Some(0 | 1) => 1,
        Some(_) if buckets >= FINE_GROWTH_MAX => buckets / 2,
        Some(log) => 1 << (log - 2),
    };
    buckets + step
}

/// The smallest size that takes `len` elements.
fn size_for(len: usize) -> usize {
    let mut buckets = 0;
    while max_len_of(buckets) < len {
        buckets = next_size(buckets);
    }
    buckets
}

impl Index {
    /// Number of elements.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    #[inline]
    fn tag_mask(&self) -> u32 {
        u32::MAX << self.number_bits
    }

    #[inline]
    fn entry(&self, hash: u32, slot: u32) -> u32 {
        hash << self.number_bits | (slot + 1)
    }

    /// The number of a slot with this hash that `accept` accepts. O(1).
    #[inline]
    pub(crate) fn find(&self, hash: u32, mut accept: impl FnMut(u32) -> bool) -> Option<u32> {
        let (tag, tag_mask) = (hash << self.number_bits, self.tag_mask());
        let mut at = home(hash, self.buckets.len());
        // The bound only matters if every bucket was passed by somebody.
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            let mut matches = bucket.matches(tag, tag_mask);
            while matches != 0 {
                let number = bucket.0[matches.trailing_zeros() as usize] & !tag_mask;
                if number != 0 && accept(number - 1) {
                    return Some(number - 1);
                }
                matches &= matches - 1;
            }
            if bucket.overflow() == 0 {
                return None;
            }
            at = self.next(at);
        }
        None
    }

    #[inline]
    fn next(&self, at: usize) -> usize {
        if at + 1 == self.buckets.len() { 0 } else { at + 1 }
    }

    /// Adds slot number `len()`. `hash_of` gives the hashes of the slots before it, for a rebuild. Amortised O(1).
    pub(crate) fn push(&mut self, hash: u32, hash_of: impl Fn(u32) -> u32) {
        if self.len == self.max_len {
            self.rebuild(size_for(self.len() + 1), hash_of);
        }
        self.place(hash, self.len);
        self.len += 1;
    }

    fn place(&mut self, hash: u32, slot: u32) {
        let entry = self.entry(hash, slot);
        let mut at = home(hash, self.buckets.len());
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(free) = bucket.position(0) {
                bucket.0[free] = entry;
                return;
            }
            bucket.0[ENTRIES] += 1;
            at = self.next(at);
        }
    }

    /// Removes a slot number that is there under this hash. Other numbers stay.
    pub(crate) fn remove(&mut self, hash: u32, slot: u32) {
        let entry = self.entry(hash, slot);
        let mut at = home(hash, self.buckets.len());
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(place) = bucket.position(entry) {
                bucket.0[place] = 0;
                break;
            }
            bucket.0[ENTRIES] =
                bucket.overflow().checked_sub(1).expect("the element is in the index under its hash");
            at = self.next(at);
        }
        self.len -= 1;
    }

    /// Gives the slot with number `from`, which is there under this hash, the number `to`.
    pub(crate) fn renumber(&mut self, hash: u32, from: u32, to: u32) {
        let (old, new) = (self.entry(hash, from), self.entry(hash, to));
        let mut at = home(hash, self.buckets.len());
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(place) = bucket.position(old) {
                bucket.0[place] = new;
                return;
            }
            assert!(bucket.overflow() > 0, "the element is in the index under its hash");
            at = self.next(at);
        }
    }

    /// Makes room for `additional` elements.
    pub(crate) fn reserve(&mut self, additional: usize, hash_of: impl Fn(u32) -> u32) {
        let len = self.len().saturating_add(additional);
        if len > self.max_len as usize {
            self.rebuild(size_for(len), hash_of);
        }
    }

    /// Gives memory back if less than a quarter of it is used; amortised over the removals that led there.
    pub(crate) fn shrink_if_sparse(&mut self, hash_of: impl Fn(u32) -> u32) {
        if self.buckets.len() > 1 && self.len() * 4 < self.max_len as usize {
            self.rebuild(size_for(self.len() * 2), hash_of);
        }
    }

    fn rebuild(&mut self, buckets: usize, hash_of: impl Fn(u32) -> u32) {
        let max_len = max_len_of(buckets);
        assert!(
            max_len < 1 << NUMBER_BITS_MAX,
            "a table never holds 2^31 elements: their keys would not fit"
        );
        self.buckets = vec![Bucket::EMPTY; buckets].into_boxed_slice();
        self.max_len = max_len as u32;
        // Numbers go up to max_len, because they are stored plus one.
        self.number_bits = u32::BITS - self.max_len.leading_zeros();
        for slot in 0..self.len {
            self.place(hash_of(slot), slot);
        }
    }

    /// Bytes of the buckets.
    pub(crate) fn memory_usage(&self) -> usize {
        self.buckets.len() * size_of::<Bucket>()
    }

    /// Where it lies.
    #[inline]
    pub(crate) fn layout(&self) -> IndexLayout {
        if self.buckets.is_empty() {
            return IndexLayout::default();
        }
        IndexLayout { base: self.buckets.as_ptr() as usize, buckets: self.buckets.len() as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_grow_by_a_fifth() {
        let mut sizes = vec![0];
        while sizes[sizes.len() - 1] < 64 {
            sizes.push(next_size(sizes[sizes.len() - 1]));
        }
        assert_eq!(sizes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64]);
        assert_eq!(size_for(0), 0);
        assert_eq!(size_for(15), 1);
        assert_eq!(size_for(16), 2);
        assert_eq!(size_for(977), 80);
    }

    #[test]
    fn lookups_of_a_full_table_stay_near_home() {
        let mut random = fastrand::Rng::with_seed(3);
        let hashes: Vec<u32> = (0..max_len_of(80)).map(|_| random.u32(..)).collect();
        let mut index = Index::default();
        for &hash in &hashes {
            index.push(hash, |slot| hashes[slot as usize]);
        }
        assert_eq!(index.buckets.len(), 80);
        let displaced = index.buckets.iter().map(|bucket| bucket.overflow() as usize).sum::<usize>();
        assert!(displaced * 4 < hashes.len(), "{displaced} steps past full buckets");
        let mut accepted = 0;
        for (slot, &hash) in hashes.iter().enumerate() {
            assert!(
                index
                    .find(hash, |found| {
                        accepted += 1;
                        found as usize == slot
                    })
                    .is_some()
            );
        }
        assert!(accepted < hashes.len() + 5, "tags single out the element");
    }
}
