//! Sockets: where the server listens, whom it lets in, and what happens on a connection.

pub(crate) mod accept;
pub(crate) mod berth;
pub(crate) mod connection;
pub(crate) mod listen;
pub(crate) mod placement;
pub(crate) mod relief;
pub mod socket;

pub use accept::Net;
pub use listen::{ListenError, Plan};
