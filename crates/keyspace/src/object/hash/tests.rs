use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Fields with values and expiries.
type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

fn limits(entries: i64, value: i64) -> Limits {
    let limits = Limits::default();
    limits.set(Limit::HashMaxListpackEntries, entries);
    limits.set(Limit::HashMaxListpackValue, value);
    limits
}

fn content(hash: &Hash) -> Model {
    let mut all = Model::new();
    hash.for_each(|found| {
        let old = all.insert(found.field.to_vec(), (found.value.to_vec(), found.expire_at_ms));
        assert!(old.is_none(), "a field is shown once");
    });
    all
}

fn check(hash: &Hash, model: &Model) {
    assert_eq!(&content(hash), model);
    assert_eq!((hash.len(), hash.is_empty()), (model.len(), model.is_empty()));
    assert_eq!(hash.next_expiry(), model.values().filter_map(|(_, at_ms)| *at_ms).min());
    match &hash.0 {
        Form::Table(table) => table.check(),
        Form::Listpack(list) => assert_eq!(Listpack::from_bytes(list.as_bytes().to_vec()).as_ref(), Ok(list)),
        Form::ListpackEx(list) => {
            let mut times = Vec::new();
            hash.for_each(|found| times.push(found.expire_at_ms.unwrap_or(i64::MAX)));
            assert!(times.is_sorted(), "{times:?}");
            assert_eq!(Listpack::from_bytes(list.as_bytes().to_vec()).as_ref(), Ok(&**list));
        }
    }
    for index in 0..hash.len() {
        let found = hash.at(index).expect("below the length");
        assert_eq!(hash.get(&found.field.to_vec()), Some(found));
    }
    assert_eq!(hash.at(hash.len()), None);
}

#[derive(Clone, Debug)]
enum Step {
    Set(Vec<u8>, Vec<u8>, SetTtl),
    Remove(Vec<u8>),
    Expire(Vec<u8>, Option<i64>),
    Pop(i64),
    Share,
}

fn field() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0_u8..12).prop_map(|n| vec![b'a' + n]),
        2 => (0_i64..6).prop_map(|n| n.to_string().into_bytes()),
        1 => Just(Vec::new()),
        1 => (0_u8..4).prop_map(|n| vec![n; 20]),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i16>().prop_map(|n| n.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..12),
        Just(vec![b'v'; 40]),
    ]
}

fn ttl() -> impl Strategy<Value = SetTtl> {
    prop_oneof![4 => Just(SetTtl::Clear), 1 => Just(SetTtl::Keep), 1 => (1_i64..60).prop_map(SetTtl::At)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (field(), value(), ttl()).prop_map(|(field, value, ttl)| Step::Set(field, value, ttl)),
        3 => field().prop_map(Step::Remove),
        2 => (field(), prop::option::of(1_i64..60)).prop_map(|(field, at_ms)| Step::Expire(field, at_ms)),
        1 => (1_i64..60).prop_map(Step::Pop),
        1 => Just(Step::Share),
    ]
}

fn apply(hash: &mut Hash, model: &mut Model, step: Step, limits: &Limits) {
    match step {
        Step::Set(field, value, ttl) => {
            let current = model.get(&field).and_then(|(_, at_ms)| *at_ms);
            assert_eq!(hash.set(&field, &value, ttl, limits), !model.contains_key(&field));
            model.insert(field, (value, ttl.resolve(current)));
        }
        Step::Remove(field) => assert_eq!(hash.remove(&field), model.remove(&field).is_some()),
        Step::Expire(field, at_ms) => {
            assert_eq!(hash.set_expiry(&field, at_ms), model.contains_key(&field));
            if let Some((_, current)) = model.get_mut(&field) {
                *current = at_ms;
            }
        }
        Step::Pop(horizon) => {
            let next = hash.next_expiry();
            match hash.pop_expired(horizon) {
                Some(field) => {
                    let (_, at_ms) = model.remove(&*field).expect("it was there");
                    assert_eq!(at_ms, next);
                    assert!(at_ms.is_some_and(|at_ms| at_ms < horizon));
                }
                None => assert!(next.is_none_or(|at_ms| at_ms >= horizon)),
            }
        }
        Step::Share => *hash = hash.clone(),
    }
}

proptest! {
    #[test]
    fn behaves_like_a_map(
        steps in prop::collection::vec(step(), 1..80),
        entries in prop_oneof![Just(0_i64), Just(5), Just(512)],
        longest in prop_oneof![Just(15_i64), Just(64)],
    ) {
        let limits = limits(entries, longest);
        let (mut hash, mut model) = (Hash::default(), Model::new());
        for step in steps {
            apply(&mut hash, &mut model, step, &limits);
            check(&hash, &model);
            prop_assert!(hash.encoding() == Encoding::Hashtable || hash.len() as i64 <= entries);
        }
    }

    #[test]
    fn a_scan_shows_what_stays(removed in prop::collection::vec(any::<prop::sample::Index>(), 0..60), count in 1_usize..30) {
        let limits = limits(0, 64);
        let mut hash = Hash::default();
        let all: Vec<Vec<u8>> = (0..100).map(|n| format!("field:{n}").into_bytes()).collect();
        all.iter().for_each(|field| {
            hash.set(field, b"v", SetTtl::Clear, &limits);
        });
        let mut gone = BTreeSet::new();
        let (mut cursor, mut seen, mut removed) = (0, BTreeSet::new(), removed.into_iter());
        for _ in 0..=100 {
            cursor = hash.scan(cursor, count, |found| {
                seen.insert(found.field.to_vec());
            });
            if cursor == 0 {
                break;
            }
            for index in removed.by_ref().take(2) {
                let field = index.get(&all);
                hash.remove(field);
                gone.insert(field.clone());
            }
        }
        prop_assert_eq!(cursor, 0);
        for field in &all {
            prop_assert!(seen.contains(field) || gone.contains(field));
        }
    }
}

#[test]
fn encodings_follow_the_limits() {
    let limits = limits(3, 5);
    let mut hash = Hash::default();
    for (n, encoding) in
        [Encoding::Listpack, Encoding::Listpack, Encoding::Listpack, Encoding::Hashtable].iter().enumerate()
    {
        hash.set(n.to_string().as_bytes(), b"value", SetTtl::Clear, &limits);
        assert_eq!(hash.encoding(), *encoding, "{n}");
    }
    for (field, value) in [("f", "long value"), ("long field", "v")] {
        let mut hash = Hash::default();
        hash.set(field.as_bytes(), value.as_bytes(), SetTtl::Clear, &limits);
        assert_eq!(hash.encoding(), Encoding::Hashtable);
    }
    let mut hash = Hash::default();
    hash.set(b"f", b"v", SetTtl::At(5), &limits);
    assert_eq!(hash.encoding(), Encoding::ListpackEx);
    hash.set(b"f", b"v", SetTtl::Clear, &limits);
    assert_eq!((hash.encoding(), hash.next_expiry()), (Encoding::ListpackEx, None));
    let mut many = Hash::default();
    many.expect_fields(4, &limits);
    assert_eq!(many.encoding(), Encoding::Hashtable);
}

#[test]
fn expired_fields_are_counted_out() {
    for entries in [0, 512] {
        let limits = limits(entries, 64);
        let mut hash = Hash::default();
        for n in 0..10_i64 {
            let ttl = if n < 4 { SetTtl::At(100 + n) } else { SetTtl::Clear };
            hash.set(n.to_string().as_bytes(), b"v", ttl, &limits);
        }
        assert_eq!((hash.live_len(100), hash.has_expired(100)), (10, false));
        assert_eq!((hash.live_len(103), hash.has_expired(103)), (7, true));
        assert_eq!(hash.value(b"2", 103), None);
        assert_eq!(hash.value(b"3", 103), Some(StringRef::Bytes(b"v")));
        assert_eq!(hash.value(b"2", i64::MIN), Some(StringRef::Bytes(b"v")));
    }
}

#[test]
fn a_pair_takes_a_slot_its_place_in_the_index_and_its_bytes() {
    let limits = limits(0, 64);
    let mut hash = Hash::default();
    for n in 0..100_000 {
        hash.set(format!("field:{n:010}").as_bytes(), &[b'v'; 32], SetTtl::Clear, &limits);
    }
    let per_field = hash.memory_usage(0) / hash.len();
    assert!(per_field <= 79, "{per_field} bytes for 48 bytes of field and value");
}
