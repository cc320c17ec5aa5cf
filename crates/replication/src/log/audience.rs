//! Which parts of the stream are not for everybody.

use std::collections::VecDeque;

/// Who a piece of the stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Replicas and the AOF.
    All,
    /// Replicas: PING, REPLCONF GETACK and PUBLISH change no data.
    ReplicasOnly,
}

/// The ranges of the stream that are for replicas only, in order; neighbours are merged.
#[derive(Debug, Default)]
pub(super) struct ReplicasOnlyRanges(VecDeque<(u64, u64)>);

impl ReplicasOnlyRanges {
    /// Notes the range from `start` to `end`, which lies behind all others.
    pub(super) fn push(&mut self, start: u64, end: u64) {
        match self.0.back_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => self.0.push_back((start, end)),
        }
    }

    /// Forgets ranges before `offset`.
    pub(super) fn trim(&mut self, offset: u64) {
        while self.0.front().is_some_and(|range| range.1 <= offset) {
            self.0.pop_front();
        }
    }

    /// Forgets what lies behind `offset`.
    pub(super) fn truncate(&mut self, offset: u64) {
        while self.0.back().is_some_and(|range| range.0 >= offset) {
            self.0.pop_back();
        }
        if let Some(last) = self.0.back_mut() {
            last.1 = last.1.min(offset);
        }
    }

    /// Forgets all ranges.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The first offset from `offset` on that is for everybody, and where that ends if it does. O(log ranges).
    pub(super) fn next_for_all(&self, offset: u64) -> (u64, Option<u64>) {
        let i = self.0.partition_point(|range| range.1 <= offset);
        match self.0.get(i) {
            Some(&(start, end)) if start <= offset => (end, self.0.get(i + 1).map(|next| next.0)),
            Some(&(start, _)) => (offset, Some(start)),
            None => (offset, None),
        }
    }
}
