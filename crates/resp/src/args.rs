//! The arguments of a command, borrowed from a buffer or owned.

use std::fmt;
use std::ops::Index;

use crate::command;

/// Where one argument lies in a buffer, in bytes.
///
/// 32 bits are enough: the decoder refuses requests that do not fit ([`crate::ProtocolError::BufferLimit`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Number of bytes.
    pub len: u32,
}

impl Span {
    /// The bytes this span means in `buf`.
    ///
    /// # Panics
    /// When the span does not lie inside `buf`: spans come from the decoder that read this very buffer.
    #[inline]
    pub fn of<'a>(&self, buf: &'a [u8]) -> &'a [u8] {
        let start = self.start as usize;
        &buf[start..start + self.len as usize]
    }
}

/// The arguments of one command: slices of one buffer. Argument 0 is the command's name.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    buf: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// Arguments that lie at `spans` in `buf`.
    #[inline]
    pub fn new(buf: &'a [u8], spans: &'a [Span]) -> Self {
        Args { buf, spans }
    }

    /// How many arguments, the command's name included.
    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// True without any argument, not even a name.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Argument `i`.
    #[inline]
    pub fn get(&self, i: usize) -> Option<&'a [u8]> {
        self.spans.get(i).map(|span| span.of(self.buf))
    }

    /// All arguments in order, the command's name first.
    #[inline]
    pub fn iter(&self) -> ArgsIter<'a> {
        ArgsIter { buf: self.buf, spans: self.spans.iter() }
    }

    /// The arguments without the first `n`; none when there are fewer.
    #[inline]
    pub fn skip(&self, n: usize) -> Args<'a> {
        Args { buf: self.buf, spans: &self.spans[n.min(self.spans.len())..] }
    }

    /// The first `n` arguments; all when there are fewer.
    #[inline]
    pub fn take(&self, n: usize) -> Args<'a> {
        Args { buf: self.buf, spans: &self.spans[..n.min(self.spans.len())] }
    }

    /// Bytes of all arguments together, without any framing.
    pub fn payload_len(&self) -> usize {
        self.spans.iter().map(|span| span.len as usize).sum()
    }

    /// Bytes that [`crate::encode_command`] writes for these arguments.
    pub fn wire_len(&self) -> usize {
        command::command_wire_len(self.spans.iter().map(|span| span.len as usize))
    }

    /// A copy that does not borrow the buffer: two allocations.
    pub fn to_owned_args(&self) -> OwnedArgs {
        let mut owned = OwnedArgs::with_capacity(self.len(), self.payload_len());
        self.iter().for_each(|arg| owned.push(arg));
        owned
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    #[inline]
    fn index(&self, i: usize) -> &[u8] {
        self.spans[i].of(self.buf)
    }
}

impl<'a> IntoIterator for Args<'a> {
    type Item = &'a [u8];
    type IntoIter = ArgsIter<'a>;

    fn into_iter(self) -> ArgsIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Args<'a> {
    type Item = &'a [u8];
    type IntoIter = ArgsIter<'a>;

    fn into_iter(self) -> ArgsIter<'a> {
        self.iter()
    }
}

impl PartialEq for Args<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Args<'_> {}

impl fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|arg| arg.escape_ascii().to_string())).finish()
    }
}

/// Iterator over [`Args`].
#[derive(Clone)]
pub struct ArgsIter<'a> {
    buf: &'a [u8],
    spans: std::slice::Iter<'a, Span>,
}

impl<'a> Iterator for ArgsIter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.spans.next().map(|span| span.of(self.buf))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<&'a [u8]> {
        self.spans.nth(n).map(|span| span.of(self.buf))
    }
}

impl DoubleEndedIterator for ArgsIter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.spans.next_back().map(|span| span.of(self.buf))
    }
}

impl ExactSizeIterator for ArgsIter<'_> {}

impl std::iter::FusedIterator for ArgsIter<'_> {}

/// The arguments would together exceed 4 GiB, which [`Span`] cannot address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("command arguments exceed 4 GiB")]
pub struct TooLong;

/// Owned arguments (queued in MULTI, decoded from a replication stream, built by scripts): one buffer and its spans.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct OwnedArgs {
    // Arguments are only ever appended back to back, so equal arguments mean equal fields.
    buf: Vec<u8>,
    spans: Vec<Span>,
}

impl OwnedArgs {
    /// No arguments yet.
    pub fn new() -> Self {
        OwnedArgs::default()
    }

    /// No arguments yet, with room for `args` of them with `bytes` bytes in total.
    pub fn with_capacity(args: usize, bytes: usize) -> Self {
        OwnedArgs { buf: Vec::with_capacity(bytes), spans: Vec::with_capacity(args) }
    }

    /// Appends one argument.
    ///
    /// # Panics
    /// When the arguments would exceed 4 GiB; use [`OwnedArgs::try_push`] where no earlier limit rules that out.
    #[inline]
    pub fn push(&mut self, arg: &[u8]) {
        self.try_push(arg).expect("arguments come from sources limited to 4 GiB");
    }

    /// Appends one argument, or leaves everything as it was when they would exceed 4 GiB.
    #[inline]
    pub fn try_push(&mut self, arg: &[u8]) -> Result<(), TooLong> {
        if u32::try_from(self.buf.len() + arg.len()).is_err() {
            return Err(TooLong);
        }
        self.spans.push(Span { start: self.buf.len() as u32, len: arg.len() as u32 });
        self.buf.extend_from_slice(arg);
        Ok(())
    }

    /// Appends the decimal digits of `value` as one argument.
    pub fn push_int(&mut self, value: i64) {
        self.push(itoa::Buffer::new().format(value).as_bytes());
    }

    /// The arguments, borrowed.
    #[inline]
    pub fn as_args(&self) -> Args<'_> {
        Args { buf: &self.buf, spans: &self.spans }
    }

    /// How many arguments.
    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// True without any argument.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Argument `i`.
    #[inline]
    pub fn get(&self, i: usize) -> Option<&[u8]> {
        self.as_args().get(i)
    }

    /// All arguments in order.
    #[inline]
    pub fn iter(&self) -> ArgsIter<'_> {
        self.as_args().iter()
    }

    /// Forgets the arguments and keeps the memory.
    pub fn clear(&mut self) {
        self.buf.clear();
        self.spans.clear();
    }

    /// Heap bytes held.
    pub fn heap_size(&self) -> usize {
        self.buf.capacity() + self.spans.capacity() * size_of::<Span>()
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for OwnedArgs {
    fn from_iter<I: IntoIterator<Item = T>>(iter: I) -> Self {
        let mut owned = OwnedArgs::new();
        owned.extend(iter);
        owned
    }
}

impl<T: AsRef<[u8]>> Extend<T> for OwnedArgs {
    fn extend<I: IntoIterator<Item = T>>(&mut self, iter: I) {
        iter.into_iter().for_each(|arg| self.push(arg.as_ref()));
    }
}

impl<'a> IntoIterator for &'a OwnedArgs {
    type Item = &'a [u8];
    type IntoIter = ArgsIter<'a>;

    fn into_iter(self) -> ArgsIter<'a> {
        self.iter()
    }
}

impl From<Args<'_>> for OwnedArgs {
    fn from(args: Args<'_>) -> Self {
        args.to_owned_args()
    }
}

impl Index<usize> for OwnedArgs {
    type Output = [u8];

    #[inline]
    fn index(&self, i: usize) -> &[u8] {
        self.spans[i].of(&self.buf)
    }
}

impl fmt::Debug for OwnedArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_args().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borrowed_arguments_are_slices_of_the_buffer() {
        let buf = b"..SETxkey..";
        let spans = [Span { start: 2, len: 3 }, Span { start: 6, len: 3 }, Span { start: 11, len: 0 }];
        let args = Args::new(buf, &spans);
        assert_eq!((args.len(), args.is_empty()), (3, false));
        assert_eq!(
            (&args[0], args.get(1), args.get(2), args.get(3)),
            (&b"SET"[..], Some(&b"key"[..]), Some(&b""[..]), None)
        );
        assert_eq!(args.iter().rev().map(<[u8]>::len).collect::<Vec<_>>(), [0, 3, 3]);
        assert_eq!(args.iter().len(), 3);
        assert_eq!(args.skip(1).iter().collect::<Vec<_>>(), [&b"key"[..], b""]);
        assert_eq!(args.take(1).skip(0).len(), 1);
        assert!(args.skip(9).is_empty());
        assert_eq!(args.payload_len(), 6);
        assert_eq!(format!("{args:?}"), r#"["SET", "key", ""]"#);
    }

    #[test]
    fn owned_arguments_equal_what_they_were_made_of() {
        let owned: OwnedArgs = ["RPUSH", "list", "", "x"].into_iter().collect();
        assert_eq!(owned.as_args().to_owned_args(), owned);
        assert_eq!(&owned[1], b"list");
        let tail = owned.as_args().skip(2).to_owned_args();
        assert_eq!(tail, ["", "x"].into_iter().collect());
        assert_ne!(tail, ["x", ""].into_iter().collect());

        let mut built = OwnedArgs::new();
        built.push(b"WAIT");
        built.push_int(-7);
        assert_eq!(built.iter().collect::<Vec<_>>(), [&b"WAIT"[..], b"-7"]);
        built.clear();
        assert!(built.is_empty());
    }
}
