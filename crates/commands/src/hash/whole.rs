//! HGETALL, HKEYS, HVALS, HLEN: all fields of a hash.

use redan_engine::{Arg, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag};
use redan_keyspace::{Aggregate, Hash, IntText};
use redan_resp::{Args, ReplyBuf};

use crate::string::value::notify_miss;
use crate::typed;

const READ: &[KeySpec] = &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)];
const COMPLEXITY: &str = "O(N) where N is the size of the hash.";

/// HGETALL key
pub(super) const HGETALL: Command = Command::new("hgetall", 2, hgetall)
    .flags(flag::READONLY)
    .acl(category::HASH)
    .keys(READ)
    .docs(Group::Hash, "2.0.0", COMPLEXITY, "Returns all fields of a hash with their values.")
    .tips(&["nondeterministic_output_order"])
    .args(&[Arg::key("key", 0)]);

fn hgetall(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_all(cx, &args, Shown { fields: true, values: true })
}

/// HKEYS key
pub(super) const HKEYS: Command = Command::new("hkeys", 2, hkeys)
    .flags(flag::READONLY)
    .acl(category::HASH)
    .keys(READ)
    .docs(Group::Hash, "2.0.0", COMPLEXITY, "Returns all fields of a hash.")
    .tips(&["nondeterministic_output_order"])
    .args(&[Arg::key("key", 0)]);

fn hkeys(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_all(cx, &args, Shown { fields: true, values: false })
}

/// HVALS key
pub(super) const HVALS: Command = Command::new("hvals", 2, hvals)
    .flags(flag::READONLY)
    .acl(category::HASH)
    .keys(READ)
    .docs(Group::Hash, "2.0.0", COMPLEXITY, "Returns all values of a hash.")
    .tips(&["nondeterministic_output_order"])
    .args(&[Arg::key("key", 0)]);

fn hvals(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_all(cx, &args, Shown { fields: false, values: true })
}

/// What is shown of each field.
#[derive(Clone, Copy)]
struct Shown {
    fields: bool,
    values: bool,
}

impl Shown {
    /// Replies the fields that are there for somebody with this horizon.
    fn reply(self, out: &mut ReplyBuf, hash: &Hash, horizon_ms: i64) {
        self.header(out, hash.live_len(horizon_ms));
        hash.for_each(|found| {
            if !found.is_live(horizon_ms) {
                return;
            }
            if self.fields {
                out.bulk(found.field.bytes(&mut IntText::new()));
            }
            if self.values {
                out.bulk(found.value.bytes(&mut IntText::new()));
            }
        });
    }

    fn header(self, out: &mut ReplyBuf, len: usize) {
        if self.fields && self.values { out.map(len) } else { out.array(len) }
    }
}

fn reply_all(cx: &mut Cx<'_, '_>, args: &Args<'_>, shown: Shown) -> CmdResult {
    let key = cx.key(&args[1]);
    let horizon_ms = cx.view.access().horizon_ms();
    let Some(entry) = cx.view.get(&key) else {
        shown.header(cx.out, 0);
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let hash = entry.aggregate::<Hash>().ok_or(errors::WRONG_TYPE)?;
    if hash.len() <= typed::BIG_REPLY {
        shown.reply(cx.out, hash, horizon_ms);
        return Ok(());
    }
    let shared = entry.shared_object();
    cx.view.let_go();
    let hash = shared.as_deref().and_then(Hash::of).ok_or(errors::WRONG_TYPE)?;
    shown.reply(cx.out, hash, horizon_ms);
    Ok(())
}

/// HLEN key
///
/// Counts fields whose time has come too, until they are removed: everything else would be slow.
pub(super) const HLEN: Command = Command::new("hlen", 2, hlen)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::HASH)
    .keys(&[KeySpec::one(1, key_flag::RO)])
    .docs(Group::Hash, "2.0.0", "O(1)", "Returns the number of fields of a hash.")
    .args(&[Arg::key("key", 0)]);

fn hlen(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    match typed::read::<Hash>(&mut cx.view, &key)? {
        Some(hash) => cx.out.int(hash.len() as i64),
        None => {
            cx.out.int(0);
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}
