//! SCRIPT.

use crate::arg;
use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Flags, Group, ScriptKind, category, errors, flag};
use redan_resp::Args;

/// SCRIPT subcommand [argument ...]
pub(super) const SCRIPT: Command = Command::new("script", -2, crate::container)
    .docs(
        Group::Scripting,
        "2.6.0",
        "Depends on subcommand.",
        "A container for Lua scripts management commands.",
    )
    .subcommands(&[
        Command::new("debug", 3, debug)
            .flags(flag::NOSCRIPT)
            .acl(category::SCRIPTING)
            .docs(Group::Scripting, "3.2.0", "O(1)", "Sets the debug mode of server-side Lua scripts.")
            .args(&[Arg::one_of(
                "mode",
                &[Arg::token("yes", "YES"), Arg::token("sync", "SYNC"), Arg::token("no", "NO")],
            )]),
        Command::new("exists", -3, exists)
            .flags(flag::NOSCRIPT)
            .acl(category::SCRIPTING)
            .exclusive()
            .docs(
                Group::Scripting,
                "2.6.0",
                "O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).",
                "Determines whether server-side Lua scripts exist in the script cache.",
            )
            .args(&[Arg::new("sha1", ArgKind::String).multiple()])
            .tips(&["request_policy:all_shards", "response_policy:agg_logical_and"]),
        Command::new("flush", -2, flush)
            .flags(flag::NOSCRIPT)
            .acl(category::SCRIPTING)
            .exclusive()
            .docs(
                Group::Scripting,
                "2.6.0",
                "O(N) with N being the number of scripts in cache",
                "Removes all server-side Lua scripts from the script cache.",
            )
            .args(&[Arg::one_of("flush-type", FLUSH_TYPES).optional()])
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
        Command::new("help", 2, help)
            .flags(flag::LOADING | flag::STALE)
            .acl(category::SCRIPTING)
            .docs(Group::Scripting, "5.0.0", "O(1)", "Returns helpful text about the different subcommands."),
        Command::new("kill", 2, kill)
            .flags(KILL)
            .acl(category::SCRIPTING)
            .docs(
                Group::Scripting,
                "2.6.0",
                "O(1)",
                "Terminates a server-side Lua script during execution.",
            )
            .tips(&["request_policy:all_shards", "response_policy:one_succeeded"]),
        Command::new("load", 3, load)
            .flags(flag::NOSCRIPT | flag::STALE)
            .acl(category::SCRIPTING)
            .exclusive()
            .docs(
                Group::Scripting,
                "2.6.0",
                "O(N) with N being the length in bytes of the script body.",
                "Loads a server-side Lua script to the script cache.",
            )
            .args(&[Arg::new("script", ArgKind::String)])
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
    ]);

pub(super) const KILL: Flags = flag::NOSCRIPT | flag::ALLOW_BUSY;

pub(super) const FLUSH_TYPES: &[Arg] = &[Arg::token("async", "ASYNC"), Arg::token("sync", "SYNC")];

fn debug(_: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    Err(errors::NO_DEBUGGER)
}

fn exists(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.out.array(args.len() - 2);
    for sha in args.skip(2) {
        cx.out.int(cx.engine.scripts().exists(sha).into());
    }
    Ok(())
}

fn flush(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let in_background = match args.get(2) {
        None => cx.engine.settings().lazyfree_lazy_user_flush,
        Some(how) if args.len() == 3 && arg::is(how, "SYNC") => false,
        Some(how) if args.len() == 3 && arg::is(how, "ASYNC") => true,
        Some(_) => return Err(errors::err("SCRIPT FLUSH only support SYNC|ASYNC option")),
    };
    let garbage = cx.engine.scripts().flush_scripts();
    if in_background {
        cx.host().free_later(garbage);
    }
    cx.out.ok();
    Ok(())
}

fn kill(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.engine.script_watch().kill(ScriptKind::Eval)?;
    cx.out.ok();
    Ok(())
}

fn load(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let sha = cx.engine.scripts().load(&args[2])?;
    cx.out.bulk(sha.as_bytes());
    Ok(())
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "SCRIPT",
        &[
            ("DEBUG (YES|SYNC|NO)", "Not available: there is no debugger."),
            ("EXISTS <sha1> [<sha1> ...]", "Whether each of these scripts is in the cache."),
            ("FLUSH [ASYNC|SYNC]", "Empty the cache, in the background or at once."),
            ("KILL", "End the running script, unless it has written."),
            ("LOAD <script>", "Put a script into the cache without running it."),
        ],
    )
}
