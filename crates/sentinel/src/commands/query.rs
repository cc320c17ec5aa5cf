//! Subcommands that only look: masters, replicas, Sentinels, addresses, cached INFO, scripts.

use super::Call;
use crate::core::Core;
use crate::ids::{Member, Millis};
use crate::instance::{Instance, Master, Peer, Reconf, Replica};
use crate::machine::Sentinel;
use crate::reply::{Answer, Reply};
use crate::scripts::JobState;

pub(super) fn masters(sentinel: &mut Sentinel, _call: &Call<'_>) -> Answer {
    let describe = |master: &Master| describe(&sentinel.core, master, Member::Master);
    Reply::Array(sentinel.masters.values().map(describe).collect()).into()
}

pub(super) fn master(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    match sentinel.named_master(call) {
        Ok(id) => describe(&sentinel.core, sentinel.group(id), Member::Master).into(),
        Err(answer) => answer,
    }
}

pub(super) fn replicas(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let master = match sentinel.named_master(call) {
        Ok(id) => sentinel.group(id),
        Err(answer) => return answer,
    };
    let announced = master.replicas.iter().filter(|(_, replica)| replica.announced);
    let describe = |number: &u32| describe(&sentinel.core, master, Member::Replica(*number));
    Reply::Array(announced.map(|(number, _)| describe(number)).collect()).into()
}

pub(super) fn sentinels(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let master = match sentinel.named_master(call) {
        Ok(id) => sentinel.group(id),
        Err(answer) => return answer,
    };
    let describe = |number: &u32| describe(&sentinel.core, master, Member::Sentinel(*number));
    Reply::Array(master.sentinels.keys().map(describe).collect()).into()
}

pub(super) fn get_master_addr_by_name(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let Ok(id) = sentinel.named_master(call) else { return Reply::NullArray.into() };
    let addr = sentinel.group(id).current_addr();
    let host = sentinel.core.announced(addr);
    Reply::Array(vec![Reply::bulk(host), Reply::bulk(addr.port.to_string())]).into()
}

pub(super) fn info_cache(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let now = sentinel.core.mono();
    let entry = |instance: &Instance| {
        let age = instance.info.refreshed_at.map_or(0, |at| now.since(at));
        let text = instance.info.text.as_ref().map_or(Reply::Null, |text| Reply::bulk(text.clone()));
        Reply::Array(vec![Reply::Integer(signed(age)), text])
    };
    let mut items = Vec::new();
    let wanted = |master: &&Master| call.words[2..].contains(&master.name().as_bytes());
    for master in sentinel.masters.values().filter(wanted) {
        let replicas = master.replicas.values().map(|replica| &replica.base);
        items.push(Reply::bulk(master.name()));
        items.push(Reply::Array(std::iter::once(&master.base).chain(replicas).map(entry).collect()));
    }
    Reply::Array(items).into()
}

pub(super) fn pending_scripts(sentinel: &mut Sentinel, _call: &Call<'_>) -> Answer {
    let now = sentinel.core.mono();
    let jobs = sentinel.core.scripts.jobs().map(|job| {
        let argv = job.argv.iter().map(|word| Reply::bulk(word.clone())).collect();
        let (state, pid, time_name, time) = match job.state {
            JobState::Running { since, pid, .. } => ("running", pid, "run-time", now.since(since)),
            JobState::Scheduled { not_before } => {
                ("scheduled", 0, "run-delay", not_before.map_or(0, |at| at.since(now)))
            }
        };
        let mut fields = Fields(vec![(Reply::bulk("argv"), Reply::Array(argv))]);
        fields.add("flags", state);
        fields.add("pid", pid.to_string());
        fields.add(time_name, time.to_string());
        fields.add("retry-num", job.runs.to_string());
        Reply::Map(fields.0)
    });
    Reply::Array(jobs.collect()).into()
}

/// Fields of a description: all values are bulk strings.
struct Fields(Vec<(Reply, Reply)>);

impl Fields {
    fn add(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.push((Reply::bulk(name), Reply::Bulk(value.into())));
    }

    fn number(&mut self, name: &str, value: u64) {
        self.add(name, value.to_string());
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// All that is known about an instance, in Redis's order.
fn describe(core: &Core, master: &Master, member: Member) -> Reply {
    let instance = master.instance(member).expect("called for members of the group");
    let now = core.mono();
    let age = |at: Option<Millis>| at.map_or(0, |at| now.since(at));
    let link = core.links.get(instance.link);
    let mut out = Fields(Vec::new());
    out.add("name", instance.name.as_str());
    out.add("ip", core.announced(&instance.addr));
    out.number("port", instance.addr.port.into());
    out.add("runid", instance.run_id.as_deref().unwrap_or_default());
    out.add("flags", flags(core, master, member).join(","));
    out.number("link-pending-commands", link.pending_commands() as u64);
    out.number("link-refcount", link.users.len() as u64);
    if member == Member::Master && master.failover.in_progress() {
        out.add("failover-state", master.failover.state.as_str());
    }
    out.number("last-ping-sent", age(link.unanswered_since));
    out.number("last-ok-ping-reply", now.since(link.last_avail_at));
    out.number("last-ping-reply", now.since(link.last_pong_at));
    if instance.s_down {
        out.number("s-down-time", age(instance.s_down_since));
    }
    if member == Member::Master && master.o_down {
        out.number("o-down-time", age(master.o_down_since));
    }
    out.number("down-after-milliseconds", master.options.down_after_ms);
    if !matches!(member, Member::Sentinel(_)) {
        out.number("info-refresh", age(instance.info.refreshed_at));
        out.add("role-reported", instance.role.as_str());
        out.number("role-reported-time", now.since(instance.role_since));
    }
    match member {
        Member::Master => describe_master(&mut out, master),
        Member::Replica(number) => describe_replica(&mut out, &master.replicas[&number]),
        Member::Sentinel(number) => describe_sentinel(&mut out, &master.sentinels[&number], now),
    }
    Reply::Map(out.0)
}

fn describe_master(out: &mut Fields, master: &Master) {
    let options = &master.options;
    out.number("config-epoch", master.config_epoch);
    out.number("num-slaves", master.replicas.len() as u64);
    out.number("num-other-sentinels", master.sentinels.len() as u64);
    out.number("quorum", options.quorum.into());
    out.number("failover-timeout", options.failover_timeout_ms);
    out.number("parallel-syncs", options.parallel_syncs.into());
    if let Some(script) = &options.notification_script {
        out.add("notification-script", script.clone());
    }
    if let Some(script) = &options.client_reconfig_script {
        out.add("client-reconfig-script", script.clone());
    }
}

fn describe_replica(out: &mut Fields, replica: &Replica) {
    out.number("master-link-down-time", replica.master_link_down_ms);
    out.add("master-link-status", if replica.master_link_up { "ok" } else { "err" });
    out.add("master-host", replica.master_host.as_deref().unwrap_or("?"));
    out.number("master-port", replica.master_port.into());
    out.add("slave-priority", replica.priority.to_string());
    out.number("slave-repl-offset", replica.repl_offset);
    out.number("replica-announced", replica.announced.into());
}

fn describe_sentinel(out: &mut Fields, peer: &Peer, now: Millis) {
    out.number("last-hello-message", now.since(peer.last_hello_at));
    out.add("voted-leader", peer.leader.as_deref().unwrap_or("?"));
    out.number("voted-leader-epoch", peer.leader_epoch);
}

fn flags(core: &Core, master: &Master, member: Member) -> Vec<&'static str> {
    let instance = master.instance(member).expect("called for members of the group");
    let is_master = member == Member::Master;
    let replica = if let Member::Replica(number) = member { master.replicas.get(&number) } else { None };
    let peer = if let Member::Sentinel(number) = member { master.sentinels.get(&number) } else { None };
    let reconf = replica.map_or(Reconf::None, |replica| replica.reconf);
    let all = [
        ("s_down", instance.s_down),
        ("o_down", is_master && master.o_down),
        (instance.kind(), true),
        ("disconnected", master.is_disconnected(core, member)),
        ("master_down", peer.is_some_and(|peer| peer.master_down)),
        ("failover_in_progress", is_master && master.failover.in_progress()),
        ("promoted", replica.is_some_and(|replica| replica.promoted)),
        ("reconf_sent", reconf == Reconf::Sent),
        ("reconf_inprog", reconf == Reconf::InProgress),
        ("reconf_done", reconf == Reconf::Done),
        ("force_failover", is_master && master.failover.forced),
        ("script_kill_sent", instance.script_kill_sent),
        ("master_reboot", is_master && master.rebooted_at.is_some()),
    ];
    all.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag).collect()
}
