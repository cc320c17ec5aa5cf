//! Prefetching a cache line: a hint to the processor that reads nothing as far as the program is concerned.
//!
//! `unsafe` because the intrinsic takes a pointer. Any address is allowed, valid or not: the instruction never faults.
#![expect(unsafe_code, reason = "the prefetch instruction is only available as an unsafe intrinsic")]

/// Asks for the cache line at `address`.
#[inline]
pub(crate) fn prefetch(address: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: prefetching does not access memory in the sense of the language and can not fault.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_address_may_be_prefetched(address: usize) {
            super::prefetch(address);
        }
    }
}
