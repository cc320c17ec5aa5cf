//! Hashes in each encoding: setting and reading a field.

use criterion::{Criterion, criterion_group, criterion_main};
use redan_keyspace::{Hash, Limit, Limits, SetTtl};
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn hash_of(fields: usize, ttl: SetTtl, limits: &Limits) -> (Hash, Vec<Vec<u8>>) {
    let names: Vec<Vec<u8>> = (0..fields).map(|n| format!("field:{n:06}").into_bytes()).collect();
    let mut hash = Hash::default();
    for name in &names {
        hash.set(name, b"a value of some length", ttl, limits);
    }
    (hash, names)
}

fn hashes(c: &mut Criterion) {
    let mut group = c.benchmark_group("hash");
    for (name, fields, ttl) in [
        ("listpack", 100, SetTtl::Clear),
        ("listpackex", 100, SetTtl::At(1_000)),
        ("table", 100_000, SetTtl::Clear),
        ("timed table", 100_000, SetTtl::At(1_000)),
    ] {
        let limits = Limits::default();
        limits.set(Limit::HashMaxListpackEntries, 512);
        let (mut hash, names) = hash_of(fields, ttl, &limits);
        let mut random = fastrand::Rng::with_seed(1);
        group.bench_function(format!("get/{name}"), |b| {
            b.iter(|| black_box(hash.value(&names[random.usize(..fields)], 0).is_some()));
        });
        group.bench_function(format!("set/{name}"), |b| {
            b.iter(|| hash.set(&names[random.usize(..fields)], b"another value, longer", ttl, &limits));
        });
    }
    group.finish();
}

criterion_group!(benches, hashes);
criterion_main!(benches);
