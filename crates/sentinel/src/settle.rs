//! Settling: bringing a group to rest after something touched it.
//!
//! Fire what is due, look at the conditions that do not depend on time, and repeat until nothing changes.

use crate::core::Core;
use crate::instance::Master;
use crate::timer::TABLE;

/// More rounds than any chain of reactions needs. Reaching it is a bug; outside of tests the group is then simply
/// left for the next input.
const MAX_ROUNDS: usize = 64;

impl Master {
    /// Brings the group to rest.
    pub(crate) fn settle(&mut self, core: &mut Core) {
        for _ in 0..MAX_ROUNDS {
            let fired = self.fire_due(core);
            let reacted = core.tilt_since.is_none() && self.react(core);
            if !fired && !reacted {
                return;
            }
        }
        debug_assert!(false, "group {} does not come to rest", self.name());
    }

    /// Fires every timer that is due, once.
    fn fire_due(&mut self, core: &mut Core) -> bool {
        let mut fired = false;
        for member in self.members() {
            for row in TABLE {
                // The member may have vanished through an earlier timer.
                if self.instance(member).is_none() {
                    break;
                }
                if row.due(self, core, member).is_some_and(|at| at <= core.mono()) {
                    (row.fire)(self, core, member);
                    fired = true;
                    debug_assert!(
                        self.instance(member).is_none()
                            || row.due(self, core, member).is_none_or(|at| at > core.mono()),
                        "timer {:?} is due again at once",
                        row.timer
                    );
                }
            }
        }
        fired
    }

    /// Looks at everything that follows from the state at once. True if something changed.
    fn react(&mut self, core: &mut Core) -> bool {
        let mut changed = false;
        for member in self.members() {
            changed |= self.check_up(core, member);
        }
        changed |= self.check_objectively_down(core);
        self.plan_failover(core);
        changed |= self.advance_failover(core);
        changed
    }
}
