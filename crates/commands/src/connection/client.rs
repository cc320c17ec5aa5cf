//! CLIENT: connections as seen by themselves and by others.

mod kill;
mod list;
mod pause;
mod tracking;

use crate::arg;
use redan_engine::{
    Arg, ArgKind, ClientFlags, CmdResult, Command, Cx, Flags, Group, Handler, ReplyError, ReplyMode,
    category, errors, flag,
};
use redan_resp::Args;

/// Flags of a subcommand about the client itself.
const SELF: Flags = flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::SENTINEL;
/// Flags of a subcommand about other clients.
const ADMIN: Flags = SELF | flag::ADMIN;

/// A subcommand: flags, since when, complexity, what it does.
const fn sub(
    name: &'static str,
    arity: i32,
    handler: Handler,
    (flags, since, complexity, summary): (Flags, &'static str, &'static str, &'static str),
) -> Command {
    Command::new(name, arity, handler).flags(flags).acl(category::CONNECTION).docs(
        Group::Connection,
        since,
        complexity,
        summary,
    )
}

const ON_OFF: &[Arg] = &[Arg::one_of("enabled", &[Arg::token("on", "ON"), Arg::token("off", "OFF")])];
const PER_CLIENT: &str = "O(N) where N is the number of client connections";

/// CLIENT subcommand [argument [argument ...]]
pub(super) const CLIENT: Command = Command::new("client", -2, crate::container)
    .flags(flag::SENTINEL)
    .docs(Group::Connection, "2.4.0", "Depends on subcommand.", "A container for client connection commands.")
    .subcommands(&[
        sub(
            "caching",
            3,
            tracking::caching,
            (SELF, "6.0.0", "O(1)", "Instructs the server whether to track the keys in the next request."),
        )
        .args(tracking::CACHING_ARGS),
        sub("getname", 2, getname, (SELF, "2.6.9", "O(1)", "Returns the name of the connection.")),
        sub(
            "getredir",
            2,
            tracking::getredir,
            (SELF, "6.0.0", "O(1)", "Returns the client ID to which tracking notifications are redirected."),
        ),
        sub(
            "help",
            2,
            help,
            (
                flag::LOADING | flag::STALE | flag::SENTINEL,
                "5.0.0",
                "O(1)",
                "Returns helpful text about the subcommands.",
            ),
        ),
        sub("id", 2, id, (SELF, "5.0.0", "O(1)", "Returns the unique client ID of the connection.")),
        sub("info", 2, list::info, (SELF, "6.2.0", "O(1)", "Returns information about the connection."))
            .tips(&["nondeterministic_output"]),
        sub("kill", -3, kill::kill, (ADMIN, "2.4.0", PER_CLIENT, "Terminates open connections."))
            .args(kill::ARGS),
        sub("list", -2, list::list, (ADMIN, "2.4.0", PER_CLIENT, "Lists open connections."))
            .args(list::ARGS)
            .tips(&["nondeterministic_output"]),
        sub(
            "no-evict",
            3,
            no_evict,
            (ADMIN, "7.0.0", "O(1)", "Sets the client eviction mode of the connection."),
        )
        .args(ON_OFF),
        sub(
            "no-touch",
            3,
            no_touch,
            (
                SELF & !flag::SENTINEL,
                "7.2.0",
                "O(1)",
                "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
            ),
        )
        .args(ON_OFF),
        sub("pause", -3, pause::pause, (ADMIN, "3.0.0", "O(1)", "Suspends commands processing."))
            .args(pause::ARGS),
        sub("reply", 3, reply, (SELF, "3.2.0", "O(1)", "Instructs the server whether to reply to commands."))
            .args(&[Arg::one_of(
                "action",
                &[Arg::token("on", "ON"), Arg::token("off", "OFF"), Arg::token("skip", "SKIP")],
            )]),
        sub(
            "setinfo",
            4,
            setinfo,
            (SELF, "7.2.0", "O(1)", "Sets information specific to the client or connection."),
        )
        .args(&[Arg::one_of(
            "attr",
            &[
                Arg::new("libname", ArgKind::String).after("LIB-NAME"),
                Arg::new("libver", ArgKind::String).after("LIB-VER"),
            ],
        )])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
        sub("setname", 3, setname, (SELF, "2.6.9", "O(1)", "Sets the connection name."))
            .args(&[Arg::new("connection-name", ArgKind::String)])
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
        sub(
            "tracking",
            -3,
            tracking::tracking,
            (
                SELF,
                "6.0.0",
                "O(1). Some options may introduce additional complexity.",
                "Controls server-assisted client-side caching for the connection.",
            ),
        )
        .args(tracking::TRACKING_ARGS),
        sub(
            "trackinginfo",
            2,
            tracking::trackinginfo,
            (SELF, "6.2.0", "O(1)", "Returns information about server-assisted client-side caching."),
        ),
        sub(
            "unblock",
            -3,
            pause::unblock,
            (
                ADMIN,
                "5.0.0",
                "O(log N) where N is the number of client connections",
                "Unblocks a client blocked by a blocking command from a different connection.",
            ),
        )
        .args(pause::UNBLOCK_ARGS),
        sub(
            "unpause",
            2,
            pause::unpause,
            (ADMIN, "6.2.0", "O(N) where N is the number of paused clients", "Resumes processing commands."),
        ),
    ]);

fn id(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.out.int(cx.session.client.id.0 as i64);
    Ok(())
}

fn getname(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let meta = cx.session.client.meta.lock();
    if meta.name.is_empty() {
        cx.out.null()
    } else {
        cx.out.bulk(meta.name.as_bytes())
    }
    Ok(())
}

fn setname(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    super::check_name(&args[2])?;
    cx.session.client.meta.lock().name = String::from_utf8_lossy(&args[2]).into_owned();
    cx.out.ok();
    Ok(())
}

fn setinfo(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut meta = cx.session.client.meta.lock();
    let attribute = if arg::is(&args[2], "LIB-NAME") {
        &mut meta.lib_name
    } else if arg::is(&args[2], "LIB-VER") {
        &mut meta.lib_ver
    } else {
        let option = String::from_utf8_lossy(&args[2]);
        return Err(errors::err(format!("Unrecognized option '{option}'")));
    };
    if !args[3].iter().all(u8::is_ascii_graphic) {
        let name = String::from_utf8_lossy(&args[2]);
        return Err(errors::err(format!("{name} cannot contain spaces, newlines or special characters.")));
    }
    *attribute = String::from_utf8_lossy(&args[3]).into_owned();
    cx.out.ok();
    Ok(())
}

/// ON or OFF.
fn on_off(word: &[u8]) -> Result<bool, ReplyError> {
    if arg::is(word, "ON") {
        Ok(true)
    } else if arg::is(word, "OFF") {
        Ok(false)
    } else {
        Err(errors::SYNTAX)
    }
}

fn no_evict(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.session.client.put(ClientFlags::NO_EVICT, on_off(&args[2])?);
    cx.out.ok();
    Ok(())
}

fn no_touch(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let on = on_off(&args[2])?;
    cx.session.no_touch = on;
    cx.session.client.put(ClientFlags::NO_TOUCH, on);
    cx.out.ok();
    Ok(())
}

fn reply(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if arg::is(&args[2], "ON") {
        cx.session.set_reply_mode(ReplyMode::On);
        cx.out.ok();
    } else if arg::is(&args[2], "OFF") {
        cx.session.set_reply_mode(ReplyMode::Off);
    } else if arg::is(&args[2], "SKIP") {
        if cx.session.reply_mode != ReplyMode::Off {
            cx.session.set_reply_mode(ReplyMode::SkipNext);
        }
    } else {
        return Err(errors::SYNTAX);
    }
    Ok(())
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "CLIENT",
        &[
            (
                "CACHING (YES|NO)",
                "Whether the keys of the next command are tracked, in OPTIN or OPTOUT mode.",
            ),
            ("GETNAME", "The name of this connection."),
            ("GETREDIR", "The client that tracking notifications are redirected to."),
            ("ID", "The id of this connection."),
            ("INFO", "What CLIENT LIST says about this connection."),
            ("KILL <ip:port>", "Close the connection from this address."),
            (
                "KILL <option> <value> [<option> <value> [...]]",
                "Close connections that fit all of ID, ADDR, LADDR, TYPE, USER, MAXAGE (seconds); SKIPME no includes this one.",
            ),
            (
                "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB) | ID <id> [<id> ...]]",
                "A line for each connection.",
            ),
            ("NO-EVICT (ON|OFF)", "Whether this connection is spared when clients take too much memory."),
            ("NO-TOUCH (ON|OFF)", "Whether this connection leaves the access clocks of keys alone."),
            ("PAUSE <timeout> [WRITE|ALL]", "Hold back writes or all commands for so many milliseconds."),
            ("REPLY (ON|OFF|SKIP)", "Whether this connection is replied to."),
            ("SETINFO (LIB-NAME|LIB-VER) <value>", "Say which library this client uses."),
            ("SETNAME <name>", "Name this connection."),
            (
                "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]",
                "Whether this connection is told when keys change that it has read.",
            ),
            ("TRACKINGINFO", "The state of tracking for this connection."),
            ("UNBLOCK <clientid> [TIMEOUT|ERROR]", "End the wait of a client in a blocking command."),
            ("UNPAUSE", "End a pause."),
        ],
    )
}

#[cfg(test)]
mod tests;
