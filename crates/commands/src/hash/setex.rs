//! HSETEX: fields set together with when they expire.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
    notify_class,
};
use redan_keyspace::{Hash, IntText, Key, SetTtl};
use redan_resp::{Args, parse_i64};
use smallvec::SmallVec;

use super::expire::{close, tell_removed};
use super::fields::hash_of;
use super::set::notify_set;
use super::time::Unit;
use crate::generic::expiry;
use crate::{arg, typed};

const TWO_CONDITIONS: ReplyError = ReplyError::fixed("ERR Only one of FXX or FNX arguments can be specified");
const TWO_EXPIRIES: ReplyError =
    ReplyError::fixed("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
const BAD_NUMBER: ReplyError = ReplyError::fixed("ERR invalid number of fields");

/// HSETEX key [FNX | FXX] [EX seconds | PX ms | EXAT unix-seconds | PXAT unix-ms | KEEPTTL] FIELDS numfields field value [...]
pub(super) const HSETEX: Command = Command::new("hsetex", -6, hsetex)
    .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
    .acl(category::HASH)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)])
    .docs(
        Group::Hash,
        "8.0.0",
        "O(N) where N is the number of fields being set.",
        "Sets the values of fields of a hash and when the fields expire.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::one_of("condition", &[Arg::token("fnx", "FNX"), Arg::token("fxx", "FXX")]).optional(),
        Arg::one_of(
            "expiration",
            &[
                Arg::new("seconds", ArgKind::Integer).after("EX"),
                Arg::new("milliseconds", ArgKind::Integer).after("PX"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).after("EXAT"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).after("PXAT"),
                Arg::token("keepttl", "KEEPTTL"),
            ],
        )
        .optional(),
        Arg::block(
            "fields",
            &[
                Arg::new("numfields", ArgKind::Integer),
                Arg::block("data", &[Arg::new("field", ArgKind::String), Arg::new("value", ArgKind::String)])
                    .multiple(),
            ],
        )
        .after("FIELDS"),
    ]);

/// The options, and what follows them.
struct Request<'a> {
    /// All fields must be there (`Some(true)`), or none may be.
    condition: Option<bool>,
    ttl: SetTtl,
    /// Place of the option that names the time, if one does.
    time_at: Option<usize>,
    pairs: Args<'a>,
}

impl<'a> Request<'a> {
    fn parse(cx: &Cx<'_, '_>, args: &Args<'a>) -> Result<Self, ReplyError> {
        let mut request = Self { condition: None, ttl: SetTtl::Clear, time_at: None, pairs: *args };
        let mut at = 2;
        while let Some(word) = args.get(at) {
            if arg::is(word, "FIELDS") {
                request.pairs = request.parse_pairs(cx, args, at)?;
                return Ok(request);
            }
            let must_exist = arg::is(word, "FXX");
            if must_exist || arg::is(word, "FNX") {
                if request.condition.replace(must_exist).is_some() {
                    return Err(TWO_CONDITIONS);
                }
            } else if let Some(unit) = Unit::of(word) {
                request.only_expiry()?;
                let text = args.get(at + 1).ok_or_else(|| cx.arity_error())?;
                request.ttl = SetTtl::At(unit.at_ms(cx, text)?);
                request.time_at = Some(at);
                at += 1;
            } else if arg::is(word, "KEEPTTL") {
                request.only_expiry()?;
                request.ttl = SetTtl::Keep;
            } else {
                let word = String::from_utf8_lossy(word);
                return Err(errors::err(format_args!("unknown argument: {word}")));
            }
            at += 1;
        }
        Err(cx.arity_error())
    }

    fn only_expiry(&self) -> CmdResult {
        if self.ttl == SetTtl::Clear { Ok(()) } else { Err(TWO_EXPIRIES) }
    }

    fn parse_pairs(&self, cx: &Cx<'_, '_>, args: &Args<'a>, at: usize) -> Result<Args<'a>, ReplyError> {
        let number = args.get(at + 1).and_then(parse_i64).and_then(|number| usize::try_from(number).ok());
        let number = number.filter(|&number| number > 0).ok_or(BAD_NUMBER)?;
        let pairs = args.skip(at + 2);
        if number.checked_mul(2) == Some(pairs.len()) { Ok(pairs) } else { Err(cx.arity_error()) }
    }

    fn fields(&self) -> impl Iterator<Item = &'a [u8]> {
        self.pairs.iter().step_by(2)
    }

    /// Whether the condition holds. Fields whose time has come are removed first where that matters.
    fn is_allowed(&self, cx: &mut Cx<'_, '_>, key: &Key<'_>) -> Result<bool, ReplyError> {
        let entry = typed::edit::<Hash>(&mut cx.view, key)?;
        if self.condition.is_none() && self.ttl != SetTtl::Keep {
            return Ok(true);
        }
        let entry = entry.and_then(|entry| entry.expire_fields(self.fields()));
        let hash = entry.as_ref().and_then(|entry| entry.aggregate::<Hash>());
        let is_there = |field| hash.is_some_and(|hash| hash.get(field).is_some());
        Ok(match self.condition {
            None => true,
            Some(must_exist) => self.fields().all(|field| is_there(field) == must_exist),
        })
    }
}

fn hsetex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let request = Request::parse(cx, &args)?;
    let key = cx.key(&args[1]);
    if !request.is_allowed(cx, &key)? {
        cx.out.int(0);
        return Ok(());
    }
    let limits = cx.view.keyspace().limits();
    let over = matches!(request.ttl, SetTtl::At(at_ms) if expiry::is_over(cx, at_ms));
    let number = request.pairs.len() / 2;
    let (mut entry, new_key) = typed::edit_or_create::<Hash>(&mut cx.view, &key)?;
    let hash = hash_of(&mut entry);
    if over {
        // Set and gone again at once: only the removal shows.
        request.fields().for_each(|field| {
            hash.remove(field);
        });
    } else {
        hash.expect_fields(number, limits);
        let mut words = request.pairs.iter();
        while let (Some(field), Some(value)) = (words.next(), words.next()) {
            hash.set(field, value, request.ttl, limits);
        }
    }
    let emptied = close(entry, number);
    cx.out.int(1);
    notify_set(cx, key.bytes, new_key, "hset");
    if over {
        let fields: SmallVec<[&[u8]; 8]> = request.fields().collect();
        tell_removed(cx, &key, &fields, emptied);
    } else if let (SetTtl::At(at_ms), Some(time_at)) = (request.ttl, request.time_at) {
        cx.notify(notify_class::HASH, "hexpire", key.bytes);
        propagate_absolute(cx, &args, time_at, at_ms);
    }
    Ok(())
}

/// Propagates the command with its time as Unix milliseconds.
fn propagate_absolute(cx: &mut Cx<'_, '_>, args: &Args<'_>, time_at: usize, at_ms: i64) {
    let mut text = IntText::new();
    let mut words: SmallVec<[&[u8]; 16]> = args.iter().collect();
    words[time_at] = b"PXAT";
    words[time_at + 1] = text.format(at_ms);
    cx.propagate(&words);
}
