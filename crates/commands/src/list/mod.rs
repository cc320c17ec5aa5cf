//! List commands.

mod blocking;
mod change;
mod index;
mod pop;
mod position;
mod push;
mod read;
mod transfer;

use redan_engine::{Arg, Command, Cx, ReplyError, errors, notify_class};
use redan_keyspace::{End, EntryMut, Key, List, ListLimits};

use crate::arg;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    blocking::BLMOVE,
    blocking::BLMPOP,
    blocking::BLPOP,
    blocking::BRPOP,
    blocking::BRPOPLPUSH,
    change::LINSERT,
    change::LREM,
    change::LSET,
    change::LTRIM,
    pop::LMPOP,
    pop::LPOP,
    pop::RPOP,
    position::LPOS,
    push::LPUSH,
    push::LPUSHX,
    push::RPUSH,
    push::RPUSHX,
    read::LINDEX,
    read::LLEN,
    read::LRANGE,
    transfer::LMOVE,
    transfer::RPOPLPUSH,
];

/// `LEFT` or `RIGHT`, for COMMAND DOCS.
const ENDS: &[Arg] = &[Arg::token("left", "LEFT"), Arg::token("right", "RIGHT")];

/// The limits of lists at the moment.
#[inline]
fn limits(cx: &Cx<'_, '_>) -> ListLimits {
    ListLimits::of(cx.view.keyspace().limits())
}

/// `LEFT` or `RIGHT`.
///
/// # Errors
/// `syntax error`.
fn end(word: &[u8]) -> Result<End, ReplyError> {
    if arg::is(word, "LEFT") {
        Ok(End::Head)
    } else if arg::is(word, "RIGHT") {
        Ok(End::Tail)
    } else {
        Err(errors::SYNTAX)
    }
}

/// Name of the event, or of the command, of a value being taken from an end.
fn popped_from(end: End) -> (&'static str, &'static [u8]) {
    match end {
        End::Head => ("lpop", b"LPOP"),
        End::Tail => ("rpop", b"RPOP"),
    }
}

/// Name of the event of a value being put to an end.
fn pushed_to(end: End) -> &'static str {
    match end {
        End::Head => "lpush",
        End::Tail => "rpush",
    }
}

/// Removes `n` elements, which are there, at an end of a list, and its key with the last; says whether that happened.
/// [`notify_popped`] has to follow.
fn remove_at(mut entry: EntryMut<'_, '_>, end: End, n: usize, limits: &ListLimits) -> bool {
    let list = entry.aggregate_mut::<List>().expect("its type was checked");
    list.pop(end, n, limits);
    entry.changed(n as u64);
    entry.remove_if_emptied()
}

/// The events of elements that were removed at an end of a list, perhaps the last ones.
fn notify_popped(cx: &mut Cx<'_, '_>, key: &Key<'_>, end: End, emptied: bool) {
    cx.notify(notify_class::LIST, popped_from(end).0, key.bytes);
    if emptied {
        cx.notify(notify_class::GENERIC, "del", key.bytes);
    }
}

#[cfg(test)]
mod tests;
