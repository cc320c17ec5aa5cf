//! LSET, LINSERT, LREM, LTRIM: changes anywhere in a list.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag, notify_class,
};
use redan_keyspace::{Aggregate, End, List};
use redan_resp::Args;

use super::{index, limits};
use crate::{arg, typed};

/// LSET key index element
pub(super) const LSET: Command = Command::new("lset", 4, lset)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::LIST)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)])
    .docs(
        Group::List,
        "1.0.0",
        "O(N) where N is the number of blocks of elements to pass over; O(1) for the first and the last element.",
        "Replaces the element of a list at an index.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::new("index", ArgKind::Integer),
        Arg::new("element", ArgKind::String),
    ]);

fn lset(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let limits = limits(cx);
    let key = cx.key(&args[1]);
    let mut entry = typed::edit::<List>(&mut cx.view, &key)?.ok_or(errors::NO_SUCH_KEY)?;
    let index = arg::int(&args[2])?;
    let len = entry.aggregate::<List>().map_or(0, List::len);
    let index = index::element(index, len).ok_or(errors::INDEX_RANGE)?;
    let list = entry.aggregate_mut::<List>().expect("its type was checked");
    list.replace(index, &args[3], &limits);
    entry.changed(1);
    cx.out.ok();
    cx.notify(notify_class::LIST, "lset", key.bytes);
    Ok(())
}

/// LINSERT key BEFORE | AFTER pivot element
pub(super) const LINSERT: Command = Command::new("linsert", 5, linsert)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::LIST)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::INSERT)])
    .docs(
        Group::List,
        "2.2.0",
        "O(N) where N is the number of elements in front of the pivot.",
        "Puts an element into a list, before or after another.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::one_of("where", &[Arg::token("before", "BEFORE"), Arg::token("after", "AFTER")]),
        Arg::new("pivot", ArgKind::String),
        Arg::new("element", ArgKind::String),
    ]);

fn linsert(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let behind = match &args[2] {
        word if arg::is(word, "BEFORE") => 0,
        word if arg::is(word, "AFTER") => 1,
        _ => return Err(errors::SYNTAX),
    };
    let limits = limits(cx);
    let key = cx.key(&args[1]);
    let Some(mut entry) = typed::edit::<List>(&mut cx.view, &key)? else {
        cx.out.int(0);
        return Ok(());
    };
    let Some(pivot) = entry.aggregate::<List>().and_then(|list| list.position(&args[3])) else {
        cx.out.int(-1);
        return Ok(());
    };
    let list = entry.aggregate_mut::<List>().expect("its type was checked");
    list.insert(pivot + behind, &args[4], &limits);
    cx.out.int(list.len() as i64);
    entry.changed(1);
    cx.notify(notify_class::LIST, "linsert", key.bytes);
    Ok(())
}

/// LREM key count element
pub(super) const LREM: Command = Command::new("lrem", 4, lrem)
    .flags(flag::WRITE)
    .acl(category::LIST)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::DELETE)])
    .docs(
        Group::List,
        "1.0.0",
        "O(N+M) where N is the length of the list and M the number of removed elements.",
        "Removes elements of a value from a list, and deletes the list with its last element.",
    )
    .args(&[Arg::key("key", 0), Arg::new("count", ArgKind::Integer), Arg::new("element", ArgKind::String)]);

fn lrem(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let count = arg::symmetric_int(&args[2])?;
    let (end, max) = match usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX) {
        0 => (End::Head, usize::MAX),
        max if count < 0 => (End::Tail, max),
        max => (End::Head, max),
    };
    let limits = limits(cx);
    let key = cx.key(&args[1]);
    let Some(mut entry) = typed::edit::<List>(&mut cx.view, &key)? else {
        cx.out.int(0);
        return Ok(());
    };
    let list = entry.aggregate_mut::<List>().expect("its type was checked");
    let removed = list.remove_value(&args[3], end, max, &limits);
    entry.changed(removed as u64);
    let emptied = entry.remove_if_emptied();
    cx.out.int(removed as i64);
    if removed > 0 {
        cx.notify(notify_class::LIST, "lrem", key.bytes);
    }
    if emptied {
        cx.notify(notify_class::GENERIC, "del", key.bytes);
    }
    Ok(())
}

/// LTRIM key start stop
pub(super) const LTRIM: Command = Command::new("ltrim", 4, ltrim)
    .flags(flag::WRITE)
    .acl(category::LIST)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::DELETE)])
    .docs(
        Group::List,
        "1.0.0",
        "O(N) where N is the number of removed elements.",
        "Removes the elements at both ends of a list that are not between two indexes, and deletes the list with its last element.",
    )
    .args(&[Arg::key("key", 0), Arg::new("start", ArgKind::Integer), Arg::new("stop", ArgKind::Integer)]);

fn ltrim(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (start, stop) = (arg::int(&args[2])?, arg::int(&args[3])?);
    let limits = limits(cx);
    let key = cx.key(&args[1]);
    let Some(mut entry) = typed::edit::<List>(&mut cx.view, &key)? else {
        cx.out.ok();
        return Ok(());
    };
    let len = entry.aggregate::<List>().map_or(0, List::len);
    let (skip, kept) = index::range(start, stop, len);
    if kept < len {
        let list = entry.aggregate_mut::<List>().expect("its type was checked");
        if kept == 0 {
            list.remove(0, len, &limits);
        } else {
            list.remove(skip + kept, len, &limits);
            list.remove(0, skip, &limits);
        }
        entry.changed((len - kept) as u64);
    }
    let emptied = entry.remove_if_emptied();
    cx.out.ok();
    cx.notify(notify_class::LIST, "ltrim", key.bytes);
    if emptied {
        cx.notify(notify_class::GENERIC, "del", key.bytes);
    }
    Ok(())
}
