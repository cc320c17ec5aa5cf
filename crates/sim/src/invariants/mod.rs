//! What must hold. One file each.
//!
//! - [`one_leader`]: nobody but one Sentinel wins the election of an epoch.
//! - [`epochs`]: what a Sentinel knows of epochs never goes back, also not over restarts.
//! - [`histories`]: the same place in the same history is the same data, and what comes later continues what came
//!   before.
//! - [`convergence`]: some time after healing there is one master, and everybody agrees.

pub mod convergence;
pub mod epochs;
pub mod histories;
pub mod one_leader;

use crate::env::HostId;
use crate::guard::Guard;
use crate::node::Node;

/// Everything that is checked at every step.
#[derive(Default)]
pub(crate) struct Invariants {
    leaders: one_leader::Leaders,
    epochs: epochs::Epochs,
    histories: histories::Histories,
}

impl Invariants {
    /// A Sentinel was started.
    pub(crate) fn on_start(&mut self, host: HostId) {
        self.leaders.on_start(host);
        self.epochs.on_start(host);
    }

    /// A node has acted.
    pub(crate) fn check_node(&mut self, host: HostId, node: &Node) -> Result<(), String> {
        self.histories.check(host, node)
    }

    /// A Sentinel has acted.
    pub(crate) fn check_guard(&mut self, host: HostId, guard: &mut Guard) -> Result<(), String> {
        for event in std::mem::take(&mut guard.told) {
            self.leaders.check(host, guard.id(), &event)?;
        }
        self.epochs.check(host, guard)
    }

    /// How many elections were won.
    pub(crate) fn failovers(&self) -> usize {
        self.leaders.count()
    }
}
