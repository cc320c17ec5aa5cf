//! A node of a quicklist: a run of elements.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::End;
use super::limits::{ELEMENT_OVERHEAD, ListLimits};
use super::packed;
use crate::listpack::{Listpack, Needle};
use crate::lzf::{self, Compressor};
use crate::value::StringRef;

/// Nodes smaller than this are not compressed, in bytes.
const MIN_COMPRESSED: usize = 48;
/// What compression has to save, in bytes.
const MIN_SAVED: usize = 8;

thread_local! {
    /// The compressor's table is too big to be made anew for each node.
    static COMPRESSOR: RefCell<Compressor> = RefCell::default();
}

/// A run of elements. What it holds is shared by the copies of a list until one of them changes it.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Elements in a listpack.
    Packed { count: u32, listpack: Arc<Listpack> },
    /// The same, compressed.
    Compressed { count: u32, lzf: Arc<Lzf> },
    /// A single large element.
    Plain(Arc<Vec<u8>>),
}

/// A compressed listpack.
#[derive(Debug)]
pub(super) struct Lzf {
    bytes: Box<[u8]>,
    plain_len: usize,
}

/// What a node holds, readable.
#[derive(Debug)]
pub enum ListNode<'a> {
    /// Elements in a listpack; owned if it had to be expanded.
    Packed(Cow<'a, Listpack>),
    /// A single large element.
    Plain(&'a [u8]),
}

impl ListNode<'_> {
    /// Hands out up to `n` elements, beginning `skip` elements from `end` and going away from it.
    pub(super) fn visit(
        &self,
        end: End,
        skip: usize,
        n: usize,
        mut f: impl FnMut(StringRef<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self {
            Self::Packed(listpack) => packed::visit(listpack, end, skip, n, f),
            Self::Plain(bytes) if skip == 0 && n > 0 => f(StringRef::Bytes(bytes)),
            Self::Plain(_) => ControlFlow::Continue(()),
        }
    }
}

impl Node {
    /// A node with these elements, of which there is at least one.
    pub(super) fn packed(listpack: Listpack) -> Self {
        let count = u32::try_from(listpack.len()).expect("a listpack has fewer elements than bytes");
        Self::Packed { count, listpack: Arc::new(listpack) }
    }

    /// A node with a single element.
    pub(super) fn of_one(value: StringRef<'_>, limits: &ListLimits) -> Self {
        if limits.is_large(value.len()) {
            Self::Plain(Arc::new(value.to_vec()))
        } else {
            Self::packed(std::iter::once(value).collect())
        }
    }

    /// Number of elements.
    #[inline]
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Packed { count, .. } | Self::Compressed { count, .. } => *count as usize,
            Self::Plain(_) => 1,
        }
    }

    /// Bytes of the elements, before any compression.
    #[inline]
    pub(super) fn byte_len(&self) -> usize {
        match self {
            Self::Packed { listpack, .. } => listpack.byte_len(),
            Self::Compressed { lzf, .. } => lzf.plain_len,
            Self::Plain(bytes) => bytes.len(),
        }
    }

    /// Bytes allocated.
    pub(super) fn allocated(&self) -> usize {
        /// The two counts of an `Arc`.
        const COUNTS: usize = 2 * size_of::<usize>();
        match self {
            Self::Packed { listpack, .. } => COUNTS + size_of::<Listpack>() + listpack.allocated(),
            Self::Compressed { lzf, .. } => COUNTS + size_of::<Lzf>() + lzf.bytes.len(),
            Self::Plain(bytes) => COUNTS + size_of::<Vec<u8>>() + bytes.capacity(),
        }
    }

    /// Whether it holds a single large element.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Whether it is compressed.
    #[cfg(test)]
    pub(super) fn is_compressed(&self) -> bool {
        matches!(self, Self::Compressed { .. })
    }

    /// Whether an element may be added.
    #[inline]
    pub(super) fn has_room_for(&self, value: StringRef<'_>, limits: &ListLimits) -> bool {
        let len = value.len();
        !self.is_plain()
            && !limits.is_large(len)
            && !limits.exceeded(self.byte_len() + len + ELEMENT_OVERHEAD, self.count() + 1)
    }

    /// What it holds.
    pub(super) fn open(&self) -> ListNode<'_> {
        match self {
            Self::Packed { listpack, .. } => ListNode::Packed(Cow::Borrowed(listpack)),
            Self::Compressed { lzf, .. } => ListNode::Packed(Cow::Owned(lzf.expand())),
            Self::Plain(bytes) => ListNode::Plain(bytes),
        }
    }

    /// The element at an end. The nodes at the ends of a list are not compressed.
    #[inline]
    pub(super) fn peek(&self, end: End) -> StringRef<'_> {
        match self {
            Self::Packed { listpack, .. } => packed::peek(listpack, end).expect("no node is empty"),
            Self::Plain(bytes) => StringRef::Bytes(bytes),
            Self::Compressed { .. } => unreachable!("the ends of a list are kept open"),
        }
    }

    /// Compresses it, if it can be and that saves anything.
    pub(super) fn compress(&mut self) {
        let Self::Packed { count, listpack } = self else { return };
        let (count, plain) = (*count, listpack.as_bytes());
        if plain.len() < MIN_COMPRESSED {
            return;
        }
        let mut bytes = Vec::new();
        let done = COMPRESSOR
            .with_borrow_mut(|compressor| compressor.compress(plain, plain.len() - MIN_SAVED, &mut bytes));
        if done {
            let lzf = Lzf { bytes: bytes.into_boxed_slice(), plain_len: plain.len() };
            *self = Self::Compressed { count, lzf: Arc::new(lzf) };
        }
    }

    /// Expands it, if it is compressed.
    #[inline]
    pub(super) fn expand(&mut self) {
        if let Self::Compressed { count, lzf } = self {
            *self = Self::Packed { count: *count, listpack: Arc::new(lzf.expand()) };
        }
    }

    /// The listpack to be changed with the count that follows it; `None` for a single large element.
    #[inline]
    fn packed_mut(&mut self) -> Option<(&mut Listpack, &mut u32)> {
        self.expand();
        match self {
            Self::Packed { count, listpack } => Some((Arc::make_mut(listpack), count)),
            _ => None,
        }
    }

    /// Adds an element at an end; there is [room](Self::has_room_for).
    #[inline]
    pub(super) fn push(&mut self, end: End, value: StringRef<'_>) {
        let (listpack, count) = self.packed_mut().expect("a plain node has no room");
        packed::push(listpack, end, value);
        *count += 1;
    }

    /// Puts an element in front of the one at `index`, or at the end; there is [room](Self::has_room_for).
    pub(super) fn insert(&mut self, index: usize, value: StringRef<'_>) {
        let (listpack, count) = self.packed_mut().expect("a plain node has no room");
        packed::insert(listpack, index, value);
        *count += 1;
    }

    /// Gives an element another value, if a node like this can hold it.
    pub(super) fn try_replace(&mut self, index: usize, value: StringRef<'_>, limits: &ListLimits) -> bool {
        if limits.is_large(value.len()) != self.is_plain() {
            return false;
        }
        match self.packed_mut() {
            Some((listpack, _)) => packed::replace(listpack, index, value),
            None => *self = Self::Plain(Arc::new(value.to_vec())),
        }
        true
    }

    /// Removes `n` elements from `index` on, but not all.
    pub(super) fn remove(&mut self, index: usize, n: usize) {
        let (listpack, count) = self.packed_mut().expect("some elements stay");
        *count -= listpack.remove_range(index, n) as u32;
    }

    /// Removes up to `max` elements that have this value, beginning at `end`, and says how many that were.
    pub(super) fn remove_value(&mut self, needle: &Needle<'_>, end: End, max: usize) -> usize {
        // Most nodes hold none: they stay shared and compressed.
        let miss = |value: StringRef<'_>| match needle.matches(value) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        if max == 0 || self.open().visit(end, 0, usize::MAX, miss).is_continue() {
            return 0;
        }
        match self.packed_mut() {
            Some((listpack, count)) => {
                let removed = packed::remove_value(listpack, needle, end, max);
                *count -= removed as u32;
                removed
            }
            None => 1,
        }
    }

    /// Cuts off the elements from `index` on; some elements stay, some go.
    pub(super) fn split_off(&mut self, index: usize) -> Self {
        let (listpack, count) = self.packed_mut().expect("a plain node has a single element");
        let pos = listpack.seek(index).expect("the index is within the node");
        let tail = listpack.split_off(pos);
        *count = index as u32;
        Self::packed(tail)
    }

    /// Takes over the elements of the node behind it, if both together are not too much.
    pub(super) fn try_merge(&mut self, next: &Self, limits: &ListLimits) -> bool {
        let bytes = self.byte_len() + next.byte_len();
        let elements = self.count() + next.count();
        if self.is_plain() || next.is_plain() || limits.exceeded(bytes, elements) {
            return false;
        }
        let ListNode::Packed(tail) = next.open() else { return false };
        let Some((listpack, count)) = self.packed_mut() else { return false };
        listpack.append(&tail);
        *count = elements as u32;
        true
    }

    /// The listpack, unless it holds a single large element.
    pub(super) fn into_listpack(mut self) -> Option<Listpack> {
        self.expand();
        match self {
            Self::Packed { listpack, .. } => Some(Arc::unwrap_or_clone(listpack)),
            _ => None,
        }
    }
}

impl Lzf {
    fn expand(&self) -> Listpack {
        let bytes = lzf::decompress(&self.bytes, self.plain_len).expect("it was compressed here");
        Listpack::from_trusted(bytes)
    }
}
