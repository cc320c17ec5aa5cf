//! `Intset`: a small set of integers as one sorted array, in the very bytes that Redis keeps and writes to RDB files.
//!
//! ```text
//! width u32 (2, 4 or 8) | length u32 | length integers of that width, ascending
//! ```
//!
//! Everything is little endian. All integers have the width that the widest one ever added needed; removing it does not
//! narrow the others again.

use std::cmp::Ordering;

const HEADER: usize = 8;

/// A sorted array of distinct integers in Redis' byte format.
///
/// Lookups are O(log n), changes O(n).
#[derive(Clone, PartialEq, Eq)]
pub struct Intset {
    /// Always a valid intset: header, and exactly as many integers as the header says.
    bytes: Box<[u8]>,
}

/// Why bytes are no intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntsetError {
    /// Shorter than a header.
    #[error("an intset without a whole header")]
    Header,
    /// The width is none of 2, 4 and 8.
    #[error("an intset with integers of no known width")]
    Width,
    /// There are no integers.
    #[error("an intset without integers")]
    Empty,
    /// The header's length is not the one of the bytes.
    #[error("an intset of another length than it says")]
    Length,
    /// The integers do not ascend.
    #[error("an intset out of order or with duplicates")]
    Order,
}

/// Bytes that `value` needs.
fn width_of(value: i64) -> usize {
    if i16::try_from(value).is_ok() {
        2
    } else if i32::try_from(value).is_ok() {
        4
    } else {
        8
    }
}

fn read(bytes: &[u8], width: usize, index: usize) -> i64 {
    let at = HEADER + index * width;
    match width {
        2 => i64::from(i16::from_le_bytes(fixed(&bytes[at..]))),
        4 => i64::from(i32::from_le_bytes(fixed(&bytes[at..]))),
        _ => i64::from_le_bytes(fixed(&bytes[at..])),
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("an intset holds all integers that its header announces")
}

/// Writes the low `width` bytes, which hold `value` by the caller's choice of the width.
fn write(bytes: &mut [u8], width: usize, index: usize, value: i64) {
    let at = HEADER + index * width;
    bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
}

impl Default for Intset {
    fn default() -> Self {
        Self { bytes: Box::new([2, 0, 0, 0, 0, 0, 0, 0]) }
    }
}

impl Intset {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes in the format of Redis over. O(n).
    ///
    /// # Errors
    /// What is wrong with them. A set without integers is refused too: a key never holds one.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, IntsetError> {
        if bytes.len() < HEADER {
            return Err(IntsetError::Header);
        }
        let width = u32::from_le_bytes(fixed(&bytes)) as usize;
        let len = u32::from_le_bytes(fixed(&bytes[4..])) as usize;
        if !matches!(width, 2 | 4 | 8) {
            return Err(IntsetError::Width);
        }
        if len == 0 {
            return Err(IntsetError::Empty);
        }
        if len.checked_mul(width) != Some(bytes.len() - HEADER) {
            return Err(IntsetError::Length);
        }
        if (1..len).any(|index| read(&bytes, width, index - 1) >= read(&bytes, width, index)) {
            return Err(IntsetError::Order);
        }
        Ok(Self { bytes: bytes.into_boxed_slice() })
    }

    /// The bytes in the format of Redis.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn width(&self) -> usize {
        usize::from(self.bytes[0])
    }

    /// Number of integers.
    #[inline]
    pub fn len(&self) -> usize {
        u32::from_le_bytes(fixed(&self.bytes[4..])) as usize
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The integer at a place of the ascending order.
    #[inline]
    pub fn get(&self, index: usize) -> Option<i64> {
        (index < self.len()).then(|| read(&self.bytes, self.width(), index))
    }

    /// The lowest integer.
    pub fn min(&self) -> Option<i64> {
        self.get(0)
    }

    /// The highest integer.
    pub fn max(&self) -> Option<i64> {
        self.get(self.len().wrapping_sub(1))
    }

    /// All integers, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator {
        let width = self.width();
        (0..self.len()).map(move |index| read(&self.bytes, width, index))
    }

    /// The place of `value`, or the one where it belongs. O(log n).
    fn search(&self, value: i64) -> Result<usize, usize> {
        let width = self.width();
        // Integers often arrive in ascending order.
        if self.max().is_none_or(|max| max < value) {
            return Err(self.len());
        }
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match read(&self.bytes, width, middle).cmp(&value) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    /// Whether `value` is in the set. O(log n).
    #[inline]
    pub fn contains(&self, value: i64) -> bool {
        width_of(value) <= self.width() && self.search(value).is_ok()
    }

    /// Adds `value`; false if it was there. O(n).
    pub fn insert(&mut self, value: i64) -> bool {
        if width_of(value) > self.width() {
            self.widen_with(value);
            return true;
        }
        let Err(index) = self.search(value) else { return false };
        let (width, len) = (self.width(), self.len());
        let mut bytes = std::mem::take(&mut self.bytes).into_vec();
        bytes.reserve_exact(width);
        bytes.resize(bytes.len() + width, 0);
        let at = HEADER + index * width;
        bytes.copy_within(at..HEADER + len * width, at + width);
        write(&mut bytes, width, index, value);
        self.bytes = bytes.into_boxed_slice();
        self.set_len(len + 1);
        true
    }

    /// Rewrites all integers with the width of `value`, which did not fit and so goes to one of the ends.
    fn widen_with(&mut self, value: i64) {
        let (width, len) = (width_of(value), self.len());
        let mut bytes = vec![0; HEADER + (len + 1) * width];
        bytes[0] = width as u8;
        let first = usize::from(value < 0);
        for (index, old) in self.iter().enumerate() {
            write(&mut bytes, width, index + first, old);
        }
        write(&mut bytes, width, if value < 0 { 0 } else { len }, value);
        self.bytes = bytes.into_boxed_slice();
        self.set_len(len + 1);
    }

    /// Removes `value`; false if it was not there. O(n).
    pub fn remove(&mut self, value: i64) -> bool {
        let found = if width_of(value) <= self.width() { self.search(value).ok() } else { None };
        found.is_some_and(|index| self.remove_at(index).is_some())
    }

    /// Removes the integer at a place of the ascending order and returns it. O(n).
    pub fn remove_at(&mut self, index: usize) -> Option<i64> {
        let value = self.get(index)?;
        let (width, len) = (self.width(), self.len());
        let at = HEADER + index * width;
        let mut bytes = std::mem::take(&mut self.bytes).into_vec();
        bytes.copy_within(at + width.., at);
        bytes.truncate(bytes.len() - width);
        self.bytes = bytes.into_boxed_slice();
        self.set_len(len - 1);
        Some(value)
    }

    fn set_len(&mut self, len: usize) {
        let len = u32::try_from(len).expect("limits keep intsets below 2^30 integers");
        self.bytes[4..HEADER].copy_from_slice(&len.to_le_bytes());
    }
}

impl std::fmt::Debug for Intset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<i64> for Intset {
    fn from_iter<T: IntoIterator<Item = i64>>(values: T) -> Self {
        let mut set = Self::new();
        for value in values {
            set.insert(value);
        }
        set
    }
}

#[cfg(test)]
mod tests;
