//! SISMEMBER, SMISMEMBER, SCARD, SMEMBERS: looking at one set.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag};
use redan_keyspace::{Aggregate, IntText, Set};
use redan_resp::{Args, ReplyBuf};

use crate::string::value::notify_miss;
use crate::typed;

/// SISMEMBER key member
pub(super) const SISMEMBER: Command = Command::new("sismember", 3, sismember)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::SET)
    .keys(&[KeySpec::one(1, key_flag::RO)])
    .docs(Group::Set, "1.0.0", "O(1)", "Tells whether something is a member of a set.")
    .args(&[Arg::key("key", 0), Arg::new("member", ArgKind::String)]);

fn sismember(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    match typed::read::<Set>(&mut cx.view, &key)? {
        Some(set) => cx.out.int(i64::from(set.contains(&args[2]))),
        None => {
            cx.out.int(0);
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

/// SMISMEMBER key member [member ...]
pub(super) const SMISMEMBER: Command = Command::new("smismember", -3, smismember)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::SET)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Set,
        "6.2.0",
        "O(N) where N is the number of elements being checked for membership",
        "Tells for several things whether they are members of a set.",
    )
    .args(&[Arg::key("key", 0), Arg::new("member", ArgKind::String).multiple()]);

fn smismember(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let asked = args.skip(2);
    match typed::read::<Set>(&mut cx.view, &key)? {
        Some(set) => {
            cx.out.array(asked.len());
            asked.iter().for_each(|member| cx.out.int(i64::from(set.contains(member))));
        }
        None => {
            cx.out.array(asked.len());
            asked.iter().for_each(|_| cx.out.int(0));
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

/// SCARD key
pub(super) const SCARD: Command = Command::new("scard", 2, scard)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::SET)
    .keys(&[KeySpec::one(1, key_flag::RO)])
    .docs(Group::Set, "1.0.0", "O(1)", "Returns the number of members of a set.")
    .args(&[Arg::key("key", 0)]);

fn scard(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    match typed::read::<Set>(&mut cx.view, &key)? {
        Some(set) => cx.out.int(set.len() as i64),
        None => {
            cx.out.int(0);
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

/// SMEMBERS key
pub(super) const SMEMBERS: Command = Command::new("smembers", 2, smembers)
    .flags(flag::READONLY)
    .acl(category::SET)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(Group::Set, "1.0.0", "O(N) where N is the set cardinality.", "Returns all members of a set.")
    .tips(&["nondeterministic_output_order"])
    .args(&[Arg::key("key", 0)]);

fn smembers(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let Some(entry) = cx.view.get(&key) else {
        cx.out.set(0);
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let set = entry.aggregate::<Set>().ok_or(errors::WRONG_TYPE)?;
    if set.len() <= typed::BIG_REPLY {
        reply_all(cx.out, set);
        return Ok(());
    }
    let shared = entry.shared_object();
    cx.view.let_go();
    reply_all(cx.out, shared.as_deref().and_then(Set::of).ok_or(errors::WRONG_TYPE)?);
    Ok(())
}

/// Replies all members.
pub(super) fn reply_all(out: &mut ReplyBuf, set: &Set) {
    out.set(set.len());
    for member in set {
        out.bulk(member.bytes(&mut IntText::new()));
    }
}
