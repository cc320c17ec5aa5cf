//! The script of a golden test.

use std::fmt::Write as _;

use expect_test::Expect;

use super::super::io::SnapshotId;
use super::super::*;
use crate::Audience;

pub(super) const A: ReplId = ReplId::repeat(b'a');
pub(super) const B: ReplId = ReplId::repeat(b'b');
const MARK: [u8; 40] = [b'#'; 40];

/// A master, its log, its clock and the transcript. Ids of new histories are `b`, `c`, ...
pub(super) struct Script {
    pub(super) primary: Primary,
    pub(super) log: Arc<Log>,
    pub(super) now: Millis,
    pub(super) text: String,
    next_id: u8,
    /// Left out of the transcript.
    pub(super) hides_log: bool,
}

impl Script {
    /// A master of history `a` at offset 0, without a backlog.
    pub(super) fn new(config: PrimaryConfig) -> Self {
        let log = Arc::new(Log::new(A));
        let primary = Primary::new(Arc::clone(&log), config, Role::Master, B);
        Script { primary, log, now: 0, text: String::new(), next_id: b'c', hides_log: false }
    }

    /// The same with a backlog from offset 0 and `bytes` bytes written.
    pub(super) fn with_backlog(config: PrimaryConfig, bytes: usize) -> Self {
        let mut script = Script::new(config);
        script.log.create_backlog();
        script.write(bytes);
        script.text.clear();
        script
    }

    pub(super) fn write(&mut self, bytes: usize) -> &mut Self {
        self.log.append_verbatim(0, Audience::All, &vec![b'x'; bytes]);
        writeln!(self.text, "> {bytes} bytes are written").unwrap();
        self
    }

    pub(super) fn input(&mut self, name: impl std::fmt::Display, input: Input) -> &mut Self {
        writeln!(self.text, "> {name}").unwrap();
        self.primary.handle(self.now, input);
        self.drain();
        self
    }

    fn drain(&mut self) {
        while let Some(output) = self.primary.poll_output() {
            if output == Output::WantReplId {
                self.primary.handle(self.now, Input::NewReplId(ReplId::repeat(self.next_id)));
                self.next_id += 1;
                continue;
            }
            if !(self.hides_log && matches!(output, Output::Log { .. })) {
                writeln!(self.text, "{}", render(&output)).unwrap();
            }
        }
    }

    /// A command of client `id`.
    pub(super) fn command(&mut self, id: u64, command: &str) -> &mut Self {
        let args: OwnedArgs = command.split(' ').map(|word| word.replace('_', " ")).collect();
        let replica = ReplicaId(id);
        let input = match &args[0] {
            b"REPLCONF" => Input::ReplConf { replica, args },
            b"FAILOVER" => Input::Failover { client: replica, args },
            _ => Input::Sync { replica, args, peer_ip: "10.0.0.1".to_owned(), has_pending_output: false },
        };
        self.input(format!("#{id} {}", shorten(command)), input)
    }

    /// What a replica of today says before PSYNC.
    pub(super) fn introduce(&mut self, id: u64) -> &mut Self {
        self.command(id, &format!("REPLCONF listening-port {}", 7000 + id));
        self.command(id, "REPLCONF capa eof capa psync2")
    }

    /// A replica that continues from `offset`. Nothing of it is in the transcript.
    pub(super) fn online(&mut self, id: u64, offset: u64) -> &mut Self {
        let before = self.text.len();
        self.introduce(id).command(id, &format!("PSYNC {A} {}", offset + 1));
        assert_eq!(self.primary.peers[&ReplicaId(id)].stage, Some(Stage::Online));
        self.text.truncate(before);
        self
    }

    pub(super) fn cut(&mut self, snapshot: u64) -> &mut Self {
        let offset = self.log.end_offset();
        let input = Input::SnapshotCut { snapshot: SnapshotId(snapshot), offset, eof_mark: MARK };
        self.input(format!("cut of {snapshot} at {offset}"), input)
    }

    pub(super) fn sent(&mut self, id: u64) -> &mut Self {
        self.input(format!("#{id} has its payload"), Input::PayloadSent(ReplicaId(id)))
    }

    pub(super) fn closed(&mut self, id: u64) -> &mut Self {
        self.input(format!("#{id} is gone"), Input::Closed(ReplicaId(id)))
    }

    /// Lets time pass, one timer after the other.
    pub(super) fn wait(&mut self, ms: u64) -> &mut Self {
        let end = self.now + ms;
        writeln!(self.text, "> {ms} ms pass").unwrap();
        while let Some(at) = self.primary.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.primary.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
        self
    }

    pub(super) fn check(&self, expected: Expect) {
        expected.assert_eq(&self.text);
    }
}

fn render(output: &Output) -> String {
    let text = match output {
        Output::Reply { replica, bytes } => format!("#{} < {}", replica.0, escape(bytes)),
        Output::BecameReplica(replica) => format!("#{} is a replica", replica.0),
        Output::StartSnapshot { snapshot, diskless, content } => {
            let what = format!("snapshot {} diskless: {diskless}", snapshot.0);
            if content.without_data { format!("{what} {content:?}") } else { what }
        }
        Output::AttachCursor { replica, offset, .. } => format!("#{} gets a cursor at {offset}", replica.0),
        Output::SendPayload { replica, snapshot, header, trailer } => {
            format!("#{} payload of {}: {} .. {}", replica.0, snapshot.0, escape(header), escape(trailer))
        }
        Output::StartStream { replica, .. } => format!("#{} stream starts", replica.0),
        Output::Disconnect { replica, reason } => format!("#{} disconnect {reason:?}", replica.0),
        Output::Log { level, text } => format!("{level:?}: {text}"),
        other => format!("{other:?}"),
    };
    shorten(&text)
}

fn escape(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\'", "'")
}

/// Replaces ids and the mark.
fn shorten(text: &str) -> String {
    let mut text = text.replace(&"#".repeat(40), "<mark>").replace(&"0".repeat(40), "<0>");
    for letter in 'a'..='f' {
        text = text.replace(&letter.to_string().repeat(40), &format!("<{letter}>"));
    }
    text
}
