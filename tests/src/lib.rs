//! Real processes for end-to-end and interoperability tests: servers, replicas and Sentinels of Redan, Redis and
//! Valkey, each in a directory of its own, on ports nobody else has, ended with the test.
//!
//! `cargo xtask test` sets `REDAN_BIN` (our binary) and `REDAN_PEERS` (the folder of the peers' programs). Without them
//! the newest build in `target` and `target/peers/bin` are used.

mod client;
mod group;
pub mod history;
mod process;
mod programs;
mod wait;

pub use client::Client;
pub use group::{DOWN_AFTER, Group, Write};
pub use process::{Process, Signal, free_port};
pub use programs::{Program, peers_are_here};
pub use wait::{eventually, eventually_within};
