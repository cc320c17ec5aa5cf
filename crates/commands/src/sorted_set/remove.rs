//! ZREM and ZREMRANGEBY*.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag, notify_class,
};
use redan_keyspace::{Aggregate, SortedSet};
use redan_resp::Args;

use super::value::{lex_range, rank_range, score_range};
use crate::{arg, typed};

const KEYS: &[KeySpec] = &[KeySpec::one(1, key_flag::RW | key_flag::DELETE)];
const RANGE_COMPLEXITY: &str =
    "O(log(N)+M) with N being the size of the sorted set and M the number of members removed.";

/// ZREM key member [member ...]
pub(super) const ZREM: Command = Command::new("zrem", -3, zrem)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(
        Group::SortedSet,
        "1.2.0",
        "O(M*log(N)) with N being the size of the sorted set and M the number of members removed.",
        "Removes members from a sorted set; the key goes with the last one.",
    )
    .args(&[Arg::key("key", 0), Arg::new("member", ArgKind::String).multiple()]);

fn zrem(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    remove(cx, &args[1], "zrem", |set| {
        args.iter().skip(2).filter(|member| set.remove(member).is_some()).count()
    })
}

/// ZREMRANGEBYRANK key start stop
pub(super) const ZREMRANGEBYRANK: Command = Command::new("zremrangebyrank", 4, zremrangebyrank)
    .flags(flag::WRITE)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(
        Group::SortedSet,
        "2.0.0",
        RANGE_COMPLEXITY,
        "Removes the members of a range of ranks; the key goes with the last member.",
    )
    .args(&[Arg::key("key", 0), Arg::new("start", ArgKind::Integer), Arg::new("stop", ArgKind::Integer)]);

fn zremrangebyrank(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (start, stop) = (arg::int(&args[2])?, arg::int(&args[3])?);
    remove_ranks(cx, &args[1], "zremrangebyrank", |set| rank_range(start, stop, set.len()))
}

/// ZREMRANGEBYSCORE key min max
pub(super) const ZREMRANGEBYSCORE: Command = Command::new("zremrangebyscore", 4, zremrangebyscore)
    .flags(flag::WRITE)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(
        Group::SortedSet,
        "1.2.0",
        RANGE_COMPLEXITY,
        "Removes the members of a range of scores; the key goes with the last member.",
    )
    .args(&[Arg::key("key", 0), Arg::new("min", ArgKind::Double), Arg::new("max", ArgKind::Double)]);

fn zremrangebyscore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let range = score_range(&args[2], &args[3])?;
    remove_ranks(cx, &args[1], "zremrangebyscore", |set| set.score_ranks(&range))
}

/// ZREMRANGEBYLEX key min max
pub(super) const ZREMRANGEBYLEX: Command = Command::new("zremrangebylex", 4, zremrangebylex)
    .flags(flag::WRITE)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(
        Group::SortedSet,
        "2.8.9",
        RANGE_COMPLEXITY,
        "Removes the members of a range of names; the key goes with the last member.",
    )
    .args(&[Arg::key("key", 0), Arg::new("min", ArgKind::String), Arg::new("max", ArgKind::String)]);

fn zremrangebylex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let range = lex_range(&args[2], &args[3])?;
    remove_ranks(cx, &args[1], "zremrangebylex", |set| set.lex_ranks(&range))
}

fn remove_ranks(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    event: &'static str,
    ranks: impl FnOnce(&SortedSet) -> std::ops::Range<usize>,
) -> CmdResult {
    remove(cx, key, event, |set| {
        let ranks = ranks(set);
        set.remove_ranks(ranks.clone());
        ranks.len()
    })
}

/// Removes what `take` takes out, and replies how many that were.
fn remove(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    event: &'static str,
    take: impl FnOnce(&mut SortedSet) -> usize,
) -> CmdResult {
    let key = cx.key(key);
    let (mut removed, mut emptied) = (0, false);
    if let Some(mut entry) = typed::edit::<SortedSet>(&mut cx.view, &key)? {
        removed = take(entry.aggregate_mut().expect("its type was looked at"));
        entry.changed(removed as u64);
        emptied = entry.remove_if_emptied();
    }
    cx.out.int(removed as i64);
    if removed > 0 {
        cx.notify(notify_class::ZSET, event, key.bytes);
    }
    if emptied {
        cx.notify(notify_class::GENERIC, "del", key.bytes);
    }
    Ok(())
}
