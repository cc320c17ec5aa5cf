//! Replies as values: for links where we are the client, for scripts and for tests.

mod decode;
mod encode;

pub use decode::{DecodeError, DecodeErrorKind, FrameDecoder, FrameLimits};

use bytes::Bytes;

/// One reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// `+`: a simple string.
    Simple(Bytes),
    /// `-` or `!`: an error, its code included.
    Error(Bytes),
    /// `:`: an integer.
    Int(i64),
    /// `$`: a bulk string.
    Bulk(Bytes),
    /// `_`, `$-1` or `*-1`: nothing.
    Null,
    /// `*`: an array.
    Array(Vec<Frame>),
    /// `%`: keys and values, in the order they came.
    Map(Vec<(Frame, Frame)>),
    /// `~`: a set, in the order its elements came.
    Set(Vec<Frame>),
    /// `>`: a message that answers no request.
    Push(Vec<Frame>),
    /// `,`: a floating point number.
    Double(f64),
    /// `#`: true or false.
    Bool(bool),
    /// `=`: text with its format.
    Verbatim {
        /// Three bytes: `txt` or `mkd`.
        format: [u8; 3],
        /// The text.
        text: Bytes,
    },
    /// `(`: an integer of any size, in decimal.
    BigNumber(Bytes),
    /// `|`: a reply with attributes.
    Attribute {
        /// Names and values.
        attributes: Vec<(Frame, Frame)>,
        /// The reply they belong to.
        value: Box<Frame>,
    },
}

impl Frame {
    /// A bulk string.
    pub fn bulk(payload: impl AsRef<[u8]>) -> Frame {
        Frame::Bulk(Bytes::copy_from_slice(payload.as_ref()))
    }

    /// The text of a simple string, bulk string or verbatim string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Frame::Simple(text) | Frame::Bulk(text) | Frame::Verbatim { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text of an error.
    pub fn as_error(&self) -> Option<&[u8]> {
        match self {
            Frame::Error(text) => Some(text),
            _ => None,
        }
    }

    /// An integer, also one in a string.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Frame::Int(value) => Some(*value),
            other => crate::parse_i64(other.as_bytes()?),
        }
    }

    /// The elements of an array, a set or a push message.
    pub fn as_slice(&self) -> Option<&[Frame]> {
        match self {
            Frame::Array(elements) | Frame::Set(elements) | Frame::Push(elements) => Some(elements),
            _ => None,
        }
    }

    /// True for the simple string `OK`.
    pub fn is_ok(&self) -> bool {
        matches!(self, Frame::Simple(text) if text.as_ref() == b"OK")
    }
}

#[cfg(test)]
mod tests;
