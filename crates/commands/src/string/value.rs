//! What all commands on strings share: the type check, the limit, the events of a stored value.

use redan_engine::{CmdResult, Cx, ReplyError, errors, notify_class};
use redan_keyspace::{EntryRef, Key, NewValue, SetTtl, StringRef};

/// The value of an entry that has to be a string.
///
/// # Errors
/// `WRONGTYPE`.
#[inline]
pub(crate) fn string_of(entry: EntryRef<'_>) -> Result<StringRef<'_>, ReplyError> {
    entry.string().ok_or(errors::WRONG_TYPE)
}

/// How long a string may get, in bytes: `proto-max-bulk-len` binds clients, not what a master or a file says.
pub(crate) fn longest(cx: &Cx<'_, '_>) -> usize {
    if cx.is_from_client() { cx.engine.settings().proto_max_bulk_len } else { usize::MAX }
}

/// Whether a string of `len` bytes may get `more` of them.
///
/// # Errors
/// `string exceeds maximum allowed size`.
pub(crate) fn check_length(len: usize, more: usize, longest: usize) -> CmdResult {
    match len.checked_add(more) {
        Some(sum) if sum <= longest => Ok(()),
        _ => Err(errors::STRING_TOO_LONG),
    }
}

/// Stores a string as SET does, with its events.
#[inline]
pub(crate) fn store(cx: &mut Cx<'_, '_>, key: &Key<'_>, value: &[u8], ttl: SetTtl) {
    let existed = cx.view.set(key, NewValue::Bytes(value), ttl);
    notify_stored(cx, key.bytes, existed, "set");
}

/// The events of a string that was stored by `event`.
#[inline]
pub(crate) fn notify_stored(cx: &mut Cx<'_, '_>, key: &[u8], existed: bool, event: &'static str) {
    if !existed {
        cx.notify(notify_class::NEW, "new", key);
    }
    cx.notify(notify_class::STRING, event, key);
}

/// The event of a key that a reading command did not find.
#[inline]
pub(crate) fn notify_miss(cx: &mut Cx<'_, '_>, key: &[u8]) {
    cx.notify(notify_class::KEY_MISS, "keymiss", key);
}
