//! What several clients did to one register, and whether it can have happened one after the other.
//!
//! Every value is written at most once, so that a read says which write it saw. Then linearizability can be decided in
//! O(n log n) by the zones of Gibbons and Korach ("Testing Shared Memories", 1997): a write and the reads of its value
//! form a cluster; its zone reaches from the earliest end of one of its operations to the latest begin of one. A
//! zone whose end comes first is *forward*: the value must have been there all that time. Otherwise it is *backward*:
//! one moment within it was enough. The history is linearizable exactly if no operation reads what nobody had begun to
//! write, no two forward zones overlap, and no backward zone lies within a forward one.

use std::collections::HashMap;

/// What an operation did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// It wrote this value, which nobody else writes.
    Write(u64),
    /// It read this value; 0 is what was there at first.
    Read(u64),
}

/// An operation on the register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operation {
    /// When it was sent.
    pub begin: u64,
    /// When its reply was there; after `begin`.
    pub end: u64,
    /// What it did.
    pub action: Action,
}

/// The cluster of a value: begin of its write, earliest end and latest begin of its operations.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    value: u64,
    first_end: u64,
    last_begin: u64,
}

/// Whether the operations can have happened one after the other, each at a moment between its begin and its end.
///
/// # Errors
/// Why they cannot.
pub fn check(operations: &[Operation]) -> Result<(), String> {
    let mut writes: HashMap<u64, Operation> = HashMap::new();
    for operation in operations {
        if let Action::Write(value) = operation.action
            && writes.insert(value, *operation).is_some()
        {
            return Err(format!("{value} was written twice"));
        }
    }
    let initial = Operation { begin: 0, end: 0, action: Action::Write(0) };
    writes.entry(0).or_insert(initial);
    let mut clusters: HashMap<u64, Cluster> = writes
        .iter()
        .map(|(&value, write)| (value, Cluster { value, first_end: write.end, last_begin: write.begin }))
        .collect();
    for operation in operations {
        let Action::Read(value) = operation.action else { continue };
        let Some(write) = writes.get(&value) else { return Err(format!("nobody wrote {value}")) };
        if operation.end < write.begin {
            return Err(format!("{value} was read before it was written"));
        }
        let cluster = clusters.get_mut(&value).expect("every write has a cluster");
        cluster.first_end = cluster.first_end.min(operation.end);
        cluster.last_begin = cluster.last_begin.max(operation.begin);
    }
    check_zones(clusters.into_values())
}

fn check_zones(clusters: impl Iterator<Item = Cluster>) -> Result<(), String> {
    let (mut forward, backward): (Vec<Cluster>, Vec<Cluster>) =
        clusters.partition(|cluster| cluster.first_end < cluster.last_begin);
    forward.sort_by_key(|cluster| cluster.first_end);
    for pair in forward.windows(2) {
        if pair[1].first_end < pair[0].last_begin {
            return Err(format!("{} was seen before and after {}", pair[0].value, pair[1].value));
        }
    }
    for cluster in backward {
        // The forward zone that begins last before this one begins; forward zones do not overlap.
        let before = forward.partition_point(|zone| zone.first_end < cluster.last_begin);
        if let Some(zone) = before.checked_sub(1).map(|index| forward[index])
            && cluster.first_end < zone.last_begin
        {
            return Err(format!("{} was written while {} stayed", cluster.value, zone.value));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(begin: u64, end: u64, action: Action) -> Operation {
        Operation { begin, end, action }
    }

    #[test]
    fn what_happened_one_after_the_other_is_fine() {
        use Action::{Read, Write};
        let history = [
            op(1, 2, Read(0)),
            op(3, 4, Write(1)),
            op(5, 6, Read(1)),
            op(7, 8, Write(2)),
            op(9, 10, Read(2)),
        ];
        assert_eq!(check(&history), Ok(()));
    }

    #[test]
    fn overlapping_writes_can_come_in_either_order() {
        use Action::{Read, Write};
        let writes = [op(1, 10, Write(1)), op(2, 9, Write(2))];
        for last in [1, 2] {
            let mut history = writes.to_vec();
            history.push(op(11, 12, Read(last)));
            assert_eq!(check(&history), Ok(()), "{last}");
        }
        let mut history = writes.to_vec();
        history.extend([op(11, 12, Read(1)), op(13, 14, Read(2))]);
        assert!(check(&history).is_err(), "both cannot be the last");
    }

    #[test]
    fn each_kind_of_fault_is_found() {
        use Action::{Read, Write};
        let faults: [(&str, Vec<Operation>); 5] = [
            ("a lost write", vec![op(1, 2, Write(1)), op(3, 4, Read(0))]),
            ("a stale read", vec![op(1, 2, Write(1)), op(3, 4, Write(2)), op(5, 6, Read(1))]),
            ("a value of nobody", vec![op(1, 2, Write(1)), op(3, 4, Read(7))]),
            ("a read of the future", vec![op(1, 2, Read(1)), op(3, 4, Write(1))]),
            (
                "a value that comes back",
                vec![op(1, 2, Write(1)), op(3, 20, Write(2)), op(4, 5, Read(2)), op(6, 7, Read(1))],
            ),
        ];
        for (name, history) in faults {
            assert!(check(&history).is_err(), "{name}");
        }
    }
}
