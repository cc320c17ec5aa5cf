//! COMMAND and COMMAND INFO.

use super::{commands, named};
use redan_engine::{BeginSearch, CmdResult, CommandEntry, Cx, FindKeys, KeySpec, category, flag, key_flag};
use redan_resp::Args;

/// COMMAND INFO [command-name [command-name ...]]
pub(super) fn info(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let names = args.skip(2);
    if names.is_empty() {
        all(cx);
        return Ok(());
    }
    cx.out.array(names.len());
    for name in names.iter() {
        match named(cx.engine.table(), name) {
            Some(entry) => reply_info(cx, entry),
            None => cx.out.null(),
        }
    }
    Ok(())
}

/// The details of all commands.
pub(super) fn all(cx: &mut Cx<'_, '_>) {
    let table = cx.engine.table();
    cx.out.array(commands(table).count());
    commands(table).for_each(|entry| reply_info(cx, entry));
}

fn reply_info(cx: &mut Cx<'_, '_>, entry: &CommandEntry) {
    let keys = PlainKeys::of(entry.command.keys);
    cx.out.array(10);
    cx.out.bulk(entry.full_name.as_bytes());
    cx.out.int(i64::from(entry.command.arity));
    reply_flags(cx, entry, keys.are_all);
    cx.out.int(i64::from(keys.first));
    cx.out.int(i64::from(keys.last));
    cx.out.int(i64::from(keys.step));
    reply_categories(cx, entry);
    cx.out.set(entry.command.tips.len());
    entry.command.tips.iter().for_each(|tip| cx.out.bulk(tip.as_bytes()));
    cx.out.set(entry.command.keys.len());
    entry.command.keys.iter().for_each(|spec| reply_key_spec(cx, spec));
    cx.out.set(entry.subcommands.len());
    for &sub in &entry.subcommands {
        reply_info(cx, cx.engine.table().entry(sub));
    }
}

fn reply_flags(cx: &mut Cx<'_, '_>, entry: &CommandEntry, keys_are_plain: bool) {
    // Not shown: a matter between the server and its scripts.
    let shown = entry.command.flags & !flag::TOUCHES_ARBITRARY_KEYS;
    let mut names: Vec<&str> =
        flag::NAMES.iter().filter(|(bit, _)| shown & bit != 0).map(|(_, name)| *name).collect();
    if !keys_are_plain {
        names.push("movablekeys");
    }
    cx.out.set(names.len());
    names.iter().for_each(|name| cx.out.simple(name));
}

fn reply_categories(cx: &mut Cx<'_, '_>, entry: &CommandEntry) {
    let bits = entry.command.categories();
    let names: Vec<&str> =
        category::NAMES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
    cx.out.set(names.len());
    names.iter().for_each(|name| cx.out.simple(&format!("@{name}")));
}

/// A set of the names of the bits that are set.
pub(super) fn reply_names(cx: &mut Cx<'_, '_>, names: &[(u32, &str)], bits: u32) {
    cx.out.set(names.iter().filter(|(bit, _)| bits & bit != 0).count());
    for (_, name) in names.iter().filter(|(bit, _)| bits & bit != 0) {
        cx.out.simple(name);
    }
}

/// Keys as clients older than key specs understand them: one range.
struct PlainKeys {
    first: i32,
    last: i32,
    step: i32,
    /// Whether the range tells all keys.
    are_all: bool,
}

impl PlainKeys {
    /// Consecutive plain ranges are taken as one; whatever is not part of that is left out.
    fn of(specs: &[KeySpec]) -> Self {
        let mut plain = Self { first: 0, last: 0, step: 0, are_all: true };
        for spec in specs {
            let (BeginSearch::Index(first), FindKeys::Range { last, step, .. }) = (spec.begin, spec.find)
            else {
                plain.are_all = false;
                continue;
            };
            let fits = specs.len() == 1 || (step == 1 && (plain.last == 0 || plain.last == first - 1));
            if !fits {
                plain.are_all = false;
                continue;
            }
            plain.are_all &= spec.flags & key_flag::INCOMPLETE == 0;
            if plain.first == 0 {
                plain.first = first;
            }
            plain.last = if last < 0 { last } else { first + last };
            plain.step = step;
        }
        plain
    }
}

fn reply_key_spec(cx: &mut Cx<'_, '_>, spec: &KeySpec) {
    cx.out.map(if spec.notes.is_empty() { 3 } else { 4 });
    if !spec.notes.is_empty() {
        cx.out.bulk(b"notes");
        cx.out.bulk(spec.notes.as_bytes());
    }
    cx.out.bulk(b"flags");
    reply_names(cx, key_flag::NAMES, spec.flags);
    cx.out.bulk(b"begin_search");
    match spec.begin {
        BeginSearch::Index(at) => reply_spec(cx, "index", &[("index", Value::Int(at))]),
        BeginSearch::Keyword { word, from } => {
            reply_spec(cx, "keyword", &[("keyword", Value::Text(word)), ("startfrom", Value::Int(from))]);
        }
        BeginSearch::Unknown => reply_spec(cx, "unknown", &[]),
    }
    cx.out.bulk(b"find_keys");
    match spec.find {
        FindKeys::Range { last, step, limit } => reply_spec(
            cx,
            "range",
            &[("lastkey", Value::Int(last)), ("keystep", Value::Int(step)), ("limit", Value::Int(limit))],
        ),
        FindKeys::KeyNum { num, first, step } => reply_spec(
            cx,
            "keynum",
            &[("keynumidx", Value::Int(num)), ("firstkey", Value::Int(first)), ("keystep", Value::Int(step))],
        ),
        FindKeys::Unknown => reply_spec(cx, "unknown", &[]),
    }
}

enum Value {
    Int(i32),
    Text(&'static str),
}

fn reply_spec(cx: &mut Cx<'_, '_>, kind: &str, fields: &[(&str, Value)]) {
    cx.out.map(2);
    cx.out.bulk(b"type");
    cx.out.bulk(kind.as_bytes());
    cx.out.bulk(b"spec");
    cx.out.map(fields.len());
    for (name, value) in fields {
        cx.out.bulk(name.as_bytes());
        match value {
            Value::Int(value) => cx.out.int(i64::from(*value)),
            Value::Text(text) => cx.out.bulk(text.as_bytes()),
        }
    }
}
