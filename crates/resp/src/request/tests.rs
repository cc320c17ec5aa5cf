//! Tests of the request decoder: every way a stream can be cut gives the same requests or the same error.

use super::*;
use crate::{Args, encode_command};
use proptest::collection::vec;
use proptest::prelude::*;

/// What a stream of requests came to.
#[derive(Debug, PartialEq)]
struct Outcome {
    requests: Vec<Vec<Vec<u8>>>,
    error: Option<ProtocolError>,
    left: usize,
}

/// Decodes a stream that arrives in these pieces, as a connection does it.
fn feed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: &RequestLimits) -> Outcome {
    let (mut decoder, mut buf, mut spans) = (RequestDecoder::new(), Vec::new(), Vec::new());
    let mut outcome = Outcome { requests: Vec::new(), error: None, left: 0 };
    for piece in pieces {
        buf.extend_from_slice(piece);
        let mut at = 0;
        loop {
            spans.clear();
            match decoder.decode(&buf[at..], limits, &mut spans) {
                Ok(Decoded::Request { consumed, args }) => {
                    assert_eq!(spans.len(), args);
                    let args = Args::new(&buf[at..], &spans);
                    outcome.requests.push(args.iter().map(<[u8]>::to_vec).collect());
                    at += consumed;
                }
                Ok(Decoded::Inline(args, consumed)) => {
                    assert!(spans.is_empty() && !args.is_empty());
                    outcome.requests.push(args.iter().map(<[u8]>::to_vec).collect());
                    at += consumed;
                }
                Ok(Decoded::Empty { consumed }) => {
                    assert!(spans.is_empty() && consumed > 0);
                    at += consumed;
                }
                Ok(Decoded::Incomplete { want }) => {
                    assert!(spans.is_empty() && want > 0);
                    break;
                }
                Err(error) => {
                    outcome.error = Some(error);
                    outcome.left = 0;
                    return outcome;
                }
            }
        }
        buf.drain(..at);
        outcome.left = buf.len();
    }
    outcome
}

fn feed_whole(stream: &[u8], limits: &RequestLimits) -> Outcome {
    feed([stream], limits)
}

fn encode(requests: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut stream = Vec::new();
    requests.iter().for_each(|args| encode_command(&mut stream, args.iter().map(Vec::as_slice)));
    stream
}

/// The error a stream ends in, whether it comes at once or byte by byte.
fn error_of(stream: &[u8], limits: &RequestLimits) -> Option<String> {
    let outcome = feed_whole(stream, limits);
    assert_eq!(feed(stream.chunks(1), limits).error, outcome.error);
    outcome.error.map(|error| error.to_string())
}

fn words(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

#[test]
fn a_pipeline_of_everything() {
    let stream = b"*1\r\n$4\r\nPING\r\nECHO \"a b\"\r\n\r\n*0\r\n*-1\r\n*-10\r\n\n*3\r\n$3\r\nSET\r\n$0\r\n\r\n$2\r\n\r\n\r\nQUIT\n";
    let expected = [words(&["PING"]), words(&["ECHO", "a b"]), words(&["SET", "", "\r\n"]), words(&["QUIT"])];
    for chunk in 1..=stream.len() {
        let outcome = feed(stream.chunks(chunk), &RequestLimits::authenticated());
        assert_eq!(
            outcome,
            Outcome { requests: expected.to_vec(), error: None, left: 0 },
            "pieces of {chunk}"
        );
    }
}

#[test]
fn consumed_bytes_are_those_of_one_request() {
    let mut decoder = RequestDecoder::new();
    let mut spans = vec![Span { start: 7, len: 7 }];
    let limits = RequestLimits::authenticated();
    let decoded = decoder.decode(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n", &limits, &mut spans);
    assert_eq!(decoded, Ok(Decoded::Request { consumed: 20, args: 2 }));
    assert_eq!(spans, [Span { start: 7, len: 7 }, Span { start: 8, len: 3 }, Span { start: 17, len: 1 }]);
    assert_eq!(decoder.decode(b"\r\nPING", &limits, &mut spans), Ok(Decoded::Empty { consumed: 2 }));
}

#[test]
fn an_incomplete_bulk_says_how_much_it_wants() {
    let mut decoder = RequestDecoder::new();
    let decoded = decoder.decode(
        b"*2\r\n$3\r\nGET\r\n$100000\r\nabc",
        &RequestLimits::authenticated(),
        &mut Vec::new(),
    );
    assert_eq!(decoded, Ok(Decoded::Incomplete { want: 100_000 - 3 + 2 }));
    assert!(decoder.is_partial());
    assert_eq!(decoder.announced_args(), 2);
}

#[test]
fn errors_have_the_texts_of_redis() {
    let table: &[(&[u8], &str)] = &[
        (b"*3000000000\r\n", "Protocol error: invalid multibulk length"),
        (b"*2147483648\r\n", "Protocol error: invalid multibulk length"),
        (b"*99999999999999999999\r\n", "Protocol error: invalid multibulk length"),
        (b"*blah\r\n", "Protocol error: invalid multibulk length"),
        (b"*\r\n", "Protocol error: invalid multibulk length"),
        (b"*03\r\n", "Protocol error: invalid multibulk length"),
        (b"*+3\r\n", "Protocol error: invalid multibulk length"),
        (b"* 3\r\n", "Protocol error: invalid multibulk length"),
        (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "Protocol error: expected '$', got 'f'"),
        (b"*1\r\nfoo\r\n", "Protocol error: expected '$', got 'f'"),
        (b"*1\r\n4\r\n", "Protocol error: expected '$', got '4'"),
        (b"*1\r\n\r\n", "Protocol error: expected '$', got '\r'"),
        (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$-10\r\n", "Protocol error: invalid bulk length"),
        (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$2000000000\r\n", "Protocol error: invalid bulk length"),
        (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$blabla\r\n", "Protocol error: invalid bulk length"),
        (b"*1\r\n$\r\n", "Protocol error: invalid bulk length"),
        (b"*1\r\n$01\r\n", "Protocol error: invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "Protocol error: invalid bulk length"),
        (b"set \"\"\"test-key\"\"\" test-value\r\n", "Protocol error: unbalanced quotes in request"),
        (b"set 'a\r\n", "Protocol error: unbalanced quotes in request"),
    ];
    for &(stream, text) in table {
        let name = stream.escape_ascii();
        assert_eq!(error_of(stream, &RequestLimits::authenticated()).as_deref(), Some(text), "{name}");
    }
}

#[test]
fn lines_that_do_not_end() {
    let limits = RequestLimits::authenticated();
    let table: &[(&[u8], &str)] = &[
        (b"*", "Protocol error: too big mbulk count string"),
        (b"*1\r\n$", "Protocol error: too big bulk count string"),
        (b"SET ", "Protocol error: too big inline request"),
        (b"\x00", "Protocol error: too big inline request"),
    ];
    for &(start, text) in table {
        let mut stream = start.to_vec();
        stream.resize(limits.max_inline_len, b'1');
        if !start.starts_with(b"*1\r\n") {
            assert_eq!(feed_whole(&stream, &limits).error, None, "within the limit: {text}");
        }
        stream.resize(start.len() + limits.max_inline_len + 2, b'1');
        assert_eq!(error_of(&stream, &limits).as_deref(), Some(text));
        // The same with the line end there already.
        stream.extend_from_slice(b"\r\n");
        assert_eq!(error_of(&stream, &limits).as_deref(), Some(text));
    }
}

#[test]
fn the_longest_inline_request() {
    let limits = RequestLimits::authenticated();
    for end in ["\r\n", "\n"] {
        let mut stream = vec![b'x'; limits.max_inline_len];
        stream.extend_from_slice(end.as_bytes());
        assert_eq!(feed(stream.chunks(4096), &limits).requests.len(), 1);
        stream.insert(0, b'x');
        assert_eq!(feed(stream.chunks(4096), &limits).error, Some(ProtocolError::TooBigInline));
        assert_eq!(feed_whole(&stream, &limits).error, Some(ProtocolError::TooBigInline));
    }
}

#[test]
fn strangers_may_send_less() {
    let limits = RequestLimits::unauthenticated();
    assert_eq!(error_of(b"*11\r\n", &limits).unwrap(), "Protocol error: unauthenticated multibulk length");
    assert_eq!(
        error_of(b"*1\r\n$16385\r\n", &limits).unwrap(),
        "Protocol error: unauthenticated bulk length"
    );
    assert_eq!(error_of(b"*1\r\n$2000000000\r\n", &limits).unwrap(), "Protocol error: invalid bulk length");
    assert_eq!(error_of(b"*3000000000\r\n", &limits).unwrap(), "Protocol error: invalid multibulk length");
    assert_eq!(error_of(b"*10\r\n$16384\r\n", &limits), None);
}

#[test]
fn limits_are_configurable() {
    let limits = RequestLimits { max_bulk_len: 2, max_args: 2, ..RequestLimits::authenticated() };
    assert_eq!(feed_whole(b"*2\r\n$2\r\nab\r\n$2\r\ncd\r\n", &limits).requests.len(), 1);
    assert_eq!(feed_whole(b"*3\r\n", &limits).error, Some(ProtocolError::InvalidMultibulkLength));
    assert_eq!(feed_whole(b"*1\r\n$3\r\n", &limits).error, Some(ProtocolError::InvalidBulkLength));
    assert_eq!(feed_whole(b"*1\r\n$4000000000\r\n", &RequestLimits::master()).error, None);
}

#[test]
fn the_query_buffer_is_limited() {
    let limits = RequestLimits { max_buffer: 1000, ..RequestLimits::authenticated() };
    let mut stream = b"*3\r\n".to_vec();
    // Arguments may add up to more than the limit, one alone may not exceed it, complete or not.
    for _ in 0..2 {
        stream.extend_from_slice(b"$900\r\n");
        stream.resize(stream.len() + 900, b'x');
        stream.extend_from_slice(b"\r\n");
    }
    assert_eq!(feed(stream.chunks(100), &limits).error, None);
    let mut complete = b"*1\r\n$994\r\n".to_vec();
    complete.resize(complete.len() + 994, b'x');
    assert_eq!(feed([&complete[..]].into_iter(), &limits).error, None);
    complete.extend_from_slice(b"\r\n");
    assert_eq!(feed([&complete[..]].into_iter(), &limits).error, Some(ProtocolError::BufferLimit));
    stream.extend_from_slice(b"$2000\r\n");
    stream.resize(stream.len() + 900, b'x');
    assert_eq!(feed(stream.chunks(100), &limits).error, None);
    stream.resize(stream.len() + 200, b'x');
    assert_eq!(feed(stream.chunks(100), &limits).error, Some(ProtocolError::BufferLimit));
    assert!(!ProtocolError::BufferLimit.has_reply() && ProtocolError::TooBigInline.has_reply());
}

#[test]
fn line_ends_are_not_looked_at() {
    // Redis skips two bytes after an argument and the one after `\r` unseen.
    let outcome = feed_whole(b"*1\rX$4\rYPINGZZ*1\r\n", &RequestLimits::authenticated());
    assert_eq!(outcome, Outcome { requests: vec![words(&["PING"])], error: None, left: 4 });
}

#[test]
fn a_million_arguments_in_small_pieces_are_read_once() {
    let args = vec![b"x".to_vec(); 1_000_000];
    let stream = encode(std::slice::from_ref(&args));
    let mut decoder = RequestDecoder::new();
    let limits = RequestLimits::authenticated();
    let mut spans = Vec::new();
    let mut furthest = 0;
    for end in (16_384..stream.len()).step_by(16_384) {
        assert!(matches!(
            decoder.decode(&stream[..end], &limits, &mut spans),
            Ok(Decoded::Incomplete { .. })
        ));
        // The decoder goes on where it stopped, at the argument that was not complete.
        assert!(decoder.pos > furthest && end - decoder.pos < 7);
        furthest = decoder.pos;
    }
    let decoded = decoder.decode(&stream, &limits, &mut spans);
    assert_eq!(decoded, Ok(Decoded::Request { consumed: stream.len(), args: args.len() }));
    assert_eq!(spans.len(), args.len());
    assert!(Args::new(&stream, &spans).iter().all(|arg| arg == b"x"));
    assert!(!decoder.is_partial());
    assert!(decoder.heap_size() <= KEPT_SPANS * size_of::<Span>());
}

#[test]
fn an_announcement_reserves_nothing() {
    let mut decoder = RequestDecoder::new();
    let mut spans = Vec::new();
    let stream = b"*2147483647\r\n$536870912\r\n";
    assert!(matches!(
        decoder.decode(stream, &RequestLimits::authenticated(), &mut spans),
        Ok(Decoded::Incomplete { .. })
    ));
    assert_eq!((spans.capacity(), decoder.heap_size()), (0, 0));
}

#[test]
fn short_and_long_way_agree_on_every_length() {
    for digits in ["0", "1", "9", "10", "99", "100", "999", "1000", "16384", "999999", "1000000", "9999999"] {
        let line = format!("${digits}\r\nxx");
        let slow = long_bulk_length(line.as_bytes(), &RequestLimits::authenticated()).unwrap().unwrap();
        assert_eq!(slow, (digits.parse().unwrap(), digits.len() + 3));
        assert_eq!(short_length(line.as_bytes()), Some(slow), "{digits}");
        for cut in 0..digits.len() + 3 {
            assert_eq!(short_length(&line.as_bytes()[..cut]), None, "{digits} cut at {cut}");
        }
    }
}

/// Requests with arguments of lengths around those that matter.
fn requests() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let arg = prop_oneof![
        8 => vec(any::<u8>(), 0..12),
        1 => vec(any::<u8>(), 95..130),
        1 => (990usize..1020).prop_map(|len| vec![b'\r'; len]),
    ];
    vec(vec(arg, 1..8), 0..6)
}

/// Bytes that resemble requests.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\r\n".to_vec()),
        2 => Just(b"*".to_vec()),
        3 => Just(b"$".to_vec()),
        3 => (-2i64..12).prop_map(|n| n.to_string().into_bytes()),
        1 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        2 => "[\"' \\\\xa0]{0,6}".prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 0..5),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// `stream` cut at these places, given as fractions of 65536.
fn cut<'a>(stream: &'a [u8], cuts: &[u16]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|&cut| (stream.len() * usize::from(cut)) >> 16).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(requests in requests(), cuts in vec(any::<u16>(), 0..20)) {
        let stream = encode(&requests);
        let limits = RequestLimits::authenticated();
        let expected = Outcome { requests, error: None, left: 0 };
        prop_assert_eq!(&feed_whole(&stream, &limits).requests, &expected.requests);
        prop_assert_eq!(&feed(stream.chunks(1), &limits).requests, &expected.requests);
        let outcome = feed(cut(&stream, &cuts), &limits);
        prop_assert_eq!(outcome, expected);
    }

    #[test]
    fn every_split_point_gives_the_same(requests in requests()) {
        let stream = encode(&requests);
        for at in 0..=stream.len() {
            let (head, tail) = stream.split_at(at);
            prop_assert_eq!(&feed([head, tail], &RequestLimits::authenticated()).requests, &requests);
        }
    }

    #[test]
    fn noise_means_the_same_in_any_pieces(noise in noise(), cuts in vec(any::<u16>(), 0..20), tight: bool) {
        let limits = if tight {
            RequestLimits { max_inline_len: 8, max_bulk_len: 6, ..RequestLimits::unauthenticated() }
        } else {
            RequestLimits::authenticated()
        };
        let whole = feed_whole(&noise, &limits);
        prop_assert_eq!(&feed(noise.chunks(1), &limits), &whole);
        prop_assert_eq!(&feed(cut(&noise, &cuts), &limits), &whole);
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        let outcome = feed_whole(&bytes, &RequestLimits::authenticated());
        let decoded: usize = outcome.requests.iter().flatten().map(Vec::len).sum();
        prop_assert!(decoded <= bytes.len());
    }
}
