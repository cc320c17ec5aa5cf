//! A field of BITFIELD: an integer of 1 to 64 bits at any offset in a string.

use redan_engine::{ReplyError, errors};
use redan_resp::parse_i64;

/// Bytes a field can touch: 64 bits that begin in the middle of a byte.
const WINDOW: usize = 9;

/// The type of a field: its width and whether it has a sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FieldType {
    signed: bool,
    /// Bits: 1 to 64 with a sign, 1 to 63 without, because replies are signed.
    width: u32,
}

/// What happens to a value that does not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Overflow {
    /// The bits that fit are kept.
    Wrap,
    /// The nearest value that fits is taken.
    Saturate,
    /// Nothing is written.
    Fail,
}

impl FieldType {
    /// Reads `i5` or `u8`.
    ///
    /// # Errors
    /// `Invalid bitfield type`.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ReplyError> {
        let (signed, widest) = match text.first() {
            Some(b'i') => (true, 64),
            Some(b'u') => (false, 63),
            _ => return Err(errors::BITFIELD_TYPE),
        };
        let width = parse_i64(&text[1..]).filter(|width| (1..=widest).contains(width));
        width.map(|width| Self { signed, width: width as u32 }).ok_or(errors::BITFIELD_TYPE)
    }

    /// Its width in bits.
    pub(super) fn width(self) -> u32 {
        self.width
    }

    /// The field at bit `offset`; behind the end of the string all bits are zero.
    pub(super) fn load(self, bytes: &[u8], offset: usize) -> i64 {
        self.value(window(bytes, offset) << (offset % 8) >> (128 - self.width))
    }

    /// Writes the field at bit `offset`, which has to be inside of the string with all its bits.
    pub(super) fn store(self, bytes: &mut [u8], offset: usize, value: i64) {
        let shift = 128 - self.width - (offset % 8) as u32;
        let mask = self.mask() << shift;
        let window = window(bytes, offset) & !mask | (value as u128) << shift & mask;
        let touched = (offset % 8 + self.width as usize).div_ceil(8);
        bytes[offset / 8..][..touched].copy_from_slice(&window.to_be_bytes()[..touched]);
    }

    /// The value that SET stores for `value`. A field without sign takes its bits as those of an unsigned number.
    pub(super) fn assign(self, value: i64, overflow: Overflow) -> Option<i64> {
        self.fit(if self.signed { i128::from(value) } else { i128::from(value as u64) }, overflow)
    }

    /// The value that INCRBY stores for `old` and an increment.
    pub(super) fn add(self, old: i64, by: i64, overflow: Overflow) -> Option<i64> {
        self.fit(i128::from(old) + i128::from(by), overflow)
    }

    fn fit(self, value: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = if self.signed {
            (-(1 << (self.width - 1)), (1 << (self.width - 1)) - 1)
        } else {
            (0, (1 << self.width) - 1)
        };
        if (min..=max).contains(&value) {
            return Some(value as i64);
        }
        match overflow {
            Overflow::Wrap => Some(self.value(value as u128 & self.mask())),
            Overflow::Saturate => Some(value.clamp(min, max) as i64),
            Overflow::Fail => None,
        }
    }

    fn mask(self) -> u128 {
        (1 << self.width) - 1
    }

    /// The value of a field with these bits.
    fn value(self, bits: u128) -> i64 {
        if self.signed {
            let shift = 64 - self.width;
            (bits as i64) << shift >> shift
        } else {
            bits as i64
        }
    }
}

/// The bytes from that of bit `offset` on, as the highest ones of the number.
fn window(bytes: &[u8], offset: usize) -> u128 {
    let from = bytes.get(offset / 8..).unwrap_or_default();
    let len = from.len().min(WINDOW);
    let mut window = [0; 16];
    window[..len].copy_from_slice(&from[..len]);
    u128::from_be_bytes(window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn types() -> impl Strategy<Value = FieldType> {
        (any::<bool>(), 1..=64u32).prop_map(|(signed, width)| FieldType {
            signed,
            width: if signed { width } else { width.min(63) },
        })
    }

    fn bit(bytes: &[u8], at: usize) -> bool {
        bytes.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1)
    }

    proptest! {
        #[test]
        fn loads_bit_by_bit(kind in types(), bytes in vec(any::<u8>(), 0..20), offset in 0..200usize) {
            let width = kind.width as usize;
            let raw = (0..width).fold(0i128, |raw, at| raw << 1 | i128::from(bit(&bytes, offset + at)));
            let negative = kind.signed && bit(&bytes, offset);
            let expected = if negative { raw - (1 << width) } else { raw };
            prop_assert_eq!(i128::from(kind.load(&bytes, offset)), expected);
        }

        #[test]
        fn stores_what_it_loads_and_nothing_else(
            kind in types(),
            mut bytes in vec(any::<u8>(), 9..20),
            offset in 0..160usize,
            value: i64,
        ) {
            let width = kind.width as usize;
            let offset = offset % (bytes.len() * 8 - width + 1);
            let before = bytes.clone();
            let value = kind.fit(i128::from(value), Overflow::Wrap).expect("what wraps fits");
            kind.store(&mut bytes, offset, value);
            prop_assert_eq!(kind.load(&bytes, offset), value);
            for at in (0..bytes.len() * 8).filter(|at| !(offset..offset + width).contains(at)) {
                prop_assert_eq!(bit(&bytes, at), bit(&before, at), "bit {}", at);
            }
        }

        #[test]
        fn overflow_is_arithmetic(kind in types(), old: i64, by: i64) {
            let old = kind.fit(i128::from(old), Overflow::Wrap).expect("what wraps fits");
            let sum = i128::from(old) + i128::from(by);
            let span = 1i128 << kind.width;
            let low = if kind.signed { -span / 2 } else { 0 };
            let wrapped = (sum - low).rem_euclid(span) + low;
            let fits = wrapped == sum;
            prop_assert_eq!(kind.add(old, by, Overflow::Wrap).map(i128::from), Some(wrapped));
            prop_assert_eq!(kind.add(old, by, Overflow::Fail).map(i128::from), fits.then_some(sum));
            let nearest = if sum < low { low } else { sum.min(low + span - 1) };
            prop_assert_eq!(kind.add(old, by, Overflow::Saturate).map(i128::from), Some(nearest));
        }
    }

    #[test]
    fn types_have_one_to_sixty_four_bits() {
        for text in [
            "",
            "u",
            "i",
            "a8",
            "u0",
            "i0",
            "u64",
            "i65",
            "u-1",
            "u 8",
            "I8",
            "8",
            "i+5",
            "u99999999999999999999",
        ] {
            assert_eq!(FieldType::parse(text.as_bytes()), Err(errors::BITFIELD_TYPE), "{text}");
        }
        for (text, signed, width) in
            [("i64", true, 64), ("u63", false, 63), ("u1", false, 1), ("i1", true, 1)]
        {
            assert_eq!(FieldType::parse(text.as_bytes()), Ok(FieldType { signed, width }));
        }
    }

    #[test]
    fn a_negative_number_is_a_large_one_without_sign() {
        let byte = FieldType { signed: false, width: 8 };
        assert_eq!(byte.assign(-1, Overflow::Saturate), Some(255));
        assert_eq!(byte.assign(-2, Overflow::Wrap), Some(254));
        assert_eq!(byte.assign(-1, Overflow::Fail), None);
        assert_eq!(byte.add(0, -1, Overflow::Saturate), Some(0));
    }
}
