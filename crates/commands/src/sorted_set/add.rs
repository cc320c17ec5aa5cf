//! ZADD and ZINCRBY.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
    notify_class,
};
use redan_keyspace::SortedSet;
use redan_resp::Args;

use super::errors::{GT_LT_NX, INCR_ONE, NAN_SCORE, NX_AND_XX};
use crate::{arg, typed};

/// ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]
pub(super) const ZADD: Command = Command::new("zadd", -4, zadd)
    .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
    .acl(category::SORTEDSET)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)])
    .docs(
        Group::SortedSet,
        "1.2.0",
        "O(log(N)) for each member, where N is the size of the sorted set.",
        "Adds members to a sorted set or changes their scores; the key is created if it does not exist.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::one_of("condition", &[Arg::token("nx", "NX"), Arg::token("xx", "XX")]).optional(),
        Arg::one_of("comparison", &[Arg::token("gt", "GT"), Arg::token("lt", "LT")]).optional(),
        Arg::token("change", "CH").optional(),
        Arg::token("increment", "INCR").optional(),
        Arg::block("data", &[Arg::new("score", ArgKind::Double), Arg::new("member", ArgKind::String)])
            .multiple(),
    ]);

fn zadd(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (options, given) = Options::parse(args.skip(2))?;
    if given.is_empty() || given.len() % 2 != 0 {
        return Err(errors::SYNTAX);
    }
    options.check(given.len() / 2)?;
    add(cx, &args[1], options, given)
}

/// ZINCRBY key increment member
pub(super) const ZINCRBY: Command = Command::new("zincrby", 4, zincrby)
    .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
    .acl(category::SORTEDSET)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)])
    .docs(
        Group::SortedSet,
        "1.2.0",
        "O(log(N)) where N is the size of the sorted set.",
        "Adds to the score of a member; one that is not there counts as 0.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::new("increment", ArgKind::Integer),
        Arg::new("member", ArgKind::String),
    ]);

fn zincrby(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    add(cx, &args[1], Options { incr: true, ..Options::default() }, args.skip(2))
}

/// How ZADD stores.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Members that are there are left alone.
    pub(crate) nx: bool,
    /// Members that are not there are not added.
    pub(crate) xx: bool,
    gt: bool,
    lt: bool,
    /// Members with a new score are counted as well as new ones.
    pub(crate) ch: bool,
    incr: bool,
}

impl Options {
    /// Reads the options up to the first word that is none, and gives what is left.
    fn parse(words: Args<'_>) -> Result<(Self, Args<'_>), ReplyError> {
        let mut options = Self::default();
        for (n, word) in words.iter().enumerate() {
            // Scores are by far the most frequent words here.
            if !word.first().is_some_and(u8::is_ascii_alphabetic) || !options.take(word) {
                return Ok((options, words.skip(n)));
            }
        }
        Err(errors::SYNTAX)
    }

    fn take(&mut self, word: &[u8]) -> bool {
        let known: [(&str, &mut bool); 6] = [
            ("NX", &mut self.nx),
            ("XX", &mut self.xx),
            ("GT", &mut self.gt),
            ("LT", &mut self.lt),
            ("CH", &mut self.ch),
            ("INCR", &mut self.incr),
        ];
        known.into_iter().find(|(name, _)| arg::is(word, name)).map(|(_, option)| *option = true).is_some()
    }

    fn check(&self, members: usize) -> CmdResult {
        if self.nx && self.xx {
            return Err(NX_AND_XX);
        }
        if u8::from(self.gt) + u8::from(self.lt) + u8::from(self.nx) > 1 {
            return Err(GT_LT_NX);
        }
        if self.incr && members > 1 { Err(INCR_ONE) } else { Ok(()) }
    }

    /// The score to store for a member that has the score `old`; `None` if nothing is to be done.
    fn decide(&self, old: Option<f64>, given: f64) -> Result<Option<f64>, ReplyError> {
        let Some(old) = old else { return Ok((!self.xx).then_some(given)) };
        if self.nx {
            return Ok(None);
        }
        let new = if self.incr { old + given } else { given };
        if new.is_nan() {
            return Err(NAN_SCORE);
        }
        let refused = self.lt && new >= old || self.gt && new <= old;
        Ok((!refused).then_some(new))
    }
}

/// What ZADD did.
#[derive(Default)]
struct Outcome {
    added: u64,
    updated: u64,
    /// The score that the last member has now, if the options allowed to store it.
    score: Option<f64>,
}

/// Stores members, given as scores and members in turn, and replies.
fn add(cx: &mut Cx<'_, '_>, key: &[u8], options: Options, given: Args<'_>) -> CmdResult {
    // One pair, which is usual, needs no memory.
    let scores: smallvec::SmallVec<[f64; 8]> =
        given.iter().step_by(2).map(arg::float).collect::<Result<_, _>>()?;
    let members = given.iter().skip(1).step_by(2);
    add_members(cx, key, options, members.zip(scores)).map(drop)
}

/// Stores members with their scores and replies as ZADD does; says whether anything was changed.
pub(crate) fn add_members<'m>(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    options: Options,
    mut members: impl Iterator<Item = (&'m [u8], f64)>,
) -> Result<bool, ReplyError> {
    let key = cx.key(key);
    let limits = cx.view.keyspace().limits();
    let edited = if options.xx {
        typed::edit::<SortedSet>(&mut cx.view, &key)?.map(|entry| (entry, false))
    } else {
        Some(typed::edit_or_create::<SortedSet>(&mut cx.view, &key)?)
    };
    let (mut outcome, mut created) = (Outcome::default(), false);
    if let Some((mut entry, new_key)) = edited {
        created = new_key;
        let set = entry.aggregate_mut::<SortedSet>().expect("its type was looked at");
        let done = members.try_for_each(|(member, score)| {
            let mut failed = Ok(());
            set.update(member, limits, |old| {
                let new = options.decide(old, score).unwrap_or_else(|error| {
                    failed = Err(error);
                    None
                });
                outcome.score = new;
                outcome.added += u64::from(old.is_none() && new.is_some());
                outcome.updated += u64::from(old.is_some() && new.is_some() && old != new);
                new
            });
            failed
        });
        entry.changed(outcome.added + outcome.updated);
        done?;
    }
    match outcome.score {
        _ if !options.incr => {
            cx.out.int((outcome.added + if options.ch { outcome.updated } else { 0 }) as i64);
        }
        Some(score) => cx.out.double(score),
        None => cx.out.null(),
    }
    if created {
        cx.notify(notify_class::NEW, "new", key.bytes);
    }
    if outcome.added + outcome.updated > 0 {
        cx.notify(notify_class::ZSET, if options.incr { "zincr" } else { "zadd" }, key.bytes);
    }
    Ok(outcome.added + outcome.updated > 0)
}
