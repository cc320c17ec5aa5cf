//! XGROUP: consumer groups and their consumers.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
    notify_class,
};
use redan_keyspace::stream::{self, StreamId};
use redan_keyspace::{EntryMut, Key, Stream};
use redan_resp::Args;

use super::{id, texts};
use crate::{arg, typed};

const GROUP: Arg = Arg::new("group", ArgKind::String);
const CONSUMER: Arg = Arg::new("consumer", ArgKind::String);
const ID_SYNTAX: Arg =
    Arg::one_of("id-selector", &[Arg::new("id", ArgKind::String), Arg::token("new-id", "$")]);
const READ_SYNTAX: Arg = Arg::new("entriesread", ArgKind::Integer).after("ENTRIESREAD").optional();

const fn keys(flags: u32) -> [KeySpec; 1] {
    [KeySpec::one(2, key_flag::RW | flags)]
}

/// XGROUP
pub(super) const XGROUP: Command = Command::new("xgroup", -2, crate::container)
    .docs(Group::Stream, "5.0.0", "Depends on subcommand.", "A container for commands on consumer groups.")
    .subcommands(&[
        Command::new("create", -5, create)
            .flags(flag::WRITE | flag::DENYOOM)
            .acl(category::STREAM)
            .keys(&keys(key_flag::INSERT))
            .docs(Group::Stream, "5.0.0", "O(1)", "Creates a consumer group.")
            .args(&[
                Arg::key("key", 0),
                GROUP,
                ID_SYNTAX,
                Arg::token("mkstream", "MKSTREAM").optional(),
                READ_SYNTAX,
            ]),
        Command::new("createconsumer", 5, create_consumer)
            .flags(flag::WRITE | flag::DENYOOM)
            .acl(category::STREAM)
            .keys(&keys(key_flag::INSERT))
            .docs(Group::Stream, "6.2.0", "O(1)", "Creates a consumer in a consumer group.")
            .args(&[Arg::key("key", 0), GROUP, CONSUMER]),
        Command::new("delconsumer", 5, delete_consumer)
            .flags(flag::WRITE)
            .acl(category::STREAM)
            .keys(&keys(key_flag::DELETE))
            .docs(
                Group::Stream,
                "5.0.0",
                "O(N) for N entries pending with it.",
                "Deletes a consumer of a consumer group.",
            )
            .args(&[Arg::key("key", 0), GROUP, CONSUMER]),
        Command::new("destroy", 4, destroy)
            .flags(flag::WRITE)
            .acl(category::STREAM)
            .keys(&keys(key_flag::DELETE))
            .docs(Group::Stream, "5.0.0", "O(N) for N entries pending in it.", "Destroys a consumer group.")
            .args(&[Arg::key("key", 0), GROUP]),
        Command::new("help", 2, help).flags(flag::LOADING | flag::STALE).acl(category::STREAM).docs(
            Group::Stream,
            "5.0.0",
            "O(1)",
            "Returns what the subcommands do.",
        ),
        Command::new("setid", -5, set_id)
            .flags(flag::WRITE)
            .acl(category::STREAM)
            .keys(&keys(key_flag::UPDATE))
            .docs(Group::Stream, "5.0.0", "O(1)", "Sets how far a consumer group has read.")
            .args(&[Arg::key("key", 0), GROUP, ID_SYNTAX, READ_SYNTAX]),
    ]);

/// Options behind the id of CREATE and SETID.
#[derive(Default)]
struct Options {
    make_stream: bool,
    entries_read: Option<u64>,
}

impl Options {
    fn parse(args: Args<'_>, may_make: bool) -> Result<Self, ReplyError> {
        let (mut options, mut rest) = (Self::default(), args.skip(5).iter());
        let wrong = || errors::unknown_subcommand_or_arity("xgroup", &args[1]);
        while let Some(word) = rest.next() {
            if may_make && arg::is(word, "MKSTREAM") {
                options.make_stream = true;
            } else if arg::is(word, "ENTRIESREAD") {
                options.entries_read = match arg::int(rest.next().ok_or_else(wrong)?)? {
                    -1 => None,
                    read => Some(u64::try_from(read).map_err(|_| texts::ENTRIESREAD)?),
                };
            } else {
                return Err(wrong());
            }
        }
        Ok(options)
    }
}

/// The stream of a subcommand, which has to be there.
fn existing<'v, 'k>(
    view: &'v mut redan_keyspace::View<'k>,
    key: &Key<'_>,
) -> Result<EntryMut<'v, 'k>, ReplyError> {
    typed::edit::<Stream>(view, key)?.ok_or(texts::XGROUP_NO_KEY)
}

/// The stream of a subcommand whose group has to be there too.
fn existing_group<'v, 'k>(
    view: &'v mut redan_keyspace::View<'k>,
    key: &Key<'_>,
    group: &[u8],
) -> Result<EntryMut<'v, 'k>, ReplyError> {
    let entry = existing(view, key)?;
    match entry.aggregate::<Stream>().and_then(|stream| stream.group(group)) {
        Some(_) => Ok(entry),
        None => Err(texts::no_group(key.bytes, group)),
    }
}

fn stream_mut<'a>(entry: &'a mut EntryMut<'_, '_>) -> &'a mut Stream {
    entry.aggregate_mut::<Stream>().expect("its type was checked")
}

fn group_mut<'a>(entry: &'a mut EntryMut<'_, '_>, name: &[u8]) -> &'a mut stream::Group {
    stream_mut(entry).group_mut(name).expect("it was there a moment ago")
}

fn create(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let options = Options::parse(args, true)?;
    let (key, name) = (cx.key(&args[2]), &args[3]);
    let last_id = |stream: &Stream| stream.log().counters().last_id;
    let before = typed::edit::<Stream>(&mut cx.view, &key)?;
    if before.is_none() && !options.make_stream {
        return Err(texts::XGROUP_NO_KEY);
    }
    let newest = before.as_ref().and_then(EntryMut::aggregate::<Stream>).map_or(StreamId::MIN, last_id);
    let id = if &args[4] == b"$" { newest } else { id::parse(&args[4], 0)? };
    let (mut entry, created) = typed::edit_or_create::<Stream>(&mut cx.view, &key)?;
    if entry.aggregate::<Stream>().is_some_and(|stream| stream.group(name).is_some()) {
        return Err(texts::BUSY_GROUP);
    }
    stream_mut(&mut entry).add_group(name, stream::Group::new(id, options.entries_read));
    entry.changed(1);
    cx.out.ok();
    if created {
        cx.notify(notify_class::NEW, "new", key.bytes);
    }
    cx.notify(notify_class::STREAM, "xgroup-create", key.bytes);
    Ok(())
}

fn set_id(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let options = Options::parse(args, false)?;
    let (key, name) = (cx.key(&args[2]), &args[3]);
    let mut entry = existing_group(&mut cx.view, &key, name)?;
    let id = match &args[4] {
        b"$" => stream_mut(&mut entry).log().counters().last_id,
        text => id::parse_or_end(text, 0)?,
    };
    let group = group_mut(&mut entry, name);
    (group.last_id, group.entries_read) = (id, options.entries_read);
    entry.changed(1);
    cx.out.ok();
    cx.notify(notify_class::STREAM, "xgroup-setid", key.bytes);
    Ok(())
}

fn destroy(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[2]);
    let mut entry = existing(&mut cx.view, &key)?;
    let destroyed = stream_mut(&mut entry).remove_group(&args[3]);
    entry.changed(u64::from(destroyed));
    cx.out.int(i64::from(destroyed));
    if destroyed {
        cx.notify(notify_class::STREAM, "xgroup-destroy", key.bytes);
    }
    Ok(())
}

fn create_consumer(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[2]);
    let mut entry = existing_group(&mut cx.view, &key, &args[3])?;
    let created = group_mut(&mut entry, &args[3]).add_consumer(&args[4], cx.now_ms).is_some();
    entry.changed(u64::from(created));
    cx.out.int(i64::from(created));
    if created {
        cx.notify(notify_class::STREAM, "xgroup-createconsumer", key.bytes);
    }
    Ok(())
}

fn delete_consumer(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[2]);
    let mut entry = existing_group(&mut cx.view, &key, &args[3])?;
    let pending = group_mut(&mut entry, &args[3]).remove_consumer(&args[4]);
    entry.changed(u64::from(pending.is_some()));
    cx.out.int(pending.unwrap_or(0) as i64);
    if pending.is_some() {
        cx.notify(notify_class::STREAM, "xgroup-delconsumer", key.bytes);
    }
    Ok(())
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "XGROUP",
        &[
            (
                "CREATE <key> <groupname> <id|$> [MKSTREAM] [ENTRIESREAD <entries_read>]",
                "Create a consumer group that reads on behind the id; MKSTREAM creates the stream too.",
            ),
            ("CREATECONSUMER <key> <groupname> <consumer>", "Create a consumer in a group."),
            (
                "DELCONSUMER <key> <groupname> <consumer>",
                "Remove a consumer with all that is pending with it.",
            ),
            ("DESTROY <key> <groupname>", "Remove a group."),
            ("SETID <key> <groupname> <id|$> [ENTRIESREAD <entries_read>]", "Set how far a group has read."),
        ],
    )
}
