//! Nobody but one Sentinel wins the election of an epoch.
//!
//! That rests on votes being given once per epoch and Sentinel, over crashes too: they are on disk before they are given.

use crate::env::{HostId, name};
use redan_sentinel::Event;
use std::collections::BTreeMap;

/// Who has won.
#[derive(Default)]
pub(crate) struct Leaders {
    /// The id of the winner of each epoch.
    winners: BTreeMap<u64, String>,
    /// The epoch of the failover that each Sentinel tries.
    trying: BTreeMap<HostId, u64>,
    /// The newest epoch each Sentinel has told of.
    newest: BTreeMap<HostId, u64>,
}

impl Leaders {
    pub(crate) fn on_start(&mut self, host: HostId) {
        self.trying.remove(&host);
        self.newest.remove(&host);
    }

    pub(crate) fn check(&mut self, host: HostId, id: &str, event: &Event) -> Result<(), String> {
        match event.name {
            "+new-epoch" => {
                let epoch = event.message.parse().map_err(|_| format!("no epoch: {}", event.message))?;
                self.newest.insert(host, epoch);
            }
            // A candidate begins an epoch of its own.
            "+try-failover" => {
                let newest = self.newest.get(&host).copied().unwrap_or_default();
                self.trying.insert(host, newest);
            }
            "+elected-leader" => {
                let epoch = self.trying.get(&host).copied().unwrap_or_default();
                let winner = self.winners.entry(epoch).or_insert_with(|| id.to_owned());
                if winner != id {
                    let host = name(host);
                    return Err(format!("epoch {epoch} has two leaders: {winner} and {id} ({host})"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn count(&self) -> usize {
        self.winners.len()
    }
}
