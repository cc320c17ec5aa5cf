//! Aggregates in an RDB file.

use redan_keyspace::Object;

use super::encode::RdbEncoder;
use super::format::ValueType;

/// The type that an aggregate is stored as.
pub(super) fn type_of(object: &Object) -> ValueType {
    match object {
        Object::List(_) => ValueType::List,
        Object::Set(_) => ValueType::Set,
        Object::Hash(_) => ValueType::Hash,
        Object::SortedSet(_) => ValueType::ZSet2,
        Object::Stream(_) => ValueType::StreamListpacks3,
    }
}

/// Writes an aggregate, without its type.
pub(super) fn put(encoder: &mut RdbEncoder, object: &Object) {
    encoder.put_len(object.len() as u64);
}
