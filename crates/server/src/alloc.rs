//! The allocator: jemalloc, tuned for a process that shall be small when it is idle.
//!
//! jemalloc makes four arenas per processor by default, and each thread that allocates wakes up another one, with pages of
//! its own. Here there is one for everybody, and each worker gets one of its own (see [`crate::worker`]).
#![allow(unsafe_code, reason = "the allocator reads its options from an exported symbol")]

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A C string in a static.
#[repr(transparent)]
struct Options(*const u8);

// SAFETY: the pointer leads to a constant that nobody writes.
unsafe impl Sync for Options {}

/// What jemalloc reads before it makes its first allocation.
#[used]
#[unsafe(export_name = "_rjem_malloc_conf")]
static OPTIONS: Options =
    Options(c"narenas:1,dirty_decay_ms:5000,muzzy_decay_ms:0,metadata_thp:disabled".as_ptr().cast());
