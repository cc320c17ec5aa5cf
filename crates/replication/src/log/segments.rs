//! The bytes of the log: sealed segments and the tail being written.

use std::collections::VecDeque;

use bytes::Bytes;
use smallvec::SmallVec;

/// Chunks of one read.
pub type Chunks = SmallVec<[Bytes; 4]>;

/// Size in bytes at which the tail is sealed; larger commands get a segment of their own.
///
/// Readers copy what they take from the tail and share what is sealed, so that a small segment means less copying for
/// those who lag, and a large one fewer allocations.
pub const SEGMENT_LEN: usize = 32 * 1024;

/// A contiguous range of the stream that grows at the end and shrinks at the front.
#[derive(Debug, Default)]
pub(super) struct Segments {
    /// Sealed segments, oldest first, each with the offset of its first byte.
    sealed: VecDeque<(u64, Bytes)>,
    /// Offset of the tail's first byte.
    tail_start: u64,
    /// Room for [`SEGMENT_LEN`] bytes from the first write on.
    tail: Vec<u8>,
}

impl Segments {
    /// Nothing, at `offset`.
    pub(super) fn new(offset: u64) -> Self {
        Segments { sealed: VecDeque::new(), tail_start: offset, tail: Vec::new() }
    }

    /// Offset of the oldest byte kept.
    pub(super) fn start(&self) -> u64 {
        self.sealed.front().map_or(self.tail_start, |(start, _)| *start)
    }

    /// Offset behind the newest byte.
    pub(super) fn end(&self) -> u64 {
        self.tail_start + self.tail.len() as u64
    }

    /// Offset of the first byte that is not sealed: changes when a segment was sealed.
    #[inline]
    pub(super) fn start_of_tail(&self) -> u64 {
        self.tail_start
    }

    /// Bytes allocated, about.
    pub(super) fn heap_size(&self) -> usize {
        let sealed = (self.tail_start - self.start()) as usize;
        sealed + self.tail.capacity() + self.sealed.capacity() * size_of::<(u64, Bytes)>()
    }

    /// The buffer to append `need` bytes to: it has room for them.
    #[inline]
    pub(super) fn room_for(&mut self, need: usize) -> &mut Vec<u8> {
        if self.tail.capacity() - self.tail.len() < need {
            self.next_segment(need);
        }
        &mut self.tail
    }

    #[cold]
    fn next_segment(&mut self, need: usize) {
        self.seal();
        self.tail = Vec::with_capacity(need.max(SEGMENT_LEN));
    }

    /// Makes the tail shareable.
    fn seal(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        let mut bytes = std::mem::take(&mut self.tail);
        if bytes.capacity() - bytes.len() > SEGMENT_LEN / 8 {
            bytes.shrink_to_fit();
        }
        let start = self.tail_start;
        self.tail_start += bytes.len() as u64;
        self.sealed.push_back((start, Bytes::from(bytes)));
    }

    /// Forgets everything from `offset` on, which lies within what is kept.
    pub(super) fn truncate(&mut self, offset: u64) {
        debug_assert!(self.start() <= offset && offset <= self.end());
        if offset >= self.tail_start {
            self.tail.truncate((offset - self.tail_start) as usize);
            return;
        }
        self.tail = Vec::new();
        while let Some((start, bytes)) = self.sealed.pop_back() {
            if start < offset {
                self.sealed.push_back((start, bytes.slice(..(offset - start) as usize)));
                break;
            }
        }
        self.tail_start = offset;
    }

    /// Forgets segments that lie completely before `offset`.
    #[inline]
    pub(super) fn trim(&mut self, offset: u64) {
        while let Some((start, bytes)) = self.sealed.front()
            && start + bytes.len() as u64 <= offset
        {
            self.sealed.pop_front();
        }
        if self.sealed.is_empty() && offset >= self.end() && self.tail.len() > SEGMENT_LEN / 2 {
            // Everybody has everything: write the same memory again.
            self.tail_start = self.end();
            self.tail.clear();
        }
    }

    /// The bytes from `from` to `to`, which must lie within what is kept. O(log segments + chunks).
    pub(super) fn read(&self, from: u64, to: u64) -> Chunks {
        debug_assert!(self.start() <= from && to <= self.end());
        let mut chunks = Chunks::new();
        let mut at = from;
        let first = self.sealed.partition_point(|(start, bytes)| start + bytes.len() as u64 <= from);
        for (start, bytes) in self.sealed.range(first..) {
            if at >= to {
                return chunks;
            }
            let end = (start + bytes.len() as u64).min(to);
            chunks.push(bytes.slice((at - start) as usize..(end - start) as usize));
            at = end;
        }
        if at < to {
            let range = (at - self.tail_start) as usize..(to - self.tail_start) as usize;
            chunks.push(Bytes::copy_from_slice(&self.tail[range]));
        }
        chunks
    }
}
