//! A sorted set.

use super::{Aggregate, variant};
use crate::value::Encoding;

/// A sorted set.
#[derive(Clone, Debug, Default)]
pub struct SortedSet {}

impl Aggregate for SortedSet {
    variant!(SortedSet);

    fn len(&self) -> usize {
        0
    }

    fn is_empty(&self) -> bool {
        true
    }

    fn encoding(&self) -> Encoding {
        Encoding::Skiplist
    }

    fn memory_usage(&self, _samples: usize) -> usize {
        0
    }

    fn free_effort(&self) -> usize {
        0
    }
}
