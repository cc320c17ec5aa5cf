//! Groups: who joins, who leaves, and what is left after a reset or a change of master.

use crate::addr::{Addr, Same, is_ip};
use crate::core::Core;
use crate::event::LogLevel;
use crate::ids::{InstanceId, Millis};
use crate::instance::{FailoverState, InfoCache, Instance, Master, Peer, Replica, Role};

/// Whether someone is known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Yes,
    No,
    /// A name has to be looked up first.
    Unknown,
}

impl Core {
    /// Whether an instance can be there at all: a name is of no use if names are not resolved.
    pub(crate) fn accepts_host(&self, host: &str) -> bool {
        is_ip(host) || (self.names.enabled && !host.is_empty())
    }

    fn new_instance(&mut self, id: InstanceId, name: String, addr: Addr) -> Instance {
        self.names.want(&addr.host);
        let link = self.links.create(id, self.mono());
        self.touched.insert(id.master);
        Instance::new(id, name, addr, link, self.mono())
    }

    /// The record of a master without its group.
    pub(crate) fn new_master_instance(
        &mut self,
        id: InstanceId,
        name: &str,
        host: &str,
        port: u16,
    ) -> Instance {
        let addr = Addr::new(host, port, &self.names);
        self.new_instance(id, name.to_owned(), addr)
    }
}

impl Master {
    // --- replicas ------------------------------------------------------------------------------------------

    /// Whether a replica at that place is known.
    pub(crate) fn find_replica(&self, core: &Core, host: &str, port: u16) -> Found {
        let at = |replica: &Replica| replica.base.addr.is_at(host, port, &core.names);
        let places: Vec<Same> = self.replicas.values().map(at).collect();
        if places.contains(&Same::Yes) {
            Found::Yes
        } else if places.contains(&Same::Unknown) {
            Found::Unknown
        } else {
            Found::No
        }
    }

    /// Adds a replica; `None` if its address cannot be used.
    pub(crate) fn add_replica(&mut self, core: &mut Core, host: &str, port: u16) -> Option<u32> {
        if !core.accepts_host(host) {
            return None;
        }
        let addr = Addr::new(host, port, &core.names);
        Some(self.add_replica_at(core, addr))
    }

    fn add_replica_at(&mut self, core: &mut Core, addr: Addr) -> u32 {
        let number = self.fresh_number();
        let id = InstanceId::replica(self.id, number);
        let name = addr.with_port(core.globals.announce_hostnames);
        let base = core.new_instance(id, name, addr);
        self.replicas.insert(number, Replica::new(base, core.mono()));
        number
    }

    // --- Sentinels -----------------------------------------------------------------------------------------

    /// Adds a Sentinel; `None` if its address cannot be used.
    pub(crate) fn add_sentinel(
        &mut self,
        core: &mut Core,
        host: &str,
        port: u16,
        run_id: &str,
    ) -> Option<u32> {
        if !core.accepts_host(host) {
            return None;
        }
        let number = self.fresh_number();
        let id = InstanceId::sentinel(self.id, number);
        let addr = Addr::new(host, port, &core.names);
        let mut base = core.new_instance(id, run_id.to_owned(), addr);
        base.run_id = Some(run_id.to_owned());
        self.sentinels.insert(number, Peer::new(base, core.mono()));
        Some(number)
    }

    pub(crate) fn remove_sentinel(&mut self, core: &mut Core, number: u32) {
        if let Some(peer) = self.sentinels.remove(&number) {
            core.release_link(peer.base.link, peer.base.id);
        }
    }

    // --- resets --------------------------------------------------------------------------------------------

    /// Lets the whole group go.
    pub(crate) fn release(&mut self, core: &mut Core) {
        for member in self.members() {
            let instance = self.instance(member).expect("from the list of members");
            core.release_link(instance.link, instance.id);
        }
    }

    fn clear_replicas(&mut self, core: &mut Core) {
        for replica in std::mem::take(&mut self.replicas).into_values() {
            core.release_link(replica.base.link, replica.base.id);
        }
    }

    /// SENTINEL RESET: forgets replicas, Sentinels and any failover, and starts to discover anew.
    pub(crate) fn reset(&mut self, core: &mut Core) {
        for number in self.sentinels.keys().copied().collect::<Vec<_>>() {
            self.remove_sentinel(core, number);
        }
        self.reset_but_sentinels(core);
        core.instance_event(LogLevel::Warning, "+reset-master", self, &self.base, "");
    }

    fn reset_but_sentinels(&mut self, core: &mut Core) {
        let now = core.mono();
        self.clear_replicas(core);
        core.close_both(self.base.link);
        self.base.s_down = false;
        self.base.script_kill_sent = false;
        self.base.run_id = None;
        self.base.role = Role::Master;
        self.base.role_since = now;
        self.base.info = InfoCache::default();
        self.base.hello_published_at = None;
        self.base.hello_sent_at = None;
        self.o_down = false;
        self.rebooted_at = None;
        self.leader = None;
        self.failover.state = FailoverState::None;
        self.failover.changed_at = Millis(0);
        self.failover.forced = false;
        self.failover.promoted = None;
        self.failover.attempted_at = None;
        self.failover.begin_at = None;
        core.links.get_mut(self.base.link).reset_life_signs(now);
    }

    /// Another instance is the master of this name now; the old one and all replicas are its replicas.
    pub(crate) fn change_address(&mut self, core: &mut Core, to: Addr) {
        let mut others: Vec<Addr> = self.replicas.values().map(|replica| replica.base.addr.clone()).collect();
        others.push(self.base.addr.clone());
        others.retain(|addr| !addr.same_place(&to));
        self.reset_but_sentinels(core);
        core.names.want(&to.host);
        self.base.addr = to;
        self.moves += 1;
        for peer in self.sentinels.values_mut() {
            // They spoke of the old master.
            peer.master_down = false;
            peer.leader = None;
            peer.answered_at = None;
            peer.asked_at = None;
        }
        self.base.s_down_since = None;
        self.o_down_since = None;
        // The new place has not been tried yet.
        core.links.get_mut(self.base.link).last_attempt = None;
        let mut added: Vec<Addr> = Vec::new();
        for addr in others {
            if !added.iter().any(|other| other.same_place(&addr)) {
                added.push(addr.clone());
                let number = self.add_replica_at(core, addr);
                let replica = &self.replicas[&number].base;
                core.instance_event(LogLevel::Notice, "+slave", self, replica, "");
            }
        }
        core.touched.insert(self.id);
        core.save();
    }

    /// Tells everyone in the group about us and the master now, not at the next regular time.
    pub(crate) fn hello_at_once(&mut self) {
        for member in self.members() {
            let instance = self.instance_mut(member).expect("from the list of members");
            instance.hello_published_at = None;
            instance.hello_sent_at = None;
        }
    }
}
