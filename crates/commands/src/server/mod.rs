//! Commands about the server.

mod command;
mod config;
mod dataset;
mod debug;
mod info;
mod keysizes;
mod latency;
mod lolwut;
mod memory;
mod module;
mod monitor;
mod replication;
mod save;
mod slowlog;

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
    latency::LATENCY,
    lolwut::LOLWUT,
    memory::MEMORY,
    module::MODULE,
    monitor::MONITOR,
    replication::FAILOVER,
    replication::PSYNC,
    replication::REPLCONF,
    replication::REPLICAOF,
    replication::ROLE,
    replication::SLAVEOF,
    replication::SYNC,
    save::BACKUP,
    save::BGREWRITEAOF,
    save::BGSAVE,
    save::LASTSAVE,
    save::SAVE,
    save::SHUTDOWN,
    slowlog::SLOWLOG,
];
