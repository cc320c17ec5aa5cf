//! A user as connections hold it: a name whose permissions may change.

use super::permissions::Permissions;
use arc_swap::ArcSwap;
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// See the module's text. Two users of one name are the same only if they are the same `Arc`: a user that was removed and
/// made again is another one.
pub struct User {
    name: Bytes,
    permissions: ArcSwap<Permissions>,
    removed: AtomicBool,
}

impl User {
    pub(super) fn new(name: Bytes, permissions: Permissions) -> Self {
        Self { name, permissions: ArcSwap::from_pointee(permissions), removed: AtomicBool::new(false) }
    }

    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Its name, to show.
    pub fn name_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.name)
    }

    /// What it may do now.
    pub fn permissions(&self) -> arc_swap::Guard<Arc<Permissions>> {
        self.permissions.load()
    }

    /// Whether it no longer exists.
    pub fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Acquire)
    }

    /// Changes what it may do; returns what it could do before.
    pub(super) fn replace(&self, permissions: Permissions) -> Arc<Permissions> {
        self.permissions.swap(Arc::new(permissions))
    }

    pub(super) fn remove(&self) {
        self.removed.store(true, Ordering::Release);
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("User").field(&self.name).finish()
    }
}
