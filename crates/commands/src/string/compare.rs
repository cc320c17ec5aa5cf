//! Comparing a key's value before something is done to it: the options IFEQ, IFNE, IFDEQ and IFDNE, DELEX and DIGEST.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
    notify_class,
};
use redan_keyspace::{IntText, Key, StringRef};
use redan_resp::Args;
use xxhash_rust::xxh3::xxh3_64;

use super::value::{notify_miss, string_of};
use crate::arg;

/// The digest of a string: XXH3 with 64 bits.
fn digest_of(string: StringRef<'_>) -> u64 {
    xxh3_64(string.bytes(&mut IntText::new()))
}

/// The words that begin a condition; whether it wants equality, and whether of the digest.
const WORDS: [(&str, bool, bool); 4] =
    [("IFEQ", true, false), ("IFNE", false, false), ("IFDEQ", true, true), ("IFDNE", false, true)];

/// What the present value is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operand<'a> {
    Value(&'a [u8]),
    Digest(u64),
}

/// A condition on the present value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Comparison<'a> {
    operand: Operand<'a>,
    /// Whether it has to be equal, and so has to be there.
    equal: bool,
}

impl<'a> Comparison<'a> {
    /// Whether this word begins a condition.
    pub(super) fn begins(word: &[u8]) -> bool {
        WORDS.iter().any(|(known, ..)| arg::is(word, known))
    }

    /// The condition of this word and what follows it.
    ///
    /// # Errors
    /// It is no such word, nothing follows it, or no digest where one has to.
    pub(super) fn parse(word: &[u8], operand: Option<&'a [u8]>) -> Result<Self, ReplyError> {
        let known = WORDS.iter().find(|(known, ..)| arg::is(word, known));
        let &(_, equal, digest) = known.ok_or(errors::SYNTAX)?;
        let operand = operand.ok_or(errors::SYNTAX)?;
        let operand = if digest { Operand::Digest(parse_digest(operand)?) } else { Operand::Value(operand) };
        Ok(Self { operand, equal })
    }

    /// Whether the value fulfils it; one that is not there is different from everything.
    ///
    /// # Errors
    /// `WRONGTYPE`.
    pub(super) fn allows(self, cx: &mut Cx<'_, '_>, key: &Key<'_>) -> Result<bool, ReplyError> {
        let Some(entry) = cx.view.peek(key) else { return Ok(!self.equal) };
        Ok(self.accepts(string_of(entry)?))
    }

    fn accepts(self, string: StringRef<'_>) -> bool {
        let same = match self.operand {
            Operand::Value(value) => string.bytes(&mut IntText::new()) == value,
            Operand::Digest(digest) => digest_of(string) == digest,
        };
        same == self.equal
    }
}

fn parse_digest(text: &[u8]) -> Result<u64, ReplyError> {
    let hex = std::str::from_utf8(text).ok().filter(|text| text.len() == 16);
    let hex = hex.filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex.and_then(|text| u64::from_str_radix(text, 16).ok()).ok_or(errors::DIGEST_FORM)
}

/// DELEX key [IFEQ value | IFNE value | IFDEQ digest | IFDNE digest]
pub(super) const DELEX: Command = Command::new("delex", -2, delex)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::DELETE | key_flag::VARIABLE_FLAGS)])
    .keys_found_by(|args, keys| {
        let compares = key_flag::RW | key_flag::ACCESS;
        keys.push((1, key_flag::DELETE | if args.len() > 2 { compares } else { key_flag::RM }));
    })
    .docs(
        Group::String,
        "8.4.0",
        "O(1) for IFEQ/IFNE, O(N) for IFDEQ/IFDNE where N is the length of the string value.",
        "Deletes a key if its value, or the digest of it, is the expected one.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::one_of(
            "condition",
            &[
                Arg::new("ifeq-value", ArgKind::String).after("IFEQ"),
                Arg::new("ifne-value", ArgKind::String).after("IFNE"),
                Arg::new("ifdeq-digest", ArgKind::String).after("IFDEQ"),
                Arg::new("ifdne-digest", ArgKind::String).after("IFDNE"),
            ],
        )
        .optional(),
    ]);

fn delex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let comparison = match args.len() {
        2 => None,
        4 => Some(Comparison::parse(&args[2], args.get(3))?),
        _ => return Err(cx.arity_error()),
    };
    let key = cx.key(&args[1]);
    let fits = match (cx.view.peek(&key), comparison) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(entry), Some(comparison)) => comparison.accepts(entry.string().ok_or(errors::COMPARED_TYPE)?),
    };
    if fits {
        cx.view.remove(&key);
        cx.propagate(&[b"DEL", key.bytes]);
        cx.notify(notify_class::GENERIC, "del", key.bytes);
    }
    cx.out.int(i64::from(fits));
    Ok(())
}

/// DIGEST key
pub(super) const DIGEST: Command = Command::new("digest", 2, digest)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::String,
        "8.4.0",
        "O(N) where N is the length of the string value.",
        "Returns the XXH3 digest of a string as hexadecimal digits.",
    )
    .args(&[Arg::key("key", 0)]);

fn digest(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    match cx.view.get(&key) {
        Some(entry) => {
            let digest = digest_of(string_of(entry)?);
            cx.out.bulk(format!("{digest:016x}").as_bytes());
        }
        None => {
            cx.out.null();
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn digests_are_xxh3() {
        let mut rig = Rig::new();
        rig.run("SET k Hello");
        rig.run_args(&[b"SET", b"empty", b""]);
        rig.run("SADD s a");
        // From the reference implementation: XXH3_64bits of the empty string.
        assert_eq!(rig.run("DIGEST empty"), "$16|2d06800538d394c2");
        assert_eq!(rig.run("DIGEST k").len(), "$16|".len() + 16);
        assert_eq!(rig.run("DIGEST none"), "$-1");
        assert!(rig.run("DIGEST s").starts_with("-WRONGTYPE"));
    }

    #[test]
    fn values_are_compared_before_they_are_replaced() {
        let mut rig = Rig::new();
        rig.check(&[
            ("SET k new IFEQ old", "$-1", ""),
            ("SET k one IFNE old", "+OK", "SET k one"),
            ("SET k two IFEQ one", "+OK", "SET k two"),
            ("SET k three IFEQ one", "$-1", ""),
            ("SET k three IFNE two", "$-1", ""),
            ("SET k 3 ifne one GET", "$3|two", "SET k 3"),
            ("SET k 4 IFEQ 5 GET", "$1|3", ""),
            ("SET k 4 IFEQ 3 PXAT 1800000000000", "+OK", "SET k 4 PXAT 1800000000000"),
            ("SET k 5 IFEQ 4 KEEPTTL", "+OK", "SET k 5 KEEPTTL"),
            ("SET k 5 IFEQ 4 NX", "-ERR syntax error", ""),
            ("SET k 5 NX IFEQ 4", "-ERR syntax error", ""),
            ("SET k 5 IFEQ", "-ERR syntax error", ""),
            ("SET k 5 IFEQ 4 IFNE 3", "-ERR syntax error", ""),
            ("SET k 5 IFDEQ 12", "-ERR The digest must be exactly 16 hexadecimal characters", ""),
            ("SET k 6 IFDNE 0000000000000000", "+OK", "SET k 6"),
            ("SET none 6 IFDEQ 0000000000000000", "$-1", ""),
        ]);
        let digest = rig.run("DIGEST k").split_off(4).to_uppercase();
        assert_eq!(rig.run(&format!("SET k 7 IFDNE {digest}")), "$-1");
        assert_eq!(rig.run(&format!("SET k 7 IFDEQ {digest}")), "+OK");
        rig.run("SADD s a");
        assert!(rig.run("SET s v IFNE x").starts_with("-WRONGTYPE"));
    }

    #[test]
    fn values_are_compared_before_they_are_deleted() {
        let mut rig = Rig::new();
        rig.check(&[
            ("SET k v", "+OK", "SET k v"),
            ("DELEX k IFEQ w", ":0", ""),
            ("DELEX k IFNE v", ":0", ""),
            ("DELEX k IFEQ v", ":1", "DEL k"),
            ("DELEX k IFNE v", ":0", ""),
            ("DELEX k", ":0", ""),
            ("SADD s a", ":1", "SADD s a"),
            ("DELEX s IFEQ a", "-ERR Key should be of string type if conditions are specified", ""),
            ("DELEX s", ":1", "DEL s"),
            ("DELEX k IFEQ", "-ERR wrong number of arguments for 'delex' command", ""),
            ("DELEX k NOPE a", "-ERR syntax error", ""),
        ]);
    }
}
