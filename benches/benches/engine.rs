//! Whole turns without sockets: a pipeline of requests through decoding, dispatch, keyspace and log.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use redan_commands::testing::Rig;
use redan_resp::encode_command;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Requests of one turn: a deep pipeline.
const PIPELINE: usize = 64;

/// Keys in the database: more than any cache holds.
const KEYS: u64 = 1_000_000;

fn key(number: u64) -> String {
    format!("key:{number:012}")
}

fn pipeline(mut request: impl FnMut(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    (0..PIPELINE).for_each(|_| request(&mut bytes));
    bytes
}

/// Many pipelines over random keys, so that a turn finds its keys in no cache.
fn pipelines(name: &'static str, value: bool) -> Vec<Vec<u8>> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % KEYS
    };
    (0..4096)
        .map(|_| {
            pipeline(|bytes| {
                let key = key(random());
                let args: &[&[u8]] = &[name.as_bytes(), key.as_bytes(), &[b'x'; 32]];
                encode_command(bytes, args[..if value { 3 } else { 2 }].iter().copied());
            })
        })
        .collect()
}

fn filled(mut rig: Rig) -> Rig {
    for number in 0..KEYS {
        let mut bytes = Vec::new();
        encode_command(&mut bytes, [b"SET".as_slice(), key(number).as_bytes(), &[b'v'; 32]].into_iter());
        rig.feed(&bytes);
    }
    rig
}

fn turns(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    let cases = [("GET", false, false), ("SET", true, false), ("SET, logged", true, true)];
    for (title, value, logged) in cases {
        let mut rig = filled(if logged { Rig::new() } else { Rig::silent() });
        let pipelines = pipelines(&title[..3], value);
        let mut next = 0;
        group.bench_function(format!("{title} of a million keys"), |bencher| {
            bencher.iter(|| {
                next = (next + 1) % pipelines.len();
                black_box(rig.feed(&pipelines[next]))
            });
        });
    }
    let mut rig = Rig::silent();
    let pings = pipeline(|bytes| encode_command(bytes, [b"PING".as_slice()].into_iter()));
    group.bench_function("PING", |bencher| bencher.iter(|| black_box(rig.feed(&pings))));
    group.finish();
}

criterion_group!(benches, turns);
criterion_main!(benches);
