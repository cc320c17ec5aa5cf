//! Streams there and back, and as Redis wrote them.

use redan_keyspace::stream::{NodeLimits, Trim, TrimBy};
use redan_keyspace::{Object, StringRef, ValueRef};

use super::*;
use crate::dump;
use crate::rdb::RdbValue;

/// DUMP of a stream by Redis 5: six entries were added, one deleted, four trimmed; two groups, one of which has read four.
const REDIS_5: &[u8] = b"\x0F\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\xC3\x40\x4A\x40\x57\x16\x57\x00\x00\x00\x23\x00\x02\x01\x04\x01\x01\x01\x84\x64\x61\x74\x61\x05\x00\x01\x03\x01\x00\x20\x01\x03\x81\x61\x02\x04\x20\x0A\x00\x01\x40\x0A\x00\x62\x60\x0A\x00\x02\x40\x0A\x00\x63\x60\x0A\x40\x22\x01\x81\x64\x20\x0A\x40\x39\x20\x0A\x00\x65\x60\x0A\x00\x05\x40\x0A\x00\x66\x20\x0A\x00\xFF\x02\x06\x00\x02\x02\x67\x31\x05\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x3E\xF7\x83\x43\x7A\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x3E\xF7\x83\x43\x7A\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x3E\xF7\x83\x43\x7A\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x3E\xF7\x83\x43\x7A\x01\x00\x00\x01\x01\x03\x63\x31\x31\x3E\xF7\x83\x43\x7A\x01\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x02\x67\x32\x00\x00\x00\x00\x09\x00\x3D\x52\xEF\x68\x67\x52\x1D\xFA";

/// DUMP of a stream by Redis 7.0: one entry, pending with a consumer.
const REDIS_7: &[u8] = b"\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x1D\x1D\x00\x00\x00\x0A\x00\x01\x01\x00\x01\x01\x01\x81\x66\x02\x00\x01\x02\x01\x00\x01\x00\x01\x81\x76\x02\x04\x01\xFF\x01\x01\x01\x01\x01\x00\x00\x01\x01\x01\x67\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\xF5\x5A\x71\xC7\x84\x01\x00\x00\x01\x01\x05\x41\x6C\x69\x63\x65\xF5\x5A\x71\xC7\x84\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x0B\x00\xA7\xA9\x14\xA5\x27\xFF\x9B\x9B";

fn restore(payload: &[u8]) -> std::result::Result<Stream, dump::DumpError> {
    dump::decode(payload, false, &Limits::default(), |value| match value {
        RdbValue::Object(Object::Stream(stream)) => stream,
        _ => panic!("no stream"),
    })
}

fn dump(stream: &Stream) -> Vec<u8> {
    dump::encode(ValueRef::Object(&Object::Stream(stream.clone())), true)
}

fn fingerprint(stream: &Stream) -> Digest {
    Digest::of_value(ValueRef::Object(&Object::Stream(stream.clone())), false)
}

fn sample(entries: u64) -> Stream {
    let limits = NodeLimits::new(&Limits::default());
    let mut stream = Stream::default();
    for at in 0..entries {
        let (name, value) = (if at % 7 == 0 { "other" } else { "name" }, format!("value {at}"));
        let fields = [
            (StringRef::Bytes(name.as_bytes()), StringRef::Bytes(value.as_bytes())),
            (StringRef::Bytes(b"5"), StringRef::Int(at as i64 - 500)),
        ];
        let id = StreamId::new(1000 + at / 3, at % 3);
        stream.log_mut().append(id, fields.into_iter(), limits).expect("ids grow");
    }
    let trim = Trim {
        by: TrimBy::Length(entries - 15),
        approximate: false,
        limit: 0,
        references: Default::default(),
    };
    assert_eq!(stream.trim(&trim), 15);
    assert!(stream.log_mut().delete(StreamId::new(1008, 1)));
    let mut group = Group::new(StreamId::new(1009, 0), None);
    for (name, from) in [("alice", 1004), ("bob", 1006)] {
        let consumer = group.add_consumer(name.as_bytes(), 77).expect("a new name");
        group.consumer_mut(consumer).active_ms = 77;
        for ms in from..from + 2 {
            group.assign(StreamId::new(ms, 0), Pending { consumer, delivered_ms: 70, deliveries: 3 });
        }
    }
    assert!(stream.add_group(b"g", group) && stream.add_group(b"h", Group::new(StreamId::MIN, Some(0))));
    stream
}

#[test]
fn what_is_written_is_read_back() {
    let stream = sample(1000);
    let back = restore(&dump(&stream)).expect("it was just written");
    assert_eq!(fingerprint(&back), fingerprint(&stream));
    assert_eq!(back.log().counters(), stream.log().counters());
    assert_eq!(back.log().node_count(), stream.log().node_count());
    for ((name, group), (other_name, other)) in stream.groups().zip(back.groups()) {
        assert_eq!(name, other_name);
        assert_eq!((group.last_id, group.entries_read), (other.last_id, other.entries_read));
        let pending = |group: &Group| -> Vec<_> {
            let with_owner = group.pending().iter().map(|(id, pending)| {
                let owner = group.consumer(pending.consumer);
                (
                    *id,
                    pending.delivered_ms,
                    pending.deliveries,
                    owner.name().to_vec(),
                    owner.seen_ms,
                    owner.active_ms,
                )
            });
            with_owner.collect()
        };
        assert_eq!(pending(group), pending(other));
    }
    // Deleted entries are not written, so that the second time gives the same bytes.
    assert_eq!(dump(&back), dump(&stream));
}

#[test]
fn streams_of_old_versions_are_read() {
    let stream = restore(REDIS_5).expect("Redis wrote it");
    let counters = stream.log().counters();
    assert_eq!((counters.len, counters.max_deleted_id, counters.entries_added), (2, StreamId::MIN, 2));
    let group = stream.group(b"g1").expect("it is there");
    assert_eq!((group.entries_read, counters.lag(group), group.pending().len()), (Some(1), Some(1), 4));
    let group = stream.group(b"g2").expect("it is there");
    assert_eq!((group.entries_read, counters.lag(group)), (Some(0), Some(2)));

    let stream = restore(REDIS_7).expect("Redis wrote it");
    let consumer = stream.group(b"g").expect("it is there").consumers().next().expect("there is one");
    assert_eq!((consumer.name(), consumer.seen_ms), (&b"Alice"[..], consumer.active_ms));
}

#[test]
fn damage_is_refused() {
    let payload = dump(&sample(30));
    let mut refused = 0;
    for at in 0..payload.len() - 10 {
        for flip in [0x01, 0x80, 0xFF] {
            let mut damaged = payload.clone();
            damaged[at] ^= flip;
            // Some damage only makes another stream; the point is that nothing breaks.
            refused += usize::from(restore(&damaged).is_err());
        }
    }
    assert!(refused > payload.len(), "{refused} of {}", payload.len() * 3);
    for len in 0..payload.len() - 10 {
        let mut cut = payload[..len].to_vec();
        cut.extend_from_slice(&payload[payload.len() - 10..]);
        assert!(restore(&cut).is_err(), "cut at {len}");
    }
}
