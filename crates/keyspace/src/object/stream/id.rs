//! The ids of stream entries.

use std::fmt;

/// The id of an entry: Unix milliseconds and a sequence number within them. Ids of a stream only ever grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Unix milliseconds, or whatever the client said.
    pub ms: u64,
    /// Which entry of that millisecond.
    pub seq: u64,
}

impl StreamId {
    /// The lowest id. No entry has it.
    pub const MIN: Self = Self::new(0, 0);
    /// The highest id.
    pub const MAX: Self = Self::new(u64::MAX, u64::MAX);

    /// An id of its two parts.
    pub const fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    /// The next higher id; `None` behind the highest.
    pub const fn next(self) -> Option<Self> {
        match (self.seq.checked_add(1), self.ms.checked_add(1)) {
            (Some(seq), _) => Some(Self::new(self.ms, seq)),
            (None, Some(ms)) => Some(Self::new(ms, 0)),
            (None, None) => None,
        }
    }

    /// The next lower id; `None` below the lowest.
    pub const fn previous(self) -> Option<Self> {
        match (self.seq.checked_sub(1), self.ms.checked_sub(1)) {
            (Some(seq), _) => Some(Self::new(self.ms, seq)),
            (None, Some(ms)) => Some(Self::new(ms, u64::MAX)),
            (None, None) => None,
        }
    }

    /// The id that an entry gets that is added at `now_ms` behind this one. The clock may have gone backwards; ids do not.
    /// `None` when there are no more ids.
    pub const fn following(self, now_ms: u64) -> Option<Self> {
        if now_ms > self.ms { Some(Self::new(now_ms, 0)) } else { self.next() }
    }

    /// Sixteen bytes whose order is that of the ids.
    pub fn to_be_bytes(self) -> [u8; 16] {
        (u128::from(self.ms) << 64 | u128::from(self.seq)).to_be_bytes()
    }

    /// The inverse of [`to_be_bytes`](Self::to_be_bytes).
    pub fn from_be_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_be_bytes(bytes);
        Self::new((both >> 64) as u64, both as u64)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// Scratch space in which an id is written as text.
pub struct IdText([u8; 41]);

impl Default for IdText {
    fn default() -> Self {
        Self([0; 41])
    }
}

impl IdText {
    /// An empty scratch space on the stack.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `id` as clients see it: two decimal numbers with a dash between them.
    pub fn format(&mut self, id: StreamId) -> &[u8] {
        let mut digits = itoa::Buffer::new();
        let mut len = 0;
        let mut put = |text: &[u8]| {
            self.0[len..len + text.len()].copy_from_slice(text);
            len += text.len();
        };
        put(digits.format(id.ms).as_bytes());
        put(b"-");
        put(digits.format(id.seq).as_bytes());
        &self.0[..len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_have_no_neighbours_beyond() {
        assert_eq!(StreamId::MIN.previous(), None);
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(StreamId::new(1, u64::MAX).next(), Some(StreamId::new(2, 0)));
        assert_eq!(StreamId::new(2, 0).previous(), Some(StreamId::new(1, u64::MAX)));
        assert_eq!(StreamId::MAX.following(5), None);
    }

    #[test]
    fn a_clock_that_goes_backwards_does_not_matter() {
        assert_eq!(StreamId::new(5, 7).following(6), Some(StreamId::new(6, 0)));
        assert_eq!(StreamId::new(5, 7).following(5), Some(StreamId::new(5, 8)));
        assert_eq!(StreamId::new(5, 7).following(1), Some(StreamId::new(5, 8)));
    }

    proptest! {
        #[test]
        fn bytes_and_text_say_what_the_id_says(ms: u64, seq: u64, other_ms: u64, other_seq: u64) {
            let (id, other) = (StreamId::new(ms, seq), StreamId::new(other_ms, other_seq));
            prop_assert_eq!(StreamId::from_be_bytes(id.to_be_bytes()), id);
            prop_assert_eq!(id.to_be_bytes().cmp(&other.to_be_bytes()), id.cmp(&other));
            prop_assert_eq!(IdText::new().format(id).to_vec(), id.to_string().into_bytes());
            if let Some(next) = id.next() {
                prop_assert!(next > id);
                prop_assert_eq!(next.previous(), Some(id));
            }
        }
    }
}
