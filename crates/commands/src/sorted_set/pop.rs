//! Commands that take members from an end, and those that wait for one.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, TimeoutReply, category, errors, flag,
    key_flag, notify_class,
};
use redan_keyspace::{Aggregate, IntText, Key, Kind, SortedSet};
use redan_resp::{Args, Protocol};

use super::errors::{COUNT, NUMKEYS};
use super::value::put_scored;
use crate::{arg, typed};

const ACCESS: u32 = key_flag::RW | key_flag::ACCESS | key_flag::DELETE;
const POP_KEYS: &[KeySpec] = &[KeySpec::one(1, ACCESS)];
const POP_ARGS: &[Arg] = &[Arg::key("key", 0), Arg::new("count", ArgKind::Integer).optional()];
const POP_COMPLEXITY: &str =
    "O(log(N)*M) with N being the size of the sorted set and M the number of members removed.";
const MPOP_COMPLEXITY: &str = "O(K) + O(M*log(N)) where K is the number of keys, N the size of the sorted set and M the number of members removed.";
const BLOCKING_POP_KEYS: &[KeySpec] = &[KeySpec::range(1, -2, 1, ACCESS)];
const BLOCKING_POP_ARGS: &[Arg] = &[Arg::key("key", 0).multiple(), Arg::new("timeout", ArgKind::Double)];

/// Which end members are taken from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Min,
    Max,
}

impl End {
    /// The name of the event, and of the command that is propagated.
    fn name(self) -> &'static str {
        match self {
            Self::Min => "zpopmin",
            Self::Max => "zpopmax",
        }
    }
}

/// How the members that were taken are replied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// Members and scores in turn.
    Flat,
    /// Pairs of member and score.
    Pairs,
    /// Key, member and score.
    KeyAndOne,
    /// The key and an array of pairs.
    KeyAndPairs,
}

/// ZPOPMIN key [count]
pub(super) const ZPOPMIN: Command = Command::new("zpopmin", -2, zpopmin)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::SORTEDSET)
    .keys(POP_KEYS)
    .docs(
        Group::SortedSet,
        "5.0.0",
        POP_COMPLEXITY,
        "Removes the members with the lowest scores and returns them.",
    )
    .args(POP_ARGS);

fn zpopmin(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    zpop(cx, args, End::Min)
}

/// ZPOPMAX key [count]
pub(super) const ZPOPMAX: Command = Command::new("zpopmax", -2, zpopmax)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::SORTEDSET)
    .keys(POP_KEYS)
    .docs(
        Group::SortedSet,
        "5.0.0",
        POP_COMPLEXITY,
        "Removes the members with the highest scores and returns them.",
    )
    .args(POP_ARGS);

fn zpopmax(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    zpop(cx, args, End::Max)
}

fn zpop(cx: &mut Cx<'_, '_>, args: Args<'_>, end: End) -> CmdResult {
    let count = match args.get(2) {
        _ if args.len() > 3 => return Err(errors::SYNTAX),
        Some(count) => arg::int_from(count, 0)? as usize,
        None => 1,
    };
    let pairs = args.len() == 3 && cx.out.protocol() == Protocol::Resp3;
    let key = cx.key(&args[1]);
    let form = if pairs { Form::Pairs } else { Form::Flat };
    if take(cx, &key, end, count, form)?.is_none() {
        cx.out.array(0);
    }
    Ok(())
}

/// ZMPOP numkeys key [key ...] MIN | MAX [COUNT count]
pub(super) const ZMPOP: Command = Command::new("zmpop", -4, zmpop)
    .flags(flag::WRITE)
    .acl(category::SORTEDSET)
    .keys(&[KeySpec::counted(1, ACCESS)])
    .docs(
        Group::SortedSet,
        "7.0.0",
        MPOP_COMPLEXITY,
        "Removes members from an end of the first sorted set that is there and returns them.",
    )
    .args(&[
        Arg::new("numkeys", ArgKind::Integer),
        Arg::key("key", 0).multiple(),
        Arg::one_of("where", &[Arg::token("min", "MIN"), Arg::token("max", "MAX")]),
        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
    ]);

fn zmpop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let request = MultiPop::parse(args.skip(1))?;
    if !request.take(cx)? {
        cx.out.null_array();
    }
    Ok(())
}

/// BZPOPMIN key [key ...] timeout
pub(super) const BZPOPMIN: Command = Command::new("bzpopmin", -3, bzpopmin)
    .flags(flag::WRITE | flag::BLOCKING | flag::FAST)
    .acl(category::SORTEDSET)
    .keys(BLOCKING_POP_KEYS)
    .docs(
        Group::SortedSet,
        "5.0.0",
        "O(log(N)) with N being the size of the sorted set.",
        "Removes the member with the lowest score and returns it; waits for one if there is none.",
    )
    .args(BLOCKING_POP_ARGS);

fn bzpopmin(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    bzpop(cx, args, End::Min)
}

/// BZPOPMAX key [key ...] timeout
pub(super) const BZPOPMAX: Command = Command::new("bzpopmax", -3, bzpopmax)
    .flags(flag::WRITE | flag::BLOCKING | flag::FAST)
    .acl(category::SORTEDSET)
    .keys(BLOCKING_POP_KEYS)
    .docs(
        Group::SortedSet,
        "5.0.0",
        "O(log(N)) with N being the size of the sorted set.",
        "Removes the member with the highest score and returns it; waits for one if there is none.",
    )
    .args(BLOCKING_POP_ARGS);

fn bzpopmax(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    bzpop(cx, args, End::Max)
}

fn bzpop(cx: &mut Cx<'_, '_>, args: Args<'_>, end: End) -> CmdResult {
    let deadline = arg::timeout_s(&args[args.len() - 1], cx.now_ms)?;
    let keys = args.skip(1).take(args.len() - 2);
    for key in keys {
        let key = cx.key(key);
        if take(cx, &key, end, 1, Form::KeyAndOne)?.is_some() {
            cx.propagate(&[end.name().to_uppercase().as_bytes(), key.bytes]);
            return Ok(());
        }
    }
    wait(cx, keys, deadline);
    Ok(())
}

/// BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count]
pub(super) const BZMPOP: Command = Command::new("bzmpop", -5, bzmpop)
    .flags(flag::WRITE | flag::BLOCKING)
    .acl(category::SORTEDSET)
    .keys(&[KeySpec::counted(2, ACCESS)])
    .docs(
        Group::SortedSet,
        "7.0.0",
        MPOP_COMPLEXITY,
        "Removes members from an end of the first sorted set that is there and returns them; waits for one if there is none.",
    )
    .args(&[
        Arg::new("timeout", ArgKind::Double),
        Arg::new("numkeys", ArgKind::Integer),
        Arg::key("key", 0).multiple(),
        Arg::one_of("where", &[Arg::token("min", "MIN"), Arg::token("max", "MAX")]),
        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
    ]);

fn bzmpop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let request = MultiPop::parse(args.skip(2))?;
    let deadline = arg::timeout_s(&args[1], cx.now_ms)?;
    if !request.take(cx)? {
        wait(cx, request.keys, deadline);
    }
    Ok(())
}

/// What ZMPOP and BZMPOP are asked for.
struct MultiPop<'a> {
    keys: Args<'a>,
    end: End,
    count: usize,
}

impl<'a> MultiPop<'a> {
    /// Reads a number of keys and what follows.
    fn parse(args: Args<'a>) -> Result<Self, ReplyError> {
        let positive = |text: &[u8], error| {
            redan_resp::parse_i64(text)
                .filter(|number| *number > 0)
                .ok_or(error)
                .map(|number| number as usize)
        };
        let numkeys = positive(&args[0], NUMKEYS)?;
        let keys = args.skip(1).take(numkeys);
        let mut rest = args.skip(numkeys.saturating_add(1)).iter();
        let end = match rest.next() {
            Some(word) if arg::is(word, "MIN") => End::Min,
            Some(word) if arg::is(word, "MAX") => End::Max,
            _ => return Err(errors::SYNTAX),
        };
        let mut count = None;
        while let Some(word) = rest.next() {
            match rest.next() {
                Some(number) if count.is_none() && arg::is(word, "COUNT") => {
                    count = Some(positive(number, COUNT)?);
                }
                _ => return Err(errors::SYNTAX),
            }
        }
        Ok(Self { keys, end, count: count.unwrap_or(1) })
    }

    /// Takes from the first key that is there; false if none is.
    fn take(&self, cx: &mut Cx<'_, '_>) -> Result<bool, ReplyError> {
        for key in self.keys {
            let key = cx.key(key);
            if let Some(taken) = take(cx, &key, self.end, self.count, Form::KeyAndPairs)? {
                let mut count = IntText::new();
                cx.propagate(&[
                    self.end.name().to_uppercase().as_bytes(),
                    key.bytes,
                    count.format(taken as i64),
                ]);
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Waits until one of the keys holds a sorted set, or replies what is replied at the deadline if the command must not.
fn wait(cx: &mut Cx<'_, '_>, keys: Args<'_>, deadline_ms: Option<i64>) {
    if cx.may_wait() {
        cx.block_on(keys, Kind::SortedSet, deadline_ms, TimeoutReply::NullArray);
    } else {
        cx.out.null_array();
    }
}

/// Takes up to `count` members from an end of a sorted set and replies them; says how many that were. `None` if there
/// is no sorted set; nothing was replied then.
fn take(
    cx: &mut Cx<'_, '_>,
    key: &Key<'_>,
    end: End,
    count: usize,
    form: Form,
) -> Result<Option<usize>, ReplyError> {
    let Some(mut entry) = typed::edit::<SortedSet>(&mut cx.view, key)? else { return Ok(None) };
    if count == 0 {
        cx.out.array(0);
        return Ok(Some(0));
    }
    let out = &mut *cx.out;
    let set = entry.aggregate_mut::<SortedSet>().expect("its type was looked at");
    let taken = count.min(set.len());
    match form {
        Form::Flat => out.array(taken * 2),
        Form::Pairs => out.array(taken),
        Form::KeyAndOne => {
            out.array(3);
            out.bulk(key.bytes);
        }
        Form::KeyAndPairs => {
            out.array(2);
            out.bulk(key.bytes);
            out.array(taken);
        }
    }
    let ranks = match end {
        End::Min => 0..taken,
        End::Max => set.len() - taken..set.len(),
    };
    let mut members = set.range(ranks.clone());
    while let Some(scored) = if end == End::Min { members.next() } else { members.next_back() } {
        if matches!(form, Form::Pairs | Form::KeyAndPairs) {
            out.array(2);
        }
        put_scored(out, scored);
    }
    set.remove_ranks(ranks);
    entry.changed(taken as u64);
    let emptied = entry.remove_if_emptied();
    cx.notify(notify_class::ZSET, end.name(), key.bytes);
    if emptied {
        cx.notify(notify_class::GENERIC, "del", key.bytes);
    }
    Ok(Some(taken))
}
