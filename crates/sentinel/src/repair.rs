//! Repair: replicas that do not follow the master they should.
//!
//! The old master of a failover comes back and believes it still is one; a replica was unreachable while the others
//! were turned. Both are told to follow the current master, but only after a while: there may be a newer
//! configuration on its way to us.

use crate::addr::Same;
use crate::core::Core;
use crate::event::LogLevel;
use crate::ids::{Member, Millis};
use crate::instance::{Master, Role};

/// What is wrong with a replica, since when, and how long that is tolerated.
struct Fault {
    event: &'static str,
    since: Millis,
    patience_ms: u64,
}

impl Master {
    fn fault_of(&self, core: &Core, number: u32) -> Option<Fault> {
        let replica = &self.replicas[&number];
        if replica.base.role == Role::Master {
            let patience_ms = core.periods.publish.saturating_mul(4);
            return Some(Fault { event: "+convert-to-slave", since: replica.base.role_since, patience_ms });
        }
        let host = replica.master_host.as_deref()?;
        let strays = self.base.addr.is_at(host, replica.master_port, &core.names) == Same::No;
        let patience_ms = self.options.failover_timeout_ms;
        strays.then_some(Fault { event: "+fix-slave-config", since: replica.conf_changed_at, patience_ms })
    }

    pub(crate) fn repair_due(&self, core: &Core, member: Member) -> Option<Millis> {
        let Member::Replica(number) = member else { return None };
        let replica = &self.replicas[&number];
        let reachable = replica.is_up() && core.links.get(replica.base.link).is_ready();
        let possible = reachable
            && !replica.promoted
            && !self.failover.in_progress()
            && replica.base.info.refreshed_at.is_some()
            && self.looks_sane(core);
        let fault = possible.then(|| self.fault_of(core, number))??;
        // Not soon after it was down either, and not again before the last order can have had an effect.
        let starts = [Some(fault.since), replica.base.s_down_since, replica.repaired_at];
        let start = starts.into_iter().flatten().max().unwrap_or(fault.since);
        Some(start + fault.patience_ms.max(1))
    }

    pub(crate) fn repair(&mut self, core: &mut Core, member: Member) {
        let Member::Replica(number) = member else { return };
        let Some(fault) = self.fault_of(core, number) else { return };
        let target = self.base.addr.clone();
        self.send_replicaof(core, member, Some(&target));
        let replica = self.replicas.get_mut(&number).expect("timers fire for members only");
        replica.repaired_at = Some(core.mono());
        core.instance_event(LogLevel::Notice, fault.event, self, &self.replicas[&number].base, "");
    }
}
