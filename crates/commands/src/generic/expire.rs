//! EXPIRE and its relatives: when a key goes.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
    notify_class,
};
use redan_keyspace::IntText;
use redan_resp::Args;

use super::expiry;
use crate::arg;

const FLAGS: u32 = flag::WRITE | flag::FAST;
const KEYS: &[KeySpec] = &[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)];
const CONDITION: Arg = Arg::one_of(
    "condition",
    &[Arg::token("nx", "NX"), Arg::token("xx", "XX"), Arg::token("gt", "GT"), Arg::token("lt", "LT")],
)
.optional();

/// EXPIRE key seconds [NX | XX | GT | LT]
pub(super) const EXPIRE: Command = Command::new("expire", -3, expire)
    .flags(FLAGS)
    .acl(category::KEYSPACE)
    .keys(KEYS)
    .docs(Group::Generic, "1.0.0", "O(1)", "Lets a key expire after some seconds.")
    .args(&[Arg::key("key", 0), Arg::new("seconds", ArgKind::Integer), CONDITION]);

fn expire(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let base_ms = cx.now_ms;
    set_expiry(cx, args, base_ms, 1000)
}

/// PEXPIRE key milliseconds [NX | XX | GT | LT]
pub(super) const PEXPIRE: Command = Command::new("pexpire", -3, pexpire)
    .flags(FLAGS)
    .acl(category::KEYSPACE)
    .keys(KEYS)
    .docs(Group::Generic, "2.6.0", "O(1)", "Lets a key expire after some milliseconds.")
    .args(&[Arg::key("key", 0), Arg::new("milliseconds", ArgKind::Integer), CONDITION]);

fn pexpire(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let base_ms = cx.now_ms;
    set_expiry(cx, args, base_ms, 1)
}

/// EXPIREAT key unix-time-seconds [NX | XX | GT | LT]
pub(super) const EXPIREAT: Command = Command::new("expireat", -3, expireat)
    .flags(FLAGS)
    .acl(category::KEYSPACE)
    .keys(KEYS)
    .docs(Group::Generic, "1.2.0", "O(1)", "Lets a key expire at a time in Unix seconds.")
    .args(&[Arg::key("key", 0), Arg::new("unix-time-seconds", ArgKind::UnixTime), CONDITION]);

fn expireat(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_expiry(cx, args, 0, 1000)
}

/// PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]
pub(super) const PEXPIREAT: Command = Command::new("pexpireat", -3, pexpireat)
    .flags(FLAGS)
    .acl(category::KEYSPACE)
    .keys(KEYS)
    .docs(Group::Generic, "2.6.0", "O(1)", "Lets a key expire at a time in Unix milliseconds.")
    .args(&[Arg::key("key", 0), Arg::new("unix-time-milliseconds", ArgKind::UnixTime), CONDITION]);

fn pexpireat(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_expiry(cx, args, 0, 1)
}

/// When the present expiry gives way to a new one.
#[derive(Clone, Copy, Default)]
struct Condition {
    absent: bool,
    present: bool,
    greater: bool,
    less: bool,
}

impl Condition {
    fn parse(options: Args<'_>) -> Result<Self, ReplyError> {
        let mut condition = Self::default();
        for option in options.iter() {
            match option {
                _ if arg::is(option, "NX") => condition.absent = true,
                _ if arg::is(option, "XX") => condition.present = true,
                _ if arg::is(option, "GT") => condition.greater = true,
                _ if arg::is(option, "LT") => condition.less = true,
                _ => return Err(errors::unsupported_option(option)),
            }
        }
        if condition.absent && (condition.present || condition.greater || condition.less) {
            return Err(errors::EXPIRE_NX_CONFLICT);
        }
        if condition.greater && condition.less {
            return Err(errors::EXPIRE_GT_LT_CONFLICT);
        }
        Ok(condition)
    }

    /// A key without an expiry lives for ever: no time is greater, any is less.
    fn allows(self, current: Option<i64>, new: i64) -> bool {
        let refused = match current {
            Some(current) => self.absent || (self.greater && new <= current) || (self.less && new >= current),
            None => self.present || self.greater,
        };
        !refused
    }
}

fn set_expiry(cx: &mut Cx<'_, '_>, args: Args<'_>, base_ms: i64, per_unit: i64) -> CmdResult {
    let condition = Condition::parse(args.skip(3))?;
    // Negative times are times too; only what does not fit is refused.
    let at_ms = arg::int(&args[2])?.checked_mul(per_unit).and_then(|ms| ms.checked_add(base_ms));
    let at_ms = at_ms.ok_or_else(|| errors::invalid_expire(&cx.entry.full_name))?;
    let over = expiry::is_over(cx, at_ms);
    let key = cx.key(&args[1]);
    let Some(mut entry) = cx.view.edit(&key) else {
        cx.out.int(0);
        return Ok(());
    };
    if !condition.allows(entry.entry().expire_at_ms(), at_ms) {
        cx.out.int(0);
        return Ok(());
    }
    if over {
        expiry::delete_expired(cx, &key);
    } else {
        entry.set_expiry(Some(at_ms));
        if base_ms != 0 || per_unit != 1 {
            propagate_absolute(cx, args, at_ms);
        }
        cx.notify(notify_class::GENERIC, "expire", key.bytes);
    }
    cx.out.int(1);
    Ok(())
}

fn propagate_absolute(cx: &mut Cx<'_, '_>, args: Args<'_>, at_ms: i64) {
    let mut text = IntText::new();
    let mut words: Vec<&[u8]> = vec![b"PEXPIREAT", &args[1], text.format(at_ms)];
    words.extend(args.skip(3).iter());
    cx.propagate(&words);
}

#[cfg(test)]
mod tests;
