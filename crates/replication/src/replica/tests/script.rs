//! The script of a golden test.

use std::fmt::Write as _;

use expect_test::Expect;
use redan_resp::{Args, Decoded, RequestDecoder, RequestLimits};

use super::super::*;

pub(super) const A: ReplId = ReplId::repeat(b'a');
pub(super) const B: ReplId = ReplId::repeat(b'b');

/// A link, its clock and the transcript.
pub(super) struct Script {
    pub(super) link: ReplicaLink,
    pub(super) now: Millis,
    pub(super) text: String,
    /// Whether commands are executed as soon as they are given out.
    pub(super) applies: bool,
}

impl Script {
    pub(super) fn new(config: LinkConfig) -> Self {
        Script { link: ReplicaLink::new(config), now: 0, text: String::new(), applies: true }
    }

    pub(super) fn line(&mut self, line: impl std::fmt::Display) {
        writeln!(self.text, "{line}").unwrap();
    }

    pub(super) fn input(&mut self, name: impl std::fmt::Display, input: Input) -> &mut Self {
        self.line(format_args!("> {name}"));
        self.link.handle(self.now, input);
        self.drain();
        self
    }

    pub(super) fn drain(&mut self) {
        while let Some(output) = self.link.poll_output() {
            if let Output::Apply { link, end_offset: offset, .. } = output
                && self.applies
            {
                self.line(render(&output));
                self.link.handle(self.now, Input::Applied { link, offset });
            } else {
                self.line(render(&output));
            }
        }
    }

    pub(super) fn current(&self) -> LinkId {
        self.link.link
    }

    pub(super) fn follow(&mut self, host: &str, own: Option<Position>, failover: bool) -> &mut Self {
        let master = MasterAddr { host: host.to_owned(), port: 6379 };
        self.input(format!("REPLICAOF {host} 6379"), Input::SetMaster { master, own, failover })
    }

    pub(super) fn connected(&mut self) -> &mut Self {
        self.input("connected", Input::Connected(self.current()))
    }

    pub(super) fn receive(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = Bytes::copy_from_slice(bytes.as_ref());
        self.input(wire(&bytes), Input::Received { link: self.current(), bytes })
    }

    pub(super) fn closed(&mut self) -> &mut Self {
        self.input("closed", Input::Closed { link: self.current(), error: None })
    }

    pub(super) fn loaded(&mut self) -> &mut Self {
        self.input("loaded", Input::PayloadLoaded { link: self.current(), stream_db: 0 })
    }

    /// Lets time pass, one timer after the other.
    pub(super) fn wait(&mut self, ms: u64) -> &mut Self {
        let end = self.now + ms;
        self.line(format_args!("> {ms} ms pass"));
        while let Some(at) = self.link.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.link.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
        self
    }

    /// From nothing to a stream, with a sized payload. The transcript is cleared.
    pub(super) fn streaming(config: LinkConfig) -> Self {
        let mut script = Script::new(config);
        script.follow("m", None, false).connected().receive("+PONG\r\n").receive("+OK\r\n+OK\r\n");
        script.receive(format!("+FULLRESYNC {A} 1000\r\n$3\r\nRDB")).loaded();
        script.text.clear();
        script
    }

    pub(super) fn check(&self, expected: Expect) {
        expected.assert_eq(&self.text);
    }
}

fn render(output: &Output) -> String {
    match output {
        Output::Connect { link, master } => format!("connect #{} {}:{}", link.0, master.host, master.port),
        Output::Send { bytes, .. } => format!("send {}", wire(bytes)),
        Output::Close(link) => format!("close #{}", link.0),
        Output::Payload { bytes, .. } => format!("payload {}", bytes.escape_ascii()),
        Output::PayloadDone { refuse_if_empty, .. } => {
            format!("payload done, refuse if empty: {refuse_if_empty}")
        }
        Output::PayloadStart { id, offset, size, load, .. } => {
            format!("payload start {}:{offset} {size:?} {load:?}", short(*id))
        }
        Output::Apply { bytes, end_offset, db, db_after, audience, .. } => {
            format!("apply ..{end_offset} {db}>{db_after} {audience:?} {}", wire(bytes))
        }
        Output::AdoptHistory(at) => format!("adopt {}:{} db {}", short(at.id), at.offset, at.db),
        Output::Continue(at) => format!("continue {}:{} db {}", short(at.id), at.offset, at.db),
        Output::ReplIdChanged { old, new, offset } => {
            format!("id changed {} -> {} at {offset}", short(*old), short(*new))
        }
        Output::Log { level, text } => format!("{level:?}: {}", shorten(text)),
        other => format!("{other:?}"),
    }
}

/// Bytes as commands, if they are whole commands; else escaped. Ids are shortened.
fn wire(bytes: &[u8]) -> String {
    let (mut decoder, limits) = (RequestDecoder::new(), RequestLimits::authenticated());
    let (mut at, mut out) = (0, String::new());
    while bytes[at..].first() == Some(&b'*') {
        let mut spans = Vec::new();
        let Ok(Decoded::Request { consumed, .. }) = decoder.decode(&bytes[at..], &limits, &mut spans) else {
            break;
        };
        let args = Args::new(&bytes[at..], &spans);
        let words: Vec<_> = args.iter().map(String::from_utf8_lossy).collect();
        write!(out, "[{}]", words.join(" ")).unwrap();
        at += consumed;
    }
    write!(out, "{}", bytes[at..].escape_ascii()).unwrap();
    shorten(&out)
}

fn shorten(text: &str) -> String {
    text.replace(A.as_str(), "<a>").replace(B.as_str(), "<b>")
}

/// An id as its first character.
fn short(id: ReplId) -> char {
    char::from(id.as_bytes()[0])
}
