//! Reaching a key that has to hold a certain type of aggregate.

use redan_engine::{ReplyError, errors};
use redan_keyspace::{Aggregate, EntryMut, Key, NewValue, StringRef, View};
use redan_resp::ReplyBuf;

/// Elements beyond which a reply is made from a shared handle, after the locks are gone.
pub(crate) const BIG_REPLY: usize = 1000;

/// The aggregate of a key for a command that reads; counts a hit or a miss. `None` if the key is not there.
///
/// # Errors
/// `WRONGTYPE`.
#[inline]
pub(crate) fn read<'v, T: Aggregate>(
    view: &'v mut View<'_>,
    key: &Key<'_>,
) -> Result<Option<&'v T>, ReplyError> {
    match view.get(key) {
        Some(entry) => entry.aggregate().map(Some).ok_or(errors::WRONG_TYPE),
        None => Ok(None),
    }
}

/// A key to be changed that holds a `T`; `None` if it is not there.
///
/// # Errors
/// `WRONGTYPE`.
#[inline]
pub(crate) fn edit<'v, 'k, T: Aggregate>(
    view: &'v mut View<'k>,
    key: &Key<'_>,
) -> Result<Option<EntryMut<'v, 'k>>, ReplyError> {
    match view.edit(key) {
        Some(entry) if entry.aggregate::<T>().is_some() => Ok(Some(entry)),
        Some(_) => Err(errors::WRONG_TYPE),
        None => Ok(None),
    }
}

/// The same, but a key that is not there is created with an empty `T`; the flag says whether it was. The caller puts at
/// least one element in, and says so by [`EntryMut::changed`].
///
/// # Errors
/// `WRONGTYPE`.
#[inline]
pub(crate) fn edit_or_create<'v, 'k, T: Aggregate + Default>(
    view: &'v mut View<'k>,
    key: &Key<'_>,
) -> Result<(EntryMut<'v, 'k>, bool), ReplyError> {
    let (entry, created) = view.edit_or_insert_with(key, || NewValue::from(T::default()));
    if entry.aggregate::<T>().is_none() {
        return Err(errors::WRONG_TYPE);
    }
    Ok((entry, created))
}

/// Replies an element as a bulk string.
#[inline]
pub(crate) fn reply_element(out: &mut ReplyBuf, element: StringRef<'_>) {
    match element {
        StringRef::Int(number) => out.bulk_int(number),
        StringRef::Bytes(bytes) => out.bulk(bytes),
    }
}
