//! XADD: a new entry.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, flag, key_flag, notify_class,
};
use redan_keyspace::stream::{AppendError, EntryLog, Field, IdText, NodeLimits, StreamId};
use redan_keyspace::{Stream, StringRef};
use redan_resp::Args;
use smallvec::SmallVec;

use super::options::{NewId, Options, REFERENCES_SYNTAX, TRIM_SYNTAX};
use super::texts;
use crate::typed;

/// Longest entry, in bytes.
const ENTRY_MAX: usize = 1 << 30;

/// XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] * | id field value
/// [field value ...]
pub(super) const XADD: Command = Command::new("xadd", -5, xadd)
    .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
    .acl(category::STREAM)
    .keys(&[KeySpec {
        notes: "UPDATE instead of INSERT because old entries may be trimmed",
        ..KeySpec::one(1, key_flag::RW | key_flag::UPDATE)
    }])
    .docs(
        Group::Stream,
        "5.0.0",
        "O(1) for the new entry, and O(N) for N entries that are trimmed.",
        "Appends an entry to a stream, which is created if it is not there.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::token("nomkstream", "NOMKSTREAM").optional(),
        REFERENCES_SYNTAX,
        TRIM_SYNTAX.optional(),
        Arg::one_of("id-selector", &[Arg::token("auto-id", "*"), Arg::new("id", ArgKind::String)]),
        Arg::block("data", &[Arg::new("field", ArgKind::String), Arg::new("value", ArgKind::String)])
            .multiple(),
    ]);

fn xadd(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let options = Options::parse(cx, args, true)?;
    let data = args.skip(options.id_at + 1);
    if data.len() < 2 || !data.len().is_multiple_of(2) {
        return Err(cx.arity_error());
    }
    if options.new_id == NewId::Given(StreamId::MIN) {
        return Err(texts::ID_ZERO);
    }
    // Before the stream is created.
    if data.payload_len() > ENTRY_MAX {
        return Err(texts::TOO_LARGE);
    }
    let key = cx.key(&args[1]);
    let limits = NodeLimits::new(cx.view.keyspace().limits());
    let (mut entry, created) = if options.must_exist {
        match typed::edit::<Stream>(&mut cx.view, &key)? {
            Some(entry) => (entry, false),
            None => {
                cx.out.null();
                return Ok(());
            }
        }
    } else {
        typed::edit_or_create::<Stream>(&mut cx.view, &key)?
    };
    let stream = entry.aggregate_mut::<Stream>().expect("its type was checked");
    let id = next_id(stream.log(), options.new_id, cx.now_ms)?;
    stream.log_mut().append(id, fields(data), limits).map_err(|error| match error {
        AppendError::IdTooLow => texts::ID_TOO_LOW,
        AppendError::TooLong => texts::TOO_LARGE,
    })?;
    let trimmed = options.trim.map_or(0, |option| stream.trim(&option.trim));
    let threshold = options.trim.and_then(|option| option.exact_threshold(stream.log()));
    entry.changed(1);
    let mut id_text = IdText::new();
    let id_text = id_text.format(id);
    let given = matches!(options.new_id, NewId::Given(_));
    if cx.is_logging() && !(given && threshold.is_none()) {
        let mut form: SmallVec<[&[u8]; 16]> = args.iter().collect();
        if !given {
            form[options.id_at] = id_text;
        }
        if let (Some(option), Some(threshold)) = (options.trim, &threshold) {
            option.make_exact(&mut form, threshold);
        }
        cx.propagate(&form);
    }
    cx.out.bulk(id_text);
    if created {
        cx.notify(notify_class::NEW, "new", key.bytes);
    }
    cx.notify(notify_class::STREAM, "xadd", key.bytes);
    if trimmed > 0 {
        cx.notify(notify_class::STREAM, "xtrim", key.bytes);
    }
    Ok(())
}

fn next_id(log: &EntryLog, wanted: NewId, now_ms: i64) -> Result<StreamId, ReplyError> {
    let last = log.counters().last_id;
    if last == StreamId::MAX {
        return Err(texts::EXHAUSTED);
    }
    match wanted {
        NewId::Auto => last.following(now_ms as u64).ok_or(texts::EXHAUSTED),
        NewId::AutoSeq(ms) if ms == last.ms => {
            last.seq.checked_add(1).map(|seq| StreamId::new(ms, seq)).ok_or(texts::ID_TOO_LOW)
        }
        NewId::AutoSeq(ms) => Ok(StreamId::new(ms, 0)),
        NewId::Given(id) => Ok(id),
    }
}

fn fields<'a>(data: Args<'a>) -> impl ExactSizeIterator<Item = Field<'a>> + Clone {
    let string = move |at: usize| StringRef::Bytes(data.get(at).expect("fields come with values"));
    (0..data.len() / 2).map(move |pair| (string(2 * pair), string(2 * pair + 1)))
}
