//! Ziplists: how Redis stored small lists, hashes and sorted sets before version 7.0.
//!
//! ```text
//! total bytes u32 | offset of the last entry u32 | entries u16 (65535: count them) | entry ... | 0xFF
//! entry   length of the entry before it (one byte, or 0xFE and a u32) | encoding | content
//! ```
//!
//! All numbers are little endian, but for lengths of strings in an encoding, which are big endian. The encodings are
//! those at [`content`]. The format is described at the head of `ziplist.c` of Redis 6.2.

use redan_keyspace::StringRef;

use crate::rdb::error::RdbErrorKind;

const HEADER_LEN: usize = 10;
const END: u8 = 0xFF;
/// First byte of a previous entry's length that follows in four bytes.
const BIG_PREVIOUS: u8 = 0xFE;
/// The count in the header when there are at least so many entries.
const COUNT_UNKNOWN: u16 = u16::MAX;

const DAMAGED: RdbErrorKind = RdbErrorKind::Corrupt("Ziplist integrity check failed.");

/// A ziplist that was checked from its first byte to its last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ziplist<'a> {
    /// The entries without header and end mark.
    entries: &'a [u8],
    len: usize,
}

impl<'a> Ziplist<'a> {
    /// Checks all of `bytes`: sizes, the chain of lengths, encodings, the count. O(bytes).
    ///
    /// # Errors
    /// `Ziplist integrity check failed.`
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, RdbErrorKind> {
        Self::checked(bytes).ok_or(DAMAGED)
    }

    fn checked(bytes: &'a [u8]) -> Option<Self> {
        let (header, body) = bytes.split_first_chunk::<HEADER_LEN>()?;
        let (&end, entries) = body.split_last()?;
        let total = u32::from_le_bytes(header[0..4].try_into().ok()?);
        let last = u32::from_le_bytes(header[4..8].try_into().ok()?);
        let count = u16::from_le_bytes(header[8..10].try_into().ok()?);
        if end != END || total as usize != bytes.len() {
            return None;
        }
        let (mut rest, mut len, mut before) = (entries, 0, 0);
        let mut last_seen = 0;
        while !rest.is_empty() {
            let at = entries.len() - rest.len();
            let (previous, _, after) = entry(rest)?;
            if previous != before {
                return None;
            }
            before = rest.len() - after.len();
            last_seen = at;
            rest = after;
            len += 1;
        }
        let count_is_right = count == COUNT_UNKNOWN || usize::from(count) == len;
        (count_is_right && last as usize == HEADER_LEN + last_seen).then_some(Self { entries, len })
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The entries from first to last.
    pub(super) fn iter(&self) -> impl Iterator<Item = StringRef<'a>> + use<'a> {
        let mut rest = self.entries;
        std::iter::from_fn(move || {
            let (_, value, after) = entry(rest)?;
            rest = after;
            Some(value)
        })
    }
}

/// The first entry of `bytes`: the length of the one before it, its content, and what follows.
fn entry(bytes: &[u8]) -> Option<(usize, StringRef<'_>, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (previous, rest) = match first {
        END => return None,
        BIG_PREVIOUS => {
            let (previous, rest) = rest.split_first_chunk()?;
            (u32::from_le_bytes(*previous) as usize, rest)
        }
        small => (usize::from(small), rest),
    };
    let (value, rest) = content(rest)?;
    Some((previous, value, rest))
}

/// Reads encoding and content.
///
/// ```text
/// 00pppppp              string of that many bytes
/// 01pppppp q            string of 14 bits of length
/// 10______ qqqq         string of 32 bits of length
/// C0 / F0 / D0 / E0     integer of 2 / 3 / 4 / 8 bytes
/// FE                    integer of one byte
/// F1 ... FD             0 ... 12
/// ```
fn content(bytes: &[u8]) -> Option<(StringRef<'_>, &[u8])> {
    let (&encoding, rest) = bytes.split_first()?;
    let (len, rest) = match encoding {
        0x00..0x40 => (usize::from(encoding), rest),
        0x40..0x80 => {
            let (&low, rest) = rest.split_first()?;
            (usize::from(encoding & 0x3F) << 8 | usize::from(low), rest)
        }
        0x80..0xC0 => {
            let (len, rest) = rest.split_first_chunk()?;
            (u32::from_be_bytes(*len) as usize, rest)
        }
        0xC0 => return int::<2>(rest),
        0xD0 => return int::<4>(rest),
        0xE0 => return int::<8>(rest),
        0xF0 => return int::<3>(rest),
        0xFE => return int::<1>(rest),
        0xF1..=0xFD => return Some((StringRef::Int(i64::from(encoding & 0x0F) - 1), rest)),
        _ => return None,
    };
    let (string, rest) = rest.split_at_checked(len)?;
    Some((StringRef::Bytes(string), rest))
}

/// A signed little endian integer of `N` bytes.
fn int<const N: usize>(bytes: &[u8]) -> Option<(StringRef<'_>, &[u8])> {
    let (digits, rest) = bytes.split_first_chunk::<N>()?;
    let mut word = [0; 8];
    word[8 - N..].copy_from_slice(digits);
    // The number stands at the top of the word; the shift brings its sign along.
    Some((StringRef::Int(i64::from_le_bytes(word) >> (8 * (8 - N))), rest))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a ziplist of these entries looks like, for the tests of the types that were stored so.
    pub(in super::super) fn encode(values: &[&[u8]]) -> Vec<u8> {
        let (mut entries, mut before, mut last) = (Vec::new(), 0, 0);
        for value in values {
            last = entries.len();
            if before < usize::from(BIG_PREVIOUS) {
                entries.push(before as u8);
            } else {
                entries.push(BIG_PREVIOUS);
                entries.extend_from_slice(&(before as u32).to_le_bytes());
            }
            put_content(&mut entries, value);
            before = entries.len() - last;
        }
        let mut bytes = ((HEADER_LEN + entries.len() + 1) as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(&((HEADER_LEN + last) as u32).to_le_bytes());
        bytes.extend_from_slice(&u16::try_from(values.len()).unwrap_or(COUNT_UNKNOWN).to_le_bytes());
        bytes.extend_from_slice(&entries);
        bytes.push(END);
        bytes
    }

    fn put_content(out: &mut Vec<u8>, value: &[u8]) {
        if let Some(int) = redan_keyspace::parse_int(value) {
            let wide = int.to_le_bytes();
            let (encoding, len) = match int {
                0..=12 => (0xF1 + int as u8, 0),
                -0x80..=0x7F => (0xFE, 1),
                -0x8000..=0x7FFF => (0xC0, 2),
                -0x80_0000..=0x7F_FFFF => (0xF0, 3),
                -0x8000_0000..=0x7FFF_FFFF => (0xD0, 4),
                _ => (0xE0, 8),
            };
            out.push(encoding);
            out.extend_from_slice(&wide[..len]);
            return;
        }
        match value.len() {
            len @ 0..0x40 => out.push(len as u8),
            len @ 0x40..0x4000 => out.extend_from_slice(&[0x40 | (len >> 8) as u8, len as u8]),
            len => {
                out.push(0x80);
                out.extend_from_slice(&(len as u32).to_be_bytes());
            }
        }
        out.extend_from_slice(value);
    }

    fn values(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        let list = Ziplist::new(bytes).ok()?;
        let values: Vec<Vec<u8>> = list.iter().map(StringRef::to_vec).collect();
        assert_eq!(values.len(), list.len());
        Some(values)
    }

    #[test]
    fn golden() {
        // RPUSH l 2 5 of Redis 6.2, from the description of the format.
        let bytes = b"\x0f\0\0\0\x0c\0\0\0\x02\0\0\xf3\x02\xf6\xff";
        assert_eq!(values(bytes).expect("valid"), [b"2", b"5"]);
        assert_eq!(values(&encode(&[])).expect("valid"), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn any_change_of_the_structure_is_noticed() {
        let good = encode(&[b"a", b"12345", b"", b"-7"]);
        for at in (0..HEADER_LEN).chain([good.len() - 1]) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(Ziplist::new(&bad).is_err(), "byte {at}");
        }
        for len in 0..good.len() {
            assert!(Ziplist::new(&good[..len]).is_err(), "first {len} bytes");
        }
        let mut unknown_count = good.clone();
        unknown_count[8..10].fill(0xFF);
        assert_eq!(values(&unknown_count), values(&good));
        let mut wrong_previous = good;
        wrong_previous[HEADER_LEN + 3] += 1;
        assert!(Ziplist::new(&wrong_previous).is_err());
    }

    fn element() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            any::<i64>().prop_map(|int| int.to_string().into_bytes()),
            any::<i32>().prop_map(|int| int.to_string().into_bytes()),
            (-200_i64..200).prop_map(|int| int.to_string().into_bytes()),
            (-9_000_000_i64..9_000_000).prop_map(|int| int.to_string().into_bytes()),
            prop::collection::vec(any::<u8>(), 0..300),
            (16_000_usize..17_000).prop_map(|len| vec![b'x'; len]),
        ]
    }

    proptest! {
        #[test]
        fn what_was_stored_comes_back(list in prop::collection::vec(element(), 0..20)) {
            let refs: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(values(&encode(&refs)).expect("valid"), list);
        }

        #[test]
        fn damage_never_panics(
            list in prop::collection::vec(element(), 0..6),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let refs: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
            let mut bytes = encode(&refs);
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = values(&bytes);
        }
    }
}
