//! The propagation log: one ordered byte stream that the AOF and all replicas read.
//!
//! Every write is encoded once, under one mutex, at the end of the stream; the order of the stream is the order in which
//! writes happened. The stream is at once the replication backlog, the source of the AOF and the output buffer of every
//! replica: a consumer is no more than a cursor into it.
//!
//! # Offsets
//! An offset is the number of bytes written before a place since the history began: [`Log::end_offset`] is
//! `master_repl_offset`, and a cursor's offset is how much its consumer has. The wire and INFO number *bytes* from 1:
//! PSYNC asks for the next byte, "what I have plus one". Only [`Log::can_continue`] and [`Log::first_byte_offset`] speak
//! of numbered bytes.
//!
//! # What is kept
//! `repl-backlog-size` bytes behind the newest one (if there is a backlog), and everything that a cursor within its
//! limits still needs. Memory is given back by whole segments.

mod audience;
mod cursor;
mod segments;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use redan_resp::{Args, command_wire_len, encode_command};

pub use audience::Audience;
pub use cursor::{CursorError, CursorId, LagLimits, LogRead, OutOfRange};
pub use segments::{Chunks, SEGMENT_LEN};

use crate::{ReplId, ReplicationIds};
use audience::ReplicasOnlyRanges;
use cursor::Cursor;
use segments::Segments;

/// Called by [`Log::notify`]: wakes the tasks that feed consumers. Must not block.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Default of `repl-backlog-size` in bytes.
pub const DEFAULT_BACKLOG_SIZE: u64 = 1 << 20;

/// The propagation log. Shared by all workers.
pub struct Log {
    /// Whether anybody listens. Changes only while no command runs (a cut, an attach with the gate held).
    active: AtomicBool,
    /// Copy of the stream's end for readers without the lock.
    end: AtomicU64,
    /// Something was appended since the last [`Log::notify`].
    dirty: AtomicBool,
    inner: Mutex<Inner>,
    waker: RwLock<Option<Waker>>,
}

struct Inner {
    segments: Segments,
    replicas_only: ReplicasOnlyRanges,
    /// The database that the stream's last SELECT chose; None: the next append must SELECT.
    db: Option<u32>,
    /// Where the last piece that is for everybody ended, and the database selected there. What lies behind is for
    /// replicas only and changes no data.
    data_end: (u64, Option<u32>),
    cursors: Vec<Cursor>,
    next_cursor: u64,
    /// Offset at which the backlog begins, if there is one.
    backlog_start: Option<u64>,
    backlog_size: u64,
    ids: ReplicationIds,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("end", &self.end_offset())
            .field("active", &self.is_active())
            .finish_non_exhaustive()
    }
}

/// Writes the commands of one [`Log::append`].
pub struct Appender<'a> {
    segments: &'a mut Segments,
    db: &'a mut Option<u32>,
}

impl<'a> Appender<'a> {
    fn of(inner: &'a mut Inner) -> Self {
        Self { segments: &mut inner.segments, db: &mut inner.db }
    }

    /// Encodes a command.
    #[inline]
    pub fn command<'b>(&mut self, args: impl ExactSizeIterator<Item = &'b [u8]> + Clone) {
        let need = command_wire_len(args.clone().map(<[u8]>::len));
        encode_command(self.segments.room_for(need), args);
    }

    /// Encodes a command.
    #[inline]
    pub fn args(&mut self, args: Args<'_>) {
        encode_command(self.segments.room_for(args.wire_len()), args.iter());
    }

    /// Appends a SELECT of `db` if the stream's last one chose another database.
    #[inline]
    pub fn select(&mut self, db: u32) {
        if *self.db != Some(db) {
            self.select_anew(db);
        }
    }

    #[cold]
    fn select_anew(&mut self, db: u32) {
        let mut digits = itoa::Buffer::new();
        self.command([&b"SELECT"[..], digits.format(db).as_bytes()].into_iter());
        *self.db = Some(db);
    }

    /// Appends whole commands that are encoded already.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.segments.room_for(bytes.len()).extend_from_slice(bytes);
    }
}

impl Log {
    /// An empty log of the history `id` at offset 0, without a backlog or consumers.
    pub fn new(id: ReplId) -> Self {
        Log {
            active: AtomicBool::new(false),
            end: AtomicU64::new(0),
            dirty: AtomicBool::new(false),
            inner: Mutex::new(Inner {
                segments: Segments::new(0),
                replicas_only: ReplicasOnlyRanges::default(),
                db: None,
                data_end: (0, None),
                cursors: Vec::new(),
                next_cursor: 1,
                backlog_start: None,
                backlog_size: DEFAULT_BACKLOG_SIZE,
                ids: ReplicationIds::new(id),
            }),
            waker: RwLock::new(None),
        }
    }

    /// False when there is neither a backlog nor a consumer: then a write need not be appended. One relaxed load.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Appends what `write` writes as one piece, after a SELECT of `db` if the stream's last one chose another database.
    ///
    /// For [`Audience::ReplicasOnly`] `db` has no meaning and nothing is selected. `write` runs under the log's lock:
    /// encode and do nothing else. Returns the offset behind the piece.
    #[inline]
    pub fn append(&self, db: u32, audience: Audience, write: impl FnOnce(&mut Appender<'_>)) -> u64 {
        self.append_piece(&mut self.inner.lock(), audience, |out| {
            if audience == Audience::All {
                out.select(db);
            }
            write(out);
        })
    }

    /// Appends what `write` writes for everybody as one piece. It selects databases itself
    /// ([`Appender::select`]), so that a transaction can begin with its MULTI. Returns the offset behind the piece.
    pub fn append_unit(&self, write: impl FnOnce(&mut Appender<'_>)) -> u64 {
        self.append_piece(&mut self.inner.lock(), Audience::All, write)
    }

    /// [`Log::append`] of one command.
    #[inline]
    pub fn append_command<'a>(
        &self,
        db: u32,
        audience: Audience,
        args: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) -> u64 {
        self.append(db, audience, |out| out.command(args))
    }

    /// Appends bytes that a master sent, whole commands, as they are. `db` is the database that is selected behind them.
    ///
    /// A replica's stream is its master's, byte by byte; that is what makes its offset and its backlog valid for others.
    pub fn append_verbatim(&self, db: u32, audience: Audience, bytes: &[u8]) -> u64 {
        let mut inner = self.inner.lock();
        inner.db = Some(db);
        self.append_piece(&mut inner, audience, |out| out.raw(bytes))
    }

    #[inline]
    fn append_piece(
        &self,
        inner: &mut Inner,
        audience: Audience,
        write: impl FnOnce(&mut Appender<'_>),
    ) -> u64 {
        let (start, before) = (inner.segments.end(), inner.segments.start_of_tail());
        write(&mut Appender::of(inner));
        let end = inner.segments.end();
        match audience {
            Audience::ReplicasOnly if end > start => inner.replicas_only.push(start, end),
            Audience::ReplicasOnly => {}
            Audience::All => inner.data_end = (end, inner.db),
        }
        if inner.segments.start_of_tail() != before {
            inner.trim();
        }
        self.end.store(end, Ordering::Release);
        self.dirty.store(true, Ordering::Relaxed);
        end
    }

    /// Offset behind the newest byte: `master_repl_offset`.
    #[inline]
    pub fn end_offset(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Sets the function that [`Log::notify`] calls.
    pub fn set_waker(&self, waker: Waker) {
        *self.waker.write() = Some(waker);
    }

    /// Wakes the consumers if something was appended since the last call. Called once a turn, not once a command.
    #[inline]
    pub fn notify(&self) {
        if self.dirty.load(Ordering::Relaxed) && self.dirty.swap(false, Ordering::AcqRel) {
            let waker = self.waker.read().clone();
            if let Some(wake) = waker {
                wake();
            }
        }
    }

    /// The next append selects its database anew: a consumer begins at the end of the stream and knows of no SELECT.
    pub fn force_select(&self) {
        self.inner.lock().db = None;
    }

    /// The database that is selected at the end of the stream; None when the next append will say.
    pub fn stream_db(&self) -> Option<u32> {
        self.inner.lock().db
    }
}

/// Backlog and history.
impl Log {
    /// Creates a backlog that begins at the end of the stream, unless there is one.
    pub fn create_backlog(&self) {
        let mut inner = self.inner.lock();
        let end = inner.segments.end();
        inner.backlog_start.get_or_insert(end);
        self.refresh(&mut inner);
    }

    /// Frees the backlog: nobody can resume any more. Consumers stay.
    pub fn free_backlog(&self) {
        let mut inner = self.inner.lock();
        inner.backlog_start = None;
        self.refresh(&mut inner);
    }

    /// Whether there is a backlog (`repl_backlog_active`).
    pub fn has_backlog(&self) -> bool {
        self.inner.lock().backlog_start.is_some()
    }

    /// Changes `repl-backlog-size`, in bytes. A smaller one takes effect at once.
    pub fn set_backlog_size(&self, bytes: u64) {
        let mut inner = self.inner.lock();
        inner.backlog_size = bytes;
        inner.trim();
    }

    /// `repl-backlog-size` in bytes.
    pub fn backlog_size(&self) -> u64 {
        self.inner.lock().backlog_size
    }

    /// Number, counted from 1, of the first byte that the backlog holds; 0 without a backlog (`repl_backlog_first_byte_offset`).
    pub fn first_byte_offset(&self) -> u64 {
        self.inner.lock().backlog_front().map_or(0, |front| front + 1)
    }

    /// Bytes in the backlog (`repl_backlog_histlen`). More than its size while a consumer needs them.
    pub fn histlen(&self) -> u64 {
        let inner = self.inner.lock();
        inner.backlog_front().map_or(0, |front| inner.segments.end() - front)
    }

    /// Bytes of memory that the log holds.
    pub fn heap_size(&self) -> usize {
        self.inner.lock().segments.heap_size()
    }

    /// Begins the stream anew at `offset`, after a full sync or a restart: drops all bytes, and the backlog begins here if
    /// there is one. Cursors are told [`CursorError::Overrun`]. `db` is the database that is selected there
    /// (`repl-stream-db`), None if a SELECT will follow.
    pub fn set_offset(&self, offset: u64, db: Option<u32>) {
        let mut inner = self.inner.lock();
        inner.segments = Segments::new(offset);
        inner.replicas_only.clear();
        inner.db = db;
        inner.data_end = (offset, db);
        inner.cursors.iter_mut().for_each(|cursor| cursor.overrun = true);
        if inner.backlog_start.is_some() {
            inner.backlog_start = Some(offset);
        }
        self.end.store(offset, Ordering::Release);
    }

    /// Takes back what was appended since the last change of data (PING, GETACK, PUBLISH), unless a replica has
    /// or may be given some of it. A master about to follow another one does this: its replicas may have seen less of that, and would
    /// refuse to continue from where it is, although it has no data that they lack.
    pub fn rewind_to_data(&self) {
        let mut inner = self.inner.lock();
        let (end, db) = inner.data_end;
        let has_replicas = inner.cursors.iter().any(|cursor| cursor.audience == Audience::ReplicasOnly);
        if has_replicas || end < inner.segments.start() || end >= inner.segments.end() {
            return;
        }
        inner.segments.truncate(end);
        inner.replicas_only.truncate(end);
        inner.db = db;
        inner.cursors.iter_mut().for_each(|cursor| cursor.offset = cursor.offset.min(end));
        self.end.store(end, Ordering::Release);
    }

    /// The replication ids.
    pub fn ids(&self) -> ReplicationIds {
        self.inner.lock().ids
    }

    /// Replaces the replication ids (a restart that found them in a file).
    pub fn set_ids(&self, ids: ReplicationIds) {
        self.inner.lock().ids = ids;
    }

    /// Begins or joins the history `id`; the second id stays. See [`Log::clear_second_id`].
    pub fn set_id(&self, id: ReplId) {
        self.inner.lock().ids.id = id;
    }

    /// Forgets the second replication id.
    pub fn clear_second_id(&self) {
        self.inner.lock().ids.clear_second();
    }

    /// Promotion: the history `new_id` begins at the end of the stream, what lies before stays known under the old id.
    pub fn shift_id(&self, new_id: ReplId) -> ReplicationIds {
        let mut inner = self.inner.lock();
        let end = inner.segments.end();
        inner.ids.shift(new_id, end);
        inner.db = None;
        inner.data_end = (end, None);
        inner.ids
    }

    /// Whether a replica that asks `PSYNC replid psync_offset` can go on, and if so from which offset.
    ///
    /// Its history must be ours up to there (under either id), and the backlog must hold what it lacks.
    pub fn can_continue(&self, replid: &[u8], psync_offset: i64) -> Result<u64, Refusal> {
        let inner = self.inner.lock();
        if !inner.ids.is_same_history(replid, psync_offset) {
            return Err(Refusal::OtherHistory(inner.ids));
        }
        let end = inner.segments.end();
        let front = inner.backlog_front().ok_or(Refusal::NotInBacklog { first: 0, histlen: 0 })?;
        match u64::try_from(psync_offset).ok().and_then(|number| number.checked_sub(1)) {
            Some(offset) if front <= offset && offset <= end => Ok(offset),
            _ => Err(Refusal::NotInBacklog { first: front + 1, histlen: end - front }),
        }
    }
}

/// Why a replica must be synchronised in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its history is not ours, or not so far; these are our ids.
    OtherHistory(ReplicationIds),
    /// The backlog lacks what it needs: it holds `histlen` bytes from number `first` on.
    NotInBacklog {
        /// Number, from 1, of the first byte.
        first: u64,
        /// Bytes.
        histlen: u64,
    },
}

/// Consumers.
impl Log {
    /// Adds a consumer whose next byte is at `from`. An [`Audience::All`] consumer (the AOF) skips what is for replicas
    /// only.
    pub fn attach(&self, from: u64, audience: Audience) -> Result<CursorId, OutOfRange> {
        let mut inner = self.inner.lock();
        let (start, end) = (inner.segments.start(), inner.segments.end());
        if from < start || from > end {
            return Err(OutOfRange { wanted: from, start, end });
        }
        let id = inner.add_cursor(from, audience);
        self.refresh(&mut inner);
        Ok(id)
    }

    /// Adds a consumer at the end of the stream, which will select its database anew: for one that starts with a snapshot.
    /// Returns the offset too.
    pub fn attach_at_end(&self, audience: Audience) -> (CursorId, u64) {
        let mut inner = self.inner.lock();
        inner.db = None;
        let end = inner.segments.end();
        let id = inner.add_cursor(end, audience);
        self.refresh(&mut inner);
        (id, end)
    }

    /// Removes a consumer. Unknown ids are fine.
    pub fn detach(&self, cursor: CursorId) {
        let mut inner = self.inner.lock();
        inner.cursors.retain(|c| c.id != cursor);
        self.refresh(&mut inner);
    }

    /// At most `max_bytes` consecutive bytes from the cursor on, shared where possible. Does not move the cursor, except
    /// over what is not for it.
    pub fn read(&self, cursor: CursorId, max_bytes: usize) -> Result<LogRead, CursorError> {
        self.read_to(cursor, max_bytes, u64::MAX)
    }

    /// [`Log::read`] that does not go beyond the offset `limit` (where another AOF file begins).
    pub fn read_to(&self, cursor: CursorId, max_bytes: usize, limit: u64) -> Result<LogRead, CursorError> {
        let mut inner = self.inner.lock();
        let index = inner.cursor_index(cursor)?;
        let end = inner.segments.end().min(limit).min(inner.cursors[index].fence);
        let Inner { segments, replicas_only, cursors, .. } = &mut *inner;
        let cursor = &mut cursors[index];
        let mut stop = end;
        if cursor.audience == Audience::All && cursor.offset < end {
            let (next, until) = replicas_only.next_for_all(cursor.offset);
            cursor.offset = next.min(end);
            stop = until.unwrap_or(end).min(end);
        }
        let start = cursor.offset;
        let stop = stop.max(start).min(start.saturating_add(max_bytes as u64));
        Ok(LogRead { start, end: stop, chunks: segments.read(start, stop) })
    }

    /// Lets a consumer read no further than the end of the stream, where another AOF file is to begin; or as far as there
    /// is something again. Returns the end. Unlike the limit of [`Log::read_to`] it holds for reads under way too.
    pub fn set_fence(&self, cursor: CursorId, fenced: bool) -> Result<u64, CursorError> {
        let mut inner = self.inner.lock();
        let end = inner.segments.end();
        let index = inner.cursor_index(cursor)?;
        inner.cursors[index].fence = if fenced { end } else { u64::MAX };
        Ok(end)
    }

    /// Moves a cursor to `offset`: its consumer has everything before. Backwards has no effect.
    pub fn advance(&self, cursor: CursorId, offset: u64) -> Result<(), CursorError> {
        let mut inner = self.inner.lock();
        let end = inner.segments.end();
        let index = inner.cursor_index(cursor)?;
        let cursor = &mut inner.cursors[index];
        let before = cursor.offset;
        cursor.offset = offset.clamp(before, end.max(before));
        // Segments are long: most steps free nothing, and then the other cursors need not be looked at.
        if before / SEGMENT_LEN as u64 != offset / SEGMENT_LEN as u64 || offset == end {
            inner.trim();
        }
        Ok(())
    }

    /// Moves a cursor back to `offset`, which another one still holds: its consumer has lost what it had.
    pub fn retreat(&self, cursor: CursorId, offset: u64) -> Result<(), CursorError> {
        let mut inner = self.inner.lock();
        let start = inner.segments.start();
        let index = inner.cursor_index(cursor)?;
        if offset < start {
            return Err(CursorError::Overrun);
        }
        let cursor = &mut inner.cursors[index];
        cursor.offset = cursor.offset.min(offset);
        Ok(())
    }

    /// Offset of the next byte that the consumer needs.
    pub fn cursor_offset(&self, cursor: CursorId) -> Result<u64, CursorError> {
        let inner = self.inner.lock();
        inner.cursor_index(cursor).map(|index| inner.cursors[index].offset)
    }

    /// Bytes that the consumer does not have yet.
    pub fn lag(&self, cursor: CursorId) -> Result<u64, CursorError> {
        let inner = self.inner.lock();
        let index = inner.cursor_index(cursor)?;
        Ok(inner.segments.end() - inner.cursors[index].offset)
    }

    /// The largest lag of any replica, in bytes: writers can be slowed before a replica is dropped.
    pub fn worst_replica_lag(&self) -> u64 {
        let inner = self.inner.lock();
        let end = inner.segments.end();
        let replicas = inner.cursors.iter().filter(|c| c.audience == Audience::ReplicasOnly && !c.overrun);
        replicas.map(|cursor| end - cursor.offset).max().unwrap_or(0)
    }

    /// Sets how far the consumer may lag (`client-output-buffer-limit replica`); without it there is no limit.
    pub fn set_limits(&self, cursor: CursorId, limits: LagLimits) -> Result<(), CursorError> {
        let mut inner = self.inner.lock();
        let index = inner.cursor_index(cursor)?;
        inner.cursors[index].limits = limits;
        Ok(())
    }

    /// Marks consumers over their limits and returns them: they get nothing but [`CursorError::Overrun`] from now on and
    /// no longer hold memory. To be called on every wake-up of the driver and at least each second.
    pub fn check_limits(&self, now_ms: u64) -> Vec<CursorId> {
        let mut inner = self.inner.lock();
        let (end, backlog_size) = (inner.segments.end(), inner.backlog_size);
        let mut over = Vec::new();
        for cursor in inner.cursors.iter_mut().filter(|cursor| !cursor.overrun) {
            if cursor.is_over_limit(end - cursor.offset, backlog_size, now_ms) {
                cursor.overrun = true;
                over.push(cursor.id);
            }
        }
        if !over.is_empty() {
            inner.trim();
        }
        over
    }

    /// After consumers or the backlog changed.
    fn refresh(&self, inner: &mut Inner) {
        inner.trim();
        self.active.store(inner.backlog_start.is_some() || !inner.cursors.is_empty(), Ordering::Relaxed);
    }
}

impl Inner {
    /// Offset of the first byte that the backlog holds.
    fn backlog_front(&self) -> Option<u64> {
        self.backlog_start.map(|start| start.max(self.segments.start()))
    }

    /// Forgets what neither the backlog nor a consumer needs.
    fn trim(&mut self) {
        let end = self.segments.end();
        let mut keep = if self.backlog_start.is_some() { end.saturating_sub(self.backlog_size) } else { end };
        for cursor in self.cursors.iter().filter(|cursor| !cursor.overrun) {
            keep = keep.min(cursor.offset);
        }
        self.segments.trim(keep);
        self.replicas_only.trim(self.segments.start());
    }

    fn add_cursor(&mut self, offset: u64, audience: Audience) -> CursorId {
        let id = CursorId(self.next_cursor);
        self.next_cursor += 1;
        let limits = LagLimits::default();
        self.cursors.push(Cursor {
            id,
            offset,
            audience,
            fence: u64::MAX,
            limits,
            soft_since_ms: None,
            overrun: false,
        });
        id
    }

    fn cursor_index(&self, id: CursorId) -> Result<usize, CursorError> {
        match self.cursors.iter().position(|cursor| cursor.id == id) {
            Some(index) if self.cursors[index].overrun => Err(CursorError::Overrun),
            Some(index) => Ok(index),
            None => Err(CursorError::Unknown),
        }
    }
}

#[cfg(test)]
mod tests;
