//! Tests of extended precision numbers. Golden values were taken from x86 hardware.

use super::*;
use proptest::prelude::*;

fn read(text: &str) -> LongDouble {
    LongDouble::parse(text.as_bytes()).expect(text)
}

fn show(value: LongDouble) -> String {
    let mut out = Vec::new();
    value.format(&mut out);
    String::from_utf8(out).expect("ASCII")
}

#[test]
fn sums_as_on_x86() {
    let table: &[(&str, &str, &str)] = &[
        ("3", "1.1", "4.1"),
        ("0.1", "0.2", "0.3"),
        ("10000.1", "0.2", "10000.29999999999999982"),
        ("1e15", "0.3", "1000000000000000.29998779296875"),
        ("17179869184", "1.5", "17179869185.5"),
        ("1", "-1.1", "-0.1"),
        ("0.02439024390243902", "-0.024390243902439025", "0"),
        ("1e20", "1e-5", "100000000000000000000"),
        ("123456789012345678901234567890", "0", "123456789012345678899921813504"),
        ("9007199254740993", "0.5", "9007199254740993.5"),
        ("-5.5", "5.5", "0"),
        ("1e-18", "0", "0"),
        ("5e-18", "0", "0"),
        ("0.000003814697265625", "0", "0.00000381469726562"),
        ("10.50", "0.1", "10.6"),
        ("5.0e3", "200", "5200"),
        ("1e30", "-1e30", "0"),
        ("1e19", "-0.1", "10000000000000000000"),
        ("3.141592653589793238462643383279", "0", "3.14159265358979324"),
        ("0x1.8p3", "0x.1", "12.0625"),
        ("18446744073709551615", "1", "18446744073709551616"),
        ("18446744073709551615", "0.5", "18446744073709551616"),
        ("18446744073709551616", "1", "18446744073709551616"),
        ("18446744073709551614.5", "0", "18446744073709551614"),
        ("-0", "-0", "0"),
        ("1e-4940", "1", "1"),
        ("99999999999999999999.99999999999999999", "1e-10", "100000000000000000000"),
        ("0.7", "-0.1", "0.6"),
        ("1e40", "1", "9999999999999999999783686092270256259072"),
    ];
    for &(a, b, sum) in table {
        assert_eq!(show(read(a) + read(b)), sum, "{a} + {b}");
        assert_eq!(show(read(b) + read(a)), sum, "{b} + {a}");
    }
}

#[test]
fn the_range() {
    let largest = "0x1.fffffffffffffffep16383";
    assert_eq!(show(read(largest)).len(), 4933);
    assert_eq!(LongDouble::parse(b"1e4933"), None);
    assert_eq!(LongDouble::parse(b"0x1p16384"), None);
    assert_eq!(LongDouble::parse(b"1e-4960"), None);
    assert_eq!(LongDouble::parse(b"1e99999999999999999999"), None);
    assert_eq!(LongDouble::parse(b"1e-99999999999999999999"), None);
    assert!(!(read(largest) + read(largest)).is_finite());
    assert!(read("0e99999999999999999999").is_finite());
    assert_eq!(read("0x1p-16445"), read("3.7e-4951"));
    assert_eq!(show(read("inf") + read("1")), "inf");
    assert_eq!(show(read("-Infinity") + read("1")), "-inf");
    assert!(!(read("inf") + read("-inf")).is_finite());
    assert_eq!(LongDouble::parse(&[b'1'; 5120]), None);
    assert_eq!(LongDouble::parse(&[b'0'; 5119]), Some(read("0")));
}

#[test]
fn refuses_what_redis_refuses() {
    for text in [
        "", " ", " 1", "1 ", "nan", "-", "+", ".", "e5", "1e", "1e+", "1x", "--1", "0x", "0xg", "1.1.1",
        "1e1.5",
    ] {
        assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
fn human_doubles_have_no_exponent() {
    let table: &[(f64, &str)] = &[
        (3.0, "3"),
        (0.0, "0"),
        (-0.0, "0"),
        (10.5, "10.5"),
        (-1.25, "-1.25"),
        (100.0, "100"),
        (1e20, "100000000000000000000"),
        (1e-18, "0"),
        (-1e-18, "0"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (0.1, "0.10000000000000001"),
        (5e-324, "0"),
        // A tie, to even.
        (f64::powi(2.0, -18), "0.00000381469726562"),
    ];
    for &(value, text) in table {
        let mut out = Vec::new();
        format_human_f64(value, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), text);
    }
}

proptest! {
    #[test]
    fn doubles_are_exact(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        // All digits of a double in decimal: at most 1074 after the point.
        prop_assert_eq!(read(&format!("{value:.1074}")), LongDouble::from(value));
    }

    #[test]
    fn integers_are_exact(a: i64, b in -(1i64 << 62)..1 << 62) {
        let sum = i128::from(a / 2) + i128::from(b);
        prop_assert_eq!(show(read(&(a / 2).to_string()) + read(&b.to_string())), sum.to_string());
    }

    #[test]
    fn cents_stay_cents(a in -10_000_000i64..10_000_000, b in -10_000_000i64..10_000_000) {
        let cents = |n: i64| read(&format!("{}{}.{:02}", if n < 0 { "-" } else { "" }, n.abs() / 100, n.abs() % 100));
        let shown: f64 = show(cents(a) + cents(b)).parse().expect("a number");
        // Numbers below 2^17 are precise to 2^-47.
        prop_assert!((shown * 100.0 - (a + b) as f64).abs() < 1e-8, "{shown}");
    }

    #[test]
    fn agrees_with_doubles_where_those_are_exact(a: i32, b: i32, places in 0i32..20) {
        let scale = f64::powi(2.0, -places);
        let (x, y) = (f64::from(a) * scale, f64::from(b) * scale);
        prop_assert_eq!(LongDouble::from(x) + LongDouble::from(y), LongDouble::from(x + y));
    }

    #[test]
    fn what_is_shown_can_be_read(a: f64, b: f64) {
        let sum = LongDouble::from(a) + LongDouble::from(b);
        prop_assume!(a.is_finite() && b.is_finite());
        let shown = show(sum);
        prop_assert_eq!(show(read(&shown)), shown);
    }

    #[test]
    fn any_bytes(text in proptest::collection::vec(any::<u8>(), 0..40), digits in "[-+]?[0-9.]{0,30}(e[-+]?[0-9]{1,5})?") {
        for text in [&text[..], digits.as_bytes()] {
            if let Some(value) = LongDouble::parse(text) {
                show(value);
            }
        }
    }
}
