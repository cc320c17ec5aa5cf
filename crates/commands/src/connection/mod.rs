//! Commands about the connection itself.

mod basic;
mod client;
mod hello;

use redan_engine::{CmdResult, Command, errors};

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    client::CLIENT,
    basic::ECHO,
    basic::PING,
    basic::QUIT,
    basic::RESET,
    basic::SELECT,
    hello::AUTH,
    hello::HELLO,
];

/// Whether a client may be called this: printable ASCII without spaces.
///
/// # Errors
/// The text CLIENT SETNAME replies.
fn check_name(name: &[u8]) -> CmdResult {
    if name.iter().all(u8::is_ascii_graphic) {
        Ok(())
    } else {
        Err(errors::err("Client names cannot contain spaces, newlines or special characters."))
    }
}
