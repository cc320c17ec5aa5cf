//! Values and their encodings, the shard and its tables, expiry, eviction sampling, snapshots.
