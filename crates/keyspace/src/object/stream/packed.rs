//! How numbers and strings lie in a node.
//!
//! A number is a varint: seven bits a byte, lowest first, the high bit says that more follow. A string is a varint with
//! its length in the upper bits and a zero in the lowest, and its bytes; one that is a canonical integer is only a
//! varint with the integer in zigzag order above a one.

use crate::value::{StringRef, parse_int};

/// Integers below this magnitude are stored as such, so that a varint of 64 bits holds them beside the mark.
const INT_LIMIT: i64 = 1 << 61;

/// Appends a number.
#[inline]
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The number at `at`, which moves behind it.
#[inline]
pub(super) fn number(bytes: &[u8], at: &mut usize) -> u64 {
    let first = bytes[*at];
    *at += 1;
    if first < 0x80 {
        return u64::from(first);
    }
    let (mut number, mut shift) = (u64::from(first & 0x7F), 7);
    loop {
        let byte = bytes[*at];
        *at += 1;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return number;
        }
        shift += 7;
    }
}

/// The form in which a string is stored: an integer if it is one that fits.
#[inline]
pub(super) fn canonical(string: StringRef<'_>) -> StringRef<'_> {
    match string {
        StringRef::Bytes(bytes) => match parse_int(bytes) {
            Some(int) if int.abs_diff(0) < INT_LIMIT as u64 => StringRef::Int(int),
            _ => string,
        },
        int => int,
    }
}

/// Appends a string.
pub(super) fn put_string(out: &mut Vec<u8>, string: StringRef<'_>) {
    match canonical(string) {
        StringRef::Int(int) if int.abs_diff(0) < INT_LIMIT as u64 => {
            let zigzag = (int << 1 ^ int >> 63) as u64;
            put_number(out, zigzag << 1 | 1);
        }
        StringRef::Int(int) => put_bytes(out, itoa::Buffer::new().format(int).as_bytes()),
        StringRef::Bytes(bytes) => put_bytes(out, bytes),
    }
}

#[inline]
fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, (bytes.len() as u64) << 1);
    out.extend_from_slice(bytes);
}

/// The string at `at`, which moves behind it.
#[inline]
pub(super) fn string<'a>(bytes: &'a [u8], at: &mut usize) -> StringRef<'a> {
    let head = number(bytes, at);
    if head & 1 == 1 {
        let zigzag = head >> 1;
        return StringRef::Int((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
    }
    let start = *at;
    *at += (head >> 1) as usize;
    StringRef::Bytes(&bytes[start..*at])
}

/// How many bytes a listpack would need for an integer.
pub(super) fn listpack_int_len(int: i64) -> usize {
    let len = match int {
        0..128 => 1,
        -4096..4096 => 2,
        -0x8000..0x8000 => 3,
        -0x80_0000..0x80_0000 => 4,
        -0x8000_0000..0x8000_0000 => 5,
        _ => 9,
    };
    len + 1
}

/// How many bytes a listpack would need for a string.
pub(super) fn listpack_len(string: StringRef<'_>) -> usize {
    let bytes = match canonical(string) {
        StringRef::Int(int) => return listpack_int_len(int),
        StringRef::Bytes(bytes) => bytes,
    };
    if let Some(int) = parse_int(bytes) {
        return listpack_int_len(int);
    }
    let len = match bytes.len() {
        len @ 0..64 => 1 + len,
        len @ 64..4096 => 2 + len,
        len => 5 + len,
    };
    // The length stands behind the element once more, for whoever comes from the end.
    len + match len {
        0..128 => 1,
        128..16_384 => 2,
        16_384..2_097_152 => 3,
        2_097_152..268_435_456 => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(string: StringRef<'_>) -> Vec<u8> {
        let mut out = vec![7];
        put_string(&mut out, string);
        let mut at = 1;
        let back = super::string(&out, &mut at).to_vec();
        assert_eq!(at, out.len());
        back
    }

    #[test]
    fn integers_of_all_sizes_come_back() {
        for int in [0, 1, -1, 63, 64, INT_LIMIT - 1, INT_LIMIT, -INT_LIMIT, 1 - INT_LIMIT, i64::MAX, i64::MIN]
        {
            assert_eq!(round_trip(StringRef::Int(int)), int.to_string().as_bytes());
            assert_eq!(round_trip(StringRef::Bytes(int.to_string().as_bytes())), int.to_string().as_bytes());
        }
        let mut small = Vec::new();
        put_string(&mut small, StringRef::Bytes(b"-16"));
        assert_eq!(small.len(), 1);
    }

    proptest! {
        #[test]
        fn numbers_come_back(numbers: Vec<u64>) {
            let mut out = Vec::new();
            numbers.iter().for_each(|number| put_number(&mut out, *number));
            let mut at = 0;
            for expected in numbers {
                prop_assert_eq!(number(&out, &mut at), expected);
            }
            prop_assert_eq!(at, out.len());
        }

        #[test]
        fn strings_come_back(bytes: Vec<u8>, int: i64) {
            prop_assert_eq!(round_trip(StringRef::Bytes(&bytes)), bytes);
            prop_assert_eq!(round_trip(StringRef::Int(int)), int.to_string().into_bytes());
        }
    }
}
