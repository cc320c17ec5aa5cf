//! The failover: from a master that is objectively down to a new master under the old name.
//!
//! Every step is taken as soon as its condition holds. REPLICAOF is always followed by INFO in the same write, so
//! that the effect is seen with the next reply and not with the next poll.

use crate::addr::{Addr, Same};
use crate::calendar::format_ctime;
use crate::core::Core;
use crate::event::LogLevel;
use crate::ids::{Member, Millis};
use crate::instance::{FailoverState, Master, Reconf, Replica, Role};
use crate::io::LinkKind;
use crate::link::Pending;

/// All Sentinels notice a dead master in the same instant. Each waits a random time below this before it asks for
/// votes, so that most of the time one is first.
const BEGIN_SPREAD_MS: u64 = 150;
/// How long to wait for the INFO of every replica before choosing one.
const SELECT_WAIT_MS: u64 = 500;

impl Master {
    /// Enters the next state.
    pub(crate) fn enter(&mut self, core: &Core, state: FailoverState) {
        self.failover.state = state;
        self.failover.changed_at = core.mono();
    }

    /// Ends a failover before the replica has become a master. After that there is no way back.
    pub(crate) fn abort_failover(&mut self, core: &Core) {
        debug_assert!(self.failover.state < FailoverState::ReconfReplicas);
        self.enter(core, FailoverState::None);
        self.failover.forced = false;
        if let Some(replica) = self.failover.promoted.take().and_then(|n| self.replicas.get_mut(&n)) {
            replica.promoted = false;
        }
    }

    // --- beginning -----------------------------------------------------------------------------------------

    /// Fixes when this Sentinel will try to lead a failover, if one is needed.
    pub(crate) fn plan_failover(&mut self, core: &mut Core) {
        if !self.o_down || self.failover.in_progress() {
            self.failover.begin_at = None;
            return;
        }
        if self.failover.begin_at.is_some() {
            return;
        }
        let now = core.mono();
        let rest = self.options.failover_timeout_ms.saturating_mul(2);
        let allowed = self.failover.attempted_at.map_or(now, |at| now.max(at + rest));
        let spread = if self.sentinels.is_empty() { 0 } else { core.jitter(BEGIN_SPREAD_MS) };
        self.failover.begin_at = Some(allowed + spread);
        if allowed > now && self.failover.delay_logged != self.failover.attempted_at {
            self.failover.delay_logged = self.failover.attempted_at;
            let when = format_ctime((core.now.wall.0 + allowed.since(now)) / 1000);
            core.log(
                LogLevel::Notice,
                format!("Next failover delay: I will not start a failover before {when}"),
            );
        }
    }

    pub(crate) fn begin_due(&self, _core: &Core, _member: Member) -> Option<Millis> {
        self.failover.begin_at.filter(|_| self.o_down && !self.failover.in_progress())
    }

    pub(crate) fn begin_failover(&mut self, core: &mut Core, _member: Member) {
        self.start_failover(core);
        self.ask_everyone(core);
    }

    /// Starts a failover on an operator's order: nobody else is asked.
    pub(crate) fn force_failover(&mut self, core: &mut Core) {
        self.start_failover(core);
        self.failover.forced = true;
    }

    // --- advancing -----------------------------------------------------------------------------------------

    /// Takes the steps whose conditions hold. True if anything changed.
    pub(crate) fn advance_failover(&mut self, core: &mut Core) -> bool {
        match self.failover.state {
            FailoverState::None => false,
            FailoverState::WaitStart => self.check_election(core),
            FailoverState::SelectReplica => {
                let ready = self.is_selection_ready(core);
                if ready {
                    self.select_replica(core, Member::Master);
                }
                ready
            }
            FailoverState::SendReplicaofNoOne => self.send_replicaof_no_one(core),
            FailoverState::WaitPromotion => self.check_promotion(core),
            FailoverState::ReconfReplicas => self.reconf_replicas(core),
            FailoverState::UpdateConfig => {
                self.switch_to_promoted(core);
                true
            }
        }
    }

    /// Whether every replica that might be chosen has told its offset since the election.
    fn is_selection_ready(&self, core: &Core) -> bool {
        let since = self.failover.changed_at;
        self.replicas.iter().all(|(number, replica)| {
            let asked = self.can_be_told(core, Member::Replica(*number)) && replica.is_up();
            let info = &replica.base.info;
            let told = !info.pending && info.sent_at.is_some_and(|at| at >= since);
            told || !asked || replica.priority == 0
        })
    }

    pub(crate) fn select_due(&self, _core: &Core, _member: Member) -> Option<Millis> {
        let selecting = self.failover.state == FailoverState::SelectReplica;
        selecting.then_some(self.failover.changed_at + SELECT_WAIT_MS)
    }

    /// Chooses the replica to promote, or gives up if there is none.
    pub(crate) fn select_replica(&mut self, core: &mut Core, _member: Member) {
        let Some(number) = self.best_replica(core) else {
            core.instance_event(LogLevel::Warning, "-failover-abort-no-good-slave", self, &self.base, "");
            return self.abort_failover(core);
        };
        let chosen = &self.replicas[&number].base;
        core.instance_event(LogLevel::Warning, "+selected-slave", self, chosen, "");
        core.instance_event(LogLevel::Notice, "+failover-state-send-slaveof-noone", self, chosen, "");
        self.replicas.get_mut(&number).expect("just chosen").promoted = true;
        self.failover.promoted = Some(number);
        self.enter(core, FailoverState::SendReplicaofNoOne);
    }

    fn send_replicaof_no_one(&mut self, core: &mut Core) -> bool {
        let Some(number) = self.failover.promoted else { return false };
        let member = Member::Replica(number);
        if !self.can_be_told(core, member) {
            return false;
        }
        self.send_replicaof(core, member, None);
        let chosen = &self.replicas[&number].base;
        core.instance_event(LogLevel::Notice, "+failover-state-wait-promotion", self, chosen, "");
        self.enter(core, FailoverState::WaitPromotion);
        true
    }

    /// Goes on as soon as the promoted replica says that it is a master.
    fn check_promotion(&mut self, core: &mut Core) -> bool {
        if self.promoted_replica().is_none_or(|replica| replica.base.role != Role::Master) {
            return false;
        }
        // From here on everyone who hears of this epoch will follow.
        self.config_epoch = self.failover.epoch;
        core.save();
        let promoted = self.promoted_replica().expect("checked above");
        core.instance_event(LogLevel::Warning, "+promoted-slave", self, &promoted.base, "");
        if core.simulate.crash_after_promotion {
            core.crash();
        }
        core.instance_event(LogLevel::Warning, "+failover-state-reconf-slaves", self, &self.base, "");
        self.run_reconfig_script(core, "leader", &self.base.addr, &promoted.base.addr);
        self.enter(core, FailoverState::ReconfReplicas);
        self.hello_at_once();
        true
    }

    // --- turning the other replicas ------------------------------------------------------------------------

    fn reconf_replicas(&mut self, core: &mut Core) -> bool {
        let Some(target) = self.promoted_replica().map(|replica| replica.base.addr.clone()) else {
            return false;
        };
        let mut changed = self.check_reconfigured(core, &target);
        let busy = |r: &&Replica| r.is_up() && matches!(r.reconf, Reconf::Sent | Reconf::InProgress);
        let mut in_progress = self.replicas.values().filter(busy).count();
        let waiting: Vec<u32> =
            self.replicas.iter().filter(|(_, r)| needs_turning(r)).map(|(n, _)| *n).collect();
        for number in waiting {
            if in_progress >= self.options.parallel_syncs as usize {
                break;
            }
            if !self.can_be_told(core, Member::Replica(number)) {
                continue;
            }
            self.turn_replica(core, number, &target, "+slave-reconf-sent");
            in_progress += 1;
            changed = true;
        }
        changed | self.check_all_reconfigured(core)
    }

    fn turn_replica(&mut self, core: &mut Core, number: u32, target: &Addr, event: &'static str) {
        self.send_replicaof(core, Member::Replica(number), Some(target));
        let replica = self.replicas.get_mut(&number).expect("called for replicas of this group");
        replica.reconf = Reconf::Sent;
        replica.reconf_sent_at = core.mono();
        core.instance_event(LogLevel::Notice, event, self, &self.replicas[&number].base, "");
    }

    /// Looks which of the replicas that were told follow the new master, and which are in sync with it.
    fn check_reconfigured(&mut self, core: &mut Core, target: &Addr) -> bool {
        let mut changed = false;
        let numbers: Vec<u32> = self.replicas.keys().copied().collect();
        for number in numbers {
            let replica = &self.replicas[&number];
            if replica.base.role != Role::Replica {
                continue;
            }
            let follows = |host: &str| target.is_at(host, replica.master_port, &core.names) == Same::Yes;
            let (next, event) = match replica.reconf {
                Reconf::Sent if replica.master_host.as_deref().is_some_and(follows) => {
                    (Reconf::InProgress, "+slave-reconf-inprog")
                }
                Reconf::InProgress if replica.master_link_up => (Reconf::Done, "+slave-reconf-done"),
                _ => continue,
            };
            core.instance_event(LogLevel::Notice, event, self, &replica.base, "");
            self.replicas.get_mut(&number).expect("from the keys").reconf = next;
            changed = true;
        }
        changed
    }

    pub(crate) fn reconf_timeout_due(&self, core: &Core, member: Member) -> Option<Millis> {
        let Member::Replica(number) = member else { return None };
        let replica = &self.replicas[&number];
        let waiting = self.failover.state == FailoverState::ReconfReplicas && replica.reconf == Reconf::Sent;
        waiting.then_some(replica.reconf_sent_at + core.periods.replica_reconf_timeout)
    }

    /// A replica did not turn. It counts as done; that it follows the wrong master is repaired later.
    pub(crate) fn on_reconf_timeout(&mut self, core: &mut Core, member: Member) {
        let Member::Replica(number) = member else { return };
        let replica = &self.replicas[&number].base;
        core.instance_event(LogLevel::Notice, "-slave-reconf-sent-timeout", self, replica, "");
        self.replicas.get_mut(&number).expect("looked up above").reconf = Reconf::Done;
    }

    /// The failover ends when all replicas that can be reached follow the new master.
    fn check_all_reconfigured(&mut self, core: &mut Core) -> bool {
        let promoted_up = self.promoted_replica().is_some_and(Replica::is_up);
        let done = |r: &Replica| r.promoted || r.reconf == Reconf::Done || !r.is_up();
        if !promoted_up || !self.replicas.values().all(done) {
            return false;
        }
        core.instance_event(LogLevel::Warning, "+failover-end", self, &self.base, "");
        self.enter(core, FailoverState::UpdateConfig);
        true
    }

    pub(crate) fn failover_timeout_due(&self, _core: &Core, _member: Member) -> Option<Millis> {
        let waiting = match self.failover.state {
            FailoverState::SendReplicaofNoOne | FailoverState::WaitPromotion => true,
            FailoverState::ReconfReplicas => self.promoted_replica().is_some_and(Replica::is_up),
            _ => false,
        };
        waiting.then_some(self.failover.changed_at + self.options.failover_timeout_ms)
    }

    pub(crate) fn on_failover_timeout(&mut self, core: &mut Core, _member: Member) {
        if self.failover.state < FailoverState::ReconfReplicas {
            core.instance_event(LogLevel::Warning, "-failover-abort-slave-timeout", self, &self.base, "");
            return self.abort_failover(core);
        }
        core.instance_event(LogLevel::Warning, "+failover-end-for-timeout", self, &self.base, "");
        core.instance_event(LogLevel::Warning, "+failover-end", self, &self.base, "");
        self.enter(core, FailoverState::UpdateConfig);
        // Tell the rest too: best effort, nobody waits for it.
        let Some(target) = self.promoted_replica().map(|replica| replica.base.addr.clone()) else { return };
        let rest: Vec<u32> =
            self.replicas.iter().filter(|(_, r)| needs_turning(r)).map(|(n, _)| *n).collect();
        for number in rest {
            if self.can_be_told(core, Member::Replica(number)) {
                self.turn_replica(core, number, &target, "+slave-reconf-sent-be");
            }
        }
    }

    /// From now on the promoted replica is what this name means.
    fn switch_to_promoted(&mut self, core: &mut Core) {
        let to = self.promoted_replica().map_or(&self.base.addr, |replica| &replica.base.addr).clone();
        self.switch_event(core, &to);
        self.change_address(core, to);
    }

    pub(crate) fn switch_event(&self, core: &mut Core, to: &Addr) {
        let from = &self.base.addr;
        let message = format!(
            "{} {} {} {} {}",
            self.name(),
            core.announced(from),
            from.port,
            core.announced(to),
            to.port
        );
        core.group_event(LogLevel::Warning, "+switch-master", self, message);
    }

    // --- commands ------------------------------------------------------------------------------------------

    /// Makes an instance follow `target`, or nobody, as one transaction: change, remember it in its configuration
    /// file, and drop its clients so that they ask again who the master is.
    pub(crate) fn send_replicaof(&mut self, core: &mut Core, member: Member, target: Option<&Addr>) {
        let Some(instance) = self.instance(member) else { return };
        let key = instance.link;
        let (host, port) = match target {
            None => ("NO".to_owned(), "ONE".to_owned()),
            Some(addr) => (core.announced(addr).to_owned(), addr.port.to_string()),
        };
        let word = |command| self.options.renamed(command).as_bytes();
        let commands: [&[&[u8]]; 6] = [
            &[word("MULTI")],
            &[word("SLAVEOF"), host.as_bytes(), port.as_bytes()],
            &[word("CONFIG"), b"REWRITE"],
            &[word("CLIENT"), b"KILL", b"TYPE", b"normal"],
            &[word("CLIENT"), b"KILL", b"TYPE", b"pubsub"],
            &[word("EXEC")],
        ];
        for command in commands {
            core.send(key, LinkKind::Command, command, Pending::Discard);
        }
        self.send_info(core, member);
    }

    /// Runs the script that tells clients about a new master.
    pub(crate) fn run_reconfig_script(&self, core: &mut Core, role: &str, from: &Addr, to: &Addr) {
        let Some(script) = &self.options.client_reconfig_script else { return };
        let (from_port, to_port) = (from.port.to_string(), to.port.to_string());
        let words =
            [self.name(), role, "start", core.announced(from), &from_port, core.announced(to), &to_port];
        let mut argv = vec![script.clone()];
        argv.extend(words.iter().map(|word| word.as_bytes().to_vec()));
        core.scripts.schedule(argv);
    }
}

/// Whether a replica has still to be told about the new master.
fn needs_turning(replica: &Replica) -> bool {
    !replica.promoted && replica.reconf == Reconf::None
}
