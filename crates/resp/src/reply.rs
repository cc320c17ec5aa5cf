//! Replies: the one place that knows how they look on the wire.

use crate::command::{push_bulk, push_int_line};
use crate::double::format_f64;
use crate::number::push_header;

/// The protocol version a connection speaks; RESP2 until `HELLO 3`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// Five types: simple string, error, integer, bulk string, array.
    #[default]
    Resp2,
    /// Adds null, boolean, double, map, set, push, attribute, verbatim string and big number.
    Resp3,
}

/// A connection's reply buffer.
///
/// Each method appends one reply, or the header of an aggregate whose elements the caller appends next. What RESP2
/// lacks is written as clients of that version expect it: see each method.
#[derive(Clone, Debug, Default)]
pub struct ReplyBuf {
    buf: Vec<u8>,
    protocol: Protocol,
}

/// Where the header of an aggregate of yet unknown length belongs.
#[derive(Debug)]
#[must_use = "without its header the reply is broken"]
pub struct Deferred {
    at: usize,
}

impl ReplyBuf {
    /// An empty buffer.
    pub fn new(protocol: Protocol) -> Self {
        ReplyBuf { buf: Vec::new(), protocol }
    }

    /// The protocol of what is appended next.
    #[inline]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Changes the protocol of what is appended next.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    #[inline]
    fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }
}

/// The buffer's bytes.
impl ReplyBuf {
    /// Bytes in the buffer.
    #[inline]
    pub fn len(&self) -> usize {
        self.buf.len()
    }

    /// True without any byte.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.buf.is_empty()
    }

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        &self.buf
    }

    /// The present end, to come back to with [`ReplyBuf::truncate`].
    #[inline]
    pub fn mark(&self) -> usize {
        self.buf.len()
    }

    /// Takes back everything after `mark`.
    #[inline]
    pub fn truncate(&mut self, mark: usize) {
        self.buf.truncate(mark);
    }

    /// What was appended after `mark`.
    pub fn since(&self, mark: usize) -> &[u8] {
        &self.buf[mark..]
    }

    /// Drops the first `n` bytes, which have been sent. Moves the rest: O(rest).
    pub fn consume(&mut self, n: usize) {
        self.buf.drain(..n);
    }

    /// Drops all bytes and keeps the memory.
    #[inline]
    pub fn clear(&mut self) {
        self.buf.clear();
    }

    /// The bytes, leaving an empty buffer without memory.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buf)
    }

    /// Gives an empty buffer memory to write to, to be taken back with [`ReplyBuf::take`]: connections that have
    /// nothing to say hold none.
    #[inline]
    pub fn lend(&mut self, memory: Vec<u8>) {
        debug_assert!(self.buf.is_empty() && memory.is_empty(), "memory changes hands empty");
        self.buf = memory;
    }

    /// Heap bytes held.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.buf.capacity()
    }

    /// Makes room for so many more bytes.
    pub fn reserve(&mut self, additional: usize) {
        self.buf.reserve(additional);
    }

    /// Gives back memory above `keep` bytes when the buffer is empty.
    pub fn shrink_if_idle(&mut self, keep: usize) {
        if self.buf.is_empty() && self.buf.capacity() > keep {
            self.buf.shrink_to(keep);
        }
    }

    /// Appends bytes that are already in wire format.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }
}

/// Single replies.
impl ReplyBuf {
    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// A simple string. Line breaks, which it cannot carry, become spaces.
    pub fn simple(&mut self, text: &str) {
        self.simple_bytes(text.as_bytes());
    }

    /// A simple string of any bytes; see [`ReplyBuf::simple`].
    pub fn simple_bytes(&mut self, text: &[u8]) {
        self.line(b'+', text);
    }

    /// An error: the full text with its code and without `-`, as `ERR no such key`.
    ///
    /// Line breaks at the end are dropped, others become spaces.
    pub fn error(&mut self, text: &str) {
        self.error_bytes(text.as_bytes());
    }

    /// An error whose text quotes bytes of a client; see [`ReplyBuf::error`].
    pub fn error_bytes(&mut self, text: &[u8]) {
        let end = text.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
        self.line(b'-', &text[..end]);
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        push_int_line(&mut self.buf, value);
    }

    /// A bulk string.
    #[inline]
    pub fn bulk(&mut self, payload: &[u8]) {
        push_bulk(&mut self.buf, payload);
    }

    /// A bulk string of the decimal digits of `value`.
    #[inline]
    pub fn bulk_int(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    /// Nothing in place of a value. RESP2: the null bulk string.
    #[inline]
    pub fn null(&mut self) {
        self.raw(if self.is_resp3() { b"_\r\n" } else { b"$-1\r\n" });
    }

    /// Nothing in place of an array. RESP2: the null array.
    #[inline]
    pub fn null_array(&mut self) {
        self.raw(if self.is_resp3() { b"_\r\n" } else { b"*-1\r\n" });
    }

    /// A floating point number, see [`format_f64`]. RESP2: a bulk string.
    pub fn double(&mut self, value: f64) {
        if self.is_resp3() {
            self.buf.push(b',');
            format_f64(value, &mut self.buf);
            self.raw(b"\r\n");
        } else {
            let mut text = Vec::with_capacity(32);
            format_f64(value, &mut text);
            self.bulk(&text);
        }
    }

    /// True or false. RESP2: the integer 1 or 0.
    pub fn bool(&mut self, value: bool) {
        self.raw(match (self.protocol, value) {
            (Protocol::Resp3, true) => b"#t\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp2, false) => b":0\r\n",
        });
    }

    /// Text to show as it is, with its format: `txt` or `mkd`, three bytes. RESP2: a bulk string.
    ///
    /// # Panics
    /// When the format is not three bytes long.
    pub fn verbatim(&mut self, format: impl AsRef<[u8]>, text: &[u8]) {
        let format = format.as_ref();
        assert_eq!(format.len(), 3, "a format has three bytes");
        if self.is_resp3() {
            push_header(&mut self.buf, b'=', text.len() + format.len() + 1);
            self.raw(format);
            self.raw(b":");
            self.raw(text);
            self.raw(b"\r\n");
        } else {
            self.bulk(text);
        }
    }

    /// An integer of any size in decimal. RESP2: a bulk string.
    pub fn big_number(&mut self, digits: &[u8]) {
        if self.is_resp3() { self.line(b'(', digits) } else { self.bulk(digits) }
    }

    /// One line without line breaks.
    fn line(&mut self, kind: u8, text: &[u8]) {
        self.buf.reserve(text.len() + 3);
        self.buf.push(kind);
        let start = self.buf.len();
        self.buf.extend_from_slice(text);
        if memchr::memchr2(b'\r', b'\n', text).is_some() {
            let breaks = self.buf[start..].iter_mut().filter(|byte| matches!(**byte, b'\r' | b'\n'));
            breaks.for_each(|byte| *byte = b' ');
        }
        self.raw(b"\r\n");
    }
}

/// Headers of aggregates.
impl ReplyBuf {
    /// An array: `len` replies follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        push_header(&mut self.buf, b'*', len);
    }

    /// A map: `pairs` times two replies follow. RESP2: an array of keys and values.
    #[inline]
    pub fn map(&mut self, pairs: usize) {
        let (kind, len) = self.map_header(pairs);
        push_header(&mut self.buf, kind, len);
    }

    /// A set: `len` replies follow. RESP2: an array.
    #[inline]
    pub fn set(&mut self, len: usize) {
        let kind = self.kind(b'~');
        push_header(&mut self.buf, kind, len);
    }

    /// A message that answers no request: `len` replies follow. RESP2: an array.
    #[inline]
    pub fn push(&mut self, len: usize) {
        let kind = self.kind(b'>');
        push_header(&mut self.buf, kind, len);
    }

    /// Attributes of the reply after them: `pairs` times two replies follow.
    ///
    /// RESP2 has none: returns false, and the caller must leave the pairs out.
    #[must_use = "without attributes their pairs must be left out"]
    pub fn attribute(&mut self, pairs: usize) -> bool {
        if self.is_resp3() {
            push_header(&mut self.buf, b'|', pairs);
        }
        self.is_resp3()
    }

    /// Begins an aggregate whose length is known only after its elements. May be nested.
    pub fn begin_deferred(&mut self) -> Deferred {
        Deferred { at: self.buf.len() }
    }

    /// Ends a deferred array of `len` elements. Moves them by the length of the header: O(their bytes).
    pub fn end_deferred_array(&mut self, deferred: Deferred, len: usize) {
        self.insert_header(deferred, b'*', len);
    }

    /// Ends a deferred map of `pairs` keys and values; see [`ReplyBuf::map`].
    pub fn end_deferred_map(&mut self, deferred: Deferred, pairs: usize) {
        let (kind, len) = self.map_header(pairs);
        self.insert_header(deferred, kind, len);
    }

    /// Ends a deferred set of `len` elements; see [`ReplyBuf::set`].
    pub fn end_deferred_set(&mut self, deferred: Deferred, len: usize) {
        let kind = self.kind(b'~');
        self.insert_header(deferred, kind, len);
    }

    /// Ends a deferred push message of `len` elements; see [`ReplyBuf::push`].
    pub fn end_deferred_push(&mut self, deferred: Deferred, len: usize) {
        let kind = self.kind(b'>');
        self.insert_header(deferred, kind, len);
    }

    fn map_header(&self, pairs: usize) -> (u8, usize) {
        if self.is_resp3() { (b'%', pairs) } else { (b'*', pairs * 2) }
    }

    /// RESP2 knows no other aggregate than the array.
    fn kind(&self, resp3: u8) -> u8 {
        if self.is_resp3() { resp3 } else { b'*' }
    }

    fn insert_header(&mut self, deferred: Deferred, kind: u8, len: usize) {
        let end = self.buf.len();
        push_header(&mut self.buf, kind, len);
        let header = self.buf.len() - end;
        self.buf[deferred.at..].rotate_right(header);
    }
}

#[cfg(test)]
mod tests;
