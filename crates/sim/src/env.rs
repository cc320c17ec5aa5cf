//! What hosts can do: look at the clock, roll dice, send, wait, and leave a line in the trace.

use crate::net::{Conn, ConnId, End, Message};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// How long the network takes, in milliseconds.
const DELAY_MS: std::ops::Range<u64> = 1..6;
/// How often what cannot be delivered now is tried again.
const RETRY_MS: u64 = 20;

/// Names a host: first the nodes, then the Sentinels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostId(pub(crate) usize);

/// Something a host waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// A node's snapshot is taken.
    Cut { snapshot: u64, diskless: bool },
    /// A node's snapshot is complete.
    Ready { snapshot: u64, bytes: u64 },
    /// A node has loaded what its master has sent.
    Loaded { link: u64 },
    /// A Sentinel's state is on disk.
    Saved { save: u64 },
}

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Event {
    /// The first message of a lane arrives.
    Deliver(ConnId, End),
    /// A host's wait is over. `life` counts the host's starts: alarms of a former life are void.
    Alarm { host: HostId, life: u32, alarm: Alarm },
    /// A client writes.
    Write,
    /// Something breaks.
    Fault,
    /// A host comes back or goes on.
    Return(HostId),
    /// Hosts can talk to each other again.
    Join(HostId, HostId),
    /// Disks are as fast as ever.
    FastDisks,
}

/// See the module's text.
pub(crate) struct Env {
    /// Virtual time, milliseconds.
    pub(crate) now: u64,
    pub(crate) rng: fastrand::Rng,
    /// The host that acts, and how often it was started.
    pub(crate) actor: (HostId, u32),
    pub(crate) events: BTreeMap<(u64, u64), Event>,
    pub(crate) conns: BTreeMap<ConnId, Conn>,
    /// Pairs of hosts between which nothing gets through.
    pub(crate) apart: BTreeSet<(HostId, HostId)>,
    /// How long a save takes at most, milliseconds.
    pub(crate) disk_ms: u64,
    pub(crate) trace: Vec<String>,
    last_event: u64,
    last_conn: u64,
}

impl Env {
    pub(crate) fn new(seed: u64) -> Env {
        Env {
            now: 1_000_000,
            rng: fastrand::Rng::with_seed(seed),
            actor: (HostId(0), 0),
            events: BTreeMap::new(),
            conns: BTreeMap::new(),
            apart: BTreeSet::new(),
            disk_ms: 20,
            trace: Vec::new(),
            last_event: 0,
            last_conn: 0,
        }
    }

    /// Leaves a line in the trace.
    pub(crate) fn note(&mut self, text: &str) {
        let (host, now) = (crate::env::name(self.actor.0), self.now);
        self.trace.push(format!("{:>9}.{:03} {host} {text}", now / 1000, now % 1000));
    }

    /// Lets something happen at a time.
    pub(crate) fn at(&mut self, at: u64, event: Event) {
        self.last_event += 1;
        self.events.insert((at.max(self.now), self.last_event), event);
    }

    /// Wakes the acting host.
    pub(crate) fn alarm(&mut self, delay_ms: u64, alarm: Alarm) {
        let (host, life) = self.actor;
        self.at(self.now + delay_ms, Event::Alarm { host, life, alarm });
    }

    /// Knocks at a host.
    pub(crate) fn connect(&mut self, to: HostId) -> ConnId {
        self.last_conn += 1;
        let id = ConnId(self.last_conn);
        self.conns.insert(id, Conn::new(self.actor.0, to));
        self.push(id, End::Server, Message::Open);
        id
    }

    /// Sends to the other end of one of the acting host's connections.
    pub(crate) fn send(&mut self, conn: ConnId, bytes: impl Into<Bytes>) {
        let Some(end) = self.conns.get(&conn).map(|conn| conn.end_of(self.actor.0)) else { return };
        self.push(conn, end.other(), Message::Data(bytes.into()));
    }

    /// Closes one of the acting host's connections.
    pub(crate) fn close(&mut self, conn: ConnId) {
        let Some(end) = self.conns.get(&conn).map(|conn| conn.end_of(self.actor.0)) else { return };
        self.leave(conn, end);
    }

    /// An end of a connection goes away.
    pub(crate) fn leave(&mut self, id: ConnId, end: End) {
        if let Some(conn) = self.conns.get_mut(&id) {
            let lane = conn.lane(end);
            lane.deaf = true;
            lane.queue.clear();
            if conn.is_over() {
                self.conns.remove(&id);
            } else {
                self.push(id, end.other(), Message::Gone);
            }
        }
    }

    pub(crate) fn push(&mut self, id: ConnId, to: End, message: Message) {
        let delay = if self.rng.u8(..) == 0 { self.rng.u64(20..200) } else { self.rng.u64(DELAY_MS) };
        let mut at = self.now + delay;
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let lane = conn.lane(to);
        if lane.deaf {
            return;
        }
        if let Some((last, _)) = lane.queue.back() {
            at = at.max(*last);
        }
        lane.queue.push_back((at, message));
        self.schedule(id, to);
    }

    /// Sees to it that the first message of a lane arrives.
    pub(crate) fn schedule(&mut self, id: ConnId, to: End) {
        let Some(lane) = self.conns.get_mut(&id).map(|conn| conn.lane(to)) else { return };
        if lane.scheduled {
            return;
        }
        if let Some((at, _)) = lane.queue.front() {
            lane.scheduled = true;
            let at = *at;
            self.at(at, Event::Deliver(id, to));
        }
    }

    /// Tries again later.
    pub(crate) fn retry(&mut self, event: Event) {
        self.at(self.now + RETRY_MS, event);
    }

    /// Whether nothing gets through between two hosts.
    pub(crate) fn are_apart(&self, one: HostId, other: HostId) -> bool {
        self.apart.contains(&(one.min(other), one.max(other)))
    }
}

/// Nodes, and as many Sentinels.
pub(crate) const NODES: usize = 3;
/// Port of all nodes.
const NODE_PORT: u16 = 6379;
/// Port of all Sentinels.
pub(crate) const SENTINEL_PORT: u16 = 26379;

/// All hosts.
pub(crate) fn hosts() -> impl Iterator<Item = HostId> {
    (0..2 * NODES).map(HostId)
}

/// All nodes.
pub(crate) fn nodes() -> impl Iterator<Item = HostId> {
    (0..NODES).map(HostId)
}

/// Whether it is a node.
pub(crate) fn is_node(host: HostId) -> bool {
    host.0 < NODES
}

/// The name in traces.
pub(crate) fn name(host: HostId) -> String {
    if is_node(host) { format!("node{}", host.0 + 1) } else { format!("sentinel{}", host.0 - NODES + 1) }
}

/// Its address.
pub(crate) fn address(host: HostId) -> (String, u16) {
    if is_node(host) {
        (format!("10.0.0.{}", host.0 + 1), NODE_PORT)
    } else {
        (format!("10.0.1.{}", host.0 - NODES + 1), SENTINEL_PORT)
    }
}

/// The host of that address.
pub(crate) fn host_at(ip: &str, port: u16) -> Option<HostId> {
    hosts().find(|host| address(*host) == (ip.to_owned(), port))
}
