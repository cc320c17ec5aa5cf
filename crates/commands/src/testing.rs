//! A server without sockets for the tests of handlers: an engine, one session, a clock that stands still.

use parking_lot::Mutex;
use redan_engine::{
    Client, ClientMeta, Clock, CmdResult, Engine, EngineOptions, Exchange, ExchangeError, Host, InfoSection,
    NotifyClasses, ReplyError, SaveRefusal, Session, SessionOrigin, SessionState, Settings, ShutdownRequest,
    Worker,
};
use redan_keyspace::DbIndex;
use redan_replication::{Audience, Log, ReplId};
use redan_resp::{Args, OwnedArgs, Protocol, ReplyBuf, encode_command};
use redan_scripting::{Scripting, ScriptingOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The time tests begin at, Unix ms.
pub const START_MS: i64 = 1_700_000_000_000;

/// A clock that stands still.
pub struct TestClock(AtomicI64);

impl TestClock {
    /// Lets time pass.
    pub fn advance_ms(&self, by: i64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }
}

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
pub struct Rig {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Its clock.
    pub clock: Arc<TestClock>,
    /// What is around it.
    pub host: Arc<TestHost>,
    worker: Worker,
    session: Session,
    stream: Option<redan_replication::CursorId>,
}

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}

impl Rig {
    /// An engine whose log is read, so that [`propagated`](Self::propagated) can tell what goes there.
    pub fn new() -> Self {
        let mut rig = Self::silent();
        rig.engine.log().create_backlog();
        rig.stream = Some(rig.engine.log().attach(0, Audience::All).expect("the log begins at 0"));
        rig
    }

    /// An engine whose log nobody reads.
    pub fn silent() -> Self {
        Self::renaming(&[])
    }

    /// The same with `rename-command` for each of these pairs.
    pub fn renaming(renames: &[(&str, &str)]) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(START_MS)));
        let log = Arc::new(Log::new(ReplId::parse(&[b'a'; 40]).expect("forty hex digits")));
        let options = EngineOptions {
            commands: crate::all(),
            renames: renames
                .iter()
                .map(|(from, to)| (from.as_bytes().to_vec(), to.as_bytes().to_vec()))
                .collect(),
            sentinel: false,
            databases: 16,
            threads: 4,
            seed: 1,
            log,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let engine = Arc::new(Engine::new(options).expect("the table is sound"));
        let host = Arc::new(TestHost::default());
        engine.set_host(Arc::clone(&host) as Arc<dyn Host>);
        let log = Arc::clone(&host);
        engine.set_scripts(Arc::new(Scripting::new(ScriptingOptions {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            watch: Arc::clone(engine.script_watch()),
            log: Arc::new(move |_, text| log.log_notice(text)),
            deprecated_api: false,
            memory_limit: 64 << 20,
        })));
        let worker = Worker::new(&engine);
        let client = engine.clients().add(7, ClientMeta::default(), 0, START_MS);
        let session = Session::new(client, SessionOrigin::Client, &engine);
        Self { engine, clock, host, worker, session, stream: None }
    }

    /// Another connection to the same engine, of a worker of its own.
    pub fn another(&self) -> Self {
        let worker = Worker::new(&self.engine);
        let client = self.engine.clients().add(8, ClientMeta::default(), 0, START_MS);
        let session = Session::new(client, SessionOrigin::Client, &self.engine);
        let (engine, clock, host) =
            (Arc::clone(&self.engine), Arc::clone(&self.clock), Arc::clone(&self.host));
        Self { engine, clock, host, worker, session, stream: None }
    }

    /// The connection's worker, for what is done outside of commands.
    pub fn worker(&mut self) -> &mut Worker {
        &mut self.worker
    }

    /// Lets time pass.
    pub fn advance_ms(&self, by: i64) {
        self.clock.advance_ms(by);
    }

    /// Runs a command given as words separated by spaces; replies as on the wire, CRLF shown as `|`.
    pub fn run(&mut self, words: &str) -> String {
        self.run_args(&words.split(' ').map(str::as_bytes).collect::<Vec<_>>())
    }

    /// Runs a command of arguments that may be any bytes.
    pub fn run_args(&mut self, args: &[&[u8]]) -> String {
        let mut request = Vec::new();
        encode_command(&mut request, args.iter().copied());
        let turn = self.engine.run(&mut self.worker, &mut self.session, &request);
        assert!(turn.consumed == request.len() || self.session.state.park.is_some());
        let reply = String::from_utf8_lossy(&self.session.out.take()).replace("\r\n", "|");
        reply.strip_suffix('|').unwrap_or(&reply).to_owned()
    }

    /// Has a connection that waits look again, and gives what it replies; empty if it waits on.
    pub fn resume(&mut self) -> String {
        self.engine.resume(&mut self.worker, &mut self.session);
        let reply = String::from_utf8_lossy(&self.session.out.take()).replace("\r\n", "|");
        reply.strip_suffix('|').unwrap_or(&reply).to_owned()
    }

    /// What others have pushed to the connection since the last look, each as on the wire, CRLF shown as `|`.
    pub fn pushed(&mut self) -> Vec<String> {
        let text = |message: &bytes::Bytes| {
            let text = String::from_utf8_lossy(message).replace("\r\n", "|");
            text.strip_suffix('|').unwrap_or(&text).to_owned()
        };
        self.session.state.client.mailbox.take().iter().map(text).collect()
    }

    /// Gives the connection bytes as they come from a socket, and drops the replies. Returns their length.
    pub fn feed(&mut self, requests: &[u8]) -> usize {
        let turn = self.engine.run(&mut self.worker, &mut self.session, requests);
        assert_eq!(turn.consumed, requests.len(), "whole requests");
        let replied = self.session.out.len();
        self.session.out.clear();
        replied
    }

    /// Whether the connection was told to close, by somebody else or by its own command.
    pub fn is_killed(&self) -> bool {
        self.session.state.client.mailbox.is_killed()
    }

    /// Whether the connection closes once its replies are written.
    pub fn is_closing(&self) -> bool {
        self.session.is_closing()
    }

    /// The protocol version of its replies.
    pub fn protocol(&self) -> Protocol {
        self.session.out.protocol()
    }

    /// The command that made the connection a replica's, if one did.
    pub fn handed_over(&mut self) -> Option<OwnedArgs> {
        self.session.state.hand_over.take()
    }

    /// What was appended to the log since the last look, as words, one command after the other with `; ` between.
    pub fn propagated(&mut self) -> String {
        let Some(stream) = self.stream else { return String::new() };
        let mut bytes = Vec::new();
        while let Ok(read) = self.engine.log().read(stream, 1 << 20) {
            if read.chunks.is_empty() {
                break;
            }
            read.chunks.iter().for_each(|chunk| bytes.extend_from_slice(chunk));
            self.engine.log().advance(stream, read.end).expect("the cursor exists");
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
    pub fn check(&mut self, script: &[(&str, &str, &str)]) {
        for (command, reply, propagated) in script {
            assert_eq!(self.run(command), *reply, "{command}");
            let said = self.propagated();
            assert_eq!(said.strip_prefix("SELECT 0; ").unwrap_or(&said), *propagated, "{command}");
        }
    }
}

impl Rig {
    /// Turns keyspace events on and subscribes to them.
    pub fn listen(&mut self) {
        let notify = NotifyClasses::parse(b"EAnm").expect("the letters of all classes");
        self.engine.set_settings(Settings { notify, ..Settings::default() });
        self.run("HELLO 3");
        self.run("PSUBSCRIBE __keyevent@*");
    }

    /// The keyspace events since the last look, as `event key`, with `; ` between; of another database than 0 as
    /// `event@db key`.
    pub fn events(&mut self) -> String {
        let messages = self.session.state.client.mailbox.take();
        let event = |message: &[u8]| {
            let text = String::from_utf8_lossy(message).into_owned();
            let words: Vec<&str> = text.split("\r\n").collect();
            let channel = words[6].strip_prefix("__keyevent@").expect("nothing else is subscribed to");
            let (db, event) = channel.split_once("__:").expect("a channel names a database and an event");
            if db == "0" { format!("{event} {}", words[8]) } else { format!("{event}@{db} {}", words[8]) }
        };
        messages.iter().map(|message| event(message)).collect::<Vec<_>>().join("; ")
    }
}

/// A host that does nothing.
#[derive(Default)]
pub struct TestHost {
    lines: Mutex<Vec<String>>,
    /// What another server says to each exchange with it.
    answers: Mutex<Vec<Vec<u8>>>,
    /// What was sent to it last.
    sent: Mutex<Vec<u8>>,
    /// The ACL file, if one is configured.
    pub acl_file: Mutex<Option<Vec<u8>>>,
    /// What it says of the memory in use, bytes.
    pub used_memory: AtomicU64,
}

impl TestHost {
    /// Sets what another server answers from now on.
    pub fn answer(&self, lines: &[&str]) {
        *self.answers.lock() = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
    }

    /// What was sent to another server last, CRLF shown as `|`.
    pub fn sent(&self) -> String {
        String::from_utf8_lossy(&self.sent.lock()).replace("\r\n", "|")
    }
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
        self.used_memory.load(Ordering::Relaxed)
    }
    fn save(&self) -> CmdResult {
        Ok(())
    }
    fn bgsave(&self, _: bool) -> Result<bool, SaveRefusal> {
        Ok(true)
    }
    fn bgrewriteaof(&self) -> Result<bool, ReplyError> {
        Ok(true)
    }
    fn aof_error(&self) -> String {
        "No space left on device".to_owned()
    }
    fn is_fsynced(&self, _: u64) -> Option<bool> {
        None
    }
    fn fsynced_replicas(&self, _: u64) -> usize {
        0
    }
    fn backup(&self, _: &Arc<Client>, _: &[u8]) -> CmdResult {
        Ok(())
    }
    fn debug_loadaof(&self, _: &Arc<Client>, _: bool) -> Result<bool, ReplyError> {
        Ok(false)
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
    fn sentinel(&self, _: &mut SessionState, _: Args<'_>, _: &mut ReplyBuf) -> Result<bool, ReplyError> {
        Ok(false)
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
    fn purge_memory(&self) {}
    fn free_later(&self, garbage: Box<dyn Send>) {
        drop(garbage);
    }
    fn acl_file(&self) -> Option<String> {
        self.acl_file.lock().as_ref().map(|_| "users.acl".to_owned())
    }
    fn read_acl_file(&self) -> Result<Vec<u8>, String> {
        Ok(self.acl_file.lock().clone().unwrap_or_default())
    }
    fn write_acl_file(&self, text: &[u8]) -> bool {
        *self.acl_file.lock() = Some(text.to_vec());
        true
    }
    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at as u8).wrapping_mul(37));
    }
    fn exchange(&self, _: &[u8], _: &[u8], request: &[u8], replies: usize, _: u64) -> Exchange {
        *self.sent.lock() = request.to_vec();
        let answers = self.answers.lock();
        let error = (answers.len() < replies).then_some(ExchangeError::Reading);
        Exchange { replies: answers.iter().take(replies).cloned().collect(), error }
    }
    fn log_notice(&self, text: &str) {
        self.lines.lock().push(text.to_owned());
    }
}

/// The SHA-1 of a text, hexadecimal, as a script of `redis.sha1hex` says it.
pub fn sha1_hex(text: &[u8]) -> String {
    let mut rig = Rig::silent();
    let reply = rig.run_args(&[b"EVAL", b"return redis.sha1hex(ARGV[1])", b"0", text]);
    reply.strip_prefix("$40|").expect("forty digits").to_owned()
}

/// Arguments made of words.
pub fn words(line: &str) -> OwnedArgs {
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
