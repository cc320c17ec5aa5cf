//! SENTINEL HELP.

use super::SUBCOMMANDS;
use crate::reply::{Answer, Reply};

pub(super) fn help() -> Answer {
    let head = "SENTINEL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:";
    let lines = SUBCOMMANDS.iter().flat_map(|row| row.help.iter().copied());
    let lines = std::iter::once(head).chain(lines);
    Reply::Array(lines.map(|line| Reply::Simple(line.to_owned())).collect()).into()
}
