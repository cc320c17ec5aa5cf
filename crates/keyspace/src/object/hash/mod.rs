//! A hash.

use super::{Aggregate, variant};
use crate::value::Encoding;

/// A hash.
#[derive(Clone, Debug, Default)]
pub struct Hash {}

impl Aggregate for Hash {
    variant!(Hash);

    fn len(&self) -> usize {
        0
    }

    fn is_empty(&self) -> bool {
        true
    }

    fn encoding(&self) -> Encoding {
        Encoding::Hashtable
    }

    fn memory_usage(&self, _samples: usize) -> usize {
        0
    }

    fn free_effort(&self) -> usize {
        0
    }
}
