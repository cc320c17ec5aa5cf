//! Reading arguments: numbers, words, options.

use redan_engine::{ReplyError, errors};
use redan_resp::parse_i64;

/// An integer.
///
/// # Errors
/// `value is not an integer or out of range`.
pub fn int(arg: &[u8]) -> Result<i64, ReplyError> {
    parse_i64(arg).ok_or(errors::NOT_INTEGER)
}

/// An integer of 32 bits, as for the number of a database.
///
/// # Errors
/// As [`int`], and `value is out of range` with the range.
pub fn int32(arg: &[u8]) -> Result<i32, ReplyError> {
    i32::try_from(int(arg)?).map_err(|_| errors::OUT_OF_INT_RANGE)
}

/// An integer of at least `min`.
///
/// # Errors
/// As [`int`], and `value is out of range, must be positive` below `min`.
pub fn int_from(arg: &[u8], min: i64) -> Result<i64, ReplyError> {
    let value = int(arg)?;
    if value < min { Err(errors::NOT_POSITIVE) } else { Ok(value) }
}

/// A float: any finite number or infinity, as Redis reads them.
///
/// # Errors
/// `value is not a valid float`.
pub fn float(arg: &[u8]) -> Result<f64, ReplyError> {
    redan_resp::parse_f64(arg).ok_or(errors::NOT_FLOAT)
}

/// Whether an argument is this word (given in upper case), in any case.
#[inline]
pub fn is(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}
