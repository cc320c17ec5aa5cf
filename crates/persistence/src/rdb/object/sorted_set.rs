//! Sorted sets in an RDB file.
//!
//! ```text
//! ZSet          length, then member (a string) and score as text in turn; before version 8
//! ZSet2         the same with binary scores; from the highest to the lowest as Redis and we write it, in any order as read
//! ZSetZiplist   a string: a ziplist of members and scores in turn
//! ZSetListpack  a string: a listpack of members and scores in turn
//! ```

use std::io::Read;

use redan_keyspace::{Aggregate, IntText, Limits, Listpack, SortedSet, SortedSetBuilder};
use redan_resp::format_f64_shortest;

use super::ziplist::Ziplist;
use crate::digest::Digest;
use crate::rdb::encode::RdbEncoder;
use crate::rdb::error::RdbErrorKind;
use crate::rdb::format::ValueType;
use crate::rdb::input::RdbInput;

/// A table is made for so many members at once at most: what a file promises need not come.
const MAX_RESERVED: u64 = 1 << 14;

/// The type byte of a value.
pub(super) fn type_of(value: &SortedSet) -> ValueType {
    if value.listpack().is_some() { ValueType::ZSetListpack } else { ValueType::ZSet2 }
}

/// Writes a value.
pub(super) fn put(encoder: &mut RdbEncoder, value: &SortedSet) {
    if let Some(listpack) = value.listpack() {
        return encoder.put_string(listpack.as_bytes());
    }
    encoder.put_len(value.len() as u64);
    // From the end, as Redis does: it inserts at the head of its list then, which is cheapest.
    for (member, score) in value.iter().rev() {
        encoder.put_string(member.bytes(&mut IntText::new()));
        encoder.put_binary_double(score);
    }
}

/// Reads a value; `None` if it has no elements.
pub(super) fn read<R: Read>(
    input: &mut RdbInput<R>,
    value_type: ValueType,
    limits: &Limits,
) -> Result<Option<SortedSet>, RdbErrorKind> {
    let set = match value_type {
        ValueType::ZSet => read_members(input, RdbInput::text_double, limits)?,
        ValueType::ZSet2 => read_members(input, RdbInput::binary_double, limits)?,
        ValueType::ZSetZiplist => {
            let damaged = RdbErrorKind::Corrupt("Zset ziplist integrity check failed.");
            let bytes = input.string()?.into_vec();
            let listpack: Listpack = Ziplist::new(&bytes)
                .map_err(|_| RdbErrorKind::Corrupt("Zset ziplist integrity check failed."))?
                .iter()
                .collect();
            SortedSet::from_listpack(listpack, limits).ok_or(damaged)?
        }
        ValueType::ZSetListpack => {
            let damaged = || RdbErrorKind::Corrupt("Zset listpack integrity check failed.");
            let listpack = Listpack::from_bytes(input.string()?.into_vec()).map_err(|_| damaged())?;
            SortedSet::from_listpack(listpack, limits).ok_or_else(damaged)?
        }
        other => return Err(RdbErrorKind::UnsupportedType(other)),
    };
    Ok((!set.is_empty()).then_some(set))
}

/// Reads a length and as many members and scores.
fn read_members<R: Read>(
    input: &mut RdbInput<R>,
    read_score: impl Fn(&mut RdbInput<R>) -> Result<f64, RdbErrorKind>,
    limits: &Limits,
) -> Result<SortedSet, RdbErrorKind> {
    let len = input.length()?;
    let (mut builder, mut member) = (SortedSetBuilder::new(), Vec::new());
    builder.reserve(len.min(MAX_RESERVED) as usize);
    for _ in 0..len {
        input.string_into(&mut member)?;
        let score = read_score(input)?;
        if score.is_nan() {
            return Err(RdbErrorKind::Corrupt("Zset with NAN score detected"));
        }
        if !builder.insert(&member, score) {
            return Err(RdbErrorKind::Corrupt("Duplicate zset fields detected"));
        }
    }
    Ok(builder.finish(limits))
}

/// Adds a value to a digest.
pub(super) fn digest(digest: &mut Digest, value: &SortedSet) {
    let mut text = Vec::new();
    for (member, score) in value.iter() {
        text.clear();
        format_f64_shortest(score, &mut text);
        let mut pair = Digest::default();
        pair.mix(member.bytes(&mut IntText::new()));
        pair.mix(&text);
        digest.xor_digest(&pair);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redan_keyspace::{Limit, StringRef};

    use super::super::ziplist::tests::encode as ziplist;
    use super::*;

    fn limits(entries: i64) -> Limits {
        let limits = Limits::default();
        limits.set(Limit::ZsetMaxListpackEntries, entries);
        limits
    }

    fn load(value_type: ValueType, bytes: Vec<u8>, entries: i64) -> Result<Option<SortedSet>, RdbErrorKind> {
        read(&mut RdbInput::from_bytes(bytes), value_type, &limits(entries))
    }

    fn pairs(set: &SortedSet) -> Vec<(Vec<u8>, f64)> {
        set.iter().map(|(member, score): (StringRef<'_>, f64)| (member.to_vec(), score)).collect()
    }

    fn encoded(put: impl FnOnce(&mut RdbEncoder)) -> Vec<u8> {
        let mut encoder = RdbEncoder::new(false);
        put(&mut encoder);
        encoder.as_slice().to_vec()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            members in prop::collection::btree_map(prop::collection::vec(any::<u8>(), 0..30), any::<i32>(), 1..60),
            divisor in prop_oneof![Just(1.0), Just(7.0)],
            before in 0..80_i64,
            after in 0..80_i64,
        ) {
            let mut builder = SortedSetBuilder::new();
            for (member, score) in &members {
                builder.insert(member, f64::from(*score) / divisor);
            }
            let set = builder.finish(&limits(before));
            let bytes = encoded(|encoder| put(encoder, &set));
            let again = load(type_of(&set), bytes, after).expect("well-formed").expect("not empty");
            prop_assert_eq!(pairs(&again), pairs(&set));
            prop_assert_eq!(again.listpack().is_some(), set.len() as i64 <= after);
            let (mut one, mut other) = (Digest::default(), Digest::default());
            digest(&mut one, &set);
            digest(&mut other, &again);
            prop_assert_eq!(one, other);
        }

        #[test]
        fn damage_is_an_error_and_no_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            value_type in prop::sample::select(&[
                ValueType::ZSet, ValueType::ZSet2, ValueType::ZSetZiplist, ValueType::ZSetListpack,
            ][..]),
        ) {
            if let Ok(Some(set)) = load(value_type, bytes, 128) {
                prop_assert!(set.iter().is_sorted_by(|a, b| a.1 <= b.1));
            }
        }
    }

    #[test]
    fn old_types_are_read() {
        let text = encoded(|encoder| {
            encoder.put_len(2);
            encoder.put_string(b"b");
            encoder.put_text_double(1.5);
            encoder.put_string(b"a");
            encoder.put_text_double(f64::NEG_INFINITY);
        });
        let expected = vec![(b"a".to_vec(), f64::NEG_INFINITY), (b"b".to_vec(), 1.5)];
        assert_eq!(pairs(&load(ValueType::ZSet, text, 128).expect("valid").expect("full")), expected);
        let packed = ziplist(&[b"a", b"-inf", b"b", b"1.5"]);
        let bytes = encoded(|encoder| encoder.put_string(&packed));
        assert_eq!(pairs(&load(ValueType::ZSetZiplist, bytes, 128).expect("valid").expect("full")), expected);
        let none = encoded(|encoder| encoder.put_string(&ziplist(&[])));
        assert!(load(ValueType::ZSetZiplist, none, 128).expect("valid").is_none());
        assert!(load(ValueType::ZSet2, vec![0], 128).expect("valid").is_none());
    }

    #[test]
    fn what_must_not_be_is_refused() {
        let with = |pairs: &[(&[u8], f64)]| {
            encoded(|encoder| {
                encoder.put_len(pairs.len() as u64);
                for (member, score) in pairs {
                    encoder.put_string(member);
                    encoder.put_binary_double(*score);
                }
            })
        };
        assert!(load(ValueType::ZSet2, with(&[(b"a", 1.0), (b"a", 2.0)]), 128).is_err());
        assert!(load(ValueType::ZSet2, with(&[(b"a", f64::NAN)]), 128).is_err());
        let odd = encoded(|encoder| encoder.put_string(&ziplist(&[b"a", b"1", b"b"])));
        assert!(load(ValueType::ZSetZiplist, odd, 128).is_err());
        let huge = encoded(|encoder| encoder.put_len(u64::MAX));
        assert!(matches!(load(ValueType::ZSet2, huge, 128), Err(RdbErrorKind::UnexpectedEof)));
    }
}
