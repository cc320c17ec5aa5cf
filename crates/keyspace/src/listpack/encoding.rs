//! One element of a listpack as bytes: its encoding, its data, and its length once more for those who come from behind.
//!
//! | first byte | what follows |
//! |---|---|
//! | `0vvvvvvv` | nothing: an integer from 0 to 127 |
//! | `10llllll` | a string of `l` bytes |
//! | `110vvvvv` | one byte: a signed integer of 13 bits, high bits first |
//! | `1110llll` | one byte: with `l` the length of the string behind it, high bits first |
//! | `f0` | four bytes: the length of the string behind them, little-endian |
//! | `f1` `f2` `f3` `f4` | a signed integer of 16, 24, 32, 64 bits, little-endian |
//! | `ff` | the end of the listpack |
//!
//! Behind that stands the number of these bytes, seven bits per byte, high bits first; all bytes but the first have
//! their top bit set, so that it can be read backwards.

use crate::value::{StringRef, parse_int};

/// First byte of a string with a length of 32 bits.
const STRING_32: u8 = 0xF0;
const INT_16: u8 = 0xF1;
const INT_24: u8 = 0xF2;
const INT_32: u8 = 0xF3;
const INT_64: u8 = 0xF4;
/// The byte that ends a listpack.
pub(super) const END: u8 = 0xFF;

/// The smallest lengths that need 2, 3, 4 and 5 bytes behind an element. The higher ones are one less than seven bits per
/// byte would allow; they are what everybody writes, and so belong to the format.
const TAIL_STEPS: [usize; 4] = [128, 16_383, 2_097_151, 268_435_455];

/// How many bytes say the length of an element of `len` bytes behind it.
#[inline]
fn tail_len(len: usize) -> usize {
    1 + TAIL_STEPS.iter().take_while(|&&step| len >= step).count()
}

/// The form that an element has as bytes: `head`, `body`, `tail` one behind the other.
pub(super) struct Encoded<'a> {
    head: [u8; 9],
    head_len: u8,
    tail_len: u8,
    tail: [u8; 5],
    body: &'a [u8],
}

impl<'a> Encoded<'a> {
    /// Encodes an element; text that is a canonical integer becomes one.
    #[inline]
    pub(super) fn new(value: StringRef<'a>) -> Self {
        match value {
            StringRef::Int(number) => Self::int(number),
            StringRef::Bytes(bytes) => parse_int(bytes).map_or_else(|| Self::string(bytes), Self::int),
        }
    }

    fn int(number: i64) -> Self {
        let mut head = [0; 9];
        let len = if (0..=127).contains(&number) {
            head[0] = number as u8;
            1
        } else if (-4096..=4095).contains(&number) {
            head[0] = 0xC0 | ((number >> 8) as u8 & 0x1F);
            head[1] = number as u8;
            2
        } else {
            let (first, width) = match number {
                -0x8000..0x8000 => (INT_16, 2),
                -0x80_0000..0x80_0000 => (INT_24, 3),
                -0x8000_0000..0x8000_0000 => (INT_32, 4),
                _ => (INT_64, 8),
            };
            head[0] = first;
            head[1..=width].copy_from_slice(&number.to_le_bytes()[..width]);
            1 + width
        };
        Self::assemble(head, len, b"")
    }

    fn string(bytes: &'a [u8]) -> Self {
        let mut head = [0; 9];
        let len = bytes.len();
        let head_len = if len < 1 << 6 {
            head[0] = 0x80 | len as u8;
            1
        } else if len < 1 << 12 {
            head[0] = 0xE0 | (len >> 8) as u8;
            head[1] = len as u8;
            2
        } else {
            let len = u32::try_from(len).expect("a listpack's elements are checked to fit 32 bits");
            head[0] = STRING_32;
            head[1..5].copy_from_slice(&len.to_le_bytes());
            5
        };
        Self::assemble(head, head_len, bytes)
    }

    fn assemble(head: [u8; 9], head_len: usize, body: &'a [u8]) -> Self {
        let mut left = head_len + body.len();
        let tail_len = tail_len(left);
        let mut tail = [0; 5];
        for (index, byte) in tail[..tail_len].iter_mut().enumerate().rev() {
            *byte = left as u8 & 0x7F | if index > 0 { 0x80 } else { 0 };
            left >>= 7;
        }
        Self { head, head_len: head_len as u8, tail_len: tail_len as u8, tail, body }
    }

    /// All bytes of the element.
    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.head_len) + self.body.len() + usize::from(self.tail_len)
    }

    /// Writes the element over `out`, which is as long.
    #[inline]
    pub(super) fn write(&self, out: &mut [u8]) {
        let (head, rest) = out.split_at_mut(usize::from(self.head_len));
        let (body, tail) = rest.split_at_mut(self.body.len());
        head.copy_from_slice(&self.head[..head.len()]);
        body.copy_from_slice(self.body);
        tail.copy_from_slice(&self.tail[..usize::from(self.tail_len)]);
    }

    /// Writes the element behind `out`.
    #[inline]
    pub(super) fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head[..usize::from(self.head_len)]);
        out.extend_from_slice(self.body);
        out.extend_from_slice(&self.tail[..usize::from(self.tail_len)]);
    }
}

/// Bytes before the text of a string, and the length of the text (0 for an integer). `None`: no element starts so, or
/// `bytes` ends within these.
#[inline]
fn layout(bytes: &[u8]) -> Option<(usize, usize)> {
    let &first = bytes.first()?;
    Some(match first {
        0..0x80 => (1, 0),
        0x80..0xC0 => (1, usize::from(first & 0x3F)),
        0xC0..0xE0 => (2, 0),
        0xE0..0xF0 => (2, usize::from(first & 0x0F) << 8 | usize::from(*bytes.get(1)?)),
        STRING_32 => {
            let len = bytes.get(1..5)?.try_into().expect("four bytes were asked for");
            (5, usize::try_from(u32::from_le_bytes(len)).ok()?)
        }
        INT_16 => (3, 0),
        INT_24 => (4, 0),
        INT_32 => (5, 0),
        INT_64 => (9, 0),
        _ => return None,
    })
}

/// All bytes of the valid element that starts `bytes`.
#[inline]
pub(super) fn skip(bytes: &[u8]) -> usize {
    let (head, body) = layout(bytes).expect("a listpack is checked before it is read");
    head + body + tail_len(head + body)
}

/// The valid element that starts `bytes`, and how many bytes it takes.
#[inline]
pub(super) fn decode(bytes: &[u8]) -> (StringRef<'_>, usize) {
    let (head, body) = layout(bytes).expect("a listpack is checked before it is read");
    let len = head + body;
    let first = bytes[0];
    let value = match first {
        0..0x80 => StringRef::Int(i64::from(first)),
        0x80..0xC0 | 0xE0..=STRING_32 => StringRef::Bytes(&bytes[head..len]),
        // Shifted up to the top and down again, so that the sign is extended.
        0xC0..0xE0 => {
            let raw = u16::from_be_bytes([first, bytes[1]]) << 3;
            StringRef::Int(i64::from(raw as i16 >> 3))
        }
        _ => {
            let mut raw = [0; 8];
            raw[9 - head..].copy_from_slice(&bytes[1..head]);
            StringRef::Int(i64::from_le_bytes(raw) >> (8 * (9 - head)))
        }
    };
    (value, len + tail_len(len))
}

/// All bytes of the element that ends `bytes`, if what is written there can be its length.
#[inline]
pub(super) fn skip_back(bytes: &[u8]) -> Option<usize> {
    let mut len = 0;
    for (index, &byte) in bytes.iter().rev().take(TAIL_STEPS.len() + 1).enumerate() {
        len |= usize::from(byte & 0x7F) << (7 * index);
        if byte < 0x80 {
            return Some(len + index + 1);
        }
    }
    None
}

/// All bytes of the element that starts `bytes`, if it is a valid one.
pub(super) fn check(bytes: &[u8]) -> Option<usize> {
    let (head, body) = layout(bytes)?;
    let len = head + body;
    let total = len + tail_len(len);
    (skip_back(bytes.get(..total)?)? == total).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(value: StringRef<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        Encoded::new(value).append_to(&mut out);
        out
    }

    #[test]
    fn integers_take_the_shortest_form() {
        for (number, expected) in [
            (0, &[0, 1][..]),
            (127, &[127, 1]),
            (128, &[0xC0, 128, 2]),
            (-1, &[0xDF, 0xFF, 2]),
            (-4096, &[0xD0, 0, 2]),
            (4095, &[0xCF, 0xFF, 2]),
            (4096, &[0xF1, 0, 0x10, 3]),
            (-32768, &[0xF1, 0, 0x80, 3]),
            (32768, &[0xF2, 0, 0x80, 0, 4]),
            (-8_388_608, &[0xF2, 0, 0, 0x80, 4]),
            (8_388_608, &[0xF3, 0, 0, 0x80, 0, 5]),
            (2_147_483_648, &[0xF4, 0, 0, 0, 0x80, 0, 0, 0, 0, 9]),
        ] {
            assert_eq!(bytes_of(StringRef::Int(number)), expected, "{number}");
            assert_eq!(bytes_of(StringRef::Bytes(number.to_string().as_bytes())), expected, "{number}");
            assert_eq!(decode(expected), (StringRef::Int(number), expected.len()));
        }
    }

    #[test]
    fn lengths_behind_elements_step_where_the_format_does() {
        for (len, tail) in [
            (1, 1),
            (127, 1),
            (128, 2),
            (16_382, 2),
            (16_383, 3),
            (2_097_150, 3),
            (2_097_151, 4),
            (268_435_454, 4),
            (268_435_455, 5),
        ] {
            assert_eq!(tail_len(len), tail, "{len}");
        }
    }

    #[test]
    fn strings_of_all_classes_come_back() {
        for len in [0, 1, 63, 64, 125, 126, 127, 4095, 4096, 16_377, 16_378, 16_379, 70_000] {
            let text = vec![b'x'; len];
            let bytes = bytes_of(StringRef::Bytes(&text));
            assert_eq!(decode(&bytes), (StringRef::Bytes(&text), bytes.len()));
            assert_eq!(skip(&bytes), bytes.len());
            assert_eq!(skip_back(&bytes), Some(bytes.len()));
            assert_eq!(check(&bytes), Some(bytes.len()));
            assert_eq!(check(&bytes[..bytes.len() - 1]), None);
        }
    }
}
