//! The heart of the server: databases, keys and values.
//!
//! - [`Keyspace`] holds the databases; a database is [`SHARDS`] shards, each a table behind a one-byte lock.
//! - [`View`] is how a command reaches its keys; it holds the locks.
//! - Every change passes one hook (see the `mutation` module): it feeds a running [`Snapshot`], the [`Observer`] and the counts.
//! - [`Dense`] is the one table type: O(1) fair random picks and a cursor that misses nothing.
//!
//! This crate knows no clients, no commands, no clock and no I/O: time and seeds are passed in.

mod aside;
mod clock;
mod dense;
mod entry;
mod entry_ref;
mod evict;
mod expire;
mod field_expiry;
mod field_times;
mod hash;
mod index;
mod intset;
mod keyspace;
mod limits;
pub mod listpack;
mod loader;
pub mod lzf;
mod mutation;
mod object;
mod prefetch;
mod shard;
mod size_class;
mod snapshot;
mod table;
mod value;
mod view;

pub use clock::{AccessClock, LFU_INITIAL};
pub use dense::{Dense, Slot};
pub use entry_ref::EntryRef;
pub use evict::{EvictionCandidate, EvictionPolicy, EvictionPool};
pub use expire::{ExpireBudget, ExpireProgress};
pub use field_expiry::FieldExpireProgress;
pub use hash::{Key, KeyHash, SHARDS, set_hash_seed, shard_of};
pub use intset::{Intset, IntsetError};
pub use keyspace::{DbIndex, Detached, Keyspace, KeyspaceStats, PrefetchStage};
pub use limits::{Limit, Limits};
pub use listpack::Listpack;
pub use loader::{DuplicateKey, LoadedAccess, Loader};
pub use mutation::{Change, ExpiredField, ExpiredKey, ExpiredKeys, Garbage, Observer};
pub use object::stream;
pub use object::{Aggregate, FieldRef, Hash, List, Object, Set, SetIter, SortedSet, Stream};
pub use object::{End, ListLimits, ListNode};
pub use object::{LexBound, LexRange, ScoreRange, SortedSetBuilder, SortedSetIter};
pub use snapshot::{DbSize, Progress, Snapshot, SnapshotRunning, SnapshotSink};
pub use table::SetTtl;
pub use value::{EMBSTR_MAX, Encoding, INLINE_MAX, IntText, Kind, NewValue, StringRef, ValueRef, parse_int};
pub use view::{Access, Closed, EntryMut, ExpiryMode, Removed, View};
