//! Keyspace notifications: which classes of events are published, and how.

use crate::Engine;
use redan_keyspace::DbIndex;

/// Bits of [`NotifyClasses`], one for each letter of `notify-keyspace-events`.
pub mod notify_class {
    /// `K`: publish on `__keyspace@<db>__:<key>`.
    pub const KEYSPACE: u32 = 1 << 0;
    /// `E`: publish on `__keyevent@<db>__:<event>`.
    pub const KEYEVENT: u32 = 1 << 1;
    /// `g`: generic commands.
    pub const GENERIC: u32 = 1 << 2;
    /// `$`: strings.
    pub const STRING: u32 = 1 << 3;
    /// `l`: lists.
    pub const LIST: u32 = 1 << 4;
    /// `s`: sets.
    pub const SET: u32 = 1 << 5;
    /// `h`: hashes.
    pub const HASH: u32 = 1 << 6;
    /// `z`: sorted sets.
    pub const ZSET: u32 = 1 << 7;
    /// `x`: expired.
    pub const EXPIRED: u32 = 1 << 8;
    /// `e`: evicted.
    pub const EVICTED: u32 = 1 << 9;
    /// `t`: streams.
    pub const STREAM: u32 = 1 << 10;
    /// `m`: a key that was asked for and is not there.
    pub const KEY_MISS: u32 = 1 << 11;
    /// `d`: module events.
    pub const MODULE: u32 = 1 << 12;
    /// `n`: a new key.
    pub const NEW: u32 = 1 << 13;
    /// `A`: all but `m` and `n`.
    pub const ALL: u32 = GENERIC | STRING | LIST | SET | HASH | ZSET | EXPIRED | EVICTED | STREAM | MODULE;
}

/// The value of `notify-keyspace-events`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NotifyClasses(pub u32);

const LETTERS: &[(u8, u32)] = &[
    (b'A', notify_class::ALL),
    (b'g', notify_class::GENERIC),
    (b'$', notify_class::STRING),
    (b'l', notify_class::LIST),
    (b's', notify_class::SET),
    (b'h', notify_class::HASH),
    (b'z', notify_class::ZSET),
    (b'x', notify_class::EXPIRED),
    (b'e', notify_class::EVICTED),
    (b't', notify_class::STREAM),
    (b'd', notify_class::MODULE),
    (b'n', notify_class::NEW),
    (b'K', notify_class::KEYSPACE),
    (b'E', notify_class::KEYEVENT),
    (b'm', notify_class::KEY_MISS),
];

impl NotifyClasses {
    /// Reads the letters; `None` when one of them means nothing.
    pub fn parse(letters: &[u8]) -> Option<Self> {
        letters
            .iter()
            .try_fold(0, |bits, letter| {
                LETTERS.iter().find(|(known, _)| known == letter).map(|(_, bit)| bits | bit)
            })
            .map(Self)
    }

    /// Whether events of `class` are published at all.
    #[inline]
    pub fn wants(self, class: u32) -> bool {
        self.0 & class != 0 && self.0 & (notify_class::KEYSPACE | notify_class::KEYEVENT) != 0
    }
}

impl Engine {
    /// Publishes a keyspace event if its class is wanted.
    pub fn publish_event(&self, class: u32, event: &str, db: DbIndex, key: &[u8]) {
        let classes = NotifyClasses(self.notify_bits());
        if !classes.wants(class) {
            return;
        }
        if classes.0 & notify_class::KEYSPACE != 0 {
            let mut channel = format!("__keyspace@{}__:", db.0).into_bytes();
            channel.extend_from_slice(key);
            self.publish(&channel, event.as_bytes());
        }
        if classes.0 & notify_class::KEYEVENT != 0 {
            let channel = format!("__keyevent@{}__:{event}", db.0);
            self.publish(channel.as_bytes(), key);
        }
    }
}
