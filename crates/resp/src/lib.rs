//! RESP2 and RESP3: requests, inline requests, replies; encode and decode.

pub mod glob;
