//! Floating point numbers in text, as Redis reads and prints them.

use crate::number::push_i64;

/// Appends `value` the way replies show doubles since Redis 7.2.
///
/// `inf`, `-inf`, `nan`, `-0`; integers up to 2^62 in full; otherwise the shortest digits that read back as the same
/// number, laid out as the fpconv library does it: `12.5`, `0.00123`, `1.5e-9`, `1e+19`.
pub fn format_f64(value: f64, out: &mut Vec<u8>) {
    // As far as every integer in the range survives the conversion to i64 and back.
    const INTEGER_LIMIT: f64 = (1i64 << 62) as f64;
    if value.is_nan() {
        out.extend_from_slice(b"nan");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    } else if value == 0.0 {
        out.extend_from_slice(if value.is_sign_negative() { b"-0" } else { b"0" });
    } else if value.abs() <= INTEGER_LIMIT && value.trunc() == value {
        push_i64(out, value as i64);
    } else {
        format_f64_shortest(value, out);
    }
}

/// Appends the shortest digits that read back as `value`, as the fpconv library lays them out: as [`format_f64`] does,
/// but integers of more than a few zeros too get an exponent (`1e+15`). This is how digests of data see scores.
pub fn format_f64_shortest(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() || value == 0.0 {
        return format_f64(value, out);
    }
    if value < 0.0 {
        out.push(b'-');
    }
    Decimal::shortest(value.abs()).layout(out, value < 0.0);
}

/// Appends `value` as C prints it with `%.17g`, which is how ZSCAN shows scores.
///
/// 17 significant digits without zeros at the end, `inf`, `-inf`, `nan`, `-0`; with an exponent of at least two
/// digits if that is below -4 or above 16.
pub fn format_f64_17(value: f64, out: &mut Vec<u8>) {
    const DIGITS: i32 = 17;
    if !value.is_finite() {
        return format_f64(value, out);
    }
    let text = format!("{value:.16e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..DIGITS).contains(&exponent) {
        let fixed = format!("{value:.*}", (DIGITS - 1 - exponent) as usize);
        out.extend_from_slice(without_zeros(&fixed).as_bytes());
    } else {
        out.extend_from_slice(without_zeros(mantissa).as_bytes());
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
    }
}

/// A decimal fraction without the zeros at its end.
fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Reads a double as Redis takes it from a client: decimal with an optional exponent, `inf` or `infinity` in any case,
/// or hexadecimal as C writes it (`0x1.8p3`).
///
/// None for anything else: empty, spaces, `nan`, and numbers too large for a double or too small to differ from 0.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let (negative, magnitude) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let value = match magnitude {
        [b'0', b'x' | b'X', digits @ ..] => {
            let number = Hexadecimal::parse(digits)?;
            let value = number.to_f64();
            (value.is_finite() && (value != 0.0 || number.mantissa == 0)).then_some(value)?
        }
        [b'0'..=b'9' | b'.', ..] => parse_decimal(magnitude)?,
        _ if magnitude.eq_ignore_ascii_case(b"inf") || magnitude.eq_ignore_ascii_case(b"infinity") => {
            f64::INFINITY
        }
        _ => return None,
    };
    Some(if negative { -value } else { value })
}

/// Digits that begin with a digit or a point.
fn parse_decimal(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let mantissa = text.split(|byte| byte.eq_ignore_ascii_case(&b'e')).next().unwrap_or(text);
    let underflow = value == 0.0 && mantissa.iter().any(|byte| matches!(byte, b'1'..=b'9'));
    (value.is_finite() && !underflow).then_some(value)
}

/// A number in hexadecimal: `mantissa * 2^exponent`.
pub(crate) struct Hexadecimal {
    /// What was lost below is recorded in the lowest bit.
    pub(crate) mantissa: u128,
    pub(crate) exponent: i64,
}

impl Hexadecimal {
    /// Reads what follows `0x`: digits with a point somewhere and an optional exponent of two.
    pub(crate) fn parse(text: &[u8]) -> Option<Hexadecimal> {
        let exponent_at = text.iter().position(|byte| byte.eq_ignore_ascii_case(&b'p'));
        let (digits, exponent) = match exponent_at {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let mut number = Hexadecimal { mantissa: 0, exponent };
        let (mut any, mut after_point) = (false, false);
        for &byte in digits {
            if byte == b'.' && !after_point {
                after_point = true;
                continue;
            }
            let digit = u128::from(char::from(byte).to_digit(16)?);
            any = true;
            if number.mantissa >> 124 == 0 {
                number.mantissa = number.mantissa << 4 | digit;
                number.exponent -= if after_point { 4 } else { 0 };
            } else {
                number.mantissa |= u128::from(digit != 0);
                number.exponent += if after_point { 0 } else { 4 };
            }
        }
        any.then_some(number)
    }

    /// The nearest double, ties to even.
    fn to_f64(&self) -> f64 {
        if self.mantissa == 0 {
            return 0.0;
        }
        // The weights of the highest bit, and of the lowest a double of this size can hold.
        let top = self.exponent + 127 - i64::from(self.mantissa.leading_zeros());
        if top > 1023 {
            return f64::INFINITY;
        }
        let lowest = (top - 52).max(-1074);
        let dropped = lowest - self.exponent;
        let kept = match dropped {
            ..=0 => self.mantissa << -dropped,
            1..=128 => shift_right_to_even(self.mantissa, dropped as u32),
            _ => 0,
        };
        // In two steps, both exact: 2^-1074 itself is no factor that `powi` reaches.
        let half = (lowest / 2) as i32;
        kept as f64 * f64::powi(2.0, half) * f64::powi(2.0, (lowest - i64::from(half)) as i32)
    }
}

/// `value / 2^shift` to the nearest, ties to even. `shift` is 1 to 128.
pub(crate) fn shift_right_to_even(value: u128, shift: u32) -> u128 {
    let half = 1u128 << (shift - 1);
    let rest = if shift == 128 { value } else { value & ((1 << shift) - 1) };
    let kept = value.checked_shr(shift).unwrap_or(0);
    kept + u128::from(rest > half || (rest == half && kept & 1 == 1))
}

/// Decimal digits with an optional sign; bounded, because anything larger overflows anyway.
pub(crate) fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0i64, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(1 << 40));
    Some(if negative { -value } else { value })
}

/// Decimal digits and a power of ten: `digits * 10^exponent`.
struct Decimal {
    digits: [u8; 20],
    len: usize,
    exponent: i32,
}

impl Decimal {
    /// The fewest digits that mean the positive finite number `value`.
    fn shortest(value: f64) -> Decimal {
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format_finite(value);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let mut decimal = Decimal { digits: [0; 20], len: 0, exponent: exponent.parse().unwrap_or(0) };
        let mut after_point = false;
        for byte in mantissa.bytes() {
            if byte == b'.' {
                after_point = true;
                continue;
            }
            decimal.exponent -= i32::from(after_point);
            if decimal.len > 0 || byte != b'0' {
                decimal.digits[decimal.len] = byte;
                decimal.len += 1;
            }
        }
        while decimal.len > 1 && decimal.digits[decimal.len - 1] == b'0' {
            decimal.len -= 1;
            decimal.exponent += 1;
        }
        decimal
    }

    /// Appends the number: without an exponent when at most six zeros have to be added, when no more than six digits
    /// follow the point, or when its size is between 0.001 and 10000.
    fn layout(&self, out: &mut Vec<u8>, negative: bool) {
        let digits = &self.digits[..self.len];
        let len = self.len as i32;
        // The exponent that the first digit has.
        let scientific = self.exponent + len - 1;
        if self.exponent >= 0 && scientific.abs() < len + 7 {
            out.extend_from_slice(digits);
            out.resize(out.len() + self.exponent as usize, b'0');
        } else if self.exponent < 0 && (self.exponent > -7 || scientific.abs() < 4) {
            let point = len + self.exponent;
            if point <= 0 {
                out.extend_from_slice(b"0.");
                out.resize(out.len() + point.unsigned_abs() as usize, b'0');
                out.extend_from_slice(digits);
            } else {
                let (whole, fraction) = digits.split_at(point as usize);
                out.extend_from_slice(whole);
                out.push(b'.');
                out.extend_from_slice(fraction);
            }
        } else {
            let digits = &digits[..self.len.min(18 - usize::from(negative))];
            out.push(digits[0]);
            if digits.len() > 1 {
                out.push(b'.');
                out.extend_from_slice(&digits[1..]);
            }
            out.extend_from_slice(if scientific < 0 { b"e-" } else { b"e+" });
            push_i64(out, i64::from(scientific.abs()));
        }
    }
}

#[cfg(test)]
mod tests;
