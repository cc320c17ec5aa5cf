//! An arena of the allocator for each worker, so that they do not wait for each other.
#![allow(unsafe_code, reason = "the allocator's controls are typed by name only")]

use tikv_jemalloc_ctl::raw;

/// Makes an arena and has the calling thread allocate from it. Without one, the thread shares the common arenas.
pub(crate) fn use_own_arena() {
    // SAFETY: `arenas.create` gives an `unsigned`, `thread.arena` takes one (jemalloc's manual).
    let made: tikv_jemalloc_ctl::Result<()> = unsafe {
        raw::read::<u32>(b"arenas.create\0").and_then(|arena| raw::write(b"thread.arena\0", arena))
    };
    if let Err(error) = made {
        tracing::debug!("A worker shares its arena: {error}");
    }
}
