//! What SCAN, SSCAN, HSCAN and ZSCAN share: cursor, options and the form of the reply.

use redan_engine::{ReplyError, errors};
use redan_keyspace::Kind;
use redan_resp::glob::glob_match;
use redan_resp::{Args, Protocol, ReplyBuf, parse_u64};

use crate::arg;

/// What is scanned, which decides on the options there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scanned {
    /// The keys of a database: TYPE.
    Keys,
    /// The fields of a hash: NOVALUES.
    Fields,
    /// Members of a set or a sorted set.
    Members,
}

/// The options: which elements are shown, and how many are looked at.
pub(crate) struct ScanOptions<'a> {
    pattern: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
    /// How many elements are looked at, at least 1.
    pub(crate) count: usize,
    /// Whether the fields of a hash are shown without their values.
    pub(crate) no_values: bool,
}

/// The cursor of a request.
///
/// # Errors
/// `invalid cursor`.
pub(crate) fn parse_cursor(text: &[u8]) -> Result<u64, ReplyError> {
    parse_u64(text).ok_or(errors::INVALID_CURSOR)
}

impl<'a> ScanOptions<'a> {
    /// Reads what follows the cursor.
    ///
    /// # Errors
    /// A syntax error, a count that is no number, or NOVALUES where there are none.
    pub(crate) fn parse(words: Args<'a>, scanned: Scanned) -> Result<Self, ReplyError> {
        let mut options = Self { pattern: None, kind: None, count: 10, no_values: false };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if arg::is(word, "NOVALUES") {
                if scanned != Scanned::Fields {
                    return Err(errors::NOVALUES);
                }
                options.no_values = true;
                continue;
            }
            let value = rest.next().ok_or(errors::SYNTAX)?;
            if arg::is(word, "COUNT") {
                let count = arg::int(value)?;
                options.count =
                    usize::try_from(count).ok().filter(|&count| count > 0).ok_or(errors::SYNTAX)?;
            } else if arg::is(word, "MATCH") {
                options.pattern = (value != b"*").then_some(value);
            } else if arg::is(word, "TYPE") && scanned == Scanned::Keys {
                options.kind = Some(value);
            } else {
                return Err(errors::SYNTAX);
            }
        }
        Ok(options)
    }

    /// Whether an element with this name is shown.
    #[inline]
    pub(crate) fn wants(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob_match(pattern, name, false))
    }

    /// Whether keys of this type are shown.
    pub(crate) fn wants_kind(&self, kind: Kind) -> bool {
        self.kind.is_none_or(|wanted| wanted.eq_ignore_ascii_case(kind.name().as_bytes()))
    }
}

/// The elements of a reply, which stand behind a cursor and a length that are known only after them.
pub(crate) struct ScanPage {
    elements: ReplyBuf,
    shown: usize,
}

impl ScanPage {
    /// A page without elements.
    pub(crate) fn new(protocol: Protocol) -> Self {
        Self { elements: ReplyBuf::new(protocol), shown: 0 }
    }

    /// Where to append elements.
    #[inline]
    pub(crate) fn elements(&mut self) -> &mut ReplyBuf {
        &mut self.elements
    }

    /// Counts what was appended, in replies.
    #[inline]
    pub(crate) fn count(&mut self, replies: usize) {
        self.shown += replies;
    }

    /// Writes the reply: the cursor to go on with, and the elements.
    pub(crate) fn reply(self, out: &mut ReplyBuf, cursor: u64) {
        out.array(2);
        out.bulk(itoa::Buffer::new().format(cursor).as_bytes());
        out.array(self.shown);
        out.raw(self.elements.as_slice());
    }
}
