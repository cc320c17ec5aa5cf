//! TTL and its relatives: how long a key has left; PERSIST.

use redan_engine::{Arg, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag, notify_class};
use redan_resp::Args;

const READS: &[KeySpec] = &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)];
const KEY: &[Arg] = &[Arg::key("key", 0)];

/// TTL key
pub(super) const TTL: Command = Command::new("ttl", 2, ttl)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::KEYSPACE)
    .keys(READS)
    .docs(Group::Generic, "1.0.0", "O(1)", "Returns the seconds until a key expires.")
    .tips(&["nondeterministic_output"])
    .args(KEY);

fn ttl(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let now_ms = cx.now_ms;
    reply_expiry(cx, &args, |at_ms| in_seconds((at_ms - now_ms).max(0)))
}

/// PTTL key
pub(super) const PTTL: Command = Command::new("pttl", 2, pttl)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::KEYSPACE)
    .keys(READS)
    .docs(Group::Generic, "2.6.0", "O(1)", "Returns the milliseconds until a key expires.")
    .tips(&["nondeterministic_output"])
    .args(KEY);

fn pttl(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let now_ms = cx.now_ms;
    reply_expiry(cx, &args, |at_ms| (at_ms - now_ms).max(0))
}

/// EXPIRETIME key
pub(super) const EXPIRETIME: Command = Command::new("expiretime", 2, expiretime)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::KEYSPACE)
    .keys(READS)
    .docs(Group::Generic, "7.0.0", "O(1)", "Returns when a key expires, in Unix seconds.")
    .args(KEY);

fn expiretime(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_expiry(cx, &args, |at_ms| in_seconds(at_ms.max(0)))
}

/// PEXPIRETIME key
pub(super) const PEXPIRETIME: Command = Command::new("pexpiretime", 2, pexpiretime)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::KEYSPACE)
    .keys(READS)
    .docs(Group::Generic, "7.0.0", "O(1)", "Returns when a key expires, in Unix milliseconds.")
    .args(KEY);

fn pexpiretime(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_expiry(cx, &args, |at_ms| at_ms.max(0))
}

/// To the nearest second. The sum does not overflow for any time that the conditions of EXPIRE let through.
fn in_seconds(ms: i64) -> i64 {
    ms.saturating_add(500) / 1000
}

/// Replies what `show` makes of the expiry; -1 without one, -2 without a key.
fn reply_expiry(cx: &mut Cx<'_, '_>, args: &Args<'_>, show: impl FnOnce(i64) -> i64) -> CmdResult {
    let key = cx.key(&args[1]);
    if !cx.view.exists(&key) {
        cx.out.int(-2);
        cx.notify(notify_class::KEY_MISS, "keymiss", key.bytes);
        return Ok(());
    }
    cx.out.int(cx.view.expiry(&key).flatten().map_or(-1, show));
    Ok(())
}

/// PERSIST key
pub(super) const PERSIST: Command = Command::new("persist", 2, persist)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::KEYSPACE)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)])
    .docs(Group::Generic, "2.2.0", "O(1)", "Takes away the expiry of a key.")
    .args(KEY);

fn persist(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let had_one = cx.view.expiry(&key).flatten().is_some();
    if had_one {
        cx.view.set_expiry(&key, None);
        cx.notify(notify_class::GENERIC, "persist", key.bytes);
    }
    cx.out.int(i64::from(had_one));
    Ok(())
}
