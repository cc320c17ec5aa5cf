//! ZRANDMEMBER.

use std::collections::HashSet;

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag};
use redan_keyspace::{Aggregate, SortedSet, StringRef};
use redan_resp::{Args, Protocol, ReplyBuf, parse_i64};

use super::errors::{RANDOM_COUNT, RANDOM_COUNT_RANGE};
use super::value::{put_member, put_scored, reply_members};
use crate::string::value::notify_miss;
use crate::{arg, typed};

/// ZRANDMEMBER key [count [WITHSCORES]]
pub(super) const ZRANDMEMBER: Command = Command::new("zrandmember", -2, zrandmember)
    .flags(flag::READONLY)
    .acl(category::SORTEDSET)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::SortedSet,
        "6.2.0",
        "O(N) where N is the number of members returned",
        "Returns random members of a sorted set.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::block(
            "options",
            &[Arg::new("count", ArgKind::Integer), Arg::token("withscores", "WITHSCORES").optional()],
        )
        .optional(),
    ]);

fn zrandmember(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let request = Request::parse(args)?;
    let key = cx.key(&args[1]);
    let mut random = cx.view.keyspace().generator();
    let Some(set) = typed::read::<SortedSet>(&mut cx.view, &key)? else {
        if request.is_some() {
            cx.out.array(0);
        } else {
            cx.out.null();
        }
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    match request {
        None => {
            let (member, _) = set.random(random.u64(..)).expect("a key holds at least one member");
            put_member(cx.out, member);
        }
        Some(request) => request.reply(cx.out, set, &mut random),
    }
    Ok(())
}

/// How many members are asked for; negative: with repetitions.
struct Request {
    count: i64,
    with_scores: bool,
}

impl Request {
    /// The count and what follows; `None` if one member is asked for without a count.
    fn parse(args: Args<'_>) -> Result<Option<Self>, redan_engine::ReplyError> {
        let Some(text) = args.get(2) else { return Ok(None) };
        let count = parse_i64(text).ok_or(errors::NOT_INTEGER)?;
        if count == i64::MIN {
            return Err(RANDOM_COUNT_RANGE);
        }
        let with_scores = match args.get(3) {
            None => false,
            Some(word) if args.len() == 4 && arg::is(word, "WITHSCORES") => true,
            Some(_) => return Err(errors::SYNTAX),
        };
        // Twice as many replies have to be countable.
        if with_scores && count.unsigned_abs() > i64::MAX.unsigned_abs() / 2 {
            return Err(RANDOM_COUNT);
        }
        Ok(Some(Self { count, with_scores }))
    }

    fn reply(&self, out: &mut ReplyBuf, set: &SortedSet, random: &mut fastrand::Rng) {
        let len = set.len();
        if self.count < 0 {
            return self.reply_repeating(out, set, random);
        }
        let wanted = usize::try_from(self.count).unwrap_or(usize::MAX).min(len);
        if wanted == len {
            return reply_members(out, set.iter(), len, self.with_scores);
        }
        let members = distinct(wanted, len, random).into_iter();
        let member = |rank: usize| set.range(rank..rank + 1).next().expect("the rank is below the length");
        reply_members(out, members.map(member), wanted, self.with_scores);
    }

    fn reply_repeating(&self, out: &mut ReplyBuf, set: &SortedSet, random: &mut fastrand::Rng) {
        let wanted = usize::try_from(self.count.unsigned_abs()).expect("64 bits");
        let members: Vec<(StringRef<'_>, f64)> =
            if set.listpack().is_some() { set.iter().collect() } else { Vec::new() };
        let pairs = out.protocol() == Protocol::Resp3;
        out.array(if self.with_scores && !pairs { wanted * 2 } else { wanted });
        for _ in 0..wanted {
            // A small set is walked once, not for each member.
            let picked = match members.len() {
                0 => set.random(random.u64(..)).expect("a key holds at least one member"),
                len => members[random.usize(..len)],
            };
            if self.with_scores {
                if pairs {
                    out.array(2);
                }
                put_scored(out, picked);
            } else {
                put_member(out, picked.0);
            }
        }
    }
}

/// `wanted` different numbers below `len`, which is more, in random order.
fn distinct(wanted: usize, len: usize, random: &mut fastrand::Rng) -> Vec<usize> {
    // Above this share of all, a shuffle of all needs less time and memory than trying again.
    const SHUFFLE_FROM: usize = 3;
    if wanted.saturating_mul(SHUFFLE_FROM) >= len {
        let mut all: Vec<usize> = (0..len).collect();
        for at in 0..wanted {
            all.swap(at, random.usize(at..len));
        }
        all.truncate(wanted);
        return all;
    }
    let (mut seen, mut picked) = (HashSet::with_capacity(wanted), Vec::with_capacity(wanted));
    while picked.len() < wanted {
        let number = random.usize(..len);
        if seen.insert(number) {
            picked.push(number);
        }
    }
    picked
}
