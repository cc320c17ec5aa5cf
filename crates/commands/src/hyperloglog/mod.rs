//! HyperLogLog: counting different things in 12 KB at most, as a string in the very bytes of Redis.

mod dense;
mod estimate;
mod hash;
mod pfadd;
mod pfcount;
mod pfdebug;
mod pfmerge;
mod sketch;
mod sparse;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] =
    &[pfadd::PFADD, pfcount::PFCOUNT, pfdebug::PFDEBUG, pfdebug::PFSELFTEST, pfmerge::PFMERGE];

#[cfg(test)]
mod tests;
