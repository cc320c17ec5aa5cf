//! Zipmaps: how Redis stored small hashes before version 2.6.
//!
//! ```text
//! pairs u8 (254 or more: count them) | pair ... | 0xFF
//! pair     length | field | length | unused u8 | value | unused bytes
//! length   one byte, or 0xFE and a little endian u32
//! ```
//!
//! The format is described at the head of `zipmap.c` of Redis 2.4.

use crate::rdb::error::RdbErrorKind;

const END: u8 = 0xFF;
/// First byte of a length that follows in four bytes; from here on the first byte of the map says nothing.
const BIG: u8 = 0xFE;

const DAMAGED: RdbErrorKind = RdbErrorKind::Corrupt("Zipmap integrity check failed.");

/// A zipmap that was checked from its first byte to its last. Its fields need not differ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zipmap<'a> {
    /// The pairs without count and end mark.
    pairs: &'a [u8],
}

impl<'a> Zipmap<'a> {
    /// Checks all of `bytes`. O(bytes).
    ///
    /// # Errors
    /// `Zipmap integrity check failed.`
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, RdbErrorKind> {
        Self::checked(bytes).ok_or(DAMAGED)
    }

    fn checked(bytes: &'a [u8]) -> Option<Self> {
        let (&count, body) = bytes.split_first()?;
        let (&end, pairs) = body.split_last()?;
        let (mut rest, mut len) = (pairs, 0);
        while !rest.is_empty() {
            (_, rest) = pair(rest)?;
            len += 1;
        }
        let count_is_right = count >= BIG || usize::from(count) == len;
        (end == END && count_is_right).then_some(Self { pairs })
    }

    /// Fields with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut rest = self.pairs;
        std::iter::from_fn(move || {
            let (found, after) = pair(rest)?;
            rest = after;
            Some(found)
        })
    }
}

/// A field and its value.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// The first pair of `bytes`, and what follows.
fn pair(bytes: &[u8]) -> Option<(Pair<'_>, &[u8])> {
    let (len, rest) = length(bytes)?;
    let (field, rest) = rest.split_at_checked(len)?;
    let (len, rest) = length(rest)?;
    let (&unused, rest) = rest.split_first()?;
    let (value, rest) = rest.split_at_checked(len)?;
    Some(((field, value), rest.get(usize::from(unused)..)?))
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes.split_first()? {
        (&END, _) => None,
        (&BIG, rest) => {
            let (len, rest) = rest.split_first_chunk()?;
            Some((u32::from_le_bytes(*len) as usize, rest))
        }
        (&len, rest) => Some((usize::from(len), rest)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(bytes: &[u8]) -> Option<Vec<Pair<'_>>> {
        Some(Zipmap::new(bytes).ok()?.iter().collect())
    }

    #[test]
    fn golden() {
        // The example of the description of the format: "foo" => "bar", "hello" => "world".
        let bytes = b"\x02\x03foo\x03\x00bar\x05hello\x05\x00world\xff";
        let expected: [Pair<'_>; 2] = [(b"foo", b"bar"), (b"hello", b"world")];
        assert_eq!(pairs(bytes).expect("valid"), expected);
    }

    #[test]
    fn unused_bytes_and_long_lengths() {
        let mut bytes = b"\xfe\x01f\x02\x03ab***\xfe".to_vec();
        bytes.extend_from_slice(&300_u32.to_le_bytes());
        bytes.extend_from_slice(&[b'k'; 300]);
        bytes.extend_from_slice(b"\x00\x00\xff");
        let found = pairs(&bytes).expect("valid");
        let expected: [Pair<'_>; 2] = [(b"f", b"ab"), (&[b'k'; 300], b"")];
        assert_eq!(found, expected);
    }

    #[test]
    fn damage_is_refused() {
        let good = b"\x01\x03foo\x03\x00bar\xff";
        assert!(Zipmap::new(good).is_ok());
        for len in 0..good.len() {
            assert!(Zipmap::new(&good[..len]).is_err(), "first {len} bytes");
        }
        for bad in [
            &b"\x02\x03foo\x03\x00bar\xff"[..],
            b"\x01\x03foo\x03\x01bar\xff",
            b"\x01\x04foo\x03\x00bar\xff",
            b"\x01\xff\x03\x00bar\xff",
            b"\x01\x03foo\x03\x00bar\xff\xff",
        ] {
            assert!(Zipmap::new(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(prop_oneof![0_u8..6, Just(0xFE), Just(0xFF)], 0..40)) {
            if let Ok(map) = Zipmap::new(&bytes) {
                let used: usize = map.iter().map(|(field, value)| field.len() + value.len() + 3).sum();
                prop_assert!(used <= bytes.len());
            }
        }
    }
}
