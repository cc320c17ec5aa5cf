//! Whatever comes in, in whatever order: no panic, nothing left undone, and what is remembered can be read back.

mod rig;

use proptest::prelude::*;
use redan_resp::Frame;
use redan_sentinel::*;
use rig::{Files, config};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// Time passes.
    Wait(u64),
    /// A connection gets on as it should.
    Serve,
    Connected(u64),
    Failed(u64),
    Closed(u64),
    Frame(u64, Frame),
    Hello(String),
    Command(String),
    Resolved(usize, bool),
    SavesEnd(bool),
    Script(u64, ScriptEnd),
}

fn info() -> impl Strategy<Value = Frame> {
    let role = prop_oneof![Just("master"), Just("slave"), Just("")];
    let host = prop_oneof![Just("10.0.0.1"), Just("10.0.0.2"), Just("10.0.0.3"), Just("redis-0")];
    (role, host.clone(), host, 0u16..4, any::<bool>(), 0u64..3).prop_map(
        |(role, replica, master, port, up, id)| {
            let (id, status) = (format!("{id}").repeat(40), if up { "up" } else { "down" });
            Frame::bulk(format!(
                "run_id:{id}\r\nrole:{role}\r\nslave0:ip={replica},port={port}\r\nmaster_host:{master}\r\n\
             master_port:{port}\r\nmaster_link_status:{status}\r\nslave_priority:{port}\r\n"
            ))
        },
    )
}

fn frame() -> impl Strategy<Value = Frame> {
    let leaf = prop_oneof![
        Just(Frame::Simple("PONG".into())),
        Just(Frame::Simple("OK".into())),
        Just(Frame::Error("NOAUTH no".into())),
        Just(Frame::Error("BUSY script".into())),
        Just(Frame::Null),
        info(),
        any::<i64>().prop_map(Frame::Int),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(Frame::bulk),
        hello().prop_map(|hello| Frame::Push(vec![
            Frame::bulk("message"),
            Frame::bulk("__sentinel__:hello"),
            Frame::bulk(hello)
        ])),
        (0i64..2, "[0-3*]", -1i64..9).prop_map(|(down, leader, epoch)| {
            let leader = if leader == "*" { leader } else { leader.repeat(40) };
            Frame::Array(vec![Frame::Int(down), Frame::bulk(leader), Frame::Int(epoch)])
        }),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| prop::collection::vec(inner, 0..4).prop_map(Frame::Array))
}

fn hello() -> impl Strategy<Value = String> {
    let host = prop_oneof![Just("10.0.0.1"), Just("10.0.0.2"), Just("redis-0"), Just("redis-9")];
    let known = (1u16..4, 0u64..4, 0u64..9, host, 0u16..4, 0u64..9).prop_map(
        |(port, id, epoch, host, mport, cepoch)| {
            format!("10.0.1.1,{port},{},{epoch},m,{host},{mport},{cepoch}", format!("{id}").repeat(40))
        },
    );
    prop_oneof![9 => known, 1 => "[a-z0-9,]{0,40}"]
}

fn command() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "SENTINEL MASTERS",
        "SENTINEL MASTER m",
        "SENTINEL REPLICAS m",
        "SENTINEL SENTINELS m",
        "SENTINEL RESET *",
        "SENTINEL FAILOVER m",
        "SENTINEL CKQUORUM m",
        "SENTINEL INFO-CACHE m",
        "SENTINEL PENDING-SCRIPTS",
        "SENTINEL REMOVE other",
        "SENTINEL MONITOR other redis-9 1 1",
        "SENTINEL SET m quorum 1 down-after-milliseconds 1",
        "SENTINEL SET m failover-timeout 1",
        "SENTINEL SET m auth-pass x",
        "SENTINEL SET m quorum 3 down-after-milliseconds 3000",
        "SENTINEL SET m master-reboot-down-after-period 10",
        "SENTINEL DEBUG ping-period 1 ask-period 1 publish-period 1 info-period 1",
        "SENTINEL DEBUG ping-period 1000 ask-period 1000 publish-period 2000 info-period 10000",
        "SENTINEL DEBUG tilt-period 1 tilt-trigger 1",
        "SENTINEL CONFIG SET resolve-hostnames no",
        "SENTINEL CONFIG SET resolve-hostnames yes sentinel-pass x",
        "SENTINEL SIMULATE-FAILURE crash-after-election",
    ])
    .prop_map(str::to_owned);
    let vote = (0u16..3, 0u64..12, "[0-3*]").prop_map(|(port, epoch, id)| {
        format!("SENTINEL is-master-down-by-addr 10.0.0.1 {port} {epoch} {}", id.repeat(40))
    });
    let names: Vec<&str> = SUBCOMMANDS.iter().map(|row| row.name).collect();
    let random = (prop::sample::select(names), "[a-z0-9* -]{0,24}")
        .prop_map(|(name, rest)| format!("SENTINEL {name} {rest}"));
    prop_oneof![fixed, vote, random]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop_oneof![Just(0), 1u64..50, 500u64..1500, 2000u64..20_000, 100_000u64..200_000].prop_map(Step::Wait),
        8 => Just(Step::Serve),
        2 => (1u64..40).prop_map(Step::Connected),
        1 => (1u64..40).prop_map(Step::Failed),
        1 => (1u64..40).prop_map(Step::Closed),
        6 => (1u64..40, frame()).prop_map(|(link, frame)| Step::Frame(link, frame)),
        3 => hello().prop_map(Step::Hello),
        3 => command().prop_map(Step::Command),
        2 => (0usize..3, any::<bool>()).prop_map(|(name, found)| Step::Resolved(name, found)),
        2 => any::<bool>().prop_map(Step::SavesEnd),
        1 => (1u64..9, prop_oneof![Just(ScriptEnd::Exited(0)), Just(ScriptEnd::Exited(1)), Just(ScriptEnd::Killed(9))])
            .prop_map(|(id, end)| Step::Script(id, end)),
    ]
}

/// The machine, and what a driver would have to remember.
struct Driven {
    sentinel: Sentinel,
    now_ms: u64,
    connecting: Vec<LinkId>,
    expecting: Vec<(LinkId, Vec<Vec<u8>>)>,
    asked: Vec<String>,
    save: SaveId,
}

impl Driven {
    fn now(&self) -> Now {
        Now { mono: Millis(self.now_ms), wall: Millis(self.now_ms) }
    }

    fn input(&mut self, input: Input) {
        let now = self.now();
        self.sentinel.handle(now, input);
    }

    /// Collects the outputs, and checks what must hold between any two inputs.
    fn rest(&mut self) {
        while let Some(output) = self.sentinel.poll_output() {
            match output {
                Output::Connect { link, .. } => self.connecting.push(link),
                Output::Send { link, command } => {
                    assert!(!command.is_empty());
                    self.expecting.push((link, command));
                }
                Output::Close { link } => {
                    self.connecting.retain(|other| *other != link);
                    self.expecting.retain(|(other, _)| *other != link);
                }
                Output::Resolve { name } => self.asked.push(name),
                Output::SaveState { save } => {
                    assert!(save > self.save);
                    self.save = save;
                }
                _ => {}
            }
        }
        let due = self.sentinel.poll_timeout();
        assert!(due.is_none_or(|at| at.0 > self.now_ms), "something is due at {due:?} and was not done");
    }

    fn serve(&mut self) {
        for link in std::mem::take(&mut self.connecting) {
            self.input(Input::Connected { link, local_ip: "10.0.1.1".into() });
        }
        for (link, command) in std::mem::take(&mut self.expecting) {
            let frame = match &command[0][..] {
                b"PING" => Frame::Simple("PONG".into()),
                b"INFO" => Frame::bulk("run_id:x\r\nrole:master\r\nslave0:ip=10.0.0.2,port=2\r\n"),
                b"SUBSCRIBE" => Frame::Array(vec![Frame::bulk("subscribe"), Frame::Null, Frame::Int(1)]),
                _ => Frame::Simple("OK".into()),
            };
            self.input(Input::Frame { link, frame });
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Wait(ms) => {
                // Like a driver that is on time, except for the last stretch.
                let end = self.now_ms + ms;
                for _ in 0..200 {
                    let Some(at) = self.sentinel.poll_timeout().filter(|at| at.0 <= end) else { break };
                    self.now_ms = at.0;
                    let now = self.now();
                    self.sentinel.handle_timeout(now);
                    self.rest();
                }
                self.now_ms = end;
                let now = self.now();
                self.sentinel.handle_timeout(now);
            }
            Step::Serve => self.serve(),
            Step::Connected(link) => {
                let link = LinkId(link);
                self.connecting.retain(|other| *other != link);
                self.input(Input::Connected { link, local_ip: "10.0.1.1".into() });
            }
            Step::Failed(link) => self.input(Input::ConnectFailed { link: LinkId(link), error: "no".into() }),
            Step::Closed(link) => self.input(Input::Closed { link: LinkId(link) }),
            Step::Frame(link, frame) => self.input(Input::Frame { link: LinkId(link), frame }),
            Step::Hello(hello) => {
                let now = self.now();
                self.sentinel.handle_publish(now, b"__sentinel__:hello", hello.as_bytes());
            }
            Step::Command(line) => {
                let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
                let now = self.now();
                self.sentinel.handle_command(now, &words, &Files);
            }
            Step::Resolved(name, found) => {
                let name = self.asked.get(name).cloned().unwrap_or_else(|| "redis-0".into());
                let ip = found.then(|| "10.0.0.9".to_owned());
                self.input(Input::Resolved { name, ip });
            }
            Step::SavesEnd(true) => self.input(Input::Saved { save: self.save }),
            Step::SavesEnd(false) => self.input(Input::SaveFailed { save: self.save, error: "full".into() }),
            Step::Script(id, end) => {
                self.input(Input::ScriptStarted { script: ScriptId(id), pid: 1 });
                self.input(Input::ScriptEnded { script: ScriptId(id), end });
            }
        }
    }
}

const START: &str = "
    resolve-hostnames yes
    monitor m 10.0.0.1 1 1
    down-after-milliseconds m 3000
    failover-timeout m 4000
    notification-script m /bin/notify
    known-replica m 10.0.0.2 2
    known-sentinel m 10.0.1.1 1 1111111111111111111111111111111111111111
    monitor other redis-0 1 1
    known-sentinel other 10.0.1.1 1 1111111111111111111111111111111111111111
";

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_may_come(seed: u64, steps in prop::collection::vec(step(), 0..80)) {
        let config = config(START).expect("valid");
        let now = Now { mono: Millis(5), wall: Millis(5) };
        let sentinel = Sentinel::new(config, ServerFacts::default(), seed, now);
        let (connecting, expecting, asked) = (Vec::new(), Vec::new(), Vec::new());
        let mut driven =
            Driven { sentinel, now_ms: 5, connecting, expecting, asked, save: SaveId(0) };
        driven.rest();
        for step in steps {
            driven.step(step);
            driven.rest();
        }
        // What would be written can be read, and says the same.
        let lines = driven.sentinel.rewrite_lines();
        let config_lines: Vec<ConfigLine> = lines
            .iter()
            .enumerate()
            .map(|(number, line)| {
                let words = redan_resp::split_inline(&line.line).expect("balanced quotes");
                ConfigLine { number, args: words.iter().skip(1).map(<[u8]>::to_vec).collect() }
            })
            .collect();
        let read = state_file::decode(&config_lines).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(read.masters, driven.sentinel.to_config().masters);
    }
}
