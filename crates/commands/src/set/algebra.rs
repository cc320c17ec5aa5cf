//! SINTER, SINTERCARD, SUNION, SDIFF: what several sets have in common, together or not.

use std::sync::Arc;

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::{Aggregate, IntText, Object, Set};
use redan_resp::Args;
use smallvec::SmallVec;

use crate::string::value::notify_miss;
use crate::{arg, typed};

const KEYS: &[KeySpec] = &[KeySpec::range(1, -1, 1, key_flag::RO | key_flag::ACCESS)];
const ANY_ORDER: &[&str] = &["nondeterministic_output_order"];

/// The sets of several keys, held by handles so that they can be looked at together, and after the locks are gone.
pub(super) struct Operands(SmallVec<[Option<Arc<Object>>; 4]>);

impl Operands {
    /// Looks up all of `keys`; a key that is not there is an empty set.
    ///
    /// # Errors
    /// `WRONGTYPE`.
    pub(super) fn read(cx: &mut Cx<'_, '_>, keys: Args<'_>) -> Result<Self, ReplyError> {
        let mut operands = SmallVec::new();
        for key in keys.iter() {
            let key = cx.key(key);
            match cx.view.get(&key) {
                Some(entry) if entry.aggregate::<Set>().is_some() => operands.push(entry.shared_object()),
                Some(_) => return Err(errors::WRONG_TYPE),
                None => {
                    operands.push(None);
                    notify_miss(cx, key.bytes);
                }
            }
        }
        Ok(Self(operands))
    }

    /// The sets that are there; `None` for the others.
    fn sets(&self) -> impl Iterator<Item = Option<&Set>> {
        self.0.iter().map(|object| object.as_deref().and_then(Set::of))
    }

    /// Members of all sets together.
    fn members(&self) -> usize {
        self.sets().flatten().map(Aggregate::len).sum()
    }

    /// Gives the locks back if the work takes long: all sets are pictures of this moment.
    fn let_go_if_big(&self, cx: &mut Cx<'_, '_>) {
        if self.members() > typed::BIG_REPLY {
            cx.view.let_go();
        }
    }

    /// Shows the members of the result, each once, until `visit` returns false (which only an intersection heeds).
    pub(super) fn each(
        &self,
        operation: Operation,
        mut visit: impl FnMut(redan_keyspace::StringRef<'_>) -> bool,
    ) {
        match operation {
            Operation::Intersection => {
                let sets: Option<SmallVec<[&Set; 4]>> = self.sets().collect();
                if let Some(sets) = sets {
                    Set::intersection(&sets, visit);
                }
            }
            Operation::Union => {
                let sets: SmallVec<[&Set; 4]> = self.sets().flatten().collect();
                Set::union(&sets, |member| {
                    visit(member);
                });
            }
            Operation::Difference => {
                let mut sets = self.sets();
                if let Some(Some(first)) = sets.next() {
                    let others: SmallVec<[&Set; 4]> = sets.flatten().collect();
                    Set::difference(first, &others, |member| {
                        visit(member);
                    });
                }
            }
        }
    }
}

/// An operation on sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    Intersection,
    Union,
    Difference,
}

/// SINTER key [key ...]
pub(super) const SINTER: Command = Command::new("sinter", -2, sinter)
    .flags(flag::READONLY)
    .acl(category::SET)
    .keys(KEYS)
    .docs(
        Group::Set,
        "1.0.0",
        "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
        "Returns the members that all of several sets have.",
    )
    .tips(ANY_ORDER)
    .args(&[Arg::key("key", 0).multiple()]);

fn sinter(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_result(cx, args, Operation::Intersection)
}

/// SUNION key [key ...]
pub(super) const SUNION: Command = Command::new("sunion", -2, sunion)
    .flags(flag::READONLY)
    .acl(category::SET)
    .keys(KEYS)
    .docs(
        Group::Set,
        "1.0.0",
        "O(N) where N is the total number of elements in all given sets.",
        "Returns the members that any of several sets has.",
    )
    .tips(ANY_ORDER)
    .args(&[Arg::key("key", 0).multiple()]);

fn sunion(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_result(cx, args, Operation::Union)
}

/// SDIFF key [key ...]
pub(super) const SDIFF: Command = Command::new("sdiff", -2, sdiff)
    .flags(flag::READONLY)
    .acl(category::SET)
    .keys(KEYS)
    .docs(
        Group::Set,
        "1.0.0",
        "O(N) where N is the total number of elements in all given sets.",
        "Returns the members of a set that others do not have.",
    )
    .tips(ANY_ORDER)
    .args(&[Arg::key("key", 0).multiple()]);

fn sdiff(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_result(cx, args, Operation::Difference)
}

fn reply_result(cx: &mut Cx<'_, '_>, args: Args<'_>, operation: Operation) -> CmdResult {
    let operands = Operands::read(cx, args.skip(1))?;
    operands.let_go_if_big(cx);
    let (header, mut shown) = (cx.out.begin_deferred(), 0);
    operands.each(operation, |member| {
        cx.out.bulk(member.bytes(&mut IntText::new()));
        shown += 1;
        true
    });
    cx.out.end_deferred_set(header, shown);
    Ok(())
}

/// SINTERCARD numkeys key [key ...] [LIMIT limit]
pub(super) const SINTERCARD: Command = Command::new("sintercard", -3, sintercard)
    .flags(flag::READONLY)
    .acl(category::SET)
    .keys(&[KeySpec::counted(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Set,
        "7.0.0",
        "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
        "Counts the members that all of several sets have.",
    )
    .args(&[
        Arg::new("numkeys", ArgKind::Integer),
        Arg::key("key", 0).multiple(),
        Arg::new("limit", ArgKind::Integer).after("LIMIT").optional(),
    ]);

fn sintercard(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let number = arg::int(&args[1]).ok().filter(|&number| number > 0).ok_or(errors::NUMKEYS)?;
    let keys = args.skip(2);
    let number = usize::try_from(number).ok().filter(|&number| number <= keys.len());
    let number = number.ok_or(errors::MORE_KEYS_THAN_ARGS)?;
    let limit = parse_limit(keys.skip(number))?;
    let operands = Operands::read(cx, keys.take(number))?;
    operands.let_go_if_big(cx);
    let mut common = 0;
    operands.each(Operation::Intersection, |_| {
        common += 1;
        common != limit
    });
    cx.out.int(common);
    Ok(())
}

/// At which number counting ends; 0: never.
fn parse_limit(options: Args<'_>) -> Result<i64, ReplyError> {
    let (mut limit, mut rest) = (0, options.iter());
    while let Some(word) = rest.next() {
        let value = rest.next().filter(|_| arg::is(word, "LIMIT")).ok_or(errors::SYNTAX)?;
        limit = arg::int_from(value, 0).map_err(|_| errors::NEGATIVE_LIMIT)?;
    }
    Ok(limit)
}
