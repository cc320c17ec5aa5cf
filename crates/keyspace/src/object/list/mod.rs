//! A list: one listpack while it is short, a quicklist of them from then on.

mod limits;
mod node;
mod packed;
mod quicklist;

use std::borrow::Cow;
use std::ops::ControlFlow;

pub use limits::ListLimits;
pub use node::ListNode;

use super::{Aggregate, variant};
use crate::listpack::{Listpack, Needle};
use crate::value::{Encoding, StringRef};
use quicklist::Quicklist;

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The left one, where index 0 is.
    Head,
    /// The right one.
    Tail,
}

/// A list.
///
/// What changes a list is told the limits, and converts it between its two encodings as they ask for.
#[derive(Clone, Debug, Default)]
pub struct List(Form);

#[derive(Clone, Debug)]
enum Form {
    Listpack(Listpack),
    // Boxed, because most lists are short and theirs are the bytes that count.
    Quicklist(Box<Quicklist>),
}

impl Default for Form {
    fn default() -> Self {
        Self::Listpack(Listpack::new())
    }
}

impl Aggregate for List {
    variant!(List);

    #[inline]
    fn len(&self) -> usize {
        match &self.0 {
            Form::Listpack(listpack) => listpack.len(),
            Form::Quicklist(quicklist) => quicklist.len(),
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn encoding(&self) -> Encoding {
        match &self.0 {
            Form::Listpack(_) => Encoding::Listpack,
            Form::Quicklist(_) => Encoding::Quicklist,
        }
    }

    fn memory_usage(&self, samples: usize) -> usize {
        match &self.0 {
            Form::Listpack(listpack) => listpack.allocated(),
            Form::Quicklist(quicklist) => quicklist.memory_usage(samples),
        }
    }

    fn free_effort(&self) -> usize {
        match &self.0 {
            Form::Listpack(_) => 1,
            Form::Quicklist(quicklist) => quicklist.node_count(),
        }
    }
}

impl List {
    /// The element at an end.
    #[inline]
    pub fn peek(&self, end: End) -> Option<StringRef<'_>> {
        match &self.0 {
            Form::Listpack(listpack) => packed::peek(listpack, end),
            Form::Quicklist(quicklist) => quicklist.peek(end),
        }
    }

    /// Hands out up to `n` elements, beginning `skip` elements from `end` and going away from it, until `f` breaks. To
    /// get there takes O(nodes), at most a node's elements, and nothing at the ends.
    ///
    /// An iterator could not lend the elements of a node that is expanded for the reader only.
    pub fn visit(
        &self,
        end: End,
        skip: usize,
        n: usize,
        f: impl FnMut(StringRef<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match &self.0 {
            Form::Listpack(listpack) => packed::visit(listpack, end, skip, n, f),
            Form::Quicklist(quicklist) => quicklist.visit(end, skip, n, f),
        }
    }

    /// Hands out all elements from the head to the tail.
    pub fn for_each(&self, mut f: impl FnMut(StringRef<'_>)) {
        let _ = self.visit(End::Head, 0, usize::MAX, |value| {
            f(value);
            ControlFlow::Continue(())
        });
    }

    /// What `f` makes of the element at `index`, if there is one.
    pub fn get<R>(&self, index: usize, f: impl FnOnce(StringRef<'_>) -> R) -> Option<R> {
        let (mut f, mut result) = (Some(f), None);
        let _ = self.visit(End::Head, index, 1, |value| {
            result = f.take().map(|f| f(value));
            ControlFlow::Break(())
        });
        result
    }

    /// The index of the first element that has this value. O(N).
    pub fn position<'a>(&self, value: impl Into<StringRef<'a>>) -> Option<usize> {
        let needle = Needle::new(value);
        let mut index = 0;
        let found = self.visit(End::Head, 0, usize::MAX, |element| {
            if needle.matches(element) {
                return ControlFlow::Break(());
            }
            index += 1;
            ControlFlow::Continue(())
        });
        found.is_break().then_some(index)
    }

    /// The nodes from head to tail; a short list counts as one node.
    pub fn nodes(&self) -> impl Iterator<Item = ListNode<'_>> {
        let (only, nodes) = match &self.0 {
            Form::Listpack(listpack) => (Some(ListNode::Packed(Cow::Borrowed(listpack))), None),
            Form::Quicklist(quicklist) => (None, Some(quicklist.nodes())),
        };
        only.into_iter().chain(nodes.into_iter().flatten())
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.free_effort()
    }

    /// Bytes of all nodes' contents, before any compression.
    pub fn byte_len(&self) -> usize {
        match &self.0 {
            Form::Listpack(listpack) => listpack.byte_len(),
            Form::Quicklist(quicklist) => quicklist.byte_len(),
        }
    }

    /// Adds elements one after the other at an end. Amortised O(1) for each.
    #[inline]
    pub fn push<'a, T: Into<StringRef<'a>>>(
        &mut self,
        end: End,
        values: impl IntoIterator<Item = T, IntoIter: Clone>,
        limits: &ListLimits,
    ) {
        let values = values.into_iter();
        self.make_room(values.clone().map(Into::into), limits);
        match &mut self.0 {
            Form::Listpack(listpack) => {
                values.for_each(|value| packed::push(listpack, end, value.into()));
            }
            Form::Quicklist(quicklist) => {
                values.for_each(|value| quicklist.push(end, value.into(), limits));
            }
        }
    }

    /// Puts an element in front of the one at `index`, or behind the last. O(nodes).
    pub fn insert<'a>(&mut self, index: usize, value: impl Into<StringRef<'a>>, limits: &ListLimits) {
        let value = value.into();
        self.make_room(std::iter::once(value), limits);
        match &mut self.0 {
            Form::Listpack(listpack) => packed::insert(listpack, index, value),
            Form::Quicklist(quicklist) => quicklist.insert(index, value, limits),
        }
    }

    /// Gives an element another value; false if there is none at this index. O(nodes).
    pub fn replace<'a>(
        &mut self,
        index: usize,
        value: impl Into<StringRef<'a>>,
        limits: &ListLimits,
    ) -> bool {
        if index >= self.len() {
            return false;
        }
        let value = value.into();
        self.make_room(std::iter::once(value), limits);
        match &mut self.0 {
            Form::Listpack(listpack) => packed::replace(listpack, index, value),
            Form::Quicklist(quicklist) => quicklist.replace(index, value, limits),
        }
        self.convert_back(limits, true);
        true
    }

    /// Removes up to `n` elements from `index` on, and says how many that were. O(nodes).
    pub fn remove(&mut self, index: usize, n: usize, limits: &ListLimits) -> usize {
        let n = n.min(self.len().saturating_sub(index));
        match &mut self.0 {
            Form::Listpack(listpack) => {
                listpack.remove_range(index, n);
            }
            Form::Quicklist(quicklist) => quicklist.remove(index, n, limits),
        }
        self.convert_back(limits, true);
        n
    }

    /// Removes up to `n` elements at an end, and says how many that were. Amortised O(1) for each.
    #[inline]
    pub fn pop(&mut self, end: End, n: usize, limits: &ListLimits) -> usize {
        let n = n.min(self.len());
        match end {
            End::Head => self.remove(0, n, limits),
            End::Tail => self.remove(self.len() - n, n, limits),
        }
    }

    /// Removes up to `max` elements that have this value, beginning at `end`, and says how many that were. O(N).
    pub fn remove_value<'a>(
        &mut self,
        value: impl Into<StringRef<'a>>,
        end: End,
        max: usize,
        limits: &ListLimits,
    ) -> usize {
        let needle = Needle::new(value);
        let removed = match &mut self.0 {
            Form::Listpack(listpack) => packed::remove_value(listpack, &needle, end, max),
            Form::Quicklist(quicklist) => quicklist.remove_value(&needle, end, max, limits),
        };
        self.convert_back(limits, true);
        removed
    }

    /// Adds the elements of a listpack behind the last, as a node of their own; for a decoder, which calls
    /// [`loaded`](Self::loaded) in the end.
    pub fn append_listpack(&mut self, listpack: Listpack) {
        if !listpack.is_empty() {
            self.as_quicklist().append_listpack(listpack);
        }
    }

    /// Adds an element with a node of its own behind the last; for a decoder, as
    /// [`append_listpack`](Self::append_listpack).
    pub fn append_plain(&mut self, value: Vec<u8>) {
        self.as_quicklist().append_plain(value);
    }

    /// Takes the encoding that the limits ask for, once a decoder has put in everything.
    pub fn loaded(&mut self, limits: &ListLimits) {
        self.make_room(std::iter::empty(), limits);
        self.convert_back(limits, false);
        if let Form::Quicklist(quicklist) = &mut self.0 {
            quicklist.settle_all(limits);
        }
    }

    fn as_quicklist(&mut self) -> &mut Quicklist {
        if let Form::Listpack(listpack) = &mut self.0 {
            let listpack = std::mem::take(listpack);
            let quicklist =
                if listpack.is_empty() { Quicklist::default() } else { Quicklist::from_listpack(listpack) };
            self.0 = Form::Quicklist(Box::new(quicklist));
        }
        match &mut self.0 {
            Form::Quicklist(quicklist) => quicklist,
            Form::Listpack(_) => unreachable!("it was just converted"),
        }
    }

    /// Turns a short list into a long one if these elements would make it too big.
    #[inline]
    fn make_room<'a>(&mut self, values: impl Iterator<Item = StringRef<'a>>, limits: &ListLimits) {
        if let Form::Listpack(listpack) = &self.0 {
            let (bytes, elements) =
                values.fold((0, 0), |(bytes, elements), value| (bytes + value.len(), elements + 1));
            if limits.exceeded(listpack.byte_len() + bytes, listpack.len() + elements) {
                self.as_quicklist();
            }
        }
    }

    /// Turns a long list that is short by now back into a short one.
    #[inline]
    fn convert_back(&mut self, limits: &ListLimits, shrinking: bool) {
        if let Form::Quicklist(quicklist) = &mut self.0
            && let Some(listpack) =
                quicklist.take_only_listpack(|bytes, elements| limits.fits_one(bytes, elements, shrinking))
        {
            self.0 = Form::Listpack(listpack);
        }
    }
}

#[cfg(test)]
mod tests;
