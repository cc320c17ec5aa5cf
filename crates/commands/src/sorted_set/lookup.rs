//! Commands that look at single members or count them.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag};
use redan_keyspace::{Aggregate, SortedSet};
use redan_resp::{Args, ReplyBuf};

use super::value::{lex_range, score_range};
use crate::string::value::notify_miss;
use crate::{arg, typed};

const FLAGS: u32 = flag::READONLY | flag::FAST;
const KEYS: &[KeySpec] = &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)];

/// Lets `reply` reply something about the sorted set of a key, which is `None` if there is none.
fn look(cx: &mut Cx<'_, '_>, key: &[u8], reply: impl FnOnce(Option<&SortedSet>, &mut ReplyBuf)) -> CmdResult {
    let key = cx.key(key);
    let set = typed::read::<SortedSet>(&mut cx.view, &key)?;
    let missed = set.is_none();
    reply(set, cx.out);
    if missed {
        notify_miss(cx, key.bytes);
    }
    Ok(())
}

/// ZCARD key
pub(super) const ZCARD: Command = Command::new("zcard", 2, zcard)
    .flags(FLAGS)
    .acl(category::SORTEDSET)
    .keys(&[KeySpec::one(1, key_flag::RO)])
    .docs(Group::SortedSet, "1.2.0", "O(1)", "Returns the number of members of a sorted set.")
    .args(&[Arg::key("key", 0)]);

fn zcard(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    look(cx, &args[1], |set, out| out.int(set.map_or(0, SortedSet::len) as i64))
}

/// ZCOUNT key min max
pub(super) const ZCOUNT: Command = Command::new("zcount", 4, zcount)
    .flags(FLAGS)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(
        Group::SortedSet,
        "2.0.0",
        "O(log(N)) with N being the size of the sorted set.",
        "Counts the members whose scores lie in a range.",
    )
    .args(&[Arg::key("key", 0), Arg::new("min", ArgKind::Double), Arg::new("max", ArgKind::Double)]);

fn zcount(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let range = score_range(&args[2], &args[3])?;
    look(cx, &args[1], |set, out| out.int(set.map_or(0, |set| set.score_ranks(&range).len()) as i64))
}

/// ZLEXCOUNT key min max
pub(super) const ZLEXCOUNT: Command = Command::new("zlexcount", 4, zlexcount)
    .flags(FLAGS)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(
        Group::SortedSet,
        "2.8.9",
        "O(log(N)) with N being the size of the sorted set.",
        "Counts the members that lie in a range of names.",
    )
    .args(&[Arg::key("key", 0), Arg::new("min", ArgKind::String), Arg::new("max", ArgKind::String)]);

fn zlexcount(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let range = lex_range(&args[2], &args[3])?;
    look(cx, &args[1], |set, out| out.int(set.map_or(0, |set| set.lex_ranks(&range).len()) as i64))
}

/// ZSCORE key member
pub(super) const ZSCORE: Command = Command::new("zscore", 3, zscore)
    .flags(FLAGS)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(Group::SortedSet, "1.2.0", "O(1)", "Returns the score of a member.")
    .args(&[Arg::key("key", 0), Arg::new("member", ArgKind::String)]);

fn zscore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    look(cx, &args[1], |set, out| put_score(out, set.and_then(|set| set.score(&args[2]))))
}

/// ZMSCORE key member [member ...]
pub(super) const ZMSCORE: Command = Command::new("zmscore", -3, zmscore)
    .flags(FLAGS)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(
        Group::SortedSet,
        "6.2.0",
        "O(N) where N is the number of members that are asked for.",
        "Returns the scores of several members.",
    )
    .args(&[Arg::key("key", 0), Arg::new("member", ArgKind::String).multiple()]);

fn zmscore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    look(cx, &args[1], |set, out| {
        out.array(args.len() - 2);
        for member in args.iter().skip(2) {
            put_score(out, set.and_then(|set| set.score(member)));
        }
    })
}

fn put_score(out: &mut ReplyBuf, score: Option<f64>) {
    match score {
        Some(score) => out.double(score),
        None => out.null(),
    }
}

const RANK_ARGS: &[Arg] = &[
    Arg::key("key", 0),
    Arg::new("member", ArgKind::String),
    Arg::token("withscore", "WITHSCORE").optional(),
];

/// ZRANK key member [WITHSCORE]
pub(super) const ZRANK: Command = Command::new("zrank", -3, zrank)
    .flags(FLAGS)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(
        Group::SortedSet,
        "2.0.0",
        "O(log(N))",
        "Returns how many members stand in front of one, from the lowest score.",
    )
    .args(RANK_ARGS);

fn zrank(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    rank(cx, args, |rank, _| rank)
}

/// ZREVRANK key member [WITHSCORE]
pub(super) const ZREVRANK: Command = Command::new("zrevrank", -3, zrevrank)
    .flags(FLAGS)
    .acl(category::SORTEDSET)
    .keys(KEYS)
    .docs(
        Group::SortedSet,
        "2.0.0",
        "O(log(N))",
        "Returns how many members stand in front of one, from the highest score.",
    )
    .args(RANK_ARGS);

fn zrevrank(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    rank(cx, args, |rank, len| len - 1 - rank)
}

fn rank(cx: &mut Cx<'_, '_>, args: Args<'_>, count: impl FnOnce(usize, usize) -> usize) -> CmdResult {
    let with_score = match args.get(3) {
        _ if args.len() > 4 => return Err(cx.arity_error()),
        Some(word) if !arg::is(word, "WITHSCORE") => return Err(errors::SYNTAX),
        word => word.is_some(),
    };
    look(cx, &args[1], |set, out| {
        let found =
            set.and_then(|set| set.rank(&args[2]).map(|(rank, score)| (count(rank, set.len()), score)));
        match found {
            Some((rank, score)) if with_score => {
                out.array(2);
                out.int(rank as i64);
                out.double(score);
            }
            Some((rank, _)) => out.int(rank as i64),
            None if with_score => out.null_array(),
            None => out.null(),
        }
    })
}
