//! A consumer's place in the log.

use super::Audience;
use super::segments::Chunks;

/// Names a consumer of the log. Never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CursorId(pub u64);

/// What [`super::Log::read`] returns: consecutive bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRead {
    /// Offset of the first byte. May lie behind the cursor's offset when the cursor skipped what is not for it.
    pub start: u64,
    /// Offset behind the last byte; equal to `start` when there is nothing to read.
    pub end: u64,
    /// The bytes.
    pub chunks: Chunks,
}

/// `client-output-buffer-limit replica`: how far a consumer may lag. 0 means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LagLimits {
    /// Bytes at which the consumer is dropped at once.
    pub hard: u64,
    /// Bytes at which it is dropped when it stays above for `soft_ms`.
    pub soft: u64,
    /// How long it may stay above `soft`, in milliseconds.
    pub soft_ms: u64,
}

/// The log does not hold the bytes from the wanted offset on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("offset {wanted} is not in the log, which holds {start} to {end}")]
pub struct OutOfRange {
    /// The wanted offset.
    pub wanted: u64,
    /// Offset of the oldest byte kept.
    pub start: u64,
    /// Offset behind the newest byte.
    pub end: u64,
}

/// Why a cursor gives nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// The consumer lagged over its limits, or the log began anew at another offset; detach it.
    #[error("consumer lost its place in the log")]
    Overrun,
    /// No such cursor, or it was detached.
    #[error("no such cursor")]
    Unknown,
}

#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) id: CursorId,
    /// Offset of the next byte it needs.
    pub(super) offset: u64,
    pub(super) audience: Audience,
    /// It reads no further for now.
    pub(super) fence: u64,
    pub(super) limits: LagLimits,
    /// Since when it is above the soft limit.
    pub(super) soft_since_ms: Option<u64>,
    /// Set when it may no longer hold back trimming.
    pub(super) overrun: bool,
}

impl Cursor {
    /// Whether a lag of `lag` bytes at `now_ms` breaks the limits. A limit below the backlog's size means that size: else
    /// a replica that resumed within the backlog would be dropped at once.
    pub(super) fn is_over_limit(&mut self, lag: u64, backlog_size: u64, now_ms: u64) -> bool {
        let over = |limit: u64| limit != 0 && lag > limit.max(backlog_size);
        if over(self.limits.hard) {
            return true;
        }
        if !over(self.limits.soft) {
            self.soft_since_ms = None;
            return false;
        }
        let since = *self.soft_since_ms.get_or_insert(now_ms);
        now_ms.saturating_sub(since) > self.limits.soft_ms
    }
}
