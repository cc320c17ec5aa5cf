//! What a Sentinel knows of epochs never goes back; what it has written down it knows after a restart.

use crate::env::{HostId, name};
use crate::guard::Guard;
use redan_sentinel::Config;
use std::collections::BTreeMap;

/// An epoch, a master's configuration epoch, and the last epoch of a vote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Known {
    epoch: u64,
    config: u64,
    vote: u64,
}

impl Known {
    fn of(config: &Config) -> Known {
        let master = config.masters.first();
        Known {
            epoch: config.current_epoch,
            config: master.map_or(0, |master| master.config_epoch),
            vote: master.map_or(0, |master| master.leader_epoch),
        }
    }

    fn goes_back_to(self, later: Known) -> bool {
        later.epoch < self.epoch || later.config < self.config || later.vote < self.vote
    }
}

/// What each Sentinel knew last, and what it had on disk.
#[derive(Default)]
pub(crate) struct Epochs {
    known: BTreeMap<HostId, Known>,
    written: BTreeMap<HostId, Known>,
}

impl Epochs {
    pub(crate) fn on_start(&mut self, host: HostId) {
        // What was not on disk may be forgotten.
        let written = self.written.get(&host).copied().unwrap_or_default();
        self.known.insert(host, written);
    }

    pub(crate) fn check(&mut self, host: HostId, guard: &Guard) -> Result<(), String> {
        self.compare(host, Known::of(&guard.config()), Known::of(&guard.disk))
    }

    fn compare(&mut self, host: HostId, now: Known, disk: Known) -> Result<(), String> {
        let before = self.known.insert(host, now).unwrap_or_default();
        if before.goes_back_to(now) {
            return Err(format!("{} goes back from {before:?} to {now:?}", name(host)));
        }
        self.written.insert(host, disk);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_is_noticed() {
        let at = |config| Known { epoch: 5, config, vote: 1 };
        let mut epochs = Epochs::default();
        assert_eq!(epochs.compare(HostId(3), at(2), at(1)), Ok(()));
        assert!(epochs.compare(HostId(3), at(1), at(1)).is_err());
    }

    #[test]
    fn only_what_is_on_disk_survives_a_restart() {
        let at = |config| Known { epoch: 5, config, vote: 1 };
        let mut epochs = Epochs::default();
        assert_eq!(epochs.compare(HostId(3), at(4), at(2)), Ok(()));
        epochs.on_start(HostId(3));
        assert_eq!(epochs.compare(HostId(3), at(2), at(2)), Ok(()));
        epochs.on_start(HostId(3));
        assert!(epochs.compare(HostId(3), at(1), at(1)).is_err());
    }
}
