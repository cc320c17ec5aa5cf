//! Lists in an RDB file.
//!
//! They are written as quicklists of the second version: a number of nodes, and for each its kind and a string, which is a whole
//! listpack or a single element. That is what Redis 7.0 and later write for all lists.

use std::io::Read;

use redan_keyspace::{Aggregate, IntText, Limits, List, ListLimits, ListNode, Listpack};

use super::ziplist::Ziplist;
use crate::digest::Digest;
use crate::rdb::encode::RdbEncoder;
use crate::rdb::error::RdbErrorKind;
use crate::rdb::format::ValueType;
use crate::rdb::input::RdbInput;

/// Kinds of nodes.
mod node {
    /// A single element.
    pub(super) const PLAIN: u64 = 1;
    /// A listpack.
    pub(super) const PACKED: u64 = 2;
}

/// The type byte of a value.
pub(super) fn type_of(_: &List) -> ValueType {
    ValueType::ListQuicklist2
}

/// Writes a value.
pub(super) fn put(encoder: &mut RdbEncoder, value: &List) {
    encoder.put_len(value.node_count() as u64);
    for node in value.nodes() {
        match node {
            ListNode::Packed(listpack) => {
                encoder.put_len(node::PACKED);
                encoder.put_string(listpack.as_bytes());
            }
            ListNode::Plain(bytes) => {
                encoder.put_len(node::PLAIN);
                encoder.put_string(bytes);
            }
        }
    }
}

/// Reads a value; `None` if it has no elements.
pub(super) fn read<R: Read>(
    input: &mut RdbInput<R>,
    value_type: ValueType,
    limits: &Limits,
) -> Result<Option<List>, RdbErrorKind> {
    let limits = ListLimits::of(limits);
    let mut list = List::default();
    match value_type {
        ValueType::List => read_elements(input, &mut list, &limits)?,
        ValueType::ListZiplist => list.append_listpack(read_ziplist(input)?),
        ValueType::ListQuicklist => {
            for _ in 0..input.length()? {
                list.append_listpack(read_ziplist(input)?);
            }
        }
        ValueType::ListQuicklist2 => {
            for _ in 0..input.length()? {
                read_node(input, &mut list)?;
            }
        }
        other => return Err(RdbErrorKind::UnsupportedType(other)),
    }
    list.loaded(&limits);
    Ok((!list.is_empty()).then_some(list))
}

/// One string per element, as before Redis 2.0's ziplists and for long lists up to 3.2.
fn read_elements<R: Read>(
    input: &mut RdbInput<R>,
    list: &mut List,
    limits: &ListLimits,
) -> Result<(), RdbErrorKind> {
    for _ in 0..input.length()? {
        input.string()?.with_bytes(|bytes| list.push(redan_keyspace::End::Tail, [bytes], limits));
    }
    Ok(())
}

fn read_ziplist<R: Read>(input: &mut RdbInput<R>) -> Result<Listpack, RdbErrorKind> {
    input.string()?.with_bytes(|bytes| Ok(Ziplist::new(bytes)?.iter().collect()))
}

fn read_node<R: Read>(input: &mut RdbInput<R>, list: &mut List) -> Result<(), RdbErrorKind> {
    match input.length()? {
        node::PLAIN => list.append_plain(input.string()?.into_vec()),
        node::PACKED => {
            let listpack = Listpack::from_bytes(input.string()?.into_vec())
                .map_err(|_| RdbErrorKind::Corrupt("Listpack integrity check failed."))?;
            list.append_listpack(listpack);
        }
        _ => return Err(RdbErrorKind::Corrupt("Quicklist integrity check failed.")),
    }
    Ok(())
}

/// Adds a value to a digest.
pub(super) fn digest(digest: &mut Digest, value: &List) {
    let mut text = IntText::new();
    value.for_each(|element| digest.mix(element.bytes(&mut text)));
}
