//! Errors of commands on places.

use redan_engine::{ReplyError, errors};

use super::position::Position;

/// A unit that is not known.
pub(super) const UNIT: ReplyError =
    ReplyError::fixed("ERR unsupported unit provided. please use M, KM, FT, MI");
/// A radius that is no number.
pub(super) const RADIUS_NUMBER: ReplyError = ReplyError::fixed("ERR need numeric radius");
/// A negative radius.
pub(super) const RADIUS_NEGATIVE: ReplyError = ReplyError::fixed("ERR radius cannot be negative");
/// A width that is no number.
pub(super) const WIDTH_NUMBER: ReplyError = ReplyError::fixed("ERR need numeric width");
/// A height that is no number.
pub(super) const HEIGHT_NUMBER: ReplyError = ReplyError::fixed("ERR need numeric height");
/// A negative width or height.
pub(super) const BOX_NEGATIVE: ReplyError = ReplyError::fixed("ERR height or width cannot be negative");
/// A search around a member that is not there.
pub(super) const NO_MEMBER: ReplyError = ReplyError::fixed("ERR could not decode requested zset member");
/// A COUNT below one.
pub(super) const COUNT: ReplyError = ReplyError::fixed("ERR COUNT must be > 0");
/// ANY without COUNT.
pub(super) const ANY_WITHOUT_COUNT: ReplyError =
    ReplyError::fixed("ERR the ANY argument requires COUNT argument");

/// A position that is none.
pub(super) fn invalid_position(Position { longitude, latitude }: Position) -> ReplyError {
    errors::err(format_args!("invalid longitude,latitude pair {longitude:.6},{latitude:.6}"))
}

/// A result that is both to be stored and to be replied with details.
pub(super) fn stored_with_details(what: &str) -> ReplyError {
    errors::err(format_args!("{what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"))
}

/// A search without a centre.
pub(super) fn no_centre(command: &[u8]) -> ReplyError {
    let command = String::from_utf8_lossy(command);
    errors::err(format_args!("exactly one of FROMMEMBER or FROMLONLAT can be specified for {command}"))
}

/// A search without a shape.
pub(super) fn no_shape(command: &[u8]) -> ReplyError {
    let command = String::from_utf8_lossy(command);
    errors::err(format_args!("exactly one of BYRADIUS and BYBOX can be specified for {command}"))
}
