//! What commands on sorted sets share: bounds of ranges, members and scores in replies, results that are stored.

use std::ops::Bound;

use redan_engine::{Cx, ReplyError, notify_class};
use redan_keyspace::{
    Aggregate, Key, LexBound, LexRange, NewValue, ScoreRange, SetTtl, SortedSet, StringRef,
};
use redan_resp::{Protocol, ReplyBuf, parse_f64};

use super::errors;

/// Replies of more members than this are written after the locks are gone.
pub(crate) const BIG_REPLY: usize = 1000;

/// A range of scores from its two bounds: `5`, `(5`, `-inf`.
///
/// # Errors
/// `min or max is not a float`.
pub(super) fn score_range(min: &[u8], max: &[u8]) -> Result<ScoreRange, ReplyError> {
    Ok(ScoreRange { min: score_bound(min)?, max: score_bound(max)? })
}

fn score_bound(text: &[u8]) -> Result<Bound<f64>, ReplyError> {
    let (exclusive, number) = match text {
        [b'(', number @ ..] => (true, number),
        number => (false, number),
    };
    // Unlike a score, a bound may lie beyond the largest or below the smallest number.
    let beyond = || std::str::from_utf8(number).ok()?.parse().ok().filter(|value: &f64| !value.is_nan());
    let value = parse_f64(number).or_else(beyond).ok_or(errors::BOUND_NOT_FLOAT)?;
    Ok(if exclusive { Bound::Excluded(value) } else { Bound::Included(value) })
}

/// A range of members from its two bounds: `[a`, `(a`, `-`, `+`.
///
/// # Errors
/// `min or max not valid string range item`.
pub(super) fn lex_range<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>, ReplyError> {
    Ok(LexRange { min: lex_bound(min)?, max: lex_bound(max)? })
}

fn lex_bound(text: &[u8]) -> Result<LexBound<'_>, ReplyError> {
    match text {
        b"-" => Ok(LexBound::Lowest),
        b"+" => Ok(LexBound::Highest),
        [b'[', member @ ..] => Ok(LexBound::Included(member)),
        [b'(', member @ ..] => Ok(LexBound::Excluded(member)),
        _ => Err(errors::BOUND_NOT_LEX),
    }
}

/// The ranks that two indexes mean, of which negative ones count from the end.
pub(super) fn rank_range(start: i64, stop: i64, len: usize) -> std::ops::Range<usize> {
    let from_end = |index: i64| if index < 0 { index.saturating_add(len as i64) } else { index };
    let start = from_end(start).max(0) as usize;
    let end = (from_end(stop).saturating_add(1).max(0) as usize).min(len);
    start.min(end)..end
}

/// Appends a member to a reply.
#[inline]
pub(super) fn put_member(out: &mut ReplyBuf, member: StringRef<'_>) {
    match member {
        StringRef::Int(value) => out.bulk_int(value),
        StringRef::Bytes(bytes) => out.bulk(bytes),
    }
}

/// Appends a member and its score as two replies.
#[inline]
pub(super) fn put_scored(out: &mut ReplyBuf, (member, score): (StringRef<'_>, f64)) {
    put_member(out, member);
    out.double(score);
}

/// Replies members: pairs of member and score with RESP3, both in turn with RESP2, or just members.
pub(super) fn reply_members<'a>(
    out: &mut ReplyBuf,
    members: impl Iterator<Item = (StringRef<'a>, f64)>,
    len: usize,
    with_scores: bool,
) {
    let pairs = out.protocol() == Protocol::Resp3;
    out.array(if with_scores && !pairs { len * 2 } else { len });
    for scored in members {
        if with_scores {
            if pairs {
                out.array(2);
            }
            put_scored(out, scored);
        } else {
            put_member(out, scored.0);
        }
    }
}

/// Stores the result of a command under a key and replies its length; an empty one removes the key.
pub(crate) fn store_result(cx: &mut Cx<'_, '_>, key: &Key<'_>, result: SortedSet, event: &'static str) {
    let len = result.len();
    if len > 0 {
        let existed = cx.view.set(key, NewValue::from(result), SetTtl::Clear);
        if !existed {
            cx.notify(notify_class::NEW, "new", key.bytes);
        }
        cx.notify(notify_class::ZSET, event, key.bytes);
    } else if cx.view.remove(key) {
        cx.notify(notify_class::GENERIC, "del", key.bytes);
    }
    cx.out.int(len as i64);
}
