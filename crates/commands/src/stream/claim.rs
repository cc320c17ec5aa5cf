//! XCLAIM and XAUTOCLAIM: pending entries go to another consumer.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
    notify_class,
};
use redan_keyspace::stream::{self, ConsumerId, EntryLog, IdText, Pending, StreamId};
use redan_keyspace::{EntryMut, Key, Stream, View};
use redan_resp::{Args, ReplyBuf};

use super::propagate::{self, Claim, Place, ReadUntil};
use super::range::reply_entry;
use super::{id, texts};
use crate::{arg, typed};

/// XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count]
/// [FORCE] [JUSTID] [LASTID lastid]
pub(super) const XCLAIM: Command = Command::new("xclaim", -6, xclaim)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::STREAM)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)])
    .docs(
        Group::Stream,
        "5.0.0",
        "O(log N) for each entry, with N entries pending.",
        "Gives pending entries to a consumer, as if they were delivered to it.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::new("group", ArgKind::String),
        Arg::new("consumer", ArgKind::String),
        Arg::new("min-idle-time", ArgKind::String),
        Arg::new("ID", ArgKind::String).multiple(),
        Arg::new("ms", ArgKind::Integer).after("IDLE").optional(),
        Arg::new("unix-time-milliseconds", ArgKind::UnixTime).after("TIME").optional(),
        Arg::new("count", ArgKind::Integer).after("RETRYCOUNT").optional(),
        Arg::token("force", "FORCE").optional(),
        Arg::token("justid", "JUSTID").optional(),
        Arg::new("lastid", ArgKind::String).after("LASTID").optional(),
    ]);

/// XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]
pub(super) const XAUTOCLAIM: Command = Command::new("xautoclaim", -6, xautoclaim)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::STREAM)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::DELETE)])
    .docs(
        Group::Stream,
        "6.2.0",
        "O(1) if COUNT is small.",
        "Gives entries that are pending for long to a consumer, as if they were delivered to it.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::new("group", ArgKind::String),
        Arg::new("consumer", ArgKind::String),
        Arg::new("min-idle-time", ArgKind::String),
        Arg::new("start", ArgKind::String),
        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
        Arg::token("justid", "JUSTID").optional(),
    ]);

/// A number of milliseconds, or another text than usual if it is none.
fn int_or(text: &[u8], error: &'static str) -> Result<i64, ReplyError> {
    arg::int(text).map_err(|_| ReplyError::fixed(error))
}

/// What XCLAIM is asked for behind the minimum idle time.
struct Options {
    ids: Vec<StreamId>,
    delivered_ms: i64,
    deliveries: Option<u64>,
    force: bool,
    just_id: bool,
    last_id: StreamId,
}

impl Options {
    fn parse(args: Args<'_>, now_ms: i64) -> Result<Self, ReplyError> {
        // What is no id is the first option.
        let ids: Vec<StreamId> = args.skip(5).iter().map_while(|text| id::parse(text, 0).ok()).collect();
        let mut rest = args.skip(5 + ids.len()).iter();
        let mut options = Self {
            ids,
            delivered_ms: now_ms,
            deliveries: None,
            force: false,
            just_id: false,
            last_id: StreamId::MIN,
        };
        while let Some(word) = rest.next() {
            if arg::is(word, "FORCE") {
                options.force = true;
                continue;
            } else if arg::is(word, "JUSTID") {
                options.just_id = true;
                continue;
            }
            let value = rest.next().ok_or_else(|| unknown_option(word))?;
            if arg::is(word, "IDLE") {
                let idle_ms = int_or(value, "ERR Invalid IDLE option argument for XCLAIM")?;
                options.delivered_ms = now_ms.wrapping_sub(idle_ms);
            } else if arg::is(word, "TIME") {
                options.delivered_ms = int_or(value, "ERR Invalid TIME option argument for XCLAIM")?;
            } else if arg::is(word, "RETRYCOUNT") {
                let count = int_or(value, "ERR Invalid RETRYCOUNT option argument for XCLAIM")?;
                options.deliveries = u64::try_from(count).ok();
            } else if arg::is(word, "LASTID") {
                options.last_id = id::parse(value, 0)?;
            } else {
                return Err(unknown_option(word));
            }
        }
        // Clients compute times by clocks of their own; what cannot be means now.
        if !(0..=now_ms).contains(&options.delivered_ms) {
            options.delivered_ms = now_ms;
        }
        Ok(options)
    }
}

fn unknown_option(word: &[u8]) -> ReplyError {
    errors::err(format!("Unrecognized XCLAIM option '{}'", String::from_utf8_lossy(word)))
}

/// The stream with its group, which has to be there.
fn existing<'v, 'k>(
    view: &'v mut View<'k>,
    key: &Key<'_>,
    group: &[u8],
) -> Result<EntryMut<'v, 'k>, ReplyError> {
    let entry = typed::edit::<Stream>(view, key)?;
    entry
        .filter(|entry| entry.aggregate::<Stream>().is_some_and(|stream| stream.group(group).is_some()))
        .ok_or_else(|| texts::no_key_or_group(key.bytes, group))
}

/// The group at work: who claims, and what is to be told of it.
struct Claiming<'a> {
    log: &'a EntryLog,
    group: &'a mut stream::Group,
    consumer: ConsumerId,
    created: bool,
    claims: Vec<Claim>,
    now_ms: i64,
}

impl<'a> Claiming<'a> {
    fn begin(entry: &'a mut EntryMut<'_, '_>, group: &[u8], consumer: &[u8], now_ms: i64) -> Self {
        let stream = entry.aggregate_mut::<Stream>().expect("its type was checked");
        let (log, group) = stream.log_and_group_mut(group).expect("it was there a moment ago");
        let found = group.find_consumer(consumer);
        let id = found.or_else(|| group.add_consumer(consumer, now_ms)).expect("there is none");
        group.consumer_mut(id).seen_ms = now_ms;
        Self { log, group, consumer: id, created: found.is_none(), claims: Vec::new(), now_ms }
    }

    /// Drops a pending entry that is no more in the stream.
    fn drop_deleted(&mut self, entry: StreamId, pending: &Pending) {
        self.claims.push(Claim::new(self.group, entry, pending));
        self.group.acknowledge(entry);
    }

    /// Gives an entry to the consumer and replies it.
    fn claim(
        &mut self,
        out: &mut ReplyBuf,
        entry: StreamId,
        delivered_ms: i64,
        deliveries: u64,
        just_id: bool,
    ) {
        let pending = Pending { consumer: self.consumer, delivered_ms, deliveries };
        self.group.assign(entry, pending);
        self.group.consumer_mut(self.consumer).active_ms = self.now_ms;
        self.claims.push(Claim::new(self.group, entry, &pending));
        match self.log.get(entry) {
            Some(entry) if !just_id => reply_entry(out, &entry),
            _ => id::reply(out, entry),
        }
    }

    fn is_idle_for(&self, pending: &Pending, min_ms: i64) -> bool {
        min_ms <= 0 || self.now_ms.saturating_sub(pending.delivered_ms) >= min_ms
    }
}

fn xclaim(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (key, name) = (cx.key(&args[1]), &args[2]);
    let mut entry = existing(&mut cx.view, &key, name)?;
    let min_idle_ms = int_or(&args[4], "ERR Invalid min-idle-time argument for XCLAIM")?;
    let options = Options::parse(args, cx.now_ms)?;
    let mut claiming = Claiming::begin(&mut entry, name, &args[3], cx.now_ms);
    let moved_on = options.last_id > claiming.group.last_id;
    claiming.group.last_id = claiming.group.last_id.max(options.last_id);
    let (deferred, mut count) = (cx.out.begin_deferred(), 0);
    for id in &options.ids {
        let pending = claiming.group.pending().get(id).copied();
        if !claiming.log.contains(*id) {
            if let Some(pending) = pending {
                claiming.drop_deleted(*id, &pending);
            }
            continue;
        }
        let deliveries = match pending {
            Some(pending) if claiming.is_idle_for(&pending, min_idle_ms) => pending.deliveries,
            None if options.force => 1,
            _ => continue,
        };
        let deliveries = options.deliveries.unwrap_or(deliveries.saturating_add(u64::from(!options.just_id)));
        claiming.claim(cx.out, *id, options.delivered_ms, deliveries, options.just_id);
        count += 1;
    }
    cx.out.end_deferred_array(deferred, count);
    let Claiming { group, created, claims, .. } = claiming;
    let until = (moved_on && claims.is_empty()).then(|| ReadUntil::of(group));
    entry.changed(claims.len() as u64 + u64::from(created) + u64::from(until.is_some()));
    tell(cx, Place { key: key.bytes, group: name }, created, &claims);
    if let Some(until) = until {
        propagate::read_until(cx, Place { key: key.bytes, group: name }, until);
    }
    Ok(())
}

/// Says what was claimed to everybody who is to know.
fn tell(cx: &mut Cx<'_, '_>, place: Place<'_>, created: bool, claims: &[Claim]) {
    cx.propagate_nothing();
    propagate::claims(cx, place, claims);
    if created {
        cx.notify(notify_class::STREAM, "xgroup-createconsumer", place.key);
    }
}

/// Entries looked at for each one that is wanted.
const ATTEMPTS: u64 = 10;

/// What XAUTOCLAIM is asked for behind the start.
fn auto_options(args: Args<'_>) -> Result<(u64, bool), ReplyError> {
    /// So that it can be multiplied.
    const COUNT_MAX: i64 = i64::MAX / 16;
    let (mut count, mut just_id, mut rest) = (100, false, args.skip(6).iter());
    while let Some(word) = rest.next() {
        if arg::is(word, "JUSTID") {
            just_id = true;
        } else if arg::is(word, "COUNT") {
            let number = arg::int(rest.next().ok_or(errors::SYNTAX)?)?;
            if !(1..=COUNT_MAX).contains(&number) {
                return Err(texts::COUNT_POSITIVE);
            }
            count = number as u64;
        } else {
            return Err(errors::SYNTAX);
        }
    }
    Ok((count, just_id))
}

fn xautoclaim(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let min_idle_ms = int_or(&args[4], "ERR Invalid min-idle-time argument for XAUTOCLAIM")?;
    let start = id::parse_start(&args[5])?;
    let (mut wanted, just_id) = auto_options(args)?;
    let (key, name) = (cx.key(&args[1]), &args[2]);
    let mut entry = existing(&mut cx.view, &key, name)?;
    let mut claiming = Claiming::begin(&mut entry, name, &args[3], cx.now_ms);
    // The cursor stands in front of the entries, and is known only behind them.
    let mut entries = ReplyBuf::new(cx.out.protocol());
    let (deferred, mut count, mut deleted) = (entries.begin_deferred(), 0, Vec::new());
    let (mut attempts, mut cursor) = (wanted.saturating_mul(ATTEMPTS), Some(start));
    let next_pending = |claiming: &Claiming<'_>, from: Option<StreamId>| {
        claiming.group.pending().range(from?..).next().map(|(id, pending)| (*id, *pending))
    };
    while attempts > 0 && wanted > 0 {
        attempts -= 1;
        let Some((id, pending)) = next_pending(&claiming, cursor) else {
            cursor = None;
            break;
        };
        cursor = id.next();
        if !claiming.log.contains(id) {
            claiming.drop_deleted(id, &pending);
            deleted.push(id);
            wanted -= 1;
        } else if claiming.is_idle_for(&pending, min_idle_ms) {
            let deliveries = pending.deliveries.saturating_add(u64::from(!just_id));
            claiming.claim(&mut entries, id, claiming.now_ms, deliveries, just_id);
            count += 1;
            wanted -= 1;
        }
    }
    entries.end_deferred_array(deferred, count);
    let next = next_pending(&claiming, cursor).map_or(StreamId::MIN, |(id, _)| id);
    let Claiming { created, claims, .. } = claiming;
    entry.changed(claims.len() as u64 + u64::from(created));
    cx.out.array(3);
    cx.out.bulk(IdText::new().format(next));
    cx.out.raw(entries.as_slice());
    cx.out.array(deleted.len());
    deleted.iter().for_each(|id| id::reply(cx.out, *id));
    tell(cx, Place { key: key.bytes, group: name }, created, &claims);
    Ok(())
}
