//! Tests of reply decoding.

use super::*;
use crate::{Protocol, ReplyBuf};
use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn encode(frames: &[Frame], protocol: Protocol) -> Vec<u8> {
    let mut out = ReplyBuf::new(protocol);
    frames.iter().for_each(|frame| frame.encode(&mut out));
    out.take()
}

/// Decodes a stream that arrives in these pieces.
fn feed<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limits: FrameLimits,
) -> (Vec<Frame>, Option<DecodeError>) {
    let (mut decoder, mut buf, mut frames) = (FrameDecoder::with_limits(limits), BytesMut::new(), Vec::new());
    for piece in pieces {
        buf.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buf) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

#[test]
fn every_type() {
    let array = |frames: &[Frame]| Frame::Array(frames.to_vec());
    let table: &[(&str, Frame)] = &[
        ("+OK\r\n", Frame::Simple(text("OK"))),
        ("+\r\n", Frame::Simple(text(""))),
        ("-ERR no\r\n", Frame::Error(text("ERR no"))),
        ("!7\r\nERR\r\nno\r\n", Frame::Error(text("ERR\r\nno"))),
        (":-7\r\n", Frame::Int(-7)),
        (":+7\r\n", Frame::Int(7)),
        (":9223372036854775807\r\n", Frame::Int(i64::MAX)),
        ("$0\r\n\r\n", Frame::Bulk(text(""))),
        ("$4\r\na\r\nb\r\n", Frame::Bulk(text("a\r\nb"))),
        ("$-1\r\n", Frame::Null),
        ("*-1\r\n", Frame::Null),
        ("_\r\n", Frame::Null),
        (",1.5\r\n", Frame::Double(1.5)),
        (",10\r\n", Frame::Double(10.0)),
        (",-inf\r\n", Frame::Double(f64::NEG_INFINITY)),
        ("#t\r\n", Frame::Bool(true)),
        ("#f\r\n", Frame::Bool(false)),
        ("=8\r\ntxt:Some\r\n", Frame::Verbatim { format: *b"txt", text: text("Some") }),
        ("=4\r\nmkd:\r\n", Frame::Verbatim { format: *b"mkd", text: text("") }),
        ("(-12345678901234567890\r\n", Frame::BigNumber(text("-12345678901234567890"))),
        ("*0\r\n", array(&[])),
        ("%0\r\n", Frame::Map(vec![])),
        ("*2\r\n*1\r\n:1\r\n~2\r\n:2\r\n:3\r\n", {
            array(&[array(&[Frame::Int(1)]), Frame::Set(vec![Frame::Int(2), Frame::Int(3)])])
        }),
        ("%1\r\n+k\r\n*0\r\n", Frame::Map(vec![(Frame::Simple(text("k")), array(&[]))])),
        (">2\r\n+message\r\n_\r\n", Frame::Push(vec![Frame::Simple(text("message")), Frame::Null])),
        ("|1\r\n+ttl\r\n:9\r\n*1\r\n:1\r\n", {
            let attributes = vec![(Frame::Simple(text("ttl")), Frame::Int(9))];
            Frame::Attribute { attributes, value: Box::new(array(&[Frame::Int(1)])) }
        }),
        ("|0\r\n:1\r\n", Frame::Attribute { attributes: vec![], value: Box::new(Frame::Int(1)) }),
    ];
    for (bytes, frame) in table {
        let frames = std::slice::from_ref(frame);
        assert_eq!(FrameDecoder::decode_all(bytes.as_bytes()).expect(bytes), frames);
        assert_eq!(
            feed(bytes.as_bytes().chunks(1), FrameLimits::default()),
            (frames.to_vec(), None),
            "{bytes:?}"
        );
    }
    let nan = FrameDecoder::decode_all(b",nan\r\n").expect("a double");
    assert!(matches!(nan[..], [Frame::Double(value)] if value.is_nan()));
}

#[test]
fn errors_say_where_and_what() {
    use DecodeErrorKind::*;
    let limits = FrameLimits { max_depth: 3, max_bulk_len: 10, max_line_len: 16, max_elements: 6 };
    let table: &[(&str, u64, DecodeErrorKind)] = &[
        ("+OK\r\nx\r\n", 5, UnknownType(b'x')),
        ("*2\r\n:1\r\n?\r\n", 8, UnknownType(b'?')),
        ("\r\n", 0, MissingLineEnd),
        ("+OK\n", 0, MissingLineEnd),
        (":\r\n", 0, Malformed),
        (":1x\r\n", 0, Malformed),
        (":9223372036854775808\r\n", 0, TooLong),
        (":922337203685477\r\n:1 \r\n", 18, Malformed),
        (",x\r\n", 0, Malformed),
        ("_x\r\n", 0, Malformed),
        ("#x\r\n", 0, Malformed),
        ("(1.5\r\n", 0, Malformed),
        ("$\r\n", 0, MalformedLength),
        ("$-2\r\n", 0, MalformedLength),
        ("*x\r\n", 0, MalformedLength),
        ("$?\r\n", 0, MalformedLength),
        ("$11\r\n", 0, TooLong),
        ("$1\r\nabc", 0, MissingLineEnd),
        ("=3\r\ntxt\r\n", 0, Malformed),
        ("=4\r\ntxtx\r\n", 0, Malformed),
        ("*7\r\n", 0, TooManyElements),
        ("%4\r\n", 0, TooManyElements),
        ("%3\r\n:1\r\n:", 99, Malformed),
        ("|3\r\n", 0, TooManyElements),
        ("*1\r\n*1\r\n*1\r\n*1\r\n", 12, TooDeep),
        ("+0123456789012345\r\n", 0, TooLong),
        ("+01234567890123456", 0, TooLong),
    ];
    for &(bytes, offset, kind) in table {
        let whole = feed([bytes.as_bytes()], limits).1;
        assert_eq!(feed(bytes.as_bytes().chunks(1), limits).1, whole, "{bytes:?}");
        let expected = (offset != 99).then_some(DecodeError { offset, kind });
        assert_eq!(whole, expected, "{bytes:?}");
    }
    let error = FrameDecoder::decode_all(b":1\r\n@\r\n").expect_err("no such type");
    assert_eq!(error.to_string(), "at byte 4 of the stream: unknown reply type '@'");
}

#[test]
fn decode_all_wants_complete_replies() {
    for bytes in ["+OK", "$5\r\nab", "*1\r\n", "*2\r\n:1\r\n"] {
        assert!(FrameDecoder::decode_all(bytes.as_bytes()).is_err(), "{bytes:?}");
    }
    assert_eq!(FrameDecoder::decode_all(b""), Ok(vec![]));
}

#[test]
fn resp2_replaces_what_it_lacks() {
    let frame = Frame::Array(vec![
        Frame::Map(vec![(Frame::bulk("k"), Frame::Bool(true))]),
        Frame::Attribute {
            attributes: vec![(Frame::Null, Frame::Null)],
            value: Box::new(Frame::Double(0.5)),
        },
    ]);
    let expected = b"*2\r\n*2\r\n$1\r\nk\r\n:1\r\n$3\r\n0.5\r\n";
    assert_eq!(encode(&[frame], Protocol::Resp2), expected);
}

#[test]
fn values_of_frames() {
    assert_eq!(Frame::bulk("12").as_int(), Some(12));
    assert_eq!(Frame::Int(3).as_int(), Some(3));
    assert_eq!((Frame::Null.as_int(), Frame::Null.as_bytes(), Frame::Null.as_slice()), (None, None, None));
    assert!(Frame::Simple(text("OK")).is_ok() && !Frame::bulk("OK").is_ok());
    assert_eq!(Frame::Error(text("ERR x")).as_error(), Some(&b"ERR x"[..]));
    assert_eq!(Frame::Push(vec![Frame::Null]).as_slice(), Some(&[Frame::Null][..]));
}

#[test]
fn a_million_elements_in_small_pieces() {
    let frame = Frame::Array(vec![Frame::Int(7); 1_000_000]);
    let bytes = encode(std::slice::from_ref(&frame), Protocol::Resp2);
    assert_eq!(feed(bytes.chunks(1000), FrameLimits::default()), (vec![frame], None));
}

#[test]
fn an_announcement_reserves_nothing() {
    let mut decoder = FrameDecoder::new();
    // Reserving what 30 such headers announce would abort the process.
    let mut buf = BytesMut::from(&b"*2147483647\r\n".repeat(30)[..]);
    assert_eq!(decoder.decode(&mut buf), Ok(None));
}

fn frame() -> impl Strategy<Value = Frame> {
    let line = "[ -~]{0,12}".prop_map(Bytes::from);
    let bytes = vec(any::<u8>(), 0..20).prop_map(Bytes::from);
    let leaf = prop_oneof![
        line.clone().prop_map(Frame::Simple),
        line.prop_map(|text| Frame::Error(text.trim_ascii_end().to_vec().into())),
        any::<i64>().prop_map(Frame::Int),
        bytes.clone().prop_map(Frame::Bulk),
        Just(Frame::Null),
        any::<f64>().prop_filter("NaN differs from itself", |value| !value.is_nan()).prop_map(Frame::Double),
        any::<bool>().prop_map(Frame::Bool),
        bytes.prop_map(|text| Frame::Verbatim { format: *b"txt", text }),
        "-?[0-9]{1,30}".prop_map(|digits| Frame::BigNumber(digits.into())),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let elements = vec(inner.clone(), 0..6);
        let pairs = vec((inner.clone(), inner.clone()), 0..4);
        prop_oneof![
            elements.clone().prop_map(Frame::Array),
            elements.clone().prop_map(Frame::Set),
            elements.prop_map(Frame::Push),
            pairs.clone().prop_map(Frame::Map),
            (pairs, inner)
                .prop_map(|(attributes, value)| Frame::Attribute { attributes, value: Box::new(value) }),
        ]
    })
}

/// Bytes that resemble replies.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        5 => Just("\r\n".to_owned()),
        4 => "[*%~>|$=!]",
        2 => "[-+:,#_(]",
        4 => (-1i64..6).prop_map(|n| n.to_string()),
        1 => "\\PC{0,3}",
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn round_trip(frames in vec(frame(), 0..5), chunk in 1usize..40) {
        let bytes = encode(&frames, Protocol::Resp3);
        prop_assert_eq!(FrameDecoder::decode_all(&bytes), Ok(frames.clone()));
        prop_assert_eq!(feed(bytes.chunks(chunk), FrameLimits::default()), (frames, None));
    }

    #[test]
    fn resp2_is_always_decodable(frame in frame()) {
        let bytes = encode(&[frame], Protocol::Resp2);
        prop_assert_eq!(FrameDecoder::decode_all(&bytes).map(|frames| frames.len()), Ok(1));
    }

    #[test]
    fn noise_means_the_same_in_any_pieces(noise in noise(), chunk in 1usize..10) {
        let limits = FrameLimits { max_depth: 4, ..FrameLimits::default() };
        let (frames, error) = feed([&noise[..]], limits);
        let (pieces, piece_error) = feed(noise.chunks(chunk), limits);
        // Frames may hold a NaN, which differs from itself.
        prop_assert_eq!(format!("{pieces:?}"), format!("{frames:?}"));
        prop_assert_eq!(piece_error, error);
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = feed([&bytes[..]], FrameLimits::default());
    }
}
