//! SPOP: taking members by chance.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag, notify_class,
};
use redan_keyspace::{Aggregate, IntText, Key, Set};
use redan_resp::Args;

use super::members::reply_all;
use crate::{arg, typed};

/// SPOP key [count]
pub(super) const SPOP: Command = Command::new("spop", -2, spop)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::SET)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)])
    .docs(
        Group::Set,
        "1.0.0",
        "Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
        "Takes random members out of a set, which is deleted with its last one.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[Arg::key("key", 0), Arg::new("count", ArgKind::Integer).optional()]);

fn spop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    match args.len() {
        2 => pop_one(cx, &cx.key(&args[1])),
        3 => {
            let count = arg::int_from(&args[2], 0)?;
            pop_many(cx, &cx.key(&args[1]), usize::try_from(count).unwrap_or(usize::MAX))
        }
        _ => Err(errors::SYNTAX),
    }
}

fn pop_one(cx: &mut Cx<'_, '_>, key: &Key<'_>) -> CmdResult {
    let mut random = cx.view.keyspace().generator();
    let Some(mut entry) = typed::edit::<Set>(&mut cx.view, key)? else {
        cx.out.null();
        return Ok(());
    };
    let set = entry.aggregate_mut::<Set>().ok_or(errors::WRONG_TYPE)?;
    let popped = set.pop_random(&mut random, |member| {
        cx.out.bulk(member);
        member.to_vec()
    });
    entry.changed(1);
    let emptied = entry.remove_if_emptied();
    cx.propagate(&[b"SREM", key.bytes, &popped.unwrap_or_default()]);
    notify_popped(cx, key, emptied);
    Ok(())
}

/// Members that one propagated SREM takes.
const BATCH: usize = 1024;
/// When so many times more members are taken than stay, those that stay are picked instead.
const PICK_REST: usize = 5;

fn pop_many(cx: &mut Cx<'_, '_>, key: &Key<'_>, count: usize) -> CmdResult {
    let (limits, mut random) = (cx.view.keyspace().limits(), cx.view.keyspace().generator());
    let mut removals = Removals::new(key.bytes, cx.is_logging());
    let Some(mut entry) = typed::edit::<Set>(&mut cx.view, key)? else {
        cx.out.set(0);
        return Ok(());
    };
    let len = entry.aggregate::<Set>().ok_or(errors::WRONG_TYPE)?.len();
    if count == 0 {
        cx.out.set(0);
        return Ok(());
    }
    if count >= len {
        return pop_all(cx, key, len);
    }
    let set = entry.aggregate_mut::<Set>().ok_or(errors::WRONG_TYPE)?;
    cx.out.set(count);
    let mut give = |member: &[u8]| {
        cx.out.bulk(member);
        removals.add(member);
    };
    let rest = len - count;
    let mut taken = None;
    if rest * PICK_REST > count {
        for _ in 0..count {
            set.pop_random(&mut random, &mut give);
        }
    } else {
        let kept = set.split_random(rest, &mut random, limits);
        let taken = taken.insert(std::mem::replace(set, kept));
        taken.iter().for_each(|member| give(member.bytes(&mut IntText::new())));
    }
    entry.changed(count as u64);
    removals.propagate(cx);
    if let Some(taken) = taken {
        cx.free_later(taken);
    }
    notify_popped(cx, key, false);
    Ok(())
}

/// Takes the whole set: the key goes.
fn pop_all(cx: &mut Cx<'_, '_>, key: &Key<'_>, len: usize) -> CmdResult {
    let Some(removed) = cx.view.take(key) else { return Ok(()) };
    reply_all(cx.out, removed.value().aggregate::<Set>().ok_or(errors::WRONG_TYPE)?);
    cx.view.discard(removed);
    cx.add_dirty(len as u64 - 1);
    let delete: &[u8] = if cx.engine.settings().lazyfree_lazy_server_del { b"UNLINK" } else { b"DEL" };
    cx.propagate(&[delete, key.bytes]);
    notify_popped(cx, key, true);
    Ok(())
}

fn notify_popped(cx: &mut Cx<'_, '_>, key: &Key<'_>, emptied: bool) {
    cx.notify(notify_class::SET, "spop", key.bytes);
    if emptied {
        cx.notify(notify_class::GENERIC, "del", key.bytes);
    }
}

/// What was taken, to be propagated.
struct Removals<'a> {
    key: &'a [u8],
    /// All members one behind the other.
    text: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    /// Whether anybody wants to know.
    wanted: bool,
}

impl<'a> Removals<'a> {
    fn new(key: &'a [u8], wanted: bool) -> Self {
        Self { key, text: Vec::new(), ends: Vec::new(), wanted }
    }

    fn add(&mut self, member: &[u8]) {
        if self.wanted {
            self.text.extend_from_slice(member);
            self.ends.push(self.text.len());
        }
    }

    fn propagate(self, cx: &mut Cx<'_, '_>) {
        let mut start = 0;
        for batch in self.ends.chunks(BATCH) {
            let mut command: Vec<&[u8]> = vec![b"SREM", self.key];
            for &end in batch {
                command.push(&self.text[start..end]);
                start = end;
            }
            cx.propagate(&command);
        }
    }
}
