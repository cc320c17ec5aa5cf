use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::mutation::{Change, Observer};
use crate::value::{Encoding, StringRef};

const DB: DbIndex = DbIndex(0);

fn name(key: u8) -> Vec<u8> {
    format!("key:{key}").into_bytes()
}

fn keyed<'k>(keyspace: &'k Keyspace, access: Access, keys: &[&Key<'_>]) -> View<'k> {
    keyspace.view_keyed(DB, access, keys.iter().map(|key| key.hash))
}

#[derive(Clone, Debug)]
enum Op {
    Get(u8),
    Peek(u8),
    Set(u8, Vec<u8>, SetTtl),
    Append(u8, Vec<u8>),
    SetRange(u8, usize, Vec<u8>),
    Increment(u8),
    Remove(u8),
    Take(u8),
    Rename(u8, u8),
    Copy(u8, u8),
    SetExpiry(u8, Option<i64>),
    Advance(i64),
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0_u8..24;
    let bytes = || {
        prop_oneof![
            4 => vec(any::<u8>(), 0..60),
            2 => any::<i16>().prop_map(|n| n.to_string().into_bytes()),
            1 => vec(any::<u8>(), 1020..1030),
        ]
    };
    let ttl = prop_oneof![
        3 => Just(SetTtl::Clear),
        1 => Just(SetTtl::Keep),
        3 => (0_i64..200).prop_map(SetTtl::At),
    ];
    prop_oneof![
        2 => key().prop_map(Op::Get),
        1 => key().prop_map(Op::Peek),
        6 => (key(), bytes(), ttl).prop_map(|(key, value, ttl)| Op::Set(key, value, ttl)),
        2 => (key(), bytes()).prop_map(|(key, tail)| Op::Append(key, tail)),
        2 => (key(), 0_usize..90, bytes()).prop_map(|(key, offset, bytes)| Op::SetRange(key, offset, bytes)),
        1 => key().prop_map(Op::Increment),
        2 => key().prop_map(Op::Remove),
        1 => key().prop_map(Op::Take),
        2 => (key(), key()).prop_map(|(from, to)| Op::Rename(from, to)),
        2 => (key(), 1_u8..24).prop_map(|(from, by)| Op::Copy(from, (from + by) % 24)),
        2 => (key(), proptest::option::of(0_i64..200)).prop_map(|(key, at)| Op::SetExpiry(key, at)),
        2 => (1_i64..12).prop_map(Op::Advance),
    ]
}

/// A keyspace beside a plain map that has to say the same.
struct Pair {
    keyspace: Keyspace,
    model: BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>,
    now_ms: i64,
    exclusive: bool,
    expired: HashSet<Vec<u8>>,
    hits: u64,
    misses: u64,
}

impl Pair {
    fn new(exclusive: bool) -> Self {
        let keyspace = Keyspace::new(2, 1);
        Self {
            keyspace,
            model: BTreeMap::new(),
            now_ms: 0,
            exclusive,
            expired: HashSet::new(),
            hits: 0,
            misses: 0,
        }
    }

    /// Removes a dead key from the model when it is looked at.
    fn live(&mut self, key: &[u8]) -> bool {
        let Some((_, expiry)) = self.model.get(key) else { return false };
        if expiry.is_some_and(|at_ms| self.now_ms > at_ms) {
            self.model.remove(key);
            self.expired.insert(key.to_vec());
            return false;
        }
        true
    }

    fn apply(&mut self, op: &Op) {
        let names: Vec<Vec<u8>> = match op {
            Op::Rename(one, other) | Op::Copy(one, other) => vec![name(*one), name(*other)],
            Op::Get(key) | Op::Peek(key) | Op::Remove(key) | Op::Take(key) | Op::Increment(key) => {
                vec![name(*key)]
            }
            Op::Set(key, ..) | Op::Append(key, _) | Op::SetRange(key, ..) | Op::SetExpiry(key, _) => {
                vec![name(*key)]
            }
            Op::Advance(ms) => {
                self.now_ms += ms;
                return;
            }
        };
        let keys: Vec<Key<'_>> = names.iter().map(|name| Key::new(name)).collect();
        let access = Access::write(self.now_ms);
        let keyspace = std::mem::replace(&mut self.keyspace, Keyspace::new(1, 0));
        let mut view = if self.exclusive {
            keyspace.view_exclusive(DB, access)
        } else {
            keyspace.view_keyed(DB, access, keys.iter().map(|key| key.hash))
        };
        self.expired.clear();
        self.run(&mut view, op, &keys);
        let expired: HashSet<Vec<u8>> =
            view.take_expired().into_iter().map(|expired| expired.key.to_vec()).collect();
        assert_eq!(expired, self.expired);
        view.close();
        self.keyspace = keyspace;
    }

    fn run(&mut self, view: &mut View<'_>, op: &Op, keys: &[Key<'_>]) {
        let key = &keys[0];
        let live = self.live(key.bytes);
        let slot = key.bytes.to_vec();
        match op {
            Op::Get(_) => {
                let found =
                    view.get(key).map(|entry| (entry.string().unwrap().to_vec(), entry.expire_at_ms()));
                assert_eq!(found.as_ref(), self.model.get(key.bytes));
                if live { self.hits += 1 } else { self.misses += 1 }
            }
            Op::Peek(_) => {
                assert_eq!(
                    view.peek(key).map(|entry| entry.key().to_vec()),
                    live.then(|| key.bytes.to_vec())
                );
                let expiry = self.model.get(key.bytes).map(|(_, expiry)| *expiry);
                assert_eq!(view.expiry(key), expiry);
            }
            Op::Set(_, value, ttl) => {
                assert_eq!(view.set(key, NewValue::Bytes(value), *ttl), live);
                let expiry = ttl.resolve(self.model.get(key.bytes).and_then(|(_, expiry)| *expiry));
                self.model.insert(slot, (value.clone(), expiry));
            }
            Op::Append(_, tail) => {
                let (mut entry, created) = view.edit_or_insert(key, NewValue::Text(b""));
                assert_eq!(created, !live);
                let len = entry.append(tail);
                let (text, _) = self.model.entry(slot).or_default();
                text.extend_from_slice(tail);
                assert_eq!(len, text.len());
            }
            Op::SetRange(_, offset, bytes) => {
                let entry = view.edit(key);
                assert_eq!(entry.is_some(), live);
                if let Some(mut entry) = entry {
                    let len = entry.set_range(*offset, bytes);
                    let (text, _) = self.model.get_mut(key.bytes).unwrap();
                    text.resize(text.len().max(offset + bytes.len()), 0);
                    text[*offset..offset + bytes.len()].copy_from_slice(bytes);
                    assert_eq!(len, text.len());
                }
            }
            Op::Increment(_) => {
                if let Some(mut entry) = view.edit(key)
                    && let Some(value) = entry.entry().string().unwrap().as_int()
                {
                    entry.set_int(value + 1);
                    assert_eq!(entry.entry().encoding(), Encoding::Int);
                    self.model.get_mut(key.bytes).unwrap().0 = (value + 1).to_string().into_bytes();
                }
            }
            Op::Remove(_) => {
                assert_eq!(view.remove(key), live);
                self.model.remove(key.bytes);
            }
            Op::Take(_) => {
                let taken = view.take(key);
                let expected = self.model.remove(key.bytes);
                assert_eq!(
                    taken.as_ref().map(|taken| (
                        taken.entry().string().unwrap().to_vec(),
                        taken.entry().expire_at_ms()
                    )),
                    expected
                );
                if let Some(taken) = taken {
                    view.discard(taken);
                }
            }
            Op::Rename(..) => {
                let to = &keys[1];
                assert_eq!(view.rename(key, to), live);
                if live && key.bytes != to.bytes {
                    self.live(to.bytes);
                    let moved = self.model.remove(key.bytes).unwrap();
                    self.model.insert(to.bytes.to_vec(), moved);
                }
            }
            Op::Copy(..) => {
                let to = &keys[1];
                assert_eq!(view.copy(key, DB, to), live);
                if live {
                    self.live(to.bytes);
                    let copied = self.model[key.bytes].clone();
                    self.model.insert(to.bytes.to_vec(), copied);
                }
            }
            Op::SetExpiry(_, at_ms) => {
                assert_eq!(view.set_expiry(key, *at_ms), live);
                if live {
                    self.model.get_mut(key.bytes).unwrap().1 = *at_ms;
                }
            }
            Op::Advance(_) => unreachable!("handled before"),
        }
    }

    fn check(&self) {
        let access = Access { expiry: ExpiryMode::Ignore, ..Access::read(self.now_ms) };
        let mut found = BTreeMap::new();
        self.keyspace.view_exclusive(DB, access).for_each_key(|entry| {
            found.insert(entry.key().to_vec(), (entry.string().unwrap().to_vec(), entry.expire_at_ms()));
        });
        assert_eq!(found, self.model);
        assert_eq!(self.keyspace.len(DB), self.model.len() as u64);
        let expires = self.model.values().filter(|(_, expiry)| expiry.is_some()).count();
        assert_eq!(self.keyspace.expires_len(DB), expires as u64);
        let stats = self.keyspace.stats();
        assert_eq!((stats.hits, stats.misses), (self.hits, self.misses));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_view_behaves_like_a_map_with_expiry(exclusive: bool, ops in vec(op(), 1..150)) {
        let mut pair = Pair::new(exclusive);
        for op in &ops {
            pair.apply(op);
        }
        pair.check();
    }

    /// SCAN over a whole database while keys come and go.
    #[test]
    fn scan_shows_what_is_there_throughout(
        start in 1_u32..400,
        steps in vec((1_usize..30, vec((0_u32..800, any::<bool>()), 0..30)), 1..40),
    ) {
        let keyspace = Keyspace::new(1, 1);
        let set = |key: u32| {
            let name = key.to_string();
            let key = Key::new(name.as_bytes());
            keyed(&keyspace, Access::write(0), &[&key]).set(&key, NewValue::Int(1), SetTtl::Clear);
        };
        (0..start).for_each(set);
        let mut throughout: HashSet<Vec<u8>> = (0..start).map(|key| key.to_string().into_bytes()).collect();
        let mut seen = HashSet::new();
        let mut steps = steps.into_iter();
        let mut cursor = 0;
        loop {
            let (count, changes) = steps.next().unwrap_or((100, Vec::new()));
            let mut shown = 0;
            cursor = keyed(&keyspace, Access::read(0), &[]).scan(cursor, count, |entry| {
                shown += 1;
                seen.insert(entry.key().to_vec());
            });
            prop_assert!(shown == count || cursor == 0, "COUNT is exact but for the last step");
            prop_assert!(cursor < 1 << 53);
            if cursor == 0 {
                break;
            }
            for (key, insert) in changes {
                if insert {
                    set(key);
                } else {
                    let name = key.to_string().into_bytes();
                    let key = Key::new(&name);
                    keyed(&keyspace, Access::write(0), &[&key]).remove(&key);
                    throughout.remove(&name);
                }
            }
        }
        prop_assert!(throughout.is_subset(&seen));
    }

    #[test]
    fn any_number_is_a_cursor(cursor: u64, keys in 0_u32..50) {
        let keyspace = Keyspace::new(1, 1);
        for n in 0..keys {
            let name = n.to_string();
            let key = Key::new(name.as_bytes());
            keyed(&keyspace, Access::write(0), &[&key]).set(&key, NewValue::Int(1), SetTtl::Clear);
        }
        let mut shown = 0;
        let next = keyed(&keyspace, Access::read(0), &[]).scan(cursor, 7, |_| shown += 1);
        prop_assert!(shown <= 7 && next < 1 << 53);
    }
}

#[test]
fn a_replica_hides_and_the_replication_stream_ignores() {
    let keyspace = Keyspace::new(1, 1);
    let key = Key::new(b"k");
    keyed(&keyspace, Access::write(0), &[&key]).set(&key, NewValue::Bytes(b"v"), SetTtl::At(100));
    let at = |now_ms, expiry| Access { expiry, ..Access::write(now_ms) };
    let mut view = keyed(&keyspace, at(100, ExpiryMode::Delete), &[&key]);
    assert!(view.exists(&key), "a key lives in the millisecond it expires");
    drop(view);

    let mut view = keyed(&keyspace, at(101, ExpiryMode::Hide), &[&key]);
    assert!(view.get(&key).is_none() && !view.remove(&key) && view.edit(&key).is_none());
    assert!(!view.has_expired());
    drop(view);
    assert_eq!(keyspace.len(DB), 1);

    let mut view = keyed(&keyspace, at(101, ExpiryMode::Ignore), &[&key]);
    assert_eq!(view.get(&key).map(|entry| entry.string().unwrap().to_vec()), Some(b"v".to_vec()));
    drop(view);

    let mut view = keyed(&keyspace, at(101, ExpiryMode::Hide), &[&key]);
    assert!(!view.set(&key, NewValue::Bytes(b"new"), SetTtl::Keep));
    assert_eq!(view.expiry(&key), Some(None), "a hidden key leaves nothing to its successor");
    drop(view);
    assert_eq!((keyspace.len(DB), keyspace.expires_len(DB)), (1, 0));
}

#[test]
fn reading_an_untouched_database_does_not_create_it() {
    let keyspace = Keyspace::new(16, 1);
    let key = Key::new(b"k");
    assert!(keyed(&keyspace, Access::read(0), &[&key]).get(&key).is_none());
    let mut view = keyspace.view_exclusive(DbIndex(3), Access::write(0));
    assert!(view.get(&key).is_none() && !view.remove(&key) && view.random_key().is_none());
    assert_eq!(view.scan(0, 10, |_| ()), 0);
    drop(view);
    assert_eq!(keyspace.existing().count(), 0);
    assert_eq!(keyspace.stats().misses, 2);
    keyspace.view_exclusive(DbIndex(3), Access::write(0)).set(&key, NewValue::Int(1), SetTtl::Clear);
    assert_eq!(keyspace.existing().count(), 1);
    assert!(!keyspace.is_empty());
    // 128 bytes for each of 1024 shards and one entry's slots and index.
    assert!(keyspace.table_memory_usage(DbIndex(3)) < 200_000);
}

#[test]
fn a_pair_of_48_bytes_takes_80() {
    let keyspace = Keyspace::new(1, 1);
    let keys = 230_000_u32;
    let mut blocks = 0;
    for n in 0..keys {
        let name = format!("key:{n:012}");
        let key = Key::new(name.as_bytes());
        let mut view = keyed(&keyspace, Access::write(0), &[&key]);
        view.set(&key, NewValue::Bytes(&[b'v'; 32]), SetTtl::Clear);
        blocks += 48;
        assert!(view.peek(&key).unwrap().memory_usage(0) <= 80);
    }
    let headers = 128 * SHARDS;
    let total = keyspace.table_memory_usage(DB) - headers + blocks;
    assert!(total / keys as usize <= 84, "{} bytes per key", total / keys as usize);
}

#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Observer for Recorder {
    fn on_mutation(&self, db: DbIndex, key: &[u8], change: Change) {
        self.0.lock().push(format!("{} {} {change:?}", db.0, String::from_utf8_lossy(key)));
    }
    fn on_flush(&self, db: DbIndex, _: &dyn Fn(DbIndex, &[u8]) -> bool) {
        self.0.lock().push(format!("{} flush", db.0));
    }
    fn on_swap(&self, first: DbIndex, second: DbIndex, _: &dyn Fn(DbIndex, &[u8]) -> bool) {
        self.0.lock().push(format!("swap {} {}", first.0, second.0));
    }
}

#[test]
fn the_observer_hears_of_every_change_once() {
    let keyspace = Keyspace::new(2, 1);
    let recorder = Arc::new(Recorder::default());
    assert!(keyspace.set_observer(recorder.clone()));
    let (a, b) = (Key::new(b"a"), Key::new(b"b"));
    let mut view = keyspace.view_exclusive(DB, Access::write(0));
    view.set(&a, NewValue::Int(1), SetTtl::Clear);
    assert!(recorder.0.lock().is_empty(), "nobody is interested yet");
    keyspace.set_observed(true);
    view.set(&a, NewValue::Int(2), SetTtl::At(10));
    assert!(view.get(&a).is_some() && view.edit(&a).is_some());
    let mut entry = view.edit(&a).unwrap();
    entry.append(b"x");
    entry.append(b"y");
    view.set_expiry(&a, None);
    view.rename(&a, &b);
    view.copy(&b, DbIndex(1), &a);
    view.set_expiry(&b, Some(5));
    assert_eq!(view.dirty(), 7);
    view.set_access(Access::write(6));
    assert!(view.get(&b).is_none());
    view.switch(DbIndex(1));
    assert!(view.evict(&a));
    assert_eq!(view.dirty(), 7, "neither expiry nor eviction is dirty");
    assert_eq!(view.take_expired().len(), 1);
    view.close();
    keyspace.swap(DB, DbIndex(1));
    keyspace.flush(DbIndex(1));
    let expected = [
        "0 a Overwritten",
        "0 a Edited",
        "0 a ExpiryChanged",
        "0 a Removed",
        "0 b Inserted",
        "1 a Inserted",
        "0 b ExpiryChanged",
        "0 b Expired",
        "1 a Evicted",
        "swap 0 1",
        "1 flush",
    ];
    assert_eq!(*recorder.0.lock(), expected);
}

#[test]
fn scan_deletes_what_expired_and_keeps_its_lock_until_it_is_logged() {
    let keyspace = Keyspace::new(1, 1);
    for n in 0..1000 {
        let name = format!("key:{n}");
        let key = Key::new(name.as_bytes());
        let ttl = if n % 10 == 0 { SetTtl::At(5) } else { SetTtl::Clear };
        keyed(&keyspace, Access::write(0), &[&key]).set(&key, NewValue::Int(n), ttl);
    }
    let (mut shown, mut expired, mut cursor) = (0, 0, 0);
    loop {
        let mut view = keyed(&keyspace, Access::read(6), &[]);
        cursor = view.scan(cursor, 50, |_| shown += 1);
        let taken = view.take_expired();
        let shards: HashSet<usize> = taken.iter().map(|key| shard_of(Key::new(&key.key).hash)).collect();
        assert_eq!(view.held.len(), shards.len());
        expired += taken.len();
        view.close();
        if cursor == 0 {
            break;
        }
    }
    assert_eq!((shown, expired, keyspace.len(DB), keyspace.expires_len(DB)), (900, 100, 900, 0));
    assert_eq!(keyspace.stats().expired, 100);
}

#[test]
fn random_keys_are_fair_and_alive() {
    let keyspace = Keyspace::new(1, 1);
    for n in 0..60 {
        let name = format!("{n}");
        let key = Key::new(name.as_bytes());
        let ttl = if n < 40 { SetTtl::Clear } else { SetTtl::At(5) };
        keyed(&keyspace, Access::write(0), &[&key]).set(&key, NewValue::Int(n), ttl);
    }
    let mut view = keyed(&keyspace, Access::read(6), &[]);
    let mut counts: HashMap<Vec<u8>, u32> = HashMap::new();
    for _ in 0..20_000 {
        *counts.entry(view.random_key().unwrap()).or_default() += 1;
    }
    assert_eq!(counts.len(), 40);
    // 500 expected, standard deviation 22.
    assert!(counts.values().all(|&count| (370..=630).contains(&count)), "{counts:?}");
    view.set_access(Access { expiry: ExpiryMode::Ignore, ..Access::read(6) });
    assert!((0..1000).any(|_| view.random_key().unwrap() >= b"40".to_vec()));
}

#[test]
fn long_values_are_freed_elsewhere() {
    let keyspace = Keyspace::new(1, 1);
    let (long, short) = (Key::new(b"long"), Key::new(b"short"));
    let mut view = keyspace.view_exclusive(DB, Access::write(0));
    view.set(&long, NewValue::Owned(vec![1; 100_000]), SetTtl::Clear);
    view.set(&short, NewValue::Owned(vec![1; 10]), SetTtl::Clear);
    view.set(&long, NewValue::Owned(vec![2; 100_000]), SetTtl::Clear);
    assert_eq!(view.take_garbage().len(), 1);
    assert!(view.remove(&long) && view.remove(&short));
    let closed = view.close();
    assert_eq!((closed.garbage.len(), closed.garbage.memory_usage()), (1, 100_000));
    assert_eq!(closed.dirty, 5);
}

#[test]
fn a_copied_long_string_is_shared_until_it_changes() {
    let keyspace = Keyspace::new(1, 1);
    let (a, b) = (Key::new(b"a"), Key::new(b"b"));
    let mut view = keyspace.view_exclusive(DB, Access::write(0));
    view.set(&a, NewValue::Owned(vec![1; 5000]), SetTtl::Clear);
    view.copy(&a, DB, &b);
    let shared = view.peek(&a).unwrap().shared().unwrap();
    assert!(Arc::ptr_eq(&shared, &view.peek(&b).unwrap().shared().unwrap()));
    assert_eq!(view.edit(&b).unwrap().append(&[2]), 5001);
    assert_eq!(view.peek(&a).unwrap().string().unwrap(), StringRef::Bytes(&[1; 5000]));
    assert_eq!(*shared, vec![1; 5000]);
}

#[test]
fn an_exclusive_view_reaches_any_number_of_shards_and_databases() {
    let keyspace = Keyspace::new(2, 1);
    let mut view = keyspace.view_exclusive(DB, Access::write(0));
    for n in 0..5000_i64 {
        view.switch(DbIndex((n % 2) as u32));
        let name = n.to_string();
        view.set(&Key::new(name.as_bytes()), NewValue::Int(n), SetTtl::Clear);
        assert!(view.held.len() <= EXCLUSIVE_HELD_MAX);
    }
    view.close();
    assert_eq!((keyspace.len(DB), keyspace.len(DbIndex(1))), (2500, 2500));
    let detached = keyspace.flush_all();
    assert_eq!(detached.keys(), 5000);
    assert!(keyspace.is_empty());
}

#[test]
fn clocks_follow_the_policy() {
    let keyspace = Keyspace::new(1, 1);
    let key = Key::new(b"k");
    let mut view = keyspace.view_exclusive(DB, Access::write(10_000));
    view.set(&key, NewValue::Int(1), SetTtl::Clear);
    assert!(view.set_idle_seconds(&key, 8));
    assert_eq!(view.peek(&key).unwrap().idle_ms(10_000), 8_000);
    view.set_access(Access { touch: false, ..Access::read(12_000) });
    assert_eq!(view.get(&key).unwrap().idle_ms(12_000), 10_000);
    assert!(view.touch_key(&key));
    assert_eq!(view.peek(&key).unwrap().idle_ms(12_000), 0);
    keyspace.clock().set_lfu(true);
    assert!(view.set_lfu_freq(&key, 77));
    assert_eq!(view.peek(&key).unwrap().lfu_freq(12_000), 77);
}

#[test]
#[should_panic(expected = "did not declare")]
#[cfg(debug_assertions)]
fn touching_an_undeclared_key_is_a_bug() {
    let keyspace = Keyspace::new(1, 1);
    let a = Key::new(b"a");
    let names: Vec<String> = (0..SHARDS).map(|n| n.to_string()).collect();
    let elsewhere =
        names.iter().map(|name| Key::new(name.as_bytes())).find(|key| shard_of(key.hash) != shard_of(a.hash));
    let b = elsewhere.expect("a thousand keys are not all in one shard");
    keyed(&keyspace, Access::write(0), &[&a]).set(&b, NewValue::Int(1), SetTtl::Clear);
}

#[test]
fn moving_takes_value_and_expiry_along() {
    let keyspace = Keyspace::new(2, 1);
    let key = Key::new(b"key");
    let other = DbIndex(1);
    let mut view = keyspace.view_exclusive(DB, Access::write(1000));
    assert!(!view.move_to(&key, other));
    view.set(&key, NewValue::Bytes(b"value"), SetTtl::At(5000));
    let before = view.dirty();
    assert!(view.move_to(&key, DB), "to where it is");
    assert_eq!(view.dirty(), before);
    assert!(view.move_to(&key, other));
    assert_eq!(view.dirty(), before + 1);
    assert_eq!(view.db(), DB);
    assert!(view.peek(&key).is_none());
    view.switch(other);
    let moved = view.peek(&key).map(|entry| (entry.string().unwrap().to_vec(), entry.expire_at_ms()));
    assert_eq!(moved, Some((b"value".to_vec(), Some(5000))));
    view.close();
    assert_eq!((keyspace.len(DB), keyspace.len(other), keyspace.expires_len(other)), (0, 1, 1));
}

#[test]
fn creating_a_key_and_filling_it_is_one_change() {
    let keyspace = Keyspace::new(1, 1);
    let key = Key::new(b"key");
    let mut view = keyspace.view_exclusive(DB, Access::write(0));
    view.edit_or_insert(&key, NewValue::Text(b"")).0.append(b"a");
    assert_eq!(view.dirty(), 1);
    view.edit_or_insert(&key, NewValue::Text(b"")).0.append(b"b");
    assert_eq!(view.dirty(), 2, "a key that was there changes by what is done to it");
    view.set_expiry(&key, Some(5));
    view.set_access(Access::write(6));
    view.edit_or_insert(&key, NewValue::Text(b"")).0.append(b"c");
    assert_eq!(view.dirty(), 4, "one that expired is created anew");
    assert_eq!(view.peek(&key).map(|entry| entry.string().unwrap().to_vec()), Some(b"c".to_vec()));
}
