//! Streams: appending, reading ranges from both ends, and what a group does.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use redan_keyspace::stream::{Group, NodeLimits, Pending, StreamId};
use redan_keyspace::{Limits, Stream, StringRef};

/// Entries of the stream that is read.
const ENTRIES: u64 = 10_000;
/// Entries of one reply.
const PAGE: usize = 100;

fn append(stream: &mut Stream, id: u64, limits: NodeLimits) {
    let fields = [
        (StringRef::Bytes(b"sensor"), StringRef::Int(17)),
        (StringRef::Bytes(b"temperature"), StringRef::Bytes(b"20.75")),
    ];
    stream.log_mut().append(StreamId::new(id, 0), fields.into_iter(), limits).expect("ids grow");
}

fn filled(limits: NodeLimits) -> Stream {
    let mut stream = Stream::default();
    (1..=ENTRIES).for_each(|id| append(&mut stream, id, limits));
    stream
}

fn appending(criterion: &mut Criterion) {
    let limits = NodeLimits::new(&Limits::default());
    let mut group = criterion.benchmark_group("stream");
    group.throughput(Throughput::Elements(1));
    group.bench_function("append", |bencher| {
        let (mut stream, mut id) = (Stream::default(), 0);
        bencher.iter(|| {
            id += 1;
            append(&mut stream, id, limits);
            if stream.log().len() > ENTRIES {
                stream = Stream::default();
            }
        });
    });
    group.finish();
}

fn reading(criterion: &mut Criterion) {
    let stream = filled(NodeLimits::new(&Limits::default()));
    let (log, from) = (stream.log(), StreamId::new(ENTRIES / 2, 0));
    let mut group = criterion.benchmark_group("stream");
    group.throughput(Throughput::Elements(PAGE as u64));
    group.bench_function("range", |bencher| {
        bencher.iter(|| {
            let entries = log.range(black_box(from), StreamId::MAX).take(PAGE);
            assert_eq!(entries.flat_map(|entry| entry.fields()).count(), 2 * PAGE);
        });
    });
    group.bench_function("range backwards", |bencher| {
        bencher.iter(|| assert_eq!(log.range_back(StreamId::MIN, black_box(from)).take(PAGE).count(), PAGE));
    });
    group.finish();
}

fn delivering(criterion: &mut Criterion) {
    let mut criterion = criterion.benchmark_group("stream");
    criterion.throughput(Throughput::Elements(1));
    criterion.bench_function("deliver and acknowledge", |bencher| {
        let mut group = Group::new(StreamId::MIN, None);
        let consumer = group.add_consumer(b"consumer", 0).expect("it is new");
        let mut id = 0;
        bencher.iter(|| {
            id += 1;
            group.assign(StreamId::new(id, 0), Pending { consumer, delivered_ms: 0, deliveries: 1 });
            if let Some(old) = id.checked_sub(1000) {
                group.acknowledge(StreamId::new(old, 0));
            }
        });
    });
    criterion.finish();
}

criterion_group!(benches, appending, reading, delivering);
criterion_main!(benches);
