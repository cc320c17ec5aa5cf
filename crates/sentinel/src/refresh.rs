//! What is learnt from INFO.

use crate::addr::Same;
use crate::core::Core;
use crate::event::LogLevel;
use crate::group::Found;
use crate::ids::Member;
use crate::info_parser::Info;
use crate::instance::{Master, Role};

impl Master {
    /// Takes in the INFO reply of a master or replica.
    pub(crate) fn on_info(&mut self, core: &mut Core, member: Member, text: &[u8]) {
        let info = Info::parse(text);
        let now = core.mono();
        let Some(instance) = self.instance_mut(member) else { return };
        instance.info.text = Some(text.to_vec());
        instance.info.refreshed_at = Some(now);
        instance.info.pending = false;
        self.note_run_id(core, member, info.run_id.as_deref());
        match member {
            Member::Master => self.discover_replicas(core, &info),
            Member::Replica(number) => self.note_replication(core, number, &info),
            Member::Sentinel(_) => {}
        }
        if let Some(role) = info.role {
            self.note_role(core, member, role);
        }
    }

    /// A new run id means that the process is a new one.
    fn note_run_id(&mut self, core: &mut Core, member: Member, run_id: Option<&str>) {
        let Some(run_id) = run_id else { return };
        let instance = self.instance(member).expect("checked by the caller");
        if instance.run_id.as_deref().is_some_and(|known| known != run_id) {
            core.instance_event(LogLevel::Notice, "+reboot", self, instance, "");
            if member == Member::Master && self.options.reboot_down_after_ms != 0 {
                self.rebooted_at = Some(core.mono());
            }
        }
        self.instance_mut(member).expect("checked by the caller").run_id = Some(run_id.to_owned());
    }

    /// Adds the replicas that a master lists. Those with names are added when the names are known, so that one
    /// replica does not appear twice, by name and by address.
    fn discover_replicas(&mut self, core: &mut Core, info: &Info) {
        for (host, port) in &info.replicas {
            core.names.want(host);
            match self.find_replica(core, host, *port) {
                Found::Yes => {}
                // A master that lists itself is confused; following that would make it its own replica.
                _ if self.base.addr.is_at(host, *port, &core.names) == Same::Yes => {}
                Found::Unknown => self.waits_for_names = true,
                Found::No => {
                    if let Some(number) = self.add_replica(core, host, *port) {
                        let replica = &self.replicas[&number].base;
                        core.instance_event(LogLevel::Notice, "+slave", self, replica, "");
                        core.save();
                    }
                }
            }
        }
    }

    /// What a replica says about itself and its master.
    fn note_replication(&mut self, core: &mut Core, number: u32, info: &Info) {
        let now = core.mono();
        let replica = self.replicas.get_mut(&number).expect("checked by the caller");
        replica.master_link_down_ms = info.master_link_down_ms;
        if info.role != Some(Role::Replica) {
            return;
        }
        if let Some(host) = &info.master_host {
            core.names.want(host);
            if !replica.master_host.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(host)) {
                replica.master_host = Some(host.clone());
                replica.conf_changed_at = now;
            }
        }
        if let Some(port) = info.master_port
            && replica.master_port != port
        {
            replica.master_port = port;
            replica.conf_changed_at = now;
        }
        replica.master_link_up = info.master_link_up.unwrap_or(replica.master_link_up);
        replica.priority = info.priority.unwrap_or(replica.priority);
        replica.repl_offset = info.repl_offset.unwrap_or(replica.repl_offset);
        replica.announced = info.announced.unwrap_or(replica.announced);
    }

    fn note_role(&mut self, core: &mut Core, member: Member, role: Role) {
        let now = core.mono();
        let instance = self.instance_mut(member).expect("checked by the caller");
        if instance.role == role {
            return;
        }
        instance.role = role;
        instance.role_since = now;
        let expected = if member == Member::Master { Role::Master } else { Role::Replica };
        let event = if role == expected { "+role-change" } else { "-role-change" };
        if let (Member::Replica(number), Role::Replica) = (member, role) {
            self.replicas.get_mut(&number).expect("checked by the caller").conf_changed_at = now;
        }
        let more = format!(" new reported role is {}", role.as_str());
        let instance = self.instance(member).expect("checked by the caller");
        core.instance_event(LogLevel::Verbose, event, self, instance, &more);
    }
}
