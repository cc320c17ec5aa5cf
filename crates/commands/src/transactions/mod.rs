//! MULTI, EXEC, DISCARD, WATCH, UNWATCH. What they do lives in the engine; here are their rows.

use redan_engine::{Arg, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag};
use redan_resp::Args;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[DISCARD, EXEC, MULTI, UNWATCH, WATCH];

const ALWAYS: u32 = flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::ALLOW_BUSY;

/// MULTI
const MULTI: Command = Command::new("multi", 1, multi)
    .flags(ALWAYS | flag::FAST)
    .acl(category::TRANSACTION)
    .docs(Group::Transactions, "1.2.0", "O(1)", "Starts a transaction.");

/// EXEC
const EXEC: Command = Command::new("exec", 1, exec)
    .flags(flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::SKIP_SLOWLOG)
    .acl(category::TRANSACTION)
    .exclusive()
    .docs(
        Group::Transactions,
        "1.2.0",
        "Depends on commands in the transaction",
        "Executes all commands of a transaction.",
    );

/// DISCARD
const DISCARD: Command =
    Command::new("discard", 1, discard).flags(ALWAYS | flag::FAST).acl(category::TRANSACTION).docs(
        Group::Transactions,
        "2.0.0",
        "O(N), when N is the number of queued commands",
        "Discards a transaction.",
    );

/// WATCH key [key ...]
const WATCH: Command = Command::new("watch", -2, watch)
    .flags(ALWAYS | flag::FAST)
    .acl(category::TRANSACTION)
    .keys(&[KeySpec::range(1, -1, 1, key_flag::RO)])
    .docs(
        Group::Transactions,
        "2.2.0",
        "O(1) for every key.",
        "Monitors changes to keys to determine the execution of a transaction.",
    )
    .args(&[Arg::key("key", 0).multiple()]);

/// UNWATCH
const UNWATCH: Command = Command::new("unwatch", 1, unwatch)
    .flags(ALWAYS | flag::FAST)
    .acl(category::TRANSACTION)
    .docs(Group::Transactions, "2.2.0", "O(1)", "Forgets about watched keys of a transaction.");

fn multi(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.multi()
}

fn exec(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.exec()
}

fn discard(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.discard()
}

fn watch(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.watch(args.skip(1))
}

fn unwatch(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.unwatch();
    Ok(())
}

#[cfg(test)]
mod tests;
