//! Deterministic simulation of replication and Sentinel.
