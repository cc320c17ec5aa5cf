//! HTTL and its relatives: when fields expire.

use redan_engine::{Arg, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag};
use redan_keyspace::Hash;
use redan_resp::Args;

use super::fields::{self, FIELDS, NOT_POSITIVE};
use crate::string::value::notify_miss;
use crate::typed;

const FLAGS: u32 = flag::READONLY | flag::FAST;
const KEYS: &[KeySpec] = &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)];
const COMPLEXITY: &str = "O(N) where N is the number of specified fields";
const ARGS: &[Arg] = &[Arg::key("key", 0), FIELDS];

/// Replied for a field that is not there.
pub(super) const NO_FIELD: i64 = -2;
/// Replied for a field that does not expire.
pub(super) const NO_EXPIRY: i64 = -1;

/// HTTL key FIELDS numfields field [field ...]
pub(super) const HTTL: Command = Command::new("httl", -5, httl)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(KEYS)
    .docs(Group::Hash, "7.4.0", COMPLEXITY, "Returns in how many seconds fields of a hash expire.")
    .tips(&["nondeterministic_output"])
    .args(ARGS);

fn httl(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let now_ms = cx.now_ms;
    reply_times(cx, args, |at_ms| rounded_up(at_ms - now_ms))
}

/// HPTTL key FIELDS numfields field [field ...]
pub(super) const HPTTL: Command = Command::new("hpttl", -5, hpttl)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(KEYS)
    .docs(Group::Hash, "7.4.0", COMPLEXITY, "Returns in how many milliseconds fields of a hash expire.")
    .tips(&["nondeterministic_output"])
    .args(ARGS);

fn hpttl(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let now_ms = cx.now_ms;
    reply_times(cx, args, |at_ms| at_ms - now_ms)
}

/// HEXPIRETIME key FIELDS numfields field [field ...]
pub(super) const HEXPIRETIME: Command = Command::new("hexpiretime", -5, hexpiretime)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(KEYS)
    .docs(
        Group::Hash,
        "7.4.0",
        COMPLEXITY,
        "Returns the Unix times in seconds at which fields of a hash expire.",
    )
    .args(ARGS);

fn hexpiretime(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_times(cx, args, rounded_up)
}

/// HPEXPIRETIME key FIELDS numfields field [field ...]
pub(super) const HPEXPIRETIME: Command = Command::new("hpexpiretime", -5, hpexpiretime)
    .flags(FLAGS)
    .acl(category::HASH)
    .keys(KEYS)
    .docs(
        Group::Hash,
        "7.4.0",
        COMPLEXITY,
        "Returns the Unix times in milliseconds at which fields of a hash expire.",
    )
    .args(ARGS);

fn hpexpiretime(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_times(cx, args, |at_ms| at_ms)
}

/// Seconds, so that a field never seems to expire earlier than it does.
fn rounded_up(ms: i64) -> i64 {
    (ms + 999) / 1000
}

fn reply_times(cx: &mut Cx<'_, '_>, args: Args<'_>, show: impl Fn(i64) -> i64) -> CmdResult {
    let key = cx.key(&args[1]);
    let horizon_ms = cx.view.access().horizon_ms();
    let hash = typed::read::<Hash>(&mut cx.view, &key)?;
    let fields = fields::parse(&args, 2, NOT_POSITIVE)?;
    let missed = hash.is_none();
    cx.out.array(fields.len());
    for field in fields.iter() {
        let found = hash.and_then(|hash| hash.get(field)).filter(|found| found.is_live(horizon_ms));
        cx.out.int(match found {
            None => NO_FIELD,
            Some(found) => found.expire_at_ms.map_or(NO_EXPIRY, &show),
        });
    }
    if missed {
        notify_miss(cx, key.bytes);
    }
    Ok(())
}
