//! Replication ids: which history a stream offset belongs to.

use std::fmt;

/// A replication id: 40 characters that name one history of the data set.
///
/// Two servers with the same id and the same offset hold the same data.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplId([u8; 40]);

impl ReplId {
    /// The id that no history has: forty zeros.
    pub const NONE: ReplId = ReplId([b'0'; 40]);

    /// An id from 20 random bytes, in lower-case hexadecimal.
    pub fn from_random(random: [u8; 20]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut id = [0; 40];
        for (i, byte) in random.into_iter().enumerate() {
            id[2 * i] = DIGITS[usize::from(byte >> 4)];
            id[2 * i + 1] = DIGITS[usize::from(byte & 15)];
        }
        ReplId(id)
    }

    /// An id as another server sent it: any 40 printable characters.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let id: [u8; 40] = text.try_into().ok()?;
        id.iter().all(u8::is_ascii_graphic).then_some(ReplId(id))
    }

    /// An id made of one character.
    #[cfg(test)]
    pub(crate) const fn repeat(character: u8) -> Self {
        ReplId([character; 40])
    }

    /// The characters of the id.
    pub fn as_bytes(&self) -> &[u8; 40] {
        &self.0
    }

    /// The characters of the id.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("ids are made of ASCII only")
    }

    /// True for [`ReplId::NONE`].
    pub fn is_none(&self) -> bool {
        *self == ReplId::NONE
    }

    /// Whether `text` from a request names this id; letters compare without regard to case, as in Redis.
    pub fn matches(&self, text: &[u8]) -> bool {
        self.0.eq_ignore_ascii_case(text)
    }
}

impl fmt::Display for ReplId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ReplId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The current history and, after a promotion, the one it grew out of (PSYNC2).
///
/// A promoted replica starts a history of its own, but everything up to the promotion is still that of its former
/// master. It keeps the old id for that part, so that the other replicas of the old master can go on with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicationIds {
    /// The history being written (`master_replid`).
    pub id: ReplId,
    /// The history before the last promotion (`master_replid2`); [`ReplId::NONE`] without one.
    pub id2: ReplId,
    /// First byte that `id2` is not valid for (`second_repl_offset`), counted from 1; -1 without an `id2`.
    pub second_offset: i64,
}

impl ReplicationIds {
    /// A history without a past.
    pub fn new(id: ReplId) -> Self {
        ReplicationIds { id, id2: ReplId::NONE, second_offset: -1 }
    }

    /// Begins the history `new_id` at stream offset `offset`; what lies before stays known under the present id.
    pub fn shift(&mut self, new_id: ReplId, offset: u64) {
        self.id2 = self.id;
        // A replica that has `offset` bytes asks for byte `offset + 1`, which is still fine: it was the next in both.
        self.second_offset = i64::try_from(offset).unwrap_or(i64::MAX).saturating_add(1);
        self.id = new_id;
    }

    /// Forgets the history before the last promotion.
    pub fn clear_second(&mut self) {
        self.id2 = ReplId::NONE;
        self.second_offset = -1;
    }

    /// Whether byte number `psync_offset` (from 1) of the history `id` is the same byte in ours.
    pub fn is_same_history(&self, id: &[u8], psync_offset: i64) -> bool {
        self.id.matches(id) || (self.id2.matches(id) && psync_offset <= self.second_offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> ReplId {
        ReplId::from_random([byte; 20])
    }

    #[test]
    fn ids_are_forty_printable_characters() {
        assert_eq!(id(0xa7).as_str(), "a7".repeat(20));
        assert_eq!(ReplId::parse(id(7).as_bytes()), Some(id(7)));
        assert_eq!(ReplId::parse(b"?"), None);
        assert_eq!(ReplId::parse(&[b'a'; 41]), None);
        assert_eq!(ReplId::parse(&[b' '; 40]), None);
        assert!(id(0xab).matches(id(0xab).as_str().to_uppercase().as_bytes()));
    }

    #[test]
    fn the_former_history_is_valid_up_to_the_promotion() {
        let mut ids = ReplicationIds::new(id(1));
        assert!(ids.is_same_history(id(1).as_bytes(), 500));
        ids.shift(id(2), 100);
        assert_eq!((ids.id, ids.id2, ids.second_offset), (id(2), id(1), 101));
        assert!(ids.is_same_history(id(2).as_bytes(), 500));
        assert!(ids.is_same_history(id(1).as_bytes(), 101));
        assert!(!ids.is_same_history(id(1).as_bytes(), 102));
        ids.clear_second();
        assert!(!ids.is_same_history(id(1).as_bytes(), 50));
        assert!(!ids.is_same_history(b"?", -1));
    }
}
