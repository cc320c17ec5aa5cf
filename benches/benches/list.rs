//! Lists and the listpacks they are made of.

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use redan_keyspace::{Aggregate, End, Limit, Limits, List, ListLimits, Listpack};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Elements of a list that is one listpack.
const SHORT: usize = 100;
/// Elements of a list of many nodes.
const LONG: usize = 100_000;

fn values(n: usize) -> Vec<Vec<u8>> {
    (0..n).map(|number| format!("element:{number:012}").into_bytes()).collect()
}

fn list(values: &[Vec<u8>], limits: &ListLimits) -> List {
    let mut list = List::default();
    for value in values {
        list.push(End::Tail, [&value[..]], limits);
    }
    list
}

fn listpack(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("listpack");
    group.throughput(Throughput::Elements(SHORT as u64));
    let values = values(SHORT);
    let full: Listpack = values.iter().map(|value| &value[..]).collect();
    group.bench_function("push_back", |bencher| {
        bencher.iter(|| black_box(values.iter().map(|value| &value[..]).collect::<Listpack>()));
    });
    group.bench_function("find the last", |bencher| {
        let last = &values[SHORT - 1][..];
        bencher.iter(|| black_box(full.find(black_box(last), full.first().expect("it is full"), 0)));
    });
    group.bench_function("from_bytes", |bencher| {
        bencher.iter(|| black_box(Listpack::from_bytes(full.as_bytes().to_vec())));
    });
    group.finish();
}

fn lists(criterion: &mut Criterion) {
    let limits = Limits::default();
    for (name, n, depth) in [("short", SHORT, 0), ("long", LONG, 0), ("compressed", LONG, 1)] {
        limits.set(Limit::ListCompressDepth, depth);
        let limits = ListLimits::of(&limits);
        let values = values(n);
        let mut group = criterion.benchmark_group(format!("{name} list"));
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function("push", |bencher| bencher.iter(|| black_box(list(&values, &limits))));
        let full = list(&values, &limits);
        group.bench_function("visit", |bencher| {
            bencher.iter(|| {
                let mut bytes = 0;
                full.for_each(|element| bytes += element.len());
                black_box(bytes)
            });
        });
        group.throughput(Throughput::Elements(1));
        group.bench_function("middle", |bencher| {
            bencher.iter(|| black_box(full.get(n / 2, |element| element.len())));
        });
        group.bench_function("rotate", |bencher| {
            let mut list = full.clone();
            bencher.iter(|| {
                let last = list.peek(End::Tail).expect("it is full").to_vec();
                list.pop(End::Tail, 1, &limits);
                list.push(End::Head, [&last[..]], &limits);
            });
            assert_eq!(list.len(), n);
        });
        group.bench_function("first ten", |bencher| {
            bencher.iter(|| {
                full.visit(End::Head, 0, 10, |element| {
                    black_box(element);
                    ControlFlow::Continue(())
                })
            });
        });
        group.finish();
    }
}

criterion_group!(benches, listpack, lists);
criterion_main!(benches);
