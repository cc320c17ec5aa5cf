//! HINCRBY and HINCRBYFLOAT: values that are numbers.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::{FieldRef, Hash, IntText, Key, SetTtl};
use redan_resp::{Args, LongDouble};

use super::fields::hash_of;
use super::set::notify_set;
use crate::{arg, typed};

const FLAGS: u32 = flag::WRITE | flag::DENYOOM | flag::FAST;
const KEYS: &[KeySpec] = &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)];

const VALUE_NOT_INTEGER: ReplyError = ReplyError::fixed("ERR hash value is not an integer");
const VALUE_NOT_FLOAT: ReplyError = ReplyError::fixed("ERR hash value is not a float");
const INFINITE: ReplyError = ReplyError::fixed("ERR value is NaN or Infinity");

/// HINCRBY key field increment
pub(super) const HINCRBY: Command = Command::new("hincrby", 4, hincrby)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(KEYS)
    .docs(Group::Hash, "2.0.0", "O(1)", "Adds to the integer of a field; a missing field counts as 0.")
    .args(&[Arg::key("key", 0), Arg::new("field", ArgKind::String), Arg::new("increment", ArgKind::Integer)]);

fn hincrby(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let by = arg::int(&args[3])?;
    let (key, field) = (cx.key(&args[1]), &args[2]);
    let old = with_current(cx, &key, field, |current| {
        current.map_or(Ok(0), |found| found.value.as_int().ok_or(VALUE_NOT_INTEGER))
    })?;
    let sum = old.checked_add(by).ok_or(errors::OVERFLOW)?;
    store(cx, &key, field, IntText::new().format(sum), "hincrby")?;
    cx.out.int(sum);
    Ok(())
}

/// HINCRBYFLOAT key field increment
pub(super) const HINCRBYFLOAT: Command = Command::new("hincrbyfloat", 4, hincrbyfloat)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(KEYS)
    .docs(
        Group::Hash,
        "2.6.0",
        "O(1)",
        "Adds to the floating point number of a field; a missing field counts as 0.",
    )
    .args(&[Arg::key("key", 0), Arg::new("field", ArgKind::String), Arg::new("increment", ArgKind::Double)]);

fn hincrbyfloat(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let by = LongDouble::parse(&args[3]).ok_or(errors::NOT_FLOAT)?;
    if !by.is_finite() {
        return Err(INFINITE);
    }
    let (key, field) = (cx.key(&args[1]), &args[2]);
    let (sum, is_timed) = with_current(cx, &key, field, |current| {
        let Some(found) = current else { return Ok((by, false)) };
        let old = LongDouble::parse(found.value.bytes(&mut IntText::new())).ok_or(VALUE_NOT_FLOAT)?;
        Ok((old + by, found.expire_at_ms.is_some()))
    })?;
    if !sum.is_finite() {
        return Err(errors::NAN_OR_INFINITY);
    }
    let mut text = Vec::new();
    sum.format(&mut text);
    store(cx, &key, field, &text, "hincrbyfloat")?;
    cx.out.bulk(&text);
    // As its result: another machine's arithmetic or formatting must not make a difference. HSET would drop the expiry.
    if is_timed {
        cx.propagate(&[b"HSETEX", key.bytes, b"KEEPTTL", b"FIELDS", b"1", field, &text]);
    } else {
        cx.propagate(&[b"HSET", key.bytes, field, &text]);
    }
    Ok(())
}

/// Shows the field as it is, once it was removed if its time has come.
fn with_current<T>(
    cx: &mut Cx<'_, '_>,
    key: &Key<'_>,
    field: &[u8],
    show: impl FnOnce(Option<FieldRef<'_>>) -> Result<T, ReplyError>,
) -> Result<T, ReplyError> {
    let horizon_ms = cx.view.access().horizon_ms();
    let entry = typed::edit::<Hash>(&mut cx.view, key)?.and_then(|entry| entry.expire_fields([field]));
    let hash = entry.as_ref().and_then(|entry| entry.aggregate::<Hash>());
    show(hash.and_then(|hash| hash.get(field)).filter(|found| found.is_live(horizon_ms)))
}

/// Stores the result; the field keeps its expiry.
fn store(cx: &mut Cx<'_, '_>, key: &Key<'_>, field: &[u8], value: &[u8], event: &'static str) -> CmdResult {
    let limits = cx.view.keyspace().limits();
    let (mut entry, new_key) = typed::edit_or_create::<Hash>(&mut cx.view, key)?;
    hash_of(&mut entry).set(field, value, SetTtl::Keep, limits);
    entry.changed(1);
    notify_set(cx, key.bytes, new_key, event);
    Ok(())
}
