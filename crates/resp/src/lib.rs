//! RESP2 and RESP3: requests, inline requests, replies; encode and decode.
//!
//! The wire format of clients, replicas and sentinels is known here and nowhere else:
//!
//! - [`RequestDecoder`] cuts a connection's input into requests without copying: an argument is a [`Span`] of the
//!   read buffer, a command is [`Args`]. [`OwnedArgs`] is for commands that outlive their buffer.
//! - [`ReplyBuf`] writes replies, for the protocol version the connection speaks.
//! - [`FrameDecoder`] reads replies, on links where we are the client.
//! - [`encode_command`] writes requests: for links, for the replication log and for the AOF.
//! - [`glob`] matches the patterns of KEYS, SCAN, PSUBSCRIBE and ACL rules.
//! - [`number`], [`double`] and [`long_double`] read and print numbers as Redis clients expect them.
//!
//! Nothing here does I/O or knows what a command means.

pub mod args;
pub mod command;
pub mod double;
pub mod escape;
pub mod frame;
pub mod glob;
pub mod inline;
pub mod limits;
pub mod long_double;
pub mod number;
pub mod reply;
pub mod request;

pub use args::{Args, ArgsIter, OwnedArgs, Span, TooLong};
pub use command::{CommandBuilder, command_wire_len, encode_command};
pub use double::{format_f64, format_f64_17, format_f64_shortest, parse_f64};
pub use frame::{DecodeError, DecodeErrorKind, Frame, FrameDecoder, FrameLimits};
pub use inline::{UnbalancedQuotes, split_inline};
pub use limits::{ProtocolError, RequestLimits};
pub use long_double::{LongDouble, format_human_f64};
pub use number::{parse_i64, parse_u64};
pub use reply::{Deferred, Protocol, ReplyBuf};
pub use request::{Decoded, RequestDecoder};
