//! The propagation log and the PSYNC state machines of both sides.

pub mod ids;
pub mod log;
mod log_line;
pub mod replica;
mod timer;

pub use ids::{ReplId, ReplicationIds};
pub use log::{Appender, Audience, CursorError, CursorId, LagLimits, Log, LogRead, OutOfRange, Refusal};
pub use log_line::LogLevel;
pub use replica::ReplicaLink;
pub use timer::Millis;
