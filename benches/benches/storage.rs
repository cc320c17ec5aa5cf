//! Below the commands: the table, the log, the snapshot.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use redan_keyspace::{Access, DbIndex, Dense, Key, KeyHash, Keyspace, NewValue, SetTtl, Slot};
use redan_persistence::rdb::{
    RdbHeader, RdbSink, SaveOptions, SaveProgress, SinkOptions, WriteOutput, save_snapshot,
};
use redan_replication::{Audience, Log, ReplId};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Elements of a shard in a database of a million keys.
const SHARD_KEYS: u64 = 1000;

/// Keys of the snapshot.
const SAVED_KEYS: u64 = 100_000;

struct Number(u64);

impl Slot for Number {
    fn hash(&self) -> u32 {
        KeyHash::of(&self.0.to_le_bytes()).low()
    }
}

fn dense(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("Dense");
    group.throughput(Throughput::Elements(SHARD_KEYS));
    let full = || {
        let mut table = Dense::new();
        for n in 0..SHARD_KEYS {
            table.push(Number(n));
        }
        table
    };
    group.bench_function("push", |bencher| bencher.iter(|| black_box(full().len())));
    let table = full();
    group.bench_function("find", |bencher| {
        bencher.iter(|| {
            let found =
                (0..SHARD_KEYS).filter(|&n| table.find(Number(n).hash(), |slot| slot.0 == n).is_some());
            assert_eq!(found.count() as u64, SHARD_KEYS);
        });
    });
    group.finish();
}

fn log_append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("log");
    group.throughput(Throughput::Elements(1));
    let log = Log::new(ReplId::parse(&[b'a'; 40]).expect("forty hex digits"));
    log.create_backlog();
    let args: [&[u8]; 3] = [b"SET", b"key:000000000001", &[b'x'; 32]];
    group.bench_function("append SET", |bencher| {
        bencher.iter(|| black_box(log.append_command(0, Audience::All, black_box(args).into_iter())));
    });
    group.finish();
}

fn rdb_encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rdb");
    group.sample_size(20).throughput(Throughput::Elements(SAVED_KEYS));
    let keyspace = Keyspace::new(1, 1);
    for n in 0..SAVED_KEYS {
        let name = format!("key:{n:012}");
        let key = Key::new(name.as_bytes());
        let mut view = keyspace.view_keyed(DbIndex(0), Access::write(0), [key.hash]);
        view.set(&key, NewValue::Bytes(&[b'x'; 32]), SetTtl::Clear);
        view.close();
    }
    group.bench_function("save strings", |bencher| {
        bencher.iter(|| {
            let sink = Arc::new(RdbSink::new(SinkOptions::default()));
            let snapshot = keyspace.begin_snapshot(Arc::clone(&sink) as Arc<_>).expect("no other is running");
            let options = SaveOptions {
                compression: true,
                checksum: true,
                keys_per_step: 256,
                after_step: &mut |_| (),
            };
            let (mut file, progress) = (Vec::new(), SaveProgress::default());
            let header = RdbHeader::default();
            save_snapshot(snapshot, &sink, &header, &mut WriteOutput(&mut file), options, &progress)
                .expect("memory does not fail");
            assert_eq!(progress.keys(), SAVED_KEYS);
        });
    });
    group.finish();
}

criterion_group!(benches, dense, log_append, rdb_encode);
criterion_main!(benches);
