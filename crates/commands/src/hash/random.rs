//! HRANDFIELD: looking at fields by chance.

use std::collections::HashSet;

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::{Aggregate, Encoding, FieldRef, Hash, IntText};
use redan_resp::{Args, Protocol, ReplyBuf};

use crate::string::value::notify_miss;
use crate::{arg, typed};

const OUT_OF_RANGE: ReplyError = ReplyError::fixed("ERR value is out of range");

/// HRANDFIELD key [count [WITHVALUES]]
pub(super) const HRANDFIELD: Command = Command::new("hrandfield", -2, hrandfield)
    .flags(flag::READONLY)
    .acl(category::HASH)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Hash,
        "6.2.0",
        "O(N) where N is the number of fields returned",
        "Returns random fields of a hash.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::block(
            "options",
            &[Arg::new("count", ArgKind::Integer), Arg::token("withvalues", "WITHVALUES").optional()],
        )
        .optional(),
    ]);

/// What is asked for.
#[derive(Clone, Copy)]
struct Wanted {
    count: usize,
    /// The same field may come again.
    repeat: bool,
    values: bool,
}

impl Wanted {
    fn parse(args: &Args<'_>) -> Result<Self, ReplyError> {
        let count = arg::int(&args[2])?;
        if count == i64::MIN {
            return Err(errors::OUT_OF_LONG_RANGE);
        }
        let values = args.get(3).is_some_and(|word| arg::is(word, "WITHVALUES"));
        if args.len() > 4 || (args.len() == 4 && !values) {
            return Err(errors::SYNTAX);
        }
        if values && count.unsigned_abs() > i64::MAX as u64 / 2 {
            return Err(OUT_OF_RANGE);
        }
        let repeat = count < 0;
        Ok(Self { count: usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX), repeat, values })
    }

    fn header(self, out: &mut ReplyBuf, len: usize) {
        let flat = self.values && out.protocol() == Protocol::Resp2;
        out.array(if flat { len * 2 } else { len });
    }

    fn show(self, out: &mut ReplyBuf, found: FieldRef<'_>) {
        if self.values && out.protocol() == Protocol::Resp3 {
            out.array(2);
        }
        out.bulk(found.field.bytes(&mut IntText::new()));
        if self.values {
            out.bulk(found.value.bytes(&mut IntText::new()));
        }
    }
}

fn hrandfield(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let wanted = if args.len() > 2 { Some(Wanted::parse(&args)?) } else { None };
    let key = cx.key(&args[1]);
    let horizon_ms = cx.view.access().horizon_ms();
    let mut random = cx.view.keyspace().generator();
    if typed::read::<Hash>(&mut cx.view, &key)?.is_some_and(|hash| hash.has_expired(horizon_ms))
        && let Some(entry) = cx.view.edit(&key)
    {
        entry.expire_all_fields();
    }
    let Some(hash) = cx.view.peek(&key).and_then(|entry| entry.aggregate::<Hash>()) else {
        match wanted {
            Some(_) => cx.out.array(0),
            None => cx.out.null(),
        }
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let pool = Pool::of(hash, horizon_ms, wanted.is_some_and(|wanted| wanted.count > 1));
    let Some(wanted) = wanted else {
        match pool.at(|len| random.usize(..len)) {
            Some(found) => cx.out.bulk(found.field.bytes(&mut IntText::new())),
            None => cx.out.null(),
        }
        return Ok(());
    };
    pool.reply(cx.out, wanted, &mut random);
    Ok(())
}

/// The fields to pick from.
enum Pool<'a> {
    /// Reached by number in a hash.
    Hash(&'a Hash),
    /// Collected: from a listpack, where reaching one means walking there, or because some of them do not count.
    Fields(Vec<FieldRef<'a>>),
}

impl<'a> Pool<'a> {
    fn of(hash: &'a Hash, horizon_ms: i64, several: bool) -> Self {
        let hides = hash.has_expired(horizon_ms);
        if !hides && (hash.encoding() == Encoding::Hashtable || !several) {
            return Self::Hash(hash);
        }
        let mut fields = Vec::with_capacity(hash.len());
        hash.for_each(|found| {
            if found.is_live(horizon_ms) {
                fields.push(found);
            }
        });
        Self::Fields(fields)
    }

    fn len(&self) -> usize {
        match self {
            Self::Hash(hash) => hash.len(),
            Self::Fields(fields) => fields.len(),
        }
    }

    fn get(&self, index: usize) -> Option<FieldRef<'a>> {
        match self {
            Self::Hash(hash) => hash.at(index),
            Self::Fields(fields) => fields.get(index).copied(),
        }
    }

    /// The field that `choose` chooses below their number, if there is one.
    fn at(&self, choose: impl FnOnce(usize) -> usize) -> Option<FieldRef<'a>> {
        let len = self.len();
        if len == 0 { None } else { self.get(choose(len)) }
    }

    fn reply(&self, out: &mut ReplyBuf, wanted: Wanted, random: &mut fastrand::Rng) {
        let len = self.len();
        if wanted.repeat && len > 0 {
            wanted.header(out, wanted.count);
            for _ in 0..wanted.count {
                self.at(|len| random.usize(..len)).into_iter().for_each(|found| wanted.show(out, found));
            }
            return;
        }
        let count = wanted.count.min(len);
        wanted.header(out, count);
        for index in distinct(len, count, random) {
            self.get(index).into_iter().for_each(|found| wanted.show(out, found));
        }
    }
}

/// `count` different numbers below `len`, each choice equally likely. O(count), or O(len) for a large share of them.
fn distinct(len: usize, count: usize, random: &mut fastrand::Rng) -> Vec<usize> {
    /// From this share on, one pass over all is cheaper than drawing again what was drawn.
    const PASS_SHARE: usize = 3;
    if count.saturating_mul(PASS_SHARE) < len {
        let (mut drawn, mut order) = (HashSet::with_capacity(count), Vec::with_capacity(count));
        while order.len() < count {
            let index = random.usize(..len);
            if drawn.insert(index) {
                order.push(index);
            }
        }
        return order;
    }
    // Selection sampling (Knuth, TAOCP 3.4.2, algorithm S).
    let mut left = count;
    (0..len)
        .filter(|index| {
            let taken = left > 0 && random.usize(..len - index) < left;
            left -= usize::from(taken);
            taken
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_fair() {
        let mut random = fastrand::Rng::with_seed(5);
        for count in [1, 2, 5, 9] {
            const ROUNDS: usize = 20_000;
            let mut counts = [0_usize; 10];
            for _ in 0..ROUNDS {
                let chosen = distinct(10, count, &mut random);
                assert_eq!(chosen.iter().collect::<HashSet<_>>().len(), count);
                chosen.iter().for_each(|&index| counts[index] += 1);
            }
            let expected = (ROUNDS * count / 10) as f64;
            let chi_square: f64 =
                counts.iter().map(|&seen| (seen as f64 - expected).powi(2) / expected).sum();
            // Nine degrees of freedom: above this once in 100,000 times.
            assert!(chi_square < 40.5, "{count}: {chi_square} {counts:?}");
        }
    }
}
