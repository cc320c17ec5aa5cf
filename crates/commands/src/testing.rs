//! A server without sockets for the tests of handlers: an engine, one session, a clock that stands still.

use parking_lot::Mutex;
use redan_engine::{
    Client, ClientMeta, Clock, CmdResult, Engine, EngineOptions, Host, InfoSection, ReplyError, SaveRefusal,
    Session, SessionOrigin, SessionState, ShutdownRequest, Worker,
};
use redan_keyspace::DbIndex;
use redan_replication::{Audience, Log, ReplId};
use redan_resp::{Args, OwnedArgs, ReplyBuf, encode_command};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The time tests begin at, Unix ms.
pub(crate) const START_MS: i64 = 1_700_000_000_000;

pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn wall_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn wall_us(&self) -> i64 {
        self.wall_ms() * 1000
    }

    fn monotonic_ns(&self) -> u64 {
        self.wall_ms() as u64 * 1_000_000
    }
}

/// An engine with one connection.
pub(crate) struct Rig {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<TestClock>,
    worker: Worker,
    session: Session,
    stream: redan_replication::CursorId,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(START_MS)));
        let log = Arc::new(Log::new(ReplId::parse(&[b'a'; 40]).expect("forty hex digits")));
        log.create_backlog();
        let stream = log.attach(0, Audience::All).expect("the log begins at 0");
        let options = EngineOptions {
            commands: crate::all(),
            renames: Vec::new(),
            sentinel: false,
            databases: 16,
            threads: 4,
            seed: 1,
            log,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let engine = Arc::new(Engine::new(options).expect("the table is sound"));
        engine.set_host(Arc::new(TestHost::default()));
        let worker = Worker::new(&engine);
        let client = engine.clients().add(7, ClientMeta::default(), 0, START_MS);
        let session = Session::new(client, SessionOrigin::Client, &engine);
        Self { engine, clock, worker, session, stream }
    }

    pub(crate) fn advance_ms(&self, by: i64) {
        self.clock.0.fetch_add(by, Ordering::Relaxed);
    }

    /// Runs a command given as words separated by spaces; replies as on the wire, CRLF shown as `|`.
    pub(crate) fn run(&mut self, words: &str) -> String {
        self.run_args(&words.split(' ').map(str::as_bytes).collect::<Vec<_>>())
    }

    pub(crate) fn run_args(&mut self, args: &[&[u8]]) -> String {
        let mut request = Vec::new();
        encode_command(&mut request, args.iter().copied());
        let turn = self.engine.run(&mut self.worker, &mut self.session, &request);
        assert!(turn.consumed == request.len() || self.session.state.park.is_some());
        let reply = String::from_utf8_lossy(&self.session.out.take()).replace("\r\n", "|");
        reply.strip_suffix('|').unwrap_or(&reply).to_owned()
    }

    /// What was appended to the log since the last look, as words, one command after the other with `; ` between.
    pub(crate) fn propagated(&mut self) -> String {
        let mut bytes = Vec::new();
        while let Ok(read) = self.engine.log().read(self.stream, 1 << 20) {
            if read.chunks.is_empty() {
                break;
            }
            read.chunks.iter().for_each(|chunk| bytes.extend_from_slice(chunk));
            self.engine.log().advance(self.stream, read.end).expect("the cursor exists");
        }
        let mut decoder = redan_resp::RequestDecoder::new();
        let (mut rest, mut commands) = (&bytes[..], Vec::new());
        let limits = redan_resp::RequestLimits::master();
        while !rest.is_empty() {
            let mut spans = Vec::new();
            let Ok(redan_resp::Decoded::Request { consumed, .. }) = decoder.decode(rest, &limits, &mut spans)
            else {
                panic!("the log holds whole commands")
            };
            let words = Args::new(rest, &spans).iter().map(|arg| String::from_utf8_lossy(arg).into_owned());
            commands.push(words.collect::<Vec<_>>().join(" "));
            rest = &rest[consumed..];
        }
        commands.join("; ")
    }
}

impl Rig {
    /// Runs each command and compares its reply and what it propagated. The SELECT that opens the log is left out.
    pub(crate) fn check(&mut self, script: &[(&str, &str, &str)]) {
        for (command, reply, propagated) in script {
            assert_eq!(self.run(command), *reply, "{command}");
            let said = self.propagated();
            assert_eq!(said.strip_prefix("SELECT 0; ").unwrap_or(&said), *propagated, "{command}");
        }
    }
}

#[derive(Default)]
pub(crate) struct TestHost {
    lines: Mutex<Vec<String>>,
}

impl Host for TestHost {
    fn config_get(&self, _: &[&[u8]]) -> Vec<(String, Vec<u8>)> {
        Vec::new()
    }
    fn config_set(&self, _: &[(&[u8], &[u8])]) -> CmdResult {
        Ok(())
    }
    fn config_rewrite(&self) -> CmdResult {
        Ok(())
    }
    fn info(&self, _: InfoSection, _: &mut String) {}
    fn used_memory(&self) -> u64 {
        0
    }
    fn save(&self) -> CmdResult {
        Ok(())
    }
    fn bgsave(&self, _: bool) -> Result<bool, SaveRefusal> {
        Ok(true)
    }
    fn last_save_s(&self) -> i64 {
        START_MS / 1000
    }
    fn shutdown(&self, _: &Arc<Client>, _: ShutdownRequest) -> Result<bool, ReplyError> {
        Ok(false)
    }
    fn shutdown_abort(&self) -> CmdResult {
        Ok(())
    }
    fn replicaof(&self, _: Option<(&[u8], u16)>, _: &Arc<Client>) -> Result<&'static str, ReplyError> {
        Ok("OK")
    }
    fn role(&self, out: &mut ReplyBuf) {
        out.array(0);
    }
    fn replconf(&self, _: &mut SessionState, _: Args<'_>, out: &mut ReplyBuf) -> CmdResult {
        out.ok();
        Ok(())
    }
    fn acked_replicas(&self, _: u64) -> usize {
        0
    }
    fn request_acks(&self) {}
    fn failover(&self, _: Args<'_>) -> CmdResult {
        Ok(())
    }
    fn resume(&self, _: &mut SessionState, _: &mut ReplyBuf, _: i64) -> bool {
        true
    }
    fn sentinel(&self, _: &mut SessionState, _: Args<'_>, _: &mut ReplyBuf) -> CmdResult {
        Ok(())
    }
    fn debug_reload(&self, _: bool, _: bool, _: bool) -> CmdResult {
        Ok(())
    }
    fn debug_sleep(&self, _: u64) {}
    fn debug_other(&self, _: Args<'_>, _: &mut ReplyBuf) -> Result<bool, ReplyError> {
        Ok(false)
    }
    fn debug_allowed(&self, _: &Client) -> bool {
        true
    }
    fn dataset_flushed(&self, _: Option<DbIndex>) {}
    fn free_later(&self, garbage: Box<dyn Send>) {
        drop(garbage);
    }
    fn log_notice(&self, text: &str) {
        self.lines.lock().push(text.to_owned());
    }
}

/// Arguments made of words.
pub(crate) fn words(line: &str) -> OwnedArgs {
    line.split(' ').map(str::as_bytes).collect()
}

#[test]
fn a_key_that_is_not_there_is_null() {
    assert_eq!(Rig::new().run("GET nothing"), "$-1");
    assert_eq!(words("a b").len(), 2);
}

#[test]
fn an_unknown_command_says_what_it_got() {
    assert_eq!(Rig::new().run("NOPE a b"), "-ERR unknown command 'NOPE', with args beginning with: 'a' 'b' ");
}
