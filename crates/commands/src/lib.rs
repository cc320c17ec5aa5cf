//! What each command does: const rows with their handlers, a folder per group.
//!
//! A row says everything the server knows about a command (see [`Command`](redan_engine::Command)): COMMAND and its
//! subcommands, ACL categories, key extraction, arity errors and docs all derive from it. To add a command, write its
//! handler and its row in one file of its group and name the row in the group's slice.
//!
//! Handlers are short and synchronous. They read arguments (with [`arg`]), reach keys through `cx.view`, write the
//! reply to `cx.out`, and return an error to reply one. What they changed is propagated by the engine as the command
//! came, unless they say otherwise.

pub mod acl;
pub mod arg;
pub mod bitmap;
pub mod cluster;
pub mod connection;
pub mod generic;
pub mod geo;
pub mod hash;
pub mod hyperloglog;
pub mod list;
pub mod pubsub;
pub mod scripting;
pub mod sentinel;
pub mod server;
pub mod set;
pub mod sorted_set;
pub mod stream;
pub mod string;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod transactions;
pub(crate) mod typed;
#[cfg(test)]
mod upkeep_tests;

use redan_engine::{CmdResult, Command, Cx, errors};
use redan_resp::Args;

/// The rows of all commands, a slice per group.
pub fn all() -> Vec<&'static [Command]> {
    vec![
        acl::COMMANDS,
        bitmap::COMMANDS,
        cluster::COMMANDS,
        connection::COMMANDS,
        generic::COMMANDS,
        geo::COMMANDS,
        hash::COMMANDS,
        hyperloglog::COMMANDS,
        list::COMMANDS,
        pubsub::COMMANDS,
        scripting::COMMANDS,
        sentinel::COMMANDS,
        server::COMMANDS,
        set::COMMANDS,
        sorted_set::COMMANDS,
        stream::COMMANDS,
        string::COMMANDS,
        transactions::COMMANDS,
    ]
}

/// The handler of every container: it runs when a request names no subcommand, which the table refuses otherwise.
pub(crate) fn container(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    match args.get(1) {
        None => Err(cx.arity_error()),
        Some(sub) => Err(errors::unknown_subcommand(&cx.entry.full_name, sub)),
    }
}

/// The reply to a container's HELP: lines of syntax, each with a line that explains it.
pub(crate) fn help(cx: &mut Cx<'_, '_>, container: &str, lines: &[(&str, &str)]) -> CmdResult {
    cx.out.array(lines.len() * 2 + 3);
    cx.out.simple(&format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    for (syntax, text) in lines.iter().copied().chain([("HELP", "Print this help.")]) {
        cx.out.simple(syntax);
        cx.out.simple(&format!("    {text}"));
    }
    Ok(())
}
