//! A field with its value as one slot of a hash table.

use crate::dense::Slot;
use crate::hash::KeyHash;
use crate::size_class::size_class;

/// Bit of [`Pair::shape`]: the block starts with the time at which the field expires.
const TIMED: u32 = 1 << 31;
const TIME_LEN: usize = size_of::<i64>();

/// A field and its value in one exact heap block.
///
/// ```text
/// slot    hash 4 | length of the field and a flag 4 | block 16
/// block   [expiry i64] only with an expiry | field | value
/// ```
#[derive(Clone, Debug)]
pub(super) struct Pair {
    hash: u32,
    shape: u32,
    block: Box<[u8]>,
}

const _: () = assert!(size_of::<Pair>() == 24);

impl Slot for Pair {
    #[inline]
    fn hash(&self) -> u32 {
        self.hash
    }
}

/// The hash of a field, as its slot stores it.
#[inline]
pub(super) fn hash_of(field: &[u8]) -> u32 {
    KeyHash::of(field).low()
}

impl Pair {
    #[inline]
    pub(super) fn new(hash: u32, field: &[u8], value: &[u8], expire_at_ms: Option<i64>) -> Self {
        let field_len = u32::try_from(field.len()).ok().filter(|len| len & TIMED == 0);
        let shape = field_len.expect("a request holds no argument of 2 GB");
        let timed = if expire_at_ms.is_some() { TIMED } else { 0 };
        Self { hash, shape: shape | timed, block: block_of(expire_at_ms, field, value) }
    }

    #[inline]
    fn field_at(&self) -> usize {
        if self.shape & TIMED == 0 { 0 } else { TIME_LEN }
    }

    #[inline]
    fn value_at(&self) -> usize {
        self.field_at() + (self.shape & !TIMED) as usize
    }

    #[inline]
    pub(super) fn field(&self) -> &[u8] {
        &self.block[self.field_at()..self.value_at()]
    }

    #[inline]
    pub(super) fn value(&self) -> &[u8] {
        &self.block[self.value_at()..]
    }

    /// When the field expires, in Unix milliseconds.
    #[inline]
    pub(super) fn expire_at_ms(&self) -> Option<i64> {
        if self.shape & TIMED == 0 {
            return None;
        }
        self.block.first_chunk().map(|time| i64::from_ne_bytes(*time))
    }

    /// Gives the field another value, in place if it is as long as the old one.
    #[inline]
    pub(super) fn set_value(&mut self, value: &[u8]) {
        let at = self.value_at();
        if self.block.len() - at == value.len() {
            self.block[at..].copy_from_slice(value);
        } else {
            self.block = block_of(self.expire_at_ms(), self.field(), value);
        }
    }

    /// Sets or removes the expiry.
    pub(super) fn set_expiry(&mut self, expire_at_ms: Option<i64>) {
        match expire_at_ms {
            Some(at_ms) if self.shape & TIMED != 0 => {
                self.block[..TIME_LEN].copy_from_slice(&at_ms.to_ne_bytes());
            }
            None if self.shape & TIMED == 0 => {}
            _ => {
                self.block = block_of(expire_at_ms, self.field(), self.value());
                self.shape ^= TIMED;
            }
        }
    }

    /// Bytes allocated beside the slot.
    pub(super) fn allocated(&self) -> usize {
        size_class(self.block.len())
    }
}

#[inline]
fn block_of(expire_at_ms: Option<i64>, field: &[u8], value: &[u8]) -> Box<[u8]> {
    let time_len = if expire_at_ms.is_some() { TIME_LEN } else { 0 };
    let mut block = Vec::with_capacity(time_len + field.len() + value.len());
    if let Some(at_ms) = expire_at_ms {
        block.extend_from_slice(&at_ms.to_ne_bytes());
    }
    block.extend_from_slice(field);
    block.extend_from_slice(value);
    block.into_boxed_slice()
}
