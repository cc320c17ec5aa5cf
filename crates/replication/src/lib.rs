//! The propagation log and the PSYNC state machines of both sides.
//!
//! - [`Log`]: one ordered byte stream with an absolute offset; backlog, source of the AOF and output buffer of all
//!   replicas. Shared by all workers.
//! - [`ReplicaLink`]: the replica's side, one link to one master.
//! - [`Primary`]: the master's side, all attached replicas. A replica has one too, for replicas of its own.
//!
//! The machines do no I/O, know no clock and no randomness. Their contracts are written on the types. This is what a
//! driver does with them:
//!
//! # Appending
//! A write that changed something, still holding its shard locks: `if log.is_active() { log.append_command(db,
//! Audience::All, args) }`; a transaction as one piece: `log.append(db, Audience::All, |out| { out.command(..); .. })`.
//! Once a turn: `log.notify()`, which calls the waker the driver gave to `log.set_waker(..)`.
//!
//! # A consumer
//! `read(cursor, max)`, write the chunks, `advance(cursor, start + written)`; again until nothing is left, then wait for
//! the waker. On [`CursorError::Overrun`] drop the consumer (for a replica: [`primary::io::Input::Overrun`]). Call
//! `check_limits(now)` on wake-ups and each second. The AOF is an [`Audience::All`] consumer: it attaches at the cut of
//! its base file, writes `SELECT stream_db()` first if that is known, and uses `read_to` where the next file begins.
//!
//! # Master's side
//! One [`Primary`] behind a mutex, held for moments. REPLCONF, PSYNC, SYNC and FAILOVER go in as inputs; replies come
//! out as outputs. A full sync goes like this:
//! 1. [`StartSnapshot`](primary::io::Output::StartSnapshot): when no other snapshot runs, take the gate, cut, note
//!    `log.stream_db()` for the payload's `repl-stream-db`, and still holding the gate give
//!    [`SnapshotCut`](primary::io::Input::SnapshotCut) with `log.end_offset()`. Cursors are attached there.
//! 2. Diskless: stream into the sockets that [`SendPayload`](primary::io::Output::SendPayload) names. Disk: give
//!    [`SnapshotReady`](primary::io::Input::SnapshotReady), then `SendPayload` names who gets the file.
//! 3. Header, payload and trailer written: [`PayloadSent`](primary::io::Input::PayloadSent).
//! 4. [`StartStream`](primary::io::Output::StartStream): from now on the socket gets what the cursor reads.
//!
//! `Disconnect` has already detached the cursor. Every client that ever gave an input is reported when it is
//! [`Closed`](primary::io::Input::Closed).
//!
//! # Replica's side
//! One [`ReplicaLink`], driven by one task. What [`Apply`](replica::io::Output::Apply) brings is executed with the gate
//! held and appended in the same breath: `log.append_verbatim(db_after, audience, &bytes)`; then
//! [`Applied`](replica::io::Input::Applied). While this server is a replica nothing else may append.
//!
//! # Between them
//! | output | what the driver does |
//! |---|---|
//! | link `DropReplicas` | `log.free_backlog()`, primary `DropReplicas` |
//! | link `AdoptHistory` | `log.set_id`, `clear_second_id`, `set_offset` with its `db`, `create_backlog`; restart the AOF |
//! | link `Continue` | `log.create_backlog()` |
//! | link `ReplIdChanged` | `log.set_ids(..)`, primary `DropReplicas` |
//! | link `Promoted` | `log.shift_id(random)`, primary `Role(Master)` and `DropReplicas` |
//! | link `LinkChanged` | primary `Role(Replica { .. })` |
//! | link `FailoverAccepted`, `FailoverRejected` | primary `FailoverAnswered` |
//! | primary `FailoverTo` | link `SetMaster` with `failover`, `own` = the log's id and end |
//! | primary `BecomeMaster` | link `Unset` |
//! | primary `AppendPing`, `AppendGetAck` | `log.append_command(0, ReplicasOnly, ..)`, `notify` |
//!
//! REPLICAOF goes to the link as `SetMaster` / `Unset` and to the primary as `Role`.

pub mod ids;
pub mod log;
mod log_line;
pub mod primary;
pub mod replica;
mod timer;

pub use ids::{ReplId, ReplicationIds};
pub use log::{Appender, Audience, CursorError, CursorId, LagLimits, Log, LogRead, OutOfRange, Refusal};
pub use log_line::LogLevel;
pub use primary::Primary;
pub use replica::ReplicaLink;
pub use timer::Millis;
