//! Reactions to the stream of commands, and acknowledgements.

use std::collections::VecDeque;

use super::cutter::{Piece, StreamCutter, StreamError};
use super::io::{LinkId, Output, Position};
use super::{ACK_PERIOD_MS, Phase, ReplicaLink, Timer, handshake};
use crate::{Audience, LogLevel, Millis};

/// What was executed of the stream.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) position: Position,
    /// Offset behind the last piece given out, and the pieces that were not reported as applied: offset behind them,
    /// database selected there.
    pub(super) given: u64,
    pending: VecDeque<(u64, u32)>,
    /// A GETACK at this offset waits for what was in front of it.
    ack_due: Option<u64>,
    /// The master is too old to understand acknowledgements and partial resyncs.
    pub(super) is_pre_psync: bool,
}

impl Applied {
    pub(super) fn at(position: Position, is_pre_psync: bool) -> Self {
        let given = position.offset;
        Applied { position, given, pending: VecDeque::new(), ack_due: None, is_pre_psync }
    }

    /// Notes a piece that is given out.
    pub(super) fn give(&mut self, link: LinkId, piece: Piece) -> Output {
        let start = self.given;
        self.given += piece.bytes.len() as u64;
        self.pending.push_back((self.given, piece.db_after));
        if piece.is_getack {
            self.ack_due.get_or_insert(start);
        }
        let Piece { bytes, audience, db, db_after, .. } = piece;
        debug_assert!(audience == Audience::All || db == db_after);
        Output::Apply { link, bytes, end_offset: self.given, db, db_after, audience }
    }

    /// Everything up to `offset` is executed.
    pub(super) fn advance(&mut self, offset: u64) {
        while let Some(&(end, db)) = self.pending.front()
            && end <= offset
        {
            self.position.offset = end;
            self.position.db = db;
            self.pending.pop_front();
        }
    }
}

impl ReplicaLink {
    pub(super) fn start_streaming(&mut self, now: Millis, position: Position, is_pre_psync: bool) {
        self.applied = Applied::at(position, is_pre_psync);
        self.phase = Phase::Streaming(StreamCutter::new(position.db));
        self.last_io = now;
        self.down_since = None;
        self.timers.set(Timer::Silence as usize, now + self.config.timeout_ms);
        self.timers.set(Timer::Ack as usize, now + ACK_PERIOD_MS);
        self.outputs.push_back(Output::LinkChanged(true));
        // A master waits for it after a payload that a mark ended; else it just tells early that we are there.
        self.ack();
        let rest = self.inbuf.split().freeze();
        if !rest.is_empty() {
            self.on_stream(now, &rest);
        }
        self.lose_stream_if_broken(now);
    }

    pub(super) fn on_stream(&mut self, now: Millis, bytes: &[u8]) {
        let Phase::Streaming(cutter) = &mut self.phase else { return };
        let (link, applied, outputs) = (self.link, &mut self.applied, &mut self.outputs);
        let result = cutter.feed(bytes, |piece| outputs.push_back(applied.give(link, piece)));
        if let Err(error) = result {
            let what = match error {
                StreamError::Inline => "Receiving inline protocol from master".to_owned(),
                StreamError::Protocol(error) => error.to_string(),
            };
            self.log(
                LogLevel::Warning,
                format!(
                    "WARNING: {what}, master stream corruption? Closing the master connection and discarding the \
                     cached master."
                ),
            );
            // What was given out is not to be executed: the driver reports nothing more about this link.
            self.lose_stream(now);
            self.discard_cached();
            return;
        }
        self.ack_if_due();
    }

    pub(super) fn on_applied(&mut self, now: Millis, offset: u64) {
        if matches!(self.phase, Phase::Streaming(_)) {
            self.applied.advance(offset);
            self.ack_if_due();
            self.lose_stream_if_broken(now);
        }
    }

    /// The link that broke during loading is given up once all it brought is executed: what was given out and is not
    /// known to be executed would come a second time.
    fn lose_stream_if_broken(&mut self, now: Millis) {
        if self.broke_while_loading
            && self.applied.pending.is_empty()
            && matches!(self.phase, Phase::Streaming(_))
        {
            self.broke_while_loading = false;
            self.lose_stream(now);
        }
    }

    pub(super) fn ack_if_due(&mut self) {
        if self.applied.ack_due.is_some_and(|due| due <= self.applied.position.offset) {
            self.applied.ack_due = None;
            self.ack();
        }
    }

    /// Tells the master how far we are.
    pub(super) fn ack(&mut self) {
        if !matches!(self.phase, Phase::Streaming(_)) || self.applied.is_pre_psync {
            return;
        }
        let offset = self.applied.position.offset.to_string();
        let bytes = match self.fsynced.map(|fsynced| fsynced.to_string()) {
            Some(fsynced) => {
                handshake::command(&[b"REPLCONF", b"ACK", offset.as_bytes(), b"FACK", fsynced.as_bytes()])
            }
            None => handshake::command(&[b"REPLCONF", b"ACK", offset.as_bytes()]),
        };
        self.send(bytes);
    }
}
