use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;

use parking_lot::RwLock;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::hash::Key;
use crate::table::SetTtl;
use crate::value::NewValue;
use crate::view::{Access, ExpiryMode};

type Content = BTreeMap<(DbIndex, Vec<u8>), (Vec<u8>, Option<i64>)>;

/// Collects what it is shown and insists on seeing each key once.
#[derive(Default)]
struct Collector {
    shown: Mutex<Content>,
    waits: AtomicUsize,
}

impl SnapshotSink for Collector {
    fn capture(&self, db: DbIndex, entry: EntryRef<'_>) {
        let value = (entry.string().unwrap().to_vec(), entry.expire_at_ms());
        let before = self.shown.lock().insert((db, entry.key().to_vec()), value);
        assert_eq!(before, None, "shown twice: {:?}", String::from_utf8_lossy(entry.key()));
    }

    fn wait_for_room(&self) {
        self.waits.fetch_add(1, Relaxed);
    }
}

const DATABASES: u32 = 3;

/// All that is there, expired or not.
fn content(keyspace: &Keyspace) -> Content {
    let access = Access { expiry: ExpiryMode::Ignore, ..Access::read(0) };
    let mut content = Content::new();
    for db in (0..keyspace.databases()).map(DbIndex) {
        keyspace.view_exclusive(db, access).for_each_key(|entry| {
            content
                .insert((db, entry.key().to_vec()), (entry.string().unwrap().to_vec(), entry.expire_at_ms()));
        });
    }
    content
}

#[derive(Clone, Debug)]
enum Op {
    Set(u32, u8, Vec<u8>, Option<i64>),
    Append(u32, u8, Vec<u8>),
    SetExpiry(u32, u8, Option<i64>),
    Remove(u32, u8),
    Rename(u32, u8, u8),
    Copy(u32, u8, u32, u8),
    Look(u32, u8),
    Cycle(u32),
    Flush(u32),
    FlushAll,
    Swap(u32, u32),
    Walk(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let db = || 0..DATABASES;
    let key = || 0_u8..40;
    let bytes = || prop_oneof![5 => vec(any::<u8>(), 0..20), 1 => vec(any::<u8>(), 1024..1030)];
    let expiry = || proptest::option::of(0_i64..100);
    prop_oneof![
        12 => (db(), key(), bytes(), expiry()).prop_map(|(db, key, value, at)| Op::Set(db, key, value, at)),
        4 => (db(), key(), bytes()).prop_map(|(db, key, tail)| Op::Append(db, key, tail)),
        3 => (db(), key(), expiry()).prop_map(|(db, key, at)| Op::SetExpiry(db, key, at)),
        4 => (db(), key()).prop_map(|(db, key)| Op::Remove(db, key)),
        3 => (db(), key(), key()).prop_map(|(db, from, to)| Op::Rename(db, from, to)),
        3 => (db(), key(), db(), key()).prop_map(|(db, from, to_db, to)| Op::Copy(db, from, to_db, to)),
        3 => (db(), key()).prop_map(|(db, key)| Op::Look(db, key)),
        1 => db().prop_map(Op::Cycle),
        1 => db().prop_map(Op::Flush),
        1 => Just(Op::FlushAll),
        1 => (db(), db()).prop_map(|(first, second)| Op::Swap(first, second)),
        5 => (1_usize..900).prop_map(Op::Walk),
    ]
}

fn apply(keyspace: &Keyspace, snapshot: Option<&Snapshot<'_>>, op: &Op) {
    // Half of the expiries lie in the past, so that lazy deletion happens as well.
    let access = Access::write(50);
    let view = |db: u32| keyspace.view_exclusive(DbIndex(db), access);
    let name = |key: u8| format!("key:{key}").into_bytes();
    match op {
        Op::Set(db, key, value, at_ms) => {
            let ttl = at_ms.map_or(SetTtl::Clear, SetTtl::At);
            let name = name(*key);
            let key = Key::new(&name);
            keyspace.view_keyed(DbIndex(*db), access, [key.hash]).set(&key, NewValue::Bytes(value), ttl);
        }
        Op::Append(db, key, tail) => {
            view(*db).edit_or_insert(&Key::new(&name(*key)), NewValue::Text(b"")).0.append(tail);
        }
        Op::SetExpiry(db, key, at_ms) => {
            view(*db).set_expiry(&Key::new(&name(*key)), *at_ms);
        }
        Op::Remove(db, key) => {
            view(*db).remove(&Key::new(&name(*key)));
        }
        Op::Rename(db, from, to) => {
            view(*db).rename(&Key::new(&name(*from)), &Key::new(&name(*to)));
        }
        Op::Copy(db, from, to_db, to) => {
            view(*db).copy(&Key::new(&name(*from)), DbIndex(*to_db), &Key::new(&name(*to)));
        }
        Op::Look(db, key) => {
            view(*db).get(&Key::new(&name(*key)));
        }
        Op::Cycle(db) => {
            let budget = crate::ExpireBudget { shards: crate::SHARDS, entries: usize::MAX };
            keyspace.expire_cycle(DbIndex(*db), &mut 0, access, budget, |_, _| ());
        }
        Op::Flush(db) => drop(keyspace.flush(DbIndex(*db))),
        Op::FlushAll => drop(keyspace.flush_all()),
        Op::Swap(first, second) => keyspace.swap(DbIndex(*first), DbIndex(*second)),
        Op::Walk(entries) => {
            if let Some(snapshot) = snapshot {
                snapshot.walk_step(*entries);
            }
        }
    }
}

fn finish(snapshot: &Snapshot<'_>) {
    while snapshot.walk_step(100) == Progress::Running {}
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn shows_exactly_what_was_there_at_the_cut(
        before in vec(op(), 0..120), rounds in vec((vec(op(), 0..80), any::<bool>()), 1..4),
    ) {
        let keyspace = Keyspace::new(DATABASES, 3);
        for op in &before {
            apply(&keyspace, None, op);
        }
        for (during, abort) in &rounds {
            let cut = content(&keyspace);
            let sink = Arc::new(Collector::default());
            let snapshot = keyspace.begin_snapshot(sink.clone()).unwrap();
            prop_assert!(keyspace.begin_snapshot(sink.clone()).is_err());
            for size in snapshot.sizes() {
                let of_db = || cut.iter().filter(|((db, _), _)| *db == size.db);
                prop_assert_eq!(size.keys, of_db().count() as u64);
                prop_assert_eq!(size.expires, of_db().filter(|(_, (_, at_ms))| at_ms.is_some()).count() as u64);
            }
            prop_assert_eq!(snapshot.sizes().iter().map(|size| size.keys).sum::<u64>(), cut.len() as u64);
            for op in during {
                apply(&keyspace, Some(&snapshot), op);
            }
            if *abort {
                snapshot.abort();
                for (key, value) in sink.shown.lock().iter() {
                    prop_assert_eq!(cut.get(key), Some(value));
                }
            } else {
                finish(&snapshot);
                prop_assert_eq!(&*sink.shown.lock(), &cut);
            }
            prop_assert!(!keyspace.is_snapshot_running());
        }
    }
}

#[test]
fn shows_the_cut_while_threads_write() {
    const KEYS: u32 = 3000;
    const WRITERS: u64 = 3;
    let keyspace = Keyspace::new(2, 5);
    // What the engine's gate does: commands share it, the cut excludes them.
    let gate = RwLock::new(());
    let stop = AtomicBool::new(false);
    let write = |random: &mut fastrand::Rng| {
        let db = random.u32(..2);
        let name = format!("key:{}", random.u32(..KEYS));
        let other = format!("key:{}", random.u32(..KEYS));
        let (key, other) = (Key::new(name.as_bytes()), Key::new(other.as_bytes()));
        let _shared = gate.read();
        let mut view = keyspace.view_keyed(DbIndex(db), Access::write(50), [key.hash, other.hash]);
        let value = random.u64(..);
        match random.u32(..8) {
            0..=2 => {
                let ttl =
                    if value.is_multiple_of(3) { SetTtl::At((value % 100) as i64) } else { SetTtl::Clear };
                view.set(&key, NewValue::Int(value as i64), ttl);
            }
            3..=4 => {
                view.edit_or_insert(&key, NewValue::Text(b"")).0.append(&value.to_ne_bytes());
            }
            5 => {
                view.remove(&key);
            }
            6 => {
                view.rename(&key, &other);
            }
            _ => {
                view.get(&key);
            }
        }
        view.take_expired();
        if view.close().handed_over {
            keyspace.wait_for_snapshot_room();
        }
    };
    std::thread::scope(|scope| {
        for seed in 0..WRITERS {
            let (stop, write) = (&stop, &write);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                while !stop.load(Relaxed) {
                    write(&mut random);
                }
            });
        }
        for round in 0..12 {
            let exclusive = gate.write();
            let cut = content(&keyspace);
            let sink = Arc::new(Collector::default());
            let snapshot = keyspace.begin_snapshot(sink.clone()).unwrap();
            drop(exclusive);
            if round % 3 == 2 {
                snapshot.walk_step(500);
                let _exclusive = gate.write();
                keyspace.swap(DbIndex(0), DbIndex(1));
                drop(keyspace.flush(DbIndex(0)));
            }
            while snapshot.walk_step(50) == Progress::Running {
                std::thread::yield_now();
            }
            assert_eq!(*sink.shown.lock(), cut, "round {round}");
        }
        stop.store(true, Relaxed);
    });
}

#[test]
fn a_writer_that_handed_something_over_is_told_to_wait() {
    let keyspace = Keyspace::new(1, 1);
    let key = Key::new(b"k");
    let set = || {
        let mut view = keyspace.view_keyed(DbIndex(0), Access::write(0), [key.hash]);
        view.set(&key, NewValue::Int(1), SetTtl::Clear);
        view.close().handed_over
    };
    assert!(!set());
    let sink = Arc::new(Collector::default());
    let snapshot = keyspace.begin_snapshot(sink.clone()).unwrap();
    assert!(set(), "the first write of an unseen key hands it over");
    assert!(!set(), "the second one does not");
    keyspace.wait_for_snapshot_room();
    assert_eq!(sink.waits.load(Relaxed), 1);
    finish(&snapshot);
    keyspace.wait_for_snapshot_room();
    assert_eq!(sink.waits.load(Relaxed), 1);
}

/// The 8-bit epoch comes round; nothing may be left with a stale one.
#[test]
fn three_hundred_snapshots_in_a_row_are_all_exact() {
    let keyspace = Keyspace::new(1, 1);
    for n in 0..20_i64 {
        let name = n.to_string();
        let key = Key::new(name.as_bytes());
        keyspace.view_keyed(DbIndex(0), Access::write(0), [key.hash]).set(
            &key,
            NewValue::Int(n),
            SetTtl::Clear,
        );
    }
    for round in 0..300 {
        let sink = Arc::new(Collector::default());
        let snapshot = keyspace.begin_snapshot(sink.clone()).unwrap();
        if round % 7 == 3 {
            snapshot.abort();
        } else {
            finish(&snapshot);
            assert_eq!(sink.shown.lock().len(), 20, "round {round}");
        }
    }
}

#[test]
fn a_large_value_is_captured_by_reference() {
    struct Keeper(Mutex<Vec<Arc<Vec<u8>>>>);
    impl SnapshotSink for Keeper {
        fn capture(&self, _: DbIndex, entry: EntryRef<'_>) {
            self.0.lock().extend(entry.shared());
        }
        fn wait_for_room(&self) {}
    }
    let keyspace = Keyspace::new(1, 1);
    let key = Key::new(b"k");
    let mut view = keyspace.view_exclusive(DbIndex(0), Access::write(0));
    view.set(&key, NewValue::Owned(vec![7; 10_000]), SetTtl::Clear);
    view.close();
    let sink = Arc::new(Keeper(Mutex::new(Vec::new())));
    let snapshot = keyspace.begin_snapshot(sink.clone()).unwrap();
    finish(&snapshot);
    keyspace.view_exclusive(DbIndex(0), Access::write(0)).edit(&key).unwrap().set_range(0, b"changed");
    assert_eq!(*sink.0.lock()[0], vec![7; 10_000]);
}

#[test]
fn giving_up_a_whole_round_of_epochs_leaves_nothing_stale() {
    let keyspace = Keyspace::new(1, 1);
    let key = Key::new(b"k");
    let access = Access::write(0);
    keyspace.view_keyed(DbIndex(0), access, [key.hash]).set(&key, NewValue::Int(1), SetTtl::Clear);
    for _ in 0..u8::MAX {
        keyspace.begin_snapshot(Arc::new(Collector::default())).unwrap().abort();
    }
    let sink = Arc::new(Collector::default());
    let snapshot = keyspace.begin_snapshot(sink.clone()).unwrap();
    finish(&snapshot);
    assert_eq!(sink.shown.lock().len(), 1);
}

/// Another thread carries the tables from the keyspace to the snapshot while the walker goes through them.
#[test]
fn a_flush_during_the_walk_loses_nothing() {
    let keyspace = Keyspace::new(1, 1);
    for round in 0..60 {
        for n in 0..200_i64 {
            let name = n.to_string();
            let key = Key::new(name.as_bytes());
            let mut view = keyspace.view_keyed(DbIndex(0), Access::write(0), [key.hash]);
            view.set(&key, NewValue::Int(n), SetTtl::Clear);
        }
        let sink = Arc::new(Collector::default());
        let snapshot = keyspace.begin_snapshot(sink.clone()).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| keyspace.flush(DbIndex(0)));
            finish(&snapshot);
        });
        assert_eq!(sink.shown.lock().len(), 200, "round {round}");
    }
}
