//! Ids as clients write them.

use redan_engine::ReplyError;
use redan_keyspace::stream::{IdText, StreamId};
use redan_resp::{ReplyBuf, parse_u64};

use super::texts;

/// Reads `ms-seq` or `ms`, which stands for the sequence number `seq`.
///
/// # Errors
/// `Invalid stream ID`.
pub(super) fn parse(text: &[u8], seq: u64) -> Result<StreamId, ReplyError> {
    let (ms, seq) = match text.iter().position(|byte| *byte == b'-') {
        Some(dash) => (&text[..dash], parse_u64(&text[dash + 1..])),
        None => (text, Some(seq)),
    };
    match (parse_u64(ms), seq) {
        (Some(ms), Some(seq)) => Ok(StreamId::new(ms, seq)),
        _ => Err(texts::INVALID_ID),
    }
}

/// As [`parse`], or `-` for the lowest and `+` for the highest id.
///
/// # Errors
/// `Invalid stream ID`.
pub(super) fn parse_or_end(text: &[u8], seq: u64) -> Result<StreamId, ReplyError> {
    match text {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        text => parse(text, seq),
    }
}

/// All ids of a command, which is to fail before it does anything.
///
/// # Errors
/// `Invalid stream ID`.
pub(super) fn parse_all<'a>(args: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<StreamId>, ReplyError> {
    args.into_iter().map(|arg| parse(arg, 0)).collect()
}

/// Where a range begins: a `(` excludes the id behind it.
///
/// # Errors
/// `Invalid stream ID`, `invalid start ID for the interval`.
pub(super) fn parse_start(text: &[u8]) -> Result<StreamId, ReplyError> {
    match text.strip_prefix(b"(") {
        Some(id) if !id.is_empty() => parse(id, 0)?.next().ok_or(texts::INVALID_START),
        _ => parse_or_end(text, 0),
    }
}

/// Where a range ends: a `(` excludes the id behind it.
///
/// # Errors
/// `Invalid stream ID`, `invalid end ID for the interval`.
pub(super) fn parse_end(text: &[u8]) -> Result<StreamId, ReplyError> {
    match text.strip_prefix(b"(") {
        Some(id) if !id.is_empty() => parse(id, u64::MAX)?.previous().ok_or(texts::INVALID_END),
        _ => parse_or_end(text, u64::MAX),
    }
}

/// Replies an id.
pub(super) fn reply(out: &mut ReplyBuf, id: StreamId) {
    out.bulk(IdText::new().format(id));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_two_numbers_or_one() {
        assert_eq!(parse(b"5-7", 9), Ok(StreamId::new(5, 7)));
        assert_eq!(parse(b"5", 9), Ok(StreamId::new(5, 9)));
        assert_eq!(parse(b"18446744073709551615-18446744073709551615", 0), Ok(StreamId::MAX));
        for text in ["", "-", "+", "5-", "-5", "a", "5-a", "5-1-1", "18446744073709551616", "5-*", "01"] {
            assert_eq!(parse(text.as_bytes(), 0), Err(texts::INVALID_ID), "{text}");
        }
    }

    #[test]
    fn ranges_may_exclude_their_ends() {
        assert_eq!(parse_start(b"(5"), Ok(StreamId::new(5, 1)));
        assert_eq!(parse_start(b"5"), Ok(StreamId::new(5, 0)));
        assert_eq!(parse_end(b"(5"), Ok(StreamId::new(5, u64::MAX - 1)));
        assert_eq!(parse_end(b"+"), Ok(StreamId::MAX));
        assert_eq!(parse_end(b"(0-0"), Err(texts::INVALID_END));
        assert_eq!(parse_start(b"(18446744073709551615-18446744073709551615"), Err(texts::INVALID_START));
        assert_eq!(parse_start(b"(-"), Err(texts::INVALID_ID));
        assert_eq!(parse_start(b"("), Err(texts::INVALID_ID));
    }
}
