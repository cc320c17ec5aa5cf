//! PUBLISH and SPUBLISH.

use redan_engine::{
    Arg, ArgKind, BeginSearch, Channels, CmdResult, Command, Cx, FindKeys, Group, KeySpec, Run, condition,
    flag, key_flag,
};
use redan_resp::Args;

const FLAGS: u32 = flag::PUBSUB | flag::LOADING | flag::STALE | flag::FAST | flag::MAY_REPLICATE;

/// PUBLISH channel message
pub(super) const PUBLISH: Command = Command::new("publish", 3, publish)
    .flags(FLAGS | flag::SENTINEL)
    .channels(Channels::First)
    .docs(
        Group::PubSub,
        "2.0.0",
        "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of subscribed patterns (by any client).",
        "Posts a message to a channel.",
    )
    .args(&[Arg::new("channel", ArgKind::String), Arg::new("message", ArgKind::String)]);

/// SPUBLISH shardchannel message
pub(super) const SPUBLISH: Command = Command::new("spublish", 3, spublish)
    .flags(FLAGS)
    .channels(Channels::First)
    .keys(&[KeySpec {
        flags: key_flag::NOT_KEY,
        begin: BeginSearch::Index(1),
        find: FindKeys::Range { last: 0, step: 1, limit: 0 },
        notes: "",
    }])
    .docs(
        Group::PubSub,
        "7.0.0",
        "O(N) where N is the number of clients subscribed to the receiving shard channel.",
        "Post a message to a shard channel",
    )
    .args(&[Arg::new("shardchannel", ArgKind::String), Arg::new("message", ArgKind::String)])
    // What looks like a key is none here: no shard is locked.
    .run(Run::Shared);

fn publish(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if cx.engine.conditions().any(condition::SENTINEL) {
        return crate::sentinel::ask(cx, args);
    }
    let receivers = cx.publish(&args[1], &args[2]);
    reply(cx, args, receivers)
}

fn spublish(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let receivers = cx.publish_shard(&args[1], &args[2]);
    reply(cx, args, receivers)
}

fn reply(cx: &mut Cx<'_, '_>, args: Args<'_>, receivers: usize) -> CmdResult {
    // Replicas have subscribers of their own: the message goes down the stream although nothing was written.
    cx.propagate_to_replicas(&[&args[0], &args[1], &args[2]]);
    cx.out.int(receivers as i64);
    // A publisher that listens itself gets the message right behind its reply, but never among those of a transaction.
    if !cx.is_nested() {
        cx.flush_mailbox();
    }
    Ok(())
}
