//! Hashes in an RDB file.
//!
//! A hash without expiring fields is written so that Redis 7.0 reads it. With such fields there are two types, which need
//! version 12 of the format; both begin with the earliest expiry, in milliseconds:
//!
//! ```text
//! HashListpackEx   earliest expiry | listpack of field, value, expiry (0: none) as a string
//! HashMetadata     earliest expiry | number of fields | [expiry field value]...
//! ```
//!
//! The expiry of a field in the second is a length: 0 for none, or how much later than the earliest it is, plus one. The
//! release candidates of Redis 7.4 wrote both without the earliest expiry, and all times as they are.

use std::collections::HashSet;
use std::io::Read;

use redan_keyspace::{
    Aggregate, Encoding, FieldRef, Hash, IntText, Limit, Limits, Listpack, SetTtl, StringRef,
};

use super::ziplist::Ziplist;
use super::zipmap::Zipmap;
use crate::digest::Digest;
use crate::rdb::encode::RdbEncoder;
use crate::rdb::error::RdbErrorKind;
use crate::rdb::format::ValueType;
use crate::rdb::input::RdbInput;

const DUPLICATES: RdbErrorKind = RdbErrorKind::Corrupt("Duplicate hash fields detected");
const BAD_LISTPACK: RdbErrorKind = RdbErrorKind::Corrupt("Hash listpack integrity check failed.");
const BAD_LISTPACK_EX: RdbErrorKind = RdbErrorKind::Corrupt("Hash listpackex integrity check failed.");
const BAD_ZIPLIST: RdbErrorKind = RdbErrorKind::Corrupt("Hash ziplist integrity check failed.");
const BAD_ZIPMAP: RdbErrorKind =
    RdbErrorKind::Corrupt("Hash zipmap with dup elements, integrity check failed.");
const BAD_EXPIRY: RdbErrorKind = RdbErrorKind::Corrupt("invalid expireAt time");

/// The latest expiry of a field that Redis can hold, Unix ms.
const LATEST_MS: i64 = (1 << 48) - 2;

/// What is mixed in for a field that expires.
const EXPIRE_MARK: &[u8] = b"!!hexpire!!";

/// The type byte of a value.
pub(super) fn type_of(value: &Hash) -> ValueType {
    match (value.encoding(), value.next_expiry()) {
        (Encoding::Listpack, _) => ValueType::HashListpack,
        (_, None) => ValueType::Hash,
        (Encoding::ListpackEx, Some(_)) => ValueType::HashListpackEx,
        (_, Some(_)) => ValueType::HashMetadata,
    }
}

/// Writes a value.
pub(super) fn put(encoder: &mut RdbEncoder, value: &Hash) {
    let value_type = type_of(value);
    let earliest_ms = value.next_expiry();
    if let Some(earliest_ms) = earliest_ms {
        encoder.put_millis(earliest_ms);
    }
    if value_type != ValueType::Hash
        && let Some(list) = value.as_listpack()
    {
        encoder.put_string(list.as_bytes());
        return;
    }
    encoder.put_len(value.len() as u64);
    value.for_each(|found| {
        if let Some(earliest_ms) = earliest_ms {
            encoder.put_len(found.expire_at_ms.map_or(0, |at_ms| at_ms.abs_diff(earliest_ms) + 1));
        }
        put_element(encoder, found.field);
        put_element(encoder, found.value);
    });
}

fn put_element(encoder: &mut RdbEncoder, element: StringRef<'_>) {
    match element {
        StringRef::Int(number) => encoder.put_int_string(number),
        StringRef::Bytes(bytes) => encoder.put_string(bytes),
    }
}

/// Reads a value; `None` if it has no elements.
pub(super) fn read<R: Read>(
    input: &mut RdbInput<R>,
    value_type: ValueType,
    limits: &Limits,
) -> Result<Option<Hash>, RdbErrorKind> {
    let earliest_ms = match value_type {
        ValueType::HashMetadata | ValueType::HashListpackEx => Some(input.millis()?),
        _ => None,
    };
    match value_type {
        ValueType::HashListpack => read_listpack(input, limits),
        ValueType::HashListpackEx | ValueType::HashListpackExPreGa => read_listpack_ex(input, limits),
        ValueType::HashZiplist => read_ziplist(input, limits),
        ValueType::HashZipmap => read_zipmap(input, limits),
        ValueType::HashMetadata | ValueType::HashMetadataPreGa => {
            read_fields(input, limits, |input| read_expiry(input, earliest_ms))
        }
        _ => read_fields(input, limits, |_| Ok(None)),
    }
}

/// Reads a hash field by field; `expiry` reads what stands before each.
fn read_fields<R: Read>(
    input: &mut RdbInput<R>,
    limits: &Limits,
    mut expiry: impl FnMut(&mut RdbInput<R>) -> Result<Option<i64>, RdbErrorKind>,
) -> Result<Option<Hash>, RdbErrorKind> {
    let len = input.length()?;
    if len == 0 {
        return Ok(None);
    }
    let mut hash = Hash::default();
    hash.expect_fields(usize::try_from(len).unwrap_or(usize::MAX), limits);
    let mut field = Vec::new();
    for _ in 0..len {
        let ttl = expiry(input)?.map_or(SetTtl::Clear, SetTtl::At);
        input.string_into(&mut field)?;
        let created = input.string()?.with_bytes(|value| hash.set(&field, value, ttl, limits));
        if !created {
            return Err(DUPLICATES);
        }
    }
    Ok(Some(hash))
}

/// Reads the expiry that stands before a field.
fn read_expiry<R: Read>(
    input: &mut RdbInput<R>,
    earliest_ms: Option<i64>,
) -> Result<Option<i64>, RdbErrorKind> {
    let stored = input.length()?;
    if stored == 0 {
        return Ok(None);
    }
    let at_ms = match (i64::try_from(stored), earliest_ms) {
        (Ok(at_ms), None) => Some(at_ms),
        (Ok(later), Some(earliest_ms)) => earliest_ms.checked_add(later - 1),
        (Err(_), _) => None,
    };
    at_ms.filter(|at_ms| (1..=LATEST_MS).contains(at_ms)).map(Some).ok_or(BAD_EXPIRY)
}

fn read_listpack<R: Read>(input: &mut RdbInput<R>, limits: &Limits) -> Result<Option<Hash>, RdbErrorKind> {
    let list = Listpack::from_bytes(input.string()?.into_vec()).map_err(|_| BAD_LISTPACK)?;
    if list.is_empty() {
        return Ok(None);
    }
    if !list.len().is_multiple_of(2) {
        return Err(BAD_LISTPACK);
    }
    let hash = Hash::from_listpack(list);
    check_fields(&hash, BAD_LISTPACK)?;
    Ok(Some(fitted(hash, limits)))
}

fn read_listpack_ex<R: Read>(input: &mut RdbInput<R>, limits: &Limits) -> Result<Option<Hash>, RdbErrorKind> {
    let list = Listpack::from_bytes(input.string()?.into_vec()).map_err(|_| BAD_LISTPACK_EX)?;
    if list.is_empty() {
        return Ok(None);
    }
    if !list.len().is_multiple_of(3) {
        return Err(BAD_LISTPACK_EX);
    }
    let mut elements = list.iter();
    while let Some(expiry) = elements.nth(2) {
        if !expiry.as_int().is_some_and(|at_ms| (0..=LATEST_MS).contains(&at_ms)) {
            return Err(BAD_EXPIRY);
        }
    }
    let hash = Hash::from_listpack_ex(list);
    check_fields(&hash, BAD_LISTPACK_EX)?;
    let mut before = 0;
    let mut is_ordered = true;
    hash.for_each(|found| {
        let at_ms = found.expire_at_ms.unwrap_or(i64::MAX);
        is_ordered &= before <= at_ms;
        before = at_ms;
    });
    // Everything about expiry relies on the order.
    Ok(Some(if is_ordered { fitted(hash, limits) } else { rebuilt(&hash, Hash::default(), limits) }))
}

/// Checks that fields differ.
fn check_fields(hash: &Hash, duplicates: RdbErrorKind) -> Result<(), RdbErrorKind> {
    let mut seen = HashSet::with_capacity(hash.len());
    let mut differ = true;
    hash.for_each(|found| differ &= seen.insert(found.field.to_vec()));
    if differ { Ok(()) } else { Err(duplicates) }
}

/// The same hash as a table if it has too many fields for a listpack.
fn fitted(hash: Hash, limits: &Limits) -> Hash {
    let len = hash.len();
    if len <= limits.size(Limit::HashMaxListpackEntries) {
        return hash;
    }
    rebuilt(&hash, Hash::table_with_room(len), limits)
}

/// The fields of `hash` put into `target` one by one.
fn rebuilt(hash: &Hash, mut target: Hash, limits: &Limits) -> Hash {
    hash.for_each(|FieldRef { field, value, expire_at_ms }| {
        let (mut field_text, mut value_text) = (IntText::new(), IntText::new());
        let ttl = expire_at_ms.map_or(SetTtl::Clear, SetTtl::At);
        target.set(field.bytes(&mut field_text), value.bytes(&mut value_text), ttl, limits);
    });
    target
}

fn read_ziplist<R: Read>(input: &mut RdbInput<R>, limits: &Limits) -> Result<Option<Hash>, RdbErrorKind> {
    let bytes = input.string()?.into_vec();
    let list = Ziplist::new(&bytes).map_err(|_| BAD_ZIPLIST)?;
    if !list.len().is_multiple_of(2) {
        return Err(BAD_ZIPLIST);
    }
    let mut elements = list.iter();
    from_pairs(limits, BAD_ZIPLIST, || Some((elements.next()?, elements.next()?)))
}

fn read_zipmap<R: Read>(input: &mut RdbInput<R>, limits: &Limits) -> Result<Option<Hash>, RdbErrorKind> {
    let bytes = input.string()?.into_vec();
    let mut pairs = Zipmap::new(&bytes)?.iter();
    from_pairs(limits, BAD_ZIPMAP, || {
        pairs.next().map(|(field, value)| (StringRef::Bytes(field), StringRef::Bytes(value)))
    })
}

/// A hash of these fields and values.
fn from_pairs<'a>(
    limits: &Limits,
    duplicates: RdbErrorKind,
    mut next: impl FnMut() -> Option<(StringRef<'a>, StringRef<'a>)>,
) -> Result<Option<Hash>, RdbErrorKind> {
    let mut hash = Hash::default();
    while let Some((field, value)) = next() {
        let (mut field_text, mut value_text) = (IntText::new(), IntText::new());
        let value = value.bytes(&mut value_text);
        if !hash.set(field.bytes(&mut field_text), value, SetTtl::Clear, limits) {
            return Err(duplicates);
        }
    }
    Ok((!hash.is_empty()).then_some(hash))
}

/// Adds a value to a digest.
pub(super) fn digest(digest: &mut Digest, value: &Hash) {
    value.for_each(|found| {
        let mut pair = Digest::default();
        pair.mix(found.field.bytes(&mut IntText::new()));
        pair.mix(found.value.bytes(&mut IntText::new()));
        if found.expire_at_ms.is_some() {
            pair.xor(EXPIRE_MARK);
        }
        digest.xor_digest(&pair);
    });
}

#[cfg(test)]
mod tests;
