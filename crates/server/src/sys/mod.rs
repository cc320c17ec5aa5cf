//! What needs `unsafe`, in small pieces.

pub(crate) mod arena;
pub(crate) mod crash;
pub(crate) mod daemon;
