use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::rdb::object::ziplist::tests::encode as ziplist;

/// Fields with values and expiries.
type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

fn limits(entries: i64) -> Limits {
    let limits = Limits::default();
    limits.set(Limit::HashMaxListpackEntries, entries);
    limits
}

fn hash_of(model: &Model, limits: &Limits) -> Hash {
    let mut hash = Hash::default();
    for (field, (value, expire_at_ms)) in model {
        hash.set(field, value, expire_at_ms.map_or(SetTtl::Clear, SetTtl::At), limits);
    }
    hash
}

fn content(hash: &Hash) -> Model {
    let mut model = Model::new();
    hash.for_each(|found| {
        model.insert(found.field.to_vec(), (found.value.to_vec(), found.expire_at_ms));
    });
    model
}

fn encoded(write: impl FnOnce(&mut RdbEncoder)) -> Vec<u8> {
    let mut encoder = RdbEncoder::new(true);
    write(&mut encoder);
    encoder.take(0)
}

fn load(value_type: ValueType, bytes: &[u8], entries: i64) -> Result<Option<Hash>, RdbErrorKind> {
    let mut input = RdbInput::from_bytes(bytes.to_vec());
    let hash = read(&mut input, value_type, &limits(entries))?;
    assert!(input.is_at_end());
    Ok(hash)
}

fn model(pairs: &[(&str, &str, Option<i64>)]) -> Model {
    let bytes = |text: &str| text.as_bytes().to_vec();
    pairs.iter().map(|&(field, value, at_ms)| (bytes(field), (bytes(value), at_ms))).collect()
}

fn listpack(elements: &[&str]) -> Vec<u8> {
    let list: Listpack = elements.iter().map(|text| text.as_bytes()).collect();
    encoded(|encoder| encoder.put_string(list.as_bytes()))
}

fn model_strategy() -> impl Strategy<Value = Model> {
    let text = || {
        prop_oneof![
            any::<i64>().prop_map(|number| number.to_string().into_bytes()),
            prop::collection::vec(any::<u8>(), 0..40),
        ]
    };
    prop::collection::btree_map(text(), (text(), prop::option::weighted(0.3, 1..LATEST_MS)), 1..30)
}

proptest! {
    #[test]
    fn what_is_written_is_read(model in model_strategy(), small: bool, timed: bool) {
        let mut model = model;
        if !timed {
            model.values_mut().for_each(|(_, at_ms)| *at_ms = None);
        }
        let entries = if small { 512 } else { 0 };
        let hash = hash_of(&model, &limits(entries));
        let value_type = type_of(&hash);
        let expires = model.values().any(|(_, at_ms)| at_ms.is_some());
        prop_assert_eq!(value_type.since_version() == 12, expires);
        let bytes = encoded(|encoder| put(encoder, &hash));
        let back = load(value_type, &bytes, entries).expect("valid").expect("not empty");
        prop_assert_eq!(content(&back), model);
        prop_assert_eq!(back.next_expiry(), hash.next_expiry());
        let sum = |hash: &Hash| {
            let mut sum = Digest::default();
            digest(&mut sum, hash);
            sum
        };
        prop_assert_eq!(sum(&back), sum(&hash));
    }

    #[test]
    fn damage_never_panics(
        model in model_strategy(),
        small: bool,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let hash = hash_of(&model, &limits(if small { 512 } else { 0 }));
        let mut bytes = encoded(|encoder| put(encoder, &hash));
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for value_type in [type_of(&hash), ValueType::HashZiplist, ValueType::HashZipmap, ValueType::HashMetadataPreGa] {
            let mut input = RdbInput::from_bytes(bytes.clone());
            if let Ok(Some(hash)) = read(&mut input, value_type, &limits(10)) {
                prop_assert!(!hash.is_empty());
                prop_assert_eq!(content(&hash).len(), hash.len());
            }
        }
    }
}

#[test]
fn golden() {
    let bytes = encoded(|encoder| put(encoder, &hash_of(&model(&[("f", "v", None)]), &limits(0))));
    assert_eq!(bytes, b"\x01\x01f\x01v");
    let timed = model(&[("f", "v", Some(1_000)), ("g", "w", None), ("h", "x", Some(1_005))]);
    let bytes = encoded(|encoder| put(encoder, &hash_of(&timed, &limits(0))));
    assert_eq!(bytes, b"\xe8\x03\0\0\0\0\0\0\x03\x01\x01f\x01v\0\x01g\x01w\x06\x01h\x01x");
    let hash = hash_of(&timed, &limits(512));
    let bytes = encoded(|encoder| put(encoder, &hash));
    assert_eq!(bytes[..8], 1_000_i64.to_le_bytes());
    let list = hash.as_listpack().expect("a small one").as_bytes();
    assert_eq!((usize::from(bytes[8]), &bytes[9..]), (list.len(), list));
}

#[test]
fn every_old_type_is_read() {
    let plain = model(&[("f", "v", None), ("7", "-12", None)]);
    let map = encoded(|encoder| encoder.put_string(b"\x02\x01f\x01\0v\x017\x03\0-12\xff"));
    let list = encoded(|encoder| encoder.put_string(&ziplist(&[b"f", b"v", b"7", b"-12"])));
    for entries in [0, 512] {
        for (value_type, bytes) in [
            (ValueType::Hash, &b"\x02\x01f\x01v\x017\xc0\xf4"[..]),
            (ValueType::HashZipmap, &map),
            (ValueType::HashZiplist, &list),
            (ValueType::HashListpack, &listpack(&["f", "v", "7", "-12"])),
        ] {
            let hash = load(value_type, bytes, entries).expect("valid").expect("not empty");
            assert_eq!(content(&hash), plain, "{value_type:?}");
            let expected = if entries == 0 { Encoding::Hashtable } else { Encoding::Listpack };
            assert_eq!(hash.encoding(), expected, "{value_type:?}");
        }
        let timed = model(&[("f", "v", Some(500)), ("7", "-12", None)]);
        let ordered = listpack(&["f", "v", "500", "7", "-12", "0"]);
        let unordered = listpack(&["7", "-12", "0", "f", "v", "500"]);
        let with_earliest = [&500_i64.to_le_bytes()[..], &ordered].concat();
        for (value_type, bytes) in [
            (ValueType::HashMetadataPreGa, &b"\x02\x41\xf4\x01f\x01v\0\x017\xc0\xf4"[..]),
            (ValueType::HashMetadata, &b"\xf4\x01\0\0\0\0\0\0\x02\x01\x01f\x01v\0\x017\xc0\xf4"[..]),
            (ValueType::HashListpackExPreGa, &ordered),
            (ValueType::HashListpackExPreGa, &unordered),
            (ValueType::HashListpackEx, &with_earliest),
        ] {
            let hash = load(value_type, bytes, entries).expect("valid").expect("not empty");
            assert_eq!((content(&hash), hash.next_expiry()), (timed.clone(), Some(500)), "{value_type:?}");
        }
    }
}

#[test]
fn empty_and_broken_ones() {
    for (value_type, bytes) in [
        (ValueType::Hash, vec![0]),
        (ValueType::HashMetadataPreGa, vec![0]),
        (ValueType::HashListpack, listpack(&[])),
        (ValueType::HashListpackExPreGa, listpack(&[])),
        (ValueType::HashZiplist, encoded(|encoder| encoder.put_string(&ziplist(&[])))),
        (ValueType::HashZipmap, encoded(|encoder| encoder.put_string(b"\0\xff"))),
    ] {
        assert!(load(value_type, &bytes, 512).expect("valid").is_none(), "{value_type:?}");
    }
    for (value_type, bytes) in [
        (ValueType::Hash, b"\x02\x01f\x01v\x01f\x01w".to_vec()),
        (ValueType::Hash, b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01f\x01v".to_vec()),
        (ValueType::HashListpack, listpack(&["f"])),
        (ValueType::HashListpack, listpack(&["f", "v", "f", "w"])),
        (ValueType::HashListpackExPreGa, listpack(&["f", "v"])),
        (ValueType::HashListpackExPreGa, listpack(&["f", "v", "x"])),
        (ValueType::HashListpackExPreGa, listpack(&["f", "v", "-1"])),
        (ValueType::HashListpackExPreGa, listpack(&["f", "v", "281474976710655"])),
        (ValueType::HashListpackExPreGa, listpack(&["f", "v", "1", "f", "v", "2"])),
        (ValueType::HashMetadataPreGa, b"\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01f\x01v".to_vec()),
        (ValueType::HashZiplist, encoded(|encoder| encoder.put_string(&ziplist(&[b"f"])))),
        (ValueType::HashZiplist, encoded(|encoder| encoder.put_string(&ziplist(&[b"f", b"v", b"f", b"v"])))),
    ] {
        assert!(load(value_type, &bytes, 512).is_err(), "{value_type:?} {bytes:?}");
    }
}
