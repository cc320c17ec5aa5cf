//! Sets in an RDB file.
//!
//! A listpack is written member by member, because its own type needs version 11 of the format, which Redis 7.0 does not
//! read.

use std::io::Read;

use redan_keyspace::{Aggregate, IntText, Intset, IntsetError, Limits, Listpack, Set, StringRef};

use crate::digest::Digest;
use crate::rdb::encode::RdbEncoder;
use crate::rdb::error::RdbErrorKind;
use crate::rdb::format::ValueType;
use crate::rdb::input::RdbInput;

const DUPLICATES: RdbErrorKind = RdbErrorKind::Corrupt("Duplicate set members detected");

/// The type byte of a value.
pub(super) fn type_of(value: &Set) -> ValueType {
    if value.as_intset().is_some() { ValueType::SetIntset } else { ValueType::Set }
}

/// Writes a value.
pub(super) fn put(encoder: &mut RdbEncoder, value: &Set) {
    if let Some(intset) = value.as_intset() {
        encoder.put_string(intset.as_bytes());
        return;
    }
    encoder.put_len(value.len() as u64);
    for member in value.iter() {
        match member {
            StringRef::Int(value) => encoder.put_int_string(value),
            StringRef::Bytes(bytes) => encoder.put_string(bytes),
        }
    }
}

/// Reads a value; `None` if it has no elements.
pub(super) fn read<R: Read>(
    input: &mut RdbInput<R>,
    value_type: ValueType,
    limits: &Limits,
) -> Result<Option<Set>, RdbErrorKind> {
    match value_type {
        ValueType::SetIntset => read_intset(input, limits).map(Some),
        ValueType::SetListpack => read_listpack(input, limits),
        _ => read_members(input, limits),
    }
}

fn read_intset<R: Read>(input: &mut RdbInput<R>, limits: &Limits) -> Result<Set, RdbErrorKind> {
    match Intset::from_bytes(input.string()?.into_vec()) {
        Ok(intset) => Ok(Set::from_intset(intset, limits)),
        Err(IntsetError::Order) => Err(DUPLICATES),
        Err(_) => Err(RdbErrorKind::Corrupt("Intset integrity check failed.")),
    }
}

fn read_listpack<R: Read>(input: &mut RdbInput<R>, limits: &Limits) -> Result<Option<Set>, RdbErrorKind> {
    let listpack = Listpack::from_bytes(input.string()?.into_vec())
        .map_err(|_| RdbErrorKind::Corrupt("Set listpack integrity check failed."))?;
    if listpack.is_empty() {
        return Ok(None);
    }
    Set::from_listpack(listpack, limits).map(Some).ok_or(DUPLICATES)
}

fn read_members<R: Read>(input: &mut RdbInput<R>, limits: &Limits) -> Result<Option<Set>, RdbErrorKind> {
    let len = input.length()?;
    let mut set = None;
    for _ in 0..len {
        input.string()?.with_bytes(|member| {
            let expected = usize::try_from(len).unwrap_or(usize::MAX);
            let set = set.get_or_insert_with(|| Set::for_members(member, expected, limits));
            if set.insert(member, limits) { Ok(()) } else { Err(DUPLICATES) }
        })?;
    }
    Ok(set)
}

/// Adds a value to a digest.
pub(super) fn digest(digest: &mut Digest, value: &Set) {
    for member in value.iter() {
        digest.xor(member.bytes(&mut IntText::new()));
    }
}
