//! Small hashes in a listpack: field, value, field, value ...; or with a time to live: field, value, expiry, ordered by
//! expiry, with 0 for none at the end. Both are the layouts of Redis, so that an RDB file holds these bytes as they are.

use super::FieldRef;
use crate::listpack::{Listpack, Pos};
use crate::table::SetTtl;
use crate::value::StringRef;

/// Elements of a field in a listpack without expiries.
pub(super) const PLAIN: usize = 2;
/// Elements of a field in a listpack with expiries.
pub(super) const TIMED: usize = 3;

/// Number of fields.
#[inline]
pub(super) fn len(list: &Listpack, width: usize) -> usize {
    list.len() / width
}

/// The place of a field.
#[inline]
fn find(list: &Listpack, width: usize, field: &[u8]) -> Option<Pos> {
    list.find(field, list.first()?, width - 1)
}

/// The field at a place.
fn show(list: &Listpack, width: usize, pos: Pos) -> FieldRef<'_> {
    let mut elements = list.iter_from(pos);
    next(&mut elements, width).expect("a hash holds whole fields")
}

/// The next field of a walk over the elements.
#[inline]
fn next<'a>(elements: &mut impl Iterator<Item = StringRef<'a>>, width: usize) -> Option<FieldRef<'a>> {
    let (field, value) = (elements.next()?, elements.next()?);
    let expire_at_ms = if width == TIMED { time(elements.next()?) } else { None };
    Some(FieldRef { field, value, expire_at_ms })
}

/// What an element says about the expiry of its field.
#[inline]
fn time(element: StringRef<'_>) -> Option<i64> {
    element.as_int().filter(|&at_ms| at_ms != 0)
}

#[inline]
pub(super) fn get<'a>(list: &'a Listpack, width: usize, field: &[u8]) -> Option<FieldRef<'a>> {
    find(list, width, field).map(|pos| show(list, width, pos))
}

/// The field with the given number below the length. O(N).
pub(super) fn at(list: &Listpack, width: usize, index: usize) -> Option<FieldRef<'_>> {
    list.seek(index * width).map(|pos| show(list, width, pos))
}

pub(super) fn for_each<'a>(list: &'a Listpack, width: usize, mut visit: impl FnMut(FieldRef<'a>)) {
    let mut elements = list.iter();
    while let Some(field) = next(&mut elements, width) {
        visit(field);
    }
}

/// Removes a field and says whether it was there.
#[inline]
pub(super) fn remove(list: &mut Listpack, width: usize, field: &[u8]) -> bool {
    match find(list, width, field) {
        Some(pos) => {
            list.remove_from(pos, width);
            true
        }
        None => false,
    }
}

/// Sets a value in a listpack without expiries and says whether the field is new.
#[inline]
pub(super) fn set(list: &mut Listpack, field: &[u8], value: &[u8]) -> bool {
    if let Some(pos) = find(list, PLAIN, field) {
        let pos = list.next(pos).expect("a hash holds whole fields");
        list.replace(pos, value);
        return false;
    }
    list.push_back(field);
    list.push_back(value);
    true
}

/// Sets value and expiry in a listpack with expiries and says whether the field is new.
pub(super) fn set_timed(list: &mut Listpack, field: &[u8], value: &[u8], ttl: SetTtl) -> bool {
    let Some(pos) = find(list, TIMED, field) else {
        insert_timed(list, field, StringRef::Bytes(value), ttl.resolve(None));
        return true;
    };
    let current = show(list, TIMED, pos).expire_at_ms;
    let target = ttl.resolve(current);
    if target == current {
        let pos = list.next(pos).expect("a hash holds whole fields");
        list.replace(pos, value);
    } else {
        list.remove_from(pos, TIMED);
        insert_timed(list, field, StringRef::Bytes(value), target);
    }
    false
}

/// Sets or removes an expiry in a listpack with expiries, and says whether the field is there.
pub(super) fn set_expiry(list: &mut Listpack, field: &[u8], expire_at_ms: Option<i64>) -> bool {
    let Some(pos) = find(list, TIMED, field) else { return false };
    let found = show(list, TIMED, pos);
    if found.expire_at_ms != expire_at_ms {
        let value = found.value.to_vec();
        list.remove_from(pos, TIMED);
        insert_timed(list, field, StringRef::Bytes(&value), expire_at_ms);
    }
    true
}

/// Puts a field that is not there where its expiry belongs.
fn insert_timed(list: &mut Listpack, field: &[u8], value: StringRef<'_>, expire_at_ms: Option<i64>) {
    let time = expire_at_ms.unwrap_or(0);
    let place = expire_at_ms.and_then(|at_ms| first_later(list, at_ms));
    match place {
        None => list.extend([StringRef::Bytes(field), value, StringRef::Int(time)]),
        Some(pos) => {
            list.insert_before(pos, time);
            list.insert_before(pos, value);
            list.insert_before(pos, field);
        }
    }
}

/// The place of the first field that expires later than `at_ms` or never.
fn first_later(list: &Listpack, at_ms: i64) -> Option<Pos> {
    let mut pos = list.first()?;
    loop {
        let mut elements = list.iter_from(pos).entries();
        elements.skip_one();
        elements.skip_one();
        let (at, element) = elements.next()?;
        if time(element).is_none_or(|other| other > at_ms) {
            return Some(pos);
        }
        pos = list.next(at)?;
    }
}

/// The same fields without expiries in the layout that can have them.
pub(super) fn with_times(list: &Listpack) -> Listpack {
    // A time of 0 takes two bytes.
    let mut timed = Listpack::with_capacity(list.byte_len() + list.len());
    for_each(list, PLAIN, |found| timed.extend([found.field, found.value, StringRef::Int(0)]));
    timed
}

/// The earliest expiry in a listpack with expiries. O(1).
#[inline]
pub(super) fn next_expiry(list: &Listpack) -> Option<i64> {
    list.first().and_then(|pos| show(list, TIMED, pos).expire_at_ms)
}

/// Removes the field that expires first, if that is before `horizon`.
pub(super) fn pop_expired(list: &mut Listpack, horizon: i64) -> Option<Box<[u8]>> {
    if next_expiry(list)? >= horizon {
        return None;
    }
    let pos = list.first()?;
    let field = list.get(pos).to_vec().into();
    list.remove_from(pos, TIMED);
    Some(field)
}
