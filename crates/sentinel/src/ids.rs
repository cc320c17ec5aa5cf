//! Identifiers and quantities: small newtypes, so that a link is never taken for a master.

use std::fmt;
use std::ops::Add;

/// A point in time or a span, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// Milliseconds since `earlier`; zero if `earlier` is in the future.
    pub fn since(self, earlier: Millis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for Millis {
    type Output = Millis;
    fn add(self, span_ms: u64) -> Millis {
        Millis(self.0.saturating_add(span_ms))
    }
}

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// What time it is, told by the caller: the machine reads no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// Monotonic time since any fixed point. Everything is measured with it.
    pub mono: Millis,
    /// Unix time. Only shown to people, never compared.
    pub wall: Millis,
}

/// One connection attempt and the connection it may become. Never reused, so that a late report about an
/// old connection cannot be taken for news of its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// A request to make the state durable. Requests are ordered: done with one means done with all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SaveId(pub u64);

/// One queued notification or reconfiguration script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScriptId(pub u64);

/// One monitored master with everything known around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MasterId(pub(crate) u32);

/// Which instance of a master's group is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Member {
    /// The master itself.
    Master,
    /// One of its replicas.
    Replica(u32),
    /// Another Sentinel that watches it.
    Sentinel(u32),
}

/// An instance: a member of a master's group. Numbers are not reused while the group lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct InstanceId {
    pub(crate) master: MasterId,
    pub(crate) member: Member,
}

impl InstanceId {
    pub(crate) fn master(master: MasterId) -> Self {
        InstanceId { master, member: Member::Master }
    }
    pub(crate) fn replica(master: MasterId, number: u32) -> Self {
        InstanceId { master, member: Member::Replica(number) }
    }
    pub(crate) fn sentinel(master: MasterId, number: u32) -> Self {
        InstanceId { master, member: Member::Sentinel(number) }
    }
}
