//! The parameters that say up to which size values keep their compact form.

use super::Server;
use crate::config::{Settings, rows};
use redan_keyspace::Limit;

/// The parameters, each with the limit it sets.
fn values(settings: &Settings) -> [(&'static str, Limit, i64); 11] {
    let size = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    macro_rules! row {
        ($row:ident, $limit:ident) => {
            (rows::$row.name(), Limit::$limit, settings.get(rows::$row))
        };
        ($row:ident, $limit:ident, bytes) => {
            (rows::$row.name(), Limit::$limit, size(settings.get(rows::$row)))
        };
    }
    [
        row!(HASH_MAX_LISTPACK_ENTRIES, HashMaxListpackEntries),
        row!(HASH_MAX_LISTPACK_VALUE, HashMaxListpackValue, bytes),
        row!(LIST_MAX_LISTPACK_SIZE, ListMaxListpackSize),
        row!(LIST_COMPRESS_DEPTH, ListCompressDepth),
        row!(SET_MAX_INTSET_ENTRIES, SetMaxIntsetEntries),
        row!(SET_MAX_LISTPACK_ENTRIES, SetMaxListpackEntries),
        row!(SET_MAX_LISTPACK_VALUE, SetMaxListpackValue),
        row!(ZSET_MAX_LISTPACK_ENTRIES, ZsetMaxListpackEntries),
        row!(ZSET_MAX_LISTPACK_VALUE, ZsetMaxListpackValue, bytes),
        row!(STREAM_NODE_MAX_BYTES, StreamNodeMaxBytes, bytes),
        row!(STREAM_NODE_MAX_ENTRIES, StreamNodeMaxEntries),
    ]
}

/// The names of the parameters.
pub(super) fn names(settings: &Settings) -> Vec<&'static str> {
    values(settings).iter().map(|(name, ..)| *name).collect()
}

/// Sets the limits.
pub(super) fn apply(server: &Server, settings: &Settings) {
    let limits = server.engine.keyspace().limits();
    for (_, limit, value) in values(settings) {
        limits.set(limit, value);
    }
}
