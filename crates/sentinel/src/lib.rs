//! Redis Sentinel as one state machine without I/O.
//!
//! [`Sentinel`] watches masters, their replicas and the other Sentinels, agrees with them that a master is down,
//! elects a leader and carries out the failover. It speaks the protocol of Redis Sentinel and can be one of a
//! quorum of real ones. It has no sockets, clock, files or randomness: it is told what happens and asks for
//! what should be done, in values that compare.
//!
//! # How a driver uses it
//!
//! 1. Read the configuration: give the words after `sentinel` of each such line to [`Config::parse`]. If the file
//!    cannot be written, read the state file with [`state_file::decode`] and lay it over with
//!    [`state_file::restore`].
//! 2. `let mut sentinel = Sentinel::new(config, server_facts, seed, now)`, with a seed from the operating system.
//! 3. Then loop, one thing at a time:
//!    - carry out [`Sentinel::poll_output`] until it returns `None`;
//!    - sleep until [`Sentinel::poll_timeout`] or until something happens;
//!    - then call [`Sentinel::handle_timeout`], or [`Sentinel::handle`] with what happened, or
//!      [`Sentinel::handle_command`] for a client. Give a client its answer before the outputs are carried out.
//!
//! How the outputs are carried out:
//! - [`Output::Connect`]: open a TCP (or TLS) connection in the background; report `Connected` or `ConnectFailed`,
//!   later `Closed`. There is no need for a connect timeout: the machine closes attempts that take too long.
//!   Bytes read are decoded into frames, each given as [`Input::Frame`], also those of subscriptions.
//! - [`Output::Send`]: write the command. It is asked for only after `Connected` and never after `Close`, but the
//!   connection may have ended meanwhile: then drop it. Keep the order.
//! - [`Output::Resolve`]: look the name up in the background. [`Output::SaveState`]: take
//!   [`Sentinel::rewrite_lines`] (to be merged into the configuration file with [`merge_into`]) or
//!   [`state_file::encode`] of [`Sentinel::to_config`] *now*, write, sync and rename it in the background, then
//!   report. Saves may be skipped if a later one has been asked for: done with one means done with all before.
//! - [`Output::Event`]: log [`Event::log_line`], and if [`Event::is_published`] publish the message on the channel
//!   [`Event::name`] to the clients subscribed to it or to a matching pattern.
//!
//! Clients: `SENTINEL ...` goes to [`Sentinel::handle_command`] with all its words; its [`Answer`] may have to be
//! held until a save is done: votes must be durable before they are given. `PUBLISH` goes to
//! [`Sentinel::handle_publish`], `ROLE` to [`Sentinel::role`], the section `sentinel` of `INFO` comes from
//! [`Sentinel::info_section`], and [`SUBCOMMANDS`] describes the subcommands for `COMMAND`.
//!
//! Time that the machine is not given is lost time to it: if the earliest timer is handled more than two seconds
//! late, the process was stopped, nothing it believes about others can be trusted, and it enters TILT: it goes on
//! watching but takes no action for 30 seconds. So a driver must not block.
//!
//! # How it works inside
//!
//! Each master and what belongs to it form a group (`instance`). Whatever touches a group is followed by
//! *settling* it (`settle`): the rows of one table of timers (`timer`) whose time has come fire, conditions
//! that do not depend on time are looked at, and this repeats until nothing changes any more. So every reaction
//! happens with the input that allows it, a dead master is noticed at `down-after` and not at the next tick, and a
//! timer can never be forgotten: its time is computed from the state, not stored.

pub mod config;
pub mod event;
pub mod ids;
pub mod io;
pub mod reply;
pub mod state_file;

mod addr;
mod calendar;
mod commands;
mod connection;
mod core;
mod election;
mod failover;
mod group;
mod hello;
mod info_parser;
mod instance;
mod link;
mod machine;
mod monitor;
mod names;
mod periods;
mod refresh;
mod repair;
mod scripts;
mod selection;
mod settle;
mod timer;

pub use commands::{SUBCOMMANDS, Subcommand};
pub use config::{Config, ConfigError, ConfigLine, RewriteLine, ServerFacts, merge_into};
pub use event::{Event, LogLevel};
pub use ids::{LinkId, Millis, Now, SaveId, ScriptId};
pub use io::{Endpoint, Host, Input, LinkKind, Output, ScriptEnd};
pub use machine::Sentinel;
pub use reply::{Answer, Reply};
