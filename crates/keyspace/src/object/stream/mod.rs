//! A stream.

use super::{Aggregate, variant};
use crate::value::Encoding;

/// A stream.
#[derive(Clone, Debug, Default)]
pub struct Stream {}

impl Aggregate for Stream {
    variant!(Stream);

    fn len(&self) -> usize {
        0
    }

    fn is_empty(&self) -> bool {
        true
    }

    fn encoding(&self) -> Encoding {
        Encoding::Stream
    }

    fn memory_usage(&self, _samples: usize) -> usize {
        0
    }

    fn free_effort(&self) -> usize {
        0
    }
}
