//! SET and its relatives: whole values.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
    notify_class,
};
use redan_keyspace::{IntText, Key, SetTtl};
use redan_resp::Args;

use super::compare::Comparison;
use super::expiration::{Expiration, Form};
use super::value::{notify_miss, store, string_of};
use crate::arg;

/// SET key value [NX | XX] [GET] [EX seconds | PX ms | EXAT unix-seconds | PXAT unix-ms | KEEPTTL]
pub(super) const SET: Command = Command::new("set", -3, set)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::STRING)
    .keys(&[KeySpec {
        notes: "RW and ACCESS because of the option GET",
        ..KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE | key_flag::VARIABLE_FLAGS)
    }])
    .keys_found_by(|args, keys| {
        let gets = args.iter().skip(3).any(|arg| arg::is(arg, "GET") || Comparison::begins(arg));
        let reads = if gets { key_flag::RW | key_flag::ACCESS } else { key_flag::OW };
        keys.push((1, reads | key_flag::UPDATE));
    })
    .docs(Group::String, "1.0.0", "O(1)", "Stores a string under a key, whatever it held before.")
    .args(&[
        Arg::key("key", 0),
        Arg::new("value", ArgKind::String),
        Arg::one_of("condition", &[Arg::token("nx", "NX"), Arg::token("xx", "XX")]).optional(),
        Arg::token("get", "GET").optional(),
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
    ]);

fn set(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    if args.len() == 3 {
        store(cx, &key, &args[2], SetTtl::Clear);
        cx.out.ok();
        return Ok(());
    }
    let options = Options::parse(&args)?;
    let expire_at_ms = options.expiration.map(|expiration| expiration.at_ms(cx)).transpose()?;
    if options.get {
        reply_value(cx, &key)?;
    }
    if !options.condition.allows(cx, &key)? {
        if !options.get {
            cx.out.null();
        }
        return Ok(());
    }
    match (options.expiration, expire_at_ms) {
        (Some(Expiration { form: Form::PxAt, .. }), Some(at_ms)) if !options.condition.compares() => {
            store_with_expiry(cx, &key, &args[2], at_ms)
        }
        (_, Some(at_ms)) => store_and_propagate(cx, &key, &args[2], at_ms),
        (_, None) => {
            store(cx, &key, &args[2], if options.keep_ttl { SetTtl::Keep } else { SetTtl::Clear });
            match (options.condition.compares(), options.keep_ttl) {
                // Replicas and files need not know these conditions, which are fulfilled now.
                (true, true) => cx.propagate(&[b"SET", key.bytes, &args[2], b"KEEPTTL"]),
                (true, false) => cx.propagate(&[b"SET", key.bytes, &args[2]]),
                (false, _) if options.get => propagate_without_get(cx, args),
                (false, _) => {}
            }
        }
    }
    if !options.get {
        cx.out.ok();
    }
    Ok(())
}

/// When SET stores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Condition<'a> {
    Always,
    IfAbsent,
    IfPresent,
    Compare(Comparison<'a>),
}

impl Condition<'_> {
    fn allows(self, cx: &mut Cx<'_, '_>, key: &Key<'_>) -> Result<bool, ReplyError> {
        match self {
            Self::Always => Ok(true),
            Self::IfAbsent => Ok(cx.view.peek(key).is_none()),
            Self::IfPresent => Ok(cx.view.peek(key).is_some()),
            Self::Compare(comparison) => comparison.allows(cx, key),
        }
    }

    fn compares(self) -> bool {
        matches!(self, Self::Compare(_))
    }
}

/// What may follow the value.
struct Options<'a> {
    condition: Condition<'a>,
    get: bool,
    keep_ttl: bool,
    expiration: Option<Expiration<'a>>,
}

impl<'a> Options<'a> {
    fn parse(args: &Args<'a>) -> Result<Self, ReplyError> {
        let mut options =
            Self { condition: Condition::Always, get: false, keep_ttl: false, expiration: None };
        let mut rest = args.skip(3).iter();
        while let Some(word) = rest.next() {
            options.take(word, &mut rest)?;
        }
        Ok(options)
    }

    fn take(&mut self, word: &[u8], rest: &mut impl Iterator<Item = &'a [u8]>) -> CmdResult {
        let condition = self.condition;
        if arg::is(word, "NX") && matches!(condition, Condition::Always | Condition::IfAbsent) {
            self.condition = Condition::IfAbsent;
        } else if arg::is(word, "XX") && matches!(condition, Condition::Always | Condition::IfPresent) {
            self.condition = Condition::IfPresent;
        } else if arg::is(word, "GET") {
            self.get = true;
        } else if arg::is(word, "KEEPTTL") && self.expiration.is_none() {
            self.keep_ttl = true;
        } else if Comparison::begins(word) {
            if condition != Condition::Always {
                return Err(errors::SYNTAX);
            }
            self.condition = Condition::Compare(Comparison::parse(word, rest.next())?);
        } else {
            let form = Form::of(word).ok_or(errors::SYNTAX)?;
            // The same option may be repeated, the last one counts; two different ones may not be mixed.
            if self.keep_ttl || self.expiration.is_some_and(|known| known.form != form) {
                return Err(errors::SYNTAX);
            }
            let text = rest.next().ok_or(errors::SYNTAX)?;
            self.expiration = Some(Expiration { form, text });
        }
        Ok(())
    }
}

/// Replies the present value as GET does.
fn reply_value(cx: &mut Cx<'_, '_>, key: &Key<'_>) -> CmdResult {
    match cx.view.get(key) {
        Some(entry) => cx.out.bulk(string_of(entry)?.bytes(&mut IntText::new())),
        None => {
            cx.out.null();
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

fn store_with_expiry(cx: &mut Cx<'_, '_>, key: &Key<'_>, value: &[u8], at_ms: i64) {
    store(cx, key, value, SetTtl::At(at_ms));
    cx.notify(notify_class::GENERIC, "expire", key.bytes);
}

/// Stores with an expiry that was not given in Unix milliseconds, which is how it propagates.
fn store_and_propagate(cx: &mut Cx<'_, '_>, key: &Key<'_>, value: &[u8], at_ms: i64) {
    store_with_expiry(cx, key, value, at_ms);
    cx.propagate(&[b"SET", key.bytes, value, b"PXAT", IntText::new().format(at_ms)]);
}

/// Nobody reads the replies of what is propagated.
fn propagate_without_get(cx: &mut Cx<'_, '_>, args: Args<'_>) {
    let options = args.skip(3);
    let kept = args.take(3).iter().chain(options.iter().filter(|word| !arg::is(word, "GET")));
    cx.propagate(&kept.collect::<Vec<_>>());
}

/// SETNX key value
pub(super) const SETNX: Command = Command::new("setnx", 3, setnx)
    .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::OW | key_flag::INSERT)])
    .docs(Group::String, "1.0.0", "O(1)", "Stores a string under a key that does not exist yet.")
    .deprecated("2.6.12", "`SET` with the `NX` argument")
    .args(&[Arg::key("key", 0), Arg::new("value", ArgKind::String)]);

fn setnx(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let free = cx.view.peek(&key).is_none();
    if free {
        store(cx, &key, &args[2], SetTtl::Clear);
    }
    cx.out.int(i64::from(free));
    Ok(())
}

/// SETEX key seconds value
pub(super) const SETEX: Command = Command::new("setex", 4, setex)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::OW | key_flag::UPDATE)])
    .docs(Group::String, "2.0.0", "O(1)", "Stores a string under a key that expires after some seconds.")
    .deprecated("2.6.12", "`SET` with the `EX` argument")
    .args(&[Arg::key("key", 0), Arg::new("seconds", ArgKind::Integer), Arg::new("value", ArgKind::String)]);

fn setex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_expiring(cx, args, Form::Ex)
}

/// PSETEX key milliseconds value
pub(super) const PSETEX: Command = Command::new("psetex", 4, psetex)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::OW | key_flag::UPDATE)])
    .docs(Group::String, "2.6.0", "O(1)", "Stores a string under a key that expires after some milliseconds.")
    .deprecated("2.6.12", "`SET` with the `PX` argument")
    .args(&[
        Arg::key("key", 0),
        Arg::new("milliseconds", ArgKind::Integer),
        Arg::new("value", ArgKind::String),
    ]);

fn psetex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_expiring(cx, args, Form::Px)
}

fn set_expiring(cx: &mut Cx<'_, '_>, args: Args<'_>, form: Form) -> CmdResult {
    let at_ms = Expiration { form, text: &args[2] }.at_ms(cx)?;
    let key = cx.key(&args[1]);
    store_and_propagate(cx, &key, &args[3], at_ms);
    cx.out.ok();
    Ok(())
}

/// GETSET key value
pub(super) const GETSET: Command = Command::new("getset", 3, getset)
    .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)])
    .docs(Group::String, "1.0.0", "O(1)", "Stores a string under a key and returns the one it held before.")
    .deprecated("6.2.0", "`SET` with the `GET` argument")
    .args(&[Arg::key("key", 0), Arg::new("value", ArgKind::String)]);

fn getset(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    reply_value(cx, &key)?;
    store(cx, &key, &args[2], SetTtl::Clear);
    cx.propagate(&[b"SET", key.bytes, &args[2]]);
    Ok(())
}

/// MSET key value [key value ...]
pub(super) const MSET: Command = Command::new("mset", -3, mset)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::STRING)
    .keys(&[KeySpec::range(1, -1, 2, key_flag::OW | key_flag::UPDATE)])
    .docs(Group::String, "1.0.1", "O(N) where N is the number of keys.", "Stores several strings at once.")
    .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
    .args(PAIRS);

const PAIRS: &[Arg] =
    &[Arg::block("data", &[Arg::key("key", 0), Arg::new("value", ArgKind::String)]).multiple()];

fn mset(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    check_pairs(cx, &args)?;
    store_pairs(cx, &args);
    cx.out.ok();
    Ok(())
}

/// MSETNX key value [key value ...]
pub(super) const MSETNX: Command = Command::new("msetnx", -3, msetnx)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::STRING)
    .keys(&[KeySpec::range(1, -1, 2, key_flag::OW | key_flag::INSERT)])
    .docs(
        Group::String,
        "1.0.1",
        "O(N) where N is the number of keys.",
        "Stores several strings at once unless one of the keys exists already.",
    )
    .args(PAIRS);

fn msetnx(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    check_pairs(cx, &args)?;
    let free = args.skip(1).iter().step_by(2).all(|key| cx.view.peek(&cx.key(key)).is_none());
    if free {
        store_pairs(cx, &args);
    }
    cx.out.int(i64::from(free));
    Ok(())
}

fn check_pairs(cx: &Cx<'_, '_>, args: &Args<'_>) -> CmdResult {
    if args.len().is_multiple_of(2) { Err(cx.arity_error()) } else { Ok(()) }
}

fn store_pairs(cx: &mut Cx<'_, '_>, args: &Args<'_>) {
    let mut rest = args.skip(1).iter();
    while let (Some(key), Some(value)) = (rest.next(), rest.next()) {
        let key = cx.key(key);
        store(cx, &key, value, SetTtl::Clear);
    }
}

#[cfg(test)]
mod tests;
