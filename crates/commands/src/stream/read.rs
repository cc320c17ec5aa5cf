//! XREAD and XREADGROUP: what is new in several streams, and waiting for it.

use redan_engine::{
    Arg, ArgKind, BeginSearch, CmdResult, Command, Cx, FindKeys, Group, KeySpec, ReplyError, TimeoutReply,
    category, errors, flag, key_flag, notify_class,
};
use redan_keyspace::stream::{ConsumerId, EntryLog, IdText, Pending, StreamId};
use redan_keyspace::{Key, Kind, Stream, stream};
use redan_resp::{Args, OwnedArgs, Protocol, ReplyBuf};
use smallvec::SmallVec;
use std::ops::Bound;

use super::propagate::{self, Claim, Place, ReadUntil};
use super::range::{at_least_zero, reply_entries, reply_entry};
use super::{id, texts};
use crate::string::value::notify_miss;
use crate::{arg, typed};

const fn streams(from: i32) -> KeySpec {
    KeySpec {
        flags: key_flag::RO | key_flag::ACCESS,
        begin: BeginSearch::Keyword { word: "STREAMS", from },
        find: FindKeys::Range { last: -1, step: 1, limit: 2 },
        notes: "",
    }
}

/// Where the names of the streams begin. A group or a consumer may be called STREAMS too.
fn find_streams(args: Args<'_>) -> Option<usize> {
    let mut at = 1;
    loop {
        let word = args.get(at)?;
        at += match word {
            word if arg::is(word, "STREAMS") => return Some(at + 1),
            word if arg::is(word, "GROUP") => 3,
            word if arg::is(word, "COUNT") || arg::is(word, "BLOCK") => 2,
            _ => 1,
        };
    }
}

const COUNT_SYNTAX: Arg = Arg::new("count", ArgKind::Integer).after("COUNT").optional();
const BLOCK_SYNTAX: Arg = Arg::new("milliseconds", ArgKind::Integer).after("BLOCK").optional();
const STREAMS_SYNTAX: Arg =
    Arg::block("streams", &[Arg::key("key", 0).multiple(), Arg::new("ID", ArgKind::String).multiple()])
        .after("STREAMS");

/// XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]
pub(super) const XREAD: Command = Command::new("xread", -4, xread)
    .flags(flag::BLOCKING | flag::READONLY)
    .acl(category::STREAM)
    .keys(&[streams(1)])
    .docs(
        Group::Stream,
        "5.0.0",
        "O(N) for N entries returned.",
        "Returns the entries of streams above given ids, and waits for one if there is none.",
    )
    .args(&[COUNT_SYNTAX, BLOCK_SYNTAX, STREAMS_SYNTAX]);

/// XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]
pub(super) const XREADGROUP: Command = Command::new("xreadgroup", -7, xreadgroup)
    .flags(flag::BLOCKING | flag::WRITE)
    .acl(category::STREAM)
    .keys(&[streams(4)])
    .keys_found_by(|args, keys| {
        let Some(at) = find_streams(args) else { return };
        let half = args.len().saturating_sub(at) / 2;
        keys.extend((at..at + half).map(|at| (at as u32, key_flag::RO | key_flag::ACCESS)));
    })
    .docs(
        Group::Stream,
        "5.0.0",
        "O(M) for each stream, with M entries returned.",
        "Returns entries of streams that are new to a group, or that a consumer has not acknowledged, and waits for a new one if there is none.",
    )
    .args(&[
        Arg::block("group-block", &[Arg::new("group", ArgKind::String), Arg::new("consumer", ArgKind::String)])
            .after("GROUP"),
        COUNT_SYNTAX,
        BLOCK_SYNTAX,
        Arg::token("noack", "NOACK").optional(),
        STREAMS_SYNTAX,
    ]);

/// What both commands are asked for.
struct Request<'a> {
    /// When to stop waiting, if it is to wait at all.
    block: Option<Option<i64>>,
    /// Entries of each stream at most.
    count: usize,
    noack: bool,
    /// Group and consumer.
    group: Option<(&'a [u8], &'a [u8])>,
    keys: Args<'a>,
    ids: Args<'a>,
    /// Index of the first id.
    ids_at: usize,
}

impl<'a> Request<'a> {
    fn parse(cx: &Cx<'_, '_>, args: Args<'a>, by_group: bool) -> Result<Self, ReplyError> {
        let (mut block, mut count, mut noack, mut group, mut at) = (None, 0, false, None, 1);
        let streams_at = loop {
            let word = args.get(at).ok_or(errors::SYNTAX)?;
            let more = args.len() - 1 - at;
            if more > 0 && arg::is(word, "BLOCK") {
                block = Some(arg::timeout_ms(&args[at + 1], cx.now_ms)?);
                at += 1;
            } else if more > 0 && arg::is(word, "COUNT") {
                count = at_least_zero(&args[at + 1])?;
                at += 1;
            } else if more > 0 && arg::is(word, "STREAMS") {
                break at + 1;
            } else if more > 1 && arg::is(word, "GROUP") {
                if !by_group {
                    return Err(texts::GROUP_IN_XREAD);
                }
                group = args.get(at + 1).zip(args.get(at + 2));
                at += 2;
            } else if arg::is(word, "NOACK") {
                if !by_group {
                    return Err(texts::NOACK_IN_XREAD);
                }
                noack = true;
            } else {
                return Err(errors::SYNTAX);
            }
            at += 1;
        };
        let streams = args.skip(streams_at);
        if !streams.len().is_multiple_of(2) {
            let ids = if by_group { "ID or '>'" } else { "ID, '+', or '$'" };
            return Err(texts::unbalanced(&cx.entry.full_name, ids));
        }
        if by_group && group.is_none() {
            return Err(texts::NO_GROUP_OPTION);
        }
        let half = streams.len() / 2;
        let count = if count == 0 { usize::MAX } else { count };
        let (keys, ids) = (streams.take(half), streams.skip(half));
        Ok(Self { block, count, noack, group, keys, ids, ids_at: streams_at + half })
    }

    /// Replies as at the end of waiting, or waits if that is asked for and allowed. `above` is what `$` means.
    fn wait(&self, cx: &mut Cx<'_, '_>, args: Args<'_>, above: &[StreamId]) {
        let Some(deadline_ms) = self.block.filter(|_| cx.may_wait()) else {
            cx.out.null_array();
            return;
        };
        let waiting = cx.block_on(self.keys, Kind::Stream, deadline_ms, TimeoutReply::NullArray);
        if self.group.is_some() {
            waiting.heeding_missing();
        }
        if self.ids.iter().any(|id| id == b"$") {
            // What is new is counted from now, not from when the command runs again.
            let mut again = OwnedArgs::with_capacity(args.len(), args.payload_len());
            for (at, arg) in args.iter().enumerate() {
                match at.checked_sub(self.ids_at) {
                    Some(stream) if arg == b"$" => again.push(IdText::new().format(above[stream])),
                    _ => again.push(arg),
                }
            }
            waiting.again_as(again.iter());
        }
    }
}

/// Replies that something is there of so many streams.
fn begin_streams(out: &mut ReplyBuf, streams: usize) {
    if out.protocol() == Protocol::Resp3 { out.map(streams) } else { out.array(streams) }
}

/// Replies whose entries follow.
fn begin_stream(out: &mut ReplyBuf, key: &[u8]) {
    if out.protocol() == Protocol::Resp2 {
        out.array(2);
    }
    out.bulk(key);
}

fn xread(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let request = Request::parse(cx, args, false)?;
    let mut above: SmallVec<[StreamId; 4]> = SmallVec::new();
    let mut ready: SmallVec<[bool; 4]> = SmallVec::new();
    for (key, text) in request.keys.iter().zip(request.ids) {
        let key = cx.key(key);
        let log = typed::read::<Stream>(&mut cx.view, &key)?.map(Stream::log);
        let id = above_what(log, text)?;
        ready.push(log.and_then(EntryLog::newest_id).is_some_and(|newest| newest > id));
        above.push(id);
        if log.is_none() {
            notify_miss(cx, key.bytes);
        }
    }
    let streams = ready.iter().filter(|ready| **ready).count();
    if streams == 0 {
        request.wait(cx, args, &above);
        return Ok(());
    }
    begin_streams(cx.out, streams);
    for ((key, id), _) in request.keys.iter().zip(&above).zip(&ready).filter(|(_, ready)| **ready) {
        let key = cx.key(key);
        begin_stream(cx.out, key.bytes);
        let stream = cx.view.peek(&key).and_then(|entry| entry.value().aggregate::<Stream>());
        let log = stream.expect("it was there a moment ago").log();
        let from = id.next().expect("there is a higher one");
        reply_entries(cx.out, log.range(from, StreamId::MAX).take(request.count));
    }
    Ok(())
}

/// Above which id XREAD reads.
fn above_what(log: Option<&EntryLog>, text: &[u8]) -> Result<StreamId, ReplyError> {
    match text {
        b"$" => Ok(log.map_or(StreamId::MIN, |log| log.counters().last_id)),
        // The newest entry itself.
        b"+" => Ok(log.and_then(EntryLog::newest_id).and_then(StreamId::previous).unwrap_or_default()),
        b">" => Err(texts::NEW_IN_XREAD),
        text => id::parse(text, 0),
    }
}

/// What a consumer wants of a stream.
#[derive(Clone, Copy)]
enum Wanted {
    /// What no consumer of the group has got yet.
    New,
    /// What it has got above this id and not acknowledged.
    Own(StreamId),
}

fn xreadgroup(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let request = Request::parse(cx, args, true)?;
    let (group, consumer) = request.group.ok_or(texts::NO_GROUP_OPTION)?;
    // What it does is said below; reading again is not among it.
    cx.propagate_nothing();
    let mut wanted: SmallVec<[(Wanted, bool); 4]> = SmallVec::new();
    for (key, text) in request.keys.iter().zip(request.ids) {
        let key = cx.key(key);
        let stream = typed::read::<Stream>(&mut cx.view, &key)?;
        let Some((log, last_id)) =
            stream.and_then(|stream| Some((stream.log(), stream.group(group)?.last_id)))
        else {
            return Err(texts::no_group_to_read(key.bytes, group));
        };
        wanted.push(match text {
            b">" => (Wanted::New, log.newest_id().is_some_and(|newest| newest > last_id)),
            b"$" => return Err(texts::DOLLAR_IN_GROUP),
            b"+" => return Err(texts::PLUS_IN_GROUP),
            text => (Wanted::Own(id::parse(text, 0)?), true),
        });
    }
    let streams = wanted.iter().filter(|(_, ready)| *ready).count();
    if streams > 0 {
        begin_streams(cx.out, streams);
    }
    for (key, (wanted, ready)) in request.keys.iter().zip(&wanted) {
        let key = cx.key(key);
        let wanted = ready.then_some(*wanted);
        serve(cx, &key, Reader { group, consumer, noack: request.noack, count: request.count }, wanted);
    }
    if streams == 0 {
        request.wait(cx, args, &[]);
    }
    Ok(())
}

/// Who reads, and how.
#[derive(Clone, Copy)]
struct Reader<'a> {
    group: &'a [u8],
    consumer: &'a [u8],
    noack: bool,
    count: usize,
}

/// Replies one stream of XREADGROUP if there is something to reply, and notes that the consumer was there either way.
fn serve(cx: &mut Cx<'_, '_>, key: &Key<'_>, reader: Reader<'_>, wanted: Option<Wanted>) {
    let now_ms = cx.now_ms;
    let mut entry = cx.view.edit(key).expect("it was there a moment ago");
    let stream = entry.aggregate_mut::<Stream>().expect("its type was checked");
    let (log, group) = stream.log_and_group_mut(reader.group).expect("it was there a moment ago");
    let found = group.find_consumer(reader.consumer);
    let created = found.is_none();
    let consumer = found.or_else(|| group.add_consumer(reader.consumer, now_ms)).expect("there is none");
    group.consumer_mut(consumer).seen_ms = now_ms;
    let (mut claims, mut until) = (Vec::new(), None);
    if wanted.is_some() {
        begin_stream(cx.out, key.bytes);
    }
    match wanted {
        Some(Wanted::New) => {
            claims = reply_new(cx.out, log, group, (consumer, reader), now_ms);
            until = Some(ReadUntil::of(group));
        }
        Some(Wanted::Own(above)) => reply_own(cx.out, log, group, (consumer, reader, above), now_ms),
        None => {}
    }
    // However many entries were delivered, that is one change.
    entry.changed(u64::from(created) + u64::from(until.is_some()));
    let place = Place { key: key.bytes, group: reader.group };
    if created {
        cx.notify(notify_class::STREAM, "xgroup-createconsumer", key.bytes);
        if reader.noack {
            propagate::new_consumer(cx, place, reader.consumer);
        }
    }
    propagate::claims(cx, place, &claims);
    if let Some(until) = until {
        propagate::read_until(cx, place, until);
    }
}

/// Delivers what no consumer has got yet.
fn reply_new(
    out: &mut ReplyBuf,
    log: &EntryLog,
    group: &mut stream::Group,
    (consumer, reader): (ConsumerId, Reader<'_>),
    now_ms: i64,
) -> Vec<Claim> {
    let (counters, mut claims) = (log.counters(), Vec::new());
    // A stream may be named twice: then its first mention has got everything.
    let newer = group.last_id.next().map(|from| log.range(from, StreamId::MAX));
    let (deferred, mut count) = (out.begin_deferred(), 0);
    for entry in newer.into_iter().flatten().take(reader.count) {
        counters.advance(group, entry.id);
        reply_entry(out, &entry);
        count += 1;
        if !reader.noack {
            let pending = Pending { consumer, delivered_ms: now_ms, deliveries: 1 };
            group.assign(entry.id, pending);
            group.consumer_mut(consumer).active_ms = now_ms;
            claims.push(Claim::new(group, entry.id, &pending));
        }
    }
    out.end_deferred_array(deferred, count);
    claims
}

/// Delivers once more what the consumer has not acknowledged. That is not propagated: only times and counts change.
fn reply_own(
    out: &mut ReplyBuf,
    log: &EntryLog,
    group: &mut stream::Group,
    (consumer, reader, above): (ConsumerId, Reader<'_>, StreamId),
    now_ms: i64,
) {
    let own = group.consumer(consumer).pending();
    let own = own.range((Bound::Excluded(above), Bound::Unbounded)).take(reader.count);
    let own: Vec<StreamId> = own.copied().collect();
    out.array(own.len());
    for id in own {
        match log.get(id) {
            Some(entry) => {
                reply_entry(out, &entry);
                group.redeliver(id, now_ms);
            }
            // It was deleted since.
            None => {
                out.array(2);
                id::reply(out, id);
                out.null_array();
            }
        }
    }
}
