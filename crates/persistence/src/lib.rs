//! The disk formats: RDB files, the payload of `DUMP`, and the tools that check files.
//!
//! Nothing here opens a socket or asks for the time; files come and go through [`std::io::Read`] and
//! [`std::io::Write`] (the check tools, which are programs of their own, open the files they are told to).

pub mod aof;
pub mod check_aof;
pub mod check_rdb;
pub mod digest;
pub mod dump;
pub mod rdb;
