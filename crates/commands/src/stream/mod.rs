//! Stream commands.

mod add;
mod claim;
mod delete;
mod group;
mod id;
mod info;
mod options;
mod pending;
mod propagate;
mod range;
mod read;
mod set_id;
#[cfg(test)]
mod tests;
mod texts;
mod trim;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    add::XADD,
    claim::XAUTOCLAIM,
    claim::XCLAIM,
    delete::XACKDEL,
    delete::XDEL,
    delete::XDELEX,
    group::XGROUP,
    info::XINFO,
    pending::XACK,
    pending::XPENDING,
    range::XLEN,
    range::XRANGE,
    range::XREVRANGE,
    read::XREAD,
    read::XREADGROUP,
    set_id::XSETID,
    trim::XTRIM,
];
