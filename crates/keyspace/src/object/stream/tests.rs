//! Streams against plain models.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::limits::{Limit, Limits};
use crate::value::StringRef;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

fn limits(max_bytes: i64, max_entries: i64) -> NodeLimits {
    let limits = Limits::default();
    limits.set(Limit::StreamNodeMaxBytes, max_bytes);
    limits.set(Limit::StreamNodeMaxEntries, max_entries);
    NodeLimits::new(&limits)
}

fn refs(fields: &Fields) -> Vec<Field<'_>> {
    fields.iter().map(|(name, value)| (StringRef::Bytes(name), StringRef::Bytes(value))).collect()
}

fn owned(entry: StreamEntry<'_>) -> (StreamId, Fields) {
    assert_eq!(entry.fields().len(), entry.field_count());
    (entry.id, entry.fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect())
}

fn append(stream: &mut Stream, ms: u64, limits: NodeLimits) {
    let field = [(StringRef::Bytes(b"f"), StringRef::Bytes(b"v"))];
    stream.log_mut().append(StreamId::new(ms, 0), field.into_iter(), limits).expect("ids grow");
}

fn trim(by: TrimBy, approximate: bool, limit: u64) -> Trim {
    Trim { by, approximate, limit, references: References::Keep }
}

#[derive(Clone, Debug)]
enum Step {
    Append { ms: u64, seq: u64, fields: Fields },
    Delete(usize),
    TrimToLength(usize),
    TrimBelow(usize),
    Range { from: (u64, u64), to: (u64, u64) },
}

fn fields() -> impl Strategy<Value = Fields> {
    let name = prop_oneof![Just(b"a".to_vec()), Just(b"temperature".to_vec()), Just(b"7".to_vec())];
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        prop::collection::vec(any::<u8>(), 100..300),
        any::<i64>().prop_map(|int| int.to_string().into_bytes()),
    ];
    prop::collection::vec((name, value), 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    let id = (0u64..60, prop_oneof![0u64..4, Just(u64::MAX)]);
    prop_oneof![
        6 => (0u64..3, 0u64..3, fields()).prop_map(|(ms, seq, fields)| Step::Append { ms, seq, fields }),
        2 => any::<prop::sample::Index>().prop_map(|index| Step::Delete(index.index(64))),
        1 => (0usize..30).prop_map(Step::TrimToLength),
        1 => (0usize..8).prop_map(Step::TrimBelow),
        2 => (id.clone(), id).prop_map(|(from, to)| Step::Range { from, to }),
    ]
}

/// Everything that can be asked must agree with the model.
fn check(stream: &Stream, model: &BTreeMap<StreamId, Fields>) {
    let log = stream.log();
    let all: Vec<_> = log.range(StreamId::MIN, StreamId::MAX).map(owned).collect();
    assert_eq!(all, model.clone().into_iter().collect::<Vec<_>>());
    let mut back: Vec<_> = log.range_back(StreamId::MIN, StreamId::MAX).map(owned).collect();
    back.reverse();
    assert_eq!(back, all);
    assert_eq!(log.len(), model.len() as u64);
    assert_eq!(log.first_id(), model.keys().next().copied());
    assert_eq!(log.newest_id(), model.keys().next_back().copied());
    assert!(log.nodes().all(|node| !node.is_empty() && node.len() == node.entries().count() as u64));
}

proptest! {
    #[test]
    fn a_stream_is_a_sorted_map(steps in prop::collection::vec(step(), 1..80), max_entries in 1i64..8, max_bytes in 0i64..600) {
        let limits = limits(max_bytes, max_entries);
        let (mut stream, mut model) = (Stream::default(), BTreeMap::new());
        let (mut last, mut added, mut max_deleted) = (StreamId::MIN, 0, StreamId::MIN);
        for step in steps {
            match step {
                Step::Append { ms, seq, fields } => {
                    let id = StreamId::new(last.ms + ms, seq);
                    let result = stream.log_mut().append(id, refs(&fields).into_iter(), limits);
                    prop_assert_eq!(result.is_ok(), id > last);
                    if result.is_ok() {
                        model.insert(id, fields);
                        (last, added) = (id, added + 1);
                    }
                }
                Step::Delete(index) => {
                    let id = model.keys().nth(index % (model.len() + 1)).copied().unwrap_or(StreamId::new(9, 9));
                    prop_assert_eq!(stream.log().contains(id), model.contains_key(&id));
                    let there = model.remove(&id).is_some();
                    prop_assert_eq!(stream.log_mut().delete(id), there);
                    if there {
                        max_deleted = max_deleted.max(id);
                    }
                }
                Step::TrimToLength(len) => {
                    let deleted = stream.trim(&trim(TrimBy::Length(len as u64), false, 0));
                    prop_assert_eq!(deleted, model.len().saturating_sub(len) as u64);
                    while model.len() > len {
                        model.pop_first();
                    }
                }
                Step::TrimBelow(index) => {
                    let min = model.keys().nth(index).copied().unwrap_or(StreamId::MIN);
                    let kept = model.split_off(&min);
                    let deleted = stream.trim(&trim(TrimBy::Id(min), false, 0));
                    prop_assert_eq!(deleted, model.len() as u64);
                    model = kept;
                }
                Step::Range { from, to } => {
                    let (from, to) = (StreamId::new(from.0, from.1), StreamId::new(to.0, to.1));
                    let expected: Vec<_> = model.iter().filter(|(id, _)| (from..=to).contains(id)).map(|(id, _)| *id).collect();
                    let ids: Vec<_> = stream.log().range(from, to).map(|entry| entry.id).collect();
                    let mut back: Vec<_> = stream.log().range_back(from, to).map(|entry| entry.id).collect();
                    back.reverse();
                    prop_assert_eq!(&ids, &expected);
                    prop_assert_eq!(&back, &expected);
                }
            }
            check(&stream, &model);
            let counters = stream.log().counters();
            prop_assert_eq!((counters.last_id, counters.entries_added, counters.max_deleted_id), (last, added, max_deleted));
        }
    }

    #[test]
    fn what_is_pending_is_with_exactly_one_consumer(steps in prop::collection::vec((0u8..4, 0u64..12, 0usize..3), 1..60)) {
        let names: [&[u8]; 3] = [b"a", b"b", b"c"];
        let (mut group, mut model) = (Group::new(StreamId::MIN, None), BTreeMap::new());
        for (what, ms, who) in steps {
            let (id, name) = (StreamId::new(ms, 0), names[who]);
            match what {
                0 | 1 => {
                    let consumer = group.find_consumer(name).or_else(|| group.add_consumer(name, 1)).expect("one of both");
                    group.assign(id, Pending { consumer, delivered_ms: 5, deliveries: 1 });
                    model.insert(id, name);
                }
                2 => prop_assert_eq!(group.acknowledge(id).is_some(), model.remove(&id).is_some()),
                _ => {
                    let known = group.find_consumer(name).is_some();
                    let theirs = model.values().filter(|owner| **owner == name).count();
                    prop_assert_eq!(group.remove_consumer(name), known.then_some(theirs));
                    model.retain(|_, owner| *owner != name);
                }
            }
            let pending = group.pending().iter().map(|(id, pending)| (*id, group.consumer(pending.consumer).name()));
            prop_assert_eq!(pending.collect::<Vec<_>>(), model.clone().into_iter().collect::<Vec<_>>());
            for consumer in group.consumers() {
                let theirs = model.iter().filter(|(_, owner)| **owner == consumer.name()).map(|(id, _)| *id);
                prop_assert_eq!(consumer.pending().iter().copied().collect::<Vec<_>>(), theirs.collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn approximate_trimming_takes_whole_nodes_and_respects_the_limit() {
    let limits = limits(0, 10);
    let mut stream = Stream::default();
    (1..=101).for_each(|ms| append(&mut stream, ms, limits));
    assert_eq!(stream.trim(&trim(TrimBy::Length(55), true, 30)), 30);
    append(&mut stream, 200, limits);
    assert_eq!(stream.trim(&trim(TrimBy::Length(55), true, 30)), 10);
    assert_eq!(stream.log().len(), 62);
    assert_eq!(stream.trim(&trim(TrimBy::Id(StreamId::new(55, 0)), true, 0)), 10);
    assert_eq!(stream.log().first_id(), Some(StreamId::new(51, 0)));
}

#[test]
fn entries_that_groups_need_stay_if_asked_for() {
    let limits = limits(0, 3);
    let mut stream = Stream::default();
    (1..=9).for_each(|ms| append(&mut stream, ms, limits));
    let mut group = Group::new(StreamId::new(8, 0), None);
    let consumer = group.add_consumer(b"c", 0).expect("a new name");
    let pending = Pending { consumer, delivered_ms: 0, deliveries: 1 };
    group.assign(StreamId::new(2, 0), pending);
    group.assign(StreamId::new(5, 0), pending);
    assert!(stream.add_group(b"g", group));
    let acknowledged = Trim { references: References::Acknowledged, ..trim(TrimBy::Length(0), false, 0) };
    assert_eq!(stream.trim(&acknowledged), 6);
    let left = |stream: &Stream| -> Vec<u64> {
        stream.log().range(StreamId::MIN, StreamId::MAX).map(|entry| entry.id.ms).collect()
    };
    assert_eq!(left(&stream), [2, 5, 9]);
    let delete = Trim { references: References::Delete, ..trim(TrimBy::Length(1), false, 0) };
    assert_eq!(stream.trim(&delete), 2);
    assert_eq!(left(&stream), [9]);
    assert!(stream.group(b"g").expect("still there").pending().is_empty());
}

#[test]
fn a_copy_shares_what_does_not_change() {
    let limits = limits(0, 2);
    let mut stream = Stream::default();
    (1..=4).for_each(|ms| append(&mut stream, ms, limits));
    let copy = stream.clone();
    append(&mut stream, 5, limits);
    assert!(stream.log_mut().delete(StreamId::new(3, 0)));
    assert_eq!(copy.log().len(), 4);
    assert!(copy.log().contains(StreamId::new(3, 0)));
    assert!(!stream.log().contains(StreamId::new(3, 0)));
    let shared = stream.log().nodes.iter().zip(&copy.log().nodes);
    assert_eq!(shared.filter(|(a, b)| Arc::ptr_eq(&a.node, &b.node)).count(), 1);
}

#[test]
fn a_file_with_ids_out_of_order_is_no_stream() {
    let name = || [StringRef::Bytes(b"f")].into_iter();
    let field = || [(StringRef::Bytes(b"f"), StringRef::Int(1))].into_iter();
    let mut loader = StreamLoader::new();
    loader.node(StreamId::new(5, 0), name()).expect("the first one");
    loader.entry(StreamId::new(5, 3), field()).expect("the first one");
    assert_eq!(loader.entry(StreamId::new(5, 3), field()), Err(BrokenStream::Order));
    assert_eq!(loader.node(StreamId::new(5, 3), name()), Err(BrokenStream::Order));
    loader.node(StreamId::new(7, 0), name()).expect("it comes behind");
    assert_eq!(loader.finish(StreamId::new(5, 2)).err(), Some(BrokenStream::LastId));
    let mut loader = StreamLoader::new();
    loader.node(StreamId::new(5, 0), name()).expect("the first one");
    loader.entry(StreamId::new(5, 3), field()).expect("the first one");
    loader.node(StreamId::new(7, 0), name()).expect("it comes behind");
    let stream = loader.finish(StreamId::new(5, 3)).expect("in order");
    assert_eq!((stream.log().node_count(), stream.log().first_id()), (1, Some(StreamId::new(5, 3))));
}

/// The listpack that an RDB file has in place of a node.
fn as_listpack(node: NodeRef<'_>) -> crate::Listpack {
    let mut listpack = crate::Listpack::new();
    let (first, names) = (node.first(), node.names());
    for head in [node.len() as i64, 0, names.len() as i64] {
        listpack.push_back(head);
    }
    names.for_each(|name| listpack.push_back(name));
    listpack.push_back(0);
    for entry in node.entries() {
        let same = entry.has_node_names();
        let (ms, seq) = (entry.id.ms.wrapping_sub(first.ms), entry.id.seq.wrapping_sub(first.seq));
        for head in [if same { 2 } else { 0 }, ms as i64, seq as i64] {
            listpack.push_back(head);
        }
        if !same {
            listpack.push_back(entry.field_count() as i64);
        }
        for (name, value) in entry.fields() {
            if !same {
                listpack.push_back(name);
            }
            listpack.push_back(value);
        }
        let count = entry.field_count() as i64;
        listpack.push_back(if same { 3 + count } else { 4 + 2 * count });
    }
    listpack
}

proptest! {
    #[test]
    fn a_node_knows_how_long_its_listpack_is(entries in prop::collection::vec((0u64..2000, any::<u16>(), fields()), 1..200)) {
        let mut stream = Stream::default();
        for (ms, seq, fields) in entries {
            let last = stream.log().counters().last_id;
            let id = StreamId::new(last.ms + ms, u64::from(seq));
            let _ = stream.log_mut().append(id, refs(&fields).into_iter(), limits(0, 150));
        }
        for (node, filed) in stream.log().nodes().zip(&stream.log().nodes) {
            prop_assert_eq!(filed.node.listpack_len(), as_listpack(node).byte_len());
        }
    }
}
