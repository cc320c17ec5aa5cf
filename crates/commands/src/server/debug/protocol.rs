//! DEBUG PROTOCOL: a value of every type of the protocol, for tests of clients.

use crate::arg;
use redan_engine::{CmdResult, Cx, errors};
use redan_resp::{Args, Protocol, ReplyBuf};

type Write = fn(&mut ReplyBuf);

#[expect(clippy::approx_constant, reason = "the value is what tests of clients expect")]
const TYPES: &[(&str, Write)] = &[
    ("string", |out| out.bulk(b"Hello World")),
    ("integer", |out| out.int(12345)),
    ("double", |out| out.double(3.141)),
    ("bignum", |out| out.big_number(b"1234567999999999999999999999999999999")),
    ("null", |out| out.null()),
    ("array", |out| {
        out.array(3);
        (0..3).for_each(|element| out.int(element));
    }),
    ("set", |out| {
        out.set(3);
        (0..3).for_each(|element| out.int(element));
    }),
    ("map", |out| {
        out.map(3);
        for key in 0..3 {
            out.int(key);
            out.bool(key == 1);
        }
    }),
    ("attrib", attribute),
    ("push", push),
    ("verbatim", |out| out.verbatim("txt", b"This is a verbatim\nstring")),
    ("true", |out| out.bool(true)),
    ("false", |out| out.bool(false)),
];

/// An attribute is no reply: one follows.
fn attribute(out: &mut ReplyBuf) {
    if out.attribute(1) {
        out.bulk(b"key-popularity");
        out.array(2);
        out.bulk(b"key:123");
        out.int(90);
    }
    out.bulk(b"Some real reply following the attribute");
}

/// Nor is a push.
fn push(out: &mut ReplyBuf) {
    out.push(2);
    out.bulk(b"server-cpu-usage");
    out.int(42);
    out.bulk(b"Some real reply following the push reply");
}

/// DEBUG PROTOCOL type
pub(super) fn protocol(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let Some((name, write)) = TYPES.iter().find(|(name, _)| arg::is(&args[2], name)) else {
        return Err(errors::err(
            "Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
        ));
    };
    if *name == "push" && cx.out.protocol() == Protocol::Resp2 {
        return Err(errors::err("RESP2 is not supported by this command"));
    }
    write(cx.out);
    Ok(())
}
