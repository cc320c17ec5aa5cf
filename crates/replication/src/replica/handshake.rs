//! The lines exchanged before the payload or the stream: what is sent, and what the answers mean.

use bytes::{Bytes, BytesMut};
use redan_resp::encode_command;

use super::io::{LinkConfig, Position};
use crate::ReplId;

/// Longest line of an answer, in bytes.
pub(super) const MAX_LINE: usize = 8 * 1024;

/// The answer that the handshake waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Ping,
    Auth,
    ListeningPort,
    IpAddress,
    Capa,
    Psync,
}

impl Step {
    /// The step after this one is answered.
    pub(super) fn next(self, config: &LinkConfig) -> Step {
        match self {
            Step::Ping if config.master_auth.is_some() => Step::Auth,
            Step::Ping | Step::Auth => Step::ListeningPort,
            Step::ListeningPort if config.announce_ip.is_some() => Step::IpAddress,
            Step::ListeningPort | Step::IpAddress => Step::Capa,
            Step::Capa | Step::Psync => Step::Psync,
        }
    }
}

/// A command for the master.
pub(super) fn command(args: &[&[u8]]) -> Bytes {
    let mut out = Vec::new();
    encode_command(&mut out, args.iter().copied());
    out.into()
}

/// Everything between PING and PSYNC; it goes out at once and is answered in order.
pub(super) fn introduction(config: &LinkConfig) -> Bytes {
    let mut out = Vec::new();
    let mut push = |args: &[&[u8]]| encode_command(&mut out, args.iter().copied());
    match (&config.master_user, &config.master_auth) {
        (Some(user), Some(pass)) => push(&[b"AUTH", user.as_bytes(), pass]),
        (None, Some(pass)) => push(&[b"AUTH", pass]),
        (_, None) => {}
    }
    push(&[b"REPLCONF", b"listening-port", config.announce_port.to_string().as_bytes()]);
    if let Some(ip) = &config.announce_ip {
        push(&[b"REPLCONF", b"ip-address", ip.as_bytes()]);
    }
    if config.offer_lz4 {
        push(&[b"REPLCONF", b"capa", b"eof", b"capa", b"psync2", b"capa", b"redan-lz4"]);
    } else {
        push(&[b"REPLCONF", b"capa", b"eof", b"capa", b"psync2"]);
    }
    out.into()
}

/// PSYNC for what we have; asks for the byte behind it.
pub(super) fn psync(have: Option<Position>, failover: bool) -> Bytes {
    let (id, offset) = match &have {
        Some(have) => (&have.id.as_bytes()[..], (have.offset + 1).to_string()),
        None => (&b"?"[..], "-1".to_owned()),
    };
    if failover {
        command(&[b"PSYNC", id, offset.as_bytes(), b"FAILOVER"])
    } else {
        command(&[b"PSYNC", id, offset.as_bytes()])
    }
}

/// Whether PING was answered well enough to go on: without AUTH, errors about that are to be expected.
pub(super) fn is_ping_answer(line: &str) -> bool {
    const FINE: [&str; 4] = ["+", "-NOAUTH", "-NOPERM", "-ERR operation not permitted"];
    FINE.iter().any(|start| line.starts_with(start))
}

/// What PSYNC's answer means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PsyncAnswer {
    /// A payload follows. Without a position the answer could not be understood.
    FullResync(Option<(ReplId, u64)>),
    /// The stream follows, under this id if it was said.
    Continue(Option<ReplId>),
    /// Not now.
    TryLater,
    /// An error that is not known to pass: perhaps PSYNC is not known.
    NotSupported,
    /// Something else.
    Unexpected,
}

impl PsyncAnswer {
    pub(super) fn parse(line: &str) -> Self {
        if let Some(rest) = line.strip_prefix("+FULLRESYNC") {
            let mut words = rest.split(' ').skip(1);
            let id = words.next().and_then(|id| ReplId::parse(id.as_bytes()));
            let offset = words.next().and_then(|offset| offset.parse().ok());
            return PsyncAnswer::FullResync(id.zip(offset));
        }
        if let Some(rest) = line.strip_prefix("+CONTINUE") {
            return PsyncAnswer::Continue(ReplId::parse(rest.trim().as_bytes()));
        }
        if line.starts_with("-NOMASTERLINK") || line.starts_with("-LOADING") {
            return PsyncAnswer::TryLater;
        }
        if line.starts_with("-ERR") { PsyncAnswer::NotSupported } else { PsyncAnswer::Unexpected }
    }
}

/// Takes a line without its end off the front of `buf`; None when its end is not there yet.
pub(super) fn take_line(buf: &mut BytesMut) -> Option<String> {
    let end = memchr::memchr(b'\n', buf)?;
    let line = buf.split_to(end + 1);
    let line = &line[..end];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Some(String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_psync() {
        let id = ReplId::from_random([0xab; 20]);
        let parse = PsyncAnswer::parse;
        assert_eq!(parse(&format!("+FULLRESYNC {id} 42")), PsyncAnswer::FullResync(Some((id, 42))));
        for odd in
            ["+FULLRESYNC", "+FULLRESYNC x 42", &format!("+FULLRESYNC {id}"), &format!("+FULLRESYNC {id} -1")]
        {
            assert_eq!(parse(odd), PsyncAnswer::FullResync(None), "{odd}");
        }
        assert_eq!(parse(&format!("+CONTINUE {id}")), PsyncAnswer::Continue(Some(id)));
        assert_eq!(parse("+CONTINUE"), PsyncAnswer::Continue(None));
        assert_eq!(parse("-LOADING Redis is loading"), PsyncAnswer::TryLater);
        assert_eq!(parse("-NOMASTERLINK Can't SYNC"), PsyncAnswer::TryLater);
        assert_eq!(parse("-ERR unknown command"), PsyncAnswer::NotSupported);
        assert_eq!(parse("-NOAUTH"), PsyncAnswer::Unexpected);
        assert_eq!(parse(":1"), PsyncAnswer::Unexpected);
    }

    #[test]
    fn lines_end_with_or_without_carriage_return() {
        let mut buf = BytesMut::from(&b"+OK\r\n\n+PO"[..]);
        assert_eq!(take_line(&mut buf).as_deref(), Some("+OK"));
        assert_eq!(take_line(&mut buf).as_deref(), Some(""));
        assert_eq!(take_line(&mut buf), None);
        assert_eq!(&buf[..], b"+PO");
    }
}
