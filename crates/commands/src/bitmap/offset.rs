//! The offset of a bit, as an argument.

use redan_engine::{Cx, ReplyError, errors};
use redan_resp::parse_i64;

use crate::string::value::longest;

/// The offset of a bit in a string as long as one may be, in bits.
///
/// # Errors
/// `bit offset is not an integer or out of range`.
pub(super) fn bit_offset(cx: &Cx<'_, '_>, text: &[u8]) -> Result<usize, ReplyError> {
    parse(text, 1, longest(cx))
}

/// The offset of a field of `width` bits: in bits, or behind a `#` in fields of this width.
///
/// # Errors
/// As [`bit_offset`].
pub(super) fn field_offset(cx: &Cx<'_, '_>, text: &[u8], width: u32) -> Result<usize, ReplyError> {
    match text.strip_prefix(b"#") {
        Some(text) => parse(text, i64::from(width), longest(cx)),
        None => parse(text, 1, longest(cx)),
    }
}

fn parse(text: &[u8], unit: i64, longest: usize) -> Result<usize, ReplyError> {
    let offset = parse_i64(text).and_then(|offset| offset.checked_mul(unit));
    let offset = offset.and_then(|offset| usize::try_from(offset).ok());
    offset.filter(|offset| offset / 8 < longest).ok_or(errors::BIT_OFFSET)
}
