//! A set.

use super::{Aggregate, variant};
use crate::value::Encoding;

/// A set.
#[derive(Clone, Debug, Default)]
pub struct Set {}

impl Aggregate for Set {
    variant!(Set);

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
