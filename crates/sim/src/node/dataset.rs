//! What a node holds: all writes since the beginning, so that two datasets can be compared as histories.

/// A dataset. Every value is written once in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dataset {
    writes: Vec<u64>,
    /// For each write, a digest of everything up to it.
    digests: Vec<u64>,
}

impl Dataset {
    pub(crate) fn add(&mut self, value: u64) {
        let digest = (self.digest(self.len()).rotate_left(7) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.writes.push(value);
        self.digests.push(digest);
    }

    pub(crate) fn len(&self) -> usize {
        self.writes.len()
    }

    /// A digest of the first `len` writes.
    pub(crate) fn digest(&self, len: usize) -> u64 {
        if len == 0 { 1 } else { self.digests[len - 1] }
    }

    pub(crate) fn writes(&self) -> &[u64] {
        &self.writes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_depends_on_values_and_order() {
        let of = |values: &[u64]| {
            let mut data = Dataset::default();
            values.iter().for_each(|value| data.add(*value));
            data.digest(data.len())
        };
        assert_eq!(of(&[1, 2, 3]), of(&[1, 2, 3]));
        assert_ne!(of(&[1, 2, 3]), of(&[1, 3, 2]));
        assert_ne!(of(&[1, 2]), of(&[1, 2, 3]));
    }
}
