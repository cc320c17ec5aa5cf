//! What a command changed, in the form in which it is propagated.
//!
//! A handler that changed something propagates as it came unless it says otherwise ([`Cx::propagate`],
//! [`Cx::propagate_nothing`](crate::Cx::propagate_nothing)). Keys that expired under it propagate as their deletion,
//! in front. What one client asked for at once (a transaction, or a command with several effects) goes into the log as
//! one MULTI ... EXEC.
//!
//! [`Cx::propagate`]: crate::Cx::propagate

use crate::notify_class;
use redan_keyspace::{DbIndex, ExpiredKey};
use redan_resp::encode_command;

/// The effects of one unit of execution, encoded, with room that is reused from unit to unit.
#[derive(Default)]
pub struct Effects {
    /// Encoded commands of the unit, one behind the other.
    buf: Vec<u8>,
    /// Database and end of each.
    commands: Vec<(DbIndex, usize)>,
    /// Where what follows goes; other than everywhere only while a script says so.
    pub(crate) repl: Repl,
    /// What the running command has said so far, kept apart because expirations go in front.
    pub(crate) said: Vec<(DbIndex, Vec<u8>)>,
    /// The running command does not propagate as it came.
    pub(crate) verbatim_off: bool,
    /// What it said changes no data and is for replicas only.
    pub(crate) to_replicas: bool,
    /// Whether the unit changes data.
    data: bool,
    /// Changes the running command counted by itself.
    pub(crate) extra_dirty: u64,
    /// Messages published, to be delivered once the gate is left.
    pub(crate) letters: crate::pubsub::Letters,
    /// Keyspace events of the unit, published when its locks are gone.
    pub(crate) events: Vec<(u32, &'static str, DbIndex, Box<[u8]>)>,
    /// Where those of the running command begin; in front of them goes what expired under it.
    pub(crate) events_from: usize,
}

/// The events of what expired, in order: one for each key, and one for all fields of a hash that went together, with
/// that of the key if it went with them.
pub(crate) fn events_of(expired: &[ExpiredKey]) -> impl Iterator<Item = (u32, &'static str, &ExpiredKey)> {
    let together = |first: &ExpiredKey, next: &ExpiredKey| {
        first.field.is_some() && next.field.is_some() && (first.db, &first.key) == (next.db, &next.key)
    };
    expired.chunk_by(together).flat_map(|group| {
        let last = group.last();
        let emptied = last.filter(|last| last.field.as_ref().is_some_and(|field| field.was_last));
        let own = last.map(|last| match last.field {
            None => (notify_class::EXPIRED, "expired", last),
            Some(_) => (notify_class::HASH, "hexpired", last),
        });
        own.into_iter().chain(emptied.map(|last| (notify_class::GENERIC, "del", last)))
    })
}

/// Where effects go: what `redis.set_repl` decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Repl {
    /// To the append-only file.
    pub(crate) file: bool,
    /// To replicas.
    pub(crate) replicas: bool,
}

impl Default for Repl {
    fn default() -> Self {
        Self { file: true, replicas: true }
    }
}

/// Longest buffer kept between units.
const KEEP_BYTES: usize = 64 * 1024;

impl Effects {
    pub(crate) fn begin_command(&mut self) {
        self.said.clear();
        self.verbatim_off = false;
        self.to_replicas = false;
        self.extra_dirty = 0;
        self.events_from = self.events.len();
    }

    pub(crate) fn push(&mut self, db: DbIndex, args: &[&[u8]]) {
        if self.repl.replicas {
            self.data = true;
            encode_command(&mut self.buf, args.iter().copied());
            self.commands.push((db, self.buf.len()));
        }
    }

    pub(crate) fn push_args(&mut self, db: DbIndex, args: redan_resp::Args<'_>) {
        if self.repl.replicas {
            self.data = true;
            encode_command(&mut self.buf, args.iter());
            self.commands.push((db, self.buf.len()));
        }
    }

    pub(crate) fn push_encoded(&mut self, db: DbIndex, bytes: &[u8]) {
        if self.repl.replicas {
            self.data |= !self.to_replicas;
            self.buf.extend_from_slice(bytes);
            self.commands.push((db, self.buf.len()));
        }
    }

    /// Adds the events of what expired under the running command, in front of the command's own.
    pub(crate) fn push_expired_events(&mut self, expired: &[ExpiredKey]) {
        for (class, event, gone) in events_of(expired) {
            self.events.insert(self.events_from, (class, event, gone.db, gone.key.clone()));
            self.events_from += 1;
        }
    }

    /// Whether the unit changes data; what does not is for replicas only.
    pub(crate) fn changes_data(&self) -> bool {
        self.data
    }

    /// Whether the unit has no effects.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// How many commands the unit propagates as.
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// The commands with their databases, in order.
    pub fn commands(&self) -> impl Iterator<Item = (DbIndex, &[u8])> {
        let mut start = 0;
        self.commands.iter().map(move |&(db, end)| {
            let bytes = &self.buf[start..end];
            start = end;
            (db, bytes)
        })
    }

    pub(crate) fn clear(&mut self) {
        self.buf.clear();
        self.buf.shrink_to(KEEP_BYTES);
        self.commands.clear();
        self.data = false;
    }
}
