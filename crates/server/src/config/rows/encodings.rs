//! Up to which size values keep their compact form.

super::rows! {
    Encodings;
    /// Fields of a compact hash.
    HASH_MAX_LISTPACK_ENTRIES: i64 =
        int("hash-max-listpack-entries", 512).range(0, i64::MAX).alias("hash-max-ziplist-entries");
    /// Bytes of a field or value of a compact hash.
    HASH_MAX_LISTPACK_VALUE: u64 = memory("hash-max-listpack-value", 64).alias("hash-max-ziplist-value");
    /// Size of a list node: entries, or a class of bytes when negative (-1 is 4 kb, -5 is 64 kb).
    LIST_MAX_LISTPACK_SIZE: i64 = int("list-max-listpack-size", -2)
        .range(i32::MIN as i64, i32::MAX as i64)
        .alias("list-max-ziplist-size");
    /// Nodes at each end of a list that are never compressed; 0 compresses none.
    LIST_COMPRESS_DEPTH: i64 = int("list-compress-depth", 0).debug();
    /// Members of a set of integers that is kept as a sorted array.
    SET_MAX_INTSET_ENTRIES: i64 = int("set-max-intset-entries", 512).range(0, i64::MAX);
    /// Members of a compact set.
    SET_MAX_LISTPACK_ENTRIES: i64 = int("set-max-listpack-entries", 128).range(0, i64::MAX);
    /// Bytes of a member of a compact set.
    SET_MAX_LISTPACK_VALUE: i64 = int("set-max-listpack-value", 64).range(0, i64::MAX);
    /// Members of a compact sorted set.
    ZSET_MAX_LISTPACK_ENTRIES: i64 =
        int("zset-max-listpack-entries", 128).range(0, i64::MAX).alias("zset-max-ziplist-entries");
    /// Bytes of a member of a compact sorted set.
    ZSET_MAX_LISTPACK_VALUE: u64 = memory("zset-max-listpack-value", 64).alias("zset-max-ziplist-value");
    /// Bytes of a sparse HyperLogLog.
    HLL_SPARSE_MAX_BYTES: u64 = memory("hll-sparse-max-bytes", 3000);
    /// Bytes of a node of a stream; 0 for any number.
    STREAM_NODE_MAX_BYTES: u64 = memory("stream-node-max-bytes", 4096);
    /// Entries of a node of a stream; 0 for any number.
    STREAM_NODE_MAX_ENTRIES: i64 = int("stream-node-max-entries", 100).range(0, i64::MAX);
}
