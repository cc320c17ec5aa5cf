//! Sets in each of their encodings: adding, looking up, picking and combining.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use redan_keyspace::{Aggregate, Limits, Set};
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Members that end in the encoding of the name.
fn members(encoding: &str) -> Vec<Vec<u8>> {
    let (count, prefix) = match encoding {
        "intset" => (500, ""),
        "listpack" => (100, "member:"),
        _ => (100_000, "member:"),
    };
    (0..count).map(|n| format!("{prefix}{}", n * 7).into_bytes()).collect()
}

fn set_of(members: &[Vec<u8>], limits: &Limits) -> Set {
    let mut set = Set::for_members(&members[0], 1, limits);
    members.iter().for_each(|member| {
        set.insert(member, limits);
    });
    set
}

fn sets(c: &mut Criterion) {
    let limits = Limits::default();
    let mut group = c.benchmark_group("set");
    for encoding in ["intset", "listpack", "hashtable"] {
        let members = members(encoding);
        let set = set_of(&members, &limits);
        assert_eq!(set.encoding().as_str(), encoding);
        group.throughput(Throughput::Elements(members.len() as u64));
        group.bench_function(BenchmarkId::new("insert", encoding), |b| b.iter(|| set_of(&members, &limits)));
        group.bench_function(BenchmarkId::new("contains", encoding), |b| {
            b.iter(|| members.iter().filter(|member| set.contains(member)).count());
        });
        group.bench_function(BenchmarkId::new("pop", encoding), |b| {
            let mut random = fastrand::Rng::with_seed(1);
            b.iter_batched(
                || set.clone(),
                |mut set| while set.pop_random(&mut random, |member| black_box(member.len())).is_some() {},
                criterion::BatchSize::LargeInput,
            );
        });
        group.bench_function(BenchmarkId::new("intersection with itself", encoding), |b| {
            let other = set.clone();
            b.iter(|| {
                let mut common = 0;
                Set::intersection(&[&set, &other], |_| {
                    common += 1;
                    true
                });
                common
            });
        });
    }
    group.finish();
}

criterion_group!(benches, sets);
criterion_main!(benches);
