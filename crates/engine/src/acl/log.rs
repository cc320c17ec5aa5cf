//! ACL LOG: what was refused lately, and to whom.

use super::check::AclContext;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The same refusal within this time is counted with the former one, ms.
const MERGE_WITHIN_MS: i64 = 60_000;
/// How many of the newest entries are looked at for one to merge with.
const MERGE_SCAN: usize = 10;

/// A refusal, and how often it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclEntry {
    /// Tells it from all others since the start.
    pub id: u64,
    /// How often.
    pub count: u64,
    /// `command`, `key`, `channel` or `auth`.
    pub reason: &'static str,
    /// Where the command came from.
    pub context: AclContext,
    /// The command, key or channel.
    pub object: Vec<u8>,
    /// The user, or who claimed to be it.
    pub user: Vec<u8>,
    /// When it first happened, Unix ms.
    pub created_ms: i64,
    /// When it last happened, Unix ms.
    pub updated_ms: i64,
    /// The client it last happened to, as CLIENT LIST shows it.
    pub client: String,
}

impl AclEntry {
    fn is_like(&self, other: &Self) -> bool {
        self.reason == other.reason
            && self.context == other.context
            && (self.updated_ms - other.updated_ms).abs() <= MERGE_WITHIN_MS
            && self.object == other.object
            && self.user == other.user
    }
}

/// See the module's text.
pub struct AclLog {
    max_len: AtomicUsize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    /// Newest in front.
    queue: VecDeque<AclEntry>,
    next_id: u64,
}

impl Default for AclLog {
    fn default() -> Self {
        Self { max_len: AtomicUsize::new(128), entries: Mutex::default() }
    }
}

impl AclLog {
    /// Sets `acllog-max-len`. What is too much goes with the next entry.
    pub(crate) fn set_max_len(&self, max_len: usize) {
        self.max_len.store(max_len, Ordering::Relaxed);
    }

    /// Adds an entry that happened once, with an id of the log's own, or counts it with one that is like it.
    pub(super) fn add(&self, mut new: AclEntry) {
        let max_len = self.max_len.load(Ordering::Relaxed);
        let mut entries = self.entries.lock();
        if max_len > 0 {
            let place = entries.queue.iter().take(MERGE_SCAN).position(|entry| entry.is_like(&new));
            match place.and_then(|place| entries.queue.remove(place)) {
                Some(known) => {
                    new.id = known.id;
                    new.count = known.count + 1;
                    new.created_ms = known.created_ms;
                }
                None => {
                    new.id = entries.next_id;
                    entries.next_id += 1;
                }
            }
            entries.queue.push_front(new);
        }
        entries.queue.truncate(max_len);
    }

    /// The newest entries, newest first.
    pub fn newest(&self, count: usize) -> Vec<AclEntry> {
        self.entries.lock().queue.iter().take(count).cloned().collect()
    }

    /// Forgets all.
    pub fn reset(&self) {
        self.entries.lock().queue.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(object: &str, at_ms: i64) -> AclEntry {
        AclEntry {
            id: 0,
            count: 1,
            reason: "key",
            context: AclContext::TopLevel,
            object: object.into(),
            user: b"u".to_vec(),
            created_ms: at_ms,
            updated_ms: at_ms,
            client: String::new(),
        }
    }

    fn shown(log: &AclLog) -> Vec<(u64, u64, String, i64, i64)> {
        let text = |entry: &AclEntry| String::from_utf8_lossy(&entry.object).into_owned();
        let fields =
            |entry: &AclEntry| (entry.id, entry.count, text(entry), entry.created_ms, entry.updated_ms);
        log.newest(99).iter().map(fields).collect()
    }

    #[test]
    fn the_same_refusal_is_counted_and_comes_to_the_front() {
        let log = AclLog::default();
        for (object, at_ms) in [("a", 0), ("b", 10), ("a", 20), ("a", 60_020)] {
            log.add(entry(object, at_ms));
        }
        assert_eq!(shown(&log), [(0, 3, "a".to_owned(), 0, 60_020), (1, 1, "b".to_owned(), 10, 10)]);
        log.add(entry("a", 120_021));
        assert_eq!(shown(&log)[0], (2, 1, "a".to_owned(), 120_021, 120_021), "too late to be the same");
    }

    #[test]
    fn only_the_newest_are_looked_at_and_kept() {
        let log = AclLog::default();
        for number in 0..11 {
            log.add(entry(&number.to_string(), 0));
        }
        log.add(entry("0", 0));
        assert_eq!(shown(&log)[0].0, 11, "the former one is too far back");
        log.set_max_len(2);
        assert_eq!(log.newest(99).len(), 12, "nothing goes before the next entry");
        log.add(entry("new", 0));
        assert_eq!(log.newest(99).len(), 2);
        log.set_max_len(0);
        log.add(entry("none", 0));
        assert_eq!(log.newest(99).len(), 0);
    }
}
