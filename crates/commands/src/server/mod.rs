//! Commands about the server.

mod command;
mod config;
mod dataset;
mod debug;
mod info;
mod save;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    command::COMMAND,
    config::CONFIG,
    debug::DEBUG,
    dataset::DBSIZE,
    dataset::FLUSHALL,
    dataset::FLUSHDB,
    dataset::SWAPDB,
    dataset::TIME,
    info::INFO,
    save::BGSAVE,
    save::LASTSAVE,
    save::SAVE,
    save::SHUTDOWN,
];
