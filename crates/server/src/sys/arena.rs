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

/// Gives the unused pages of all arenas back to the system: they are told to keep none for a moment.
pub(crate) fn purge() {
    // SAFETY: `arenas.narenas` is an `unsigned`, the two times are `ssize_t` (jemalloc's manual).
    let arenas = unsafe { raw::read::<u32>(b"arenas.narenas\0") }.unwrap_or(0);
    for arena in 0..arenas {
        for pages in ["dirty", "muzzy"] {
            let name = format!("arena.{arena}.{pages}_decay_ms\0");
            // SAFETY: as above. An arena that does not exist is an error, and there is nothing to do for it.
            let _ = unsafe {
                raw::read::<isize>(name.as_bytes()).and_then(|usual| {
                    raw::write(name.as_bytes(), 0_isize)?;
                    raw::write(name.as_bytes(), usual)
                })
            };
        }
    }
}
