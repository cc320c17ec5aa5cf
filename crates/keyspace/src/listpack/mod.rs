//! Many short strings and integers in one block of memory.
//!
//! This is the very byte format of Redis' listpack, so that an RDB file and a DUMP payload hold these bytes as they are:
//! the number of bytes (32 bits, little-endian), the number of elements (16 bits; 65535: too many to say), the
//! elements (see [`encoding`]), and `ff`. An element can be walked over in both directions.
//!
//! Text that is a canonical integer is stored as the integer, and given out as one.

mod check;
mod encoding;
mod iter;
mod needle;

pub use check::{ListpackDamage, ListpackError};
pub use iter::{Entries, Iter};
pub use needle::Needle;

use crate::size_class;
use crate::value::StringRef;
use encoding::{END, Encoded};

/// Bytes in front of the first element.
const HEADER: usize = 6;
/// The number of elements that says that they have to be counted.
const UNCOUNTED: u16 = u16::MAX;
/// No listpack is to get bigger than this, in bytes: whoever fills one takes another encoding or another node before.
const MAX_BYTES: usize = 1 << 30;

/// The place of an element. Any change of the listpack in front of it or at it makes it meaningless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pos(u32);

impl Pos {
    fn new(offset: usize) -> Self {
        Self(u32::try_from(offset).expect("a listpack is smaller than 4 GiB"))
    }

    #[inline]
    fn offset(self) -> usize {
        self.0 as usize
    }
}

/// A sequence of strings and integers in one block.
#[derive(Clone, PartialEq, Eq)]
pub struct Listpack {
    bytes: Vec<u8>,
}

impl Default for Listpack {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Listpack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, T: Into<StringRef<'a>>> FromIterator<T> for Listpack {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut listpack = Self::new();
        listpack.extend(values);
        listpack
    }
}

impl<'a, T: Into<StringRef<'a>>> Extend<T> for Listpack {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        for value in values {
            self.push_back(value);
        }
    }
}

impl Listpack {
    /// An empty listpack.
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An empty listpack with room for elements of `bytes` bytes in all (an element of up to 63 bytes takes two more than its text).
    pub fn with_capacity(bytes: usize) -> Self {
        let mut block = Vec::with_capacity(size_class::size_class(HEADER + 1 + bytes));
        block.extend_from_slice(&[HEADER as u8 + 1, 0, 0, 0, 0, 0, END]);
        Self { bytes: block }
    }

    /// The listpack as it is stored; [`from_bytes`](Self::from_bytes) reads it.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Number of bytes of the whole listpack, at least 7.
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes that are allocated.
    #[inline]
    pub fn allocated(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether elements with a text of `more` bytes in all can be added (a billion bytes are the limit of a listpack).
    #[inline]
    pub fn has_room_for(&self, more: usize) -> bool {
        self.bytes.len().saturating_add(more) <= MAX_BYTES
    }

    /// Number of elements. O(1) below 65535 elements, O(N) from there.
    #[inline]
    pub fn len(&self) -> usize {
        match self.counted() {
            UNCOUNTED => self.iter().count(),
            len => usize::from(len),
        }
    }

    /// Whether there is no element.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER + 1
    }

    /// The first element.
    #[inline]
    pub fn first(&self) -> Option<Pos> {
        self.at(HEADER)
    }

    /// The last element.
    #[inline]
    pub fn last(&self) -> Option<Pos> {
        self.ending_at(self.end())
    }

    /// The element behind another.
    #[inline]
    pub fn next(&self, pos: Pos) -> Option<Pos> {
        self.at(self.behind(pos))
    }

    /// The element in front of another.
    #[inline]
    pub fn prev(&self, pos: Pos) -> Option<Pos> {
        self.ending_at(pos.offset())
    }

    /// The element with the given index, counted from 0. O(N), from the nearer end.
    pub fn seek(&self, index: usize) -> Option<Pos> {
        let len = match self.counted() {
            // Counting would already cost the walk.
            UNCOUNTED => return self.iter().positions().nth(index),
            len => usize::from(len),
        };
        if index >= len {
            None
        } else if index <= len / 2 {
            self.iter().positions().nth(index)
        } else {
            self.iter().positions().nth_back(len - 1 - index)
        }
    }

    /// The value of an element.
    #[inline]
    pub fn get(&self, pos: Pos) -> StringRef<'_> {
        encoding::decode(&self.bytes[pos.offset()..]).0
    }

    /// Whether an element has this value.
    #[inline]
    pub fn matches<'a>(&self, pos: Pos, value: impl Into<StringRef<'a>>) -> bool {
        Needle::new(value).matches(self.get(pos))
    }

    /// All elements from the first to the last; the iterator can be walked from both ends.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self, HEADER, self.end())
    }

    /// The elements from `pos` to the last.
    #[inline]
    pub fn iter_from(&self, pos: Pos) -> Iter<'_> {
        Iter::new(self, pos.offset(), self.end())
    }

    /// The elements from the first up to `pos`, which is among them; to be walked backwards as a rule.
    #[inline]
    pub fn iter_to(&self, pos: Pos) -> Iter<'_> {
        Iter::new(self, HEADER, self.behind(pos))
    }

    /// The elements from the last to the first.
    pub fn iter_rev(&self) -> std::iter::Rev<Iter<'_>> {
        self.iter().rev()
    }

    /// The first element at or behind `from` that has this value. After each that has not, `skip` elements are passed over
    /// unseen, so that the fields of a hash can be searched without its values.
    pub fn find<'a>(&self, value: impl Into<StringRef<'a>>, from: Pos, skip: usize) -> Option<Pos> {
        let needle = Needle::new(value);
        let mut entries = self.iter_from(from).entries();
        loop {
            let (pos, value) = entries.next()?;
            if needle.matches(value) {
                return Some(pos);
            }
            for _ in 0..skip {
                entries.skip_one();
            }
        }
    }

    /// Adds an element behind the last. Amortised O(1) beside the copy of the value.
    #[inline]
    pub fn push_back<'a>(&mut self, value: impl Into<StringRef<'a>>) {
        let new = Encoded::new(value.into());
        self.reserve(new.len());
        self.bytes.pop();
        new.append_to(&mut self.bytes);
        self.bytes.push(END);
        self.count_added(1);
        self.note_byte_len();
    }

    /// Adds an element in front of the first. O(bytes).
    #[inline]
    pub fn push_front<'a>(&mut self, value: impl Into<StringRef<'a>>) {
        self.splice(HEADER, 0, &Encoded::new(value.into()));
        self.count_added(1);
    }

    /// Adds an element in front of another; it stands at `pos` then. O(bytes behind it).
    pub fn insert_before<'a>(&mut self, pos: Pos, value: impl Into<StringRef<'a>>) {
        self.splice(pos.offset(), 0, &Encoded::new(value.into()));
        self.count_added(1);
    }

    /// Adds an element behind another and gives its place. O(bytes behind it).
    pub fn insert_after<'a>(&mut self, pos: Pos, value: impl Into<StringRef<'a>>) -> Pos {
        let at = self.behind(pos);
        self.splice(at, 0, &Encoded::new(value.into()));
        self.count_added(1);
        Pos::new(at)
    }

    /// Gives an element another value; it stays at `pos`. O(bytes behind it) if its size changes.
    pub fn replace<'a>(&mut self, pos: Pos, value: impl Into<StringRef<'a>>) {
        let at = pos.offset();
        let old_len = self.behind(pos) - at;
        self.splice(at, old_len, &Encoded::new(value.into()));
    }

    /// Removes an element and gives the one that stood behind it, which is at `pos` now. O(bytes behind it).
    pub fn remove(&mut self, pos: Pos) -> Option<Pos> {
        self.remove_from(pos, 1)
    }

    /// Removes up to `n` elements from `pos` on, and gives the one that stood behind them. O(elements removed + bytes behind them).
    pub fn remove_from(&mut self, pos: Pos, n: usize) -> Option<Pos> {
        let from = pos.offset();
        let (mut to, mut removed) = (from, 0);
        while removed < n && to < self.end() {
            to += encoding::skip(&self.bytes[to..]);
            removed += 1;
        }
        self.cut(from, to, removed);
        self.at(from)
    }

    /// Removes up to `n` elements from the index `from` on, and says how many that were.
    pub fn remove_range(&mut self, from: usize, n: usize) -> usize {
        let Some(pos) = self.seek(from) else { return 0 };
        let before = self.len();
        if n >= before - from {
            self.cut(pos.offset(), self.end(), before - from);
            return before - from;
        }
        self.remove_from(pos, n);
        n
    }

    /// Cuts off the elements from `pos` on and gives them as a listpack of their own.
    pub fn split_off(&mut self, pos: Pos) -> Self {
        let from = pos.offset();
        let count = self.iter_from(pos).count();
        let mut tail = Self::with_capacity(self.end() - from);
        tail.append_elements(&self.bytes[from..self.bytes.len() - 1], count);
        self.cut(from, self.end(), count);
        tail
    }

    /// Adds all elements of another listpack behind the last.
    pub fn append(&mut self, other: &Self) {
        self.append_elements(&other.bytes[HEADER..other.end()], other.len());
    }

    /// Removes all elements.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Gives back all memory that is not needed.
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to(size_class::size_class(self.bytes.len()));
    }

    /// Offset of the end mark.
    #[inline]
    fn end(&self) -> usize {
        self.bytes.len() - 1
    }

    #[inline]
    fn at(&self, offset: usize) -> Option<Pos> {
        (offset < self.end()).then(|| Pos::new(offset))
    }

    #[inline]
    fn ending_at(&self, offset: usize) -> Option<Pos> {
        (offset > HEADER).then(|| Pos::new(offset - self.len_of_last(offset)))
    }

    /// Bytes of the element that ends in front of `offset`.
    #[inline]
    fn len_of_last(&self, offset: usize) -> usize {
        encoding::skip_back(&self.bytes[HEADER..offset]).expect("a listpack is checked before it is read")
    }

    /// The offset behind an element.
    #[inline]
    fn behind(&self, pos: Pos) -> usize {
        pos.offset() + encoding::skip(&self.bytes[pos.offset()..])
    }

    /// The number of elements as it is written down.
    #[inline]
    fn counted(&self) -> u16 {
        u16::from_le_bytes([self.bytes[4], self.bytes[5]])
    }

    #[inline]
    fn set_counted(&mut self, count: u16) {
        self.bytes[4..6].copy_from_slice(&count.to_le_bytes());
    }

    #[inline]
    fn count_added(&mut self, n: usize) {
        let count = usize::from(self.counted()).saturating_add(n);
        self.set_counted(u16::try_from(count).unwrap_or(UNCOUNTED));
    }

    fn count_removed(&mut self, n: usize) {
        match self.counted() {
            UNCOUNTED => {
                let left = self.iter().count();
                self.set_counted(u16::try_from(left).unwrap_or(UNCOUNTED));
            }
            count => self.set_counted(count - u16::try_from(n).expect("no more are removed than are there")),
        }
    }

    /// Writes down the number of bytes.
    #[inline]
    fn note_byte_len(&mut self) {
        let len = u32::try_from(self.bytes.len()).expect("a listpack is smaller than 4 GiB");
        self.bytes[..4].copy_from_slice(&len.to_le_bytes());
    }

    #[inline]
    fn reserve(&mut self, more: usize) {
        size_class::reserve(&mut self.bytes, more);
    }

    /// Puts an element in the place of `old_len` bytes at `at`.
    fn splice(&mut self, at: usize, old_len: usize, new: &Encoded<'_>) {
        let (len, new_len) = (self.bytes.len(), new.len());
        if new_len > old_len {
            let more = new_len - old_len;
            self.reserve(more);
            self.bytes.resize(len + more, 0);
            self.bytes.copy_within(at + old_len..len, at + new_len);
        } else if new_len < old_len {
            self.bytes.copy_within(at + old_len.., at + new_len);
            self.bytes.truncate(len - (old_len - new_len));
        }
        new.write(&mut self.bytes[at..at + new_len]);
        self.note_byte_len();
    }

    /// Removes the bytes from `from` to `to`, which are `count` elements.
    fn cut(&mut self, from: usize, to: usize, count: usize) {
        if count == 0 {
            return;
        }
        self.bytes.copy_within(to.., from);
        self.bytes.truncate(self.bytes.len() - (to - from));
        self.count_removed(count);
        self.note_byte_len();
        size_class::shrink(&mut self.bytes);
    }

    /// Adds encoded elements behind the last.
    fn append_elements(&mut self, elements: &[u8], count: usize) {
        self.reserve(elements.len());
        self.bytes.pop();
        self.bytes.extend_from_slice(elements);
        self.bytes.push(END);
        self.count_added(count);
        self.note_byte_len();
    }
}

#[cfg(test)]
mod tests;
