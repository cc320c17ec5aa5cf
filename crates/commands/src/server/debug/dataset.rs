//! DEBUG subcommands that look at keys, or make some.

use crate::arg;
use redan_engine::{CmdResult, Cx, condition, errors};
use redan_keyspace::{
    Aggregate, DbIndex, Encoding, EntryRef, Limit, Limits, List, NewValue, SetTtl, ValueRef,
};
use redan_persistence::digest::{DatasetDigest, Digest};
use redan_persistence::dump;
use redan_resp::Args;
use std::fmt::Write;

/// Bytes of a DUMP payload that are not the value: its type, and the footer's version and checksum.
const DUMP_FRAME_LEN: usize = 1 + 2 + 8;

/// DEBUG DIGEST
pub(super) fn digest(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let mut digest = DatasetDigest::new();
    let selected = cx.view.db();
    for db in 0..cx.engine.keyspace().databases() {
        digest.select(db);
        cx.view.switch(DbIndex(db));
        cx.view.for_each_key(|entry| {
            digest.add(entry.key(), entry.value(), entry.expire_at_ms().is_some());
        });
    }
    cx.view.switch(selected);
    cx.out.simple(&digest.finish().to_string());
    Ok(())
}

/// DEBUG DIGEST-VALUE [key ...]
pub(super) fn digest_value(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.out.array(args.len() - 2);
    for key in args.skip(2).iter() {
        let of = |entry: EntryRef<'_>| Digest::of_value(entry.value(), entry.expire_at_ms().is_some());
        let digest = cx.view.peek(&cx.key(key)).map(of).unwrap_or_default();
        cx.out.simple(&digest.to_string());
    }
    Ok(())
}

/// DEBUG OBJECT key
pub(super) fn object(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (key, now_ms) = (cx.key(&args[2]), cx.now_ms);
    let entry = cx.view.peek(&key).ok_or(errors::NO_SUCH_KEY)?;
    let serialized = dump::encode(entry.value(), true).len() - DUMP_FRAME_LEN;
    let idle_s = entry.idle_ms(now_ms) / 1000;
    // The access clock as Redis shows it: seconds of the last access, 24 bits.
    let clock = ((now_ms / 1000) as u64).wrapping_sub(idle_s) & 0xff_ffff;
    let mut text = format!(
        "Value at:{:p} refcount:1 encoding:{} serializedlength:{serialized} lru:{clock} lru_seconds_idle:{idle_s}",
        entry.key().as_ptr(),
        entry.encoding().as_str(),
    );
    if entry.encoding() == Encoding::Quicklist
        && let Some(list) = entry.aggregate::<List>()
    {
        text.push_str(&describe_quicklist(list, cx.engine.keyspace().limits()));
    }
    cx.out.simple(&text);
    Ok(())
}

/// How a long list is stored. The limits are those in force, which the list follows when it is changed next.
fn describe_quicklist(list: &List, limits: &Limits) -> String {
    let nodes = list.node_count();
    format!(
        " ql_nodes:{nodes} ql_avg_node:{:.2} ql_listpack_max:{} ql_compressed:{} ql_uncompressed_size:{}",
        list.len() as f64 / nodes as f64,
        limits.get(Limit::ListMaxListpackSize),
        u8::from(limits.get(Limit::ListCompressDepth) != 0),
        list.byte_len(),
    )
}

/// DEBUG LISTPACK key
pub(super) fn listpack(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let entry = cx.view.peek(&cx.key(&args[2])).ok_or(errors::NO_SUCH_KEY)?;
    let elements = match (entry.encoding(), entry.value()) {
        (Encoding::Listpack | Encoding::ListpackEx, ValueRef::Object(object)) => format!("{object:?}"),
        _ => return Err(errors::err("Not a listpack encoded object.")),
    };
    cx.host().log_notice(&elements);
    cx.out.simple("Listpack structure printed on stdout");
    Ok(())
}

/// DEBUG POPULATE count [prefix] [size]
pub(super) fn populate(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let count = arg::int_from(&args[2], 0)?;
    let prefix = args.get(3).unwrap_or(b"key");
    let size = args.get(4).map(|size| arg::int_from(size, 0)).transpose()?.unwrap_or(0);
    let limit = cx.engine.settings().proto_max_bulk_len;
    let size = usize::try_from(size).ok().filter(|size| *size <= limit).ok_or(errors::STRING_TOO_LONG)?;
    if cx.engine.conditions().any(condition::LOADING | condition::ASYNC_LOADING) {
        return Err(errors::LOADING);
    }
    cx.propagate_nothing();
    let (mut name, mut value) = (Vec::new(), Vec::new());
    for number in 0..count {
        name.clear();
        name.extend_from_slice(prefix);
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number).as_bytes();
        name.push(b':');
        name.extend_from_slice(digits);
        let key = cx.key(&name);
        if cx.view.exists(&key) {
            continue;
        }
        value.clear();
        value.extend_from_slice(b"value:");
        value.extend_from_slice(digits);
        if size > 0 {
            value.resize(size, 0);
        }
        cx.view.set(&key, NewValue::Bytes(&value), SetTtl::Clear);
    }
    cx.out.ok();
    Ok(())
}

/// DEBUG HTSTATS dbid [full]
pub(super) fn htstats(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let keyspace = cx.engine.keyspace();
    let db = u32::try_from(arg::int(&args[2])?)
        .ok()
        .filter(|&db| db < keyspace.databases())
        .map(DbIndex)
        .ok_or(errors::err("Out of range database"))?;
    let (keys, expires, bytes) =
        (keyspace.len(db), keyspace.expires_len(db), keyspace.table_memory_usage(db));
    let mut text = String::new();
    let _ = write!(
        text,
        "[Dictionary HT]\nHash table 0 stats (main hash table):\n number of elements: {keys}\n bytes: {bytes}\n\
         [Expires HT]\nHash table 0 stats (main hash table):\n number of elements: {expires}\n",
    );
    cx.out.verbatim("txt", text.as_bytes());
    Ok(())
}

/// DEBUG HTSTATS-KEY key [full]
pub(super) fn htstats_key(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[2]);
    let entry = cx.view.peek(&key).ok_or(errors::NO_SUCH_KEY)?;
    if !matches!(entry.encoding().as_str(), "hashtable" | "skiplist") {
        return Err(errors::err(
            "The value stored at the specified key is not represented using an hash table",
        ));
    }
    let text = format!("Hash table 0 stats (main hash table):\n bytes: {}\n", entry.memory_usage(1));
    cx.out.verbatim("txt", text.as_bytes());
    Ok(())
}
