use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;

use redan_keyspace::SnapshotSink;

use super::*;

fn text(string: &str) -> Vec<u8> {
    string.as_bytes().to_vec()
}

#[test]
fn golden_bytes_of_a_small_file() {
    let dataset = Dataset::from([
        ((0, text("k")), (text("v"), None)),
        ((3, text("n")), (text("-300"), Some(0x0102_0304))),
    ]);
    let file = saved(&keyspace_of(&dataset), SinkOptions::default(), true);
    let mut expected = b"REDIS0010".to_vec();
    expected.extend_from_slice(b"\xfa\x09redis-ver\x057.4.2\xfa\x0aredis-bits\xc0\x40");
    expected.extend_from_slice(b"\xfa\x05ctime\xc0\x01\xfa\x08used-mem\xc0\x02\xfa\x08aof-base\xc0\x00");
    expected.extend_from_slice(b"\xfe\x00\xfb\x01\x00\x00\x01k\x01v");
    expected.extend_from_slice(b"\xfe\x03\xfb\x01\x01\xfc\x04\x03\x02\x01\0\0\0\0\x00\x01n\xc1\xd4\xfe\xff");
    let checksum = crc64::crc64(0, &expected);
    expected.extend_from_slice(&checksum.to_le_bytes());
    assert_eq!(file.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

#[test]
fn the_header_tells_all_it_knows() {
    let keyspace = Keyspace::new(16, 1);
    let (snapshot, sink) = begin(&keyspace, SinkOptions::default());
    let replication = ReplicationInfo { stream_db: 2, id: "0123456789".repeat(4), offset: 1 << 40 };
    let functions = vec![Bytes::from_static(b"#!lua name=lib\n"), Bytes::from_static(b"second")];
    let header = RdbHeader { replication: Some(replication.clone()), aof_base: true, functions, ..header() };
    let mut file = Vec::new();
    let options =
        SaveOptions { compression: true, checksum: true, keys_per_step: 7, after_step: &mut |_| () };
    let output = &mut WriteOutput(&mut file);
    save_snapshot(snapshot, &sink, &header, output, options, &SaveProgress::default())
        .expect("memory does not fail");
    let (dataset, report) = loaded(&file[..]).expect("valid");
    assert!(dataset.is_empty() && report.aof_base);
    assert_eq!(report.replication(), Some(replication));
    assert_eq!(report.functions, [b"#!lua name=lib\n".to_vec(), b"second".to_vec()]);
    assert_eq!((report.version, report.ctime_s, report.used_memory), (10, Some(1), Some(2)));
    assert_eq!((report.redis_version.as_deref(), report.bytes), (Some("7.4.2"), file.len() as u64));
}

#[test]
fn access_information_is_saved_as_the_policy_says() {
    let dataset = Dataset::from([((0, text("k")), (text("v"), None))]);
    let keyspace = keyspace_of(&dataset);
    let later = NOW_MS + 90_000;
    let options = SinkOptions { access: AccessField::Idle, now_ms: later, ..SinkOptions::default() };
    let file = saved(&keyspace, options, true);
    let entry = b"\xf8\x40\x5a\x00\x01k\x01v";
    assert!(file.windows(entry.len()).any(|window| window == entry), "90 seconds idle");
    let other = Keyspace::new(16, 1);
    load_into(&other, &file[..], &LoadOptions { now_ms: later, ..LoadOptions::default() }).expect("valid");
    let idle_ms = |keyspace: &Keyspace| {
        let mut view = keyspace.view_exclusive(DbIndex(0), Access::read(later));
        view.peek(&Key::new(b"k")).expect("loaded").idle_ms(later)
    };
    assert_eq!(idle_ms(&other), 90_000);

    keyspace.clock().set_lfu(true);
    let mut view = keyspace.view_exclusive(DbIndex(0), Access::write(NOW_MS));
    assert!(view.set_lfu_freq(&Key::new(b"k"), 77));
    drop(view);
    let options = SinkOptions { access: AccessField::Freq, now_ms: NOW_MS, ..SinkOptions::default() };
    let file = saved(&keyspace, options, true);
    let entry = b"\xf9\x4d\x00\x01k\x01v";
    assert!(file.windows(entry.len()).any(|window| window == entry), "frequency 77");
    other.clock().set_lfu(true);
    other.flush_all();
    load_into(&other, &file[..], &LoadOptions { now_ms: NOW_MS, ..LoadOptions::default() }).expect("valid");
    let mut view = other.view_exclusive(DbIndex(0), Access::read(NOW_MS));
    assert_eq!(view.peek(&Key::new(b"k")).expect("loaded").lfu_freq(NOW_MS), 77);
}

#[test]
fn without_a_checksum_there_are_zeroes() {
    let keyspace = keyspace_of(&Dataset::from([((0, text("k")), (text("v"), None))]));
    let (snapshot, sink) = begin(&keyspace, SinkOptions::default());
    let mut file = Vec::new();
    let options =
        SaveOptions { compression: true, checksum: false, keys_per_step: 1, after_step: &mut |_| () };
    let progress = SaveProgress::default();
    let output = &mut WriteOutput(&mut file);
    let stats =
        save_snapshot(snapshot, &sink, &header(), output, options, &progress).expect("memory does not fail");
    assert!(file.ends_with(&[255, 0, 0, 0, 0, 0, 0, 0, 0]));
    assert_eq!((stats.keys, progress.keys(), progress.bytes()), (1, 1, file.len() as u64));
    assert!(loaded(&file[..]).expect("valid").1.checksum_disabled);
}

#[test]
fn the_delay_hook_sees_every_key() {
    let dataset: Dataset = (0..100).map(|n| ((0, text(&n.to_string())), (text("v"), None))).collect();
    let keyspace = keyspace_of(&dataset);
    let (snapshot, sink) = begin(&keyspace, SinkOptions::default());
    let mut steps = Vec::new();
    let options = SaveOptions {
        compression: true,
        checksum: true,
        keys_per_step: 1,
        after_step: &mut |keys| steps.push(keys),
    };
    save_snapshot(
        snapshot,
        &sink,
        &header(),
        &mut WriteOutput(io::sink()),
        options,
        &SaveProgress::default(),
    )
    .expect("a sink does not fail");
    assert_eq!(steps.iter().sum::<u64>(), 100);
    assert_eq!(steps.iter().max(), Some(&1));
}

/// An output that fails at the given chunk.
struct FailsAt(usize);

impl RdbOutput for FailsAt {
    fn write_chunk(&mut self, _: Bytes) -> io::Result<()> {
        self.0 = self.0.checked_sub(1).ok_or_else(|| io::Error::from(io::ErrorKind::StorageFull))?;
        Ok(())
    }
}

fn big_dataset() -> Dataset {
    (0..300u32)
        .map(|n| ((n % 3, n.to_le_bytes().to_vec()), (n.to_le_bytes().repeat(n as usize * 2), None)))
        .collect()
}

#[test]
fn a_failed_save_leaves_nothing_behind() {
    let keyspace = keyspace_of(&big_dataset());
    for chunk in 0..4 {
        let (snapshot, sink) = begin(&keyspace, SinkOptions::default());
        let options =
            SaveOptions { compression: false, checksum: true, keys_per_step: 7, after_step: &mut |_| () };
        let output = &mut FailsAt(chunk);
        let error = save_snapshot(snapshot, &sink, &header(), output, options, &SaveProgress::default())
            .expect_err("the output failed");
        assert!(matches!(error, SaveError::Output(_)));
        assert!(!keyspace.is_snapshot_running());
        sink.wait_for_room();
    }
    assert_eq!(loaded(&saved(&keyspace, SinkOptions::default(), true)[..]).expect("valid").0, big_dataset());
}

#[test]
fn a_save_can_be_cancelled() {
    let keyspace = keyspace_of(&big_dataset());
    let (snapshot, sink) = begin(&keyspace, SinkOptions::default());
    let progress = SaveProgress::default();
    let options = SaveOptions {
        compression: true,
        checksum: true,
        keys_per_step: 10,
        after_step: &mut |_| progress.cancel(),
    };
    let saved = save_snapshot(snapshot, &sink, &header(), &mut WriteOutput(io::sink()), options, &progress);
    assert!(matches!(saved, Err(SaveError::Cancelled)));
    assert!(!keyspace.is_snapshot_running());
    assert!(progress.keys() < 300);
}

#[test]
fn outputs_share_the_chunks_and_may_fail_alone() {
    let keyspace = keyspace_of(&big_dataset());
    let (snapshot, sink) = begin(&keyspace, SinkOptions::default());
    let (mut one, mut two) = (Vec::new(), Vec::new());
    let mut outputs = FanOut::new();
    outputs.add(WriteOutput(&mut one));
    let failing = outputs.add(FailsAt(1));
    outputs.add(WriteOutput(&mut two));
    save_to(snapshot, &sink, &mut outputs).expect("two outputs are left");
    assert_eq!(outputs.failures().iter().map(|(number, _)| *number).collect::<Vec<_>>(), [failing]);
    drop(outputs);
    assert_eq!(one, two);
    assert_eq!(loaded(&one[..]).expect("valid").0, big_dataset());

    let (snapshot, sink) = begin(&keyspace, SinkOptions::default());
    let mut outputs = FanOut::new();
    outputs.add(FailsAt(0));
    assert!(matches!(save_to(snapshot, &sink, &mut outputs), Err(SaveError::Output(_))));
}

#[test]
fn writers_wait_only_while_the_output_is_behind() {
    let keyspace = keyspace_of(&Dataset::from([
        ((0, text("a")), (vec![b'a'; 5000], None)),
        ((0, text("b")), (text("b"), None)),
    ]));
    let (snapshot, sink) = begin(&keyspace, SinkOptions { max_buffered: 2000, ..SinkOptions::default() });
    sink.wait_for_room();
    let mut view = keyspace.view_exclusive(DbIndex(0), Access::write(NOW_MS));
    view.set(&Key::new(b"a"), NewValue::Bytes(b"new"), SetTtl::Clear);
    assert!(view.close().handed_over);
    std::thread::scope(|scope| {
        let (sender, freed) = mpsc::channel();
        let waiting = &keyspace;
        scope.spawn(move || {
            waiting.wait_for_snapshot_room();
            sender.send(()).expect("the test waits");
        });
        // The handed over value is over the limit and nobody takes it: the writer cannot get through.
        assert!(freed.recv_timeout(std::time::Duration::from_millis(20)).is_err());
        let mut file = Vec::new();
        save_to(snapshot, &sink, &mut WriteOutput(&mut file)).expect("memory does not fail");
        freed.recv().expect("the writer got through");
        let (dataset, _) = loaded(&file[..]).expect("valid");
        assert_eq!(dataset[&(0, text("a"))].0, vec![b'a'; 5000]);
    });
}

/// One change of a keyspace.
#[derive(Debug, Clone)]
enum Write {
    Set(u32, Vec<u8>, Vec<u8>),
    Append(u32, Vec<u8>),
    Remove(u32, Vec<u8>),
    Flush(u32),
    Swap(u32, u32),
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let key = || "[a-d]{1,2}".prop_map(String::into_bytes);
    let db = || 0u32..16;
    let write = prop_oneof![
        8 => (db(), key(), strings()).prop_map(|(db, key, value)| Write::Set(db, key, value)),
        4 => (db(), key()).prop_map(|(db, key)| Write::Append(db, key)),
        4 => (db(), key()).prop_map(|(db, key)| Write::Remove(db, key)),
        1 => db().prop_map(Write::Flush),
        1 => (db(), db()).prop_map(|(a, b)| Write::Swap(a, b)),
    ];
    prop::collection::vec(write, 0..40)
}

fn apply(keyspace: &Keyspace, write: &Write) {
    let view = |db| {
        keyspace.view_exclusive(DbIndex(db), Access { expiry: ExpiryMode::Ignore, ..Access::write(NOW_MS) })
    };
    match write {
        Write::Set(db, key, value) => {
            view(*db).set(&Key::new(key), NewValue::Bytes(value), SetTtl::Clear);
        }
        Write::Append(db, key) => {
            if let Some(mut entry) = view(*db).edit(&Key::new(key)) {
                entry.append(b"tail");
            }
        }
        Write::Remove(db, key) => {
            view(*db).remove(&Key::new(key));
        }
        Write::Flush(db) => drop(keyspace.flush(DbIndex(*db))),
        Write::Swap(a, b) => keyspace.swap(DbIndex(*a), DbIndex(*b)),
    }
}

/// The small database that the walker finds under many small changes.
fn small_datasets() -> impl Strategy<Value = Dataset> {
    let key = (0u32..16, "[a-d]{1,2}".prop_map(String::into_bytes));
    prop::collection::btree_map(key, (strings(), prop::option::of(1..=2 * NOW_MS)), 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_holds_what_was_saved(dataset in datasets(), compression: bool) {
        let keyspace = keyspace_of(&dataset);
        let file = saved(&keyspace, SinkOptions::default(), compression);
        let (loaded, report) = loaded(&file[..]).expect("valid");
        prop_assert_eq!(report.keys_loaded, dataset.len() as u64);
        prop_assert_eq!(&loaded, &dataset);
        prop_assert_eq!(keyspace_digest(&keyspace_of(&loaded)), keyspace_digest(&keyspace));
    }

    #[test]
    fn a_file_holds_what_was_there_at_the_cut(dataset in small_datasets(), writes in writes(), step in 1usize..400) {
        let keyspace = keyspace_of(&dataset);
        let (snapshot, sink) = begin(&keyspace, SinkOptions::default());
        let mut writes = writes.iter();
        // Some writes before the walk begins, the others between its steps.
        writes.by_ref().take(5).for_each(|write| apply(&keyspace, write));
        let mut file = Vec::new();
        let mut between = |_| writes.by_ref().take(1).for_each(|write| apply(&keyspace, write));
        let options = SaveOptions { compression: true, checksum: true, keys_per_step: step, after_step: &mut between };
        save_snapshot(snapshot, &sink, &header(), &mut WriteOutput(&mut file), options, &SaveProgress::default())
            .expect("memory does not fail");
        let (loaded, report) = loaded(&file[..]).expect("valid");
        prop_assert_eq!(report.keys_loaded, dataset.len() as u64);
        prop_assert_eq!(loaded, dataset);
    }
}

/// Overwrites random keys until told to stop, waiting for the snapshot as an engine would.
fn keep_writing(keyspace: &Keyspace, seed: u64, stop: &AtomicBool) {
    let mut random = seed;
    while !stop.load(Relaxed) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = ((random >> 33) as u32 % KEYS).to_le_bytes();
        let key = Key::new(&key);
        let db = DbIndex((random >> 60) as u32 % 2);
        let mut view = keyspace.view_keyed(db, Access::write(NOW_MS), [key.hash]);
        view.set(&key, NewValue::Bytes(&vec![b'x'; (random >> 40) as usize % 3000]), SetTtl::Clear);
        if view.close().handed_over {
            keyspace.wait_for_snapshot_room();
        }
    }
}

/// Keys in each of two databases.
const KEYS: u32 = 2000;

#[test]
fn writers_on_other_threads_do_not_disturb_the_picture() {
    let dataset: Dataset = (0..2 * KEYS)
        .map(|n| ((n % 2, (n / 2).to_le_bytes().to_vec()), (n.to_le_bytes().repeat(n as usize % 500), None)))
        .collect();
    for max_buffered in [1000, 1 << 20] {
        let keyspace = keyspace_of(&dataset);
        let stop = AtomicBool::new(false);
        let (snapshot, sink) = begin(&keyspace, SinkOptions { max_buffered, ..SinkOptions::default() });
        let mut file = Vec::new();
        std::thread::scope(|scope| {
            for seed in 1..4 {
                let (keyspace, stop) = (&keyspace, &stop);
                scope.spawn(move || keep_writing(keyspace, seed, stop));
            }
            save_to(snapshot, &sink, &mut WriteOutput(&mut file)).expect("memory does not fail");
            stop.store(true, Relaxed);
        });
        let (found, report) = loaded(&file[..]).expect("valid");
        assert_eq!(report.keys_loaded, dataset.len() as u64);
        assert!(found == dataset, "not what was there at the cut");
    }
}
