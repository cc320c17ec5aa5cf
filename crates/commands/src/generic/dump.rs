//! DUMP and RESTORE: a value as bytes, to carry it to another key or server.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
    notify_class,
};
use redan_keyspace::{IntText, Key, NewValue, SetTtl};
use redan_persistence::dump::{self, DumpError};
use redan_persistence::rdb::RdbValue;
use redan_resp::Args;
use std::sync::Arc;

use super::expiry;
use crate::arg;

/// DUMP key
pub(super) const DUMP: Command = Command::new("dump", 2, dump)
    .flags(flag::READONLY)
    .acl(category::KEYSPACE)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Generic,
        "2.6.0",
        "O(N) where N is the size of the value.",
        "Returns the value of a key as bytes.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[Arg::key("key", 0)]);

fn dump(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    match cx.view.get(&key) {
        Some(entry) => cx.out.bulk(&dump::encode(entry.value(), true)),
        None => {
            cx.out.null();
            cx.notify(notify_class::KEY_MISS, "keymiss", key.bytes);
        }
    }
    Ok(())
}

/// RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
pub(super) const RESTORE: Command = Command::new("restore", -4, restore)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::KEYSPACE | category::DANGEROUS)
    .keys(&[KeySpec::one(1, key_flag::OW | key_flag::UPDATE)])
    .docs(
        Group::Generic,
        "2.6.0",
        "O(N) where N is the size of the value.",
        "Creates a key of what DUMP has returned.",
    )
    .args(RESTORE_ARGS);

/// RESTORE-ASKING, which cluster tools send instead of RESTORE.
pub(super) const RESTORE_ASKING: Command = Command::new("restore-asking", -4, restore)
    .flags(flag::WRITE | flag::DENYOOM | flag::ASKING)
    .acl(category::KEYSPACE | category::DANGEROUS)
    .keys(&[KeySpec::one(1, key_flag::OW | key_flag::UPDATE)])
    .docs(
        Group::Server,
        "3.0.0",
        "O(N) where N is the size of the value.",
        "RESTORE as it is sent while a cluster moves keys.",
    )
    .args(RESTORE_ARGS);

const RESTORE_ARGS: &[Arg] = &[
    Arg::key("key", 0),
    Arg::new("ttl", ArgKind::Integer),
    Arg::new("serialized-value", ArgKind::String),
    Arg::token("replace", "REPLACE").optional(),
    Arg::token("absttl", "ABSTTL").optional(),
    Arg::new("seconds", ArgKind::Integer).after("IDLETIME").optional(),
    Arg::new("frequency", ArgKind::Integer).after("FREQ").optional(),
];

/// What may follow the payload.
#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    idle_seconds: Option<u64>,
    frequency: Option<u8>,
}

impl Options {
    fn parse(options: Args<'_>) -> Result<Self, ReplyError> {
        let mut parsed = Self::default();
        let mut rest = options.iter();
        while let Some(word) = rest.next() {
            if arg::is(word, "REPLACE") {
                parsed.replace = true;
            } else if arg::is(word, "ABSTTL") {
                parsed.absolute = true;
            } else if arg::is(word, "IDLETIME") && parsed.frequency.is_none() {
                let seconds = arg::int(rest.next().ok_or(errors::SYNTAX)?)?;
                parsed.idle_seconds = Some(u64::try_from(seconds).map_err(|_| errors::INVALID_IDLETIME)?);
            } else if arg::is(word, "FREQ") && parsed.idle_seconds.is_none() {
                let frequency = arg::int(rest.next().ok_or(errors::SYNTAX)?)?;
                parsed.frequency = Some(u8::try_from(frequency).map_err(|_| errors::INVALID_FREQ)?);
            } else {
                return Err(errors::SYNTAX);
            }
        }
        Ok(parsed)
    }
}

fn restore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let options = Options::parse(args.skip(4))?;
    let key = cx.key(&args[1]);
    if !options.replace && cx.view.peek(&key).is_some() {
        return Err(errors::BUSY_KEY);
    }
    let expire_at_ms = expiry_of(cx, &args[2], options.absolute)?;
    let value = decode(cx, &args[3])?;
    if expire_at_ms.is_some_and(|at_ms| expiry::is_over(cx, at_ms)) {
        if cx.view.peek(&key).is_some() {
            expiry::delete_replaced(cx, &key);
        }
        cx.out.ok();
        return Ok(());
    }
    cx.view.set(&key, value, expire_at_ms.map_or(SetTtl::Clear, SetTtl::At));
    set_clock(cx, &key, &options);
    if let Some(at_ms) = expire_at_ms
        && !options.absolute
    {
        propagate_absolute(cx, args, at_ms);
    }
    // Even over an old one: it is not changed but replaced.
    cx.notify(notify_class::NEW, "new", key.bytes);
    cx.notify(notify_class::GENERIC, "restore", key.bytes);
    cx.out.ok();
    Ok(())
}

/// The time to live of RESTORE as a time; 0 is none.
fn expiry_of(cx: &Cx<'_, '_>, ttl: &[u8], absolute: bool) -> Result<Option<i64>, ReplyError> {
    let ttl = arg::int(ttl)?;
    if ttl < 0 {
        return Err(errors::INVALID_TTL);
    }
    let base_ms = if absolute { 0 } else { cx.now_ms };
    Ok((ttl > 0).then(|| ttl.saturating_add(base_ms)))
}

/// The value in a payload. What is wrong with a damaged one goes to the log.
fn decode(cx: &Cx<'_, '_>, payload: &[u8]) -> Result<NewValue<'static>, ReplyError> {
    let limits = cx.view.keyspace().limits();
    let verify_checksum = cx.engine.switches().checksums();
    let value = dump::decode(payload, verify_checksum, limits, |value| match value {
        RdbValue::String(string) => Some(NewValue::Owned(string.into_vec())),
        RdbValue::Object(object) => Some(NewValue::Object(Arc::new(object))),
        RdbValue::Empty | RdbValue::SkippedModule => None,
    });
    match value {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(errors::BAD_DUMP_FORMAT),
        Err(DumpError::BadData(cause)) => {
            cx.host().log_notice(&format!("RESTORE refused a payload: {cause}"));
            Err(errors::BAD_DUMP_FORMAT)
        }
        Err(DumpError::BadFooter) => Err(errors::BAD_DUMP),
    }
}

/// Sets the access clock, if it is of the kind that is running.
fn set_clock(cx: &mut Cx<'_, '_>, key: &Key<'_>, options: &Options) {
    let lfu = cx.engine.keyspace().clock().is_lfu();
    match (options.idle_seconds, options.frequency) {
        (Some(seconds), _) if !lfu => cx.view.set_idle_seconds(key, seconds),
        (_, Some(frequency)) if lfu => cx.view.set_lfu_freq(key, frequency),
        _ => false,
    };
}

fn propagate_absolute(cx: &mut Cx<'_, '_>, args: Args<'_>, at_ms: i64) {
    let mut text = IntText::new();
    let mut words: Vec<&[u8]> = args.iter().collect();
    words[2] = text.format(at_ms);
    words.push(b"ABSTTL");
    cx.propagate(&words);
}

#[cfg(test)]
mod tests {
    use crate::testing::{Rig, START_MS};
    use redan_keyspace::{StringRef, ValueRef};
    use redan_persistence::dump;

    fn restore(rig: &mut Rig, ttl: &str, payload: &[u8], options: &[&[u8]]) -> String {
        let mut args: Vec<&[u8]> = vec![b"RESTORE", b"k", ttl.as_bytes(), payload];
        args.extend(options);
        rig.run_args(&args)
    }

    #[test]
    fn what_was_dumped_can_be_restored() {
        let mut rig = Rig::new();
        let payload = dump::encode(ValueRef::String(StringRef::Bytes(b"hello")), true);
        assert_eq!(rig.run("DUMP none"), "$-1");
        assert_eq!(restore(&mut rig, "0", &payload, &[]), "+OK");
        assert_eq!(rig.run("GET k"), "$5|hello");
        assert_eq!(rig.run("TTL k"), ":-1");
        let dumped = rig.run("DUMP k");
        assert_eq!(dumped, format!("${}|{}", payload.len(), String::from_utf8_lossy(&payload)));
        assert_eq!(restore(&mut rig, "0", &payload, &[]), "-BUSYKEY Target key name already exists.");
        assert_eq!(restore(&mut rig, "5000", &payload, &[b"REPLACE"]), "+OK");
        assert_eq!(rig.run("TTL k"), ":5");
        assert!(rig.propagated().ends_with(" REPLACE ABSTTL"));
        assert_eq!(
            restore(&mut rig, &(START_MS + 9000).to_string(), &payload, &[b"absttl", b"replace"]),
            "+OK"
        );
        assert_eq!(rig.run("TTL k"), ":9");
    }

    #[test]
    fn the_access_clock_is_restored() {
        let mut rig = Rig::new();
        let payload = dump::encode(ValueRef::String(StringRef::Int(7)), true);
        assert_eq!(restore(&mut rig, "0", &payload, &[b"IDLETIME", b"1000"]), "+OK");
        assert_eq!(rig.run("OBJECT IDLETIME k"), ":1000");
        assert_eq!(rig.run("OBJECT ENCODING k"), "$3|int");
        rig.engine.keyspace().clock().set_lfu(true);
        assert_eq!(restore(&mut rig, "0", &payload, &[b"FREQ", b"100", b"REPLACE"]), "+OK");
        assert_eq!(rig.run("OBJECT FREQ k"), ":100");
    }

    #[test]
    fn a_time_that_is_over_deletes() {
        let mut rig = Rig::new();
        let payload = dump::encode(ValueRef::String(StringRef::Int(7)), true);
        assert_eq!(restore(&mut rig, "1", &payload, &[b"ABSTTL"]), "+OK");
        assert_eq!(rig.propagated(), "");
        rig.run("SET k v");
        rig.propagated();
        assert_eq!(restore(&mut rig, "1", &payload, &[b"ABSTTL", b"REPLACE"]), "+OK");
        assert_eq!(rig.propagated(), "DEL k");
        assert_eq!(rig.run("EXISTS k"), ":0");
    }

    #[test]
    fn damaged_payloads_and_wrong_options_are_refused() {
        let mut rig = Rig::new();
        let payload = dump::encode(ValueRef::String(StringRef::Int(7)), true);
        let damaged = |at: usize| {
            let mut bytes = payload.clone();
            bytes[at] ^= 1;
            bytes
        };
        let wrong = "-ERR DUMP payload version or checksum are wrong";
        for at in 0..payload.len() {
            assert_eq!(restore(&mut rig, "0", &damaged(at), &[]), wrong, "byte {at}");
        }
        assert_eq!(restore(&mut rig, "-1", &payload, &[]), "-ERR Invalid TTL value, must be >= 0");
        assert_eq!(
            restore(&mut rig, "0", &payload, &[b"FREQ", b"1", b"IDLETIME", b"1"]),
            "-ERR syntax error"
        );
        assert_eq!(restore(&mut rig, "0", &payload, &[b"FREQ"]), "-ERR syntax error");
        assert_eq!(
            restore(&mut rig, "0", &payload, &[b"FREQ", b"256"]),
            "-ERR Invalid FREQ value, must be >= 0 and <= 255"
        );
        assert_eq!(
            restore(&mut rig, "0", &payload, &[b"IDLETIME", b"-1"]),
            "-ERR Invalid IDLETIME value, must be >= 0"
        );
        assert_eq!(rig.run("EXISTS k"), ":0");
    }
}
