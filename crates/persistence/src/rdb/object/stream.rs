//! Streams in an RDB file.
//!
//! A stream is a run of nodes, each the sixteen bytes of an id and a listpack (see [`node`]); then its counters; then
//! its groups, each with all that is pending in it, and the consumers with what of that is theirs. There are three
//! versions: the second one remembers deleted entries and how far groups have read, the third one when consumers got
//! something last. The second one is written: Redis 7.0 reads it, and for what is lost a reader takes the time at
//! which a consumer was seen last.

use std::collections::BTreeMap;
use std::io::Read;

use redan_keyspace::stream::{Group, Pending, StreamId, StreamLoader};
use redan_keyspace::{IntText, Limits, Listpack, Stream};

use crate::digest::Digest;
use crate::rdb::encode::RdbEncoder;
use crate::rdb::error::RdbErrorKind;
use crate::rdb::format::ValueType;
use crate::rdb::input::RdbInput;

mod node;
#[cfg(test)]
mod tests;

type Result<T> = std::result::Result<T, RdbErrorKind>;

/// How `entries_read` says that it is not known.
const UNKNOWN: u64 = u64::MAX;

fn corrupt(what: &'static str) -> RdbErrorKind {
    RdbErrorKind::Corrupt(what)
}

/// The type byte of a value.
pub(super) fn type_of(_value: &Stream) -> ValueType {
    ValueType::StreamListpacks2
}

/// Writes a value.
pub(super) fn put(encoder: &mut RdbEncoder, value: &Stream) {
    let log = value.log();
    encoder.put_len(log.node_count() as u64);
    let mut listpack = Listpack::new();
    for node in log.nodes() {
        encoder.put_string(&node.first().to_be_bytes());
        node::encode(node, &mut listpack);
        encoder.put_string(listpack.as_bytes());
    }
    let counters = log.counters();
    encoder.put_len(counters.len);
    for id in [counters.last_id, counters.first_id, counters.max_deleted_id] {
        put_id(encoder, id);
    }
    encoder.put_len(counters.entries_added);
    let groups = value.groups();
    encoder.put_len(groups.len() as u64);
    for (name, group) in groups {
        encoder.put_string(name);
        put_group(encoder, group);
    }
}

/// An id as two numbers.
fn put_id(encoder: &mut RdbEncoder, id: StreamId) {
    encoder.put_len(id.ms);
    encoder.put_len(id.seq);
}

fn put_group(encoder: &mut RdbEncoder, group: &Group) {
    put_id(encoder, group.last_id);
    encoder.put_len(group.entries_read.unwrap_or(UNKNOWN));
    encoder.put_len(group.pending().len() as u64);
    for (id, pending) in group.pending() {
        encoder.put_raw(&id.to_be_bytes());
        encoder.put_millis(pending.delivered_ms);
        encoder.put_len(pending.deliveries);
    }
    let consumers = group.consumers();
    encoder.put_len(consumers.len() as u64);
    for consumer in consumers {
        encoder.put_string(consumer.name());
        encoder.put_millis(consumer.seen_ms);
        encoder.put_len(consumer.pending().len() as u64);
        consumer.pending().iter().for_each(|id| encoder.put_raw(&id.to_be_bytes()));
    }
}

/// Reads a value. A stream without entries is one too.
pub(super) fn read<R: Read>(
    input: &mut RdbInput<R>,
    value_type: ValueType,
    _limits: &Limits,
) -> Result<Option<Stream>> {
    let mut loader = StreamLoader::new();
    for _ in 0..input.length()? {
        let key = input.string()?.into_vec();
        let first =
            key.try_into().map_err(|_| corrupt("Stream node key entry is not the size of a stream ID"))?;
        let listpack = Listpack::from_bytes(input.string()?.into_vec())
            .map_err(|_| corrupt("Stream listpack integrity check failed."))?;
        node::decode(&mut loader, StreamId::from_be_bytes(first), &listpack)?;
    }
    if input.length()? != loader.len() {
        return Err(corrupt("Stream length inconsistent with rax entries"));
    }
    let last_id = read_id(input)?;
    let mut stream = loader.finish(last_id).map_err(|_| corrupt("Stream entries out of order"))?;
    let remembers = value_type != ValueType::StreamListpacks;
    if remembers {
        let _first_id = read_id(input)?;
        let max_deleted_id = read_id(input)?;
        stream.log_mut().set_counters(last_id, max_deleted_id, input.length()?);
    }
    for _ in 0..input.length()? {
        let name = input.string()?.into_vec();
        let last_id = read_id(input)?;
        let entries_read = match remembers {
            true => Some(input.length()?).filter(|read| *read != UNKNOWN),
            false => stream.log().counters().entries_added_until(last_id),
        };
        let group = read_group(input, Group::new(last_id, entries_read), value_type)?;
        if !stream.add_group(&name, group) {
            return Err(corrupt("Duplicated consumer group name"));
        }
    }
    Ok(Some(stream))
}

fn read_id<R: Read>(input: &mut RdbInput<R>) -> Result<StreamId> {
    Ok(StreamId::new(input.length()?, input.length()?))
}

fn read_group<R: Read>(input: &mut RdbInput<R>, mut group: Group, value_type: ValueType) -> Result<Group> {
    // Whose the pending entries are is said only with the consumers.
    let mut ownerless = BTreeMap::new();
    for _ in 0..input.length()? {
        let id = StreamId::from_be_bytes(input.array()?);
        if ownerless.insert(id, (input.millis()?, input.length()?)).is_some() {
            return Err(corrupt("Duplicated global PEL entry loading stream consumer group"));
        }
    }
    for _ in 0..input.length()? {
        let name = input.string()?.into_vec();
        let seen_ms = input.millis()?;
        let consumer = group
            .add_consumer(&name, seen_ms)
            .ok_or_else(|| corrupt("Duplicate stream consumer detected"))?;
        let has_active = value_type == ValueType::StreamListpacks3;
        group.consumer_mut(consumer).active_ms = if has_active { input.millis()? } else { seen_ms };
        for _ in 0..input.length()? {
            let id = StreamId::from_be_bytes(input.array()?);
            let (delivered_ms, deliveries) = ownerless
                .remove(&id)
                .ok_or_else(|| corrupt("Consumer entry not found in group global PEL"))?;
            group.assign(id, Pending { consumer, delivered_ms, deliveries });
        }
    }
    if !ownerless.is_empty() {
        return Err(corrupt("NACK entry without consumer"));
    }
    Ok(group)
}

/// Adds a value to a digest.
pub(super) fn digest(digest: &mut Digest, value: &Stream) {
    for entry in value.log().range(StreamId::MIN, StreamId::MAX) {
        digest.mix(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
        for (field, value) in entry.fields() {
            digest.mix(field.bytes(&mut IntText::new()));
            digest.mix(value.bytes(&mut IntText::new()));
        }
    }
}
