//! BLPOP, BRPOP, BLMPOP, BLMOVE, BRPOPLPUSH: the same for clients that wait until there is something.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, Handler, KeySpec, ReplyError, TimeoutReply, category, flag,
    key_flag,
};
use redan_keyspace::{End, Kind, List};
use redan_resp::Args;

use super::pop::{PopMany, propagate_pop};
use super::transfer::{self, try_move};
use super::{ENDS, end, limits, notify_popped, remove_at};
use crate::{arg, typed};

const POPPED: u32 = key_flag::RW | key_flag::ACCESS | key_flag::DELETE;

const fn pop_row(name: &'static str, handler: Handler, summary: &'static str) -> Command {
    Command::new(name, -3, handler)
        .flags(flag::WRITE | flag::BLOCKING)
        .acl(category::LIST)
        .keys(const { &[KeySpec::range(1, -2, 1, POPPED)] })
        .docs(Group::List, "2.0.0", "O(N) where N is the number of keys.", summary)
        .args(const { &[Arg::key("key", 0).multiple(), Arg::new("timeout", ArgKind::Double)] })
}

/// BLPOP key [key ...] timeout
pub(super) const BLPOP: Command = pop_row(
    "blpop",
    |cx, args| pop(cx, args, End::Head),
    "Takes the first element of the first of several lists that exists, and waits for one if none does.",
);

/// BRPOP key [key ...] timeout
pub(super) const BRPOP: Command = pop_row(
    "brpop",
    |cx, args| pop(cx, args, End::Tail),
    "Takes the last element of the first of several lists that exists, and waits for one if none does.",
);

fn pop(cx: &mut Cx<'_, '_>, args: Args<'_>, end: End) -> CmdResult {
    let keys = args.take(args.len() - 1).skip(1);
    let deadline_ms = arg::timeout_s(&args[args.len() - 1], cx.now_ms)?;
    let limits = limits(cx);
    for key in keys.iter() {
        let key = cx.key(key);
        let Some(entry) = typed::edit::<List>(&mut cx.view, &key)? else { continue };
        let list = entry.aggregate::<List>().expect("its type was checked");
        cx.out.array(2);
        cx.out.bulk(key.bytes);
        typed::reply_element(cx.out, list.peek(end).expect("no list is empty"));
        let emptied = remove_at(entry, end, 1, &limits);
        notify_popped(cx, &key, end, emptied);
        propagate_pop(cx, &key, end, None);
        return Ok(());
    }
    wait(cx, keys, deadline_ms, ReplyNow::NullArray);
    Ok(())
}

/// BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count]
pub(super) const BLMPOP: Command = Command::new("blmpop", -5, blmpop)
    .flags(flag::WRITE | flag::BLOCKING)
    .acl(category::LIST)
    .keys(&[KeySpec::counted(2, POPPED)])
    .docs(
        Group::List,
        "7.0.0",
        "O(N+M) where N is the number of keys and M the number of returned elements.",
        "Takes elements from the first of several lists that exists, and waits for one if none does.",
    )
    .args(&[
        Arg::new("timeout", ArgKind::Double),
        Arg::new("numkeys", ArgKind::Integer),
        Arg::key("key", 0).multiple(),
        Arg::one_of("where", ENDS),
        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
    ]);

fn blmpop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let request = PopMany::parse(args.skip(2))?;
    let deadline_ms = arg::timeout_s(&args[1], cx.now_ms)?;
    if !request.try_serve(cx)? {
        wait(cx, request.keys, deadline_ms, ReplyNow::NullArray);
    }
    Ok(())
}

/// BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout
pub(super) const BLMOVE: Command = Command::new("blmove", 6, blmove)
    .flags(flag::WRITE | flag::DENYOOM | flag::BLOCKING)
    .acl(category::LIST)
    .keys(transfer::KEYS)
    .docs(
        Group::List,
        "6.2.0",
        "O(1)",
        "Takes an element from an end of a list and puts it to an end of another, or of the same; waits for the list if it does not exist.",
    )
    .args(&[
        Arg::key("source", 0),
        Arg::key("destination", 1),
        Arg::one_of("wherefrom", ENDS),
        Arg::one_of("whereto", ENDS),
        Arg::new("timeout", ArgKind::Double),
    ]);

fn blmove(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to) = (end(&args[3])?, end(&args[4])?);
    let deadline_ms = arg::timeout_s(&args[5], cx.now_ms)?;
    if move_or_wait(cx, args, from, to, deadline_ms)? {
        cx.propagate(&[b"LMOVE", &args[1], &args[2], &args[3], &args[4]]);
    }
    Ok(())
}

/// BRPOPLPUSH source destination timeout
pub(super) const BRPOPLPUSH: Command = Command::new("brpoplpush", 4, brpoplpush)
    .flags(flag::WRITE | flag::DENYOOM | flag::BLOCKING)
    .acl(category::LIST)
    .keys(transfer::KEYS)
    .docs(
        Group::List,
        "2.2.0",
        "O(1)",
        "Takes the last element of a list and puts it in front of another; waits for the list if it does not exist.",
    )
    .deprecated("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")
    .args(&[Arg::key("source", 0), Arg::key("destination", 1), Arg::new("timeout", ArgKind::Double)]);

fn brpoplpush(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let deadline_ms = arg::timeout_s(&args[3], cx.now_ms)?;
    if move_or_wait(cx, args, End::Tail, End::Head, deadline_ms)? {
        cx.propagate(&[b"RPOPLPUSH", &args[1], &args[2]]);
    }
    Ok(())
}

/// Moves an element, or waits for the source; says whether it moved one.
fn move_or_wait(
    cx: &mut Cx<'_, '_>,
    args: Args<'_>,
    from: End,
    to: End,
    deadline_ms: Option<i64>,
) -> Result<bool, ReplyError> {
    let moved = try_move(cx, &args[1], &args[2], from, to)?;
    if !moved {
        wait(cx, args.take(2).skip(1), deadline_ms, ReplyNow::Null);
    }
    Ok(moved)
}

/// What is replied where nobody may wait.
enum ReplyNow {
    Null,
    NullArray,
}

/// Waits for one of the lists.
fn wait(cx: &mut Cx<'_, '_>, keys: Args<'_>, deadline_ms: Option<i64>, now: ReplyNow) {
    if cx.may_wait() {
        cx.block_on(keys.iter(), Kind::List, deadline_ms, TimeoutReply::NullArray);
        return;
    }
    match now {
        ReplyNow::Null => cx.out.null(),
        ReplyNow::NullArray => cx.out.null_array(),
    }
}
