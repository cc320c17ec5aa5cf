//! Hello messages: how Sentinels find each other and agree on the newest configuration.
//!
//! Every two seconds each Sentinel publishes one on the channel `__sentinel__:hello` of every master and replica,
//! and sends it to every Sentinel it knows: eight fields separated by commas,
//! `ip,port,run id,current epoch,master name,master ip,master port,config epoch`.

use crate::addr::{Addr, Same};
use crate::config::{leading_int, leading_uint};
use crate::core::Core;
use crate::event::LogLevel;
use crate::ids::{InstanceId, MasterId, Member};
use crate::instance::{FailoverState, Master};
use crate::io::LinkKind;
use crate::link::Pending;
use crate::machine::Sentinel;

/// The channel.
pub(crate) const HELLO_CHANNEL: &str = "__sentinel__:hello";

/// A hello message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) run_id: String,
    pub(crate) current_epoch: u64,
    pub(crate) master_name: String,
    pub(crate) master_host: String,
    pub(crate) master_port: u16,
    pub(crate) config_epoch: u64,
}

impl Hello {
    /// Reads a message; `None` if it is not one.
    pub(crate) fn parse(payload: &[u8]) -> Option<Hello> {
        let text = std::str::from_utf8(payload).ok()?;
        let fields: Vec<&str> = text.split(',').collect();
        let [host, port, run_id, epoch, name, master_host, master_port, config_epoch] = fields[..] else {
            return None;
        };
        let port_of = |field: &str| u16::try_from(leading_int(field.as_bytes())).ok();
        Some(Hello {
            host: host.to_owned(),
            port: port_of(port)?,
            run_id: run_id.to_owned(),
            current_epoch: leading_uint(epoch.as_bytes()),
            master_name: name.to_owned(),
            master_host: master_host.to_owned(),
            master_port: port_of(master_port)?,
            config_epoch: leading_uint(config_epoch.as_bytes()),
        })
    }

    /// The message.
    pub(crate) fn encode(&self) -> String {
        format!(
            "{},{},{},{},{},{},{},{}",
            self.host,
            self.port,
            self.run_id,
            self.current_epoch,
            self.master_name,
            self.master_host,
            self.master_port,
            self.config_epoch
        )
    }
}

impl Master {
    /// Publishes our hello at a member.
    pub(crate) fn send_hello(&mut self, core: &mut Core, member: Member) {
        let now = core.mono();
        let instance = self.instance_mut(member).expect("timers fire for members only");
        instance.hello_sent_at = Some(now);
        let (id, key) = (instance.id, instance.link);
        let local_ip = core.links.get(key).command.as_ref().and_then(|conn| conn.local_ip.clone());
        let globals = &core.globals;
        let Some(host) = globals.announce_ip.clone().or(local_ip) else { return };
        let port = if globals.announce_port != 0 { globals.announce_port } else { globals.server.port };
        let addr = self.current_addr();
        let hello = Hello {
            host,
            port,
            run_id: globals.my_id.clone(),
            current_epoch: globals.current_epoch,
            master_name: self.name().to_owned(),
            master_host: core.announced(addr).to_owned(),
            master_port: addr.port,
            config_epoch: self.config_epoch,
        };
        let command = self.options.renamed("PUBLISH").as_bytes();
        let words = [command, HELLO_CHANNEL.as_bytes(), hello.encode().as_bytes()].map(<[u8]>::to_vec);
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        core.send(key, LinkKind::Command, &words, Pending::Publish(id));
    }
}

impl Sentinel {
    /// Takes in a hello message, whichever way it came.
    pub(crate) fn on_hello(&mut self, payload: &[u8]) {
        let Some(hello) = Hello::parse(payload) else { return };
        if hello.run_id == self.core.globals.my_id {
            return;
        }
        let Some(id) = self.master_by_name(&hello.master_name) else { return };
        self.core.touched.insert(id);
        self.core.names.want(&hello.host);
        self.core.names.want(&hello.master_host);
        let Some(known) = self.note_sentinel(id, &hello) else { return };
        let core = &mut self.core;
        let master = self.masters.get_mut(&id).expect("found above");
        core.observe_epoch(master, hello.current_epoch);
        master.note_config(core, known, &hello);
        if let Some(peer) = master.sentinels.get_mut(&known) {
            peer.last_hello_at = core.now.mono;
        }
    }

    /// The number of the Sentinel that sent a hello; a new one is added, one that moved is moved.
    fn note_sentinel(&mut self, id: MasterId, hello: &Hello) -> Option<u32> {
        let core = &mut self.core;
        let master = self.masters.get_mut(&id)?;
        let known = master.sentinel_by_run_id(&hello.run_id);
        if let Some(number) = known {
            let at = master.sentinels[&number].base.addr.is_at(&hello.host, hello.port, &core.names);
            if at != Same::No || !core.accepts_host(&hello.host) {
                return known;
            }
            let more = format!(" ip {} port {} for {}", hello.host, hello.port, hello.run_id);
            core.instance_event(LogLevel::Notice, "+sentinel-address-switch", master, &master.base, &more);
            master.remove_sentinel(core, number);
        } else {
            self.remove_usurped(id, hello);
        }
        let core = &mut self.core;
        let master = self.masters.get_mut(&id)?;
        let number = master.add_sentinel(core, &hello.host, hello.port, &hello.run_id)?;
        if known.is_none() {
            core.instance_event(LogLevel::Notice, "+sentinel", master, &master.sentinels[&number].base, "");
        }
        core.save();
        if known.is_some() {
            self.move_sentinel_everywhere(id, number, &hello.run_id);
        }
        self.share_link(id, number);
        Some(number)
    }

    /// A new Sentinel announces the address of a known one: that one is gone, from all masters.
    fn remove_usurped(&mut self, id: MasterId, hello: &Hello) {
        let core = &mut self.core;
        let Some(master) = self.masters.get(&id) else { return };
        let same = |peer: &&crate::instance::Peer| {
            peer.base.addr.is_at(&hello.host, hello.port, &core.names) == Same::Yes
        };
        let Some(other) = master.sentinels.values().find(same) else { return };
        let obsolete = other.base.name.clone();
        core.instance_event(LogLevel::Notice, "+sentinel-invalid-addr", master, &other.base, "");
        for master in self.masters.values_mut() {
            if let Some(number) = master.sentinel_by_run_id(&obsolete) {
                master.remove_sentinel(core, number);
                core.touched.insert(master.id);
            }
        }
    }

    /// Gives the same Sentinel its new address in the groups of all other masters.
    fn move_sentinel_everywhere(&mut self, id: MasterId, number: u32, run_id: &str) {
        let core = &mut self.core;
        let addr = self.masters[&id].sentinels[&number].base.addr.clone();
        let mut moved = 0;
        for master in self.masters.values_mut().filter(|master| master.id != id) {
            let Some(other) = master.sentinel_by_run_id(run_id) else { continue };
            let peer = master.sentinels.get_mut(&other).expect("just found");
            peer.base.addr = addr.clone();
            core.close_both(peer.base.link);
            core.links.get_mut(peer.base.link).last_attempt = None;
            moved += 1;
        }
        if moved > 0 {
            let master = &self.masters[&id];
            let more = format!(" {moved} additional matching instances");
            let peer = &master.sentinels[&number].base;
            core.instance_event(LogLevel::Notice, "+sentinel-address-update", master, peer, &more);
        }
    }

    /// Lets a Sentinel that is known from another master use that connection instead of a new one.
    pub(crate) fn share_link(&mut self, id: MasterId, number: u32) {
        let Some(run_id) = self.masters[&id].sentinels[&number].base.run_id.clone() else { return };
        let others = self.masters.values().filter(|master| master.id != id);
        let same =
            others.filter_map(|m| m.sentinel_by_run_id(&run_id).map(|n| m.sentinels[&n].base.link)).next();
        let Some(link) = same else { return };
        let user = InstanceId::sentinel(id, number);
        let base = &mut self.masters.get_mut(&id).expect("indexed above").sentinels.get_mut(&number);
        let base = &mut base.as_mut().expect("indexed above").base;
        let own = std::mem::replace(&mut base.link, link);
        self.core.links.share(link, user);
        self.core.release_link(own, user);
    }

    /// The master of that name.
    pub(crate) fn master_by_name(&self, name: &str) -> Option<MasterId> {
        self.masters.values().find(|master| master.name() == name).map(|master| master.id)
    }
}

impl Master {
    /// Follows a newer configuration: someone has failed the master over.
    fn note_config(&mut self, core: &mut Core, from: u32, hello: &Hello) {
        if hello.config_epoch <= self.config_epoch {
            return;
        }
        match self.base.addr.is_at(&hello.master_host, hello.master_port, &core.names) {
            // The same message comes again in two seconds, when the name is known.
            Same::Unknown => return,
            Same::Yes => return self.note_confirmation(core, from, hello.config_epoch),
            Same::No => {}
        }
        if !core.accepts_host(&hello.master_host) {
            return;
        }
        self.config_epoch = hello.config_epoch;
        let to = Addr::new(&hello.master_host, hello.master_port, &core.names);
        core.instance_event(LogLevel::Warning, "+config-update-from", self, &self.sentinels[&from].base, "");
        self.switch_event(core, &to);
        let old = self.base.addr.clone();
        self.change_address(core, to);
        self.run_reconfig_script(core, "observer", &old, &self.base.addr);
    }

    /// A newer configuration names the address that is known. If that is the one a failover of our own leads away from,
    /// another Sentinel's has led back to it meanwhile (we were in TILT, for example), and ours is obsolete: going on
    /// would end with another master under the same epoch, which nobody could ever correct.
    fn note_confirmation(&mut self, core: &mut Core, from: u32, config_epoch: u64) {
        self.config_epoch = config_epoch;
        core.save();
        if !self.failover.in_progress() || self.failover.epoch >= config_epoch {
            return;
        }
        if self.failover.state < FailoverState::ReconfReplicas {
            return self.abort_failover(core);
        }
        core.instance_event(LogLevel::Warning, "+config-update-from", self, &self.sentinels[&from].base, "");
        let to = self.base.addr.clone();
        self.change_address(core, to);
    }
}

#[cfg(test)]
mod tests;
