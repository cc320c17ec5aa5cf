//! XDEL, XDELEX and XACKDEL: entries by their ids.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
    notify_class,
};
use redan_keyspace::Stream;
use redan_keyspace::stream::{References, StreamId};
use redan_resp::Args;

use super::options::{REFERENCES_SYNTAX, references};
use super::{id, texts};
use crate::{arg, typed};

/// XDEL key id [id ...]
pub(super) const XDEL: Command = Command::new("xdel", -3, xdel)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::STREAM)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::DELETE)])
    .docs(
        Group::Stream,
        "5.0.0",
        "O(1) for each entry.",
        "Deletes entries of a stream and returns how many were there.",
    )
    .args(&[Arg::key("key", 0), Arg::new("ID", ArgKind::String).multiple()]);

fn xdel(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let Some(mut entry) = typed::edit::<Stream>(&mut cx.view, &key)? else {
        cx.out.int(0);
        return Ok(());
    };
    let ids = id::parse_all(args.skip(2))?;
    let log = entry.aggregate_mut::<Stream>().expect("its type was checked").log_mut();
    let deleted = ids.iter().filter(|id| log.delete(**id)).count();
    entry.changed(deleted as u64);
    cx.out.int(deleted as i64);
    if deleted > 0 {
        cx.notify(notify_class::STREAM, "xdel", key.bytes);
    }
    Ok(())
}

const IDS_SYNTAX: Arg =
    Arg::block("ids", &[Arg::new("numids", ArgKind::Integer), Arg::new("id", ArgKind::String).multiple()])
        .after("IDS");

/// XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id ...]
pub(super) const XDELEX: Command = Command::new("xdelex", -5, xdelex)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::STREAM)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::DELETE)])
    .docs(
        Group::Stream,
        "8.2.0",
        "O(1) for each entry.",
        "Deletes entries of a stream, minding the groups that know them.",
    )
    .args(&[Arg::key("key", 0), REFERENCES_SYNTAX, IDS_SYNTAX]);

/// XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...]
pub(super) const XACKDEL: Command = Command::new("xackdel", -6, xackdel)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::STREAM)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::DELETE)])
    .docs(
        Group::Stream,
        "8.2.0",
        "O(1) for each entry.",
        "Acknowledges entries for a group and deletes them, minding the other groups that know them.",
    )
    .args(&[Arg::key("key", 0), Arg::new("group", ArgKind::String), REFERENCES_SYNTAX, IDS_SYNTAX]);

/// What became of one entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is not there (XDELEX), or was not pending (XACKDEL).
    Unknown = -1,
    /// It is deleted.
    Deleted = 1,
    /// It stays because groups still need it.
    Needed = 2,
}

/// Reads what follows the key, or the key and the group.
fn parse(args: Args<'_>) -> Result<(References, Vec<StreamId>), ReplyError> {
    let (mut given, mut ids, mut at) = (None, None, 0);
    while let Some(word) = args.get(at) {
        if let Some(references) = references(word) {
            if given.replace(references).is_some() {
                return Err(texts::TWO_REFERENCES);
            }
            at += 1;
        } else if arg::is(word, "IDS") && ids.is_none() {
            let number = args.get(at + 1).ok_or(errors::SYNTAX)?;
            let number = arg::int(number).ok().and_then(|number| usize::try_from(number).ok());
            let number = number.filter(|number| *number > 0).ok_or(texts::NUMIDS_INVALID)?;
            let listed = args.skip(at + 2).take(number);
            if listed.len() != number {
                return Err(texts::NUMIDS_MISMATCH);
            }
            ids = Some(id::parse_all(listed)?);
            at += 2 + number;
        } else {
            return Err(errors::SYNTAX);
        }
    }
    Ok((given.unwrap_or_default(), ids.ok_or(errors::SYNTAX)?))
}

/// Deletes an entry as far as `references` allows, and says what became of it; the flag says whether anything changed.
fn delete(stream: &mut Stream, id: StreamId, references: References) -> (Fate, bool) {
    let forgotten = references == References::Delete && stream.forget_pending(id);
    if !stream.log().contains(id) {
        return (Fate::Unknown, forgotten);
    }
    if references == References::Acknowledged && stream.is_needed(id) {
        return (Fate::Needed, false);
    }
    stream.log_mut().delete(id);
    (Fate::Deleted, true)
}

fn xdelex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (references, ids) = parse(args.skip(2))?;
    let key = cx.key(&args[1]);
    cx.out.array(ids.len());
    let Some(mut entry) = typed::edit::<Stream>(&mut cx.view, &key)? else {
        ids.iter().for_each(|_| cx.out.int(Fate::Unknown as i64));
        return Ok(());
    };
    let stream = entry.aggregate_mut::<Stream>().expect("its type was checked");
    let (mut changes, mut deleted) = (0, false);
    for id in ids {
        let (fate, changed) = delete(stream, id, references);
        changes += u64::from(changed);
        deleted |= fate == Fate::Deleted;
        cx.out.int(fate as i64);
    }
    entry.changed(changes);
    if deleted {
        cx.notify(notify_class::STREAM, "xdel", key.bytes);
    }
    Ok(())
}

fn xackdel(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (references, ids) = parse(args.skip(3))?;
    let (key, group_name) = (cx.key(&args[1]), &args[2]);
    cx.out.array(ids.len());
    let mut entry = typed::edit::<Stream>(&mut cx.view, &key)?;
    let stream = entry.as_mut().and_then(|entry| entry.aggregate_mut::<Stream>());
    let Some(stream) = stream.filter(|stream| stream.group(group_name).is_some()) else {
        ids.iter().for_each(|_| cx.out.int(Fate::Unknown as i64));
        return Ok(());
    };
    let (mut changes, mut deleted) = (0, false);
    for id in ids {
        let group = stream.group_mut(group_name).expect("it was there a moment ago");
        if group.acknowledge(id).is_none() {
            cx.out.int(Fate::Unknown as i64);
            continue;
        }
        changes += 1;
        // An entry that was deleted before counts as deleted: it was acknowledged, and nothing is left of it.
        let (fate, _) = delete(stream, id, references);
        deleted |= fate == Fate::Deleted;
        cx.out.int(if fate == Fate::Needed { Fate::Needed } else { Fate::Deleted } as i64);
    }
    if let Some(mut entry) = entry {
        entry.changed(changes);
    }
    if deleted {
        cx.notify(notify_class::STREAM, "xdel", key.bytes);
    }
    Ok(())
}
