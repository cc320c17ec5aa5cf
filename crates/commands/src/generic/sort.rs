//! SORT and SORT_RO: the elements of a list, set or sorted set in another order, with what other keys say of them.

mod options;
mod pattern;
mod weigh;

use std::ops::ControlFlow;

use redan_engine::{
    Arg, ArgKind, BeginSearch, CmdResult, Command, Cx, FindKeys, Group, KeySpec, ReplyError, category,
    errors, flag, key_flag, notify_class,
};
use redan_keyspace::{Aggregate, End, Key, List, ListLimits, NewValue, Object, SetTtl, StringRef, ValueRef};
use redan_resp::Args;

use crate::string::value::notify_miss;
use options::Options;
use pattern::Pattern;

const SORTED: KeySpec = KeySpec::one(1, key_flag::RO | key_flag::ACCESS);

/// Keys that only the elements tell.
const LOOKED_UP: KeySpec = KeySpec {
    flags: key_flag::RO | key_flag::ACCESS,
    begin: BeginSearch::Unknown,
    find: FindKeys::Unknown,
    notes: "The keys of BY and GET: their names are made of the elements of the sorted key",
};

const STORED: KeySpec = KeySpec {
    flags: key_flag::OW | key_flag::UPDATE,
    begin: BeginSearch::Unknown,
    find: FindKeys::Unknown,
    notes: "The key of STORE, which may stand anywhere among the options",
};

const BY: Arg = Arg { key_spec: 1, ..Arg::new("by-pattern", ArgKind::Pattern).after("BY").optional() };
const LIMIT: Arg =
    Arg::block("limit", &[Arg::new("offset", ArgKind::Integer), Arg::new("count", ArgKind::Integer)])
        .after("LIMIT")
        .optional();
const GET: Arg = Arg {
    key_spec: 1,
    ..Arg::new("get-pattern", ArgKind::Pattern).after("GET").optional().multiple().multiple_token()
};
const ORDER: Arg = Arg::one_of("order", &[Arg::token("asc", "ASC"), Arg::token("desc", "DESC")]).optional();
const ALPHA: Arg = Arg::token("sorting", "ALPHA").optional();

const COMPLEXITY: &str = "O(N+M*log(M)) where N is the number of elements to sort and M the number of returned elements; O(N) when nothing is sorted.";

/// SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] [STORE destination]
pub(super) const SORT: Command = Command::new("sort", -2, |cx, args| sort(cx, args, true))
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::SET | category::SORTEDSET | category::LIST | category::DANGEROUS)
    .keys(&[SORTED, LOOKED_UP, STORED])
    .keys_found_by(|args, keys| {
        keys.push((1, SORTED.flags));
        if let Some(at) = options::find_store(args) {
            keys.push((at as u32, STORED.flags));
        }
    })
    .alone_when(options::look_anything_up)
    .docs(
        Group::Generic,
        "1.0.0",
        COMPLEXITY,
        "Sorts the elements of a list, a set or a sorted set, and returns or stores them.",
    )
    .args(&[
        Arg::key("key", 0),
        BY,
        LIMIT,
        GET,
        ORDER,
        ALPHA,
        Arg::key("destination", 2).after("STORE").optional(),
    ]);

/// SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]
pub(super) const SORT_RO: Command = Command::new("sort_ro", -2, |cx, args| sort(cx, args, false))
    .flags(flag::READONLY)
    .acl(category::SET | category::SORTEDSET | category::LIST | category::DANGEROUS)
    .keys(&[SORTED, LOOKED_UP])
    .keys_found_by(|_, keys| keys.push((1, SORTED.flags)))
    .alone_when(options::look_anything_up)
    .docs(
        Group::Generic,
        "7.0.0",
        COMPLEXITY,
        "Sorts the elements of a list, a set or a sorted set, and returns them.",
    )
    .args(&[Arg::key("key", 0), BY, LIMIT, GET, ORDER, ALPHA]);

/// Not all keys may be read, which BY and GET would have to.
fn denied(option: &str) -> ReplyError {
    errors::err(format!("{option} option of SORT denied due to insufficient ACL permissions."))
}

fn sort(cx: &mut Cx<'_, '_>, args: Args<'_>, may_store: bool) -> CmdResult {
    let mut options = Options::parse(cx, args, may_store)?;
    let key = cx.key(&args[1]);
    let elements = load(cx, &key, &mut options)?;
    let elements = weigh::sorted(cx, elements, &options)?;
    match options.store {
        Some(destination) => store(cx, destination, &elements, &options),
        None => reply(cx, &elements, &options),
    }
    Ok(())
}

/// The elements to be sorted; those that are wanted, in their order, if there is nothing to sort.
fn load(cx: &mut Cx<'_, '_>, key: &Key<'_>, options: &mut Options<'_>) -> Result<Vec<Vec<u8>>, ReplyError> {
    let ordered = cx.is_nested() || options.store.is_some();
    let Some(entry) = cx.view.get(key) else {
        notify_miss(cx, key.bytes);
        return Ok(Vec::new());
    };
    let ValueRef::Object(object) = entry.value() else { return Err(errors::WRONG_TYPE) };
    let mut elements = Vec::new();
    match object {
        Object::List(list) => {
            let (end, (skip, n)) = if options.sorts {
                (End::Head, (0, list.len()))
            } else {
                (if options.descending { End::Tail } else { End::Head }, options.range(list.len()))
            };
            let _ = list.visit(end, skip, n, |element| {
                elements.push(element.to_vec());
                ControlFlow::Continue(())
            });
        }
        Object::Set(set) => {
            // A set has no order of its own: what others see of it has to be the same everywhere.
            if !options.sorts && ordered {
                options.sort_by_text();
            }
            elements.extend(set.iter().map(StringRef::to_vec));
            if !options.sorts {
                let (skip, n) = options.range(elements.len());
                elements = elements.split_off(skip);
                elements.truncate(n);
            }
        }
        Object::SortedSet(sorted_set) => {
            let texts = sorted_set.iter().map(|(member, _)| member.to_vec());
            if options.sorts {
                elements.extend(texts);
            } else {
                let (skip, n) = options.range(sorted_set.len());
                if options.descending {
                    elements.extend(texts.rev().skip(skip).take(n));
                } else {
                    elements.extend(texts.skip(skip).take(n));
                }
            }
        }
        _ => return Err(errors::WRONG_TYPE),
    }
    Ok(elements)
}

/// Hands out each result: the elements, or what the GET patterns give for them.
fn results(
    cx: &mut Cx<'_, '_>,
    elements: &[Vec<u8>],
    options: &Options<'_>,
    mut give: impl FnMut(&mut Cx<'_, '_>, Option<&[u8]>),
) {
    for element in elements {
        if options.get.is_empty() {
            give(cx, Some(element));
        }
        for pattern in &options.get {
            let found = pattern.look_up(cx, element);
            give(cx, found.as_deref());
        }
    }
}

fn reply(cx: &mut Cx<'_, '_>, elements: &[Vec<u8>], options: &Options<'_>) {
    cx.out.array(elements.len() * options.get.len().max(1));
    results(cx, elements, options, |cx, result| match result {
        Some(bytes) => cx.out.bulk(bytes),
        None => cx.out.null(),
    });
}

/// Stores the results as a list and replies their number; without any, the key is removed.
fn store(cx: &mut Cx<'_, '_>, destination: &[u8], elements: &[Vec<u8>], options: &Options<'_>) {
    let limits = ListLimits::of(cx.view.keyspace().limits());
    let mut list = List::default();
    results(cx, elements, options, |_, result| list.push(End::Tail, [result.unwrap_or_default()], &limits));
    list.loaded(&limits);
    let len = list.len();
    let key = cx.key(destination);
    if len > 0 {
        let existed = cx.view.set(&key, NewValue::from(list), SetTtl::Clear);
        if !existed {
            cx.notify(notify_class::NEW, "new", destination);
        }
        cx.notify(notify_class::LIST, "sortstore", destination);
    } else if cx.view.remove(&key) {
        cx.notify(notify_class::GENERIC, "del", destination);
    }
    cx.out.int(len as i64);
}

#[cfg(test)]
mod tests;
