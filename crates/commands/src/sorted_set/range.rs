//! ZRANGE and its relatives: members in order.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, flag, key_flag,
};
use redan_keyspace::{Aggregate, EntryRef, SortedSet, SortedSetBuilder};
use redan_resp::{Args, ReplyBuf};

use super::value::{BIG_REPLY, reply_members, store_result};
use crate::string::value::notify_miss;
use crate::typed;

mod query;

use query::{By, Query, Syntax};

const KEYS: &[KeySpec] = &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)];
const COMPLEXITY: &str =
    "O(log(N)+M) with N being the size of the sorted set and M the number of members returned.";

const LIMIT: Arg =
    Arg::block("limit", &[Arg::new("offset", ArgKind::Integer), Arg::new("count", ArgKind::Integer)])
        .after("LIMIT")
        .optional();
const WITHSCORES: Arg = Arg::token("withscores", "WITHSCORES").optional();
const SORT_BY: Arg =
    Arg::one_of("sortby", &[Arg::token("byscore", "BYSCORE"), Arg::token("bylex", "BYLEX")]).optional();
const REV: Arg = Arg::token("rev", "REV").optional();

/// ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]
pub(super) const ZRANGE: Command = Command::new("zrange", -4, zrange)
    .flags(flag::READONLY)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(Group::SortedSet, "1.2.0", COMPLEXITY, "Returns the members of a range of ranks, scores or names.")
    .args(&[
        Arg::key("key", 0),
        Arg::new("start", ArgKind::String),
        Arg::new("stop", ArgKind::String),
        SORT_BY,
        REV,
        LIMIT,
        WITHSCORES,
    ]);

fn zrange(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_range(cx, args, Syntax { by: None, reverse: None, scores: true })
}

/// ZREVRANGE key start stop [WITHSCORES]
pub(super) const ZREVRANGE: Command = Command::new("zrevrange", -4, zrevrange)
    .flags(flag::READONLY)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(
        Group::SortedSet,
        "1.2.0",
        COMPLEXITY,
        "Returns the members of a range of ranks, from the highest score.",
    )
    .deprecated("6.2.0", "`ZRANGE` with the `REV` argument")
    .args(&[
        Arg::key("key", 0),
        Arg::new("start", ArgKind::Integer),
        Arg::new("stop", ArgKind::Integer),
        WITHSCORES,
    ]);

fn zrevrange(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_range(cx, args, Syntax { by: Some(By::Rank), reverse: Some(true), scores: true })
}

/// ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]
pub(super) const ZRANGEBYSCORE: Command = Command::new("zrangebyscore", -4, zrangebyscore)
    .flags(flag::READONLY)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(Group::SortedSet, "1.0.5", COMPLEXITY, "Returns the members whose scores lie in a range.")
    .deprecated("6.2.0", "`ZRANGE` with the `BYSCORE` argument")
    .args(&[
        Arg::key("key", 0),
        Arg::new("min", ArgKind::Double),
        Arg::new("max", ArgKind::Double),
        WITHSCORES,
        LIMIT,
    ]);

fn zrangebyscore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_range(cx, args, Syntax { by: Some(By::Score), reverse: Some(false), scores: true })
}

/// ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]
pub(super) const ZREVRANGEBYSCORE: Command = Command::new("zrevrangebyscore", -4, zrevrangebyscore)
    .flags(flag::READONLY)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(
        Group::SortedSet,
        "2.2.0",
        COMPLEXITY,
        "Returns the members whose scores lie in a range, from the highest score.",
    )
    .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")
    .args(&[
        Arg::key("key", 0),
        Arg::new("max", ArgKind::Double),
        Arg::new("min", ArgKind::Double),
        WITHSCORES,
        LIMIT,
    ]);

fn zrevrangebyscore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_range(cx, args, Syntax { by: Some(By::Score), reverse: Some(true), scores: true })
}

/// ZRANGEBYLEX key min max [LIMIT offset count]
pub(super) const ZRANGEBYLEX: Command = Command::new("zrangebylex", -4, zrangebylex)
    .flags(flag::READONLY)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(Group::SortedSet, "2.8.9", COMPLEXITY, "Returns the members that lie in a range of names.")
    .deprecated("6.2.0", "`ZRANGE` with the `BYLEX` argument")
    .args(&[Arg::key("key", 0), Arg::new("min", ArgKind::String), Arg::new("max", ArgKind::String), LIMIT]);

fn zrangebylex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_range(cx, args, Syntax { by: Some(By::Lex), reverse: Some(false), scores: true })
}

/// ZREVRANGEBYLEX key max min [LIMIT offset count]
pub(super) const ZREVRANGEBYLEX: Command = Command::new("zrevrangebylex", -4, zrevrangebylex)
    .flags(flag::READONLY)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(
        Group::SortedSet,
        "2.8.9",
        COMPLEXITY,
        "Returns the members that lie in a range of names, from the last one.",
    )
    .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")
    .args(&[Arg::key("key", 0), Arg::new("max", ArgKind::String), Arg::new("min", ArgKind::String), LIMIT]);

fn zrevrangebylex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_range(cx, args, Syntax { by: Some(By::Lex), reverse: Some(true), scores: true })
}

fn reply_range(cx: &mut Cx<'_, '_>, args: Args<'_>, syntax: Syntax) -> CmdResult {
    let query = Query::parse(args.skip(2), syntax)?;
    let key = cx.key(&args[1]);
    let Some(set) = typed::read::<SortedSet>(&mut cx.view, &key)? else {
        cx.out.array(0);
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let ranks = query.ranks(set);
    if ranks.len() <= BIG_REPLY {
        reply_ranks(cx.out, set, ranks, &query);
        return Ok(());
    }
    let shared = cx.view.peek(&key).and_then(EntryRef::shared_object);
    cx.view.let_go();
    let set = shared.as_deref().and_then(SortedSet::of).expect("it was a sorted set a moment ago");
    reply_ranks(cx.out, set, ranks, &query);
    Ok(())
}

fn reply_ranks(out: &mut ReplyBuf, set: &SortedSet, ranks: std::ops::Range<usize>, query: &Query<'_>) {
    let len = ranks.len();
    let members = set.range(ranks);
    if query.reverse {
        reply_members(out, members.rev(), len, query.with_scores);
    } else {
        reply_members(out, members, len, query.with_scores);
    }
}

/// ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]
pub(super) const ZRANGESTORE: Command = Command::new("zrangestore", -5, zrangestore)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::SORTEDSET)
    .keys(&[
        KeySpec::one(1, key_flag::OW | key_flag::UPDATE),
        KeySpec::one(2, key_flag::RO | key_flag::ACCESS),
    ])
    .docs(
        Group::SortedSet,
        "6.2.0",
        "O(log(N)+M) with N being the size of the sorted set and M the number of members stored.",
        "Stores the members of a range of ranks, scores or names under another key.",
    )
    .args(&[
        Arg::key("dst", 0),
        Arg::key("src", 1),
        Arg::new("min", ArgKind::String),
        Arg::new("max", ArgKind::String),
        SORT_BY,
        REV,
        LIMIT,
    ]);

fn zrangestore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let query = Query::parse(args.skip(3), Syntax { by: None, reverse: None, scores: false })?;
    let (target, source) = (cx.key(&args[1]), cx.key(&args[2]));
    let copy = |set: &SortedSet| -> Result<SortedSetBuilder, ReplyError> {
        let (ranks, mut builder) = (query.ranks(set), SortedSetBuilder::new());
        builder.reserve(ranks.len());
        set.range(ranks).for_each(|(member, score)| {
            builder.insert(member.bytes(&mut redan_keyspace::IntText::new()), score);
        });
        Ok(builder)
    };
    let found = typed::read::<SortedSet>(&mut cx.view, &source)?.map(copy).transpose()?;
    if found.is_none() {
        notify_miss(cx, source.bytes);
    }
    let result = found.unwrap_or_default().finish(cx.view.keyspace().limits());
    store_result(cx, &target, result, "zrangestore");
    Ok(())
}
