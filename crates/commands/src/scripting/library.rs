//! FUNCTION.

use super::script::{FLUSH_TYPES, KILL};
use crate::arg;
use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Flags, FunctionInfo, Group, LibraryInfo, RestorePolicy, ScriptKind,
    category, errors, flag, script_flag,
};
use redan_persistence::dump;
use redan_resp::{Args, glob::glob_match};
use std::sync::atomic::Ordering;

const CHANGES: Flags = flag::NOSCRIPT | flag::WRITE;

/// FUNCTION subcommand [argument ...]
pub(super) const FUNCTION: Command = Command::new("function", -2, crate::container)
    .docs(Group::Scripting, "7.0.0", "Depends on subcommand.", "A container for function commands.")
    .subcommands(&[
        Command::new("delete", 3, delete)
            .flags(CHANGES)
            .acl(category::SCRIPTING)
            .exclusive()
            .docs(Group::Scripting, "7.0.0", "O(1)", "Deletes a library and its functions.")
            .args(&[Arg::new("library-name", ArgKind::String)])
            .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
        Command::new("dump", 2, dump_all).flags(flag::NOSCRIPT).acl(category::SCRIPTING).exclusive().docs(
            Group::Scripting,
            "7.0.0",
            "O(N) where N is the number of functions",
            "Dumps all libraries into a serialized binary payload.",
        ),
        Command::new("flush", -2, flush)
            .flags(CHANGES)
            .acl(category::SCRIPTING)
            .exclusive()
            .docs(
                Group::Scripting,
                "7.0.0",
                "O(N) where N is the number of functions deleted",
                "Deletes all libraries and functions.",
            )
            .args(&[Arg::one_of("flush-type", FLUSH_TYPES).optional()])
            .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
        Command::new("help", 2, help).flags(flag::LOADING | flag::STALE).acl(category::SCRIPTING).docs(
            Group::Scripting,
            "7.0.0",
            "O(1)",
            "Returns helpful text about the different subcommands.",
        ),
        Command::new("kill", 2, kill)
            .flags(KILL)
            .acl(category::SCRIPTING)
            .docs(Group::Scripting, "7.0.0", "O(1)", "Terminates a function during execution.")
            .tips(&["request_policy:all_shards", "response_policy:one_succeeded"]),
        Command::new("list", -2, list)
            .flags(flag::NOSCRIPT)
            .acl(category::SCRIPTING)
            .exclusive()
            .docs(
                Group::Scripting,
                "7.0.0",
                "O(N) where N is the number of functions",
                "Returns information about all libraries.",
            )
            .args(&[
                Arg::new("library-name-pattern", ArgKind::String).after("LIBRARYNAME").optional(),
                Arg::token("withcode", "WITHCODE").optional(),
            ])
            .tips(&["nondeterministic_output_order"]),
        Command::new("load", -3, load)
            .flags(CHANGES | flag::DENYOOM)
            .acl(category::SCRIPTING)
            .exclusive()
            .docs(
                Group::Scripting,
                "7.0.0",
                "O(1) (considering compilation time is redundant)",
                "Creates a library.",
            )
            .args(&[Arg::token("replace", "REPLACE").optional(), Arg::new("function-code", ArgKind::String)])
            .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
        Command::new("restore", -3, restore)
            .flags(CHANGES | flag::DENYOOM)
            .acl(category::SCRIPTING)
            .exclusive()
            .docs(
                Group::Scripting,
                "7.0.0",
                "O(N) where N is the number of functions on the payload",
                "Restores all libraries from a payload.",
            )
            .args(&[
                Arg::new("serialized-value", ArgKind::String),
                Arg::one_of(
                    "policy",
                    &[
                        Arg::token("flush", "FLUSH"),
                        Arg::token("append", "APPEND"),
                        Arg::token("replace", "REPLACE"),
                    ],
                )
                .optional(),
            ])
            .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
        Command::new("stats", 2, stats)
            .flags(flag::NOSCRIPT | flag::ALLOW_BUSY)
            .acl(category::SCRIPTING)
            .docs(Group::Scripting, "7.0.0", "O(1)", "Returns information about a function during execution.")
            .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]),
    ]);

fn delete(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.engine.scripts().delete_library(&args[2])?;
    cx.add_dirty(1);
    cx.out.ok();
    Ok(())
}

fn dump_all(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let libraries = cx.engine.scripts().libraries();
    cx.out.bulk(&dump::encode_functions(libraries.iter().map(|library| &library.code[..])));
    Ok(())
}

fn flush(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() > 3 {
        return Err(errors::unknown_subcommand_or_arity("function", &args[1]));
    }
    let in_background = match args.get(2) {
        None => cx.engine.settings().lazyfree_lazy_user_flush,
        Some(how) if arg::is(how, "SYNC") => false,
        Some(how) if arg::is(how, "ASYNC") => true,
        Some(_) => return Err(errors::err("FUNCTION FLUSH only supports SYNC|ASYNC option")),
    };
    let (garbage, libraries) = cx.engine.scripts().flush_libraries();
    if in_background {
        cx.host().free_later(garbage);
        let freed = &cx.engine.counters().lazyfreed_objects;
        // The interpreter counts as one.
        freed.fetch_add(libraries as u64 + 1, Ordering::Relaxed);
    }
    cx.add_dirty(1);
    cx.out.ok();
    Ok(())
}

fn kill(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.engine.script_watch().kill(ScriptKind::Function)?;
    cx.out.ok();
    Ok(())
}

fn list(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (mut pattern, mut with_code) = (None, false);
    let mut rest = args.skip(2);
    while let Some(option) = rest.get(0) {
        rest = if !with_code && arg::is(option, "WITHCODE") {
            with_code = true;
            rest.skip(1)
        } else if pattern.is_none() && arg::is(option, "LIBRARYNAME") {
            pattern = Some(rest.get(1).ok_or(errors::err("library name argument was not given"))?);
            rest.skip(2)
        } else {
            return Err(errors::err(format!("Unknown argument {}", String::from_utf8_lossy(option))));
        };
    }
    let mut libraries = cx.engine.scripts().libraries();
    libraries
        .retain(|library| pattern.is_none_or(|pattern| glob_match(pattern, library.name.as_bytes(), true)));
    cx.out.array(libraries.len());
    libraries.iter().for_each(|library| write_library(cx, library, with_code));
    Ok(())
}

fn write_library(cx: &mut Cx<'_, '_>, library: &LibraryInfo, with_code: bool) {
    cx.out.map(if with_code { 4 } else { 3 });
    cx.out.bulk(b"library_name");
    cx.out.bulk(library.name.as_bytes());
    cx.out.bulk(b"engine");
    cx.out.bulk(b"LUA");
    cx.out.bulk(b"functions");
    cx.out.array(library.functions.len());
    library.functions.iter().for_each(|function| write_function(cx, function));
    if with_code {
        cx.out.bulk(b"library_code");
        cx.out.bulk(&library.code);
    }
}

fn write_function(cx: &mut Cx<'_, '_>, function: &FunctionInfo) {
    cx.out.map(3);
    cx.out.bulk(b"name");
    cx.out.bulk(function.name.as_bytes());
    cx.out.bulk(b"description");
    match &function.description {
        Some(description) => cx.out.bulk(description),
        None => cx.out.null(),
    }
    cx.out.bulk(b"flags");
    let flags = script_flag::NAMES.iter().filter(|(bit, _)| function.flags & bit != 0);
    cx.out.set(flags.clone().count());
    flags.for_each(|(_, name)| cx.out.simple(name));
}

fn load(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut replace = false;
    for option in args.take(args.len() - 1).skip(2) {
        if !arg::is(option, "REPLACE") {
            let option = String::from_utf8_lossy(option);
            return Err(errors::err(format!("Unknown option given: {option}")));
        }
        replace = true;
    }
    let name = cx.engine.scripts().load_library(&args[args.len() - 1], replace)?;
    cx.add_dirty(1);
    cx.out.bulk(name.as_bytes());
    Ok(())
}

fn restore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() > 4 {
        return Err(errors::unknown_subcommand_or_arity("function", &args[1]));
    }
    let policy = match args.get(3) {
        None => RestorePolicy::Append,
        Some(policy) if arg::is(policy, "APPEND") => RestorePolicy::Append,
        Some(policy) if arg::is(policy, "REPLACE") => RestorePolicy::Replace,
        Some(policy) if arg::is(policy, "FLUSH") => RestorePolicy::Flush,
        Some(_) => {
            return Err(errors::err(
                "Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
            ));
        }
    };
    let codes =
        dump::decode_functions(&args[2], cx.engine.switches().checksums()).map_err(|error| match error {
            dump::DumpError::BadFooter => errors::BAD_DUMP,
            dump::DumpError::BadData(_) => errors::err("failed loading the functions of the payload"),
        })?;
    cx.engine.scripts().restore(&codes, policy)?;
    cx.add_dirty(1);
    cx.out.ok();
    Ok(())
}

fn stats(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let running = cx.engine.script_watch().running(cx.engine.clock().monotonic_ns());
    if running.as_ref().is_some_and(|running| running.kind == ScriptKind::Eval) {
        return Err(errors::BUSY);
    }
    cx.out.map(2);
    cx.out.bulk(b"running_script");
    match running {
        None => cx.out.null(),
        Some(running) => {
            cx.out.map(3);
            cx.out.bulk(b"name");
            cx.out.bulk(running.command.get(1).unwrap_or_default());
            cx.out.bulk(b"command");
            cx.out.array(running.command.len());
            running.command.iter().for_each(|arg| cx.out.bulk(arg));
            cx.out.bulk(b"duration_ms");
            cx.out.int(running.duration_ms as i64);
        }
    }
    let figures = cx.engine.scripts().figures();
    cx.out.bulk(b"engines");
    cx.out.map(1);
    cx.out.bulk(b"LUA");
    cx.out.map(2);
    cx.out.bulk(b"libraries_count");
    cx.out.int(figures.libraries as i64);
    cx.out.bulk(b"functions_count");
    cx.out.int(figures.function_count as i64);
    Ok(())
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "FUNCTION",
        &[
            ("DELETE <library-name>", "Remove a library and its functions."),
            ("DUMP", "All libraries in a form that RESTORE takes."),
            ("FLUSH [ASYNC|SYNC]", "Remove all libraries, in the background or at once."),
            ("KILL", "End the running function, unless it has written."),
            ("LIST [LIBRARYNAME <pattern>] [WITHCODE]", "The libraries and what is in them."),
            (
                "LOAD [REPLACE] <function-code>",
                "Create a library, or another in the place of one of its name.",
            ),
            ("RESTORE <serialized-value> [FLUSH|APPEND|REPLACE]", "Create the libraries of a dump."),
            ("STATS", "The running function, and how many libraries and functions there are."),
        ],
    )
}
