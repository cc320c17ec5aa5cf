//! Unions, intersections and differences of sorted sets and sets.

use std::sync::Arc;

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::{Aggregate, IntText, Limits, Object, SortedSet, SortedSetBuilder};
use redan_resp::Args;

use super::errors::{LIMIT, WEIGHT};
use super::value::{BIG_REPLY, reply_members, store_result};
use crate::arg;
use crate::string::value::notify_miss;

const READ: u32 = key_flag::RO | key_flag::ACCESS;
const READ_KEYS: &[KeySpec] = &[KeySpec::counted(1, READ)];
const STORE_KEYS: &[KeySpec] = &[KeySpec::one(1, key_flag::OW | key_flag::UPDATE), KeySpec::counted(2, READ)];

const NUMKEYS: Arg = Arg::new("numkeys", ArgKind::Integer);
const WEIGHTS: Arg = Arg::new("weight", ArgKind::Integer).after("WEIGHTS").optional().multiple();
const AGGREGATE: Arg =
    Arg::one_of("aggregate", &[Arg::token("sum", "SUM"), Arg::token("min", "MIN"), Arg::token("max", "MAX")])
        .after("AGGREGATE")
        .optional();
const WITHSCORES: Arg = Arg::token("withscores", "WITHSCORES").optional();

const UNION_COMPLEXITY: &str =
    "O(N)+O(M*log(M)) with N being the number of members of all sources and M that of the result.";
const INTER_COMPLEXITY: &str =
    "O(N*K)+O(M*log(M)) with N being the size of the smallest of K sources and M that of the result.";
const DIFF_COMPLEXITY: &str =
    "O(N*K)+O(M*log(M)) with N being the size of the first of K sources and M that of the result.";

/// ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]
pub(super) const ZUNION: Command = Command::new("zunion", -3, zunion)
    .flags(flag::READONLY)
    .acl(category::SORTEDSET)
    .keys(READ_KEYS)
    .docs(Group::SortedSet, "6.2.0", UNION_COMPLEXITY, "Returns the members of any of several sorted sets.")
    .args(&[NUMKEYS, Arg::key("key", 0).multiple(), WEIGHTS, AGGREGATE, WITHSCORES]);

fn zunion(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_result(cx, args, Operation::Union)
}

/// ZINTER numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]
pub(super) const ZINTER: Command = Command::new("zinter", -3, zinter)
    .flags(flag::READONLY)
    .acl(category::SORTEDSET)
    .keys(READ_KEYS)
    .docs(Group::SortedSet, "6.2.0", INTER_COMPLEXITY, "Returns the members that several sorted sets share.")
    .args(&[NUMKEYS, Arg::key("key", 0).multiple(), WEIGHTS, AGGREGATE, WITHSCORES]);

fn zinter(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_result(cx, args, Operation::Inter)
}

/// ZDIFF numkeys key [key ...] [WITHSCORES]
pub(super) const ZDIFF: Command = Command::new("zdiff", -3, zdiff)
    .flags(flag::READONLY)
    .acl(category::SORTEDSET)
    .keys(READ_KEYS)
    .docs(
        Group::SortedSet,
        "6.2.0",
        DIFF_COMPLEXITY,
        "Returns the members of a sorted set that none of the others has.",
    )
    .args(&[NUMKEYS, Arg::key("key", 0).multiple(), WITHSCORES]);

fn zdiff(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_result(cx, args, Operation::Diff)
}

/// ZINTERCARD numkeys key [key ...] [LIMIT limit]
pub(super) const ZINTERCARD: Command = Command::new("zintercard", -3, zintercard)
    .flags(flag::READONLY)
    .acl(category::SORTEDSET)
    .keys(READ_KEYS)
    .docs(
        Group::SortedSet,
        "7.0.0",
        "O(N*K) with N being the size of the smallest of K sources.",
        "Counts the members that several sorted sets share.",
    )
    .args(&[
        NUMKEYS,
        Arg::key("key", 0).multiple(),
        Arg::new("limit", ArgKind::Integer).after("LIMIT").optional(),
    ]);

fn zintercard(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let request = Request::parse(cx, args.skip(1), Operation::Inter, Form::Card)?;
    let sources = request.sources(cx)?;
    let most = if request.limit == 0 { usize::MAX } else { request.limit };
    let mut shared = 0;
    inter(&sources, Total::Sum, |_, _| {
        shared += 1;
        shared < most
    });
    cx.out.int(shared as i64);
    Ok(())
}

/// ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]
pub(super) const ZUNIONSTORE: Command = Command::new("zunionstore", -4, zunionstore)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::SORTEDSET)
    .keys(STORE_KEYS)
    .docs(Group::SortedSet, "2.0.0", UNION_COMPLEXITY, "Stores the members of any of several sorted sets.")
    .args(&[Arg::key("destination", 0), NUMKEYS, Arg::key("key", 1).multiple(), WEIGHTS, AGGREGATE]);

fn zunionstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    store(cx, args, Operation::Union, "zunionstore")
}

/// ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]
pub(super) const ZINTERSTORE: Command = Command::new("zinterstore", -4, zinterstore)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::SORTEDSET)
    .keys(STORE_KEYS)
    .docs(Group::SortedSet, "2.0.0", INTER_COMPLEXITY, "Stores the members that several sorted sets share.")
    .args(&[Arg::key("destination", 0), NUMKEYS, Arg::key("key", 1).multiple(), WEIGHTS, AGGREGATE]);

fn zinterstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    store(cx, args, Operation::Inter, "zinterstore")
}

/// ZDIFFSTORE destination numkeys key [key ...]
pub(super) const ZDIFFSTORE: Command = Command::new("zdiffstore", -4, zdiffstore)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::SORTEDSET)
    .keys(STORE_KEYS)
    .docs(
        Group::SortedSet,
        "6.2.0",
        DIFF_COMPLEXITY,
        "Stores the members of a sorted set that none of the others has.",
    )
    .args(&[Arg::key("destination", 0), NUMKEYS, Arg::key("key", 1).multiple()]);

fn zdiffstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    store(cx, args, Operation::Diff, "zdiffstore")
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operation {
    Union,
    Inter,
    Diff,
}

/// What becomes of the result, which decides on the options there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Reply,
    Store,
    Card,
}

/// What the score of a member is that several sources have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Total {
    Sum,
    Min,
    Max,
}

impl Total {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Sum => number(a + b),
            Self::Min => a.min(b),
            Self::Max => a.max(b),
        }
    }
}

/// Infinities that cancel each other out, or are multiplied by 0, count as 0.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// The arguments from the number of keys on.
struct Request<'a> {
    keys: Args<'a>,
    operation: Operation,
    weights: Vec<f64>,
    total: Total,
    with_scores: bool,
    /// Members counted at most; 0: all.
    limit: usize,
}

impl<'a> Request<'a> {
    fn parse(cx: &Cx<'_, '_>, args: Args<'a>, operation: Operation, form: Form) -> Result<Self, ReplyError> {
        let numkeys = arg::int(&args[0])?;
        if numkeys < 1 {
            let command = &cx.entry.full_name;
            return Err(errors::err(format_args!("at least 1 input key is needed for '{command}' command")));
        }
        if numkeys as u64 > args.len() as u64 - 1 {
            return Err(errors::SYNTAX);
        }
        let numkeys = numkeys as usize;
        let mut request = Self {
            keys: args.skip(1).take(numkeys),
            operation,
            weights: vec![1.0; numkeys],
            total: Total::Sum,
            with_scores: false,
            limit: 0,
        };
        let mut rest = args.skip(1 + numkeys).iter();
        while let Some(word) = rest.next() {
            request.take(word, &mut rest, form)?;
        }
        Ok(request)
    }

    fn take(
        &mut self,
        word: &[u8],
        rest: &mut impl ExactSizeIterator<Item = &'a [u8]>,
        form: Form,
    ) -> CmdResult {
        let combines = self.operation != Operation::Diff && form != Form::Card;
        if combines && arg::is(word, "WEIGHTS") && rest.len() >= self.weights.len() {
            for weight in &mut self.weights {
                let text = rest.next().ok_or(errors::SYNTAX)?;
                *weight = redan_resp::parse_f64(text).ok_or(WEIGHT)?;
            }
        } else if combines && arg::is(word, "AGGREGATE") {
            self.total = match rest.next() {
                Some(word) if arg::is(word, "SUM") => Total::Sum,
                Some(word) if arg::is(word, "MIN") => Total::Min,
                Some(word) if arg::is(word, "MAX") => Total::Max,
                _ => return Err(errors::SYNTAX),
            };
        } else if form == Form::Reply && arg::is(word, "WITHSCORES") {
            self.with_scores = true;
        } else if form == Form::Card && arg::is(word, "LIMIT") {
            let text = rest.next().ok_or(errors::SYNTAX)?;
            self.limit =
                redan_resp::parse_i64(text).and_then(|limit| usize::try_from(limit).ok()).ok_or(LIMIT)?;
        } else {
            return Err(errors::SYNTAX);
        }
        Ok(())
    }

    /// What the keys hold.
    fn sources(&self, cx: &mut Cx<'_, '_>) -> Result<Vec<Source>, ReplyError> {
        let mut sources = Vec::with_capacity(self.keys.len());
        let mut missed = Vec::new();
        for (key, &weight) in self.keys.iter().zip(&self.weights) {
            let key = cx.key(key);
            let object = match cx.view.get(&key) {
                Some(entry) => Some(entry.shared_object().ok_or(errors::WRONG_TYPE)?),
                None => {
                    missed.push(key);
                    None
                }
            };
            if object
                .as_deref()
                .is_some_and(|object| !matches!(object, Object::Set(_) | Object::SortedSet(_)))
            {
                return Err(errors::WRONG_TYPE);
            }
            sources.push(Source { object, weight });
        }
        for key in missed {
            notify_miss(cx, key.bytes);
        }
        Ok(sources)
    }

    /// The result. The sources are given back before: what shares them with the keyspace makes the next change copy them.
    fn run(&self, mut sources: Vec<Source>, limits: &Limits) -> SortedSet {
        let mut result = SortedSetBuilder::new();
        match self.operation {
            Operation::Union => {
                // As Redis does: the order decides what is lost when floats are added.
                sources.sort_by_key(Source::len);
                result.reserve(sources.last().map_or(0, Source::len));
                for source in &sources {
                    source.for_each(|member, score| {
                        let score = number(score * source.weight);
                        result.update(member, |old| old.map_or(score, |old| self.total.of(old, score)));
                        true
                    });
                }
            }
            Operation::Inter => {
                sources.sort_by_key(Source::len);
                inter(&sources, self.total, |member, score| result.insert(member, score));
            }
            Operation::Diff => {
                let (first, others) = sources.split_first().expect("there is at least one key");
                first.for_each(|member, score| {
                    if !others.iter().any(|other| other.score(member).is_some()) {
                        result.insert(member, score);
                    }
                    true
                });
            }
        }
        result.finish(limits)
    }
}

/// Gives the members that all sources have to `found`, until that answers false.
fn inter(sources: &[Source], total: Total, mut found: impl FnMut(&[u8], f64) -> bool) {
    let Some(smallest) = sources.iter().min_by_key(|source| source.len()) else { return };
    let others: Vec<&Source> = sources.iter().filter(|source| !std::ptr::eq(*source, smallest)).collect();
    smallest.for_each(|member, score| {
        let first = number(score * smallest.weight);
        let all = others.iter().try_fold(first, |so_far, other| {
            Some(total.of(so_far, number(other.score(member)? * other.weight)))
        });
        all.is_none_or(|score| found(member, score))
    });
}

/// A sorted set or a set whose members have the score 1, and what its scores are multiplied by.
struct Source {
    object: Option<Arc<Object>>,
    weight: f64,
}

impl Source {
    fn len(&self) -> usize {
        self.object.as_deref().map_or(0, Object::len)
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        match self.object.as_deref()? {
            Object::SortedSet(set) => set.score(member),
            Object::Set(set) => set.contains(member).then_some(1.0),
            _ => None,
        }
    }

    /// Shows all members until `visit` answers false.
    fn for_each(&self, mut visit: impl FnMut(&[u8], f64) -> bool) {
        let mut text = IntText::new();
        match self.object.as_deref() {
            Some(Object::SortedSet(set)) => {
                let _ = set.iter().all(|(member, score)| visit(member.bytes(&mut text), score));
            }
            Some(Object::Set(set)) => {
                let _ = set.iter().all(|member| visit(member.bytes(&mut text), 1.0));
            }
            _ => {}
        }
    }
}

fn reply_result(cx: &mut Cx<'_, '_>, args: Args<'_>, operation: Operation) -> CmdResult {
    let request = Request::parse(cx, args.skip(1), operation, Form::Reply)?;
    let sources = request.sources(cx)?;
    let limits = cx.view.keyspace().limits();
    if sources.iter().map(Source::len).sum::<usize>() > BIG_REPLY {
        cx.view.let_go();
    }
    let result = request.run(sources, limits);
    reply_members(cx.out, result.iter(), result.len(), request.with_scores);
    Ok(())
}

fn store(cx: &mut Cx<'_, '_>, args: Args<'_>, operation: Operation, event: &'static str) -> CmdResult {
    let request = Request::parse(cx, args.skip(2), operation, Form::Store)?;
    let sources = request.sources(cx)?;
    let result = request.run(sources, cx.view.keyspace().limits());
    let target = cx.key(&args[1]);
    store_result(cx, &target, result, event);
    Ok(())
}
