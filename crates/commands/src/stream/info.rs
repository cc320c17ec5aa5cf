//! XINFO: what there is to know about a stream.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::Stream;
use redan_keyspace::stream::{self, Consumer, Pending, StreamId};
use redan_resp::{Args, ReplyBuf};

use super::range::{reply_entries, reply_entry};
use super::{id, texts};
use crate::string::value::notify_miss;
use crate::{arg, typed};

const KEYS: &[KeySpec] = &[KeySpec::one(2, key_flag::RO | key_flag::ACCESS)];

/// XINFO
pub(super) const XINFO: Command = Command::new("xinfo", -2, crate::container)
    .docs(Group::Stream, "5.0.0", "Depends on subcommand.", "A container for commands that describe streams.")
    .subcommands(&[
        Command::new("consumers", 4, consumers)
            .flags(flag::READONLY)
            .acl(category::STREAM)
            .keys(KEYS)
            .docs(Group::Stream, "5.0.0", "O(N) for N consumers.", "Returns the consumers of a group.")
            .tips(&["nondeterministic_output"])
            .args(&[Arg::key("key", 0), Arg::new("group", ArgKind::String)]),
        Command::new("groups", 3, groups)
            .flags(flag::READONLY)
            .acl(category::STREAM)
            .keys(KEYS)
            .docs(Group::Stream, "5.0.0", "O(N) for N groups.", "Returns the consumer groups of a stream.")
            .args(&[Arg::key("key", 0)]),
        Command::new("help", 2, help).flags(flag::LOADING | flag::STALE).acl(category::STREAM).docs(
            Group::Stream,
            "5.0.0",
            "O(1)",
            "Returns what the subcommands do.",
        ),
        Command::new("stream", -3, stream)
            .flags(flag::READONLY)
            .acl(category::STREAM)
            .keys(KEYS)
            .docs(
                Group::Stream,
                "5.0.0",
                "O(1), or O(N) for N entries of a full answer.",
                "Returns facts about a stream.",
            )
            .args(&[
                Arg::key("key", 0),
                Arg::block(
                    "full-block",
                    &[
                        Arg::token("full", "FULL"),
                        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
                    ],
                )
                .optional(),
            ]),
    ]);

/// Replies something about a stream, which has to be there.
fn describe(
    cx: &mut Cx<'_, '_>,
    args: Args<'_>,
    reply: impl FnOnce(&mut ReplyBuf, &Stream, i64) -> CmdResult,
) -> CmdResult {
    let key = cx.key(&args[2]);
    match typed::read::<Stream>(&mut cx.view, &key)? {
        Some(stream) => reply(cx.out, stream, cx.now_ms),
        None => {
            notify_miss(cx, key.bytes);
            Err(errors::NO_SUCH_KEY)
        }
    }
}

fn name(out: &mut ReplyBuf, field: &str) {
    out.bulk(field.as_bytes());
}

fn int(out: &mut ReplyBuf, field: &str, value: i64) {
    name(out, field);
    out.int(value);
}

fn int_or_null(out: &mut ReplyBuf, field: &str, value: Option<i64>) {
    name(out, field);
    match value {
        Some(value) => out.int(value),
        None => out.null(),
    }
}

fn id_of(out: &mut ReplyBuf, field: &str, value: StreamId) {
    name(out, field);
    id::reply(out, value);
}

fn bulk(out: &mut ReplyBuf, field: &str, value: &[u8]) {
    name(out, field);
    out.bulk(value);
}

fn consumers(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    describe(cx, args, |out, stream, now_ms| {
        let group = stream.group(&args[3]).ok_or_else(|| texts::no_group(&args[2], &args[3]))?;
        let consumers = group.consumers();
        out.array(consumers.len());
        for consumer in consumers {
            let inactive_ms = match consumer.active_ms {
                -1 => -1,
                active_ms => now_ms.saturating_sub(active_ms).max(0),
            };
            out.map(4);
            bulk(out, "name", consumer.name());
            int(out, "pending", consumer.pending().len() as i64);
            int(out, "idle", now_ms.saturating_sub(consumer.seen_ms).max(0));
            int(out, "inactive", inactive_ms);
        }
        Ok(())
    })
}

fn groups(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    describe(cx, args, |out, stream, _| {
        let groups = stream.groups();
        out.array(groups.len());
        for (group_name, group) in groups {
            out.map(6);
            bulk(out, "name", group_name);
            int(out, "consumers", group.consumers().len() as i64);
            int(out, "pending", group.pending().len() as i64);
            id_of(out, "last-delivered-id", group.last_id);
            progress(out, stream, group);
        }
        Ok(())
    })
}

/// How far a group has read.
fn progress(out: &mut ReplyBuf, stream: &Stream, group: &stream::Group) {
    int_or_null(out, "entries-read", group.entries_read.map(|read| read as i64));
    int_or_null(out, "lag", stream.log().counters().lag(group));
}

/// How much of everything XINFO STREAM shows: `None` for the short form.
fn parse_full(args: Args<'_>) -> Result<Option<usize>, ReplyError> {
    /// Unless COUNT says otherwise.
    const DEFAULT: usize = 10;
    let wrong = || errors::unknown_subcommand_or_arity("xinfo", &args[1]);
    let options = args.skip(3);
    match options.len() {
        0 => Ok(None),
        1 | 3 if !arg::is(&options[0], "FULL") => Err(wrong()),
        1 => Ok(Some(DEFAULT)),
        3 if arg::is(&options[1], "COUNT") => Ok(Some(match arg::int(&options[2])? {
            ..0 => DEFAULT,
            0 => usize::MAX,
            count => count as usize,
        })),
        _ => Err(wrong()),
    }
}

fn stream(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    describe(cx, args, |out, stream, _| {
        let full = parse_full(args)?;
        let (log, counters) = (stream.log(), stream.log().counters());
        out.map(if full.is_some() { 9 } else { 10 });
        int(out, "length", counters.len as i64);
        // Nodes are not in a tree here; they are told as the leaves of one with a single inner node.
        int(out, "radix-tree-keys", log.node_count() as i64);
        int(out, "radix-tree-nodes", log.node_count() as i64 + 1);
        id_of(out, "last-generated-id", counters.last_id);
        id_of(out, "max-deleted-entry-id", counters.max_deleted_id);
        int(out, "entries-added", counters.entries_added as i64);
        id_of(out, "recorded-first-entry-id", counters.first_id);
        let Some(count) = full else {
            int(out, "groups", stream.groups().len() as i64);
            let ends = [
                ("first-entry", log.range(StreamId::MIN, StreamId::MAX).next()),
                ("last-entry", log.range_back(StreamId::MIN, StreamId::MAX).next()),
            ];
            for (field, entry) in ends {
                name(out, field);
                match entry {
                    Some(entry) => reply_entry(out, &entry),
                    None => out.null(),
                }
            }
            return Ok(());
        };
        name(out, "entries");
        reply_entries(out, log.range(StreamId::MIN, StreamId::MAX).take(count));
        name(out, "groups");
        let groups = stream.groups();
        out.array(groups.len());
        for (group_name, group) in groups {
            full_group(out, stream, (group_name, group), count);
        }
        Ok(())
    })
}

fn full_group(
    out: &mut ReplyBuf,
    stream: &Stream,
    (group_name, group): (&[u8], &stream::Group),
    count: usize,
) {
    out.map(7);
    bulk(out, "name", group_name);
    id_of(out, "last-delivered-id", group.last_id);
    progress(out, stream, group);
    int(out, "pel-count", group.pending().len() as i64);
    name(out, "pending");
    out.array(group.pending().len().min(count));
    for (id, pending) in group.pending().iter().take(count) {
        out.array(4);
        id::reply(out, *id);
        out.bulk(group.consumer(pending.consumer).name());
        delivery(out, pending);
    }
    name(out, "consumers");
    let consumers = group.consumers();
    out.array(consumers.len());
    consumers.for_each(|consumer| full_consumer(out, group, consumer, count));
}

fn full_consumer(out: &mut ReplyBuf, group: &stream::Group, consumer: &Consumer, count: usize) {
    out.map(5);
    bulk(out, "name", consumer.name());
    int(out, "seen-time", consumer.seen_ms);
    int(out, "active-time", consumer.active_ms);
    int(out, "pel-count", consumer.pending().len() as i64);
    name(out, "pending");
    out.array(consumer.pending().len().min(count));
    for id in consumer.pending().iter().take(count) {
        out.array(3);
        id::reply(out, *id);
        delivery(out, &group.pending()[id]);
    }
}

fn delivery(out: &mut ReplyBuf, pending: &Pending) {
    out.int(pending.delivered_ms);
    out.int(pending.deliveries as i64);
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "XINFO",
        &[
            ("CONSUMERS <key> <groupname>", "The consumers of a group."),
            ("GROUPS <key>", "The consumer groups of a stream."),
            (
                "STREAM <key> [FULL [COUNT <count>]]",
                "Facts about a stream; FULL shows its entries and groups too.",
            ),
        ],
    )
}
