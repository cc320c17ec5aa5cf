//! Subcommands that act: monitor, remove, reset, failover, votes, checks.

use redan_resp::glob::glob_match;
use redan_resp::parse_i64;

use super::Call;
use crate::addr::{Addr, Same};
use crate::config::MasterOptions;
use crate::core::SimulatedFailures;
use crate::event::LogLevel;
use crate::ids::MasterId;
use crate::machine::Sentinel;
use crate::reply::{Answer, Reply};

const NOT_AN_INTEGER: &str = "value is not an integer or out of range";

pub(super) fn ckquorum(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let master = match sentinel.named_master(call) {
        Ok(id) => sentinel.group(id),
        Err(answer) => return answer,
    };
    let usable = 1 + master.sentinels.values().filter(|peer| !peer.base.s_down).count();
    let no_quorum = usable < master.options.quorum as usize;
    let no_majority = usable < master.voters() / 2 + 1;
    if !no_quorum && !no_majority {
        let text = format!("OK {usable} usable Sentinels. Quorum and failover authorization can be reached");
        return Reply::Simple(text).into();
    }
    let reasons = [
        (no_quorum, "Not enough available Sentinels to reach the specified quorum for this master"),
        (no_majority, "Not enough available Sentinels to reach the majority and authorize a failover"),
    ];
    let reasons: Vec<&str> =
        reasons.into_iter().filter(|(applies, _)| *applies).map(|(_, why)| why).collect();
    Reply::Error(format!("NOQUORUM {usable} usable Sentinels. {}", reasons.join(". "))).into()
}

pub(super) fn failover(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let id = match sentinel.named_master(call) {
        Ok(id) => id,
        Err(answer) => return answer,
    };
    let core = &mut sentinel.core;
    let master = sentinel.masters.get_mut(&id).expect("found by name");
    if master.failover.in_progress() {
        return Reply::Error("INPROG Failover already in progress".into()).into();
    }
    if master.best_replica(core).is_none() {
        return Reply::Error("NOGOODSLAVE No suitable replica to promote".into()).into();
    }
    core.log(LogLevel::Notice, format!("Executing user requested FAILOVER of '{}'", master.name()));
    master.force_failover(core);
    core.touched.insert(id);
    Answer::ok()
}

pub(super) fn monitor(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let Some(quorum) = parse_i64(call.words[5]) else { return Answer::error("Invalid quorum") };
    let Some(port) = parse_i64(call.words[4]) else { return Answer::error("Invalid port") };
    let Ok(quorum @ 1..) = u32::try_from(quorum) else {
        return Answer::error("Quorum must be 1 or greater.");
    };
    let (name, host) = (call.text(2), call.text(3));
    if !sentinel.core.accepts_host(host) {
        return Answer::error("Invalid IP address or hostname specified");
    }
    let Ok(port) = u16::try_from(port) else { return Answer::error("Invalid port number.") };
    if name.is_empty() {
        return Answer::error("Invalid master name");
    }
    if sentinel.master_by_name(name).is_some() {
        return Answer::error("Duplicate master name.");
    }
    let mut options = MasterOptions::with_quorum(quorum);
    options.down_after_ms = sentinel.core.periods.default_down_after;
    options.failover_timeout_ms = sentinel.core.periods.default_failover_timeout;
    let id = sentinel.add_master(name, host, port, options);
    let answer = sentinel.answer_after_save();
    sentinel.announce_monitor(id);
    answer
}

pub(super) fn remove(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let id = match sentinel.named_master(call) {
        Ok(id) => id,
        Err(answer) => return answer,
    };
    let master = &sentinel.masters[&id];
    sentinel.core.instance_event(LogLevel::Warning, "-monitor", master, &master.base, "");
    sentinel.remove_master(id);
    sentinel.answer_after_save()
}

pub(super) fn reset(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let mut count = 0;
    for master in sentinel.masters.values_mut() {
        if glob_match(call.words[2], master.name().as_bytes(), false) {
            master.reset(&mut sentinel.core);
            sentinel.core.touched.insert(master.id);
            count += 1;
        }
    }
    Reply::Integer(count).into()
}

/// Another Sentinel asks whether a master is down, and perhaps for our vote. The vote is given when it is on disk.
pub(super) fn is_master_down_by_addr(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let (Some(port), Some(epoch)) = (parse_i64(call.words[3]), parse_i64(call.words[4])) else {
        return Answer::error(NOT_AN_INTEGER);
    };
    let Some(id) = sentinel.master_by_addr(call.text(2), port) else {
        return down_reply(false, None, 0).into();
    };
    let core = &mut sentinel.core;
    let master = sentinel.masters.get_mut(&id).expect("just found");
    let down = core.tilt_since.is_none() && master.base.s_down;
    let candidate = call.text(5);
    if candidate == "*" || candidate.is_empty() {
        return down_reply(down, None, 0).into();
    }
    core.touched.insert(id);
    let (leader, leader_epoch) = master.vote(core, u64::try_from(epoch).unwrap_or(0), candidate);
    let reply = down_reply(down, leader.as_deref(), leader_epoch);
    if core.save_done >= master.vote_save {
        return reply.into();
    }
    // If the disk fails, the vote counts all the same: a quorum that cannot vote helps nobody.
    Answer::AfterSave { save: master.vote_save, saved: reply.clone(), failed: reply }
}

fn down_reply(down: bool, leader: Option<&str>, epoch: u64) -> Reply {
    Reply::Array(vec![
        Reply::Integer(down.into()),
        Reply::bulk(leader.unwrap_or("*")),
        Reply::Integer(i64::try_from(epoch).unwrap_or(i64::MAX)),
    ])
}

pub(super) fn simulate_failure(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let mut simulate = SimulatedFailures::default();
    for word in &call.words[2..] {
        let what = match word.to_ascii_lowercase().as_slice() {
            b"crash-after-election" => {
                simulate.crash_after_election = true;
                "being successfully elected as failover leader"
            }
            b"crash-after-promotion" => {
                simulate.crash_after_promotion = true;
                "promoting the selected replica to master"
            }
            b"help" => {
                let names = ["crash-after-election", "crash-after-promotion"];
                return Reply::Array(names.map(Reply::bulk).to_vec()).into();
            }
            _ => return Answer::error("Unknown failure simulation specified"),
        };
        let text = format!("Failure simulation: this Sentinel will crash after {what}");
        sentinel.core.log(LogLevel::Warning, text);
    }
    sentinel.core.simulate = simulate;
    Answer::ok()
}

impl Sentinel {
    /// The master at that address: the one another Sentinel speaks of, whatever its name here.
    fn master_by_addr(&mut self, host: &str, port: i64) -> Option<MasterId> {
        let port = u16::try_from(port).ok()?;
        self.core.names.want(host);
        let at = |addr: &Addr| addr.is_at(host, port, &self.core.names) == Same::Yes;
        self.masters.values().find(|master| at(&master.base.addr)).map(|master| master.id)
    }
}
