//! Servers and the network between them, in memory.

pub(crate) mod server;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use redan_replication::primary::io::{PrimaryConfig, ReplicaId};
use redan_replication::replica::io::{Input, LinkConfig, LinkId, LinkState};
use server::{Server, Wish};

/// A connection: its two ends, and the bytes that are on their way.
struct Connection {
    /// Port of the replica, and how it calls the connection.
    replica: u16,
    link: LinkId,
    /// Port of the master; the connection's number is the replica's id there.
    master: u16,
    is_accepted: bool,
    to_master: VecDeque<u8>,
    to_replica: VecDeque<u8>,
}

/// Servers by port, connections by number.
pub(crate) struct Rig {
    pub(crate) servers: BTreeMap<u16, Server>,
    connections: BTreeMap<u64, Connection>,
    next_connection: u64,
    pub(crate) now: u64,
}

impl Rig {
    pub(crate) fn new(count: u16, primary: &PrimaryConfig, link: &LinkConfig, backlog_size: u64) -> Self {
        let server = |port| (port, Server::new(port, primary.clone(), link.clone()));
        let servers: BTreeMap<u16, Server> = (1..=count).map(server).collect();
        servers.values().for_each(|server| server.log.set_backlog_size(backlog_size));
        Rig { servers, connections: BTreeMap::new(), next_connection: 1, now: 0 }
    }

    pub(crate) fn server(&mut self, port: u16) -> &mut Server {
        self.servers.get_mut(&port).expect("it is one of the servers")
    }

    /// Does something with a server, then what that leads to on the network.
    pub(crate) fn with(&mut self, port: u16, act: impl FnOnce(&mut Server)) {
        act(self.server(port));
        self.grant();
    }

    /// Numbers of the open connections.
    pub(crate) fn connections(&self) -> Vec<u64> {
        self.connections.keys().copied().collect()
    }

    /// Fulfils what the servers wish.
    fn grant(&mut self) {
        loop {
            let port_of = |server: &Server| (!server.wishes.is_empty()).then_some(server.port);
            let Some(port) = self.servers.values().find_map(port_of) else { return };
            for wish in std::mem::take(&mut self.server(port).wishes) {
                match wish {
                    Wish::Connect { link, port: master } => {
                        let (to_master, to_replica) = (VecDeque::new(), VecDeque::new());
                        let connection = Connection {
                            replica: port,
                            link,
                            master,
                            is_accepted: false,
                            to_master,
                            to_replica,
                        };
                        self.connections.insert(self.next_connection, connection);
                        self.next_connection += 1;
                    }
                    Wish::SendToMaster { link, bytes } => {
                        if let Some(connection) =
                            self.connections.values_mut().find(|c| c.replica == port && c.link == link)
                        {
                            connection.to_master.extend(bytes);
                        }
                    }
                    Wish::SendToReplica { replica, bytes } => {
                        if let Some(connection) = self.connections.get_mut(&replica.0) {
                            connection.to_replica.extend(bytes);
                        }
                    }
                    Wish::CloseLink(link) => {
                        let found =
                            self.connections.iter().find(|(_, c)| c.replica == port && c.link == link);
                        if let Some(id) = found.map(|(id, _)| *id) {
                            self.cut(id);
                        }
                    }
                    Wish::CloseReplica(ReplicaId(id)) => self.cut(id),
                }
            }
        }
    }

    /// Breaks a connection. Both ends notice; what was on its way is lost.
    pub(crate) fn cut(&mut self, id: u64) {
        let Some(connection) = self.connections.remove(&id) else { return };
        self.server(connection.master).replica_closed(ReplicaId(id));
        self.server(connection.replica).link_input(Input::Closed { link: connection.link, error: None });
        self.grant();
    }

    /// Moves at most `max` bytes each way, and as many from the master's log into the connection. Returns whether
    /// anything moved.
    pub(crate) fn carry(&mut self, id: u64, max: usize) -> bool {
        let Some(connection) = self.connections.get_mut(&id) else { return false };
        let (master, replica, link) = (connection.master, connection.replica, connection.link);
        if !connection.is_accepted {
            connection.is_accepted = true;
            self.with(replica, |server| server.link_input(Input::Connected(link)));
            return true;
        }
        let mut take = |queue: fn(&mut Connection) -> &mut VecDeque<u8>| -> Vec<u8> {
            let queue = queue(connection);
            queue.drain(..queue.len().min(max)).collect()
        };
        let up = take(|connection| &mut connection.to_master);
        let down = take(|connection| &mut connection.to_replica);
        let mut has_moved = !up.is_empty() || !down.is_empty();
        if !up.is_empty() {
            self.with(master, |server| server.receive(ReplicaId(id), &up));
        }
        if !down.is_empty() {
            self.with(replica, |server| {
                server.link_input(Input::Received { link, bytes: Bytes::from(down) })
            });
        }
        self.with(master, |server| has_moved |= server.pump(ReplicaId(id), max));
        has_moved
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        self.now += ms;
        let (now, ports) = (self.now, self.servers.keys().copied().collect::<Vec<_>>());
        ports.into_iter().for_each(|port| self.with(port, |server| server.tick(now)));
    }

    /// Servers with the same id have the same history, as far as they have it; offsets count all of it.
    pub(crate) fn check(&self) {
        for server in self.servers.values() {
            assert_eq!(server.log.end_offset(), server.history.len() as u64, "offset of {}", server.port);
        }
        for a in self.servers.values() {
            for b in self.servers.values().filter(|b| b.log.ids().id == a.log.ids().id) {
                let shared = a.history.len().min(b.history.len());
                assert!(a.history[..shared] == b.history[..shared], "{} and {} diverged", a.port, b.port);
            }
        }
    }

    /// Lets everything come to rest below `master`, which all others follow, directly or not.
    pub(crate) fn settle(&mut self, master: u16) {
        for _ in 0..200 {
            let mut has_moved = true;
            while has_moved {
                has_moved =
                    self.connections().into_iter().fold(false, |moved, id| self.carry(id, 4096) | moved);
            }
            let ports: Vec<u16> = self.servers.keys().copied().collect();
            ports.into_iter().for_each(|port| self.with(port, Server::advance_snapshot));
            self.check();
            if self.is_settled(master) {
                return;
            }
            self.pass(500);
        }
        let states: Vec<_> =
            self.servers.values().map(|s| (s.port, s.link.status(self.now), s.history.len())).collect();
        panic!("does not settle: {states:#?}");
    }

    fn is_settled(&self, master: u16) -> bool {
        let history = &self.servers[&master].history;
        self.servers.values().all(|server| {
            let is_up = server.port == master || server.link.status(self.now).state == LinkState::Connected;
            is_up && server.history == *history
        })
    }
}
