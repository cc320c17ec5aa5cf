//! CONFIG.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, flag};
use redan_resp::Args;

const FLAGS: u32 = flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE;

/// CONFIG subcommand [argument [argument ...]]
pub(super) const CONFIG: Command = Command::new("config", -2, crate::container)
    .docs(Group::Server, "2.0.0", "Depends on subcommand.", "A container for server configuration commands.")
    .subcommands(&[
        Command::new("get", -3, get)
            .flags(FLAGS)
            .docs(
                Group::Server,
                "2.0.0",
                "O(N) when N is the number of configuration parameters provided",
                "Returns the effective values of configuration parameters.",
            )
            .args(&[Arg::new("parameter", ArgKind::String).multiple()]),
        Command::new("set", -4, set)
            .flags(FLAGS)
            .exclusive()
            .docs(
                Group::Server,
                "2.0.0",
                "O(N) when N is the number of configuration parameters provided",
                "Sets configuration parameters in-flight.",
            )
            .args(&[Arg::block(
                "data",
                &[Arg::new("parameter", ArgKind::String), Arg::new("value", ArgKind::String)],
            )
            .multiple()])
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
        Command::new("rewrite", 2, rewrite)
            .flags(FLAGS)
            .exclusive()
            .docs(Group::Server, "2.8.0", "O(1)", "Persists the effective configuration to file.")
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
        Command::new("resetstat", 2, resetstat)
            .flags(FLAGS)
            .exclusive()
            .docs(Group::Server, "2.0.0", "O(1)", "Resets the server's statistics.")
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
        Command::new("help", 2, help).flags(flag::LOADING | flag::STALE).docs(
            Group::Server,
            "5.0.0",
            "O(1)",
            "Returns helpful text about the subcommands.",
        ),
    ]);

fn get(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let patterns: Vec<&[u8]> = args.skip(2).iter().collect();
    let found = cx.host().config_get(&patterns);
    cx.out.map(found.len());
    for (name, value) in found {
        cx.out.bulk(name.as_bytes());
        cx.out.bulk(&value);
    }
    Ok(())
}

fn set(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let words = args.skip(2);
    if !words.len().is_multiple_of(2) {
        return Err(cx.arity_error());
    }
    let pairs: Vec<_> = (0..words.len() / 2).map(|pair| (&words[pair * 2], &words[pair * 2 + 1])).collect();
    cx.host().config_set(&pairs)?;
    cx.out.ok();
    Ok(())
}

fn rewrite(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.host().config_rewrite()?;
    cx.out.ok();
    Ok(())
}

fn resetstat(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.engine.reset_stats();
    cx.out.ok();
    Ok(())
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "CONFIG",
        &[
            (
                "GET <pattern> [<pattern> ...]",
                "Parameters that match any of the patterns, with their values.",
            ),
            ("SET <directive> <value> [<directive> <value> ...]", "Set parameters, all of them or none."),
            ("RESETSTAT", "Reset the statistics that INFO shows."),
            ("REWRITE", "Write the configuration that is in effect to the configuration file."),
        ],
    )
}
