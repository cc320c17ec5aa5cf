//! SRANDMEMBER: looking at members by chance.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag};
use redan_keyspace::{Aggregate, IntText, Set, StringRef};
use redan_resp::{Args, ReplyBuf};

use crate::string::value::notify_miss;
use crate::{arg, typed};

/// SRANDMEMBER key [count]
pub(super) const SRANDMEMBER: Command = Command::new("srandmember", -2, srandmember)
    .flags(flag::READONLY)
    .acl(category::SET)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Set,
        "1.0.0",
        "Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.",
        "Returns random members of a set.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[Arg::key("key", 0), Arg::new("count", ArgKind::Integer).optional()]);

fn srandmember(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    match args.len() {
        2 => one(cx, args),
        3 => several(cx, args),
        _ => Err(errors::SYNTAX),
    }
}

fn one(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let mut random = cx.view.keyspace().generator();
    match typed::read::<Set>(&mut cx.view, &key)?.and_then(|set| set.random(&mut random)) {
        Some(member) => cx.out.bulk(member.bytes(&mut IntText::new())),
        None => {
            cx.out.null();
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

fn several(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let count = arg::int(&args[2])?;
    if count == i64::MIN {
        return Err(errors::OUT_OF_LONG_RANGE);
    }
    let key = cx.key(&args[1]);
    let mut random = cx.view.keyspace().generator();
    let Some(entry) = cx.view.get(&key) else {
        cx.out.array(0);
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let set = entry.aggregate::<Set>().ok_or(errors::WRONG_TYPE)?;
    let replies = if count < 0 { count.unsigned_abs() } else { (set.len() as u64).min(count as u64) };
    if replies <= typed::BIG_REPLY as u64 {
        pick(cx.out, set, count, &mut random);
        return Ok(());
    }
    let shared = entry.shared_object();
    cx.view.let_go();
    pick(cx.out, shared.as_deref().and_then(Set::of).ok_or(errors::WRONG_TYPE)?, count, &mut random);
    Ok(())
}

/// Replies so many random members: different ones, or with repetitions if `count` is negative.
fn pick(out: &mut ReplyBuf, set: &Set, count: i64, random: &mut fastrand::Rng) {
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count >= 0 {
        let wanted = wanted.min(set.len());
        out.array(wanted);
        set.sample(wanted, random, |member| out.bulk(member.bytes(&mut IntText::new())));
        return;
    }
    out.array(wanted);
    if set.as_listpack().is_some() && wanted > 1 {
        // Reaching a member of a listpack means walking there: once is enough.
        let members: Vec<StringRef<'_>> = set.iter().collect();
        for _ in 0..wanted {
            out.bulk(members[random.usize(..members.len())].bytes(&mut IntText::new()));
        }
        return;
    }
    for _ in 0..wanted {
        if let Some(member) = set.random(random) {
            out.bulk(member.bytes(&mut IntText::new()));
        }
    }
}
