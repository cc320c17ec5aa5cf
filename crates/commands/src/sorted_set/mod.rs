//! Sorted set commands.

pub(crate) mod add;
mod combine;
mod errors;
mod lookup;
mod pop;
mod random;
mod range;
mod remove;
mod scan;
pub(crate) mod value;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    add::ZADD,
    add::ZINCRBY,
    combine::ZDIFF,
    combine::ZDIFFSTORE,
    combine::ZINTER,
    combine::ZINTERCARD,
    combine::ZINTERSTORE,
    combine::ZUNION,
    combine::ZUNIONSTORE,
    lookup::ZCARD,
    lookup::ZCOUNT,
    lookup::ZLEXCOUNT,
    lookup::ZMSCORE,
    lookup::ZRANK,
    lookup::ZREVRANK,
    lookup::ZSCORE,
    pop::BZMPOP,
    pop::BZPOPMAX,
    pop::BZPOPMIN,
    pop::ZMPOP,
    pop::ZPOPMAX,
    pop::ZPOPMIN,
    random::ZRANDMEMBER,
    range::ZRANGE,
    range::ZRANGEBYLEX,
    range::ZRANGEBYSCORE,
    range::ZRANGESTORE,
    range::ZREVRANGE,
    range::ZREVRANGEBYLEX,
    range::ZREVRANGEBYSCORE,
    remove::ZREM,
    remove::ZREMRANGEBYLEX,
    remove::ZREMRANGEBYRANK,
    remove::ZREMRANGEBYSCORE,
    scan::ZSCAN,
];

#[cfg(test)]
mod tests;
