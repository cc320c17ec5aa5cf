//! A small world in memory: Sentinels, Redis instances that answer like the real ones, a network with
//! some delay, a DNS and disks. Deterministic: what is told twice happens twice.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of the rig")]

pub mod redis;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt::Write;

use redan_resp::Frame;
use redan_sentinel::*;
use redis::FakeRedis;

/// A file system on which every script exists, except those called `missing`.
pub struct Files;

impl Host for Files {
    fn is_executable(&self, path: &[u8]) -> bool {
        !path.ends_with(b"missing")
    }
}

/// Something on its way.
#[derive(Debug)]
enum Travel {
    /// To a Sentinel.
    Input(usize, Input),
    /// A command from a Sentinel's connection to whoever is at the other end.
    Command(usize, LinkId, Vec<Vec<u8>>),
    /// A connection attempt.
    Connect(usize, LinkId),
}

struct Connection {
    ip: String,
    kind: LinkKind,
    queued: Option<Vec<Vec<Vec<u8>>>>,
}

/// An answer that waits for a save.
struct Held {
    save: SaveId,
    caller: usize,
    link: LinkId,
    saved: Reply,
    failed: Reply,
}

/// A Sentinel process.
pub struct Node {
    pub sentinel: Sentinel,
    pub ip: String,
    pub alive: bool,
    pub paused: bool,
    pub saves: Vec<Vec<u8>>,
    connections: BTreeMap<LinkId, Connection>,
    held: Vec<Held>,
    waiting: Vec<Input>,
}

pub struct World {
    pub now_ms: u64,
    pub nodes: Vec<Node>,
    pub redis: BTreeMap<String, FakeRedis>,
    pub dns: BTreeMap<String, String>,
    /// Addresses nobody can reach.
    pub unreachable: Vec<String>,
    /// The disks fail.
    pub disks_full: bool,
    pub scripts: Vec<String>,
    pub first_seed: u64,
    /// One way through the network, and one write to disk.
    pub delay_ms: u64,
    travelling: BinaryHeap<Reverse<(u64, u64)>>,
    cargo: BTreeMap<u64, Travel>,
    sequence: u64,
    story: String,
}

pub fn words(line: &str) -> Vec<&[u8]> {
    line.split_whitespace().map(str::as_bytes).collect()
}

/// Directives, one a line.
pub fn config(text: &str) -> Result<Config, ConfigError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let lines: Vec<ConfigLine> = lines
        .map(|(i, line)| ConfigLine {
            number: i + 1,
            args: line.split_whitespace().map(|word| word.as_bytes().to_vec()).collect(),
        })
        .collect();
    Config::parse(&lines, &Files)
}

impl World {
    pub fn new() -> World {
        World {
            now_ms: 1_000_000,
            nodes: Vec::new(),
            redis: BTreeMap::new(),
            dns: BTreeMap::new(),
            unreachable: Vec::new(),
            disks_full: false,
            scripts: Vec::new(),
            first_seed: 42,
            delay_ms: 1,
            travelling: BinaryHeap::new(),
            cargo: BTreeMap::new(),
            sequence: 0,
            story: String::new(),
        }
    }

    /// `count` Sentinels that know one master, and Redis instances 10.0.0.1 (the master) and following.
    pub fn standard(count: usize, replicas: usize, directives: &str) -> World {
        let mut world = World::new();
        world.redis.insert("10.0.0.1".into(), FakeRedis::master(1));
        for i in 0..replicas {
            let n = i + 2;
            world.redis.insert(format!("10.0.0.{n}"), FakeRedis::replica(n, "10.0.0.1", 100));
        }
        for _ in 0..count {
            world.add_sentinel(directives);
        }
        world
    }

    pub fn now(&self) -> Now {
        Now { mono: Millis(self.now_ms), wall: Millis(self.now_ms + 1_600_000_000_000) }
    }

    /// Starts a Sentinel; its id is the digit of its number.
    pub fn add_sentinel(&mut self, directives: &str) -> usize {
        let number = self.nodes.len();
        let id = format!("{}", number + 1).repeat(40);
        let config =
            config(&format!("myid {}\n{directives}", &id[..40])).expect("directives of a story are right");
        self.start(number, config);
        number
    }

    fn start(&mut self, number: usize, config: Config) {
        let seed = mixed(self.first_seed + number as u64);
        let sentinel = Sentinel::new(config, ServerFacts::default(), seed, self.now());
        let node = Node {
            sentinel,
            ip: format!("10.0.1.{}", number + 1),
            alive: true,
            paused: false,
            saves: Vec::new(),
            connections: BTreeMap::new(),
            held: Vec::new(),
            waiting: Vec::new(),
        };
        if number < self.nodes.len() {
            self.nodes[number] = node;
        } else {
            self.nodes.push(node);
        }
        self.drain(number);
    }

    /// Kills a Sentinel.
    pub fn kill_sentinel(&mut self, number: usize) {
        self.nodes[number].alive = false;
        let ip = self.nodes[number].ip.clone();
        self.break_connections_to(&ip);
        let links: Vec<LinkId> = self.nodes[number].connections.keys().copied().collect();
        for link in links {
            self.nodes[number].connections.remove(&link);
        }
    }

    /// Starts a killed Sentinel from what it last saved.
    pub fn restart_sentinel(&mut self, number: usize) {
        let saved = self.nodes[number].saves.last().cloned().unwrap_or_default();
        let text = String::from_utf8(saved).expect("stories are ASCII");
        let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("sentinel ")).collect();
        let config = config(&lines.join("\n")).expect("what was saved can be read");
        self.start(number, config);
    }

    /// Adds a line to the story that is not an event.
    pub fn say(&mut self, text: &str) {
        let _ = writeln!(self.story, "-- {text}");
    }

    /// The story since the last call.
    pub fn story(&mut self) -> String {
        std::mem::take(&mut self.story)
    }

    /// Runs for a while and forgets what was told.
    pub fn quietly_run_for(&mut self, span_ms: u64) {
        self.run_for(span_ms);
        self.story.clear();
    }

    /// The story since the last call, as one Sentinel tells it.
    pub fn story_of(&mut self, number: usize) -> String {
        let mark = format!(" s{} ", number + 1);
        let story = self.story();
        let lines = story.lines().filter(|line| line.contains(&mark) || line.starts_with("--"));
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// Kills a Redis instance: its connections break at once.
    pub fn kill_redis(&mut self, ip: &str) {
        self.redis.get_mut(ip).expect("known instance").alive = false;
        self.break_connections_to(ip);
    }

    fn break_connections_to(&mut self, ip: &str) {
        for number in 0..self.nodes.len() {
            let connections = self.nodes[number].connections.iter();
            let gone: Vec<LinkId> = connections.filter(|(_, c)| c.ip == ip).map(|(link, _)| *link).collect();
            for link in gone {
                self.nodes[number].connections.remove(&link);
                self.travel(self.delay_ms, Travel::Input(number, Input::Closed { link }));
            }
        }
    }

    pub fn command(&mut self, number: usize, line: &str) -> Answer {
        let line: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let now = self.now();
        let answer = self.nodes[number].sentinel.handle_command(now, &line, &Files);
        self.drain(number);
        answer
    }

    /// The reply to a command; one that waits for a save gets it.
    pub fn ask(&mut self, number: usize, line: &str) -> Reply {
        match self.command(number, line) {
            Answer::Now(reply) => reply,
            Answer::AfterSave { saved, failed, .. } => {
                if self.disks_full {
                    failed
                } else {
                    saved
                }
            }
        }
    }

    /// Where a Sentinel says that the master is.
    pub fn master_of(&mut self, number: usize) -> String {
        match self.ask(number, "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster") {
            Reply::Array(parts) => match &parts[0] {
                Reply::Bulk(host) => String::from_utf8_lossy(host).into_owned(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// A field of a described instance.
    pub fn field(&mut self, number: usize, line: &str, field: &str) -> String {
        let reply = self.ask(number, line);
        let Reply::Map(pairs) = &reply else { panic!("{reply:?}") };
        let key = Reply::bulk(field);
        match pairs.iter().find(|(name, _)| *name == key) {
            Some((_, Reply::Bulk(value))) => String::from_utf8_lossy(value).into_owned(),
            other => panic!("{field}: {other:?}"),
        }
    }

    // --- time ----------------------------------------------------------------------------------------------

    pub fn run_for(&mut self, span_ms: u64) {
        let end = self.now_ms + span_ms;
        while let Some(at) = self.next_moment().filter(|at| *at <= end) {
            self.now_ms = self.now_ms.max(at);
            self.step();
        }
        self.now_ms = end;
    }

    /// Runs until a condition holds, at most for a while.
    pub fn run_until(&mut self, limit_ms: u64, mut condition: impl FnMut(&mut World) -> bool) {
        let end = self.now_ms + limit_ms;
        while !condition(self) {
            let at = self.next_moment().filter(|at| *at <= end).expect("the condition comes true in time");
            self.now_ms = self.now_ms.max(at);
            self.step();
        }
    }

    fn next_moment(&self) -> Option<u64> {
        let travel = self.travelling.peek().map(|Reverse((at, _))| *at);
        let running = self.nodes.iter().filter(|node| node.alive && !node.paused);
        let timers = running.filter_map(|node| node.sentinel.poll_timeout().map(|at| at.0));
        timers.chain(travel).min()
    }

    fn step(&mut self) {
        if let Some(Reverse((at, key))) = self.travelling.peek().copied()
            && at <= self.now_ms
        {
            self.travelling.pop();
            let travel = self.cargo.remove(&key).expect("every journey has its cargo");
            return self.arrive(travel);
        }
        for number in 0..self.nodes.len() {
            let node = &mut self.nodes[number];
            let due = node.sentinel.poll_timeout().is_some_and(|at| at.0 <= self.now_ms);
            if node.alive && !node.paused && due {
                let now = self.now();
                self.nodes[number].sentinel.handle_timeout(now);
                return self.drain(number);
            }
        }
    }

    /// Stops a Sentinel process, as SIGSTOP does.
    pub fn pause_sentinel(&mut self, number: usize) {
        self.nodes[number].paused = true;
    }

    pub fn resume_sentinel(&mut self, number: usize) {
        self.nodes[number].paused = false;
        for input in std::mem::take(&mut self.nodes[number].waiting) {
            self.input(number, input);
        }
    }

    pub fn input(&mut self, number: usize, input: Input) {
        let now = self.now();
        let node = &mut self.nodes[number];
        if node.paused {
            node.waiting.push(input);
        } else if node.alive {
            node.sentinel.handle(now, input);
            self.drain(number);
        }
    }

    // --- the network ---------------------------------------------------------------------------------------

    fn travel(&mut self, delay_ms: u64, travel: Travel) {
        self.sequence += 1;
        self.travelling.push(Reverse((self.now_ms + delay_ms, self.sequence)));
        self.cargo.insert(self.sequence, travel);
    }

    fn arrive(&mut self, travel: Travel) {
        match travel {
            Travel::Input(number, input) => {
                if let Input::Saved { save } | Input::SaveFailed { save, .. } = &input {
                    self.release_held(number, *save, matches!(input, Input::Saved { .. }));
                }
                self.input(number, input);
            }
            Travel::Connect(number, link) => self.connect(number, link),
            Travel::Command(number, link, command) => self.serve(number, link, &command),
        }
    }

    fn is_up(&self, ip: &str) -> bool {
        let redis = self.redis.get(ip).is_some_and(|redis| redis.alive);
        redis || self.nodes.iter().any(|node| node.ip == ip && node.alive)
    }

    fn connect(&mut self, number: usize, link: LinkId) {
        let node = &self.nodes[number];
        let Some(connection) = node.connections.get(&link) else { return };
        if self.unreachable.contains(&connection.ip) {
            return;
        }
        let input = if self.is_up(&connection.ip) {
            Input::Connected { link, local_ip: node.ip.clone() }
        } else {
            Input::ConnectFailed { link, error: "Connection refused".into() }
        };
        self.travel(self.delay_ms, Travel::Input(number, input));
    }

    fn serve(&mut self, number: usize, link: LinkId, command: &[Vec<u8>]) {
        let Some(connection) = self.nodes[number].connections.get(&link) else { return };
        let ip = connection.ip.clone();
        if self.unreachable.contains(&ip) {
            return;
        }
        if let Some(server) = self.nodes.iter().position(|node| node.ip == ip && node.alive) {
            return self.serve_by_sentinel(number, link, server, command);
        }
        let Some(redis) = self.redis.get_mut(&ip).filter(|redis| redis.alive && !redis.paused) else {
            return;
        };
        let connection = self.nodes[number].connections.get_mut(&link).expect("looked up above");
        let (frame, published) = redis.serve(&mut connection.queued, command, self.now_ms);
        self.reply(number, link, frame);
        if let Some((channel, message)) = published {
            self.publish(&ip, &channel, &message);
        }
    }

    fn publish(&mut self, ip: &str, channel: &[u8], message: &[u8]) {
        let frame = Frame::Array(vec![Frame::bulk("message"), Frame::bulk(channel), Frame::bulk(message)]);
        for number in 0..self.nodes.len() {
            let here = self.nodes[number].connections.iter();
            let here = here.filter(|(_, c)| c.ip == ip && c.kind == LinkKind::PubSub);
            let links: Vec<LinkId> = here.map(|(link, _)| *link).collect();
            for link in links {
                self.reply(number, link, frame.clone());
            }
        }
    }

    fn reply(&mut self, number: usize, link: LinkId, frame: Frame) {
        self.travel(self.delay_ms, Travel::Input(number, Input::Frame { link, frame }));
    }

    fn serve_by_sentinel(&mut self, number: usize, link: LinkId, server: usize, command: &[Vec<u8>]) {
        if self.nodes[server].paused {
            return;
        }
        let now = self.now();
        let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        let sentinel = &mut self.nodes[server].sentinel;
        let answer = match words[0] {
            b"PING" => Reply::Simple("PONG".into()).into(),
            b"PUBLISH" => sentinel.handle_publish(now, words[1], words[2]).into(),
            b"SENTINEL" => sentinel.handle_command(now, &words, &Files),
            _ => Answer::ok(),
        };
        match answer {
            Answer::Now(reply) => self.reply(number, link, frame_of(&reply)),
            Answer::AfterSave { save, saved, failed } => {
                self.nodes[server].held.push(Held { save, caller: number, link, saved, failed });
            }
        }
        self.drain(server);
    }

    fn release_held(&mut self, number: usize, save: SaveId, worked: bool) {
        let held = std::mem::take(&mut self.nodes[number].held);
        let (ready, rest): (Vec<Held>, Vec<Held>) = held.into_iter().partition(|held| held.save <= save);
        self.nodes[number].held = rest;
        for held in ready {
            let reply = if worked { held.saved } else { held.failed };
            self.reply(held.caller, held.link, frame_of(&reply));
        }
    }

    // --- outputs -------------------------------------------------------------------------------------------

    fn drain(&mut self, number: usize) {
        while let Some(output) = self.nodes[number].sentinel.poll_output() {
            self.carry_out(number, output);
        }
    }

    fn carry_out(&mut self, number: usize, output: Output) {
        match output {
            Output::Connect { link, kind, to, .. } => {
                let connection = Connection { ip: to.ip, kind, queued: None };
                self.nodes[number].connections.insert(link, connection);
                self.travel(self.delay_ms, Travel::Connect(number, link));
            }
            Output::Send { link, command } => {
                self.travel(self.delay_ms, Travel::Command(number, link, command))
            }
            Output::Close { link } => {
                self.nodes[number].connections.remove(&link);
            }
            Output::Resolve { name } => {
                let ip = self.dns.get(&name).cloned();
                self.travel(self.delay_ms, Travel::Input(number, Input::Resolved { name, ip }));
            }
            Output::SaveState { save } => {
                let config = self.nodes[number].sentinel.to_config();
                let input = if self.disks_full {
                    Input::SaveFailed { save, error: "No space left on device".into() }
                } else {
                    self.nodes[number].saves.push(state_file::encode(&config));
                    Input::Saved { save }
                };
                self.travel(self.delay_ms, Travel::Input(number, input));
            }
            // What concerns developers only would hide the story.
            Output::Event(event) if event.level == LogLevel::Debug => {}
            Output::Event(event) => {
                let line = event.log_line();
                let seconds = (self.now_ms - 1_000_000) as f64 / 1000.0;
                let _ = writeln!(self.story, "{seconds:.3} s{} {line}", number + 1);
            }
            Output::RunScript { script, argv } => {
                let argv: Vec<String> =
                    argv.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
                self.scripts.push(format!("s{} {}", number + 1, argv.join(" ")));
                let end = Input::ScriptEnded { script, end: ScriptEnd::Exited(0) };
                self.travel(self.delay_ms, Travel::Input(number, end));
            }
            Output::Crash => {
                self.say(&format!("s{} crashes", number + 1));
                self.kill_sentinel(number);
            }
            Output::Log { .. } | Output::KillScript { .. } | Output::SetLogLevel(_) => {}
        }
    }
}

/// Neighbouring numbers must not begin neighbouring random sequences (the finaliser of SplitMix64).
fn mixed(number: u64) -> u64 {
    let n = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// A reply as the other side decodes it.
fn frame_of(reply: &Reply) -> Frame {
    match reply {
        Reply::Simple(text) => Frame::Simple(text.clone().into_bytes().into()),
        Reply::Error(text) => Frame::Error(text.clone().into_bytes().into()),
        Reply::Integer(n) => Frame::Int(*n),
        Reply::Bulk(bytes) => Frame::bulk(bytes),
        Reply::Null | Reply::NullArray => Frame::Null,
        Reply::Array(items) => Frame::Array(items.iter().map(frame_of).collect()),
        Reply::Map(pairs) => Frame::Map(pairs.iter().map(|(k, v)| (frame_of(k), frame_of(v))).collect()),
    }
}
