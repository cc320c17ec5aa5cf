//! Aggregates in an RDB file: a module per type, each with the same four functions.
//!
//! - `type_of`: the type byte that a value is stored as: the compact one if its encoding is compact, and one that old
//!   readers know as far as they can hold the value.
//! - `put`: writes the value, without its type.
//! - `read`: reads a value of any type byte of its kind that some version of Redis wrote. `None` for a value without
//!   elements, which old versions could write by mistake: it is skipped.
//! - `digest`: adds the value to a digest.

use std::io::Read;

use redan_keyspace::{Limits, Object};

use super::encode::RdbEncoder;
use super::error::RdbErrorKind;
use super::format::ValueType;
use super::input::RdbInput;
use crate::digest::Digest;

mod hash;
mod list;
mod set;
mod sorted_set;
mod stream;
mod ziplist;
mod zipmap;

/// The type that an aggregate is stored as.
pub(super) fn type_of(object: &Object) -> ValueType {
    match object {
        Object::List(list) => list::type_of(list),
        Object::Set(set) => set::type_of(set),
        Object::Hash(hash) => hash::type_of(hash),
        Object::SortedSet(sorted_set) => sorted_set::type_of(sorted_set),
        Object::Stream(stream) => stream::type_of(stream),
    }
}

/// Writes an aggregate, without its type.
pub(super) fn put(encoder: &mut RdbEncoder, object: &Object) {
    match object {
        Object::List(list) => list::put(encoder, list),
        Object::Set(set) => set::put(encoder, set),
        Object::Hash(hash) => hash::put(encoder, hash),
        Object::SortedSet(sorted_set) => sorted_set::put(encoder, sorted_set),
        Object::Stream(stream) => stream::put(encoder, stream),
    }
}

/// Reads an aggregate of the given type, in the encoding that the limits ask for; `None` if it has no elements.
pub(super) fn read<R: Read>(
    input: &mut RdbInput<R>,
    value_type: ValueType,
    limits: &Limits,
) -> Result<Option<Object>, RdbErrorKind> {
    use ValueType as T;
    match value_type {
        T::List | T::ListZiplist | T::ListQuicklist | T::ListQuicklist2 => {
            Ok(list::read(input, value_type, limits)?.map(Object::List))
        }
        T::Set | T::SetIntset | T::SetListpack => Ok(set::read(input, value_type, limits)?.map(Object::Set)),
        T::ZSet | T::ZSet2 | T::ZSetZiplist | T::ZSetListpack => {
            Ok(sorted_set::read(input, value_type, limits)?.map(Object::SortedSet))
        }
        T::Hash
        | T::HashZipmap
        | T::HashZiplist
        | T::HashListpack
        | T::HashMetadataPreGa
        | T::HashListpackExPreGa
        | T::HashMetadata
        | T::HashListpackEx => Ok(hash::read(input, value_type, limits)?.map(Object::Hash)),
        T::StreamListpacks | T::StreamListpacks2 | T::StreamListpacks3 => {
            Ok(stream::read(input, value_type, limits)?.map(Object::Stream))
        }
        T::String | T::ModulePreGa | T::Module2 => Err(RdbErrorKind::UnsupportedType(value_type)),
    }
}

/// Adds an aggregate to a digest, behind the number of its type.
pub(crate) fn digest(digest: &mut Digest, object: &Object) {
    digest.mix(&(object.kind() as u32).to_be_bytes());
    match object {
        Object::List(list) => list::digest(digest, list),
        Object::Set(set) => set::digest(digest, set),
        Object::Hash(hash) => hash::digest(digest, hash),
        Object::SortedSet(sorted_set) => sorted_set::digest(digest, sorted_set),
        Object::Stream(stream) => stream::digest(digest, stream),
    }
}
