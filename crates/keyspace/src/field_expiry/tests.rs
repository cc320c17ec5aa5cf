use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::hash::Key;
use crate::table::SetTtl;
use crate::value::NewValue;
use crate::view::View;

const DB: DbIndex = DbIndex(0);

fn view(keyspace: &Keyspace, now_ms: i64) -> View<'_> {
    keyspace.view_exclusive(DB, Access::write(now_ms))
}

/// HSET and, if there is a time, HPEXPIREAT.
fn set(keyspace: &Keyspace, key: &str, field: &str, at_ms: Option<i64>) {
    let mut view = view(keyspace, 0);
    let (mut entry, _) =
        view.edit_or_insert_with(&Key::new(key.as_bytes()), || NewValue::from(Hash::default()));
    let ttl = at_ms.map_or(SetTtl::Clear, SetTtl::At);
    entry.aggregate_mut::<Hash>().expect("it is one").set(field.as_bytes(), b"v", ttl, keyspace.limits());
    entry.changed(1);
}

fn run(keyspace: &Keyspace, db: DbIndex, now_ms: i64, budget: usize) -> Vec<(String, String, bool)> {
    let mut gone = Vec::new();
    let progress = keyspace.expire_fields_cycle(db, Access::write(now_ms), budget, |expired| {
        let field = expired.field.expect("only fields expire here");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("names are text");
        gone.push((text(&expired.key), text(&field.name), field.was_last));
    });
    assert_eq!(progress.expired, gone.len());
    gone
}

fn gone(items: &[(&str, &str, bool)]) -> Vec<(String, String, bool)> {
    items.iter().map(|&(key, field, last)| (key.to_owned(), field.to_owned(), last)).collect()
}

#[test]
fn the_earliest_hashes_go_first_and_empty_ones_with_their_last_field() {
    for entries in [0, 512] {
        let keyspace = Keyspace::new(1, 1);
        keyspace.limits().set(crate::Limit::HashMaxListpackEntries, entries);
        set(&keyspace, "b", "f1", Some(20));
        set(&keyspace, "b", "stays", None);
        set(&keyspace, "a", "f1", Some(30));
        set(&keyspace, "a", "f2", Some(10));
        set(&keyspace, "c", "later", Some(99));
        assert_eq!(keyspace.hashes_with_expiring_fields(DB), 3);
        assert_eq!(run(&keyspace, DB, 10, 100), [], "a field lives in the millisecond it names");
        assert_eq!(
            run(&keyspace, DB, 40, 100),
            gone(&[("a", "f2", false), ("a", "f1", true), ("b", "f1", false)])
        );
        assert_eq!((keyspace.len(DB), keyspace.hashes_with_expiring_fields(DB)), (2, 1));
        assert_eq!(keyspace.stats().expired_fields, 3);
        assert_eq!(run(&keyspace, DB, 40, 100), []);
    }
}

#[test]
fn the_list_follows_a_key_wherever_it_goes() {
    let keyspace = Keyspace::new(2, 1);
    let key = |name: &'static str| Key::new(name.as_bytes());
    set(&keyspace, "one", "f", Some(10));
    view(&keyspace, 0).rename(&key("one"), &key("two"));
    view(&keyspace, 0).copy(&key("two"), DbIndex(1), &key("three"));
    view(&keyspace, 0).move_to(&key("two"), DbIndex(1));
    assert_eq!(keyspace.hashes_with_expiring_fields(DB), 0);
    assert_eq!(keyspace.hashes_with_expiring_fields(DbIndex(1)), 2);
    keyspace.swap(DB, DbIndex(1));
    assert_eq!(keyspace.hashes_with_expiring_fields(DB), 2);
    view(&keyspace, 0).set(&key("two"), NewValue::Int(1), SetTtl::Clear);
    assert_eq!(keyspace.hashes_with_expiring_fields(DB), 1);
    assert_eq!(run(&keyspace, DB, 11, 100), gone(&[("three", "f", true)]));
    assert_eq!((keyspace.len(DB), keyspace.hashes_with_expiring_fields(DB)), (1, 0));
    set(&keyspace, "four", "f", Some(10));
    drop(keyspace.flush_all());
    assert_eq!(keyspace.hashes_with_expiring_fields(DB), 0);
    assert_eq!(run(&keyspace, DB, 11, 100), []);
}

#[test]
fn loaded_hashes_are_listed() {
    let keyspace = Keyspace::new(1, 1);
    let mut hash = Hash::default();
    hash.set(b"f", b"v", SetTtl::At(10), keyspace.limits());
    let aside = keyspace.aside();
    let loader = aside.loader(DB, 0);
    loader.insert(&Key::new(b"k"), NewValue::from(hash), None, crate::LoadedAccess::Now).expect("a new key");
    drop(keyspace.take_over(aside));
    assert_eq!(run(&keyspace, DB, 11, 1), gone(&[("k", "f", true)]));
}

#[test]
fn fields_that_are_met_go_on_a_master_only() {
    let keyspace = Keyspace::new(1, 1);
    for n in 0..4 {
        set(&keyspace, "h", &n.to_string(), (n < 3).then_some(10));
    }
    let key = Key::new(b"h");
    for expiry in [ExpiryMode::Hide, ExpiryMode::Ignore] {
        let access = Access { expiry, ..Access::write(11) };
        let mut view = keyspace.view_exclusive(DB, access);
        let entry = view.edit(&key).expect("it is there").expire_all_fields().expect("it stays");
        let hash = entry.aggregate::<Hash>().expect("it is one");
        assert_eq!(hash.len(), 4);
        assert_eq!(hash.value(b"0", access.horizon_ms()).is_some(), expiry == ExpiryMode::Ignore);
        assert!(!view.has_expired());
    }
    let mut view = view(&keyspace, 11);
    let met = view.edit(&key).expect("it is there").expire_fields([&b"3"[..], b"1", b"none"]);
    assert_eq!(met.expect("it stays").aggregate::<Hash>().expect("it is one").len(), 3);
    assert_eq!(view.dirty(), 0, "nobody asked for it");
    let expired = view.take_expired();
    assert_eq!(expired.len(), 1);
    assert_eq!(expired[0].field, Some(ExpiredField { name: (*b"1").into(), was_last: false }));
    assert!(view.edit(&key).expect("it is there").expire_all_fields().is_some());
    assert_eq!(view.take_expired().len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever happens to the hashes of a shard, the cycle removes exactly what has expired.
    #[test]
    fn the_list_is_in_step_with_the_hashes(
        steps in prop::collection::vec((0_u8..6, 0_u8..8, 0_u8..5, prop::option::of(1_i64..50)), 1..120),
        budget in 1_usize..9,
    ) {
        let keyspace = Keyspace::new(1, 7);
        let mut model: BTreeMap<String, BTreeMap<String, Option<i64>>> = BTreeMap::new();
        for (what, key, field, at_ms) in steps {
            let (key, field) = (format!("k{key}"), format!("f{field}"));
            match what {
                0 => {
                    model.remove(&key);
                    view(&keyspace, 0).remove(&Key::new(key.as_bytes()));
                }
                1 => {
                    let to = format!("k{}", field.len() + usize::from(at_ms.is_some()));
                    if view(&keyspace, 0).rename(&Key::new(key.as_bytes()), &Key::new(to.as_bytes())) {
                        let hash = model.remove(&key).expect("it is there");
                        model.insert(to, hash);
                    }
                }
                _ => {
                    set(&keyspace, &key, &field, at_ms);
                    model.entry(key).or_default().insert(field, at_ms);
                }
            }
            let listed = model.values().filter(|fields| fields.values().any(Option::is_some)).count();
            prop_assert_eq!(keyspace.hashes_with_expiring_fields(DB), listed as u64);
        }
        let expected: BTreeSet<(String, String)> = model
            .iter()
            .flat_map(|(key, fields)| fields.iter().map(move |(field, at_ms)| (key, field, at_ms)))
            .filter(|(.., at_ms)| at_ms.is_some_and(|at_ms| at_ms < 25))
            .map(|(key, field, _)| (key.clone(), field.clone()))
            .collect();
        let mut removed = BTreeSet::new();
        loop {
            let step = run(&keyspace, DB, 25, budget);
            prop_assert!(step.len() <= budget);
            if step.is_empty() {
                break;
            }
            removed.extend(step.into_iter().map(|(key, field, _)| (key, field)));
        }
        prop_assert_eq!(removed, expected);
    }
}
