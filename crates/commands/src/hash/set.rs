//! HSET, HMSET, HSETNX, HDEL: fields written and removed.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, flag, key_flag, notify_class,
};
use redan_keyspace::{Hash, SetTtl};
use redan_resp::Args;

use super::fields::{finish_removal, hash_of};
use crate::typed;

const FLAGS: u32 = flag::WRITE | flag::DENYOOM | flag::FAST;
const UPDATE: &[KeySpec] = &[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)];
const PAIRS: Arg =
    Arg::block("data", &[Arg::new("field", ArgKind::String), Arg::new("value", ArgKind::String)]).multiple();

/// HSET key field value [field value ...]
pub(super) const HSET: Command = Command::new("hset", -4, hset)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(UPDATE)
    .docs(
        Group::Hash,
        "2.0.0",
        "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called with multiple field/value pairs.",
        "Sets the values of fields of a hash, which is created if need be.",
    )
    .args(&[Arg::key("key", 0), PAIRS]);

fn hset(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let created = set_pairs(cx, &args)?;
    cx.out.int(created as i64);
    Ok(())
}

/// HMSET key field value [field value ...]
pub(super) const HMSET: Command = Command::new("hmset", -4, hmset)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(UPDATE)
    .docs(
        Group::Hash,
        "2.0.0",
        "O(N) where N is the number of fields being set.",
        "Sets the values of fields of a hash, which is created if need be.",
    )
    .deprecated("4.0.0", "`HSET` with multiple field-value pairs")
    .args(&[Arg::key("key", 0), PAIRS]);

fn hmset(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_pairs(cx, &args)?;
    cx.out.ok();
    Ok(())
}

/// Sets fields, and says how many of them are new.
#[inline]
fn set_pairs(cx: &mut Cx<'_, '_>, args: &Args<'_>) -> Result<usize, ReplyError> {
    let pairs = args.skip(2);
    if !pairs.len().is_multiple_of(2) {
        return Err(cx.arity_error());
    }
    let key = cx.key(&args[1]);
    let limits = cx.view.keyspace().limits();
    let (mut entry, new_key) = typed::edit_or_create::<Hash>(&mut cx.view, &key)?;
    let hash = hash_of(&mut entry);
    hash.expect_fields(pairs.len() / 2, limits);
    let (mut created, mut words) = (0, pairs.iter());
    while let (Some(field), Some(value)) = (words.next(), words.next()) {
        created += usize::from(hash.set(field, value, SetTtl::Clear, limits));
    }
    entry.changed((pairs.len() / 2) as u64);
    notify_set(cx, key.bytes, new_key, "hset");
    Ok(created)
}

/// The events of a hash in which a field was set.
#[inline]
pub(super) fn notify_set(cx: &mut Cx<'_, '_>, key: &[u8], new_key: bool, event: &'static str) {
    if new_key {
        cx.notify(notify_class::NEW, "new", key);
    }
    cx.notify(notify_class::HASH, event, key);
}

/// HSETNX key field value
pub(super) const HSETNX: Command = Command::new("hsetnx", 4, hsetnx)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::INSERT)])
    .docs(Group::Hash, "2.0.0", "O(1)", "Sets the value of a field of a hash, unless the field is there.")
    .args(&[Arg::key("key", 0), Arg::new("field", ArgKind::String), Arg::new("value", ArgKind::String)]);

fn hsetnx(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (key, field) = (cx.key(&args[1]), &args[2]);
    let horizon_ms = cx.view.access().horizon_ms();
    let limits = cx.view.keyspace().limits();
    if let Some(entry) = typed::edit::<Hash>(&mut cx.view, &key)?
        && let Some(entry) = entry.expire_fields([field])
        && entry.aggregate::<Hash>().is_some_and(|hash| hash.value(field, horizon_ms).is_some())
    {
        cx.out.int(0);
        return Ok(());
    }
    let (mut entry, new_key) = typed::edit_or_create::<Hash>(&mut cx.view, &key)?;
    hash_of(&mut entry).set(field, &args[3], SetTtl::Clear, limits);
    entry.changed(1);
    cx.out.int(1);
    notify_set(cx, key.bytes, new_key, "hset");
    Ok(())
}

/// HDEL key field [field ...]
///
/// Removes fields whose time has come like others.
pub(super) const HDEL: Command = Command::new("hdel", -3, hdel)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::HASH)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::DELETE)])
    .docs(
        Group::Hash,
        "2.0.0",
        "O(N) where N is the number of fields to be removed.",
        "Removes fields from a hash, which is deleted with its last one.",
    )
    .args(&[Arg::key("key", 0), Arg::new("field", ArgKind::String).multiple()]);

fn hdel(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let Some(mut entry) = typed::edit::<Hash>(&mut cx.view, &key)? else {
        cx.out.int(0);
        return Ok(());
    };
    let hash = hash_of(&mut entry);
    let removed = args.skip(2).iter().filter(|field| hash.remove(field)).count();
    entry.changed(removed as u64);
    let emptied = entry.remove_if_emptied();
    finish_removal(cx, &key, removed, emptied);
    cx.out.int(removed as i64);
    Ok(())
}
