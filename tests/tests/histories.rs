//! Fifty clients at once: single keys behave like registers, transfers keep sums, and no token is lost or doubled.
//!
//! The clients mix plain commands, transactions, scripts and blocking commands. `REDAN_SEEDS=100` tells more stories.

use redan_resp::Frame;
use redan_tests::history::{Action, Operation, check};
use redan_tests::{Client, Process, Program};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const CLIENTS: u64 = 50;
const OPERATIONS: u64 = 200;
const REGISTERS: u64 = 8;
const ACCOUNTS: u64 = 10;
const BALANCE: i64 = 1000;
const TOKENS: u64 = 20;

/// Moves an amount from one account to another.
const TRANSFER: &str =
    "redis.call('DECRBY', KEYS[1], ARGV[1]); redis.call('INCRBY', KEYS[2], ARGV[1]); return 1";

fn seeds() -> u64 {
    std::env::var("REDAN_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(20)
}

/// What one client saw of the registers.
type Seen = Vec<(u64, Operation)>;

/// A client with its randomness and the clock that all share.
struct Actor<'a> {
    client: Client,
    random: fastrand::Rng,
    clock: &'a AtomicU64,
    /// Values it writes are unique: its number and a count.
    next_value: u64,
    seen: Seen,
}

impl Actor<'_> {
    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn observe(&mut self, register: u64, run: impl FnOnce(&mut Client) -> Action) {
        let begin = self.tick();
        let action = run(&mut self.client);
        let end = self.tick();
        self.seen.push((register, Operation { begin, end, action }));
    }

    fn on_register(&mut self) {
        let register = self.random.u64(..REGISTERS);
        let key = format!("register:{register}");
        let value = self.next_value;
        match self.random.u8(..6) {
            0 => self.observe(register, |client| {
                client.text(&["SET", &key, &value.to_string()]);
                Action::Write(value)
            }),
            1 => self.observe(register, |client| {
                client.text(&[
                    "EVAL",
                    "return redis.call('SET', KEYS[1], ARGV[1])",
                    "1",
                    &key,
                    &value.to_string(),
                ]);
                Action::Write(value)
            }),
            2 => self.observe(register, |client| {
                client.text(&["MULTI"]);
                client.text(&["SET", &key, &value.to_string()]);
                client.text(&["EXEC"]);
                Action::Write(value)
            }),
            3 => self.observe(register, |client| Action::Read(number(&client.call(&["GET", &key])))),
            4 => self.observe(register, |client| {
                Action::Read(number(&client.call(&[
                    "EVAL_RO",
                    "return redis.call('GET', KEYS[1])",
                    "1",
                    &key,
                ])))
            }),
            _ => self.observe(register, |client| match client.call(&["MGET", &key, "none"]) {
                Frame::Array(items) => Action::Read(number(&items[0])),
                other => panic!("MGET replied {other:?}"),
            }),
        }
        self.next_value += 1;
    }

    fn transfer(&mut self) {
        let from = self.random.u64(..ACCOUNTS);
        let to = (from + self.random.u64(1..ACCOUNTS)) % ACCOUNTS;
        let (from, to) = (format!("account:{from}"), format!("account:{to}"));
        let amount = self.random.u64(1..20).to_string();
        if self.random.bool() {
            self.client.text(&["EVAL", TRANSFER, "2", &from, &to, &amount]);
        } else {
            self.client.text(&["MULTI"]);
            self.client.text(&["DECRBY", &from, &amount]);
            self.client.text(&["INCRBY", &to, &amount]);
            self.client.text(&["EXEC"]);
        }
    }

    fn assert_sum(&mut self) {
        let accounts: Vec<String> = (0..ACCOUNTS).map(|account| format!("account:{account}")).collect();
        let mut args = vec!["MGET"];
        args.extend(accounts.iter().map(String::as_str));
        let sum: i64 = match self.client.call(&args) {
            Frame::Array(items) => items.iter().map(balance).sum(),
            other => panic!("MGET replied {other:?}"),
        };
        assert_eq!(sum, BALANCE * ACCOUNTS as i64, "money was made or lost");
    }

    /// Moves a token between two lists, waiting for one if there is none.
    fn move_token(&mut self) {
        let lists = if self.random.bool() { ["tokens:a", "tokens:b"] } else { ["tokens:b", "tokens:a"] };
        self.client.call(&["BLMOVE", lists[0], lists[1], "LEFT", "RIGHT", "0.01"]);
    }

    fn act(&mut self) {
        match self.random.u8(..10) {
            0..5 => self.on_register(),
            5..7 => self.transfer(),
            7 => self.assert_sum(),
            _ => self.move_token(),
        }
    }
}

fn number(frame: &Frame) -> u64 {
    match frame {
        Frame::Null => 0,
        frame => text(frame).parse().expect("a number that somebody wrote"),
    }
}

fn balance(frame: &Frame) -> i64 {
    text(frame).parse().expect("a balance")
}

fn text(frame: &Frame) -> String {
    String::from_utf8_lossy(frame.as_bytes().unwrap_or_else(|| panic!("{frame:?} is no text"))).into_owned()
}

fn tell(port: u16, seed: u64) {
    let mut client = Client::connect(port).expect("the server listens");
    client.text(&["FLUSHALL"]);
    for account in 0..ACCOUNTS {
        client.text(&["SET", &format!("account:{account}"), &BALANCE.to_string()]);
    }
    for token in 0..TOKENS {
        client.text(&["RPUSH", "tokens:a", &token.to_string()]);
    }
    let clock = AtomicU64::new(0);
    let seen: Seen = thread::scope(|scope| {
        let clock = &clock;
        let actors: Vec<_> = (1..=CLIENTS)
            .map(|number| {
                scope.spawn(move || {
                    let mut actor = Actor {
                        client: Client::connect(port).expect("the server listens"),
                        random: fastrand::Rng::with_seed(seed * CLIENTS + number),
                        clock,
                        next_value: number * 1_000_000,
                        seen: Seen::new(),
                    };
                    (0..OPERATIONS).for_each(|_| actor.act());
                    actor.seen
                })
            })
            .collect();
        actors.into_iter().flat_map(|actor| actor.join().expect("no client fails")).collect()
    });
    for register in 0..REGISTERS {
        let history: Vec<Operation> =
            seen.iter().filter(|(of, _)| *of == register).map(|(_, operation)| *operation).collect();
        check(&history).unwrap_or_else(|fault| panic!("seed {seed}, register {register}: {fault}"));
    }
    let mut tokens: Vec<u64> = Vec::new();
    for list in ["tokens:a", "tokens:b"] {
        let Frame::Array(items) = client.call(&["LRANGE", list, "0", "-1"]) else { panic!("a list") };
        tokens.extend(items.iter().map(number));
    }
    tokens.sort_unstable();
    assert_eq!(tokens, (0..TOKENS).collect::<Vec<_>>(), "seed {seed}: tokens were lost or doubled");
}

#[test]
fn fifty_clients_agree_on_one_history() {
    let server = Process::server(Program::Redan, &[]);
    for seed in 0..seeds() {
        tell(server.port(), seed);
    }
}
