//! What DEBUG switches on and off, for tests.

use crate::Engine;
use std::sync::atomic::{AtomicBool, Ordering};

/// The switches, each with the state it has unless a test changes it.
pub struct Switches {
    active_expire: AtomicBool,
    checksums: AtomicBool,
    scripts_may_all: AtomicBool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            active_expire: AtomicBool::new(true),
            checksums: AtomicBool::new(true),
            scripts_may_all: AtomicBool::new(false),
        }
    }
}

impl Switches {
    /// Whether expired keys are deleted without being asked for.
    pub fn active_expire(&self) -> bool {
        self.active_expire.load(Ordering::Relaxed)
    }

    /// DEBUG SET-ACTIVE-EXPIRE.
    pub fn set_active_expire(&self, on: bool) {
        self.active_expire.store(on, Ordering::Relaxed);
    }

    /// Whether RESTORE verifies the checksum of its payload.
    pub fn checksums(&self) -> bool {
        self.checksums.load(Ordering::Relaxed)
    }

    /// DEBUG SET-SKIP-CHECKSUM-VALIDATION.
    pub fn set_checksums(&self, on: bool) {
        self.checksums.store(on, Ordering::Relaxed);
    }

    /// Whether scripts may call commands that scripts may not call.
    pub fn scripts_may_all(&self) -> bool {
        self.scripts_may_all.load(Ordering::Relaxed)
    }

    /// DEBUG SET-DISABLE-DENY-SCRIPTS.
    pub fn set_scripts_may_all(&self, on: bool) {
        self.scripts_may_all.store(on, Ordering::Relaxed);
    }
}

impl Engine {
    /// The switches of DEBUG.
    pub fn switches(&self) -> &Switches {
        &self.switches
    }
}
