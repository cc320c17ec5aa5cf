//! MIGRATE: keys handed over to another server.
//!
//! The worker waits for the other server with the shards of the keys locked, so that nobody sees a key here that has
//! changed since it was sent, or on both servers or on none. Commands on keys of other shards go on meanwhile; what has
//! to run alone waits, at most for the time-out of the command.

use redan_engine::{
    Arg, ArgKind, BeginSearch, CmdResult, Command, Cx, ExchangeError, FindKeys, Group, KeySpec, ReplyError,
    category, errors, flag, key_flag, notify_class,
};
use redan_keyspace::IntText;
use redan_persistence::dump;
use redan_resp::{Args, encode_command};

use crate::arg;
use crate::string::value::notify_miss;

const KEY_FLAGS: u32 = key_flag::RW | key_flag::ACCESS | key_flag::DELETE;

/// MIGRATE host port key|"" destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username password]
/// [KEYS key [key ...]]
pub(super) const MIGRATE: Command = Command::new("migrate", -6, migrate)
    .flags(flag::WRITE)
    .acl(category::KEYSPACE | category::DANGEROUS)
    .keys(&[
        KeySpec::one(3, KEY_FLAGS),
        KeySpec {
            flags: KEY_FLAGS | key_flag::INCOMPLETE,
            begin: BeginSearch::Keyword { word: "KEYS", from: -2 },
            find: FindKeys::Range { last: -1, step: 1, limit: 0 },
            notes: "",
        },
    ])
    .keys_found_by(|args, keys| {
        if let Ok(options) = Options::parse(args) {
            let (first, number) = (args.len() - options.keys.len(), options.keys.len());
            let first = if options.several { first } else { 3 };
            keys.extend((first..first + number).map(|at| (at as u32, KEY_FLAGS)));
        }
    })
    .docs(
        Group::Generic,
        "2.6.0",
        "That of DUMP and DEL here and of RESTORE there, and O(N) for sending N bytes.",
        "Hands keys over to another server.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::new("host", ArgKind::String),
        Arg::new("port", ArgKind::Integer),
        Arg::one_of("key-selector", &[Arg::key("key", 0), Arg::token("empty-string", "")]),
        Arg::new("destination-db", ArgKind::Integer),
        Arg::new("timeout", ArgKind::Integer),
        Arg::token("copy", "COPY").optional(),
        Arg::token("replace", "REPLACE").optional(),
        Arg::one_of(
            "authentication",
            &[
                Arg::new("auth", ArgKind::String).after("AUTH"),
                Arg::block(
                    "auth2",
                    &[Arg::new("username", ArgKind::String), Arg::new("password", ArgKind::String)],
                )
                .after("AUTH2"),
            ],
        )
        .optional(),
        Arg::key("keys", 1).after("KEYS").optional().multiple(),
    ]);

/// What follows the time-out.
struct Options<'a> {
    copy: bool,
    replace: bool,
    /// What AUTH is sent with.
    credentials: Option<Args<'a>>,
    /// Whether the keys are those of KEYS.
    several: bool,
    keys: Args<'a>,
}

impl<'a> Options<'a> {
    fn parse(args: Args<'a>) -> Result<Self, ReplyError> {
        let one = args.skip(3).take(1);
        let mut options = Self { copy: false, replace: false, credentials: None, several: false, keys: one };
        let mut at = 6;
        while let Some(word) = args.get(at) {
            let rest = args.skip(at + 1);
            let credentials = if arg::is(word, "AUTH") {
                1
            } else if arg::is(word, "AUTH2") {
                2
            } else {
                0
            };
            if credentials > 0 {
                if rest.len() < credentials {
                    return Err(errors::SYNTAX);
                }
                options.credentials = Some(rest.take(credentials));
                at += credentials;
            } else if arg::is(word, "COPY") {
                options.copy = true;
            } else if arg::is(word, "REPLACE") {
                options.replace = true;
            } else if arg::is(word, "KEYS") {
                if !args[3].is_empty() {
                    return Err(errors::MIGRATE_KEY_AND_KEYS);
                }
                options.several = true;
                options.keys = rest;
                break;
            } else {
                return Err(errors::SYNTAX);
            }
            at += 1;
        }
        Ok(options)
    }
}

/// What is sent, and what comes back for it.
struct Transfer<'a> {
    request: Vec<u8>,
    /// Replies in front of those to RESTORE.
    greetings: usize,
    /// The keys that are there, each sent with a RESTORE.
    keys: Vec<&'a [u8]>,
}

impl<'a> Transfer<'a> {
    fn begin(options: &Options<'a>, db: i64) -> Self {
        let mut transfer = Self { request: Vec::new(), greetings: 1, keys: Vec::new() };
        if let Some(credentials) = options.credentials {
            let words: Vec<&[u8]> = [&b"AUTH"[..]].into_iter().chain(credentials.iter()).collect();
            encode_command(&mut transfer.request, words.into_iter());
            transfer.greetings = 2;
        }
        encode_command(&mut transfer.request, [b"SELECT", IntText::new().format(db)].into_iter());
        transfer
    }

    fn add(&mut self, cx: &mut Cx<'_, '_>, name: &'a [u8], replace: bool) {
        let key = cx.key(name);
        let Some(entry) = cx.view.get(&key) else { return notify_miss(cx, name) };
        // No time to live is 0, so what ends just now gets a last millisecond.
        let ttl_ms = entry.expire_at_ms().map_or(0, |at_ms| (at_ms - cx.now_ms).max(1));
        let payload = dump::encode(entry.value(), true);
        let mut scratch = IntText::new();
        let words: [&[u8]; 5] = [b"RESTORE", name, scratch.format(ttl_ms), &payload, b"REPLACE"];
        encode_command(&mut self.request, words[..if replace { 5 } else { 4 }].iter().copied());
        self.keys.push(name);
    }
}

fn migrate(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let options = Options::parse(args)?;
    let timeout_ms = arg::int(&args[5])?;
    let db = arg::int(&args[4])?;
    let timeout_ms = if timeout_ms <= 0 { 1000 } else { timeout_ms as u64 };
    let mut transfer = Transfer::begin(&options, db);
    for key in options.keys.iter() {
        transfer.add(cx, key, options.replace);
    }
    if transfer.keys.is_empty() {
        cx.out.simple("NOKEY");
        return Ok(());
    }
    let expected = transfer.greetings + transfer.keys.len();
    let answer = cx.host().exchange(&args[1], &args[2], &transfer.request, expected, timeout_ms);
    let mut refused = None;
    let (greetings, restored) = answer.replies.split_at(transfer.greetings.min(answer.replies.len()));
    let refused_greeting = greetings.iter().find(|reply| reply.starts_with(b"-"));
    let mut deleted = Vec::new();
    for (&key, reply) in transfer.keys.iter().zip(restored) {
        match refused_greeting.or_else(|| Some(reply).filter(|reply| reply.starts_with(b"-"))) {
            Some(error) => refused = refused.or_else(|| Some(errors::migrate_refused(&error[1..]))),
            None if options.copy => {}
            None => {
                cx.view.remove(&cx.key(key));
                cx.notify(notify_class::GENERIC, "del", key);
                deleted.push(key);
            }
        }
    }
    if !deleted.is_empty() {
        let del: Vec<&[u8]> = [&b"DEL"[..]].into_iter().chain(deleted).collect();
        cx.propagate(&del);
    }
    match (refused, answer.error) {
        (Some(error), _) => Err(error),
        (None, Some(ExchangeError::Connecting)) => Err(errors::MIGRATE_CONNECTING),
        (None, Some(ExchangeError::Writing)) => Err(errors::MIGRATE_WRITING),
        (None, Some(ExchangeError::Reading)) => Err(errors::MIGRATE_READING),
        (None, None) => {
            cx.out.ok();
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn what_was_taken_over_is_deleted() {
        let mut rig = Rig::new();
        rig.run("MSET a 1 b 2 c 3");
        rig.propagated();
        rig.host.answer(&["+OK", "+OK"]);
        rig.check(&[
            ("MIGRATE h 1 none 0 10", "+NOKEY", ""),
            ("MIGRATE h 1 a 0 10 COPY", "+OK", ""),
            ("MIGRATE h 1 a 0 10", "+OK", "DEL a"),
            ("EXISTS a", ":0", ""),
        ]);
        let sent = rig.host.sent();
        assert!(sent.starts_with("*2|$6|SELECT|$1|0|*4|$7|RESTORE|$1|a|$1|0|$"), "{sent}");
        rig.host.answer(&["+OK", "-BUSYKEY Target key name already exists.", "+OK"]);
        rig.check(&[(
            "MIGRATE h 1  0 10 REPLACE KEYS b c none",
            "-ERR Target instance replied with error: BUSYKEY Target key name already exists.",
            "DEL c",
        )]);
        rig.host.answer(&["-WRONGPASS no", "+OK", "+OK"]);
        rig.check(&[
            ("MIGRATE h 1 b 0 10 AUTH x", "-ERR Target instance replied with error: WRONGPASS no", ""),
            ("EXISTS b", ":1", ""),
        ]);
        rig.host.answer(&["+OK"]);
        rig.check(&[("MIGRATE h 1 b 0 10", "-IOERR error or timeout reading to target instance", "")]);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        Rig::new().check(&[
            ("MIGRATE h 1 a x 10", "-ERR value is not an integer or out of range", ""),
            ("MIGRATE h 1 a 0 x", "-ERR value is not an integer or out of range", ""),
            ("MIGRATE h 1 a 0 10 NOPE", "-ERR syntax error", ""),
            ("MIGRATE h 1 a 0 10 AUTH", "-ERR syntax error", ""),
            ("MIGRATE h 1 a 0 10 AUTH2 a", "-ERR syntax error", ""),
            (
                "MIGRATE h 1 a 0 10 KEYS b",
                "-ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
                "",
            ),
        ]);
    }
}
