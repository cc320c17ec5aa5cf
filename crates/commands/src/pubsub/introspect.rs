//! PUBSUB.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, flag};
use redan_resp::Args;

const FLAGS: u32 = flag::PUBSUB | flag::LOADING | flag::STALE;

const fn sub(name: &'static str, arity: i32, handler: redan_engine::Handler, since: &'static str) -> Command {
    Command::new(name, arity, handler).flags(FLAGS).docs(Group::PubSub, since, "O(N)", "")
}

/// PUBSUB subcommand [argument [argument ...]]
pub(super) const PUBSUB: Command = Command::new("pubsub", -2, crate::container)
    .flags(flag::SENTINEL)
    .docs(Group::PubSub, "2.8.0", "Depends on subcommand.", "A container for Pub/Sub commands.")
    .subcommands(&[
        sub("channels", -2, channels, "2.8.0")
            .docs(
                Group::PubSub,
                "2.8.0",
                "O(N) where N is the number of active channels",
                "Returns the active channels.",
            )
            .args(&[Arg::new("pattern", ArgKind::Pattern).optional()]),
        sub("numpat", 2, numpat, "2.8.0").docs(
            Group::PubSub,
            "2.8.0",
            "O(1)",
            "Returns a count of unique pattern subscriptions.",
        ),
        sub("numsub", -2, numsub, "2.8.0")
            .docs(
                Group::PubSub,
                "2.8.0",
                "O(N) where N is the number of requested channels",
                "Returns a count of subscribers to channels.",
            )
            .args(&[Arg::new("channel", ArgKind::String).optional().multiple()]),
        sub("shardchannels", -2, shard_channels, "7.0.0")
            .docs(
                Group::PubSub,
                "7.0.0",
                "O(N) where N is the number of active shard channels",
                "Returns the active shard channels.",
            )
            .args(&[Arg::new("pattern", ArgKind::Pattern).optional()]),
        sub("shardnumsub", -2, shard_numsub, "7.0.0")
            .docs(
                Group::PubSub,
                "7.0.0",
                "O(N) where N is the number of requested shard channels",
                "Returns the count of subscribers of shard channels.",
            )
            .args(&[Arg::new("shardchannel", ArgKind::String).optional().multiple()]),
        Command::new("help", 2, help).flags(flag::LOADING | flag::STALE).docs(
            Group::PubSub,
            "6.2.0",
            "O(1)",
            "Returns helpful text about the subcommands.",
        ),
    ]);

fn channels(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    list(cx, args, false)
}

fn shard_channels(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    list(cx, args, true)
}

fn list(cx: &mut Cx<'_, '_>, args: Args<'_>, shard: bool) -> CmdResult {
    if args.len() > 3 {
        return Err(cx.arity_error());
    }
    let channels = cx.engine.pubsub().channels(args.get(2), shard);
    cx.out.array(channels.len());
    channels.iter().for_each(|channel| cx.out.bulk(channel));
    Ok(())
}

fn numsub(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    count(cx, args, false)
}

fn shard_numsub(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    count(cx, args, true)
}

fn count(cx: &mut Cx<'_, '_>, args: Args<'_>, shard: bool) -> CmdResult {
    let channels = args.skip(2);
    cx.out.array(channels.len() * 2);
    for channel in channels.iter() {
        cx.out.bulk(channel);
        cx.out.int(cx.engine.pubsub().subscriber_count(channel, shard) as i64);
    }
    Ok(())
}

fn numpat(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.out.int(cx.engine.pubsub().pattern_count() as i64);
    Ok(())
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "PUBSUB",
        &[
            ("CHANNELS [<pattern>]", "Channels with subscribers that match the pattern (default: all)."),
            ("NUMPAT", "How many patterns are subscribed to."),
            (
                "NUMSUB [<channel> ...]",
                "How many clients are subscribed to each channel, patterns not counted.",
            ),
            (
                "SHARDCHANNELS [<pattern>]",
                "Shard channels with subscribers that match the pattern (default: all).",
            ),
            ("SHARDNUMSUB [<shardchannel> ...]", "How many clients are subscribed to each shard channel."),
        ],
    )
}
