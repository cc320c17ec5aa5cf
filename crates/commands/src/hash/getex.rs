//! HGETEX and HGETDEL: values, and what becomes of their fields.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, flag, key_flag, notify_class,
};
use redan_keyspace::{Hash, IntText, Key};
use redan_resp::Args;
use smallvec::SmallVec;

use super::expire::{close, tell_removed};
use super::fields::{self, FIELDS, NOT_POSITIVE, finish_removal, hash_of, propagate_for};
use super::time::Unit;
use crate::generic::expiry;
use crate::{arg, typed};

const COMPLEXITY: &str = "O(N) where N is the number of specified fields";

/// HGETDEL key FIELDS numfields field [field ...]
pub(super) const HGETDEL: Command = Command::new("hgetdel", -5, hgetdel)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::HASH)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)])
    .docs(Group::Hash, "8.0.0", COMPLEXITY, "Returns the values of fields of a hash and removes the fields.")
    .args(&[Arg::key("key", 0), FIELDS]);

fn hgetdel(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let fields = fields::parse(&args, 2, NOT_POSITIVE)?;
    let key = cx.key(&args[1]);
    let Some(found) = take_values(cx, &key, fields, |hash, field| hash.remove(field))? else { return Ok(()) };
    let Touched { fields: removed, emptied } = found;
    if !removed.is_empty() {
        let mut words: SmallVec<[&[u8]; 8]> = SmallVec::from_slice(&[b"HDEL", key.bytes]);
        words.extend(fields.iter());
        cx.propagate(&words);
    }
    finish_removal(cx, &key, removed.len(), emptied);
    Ok(())
}

/// The fields that a command changed.
struct Touched<'a> {
    fields: SmallVec<[&'a [u8]; 8]>,
    /// Whether the hash went with its last one.
    emptied: bool,
}

/// Replies the values of fields and does something to each of them that is there; `touch` says whether it changed anything.
/// `None` if there is no hash.
fn take_values<'a>(
    cx: &mut Cx<'_, '_>,
    key: &Key<'_>,
    fields: Args<'a>,
    mut touch: impl FnMut(&mut Hash, &[u8]) -> bool,
) -> Result<Option<Touched<'a>>, ReplyError> {
    let entry = typed::edit::<Hash>(&mut cx.view, key)?;
    cx.out.array(fields.len());
    let Some(mut entry) = entry.and_then(|entry| entry.expire_fields(fields.iter())) else {
        (0..fields.len()).for_each(|_| cx.out.null());
        return Ok(None);
    };
    let hash = hash_of(&mut entry);
    let mut touched = SmallVec::new();
    for field in fields.iter() {
        let Some(found) = hash.get(field) else {
            cx.out.null();
            continue;
        };
        cx.out.bulk(found.value.bytes(&mut IntText::new()));
        if touch(hash, field) {
            touched.push(field);
        }
    }
    let emptied = close(entry, touched.len());
    Ok(Some(Touched { fields: touched, emptied }))
}

/// HGETEX key [EX seconds | PX ms | EXAT unix-seconds | PXAT unix-ms | PERSIST] FIELDS numfields field [field ...]
pub(super) const HGETEX: Command = Command::new("hgetex", -5, hgetex)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::HASH)
    .keys(&[KeySpec {
        notes: "RW and UPDATE because it changes the TTL",
        ..KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)
    }])
    .docs(
        Group::Hash,
        "8.0.0",
        COMPLEXITY,
        "Returns the values of fields of a hash and changes when the fields expire.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::one_of(
            "expiration",
            &[
                Arg::new("seconds", ArgKind::Integer).after("EX"),
                Arg::new("milliseconds", ArgKind::Integer).after("PX"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).after("EXAT"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).after("PXAT"),
                Arg::token("persist", "PERSIST"),
            ],
        )
        .optional(),
        FIELDS,
    ]);

/// What HGETEX does to the expiry.
#[derive(Clone, Copy)]
enum Change {
    Nothing,
    Persist,
    Expire(i64),
}

fn hgetex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let option = &args[2];
    let (change, at) = match Unit::of(option) {
        Some(unit) => (Change::Expire(unit.at_ms(cx, &args[3])?), 4),
        None if arg::is(option, "PERSIST") => (Change::Persist, 3),
        None => (Change::Nothing, 2),
    };
    let fields = fields::parse(&args, at, NOT_POSITIVE)?;
    let key = cx.key(&args[1]);
    let over = matches!(change, Change::Expire(at_ms) if expiry::is_over(cx, at_ms));
    let touched = take_values(cx, &key, fields, |hash, field| match change {
        Change::Nothing => false,
        Change::Persist => {
            let timed = hash.get(field).is_some_and(|found| found.expire_at_ms.is_some());
            timed && hash.set_expiry(field, None)
        }
        Change::Expire(_) if over => hash.remove(field),
        Change::Expire(at_ms) => hash.set_expiry(field, Some(at_ms)),
    })?;
    let Some(touched) = touched.filter(|touched| !touched.fields.is_empty()) else { return Ok(()) };
    match change {
        Change::Nothing => {}
        Change::Persist => {
            propagate_for(cx, &[b"HPERSIST", key.bytes], &touched.fields);
            cx.notify(notify_class::HASH, "hpersist", key.bytes);
        }
        Change::Expire(_) if over => tell_removed(cx, &key, &touched.fields, touched.emptied),
        Change::Expire(at_ms) => {
            propagate_for(cx, &[b"HPEXPIREAT", key.bytes, IntText::new().format(at_ms)], &touched.fields);
            cx.notify(notify_class::HASH, "hexpire", key.bytes);
        }
    }
    Ok(())
}
