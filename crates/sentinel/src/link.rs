//! Links: the connections to an instance, what is awaited on them, and when it last gave a sign of life.
//!
//! Masters and replicas have a link each. The Sentinels of several masters are often the same processes, so
//! instances with the same run id share one link: one connection and one PING instead of one per master.

use std::collections::{BTreeMap, VecDeque};

use crate::ids::{InstanceId, LinkId, Millis};
use crate::io::LinkKind;

/// How many commands may be unanswered before no more are sent, per user of the link.
const MAX_PENDING: usize = 100;

/// Names a link; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LinkKey(u64);

/// What the next reply on a connection is the answer to, and who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    /// Only its effects matter.
    Discard,
    Ping(InstanceId),
    Info(InstanceId),
    Publish(InstanceId),
    /// About the master at its n-th address.
    AskMasterDown(InstanceId, u32),
    Subscribe,
}

/// One connection or attempt.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) id: LinkId,
    /// When the attempt began.
    pub(crate) since: Millis,
    /// Our address on it, once it stands.
    pub(crate) local_ip: Option<String>,
    /// A subscription is confirmed; a command connection is ready when it stands.
    pub(crate) ready: bool,
    pub(crate) pending: VecDeque<Pending>,
}

/// The connections to one process.
#[derive(Debug)]
pub(crate) struct Link {
    /// Who uses it: one instance, or the same Sentinel in several groups.
    pub(crate) users: Vec<InstanceId>,
    pub(crate) command: Option<Conn>,
    pub(crate) pubsub: Option<Conn>,
    pub(crate) last_attempt: Option<Millis>,
    /// Since when a sign of life is overdue: the first unanswered PING, or the loss of the connection.
    pub(crate) unanswered_since: Option<Millis>,
    pub(crate) last_ping_at: Option<Millis>,
    /// Last reply to PING that says the instance works.
    pub(crate) last_avail_at: Millis,
    /// Last reply to PING of any kind.
    pub(crate) last_pong_at: Millis,
    pub(crate) pubsub_activity_at: Millis,
}

impl Link {
    pub(crate) fn conn_slot(&mut self, kind: LinkKind) -> &mut Option<Conn> {
        match kind {
            LinkKind::Command => &mut self.command,
            LinkKind::PubSub => &mut self.pubsub,
        }
    }

    /// Whether commands can be sent.
    pub(crate) fn is_ready(&self) -> bool {
        self.command.as_ref().is_some_and(|conn| conn.ready)
    }

    /// Whether a connection is missing or not ready. Sentinels have no subscription.
    pub(crate) fn is_disconnected(&self, needs_pubsub: bool) -> bool {
        !self.is_ready() || (needs_pubsub && !self.pubsub.as_ref().is_some_and(|conn| conn.ready))
    }

    pub(crate) fn pending_commands(&self) -> usize {
        [&self.command, &self.pubsub].into_iter().flatten().map(|conn| conn.pending.len()).sum()
    }

    /// Too much is unanswered to send anything that can wait.
    pub(crate) fn is_congested(&self) -> bool {
        self.pending_commands() >= MAX_PENDING * self.users.len()
    }

    /// Starts counting silence from now, as for a new instance.
    pub(crate) fn reset_life_signs(&mut self, now: Millis) {
        self.unanswered_since = Some(now);
        self.last_ping_at = None;
        self.last_avail_at = now;
        self.last_pong_at = now;
    }
}

/// All links, and which connection belongs to which.
#[derive(Debug, Default)]
pub(crate) struct Links {
    last_key: u64,
    last_id: u64,
    table: BTreeMap<LinkKey, Link>,
    by_id: BTreeMap<LinkId, (LinkKey, LinkKind)>,
}

impl Links {
    /// A link without connections.
    pub(crate) fn create(&mut self, user: InstanceId, now: Millis) -> LinkKey {
        self.last_key += 1;
        let key = LinkKey(self.last_key);
        let link = Link {
            users: vec![user],
            command: None,
            pubsub: None,
            last_attempt: None,
            // An instance that never answers at all is down too, so silence counts from the beginning.
            unanswered_since: Some(now),
            last_ping_at: None,
            last_avail_at: now,
            last_pong_at: now,
            pubsub_activity_at: now,
        };
        self.table.insert(key, link);
        key
    }

    pub(crate) fn get(&self, key: LinkKey) -> &Link {
        self.table.get(&key).expect("an instance holds its link until it is released")
    }

    pub(crate) fn get_mut(&mut self, key: LinkKey) -> &mut Link {
        self.table.get_mut(&key).expect("an instance holds its link until it is released")
    }

    /// The link a connection belongs to, if it is still of interest.
    pub(crate) fn find(&self, id: LinkId) -> Option<(LinkKey, LinkKind)> {
        self.by_id.get(&id).copied()
    }

    /// Enters a new connection attempt.
    pub(crate) fn open(&mut self, key: LinkKey, kind: LinkKind, now: Millis) -> LinkId {
        self.last_id += 1;
        let id = LinkId(self.last_id);
        let conn = Conn { id, since: now, local_ip: None, ready: false, pending: VecDeque::new() };
        let old = self.get_mut(key).conn_slot(kind).replace(conn);
        debug_assert!(old.is_none(), "a connection is forgotten before the next is opened");
        self.by_id.insert(id, (key, kind));
        id
    }

    /// Forgets a connection. Silence counts from now if nothing was overdue already.
    pub(crate) fn forget(&mut self, key: LinkKey, kind: LinkKind, now: Millis) -> Option<LinkId> {
        let link = self.get_mut(key);
        let conn = link.conn_slot(kind).take()?;
        if kind == LinkKind::Command {
            link.unanswered_since.get_or_insert(now);
        }
        self.by_id.remove(&conn.id);
        Some(conn.id)
    }

    /// Makes `user` a further user of a link.
    pub(crate) fn share(&mut self, key: LinkKey, user: InstanceId) {
        self.get_mut(key).users.push(user);
    }

    /// Ends an instance's use of a link; the connections of a link without users are returned to be closed.
    pub(crate) fn release(&mut self, key: LinkKey, user: InstanceId) -> Vec<LinkId> {
        let link = self.get_mut(key);
        link.users.retain(|other| *other != user);
        if !link.users.is_empty() {
            return Vec::new();
        }
        let link = self.table.remove(&key).expect("looked up above");
        let ids: Vec<LinkId> =
            [link.command, link.pubsub].into_iter().flatten().map(|conn| conn.id).collect();
        for id in &ids {
            self.by_id.remove(id);
        }
        ids
    }
}
