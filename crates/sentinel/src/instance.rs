//! The records: what is known about a master, its replicas, and the other Sentinels that watch it.

use std::collections::BTreeMap;

use crate::addr::Addr;
use crate::config::MasterOptions;
use crate::ids::{InstanceId, LinkId, MasterId, Member, Millis, SaveId};
use crate::link::LinkKey;

/// The priority a replica has until its INFO says otherwise.
const DEFAULT_PRIORITY: i64 = 100;

/// What an instance says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Master,
    Replica,
}

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Role::Master => "master",
            Role::Replica => "slave",
        }
    }
}

/// The INFO of an instance: when it was asked for and what it said.
#[derive(Debug, Default)]
pub(crate) struct InfoCache {
    pub(crate) refreshed_at: Option<Millis>,
    pub(crate) sent_at: Option<Millis>,
    /// The connection it was last sent on.
    pub(crate) sent_on: Option<LinkId>,
    /// A reply is awaited, if that connection still stands; never more than one at a time.
    pub(crate) pending: bool,
    /// The last one, as received.
    pub(crate) text: Option<Vec<u8>>,
}

/// What every instance has, whatever its kind.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    /// The configured name of a master, `host:port` of a replica, the run id of a Sentinel.
    pub(crate) name: String,
    /// The identity of the process, known from INFO or from a hello message.
    pub(crate) run_id: Option<String>,
    pub(crate) addr: Addr,
    pub(crate) link: LinkKey,
    /// Down as far as this Sentinel can see.
    pub(crate) s_down: bool,
    /// When it was last found down, even if it is up again.
    pub(crate) s_down_since: Option<Millis>,
    /// It answered BUSY while down, and SCRIPT KILL was sent.
    pub(crate) script_kill_sent: bool,
    /// The last hello that was accepted, and the last that was sent.
    pub(crate) hello_published_at: Option<Millis>,
    pub(crate) hello_sent_at: Option<Millis>,
    pub(crate) info: InfoCache,
    /// What it reports to be, since when. Meaningless for Sentinels.
    pub(crate) role: Role,
    pub(crate) role_since: Millis,
}

impl Instance {
    pub(crate) fn new(id: InstanceId, name: String, addr: Addr, link: LinkKey, now: Millis) -> Self {
        let role = if id.member == Member::Master { Role::Master } else { Role::Replica };
        Instance {
            id,
            name,
            run_id: None,
            addr,
            link,
            s_down: false,
            s_down_since: None,
            script_kill_sent: false,
            hello_published_at: None,
            hello_sent_at: None,
            info: InfoCache::default(),
            role,
            role_since: now,
        }
    }

    /// `master`, `slave` or `sentinel`: the first word of its description in events.
    pub(crate) fn kind(&self) -> &'static str {
        match self.id.member {
            Member::Master => "master",
            Member::Replica(_) => "slave",
            Member::Sentinel(_) => "sentinel",
        }
    }
}

/// How far a replica has been turned towards the new master of a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reconf {
    /// Not told yet.
    None,
    /// REPLICAOF was sent.
    Sent,
    /// It reports the new master but is not in sync.
    InProgress,
    /// It replicates from the new master, or was given up on.
    Done,
}

/// A replica of a monitored master.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) base: Instance,
    pub(crate) priority: i64,
    /// Whether clients are told about it.
    pub(crate) announced: bool,
    /// Whom it follows, by its own account.
    pub(crate) master_host: Option<String>,
    pub(crate) master_port: u16,
    pub(crate) master_link_up: bool,
    /// For how long its link to its master had been down at the last INFO.
    pub(crate) master_link_down_ms: u64,
    pub(crate) repl_offset: u64,
    /// When it last changed whom it follows.
    pub(crate) conf_changed_at: Millis,
    /// Selected to become the master in the failover under way.
    pub(crate) promoted: bool,
    pub(crate) reconf: Reconf,
    pub(crate) reconf_sent_at: Millis,
    /// When it was last told to follow the right master outside of a failover.
    pub(crate) repaired_at: Option<Millis>,
}

impl Replica {
    pub(crate) fn new(base: Instance, now: Millis) -> Self {
        Replica {
            base,
            priority: DEFAULT_PRIORITY,
            announced: true,
            master_host: None,
            master_port: 0,
            master_link_up: false,
            master_link_down_ms: 0,
            repl_offset: 0,
            conf_changed_at: now,
            promoted: false,
            reconf: Reconf::None,
            reconf_sent_at: Millis(0),
            repaired_at: None,
        }
    }
}

/// Another Sentinel, as seen from one master.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) base: Instance,
    pub(crate) last_hello_at: Millis,
    /// It says that the master is down.
    pub(crate) master_down: bool,
    pub(crate) asked_at: Option<Millis>,
    pub(crate) answered_at: Option<Millis>,
    /// Whom it voted for, in which epoch.
    pub(crate) leader: Option<String>,
    pub(crate) leader_epoch: u64,
}

impl Peer {
    pub(crate) fn new(base: Instance, now: Millis) -> Self {
        Peer {
            base,
            last_hello_at: now,
            master_down: false,
            asked_at: None,
            answered_at: None,
            leader: None,
            leader_epoch: 0,
        }
    }
}

/// The steps of a failover, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FailoverState {
    None,
    /// Waiting to be elected.
    WaitStart,
    /// Elected: choose a replica.
    SelectReplica,
    /// Chosen: tell it to become master as soon as it can be reached.
    SendReplicaofNoOne,
    /// Told: wait until its INFO says so.
    WaitPromotion,
    /// It is the master: turn the other replicas towards it.
    ReconfReplicas,
    /// All turned: watch the new master under the old name.
    UpdateConfig,
}

impl FailoverState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            FailoverState::None => "none",
            FailoverState::WaitStart => "wait_start",
            FailoverState::SelectReplica => "select_slave",
            FailoverState::SendReplicaofNoOne => "send_slaveof_noone",
            FailoverState::WaitPromotion => "wait_promotion",
            FailoverState::ReconfReplicas => "reconf_slaves",
            FailoverState::UpdateConfig => "update_config",
        }
    }
}

/// The failover of a master, under way or last attempted.
#[derive(Debug)]
pub(crate) struct Failover {
    pub(crate) state: FailoverState,
    /// When the state was entered.
    pub(crate) changed_at: Millis,
    /// The epoch in which this Sentinel wants to lead it.
    pub(crate) epoch: u64,
    /// Ordered with SENTINEL FAILOVER: needs no election.
    pub(crate) forced: bool,
    /// Number of the chosen replica.
    pub(crate) promoted: Option<u32>,
    /// When the last attempt began, ours or one we voted for: the next must wait.
    pub(crate) attempted_at: Option<Millis>,
    /// When ours will begin: a random moment, so that not all Sentinels ask for votes at once.
    pub(crate) begin_at: Option<Millis>,
    /// When to try again after an election nobody can win.
    pub(crate) retry_at: Option<Millis>,
    /// The attempt for which the waiting time was logged.
    pub(crate) delay_logged: Option<Millis>,
}

impl Failover {
    fn none() -> Self {
        Failover {
            state: FailoverState::None,
            changed_at: Millis(0),
            epoch: 0,
            forced: false,
            promoted: None,
            attempted_at: None,
            begin_at: None,
            retry_at: None,
            delay_logged: None,
        }
    }

    pub(crate) fn in_progress(&self) -> bool {
        self.state != FailoverState::None
    }
}

/// A monitored master and its group.
#[derive(Debug)]
pub(crate) struct Master {
    pub(crate) id: MasterId,
    pub(crate) base: Instance,
    pub(crate) options: MasterOptions,
    /// The version of the address: the epoch of the failover that brought it about.
    pub(crate) config_epoch: u64,
    /// How often the address has changed: what is said about an earlier one does not count.
    pub(crate) moves: u32,
    /// Down as far as enough Sentinels can see.
    pub(crate) o_down: bool,
    pub(crate) o_down_since: Option<Millis>,
    /// It was found restarted then, and has not answered a PING with PONG since.
    pub(crate) rebooted_at: Option<Millis>,
    pub(crate) replicas: BTreeMap<u32, Replica>,
    pub(crate) sentinels: BTreeMap<u32, Peer>,
    next_number: u32,
    pub(crate) failover: Failover,
    /// Whom this Sentinel voted for, in which epoch, and the save that makes the vote durable.
    pub(crate) leader: Option<String>,
    pub(crate) leader_epoch: u64,
    pub(crate) vote_save: SaveId,
    /// A replica or an address could not be judged because a name is still being looked up.
    pub(crate) waits_for_names: bool,
}

impl Master {
    pub(crate) fn new(id: MasterId, base: Instance, options: MasterOptions) -> Self {
        Master {
            id,
            base,
            options,
            config_epoch: 0,
            moves: 0,
            o_down: false,
            o_down_since: None,
            rebooted_at: None,
            replicas: BTreeMap::new(),
            sentinels: BTreeMap::new(),
            next_number: 0,
            failover: Failover::none(),
            leader: None,
            leader_epoch: 0,
            vote_save: SaveId::default(),
            waits_for_names: false,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.base.name
    }

    /// A number for a new replica or Sentinel.
    pub(crate) fn fresh_number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number
    }

    /// Everyone in the group, the master first.
    pub(crate) fn members(&self) -> Vec<Member> {
        let replicas = self.replicas.keys().map(|n| Member::Replica(*n));
        let sentinels = self.sentinels.keys().map(|n| Member::Sentinel(*n));
        std::iter::once(Member::Master).chain(replicas).chain(sentinels).collect()
    }

    pub(crate) fn instance(&self, member: Member) -> Option<&Instance> {
        match member {
            Member::Master => Some(&self.base),
            Member::Replica(n) => self.replicas.get(&n).map(|r| &r.base),
            Member::Sentinel(n) => self.sentinels.get(&n).map(|s| &s.base),
        }
    }

    pub(crate) fn instance_mut(&mut self, member: Member) -> Option<&mut Instance> {
        match member {
            Member::Master => Some(&mut self.base),
            Member::Replica(n) => self.replicas.get_mut(&n).map(|r| &mut r.base),
            Member::Sentinel(n) => self.sentinels.get_mut(&n).map(|s| &mut s.base),
        }
    }

    /// The replica chosen in the failover under way.
    pub(crate) fn promoted_replica(&self) -> Option<&Replica> {
        self.replicas.get(&self.failover.promoted?)
    }

    /// The address clients should use: that of the promoted replica as soon as it is a master.
    pub(crate) fn current_addr(&self) -> &Addr {
        match self.promoted_replica() {
            Some(replica) if self.failover.state >= FailoverState::ReconfReplicas => &replica.base.addr,
            _ => &self.base.addr,
        }
    }

    /// The Sentinel with that id.
    pub(crate) fn sentinel_by_run_id(&self, run_id: &str) -> Option<u32> {
        let found = self.sentinels.iter().find(|(_, peer)| peer.base.run_id.as_deref() == Some(run_id));
        found.map(|(number, _)| *number)
    }

    /// How many Sentinels watch this master, as far as is known, with this one.
    pub(crate) fn voters(&self) -> usize {
        self.sentinels.len() + 1
    }
}
