//! APPEND, STRLEN, SETRANGE, GETRANGE, SUBSTR: parts of strings.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag};
use redan_keyspace::{IntText, NewValue, SetTtl};
use redan_resp::Args;

use super::value::{check_length, longest, notify_miss, notify_stored, string_of};
use crate::arg;

/// APPEND key value
pub(super) const APPEND: Command = Command::new("append", 3, append)
    .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::INSERT)])
    .docs(
        Group::String,
        "2.0.0",
        "O(N) where N is the length of the appended string, amortized over many calls.",
        "Appends to the string of a key; a missing key counts as empty.",
    )
    .args(&[Arg::key("key", 0), Arg::new("value", ArgKind::String)]);

fn append(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (key, tail) = (cx.key(&args[1]), &args[2]);
    let longest = longest(cx);
    let (len, existed) = match cx.view.edit(&key) {
        Some(mut entry) => {
            check_length(string_of(entry.entry())?.len(), tail.len(), longest)?;
            (entry.append(tail), true)
        }
        None => {
            cx.view.set(&key, NewValue::Bytes(tail), SetTtl::Clear);
            (tail.len(), false)
        }
    };
    cx.out.int(len as i64);
    notify_stored(cx, key.bytes, existed, "append");
    Ok(())
}

/// STRLEN key
pub(super) const STRLEN: Command = Command::new("strlen", 2, strlen)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::RO)])
    .docs(Group::String, "2.2.0", "O(1)", "Returns the length of the string of a key.")
    .args(&[Arg::key("key", 0)]);

fn strlen(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    match cx.view.get(&key) {
        Some(entry) => cx.out.int(string_of(entry)?.len() as i64),
        None => {
            cx.out.int(0);
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

/// SETRANGE key offset value
pub(super) const SETRANGE: Command = Command::new("setrange", 4, setrange)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)])
    .docs(
        Group::String,
        "2.2.0",
        "O(N) where N is the length of the value, and of what is filled up in front of it.",
        "Overwrites a part of the string of a key, which is filled up with zero bytes if it is too short.",
    )
    .args(&[Arg::key("key", 0), Arg::new("offset", ArgKind::Integer), Arg::new("value", ArgKind::String)]);

fn setrange(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let offset = usize::try_from(arg::int(&args[2])?).map_err(|_| errors::OFFSET_RANGE)?;
    let (key, value) = (cx.key(&args[1]), &args[3]);
    let present = cx.view.peek(&key).map(string_of).transpose()?.map(|string| string.len());
    if value.is_empty() {
        cx.out.int(present.unwrap_or(0) as i64);
        return Ok(());
    }
    check_length(offset, value.len(), longest(cx))?;
    let (mut entry, created) = cx.view.edit_or_insert(&key, NewValue::Text(b""));
    let len = entry.set_range(offset, value);
    cx.out.int(len as i64);
    notify_stored(cx, key.bytes, !created, "setrange");
    Ok(())
}

const GETRANGE_ARGS: &[Arg] =
    &[Arg::key("key", 0), Arg::new("start", ArgKind::Integer), Arg::new("end", ArgKind::Integer)];

/// GETRANGE key start end
pub(super) const GETRANGE: Command = Command::new("getrange", 4, getrange)
    .flags(flag::READONLY)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::String,
        "2.4.0",
        "O(N) where N is the length of the returned part.",
        "Returns a part of the string of a key.",
    )
    .args(GETRANGE_ARGS);

/// SUBSTR key start end
pub(super) const SUBSTR: Command = Command::new("substr", 4, getrange)
    .flags(flag::READONLY)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::String,
        "1.0.0",
        "O(N) where N is the length of the returned part.",
        "Returns a part of the string of a key.",
    )
    .deprecated("2.0.0", "`GETRANGE`")
    .args(GETRANGE_ARGS);

fn getrange(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (start, end) = (arg::int(&args[2])?, arg::int(&args[3])?);
    let key = cx.key(&args[1]);
    match cx.view.get(&key) {
        Some(entry) => {
            let mut text = IntText::new();
            cx.out.bulk(slice(string_of(entry)?.bytes(&mut text), start, end));
        }
        None => {
            cx.out.bulk(b"");
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

/// The bytes from `start` to `end`, both included, both counted from the end when negative and cut to the string.
fn slice(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    // An end before the string's start means its first byte; only a range that is empty as it is written stays empty.
    if start < 0 && end < 0 && start > end {
        return b"";
    }
    let len = bytes.len() as i64;
    let place = |index: i64| if index < 0 { (len + index).max(0) } else { index };
    let (start, end) = (place(start), place(end).min(len - 1));
    if start > end { b"" } else { &bytes[start as usize..=end as usize] }
}

#[cfg(test)]
mod tests;
