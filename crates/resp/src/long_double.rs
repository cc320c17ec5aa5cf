//! Extended precision: what INCRBYFLOAT and its like calculate with.
//!
//! Redis adds these numbers as the `long double` of x86: a 64-bit mantissa and a 15-bit exponent. Clients see the
//! difference: 3 + 1.1 is 4.1 there, and 4.09999999999999964 with doubles and as many decimals. Doing it in software
//! gives the same digits on every machine, which matters too because a master and its replicas may differ.
//!
//! Reading and printing are exact: correctly rounded, ties to even.

mod bignum;

use bignum::Bignum;

use crate::double::{Hexadecimal, parse_exponent, shift_right_to_even};

/// Exponents of the lowest mantissa bit of the smallest denormal and of the largest finite number.
const LOWEST_EXPONENT: i64 = -16445;
const HIGHEST_EXPONENT: i64 = 16384 - 64;
/// Decimals that are printed.
const DECIMALS: u32 = 17;
/// Longest text that is read, in bytes: Redis's buffer for it.
const MAX_TEXT_LEN: usize = 5 * 1024 - 1;

/// An extended precision number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongDouble {
    negative: bool,
    size: Size,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// `mantissa * 2^exponent`. The mantissa's top bit is set, unless the number is 0 or the exponent the lowest.
    Finite { mantissa: u64, exponent: i64 },
    /// Too large, or the sum of infinities of both signs.
    Infinite,
}

impl LongDouble {
    /// Reads a number as Redis takes it from a client: the same syntax as [`crate::parse_f64`].
    ///
    /// None for anything else, for more than 5119 bytes, and for what is out of range.
    pub fn parse(text: &[u8]) -> Option<LongDouble> {
        if text.len() > MAX_TEXT_LEN {
            return None;
        }
        let (negative, magnitude) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        match magnitude {
            [b'0', b'x' | b'X', digits @ ..] => {
                let Hexadecimal { mantissa, exponent } = Hexadecimal::parse(digits)?;
                in_range(LongDouble::round(negative, mantissa, exponent), mantissa == 0)
            }
            [b'0'..=b'9' | b'.', ..] => parse_decimal(negative, magnitude),
            _ if magnitude.eq_ignore_ascii_case(b"inf") || magnitude.eq_ignore_ascii_case(b"infinity") => {
                Some(LongDouble { negative, size: Size::Infinite })
            }
            _ => None,
        }
    }

    /// False for infinities.
    pub fn is_finite(&self) -> bool {
        self.size != Size::Infinite
    }

    /// Appends the number with up to 17 decimals, without trailing zeros and never with an exponent.
    pub fn format(&self, out: &mut Vec<u8>) {
        let mut text = Vec::with_capacity(40);
        match self.size {
            Size::Infinite => text.extend_from_slice(b"inf"),
            Size::Finite { mantissa, exponent } if exponent >= 0 => {
                let mut whole = Bignum::from(u128::from(mantissa));
                whole.shift_left(exponent as usize);
                text = whole.into_decimal();
            }
            Size::Finite { mantissa, exponent } => format_fraction(mantissa, -exponent, &mut text),
        }
        if self.negative && text != b"0" {
            out.push(b'-');
        }
        out.extend_from_slice(&text);
    }

    /// `mantissa * 2^exponent`, rounded to 64 bits. A lost remainder is to be in the lowest bit already.
    fn round(negative: bool, mantissa: u128, exponent: i64) -> LongDouble {
        let zero = LongDouble { negative, size: Size::Finite { mantissa: 0, exponent: 0 } };
        if mantissa == 0 {
            return zero;
        }
        let bits = 128 - i64::from(mantissa.leading_zeros());
        let lowest = exponent.saturating_add(bits - 64).max(LOWEST_EXPONENT);
        let dropped = lowest.saturating_sub(exponent);
        let mut kept = match dropped {
            ..=0 => mantissa << -dropped,
            1..=128 => shift_right_to_even(mantissa, dropped as u32),
            _ => 0,
        };
        let mut exponent = lowest;
        if kept >> 64 != 0 {
            // Rounded up to the next power of two.
            kept >>= 1;
            exponent += 1;
        }
        match kept as u64 {
            0 => zero,
            _ if exponent > HIGHEST_EXPONENT => LongDouble { negative, size: Size::Infinite },
            mantissa => LongDouble { negative, size: Size::Finite { mantissa, exponent } },
        }
    }
}

impl From<f64> for LongDouble {
    /// Exact. NaN becomes an infinity.
    fn from(value: f64) -> LongDouble {
        let bits = value.to_bits();
        let fraction = u128::from(bits & ((1 << 52) - 1));
        let negative = value.is_sign_negative();
        match (bits >> 52 & 0x7ff) as i64 {
            0x7ff => LongDouble { negative, size: Size::Infinite },
            0 => LongDouble::round(negative, fraction, -1074),
            biased => LongDouble::round(negative, fraction | 1 << 52, biased - 1075),
        }
    }
}

/// Appends `value` with up to 17 decimals, without trailing zeros and never with an exponent, as GEOPOS does.
pub fn format_human_f64(value: f64, out: &mut Vec<u8>) {
    if value.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    LongDouble::from(value).format(out);
}

impl std::ops::Add for LongDouble {
    type Output = LongDouble;

    fn add(self, other: LongDouble) -> LongDouble {
        let (Size::Finite { mantissa: m1, exponent: e1 }, Size::Finite { mantissa: m2, exponent: e2 }) =
            (self.size, other.size)
        else {
            return if self.is_finite() { other } else { self };
        };
        // A zero's exponent means nothing, and would move the other number out of sight.
        if m1 == 0 || m2 == 0 {
            let negative = self.negative && other.negative;
            return match (m1, m2) {
                (0, 0) => LongDouble { negative, ..self },
                (0, _) => other,
                _ => self,
            };
        }
        let ((high, high_exponent), (low, low_exponent), swapped) =
            if e1 >= e2 { ((m1, e1), (m2, e2), false) } else { ((m2, e2), (m1, e1), true) };
        // 62 bits below the larger number's lowest one: enough to round correctly whatever is lost below.
        let high = u128::from(high) << 62;
        let low = shift_right_sticky(u128::from(low) << 62, high_exponent - low_exponent);
        let exponent = high_exponent - 62;
        if self.negative == other.negative {
            return LongDouble::round(self.negative, high + low, exponent);
        }
        let high_negative = if swapped { other.negative } else { self.negative };
        match high.checked_sub(low) {
            Some(0) => LongDouble::round(false, 0, 0),
            Some(difference) => LongDouble::round(high_negative, difference, exponent),
            None => LongDouble::round(!high_negative, low - high, exponent),
        }
    }
}

/// `value / 2^shift` with the lowest bit set when anything was lost.
fn shift_right_sticky(value: u128, shift: i64) -> u128 {
    match shift {
        0 => value,
        1..=127 => value >> shift | u128::from(value & ((1 << shift) - 1) != 0),
        _ => u128::from(value != 0),
    }
}

/// Prints `mantissa / 2^shift`, where `shift` is at least 1.
fn format_fraction(mantissa: u64, shift: i64, text: &mut Vec<u8>) {
    const SCALE: u128 = 10u128.pow(DECIMALS);
    // Below 2^121: what is shifted out beyond 128 bits rounds to 0.
    let scaled = u128::from(mantissa) * SCALE;
    let scaled = if shift > 128 { 0 } else { shift_right_to_even(scaled, shift as u32) };
    text.extend_from_slice((scaled / SCALE).to_string().as_bytes());
    let fraction = format!(".{:0width$}", scaled % SCALE, width = DECIMALS as usize);
    text.extend_from_slice(fraction.trim_end_matches('0').trim_end_matches('.').as_bytes());
}

/// Digits that begin with a digit or a point.
fn parse_decimal(negative: bool, text: &[u8]) -> Option<LongDouble> {
    let exponent_at = text.iter().position(|byte| byte.eq_ignore_ascii_case(&b'e'));
    let (digits, mut exponent) = match exponent_at {
        Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let (whole, fraction) = match memchr::memchr(b'.', digits) {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &b""[..]),
    };
    let mut digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    exponent -= fraction.len() as i64;
    while digits.last() == Some(&b'0') {
        digits.pop();
        exponent += 1;
    }
    let significant =
        digits.iter().position(|&digit| digit != b'0').map_or(&[][..], |first| &digits[first..]);
    let top = exponent + significant.len() as i64;
    if significant.is_empty() {
        return Some(LongDouble::round(negative, 0, 0));
    }
    // The largest number is near 10^4932, the smallest near 10^-4951.
    if !(-4960..=4940).contains(&top) {
        return None;
    }
    let (mantissa, exponent) = bignum::binary(significant, exponent);
    in_range(LongDouble::round(negative, mantissa, exponent), false)
}

/// None for what overflowed, or became 0 and was not.
fn in_range(value: LongDouble, zero: bool) -> Option<LongDouble> {
    match value.size {
        Size::Finite { mantissa, .. } => (mantissa != 0 || zero).then_some(value),
        Size::Infinite => None,
    }
}

#[cfg(test)]
mod tests;
