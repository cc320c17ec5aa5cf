//! The same place in the same history is the same data, and what comes later continues what came before.
//!
//! A replication id names a history and an offset a place in it. Two nodes at the same place hold the same data; a node
//! further on in the same history holds it as a prefix. So a replica's data is always a prefix of a history of its
//! master.

use crate::env::{HostId, name};
use crate::node::{Dataset, Node};
use redan_replication::ReplId;
use std::collections::{BTreeMap, HashMap};

/// How many writes, and a digest of them.
type Content = (usize, u64);

/// The places that some node has been at.
#[derive(Default)]
pub(crate) struct Histories {
    places: HashMap<ReplId, BTreeMap<u64, Content>>,
}

impl Histories {
    pub(crate) fn check(&mut self, host: HostId, node: &Node) -> Result<(), String> {
        let (id, offset, data) = node.position();
        self.compare(id, offset, data).map_err(|why| format!("{} at {id}:{offset} {why}", name(host)))
    }

    fn compare(&mut self, id: ReplId, offset: u64, data: &Dataset) -> Result<(), String> {
        let places = self.places.entry(id).or_default();
        let content = (data.len(), data.digest(data.len()));
        if let Some((at, (len, digest))) = places.range(..=offset).next_back() {
            let continues = data.len() >= *len && data.digest(*len) == *digest;
            if !continues || (*at == offset && *len != data.len()) {
                return Err(format!(
                    "has {} writes that do not continue the {len} that somebody had at {at}",
                    data.len()
                ));
            }
        }
        places.insert(offset, content);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(values: &[u64]) -> Dataset {
        let mut data = Dataset::default();
        values.iter().for_each(|value| data.add(*value));
        data
    }

    #[test]
    fn another_history_at_the_same_place_is_noticed() {
        let id = ReplId::from_random([1; 20]);
        let mut histories = Histories::default();
        assert_eq!(histories.compare(id, 10, &data(&[1, 2])), Ok(()));
        assert_eq!(histories.compare(id, 10, &data(&[1, 2])), Ok(()));
        assert_eq!(histories.compare(id, 20, &data(&[1, 2, 3])), Ok(()));
        assert!(histories.compare(id, 10, &data(&[1, 3])).is_err());
        assert!(histories.compare(id, 20, &data(&[1, 2])).is_err());
        assert!(histories.compare(id, 30, &data(&[1, 2, 4])).is_err());
    }

    #[test]
    fn histories_do_not_disturb_each_other() {
        let mut histories = Histories::default();
        assert_eq!(histories.compare(ReplId::from_random([1; 20]), 10, &data(&[1])), Ok(()));
        assert_eq!(histories.compare(ReplId::from_random([2; 20]), 10, &data(&[2])), Ok(()));
    }
}
