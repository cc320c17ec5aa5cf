//! The requests of one turn, decoded and looked up before the first of them runs.
//!
//! Working ahead pays for pipelines: while one request's key is hashed, the cache lines of the ones before are on
//! their way.

use crate::{Engine, Lookup, Session};
use redan_keyspace::{DbIndex, KeyHash, PrefetchStage};
use redan_resp::{Args, Decoded, OwnedArgs, ProtocolError, RequestLimits, Span};

/// Most requests decoded ahead.
const AHEAD: usize = 64;

/// Fewer requests than this have too few cache misses to overlap.
const WORTHWHILE: usize = 4;

/// A decoded request.
pub(crate) struct Item {
    /// Where its bytes begin and end in the buffer of the turn.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Its arguments among the batch's spans, relative to `start`.
    spans: (u32, u32),
    /// The arguments of an inline request, which do not lie in the buffer.
    inline: Option<Box<OwnedArgs>>,
    /// The entry of its command, plus one; 0 for an unknown one.
    pub(crate) entry: u16,
    /// The hash of its first key.
    pub(crate) first_key: Option<KeyHash>,
}

/// Why decoding stopped.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum BatchEnd {
    /// The batch is full, or the rest must wait until its last request has run.
    More,
    /// The rest is no complete request; at least so many bytes are missing.
    Incomplete(usize),
    /// The rest is no request.
    Broken(ProtocolError),
}

/// Reusable room for the requests of a turn.
#[derive(Default)]
pub(crate) struct Batch {
    spans: Vec<Span>,
    pub(crate) items: Vec<Item>,
}

impl Item {
    /// Its arguments.
    pub(crate) fn args<'b>(&'b self, buf: &'b [u8], spans: &'b [Span]) -> Args<'b> {
        match &self.inline {
            Some(owned) => owned.as_args(),
            None => {
                Args::new(&buf[self.start..self.end], &spans[self.spans.0 as usize..self.spans.1 as usize])
            }
        }
    }

    /// The request as it came, if it is in the form in which commands propagate.
    pub(crate) fn raw<'b>(&self, buf: &'b [u8]) -> Option<&'b [u8]> {
        self.inline.is_none().then(|| &buf[self.start..self.end])
    }
}

impl Batch {
    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Decodes requests of `buf` from `start` on. Returns where the undecoded rest begins, and why it is left.
    pub(crate) fn fill(
        &mut self,
        engine: &Engine,
        session: &mut Session,
        limits: &RequestLimits,
        buf: &[u8],
        start: usize,
    ) -> (usize, BatchEnd) {
        self.items.clear();
        self.spans.clear();
        // Who has not authenticated is read one request at a time: the next one's limits may be others.
        let most = if session.state.is_authenticated() { AHEAD } else { 1 };
        let mut at = start;
        while self.items.len() < most {
            let first_span = self.spans.len();
            let (consumed, inline) = match session.decoder.decode(&buf[at..], limits, &mut self.spans) {
                Ok(Decoded::Request { consumed, .. }) => (consumed, None),
                Ok(Decoded::Inline(args, consumed)) => (consumed, Some(Box::new(args))),
                Ok(Decoded::Empty { consumed }) => {
                    at += consumed;
                    continue;
                }
                Ok(Decoded::Incomplete { want }) => return (at, BatchEnd::Incomplete(want)),
                Err(error) => return (at, BatchEnd::Broken(error)),
            };
            self.items.push(Item {
                start: at,
                end: at + consumed,
                spans: (first_span as u32, self.spans.len() as u32),
                inline,
                entry: 0,
                first_key: None,
            });
            at += consumed;
            self.resolve_last(engine, session, buf);
        }
        (at, BatchEnd::More)
    }

    /// Brings the keys of the batch near, all of them one step at a time. The caller is inside the gate.
    pub(crate) fn prefetch(&self, engine: &Engine, db: DbIndex) {
        if self.items.len() < WORTHWHILE {
            return;
        }
        for stage in [PrefetchStage::Index, PrefetchStage::Slot, PrefetchStage::Block] {
            for hash in self.items.iter().filter_map(|item| item.first_key) {
                engine.keyspace().prefetch(db, hash, stage);
            }
        }
    }

    /// Looks up the last item's command and hashes its first key.
    fn resolve_last(&mut self, engine: &Engine, session: &Session, buf: &[u8]) {
        let Some(item) = self.items.last() else { return };
        let args = item.args(buf, &self.spans);
        let Lookup::Found(entry) = engine.table().lookup(args) else { return };
        let first_key = entry
            .simple_keys
            .and_then(|(first, _, _)| args.get(first))
            .map(KeyHash::of)
            .inspect(|&hash| engine.keyspace().prefetch(session.state.db, hash, PrefetchStage::Shard));
        let entry = entry.index + 1;
        if let Some(item) = self.items.last_mut() {
            item.entry = entry;
            item.first_key = first_key;
        }
    }
}
