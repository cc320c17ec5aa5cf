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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use redan_keyspace::{End, Limit};

    use super::super::ziplist::tests::encode as ziplist;
    use super::*;

    fn read_bytes(value_type: ValueType, bytes: &[u8]) -> Result<Option<List>, RdbErrorKind> {
        let mut input = RdbInput::from_bytes(bytes.to_vec());
        let list = read(&mut input, value_type, &Limits::default())?;
        assert!(input.is_at_end());
        Ok(list)
    }

    fn encoded(put: impl FnOnce(&mut RdbEncoder)) -> Vec<u8> {
        let mut encoder = RdbEncoder::new(true);
        put(&mut encoder);
        encoder.take(0)
    }

    fn elements(list: &List) -> Vec<Vec<u8>> {
        let mut elements = Vec::new();
        list.for_each(|element| elements.push(element.to_vec()));
        elements
    }

    #[test]
    fn all_forms_are_read() {
        let values: [&[u8]; 4] = [b"a", b"-17", b"", b"70000"];
        let listpack: Listpack = values.into_iter().collect();
        let forms = [
            (
                ValueType::List,
                encoded(|e| {
                    e.put_len(4);
                    values.iter().for_each(|value| e.put_string(value));
                }),
            ),
            (ValueType::ListZiplist, encoded(|e| e.put_string(&ziplist(&values)))),
            (
                ValueType::ListQuicklist,
                encoded(|e| {
                    e.put_len(3);
                    e.put_string(&ziplist(&values[..1]));
                    e.put_string(&ziplist(&[]));
                    e.put_string(&ziplist(&values[1..]));
                }),
            ),
            (
                ValueType::ListQuicklist2,
                encoded(|e| {
                    e.put_len(1);
                    e.put_len(node::PACKED);
                    e.put_string(listpack.as_bytes());
                }),
            ),
            (
                ValueType::ListQuicklist2,
                encoded(|e| {
                    e.put_len(4);
                    for value in values {
                        e.put_len(node::PLAIN);
                        e.put_string(value);
                    }
                }),
            ),
        ];
        for (value_type, bytes) in forms {
            let list = read_bytes(value_type, &bytes).expect("well-formed").expect("it has elements");
            assert_eq!(elements(&list), values, "{value_type:?}");
            for cut in 0..bytes.len() {
                let mut input = RdbInput::from_bytes(bytes[..cut].to_vec());
                assert!(read(&mut input, value_type, &Limits::default()).is_err(), "{value_type:?} at {cut}");
            }
        }
    }

    #[test]
    fn lists_without_elements_are_skipped() {
        let nothing = encoded(|e| e.put_len(0));
        for value_type in [ValueType::List, ValueType::ListQuicklist, ValueType::ListQuicklist2] {
            assert!(matches!(read_bytes(value_type, &nothing), Ok(None)));
        }
        let empty = encoded(|e| e.put_string(&ziplist(&[])));
        assert!(matches!(read_bytes(ValueType::ListZiplist, &empty), Ok(None)));
        let empty_node = encoded(|e| {
            e.put_len(1);
            e.put_len(node::PACKED);
            e.put_string(Listpack::new().as_bytes());
        });
        assert!(matches!(read_bytes(ValueType::ListQuicklist2, &empty_node), Ok(None)));
    }

    #[test]
    fn damage_is_refused() {
        let unknown_node = encoded(|e| {
            e.put_len(1);
            e.put_len(0);
        });
        assert!(matches!(
            read_bytes(ValueType::ListQuicklist2, &unknown_node),
            Err(RdbErrorKind::Corrupt(_))
        ));
        let mut bytes = [b"a", b"b"].into_iter().collect::<Listpack>().as_bytes().to_vec();
        bytes[4] = 3;
        let wrong_count = encoded(|e| {
            e.put_len(1);
            e.put_len(node::PACKED);
            e.put_string(&bytes);
        });
        assert!(matches!(read_bytes(ValueType::ListQuicklist2, &wrong_count), Err(RdbErrorKind::Corrupt(_))));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            values in vec(vec(any::<u8>(), 0..3000), 1..20),
            fill in prop_oneof![Just(-1i64), Just(-2), 1..4i64],
            depth in 0..2i64,
        ) {
            let limits = Limits::default();
            limits.set(Limit::ListMaxListpackSize, fill);
            limits.set(Limit::ListCompressDepth, depth);
            let mut list = List::default();
            list.push(End::Tail, values.iter().map(|value| &value[..]), &ListLimits::of(&limits));
            let bytes = encoded(|encoder| put(encoder, &list));
            let back = read_bytes(type_of(&list), &bytes).expect("well-formed").expect("it has elements");
            prop_assert_eq!(elements(&back), values);
            let digest_of = |list: &List| {
                let mut sum = Digest::default();
                digest(&mut sum, list);
                sum
            };
            prop_assert_eq!(digest_of(&back), digest_of(&list));
        }
    }
}
