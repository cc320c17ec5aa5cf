//! LMOVE and RPOPLPUSH: an element from one list to another.

use redan_engine::{
    Arg, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, flag, key_flag, notify_class,
};
use redan_keyspace::{End, Key, List, StringRef};
use redan_resp::Args;

use super::{ENDS, end, limits, notify_popped, pushed_to};
use crate::typed;

/// The keys of commands that move an element.
pub(super) const KEYS: &[KeySpec] = &[
    KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
    KeySpec::one(2, key_flag::RW | key_flag::INSERT),
];

/// LMOVE source destination LEFT | RIGHT LEFT | RIGHT
pub(super) const LMOVE: Command = Command::new("lmove", 5, lmove)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::LIST)
    .keys(KEYS)
    .docs(
        Group::List,
        "6.2.0",
        "O(1)",
        "Takes an element from an end of a list and puts it to an end of another, or of the same. Deletes the first list with its last element.",
    )
    .args(&[
        Arg::key("source", 0),
        Arg::key("destination", 1),
        Arg::one_of("wherefrom", ENDS),
        Arg::one_of("whereto", ENDS),
    ]);

fn lmove(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to) = (end(&args[3])?, end(&args[4])?);
    reply_moved(cx, args, from, to)
}

/// RPOPLPUSH source destination
pub(super) const RPOPLPUSH: Command = Command::new("rpoplpush", 3, rpoplpush)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::LIST)
    .keys(KEYS)
    .docs(
        Group::List,
        "1.2.0",
        "O(1)",
        "Takes the last element of a list and puts it in front of another. Deletes the first list with its last element.",
    )
    .deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")
    .args(&[Arg::key("source", 0), Arg::key("destination", 1)]);

fn rpoplpush(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_moved(cx, args, End::Tail, End::Head)
}

fn reply_moved(cx: &mut Cx<'_, '_>, args: Args<'_>, from: End, to: End) -> CmdResult {
    if !try_move(cx, &args[1], &args[2], from, to)? {
        cx.out.null();
    }
    Ok(())
}

/// Moves an element and replies it; false if the source is not there.
///
/// # Errors
/// `WRONGTYPE`.
pub(super) fn try_move(
    cx: &mut Cx<'_, '_>,
    source: &[u8],
    destination: &[u8],
    from: End,
    to: End,
) -> Result<bool, ReplyError> {
    let limits = limits(cx);
    let (source, destination) = (cx.key(source), cx.key(destination));
    let Some(entry) = typed::edit::<List>(&mut cx.view, &source)? else { return Ok(false) };
    let list = entry.aggregate::<List>().expect("its type was checked");
    let moved = list.peek(from).expect("no list is empty").to_vec();
    if source.bytes == destination.bytes {
        rotate(cx, source.bytes, &moved, from, to)?;
        return Ok(true);
    }
    let (mut entry, created) = typed::edit_or_create::<List>(&mut cx.view, &destination)?;
    let list = entry.aggregate_mut::<List>().expect("its type was checked");
    list.push(to, [&moved[..]], &limits);
    entry.changed(1);
    if created {
        cx.notify(notify_class::NEW, "new", destination.bytes);
    }
    cx.notify(notify_class::LIST, pushed_to(to), destination.bytes);
    cx.out.bulk(&moved);
    remove_moved(cx, &source, from)?;
    Ok(true)
}

/// Removes the element that was moved, which was counted as a change already.
fn remove_moved(cx: &mut Cx<'_, '_>, source: &Key<'_>, from: End) -> CmdResult {
    let limits = limits(cx);
    let Some(mut entry) = typed::edit::<List>(&mut cx.view, source)? else { return Ok(()) };
    let list = entry.aggregate_mut::<List>().expect("its type was checked");
    list.pop(from, 1, &limits);
    entry.changed_along();
    let emptied = entry.remove_if_emptied();
    notify_popped(cx, source, from, emptied);
    Ok(())
}

/// Moves an element within its list, which never is empty so.
fn rotate(cx: &mut Cx<'_, '_>, key: &[u8], moved: &[u8], from: End, to: End) -> CmdResult {
    let limits = limits(cx);
    let key = cx.key(key);
    let Some(mut entry) = typed::edit::<List>(&mut cx.view, &key)? else { return Ok(()) };
    let list = entry.aggregate_mut::<List>().expect("its type was checked");
    list.pop(from, 1, &limits);
    list.push(to, [StringRef::Bytes(moved)], &limits);
    entry.changed(1);
    cx.notify(notify_class::LIST, pushed_to(to), key.bytes);
    cx.out.bulk(moved);
    notify_popped(cx, &key, from, false);
    Ok(())
}
