//! Generic commands: over keys of any type.

mod del;
mod dump;
mod expire;
pub(crate) mod expiry;
mod migrate;
mod object;
mod rename;
mod scan;
pub(crate) mod scan_page;
mod sort;
mod ttl;
mod wait;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    del::DEL,
    del::EXISTS,
    del::TOUCH,
    del::TYPE,
    del::UNLINK,
    dump::DUMP,
    dump::RESTORE,
    dump::RESTORE_ASKING,
    expire::EXPIRE,
    expire::EXPIREAT,
    expire::PEXPIRE,
    expire::PEXPIREAT,
    migrate::MIGRATE,
    object::OBJECT,
    rename::COPY,
    rename::MOVE,
    rename::RENAME,
    rename::RENAMENX,
    scan::KEYS,
    scan::RANDOMKEY,
    scan::SCAN,
    sort::SORT,
    sort::SORT_RO,
    ttl::EXPIRETIME,
    ttl::PERSIST,
    ttl::PEXPIRETIME,
    ttl::PTTL,
    ttl::TTL,
    wait::WAIT,
    wait::WAITAOF,
];

#[cfg(test)]
mod events_tests;
