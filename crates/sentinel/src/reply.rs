//! Replies of the SENTINEL command as values: comparable in tests, encoded by the server for RESP2 or RESP3.

use crate::ids::SaveId;

/// A reply to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A simple string.
    Simple(String),
    /// An error, with its code word (`ERR ...`).
    Error(String),
    /// An integer.
    Integer(i64),
    /// A bulk string.
    Bulk(Vec<u8>),
    /// No value.
    Null,
    /// No value where an array was expected (RESP2 tells the two apart).
    NullArray,
    /// An array.
    Array(Vec<Reply>),
    /// A map; in RESP2 a flat array of keys and values.
    Map(Vec<(Reply, Reply)>),
}

impl Reply {
    /// `+OK`.
    pub fn ok() -> Reply {
        Reply::Simple("OK".into())
    }

    /// An error with the general code `ERR`.
    pub fn error(text: impl AsRef<str>) -> Reply {
        Reply::Error(format!("ERR {}", text.as_ref()))
    }

    /// A bulk string from text or bytes.
    pub fn bulk(text: impl Into<Vec<u8>>) -> Reply {
        Reply::Bulk(text.into())
    }
}

/// The answer to a command: at once, or when what it promises is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Send it now.
    Now(Reply),
    /// Hold it (and what the same client sends next) until that save, or a later one, is done.
    AfterSave {
        /// The save to wait for.
        save: SaveId,
        /// The reply if it worked.
        saved: Reply,
        /// The reply if it did not.
        failed: Reply,
    },
}

impl Answer {
    /// An immediate `+OK`.
    pub fn ok() -> Answer {
        Answer::Now(Reply::ok())
    }
    /// An immediate error with code `ERR`.
    pub fn error(text: impl AsRef<str>) -> Answer {
        Answer::Now(Reply::error(text))
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Answer {
        Answer::Now(reply)
    }
}
