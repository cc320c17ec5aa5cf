//! Commands of sets.

mod algebra;
mod members;
mod mutate;
mod pop;
mod random;
mod scan;
mod store;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    algebra::SDIFF,
    algebra::SINTER,
    algebra::SINTERCARD,
    algebra::SUNION,
    members::SCARD,
    members::SISMEMBER,
    members::SMEMBERS,
    members::SMISMEMBER,
    mutate::SADD,
    mutate::SMOVE,
    mutate::SREM,
    pop::SPOP,
    random::SRANDMEMBER,
    scan::SSCAN,
    store::SDIFFSTORE,
    store::SINTERSTORE,
    store::SUNIONSTORE,
];

#[cfg(test)]
mod tests;
