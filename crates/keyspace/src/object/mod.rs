//! Values that hold elements: lists, sets, hashes, sorted sets and streams.
//!
//! An [`Object`] lives behind an `Arc` that its entry owns. A snapshot takes a second handle and encodes it without any
//! lock; whoever changes the object meanwhile works on a copy.

mod hash;
mod list;
mod set;
mod sorted_set;
pub mod stream;

pub use hash::{FieldRef, Hash};
pub use list::{End, List, ListLimits, ListNode};
pub use set::{Set, SetIter};
pub use sorted_set::{LexBound, LexRange, ScoreRange, SortedSet, SortedSetBuilder, SortedSetIter};
pub use stream::Stream;

use crate::value::{Encoding, Kind};

/// A value of any type but a string.
#[derive(Clone, Debug)]
pub enum Object {
    /// A list.
    List(List),
    /// A set.
    Set(Set),
    /// A hash.
    Hash(Hash),
    /// A sorted set.
    SortedSet(SortedSet),
    /// A stream.
    Stream(Stream),
}

/// What all types of aggregates have in common.
pub trait Aggregate: Clone + Sized {
    /// The type.
    const KIND: Kind;

    /// The aggregate in `object`, if it is of this type.
    fn of(object: &Object) -> Option<&Self>;

    /// The same, to be changed.
    fn of_mut(object: &mut Object) -> Option<&mut Self>;

    /// As an object.
    fn into_object(self) -> Object;

    /// Number of elements (fields of a hash, entries of a stream).
    fn len(&self) -> usize;

    /// Whether the key is to be removed: nothing is left. (A stream stays without entries.)
    fn is_empty(&self) -> bool;

    /// The encoding that `OBJECT ENCODING` names.
    fn encoding(&self) -> Encoding;

    /// Bytes allocated beside the value itself. `samples` elements are looked at and their mean is taken for all; 0:
    /// all are looked at.
    fn memory_usage(&self, samples: usize) -> usize;

    /// About how many allocations freeing it has to give back.
    fn free_effort(&self) -> usize;
}

macro_rules! each {
    ($object:expr, $aggregate:ident => $do:expr) => {
        match $object {
            Object::List($aggregate) => $do,
            Object::Set($aggregate) => $do,
            Object::Hash($aggregate) => $do,
            Object::SortedSet($aggregate) => $do,
            Object::Stream($aggregate) => $do,
        }
    };
}

impl Object {
    /// The type.
    pub fn kind(&self) -> Kind {
        fn kind_of<T: Aggregate>(_: &T) -> Kind {
            T::KIND
        }
        each!(self, aggregate => kind_of(aggregate))
    }

    /// The encoding that `OBJECT ENCODING` names.
    pub fn encoding(&self) -> Encoding {
        each!(self, aggregate => aggregate.encoding())
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        each!(self, aggregate => Aggregate::len(aggregate))
    }

    /// Whether the key is to be removed: nothing is left. (A stream stays without entries.)
    pub fn is_empty(&self) -> bool {
        each!(self, aggregate => Aggregate::is_empty(aggregate))
    }

    /// Bytes allocated beside the object itself; see [`Aggregate::memory_usage`].
    pub fn memory_usage(&self, samples: usize) -> usize {
        each!(self, aggregate => aggregate.memory_usage(samples))
    }

    /// About how many allocations freeing it has to give back.
    pub fn free_effort(&self) -> usize {
        each!(self, aggregate => aggregate.free_effort())
    }
}

/// The three conversions of an [`Aggregate`] that is the variant of its own name.
macro_rules! variant {
    ($name:ident) => {
        const KIND: $crate::value::Kind = $crate::value::Kind::$name;

        #[inline]
        fn of(object: &$crate::object::Object) -> Option<&Self> {
            match object {
                $crate::object::Object::$name(this) => Some(this),
                _ => None,
            }
        }

        #[inline]
        fn of_mut(object: &mut $crate::object::Object) -> Option<&mut Self> {
            match object {
                $crate::object::Object::$name(this) => Some(this),
                _ => None,
            }
        }

        fn into_object(self) -> $crate::object::Object {
            $crate::object::Object::$name(self)
        }
    };
}
use variant;
