//! Numbers as C prints them.

/// `%.<precision>g` of a finite number: so many significant digits, without zeros at the end.
pub(crate) fn format_g(number: f64, precision: usize) -> String {
    let precision = precision.max(1);
    if number == 0.0 {
        return if number.is_sign_negative() { "-0".to_owned() } else { "0".to_owned() };
    }
    let scientific = format!("{:.*e}", precision - 1, number);
    let (digits, exponent) = scientific.split_once('e').expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a number");
    if exponent < -4 || exponent >= precision as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", without_zeros(digits), exponent.abs());
    }
    let decimals = (precision as i32 - 1 - exponent) as usize;
    without_zeros(&format!("{number:.decimals$}")).to_owned()
}

fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::format_g;

    #[test]
    fn as_c_prints_them() {
        for (number, text) in [
            (0.1, "0.1"),
            (100.0, "100"),
            (1e14, "1e+14"),
            (123456789012345.0, "1.2345678901234e+14"),
            (99999999999999.0, "99999999999999"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
            (-2.5, "-2.5"),
            (1e300, "1e+300"),
            (1.0 / 3.0, "0.33333333333333"),
        ] {
            assert_eq!(format_g(number, 14), text, "{number}");
        }
        assert_eq!(format_g(9007199254740991.0, 17), "9007199254740991");
    }
}
