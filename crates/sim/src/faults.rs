//! What breaks, and for how long.

use crate::env::{Env, Event, HostId, hosts, is_node};
use crate::net::{ConnId, End};

/// A bug put in on purpose, to see whether the invariants notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Replicas skip a write now and then.
    LosesWrites,
    /// Nodes answer OK when they are told to follow another one, and do not.
    FollowsNobodyElse,
    /// Sentinels give their vote to whoever asks.
    VotesForAll,
}

/// Something that breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A process is stopped, and goes on later.
    Pause(HostId, u64),
    /// A process is killed, and started again later; `keeps_data` tells whether a node's disk survives.
    Kill(HostId, u64, bool),
    /// Two hosts cannot talk to each other for a while.
    Part(HostId, HostId, u64),
    /// A host cannot talk to anybody for a while.
    Isolate(HostId, u64),
    /// A connection breaks.
    Cut(ConnId),
    /// Disks are slow for a while.
    SlowDisks(u64),
}

impl Fault {
    /// One of them. More than one host may be down at a time.
    pub(crate) fn draw(env: &mut Env) -> Fault {
        let all: Vec<HostId> = hosts().collect();
        let host = all[env.rng.usize(..all.len())];
        let other = all[env.rng.usize(..all.len())];
        let for_ms = if env.rng.bool() { env.rng.u64(100..1500) } else { env.rng.u64(1500..12_000) };
        match env.rng.u8(..12) {
            0..3 => Fault::Pause(host, for_ms),
            3..6 => Fault::Kill(host, for_ms, !is_node(host) || env.rng.u8(..3) > 0),
            6..8 if host != other => Fault::Part(host, other, for_ms),
            6..9 => Fault::Isolate(host, for_ms),
            9 => Fault::SlowDisks(for_ms),
            _ => {
                let conns: Vec<ConnId> = env.conns.keys().copied().collect();
                match conns.len() {
                    0 => Fault::SlowDisks(for_ms),
                    len => Fault::Cut(conns[env.rng.usize(..len)]),
                }
            }
        }
    }
}

impl Env {
    /// Two hosts cannot talk to each other for a while.
    pub(crate) fn part(&mut self, one: HostId, other: HostId, for_ms: u64) {
        let pair = (one.min(other), one.max(other));
        if one != other && self.apart.insert(pair) {
            self.at(self.now + for_ms, Event::Join(pair.0, pair.1));
        }
    }

    /// A connection breaks: both ends are told.
    pub(crate) fn cut(&mut self, conn: ConnId) {
        for end in [End::Client, End::Server] {
            self.push(conn, end, crate::net::Message::Gone);
        }
    }
}
