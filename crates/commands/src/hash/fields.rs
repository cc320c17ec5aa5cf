//! What the commands of hashes share: lists of fields in arguments, fields whose time has come, events.

use redan_engine::{Arg, ArgKind, Cx, ReplyError, notify_class};
use redan_keyspace::{EntryMut, Hash, Key, View};
use redan_resp::Args;

use crate::arg;

/// `FIELDS numfields field ...` is not where it must be.
const MISSING: ReplyError =
    ReplyError::fixed("ERR Mandatory argument FIELDS is missing or not at the right position");
/// There are not as many fields as announced.
const MISMATCH: ReplyError =
    ReplyError::fixed("ERR The `numfields` parameter must match the number of arguments");
/// No field is announced, or no number stands there.
pub(super) const NOT_POSITIVE: ReplyError =
    ReplyError::fixed("ERR Number of fields must be a positive integer");

/// The syntax of a list of fields.
pub(super) const FIELDS: Arg = Arg::block(
    "fields",
    &[Arg::new("numfields", ArgKind::Integer), Arg::new("field", ArgKind::String).multiple()],
)
.after("FIELDS");

/// Reads `FIELDS numfields field ...`, which begins at `at` and goes to the end.
///
/// # Errors
/// It is not there, the number is none (`bad_number`), or it does not match.
pub(super) fn parse<'a>(args: &Args<'a>, at: usize, bad_number: ReplyError) -> Result<Args<'a>, ReplyError> {
    if !args.get(at).is_some_and(|word| arg::is(word, "FIELDS")) {
        return Err(MISSING);
    }
    let fields = args.skip(at + 2);
    match args.get(at + 1).and_then(redan_resp::parse_i64) {
        Some(number) if number > 0 => {
            if usize::try_from(number) == Ok(fields.len()) {
                Ok(fields)
            } else {
                Err(MISMATCH)
            }
        }
        _ => Err(bad_number),
    }
}

/// Removes those of these fields whose time has come, for a reading command that met one of them.
#[cold]
pub(crate) fn expire_met<'f>(view: &mut View<'_>, key: &Key<'_>, fields: impl IntoIterator<Item = &'f [u8]>) {
    if let Some(entry) = view.edit(key) {
        entry.expire_fields(fields);
    }
}

/// The hash that a changing command has in its hands.
pub(super) fn hash_of<'a>(entry: &'a mut EntryMut<'_, '_>) -> &'a mut Hash {
    entry.aggregate_mut().expect("the type was checked")
}

/// The end of a command that removed fields: removes the key with its last one, and tells.
pub(super) fn finish_removal(cx: &mut Cx<'_, '_>, key: &Key<'_>, removed: usize, emptied: bool) {
    if removed > 0 {
        cx.notify(notify_class::HASH, "hdel", key.bytes);
    }
    if emptied {
        cx.notify(notify_class::GENERIC, "del", key.bytes);
    }
}

/// Propagates `command key ... FIELDS n field ...`.
pub(super) fn propagate_for(cx: &mut Cx<'_, '_>, head: &[&[u8]], fields: &[&[u8]]) {
    let mut number = itoa::Buffer::new();
    let mut words = head.to_vec();
    words.extend([&b"FIELDS"[..], number.format(fields.len()).as_bytes()]);
    words.extend(fields);
    cx.propagate(&words);
}

/// Propagates the removal of fields, one by one as Redis does.
pub(super) fn propagate_removals(cx: &mut Cx<'_, '_>, key: &Key<'_>, fields: &[&[u8]]) {
    for field in fields {
        cx.propagate(&[b"HDEL", key.bytes, field]);
    }
}
