//! What lists do to a listpack, be it a whole list or one of many nodes.

use std::ops::ControlFlow;

use super::End;
use crate::listpack::{Listpack, Needle};
use crate::value::StringRef;

/// The element at an end.
#[inline]
pub(super) fn peek(listpack: &Listpack, end: End) -> Option<StringRef<'_>> {
    let pos = match end {
        End::Head => listpack.first(),
        End::Tail => listpack.last(),
    };
    pos.map(|pos| listpack.get(pos))
}

/// Adds an element at an end.
#[inline]
pub(super) fn push(listpack: &mut Listpack, end: End, value: StringRef<'_>) {
    match end {
        End::Head => listpack.push_front(value),
        End::Tail => listpack.push_back(value),
    }
}

/// Puts an element in front of the one at `index`, or at the end if there is none.
pub(super) fn insert(listpack: &mut Listpack, index: usize, value: StringRef<'_>) {
    match listpack.seek(index) {
        Some(pos) => listpack.insert_before(pos, value),
        None => listpack.push_back(value),
    }
}

/// Gives an element that is there another value.
pub(super) fn replace(listpack: &mut Listpack, index: usize, value: StringRef<'_>) {
    let pos = listpack.seek(index).expect("the index is within the listpack");
    listpack.replace(pos, value);
}

/// Hands out up to `n` elements, beginning `skip` elements from `end` and going away from it.
pub(super) fn visit(
    listpack: &Listpack,
    end: End,
    skip: usize,
    n: usize,
    f: impl FnMut(StringRef<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let len = listpack.len();
    if skip >= len {
        return ControlFlow::Continue(());
    }
    match end {
        End::Head => {
            let Some(from) = listpack.seek(skip) else { return ControlFlow::Continue(()) };
            listpack.iter_from(from).take(n).try_for_each(f)
        }
        End::Tail => {
            let Some(from) = listpack.seek(len - 1 - skip) else { return ControlFlow::Continue(()) };
            listpack.iter_to(from).rev().take(n).try_for_each(f)
        }
    }
}

/// Removes up to `max` elements that have this value, beginning at `end`, and says how many that were.
pub(super) fn remove_value(listpack: &mut Listpack, needle: &Needle<'_>, end: End, max: usize) -> usize {
    let mut removed = 0;
    let mut place = match end {
        End::Head => listpack.first(),
        End::Tail => listpack.last(),
    };
    while removed < max
        && let Some(pos) = place
    {
        let hit = needle.matches(listpack.get(pos));
        place = match end {
            End::Tail => listpack.prev(pos),
            End::Head if !hit => listpack.next(pos),
            End::Head => listpack.remove(pos),
        };
        if hit {
            if end == End::Tail {
                listpack.remove(pos);
            }
            removed += 1;
        }
    }
    removed
}
