//! Growing buffers by the allocator's own steps.
//!
//! Doubling a buffer leaves up to half of it unused for as long as it lives. The allocator (jemalloc) rounds a request up
//! to a size class anyway: multiples of 16 up to 128 bytes, then four classes per doubling. A buffer that grows from class to class
//! wastes nothing and still grows geometrically, by at least an eighth at a time.

/// The smallest class for tiny buffers.
const SMALLEST: usize = 8;
/// Up to here classes are multiples of [`STEP`].
const LINEAR_MAX: usize = 128;
const STEP: usize = 16;

/// The bytes that an allocation of `len` bytes really takes.
#[inline]
pub(crate) const fn size_class(len: usize) -> usize {
    if len <= SMALLEST {
        SMALLEST
    } else if len <= LINEAR_MAX {
        len.next_multiple_of(STEP)
    } else {
        let doubling = usize::BITS - (len - 1).leading_zeros();
        len.next_multiple_of(1 << (doubling - 3))
    }
}

/// Makes room for `more` bytes, so that the buffer fills a size class.
#[inline]
pub(crate) fn reserve(buffer: &mut Vec<u8>, more: usize) {
    let len = buffer.len();
    if buffer.capacity() - len < more {
        buffer.reserve_exact(size_class(len + more) - len);
    }
}

/// Gives back what is not needed once the buffer could live in half of its room.
#[inline]
pub(crate) fn shrink(buffer: &mut Vec<u8>) {
    let class = size_class(buffer.len());
    if class <= buffer.capacity() / 2 {
        buffer.shrink_to(class);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_the_allocator() {
        for (len, class) in [
            (0, 8),
            (8, 8),
            (9, 16),
            (17, 32),
            (113, 128),
            (128, 128),
            (129, 160),
            (160, 160),
            (161, 192),
            (225, 256),
            (257, 320),
            (4096, 4096),
            (4097, 5120),
            (8190, 8192),
            (8193, 10240),
        ] {
            assert_eq!(size_class(len), class, "{len}");
        }
    }

    #[test]
    fn a_buffer_fills_its_class() {
        let mut buffer = vec![1; 100];
        reserve(&mut buffer, 60);
        assert_eq!(buffer.capacity(), 160);
        buffer.truncate(70);
        shrink(&mut buffer);
        assert_eq!(buffer.capacity(), 80);
        shrink(&mut buffer);
        assert_eq!((buffer.capacity(), buffer.len()), (80, 70));
    }
}
