//! Commands of hashes.

mod expire;
pub(crate) mod fields;
mod get;
mod getex;
mod incr;
mod random;
mod scan;
mod set;
mod setex;
mod time;
mod ttl;
mod whole;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    expire::HEXPIRE,
    expire::HEXPIREAT,
    expire::HPEXPIRE,
    expire::HPEXPIREAT,
    expire::HPERSIST,
    get::HEXISTS,
    get::HGET,
    get::HMGET,
    get::HSTRLEN,
    getex::HGETDEL,
    getex::HGETEX,
    incr::HINCRBY,
    incr::HINCRBYFLOAT,
    random::HRANDFIELD,
    scan::HSCAN,
    set::HDEL,
    set::HMSET,
    set::HSET,
    set::HSETNX,
    setex::HSETEX,
    ttl::HEXPIRETIME,
    ttl::HPEXPIRETIME,
    ttl::HPTTL,
    ttl::HTTL,
    whole::HGETALL,
    whole::HKEYS,
    whole::HLEN,
    whole::HVALS,
];

#[cfg(test)]
mod tests;
