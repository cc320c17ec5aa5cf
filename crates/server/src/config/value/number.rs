//! Numbers as users write them: octals, and sizes with units.

/// Reads an octal number; a minus is accepted, so that the range check can name the bounds.
pub(super) fn parse_octal(text: &[u8]) -> Option<i64> {
    i64::from_str_radix(std::str::from_utf8(text).ok()?, 8).ok()
}

/// Reads a size in bytes: digits and an optional unit in either case (`k` is 1000 bytes, `kb` 1024, and so on for
/// `m`/`mb` and `g`/`gb`; `b` is bytes). `None` for anything else and beyond 64 bits.
pub fn parse_memory(text: &[u8]) -> Option<u64> {
    let split = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    std::str::from_utf8(digits).ok()?.parse::<u64>().ok()?.checked_mul(factor)
}

/// Writes a size so that [`parse_memory`] reads the same number, with the largest unit that divides it.
pub(in crate::config) fn show_memory(bytes: u64) -> String {
    for (unit, factor) in [("gb", 1u64 << 30), ("mb", 1 << 20), ("kb", 1 << 10)] {
        if bytes != 0 && bytes.is_multiple_of(factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    bytes.to_string()
}
