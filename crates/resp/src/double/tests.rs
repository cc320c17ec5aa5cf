//! Tests of doubles in text.

use super::*;
use proptest::prelude::*;

fn formatted(value: f64) -> String {
    let mut out = Vec::new();
    format_f64(value, &mut out);
    String::from_utf8(out).expect("ASCII")
}

#[test]
fn doubles_look_as_redis_shows_them() {
    let table: &[(f64, &str)] = &[
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1.0, "-1"),
        (3.0, "3"),
        (100.0, "100"),
        (1e15, "1000000000000000"),
        (1e17, "100000000000000000"),
        (4e18, "4000000000000000000"),
        (1e19, "1e+19"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (5e-324, "5e-324"),
        (0.1, "0.1"),
        (0.5, "0.5"),
        (-0.25, "-0.25"),
        (1.5, "1.5"),
        (2.0 / 3.0, "0.6666666666666666"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1234.5678, "1234.5678"),
        (0.001, "0.001"),
        (0.0001, "0.0001"),
        (0.000001, "0.000001"),
        (0.0000001, "1e-7"),
        (0.00001234, "1.234e-5"),
        (0.001234, "0.001234"),
        (0.000123456789, "1.23456789e-4"),
        (0.00123456789, "0.00123456789"),
        (0.0000123456789, "1.23456789e-5"),
        (0.000001234, "1.234e-6"),
        (1.5e-9, "1.5e-9"),
        (123456.789e-20, "1.23456789e-15"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (-f64::NAN, "nan"),
    ];
    for &(value, text) in table {
        assert_eq!(formatted(value), text);
    }
}

#[test]
fn reads_what_redis_reads() {
    let table: &[(&str, f64)] = &[
        ("0", 0.0),
        ("1", 1.0),
        ("+1", 1.0),
        ("-1.5", -1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("007", 7.0),
        ("inf", f64::INFINITY),
        ("+Inf", f64::INFINITY),
        ("-INFINITY", f64::NEG_INFINITY),
        ("0e999999", 0.0),
        ("0x10", 16.0),
        ("-0x1.8p3", -12.0),
        ("0x.8", 0.5),
        ("0x1p-1074", 5e-324),
        ("0x1.fffffffffffffp1023", f64::MAX),
        ("0x1p-1022", f64::MIN_POSITIVE),
        // Half way between two doubles, and a bit more, far behind.
        ("0x1.00000000000008p0", 1.0),
        ("0x1.000000000000080000000000001p0", 1.0 + f64::EPSILON),
        ("0x1.00000000000018p0", 1.0 + 2.0 * f64::EPSILON),
    ];
    for &(text, value) in table {
        assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
    }
    assert!(parse_f64(b"-0").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
}

#[test]
fn refuses_what_redis_refuses() {
    for text in [
        "",
        " ",
        " 1",
        "1 ",
        "nan",
        "-nan",
        "NaN",
        "1e400",
        "-1e400",
        "1e-400",
        "-",
        "+",
        ".",
        "e5",
        "1e",
        "1e+",
        "1x",
        "--1",
        "+-1",
        "0x",
        "0x.",
        "0xg",
        "0x1p",
        "0x1p+",
        "0x1p1024",
        "0x1p-1080",
        "infi",
        "in",
        "1_000",
        "1\0",
        "0x1.1.1",
    ] {
        assert_eq!(parse_f64(text.as_bytes()), None, "{text:?}");
    }
}

proptest! {
    #[test]
    fn round_trip(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(!value.is_nan());
        prop_assert_eq!(parse_f64(formatted(value).as_bytes()), Some(value));
    }

    #[test]
    fn round_trip_of_everyday_numbers(units in -10_000_000i64..10_000_000, places in 0i32..12) {
        let value = units as f64 / f64::powi(10.0, places);
        prop_assert_eq!(parse_f64(formatted(value).as_bytes()), Some(value));
    }

    #[test]
    fn any_bytes(text in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Some(value) = parse_f64(&text) {
            prop_assert!(!value.is_nan());
        }
    }

    #[test]
    fn hexadecimal_integers(value: u64) {
        prop_assert_eq!(parse_f64(format!("0x{value:x}").as_bytes()), Some(value as f64));
        prop_assert_eq!(parse_f64(format!("0x{value:X}p-70").as_bytes()), Some(value as f64 * f64::powi(2.0, -70)));
    }
}

#[test]
fn digests_see_big_integers_with_an_exponent() {
    for (value, text) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (-100_000.0, "-100000"),
        (1e15, "1e+15"),
        (123_456.0, "123456"),
        (0.1, "0.1"),
        (f64::NEG_INFINITY, "-inf"),
    ] {
        let mut out = Vec::new();
        format_f64_shortest(value, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), text);
    }
}

#[test]
fn seventeen_digits_as_c_prints_them() {
    for (value, text) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-12.5, "-12.5"),
        (0.1, "0.10000000000000001"),
        (3.3, "3.2999999999999998"),
        (1e16, "10000000000000000"),
        (1e17, "1e+17"),
        (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
        (0.0001, "0.0001"),
        (0.00001, "1.0000000000000001e-05"),
        (f64::MAX, "1.7976931348623157e+308"),
        (5e-324, "4.9406564584124654e-324"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
    ] {
        let mut out = Vec::new();
        format_f64_17(value, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), text);
    }
}
