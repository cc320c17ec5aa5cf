//! PING, ECHO, SELECT, QUIT, RESET.

use crate::arg;
use redan_engine::{
    Arg, ArgKind, ClientFlags, CmdResult, Command, Cx, Group, ReplyMode, category, errors, flag,
};
use redan_keyspace::DbIndex;
use redan_resp::{Args, Protocol};
use std::sync::atomic::Ordering;

/// PING [message]
pub(super) const PING: Command = Command::new("ping", -1, ping)
    .flags(flag::FAST | flag::SENTINEL)
    .acl(category::CONNECTION)
    .docs(Group::Connection, "1.0.0", "O(1)", "Returns the server's liveliness response.")
    .args(&[Arg::new("message", ArgKind::String).optional()])
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]);

/// ECHO message
pub(super) const ECHO: Command = Command::new("echo", 2, echo)
    .flags(flag::LOADING | flag::STALE | flag::FAST)
    .acl(category::CONNECTION)
    .docs(Group::Connection, "1.0.0", "O(1)", "Returns the given string.")
    .args(&[Arg::new("message", ArgKind::String)]);

/// SELECT index
pub(super) const SELECT: Command = Command::new("select", 2, select)
    .flags(flag::LOADING | flag::STALE | flag::FAST)
    .acl(category::CONNECTION)
    .docs(Group::Connection, "1.0.0", "O(1)", "Changes the selected database.")
    .args(&[Arg::new("index", ArgKind::Integer)]);

const ALWAYS: u32 = flag::NOSCRIPT
    | flag::LOADING
    | flag::STALE
    | flag::FAST
    | flag::NO_AUTH
    | flag::ALLOW_BUSY
    | flag::SENTINEL;

/// QUIT
pub(super) const QUIT: Command = Command::new("quit", -1, quit)
    .flags(ALWAYS)
    .acl(category::CONNECTION)
    .docs(Group::Connection, "1.0.0", "O(1)", "Closes the connection.")
    .deprecated("7.2.0", "just closing the connection");

/// RESET
pub(super) const RESET: Command = Command::new("reset", 1, reset)
    .flags(ALWAYS)
    .acl(category::CONNECTION)
    .docs(Group::Connection, "6.2.0", "O(1)", "Resets the connection.");

fn ping(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() > 2 {
        return Err(cx.arity_error());
    }
    let subscribed = cx.session.subscription_count() + cx.session.shard_channels.len() > 0;
    if subscribed && cx.out.protocol() == Protocol::Resp2 {
        cx.out.array(2);
        cx.out.bulk(b"pong");
        cx.out.bulk(args.get(1).unwrap_or_default());
    } else {
        match args.get(1) {
            Some(message) => cx.out.bulk(message),
            None => cx.out.simple("PONG"),
        }
    }
    Ok(())
}

fn echo(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.out.bulk(&args[1]);
    Ok(())
}

fn select(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let index = arg::int(&args[1])?;
    cx.session.db = u32::try_from(index)
        .ok()
        .filter(|&index| index < cx.engine.keyspace().databases())
        .map(DbIndex)
        .ok_or(errors::DB_RANGE)?;
    cx.out.ok();
    Ok(())
}

fn quit(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.out.ok();
    cx.session.close_after_reply();
    Ok(())
}

fn reset(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.reset_transaction();
    cx.engine.forget_subscriptions(cx.session);
    cx.update_subscribed();
    let client = &cx.session.client;
    cx.engine.remove_monitor(client);
    cx.engine.stop_tracking(client);
    client.put(ClientFlags::NO_EVICT | ClientFlags::NO_TOUCH, false);
    client.meta.lock().name.clear();
    client.resp.store(2, Ordering::Relaxed);
    cx.session.no_touch = false;
    cx.session.db = DbIndex(0);
    cx.session.set_reply_mode(ReplyMode::On);
    cx.out.set_protocol(Protocol::Resp2);
    cx.engine.users().greet(cx.session, cx.engine.table());
    cx.out.simple("RESET");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn ping_answers_what_it_is_given() {
        let mut rig = Rig::new();
        assert_eq!(rig.run("PING"), "+PONG");
        assert_eq!(rig.run("PING hi"), "$2|hi");
        assert_eq!(rig.run("PING a b"), "-ERR wrong number of arguments for 'ping' command");
        rig.run("SUBSCRIBE a");
        assert_eq!(rig.run("PING"), "*2|$4|pong|$0|");
    }

    #[test]
    fn select_takes_what_databases_allows() {
        let mut rig = Rig::new();
        assert_eq!(rig.run("SELECT 15"), "+OK");
        assert_eq!(rig.run("SELECT 16"), "-ERR DB index is out of range");
        assert_eq!(rig.run("SELECT -1"), "-ERR DB index is out of range");
        assert_eq!(rig.run("SELECT x"), "-ERR value is not an integer or out of range");
    }

    #[test]
    fn reset_ends_a_transaction_and_subscriptions() {
        let mut rig = Rig::new();
        rig.run("MULTI");
        assert_eq!(rig.run("RESET"), "+RESET");
        assert_eq!(rig.run("EXEC"), "-ERR EXEC without MULTI");
        rig.run("SUBSCRIBE a");
        assert_eq!(rig.run("RESET"), "+RESET");
        assert_eq!(rig.engine.pubsub().channel_count(false), 0);
        assert_eq!(rig.run("ECHO hi"), "$2|hi");
    }
}
