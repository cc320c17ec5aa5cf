//! Values as commands see and give them.

use std::sync::Arc;

use crate::object::{Aggregate, Object};

/// Longest string that lives in the entry's own block; longer ones sit behind an `Arc`.
pub const INLINE_MAX: usize = 1024;

/// Longest string that `OBJECT ENCODING` calls `embstr`.
pub const EMBSTR_MAX: usize = 44;

/// The type of a value; the numbers are those that digests contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A string.
    String = 0,
    /// A list.
    List = 1,
    /// A set.
    Set = 2,
    /// A sorted set.
    SortedSet = 3,
    /// A hash.
    Hash = 4,
    /// A stream.
    Stream = 6,
}

impl Kind {
    /// The name that `TYPE` answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::SortedSet => "zset",
            Self::Hash => "hash",
            Self::Stream => "stream",
        }
    }
}

/// The internal representation of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A string that is a canonical signed 64-bit integer.
    Int,
    /// A short string that was never changed in place.
    Embstr,
    /// Any other string.
    Raw,
    /// A short list, set, hash or sorted set in one block.
    Listpack,
    /// A short hash in one block whose fields may have a time to live.
    ListpackEx,
    /// A set of integers as a sorted array.
    Intset,
    /// A list of blocks.
    Quicklist,
    /// A hash table.
    Hashtable,
    /// An ordered structure with ranks.
    Skiplist,
    /// A stream's ordered blocks.
    Stream,
}

impl Encoding {
    /// The name that `OBJECT ENCODING` answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Embstr => "embstr",
            Self::Raw => "raw",
            Self::Listpack => "listpack",
            Self::ListpackEx => "listpackex",
            Self::Intset => "intset",
            Self::Quicklist => "quicklist",
            Self::Hashtable => "hashtable",
            Self::Skiplist => "skiplist",
            Self::Stream => "stream",
        }
    }
}

/// Scratch space in which an integer is written as text.
#[derive(Default)]
pub struct IntText(itoa::Buffer);

impl IntText {
    /// An empty scratch space on the stack.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `value` in decimal.
    pub fn format(&mut self, value: i64) -> &[u8] {
        self.0.format(value).as_bytes()
    }
}

/// A borrowed value.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// A string.
    String(StringRef<'a>),
    /// Anything else.
    Object(&'a Object),
}

impl<'a> ValueRef<'a> {
    /// The string, if it is one.
    #[inline]
    pub fn as_string(self) -> Option<StringRef<'a>> {
        match self {
            Self::String(string) => Some(string),
            Self::Object(_) => None,
        }
    }

    /// The aggregate of type `T`, if it is one.
    #[inline]
    pub fn aggregate<T: Aggregate>(self) -> Option<&'a T> {
        match self {
            Self::String(_) => None,
            Self::Object(object) => T::of(object),
        }
    }

    /// The type.
    pub fn kind(self) -> Kind {
        match self {
            Self::String(_) => Kind::String,
            Self::Object(object) => object.kind(),
        }
    }
}

/// A borrowed string, or a borrowed element of an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringRef<'a> {
    /// A string stored as an integer.
    Int(i64),
    /// Any other string.
    Bytes(&'a [u8]),
}

impl<'a> From<&'a [u8]> for StringRef<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for StringRef<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<i64> for StringRef<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl<'a> StringRef<'a> {
    /// The string's bytes; an integer is written into `scratch`.
    pub fn bytes<'s>(self, scratch: &'s mut IntText) -> &'s [u8]
    where
        'a: 's,
    {
        match self {
            Self::Int(value) => scratch.format(value),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// The string's length in bytes.
    pub fn len(self) -> usize {
        match self {
            Self::Int(value) => IntText::new().format(value).len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// Whether it is the empty string.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The string as a strict integer (no spaces, sign only for negative ones, no leading zeros).
    pub fn as_int(self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(value),
            Self::Bytes(bytes) => parse_int(bytes),
        }
    }

    /// An owned copy of the bytes.
    pub fn to_vec(self) -> Vec<u8> {
        self.bytes(&mut IntText::new()).to_vec()
    }
}

/// A value to be stored.
#[derive(Clone, Debug)]
pub enum NewValue<'a> {
    /// A string; stored as an integer if it is one in canonical form.
    Bytes(&'a [u8]),
    /// A string that stays one even if it looks like an integer.
    Text(&'a [u8]),
    /// An integer.
    Int(i64),
    /// As `Bytes`, but a long string is taken over without a copy.
    Owned(Vec<u8>),
    /// A long string that is shared with another entry or a decoder; stored without a copy if it is longer than [`INLINE_MAX`].
    Shared(Arc<Vec<u8>>),
    /// Anything but a string.
    Object(Arc<Object>),
}

impl<T: Aggregate> From<T> for NewValue<'_> {
    fn from(aggregate: T) -> Self {
        Self::Object(Arc::new(aggregate.into_object()))
    }
}

/// What an entry can hold: the decided representation of a [`NewValue`].
pub(crate) enum Payload<'a> {
    Int(i64),
    Inline(&'a [u8]),
    Large(Arc<Vec<u8>>),
    Object(Arc<Object>),
}

/// What an entry owns outside of its block.
pub(crate) enum Owned {
    String(Arc<Vec<u8>>),
    Object(Arc<Object>),
}

impl Owned {
    /// Whether freeing it takes so long that it is to happen on a background thread.
    pub(crate) fn is_slow_to_free(&self) -> bool {
        /// Bytes of a string.
        const SLOW_STRING: usize = 64 * 1024;
        /// Allocations of an object.
        const SLOW_OBJECT: usize = 64;
        match self {
            Self::String(string) => string.capacity() >= SLOW_STRING,
            Self::Object(object) => object.free_effort() > SLOW_OBJECT,
        }
    }
}

impl NewValue<'_> {
    /// Decides the representation.
    pub(crate) fn payload(&self) -> Payload<'_> {
        match self {
            Self::Int(value) => Payload::Int(*value),
            Self::Text(bytes) => plain(bytes),
            Self::Bytes(bytes) => parse_int(bytes).map_or_else(|| plain(bytes), Payload::Int),
            Self::Owned(bytes) => parse_int(bytes).map_or_else(|| plain(bytes), Payload::Int),
            Self::Shared(bytes) if bytes.len() > INLINE_MAX => Payload::Large(Arc::clone(bytes)),
            Self::Shared(bytes) => plain(bytes),
            Self::Object(object) => Payload::Object(Arc::clone(object)),
        }
    }

    /// Moves a long owned string behind an `Arc`, so that [`payload`](Self::payload) need not copy it.
    pub(crate) fn settle(self) -> Self {
        match self {
            Self::Owned(bytes) if bytes.len() > INLINE_MAX => Self::Shared(Arc::new(bytes)),
            other => other,
        }
    }
}

fn plain(bytes: &[u8]) -> Payload<'_> {
    if bytes.len() <= INLINE_MAX { Payload::Inline(bytes) } else { Payload::Large(Arc::new(bytes.to_vec())) }
}

/// Parses a canonical decimal i64: exactly the texts that formatting an i64 can give.
///
/// So `007`, `+1`, `-0`, ` 1` and anything out of range are not integers.
pub fn parse_int(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (&first, rest) = digits.split_first()?;
    if digits.len() > 19 || !first.is_ascii_digit() {
        return None;
    }
    if first == b'0' {
        return (!negative && rest.is_empty()).then_some(0);
    }
    // 19 digits always fit into a u64.
    let mut magnitude = u64::from(first - b'0');
    for &digit in rest {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative {
        (magnitude <= i64::MIN.unsigned_abs()).then(|| (magnitude as i64).wrapping_neg())
    } else {
        i64::try_from(magnitude).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_canonical_integers_are_integers() {
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-0",
            "-01",
            " 1",
            "1 ",
            "1.0",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999",
            "abc",
            "1a",
        ] {
            assert_eq!(parse_int(text.as_bytes()), None, "{text}");
        }
        for value in [0, 1, -1, 10, i64::MAX, i64::MIN] {
            assert_eq!(parse_int(value.to_string().as_bytes()), Some(value));
        }
    }

    proptest! {
        #[test]
        fn parse_is_the_inverse_of_format(value: i64) {
            prop_assert_eq!(parse_int(value.to_string().as_bytes()), Some(value));
            prop_assert_eq!(StringRef::Int(value).len(), value.to_string().len());
        }

        #[test]
        fn what_parses_formats_back(text in "[-+ 0-9]{0,21}") {
            if let Some(value) = parse_int(text.as_bytes()) {
                prop_assert_eq!(value.to_string(), text);
            }
        }
    }
}
