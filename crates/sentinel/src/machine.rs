//! The machine: where inputs come in, outputs leave and time is kept.

use std::collections::{BTreeMap, BTreeSet};

use crate::addr::Addr;
use crate::config::{Config, KnownSentinel, MasterConfig, MasterOptions, RewriteLine, ServerFacts};
use crate::core::Core;
use crate::event::LogLevel;
use crate::ids::{InstanceId, MasterId, Millis, Now};
use crate::instance::Master;
use crate::io::{Input, Output};

/// A Sentinel. See the crate's documentation for how to drive it.
pub struct Sentinel {
    pub(crate) core: Core,
    pub(crate) masters: BTreeMap<MasterId, Master>,
    last_master: u32,
    /// When each group wants to be settled next.
    due: BTreeMap<MasterId, Millis>,
    queue: BTreeSet<(Millis, MasterId)>,
}

impl Sentinel {
    /// A Sentinel that begins to watch the configured masters. `seed` is for run id and random delays.
    pub fn new(config: Config, server: ServerFacts, seed: u64, now: Now) -> Sentinel {
        let (core, fresh_id) = Core::new(&config, server, seed, now);
        let (due, queue) = (BTreeMap::new(), BTreeSet::new());
        let mut sentinel = Sentinel { core, masters: BTreeMap::new(), last_master: 0, due, queue };
        sentinel.core.names.set_now(now.mono);
        if fresh_id {
            sentinel.core.save();
        }
        let id_line = format!("Sentinel ID is {}", sentinel.core.globals.my_id);
        sentinel.core.log(LogLevel::Notice, id_line);
        for master in config.masters {
            sentinel.add_configured(master);
        }
        for master in sentinel.masters.values() {
            announce_monitor(&mut sentinel.core, master);
        }
        sentinel.finish();
        sentinel
    }

    /// Takes note of something that happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.begin(now);
        match input {
            Input::Connected { link, local_ip } => self.on_connected(link, local_ip),
            Input::ConnectFailed { link, error } => self.on_connect_failed(link, &error),
            Input::Closed { link } => self.on_closed(link),
            Input::Frame { link, frame } => self.on_frame(link, frame),
            Input::Resolved { name, ip } => self.on_resolved(&name, ip),
            Input::Saved { save } => self.on_save_done(save, None),
            Input::SaveFailed { save, error } => self.on_save_done(save, Some(error)),
            Input::ScriptStarted { script, pid } => self.core.on_script_started(script, pid),
            Input::ScriptEnded { script, end } => self.core.on_script_ended(script, end),
        }
        self.finish();
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        self.begin(now);
        self.finish();
    }

    /// What the driver has to do next, oldest first.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.core.outputs.pop_front()
    }

    /// When [`Sentinel::handle_timeout`] wants to be called, in monotonic time.
    pub fn poll_timeout(&self) -> Option<Millis> {
        let group = self.queue.first().map(|(at, _)| *at);
        let tilt = self.core.tilt_since.map(|since| since + self.core.periods.tilt);
        let scripts = self.core.scripts.deadline(self.core.periods.script_max_runtime);
        [group, tilt, scripts].into_iter().flatten().min()
    }

    /// The run id of this Sentinel.
    pub fn my_id(&self) -> &str {
        &self.core.globals.my_id
    }
}

/// The event that tells which master is being watched.
fn announce_monitor(core: &mut Core, master: &Master) {
    let quorum = format!(" quorum {}", master.options.quorum);
    core.instance_event(LogLevel::Warning, "+monitor", master, &master.base, &quorum);
}

impl Sentinel {
    // --- turns ---------------------------------------------------------------------------------------------

    /// Takes the time, and notices if too much of it was lost.
    pub(crate) fn begin(&mut self, now: Now) {
        let overdue = self.poll_timeout().map_or(0, |at| now.mono.since(at));
        // A clock that runs backwards stands still.
        self.core.now = Now { mono: now.mono.max(self.core.now.mono), wall: now.wall };
        self.core.names.set_now(self.core.now.mono);
        if overdue > self.core.periods.tilt_trigger {
            self.core.tilt_since = Some(self.core.now.mono);
            self.core.event(LogLevel::Warning, "+tilt", "#tilt mode entered");
            self.touch_all();
        }
    }

    /// Lets everything that became possible happen.
    pub(crate) fn finish(&mut self) {
        let now = self.core.mono();
        if self.core.tilt_since.is_some_and(|since| now >= since + self.core.periods.tilt) {
            self.core.tilt_since = None;
            self.core.event(LogLevel::Warning, "-tilt", "#tilt mode exited");
            self.touch_all();
        }
        while let Some((at, id)) = self.queue.first().copied().filter(|(at, _)| *at <= now) {
            self.queue.remove(&(at, id));
            self.due.remove(&id);
            self.core.touched.insert(id);
        }
        while let Some(id) = self.core.touched.pop_first() {
            if let Some(master) = self.masters.get_mut(&id) {
                master.settle(&mut self.core);
            }
            self.schedule(id);
        }
        for name in self.core.names.take_questions() {
            self.core.outputs.push_back(Output::Resolve { name });
        }
        self.core.run_scripts();
    }

    /// Enters when a group wants to be settled next.
    fn schedule(&mut self, id: MasterId) {
        if let Some(at) = self.due.remove(&id) {
            self.queue.remove(&(at, id));
        }
        if let Some(at) = self.masters.get(&id).and_then(|master| master.next_due(&self.core)) {
            self.due.insert(id, at);
            self.queue.insert((at, id));
        }
    }

    /// All groups have to be looked at again: a setting changed that concerns them.
    pub(crate) fn touch_all(&mut self) {
        self.core.touched.extend(self.masters.keys());
    }

    // --- masters -------------------------------------------------------------------------------------------

    /// Begins to watch a master.
    pub(crate) fn add_master(
        &mut self,
        name: &str,
        host: &str,
        port: u16,
        options: MasterOptions,
    ) -> MasterId {
        self.last_master += 1;
        let id = MasterId(self.last_master);
        let base = self.core.new_master_instance(InstanceId::master(id), name, host, port);
        self.masters.insert(id, Master::new(id, base, options));
        id
    }

    /// Tells that a master is being watched.
    pub(crate) fn announce_monitor(&mut self, id: MasterId) {
        announce_monitor(&mut self.core, &self.masters[&id]);
    }

    /// Stops watching a master.
    pub(crate) fn remove_master(&mut self, id: MasterId) {
        if let Some(mut master) = self.masters.remove(&id) {
            master.release(&mut self.core);
            self.schedule(id);
        }
    }

    fn add_configured(&mut self, config: MasterConfig) {
        let id = self.add_master(&config.name, &config.host, config.port, config.options);
        let core = &mut self.core;
        let master = self.masters.get_mut(&id).expect("just added");
        master.config_epoch = config.config_epoch;
        master.leader_epoch = config.leader_epoch;
        for (host, port) in config.replicas {
            let addr = Addr::new(&host, port, &core.names);
            if !addr.same_place(&master.base.addr) {
                master.add_replica(core, &host, port);
            }
        }
        for known in config.sentinels {
            self.add_known_sentinel(id, &known);
        }
    }

    fn add_known_sentinel(&mut self, id: MasterId, known: &KnownSentinel) {
        let master = self.masters.get_mut(&id).expect("called for masters that exist");
        if known.run_id == self.core.globals.my_id || master.sentinel_by_run_id(&known.run_id).is_some() {
            return;
        }
        if let Some(number) = master.add_sentinel(&mut self.core, &known.host, known.port, &known.run_id) {
            self.share_link(id, number);
        }
    }

    // --- persistence ---------------------------------------------------------------------------------------

    /// The configuration as it is now, with all that has to be remembered.
    pub fn to_config(&self) -> Config {
        let globals = &self.core.globals;
        Config {
            my_id: Some(globals.my_id.clone()),
            current_epoch: globals.current_epoch,
            deny_scripts_reconfig: globals.deny_scripts_reconfig,
            resolve_hostnames: self.core.names.enabled,
            announce_hostnames: globals.announce_hostnames,
            announce_ip: globals.announce_ip.clone(),
            announce_port: globals.announce_port,
            sentinel_user: globals.sentinel_user.clone(),
            sentinel_pass: globals.sentinel_pass.clone(),
            masters: self.masters.values().map(|master| self.master_config(master)).collect(),
        }
    }

    /// The directives to be written to the configuration file; see [`crate::merge_into`].
    pub fn rewrite_lines(&self) -> Vec<RewriteLine> {
        self.to_config().lines()
    }

    fn master_config(&self, master: &Master) -> MasterConfig {
        // Names are remembered as names: they are what an instance is known by. If they have been switched off,
        // a file with names could not be read again.
        let place = |addr: &Addr| {
            let host = addr.announced(self.core.names.enabled);
            (host.to_owned(), addr.port)
        };
        let current = master.current_addr();
        let mut replicas = Vec::new();
        for replica in master.replicas.values() {
            // During a failover the promoted replica is the master already, and the old master a replica.
            let promoted = replica.base.addr.same_place(current);
            let replica = place(if promoted { &master.base.addr } else { &replica.base.addr });
            if !replicas.contains(&replica) {
                replicas.push(replica);
            }
        }
        let sentinels = master.sentinels.values().filter_map(|peer| {
            let (host, port) = place(&peer.base.addr);
            Some(KnownSentinel { host, port, run_id: peer.base.run_id.clone()? })
        });
        let (host, port) = place(current);
        MasterConfig {
            name: master.name().to_owned(),
            host,
            port,
            options: master.options.clone(),
            config_epoch: master.config_epoch,
            leader_epoch: master.leader_epoch,
            replicas,
            sentinels: sentinels.collect(),
        }
    }
}
