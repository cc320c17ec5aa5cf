//! SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and their opposites.

use bytes::Bytes;
use redan_engine::{
    Arg, ArgKind, Channels, CmdResult, Command, Cx, Group, KeySpec, ReplyMode, Run, SessionState, flag,
    key_flag,
};
use redan_resp::{Args, ReplyBuf};
use std::collections::HashSet;

const FLAGS: u32 = flag::PUBSUB | flag::NOSCRIPT | flag::LOADING | flag::STALE;

const PER_NAME: &str = "O(N) where N is the number of channels to subscribe to.";

/// No keys, but what a cluster would send to a shard like keys.
const SHARD_CHANNELS: &[KeySpec] = &[KeySpec::range(1, -1, 1, key_flag::NOT_KEY)];

/// SUBSCRIBE channel [channel ...]
pub(super) const SUBSCRIBE: Command = Command::new("subscribe", -2, subscribe)
    .flags(FLAGS | flag::SENTINEL)
    .channels(Channels::All)
    .docs(Group::PubSub, "2.0.0", PER_NAME, "Listens for messages published to channels.")
    .args(&[Arg::new("channel", ArgKind::String).multiple()]);

/// UNSUBSCRIBE [channel [channel ...]]
pub(super) const UNSUBSCRIBE: Command = Command::new("unsubscribe", -1, unsubscribe)
    .flags(FLAGS | flag::SENTINEL)
    .docs(Group::PubSub, "2.0.0", PER_NAME, "Stops listening to messages posted to channels.")
    .args(&[Arg::new("channel", ArgKind::String).optional().multiple()]);

/// PSUBSCRIBE pattern [pattern ...]
pub(super) const PSUBSCRIBE: Command = Command::new("psubscribe", -2, psubscribe)
    .flags(FLAGS | flag::SENTINEL)
    .channels(Channels::Patterns)
    .docs(
        Group::PubSub,
        "2.0.0",
        "O(N) where N is the number of patterns to subscribe to.",
        "Listens for messages published to channels that match one or more patterns.",
    )
    .args(&[Arg::new("pattern", ArgKind::Pattern).multiple()]);

/// PUNSUBSCRIBE [pattern [pattern ...]]
pub(super) const PUNSUBSCRIBE: Command = Command::new("punsubscribe", -1, punsubscribe)
    .flags(FLAGS | flag::SENTINEL)
    .docs(
        Group::PubSub,
        "2.0.0",
        "O(N) where N is the number of patterns to unsubscribe.",
        "Stops listening to messages published to channels that match one or more patterns.",
    )
    .args(&[Arg::new("pattern", ArgKind::Pattern).optional().multiple()]);

/// SSUBSCRIBE shardchannel [shardchannel ...]
pub(super) const SSUBSCRIBE: Command = Command::new("ssubscribe", -2, ssubscribe)
    .flags(FLAGS)
    .keys(SHARD_CHANNELS)
    .run(Run::Shared)
    .channels(Channels::All)
    .docs(Group::PubSub, "7.0.0", PER_NAME, "Listens for messages published to shard channels.")
    .args(&[Arg::new("shardchannel", ArgKind::String).multiple()]);

/// SUNSUBSCRIBE [shardchannel [shardchannel ...]]
pub(super) const SUNSUBSCRIBE: Command = Command::new("sunsubscribe", -1, sunsubscribe)
    .flags(FLAGS)
    .keys(SHARD_CHANNELS)
    .run(Run::Shared)
    .docs(Group::PubSub, "7.0.0", PER_NAME, "Stops listening to messages posted to shard channels.")
    .args(&[Arg::new("shardchannel", ArgKind::String).optional().multiple()]);

/// A kind of subscription: where a session keeps it, how the registry takes it, what replies call it.
struct Kind {
    joined: &'static str,
    left: &'static str,
    names: fn(&mut SessionState) -> &mut HashSet<Bytes>,
    count: fn(&SessionState) -> usize,
    join: fn(&Cx<'_, '_>, Bytes),
    leave: fn(&Cx<'_, '_>, &Bytes),
}

const CHANNEL: Kind = Kind {
    joined: "subscribe",
    left: "unsubscribe",
    names: |session| &mut session.channels,
    count: SessionState::subscription_count,
    join: |cx, name| cx.engine.pubsub().subscribe(name, &cx.session.client),
    leave: |cx, name| cx.engine.pubsub().unsubscribe(name, cx.session.client.id),
};

const PATTERN: Kind = Kind {
    joined: "psubscribe",
    left: "punsubscribe",
    names: |session| &mut session.patterns,
    count: SessionState::subscription_count,
    join: |cx, name| cx.engine.pubsub().subscribe_pattern(name, &cx.session.client),
    leave: |cx, name| cx.engine.pubsub().unsubscribe_pattern(name, cx.session.client.id),
};

const SHARD: Kind = Kind {
    joined: "ssubscribe",
    left: "sunsubscribe",
    names: |session| &mut session.shard_channels,
    count: |session| session.shard_channels.len(),
    join: |cx, name| cx.engine.pubsub().subscribe_shard(name, &cx.session.client),
    leave: |cx, name| cx.engine.pubsub().unsubscribe_shard(name, cx.session.client.id),
};

fn subscribe(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    join(cx, args, &CHANNEL)
}

fn unsubscribe(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    leave(cx, args, &CHANNEL)
}

fn psubscribe(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    join(cx, args, &PATTERN)
}

fn punsubscribe(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    leave(cx, args, &PATTERN)
}

fn ssubscribe(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    join(cx, args, &SHARD)
}

fn sunsubscribe(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    leave(cx, args, &SHARD)
}

fn join(cx: &mut Cx<'_, '_>, args: Args<'_>, kind: &Kind) -> CmdResult {
    for name in args.skip(1).iter().map(Bytes::copy_from_slice) {
        if (kind.names)(cx.session).insert(name.clone()) {
            (kind.join)(cx, name.clone());
        }
        reply(cx, kind.joined, Some(&name), kind);
    }
    cx.update_subscribed();
    Ok(())
}

fn leave(cx: &mut Cx<'_, '_>, args: Args<'_>, kind: &Kind) -> CmdResult {
    let names: Vec<Bytes> = match args.len() {
        1 => (kind.names)(cx.session).iter().cloned().collect(),
        _ => args.skip(1).iter().map(Bytes::copy_from_slice).collect(),
    };
    if names.is_empty() {
        reply(cx, kind.left, None, kind);
    }
    for name in &names {
        if (kind.names)(cx.session).remove(name) {
            (kind.leave)(cx, name);
        }
        reply(cx, kind.left, Some(name), kind);
    }
    cx.update_subscribed();
    Ok(())
}

/// Says what has become of a subscription. CLIENT REPLY does not silence that: it is a push, not a reply.
fn reply(cx: &mut Cx<'_, '_>, word: &str, name: Option<&Bytes>, kind: &Kind) {
    let count = (kind.count)(cx.session) as i64;
    if cx.session.reply_mode == ReplyMode::On {
        write_push(cx.out, word, name, count);
    } else {
        let mut push = ReplyBuf::new(cx.out.protocol());
        write_push(&mut push, word, name, count);
        cx.session.client.mailbox.push(Bytes::from(push.take()));
    }
}

fn write_push(out: &mut ReplyBuf, word: &str, name: Option<&Bytes>, count: i64) {
    out.push(3);
    out.bulk(word.as_bytes());
    match name {
        Some(name) => out.bulk(name),
        None => out.null(),
    }
    out.int(count);
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn replies_count_channels_and_patterns_together_and_shard_channels_apart() {
        let mut rig = Rig::new();
        assert_eq!(rig.run("SUBSCRIBE a b"), "*3|$9|subscribe|$1|a|:1|*3|$9|subscribe|$1|b|:2");
        assert_eq!(rig.run("PSUBSCRIBE p*"), "*3|$10|psubscribe|$2|p*|:3");
        assert_eq!(rig.run("SSUBSCRIBE s"), "*3|$10|ssubscribe|$1|s|:1");
        assert_eq!(rig.run("UNSUBSCRIBE a b"), "*3|$11|unsubscribe|$1|a|:2|*3|$11|unsubscribe|$1|b|:1");
        assert_eq!(rig.run("PUNSUBSCRIBE"), "*3|$12|punsubscribe|$2|p*|:0");
        assert_eq!(rig.run("UNSUBSCRIBE"), "*3|$11|unsubscribe|$-1|:0");
    }

    #[test]
    fn pushes_stay_out_of_a_transaction() {
        let mut rig = Rig::new();
        rig.run("HELLO 3");
        rig.run("SUBSCRIBE foo");
        assert_eq!(rig.run("PUBLISH foo bar"), ":1|>3|$7|message|$3|foo|$3|bar");
        for queued in ["MULTI", "PUBLISH foo vaz", "UNSUBSCRIBE foo", "PING"] {
            rig.run(queued);
        }
        assert_eq!(rig.run("EXEC"), "*3|:1|>3|$11|unsubscribe|$3|foo|:0|+PONG");
        let messages = rig.engine.clients().all()[0].mailbox.take();
        assert_eq!(messages, [&b">3\r\n$7\r\nmessage\r\n$3\r\nfoo\r\n$3\r\nvaz\r\n"[..]]);
    }

    #[test]
    fn a_subscribed_resp2_client_may_do_little_else() {
        let mut rig = Rig::new();
        rig.run("SUBSCRIBE a");
        assert!(rig.run("GET x").starts_with("-ERR Can't execute 'get': only (P|S)SUBSCRIBE"));
        rig.run("UNSUBSCRIBE");
        assert_eq!(rig.run("GET x"), "$-1");
    }
}
