//! `DEBUG DIGEST` and `DEBUG DIGEST-VALUE`: a fingerprint of data that does not depend on how it is encoded.
//!
//! A digest is 20 bytes, all zero at first. Two operations build it: *xor* adds the SHA-1 of some bytes in a way
//! that does not depend on the order; *mix* does the same and then replaces the digest by its own SHA-1, so that the
//! order counts. A key's digest mixes the key, the number of the value's type, and the value in a way of its type, and
//! xors a mark if it expires. A dataset mixes each database's number and xors the digests of its keys.

use std::fmt;

use redan_keyspace::{StringRef, ValueRef};
use sha1::{Digest as _, Sha1};

/// Number of a value's type, as it goes into its digest.
const TYPE_STRING: u32 = 0;

/// What is xored in when a key has an expiry.
const EXPIRE_MARK: &[u8] = b"!!expire!!";

/// A fingerprint; [`fmt::Display`] gives the 40 hexadecimal digits that clients see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest([u8; 20]);

impl Digest {
    /// Adds `bytes`, in any order among other xors.
    pub fn xor(&mut self, bytes: &[u8]) {
        for (ours, theirs) in self.0.iter_mut().zip(Sha1::digest(bytes)) {
            *ours ^= theirs;
        }
    }

    /// Adds the digest of a part, in any order among other xors.
    pub fn xor_digest(&mut self, part: &Digest) {
        self.xor(&part.0);
    }

    /// Adds `bytes` so that the order counts.
    pub fn mix(&mut self, bytes: &[u8]) {
        self.xor(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    /// The digest of a value alone, as `DEBUG DIGEST-VALUE` reports it.
    pub fn of_value(value: ValueRef<'_>, expires: bool) -> Self {
        let mut digest = Digest::default();
        digest.add_value(value, expires);
        digest
    }

    /// The digest of a key with its value.
    pub fn of_entry(key: &[u8], value: ValueRef<'_>, expires: bool) -> Self {
        let mut digest = Digest::default();
        digest.mix(key);
        digest.add_value(value, expires);
        digest
    }

    fn add_value(&mut self, value: ValueRef<'_>, expires: bool) {
        match value {
            ValueRef::String(StringRef::Int(number)) => {
                self.mix_string(itoa::Buffer::new().format(number).as_bytes())
            }
            ValueRef::String(StringRef::Bytes(bytes)) => self.mix_string(bytes),
            ValueRef::Object(object) => crate::rdb::digest_object(self, object),
        }
        if expires {
            self.xor(EXPIRE_MARK);
        }
    }

    fn mix_string(&mut self, bytes: &[u8]) {
        self.mix(&TYPE_STRING.to_be_bytes());
        self.mix(bytes);
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The fingerprint of a dataset, fed database by database in ascending order.
#[derive(Debug, Default)]
pub struct DatasetDigest {
    digest: Digest,
    /// The database whose number is mixed in when its first key comes; empty ones do not count.
    announced: Option<u32>,
    current: u32,
}

impl DatasetDigest {
    /// The digest of nothing: zeroes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The following keys belong to this database, which is higher than those before.
    pub fn select(&mut self, db: u32) {
        self.current = db;
    }

    /// Adds a key; the order within a database does not matter.
    pub fn add(&mut self, key: &[u8], value: ValueRef<'_>, expires: bool) {
        if self.announced != Some(self.current) {
            self.digest.mix(&self.current.to_be_bytes());
            self.announced = Some(self.current);
        }
        // The digest of the entry is itself hashed once more.
        self.digest.xor(&Digest::of_entry(key, value, expires).0);
    }

    /// The digest of all keys added.
    pub fn finish(self) -> Digest {
        self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_zeroes() {
        assert_eq!(DatasetDigest::new().finish().to_string(), "0".repeat(40));
    }

    #[test]
    fn integers_count_as_their_text() {
        let digest = |value| Digest::of_entry(b"k", value, false);
        assert_eq!(
            digest(ValueRef::String(StringRef::Int(-12))),
            digest(ValueRef::String(StringRef::Bytes(b"-12")))
        );
        assert_ne!(
            digest(ValueRef::String(StringRef::Int(-12))),
            digest(ValueRef::String(StringRef::Int(12)))
        );
    }

    #[test]
    fn only_the_order_within_a_key_counts() {
        let digest = |pairs: &[(u32, &str, &str)]| {
            let mut digest = DatasetDigest::new();
            for (db, key, value) in pairs {
                digest.select(*db);
                digest.add(key.as_bytes(), ValueRef::String(StringRef::Bytes(value.as_bytes())), false);
            }
            digest.finish()
        };
        let all = digest(&[(0, "a", "1"), (0, "b", "2")]);
        assert_eq!(all, digest(&[(0, "b", "2"), (0, "a", "1")]));
        assert_ne!(all, digest(&[(0, "1", "a"), (0, "b", "2")]));
        assert_ne!(all, digest(&[(0, "a", "1"), (1, "b", "2")]));
        assert_ne!(all, digest(&[(1, "a", "1"), (1, "b", "2")]));
    }

    #[test]
    fn an_expiry_counts_but_not_its_time() {
        let value = ValueRef::String(StringRef::Bytes(b"v"));
        assert_ne!(Digest::of_value(value, true), Digest::of_value(value, false));
        let mut by_hand = Digest::of_value(value, false);
        by_hand.xor(b"!!expire!!");
        assert_eq!(by_hand, Digest::of_value(value, true));
    }
}
