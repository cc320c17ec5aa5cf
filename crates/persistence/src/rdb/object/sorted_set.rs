//! Sorted sets in an RDB file.

use std::io::Read;

use redan_keyspace::{Aggregate, Limits, SortedSet};

use crate::digest::Digest;
use crate::rdb::encode::RdbEncoder;
use crate::rdb::error::RdbErrorKind;
use crate::rdb::format::ValueType;
use crate::rdb::input::RdbInput;

/// The type byte of a value.
pub(super) fn type_of(_value: &SortedSet) -> ValueType {
    ValueType::ZSet2
}

/// Writes a value.
pub(super) fn put(encoder: &mut RdbEncoder, value: &SortedSet) {
    encoder.put_len(value.len() as u64);
}

/// Reads a value; `None` if it has no elements.
pub(super) fn read<R: Read>(
    _input: &mut RdbInput<R>,
    value_type: ValueType,
    _limits: &Limits,
) -> Result<Option<SortedSet>, RdbErrorKind> {
    Err(RdbErrorKind::UnsupportedType(value_type))
}

/// Adds a value to a digest.
pub(super) fn digest(_digest: &mut Digest, _value: &SortedSet) {}
