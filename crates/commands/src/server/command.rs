//! COMMAND: what the table of commands says about itself.

mod docs;
mod info;

use crate::arg;
use redan_engine::{
    Arg, ArgKind, CmdResult, Command, CommandEntry, CommandTable, Cx, Flags, Group, Handler, KeyFlags,
    Lookup, category, errors, flag, key_flag,
};
use redan_resp::Args;
use redan_resp::glob::glob_match;

const FLAGS: Flags = flag::LOADING | flag::STALE | flag::SENTINEL;

/// A subcommand.
const fn sub(
    name: &'static str,
    arity: i32,
    handler: Handler,
    (since, complexity, summary): (&'static str, &'static str, &'static str),
) -> Command {
    Command::new(name, arity, handler).flags(FLAGS).acl(category::CONNECTION).docs(
        Group::Server,
        since,
        complexity,
        summary,
    )
}

const KEYS_ARGS: &[Arg] =
    &[Arg::new("command", ArgKind::String), Arg::new("arg", ArgKind::String).optional().multiple()];
const NAMES_ARGS: &[Arg] = &[Arg::new("command-name", ArgKind::String).optional().multiple()];

const PER_ARGUMENT: &str = "O(N) where N is the number of arguments to the command";
const PER_NAME: &str = "O(N) where N is the number of commands to look up";
const PER_COMMAND: &str = "O(N) where N is the total number of Redis commands";

/// COMMAND [subcommand [argument [argument ...]]]
pub(super) const COMMAND: Command = Command::new("command", -1, command)
    .flags(FLAGS)
    .acl(category::CONNECTION)
    .docs(Group::Server, "2.8.13", PER_COMMAND, "Returns detailed information about all commands.")
    .tips(&["nondeterministic_output_order"])
    .subcommands(&[
        sub("count", 2, count, ("2.8.13", "O(1)", "Returns a count of commands.")),
        sub("docs", -2, docs::docs, ("7.0.0", PER_NAME, "Returns documentary information about commands."))
            .args(NAMES_ARGS)
            .tips(&["nondeterministic_output_order"]),
        sub("getkeys", -3, getkeys, ("2.8.13", PER_ARGUMENT, "Extracts the key names from a command."))
            .args(KEYS_ARGS),
        sub(
            "getkeysandflags",
            -3,
            getkeysandflags,
            ("7.0.0", PER_ARGUMENT, "Extracts the key names from a command and says what it does to them."),
        )
        .args(KEYS_ARGS),
        sub("help", 2, help, ("5.0.0", "O(1)", "Returns helpful text about the subcommands.")),
        sub("info", -2, info::info, ("2.8.13", PER_NAME, "Returns information about one or more commands."))
            .args(NAMES_ARGS)
            .tips(&["nondeterministic_output_order"]),
        sub("list", -2, list, ("7.0.0", PER_COMMAND, "Returns a list of command names."))
            .args(&[Arg::one_of(
                "filterby",
                &[
                    Arg::new("module-name", ArgKind::String).after("MODULE"),
                    Arg::new("category", ArgKind::String).after("ACLCAT"),
                    Arg::new("pattern", ArgKind::Pattern).after("PATTERN"),
                ],
            )
            .after("FILTERBY")
            .optional()])
            .tips(&["nondeterministic_output_order"]),
    ]);

fn command(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() > 1 {
        return crate::container(cx, args);
    }
    info::all(cx);
    Ok(())
}

fn count(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.out.int(commands(cx.engine.table()).count() as i64);
    Ok(())
}

/// The commands that have a name, without subcommands.
fn commands(table: &CommandTable) -> impl Iterator<Item = &CommandEntry> {
    table.entries().iter().filter(|entry| entry.parent.is_none() && !entry.is_hidden())
}

/// The command or subcommand called `get` or `config|get`.
pub(super) fn named<'t>(table: &'t CommandTable, name: &[u8]) -> Option<&'t CommandEntry> {
    let Some(bar) = memchr::memchr(b'|', name) else { return table.find(name) };
    let (container, sub) = (table.find(&name[..bar])?, &name[bar + 1..]);
    let mut subcommands = container.subcommands.iter().map(|&index| table.entry(index));
    subcommands.find(|entry| entry.command.name.as_bytes().eq_ignore_ascii_case(sub))
}

fn list(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    type Test<'a> = Box<dyn Fn(&CommandEntry) -> bool + 'a>;
    let wanted: Test<'_> = match args.len() {
        2 => Box::new(|_| true),
        5 if arg::is(&args[2], "FILTERBY") => {
            let value = args[4].to_vec();
            if arg::is(&args[3], "MODULE") {
                Box::new(|_| false)
            } else if arg::is(&args[3], "ACLCAT") {
                let known = category::NAMES.iter().find(|(_, name)| arg::is(&value, name));
                let bit = known.map_or(0, |(bit, _)| *bit);
                Box::new(move |entry| entry.command.categories() & bit != 0)
            } else if arg::is(&args[3], "PATTERN") {
                Box::new(move |entry| glob_match(&value, entry.full_name.as_bytes(), true))
            } else {
                return Err(errors::SYNTAX);
            }
        }
        _ => return Err(errors::SYNTAX),
    };
    let (header, mut shown) = (cx.out.begin_deferred(), 0);
    for entry in cx.engine.table().entries().iter().filter(|entry| !entry.is_hidden()) {
        if wanted(entry) {
            cx.out.bulk(entry.full_name.as_bytes());
            shown += 1;
        }
    }
    cx.out.end_deferred_array(header, shown);
    Ok(())
}

fn getkeys(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_keys(cx, args.skip(2), |cx, key, _| cx.out.bulk(key))
}

fn getkeysandflags(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_keys(cx, args.skip(2), |cx, key, flags| {
        cx.out.array(2);
        cx.out.bulk(key);
        info::reply_names(cx, key_flag::NAMES, flags);
    })
}

fn reply_keys(
    cx: &mut Cx<'_, '_>,
    command: Args<'_>,
    mut reply: impl FnMut(&mut Cx<'_, '_>, &[u8], KeyFlags),
) -> CmdResult {
    let Lookup::Found(entry) = cx.engine.table().lookup(command) else { return Err(errors::INVALID_COMMAND) };
    if !entry.has_keys() {
        return Err(errors::NO_KEY_ARGUMENTS);
    }
    if !entry.command.accepts(command.len()) {
        return Err(errors::INVALID_KEY_ARGUMENTS);
    }
    match entry.keys_with_flags(command) {
        Some(keys) if !keys.is_empty() => {
            cx.out.array(keys.len());
            for (at, flags) in keys {
                reply(cx, &command[at as usize], flags);
            }
        }
        _ if entry.has(flag::NO_MANDATORY_KEYS) => cx.out.array(0),
        _ => return Err(errors::err("Invalid arguments specified for command")),
    }
    Ok(())
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "COMMAND",
        &[
            ("(no subcommand)", "Details of all commands."),
            ("COUNT", "How many commands this server has."),
            ("LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]", "Names of commands."),
            ("INFO [<command-name> ...]", "Details of these commands; of all without a name."),
            ("DOCS [<command-name> ...]", "Documentation of these commands; of all without a name."),
            ("GETKEYS <full-command>", "The keys in a full command."),
            ("GETKEYSANDFLAGS <full-command>", "The keys in a full command, and what it does to them."),
        ],
    )
}

#[cfg(test)]
mod tests;
