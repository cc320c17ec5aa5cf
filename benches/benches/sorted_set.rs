//! Sorted sets: small ones in a listpack, big ones in a table and a tree.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use redan_keyspace::{Aggregate, Limits, SortedSet, SortedSetBuilder};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Members of a small and of a big set.
const SIZES: [u32; 2] = [100, 100_000];

fn member(n: u32) -> [u8; 14] {
    let mut name = *b"member:0000000";
    let digits = format!("{n:07}");
    name[7..].copy_from_slice(digits.as_bytes());
    name
}

/// A set whose scores are in no order.
fn filled(members: u32) -> SortedSet {
    let mut builder = SortedSetBuilder::new();
    for n in 0..members {
        builder.insert(&member(n), f64::from(n.wrapping_mul(2_654_435_761)));
    }
    builder.finish(&Limits::default())
}

fn changes(criterion: &mut Criterion) {
    let limits = Limits::default();
    for size in SIZES {
        let mut group = criterion.benchmark_group(format!("SortedSet of {size}"));
        let mut set = filled(size);
        let mut n = 0_u32;
        group.bench_function("score", |bencher| {
            bencher.iter(|| {
                n = (n + 7919) % size;
                black_box(set.score(&member(n)))
            });
        });
        group.bench_function("rank", |bencher| {
            bencher.iter(|| {
                n = (n + 7919) % size;
                black_box(set.rank(&member(n)))
            });
        });
        group.bench_function("move", |bencher| {
            bencher.iter(|| {
                n = (n + 7919) % size;
                set.update(&member(n), &limits, |old| old.map(|old| old + 1e8));
            });
        });
        group.bench_function("remove and add", |bencher| {
            bencher.iter(|| {
                n = (n + 7919) % size;
                let score = set.remove(&member(n));
                set.update(&member(n), &limits, |_| score);
            });
        });
        group.throughput(Throughput::Elements(100));
        group.bench_function("range of 100", |bencher| {
            bencher.iter(|| {
                n = (n + 7919) % (size - 99);
                set.range(n as usize..n as usize + 100).map(|(_, score)| score).sum::<f64>()
            });
        });
    }
}

fn building(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("SortedSet");
    group.throughput(Throughput::Elements(100_000));
    group.bench_function("build", |bencher| bencher.iter(|| black_box(filled(100_000).len())));
    let set = filled(100_000);
    group.bench_function("remove half", |bencher| {
        bencher.iter_batched(|| set.clone(), |mut set| set.remove_ranks(0..50_000), BatchSize::LargeInput);
    });
}

criterion_group!(benches, changes, building);
criterion_main!(benches);
