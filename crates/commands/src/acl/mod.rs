//! ACL: users, and what they may do.

mod log;
mod query;
#[cfg(test)]
mod tests;
mod users;

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Flags, Group, Handler, flag};
use redan_resp::Args;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[ACL];

/// Flags of a subcommand about the client itself, or about nobody.
const PLAIN: Flags = flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::SENTINEL;
/// Flags of a subcommand about users.
const ADMIN: Flags = PLAIN | flag::ADMIN;

const TO_ALL_NODES: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];
const PER_USER: &str = "O(N). Where N is the number of configured users.";

/// A subcommand: flags, since when, complexity, what it does.
const fn sub(
    name: &'static str,
    arity: i32,
    handler: Handler,
    (flags, since, complexity, summary): (Flags, &'static str, &'static str, &'static str),
) -> Command {
    Command::new(name, arity, handler).flags(flags).docs(Group::Server, since, complexity, summary)
}

/// ACL subcommand [argument [argument ...]]
const ACL: Command = Command::new("acl", -2, crate::container)
    .flags(flag::SENTINEL)
    .docs(Group::Server, "6.0.0", "Depends on subcommand.", "A container for Access List Control commands.")
    .subcommands(&[
        sub(
            "cat",
            -2,
            query::cat,
            (
                PLAIN,
                "6.0.0",
                "O(1) since the categories and commands are a fixed set.",
                "Lists the ACL categories, or the commands inside a category.",
            ),
        )
        .args(&[Arg::new("category", ArgKind::String).optional()]),
        sub(
            "deluser",
            -3,
            users::deluser,
            (
                ADMIN,
                "6.0.0",
                "O(1) amortized time considering the typical user.",
                "Deletes ACL users, and terminates their connections.",
            ),
        )
        .args(&[Arg::new("username", ArgKind::String).multiple()])
        .tips(TO_ALL_NODES)
        .exclusive(),
        sub(
            "dryrun",
            -4,
            query::dryrun,
            (
                ADMIN,
                "7.0.0",
                "O(1).",
                "Simulates the execution of a command by a user, without executing the command.",
            ),
        )
        .args(&[
            Arg::new("username", ArgKind::String),
            Arg::new("command", ArgKind::String),
            Arg::new("arg", ArgKind::String).optional().multiple(),
        ]),
        sub(
            "genpass",
            -2,
            query::genpass,
            (
                PLAIN,
                "6.0.0",
                "O(1)",
                "Generates a pseudorandom, secure password that can be used to identify ACL users.",
            ),
        )
        .args(&[Arg::new("bits", ArgKind::Integer).optional()]),
        sub(
            "getuser",
            3,
            users::getuser,
            (
                ADMIN,
                "6.0.0",
                "O(N). Where N is the number of password, command and pattern rules that the user has.",
                "Lists the ACL rules of a user.",
            ),
        )
        .args(&[Arg::new("username", ArgKind::String)]),
        sub(
            "help",
            2,
            help,
            (
                PLAIN & !flag::NOSCRIPT,
                "6.0.0",
                "O(1)",
                "Returns helpful text about the different subcommands.",
            ),
        ),
        sub(
            "list",
            2,
            users::list,
            (ADMIN, "6.0.0", PER_USER, "Dumps the effective rules in ACL file format."),
        ),
        sub(
            "load",
            2,
            users::load,
            (ADMIN, "6.0.0", PER_USER, "Reloads the rules from the configured ACL file."),
        )
        .exclusive(),
        sub(
            "log",
            -2,
            log::log,
            (
                ADMIN,
                "6.0.0",
                "O(N) with N being the number of entries shown.",
                "Lists recent security events generated due to ACL rules.",
            ),
        )
        .args(&[Arg::one_of(
            "operation",
            &[Arg::new("count", ArgKind::Integer), Arg::token("reset", "RESET")],
        )
        .optional()]),
        sub(
            "save",
            2,
            users::save,
            (ADMIN, "6.0.0", PER_USER, "Saves the effective ACL rules in the configured ACL file."),
        )
        .tips(TO_ALL_NODES)
        .exclusive(),
        sub(
            "setuser",
            -3,
            users::setuser,
            (
                ADMIN,
                "6.0.0",
                "O(N). Where N is the number of rules provided.",
                "Creates and modifies an ACL user and its rules.",
            ),
        )
        .args(&[
            Arg::new("username", ArgKind::String),
            Arg::new("rule", ArgKind::String).optional().multiple(),
        ])
        .tips(TO_ALL_NODES)
        .exclusive(),
        sub("users", 2, users::users, (ADMIN, "6.0.0", PER_USER, "Lists all ACL users.")),
        sub(
            "whoami",
            2,
            query::whoami,
            (PLAIN, "6.0.0", "O(1)", "Returns the authenticated username of the current connection."),
        ),
    ]);

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "ACL",
        &[
            ("CAT [<category>]", "All categories, or the commands of one."),
            ("DELUSER <username> [<username> ...]", "Remove users and close their connections."),
            (
                "DRYRUN <username> <command> [<arg> ...]",
                "Whether a user may run a command, without running it.",
            ),
            ("GETUSER <username>", "What a user may do."),
            ("GENPASS [<bits>]", "A password that nobody can guess, of 256 bits if not told otherwise."),
            ("LIST", "All users as lines of an ACL file."),
            ("LOAD", "Replace all users by those of the ACL file."),
            ("LOG [<count> | RESET]", "What was refused lately; RESET forgets it."),
            ("SAVE", "Write all users to the ACL file."),
            ("SETUSER <username> <attribute> [<attribute> ...]", "Make or change a user."),
            ("USERS", "The names of all users."),
            ("WHOAMI", "The user of this connection."),
        ],
    )
}
