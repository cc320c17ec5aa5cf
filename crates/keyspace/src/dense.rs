//! `Dense`: the one table type of the server.
//!
//! A slab of slots without holes, kept in chunks of fixed size, plus an index from hash to slot number (see the `index` module). Inserting
//! pushes at the end; removing moves the last slot into the hole. Nothing else ever moves a slot, which gives:
//!
//! - **A fair random pick in O(1)**: any number below the length is an element.
//! - **A cursor that misses nothing**: a walk that goes *downward* from the length to 0 returns every element that was
//!   there throughout. An element moves only from the end into a lower hole, and so from the visited part to the
//!   visited or unvisited part, or from the unvisited part to the unvisited part; never from the unvisited to the
//!   visited one. New elements go to the end, where the walk has been.
//! - **Growth without copying the elements**: only the last chunk is ever reallocated; the index holds four bytes per
//!   element and is rebuilt from hashes that are stored in the slots.

use crate::index::{Index, IndexLayout};

/// Slots per full chunk.
const CHUNK: usize = 1 << CHUNK_BITS;
const CHUNK_BITS: u32 = 8;
/// Slots of a new chunk.
const CHUNK_START: usize = 4;

/// A slot of a [`Dense`] table: it remembers the 32-bit hash of its key.
pub trait Slot {
    /// The stored hash. It must not change while the slot is in a table.
    fn hash(&self) -> u32;
}

/// A dense slab of slots with a hash index; see the module's page.
#[derive(Clone)]
pub struct Dense<T> {
    index: Index,
    /// All chunks but the last are full.
    chunks: Vec<Vec<T>>,
}

impl<T> Default for Dense<T> {
    fn default() -> Self {
        Self { index: Index::default(), chunks: Vec::new() }
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Dense<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.chunks.iter().flatten()).finish()
    }
}

#[inline]
fn locate(at: u32) -> (usize, usize) {
    ((at >> CHUNK_BITS) as usize, at as usize & (CHUNK - 1))
}

fn hash_at<T: Slot>(chunks: &[Vec<T>], at: u32) -> u32 {
    let (chunk, offset) = locate(at);
    chunks[chunk][offset].hash()
}

impl<T: Slot> Dense<T> {
    /// An empty table; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no element.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of the slot with this hash that `eq` accepts. O(1).
    #[inline]
    pub fn find(&self, hash: u32, mut eq: impl FnMut(&T) -> bool) -> Option<u32> {
        self.index.find(hash, |at| {
            let slot = self.get(at);
            slot.hash() == hash && eq(slot)
        })
    }

    /// Address of the list of chunks, which a lookup reads between index and slot; for prefetching.
    #[inline]
    pub(crate) fn chunks_address(&self) -> usize {
        self.chunks.as_ptr() as usize
    }

    /// The slot that is most likely the one with this hash, not looked at. For prefetching.
    #[inline]
    pub(crate) fn likely(&self, hash: u32) -> Option<&T> {
        self.try_get(self.index.find(hash, |_| true)?)
    }

    /// The slot with number `at`, if there is one.
    #[inline]
    pub fn try_get(&self, at: u32) -> Option<&T> {
        let (chunk, offset) = locate(at);
        self.chunks.get(chunk)?.get(offset)
    }

    /// The slot with number `at`, which is below [`len`](Self::len).
    #[inline]
    pub fn get(&self, at: u32) -> &T {
        let (chunk, offset) = locate(at);
        &self.chunks[chunk][offset]
    }

    /// The slot with number `at`, to change anything but its key and hash.
    #[inline]
    pub fn get_mut(&mut self, at: u32) -> &mut T {
        let (chunk, offset) = locate(at);
        &mut self.chunks[chunk][offset]
    }

    /// Adds an element whose key is not in the table yet and returns its number. Amortised O(1).
    pub fn push(&mut self, slot: T) -> u32 {
        let at = self.len() as u32;
        let chunks = &self.chunks;
        self.index.push(slot.hash(), |at| hash_at(chunks, at));
        self.push_slot(slot);
        at
    }

    fn push_slot(&mut self, slot: T) {
        let full = self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK);
        if full {
            self.chunks.push(Vec::with_capacity(CHUNK_START));
        }
        let last = self.chunks.last_mut().expect("a chunk was pushed if there was none with room");
        if last.len() == last.capacity() {
            let more = last.len().max(CHUNK_START).min(CHUNK - last.len());
            last.reserve_exact(more);
        }
        last.push(slot);
    }

    /// Takes the element with number `at` out; the last element gets its number. O(1).
    pub fn swap_remove(&mut self, at: u32) -> T {
        let last = (self.len() - 1) as u32;
        self.index.remove(self.get(at).hash(), at);
        let tail = self.chunks.last_mut().expect("a table with an element has a chunk");
        let moved = tail.pop().expect("the last chunk is never empty");
        if tail.is_empty() {
            self.chunks.pop();
        }
        let removed = if at == last {
            moved
        } else {
            self.index.renumber(moved.hash(), last, at);
            std::mem::replace(self.get_mut(at), moved)
        };
        self.shrink_if_sparse();
        removed
    }

    /// Gives memory back once less than a quarter of it is used; amortised over the removals that led there.
    fn shrink_if_sparse(&mut self) {
        let len = self.len();
        let chunks = &self.chunks;
        self.index.shrink_if_sparse(|at| hash_at(chunks, at));
        if let [only] = self.chunks.as_mut_slice()
            && only.capacity() >= 8 * CHUNK_START
            && len * 4 <= only.capacity()
        {
            only.shrink_to(len * 2);
        }
        if self.chunks.capacity() > 16 && self.chunks.len() * 4 <= self.chunks.capacity() {
            self.chunks.shrink_to(self.chunks.len() * 2);
        }
    }

    /// Makes room for `additional` elements at once, so that a load does not rebuild the index again and again.
    pub fn reserve(&mut self, additional: usize) {
        let chunks = &self.chunks;
        self.index.reserve(additional, |at| hash_at(chunks, at));
        self.chunks.reserve(additional / CHUNK);
    }

    /// A fair random element's number, from a random 64-bit number. `None` if the table is empty.
    #[inline]
    pub fn random(&self, random: u64) -> Option<u32> {
        // Multiply and shift maps to 0..len with a bias below len / 2^64.
        let len = self.len() as u128;
        (len > 0).then(|| ((u128::from(random) * len) >> 64) as u32)
    }

    /// One step of a walk that misses nothing (see the module's page): shows `count` elements and returns the cursor to go on
    /// with, 0 at the end. Start with 0. Any number is a valid cursor.
    pub fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&T)) -> u64 {
        let len = self.len() as u64;
        let start = if cursor == 0 { len } else { cursor.min(len) };
        let end = start.saturating_sub(count.max(1) as u64);
        (end..start).rev().for_each(|at| visit(self.get(at as u32)));
        end
    }

    /// All elements in slot order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }

    /// Drops all elements and gives the memory back.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes of the slab and the index, without what the slots point to.
    pub fn memory_usage(&self) -> usize {
        let slots: usize = self.chunks.iter().map(Vec::capacity).sum();
        slots * size_of::<T>() + self.chunks.capacity() * size_of::<Vec<T>>() + self.index.memory_usage()
    }

    /// Where the index lies in memory, for a prefetch.
    #[inline]
    pub(crate) fn index_layout(&self) -> IndexLayout {
        self.index.layout()
    }
}

#[cfg(test)]
mod tests;
