//! A list.

use super::{Aggregate, variant};
use crate::value::Encoding;

/// A list.
#[derive(Clone, Debug, Default)]
pub struct List {}

impl Aggregate for List {
    variant!(List);

    fn len(&self) -> usize {
        0
    }

    fn is_empty(&self) -> bool {
        true
    }

    fn encoding(&self) -> Encoding {
        Encoding::Quicklist
    }

    fn memory_usage(&self, _samples: usize) -> usize {
        0
    }

    fn free_effort(&self) -> usize {
        0
    }
}
