//! String commands.

mod compare;
mod expiration;
mod get;
mod incr;
mod lcs;
mod msetex;
mod range;
mod set;
pub(crate) mod value;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    compare::DELEX,
    compare::DIGEST,
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
    msetex::MSETEX,
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
