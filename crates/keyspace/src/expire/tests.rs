use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::hash::Key;
use crate::table::SetTtl;
use crate::value::NewValue;

const DB: DbIndex = DbIndex(0);
const ALL: ExpireBudget = ExpireBudget { shards: SHARDS, entries: usize::MAX };

fn set(keyspace: &Keyspace, name: &str, ttl: SetTtl) {
    let key = Key::new(name.as_bytes());
    keyspace.view_keyed(DB, Access::write(0), [key.hash]).set(&key, NewValue::Int(1), ttl);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever the budget, the cycle finds all expired keys in bounded time, reports each once and no other.
    #[test]
    fn finds_every_expired_key(
        expiries in vec(proptest::option::of(0_i64..100), 0..600),
        now_ms in 0_i64..110,
        shards in 1_usize..400,
        entries in 1_usize..200,
    ) {
        let keyspace = Keyspace::new(1, 1);
        let mut dead = HashSet::new();
        for (n, expiry) in expiries.iter().enumerate() {
            let name = format!("key:{n}");
            set(&keyspace, &name, expiry.map_or(SetTtl::Clear, SetTtl::At));
            if expiry.is_some_and(|at_ms| now_ms > at_ms) {
                dead.insert(name.into_bytes());
            }
        }
        let volatile = expiries.iter().flatten().count();
        let mut reported = HashSet::new();
        let mut cursor = 0;
        let (mut wraps, mut calls) = (0, 0);
        // A shard with 600 keys is more than unlikely: 40 rounds of at least 20 entries see all of them.
        while wraps < 40 && keyspace.expires_len(DB) as usize != volatile - dead.len() {
            let progress = keyspace.expire_cycle(
                DB, &mut cursor, Access::read(now_ms), ExpireBudget { shards, entries },
                |db, key| {
                    assert_eq!(db, DB);
                    assert!(reported.insert(key.to_vec()), "reported twice");
                },
            );
            prop_assert!(progress.shards <= shards && progress.shards > 0);
            prop_assert!(progress.sampled < entries + BATCH);
            wraps += u32::from(progress.wrapped);
            calls += 1;
            prop_assert!(calls < 40 * SHARDS, "the cursor moves");
        }
        prop_assert_eq!(&reported, &dead);
        prop_assert_eq!(keyspace.len(DB) as usize, expiries.len() - dead.len());
        prop_assert_eq!(keyspace.stats().expired as usize, dead.len());
    }
}

#[test]
fn looks_only_at_keys_with_an_expiry() {
    let keyspace = Keyspace::new(1, 1);
    for n in 0..20_000 {
        set(&keyspace, &n.to_string(), SetTtl::Clear);
    }
    for n in 0..3 {
        set(&keyspace, &format!("volatile:{n}"), SetTtl::At(1_000_000));
    }
    let progress = keyspace.expire_cycle(DB, &mut 0, Access::read(0), ALL, |_, _| panic!("nothing expired"));
    assert_eq!((progress.sampled, progress.shards, progress.wrapped), (3, SHARDS, true));
    assert_eq!(keyspace.avg_ttl_ms(DB), 1_000_000);
    set(&keyspace, "volatile:0", SetTtl::Clear);
    set(&keyspace, "volatile:1", SetTtl::Clear);
    assert_eq!(keyspace.expires_len(DB), 1);
}

#[test]
fn a_crowd_that_expires_at_once_goes_in_a_few_rounds() {
    let keyspace = Keyspace::new(1, 1);
    for n in 0..50_000 {
        set(&keyspace, &n.to_string(), SetTtl::At(5));
    }
    let mut deleted = 0;
    let mut rounds = 0;
    while keyspace.len(DB) > 0 {
        let progress = keyspace.expire_cycle(DB, &mut 0, Access::read(6), ALL, |_, _| deleted += 1);
        assert_eq!(progress.expired, progress.sampled);
        rounds += 1;
    }
    assert_eq!(deleted, 50_000);
    assert!(rounds <= 2, "{rounds}");
    let idle = keyspace.expire_cycle(DbIndex(0), &mut 0, Access::read(6), ALL, |_, _| ());
    assert_eq!((idle.sampled, keyspace.avg_ttl_ms(DB)), (0, 0));
}
