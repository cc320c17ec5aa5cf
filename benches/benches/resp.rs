//! Requests in, replies out: what every command pays.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use redan_resp::{Decoded, Protocol, ReplyBuf, RequestDecoder, RequestLimits, encode_command};

/// Requests of one turn: a deep pipeline.
const PIPELINE: usize = 64;

/// A turn's worth of `SET key:000000000000 <32 bytes>`.
fn pipelined_sets() -> Vec<u8> {
    let mut input = Vec::new();
    for number in 0..PIPELINE {
        let key = format!("key:{number:012}");
        let args: [&[u8]; 3] = [b"SET", key.as_bytes(), &[b'x'; 32]];
        encode_command(&mut input, args.into_iter());
    }
    input
}

fn decode(criterion: &mut Criterion) {
    let input = pipelined_sets();
    let limits = RequestLimits::authenticated();
    let mut group = criterion.benchmark_group("resp");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    group.bench_function("decode pipelined SET", |bencher| {
        let (mut decoder, mut spans) = (RequestDecoder::new(), Vec::new());
        bencher.iter(|| {
            spans.clear();
            let mut rest = black_box(input.as_slice());
            while !rest.is_empty() {
                match decoder.decode(rest, &limits, &mut spans) {
                    Ok(Decoded::Request { consumed, .. }) => rest = &rest[consumed..],
                    other => panic!("the input is whole requests: {other:?}"),
                }
            }
            assert_eq!(spans.len(), 3 * PIPELINE);
        });
    });
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("resp");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    group.bench_function("encode bulk replies", |bencher| {
        let mut replies = ReplyBuf::new(Protocol::Resp2);
        let value = [b'x'; 32];
        bencher.iter(|| {
            replies.clear();
            for _ in 0..PIPELINE {
                replies.bulk(black_box(&value));
            }
            assert_eq!(replies.len(), PIPELINE * (value.len() + "$32\r\n\r\n".len()));
        });
    });
    group.finish();
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
