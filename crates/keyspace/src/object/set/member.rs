//! A member of a set in its hash table: a slot of 24 bytes that holds short members itself.

use crate::dense::Slot;
use crate::hash::KeyHash;
use crate::value::{StringRef, parse_int};

/// Longest member that lives in its slot.
const INLINE_MAX: usize = 18;

/// A member with its hash. One of up to 18 bytes, or an integer, needs no allocation; any other is one exact block.
#[derive(Clone, Debug)]
pub(super) enum Member {
    Inline {
        hash: u32,
        len: u8,
        bytes: [u8; INLINE_MAX],
    },
    /// An integer in canonical form whose text is too long for `Inline`.
    Int {
        hash: u32,
        value: i64,
    },
    Block {
        hash: u32,
        bytes: Box<[u8]>,
    },
}

const _: () = assert!(size_of::<Member>() == 24);

impl Slot for Member {
    #[inline]
    fn hash(&self) -> u32 {
        match self {
            Self::Inline { hash, .. } | Self::Int { hash, .. } | Self::Block { hash, .. } => *hash,
        }
    }
}

/// The hash under which a member is found.
#[inline]
pub(super) fn hash_of(bytes: &[u8]) -> u32 {
    KeyHash::of(bytes).low()
}

impl Member {
    /// A member whose [`hash_of`] is `hash`.
    #[inline]
    pub(super) fn new(bytes: &[u8], hash: u32) -> Self {
        if bytes.len() <= INLINE_MAX {
            let mut inline = [0; INLINE_MAX];
            inline[..bytes.len()].copy_from_slice(bytes);
            Self::Inline { hash, len: bytes.len() as u8, bytes: inline }
        } else if let Some(value) = parse_int(bytes) {
            Self::Int { hash, value }
        } else {
            Self::Block { hash, bytes: bytes.into() }
        }
    }

    /// The member's text.
    #[inline]
    pub(super) fn text(&self) -> StringRef<'_> {
        match self {
            Self::Inline { len, bytes, .. } => StringRef::Bytes(&bytes[..usize::from(*len)]),
            Self::Int { value, .. } => StringRef::Int(*value),
            Self::Block { bytes, .. } => StringRef::Bytes(bytes),
        }
    }

    /// Whether this is the member with this text.
    #[inline]
    pub(super) fn is(&self, text: &[u8]) -> bool {
        match self {
            Self::Inline { len, bytes, .. } => &bytes[..usize::from(*len)] == text,
            Self::Int { value, .. } => parse_int(text) == Some(*value),
            Self::Block { bytes, .. } => **bytes == *text,
        }
    }

    /// Bytes allocated beside the slot.
    pub(super) fn heap_usage(&self) -> usize {
        match self {
            Self::Block { bytes, .. } => bytes.len(),
            Self::Inline { .. } | Self::Int { .. } => 0,
        }
    }
}
