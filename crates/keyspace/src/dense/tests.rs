use std::collections::{HashMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    key: u32,
    hash: u32,
    value: u64,
}

impl Slot for Item {
    fn hash(&self) -> u32 {
        self.hash
    }
}

/// A hash with many collisions if `weak`.
fn hash_of(key: u32, weak: bool) -> u32 {
    if weak { key % 5 * 0x0800_0001 } else { key.wrapping_mul(0x9E37_79B1) }
}

fn find(table: &Dense<Item>, key: u32, weak: bool) -> Option<u32> {
    table.find(hash_of(key, weak), |item| item.key == key)
}

fn insert(table: &mut Dense<Item>, key: u32, value: u64, weak: bool) -> bool {
    match find(table, key, weak) {
        Some(at) => {
            table.get_mut(at).value = value;
            false
        }
        None => {
            let at = table.push(Item { key, hash: hash_of(key, weak), value });
            assert_eq!(at as usize, table.len() - 1);
            true
        }
    }
}

fn remove(table: &mut Dense<Item>, key: u32, weak: bool) -> Option<u64> {
    let at = find(table, key, weak)?;
    Some(table.swap_remove(at).value)
}

#[derive(Clone, Debug)]
enum Op {
    Insert(u32, u64),
    Remove(u32),
    RemoveRange(u32, u32),
    Reserve(usize),
    Clear,
}

fn op(keys: u32) -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (0..keys, any::<u64>()).prop_map(|(key, value)| Op::Insert(key, value)),
        8 => (0..keys).prop_map(Op::Remove),
        1 => (0..keys, 0..keys).prop_map(|(from, many)| Op::RemoveRange(from, many)),
        1 => (0_usize..600).prop_map(Op::Reserve),
        1 => Just(Op::Clear),
    ]
}

fn check(table: &Dense<Item>, model: &HashMap<u32, u64>, weak: bool) {
    assert_eq!(table.len(), model.len());
    assert_eq!(table.is_empty(), model.is_empty());
    assert_eq!(table.iter().count(), model.len());
    for (at, item) in table.iter().enumerate() {
        assert_eq!(model.get(&item.key), Some(&item.value));
        assert_eq!(find(table, item.key, weak), Some(at as u32));
        assert_eq!(table.get(at as u32), item);
    }
    assert_eq!(table.try_get(model.len() as u32), None);
    assert!(
        table.chunks.iter().rev().skip(1).all(|chunk| chunk.len() == CHUNK),
        "only the last chunk has room"
    );
    assert!(table.chunks.iter().all(|chunk| chunk.capacity() <= CHUNK && !chunk.is_empty()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn behaves_like_a_map(weak: bool, bulk in 0_u32..700, ops in vec(op(800), 1..300)) {
        let (mut table, mut model) = (Dense::new(), HashMap::new());
        for key in 0..bulk {
            assert!(insert(&mut table, key, 1, weak));
            model.insert(key, 1);
        }
        for op in ops {
            match op {
                Op::Insert(key, value) => {
                    let fresh = insert(&mut table, key, value, weak);
                    prop_assert_eq!(fresh, model.insert(key, value).is_none());
                }
                Op::Remove(key) => prop_assert_eq!(remove(&mut table, key, weak), model.remove(&key)),
                Op::RemoveRange(from, many) => {
                    for key in from..from + many {
                        prop_assert_eq!(remove(&mut table, key, weak), model.remove(&key));
                    }
                }
                Op::Reserve(additional) => table.reserve(additional),
                Op::Clear => {
                    table.clear();
                    model.clear();
                }
            }
        }
        check(&table, &model, weak);
    }

    /// The guarantee of SCAN: what is there throughout is seen, whatever comes and goes between the steps.
    #[test]
    fn a_downward_walk_misses_nothing(
        start in 1_u32..600,
        steps in vec((1_usize..40, vec(op(900), 0..40)), 1..60),
    ) {
        let mut table = Dense::new();
        for key in 0..start {
            insert(&mut table, key, 0, false);
        }
        let mut throughout: HashSet<u32> = (0..start).collect();
        let mut seen = HashSet::new();
        let mut below = u32::MAX;
        let mut steps = steps.into_iter();
        while below > 0 {
            let (count, ops) = steps.next().unwrap_or((50, Vec::new()));
            below = below.min(table.len() as u32);
            for _ in 0..count.min(below as usize) {
                below -= 1;
                seen.insert(table.get(below).key);
            }
            for op in ops {
                match op {
                    Op::Insert(key, value) => {
                        insert(&mut table, key, value, false);
                    }
                    Op::Remove(key) => {
                        remove(&mut table, key, false);
                        throughout.remove(&key);
                    }
                    Op::RemoveRange(from, many) => for key in from..from + many {
                        remove(&mut table, key, false);
                        throughout.remove(&key);
                    },
                    Op::Reserve(additional) => table.reserve(additional),
                    Op::Clear => {}
                }
            }
        }
        prop_assert!(throughout.is_subset(&seen), "missed {:?}", throughout.difference(&seen));
    }
}

#[test]
fn random_picks_are_fair() {
    let mut table = Dense::new();
    for key in 0..1100 {
        insert(&mut table, key, 0, false);
    }
    for key in 0..1000 {
        remove(&mut table, key, false);
    }
    let mut random = fastrand::Rng::with_seed(11);
    let mut counts = HashMap::new();
    for _ in 0..100_000 {
        let at = table.random(random.u64(..)).unwrap();
        *counts.entry(table.get(at).key).or_insert(0_u32) += 1;
    }
    // 99 degrees of freedom: 99.99 % of fair samples stay below 161.
    let chi_square: f64 = (1000..1100)
        .map(|key| {
            let difference = f64::from(counts.get(&key).copied().unwrap_or(0)) - 1000.0;
            difference * difference / 1000.0
        })
        .sum();
    assert!(chi_square < 161.0, "{chi_square}");
    assert_eq!(Dense::<Item>::new().random(random.u64(..)), None);
}

#[test]
fn memory_is_given_back() {
    let mut table = Dense::new();
    assert_eq!(table.memory_usage(), 0);
    for key in 0..100_000 {
        insert(&mut table, key, 0, false);
    }
    let full = table.memory_usage();
    // 16 bytes of slot and an index that is at least two thirds full.
    assert!(full < 100_000 * (size_of::<Item>() + 7), "{full}");
    for key in 10..100_000 {
        remove(&mut table, key, false);
    }
    assert!(table.memory_usage() < 2_000, "{}", table.memory_usage());
    assert_eq!(table.len(), 10);
}

#[test]
fn scanning_in_steps_shows_everything_once() {
    let mut table = Dense::new();
    for key in 0..1000 {
        insert(&mut table, key, 0, false);
    }
    for count in [1, 7, 300, 5000] {
        let (mut cursor, mut seen) = (0, Vec::new());
        loop {
            cursor = table.scan(cursor, count, |item| seen.push(item.key));
            if cursor == 0 {
                break;
            }
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..1000), "{count} at a time");
    }
    assert_eq!(table.scan(u64::MAX, 10, |_| ()), 990);
    assert_eq!(Dense::<Item>::new().scan(5, 10, |_| panic!("there is nothing")), 0);
    assert_eq!(table.clone().len(), 1000);
}
