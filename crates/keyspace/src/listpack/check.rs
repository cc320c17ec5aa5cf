//! Taking over bytes that claim to be a listpack.

use super::{END, HEADER, Listpack, UNCOUNTED, encoding};

/// Why bytes are no listpack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{damage} at byte {offset} of a listpack")]
pub struct ListpackError {
    /// Where in the listpack.
    pub offset: usize,
    /// What is wrong there.
    pub damage: ListpackDamage,
}

/// What can be wrong with a listpack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListpackDamage {
    /// There are not even a header and an end, or not as many bytes as the header says.
    #[error("wrong length")]
    Length,
    /// The last byte does not end it.
    #[error("no end")]
    End,
    /// An element that cannot be: it starts with no known encoding, reaches past the end, or is not as long as is written behind it.
    #[error("bad element")]
    Element,
    /// There are not as many elements as the header says.
    #[error("wrong count")]
    Count,
}

impl Listpack {
    /// Takes over bytes that were those of a listpack before.
    pub(crate) fn from_trusted(bytes: Vec<u8>) -> Self {
        debug_assert!(Self::from_bytes(bytes.clone()).is_ok());
        Self { bytes }
    }

    /// Takes over the bytes of a listpack, after every element was checked. O(N).
    ///
    /// # Errors
    /// [`ListpackError`] if the bytes are not exactly one well-formed listpack.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ListpackError> {
        let fail = |offset, damage| Err(ListpackError { offset, damage });
        let len = bytes.len();
        if len <= HEADER || u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize != len {
            return fail(0, ListpackDamage::Length);
        }
        if bytes[len - 1] != END {
            return fail(len - 1, ListpackDamage::End);
        }
        let elements = &bytes[..len - 1];
        let (mut at, mut count) = (HEADER, 0usize);
        while at < elements.len() {
            match encoding::check(&elements[at..]) {
                Some(len) => at += len,
                None => return fail(at, ListpackDamage::Element),
            }
            count += 1;
        }
        let mut listpack = Self { bytes };
        let counted = listpack.counted();
        if counted == UNCOUNTED {
            // A list that shrank may still say so.
            listpack.set_counted(u16::try_from(count).unwrap_or(UNCOUNTED));
        } else if usize::from(counted) != count {
            return fail(4, ListpackDamage::Count);
        }
        listpack.shrink_to_fit();
        Ok(listpack)
    }
}
