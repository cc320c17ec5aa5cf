//! DEBUG: what tests need to look into a server and to put it into odd states.
//!
//! Its subcommands are no rows of the command table, as in Redis: COMMAND does not show them. What concerns the
//! process itself (crashing it, its cron) is the host's.

mod dataset;
mod protocol;

use crate::arg;
use redan_engine::{CmdResult, Command, Cx, Group, Park, ReplyError, errors, flag};
use redan_keyspace::Limit;
use redan_replication::{Audience, ReplId};
use redan_resp::Args;

/// DEBUG subcommand [argument [argument ...]]
pub(super) const DEBUG: Command = Command::new("debug", -2, debug)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::PROTECTED)
    .exclusive()
    .docs(Group::Server, "1.0.0", "Depends on subcommand.", "A container for debugging commands.");

/// A subcommand: arguments from `min` to `max` (the command's name and its own counted), syntax and text for HELP.
struct Sub {
    name: &'static str,
    min: usize,
    max: usize,
    handler: redan_engine::Handler,
    syntax: &'static str,
    text: &'static str,
}

const fn sub(
    (name, min, max): (&'static str, usize, usize),
    handler: redan_engine::Handler,
    syntax: &'static str,
    text: &'static str,
) -> Sub {
    Sub { name, min, max, handler, syntax, text }
}

const ANY: usize = usize::MAX;

const SUBCOMMANDS: &[Sub] = &[
    sub(("change-repl-id", 2, 2), change_repl_id, "CHANGE-REPL-ID", "Take new replication ids."),
    sub(("digest", 2, 2), dataset::digest, "DIGEST", "A fingerprint of the whole dataset."),
    sub(
        ("digest-value", 2, ANY),
        dataset::digest_value,
        "DIGEST-VALUE <key> [<key> ...]",
        "Fingerprints of the values of these keys.",
    ),
    sub(("error", 3, 3), error, "ERROR <text>", "Reply an error with this text."),
    sub(
        ("htstats", 3, 4),
        dataset::htstats,
        "HTSTATS <dbid> [full]",
        "How many keys the tables of a database hold, and their memory.",
    ),
    sub(
        ("htstats-key", 3, 4),
        dataset::htstats_key,
        "HTSTATS-KEY <key> [full]",
        "The same of the table a key holds.",
    ),
    sub(
        ("listpack", 3, 3),
        dataset::listpack,
        "LISTPACK <key>",
        "Write the elements of a listpack to the log.",
    ),
    sub(("loadaof", 2, 2), loadaof, "LOADAOF", "Empty the dataset and load the append-only file."),
    sub(("object", 3, 3), dataset::object, "OBJECT <key>", "How a key is stored."),
    sub(
        ("populate", 3, 5),
        dataset::populate,
        "POPULATE <count> [<prefix>] [<size>]",
        "Create <count> strings named <prefix>:<number>, without telling replicas.",
    ),
    sub(("protocol", 3, 3), protocol::protocol, "PROTOCOL <type>", "Reply a value of this type."),
    sub(
        ("quicklist-packed-threshold", 3, 3),
        packed_threshold,
        "QUICKLIST-PACKED-THRESHOLD <size>",
        "From how many bytes on an element of a list is stored on its own; 0: as list-max-listpack-size says.",
    ),
    sub(
        ("reload", 2, 5),
        reload,
        "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
        "Save the dataset, empty it, and load it again.",
    ),
    sub(
        ("replicate", 3, ANY),
        replicate,
        "REPLICATE <command> [<arg> ...]",
        "Send a command to the replicas without running it here.",
    ),
    sub(
        ("replybuffer", 4, 4),
        replybuffer,
        "REPLYBUFFER (PEAK-RESET-TIME <NEVER|RESET|ms> | RESIZING <0|1>)",
        "Accepted and without effect: idle clients hold no reply buffers.",
    ),
    sub(
        ("set-active-expire", 3, 3),
        set_active_expire,
        "SET-ACTIVE-EXPIRE <0|1>",
        "Whether expired keys are deleted without being asked for.",
    ),
    sub(
        ("set-disable-deny-scripts", 3, 3),
        set_disable_deny_scripts,
        "SET-DISABLE-DENY-SCRIPTS <0|1>",
        "Whether scripts may call what scripts may not call.",
    ),
    sub(
        ("set-skip-checksum-validation", 3, 3),
        set_skip_checksums,
        "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
        "Whether RESTORE takes payloads with a wrong checksum.",
    ),
    sub(("sleep", 3, 3), sleep, "SLEEP <seconds>", "Do nothing at all for so long; decimals allowed."),
    sub(
        ("stringmatch-len", 4, 4),
        stringmatch_len,
        "STRINGMATCH-LEN <string> <pattern>",
        "Whether the pattern matches.",
    ),
];

/// Subcommands of the host, for HELP.
const HOST_HELP: &[(&str, &str)] = &[
    ("ASSERT", "Fail an assertion."),
    ("CONFIG-REWRITE-FORCE-ALL", "CONFIG REWRITE with all parameters."),
    ("CRASH-AND-RECOVER [<ms>]", "Crash and start again."),
    ("LOG <text>", "Write a line to the log."),
    ("PANIC", "Crash in a controlled way."),
    ("PAUSE-CRON <0|1>", "Stop periodic work."),
    ("RESTART [<ms>]", "End orderly and start again."),
    ("SEGFAULT", "Crash by an invalid memory access."),
];

fn debug(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if arg::is(&args[1], "HELP") && args.len() == 2 {
        return help(cx);
    }
    let known = SUBCOMMANDS.iter().find(|sub| arg::is(&args[1], sub.name));
    match known {
        Some(sub) if (sub.min..=sub.max).contains(&args.len()) => (sub.handler)(cx, args),
        None if cx.host().debug_other(args, cx.out)? => Ok(()),
        _ => Err(errors::unknown_subcommand_or_arity("DEBUG", &args[1])),
    }
}

fn help(cx: &mut Cx<'_, '_>) -> CmdResult {
    let ours = SUBCOMMANDS.iter().map(|sub| (sub.syntax, sub.text));
    let mut lines: Vec<_> = ours.chain(HOST_HELP.iter().copied()).collect();
    lines.sort_unstable();
    crate::help(cx, "DEBUG", &lines)
}

/// A switch: any number but 0 is on.
fn switch(word: &[u8]) -> Result<bool, ReplyError> {
    Ok(arg::int(word)? != 0)
}

fn set_active_expire(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.engine.switches().set_active_expire(switch(&args[2])?);
    cx.out.ok();
    Ok(())
}

fn set_skip_checksums(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.engine.switches().set_checksums(!switch(&args[2])?);
    cx.out.ok();
    Ok(())
}

fn set_disable_deny_scripts(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.engine.switches().set_scripts_may_all(switch(&args[2])?);
    cx.out.ok();
    Ok(())
}

fn sleep(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let seconds = arg::float(&args[2])?;
    // Float to integer saturates; negative is 0.
    cx.host().debug_sleep((seconds * 1e6) as u64);
    cx.out.ok();
    Ok(())
}

fn reload(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (mut save, mut flush, mut merge) = (true, true, false);
    for option in args.skip(2).iter() {
        if arg::is(option, "MERGE") {
            merge = true;
        } else if arg::is(option, "NOFLUSH") {
            flush = false;
        } else if arg::is(option, "NOSAVE") {
            save = false;
        } else {
            return Err(errors::err("DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."));
        }
    }
    cx.host().debug_reload(save, flush, merge)?;
    cx.host().log_notice("DB reloaded by DEBUG RELOAD");
    cx.out.ok();
    Ok(())
}

fn loadaof(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let may_wait = cx.may_wait();
    if cx.host().debug_loadaof(&cx.session.client, may_wait)? {
        cx.park(Park::Host { deadline_ms: None });
    } else {
        cx.out.ok();
    }
    Ok(())
}

fn change_repl_id(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.host().log_notice("Changing replication IDs after receiving DEBUG change-repl-id");
    cx.engine.log().set_id(ReplId::from_random(std::array::from_fn(|_| fastrand::u8(..))));
    cx.engine.log().clear_second_id();
    cx.out.ok();
    Ok(())
}

fn replicate(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let log = cx.engine.log();
    if log.is_active() {
        let words: Vec<&[u8]> = args.skip(2).iter().collect();
        log.append_command(cx.db().0, Audience::ReplicasOnly, words.into_iter());
        log.notify();
    }
    cx.out.ok();
    Ok(())
}

fn replybuffer(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if arg::is(&args[2], "PEAK-RESET-TIME") {
        if !arg::is(&args[3], "NEVER") && !arg::is(&args[3], "RESET") {
            arg::int(&args[3])?;
        }
    } else if arg::is(&args[2], "RESIZING") {
        switch(&args[3])?;
    } else {
        return Err(errors::SYNTAX);
    }
    cx.out.ok();
    Ok(())
}

fn packed_threshold(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let size = memory_size(&args[2]).and_then(|size| i64::try_from(size).ok()).filter(|size| *size < 4 << 30);
    let Some(size) = size else {
        return Err(errors::err("argument must be a memory value bigger than 1 and smaller than 4gb"));
    };
    cx.engine.keyspace().limits().set(Limit::ListPackedThreshold, size);
    cx.out.ok();
    Ok(())
}

/// A size in bytes, with an optional unit.
fn memory_size(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    redan_resp::parse_u64(number)?.checked_mul(factor)
}

fn stringmatch_len(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.out.int(i64::from(redan_resp::glob::glob_match(&args[3], &args[2], false)));
    Ok(())
}

/// The code is part of the text, as a client would see it from a command.
fn error(_: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    Err(ReplyError::new(String::from_utf8_lossy(&args[2])))
}

#[cfg(test)]
mod tests;
