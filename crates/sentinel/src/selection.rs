//! Which replica becomes the master.

use std::cmp::Ordering;

use crate::core::Core;
use crate::ids::Member;
use crate::instance::{Master, Replica};

impl Master {
    /// The replica to promote, or `None` if none is fit.
    pub(crate) fn best_replica(&self, core: &Core) -> Option<u32> {
        let fit = self.replicas.iter().filter(|(number, _)| self.is_fit(core, **number));
        fit.min_by(|(_, a), (_, b)| better(a, b)).map(|(number, _)| *number)
    }

    /// A replica is fit if it is reachable, allowed (priority 0 forbids), has lately answered PING and INFO, and has
    /// not been without its master for much longer than the master has been down.
    fn is_fit(&self, core: &Core, number: u32) -> bool {
        let replica = &self.replicas[&number];
        let now = core.mono();
        let link = core.links.get(replica.base.link);
        let mut max_link_down = self.options.down_after_ms.saturating_mul(10);
        let info_validity = if self.base.s_down {
            max_link_down += self.base.s_down_since.map_or(0, |at| now.since(at));
            core.periods.ping * 5
        } else {
            core.periods.info * 3
        };
        replica.is_up()
            && self.can_be_told(core, Member::Replica(number))
            && now.since(link.last_avail_at) <= core.periods.ping * 5
            && replica.priority != 0
            && replica.base.info.refreshed_at.is_some_and(|at| now.since(at) <= info_validity)
            && replica.master_link_down_ms <= max_link_down
    }
}

/// Lower priority first, then more data, then the smaller run id (an unknown one is last).
fn better(a: &Replica, b: &Replica) -> Ordering {
    let by_run_id = || match (&a.base.run_id, &b.base.run_id) {
        (Some(a), Some(b)) => a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase()),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    a.priority.cmp(&b.priority).then(b.repl_offset.cmp(&a.repl_offset)).then_with(by_run_id)
}
