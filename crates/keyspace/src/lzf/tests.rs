use proptest::prelude::*;

use super::*;

fn compressed(input: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    Compressor::new().compress(input, input.len(), &mut out).then_some(out)
}

#[test]
fn a_run_is_one_literal_and_an_overlapping_match() {
    let packed = compressed(&[b'a'; 30]).expect("a run shrinks");
    assert_eq!(packed, [0, b'a', 7 << 5, 29 - 9, 0]);
    assert_eq!(decompress(&packed, 30), Ok(vec![b'a'; 30]));
}

#[test]
fn short_matches_use_two_bytes() {
    let packed = compressed(b"abcdabcdefgh").expect("shrinks");
    assert_eq!(packed, [&[3], &b"abcd"[..], &[2 << 5, 3], &[3], b"efgh"].concat());
}

#[test]
fn what_does_not_shrink_leaves_no_trace() {
    let mut out = b"before".to_vec();
    let mut compressor = Compressor::new();
    assert!(!compressor.compress(b"abcdefghijklmnopqrstuvwxyz", 22, &mut out));
    assert_eq!(out, b"before");
    assert!(compressor.compress(&[0; 100], 96, &mut out));
    assert!(out.starts_with(b"before"));
}

#[test]
fn strict_about_bounds() {
    assert_eq!(decompress(&[5, b'a'], 6), Err(LzfError::Truncated));
    assert_eq!(decompress(&[0, b'a', 1 << 5], 4), Err(LzfError::Truncated));
    assert_eq!(decompress(&[0, b'a', 7 << 5, 1], 4), Err(LzfError::Truncated));
    assert_eq!(decompress(&[0, b'a', 1 << 5, 1], 4), Err(LzfError::BadDistance));
    assert_eq!(decompress(&[0, b'a', 1 << 5, 0], 3), Err(LzfError::WrongLength));
    assert_eq!(decompress(&[0, b'a', 1 << 5, 0], 5), Err(LzfError::WrongLength));
    assert_eq!(decompress(&[0, b'a', 1 << 5, 0], 4), Ok(b"aaaa".to_vec()));
    assert_eq!(decompress(&[0, b'a'], usize::MAX), Err(LzfError::WrongLength));
    assert_eq!(decompress(&[], 0), Ok(vec![]));
}

#[test]
fn the_highest_distance_is_used_and_not_exceeded() {
    for gap in [MAX_DISTANCE - 1, MAX_DISTANCE, MAX_DISTANCE + 1] {
        // A marker, `gap` bytes later again; what lies between has a single repeated byte.
        let mut input = b"<marker>".to_vec();
        input.resize(gap, 0);
        input.extend_from_slice(b"<marker>");
        let packed = compressed(&input).expect("shrinks");
        assert_eq!(decompress(&packed, input.len()), Ok(input));
    }
}

#[test]
fn the_table_survives_a_base_overflow() {
    let mut compressor = Compressor { table: vec![u32::MAX - 7; 1 << TABLE_BITS], base: u32::MAX - 50 };
    for _ in 0..3 {
        let mut out = Vec::new();
        assert!(compressor.compress(&[b'x'; 40], 36, &mut out));
        assert_eq!(decompress(&out, 40), Ok(vec![b'x'; 40]));
    }
}

/// Bytes with repetitions near and far, as text has, or none at all.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::collection::vec(prop::sample::select(&b"abc"[..]), 1..300);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..600),
        prop::collection::vec(prop_oneof![word, prop::collection::vec(any::<u8>(), 1..4)], 0..40)
            .prop_map(|words| words.concat()),
        (any::<u8>(), 0usize..20_000).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

proptest! {
    #[test]
    fn round_trip(inputs in prop::collection::vec(texts(), 1..5)) {
        let mut compressor = Compressor::new();
        for input in inputs {
            let mut out = vec![1, 2, 3];
            let limit = input.len().saturating_sub(4);
            if compressor.compress(&input, limit, &mut out) {
                prop_assert!(out.len() - 3 <= limit);
                prop_assert_eq!(decompress(&out[3..], input.len()), Ok(input));
            } else {
                prop_assert_eq!(out, vec![1, 2, 3]);
            }
        }
    }

    #[test]
    fn any_input_is_answered(input in prop::collection::vec(any::<u8>(), 0..200), len in 0usize..5000) {
        if let Ok(out) = decompress(&input, len) {
            prop_assert_eq!(out.len(), len);
        }
    }
}
