//! INCR and its relatives: strings that are numbers.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::{EntryRef, IntText, NewValue, SetTtl};
use redan_resp::{Args, LongDouble};

use super::value::{notify_stored, string_of};
use crate::arg;

const FLAGS: u32 = flag::WRITE | flag::DENYOOM | flag::FAST;
const KEYS: &[KeySpec] = &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)];

/// INCR key
pub(super) const INCR: Command = Command::new("incr", 2, incr)
    .flags(FLAGS)
    .acl(category::STRING)
    .keys(KEYS)
    .docs(Group::String, "1.0.0", "O(1)", "Adds one to the integer of a key; a missing key counts as 0.")
    .args(&[Arg::key("key", 0)]);

fn incr(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    add(cx, &args, 1)
}

/// DECR key
pub(super) const DECR: Command = Command::new("decr", 2, decr)
    .flags(FLAGS)
    .acl(category::STRING)
    .keys(KEYS)
    .docs(Group::String, "1.0.0", "O(1)", "Takes one from the integer of a key; a missing key counts as 0.")
    .args(&[Arg::key("key", 0)]);

fn decr(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    add(cx, &args, -1)
}

/// INCRBY key increment
pub(super) const INCRBY: Command = Command::new("incrby", 3, incrby)
    .flags(FLAGS)
    .acl(category::STRING)
    .keys(KEYS)
    .docs(Group::String, "1.0.0", "O(1)", "Adds to the integer of a key; a missing key counts as 0.")
    .args(&[Arg::key("key", 0), Arg::new("increment", ArgKind::Integer)]);

fn incrby(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let by = arg::int(&args[2])?;
    add(cx, &args, by)
}

/// DECRBY key decrement
pub(super) const DECRBY: Command = Command::new("decrby", 3, decrby)
    .flags(FLAGS)
    .acl(category::STRING)
    .keys(KEYS)
    .docs(Group::String, "1.0.0", "O(1)", "Takes from the integer of a key; a missing key counts as 0.")
    .args(&[Arg::key("key", 0), Arg::new("decrement", ArgKind::Integer)]);

fn decrby(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let by = arg::int(&args[2])?.checked_neg().ok_or(errors::DECREMENT_OVERFLOW)?;
    add(cx, &args, by)
}

#[inline]
fn add(cx: &mut Cx<'_, '_>, args: &Args<'_>, by: i64) -> CmdResult {
    let key = cx.key(&args[1]);
    let (sum, existed) = match cx.view.edit(&key) {
        Some(mut entry) => {
            let value = string_of(entry.entry())?.as_int().ok_or(errors::NOT_INTEGER)?;
            let sum = value.checked_add(by).ok_or(errors::OVERFLOW)?;
            entry.set_int(sum);
            (sum, true)
        }
        None => {
            cx.view.set(&key, NewValue::Int(by), SetTtl::Clear);
            (by, false)
        }
    };
    cx.out.int(sum);
    notify_stored(cx, key.bytes, existed, "incrby");
    Ok(())
}

/// INCRBYFLOAT key increment
pub(super) const INCRBYFLOAT: Command = Command::new("incrbyfloat", 3, incrbyfloat)
    .flags(FLAGS)
    .acl(category::STRING)
    .keys(KEYS)
    .docs(
        Group::String,
        "2.6.0",
        "O(1)",
        "Adds to the floating point number of a key; a missing key counts as 0.",
    )
    .args(&[Arg::key("key", 0), Arg::new("increment", ArgKind::Double)]);

fn incrbyfloat(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let old = cx.view.peek(&key).map(float_of).transpose()?;
    let by = LongDouble::parse(&args[2]).ok_or(errors::NOT_FLOAT)?;
    let sum = old.map_or(by, |old| old + by);
    if !sum.is_finite() {
        return Err(errors::NAN_OR_INFINITY);
    }
    let mut text = Vec::new();
    sum.format(&mut text);
    cx.view.set(&key, NewValue::Text(&text), SetTtl::Keep);
    cx.out.bulk(&text);
    // As its result: another machine's arithmetic or formatting must not make a difference.
    cx.propagate(&[b"SET", key.bytes, &text, b"KEEPTTL"]);
    notify_stored(cx, key.bytes, old.is_some(), "incrbyfloat");
    Ok(())
}

fn float_of(entry: EntryRef<'_>) -> Result<LongDouble, ReplyError> {
    LongDouble::parse(string_of(entry)?.bytes(&mut IntText::new())).ok_or(errors::NOT_FLOAT)
}

#[cfg(test)]
mod tests;
