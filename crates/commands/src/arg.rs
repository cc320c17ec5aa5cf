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

/// An integer of at least `min`; `error` answers anything else.
///
/// # Errors
/// The given one.
pub fn int_from_or(arg: &[u8], min: i64, error: ReplyError) -> Result<i64, ReplyError> {
    parse_i64(arg).filter(|&value| value >= min).ok_or(error)
}

/// An integer that can be negated.
///
/// # Errors
/// As [`int`], and `value is out of range` with the range.
pub fn symmetric_int(arg: &[u8]) -> Result<i64, ReplyError> {
    match int(arg)? {
        i64::MIN => Err(errors::OUT_OF_SYMMETRIC_RANGE),
        value => Ok(value),
    }
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

/// A timeout in seconds as the wall clock time at which it is over, in ms; `None` for 0, which is never.
///
/// # Errors
/// `timeout is not a float or out of range`, `timeout is negative`, `timeout is out of range`.
pub fn timeout_s(arg: &[u8], now_ms: i64) -> Result<Option<i64>, ReplyError> {
    let seconds = redan_resp::parse_f64(arg).filter(|seconds| !seconds.is_nan());
    let timeout_ms = seconds.ok_or(errors::TIMEOUT_NOT_FLOAT)? * 1000.0;
    // Beyond this a float cannot be an i64.
    if timeout_ms > i64::MAX as f64 {
        return Err(errors::TIMEOUT_RANGE);
    }
    deadline(timeout_ms.ceil() as i64, now_ms)
}

/// As [`timeout_s`], but in whole milliseconds.
///
/// # Errors
/// `timeout is not an integer or out of range`, `timeout is negative`, `timeout is out of range`.
pub fn timeout_ms(arg: &[u8], now_ms: i64) -> Result<Option<i64>, ReplyError> {
    deadline(parse_i64(arg).ok_or(errors::TIMEOUT_NOT_INTEGER)?, now_ms)
}

fn deadline(timeout_ms: i64, now_ms: i64) -> Result<Option<i64>, ReplyError> {
    match timeout_ms {
        ..0 => Err(errors::TIMEOUT_NEGATIVE),
        0 => Ok(None),
        _ => now_ms.checked_add(timeout_ms).map(Some).ok_or(errors::TIMEOUT_RANGE),
    }
}
