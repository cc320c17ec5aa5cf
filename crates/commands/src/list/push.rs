//! LPUSH, RPUSH, LPUSHX, RPUSHX: new elements at the ends.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, Handler, KeySpec, category, flag, key_flag, notify_class,
};
use redan_keyspace::{Aggregate, End, List};
use redan_resp::Args;

use super::{limits, pushed_to};
use crate::typed;

const fn row(name: &'static str, handler: Handler, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, -3, handler)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(category::LIST)
        .keys(const { &[KeySpec::one(1, key_flag::RW | key_flag::INSERT)] })
        .docs(Group::List, since, "O(N) where N is the number of elements to add.", summary)
        .args(const { &[Arg::key("key", 0), Arg::new("element", ArgKind::String).multiple()] })
}

/// LPUSH key element [element ...]
pub(super) const LPUSH: Command = row(
    "lpush",
    |cx, args| push(cx, args, End::Head),
    "1.0.0",
    "Puts elements in front of a list, one after the other. Creates the list if it is missing.",
);

/// RPUSH key element [element ...]
pub(super) const RPUSH: Command = row(
    "rpush",
    |cx, args| push(cx, args, End::Tail),
    "1.0.0",
    "Puts elements at the end of a list, one after the other. Creates the list if it is missing.",
);

/// LPUSHX key element [element ...]
pub(super) const LPUSHX: Command = row(
    "lpushx",
    |cx, args| push_existing(cx, args, End::Head),
    "2.2.0",
    "Puts elements in front of a list, one after the other, if the list exists.",
);

/// RPUSHX key element [element ...]
pub(super) const RPUSHX: Command = row(
    "rpushx",
    |cx, args| push_existing(cx, args, End::Tail),
    "2.2.0",
    "Puts elements at the end of a list, one after the other, if the list exists.",
);

fn push(cx: &mut Cx<'_, '_>, args: Args<'_>, end: End) -> CmdResult {
    let limits = limits(cx);
    let key = cx.key(&args[1]);
    let (mut entry, created) = typed::edit_or_create::<List>(&mut cx.view, &key)?;
    let list = entry.aggregate_mut::<List>().expect("its type was checked");
    let values = args.skip(2);
    list.push(end, values.iter(), &limits);
    cx.out.int(list.len() as i64);
    entry.changed(values.len() as u64);
    if created {
        cx.notify(notify_class::NEW, "new", key.bytes);
    }
    cx.notify(notify_class::LIST, pushed_to(end), key.bytes);
    Ok(())
}

fn push_existing(cx: &mut Cx<'_, '_>, args: Args<'_>, end: End) -> CmdResult {
    let key = cx.key(&args[1]);
    if typed::edit::<List>(&mut cx.view, &key)?.is_none() {
        cx.out.int(0);
        return Ok(());
    }
    push(cx, args, end)
}
