//! Watching: connecting, asking regularly, and deciding who is down.
//!
//! An instance is *subjectively down* (SDOWN) when it owed a sign of life for `down-after-milliseconds`, when as a
//! master it says for long enough to be a replica, or when it restarted and does not get ready. A master is
//! *objectively down* (ODOWN) when as many Sentinels as the quorum say at about the same time that it is
//! subjectively down for them; they are asked every second from the moment this Sentinel believes so itself.

use crate::core::Core;
use crate::event::LogLevel;
use crate::ids::{Member, Millis};
use crate::instance::{FailoverState, Instance, Master, Reconf, Replica, Role};
use crate::io::LinkKind;
use crate::link::{Link, Pending};

/// INFO of replicas is asked for this often while their master fails, or if they lost it.
const ALERT_INFO_PERIOD_MS: u64 = 1_000;
/// And this often while a replica is being promoted or turned: somebody waits for it.
const RECONF_INFO_PERIOD_MS: u64 = 200;
/// A request that went unanswered or was refused is repeated after this time at the latest.
const RETRY_MS: u64 = 1_000;
/// What another Sentinel said about the master counts for this many ask periods.
const ANSWER_PERIODS: u64 = 5;

/// Whether a failed attempt at something may be repeated, and the next regular time has come.
fn next_time(done: Option<Millis>, tried: Option<Millis>, period_ms: u64) -> Millis {
    let regular = done.map_or(Millis(0), |at| at + period_ms);
    let retry = tried.map_or(Millis(0), |at| at + period_ms.clamp(1, RETRY_MS));
    regular.max(retry)
}

impl Master {
    fn member(&self, member: Member) -> &Instance {
        self.instance(member).expect("timers are asked about members only")
    }

    fn link<'a>(&self, core: &'a Core, member: Member) -> &'a Link {
        core.links.get(self.member(member).link)
    }

    /// The link, if it can take a command that is not urgent.
    fn free_link<'a>(&self, core: &'a Core, member: Member) -> Option<&'a Link> {
        let link = self.link(core, member);
        (link.is_ready() && !link.is_congested()).then_some(link)
    }

    fn needs_subscription(member: Member) -> bool {
        !matches!(member, Member::Sentinel(_))
    }

    /// Whether it can be sent orders. A missing subscription does not matter for that.
    pub(crate) fn can_be_told(&self, core: &Core, member: Member) -> bool {
        self.link(core, member).is_ready()
    }

    /// Whether a connection of the member is missing.
    pub(crate) fn is_disconnected(&self, core: &Core, member: Member) -> bool {
        self.link(core, member).is_disconnected(Self::needs_subscription(member))
    }

    // --- connecting ----------------------------------------------------------------------------------------

    pub(crate) fn reconnect_due(&self, core: &Core, member: Member) -> Option<Millis> {
        let link = self.link(core, member);
        let missing = link.command.is_none() || (Self::needs_subscription(member) && link.pubsub.is_none());
        if !missing || self.member(member).addr.port == 0 {
            return None;
        }
        Some(link.last_attempt.map_or(Millis(0), |at| at + core.periods.ping))
    }

    pub(crate) fn reconnect(&mut self, core: &mut Core, member: Member) {
        let now = core.mono();
        let instance = self.instance_mut(member).expect("timers fire for members only");
        let key = instance.link;
        core.links.get_mut(key).last_attempt = Some(now);
        // The instance may have moved behind its name; go where it was until DNS says otherwise.
        core.names.refresh(&instance.addr.host);
        if let Some(ip) = core.names.known_ip(&instance.addr.host) {
            instance.addr.ip = Some(ip.to_owned());
        }
        let Some(ip) = instance.addr.ip.clone() else { return };
        let port = instance.addr.port;
        if core.links.get(key).command.is_none() {
            core.connect(key, LinkKind::Command, ip.clone(), port);
        }
        if Self::needs_subscription(member) && core.links.get(key).pubsub.is_none() {
            core.connect(key, LinkKind::PubSub, ip, port);
        }
    }

    // --- asking --------------------------------------------------------------------------------------------

    pub(crate) fn ping_period(&self, core: &Core) -> u64 {
        core.periods.ping.min(self.options.down_after_ms)
    }

    pub(crate) fn ping_due(&self, core: &Core, member: Member) -> Option<Millis> {
        let link = self.free_link(core, member)?;
        let period = self.ping_period(core);
        let again = link.last_ping_at.map_or(Millis(0), |at| at + (period / 2).max(1));
        Some((link.last_pong_at + period).max(again))
    }

    pub(crate) fn send_ping(&mut self, core: &mut Core, member: Member) {
        let instance = self.member(member);
        let (id, key, now) = (instance.id, instance.link, core.mono());
        let command = self.options.renamed("PING").as_bytes();
        core.send(key, LinkKind::Command, &[command], Pending::Ping(id));
        let link = core.links.get_mut(key);
        link.last_ping_at = Some(now);
        link.unanswered_since.get_or_insert(now);
    }

    fn info_period(&self, core: &Core, member: Member) -> u64 {
        let Member::Replica(number) = member else { return core.periods.info };
        let replica = &self.replicas[&number];
        let awaited = match self.failover.state {
            FailoverState::WaitPromotion => replica.promoted,
            FailoverState::ReconfReplicas => matches!(replica.reconf, Reconf::Sent | Reconf::InProgress),
            _ => false,
        };
        let alert = self.o_down || self.failover.in_progress() || replica.master_link_down_ms != 0;
        match () {
            _ if awaited => RECONF_INFO_PERIOD_MS,
            _ if alert => ALERT_INFO_PERIOD_MS,
            _ => core.periods.info,
        }
    }

    pub(crate) fn info_due(&self, core: &Core, member: Member) -> Option<Millis> {
        let link = self.free_link(core, member)?;
        let info = &self.member(member).info;
        if info.sent_on != link.command.as_ref().map(|conn| conn.id) {
            // A new connection may mean a new process.
            return Some(Millis(0));
        }
        if info.pending {
            return None;
        }
        // A choice between replicas is about to be made: the latest offsets are wanted from all of them.
        let choosing = self.failover.state == FailoverState::SelectReplica && member != Member::Master;
        if choosing && info.sent_at.is_none_or(|at| at < self.failover.changed_at) {
            return Some(Millis(0));
        }
        Some(next_time(info.refreshed_at, info.sent_at, self.info_period(core, member)))
    }

    pub(crate) fn send_info(&mut self, core: &mut Core, member: Member) {
        let instance = self.member(member);
        let (id, key) = (instance.id, instance.link);
        let command = self.options.renamed("INFO").as_bytes();
        core.send(key, LinkKind::Command, &[command], Pending::Info(id));
        let on = core.links.get(key).command.as_ref().map(|conn| conn.id);
        let now = core.mono();
        let info = &mut self.instance_mut(member).expect("looked up above").info;
        info.sent_at = Some(now);
        info.sent_on = on;
        info.pending = true;
    }

    pub(crate) fn hello_due(&self, core: &Core, member: Member) -> Option<Millis> {
        self.free_link(core, member)?;
        let instance = self.member(member);
        Some(next_time(instance.hello_published_at, instance.hello_sent_at, core.periods.publish))
    }

    // --- giving up connections -----------------------------------------------------------------------------

    pub(crate) fn stuck_due(&self, core: &Core, member: Member) -> Option<Millis> {
        let link = self.link(core, member);
        let half = self.options.down_after_ms / 2;
        let connected = link.command.as_ref()?.since + core.periods.min_link_reconnect;
        Some(connected.max(link.unanswered_since? + half).max(link.last_pong_at + half))
    }

    pub(crate) fn drop_stuck_connection(&mut self, core: &mut Core, member: Member) {
        core.close(self.member(member).link, LinkKind::Command);
    }

    pub(crate) fn silent_due(&self, core: &Core, member: Member) -> Option<Millis> {
        let link = self.link(core, member);
        let connected = link.pubsub.as_ref()?.since + core.periods.min_link_reconnect;
        Some(connected.max(link.pubsub_activity_at + core.periods.publish.saturating_mul(3)))
    }

    pub(crate) fn drop_subscription(&mut self, core: &mut Core, member: Member) {
        core.close(self.member(member).link, LinkKind::PubSub);
    }

    // --- subjectively down ---------------------------------------------------------------------------------

    /// When the instance is, or was, to be believed down; `None` as long as nothing speaks for it.
    fn down_at(&self, core: &Core, member: Member) -> Option<Millis> {
        let down_after = self.options.down_after_ms;
        let silent = self.link(core, member).unanswered_since.map(|since| since + down_after);
        if member != Member::Master {
            return silent;
        }
        let not_master = (self.base.role == Role::Replica)
            .then(|| self.base.role_since + down_after + core.periods.info.saturating_mul(2));
        let rebooting = self.rebooted_at.map(|at| at + self.options.reboot_down_after_ms);
        [silent, not_master, rebooting].into_iter().flatten().min()
    }

    pub(crate) fn down_due(&self, core: &Core, member: Member) -> Option<Millis> {
        if self.member(member).s_down { None } else { self.down_at(core, member) }
    }

    pub(crate) fn on_down(&mut self, core: &mut Core, member: Member) {
        core.instance_event(LogLevel::Warning, "+sdown", self, self.member(member), "");
        let now = core.mono();
        let instance = self.instance_mut(member).expect("looked up above");
        instance.s_down = true;
        instance.s_down_since = Some(now);
    }

    /// Takes back that the instance is down if nothing speaks for it any more.
    pub(crate) fn check_up(&mut self, core: &mut Core, member: Member) -> bool {
        let now = core.mono();
        if !self.member(member).s_down || self.down_at(core, member).is_some_and(|at| at <= now) {
            return false;
        }
        core.instance_event(LogLevel::Warning, "-sdown", self, self.member(member), "");
        let instance = self.instance_mut(member).expect("looked up above");
        instance.s_down = false;
        instance.script_kill_sent = false;
        true
    }

    // --- objectively down ----------------------------------------------------------------------------------

    /// Compares the number of Sentinels that say the master is down with the quorum.
    pub(crate) fn check_objectively_down(&mut self, core: &mut Core) -> bool {
        let agreeing = 1 + self.sentinels.values().filter(|peer| peer.master_down).count();
        let o_down = self.base.s_down && agreeing >= self.options.quorum as usize;
        if o_down == self.o_down {
            return false;
        }
        self.o_down = o_down;
        if o_down {
            self.o_down_since = Some(core.mono());
            let quorum = format!(" #quorum {agreeing}/{}", self.options.quorum);
            core.instance_event(LogLevel::Warning, "+odown", self, &self.base, &quorum);
        } else {
            core.instance_event(LogLevel::Warning, "-odown", self, &self.base, "");
        }
        true
    }

    pub(crate) fn ask_due(&self, core: &Core, member: Member) -> Option<Millis> {
        let Member::Sentinel(number) = member else { return None };
        let peer = &self.sentinels[&number];
        let may_ask = self.base.s_down && self.link(core, member).is_ready();
        may_ask.then(|| next_time(peer.answered_at, peer.asked_at, core.periods.ask))
    }

    /// Asks another Sentinel whether the master is down, and for its vote if this one wants to lead.
    pub(crate) fn ask_peer(&mut self, core: &mut Core, member: Member) {
        let Member::Sentinel(number) = member else { return };
        let now = core.mono();
        let command = self.options.renamed("SENTINEL").as_bytes();
        let host = core.announced(&self.base.addr).to_owned();
        let (port, epoch) = (self.base.addr.port.to_string(), core.globals.current_epoch.to_string());
        let candidate = if self.failover.in_progress() { core.globals.my_id.clone() } else { "*".into() };
        let words = [
            command,
            b"is-master-down-by-addr",
            host.as_bytes(),
            port.as_bytes(),
            epoch.as_bytes(),
            candidate.as_bytes(),
        ];
        let peer = self.sentinels.get_mut(&number).expect("timers fire for members only");
        peer.asked_at = Some(now);
        let pending = Pending::AskMasterDown(peer.base.id, self.moves);
        core.send(peer.base.link, LinkKind::Command, &words, pending);
    }

    pub(crate) fn forget_due(&self, core: &Core, member: Member) -> Option<Millis> {
        let Member::Sentinel(number) = member else { return None };
        let peer = &self.sentinels[&number];
        let said_something = peer.master_down || peer.leader.is_some();
        let said_at = peer.answered_at.filter(|_| said_something)?;
        Some(said_at + core.periods.ask.saturating_mul(ANSWER_PERIODS))
    }

    pub(crate) fn forget_answer(&mut self, _core: &mut Core, member: Member) {
        let Member::Sentinel(number) = member else { return };
        let peer = self.sentinels.get_mut(&number).expect("timers fire for members only");
        peer.master_down = false;
        peer.leader = None;
    }

    // --- judging -------------------------------------------------------------------------------------------

    /// The master is in order: others may be told to follow it.
    pub(crate) fn looks_sane(&self, core: &Core) -> bool {
        let fresh = |at: Millis| core.mono().since(at) < core.periods.info.saturating_mul(2);
        let base = &self.base;
        base.role == Role::Master && !base.s_down && !self.o_down && base.info.refreshed_at.is_some_and(fresh)
    }
}

impl Replica {
    /// Whether it is reachable as far as is known.
    pub(crate) fn is_up(&self) -> bool {
        !self.base.s_down
    }
}
