//! XRANGE, XREVRANGE and XLEN, and how entries are replied.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::stream::{EntryLog, StreamEntry, StreamId};
use redan_keyspace::{IntText, Object, Stream};
use redan_resp::{Args, ReplyBuf};

use super::id;
use crate::string::value::notify_miss;
use crate::{arg, typed};

/// Replies of more entries than this are encoded without the key's lock.
const MANY: u64 = 1000;

const COUNT_SYNTAX: Arg = Arg::new("count", ArgKind::Integer).after("COUNT").optional();

/// XLEN key
pub(super) const XLEN: Command = Command::new("xlen", 2, xlen)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::STREAM)
    .keys(&[KeySpec::one(1, key_flag::RO)])
    .docs(Group::Stream, "5.0.0", "O(1)", "Returns the number of entries of a stream.")
    .args(&[Arg::key("key", 0)]);

fn xlen(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    match typed::read::<Stream>(&mut cx.view, &key)? {
        Some(stream) => cx.out.int(stream.log().len() as i64),
        None => {
            cx.out.int(0);
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

/// XRANGE key start end [COUNT count]
pub(super) const XRANGE: Command = Command::new("xrange", -4, xrange)
    .flags(flag::READONLY)
    .acl(category::STREAM)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Stream,
        "5.0.0",
        "O(N) for N entries returned, and O(log N) to find the first one.",
        "Returns the entries of a stream within a range of ids.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::new("start", ArgKind::String),
        Arg::new("end", ArgKind::String),
        COUNT_SYNTAX,
    ]);

fn xrange(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to) = (id::parse_start(&args[2])?, id::parse_end(&args[3])?);
    range(cx, args, Range { from, to, back: false, count: usize::MAX })
}

/// XREVRANGE key end start [COUNT count]
pub(super) const XREVRANGE: Command = Command::new("xrevrange", -4, xrevrange)
    .flags(flag::READONLY)
    .acl(category::STREAM)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Stream,
        "5.0.0",
        "O(N) for N entries returned, and O(log N) to find the first one.",
        "Returns the entries of a stream within a range of ids, the newest first.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::new("end", ArgKind::String),
        Arg::new("start", ArgKind::String),
        COUNT_SYNTAX,
    ]);

fn xrevrange(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to) = (id::parse_start(&args[3])?, id::parse_end(&args[2])?);
    range(cx, args, Range { from, to, back: true, count: usize::MAX })
}

/// Which entries are to be replied.
#[derive(Clone, Copy)]
struct Range {
    from: StreamId,
    to: StreamId,
    back: bool,
    count: usize,
}

impl Range {
    fn reply(&self, out: &mut ReplyBuf, log: &EntryLog) {
        if self.back {
            reply_entries(out, log.range_back(self.from, self.to).take(self.count));
        } else {
            reply_entries(out, log.range(self.from, self.to).take(self.count));
        }
    }
}

/// Reads COUNT of a range; a negative one counts as 0.
fn count_of(args: Args<'_>) -> Result<Option<usize>, ReplyError> {
    let (mut count, mut rest) = (None, args.skip(4).iter());
    while let Some(word) = rest.next() {
        match rest.next() {
            Some(number) if arg::is(word, "COUNT") => count = Some(at_least_zero(number)?),
            _ => return Err(errors::SYNTAX),
        }
    }
    Ok(count)
}

/// A number; 0 if it is negative.
///
/// # Errors
/// `value is not an integer or out of range`.
pub(super) fn at_least_zero(number: &[u8]) -> Result<usize, ReplyError> {
    arg::int(number).map(|number| number.max(0) as usize)
}

fn range(cx: &mut Cx<'_, '_>, args: Args<'_>, range: Range) -> CmdResult {
    let count = count_of(args)?;
    let range = Range { count: count.unwrap_or(usize::MAX), ..range };
    let key = cx.key(&args[1]);
    let Some(entry) = cx.view.get(&key) else {
        cx.out.array(0);
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let stream = entry.value().aggregate::<Stream>().ok_or(errors::WRONG_TYPE)?;
    if count == Some(0) {
        cx.out.null_array();
    } else if stream.log().len().min(range.count as u64) <= MANY {
        range.reply(cx.out, stream.log());
    } else if let Some(shared) = entry.shared_object() {
        cx.view.let_go();
        if let Object::Stream(stream) = &*shared {
            range.reply(cx.out, stream.log());
        }
        cx.free_later(shared);
    }
    Ok(())
}

/// Replies an array of entries.
pub(super) fn reply_entries<'a>(out: &mut ReplyBuf, entries: impl Iterator<Item = StreamEntry<'a>>) -> usize {
    let (deferred, mut count) = (out.begin_deferred(), 0);
    for entry in entries {
        reply_entry(out, &entry);
        count += 1;
    }
    out.end_deferred_array(deferred, count);
    count
}

/// Replies one entry: its id, and an array of its fields and values.
pub(super) fn reply_entry(out: &mut ReplyBuf, entry: &StreamEntry<'_>) {
    out.array(2);
    id::reply(out, entry.id);
    out.array(entry.field_count() * 2);
    for (name, value) in entry.fields() {
        out.bulk(name.bytes(&mut IntText::new()));
        out.bulk(value.bytes(&mut IntText::new()));
    }
}
