//! What reading as a group propagates as.
//!
//! Who repeats it must not read again, but is to have the same pending entries: each one that was delivered, claimed or
//! dropped goes out as an XCLAIM that says all about it, and how far the group has read as an XGROUP SETID.

use redan_engine::Cx;
use redan_keyspace::IntText;
use redan_keyspace::stream::{Group, IdText, Pending, StreamId};

/// Which group of which stream.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) key: &'a [u8],
    pub(super) group: &'a [u8],
}

/// A pending entry as it is to be with everybody.
pub(super) struct Claim {
    pub(super) entry: StreamId,
    pub(super) consumer: Box<[u8]>,
    pub(super) delivered_ms: i64,
    pub(super) deliveries: u64,
    /// How far the group has read.
    pub(super) last_id: StreamId,
}

impl Claim {
    /// What is to be said of an entry of a group.
    pub(super) fn new(group: &Group, entry: StreamId, pending: &Pending) -> Self {
        Self {
            entry,
            consumer: group.consumer(pending.consumer).name().into(),
            delivered_ms: pending.delivered_ms,
            deliveries: pending.deliveries,
            last_id: group.last_id,
        }
    }
}

/// Propagates claims.
pub(super) fn claims(cx: &mut Cx<'_, '_>, place: Place<'_>, claims: &[Claim]) {
    for claim in claims {
        cx.propagate(&[
            b"XCLAIM",
            place.key,
            place.group,
            &claim.consumer,
            b"0",
            IdText::new().format(claim.entry),
            b"TIME",
            IntText::new().format(claim.delivered_ms),
            b"RETRYCOUNT",
            IntText::new().format(claim.deliveries as i64),
            b"FORCE",
            b"JUSTID",
            b"LASTID",
            IdText::new().format(claim.last_id),
        ]);
    }
}

/// How far a group has read.
#[derive(Clone, Copy)]
pub(super) struct ReadUntil {
    last_id: StreamId,
    entries_read: Option<u64>,
}

impl ReadUntil {
    pub(super) fn of(group: &Group) -> Self {
        Self { last_id: group.last_id, entries_read: group.entries_read }
    }
}

/// Propagates how far a group has read.
pub(super) fn read_until(cx: &mut Cx<'_, '_>, place: Place<'_>, until: ReadUntil) {
    cx.propagate(&[
        b"XGROUP",
        b"SETID",
        place.key,
        place.group,
        IdText::new().format(until.last_id),
        b"ENTRIESREAD",
        IntText::new().format(until.entries_read.map_or(-1, |read| read as i64)),
    ]);
}

/// Propagates that a consumer was created.
pub(super) fn new_consumer(cx: &mut Cx<'_, '_>, place: Place<'_>, consumer: &[u8]) {
    cx.propagate(&[b"XGROUP", b"CREATECONSUMER", place.key, place.group, consumer]);
}
