use std::collections::{HashMap, HashSet};

use super::*;
use crate::loader::LoadedAccess;
use crate::value::NewValue;
use crate::view::Access;

const NOW_MS: i64 = 10_000_000_000;

/// Keys 0..n: the lower, the longer idle, the rarer used; even ones have an expiry, the lower the sooner.
fn filled(policy: EvictionPolicy, keys: u64) -> Keyspace {
    let keyspace = Keyspace::new(3, 1);
    keyspace.clock().set_lfu(policy.is_lfu());
    keyspace.clock().set_decay_minutes(0);
    for n in 0..keys {
        let name = n.to_string();
        let access = if policy.is_lfu() {
            LoadedAccess::Frequency((n * 250 / keys) as u8)
        } else {
            LoadedAccess::IdleSeconds((keys - n) * 10)
        };
        let expiry = (n % 2 == 0).then_some(NOW_MS + n as i64 * 1000);
        let db = DbIndex((n % 3) as u32);
        let loader = keyspace.loader(db, NOW_MS);
        loader.insert(&Key::new(name.as_bytes()), NewValue::Int(1), expiry, access).expect("the key is new");
        assert!(loader.insert(&Key::new(name.as_bytes()), NewValue::Int(2), None, access).is_err());
    }
    keyspace
}

fn number(candidate: &EvictionCandidate) -> u64 {
    String::from_utf8(candidate.key.to_vec()).unwrap().parse().unwrap()
}

fn evict(keyspace: &Keyspace, candidate: &EvictionCandidate) -> bool {
    keyspace.view_exclusive(candidate.db, Access::write(NOW_MS)).evict(&Key::new(&candidate.key))
}

#[test]
fn ordered_policies_choose_from_the_right_end() {
    for policy in [
        EvictionPolicy::AllKeysLru,
        EvictionPolicy::AllKeysLfu,
        EvictionPolicy::VolatileLru,
        EvictionPolicy::VolatileLfu,
        EvictionPolicy::VolatileTtl,
    ] {
        let keyspace = filled(policy, 3000);
        let mut pool = EvictionPool::new();
        let mut sum = 0;
        for _ in 0..1000 {
            let candidate = pool.pick(&keyspace, policy, 10, NOW_MS).unwrap();
            let n = number(&candidate);
            assert!(!policy.is_volatile() || n.is_multiple_of(2), "{policy:?} chose a key without expiry");
            assert_eq!(u64::from(candidate.db.0), n % 3);
            sum += n;
            assert!(evict(&keyspace, &candidate));
        }
        // A true order would average 500 (allkeys) or 1000 (volatile: every other key), a random choice 1500.
        let limit = if policy.is_volatile() { 1150 } else { 800 };
        assert!(sum / 1000 < limit, "{policy:?} chose {} on average", sum / 1000);
    }
}

#[test]
fn every_policy_empties_what_it_may() {
    for (name, policy) in EvictionPolicy::ALL {
        let keyspace = filled(policy, 300);
        let mut pool = EvictionPool::new();
        let mut evicted = 0;
        while let Some(candidate) = pool.pick(&keyspace, policy, 5, NOW_MS) {
            assert!(evict(&keyspace, &candidate));
            evicted += 1;
        }
        let left: u64 = (0..3).map(|db| keyspace.len(DbIndex(db))).sum();
        let expected = match policy {
            EvictionPolicy::NoEviction => 0,
            policy if policy.is_volatile() => 150,
            _ => 300,
        };
        assert_eq!((evicted, left), (expected, 300 - expected), "{name}");
    }
}

#[test]
fn random_policies_choose_from_all_keys() {
    let keyspace = filled(EvictionPolicy::AllKeysRandom, 60);
    let mut pool = EvictionPool::new();
    let mut chosen: HashMap<u64, u32> = HashMap::new();
    for _ in 0..20_000 {
        let candidate = pool.pick(&keyspace, EvictionPolicy::AllKeysRandom, 5, NOW_MS).unwrap();
        *chosen.entry(number(&candidate)).or_default() += 1;
    }
    assert_eq!(chosen.len(), 60);
    let volatile: HashSet<u64> = (0..5000)
        .filter_map(|_| pool.pick(&keyspace, EvictionPolicy::VolatileRandom, 5, NOW_MS))
        .map(|candidate| number(&candidate))
        .collect();
    assert_eq!(volatile, (0..60).step_by(2).collect());
}

#[test]
fn candidates_that_are_gone_are_not_offered() {
    let keyspace = filled(EvictionPolicy::AllKeysLru, 30);
    let mut pool = EvictionPool::new();
    let first = pool.pick(&keyspace, EvictionPolicy::AllKeysLru, 10, NOW_MS).unwrap();
    assert!(evict(&keyspace, &first) && !evict(&keyspace, &first));
    drop(keyspace.flush_all());
    assert_eq!(pool.pick(&keyspace, EvictionPolicy::AllKeysLru, 10, NOW_MS), None);
}
