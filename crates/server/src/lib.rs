//! The one program: sockets, workers, configuration, files, signals, logging, wiring.

mod alloc;
pub mod aof;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod cron;
pub mod host;
pub mod info;
pub mod logging;
pub mod memory;
pub mod net;
pub mod persist;
pub mod replication;
pub mod sentinel;
pub mod signals;
pub mod startup;
mod sys;
pub mod worker;
