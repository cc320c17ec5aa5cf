//! Epochs, votes and the election of the Sentinel that carries out a failover.
//!
//! A Sentinel that wants to lead opens a new epoch and asks the others for their vote in it. Each votes once per
//! epoch, first come first served, and for every epoch newer than all it knows. Whoever has the majority of all
//! known Sentinels, and at least as many votes as the quorum, leads. The vote is on disk before anyone learns
//! it, our own included, so that no crash can make a Sentinel vote twice.

use std::collections::BTreeMap;

use crate::core::Core;
use crate::event::LogLevel;
use crate::ids::{Member, Millis};
use crate::instance::{FailoverState, Master};

/// A failover that we voted for someone else to lead counts as begun up to this much later, so that those who
/// will try next if it fails do not all try at once.
const MAX_DESYNC_MS: u64 = 1_000;
/// After split votes a new election starts between these bounds.
const RETRY_MIN_MS: u64 = 50;
const RETRY_SPREAD_MS: u64 = 450;

/// The state of an election.
struct Tally {
    /// Who has the votes it takes.
    winner: Option<String>,
    /// Nobody can get them any more.
    hopeless: bool,
}

impl Core {
    /// Takes over a newer epoch.
    pub(crate) fn observe_epoch(&mut self, master: &Master, epoch: u64) {
        if epoch > self.globals.current_epoch {
            self.globals.current_epoch = epoch;
            self.save();
            self.group_event(LogLevel::Warning, "+new-epoch", master, epoch.to_string());
        }
    }
}

impl Master {
    /// Votes for `candidate` if there was no vote in that epoch or a later one. Returns the last vote.
    pub(crate) fn vote(&mut self, core: &mut Core, epoch: u64, candidate: &str) -> (Option<String>, u64) {
        core.observe_epoch(self, epoch);
        if self.leader_epoch < epoch && core.globals.current_epoch <= epoch {
            self.leader = Some(candidate.to_owned());
            self.leader_epoch = core.globals.current_epoch;
            self.vote_save = core.save();
            let message = format!("{candidate} {}", self.leader_epoch);
            core.group_event(LogLevel::Warning, "+vote-for-leader", self, message);
            if candidate != core.globals.my_id {
                self.failover.attempted_at = Some(core.mono() + core.jitter(MAX_DESYNC_MS));
                self.failover.begin_at = None;
            }
        }
        (self.leader.clone(), self.leader_epoch)
    }

    /// Counts the votes of the failover's epoch, casting our own for whoever is ahead, or else for ourselves.
    fn tally(&mut self, core: &mut Core) -> Tally {
        let epoch = self.failover.epoch;
        let mut votes: BTreeMap<String, usize> = BTreeMap::new();
        let mut outstanding = 0;
        for peer in self.sentinels.values() {
            match &peer.leader {
                Some(leader) if peer.leader_epoch == epoch => *votes.entry(leader.clone()).or_default() += 1,
                _ if peer.base.s_down => {}
                _ => outstanding += 1,
            }
        }
        let ahead = votes.iter().max_by_key(|(_, count)| **count).map(|(leader, _)| leader.clone());
        let candidate = ahead.unwrap_or_else(|| core.globals.my_id.clone());
        let (mine, my_epoch) = self.vote(core, epoch, &candidate);
        if let Some(mine) = mine.filter(|_| my_epoch == epoch) {
            if core.save_done >= self.vote_save {
                *votes.entry(mine).or_default() += 1;
            } else {
                outstanding += 1;
            }
        }
        let needed = (self.voters() / 2 + 1).max(self.options.quorum as usize);
        let best = votes.values().copied().max().unwrap_or(0);
        let winner = votes.into_iter().find(|(_, count)| *count >= needed).map(|(leader, _)| leader);
        // If fewer Sentinels can be reached than it takes, an early retry would not help: that is not a split.
        let reachable = best + outstanding >= needed;
        let enough_alive = self.sentinels.values().filter(|peer| !peer.base.s_down).count() + 1 >= needed;
        let overtaken = core.globals.current_epoch > epoch;
        let hopeless = winner.is_none() && enough_alive && (!reachable || overtaken);
        Tally { winner, hopeless }
    }

    /// Opens an epoch and asks for votes.
    pub(crate) fn start_failover(&mut self, core: &mut Core) {
        core.globals.current_epoch += 1;
        let now = core.mono();
        let epoch = core.globals.current_epoch;
        core.group_event(LogLevel::Warning, "+new-epoch", self, epoch.to_string());
        core.instance_event(LogLevel::Warning, "+try-failover", self, &self.base, "");
        self.failover.state = FailoverState::WaitStart;
        self.failover.changed_at = now;
        self.failover.epoch = epoch;
        self.failover.attempted_at = Some(now + core.jitter(MAX_DESYNC_MS));
        self.failover.begin_at = None;
        self.failover.retry_at = None;
    }

    /// Asks every Sentinel that can be reached, whenever it was asked last.
    pub(crate) fn ask_everyone(&mut self, core: &mut Core) {
        let peers: Vec<Member> = self.sentinels.keys().map(|number| Member::Sentinel(*number)).collect();
        for peer in peers {
            if self.ask_due(core, peer).is_some() {
                self.ask_peer(core, peer);
            }
        }
    }

    /// Looks whether this Sentinel is elected. True if the failover went on or ended.
    pub(crate) fn check_election(&mut self, core: &mut Core) -> bool {
        let tally = self.tally(core);
        let elected = tally.winner.as_deref() == Some(&core.globals.my_id);
        if !elected && !self.failover.forced {
            if self.leader_epoch > self.failover.epoch {
                // We have promised our vote to someone with a newer epoch.
                self.on_election_timeout(core, Member::Master);
                return true;
            }
            if tally.hopeless && self.failover.retry_at.is_none() {
                self.failover.retry_at = Some(core.mono() + RETRY_MIN_MS + core.jitter(RETRY_SPREAD_MS));
            }
            return false;
        }
        core.instance_event(LogLevel::Warning, "+elected-leader", self, &self.base, "");
        if core.simulate.crash_after_election {
            core.crash();
        }
        self.enter(core, FailoverState::SelectReplica);
        core.instance_event(LogLevel::Warning, "+failover-state-select-slave", self, &self.base, "");
        true
    }

    pub(crate) fn retry_due(&self, _core: &Core, _member: Member) -> Option<Millis> {
        let waiting = self.failover.state == FailoverState::WaitStart && self.o_down;
        self.failover.retry_at.filter(|_| waiting)
    }

    /// Votes were split: tries again in a new epoch instead of waiting for twice the failover timeout.
    pub(crate) fn retry_election(&mut self, core: &mut Core, _member: Member) {
        core.instance_event(LogLevel::Warning, "-failover-abort-not-elected", self, &self.base, "");
        self.start_failover(core);
        self.ask_everyone(core);
    }

    pub(crate) fn election_timeout_due(&self, core: &Core, _member: Member) -> Option<Millis> {
        if self.failover.state != FailoverState::WaitStart || self.failover.forced {
            return None;
        }
        let timeout = core.periods.election_timeout.min(self.options.failover_timeout_ms);
        self.failover.attempted_at.map(|at| at + timeout)
    }

    pub(crate) fn on_election_timeout(&mut self, core: &mut Core, _member: Member) {
        core.instance_event(LogLevel::Warning, "-failover-abort-not-elected", self, &self.base, "");
        self.abort_failover(core);
    }
}
