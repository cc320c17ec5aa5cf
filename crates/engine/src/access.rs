//! Who may connect: users and their passwords. The rules of what a user may do come with ACL; until then the default
//! user may do everything once it has given its password.

use crate::SessionState;
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The user of a connection that has not said who it is.
pub const DEFAULT_USER: &str = "default";

/// The passwords of a user, as SHA-256 digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passwords(Vec<[u8; 32]>);

impl Passwords {
    /// One password; an empty one means none is needed.
    pub fn single(password: &[u8]) -> Self {
        if password.is_empty() { Self::default() } else { Self(vec![Sha256::digest(password).into()]) }
    }

    /// Whether no password is needed.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `password` is one of them. Takes the same time for any wrong one.
    pub fn accept(&self, password: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(password).into();
        self.0.iter().fold(false, |found, known| {
            let difference = known.iter().zip(&given).fold(0, |sum, (a, b)| sum | (a ^ b));
            found | (difference == 0)
        })
    }
}

/// The users of this server.
pub struct Users {
    default: RwLock<Passwords>,
    default_name: Arc<str>,
}

impl Default for Users {
    fn default() -> Self {
        Self { default: RwLock::default(), default_name: Arc::from(DEFAULT_USER) }
    }
}

impl Users {
    /// Sets the default user's password (`requirepass`); connections already in stay in.
    pub fn set_default_password(&self, password: &[u8]) {
        *self.default.write() = Passwords::single(password);
    }

    /// Whether the default user needs no password.
    pub fn default_is_open(&self) -> bool {
        self.default.read().is_open()
    }

    /// Whether there is a user of this name.
    pub fn exists(&self, name: &[u8]) -> bool {
        name == DEFAULT_USER.as_bytes()
    }

    /// The user these credentials belong to.
    pub fn authenticate(&self, name: &[u8], password: &[u8]) -> Option<Arc<str>> {
        let passwords = self.default.read();
        let known = name == DEFAULT_USER.as_bytes();
        // The comparison runs for unknown names too, so that timing tells nobody which names exist.
        let fits = passwords.accept(password);
        (known && (passwords.is_open() || fits)).then(|| Arc::clone(&self.default_name))
    }

    /// What a new connection (or one after RESET) is: the default user if that needs no password, else nobody.
    pub fn greet(&self, session: &mut SessionState) {
        if self.default_is_open() {
            session.authenticate(Arc::clone(&self.default_name));
        } else {
            session.require_auth();
        }
    }
}
