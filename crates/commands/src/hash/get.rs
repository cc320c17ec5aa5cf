//! HGET and its relatives: fields that are named.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag};
use redan_keyspace::{Hash, IntText, StringRef};
use redan_resp::{Args, ReplyBuf};

use super::fields::expire_met;
use crate::string::value::notify_miss;
use crate::typed;

const READ: &[KeySpec] = &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)];
const LOOK: &[KeySpec] = &[KeySpec::one(1, key_flag::RO)];

/// HGET key field
pub(super) const HGET: Command = Command::new("hget", 3, hget)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::HASH)
    .keys(READ)
    .docs(Group::Hash, "2.0.0", "O(1)", "Returns the value of a field of a hash.")
    .args(&[Arg::key("key", 0), Arg::new("field", ArgKind::String)]);

fn hget(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    with_field(cx, &args, |out, value| match value {
        Some(value) => out.bulk(value.bytes(&mut IntText::new())),
        None => out.null(),
    })
}

/// HSTRLEN key field
pub(super) const HSTRLEN: Command = Command::new("hstrlen", 3, hstrlen)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::HASH)
    .keys(LOOK)
    .docs(Group::Hash, "3.2.0", "O(1)", "Returns the length of the value of a field.")
    .args(&[Arg::key("key", 0), Arg::new("field", ArgKind::String)]);

fn hstrlen(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    with_field(cx, &args, |out, value| out.int(value.map_or(0, StringRef::len) as i64))
}

/// HEXISTS key field
pub(super) const HEXISTS: Command = Command::new("hexists", 3, hexists)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::HASH)
    .keys(LOOK)
    .docs(Group::Hash, "2.0.0", "O(1)", "Says whether a hash has a field.")
    .args(&[Arg::key("key", 0), Arg::new("field", ArgKind::String)]);

fn hexists(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    with_field(cx, &args, |out, value| out.int(value.is_some().into()))
}

/// Replies what `reply` makes of a field's value. A field whose time has come is absent, and removed.
#[inline]
fn with_field(
    cx: &mut Cx<'_, '_>,
    args: &Args<'_>,
    reply: impl FnOnce(&mut ReplyBuf, Option<StringRef<'_>>),
) -> CmdResult {
    let (key, field) = (cx.key(&args[1]), &args[2]);
    let horizon_ms = cx.view.access().horizon_ms();
    let Some(hash) = typed::read::<Hash>(&mut cx.view, &key)? else {
        reply(cx.out, None);
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let found = hash.get(field);
    let live = found.filter(|found| found.is_live(horizon_ms));
    let is_over = found.is_some() && live.is_none();
    reply(cx.out, live.map(|found| found.value));
    if is_over {
        expire_met(&mut cx.view, &key, [field]);
    }
    Ok(())
}

/// HMGET key field [field ...]
pub(super) const HMGET: Command = Command::new("hmget", -3, hmget)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::HASH)
    .keys(READ)
    .docs(
        Group::Hash,
        "2.0.0",
        "O(N) where N is the number of fields being requested.",
        "Returns the values of several fields of a hash.",
    )
    .args(&[Arg::key("key", 0), Arg::new("field", ArgKind::String).multiple()]);

fn hmget(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (key, fields) = (cx.key(&args[1]), args.skip(2));
    let horizon_ms = cx.view.access().horizon_ms();
    let hash = typed::read::<Hash>(&mut cx.view, &key)?;
    let missed = hash.is_none();
    let mut is_over = false;
    cx.out.array(fields.len());
    for field in fields.iter() {
        let found = hash.and_then(|hash| hash.get(field));
        match found.filter(|found| found.is_live(horizon_ms)) {
            Some(found) => cx.out.bulk(found.value.bytes(&mut IntText::new())),
            None => {
                is_over |= found.is_some();
                cx.out.null();
            }
        }
    }
    if is_over {
        expire_met(&mut cx.view, &key, fields.iter());
    }
    if missed {
        notify_miss(cx, key.bytes);
    }
    Ok(())
}
