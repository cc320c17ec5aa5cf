//! Golden tests of replies in both protocols.

use super::*;
use proptest::prelude::*;

/// What a reply looks like in RESP2 and in RESP3.
fn both(write: impl Fn(&mut ReplyBuf)) -> (String, String) {
    let text = |protocol| {
        let mut out = ReplyBuf::new(protocol);
        write(&mut out);
        String::from_utf8(out.take()).expect("golden replies are text")
    };
    (text(Protocol::Resp2), text(Protocol::Resp3))
}

/// The same in both.
fn same(text: &str) -> (String, String) {
    (text.into(), text.into())
}

fn differ(resp2: &str, resp3: &str) -> (String, String) {
    (resp2.into(), resp3.into())
}

#[test]
fn single_replies() {
    assert_eq!(both(|out| out.ok()), same("+OK\r\n"));
    assert_eq!(both(|out| out.simple("PONG")), same("+PONG\r\n"));
    assert_eq!(both(|out| out.simple("a\r\nb")), same("+a  b\r\n"));
    assert_eq!(both(|out| out.error("ERR no\nsuch\rkey\r\n")), same("-ERR no such key\r\n"));
    assert_eq!(both(|out| out.error("\r\n")), same("-\r\n"));
    assert_eq!(both(|out| out.int(0)), same(":0\r\n"));
    assert_eq!(both(|out| out.int(-1)), same(":-1\r\n"));
    assert_eq!(both(|out| out.int(12)), same(":12\r\n"));
    assert_eq!(both(|out| out.int(i64::MAX)), same(":9223372036854775807\r\n"));
    assert_eq!(both(|out| out.int(i64::MIN)), same(":-9223372036854775808\r\n"));
    assert_eq!(both(|out| out.bulk(b"")), same("$0\r\n\r\n"));
    assert_eq!(both(|out| out.bulk(b"a\r\nb")), same("$4\r\na\r\nb\r\n"));
    assert_eq!(both(|out| out.bulk(&[b'x'; 10])), same("$10\r\nxxxxxxxxxx\r\n"));
    assert_eq!(both(|out| out.bulk_int(-42)), same("$3\r\n-42\r\n"));
    assert_eq!(both(|out| out.null()), differ("$-1\r\n", "_\r\n"));
    assert_eq!(both(|out| out.null_array()), differ("*-1\r\n", "_\r\n"));
    assert_eq!(both(|out| out.double(1.5)), differ("$3\r\n1.5\r\n", ",1.5\r\n"));
    assert_eq!(both(|out| out.double(3.0)), differ("$1\r\n3\r\n", ",3\r\n"));
    assert_eq!(both(|out| out.double(f64::NEG_INFINITY)), differ("$4\r\n-inf\r\n", ",-inf\r\n"));
    assert_eq!(both(|out| out.double(f64::NAN)), differ("$3\r\nnan\r\n", ",nan\r\n"));
    assert_eq!(both(|out| out.bool(true)), differ(":1\r\n", "#t\r\n"));
    assert_eq!(both(|out| out.bool(false)), differ(":0\r\n", "#f\r\n"));
    assert_eq!(both(|out| out.verbatim("txt", b"Some")), differ("$4\r\nSome\r\n", "=8\r\ntxt:Some\r\n"));
    assert_eq!(both(|out| out.big_number(b"123456789012345678901")), {
        differ("$21\r\n123456789012345678901\r\n", "(123456789012345678901\r\n")
    });
    assert_eq!(both(|out| out.raw(b":1\r\n")), same(":1\r\n"));
}

#[test]
fn errors_may_quote_any_bytes() {
    let mut out = ReplyBuf::new(Protocol::Resp2);
    out.error_bytes(b"ERR unknown command '\xff\r\n\0'");
    assert_eq!(out.as_slice(), b"-ERR unknown command '\xff  \0'\r\n");
}

#[test]
fn aggregates() {
    assert_eq!(both(|out| out.array(0)), same("*0\r\n"));
    assert_eq!(both(|out| out.array(1_000_000)), same("*1000000\r\n"));
    assert_eq!(both(|out| out.map(2)), differ("*4\r\n", "%2\r\n"));
    assert_eq!(both(|out| out.set(3)), differ("*3\r\n", "~3\r\n"));
    assert_eq!(both(|out| out.push(3)), differ("*3\r\n", ">3\r\n"));
    let attribute = |out: &mut ReplyBuf| {
        if out.attribute(1) {
            out.bulk(b"ttl");
            out.int(9);
        }
        out.int(1);
    };
    assert_eq!(both(attribute), differ(":1\r\n", "|1\r\n$3\r\nttl\r\n:9\r\n:1\r\n"));
}

#[test]
fn deferred_headers_nest() {
    let write = |out: &mut ReplyBuf| {
        out.ok();
        let outer = out.begin_deferred();
        out.int(1);
        let map = out.begin_deferred();
        out.bulk(b"k");
        out.bulk(b"v");
        out.end_deferred_map(map, 1);
        let set = out.begin_deferred();
        out.end_deferred_set(set, 0);
        let push = out.begin_deferred();
        out.null();
        out.end_deferred_push(push, 1);
        out.end_deferred_array(outer, 4);
        out.ok();
    };
    assert_eq!(
        both(write),
        differ(
            "+OK\r\n*4\r\n:1\r\n*2\r\n$1\r\nk\r\n$1\r\nv\r\n*0\r\n*1\r\n$-1\r\n+OK\r\n",
            "+OK\r\n*4\r\n:1\r\n%1\r\n$1\r\nk\r\n$1\r\nv\r\n~0\r\n>1\r\n_\r\n+OK\r\n",
        )
    );
}

#[test]
fn marks_take_back_what_came_after() {
    let mut out = ReplyBuf::new(Protocol::Resp3);
    assert!(out.is_empty());
    out.ok();
    let mark = out.mark();
    out.int(5);
    assert_eq!(out.since(mark), b":5\r\n");
    out.truncate(mark);
    assert_eq!((out.as_slice(), out.len()), (&b"+OK\r\n"[..], 5));
    out.consume(1);
    assert_eq!(out.as_slice(), b"OK\r\n");
    out.set_protocol(Protocol::Resp2);
    assert_eq!(out.protocol(), Protocol::Resp2);
}

#[test]
fn memory_is_given_back_only_when_idle() {
    let mut out = ReplyBuf::new(Protocol::Resp2);
    out.reserve(100_000);
    out.ok();
    out.shrink_if_idle(1024);
    assert!(out.capacity() >= 100_000);
    out.clear();
    out.shrink_if_idle(1024);
    assert!((1024..100_000).contains(&out.capacity()));
    out.shrink_if_idle(4096);
    assert!(out.capacity() >= 1024);
}

proptest! {
    #[test]
    fn bulks_of_every_length(len in 0usize..2000) {
        let mut out = ReplyBuf::new(Protocol::Resp2);
        let payload = vec![b'p'; len];
        out.bulk(&payload);
        let expected = [format!("${len}\r\n").as_bytes(), &payload, b"\r\n"].concat();
        prop_assert_eq!(out.as_slice(), &expected[..]);
    }

    #[test]
    fn integers(value: i64) {
        let mut out = ReplyBuf::new(Protocol::Resp3);
        out.int(value);
        let expected = format!(":{value}\r\n");
        prop_assert_eq!(out.as_slice(), expected.as_bytes());
    }

    #[test]
    fn an_error_is_always_one_line(text in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut out = ReplyBuf::new(Protocol::Resp2);
        out.error_bytes(&text);
        let line = out.as_slice().strip_suffix(b"\r\n").expect("ends its line");
        prop_assert!(!line.contains(&b'\r') && !line.contains(&b'\n'));
    }
}
