//! Walking over a listpack.

use super::{Listpack, Pos, encoding};
use crate::value::StringRef;

/// The values of a listpack's elements, from both ends.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    listpack: &'a Listpack,
    front: usize,
    back: usize,
}

impl<'a> Iter<'a> {
    pub(super) fn new(listpack: &'a Listpack, front: usize, back: usize) -> Self {
        Self { listpack, front, back }
    }

    /// The places of the elements instead of their values.
    pub fn positions(self) -> impl DoubleEndedIterator<Item = Pos> + use<'a> {
        Positions(self)
    }

    /// The places of the elements and their values.
    pub fn entries(self) -> Entries<'a> {
        Entries(self)
    }

    /// Passes over the next element.
    pub fn skip_one(&mut self) {
        if self.front < self.back {
            self.front += encoding::skip(&self.listpack.bytes[self.front..]);
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = StringRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let (value, len) = encoding::decode(&self.listpack.bytes[self.front..]);
        self.front += len;
        Some(value)
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        for _ in 0..n {
            self.skip_one();
        }
        self.next()
    }

    fn count(mut self) -> usize {
        let mut count = 0;
        while self.front < self.back {
            self.skip_one();
            count += 1;
        }
        count
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        self.back -= self.listpack.len_of_last(self.back);
        Some(encoding::decode(&self.listpack.bytes[self.back..]).0)
    }
}

struct Positions<'a>(Iter<'a>);

impl Iterator for Positions<'_> {
    type Item = Pos;

    #[inline]
    fn next(&mut self) -> Option<Pos> {
        let at = self.0.front;
        (at < self.0.back).then(|| {
            self.0.skip_one();
            Pos::new(at)
        })
    }
}

impl DoubleEndedIterator for Positions<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Pos> {
        (self.0.front < self.0.back).then(|| {
            self.0.back -= self.0.listpack.len_of_last(self.0.back);
            Pos::new(self.0.back)
        })
    }
}

/// The elements of a listpack with their places, from both ends.
#[derive(Clone, Debug)]
pub struct Entries<'a>(Iter<'a>);

impl Entries<'_> {
    /// Passes over the next element.
    pub fn skip_one(&mut self) {
        self.0.skip_one();
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Pos, StringRef<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let at = self.0.front;
        self.0.next().map(|value| (Pos::new(at), value))
    }
}

impl DoubleEndedIterator for Entries<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|value| (Pos::new(self.0.back), value))
    }
}
