//! The key hash: keyed, fast, computed once per key and command.
//!
//! One 64-bit hash serves three purposes: its high 10 bits name the shard ([`shard_of`]), its low 32 bits are stored
//! in the slot and address the index of a [`Dense`](crate::Dense) table. The two ranges do not overlap, so that the
//! keys of one shard still spread over its whole index.

use std::sync::OnceLock;

use ahash::RandomState;

/// Number of shards of one database.
pub const SHARDS: usize = 1024;

/// How many high bits of a hash name the shard.
const SHARD_BITS: u32 = SHARDS.trailing_zeros();

static HASHER: OnceLock<RandomState> = OnceLock::new();

fn hasher() -> &'static RandomState {
    HASHER.get_or_init(RandomState::new)
}

/// Fixes the process-wide hash seed, for tests that need a repeatable order.
///
/// Returns false if a hash was already computed or a seed set: a seed can not change any more then.
/// Without this call the seed is random, so that clients can not build colliding keys.
pub fn set_hash_seed(seed: u64) -> bool {
    HASHER.set(RandomState::with_seeds(seed, !seed, seed.rotate_left(23), seed.rotate_left(47))).is_ok()
}

/// The keyed 64-bit hash of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub u64);

impl KeyHash {
    /// Hashes `bytes` with the seed of this process.
    #[inline]
    pub fn of(bytes: &[u8]) -> Self {
        Self(hasher().hash_one(bytes))
    }

    /// The part that a table stores beside each slot.
    #[inline]
    pub fn low(self) -> u32 {
        self.0 as u32
    }
}

/// The shard of a key. This is the one function to replace when a shard has to be a cluster slot.
#[inline]
pub fn shard_of(hash: KeyHash) -> usize {
    (hash.0 >> (u64::BITS - SHARD_BITS)) as usize
}

/// A key as a command carries it: its bytes and their hash.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// The bytes the client sent.
    pub bytes: &'a [u8],
    /// Their hash.
    pub hash: KeyHash,
}

impl<'a> Key<'a> {
    /// Hashes `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, hash: KeyHash::of(bytes) }
    }
}

impl<'a> From<&'a [u8]> for Key<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::new(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_hash_the_same() {
        assert_eq!(KeyHash::of(b"key:1"), Key::new(b"key:1").hash);
        assert_ne!(KeyHash::of(b"key:1"), KeyHash::of(b"key:2"));
    }

    #[test]
    fn shards_are_used_evenly() {
        let mut counts = vec![0_u32; SHARDS];
        for n in 0..100 * SHARDS {
            counts[shard_of(KeyHash::of(format!("key:{n}").as_bytes()))] += 1;
        }
        // 100 expected per shard, standard deviation 10: seven of them never happen with a sound hash.
        assert!(counts.iter().all(|&n| (30..=170).contains(&n)), "{counts:?}");
    }
}
