//! Requests as they arrive: multibulk (`*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n`) and inline (`ECHO hi\r\n`).
//!
//! The decoder copies nothing: it reports where the arguments lie in the caller's buffer. A request that is not
//! complete yet is not read again from its start when more arrives: the decoder remembers how far it came. It relies
//! on the caller for that: the unconsumed bytes stay at the front of the buffer and only grow at their end.
//!
//! As in Redis, a line ends with `\r` and one more byte, whatever that is, and an argument with any two bytes.

use memchr::memchr;

use crate::args::{OwnedArgs, Span};
use crate::inline::split_inline;
use crate::limits::{ProtocolError, RequestLimits};
use crate::number::parse_i64;

/// What [`RequestDecoder::decode`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A complete request.
    Request {
        /// Its bytes: the next request begins after so many.
        consumed: usize,
        /// Its arguments: so many spans were appended.
        args: usize,
    },
    /// A complete inline request of at least one word and the bytes it took. No spans were appended, since its words
    /// may have been quoted.
    Inline(OwnedArgs, usize),
    /// An empty line, or a request of zero or fewer arguments: nothing to do and nothing to answer.
    Empty {
        /// Its bytes.
        consumed: usize,
    },
    /// The buffer ends before the request does.
    Incomplete {
        /// At least so many bytes are missing: a hint for the size of the buffer. At least 1.
        want: usize,
    },
}

/// Resumable decoder of one connection's requests.
#[derive(Debug, Default)]
pub struct RequestDecoder {
    /// Arguments of the request that was found incomplete; 0 when the next byte begins a request.
    args: usize,
    /// Where its next argument begins; in an inline request or a first line, how far there is no line end.
    pos: usize,
    /// Its arguments so far.
    spans: Vec<Span>,
}

/// Capacity that the decoder keeps for the next incomplete request.
const KEPT_SPANS: usize = 1024;

impl RequestDecoder {
    /// A decoder at the beginning of a request.
    pub fn new() -> Self {
        RequestDecoder::default()
    }

    /// True when a request has been read in part.
    pub fn is_partial(&self) -> bool {
        self.args != 0 || self.pos != 0
    }

    /// Arguments that the request being read announced, 0 when that is not known.
    pub fn announced_args(&self) -> usize {
        self.args
    }

    /// Heap bytes held.
    pub fn heap_size(&self) -> usize {
        self.spans.capacity() * size_of::<Span>()
    }

    /// Decodes the request at the start of `buf` and appends the spans of its arguments, relative to `buf`, to `spans`.
    ///
    /// After [`Decoded::Incomplete`] nothing is consumed and nothing appended; the next call must give the same bytes
    /// and more behind them. After an error the connection cannot be read any further.
    #[inline]
    pub fn decode(
        &mut self,
        buf: &[u8],
        limits: &RequestLimits,
        spans: &mut Vec<Span>,
    ) -> Result<Decoded, ProtocolError> {
        if self.args != 0 {
            return self.resume(buf, limits, spans);
        }
        match buf.first() {
            None => Ok(Decoded::Incomplete { want: 1 }),
            Some(b'*') => self.multibulk(buf, limits, spans),
            Some(_) => self.inline(buf, limits),
        }
    }

    /// A multibulk request from its first byte.
    #[inline]
    fn multibulk(
        &mut self,
        buf: &[u8],
        limits: &RequestLimits,
        spans: &mut Vec<Span>,
    ) -> Result<Decoded, ProtocolError> {
        let (args, first) = match short_length(buf) {
            Some(header) => header,
            None => match self.long_length(buf, limits, ProtocolError::TooBigMultibulkCount)? {
                Ok((text, next)) => {
                    let count = parse_i64(text).ok_or(ProtocolError::InvalidMultibulkLength)?;
                    (usize::try_from(count).unwrap_or(0), next)
                }
                Err(want) => return Ok(Decoded::Incomplete { want }),
            },
        };
        if args > limits.max_args {
            return Err(ProtocolError::InvalidMultibulkLength);
        }
        if limits.unauthenticated && args > RequestLimits::UNAUTHENTICATED_ARGS {
            return Err(ProtocolError::UnauthenticatedMultibulkLength);
        }
        self.pos = 0;
        if args == 0 {
            return Ok(Decoded::Empty { consumed: first });
        }
        let before = spans.len();
        match read_args(buf, first, args, limits, spans)? {
            Progress::Done { end } => Ok(Decoded::Request { consumed: end, args }),
            Progress::Stopped { at, want } => {
                self.args = args;
                self.pos = at;
                self.spans.extend(spans.drain(before..));
                Ok(Decoded::Incomplete { want })
            }
        }
    }

    /// A multibulk request that was incomplete before.
    #[cold]
    fn resume(
        &mut self,
        buf: &[u8],
        limits: &RequestLimits,
        spans: &mut Vec<Span>,
    ) -> Result<Decoded, ProtocolError> {
        debug_assert!(buf.len() >= self.pos, "unconsumed bytes went missing");
        match read_args(buf, self.pos, self.args - self.spans.len(), limits, &mut self.spans)? {
            Progress::Done { end } => {
                let args = std::mem::take(&mut self.args);
                self.pos = 0;
                spans.append(&mut self.spans);
                self.spans.shrink_to(KEPT_SPANS);
                Ok(Decoded::Request { consumed: end, args })
            }
            Progress::Stopped { at, want } => {
                self.pos = at;
                Ok(Decoded::Incomplete { want })
            }
        }
    }

    /// The text of the first line after its first byte and where the next line begins, or how many bytes are missing.
    #[cold]
    fn long_length<'a>(
        &mut self,
        buf: &'a [u8],
        limits: &RequestLimits,
        too_long: ProtocolError,
    ) -> Result<Result<(&'a [u8], usize), usize>, ProtocolError> {
        let line = header_line(buf, self.pos, limits, too_long)?;
        if line.is_err() {
            // The last byte may be the `\r` that still lacks its `\n`.
            self.pos = buf.len() - 1;
        }
        Ok(line)
    }

    /// An inline request.
    #[cold]
    fn inline(&mut self, buf: &[u8], limits: &RequestLimits) -> Result<Decoded, ProtocolError> {
        debug_assert!(buf.len() >= self.pos, "unconsumed bytes went missing");
        let Some(newline) = memchr(b'\n', &buf[self.pos..]).map(|at| self.pos + at) else {
            // One more than the limit: the line may end with `\r\n`.
            if buf.len() > limits.max_inline_len + 1 {
                return Err(ProtocolError::TooBigInline);
            }
            check_buffered(buf.len(), 0, limits)?;
            self.pos = buf.len();
            return Ok(Decoded::Incomplete { want: 1 });
        };
        self.pos = 0;
        let line = buf[..newline].strip_suffix(b"\r").unwrap_or(&buf[..newline]);
        if line.len() > limits.max_inline_len {
            return Err(ProtocolError::TooBigInline);
        }
        let args = split_inline(line).map_err(|_| ProtocolError::UnbalancedQuotes)?;
        let consumed = newline + 1;
        Ok(if args.is_empty() { Decoded::Empty { consumed } } else { Decoded::Inline(args, consumed) })
    }
}

/// How far [`read_args`] came.
enum Progress {
    /// All arguments are there; the next request begins at `end`.
    Done { end: usize },
    /// The argument that begins at `at` is not complete.
    Stopped { at: usize, want: usize },
}

/// Reads `missing` arguments from `pos` on and appends their spans.
#[inline]
fn read_args(
    buf: &[u8],
    mut pos: usize,
    missing: usize,
    limits: &RequestLimits,
    spans: &mut Vec<Span>,
) -> Result<Progress, ProtocolError> {
    for _ in 0..missing {
        let rest = &buf[pos..];
        let (len, header) = match short_length(rest) {
            Some(header) if rest[0] == b'$' => header,
            _ => match long_bulk_length(rest, limits)? {
                Ok(header) => header,
                Err(want) => return stopped(buf, pos, want, limits),
            },
        };
        if len > limits.max_bulk_len {
            return Err(ProtocolError::InvalidBulkLength);
        }
        if limits.unauthenticated && len > RequestLimits::UNAUTHENTICATED_BULK_LEN {
            return Err(ProtocolError::UnauthenticatedBulkLength);
        }
        let whole = header + len + 2;
        if rest.len() < whole {
            return stopped(buf, pos, whole - rest.len(), limits);
        }
        let start = pos + header;
        pos += whole;
        // It is refused only when it is there: whoever closes with something unread makes the client lose replies.
        if whole > limits.max_buffer || pos > u32::MAX as usize {
            return Err(ProtocolError::BufferLimit);
        }
        spans.push(Span { start: start as u32, len: len as u32 });
    }
    Ok(Progress::Done { end: pos })
}

/// The buffer ends within the argument at `at`.
#[cold]
fn stopped(buf: &[u8], at: usize, want: usize, limits: &RequestLimits) -> Result<Progress, ProtocolError> {
    check_buffered(buf.len(), at, limits)?;
    Ok(Progress::Stopped { at, want })
}

/// Whether the bytes after `parsed` may wait for more.
fn check_buffered(buffered: usize, parsed: usize, limits: &RequestLimits) -> Result<(), ProtocolError> {
    if buffered - parsed > limits.max_buffer || buffered > u32::MAX as usize {
        return Err(ProtocolError::BufferLimit);
    }
    Ok(())
}

/// The length in a header line such as `$16\r\n` and the length of the line: the fast way, for up to seven digits.
///
/// None when the line is unusual in any way; the slow way finds out what it is. The first byte is not looked at.
#[inline(always)]
fn short_length(line: &[u8]) -> Option<(usize, usize)> {
    match *line {
        [_, a @ b'0'..=b'9', b'\r', _, ..] => Some((digit(a), 4)),
        [_, a @ b'1'..=b'9', b @ b'0'..=b'9', b'\r', _, ..] => Some((digit(a) * 10 + digit(b), 5)),
        [_, a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ref more @ ..] => {
            let mut value = digit(a) * 100 + digit(b) * 10 + digit(c);
            let more = &more[..more.len().min(6)];
            for (i, &byte) in more.iter().enumerate() {
                match byte {
                    b'0'..=b'9' => value = value * 10 + digit(byte),
                    b'\r' if i + 1 < more.len() => return Some((value, 4 + i + 2)),
                    _ => return None,
                }
            }
            None
        }
        _ => None,
    }
}

#[inline(always)]
fn digit(ascii: u8) -> usize {
    (ascii - b'0') as usize
}

/// The length of an argument from any header line: the slow way.
#[cold]
fn long_bulk_length(
    rest: &[u8],
    limits: &RequestLimits,
) -> Result<Result<(usize, usize), usize>, ProtocolError> {
    let (text, next) = match header_line(rest, 0, limits, ProtocolError::TooBigBulkCount)? {
        Ok(line) => line,
        Err(want) => return Ok(Err(want)),
    };
    if rest[0] != b'$' {
        return Err(ProtocolError::ExpectedBulk(rest[0]));
    }
    let len = parse_i64(text).and_then(|len| usize::try_from(len).ok());
    len.map(|len| Ok((len, next))).ok_or(ProtocolError::InvalidBulkLength)
}

/// The text of a header line after its first byte and where the next line begins, or how many bytes are missing.
///
/// `scanned`: no `\r` lies before. A line may be too long only when its end is not there: that is how Redis has it, and
/// how it stays the same whatever pieces it arrives in.
fn header_line<'a>(
    buf: &'a [u8],
    scanned: usize,
    limits: &RequestLimits,
    too_long: ProtocolError,
) -> Result<Result<(&'a [u8], usize), usize>, ProtocolError> {
    let window = &buf[..buf.len().min(limits.max_inline_len + 1)];
    match memchr(b'\r', &window[scanned.min(window.len())..]).map(|at| scanned + at) {
        // `\r` as the type byte: an empty line, which no header is.
        Some(0) if buf.len() > 1 => Ok(Ok((&[], 2))),
        Some(end) if end + 1 < buf.len() => Ok(Ok((&buf[1..end], end + 2))),
        Some(_) => Ok(Err(1)),
        None if buf.len() > limits.max_inline_len => Err(too_long),
        None => Ok(Err(if buf.is_empty() { 4 } else { 2 })),
    }
}

#[cfg(test)]
mod tests;
