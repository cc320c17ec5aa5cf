//! String commands.

mod expiration;
mod get;
mod incr;
mod lcs;
mod range;
mod set;
pub(crate) mod value;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    get::GET,
    get::GETDEL,
    get::GETEX,
    get::MGET,
    incr::DECR,
    incr::DECRBY,
    incr::INCR,
    incr::INCRBY,
    incr::INCRBYFLOAT,
    lcs::LCS,
    range::APPEND,
    range::GETRANGE,
    range::SETRANGE,
    range::STRLEN,
    range::SUBSTR,
    set::GETSET,
    set::MSET,
    set::MSETNX,
    set::PSETEX,
    set::SET,
    set::SETEX,
    set::SETNX,
];
