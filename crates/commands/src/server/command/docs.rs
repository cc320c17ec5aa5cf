//! COMMAND DOCS.

use super::info::reply_names;
use super::{commands, named};
use redan_engine::{Arg, ArgKind, CmdResult, CommandEntry, Cx, arg_flag};
use redan_resp::Args;

const ARG_FLAGS: &[(u32, &str)] = &[
    (arg_flag::OPTIONAL, "optional"),
    (arg_flag::MULTIPLE, "multiple"),
    (arg_flag::MULTIPLE_TOKEN, "multiple_token"),
];

/// COMMAND DOCS [command-name [command-name ...]]
pub(super) fn docs(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let names = args.skip(2);
    let table = cx.engine.table();
    let wanted: Vec<&CommandEntry> = if names.is_empty() {
        commands(table).collect()
    } else {
        names.iter().filter_map(|name| named(table, name)).collect()
    };
    cx.out.map(wanted.len());
    wanted.iter().for_each(|entry| reply_docs(cx, entry));
    Ok(())
}

/// A command's name and the map of what is said about it.
fn reply_docs(cx: &mut Cx<'_, '_>, entry: &CommandEntry) {
    cx.out.bulk(entry.full_name.as_bytes());
    let command = entry.command;
    let (deprecated_since, replaced_by) = command.deprecated;
    let texts = [
        ("summary", command.summary),
        ("since", command.since),
        ("group", command.group.name()),
        ("complexity", command.complexity),
    ];
    let (header, mut pairs) = (cx.out.begin_deferred(), 0);
    let mut field = |cx: &mut Cx<'_, '_>, name: &str, value: &str| {
        if !value.is_empty() {
            cx.out.bulk(name.as_bytes());
            cx.out.bulk(value.as_bytes());
            pairs += 1;
        }
    };
    texts.iter().for_each(|(name, value)| field(cx, name, value));
    if !deprecated_since.is_empty() {
        cx.out.bulk(b"doc_flags");
        cx.out.set(1);
        cx.out.simple("deprecated");
        field(cx, "deprecated_since", deprecated_since);
        field(cx, "replaced_by", replaced_by);
        pairs += 1;
    }
    if !command.args.is_empty() {
        cx.out.bulk(b"arguments");
        reply_args(cx, command.args);
        pairs += 1;
    }
    if !entry.subcommands.is_empty() {
        cx.out.bulk(b"subcommands");
        cx.out.map(entry.subcommands.len());
        for &sub in &entry.subcommands {
            reply_docs(cx, cx.engine.table().entry(sub));
        }
        pairs += 1;
    }
    cx.out.end_deferred_map(header, pairs);
}

fn reply_args(cx: &mut Cx<'_, '_>, args: &[Arg]) {
    cx.out.array(args.len());
    args.iter().for_each(|arg| reply_arg(cx, arg));
}

fn reply_arg(cx: &mut Cx<'_, '_>, arg: &Arg) {
    let nested = matches!(arg.kind, ArgKind::OneOf | ArgKind::Block);
    let has_spec = arg.key_spec >= 0;
    let optional_pairs = [has_spec, !arg.token.is_empty(), arg.flags != 0];
    cx.out.map(3 + optional_pairs.iter().filter(|there| **there).count());
    cx.out.bulk(b"name");
    cx.out.bulk(arg.name.as_bytes());
    cx.out.bulk(b"type");
    cx.out.bulk(kind_name(arg.kind).as_bytes());
    if !nested {
        cx.out.bulk(b"display_text");
        cx.out.bulk(arg.name.as_bytes());
    }
    if has_spec {
        cx.out.bulk(b"key_spec_index");
        cx.out.int(i64::from(arg.key_spec));
    }
    if !arg.token.is_empty() {
        cx.out.bulk(b"token");
        cx.out.bulk(arg.token.as_bytes());
    }
    if arg.flags != 0 {
        cx.out.bulk(b"flags");
        reply_names(cx, ARG_FLAGS, arg.flags);
    }
    if nested {
        cx.out.bulk(b"arguments");
        reply_args(cx, arg.args);
    }
}

fn kind_name(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::String => "string",
        ArgKind::Integer => "integer",
        ArgKind::Double => "double",
        ArgKind::Key => "key",
        ArgKind::Pattern => "pattern",
        ArgKind::UnixTime => "unix-time",
        ArgKind::PureToken => "pure-token",
        ArgKind::OneOf => "oneof",
        ArgKind::Block => "block",
    }
}
