//! XSETID: what a stream remembers.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
    notify_class,
};
use redan_keyspace::Stream;
use redan_keyspace::stream::StreamId;
use redan_resp::Args;

use super::{id, texts};
use crate::{arg, typed};

/// XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]
pub(super) const XSETID: Command = Command::new("xsetid", -3, xsetid)
    .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
    .acl(category::STREAM)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)])
    .docs(
        Group::Stream,
        "5.0.0",
        "O(1)",
        "Sets the last id a stream has given out. Internal, for files and replicas.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::new("last-id", ArgKind::String),
        Arg::new("entries-added", ArgKind::Integer).after("ENTRIESADDED").optional(),
        Arg::new("max-deleted-id", ArgKind::String).after("MAXDELETEDID").optional(),
    ]);

/// What is to be set beside the last id.
#[derive(Default)]
struct Given {
    entries_added: Option<u64>,
    max_deleted_id: StreamId,
}

fn parse(args: Args<'_>, last_id: StreamId) -> Result<Given, ReplyError> {
    let (mut given, mut rest) = (Given::default(), args.skip(3).iter());
    while let Some(word) = rest.next() {
        let value = rest.next().ok_or(errors::SYNTAX)?;
        if arg::is(word, "ENTRIESADDED") {
            let added = u64::try_from(arg::int(value)?).map_err(|_| texts::ENTRIES_ADDED)?;
            given.entries_added = Some(added);
        } else if arg::is(word, "MAXDELETEDID") {
            given.max_deleted_id = id::parse(value, 0)?;
            if last_id < given.max_deleted_id {
                return Err(texts::BELOW_GIVEN_DELETED);
            }
        } else {
            return Err(errors::SYNTAX);
        }
    }
    Ok(given)
}

fn xsetid(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let last_id = id::parse(&args[2], 0)?;
    let given = parse(args, last_id)?;
    let key = cx.key(&args[1]);
    let mut entry = typed::edit::<Stream>(&mut cx.view, &key)?.ok_or(errors::NO_SUCH_KEY)?;
    let log = entry.aggregate_mut::<Stream>().expect("its type was checked").log_mut();
    let before = log.counters();
    if last_id < before.max_deleted_id {
        return Err(texts::BELOW_DELETED);
    }
    if log.newest_id().is_some_and(|newest| last_id < newest) {
        return Err(texts::BELOW_NEWEST);
    }
    if given.entries_added.is_some_and(|added| added < log.len()) {
        return Err(texts::FEWER_ADDED);
    }
    let max_deleted_id = match given.max_deleted_id {
        StreamId::MIN => before.max_deleted_id,
        id => id,
    };
    log.set_counters(last_id, max_deleted_id, given.entries_added.unwrap_or(before.entries_added));
    entry.changed(1);
    cx.out.ok();
    cx.notify(notify_class::STREAM, "xsetid", key.bytes);
    Ok(())
}
