//! LLEN, LINDEX, LRANGE: what a list holds.

use std::ops::ControlFlow;

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag};
use redan_keyspace::{Aggregate, End, List};
use redan_resp::{Args, ReplyBuf};

use super::index;
use crate::string::value::notify_miss;
use crate::{arg, typed};

/// A reply of more elements than this is written after the locks are gone.
const MANY: usize = 1000;

/// LLEN key
pub(super) const LLEN: Command = Command::new("llen", 2, llen)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::LIST)
    .keys(&[KeySpec::one(1, key_flag::RO)])
    .docs(Group::List, "1.0.0", "O(1)", "Returns the length of a list.")
    .args(&[Arg::key("key", 0)]);

fn llen(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    match typed::read::<List>(&mut cx.view, &key)? {
        Some(list) => cx.out.int(list.len() as i64),
        None => {
            cx.out.int(0);
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

/// LINDEX key index
pub(super) const LINDEX: Command = Command::new("lindex", 3, lindex)
    .flags(flag::READONLY)
    .acl(category::LIST)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::List,
        "1.0.0",
        "O(N) where N is the number of blocks of elements to pass over; O(1) for the first and the last element.",
        "Returns the element of a list at an index.",
    )
    .args(&[Arg::key("key", 0), Arg::new("index", ArgKind::Integer)]);

fn lindex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let Some(list) = typed::read::<List>(&mut cx.view, &key)? else {
        cx.out.null();
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let index = index::element(arg::int(&args[2])?, list.len());
    let reply = index.and_then(|index| list.get(index, |element| typed::reply_element(cx.out, element)));
    if reply.is_none() {
        cx.out.null();
    }
    Ok(())
}

/// LRANGE key start stop
pub(super) const LRANGE: Command = Command::new("lrange", 4, lrange)
    .flags(flag::READONLY)
    .acl(category::LIST)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::List,
        "1.0.0",
        "O(S+N) where S is the number of blocks from the nearer end to the start, and N the number of returned elements.",
        "Returns the elements of a list from one index to another.",
    )
    .args(&[Arg::key("key", 0), Arg::new("start", ArgKind::Integer), Arg::new("stop", ArgKind::Integer)]);

fn lrange(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (start, stop) = (arg::int(&args[2])?, arg::int(&args[3])?);
    let key = cx.key(&args[1]);
    let Some(entry) = cx.view.get(&key) else {
        cx.out.array(0);
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let list = entry.aggregate::<List>().ok_or(errors::WRONG_TYPE)?;
    let (skip, n) = index::range(start, stop, list.len());
    if n <= MANY {
        reply_range(cx.out, list, End::Head, skip, n);
        return Ok(());
    }
    let shared = entry.shared_object();
    cx.view.let_go();
    let list = shared.as_deref().and_then(List::of).ok_or(errors::WRONG_TYPE)?;
    reply_range(cx.out, list, End::Head, skip, n);
    Ok(())
}

/// Replies `n` elements, beginning `skip` elements from an end and going away from it; they are there.
pub(super) fn reply_range(out: &mut ReplyBuf, list: &List, end: End, skip: usize, n: usize) {
    out.array(n);
    let _ = list.visit(end, skip, n, |element| {
        typed::reply_element(out, element);
        ControlFlow::Continue(())
    });
}
