//! Errors of commands on sorted sets.

use redan_engine::ReplyError;

/// ZADD with NX and XX.
pub(super) const NX_AND_XX: ReplyError =
    ReplyError::fixed("ERR XX and NX options at the same time are not compatible");
/// ZADD with more than one of GT, LT and NX.
pub(super) const GT_LT_NX: ReplyError =
    ReplyError::fixed("ERR GT, LT, and/or NX options at the same time are not compatible");
/// ZADD INCR of several members.
pub(super) const INCR_ONE: ReplyError =
    ReplyError::fixed("ERR INCR option supports a single increment-element pair");
/// An increment that leads nowhere.
pub(super) const NAN_SCORE: ReplyError = ReplyError::fixed("ERR resulting score is not a number (NaN)");
/// A bound of a range of scores that is no score.
pub(super) const BOUND_NOT_FLOAT: ReplyError = ReplyError::fixed("ERR min or max is not a float");
/// A bound of a range of members that is none.
pub(super) const BOUND_NOT_LEX: ReplyError = ReplyError::fixed("ERR min or max not valid string range item");
/// LIMIT with a range of ranks.
pub(super) const LIMIT_BY_RANK: ReplyError = ReplyError::fixed(
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);
/// WITHSCORES with a range of members.
pub(super) const SCORES_BY_LEX: ReplyError =
    ReplyError::fixed("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
/// A number of keys below one.
pub(super) const NUMKEYS: ReplyError = ReplyError::fixed("ERR numkeys should be greater than 0");
/// A number of members below one.
pub(super) const COUNT: ReplyError = ReplyError::fixed("ERR count should be greater than 0");
/// A weight that is no number.
pub(super) const WEIGHT: ReplyError = ReplyError::fixed("ERR weight value is not a float");
/// A limit below zero.
pub(super) const LIMIT: ReplyError = ReplyError::fixed("ERR LIMIT can't be negative");
/// A number of random members that cannot be replied with their scores.
pub(super) const RANDOM_COUNT: ReplyError = ReplyError::fixed("ERR value is out of range");
/// A number of random members that has no opposite.
pub(super) const RANDOM_COUNT_RANGE: ReplyError = ReplyError::fixed(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);
