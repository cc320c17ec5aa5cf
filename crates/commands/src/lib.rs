//! What each command does: const rows with their handlers, a folder per group.
//!
//! A row says everything the server knows about a command (see [`Command`](redan_engine::Command)): COMMAND and its
//! subcommands, ACL categories, key extraction, arity errors and docs all derive from it. To add a command, write its
//! handler and its row in one file of its group and name the row in the group's slice.
//!
//! Handlers are short and synchronous. They read arguments (with [`arg`]), reach keys through `cx.view`, write the
//! reply to `cx.out`, and return an error to reply one. What they changed is propagated by the engine as the command
//! came, unless they say otherwise.

pub mod arg;
pub mod connection;
pub mod generic;
pub mod pubsub;
pub mod sentinel;
pub mod server;
pub mod string;
#[cfg(test)]
mod testing;
pub mod transactions;

use redan_engine::Command;

/// The rows of all commands, a slice per group.
pub fn all() -> Vec<&'static [Command]> {
    vec![
        connection::COMMANDS,
        generic::COMMANDS,
        pubsub::COMMANDS,
        sentinel::COMMANDS,
        server::COMMANDS,
        string::COMMANDS,
        transactions::COMMANDS,
    ]
}
