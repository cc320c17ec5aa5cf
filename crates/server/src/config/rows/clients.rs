//! Limits of clients.

use crate::config::value::{Amount, OutputLimits};

super::rows! {
    Clients;
    /// Clients that may be connected at once.
    MAXCLIENTS: i64 = int("maxclients", 10_000).range(1, u32::MAX as i64);
    /// Seconds after which an idle client is disconnected; 0 for never.
    TIMEOUT: i64 = int("timeout", 0);
    /// How much output clients may leave unread, by class.
    CLIENT_OUTPUT_BUFFER_LIMIT: OutputLimits = special("client-output-buffer-limit", Kind::OutputLimits);
    /// Bytes a client may have sent that were not executed yet.
    CLIENT_QUERY_BUFFER_LIMIT: u64 =
        memory("client-query-buffer-limit", 1 << 30).size_range(1 << 20, i64::MAX as u64).debug();
    /// Bytes of the longest string a client may send.
    PROTO_MAX_BULK_LEN: u64 = memory("proto-max-bulk-len", 512 << 20).size_range(1 << 20, i64::MAX as u64).debug();
    /// Bytes all clients together may use before the largest are disconnected; a percentage is of `maxmemory`.
    MAXMEMORY_CLIENTS: Amount = memory("maxmemory-clients", 0).or_percent().inert();
    /// Keys remembered at most for client side caching; 0 for any number.
    TRACKING_TABLE_MAX_KEYS: i64 = int("tracking-table-max-keys", 1_000_000).range(0, i64::MAX);
}
