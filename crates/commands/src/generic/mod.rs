//! Generic commands: over keys of any type.

mod del;
mod expire;
pub(crate) mod expiry;
mod scan;
mod ttl;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    del::DEL,
    del::EXISTS,
    del::TOUCH,
    del::TYPE,
    del::UNLINK,
    expire::EXPIRE,
    expire::EXPIREAT,
    expire::PEXPIRE,
    expire::PEXPIREAT,
    scan::KEYS,
    scan::RANDOMKEY,
    scan::SCAN,
    ttl::EXPIRETIME,
    ttl::PERSIST,
    ttl::PEXPIRETIME,
    ttl::PTTL,
    ttl::TTL,
];
