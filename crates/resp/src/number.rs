//! Integers in text, as strict as Redis reads them.

/// Reads a signed 64-bit integer the way Redis does everywhere: decimal digits with an optional `-`.
///
/// None for anything else: empty, spaces, `+`, leading zeros, `-0`, or out of range. The text of the value that is
/// returned is exactly the input, so it may be stored as an integer instead.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    match text {
        [digit @ b'0'..=b'9'] => Some(i64::from(digit - b'0')),
        [b'-', digits @ ..] => 0i64.checked_sub_unsigned(positive(digits)?),
        digits => i64::try_from(positive(digits)?).ok(),
    }
}

/// Reads an unsigned 64-bit integer, as strict as [`parse_i64`].
#[inline]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    if text == b"0" { Some(0) } else { positive(text) }
}

/// Digits without a leading zero: a number of at least 1.
#[inline]
fn positive(digits: &[u8]) -> Option<u64> {
    let (first, rest) = digits.split_first()?;
    if !matches!(first, b'1'..=b'9') || rest.len() > 19 {
        return None;
    }
    let mut value = u64::from(first - b'0');
    for &byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// Appends the decimal digits of `value`.
#[inline]
pub fn push_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends `<kind><n>\r\n`: the first line of every bulk and aggregate, and most integer replies.
#[inline]
pub(crate) fn push_header(out: &mut Vec<u8>, kind: u8, n: usize) {
    // Two fixed-size copies serve nearly all lengths on the hot path.
    if n < 10 {
        out.extend_from_slice(&[kind, b'0' + n as u8, b'\r', b'\n']);
    } else if n < 100 {
        out.extend_from_slice(&[kind, b'0' + (n / 10) as u8, b'0' + (n % 10) as u8, b'\r', b'\n']);
    } else {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(n).as_bytes();
        let mut line = [0u8; 24];
        line[0] = kind;
        line[1..=digits.len()].copy_from_slice(digits);
        line[digits.len() + 1] = b'\r';
        line[digits.len() + 2] = b'\n';
        out.extend_from_slice(&line[..digits.len() + 3]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_redis_refuses() {
        for text in [
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "01",
            "-01",
            "-0",
            "00",
            "1x",
            "x",
            "0x1",
            "1.0",
            "--1",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "99999999999999999999",
            "100000000000000000000",
            "1\0",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_u64(b"-1"), None);
        assert_eq!(parse_u64(b"18446744073709551616"), None);
    }

    #[test]
    fn reads_the_extremes() {
        assert_eq!(parse_i64(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(parse_i64(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!((parse_i64(b"0"), parse_u64(b"0")), (Some(0), Some(0)));
    }

    proptest! {
        #[test]
        fn round_trip(value: i64) {
            let mut out = Vec::new();
            push_i64(&mut out, value);
            prop_assert_eq!(parse_i64(&out), Some(value));
        }

        #[test]
        fn accepts_only_the_canonical_text(text in "[-+ 0-9]{0,21}") {
            if let Some(value) = parse_i64(text.as_bytes()) {
                prop_assert_eq!(value.to_string(), text);
            }
        }

        #[test]
        fn headers_of_every_length(n in 0usize..2_000_000) {
            let mut out = Vec::new();
            push_header(&mut out, b'$', n);
            prop_assert_eq!(out, format!("${n}\r\n").into_bytes());
        }
    }
}
