//! Carrying out what a master sent.
//!
//! A piece of the stream is executed and appended to our own log in one stay inside the gate: whoever runs alone (the
//! cut of a snapshot, a change of role) finds either both or neither.

use crate::checks::Check;
use crate::dispatch::Request;
use crate::{Engine, Lookup, Run, Session, Worker};
use redan_keyspace::DbIndex;
use redan_resp::{Args, Decoded, RequestDecoder, RequestLimits, Span};
use std::ops::Range;

/// A request of the piece: where its bytes and its spans are.
struct Item {
    bytes: Range<usize>,
    spans: Range<usize>,
    /// Index of its command's entry, if there is such a command.
    entry: Option<u16>,
}

/// The requests of a piece.
struct Piece {
    items: Vec<Item>,
    spans: Vec<Span>,
    /// One of them has to run alone.
    alone: bool,
}

impl Piece {
    fn decode(engine: &Engine, bytes: &[u8]) -> Self {
        let limits = RequestLimits {
            max_bulk_len: u32::MAX as usize,
            max_buffer: usize::MAX,
            ..RequestLimits::authenticated()
        };
        let mut decoder = RequestDecoder::new();
        let mut piece = Piece { items: Vec::new(), spans: Vec::new(), alone: false };
        let mut at = 0;
        while at < bytes.len() {
            let first = piece.spans.len();
            let consumed = match decoder.decode(&bytes[at..], &limits, &mut piece.spans) {
                Ok(Decoded::Request { consumed, .. }) => consumed,
                Ok(Decoded::Empty { consumed }) => {
                    at += consumed;
                    continue;
                }
                // The stream was cut where commands end; nothing else can be here.
                Ok(Decoded::Inline(..) | Decoded::Incomplete { .. }) | Err(_) => break,
            };
            let spans = first..piece.spans.len();
            let item = Item { bytes: at..at + consumed, spans, entry: None };
            let args = item.args(bytes, &piece.spans);
            let entry = match engine.table().lookup(args) {
                Lookup::Found(entry) => {
                    piece.alone |= engine.runs_alone(entry, args);
                    Some(entry.index)
                }
                _ => None,
            };
            piece.items.push(Item { entry, ..item });
            at += consumed;
        }
        piece
    }
}

impl Item {
    fn args<'b>(&self, bytes: &'b [u8], spans: &'b [Span]) -> Args<'b> {
        Args::new(&bytes[self.bytes.clone()], &spans[self.spans.clone()])
    }
}

impl Engine {
    /// Selects a database for a session, if there is one of that number: a master may have more of them. Then the
    /// session stays where it is, as after the SELECT that was refused.
    pub fn select(&self, session: &mut Session, db: u32) -> bool {
        let exists = db < self.keyspace().databases();
        if exists {
            session.state.db = DbIndex(db);
        }
        exists
    }

    /// Executes a piece of the master's stream: whole commands, whole transactions. `is_wanted` is asked inside the gate
    /// and may decline; `seal` is called inside the gate when all is executed. Returns the error replies, of which a
    /// healthy replica has none.
    pub fn apply_piece(
        &self,
        worker: &mut Worker,
        session: &mut Session,
        bytes: &[u8],
        is_wanted: impl FnOnce() -> bool,
        seal: impl FnOnce(),
    ) -> Vec<String> {
        let piece = Piece::decode(self, bytes);
        let mut errors = Vec::new();
        if piece.alone {
            let inside = self.gate().enter_alone();
            if is_wanted() {
                self.apply_inside(worker, session, bytes, &piece, &mut errors);
                seal();
            }
            drop(inside);
        } else {
            let inside = self.gate().enter(worker.slot);
            if is_wanted() {
                self.apply_inside(worker, session, bytes, &piece, &mut errors);
                seal();
            }
            drop(inside);
        }
        session.out.clear();
        if !worker.effects.letters.is_empty() {
            // What the master published to many waits until the gate is left, here as for clients.
            self.deliver(std::mem::take(&mut worker.effects.letters));
        }
        self.make_way(worker);
        self.serve_waiters(worker);
        errors
    }

    /// Executes a command of a file. The caller runs alone, or nobody may touch the dataset because it is being loaded.
    /// `None`: there is no such command. Else the session's buffer is as long as before, and the error reply, if it is one.
    pub fn replay(
        &self,
        worker: &mut Worker,
        session: &mut Session,
        args: Args<'_>,
        now_ms: i64,
    ) -> Option<Option<String>> {
        let Lookup::Found(entry) = self.table().lookup(args) else { return None };
        session.out.clear();
        self.apply_one(worker, session, Some(entry.index), args, now_ms);
        worker.handed_over = false;
        let error = session.out.as_slice().strip_prefix(b"-");
        let error = error.map(|error| String::from_utf8_lossy(error).trim_end().to_owned());
        session.out.clear();
        Some(error)
    }

    fn apply_inside(
        &self,
        worker: &mut Worker,
        session: &mut Session,
        bytes: &[u8],
        piece: &Piece,
        errors: &mut Vec<String>,
    ) {
        let now_ms = self.clock().wall_ms();
        worker.tick_ns = self.clock().monotonic_ns();
        for item in &piece.items {
            let args = item.args(bytes, &piece.spans);
            session.out.clear();
            self.apply_one(worker, session, item.entry, args, now_ms);
            if let Some(error) = session.out.as_slice().strip_prefix(b"-") {
                errors.push(String::from_utf8_lossy(error).trim_end().to_owned());
            }
        }
        session.state.client.last_active_ms.store(now_ms, std::sync::atomic::Ordering::Relaxed);
        session.state.client.db.store(session.state.db.0, std::sync::atomic::Ordering::Relaxed);
    }

    fn apply_one(
        &self,
        worker: &mut Worker,
        session: &mut Session,
        entry: Option<u16>,
        args: Args<'_>,
        now_ms: i64,
    ) {
        let Some(entry) = entry.map(|index| self.table().entry(index)) else {
            let error = self.table().unknown(self.table().lookup(args), args);
            return self.reject(worker, session, None, error);
        };
        match self.check(session, entry, args, now_ms, false) {
            // A master's session never waits.
            Check::Run | Check::Wait => {
                let run = if self.runs_alone(entry, args) { Run::Exclusive } else { entry.command.run };
                let request = Request { entry: Some(entry.index), args, raw: None, first_key: None };
                self.call(worker, session, entry, &request, run, now_ms);
            }
            Check::Queue => self.queue(session, entry, args),
            Check::Refuse(error) => self.reject(worker, session, Some(entry), error),
        }
    }
}
