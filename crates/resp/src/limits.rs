//! What a client may send, and what it is told when it sends something else.

/// Limits of one connection's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// Longest argument in bytes (`proto-max-bulk-len`).
    pub max_bulk_len: usize,
    /// Most arguments of one request.
    pub max_args: usize,
    /// Longest inline request or header line in bytes, its line end not counted.
    pub max_inline_len: usize,
    /// Most bytes that may wait unparsed (`client-query-buffer-limit`). Complete arguments of an incomplete request
    /// do not count, as they do not in Redis; requests over 4 GiB are refused whatever the limit.
    pub max_buffer: usize,
    /// The client must authenticate first: at most [`RequestLimits::UNAUTHENTICATED_ARGS`] arguments of at most
    /// [`RequestLimits::UNAUTHENTICATED_BULK_LEN`] bytes, so that strangers cannot make the server hold much.
    pub unauthenticated: bool,
}

impl RequestLimits {
    /// Most arguments a request may have before authentication.
    pub const UNAUTHENTICATED_ARGS: usize = 10;
    /// Longest argument before authentication, in bytes.
    pub const UNAUTHENTICATED_BULK_LEN: usize = 16 * 1024;

    /// The defaults for a client that may run commands.
    pub const fn authenticated() -> Self {
        RequestLimits {
            max_bulk_len: 512 << 20,
            max_args: i32::MAX as usize,
            max_inline_len: 64 << 10,
            max_buffer: 1 << 30,
            unauthenticated: false,
        }
    }

    /// The defaults for a client that has yet to authenticate.
    pub const fn unauthenticated() -> Self {
        RequestLimits { unauthenticated: true, ..RequestLimits::authenticated() }
    }

    /// For the stream of our master, which may use larger limits than we do.
    pub const fn master() -> Self {
        RequestLimits {
            max_bulk_len: u32::MAX as usize,
            max_buffer: u32::MAX as usize,
            ..RequestLimits::authenticated()
        }
    }
}

impl Default for RequestLimits {
    fn default() -> Self {
        RequestLimits::authenticated()
    }
}

/// A request that cannot be understood: the connection is to be closed after the reply.
///
/// `Display` is the text clients see, without the `ERR ` in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The number of arguments is not a number, or above the limit.
    #[error("Protocol error: invalid multibulk length")]
    InvalidMultibulkLength,
    /// More arguments than a client may send before it authenticated.
    #[error("Protocol error: unauthenticated multibulk length")]
    UnauthenticatedMultibulkLength,
    /// The line with the number of arguments does not end.
    #[error("Protocol error: too big mbulk count string")]
    TooBigMultibulkCount,
    /// Something else where an argument should begin.
    #[error("Protocol error: expected '$', got '{}'", char::from(*.0))]
    ExpectedBulk(u8),
    /// The length of an argument is not a number, negative or above the limit.
    #[error("Protocol error: invalid bulk length")]
    InvalidBulkLength,
    /// A longer argument than a client may send before it authenticated.
    #[error("Protocol error: unauthenticated bulk length")]
    UnauthenticatedBulkLength,
    /// The line with the length of an argument does not end.
    #[error("Protocol error: too big bulk count string")]
    TooBigBulkCount,
    /// An inline request does not end.
    #[error("Protocol error: too big inline request")]
    TooBigInline,
    /// An inline request with a quote that is not closed, or is followed by something else than a space.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    /// More unparsed bytes than `client-query-buffer-limit`.
    #[error("Protocol error: query buffer limit reached")]
    BufferLimit,
}

impl ProtocolError {
    /// False when Redis closes the connection without a word.
    pub fn has_reply(&self) -> bool {
        *self != ProtocolError::BufferLimit
    }
}
