//! GET and its relatives: whole values.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
    notify_class,
};
use redan_keyspace::IntText;
use redan_resp::Args;

use super::expiration::{Expiration, Form};
use super::value::{notify_miss, string_of};
use crate::arg;
use crate::generic::expiry;

/// GET key
pub(super) const GET: Command = Command::new("get", 2, get)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(Group::String, "1.0.0", "O(1)", "Returns the string value of a key.")
    .args(&[Arg::key("key", 0)]);

fn get(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_value(cx, &args).map(drop)
}

/// Replies the value of the first argument, and says whether it was there.
#[inline]
fn reply_value(cx: &mut Cx<'_, '_>, args: &Args<'_>) -> Result<bool, ReplyError> {
    let key = cx.key(&args[1]);
    match cx.view.get(&key) {
        Some(entry) => {
            cx.out.bulk(string_of(entry)?.bytes(&mut IntText::new()));
            Ok(true)
        }
        None => {
            cx.out.null();
            notify_miss(cx, key.bytes);
            Ok(false)
        }
    }
}

/// MGET key [key ...]
pub(super) const MGET: Command = Command::new("mget", -2, mget)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::STRING)
    .keys(&[KeySpec::range(1, -1, 1, key_flag::RO | key_flag::ACCESS)])
    .docs(Group::String, "1.0.0", "O(N) where N is the number of keys.", "Returns the string values of keys.")
    .tips(&["request_policy:multi_shard"])
    .args(&[Arg::key("key", 0).multiple()]);

fn mget(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.out.array(args.len() - 1);
    for key in args.skip(1).iter() {
        let key = cx.key(key);
        match cx.view.get(&key) {
            Some(entry) => match entry.string() {
                Some(string) => cx.out.bulk(string.bytes(&mut IntText::new())),
                None => cx.out.null(),
            },
            None => {
                cx.out.null();
                notify_miss(cx, key.bytes);
            }
        }
    }
    Ok(())
}

/// GETDEL key
pub(super) const GETDEL: Command = Command::new("getdel", 2, getdel)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)])
    .docs(Group::String, "6.2.0", "O(1)", "Returns the string value of a key and deletes the key.")
    .args(&[Arg::key("key", 0)]);

fn getdel(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if reply_value(cx, &args)? {
        let key = cx.key(&args[1]);
        cx.view.remove(&key);
        cx.propagate(&[b"DEL", key.bytes]);
        cx.notify(notify_class::GENERIC, "del", key.bytes);
    }
    Ok(())
}

/// GETEX key [EX seconds | PX ms | EXAT unix-seconds | PXAT unix-ms | PERSIST]
pub(super) const GETEX: Command = Command::new("getex", -2, getex)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::STRING)
    .keys(&[KeySpec {
        notes: "RW and UPDATE because the expiry changes",
        ..KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)
    }])
    .docs(Group::String, "6.2.0", "O(1)", "Returns the string value of a key and changes when it expires.")
    .args(&[
        Arg::key("key", 0),
        Arg::one_of(
            "expiration",
            &[
                Arg::new("seconds", ArgKind::Integer).after("EX"),
                Arg::new("milliseconds", ArgKind::Integer).after("PX"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).after("EXAT"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).after("PXAT"),
                Arg::token("persist", "PERSIST"),
            ],
        )
        .optional(),
    ]);

/// What GETEX does to the expiry.
enum Change<'a> {
    Nothing,
    Persist,
    Expire(Expiration<'a>),
}

impl<'a> Change<'a> {
    fn parse(args: &Args<'a>) -> Result<Self, ReplyError> {
        let mut change = Self::Nothing;
        let mut rest = args.skip(2).iter();
        while let Some(word) = rest.next() {
            change = match (change, Form::of(word)) {
                (Self::Nothing | Self::Persist, None) if arg::is(word, "PERSIST") => Self::Persist,
                (Self::Nothing, Some(form)) => Self::expire(form, rest.next())?,
                (Self::Expire(known), Some(form)) if known.form == form => Self::expire(form, rest.next())?,
                _ => return Err(errors::SYNTAX),
            };
        }
        Ok(change)
    }

    fn expire(form: Form, text: Option<&'a [u8]>) -> Result<Self, ReplyError> {
        Ok(Self::Expire(Expiration { form, text: text.ok_or(errors::SYNTAX)? }))
    }
}

fn getex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let change = Change::parse(&args)?;
    if !reply_value(cx, &args)? {
        return Ok(());
    }
    let key = cx.key(&args[1]);
    match change {
        Change::Nothing => {}
        Change::Persist => {
            if cx.view.expiry(&key).flatten().is_some() {
                cx.view.set_expiry(&key, None);
                cx.propagate(&[b"PERSIST", key.bytes]);
                cx.notify(notify_class::GENERIC, "persist", key.bytes);
            }
        }
        Change::Expire(expiration) => {
            let at_ms = expiration.at_ms(cx)?;
            if expiration.form.is_absolute() && expiry::is_over(cx, at_ms) {
                expiry::delete_expired(cx, &key);
            } else {
                cx.view.set_expiry(&key, Some(at_ms));
                cx.propagate(&[b"PEXPIREAT", key.bytes, IntText::new().format(at_ms)]);
                cx.notify(notify_class::GENERIC, "expire", key.bytes);
            }
        }
    }
    Ok(())
}
