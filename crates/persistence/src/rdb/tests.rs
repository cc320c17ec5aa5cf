use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use redan_keyspace::{
    Access, DbIndex, ExpiryMode, IntText, Key, Keyspace, LoadedAccess, NewValue, SetTtl, Snapshot,
};

use super::*;
use crate::digest::{DatasetDigest, Digest};

mod damage;
mod loading;
mod saving;

/// The time of all tests.
pub(super) const NOW_MS: i64 = 1_700_000_000_000;

/// What is in a keyspace: by database and key, the value and its expiry.
pub(super) type Dataset = BTreeMap<(u32, Vec<u8>), (Vec<u8>, Option<i64>)>;

pub(super) fn keyspace_of(dataset: &Dataset) -> Keyspace {
    let keyspace = Keyspace::new(16, 1);
    for ((db, key), (value, expire_at_ms)) in dataset {
        let loader = keyspace.loader(DbIndex(*db), NOW_MS);
        loader
            .insert(&Key::new(key), NewValue::Bytes(value), *expire_at_ms, LoadedAccess::Now)
            .expect("keys of a map are distinct");
    }
    keyspace
}

pub(super) fn dataset_of(keyspace: &Keyspace) -> Dataset {
    let mut dataset = Dataset::new();
    for db in 0..keyspace.databases() {
        let access = Access { expiry: ExpiryMode::Ignore, ..Access::read(NOW_MS) };
        keyspace.view_exclusive(DbIndex(db), access).for_each_key(|entry| {
            let value = entry.string().expect("a string").bytes(&mut IntText::new()).to_vec();
            dataset.insert((db, entry.key().to_vec()), (value, entry.expire_at_ms()));
        });
    }
    dataset
}

pub(super) fn keyspace_digest(keyspace: &Keyspace) -> Digest {
    let mut digest = DatasetDigest::new();
    for db in 0..keyspace.databases() {
        digest.select(db);
        let access = Access { expiry: ExpiryMode::Ignore, ..Access::read(NOW_MS) };
        keyspace.view_exclusive(DbIndex(db), access).for_each_key(|entry| {
            digest.add(entry.key(), entry.value(), entry.expire_at_ms().is_some());
        });
    }
    digest.finish()
}

/// A header whose bytes do not depend on anything.
pub(super) fn header() -> RdbHeader {
    RdbHeader { redis_version: "7.4.2".into(), ctime_s: 1, used_memory: 2, ..RdbHeader::default() }
}

/// Makes the cut.
pub(super) fn begin<'k>(keyspace: &'k Keyspace, options: SinkOptions) -> (Snapshot<'k>, Arc<RdbSink>) {
    let sink = Arc::new(RdbSink::new(options));
    (keyspace.begin_snapshot(sink.clone()).expect("no other snapshot"), sink)
}

pub(super) fn save_to(
    snapshot: Snapshot<'_>,
    sink: &RdbSink,
    output: &mut dyn RdbOutput,
) -> Result<SaveStats, SaveError> {
    let options =
        SaveOptions { compression: true, checksum: true, keys_per_step: 7, after_step: &mut |_| () };
    save_snapshot(snapshot, sink, &header(), output, options, &SaveProgress::default())
}

/// The file of a keyspace.
pub(super) fn saved(keyspace: &Keyspace, options: SinkOptions, compression: bool) -> Vec<u8> {
    let (snapshot, sink) = begin(keyspace, options);
    let mut file = Vec::new();
    let options = SaveOptions { compression, checksum: true, keys_per_step: 50, after_step: &mut |_| () };
    let output = &mut WriteOutput(&mut file);
    let stats = save_snapshot(snapshot, &sink, &header(), output, options, &SaveProgress::default())
        .expect("memory does not fail");
    assert_eq!(stats.bytes, file.len() as u64);
    assert_eq!(stats.checksum.to_le_bytes(), file[file.len() - 8..]);
    file
}

pub(super) fn load_into(
    keyspace: &Keyspace,
    source: impl Read,
    options: &LoadOptions,
) -> Result<LoadReport, RdbError> {
    let mut reader = RdbReader::new(source, ReaderOptions::default());
    load(&mut reader, keyspace, options, &mut |_| ControlFlow::Continue(()))
}

/// Loads a file into an empty keyspace.
pub(super) fn loaded(source: impl Read) -> Result<(Dataset, LoadReport), RdbError> {
    let keyspace = Keyspace::new(16, 1);
    let options = LoadOptions { now_ms: NOW_MS, ..LoadOptions::default() };
    load_into(&keyspace, source, &options).map(|report| (dataset_of(&keyspace), report))
}

/// A source that gives few bytes at a time.
pub(super) struct Dribble<'a>(pub(super) &'a [u8], pub(super) usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(self.1).min(self.0.len());
        buffer[..len].copy_from_slice(&self.0[..len]);
        self.0 = &self.0[len..];
        Ok(len)
    }
}

/// Strings of all kinds that the format tells apart.
pub(super) fn strings() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..40),
        2 => any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        2 => (-70_000i64..70_000).prop_map(|number| number.to_string().into_bytes()),
        2 => (any::<[u8; 3]>(), 0usize..3000).prop_map(|(bytes, times)| bytes.repeat(times)),
        1 => prop::collection::vec(any::<u8>(), 1000..1100),
    ]
}

pub(super) fn datasets() -> impl Strategy<Value = Dataset> {
    let expiry = prop::option::of(1..=2 * NOW_MS);
    let key = (0u32..16, prop_oneof![strings(), "[a-d]{1,2}".prop_map(String::into_bytes)]);
    prop::collection::btree_map(key, (strings(), expiry), 0..60)
}

proptest! {
    #[test]
    fn lengths_round_trip(len: u64, shift in 0u32..64) {
        let len = len >> shift;
        let mut encoder = RdbEncoder::new(false);
        encoder.put_len(len);
        let mut input = RdbInput::from_bytes(encoder.take(0));
        prop_assert_eq!(input.length().expect("valid"), len);
        prop_assert!(input.is_at_end());
    }

    #[test]
    fn strings_round_trip(strings in prop::collection::vec(strings(), 0..10), compression: bool) {
        let mut encoder = RdbEncoder::new(compression);
        for string in &strings {
            encoder.put_string(string);
        }
        let file = encoder.take(0);
        let mut input = RdbInput::new(Dribble(&file, 3));
        for string in &strings {
            prop_assert_eq!(&input.string().expect("valid").into_vec(), string);
        }
        prop_assert_eq!(input.offset(), file.len() as u64);
        prop_assert_eq!(input.checksum(), crc64::crc64(0, &file));
        let mut input = RdbInput::new(&file[..]);
        for _ in &strings {
            input.skip_string().expect("valid");
        }
        prop_assert_eq!(input.offset(), file.len() as u64);
    }

    #[test]
    fn doubles_round_trip(number: f64) {
        let mut encoder = RdbEncoder::new(false);
        encoder.put_binary_double(number);
        encoder.put_text_double(number);
        let mut input = RdbInput::from_bytes(encoder.take(0));
        prop_assert_eq!(input.binary_double().expect("valid").to_bits(), number.to_bits());
        let text = input.text_double().expect("valid");
        prop_assert!(text == number || text.is_nan() && number.is_nan());
    }
}
