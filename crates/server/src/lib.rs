//! The one program: sockets, workers, configuration, files, signals, logging, wiring.

pub mod cli;
pub mod config;
pub mod logging;
