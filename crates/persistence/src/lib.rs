//! RDB encode and decode, check tools.
