//! A member of a big sorted set in its table.

use crate::dense::Slot;
use crate::hash::KeyHash;

/// Longest member that lives in the table itself.
const INLINE_MAX: usize = 22;

/// A member with its score: 40 bytes in the table, and one exact block if the member is longer than [`INLINE_MAX`].
#[derive(Clone, Debug)]
pub(super) struct Member {
    bytes: Bytes,
    score: f64,
    hash: u32,
}

const _: () = assert!(size_of::<Member>() == 40);

#[derive(Clone, Debug)]
enum Bytes {
    Inline { len: u8, bytes: [u8; INLINE_MAX] },
    Block(Box<[u8]>),
}

impl Slot for Member {
    #[inline]
    fn hash(&self) -> u32 {
        self.hash
    }
}

/// The hash that a member is found by.
#[inline]
pub(super) fn hash_of(member: &[u8]) -> u32 {
    KeyHash::of(member).low()
}

impl Member {
    /// A member with the hash that [`hash_of`] gives.
    pub(super) fn new(member: &[u8], hash: u32, score: f64) -> Self {
        let bytes = if member.len() <= INLINE_MAX {
            let mut bytes = [0; INLINE_MAX];
            bytes[..member.len()].copy_from_slice(member);
            Bytes::Inline { len: member.len() as u8, bytes }
        } else {
            Bytes::Block(member.into())
        };
        Self { bytes, score, hash }
    }

    /// The member's bytes.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Bytes::Block(block) => block,
        }
    }

    /// The score.
    #[inline]
    pub(super) fn score(&self) -> f64 {
        self.score
    }

    /// Gives it another score.
    #[inline]
    pub(super) fn set_score(&mut self, score: f64) {
        self.score = score;
    }

    /// Bytes allocated outside of the table.
    pub(super) fn heap_usage(&self) -> usize {
        match &self.bytes {
            Bytes::Inline { .. } => 0,
            Bytes::Block(block) => block.len(),
        }
    }
}
