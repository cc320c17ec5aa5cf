//! Deterministic simulation of replication and Sentinel.
//!
//! Three nodes and three Sentinels live in one process, in virtual time: the nodes are the machines of
//! [`redan_replication`] around a small dataset, the Sentinels are those of [`redan_sentinel`]. Between them is a
//! network that delays, stalls and cuts connections; processes are stopped, killed and restarted, with or without what
//! they had on disk; disks are slow. After a while everything heals.
//!
//! [`invariants`] hold all the time, and [`invariants::convergence`] some time after healing. A run is a function of its
//! seed: the same seed gives the same [`Report`], event by event.

pub mod invariants;

mod decode;
mod env;
mod faults;
mod guard;
mod net;
mod node;
mod world;

pub use faults::Break;
pub use world::{Report, World};

/// Runs one seed.
///
/// # Errors
/// What was violated, at the end of the trace of all events.
pub fn run(seed: u64) -> Result<Report, Failure> {
    World::new(seed, None).run()
}

/// A violated invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed of the run.
    pub seed: u64,
    /// What is wrong.
    pub violation: String,
    /// Everything that happened, a line each.
    pub trace: Vec<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in &self.trace {
            writeln!(out, "{line}")?;
        }
        write!(out, "seed {}: {}", self.seed, self.violation)
    }
}
