//! A read-only look at one key.

use std::sync::Arc;

use crate::clock::AccessClock;
use crate::entry::Entry;
use crate::object::{Aggregate, Object};
use crate::value::{Encoding, Kind, StringRef, ValueRef};

/// A borrowed key with its value, expiry and clock.
#[derive(Clone, Copy)]
pub struct EntryRef<'a> {
    entry: &'a Entry,
    clock: &'a AccessClock,
}

impl<'a> EntryRef<'a> {
    #[inline]
    pub(crate) fn new(entry: &'a Entry, clock: &'a AccessClock) -> Self {
        Self { entry, clock }
    }

    /// The key's bytes.
    #[inline]
    pub fn key(self) -> &'a [u8] {
        self.entry.key()
    }

    /// The value.
    #[inline]
    pub fn value(self) -> ValueRef<'a> {
        self.entry.value()
    }

    /// The string, if the value is one.
    #[inline]
    pub fn string(self) -> Option<StringRef<'a>> {
        self.entry.value().as_string()
    }

    /// The aggregate of type `T`, if the value is one.
    #[inline]
    pub fn aggregate<T: Aggregate>(self) -> Option<&'a T> {
        self.entry.value().aggregate()
    }

    /// A shared handle to an object, to be read after the locks are gone. As long as it lives, a change to the object
    /// copies it first, which for a big one costs its writer O(N).
    pub fn shared_object(self) -> Option<Arc<Object>> {
        self.entry.shared_object()
    }

    /// A shared handle to a long string (over [`INLINE_MAX`](crate::INLINE_MAX) bytes, or one that was grown), to be
    /// read after the locks are gone. As long as it lives, a change to the string copies it first.
    pub fn shared(self) -> Option<Arc<Vec<u8>>> {
        self.entry.shared()
    }

    /// The expiry in Unix milliseconds.
    #[inline]
    pub fn expire_at_ms(self) -> Option<i64> {
        self.entry.expire_at_ms()
    }

    /// The type.
    #[inline]
    pub fn kind(self) -> Kind {
        self.entry.kind()
    }

    /// The encoding.
    pub fn encoding(self) -> Encoding {
        self.entry.encoding()
    }

    /// Milliseconds since the last access, in steps of a second; meaningless while the policy is LFU.
    pub fn idle_ms(self, now_ms: i64) -> u64 {
        self.clock.idle_ms(self.entry.clock(), now_ms)
    }

    /// The logarithmic access counter; meaningless while the policy is LRU.
    pub fn lfu_freq(self, now_ms: i64) -> u8 {
        self.clock.frequency(self.entry.clock(), now_ms)
    }

    /// Bytes that this key takes: slot, its share of the index, heap block and large value. A shared value counts fully.
    /// Of an object `samples` elements are looked at and their mean is taken for all (0: all are looked at).
    pub fn memory_usage(self, samples: usize) -> usize {
        // 64 bytes per 15 places, of which 72 to 90 % are used.
        const INDEX_SHARE: usize = 5;
        size_of::<Entry>() + INDEX_SHARE + self.entry.heap_usage(samples)
    }
}
