//! The propagation log and the PSYNC state machines of both sides.

pub mod ids;
pub mod log;

pub use ids::{ReplId, ReplicationIds};
pub use log::{Appender, Audience, CursorError, CursorId, LagLimits, Log, LogRead, OutOfRange, Refusal};
