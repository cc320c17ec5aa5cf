//! Timers: one enum, one table. A timer's time is computed from the state whenever it is wanted, so it cannot be
//! forgotten, left running, or be wrong after a setting changed.

use crate::core::Core;
use crate::ids::{Member, Millis};
use crate::instance::Master;

/// What can become due for a member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Try to connect what is not connected.
    Reconnect,
    /// Send PING.
    Ping,
    /// Send INFO.
    Info,
    /// Send a hello message.
    Hello,
    /// Give up a command connection on which nothing comes back.
    StuckConnection,
    /// Give up a subscription on which nothing arrives.
    SilentSubscription,
    /// Believe that the instance is down.
    Down,
    /// Ask another Sentinel what it thinks of the master.
    AskPeer,
    /// No longer count what another Sentinel said.
    ForgetAnswer,
    /// Start trying to become the leader of a failover.
    BeginFailover,
    /// Try again after votes were split.
    RetryElection,
    /// Give up the election.
    ElectionTimeout,
    /// Choose a replica with what is known.
    SelectReplica,
    /// Give up the failover, or end it with what is done.
    FailoverTimeout,
    /// Stop waiting for a replica to turn to the new master.
    ReconfTimeout,
    /// Turn a replica that follows nobody or someone else towards the master.
    Repair,
}

/// Whom a timer is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    Everyone,
    MastersAndReplicas,
    Masters,
    Replicas,
    Peers,
}

impl Whom {
    fn includes(self, member: Member) -> bool {
        match self {
            Whom::Everyone => true,
            Whom::MastersAndReplicas => !matches!(member, Member::Sentinel(_)),
            Whom::Masters => member == Member::Master,
            Whom::Replicas => matches!(member, Member::Replica(_)),
            Whom::Peers => matches!(member, Member::Sentinel(_)),
        }
    }
}

/// One timer: when it is due, and what happens then. After firing it must be due later or not at all.
pub(crate) struct Row {
    pub(crate) timer: Timer,
    whom: Whom,
    /// It acts on what is believed about others, which must wait while in TILT.
    acts: bool,
    due: fn(&Master, &Core, Member) -> Option<Millis>,
    pub(crate) fire: fn(&mut Master, &mut Core, Member),
}

const fn watching(
    timer: Timer,
    whom: Whom,
    due: fn(&Master, &Core, Member) -> Option<Millis>,
    fire: fn(&mut Master, &mut Core, Member),
) -> Row {
    Row { timer, whom, acts: false, due, fire }
}

const fn acting(
    timer: Timer,
    whom: Whom,
    due: fn(&Master, &Core, Member) -> Option<Millis>,
    fire: fn(&mut Master, &mut Core, Member),
) -> Row {
    Row { timer, whom, acts: true, due, fire }
}

/// All timers, in the order in which they fire when they are due at the same time.
pub(crate) const TABLE: &[Row] = &[
    watching(Timer::Reconnect, Whom::Everyone, Master::reconnect_due, Master::reconnect),
    watching(Timer::Info, Whom::MastersAndReplicas, Master::info_due, Master::send_info),
    watching(Timer::Ping, Whom::Everyone, Master::ping_due, Master::send_ping),
    watching(Timer::Hello, Whom::Everyone, Master::hello_due, Master::send_hello),
    acting(Timer::StuckConnection, Whom::Everyone, Master::stuck_due, Master::drop_stuck_connection),
    acting(
        Timer::SilentSubscription,
        Whom::MastersAndReplicas,
        Master::silent_due,
        Master::drop_subscription,
    ),
    acting(Timer::Down, Whom::Everyone, Master::down_due, Master::on_down),
    acting(Timer::ForgetAnswer, Whom::Peers, Master::forget_due, Master::forget_answer),
    acting(Timer::AskPeer, Whom::Peers, Master::ask_due, Master::ask_peer),
    acting(Timer::BeginFailover, Whom::Masters, Master::begin_due, Master::begin_failover),
    acting(Timer::RetryElection, Whom::Masters, Master::retry_due, Master::retry_election),
    acting(Timer::ElectionTimeout, Whom::Masters, Master::election_timeout_due, Master::on_election_timeout),
    acting(Timer::SelectReplica, Whom::Masters, Master::select_due, Master::select_replica),
    acting(Timer::ReconfTimeout, Whom::Replicas, Master::reconf_timeout_due, Master::on_reconf_timeout),
    acting(Timer::FailoverTimeout, Whom::Masters, Master::failover_timeout_due, Master::on_failover_timeout),
    acting(Timer::Repair, Whom::Replicas, Master::repair_due, Master::repair),
];

impl Row {
    /// When it is due for that member.
    pub(crate) fn due(&self, master: &Master, core: &Core, member: Member) -> Option<Millis> {
        let applies = self.whom.includes(member) && !(self.acts && core.tilt_since.is_some());
        if applies { (self.due)(master, core, member) } else { None }
    }
}

impl Master {
    /// When the first timer of the group is due. O(members × timers).
    pub(crate) fn next_due(&self, core: &Core) -> Option<Millis> {
        let members = self.members();
        let of = |member: &Member| TABLE.iter().filter_map(|row| row.due(self, core, *member)).min();
        members.iter().filter_map(of).min()
    }
}
