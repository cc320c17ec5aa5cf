//! Bytes to frames.
//!
//! Elements leave the buffer as soon as they are complete, and unfinished aggregates wait on a stack: a reply of a
//! million elements that arrives in small pieces is read once. Strings are slices of the buffer, not copies.

use bytes::{Buf, Bytes, BytesMut};
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::character::complete::{i64 as signed, u64 as unsigned};
use nom::combinator::{all_consuming, map, value};
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::Frame;
use crate::double::parse_f64;

/// What a peer may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Deepest nesting of aggregates.
    pub max_depth: usize,
    /// Longest bulk string in bytes.
    pub max_bulk_len: usize,
    /// Longest line in bytes: simple strings, errors, numbers, headers.
    pub max_line_len: usize,
    /// Most elements of one aggregate; keys and values of a map count both.
    pub max_elements: usize,
}

impl Default for FrameLimits {
    fn default() -> Self {
        FrameLimits {
            max_depth: 32,
            max_bulk_len: 512 << 20,
            max_line_len: 64 << 10,
            max_elements: i32::MAX as usize,
        }
    }
}

/// The bytes are no reply: the connection cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset} of the stream: {kind}")]
pub struct DecodeError {
    /// Where the element that is wrong begins, counted from the decoder's first byte.
    pub offset: u64,
    /// What is wrong with it.
    pub kind: DecodeErrorKind,
}

/// What is wrong with an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeErrorKind {
    /// No element begins with this byte.
    #[error("unknown reply type '{}'", .0.escape_ascii())]
    UnknownType(u8),
    /// A number, boolean or null that is not written as one.
    #[error("malformed value")]
    Malformed,
    /// A length that is not a number.
    #[error("malformed length")]
    MalformedLength,
    /// A bulk string or line above the limit.
    #[error("string too long")]
    TooLong,
    /// An aggregate above the limit.
    #[error("too many elements")]
    TooManyElements,
    /// Aggregates nested above the limit.
    #[error("nested too deeply")]
    TooDeep,
    /// A line or a bulk string not followed by `\r\n`.
    #[error("missing line end")]
    MissingLineEnd,
}

/// Resumable decoder of one connection's replies.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    limits: FrameLimits,
    /// Aggregates that lack elements, outermost first.
    open: Vec<Open>,
    /// Bytes taken out of the buffer since the beginning.
    offset: u64,
    /// Bytes at the front of the buffer that hold no `\n`.
    scanned: usize,
}

/// An aggregate that lacks elements.
#[derive(Debug)]
struct Open {
    kind: Aggregate,
    /// For maps and attributes, keys and values in turn.
    elements: Vec<Frame>,
    missing: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Array,
    Set,
    Push,
    Map,
    /// Attributes, and after them the value they belong to.
    Attribute,
}

/// An element as far as its first line tells.
enum Head {
    Leaf(Frame),
    Line(LineKind),
    Bulk(BulkKind, usize),
    Open(Aggregate, usize),
}

#[derive(Clone, Copy)]
enum LineKind {
    Simple,
    Error,
    BigNumber,
}

#[derive(Clone, Copy)]
enum BulkKind {
    Plain,
    Error,
    Verbatim,
}

impl FrameDecoder {
    /// A decoder with the default limits.
    pub fn new() -> Self {
        FrameDecoder::default()
    }

    /// A decoder with other limits.
    pub fn with_limits(limits: FrameLimits) -> Self {
        FrameDecoder { limits, ..FrameDecoder::default() }
    }

    /// Bytes decoded so far, those of unfinished aggregates included.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the next reply off the front of `buf`; None when more bytes are needed.
    ///
    /// What is left in `buf` belongs to the decoder until a reply is complete: the caller only appends.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Frame>, DecodeError> {
        loop {
            let element = match self.element(buf) {
                Ok(Some(element)) => element,
                Ok(None) => return Ok(None),
                Err(kind) => return Err(DecodeError { offset: self.offset, kind }),
            };
            if let Some(frame) = element.and_then(|frame| self.fold(frame)) {
                return Ok(Some(frame));
            }
        }
    }

    /// Decodes a buffer that holds nothing but complete replies; `Err` of how many bytes were decoded otherwise.
    pub fn decode_all(bytes: &[u8]) -> Result<Vec<Frame>, DecodeError> {
        let mut buf = BytesMut::from(bytes);
        let mut decoder = FrameDecoder::new();
        let mut frames = Vec::new();
        while let Some(frame) = decoder.decode(&mut buf)? {
            frames.push(frame);
        }
        if !buf.is_empty() || !decoder.open.is_empty() {
            return Err(DecodeError { offset: decoder.offset, kind: DecodeErrorKind::MissingLineEnd });
        }
        Ok(frames)
    }

    /// Takes one element: a frame, or None in its place when it opened an aggregate.
    fn element(&mut self, buf: &mut BytesMut) -> Result<Option<Option<Frame>>, DecodeErrorKind> {
        let Some(line_len) = self.line(buf)? else { return Ok(None) };
        let line = &buf[..line_len];
        let (frame, consumed) = match head(line, self.open.len() < self.limits.max_depth)? {
            Head::Leaf(frame) => (Some(frame), line_len + 2),
            Head::Line(kind) => {
                let text = self.take(buf, 1, line_len - 1, 2);
                return Ok(Some(Some(kind.frame(text))));
            }
            Head::Bulk(kind, len) => return self.bulk(buf, kind, line_len + 2, len),
            Head::Open(kind, len) => (self.open(kind, len, buf.len())?, line_len + 2),
        };
        self.advance(buf, consumed);
        Ok(Some(frame))
    }

    /// The length of the first line without its `\r\n`.
    fn line(&mut self, buf: &[u8]) -> Result<Option<usize>, DecodeErrorKind> {
        let window = &buf[..buf.len().min(self.limits.max_line_len + 2)];
        let from = self.scanned.min(window.len());
        let Some(newline) = memchr::memchr(b'\n', &window[from..]).map(|at| from + at) else {
            if buf.len() >= self.limits.max_line_len + 2 {
                return Err(DecodeErrorKind::TooLong);
            }
            self.scanned = buf.len();
            return Ok(None);
        };
        // The line may be read again while its bulk string is incomplete.
        self.scanned = newline;
        match buf[..newline].strip_suffix(b"\r") {
            Some([]) | None => Err(DecodeErrorKind::MissingLineEnd),
            Some(line) => Ok(Some(line.len())),
        }
    }

    /// A bulk string whose header ends at `start`.
    fn bulk(
        &mut self,
        buf: &mut BytesMut,
        kind: BulkKind,
        start: usize,
        len: usize,
    ) -> Result<Option<Option<Frame>>, DecodeErrorKind> {
        if len > self.limits.max_bulk_len {
            return Err(DecodeErrorKind::TooLong);
        }
        let Some(end) = buf.get(start + len..start + len + 2) else { return Ok(None) };
        if end != b"\r\n" {
            return Err(DecodeErrorKind::MissingLineEnd);
        }
        let frame = match kind {
            BulkKind::Plain => Frame::Bulk(self.take(buf, start, len, 2)),
            BulkKind::Error => Frame::Error(self.take(buf, start, len, 2)),
            BulkKind::Verbatim => match buf[start..start + len] {
                [a, b, c, b':', ..] => {
                    Frame::Verbatim { format: [a, b, c], text: self.take(buf, start + 4, len - 4, 2) }
                }
                _ => return Err(DecodeErrorKind::Malformed),
            },
        };
        Ok(Some(Some(frame)))
    }

    /// Puts an aggregate of `len` elements on the stack, or returns it when it has none.
    fn open(
        &mut self,
        kind: Aggregate,
        len: usize,
        arrived: usize,
    ) -> Result<Option<Frame>, DecodeErrorKind> {
        let missing = match kind {
            Aggregate::Array | Aggregate::Set | Aggregate::Push => Some(len),
            Aggregate::Map => len.checked_mul(2),
            Aggregate::Attribute => len.checked_mul(2).and_then(|len| len.checked_add(1)),
        };
        let missing =
            missing.filter(|&n| n <= self.limits.max_elements).ok_or(DecodeErrorKind::TooManyElements)?;
        if missing == 0 {
            return Ok(Some(kind.frame(Vec::new())));
        }
        // No element is shorter than three bytes: a length alone makes us reserve nothing.
        let elements = Vec::with_capacity(missing.min(arrived / 3));
        self.open.push(Open { kind, elements, missing });
        Ok(None)
    }

    /// Puts a frame where it belongs; returns the outermost one when that is complete.
    fn fold(&mut self, mut frame: Frame) -> Option<Frame> {
        while let Some(open) = self.open.last_mut() {
            open.elements.push(frame);
            open.missing -= 1;
            if open.missing > 0 {
                return None;
            }
            let Open { kind, elements, .. } = self.open.pop()?;
            frame = kind.frame(elements);
        }
        Some(frame)
    }

    /// Takes an element off the buffer: `skip` bytes, the string of `len` bytes that is returned, `tail` bytes.
    fn take(&mut self, buf: &mut BytesMut, skip: usize, len: usize, tail: usize) -> Bytes {
        self.advance(buf, skip);
        let text = buf.split_to(len).freeze();
        self.offset += len as u64;
        self.advance(buf, tail);
        text
    }

    fn advance(&mut self, buf: &mut BytesMut, n: usize) {
        buf.advance(n);
        self.offset += n as u64;
        self.scanned = 0;
    }
}

impl Aggregate {
    fn frame(self, mut elements: Vec<Frame>) -> Frame {
        match self {
            Aggregate::Array => Frame::Array(elements),
            Aggregate::Set => Frame::Set(elements),
            Aggregate::Push => Frame::Push(elements),
            Aggregate::Map => Frame::Map(pairs(elements)),
            Aggregate::Attribute => {
                let value = Box::new(elements.pop().expect("an attribute has its value among its elements"));
                Frame::Attribute { attributes: pairs(elements), value }
            }
        }
    }
}

impl LineKind {
    fn frame(self, text: Bytes) -> Frame {
        match self {
            LineKind::Simple => Frame::Simple(text),
            LineKind::Error => Frame::Error(text),
            LineKind::BigNumber => Frame::BigNumber(text),
        }
    }
}

/// Keys and values in turn, as pairs.
fn pairs(elements: Vec<Frame>) -> Vec<(Frame, Frame)> {
    let mut elements = elements.into_iter();
    std::iter::from_fn(|| Some((elements.next()?, elements.next()?))).collect()
}

/// What the first line of an element, without its line end, says.
fn head(line: &[u8], may_open: bool) -> Result<Head, DecodeErrorKind> {
    let (&kind, text) = line.split_first().ok_or(DecodeErrorKind::MissingLineEnd)?;
    let leaf = |parsed: Option<Frame>| parsed.map(Head::Leaf).ok_or(DecodeErrorKind::Malformed);
    match kind {
        b'+' => Ok(Head::Line(LineKind::Simple)),
        b'-' => Ok(Head::Line(LineKind::Error)),
        b':' => leaf(whole(map(signed, Frame::Int), text)),
        b',' => leaf(double(text)),
        b'_' => leaf(text.is_empty().then_some(Frame::Null)),
        b'#' => leaf(whole(alt((value(true, tag("t")), value(false, tag("f")))), text).map(Frame::Bool)),
        b'(' => whole(big_number, text)
            .map(|()| Head::Line(LineKind::BigNumber))
            .ok_or(DecodeErrorKind::Malformed),
        b'$' | b'*' if text == b"-1" => Ok(Head::Leaf(Frame::Null)),
        b'$' => Ok(Head::Bulk(BulkKind::Plain, length(text)?)),
        b'!' => Ok(Head::Bulk(BulkKind::Error, length(text)?)),
        b'=' => Ok(Head::Bulk(BulkKind::Verbatim, length(text)?)),
        b'*' | b'~' | b'>' | b'%' | b'|' if !may_open => Err(DecodeErrorKind::TooDeep),
        b'*' => Ok(Head::Open(Aggregate::Array, length(text)?)),
        b'~' => Ok(Head::Open(Aggregate::Set, length(text)?)),
        b'>' => Ok(Head::Open(Aggregate::Push, length(text)?)),
        b'%' => Ok(Head::Open(Aggregate::Map, length(text)?)),
        b'|' => Ok(Head::Open(Aggregate::Attribute, length(text)?)),
        other => Err(DecodeErrorKind::UnknownType(other)),
    }
}

/// The length of a string or an aggregate.
fn length(text: &[u8]) -> Result<usize, DecodeErrorKind> {
    let length = whole(unsigned, text).and_then(|length| usize::try_from(length).ok());
    // Far from where sums of lengths and offsets could overflow.
    length.filter(|&length| length <= u32::MAX as usize).ok_or(DecodeErrorKind::MalformedLength)
}

/// A double; `nan` too, which a request may not contain.
fn double(text: &[u8]) -> Option<Frame> {
    let nan = text.strip_prefix(b"-").unwrap_or(text).eq_ignore_ascii_case(b"nan");
    if nan { Some(Frame::Double(f64::NAN)) } else { parse_f64(text).map(Frame::Double) }
}

/// Digits with an optional sign.
fn big_number(input: &[u8]) -> IResult<&[u8], ()> {
    let digits = nom::character::complete::digit1;
    value((), preceded(nom::combinator::opt(alt((tag("-"), tag("+")))), digits)).parse(input)
}

/// Runs a parser over all of `text`.
fn whole<'a, O>(
    parser: impl Parser<&'a [u8], Output = O, Error = nom::error::Error<&'a [u8]>>,
    text: &'a [u8],
) -> Option<O> {
    all_consuming(parser).parse(text).ok().map(|(_, output)| output)
}
