//! HEXPIRE and its relatives, HPERSIST: when fields go.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, flag, key_flag, notify_class,
};
use redan_keyspace::{EntryMut, Hash, IntText, Key};
use redan_resp::Args;
use smallvec::SmallVec;

use super::fields::{self, FIELDS, NOT_POSITIVE, finish_removal, hash_of, propagate_for, propagate_removals};
use super::time::Unit;
use super::ttl::{NO_EXPIRY, NO_FIELD};
use crate::generic::expiry;
use crate::{arg, typed};

const FLAGS: u32 = flag::WRITE | flag::FAST;
const KEYS: &[KeySpec] = &[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)];
const COMPLEXITY: &str = "O(N) where N is the number of specified fields";
const BAD_NUMBER: ReplyError = ReplyError::fixed("ERR Parameter `numFields` should be greater than 0");

const CONDITION: Arg = Arg::one_of(
    "condition",
    &[Arg::token("nx", "NX"), Arg::token("xx", "XX"), Arg::token("gt", "GT"), Arg::token("lt", "LT")],
)
.optional();

/// HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
pub(super) const HEXPIRE: Command = Command::new("hexpire", -6, hexpire)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(KEYS)
    .docs(Group::Hash, "7.4.0", COMPLEXITY, "Lets fields of a hash expire after some seconds.")
    .args(&[Arg::key("key", 0), Arg::new("seconds", ArgKind::Integer), CONDITION, FIELDS]);

fn hexpire(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_expiry(cx, args, Unit::EX)
}

/// HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
pub(super) const HPEXPIRE: Command = Command::new("hpexpire", -6, hpexpire)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(KEYS)
    .docs(Group::Hash, "7.4.0", COMPLEXITY, "Lets fields of a hash expire after some milliseconds.")
    .args(&[Arg::key("key", 0), Arg::new("milliseconds", ArgKind::Integer), CONDITION, FIELDS]);

fn hpexpire(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_expiry(cx, args, Unit::PX)
}

/// HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
pub(super) const HEXPIREAT: Command = Command::new("hexpireat", -6, hexpireat)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(KEYS)
    .docs(Group::Hash, "7.4.0", COMPLEXITY, "Lets fields of a hash expire at a time in Unix seconds.")
    .args(&[Arg::key("key", 0), Arg::new("unix-time-seconds", ArgKind::UnixTime), CONDITION, FIELDS]);

fn hexpireat(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_expiry(cx, args, Unit::EXAT)
}

/// HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
pub(super) const HPEXPIREAT: Command = Command::new("hpexpireat", -6, hpexpireat)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(KEYS)
    .docs(Group::Hash, "7.4.0", COMPLEXITY, "Lets fields of a hash expire at a time in Unix milliseconds.")
    .args(&[Arg::key("key", 0), Arg::new("unix-time-milliseconds", ArgKind::UnixTime), CONDITION, FIELDS]);

fn hpexpireat(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_expiry(cx, args, Unit::PXAT)
}

/// When the present expiry gives way to a new one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    Absent,
    Present,
    Greater,
    Less,
}

impl Condition {
    fn of(word: &[u8]) -> Option<Self> {
        const CONDITIONS: [(&str, Condition); 4] = [
            ("NX", Condition::Absent),
            ("XX", Condition::Present),
            ("GT", Condition::Greater),
            ("LT", Condition::Less),
        ];
        CONDITIONS.iter().find(|(name, _)| arg::is(word, name)).map(|&(_, condition)| condition)
    }

    /// A field without an expiry lives for ever: no time is greater, any is less.
    fn allows(self, current: Option<i64>, new: i64) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => current.is_none(),
            Self::Present => current.is_some(),
            Self::Greater => current.is_some_and(|current| new > current),
            Self::Less => current.is_none_or(|current| new < current),
        }
    }
}

/// What became of a field.
mod outcome {
    pub(super) const REFUSED: i64 = 0;
    pub(super) const SET: i64 = 1;
    pub(super) const DELETED: i64 = 2;
}

fn set_expiry(cx: &mut Cx<'_, '_>, args: Args<'_>, unit: Unit) -> CmdResult {
    let at_ms = unit.at_ms(cx, &args[2])?;
    let condition_word = args.get(3).filter(|word| Condition::of(word).is_some());
    let condition = condition_word.and_then(Condition::of).unwrap_or(Condition::Always);
    let fields = fields::parse(&args, 3 + usize::from(condition_word.is_some()), BAD_NUMBER)?;
    let key = cx.key(&args[1]);
    let over = expiry::is_over(cx, at_ms);
    let Some(mut entry) =
        typed::edit::<Hash>(&mut cx.view, &key)?.and_then(|entry| entry.expire_fields(fields.iter()))
    else {
        reply_all_missing(cx, fields.len());
        return Ok(());
    };
    let mut done: SmallVec<[&[u8]; 8]> = SmallVec::new();
    cx.out.array(fields.len());
    let hash = hash_of(&mut entry);
    for field in fields.iter() {
        let outcome = match hash.get(field) {
            None => NO_FIELD,
            Some(found) if !condition.allows(found.expire_at_ms, at_ms) => outcome::REFUSED,
            Some(_) if over => {
                hash.remove(field);
                outcome::DELETED
            }
            Some(_) => {
                hash.set_expiry(field, Some(at_ms));
                outcome::SET
            }
        };
        if outcome == outcome::SET || outcome == outcome::DELETED {
            done.push(field);
        }
        cx.out.int(outcome);
    }
    let emptied = close(entry, done.len());
    if over {
        tell_removed(cx, &key, &done, emptied);
    } else if !done.is_empty() {
        // Who carries this out need not ask again, unless the condition held for all.
        let condition_word = condition_word.filter(|_| done.len() == fields.len());
        let mut text = IntText::new();
        let mut head: SmallVec<[&[u8]; 4]> = SmallVec::from_slice(&[b"HPEXPIREAT", key.bytes]);
        head.push(text.format(at_ms));
        head.extend(condition_word);
        propagate_for(cx, &head, &done);
        cx.notify(notify_class::HASH, "hexpire", key.bytes);
    }
    Ok(())
}

/// Ends the change of so many fields, and says whether the hash went with its last one.
pub(super) fn close(mut entry: EntryMut<'_, '_>, changed: usize) -> bool {
    entry.changed(changed as u64);
    entry.remove_if_emptied()
}

/// Propagates and announces that fields were removed because their new time is over already.
pub(super) fn tell_removed(cx: &mut Cx<'_, '_>, key: &Key<'_>, removed: &[&[u8]], emptied: bool) {
    propagate_removals(cx, key, removed);
    finish_removal(cx, key, removed.len(), emptied);
}

fn reply_all_missing(cx: &mut Cx<'_, '_>, fields: usize) {
    cx.out.array(fields);
    for _ in 0..fields {
        cx.out.int(NO_FIELD);
    }
}

/// HPERSIST key FIELDS numfields field [field ...]
pub(super) const HPERSIST: Command = Command::new("hpersist", -5, hpersist)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(KEYS)
    .docs(Group::Hash, "7.4.0", COMPLEXITY, "Lets fields of a hash not expire any more.")
    .args(&[Arg::key("key", 0), FIELDS]);

fn hpersist(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let fields = fields::parse(&args, 2, NOT_POSITIVE)?;
    let key = cx.key(&args[1]);
    let Some(mut entry) =
        typed::edit::<Hash>(&mut cx.view, &key)?.and_then(|entry| entry.expire_fields(fields.iter()))
    else {
        reply_all_missing(cx, fields.len());
        return Ok(());
    };
    let mut persisted = 0;
    cx.out.array(fields.len());
    let hash = hash_of(&mut entry);
    for field in fields.iter() {
        let outcome = match hash.get(field).map(|found| found.expire_at_ms) {
            None => NO_FIELD,
            Some(None) => NO_EXPIRY,
            Some(Some(_)) => {
                hash.set_expiry(field, None);
                persisted += 1;
                outcome::SET
            }
        };
        cx.out.int(outcome);
    }
    entry.changed(persisted);
    if persisted > 0 {
        cx.notify(notify_class::HASH, "hpersist", key.bytes);
    }
    Ok(())
}
