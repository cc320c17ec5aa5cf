//! Passwords, as what is left of them: SHA-256 digests.

use sha2::{Digest, Sha256};

/// A password's digest.
type PasswordHash = [u8; 32];

/// The passwords of a user, in the order they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passwords(Vec<PasswordHash>);

impl Passwords {
    /// Whether there are none. (Whether one is needed is another question.)
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a password; one that is there already stays where it is.
    pub fn add(&mut self, password: &[u8]) {
        self.insert(hash(password));
    }

    /// Adds a password given as the 64 lower-case hex digits of its digest. `false`: they are no such thing.
    pub fn add_hex(&mut self, hex: &[u8]) -> bool {
        parse_hex(hex).map(|hash| self.insert(hash)).is_some()
    }

    /// Removes a password. `false`: there was none.
    pub fn remove(&mut self, password: &[u8]) -> bool {
        self.take(hash(password))
    }

    /// Removes a password given by its digest. `None`: that is no digest.
    pub fn remove_hex(&mut self, hex: &[u8]) -> Option<bool> {
        parse_hex(hex).map(|hash| self.take(hash))
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether `password` is one of them. Takes the same time for any wrong one.
    pub fn accept(&self, password: &[u8]) -> bool {
        let given = hash(password);
        self.0.iter().fold(false, |found, known| {
            let difference = known.iter().zip(&given).fold(0, |sum, (a, b)| sum | (a ^ b));
            found | (difference == 0)
        })
    }

    /// The digests as hex digits.
    pub fn hex(&self) -> impl ExactSizeIterator<Item = String> {
        self.0.iter().map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn insert(&mut self, hash: PasswordHash) {
        if !self.0.contains(&hash) {
            self.0.push(hash);
        }
    }

    fn take(&mut self, hash: PasswordHash) -> bool {
        let place = self.0.iter().position(|known| *known == hash);
        place.map(|place| self.0.remove(place)).is_some()
    }
}

fn hash(password: &[u8]) -> PasswordHash {
    Sha256::digest(password).into()
}

fn parse_hex(hex: &[u8]) -> Option<PasswordHash> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut hash = PasswordHash::default();
    if hex.len() != hash.len() * 2 {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(hash)
}
