//! The sizes at which values change their encoding.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// A size that decides on an encoding; each but the last is a configuration parameter of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Limit {
    /// `hash-max-listpack-entries`: fields.
    HashMaxListpackEntries,
    /// `hash-max-listpack-value`: bytes of a field or value.
    HashMaxListpackValue,
    /// `list-max-listpack-size`: elements of a node, or a class of sizes in bytes if negative.
    ListMaxListpackSize,
    /// `list-compress-depth`: nodes at each end that are not compressed; 0: none is.
    ListCompressDepth,
    /// `set-max-intset-entries`: members.
    SetMaxIntsetEntries,
    /// `set-max-listpack-entries`: members.
    SetMaxListpackEntries,
    /// `set-max-listpack-value`: bytes of a member.
    SetMaxListpackValue,
    /// `zset-max-listpack-entries`: members.
    ZsetMaxListpackEntries,
    /// `zset-max-listpack-value`: bytes of a member.
    ZsetMaxListpackValue,
    /// `stream-node-max-bytes`: bytes of a node; 0: no limit.
    StreamNodeMaxBytes,
    /// `stream-node-max-entries`: entries of a node; 0: no limit.
    StreamNodeMaxEntries,
    /// `DEBUG QUICKLIST-PACKED-THRESHOLD`: bytes from which an element of a list has a node of its own; 0: those that
    /// [`ListMaxListpackSize`](Self::ListMaxListpackSize) allows for a node.
    ListPackedThreshold,
}

/// The default of each [`Limit`], in order.
const DEFAULTS: [i64; 12] = [512, 64, -2, 0, 512, 128, 64, 128, 64, 4096, 100, 0];

/// The values of all limits; any thread may read and set them at any time.
pub struct Limits([AtomicI64; DEFAULTS.len()]);

impl Default for Limits {
    fn default() -> Self {
        Self(DEFAULTS.map(AtomicI64::new))
    }
}

impl Limits {
    /// The value of a limit.
    #[inline]
    pub fn get(&self, limit: Limit) -> i64 {
        self.0[limit as usize].load(Relaxed)
    }

    /// The value of a limit that is a number of things; a negative one counts as 0.
    #[inline]
    pub fn size(&self, limit: Limit) -> usize {
        usize::try_from(self.get(limit)).unwrap_or(0)
    }

    /// Sets a limit. Values that exist are converted when they are changed next.
    pub fn set(&self, limit: Limit, value: i64) {
        self.0[limit as usize].store(value, Relaxed);
    }
}
