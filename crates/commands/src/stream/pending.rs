//! XACK and XPENDING: what consumers have got and not acknowledged.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::Stream;
use redan_keyspace::stream::{self, Pending, StreamId};
use redan_resp::{Args, ReplyBuf};

use super::range::at_least_zero;
use super::{id, texts};
use crate::string::value::notify_miss;
use crate::{arg, typed};

/// XACK key group id [id ...]
pub(super) const XACK: Command = Command::new("xack", -4, xack)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::STREAM)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)])
    .docs(
        Group::Stream,
        "5.0.0",
        "O(log N) for each entry, with N entries pending.",
        "Acknowledges entries for a group and returns how many were pending.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::new("group", ArgKind::String),
        Arg::new("ID", ArgKind::String).multiple(),
    ]);

fn xack(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (key, name) = (cx.key(&args[1]), &args[2]);
    let mut acknowledged = 0;
    if let Some(mut entry) = typed::edit::<Stream>(&mut cx.view, &key)? {
        let stream = entry.aggregate_mut::<Stream>().expect("its type was checked");
        if let Some(group) = stream.group_mut(name) {
            let ids = id::parse_all(args.skip(3))?;
            acknowledged = ids.iter().filter(|id| group.acknowledge(**id).is_some()).count();
        }
        entry.changed(acknowledged as u64);
    } else {
        notify_miss(cx, key.bytes);
    }
    cx.out.int(acknowledged as i64);
    Ok(())
}

/// XPENDING key group [[IDLE min-idle-time] start end count [consumer]]
pub(super) const XPENDING: Command = Command::new("xpending", -3, xpending)
    .flags(flag::READONLY)
    .acl(category::STREAM)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Stream,
        "5.0.0",
        "O(N) for N entries looked at, or O(C) for C consumers without a range.",
        "Returns which entries are pending in a group.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::new("group", ArgKind::String),
        Arg::block(
            "filters",
            &[
                Arg::new("min-idle-time", ArgKind::Integer).after("IDLE").optional(),
                Arg::new("start", ArgKind::String),
                Arg::new("end", ArgKind::String),
                Arg::new("count", ArgKind::Integer),
                Arg::new("consumer", ArgKind::String).optional(),
            ],
        )
        .optional(),
    ]);

/// Which pending entries are asked for.
struct Filter<'a> {
    min_idle_ms: i64,
    from: StreamId,
    to: StreamId,
    count: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    fn parse(args: Args<'a>) -> Result<Option<Self>, ReplyError> {
        let has_idle = args.get(3).is_some_and(|word| arg::is(word, "IDLE"));
        match args.len() {
            3 => return Ok(None),
            6..=9 => {}
            _ => return Err(errors::SYNTAX),
        }
        let min_idle_ms = if has_idle { arg::int(&args[4])? } else { 0 };
        let rest = args.skip(if has_idle { 5 } else { 3 });
        if rest.len() < 3 {
            return Err(errors::SYNTAX);
        }
        let count = at_least_zero(&rest[2])?;
        let (from, to) = (id::parse_start(&rest[0])?, id::parse_end(&rest[1])?);
        Ok(Some(Self { min_idle_ms, from, to, count, consumer: rest.get(3) }))
    }
}

fn xpending(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let filter = Filter::parse(args)?;
    let (key, name) = (cx.key(&args[1]), &args[2]);
    let stream = typed::read::<Stream>(&mut cx.view, &key)?;
    let found = stream.is_some();
    match (stream.and_then(|stream| stream.group(name)), filter) {
        (Some(group), None) => reply_summary(cx.out, group),
        (Some(group), Some(filter)) => reply_pending(cx.out, group, &filter, cx.now_ms),
        (None, _) => {
            if !found {
                notify_miss(cx, key.bytes);
            }
            return Err(texts::no_key_or_group(key.bytes, name));
        }
    }
    Ok(())
}

/// How many entries are pending, the lowest and highest of them, and how many each consumer has.
fn reply_summary(out: &mut ReplyBuf, group: &stream::Group) {
    let pending = group.pending();
    out.array(4);
    out.int(pending.len() as i64);
    let (Some((first, _)), Some((last, _))) = (pending.first_key_value(), pending.last_key_value()) else {
        out.null();
        out.null();
        out.null_array();
        return;
    };
    id::reply(out, *first);
    id::reply(out, *last);
    let busy = || group.consumers().filter(|consumer| !consumer.pending().is_empty());
    out.array(busy().count());
    for consumer in busy() {
        out.array(2);
        out.bulk(consumer.name());
        out.bulk(itoa::Buffer::new().format(consumer.pending().len()).as_bytes());
    }
}

fn reply_pending(out: &mut ReplyBuf, group: &stream::Group, filter: &Filter<'_>, now_ms: i64) {
    let long_enough = |pending: &Pending| {
        filter.min_idle_ms == 0 || now_ms.saturating_sub(pending.delivered_ms) >= filter.min_idle_ms
    };
    let (deferred, mut count) = (out.begin_deferred(), 0);
    let mut reply = |id: StreamId, pending: &Pending| {
        out.array(4);
        id::reply(out, id);
        out.bulk(group.consumer(pending.consumer).name());
        out.int(now_ms.saturating_sub(pending.delivered_ms).max(0));
        out.int(pending.deliveries as i64);
        count += 1;
    };
    if filter.from <= filter.to {
        let range = filter.from..=filter.to;
        match filter.consumer.map(|name| group.find_consumer(name)) {
            None => {
                let entries = group.pending().range(range).filter(|(_, pending)| long_enough(pending));
                entries.take(filter.count).for_each(|(id, pending)| reply(*id, pending));
            }
            Some(None) => {}
            Some(Some(consumer)) => {
                let own =
                    group.consumer(consumer).pending().range(range).map(|id| (id, &group.pending()[id]));
                let own = own.filter(|(_, pending)| long_enough(pending));
                own.take(filter.count).for_each(|(id, pending)| reply(*id, pending));
            }
        }
    }
    out.end_deferred_array(deferred, count);
}
