//! A node: a small dataset behind the replication machines, and the commands Sentinels send.

mod dataset;
mod replication;
mod serve;

use crate::decode::Requests;
use crate::env::{Alarm, Env, HostId};
use crate::faults::Break;
use crate::net::ConnId;
use bytes::Bytes;
pub(crate) use dataset::Dataset;
use redan_replication::primary::io::{Input as PrimaryInput, PrimaryConfig, Role, SnapshotId};
use redan_replication::replica::io::{Input, LinkConfig, LinkId, LinkState, MasterAddr, Position};
use redan_replication::{CursorId, Log, Primary, ReplId, ReplicaLink, ReplicationIds};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a node finds again when it starts.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeDisk {
    /// Whom it follows, by its configuration file.
    pub(crate) replicaof: Option<HostId>,
    /// Its dataset, and what that is in which history.
    pub(crate) saved: Option<(Dataset, Position)>,
}

/// A client's connection to a node.
#[derive(Default)]
struct Session {
    requests: Requests,
    /// Between MULTI and EXEC.
    queued: Option<Vec<Vec<Vec<u8>>>>,
    subscribed: bool,
}

/// A replica that is fed.
struct Feed {
    cursor: CursorId,
    streaming: bool,
}

/// A snapshot being made for replicas.
struct Snapshot {
    id: SnapshotId,
    payload: Option<Bytes>,
}

/// See the module's text.
pub(crate) struct Node {
    run_id: String,
    broken: Option<Break>,
    log: Arc<Log>,
    primary: Primary,
    link: ReplicaLink,
    data: Dataset,
    pub(crate) disk: NodeDisk,
    sessions: BTreeMap<ConnId, Session>,
    /// The connection to the master.
    upstream: Option<(LinkId, ConnId)>,
    feeds: BTreeMap<ConnId, Feed>,
    snapshot: Option<Snapshot>,
    /// A payload being received.
    payload: Vec<u8>,
    /// The link whose payload is complete and being loaded.
    loading: Option<LinkId>,
}

impl Node {
    /// A node that starts with what is on its disk.
    pub(crate) fn start(env: &mut Env, disk: NodeDisk, broken: Option<Break>) -> Node {
        let log = Arc::new(Log::new(random_id(env)));
        let saved = disk.saved.clone();
        if let Some((_, at)) = &saved {
            // As a master it continues under an id of its own, as a replica under the old one.
            match disk.replicaof {
                Some(_) => log.set_id(at.id),
                None => {
                    let second_offset = i64::try_from(at.offset).expect("runs are short") + 1;
                    log.set_ids(ReplicationIds { id: log.ids().id, id2: at.id, second_offset });
                }
            }
            log.set_offset(at.offset, disk.replicaof.map(|_| at.db));
        }
        log.create_backlog();
        let role = if disk.replicaof.is_some() { Role::Replica { link_up: false } } else { Role::Master };
        let config = PrimaryConfig {
            diskless_sync: env.rng.bool(),
            diskless_sync_delay_ms: 200,
            timeout_ms: 10_000,
            ping_period_ms: 2_000,
            ..PrimaryConfig::default()
        };
        let next_id = random_id(env);
        let primary = Primary::new(Arc::clone(&log), config, role, next_id);
        let link = ReplicaLink::new(LinkConfig { timeout_ms: 10_000, ..LinkConfig::default() });
        let mut node = Node {
            run_id: random_id(env).as_str().to_owned(),
            broken,
            log,
            primary,
            link,
            data: saved.as_ref().map(|(data, _)| data.clone()).unwrap_or_default(),
            disk,
            sessions: BTreeMap::new(),
            upstream: None,
            feeds: BTreeMap::new(),
            snapshot: None,
            payload: Vec::new(),
            loading: None,
        };
        if let Some(master) = node.disk.replicaof {
            let (host, port) = crate::env::address(master);
            let own = saved.map(|(_, at)| at);
            let master = MasterAddr { host, port };
            node.link.handle(env.now, Input::SetMaster { master, own, failover: false });
        }
        node.settle(env);
        node
    }

    /// When it wants to act by itself.
    pub(crate) fn due(&self) -> Option<u64> {
        [self.primary.poll_timeout(), self.link.poll_timeout()].into_iter().flatten().min()
    }

    pub(crate) fn on_time(&mut self, env: &mut Env) {
        self.primary.handle_timeout(env.now);
        self.link.handle_timeout(env.now);
        self.settle(env);
    }

    pub(crate) fn on_opened(&mut self, env: &mut Env, conn: ConnId, works: bool) {
        if let Some((link, _)) = self.upstream.filter(|(_, upstream)| *upstream == conn) {
            let input = if works {
                Input::Connected(link)
            } else {
                Input::ConnectFailed { link, error: "Connection refused".into() }
            };
            self.link.handle(env.now, input);
            self.settle(env);
        }
    }

    pub(crate) fn on_data(&mut self, env: &mut Env, conn: ConnId, bytes: Bytes) {
        match self.upstream.filter(|(_, upstream)| *upstream == conn) {
            Some((link, _)) => self.link.handle(env.now, Input::Received { link, bytes }),
            None => self.serve(env, conn, &bytes),
        }
        self.settle(env);
    }

    pub(crate) fn on_gone(&mut self, env: &mut Env, conn: ConnId) {
        env.close(conn);
        if let Some((link, _)) = self.upstream.filter(|(_, upstream)| *upstream == conn) {
            self.upstream = None;
            self.link.handle(env.now, Input::Closed { link, error: None });
        } else {
            self.forget(env, conn);
        }
        self.settle(env);
    }

    pub(crate) fn on_alarm(&mut self, env: &mut Env, alarm: Alarm) {
        match alarm {
            Alarm::Cut { snapshot, diskless } => self.cut(env, SnapshotId(snapshot), diskless),
            Alarm::Ready { snapshot, bytes } => {
                let snapshot = SnapshotId(snapshot);
                self.primary.handle(env.now, PrimaryInput::SnapshotReady { snapshot, bytes });
            }
            Alarm::Loaded { link } => self.loaded(env, LinkId(link)),
            Alarm::Saved { .. } => {}
        }
        self.settle(env);
    }

    /// A client's write, if this is a master.
    pub(crate) fn write(&mut self, env: &mut Env, value: u64) -> bool {
        if self.link.master().is_some() {
            return false;
        }
        self.data.add(value);
        let value = value.to_string();
        let command: [&[u8]; 3] = [b"SET", b"key", value.as_bytes()];
        self.log.append_command(0, redan_replication::Audience::All, command.into_iter());
        self.maybe_save(env);
        self.settle(env);
        true
    }

    /// Now and then the dataset is saved.
    fn maybe_save(&mut self, env: &mut Env) {
        if env.rng.u8(..16) == 0 {
            let (id, offset) = (self.log.ids().id, self.log.end_offset());
            let db = self.log.stream_db().unwrap_or_default();
            self.disk.saved = Some((self.data.clone(), Position { id, offset, db }));
        }
    }

    /// Whom it follows.
    pub(crate) fn follows(&self) -> Option<HostId> {
        self.link.master().and_then(|master| crate::env::host_at(&master.host, master.port))
    }

    /// Whether it is in sync with its master, as far as it knows.
    pub(crate) fn is_linked(&self, env: &Env) -> bool {
        self.link.status(env.now).state == LinkState::Connected
    }

    /// Its place in a history, and the data that goes with it.
    pub(crate) fn position(&self) -> (ReplId, u64, &Dataset) {
        (self.log.ids().id, self.log.end_offset(), &self.data)
    }
}

fn random_id(env: &mut Env) -> ReplId {
    let mut random = [0; 20];
    env.rng.fill(&mut random);
    ReplId::from_random(random)
}
