//! Commands that wait for a key: BLPOP and its kin.
//!
//! A handler that finds nothing calls [`Cx::block_on`] and returns. While the shard locks are still held the engine makes
//! a [`Waiter`] of the command and puts it into the queue of each of its keys, so that no change can slip in between. The
//! keyspace's hook tells of every change of such a key, whoever makes it; the key is then noted as ready.
//!
//! The worker that made a key ready serves its queue before its next command, alone behind the gate: it runs the waiters'
//! commands again in the order in which they came, as if each had just been sent, on a session that stands in for the
//! waiter's own. One that finds nothing again stays in its place. A reply is left with the waiter, whose connection is
//! rung and writes it. A command served may make other keys ready; that goes on until none is.
//!
//! Lock order: a shard's lock, then a queue's; a waiter's state, then a shard's lock. Nobody takes a waiter's state while
//! holding a queue.

use crate::dispatch::Call;
use crate::session::Session;
use crate::stats::bump;
use crate::{Client, Cx, Engine, Park, ReplyError, ReplyMode, Unblock, Worker, errors};
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use redan_keyspace::{DbIndex, ExpiryMode, Key, Kind};
use redan_resp::{Args, OwnedArgs};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What a command replies when its time is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeoutReply {
    /// A null.
    Null,
    /// A null array.
    NullArray,
}

/// What a command waits for; see [`Cx::block_on`].
pub struct BlockOn {
    keys: Vec<Bytes>,
    kind: Kind,
    timeout_reply: TimeoutReply,
    heeds_missing: bool,
    args: Option<OwnedArgs>,
}

impl BlockOn {
    /// The command runs again also when a key is removed or is of another type: to say so.
    pub fn heeding_missing(&mut self) -> &mut Self {
        self.heeds_missing = true;
        self
    }

    /// The command runs again with these arguments instead of its own.
    pub fn again_as<'a>(&mut self, args: impl IntoIterator<Item = &'a [u8]>) -> &mut Self {
        self.args = Some(args.into_iter().collect());
        self
    }
}

/// A command that waits.
pub(crate) struct Waiter {
    client: Arc<Client>,
    db: DbIndex,
    keys: Vec<Bytes>,
    kind: Kind,
    heeds_missing: bool,
    timeout_reply: TimeoutReply,
    entry: u16,
    args: OwnedArgs,
    state: Mutex<WaiterState>,
}

enum WaiterState {
    /// It waits; what it will run on.
    Waiting(Box<Session>),
    /// It was served.
    Served(Served),
    /// Nobody waits for it any more.
    Gone,
}

/// What a served waiter's session takes over.
struct Served {
    reply: Bytes,
    last_write_offset: u64,
    /// The connection is to be closed behind the reply.
    close: bool,
}

/// Who waits for a key, in the order in which they came.
type Queue = VecDeque<Arc<Waiter>>;

/// Keys that have changed since they were looked at, in the order in which they did.
#[derive(Default)]
struct Ready {
    order: Vec<(DbIndex, Bytes)>,
    known: HashSet<(DbIndex, Bytes)>,
}

/// All keys that somebody waits for.
pub(crate) struct BlockedKeys {
    databases: Box<[RwLock<HashMap<Bytes, Queue>>]>,
    ready: Mutex<Ready>,
    /// Whether there are any.
    has_ready: AtomicBool,
    keys: AtomicUsize,
    keys_heeding_missing: AtomicUsize,
}

impl BlockedKeys {
    pub(crate) fn new(databases: u32) -> Self {
        Self {
            databases: (0..databases).map(|_| RwLock::default()).collect(),
            ready: Mutex::default(),
            has_ready: AtomicBool::new(false),
            keys: AtomicUsize::new(0),
            keys_heeding_missing: AtomicUsize::new(0),
        }
    }

    #[inline]
    pub(crate) fn has_ready(&self) -> bool {
        self.has_ready.load(Ordering::Relaxed)
    }

    /// A key was changed or removed.
    pub(crate) fn on_mutation(&self, db: DbIndex, key: &[u8]) {
        if let Some((key, _)) = self.databases[db.0 as usize].read().get_key_value(key) {
            self.note_ready(db, key.clone());
        }
    }

    /// All keys of a database may have changed.
    pub(crate) fn on_database(&self, db: DbIndex) {
        for key in self.databases[db.0 as usize].read().keys() {
            self.note_ready(db, key.clone());
        }
    }

    fn note_ready(&self, db: DbIndex, key: Bytes) {
        let mut ready = self.ready.lock();
        if ready.known.insert((db, key.clone())) {
            ready.order.push((db, key));
        }
        self.has_ready.store(true, Ordering::Relaxed);
    }

    fn take_ready(&self) -> Vec<(DbIndex, Bytes)> {
        let mut ready = self.ready.lock();
        self.has_ready.store(false, Ordering::Relaxed);
        ready.known.clear();
        std::mem::take(&mut ready.order)
    }

    fn queue(&self, db: DbIndex, key: &[u8]) -> Vec<Arc<Waiter>> {
        self.databases[db.0 as usize]
            .read()
            .get(key)
            .map(|queue| queue.iter().cloned().collect())
            .unwrap_or_default()
    }

    fn add(&self, waiter: &Arc<Waiter>) {
        let mut keys = self.databases[waiter.db.0 as usize].write();
        for key in &waiter.keys {
            let queue = keys.entry(key.clone()).or_default();
            let heeding = queue.iter().any(|other| other.heeds_missing);
            self.keys.fetch_add(usize::from(queue.is_empty()), Ordering::Relaxed);
            let new = waiter.heeds_missing && !heeding;
            self.keys_heeding_missing.fetch_add(usize::from(new), Ordering::Relaxed);
            queue.push_back(Arc::clone(waiter));
        }
    }

    fn remove(&self, waiter: &Arc<Waiter>) {
        let mut keys = self.databases[waiter.db.0 as usize].write();
        for key in &waiter.keys {
            let Some(queue) = keys.get_mut(key) else { continue };
            queue.retain(|other| !Arc::ptr_eq(other, waiter));
            let last_heeding = waiter.heeds_missing && !queue.iter().any(|other| other.heeds_missing);
            self.keys_heeding_missing.fetch_sub(usize::from(last_heeding), Ordering::Relaxed);
            if queue.is_empty() {
                self.keys.fetch_sub(1, Ordering::Relaxed);
                keys.remove(key);
            }
        }
    }
}

impl Cx<'_, '_> {
    /// Puts the session to sleep until one of `keys` holds a value of type `kind`; the command then runs again, from
    /// its start. At `deadline_ms` (wall clock; `None`: never) the reply is `timeout_reply`. The handler returns right
    /// afterwards and has written no reply. It has asked [`may_wait`](Self::may_wait) before.
    pub fn block_on<'b>(
        &mut self,
        keys: impl IntoIterator<Item = &'b [u8]>,
        kind: Kind,
        deadline_ms: Option<i64>,
        timeout_reply: TimeoutReply,
    ) -> &mut BlockOn {
        let mut unique: Vec<Bytes> = Vec::new();
        for key in keys {
            if !unique.iter().any(|known| known == key) {
                unique.push(Bytes::copy_from_slice(key));
            }
        }
        self.park(Park::Keys { deadline_ms });
        self.blocking.insert(Box::new(BlockOn {
            keys: unique,
            kind,
            timeout_reply,
            heeds_missing: false,
            args: None,
        }))
    }
}

impl Engine {
    /// Makes a waiter of a command that has just run and found nothing. Its shards are still locked.
    pub(crate) fn begin_wait(&self, session: &mut Session, entry: u16, args: Args<'_>, block: BlockOn) {
        let BlockOn { keys, kind, timeout_reply, heeds_missing, args: again } = block;
        let waiter = Arc::new(Waiter {
            client: Arc::clone(&session.state.client),
            db: session.state.db,
            keys,
            kind,
            heeds_missing,
            timeout_reply,
            entry,
            args: again.unwrap_or_else(|| args.to_owned_args()),
            state: Mutex::new(WaiterState::Waiting(Box::new(session.stand_in()))),
        });
        // The keyspace tells of changes from here on: the locks are still held, so none is missed.
        self.observers().change_interest(self.keyspace(), |interest| interest.blocked += 1);
        self.observers().blocked.add(&waiter);
        session.state.waiter = Some(waiter);
    }

    /// Forgets that a session waits for keys.
    fn end_wait(&self, waiter: &Arc<Waiter>) {
        self.observers().blocked.remove(waiter);
        self.observers().change_interest(self.keyspace(), |interest| interest.blocked -= 1);
    }

    /// Forgets what a session waits for, whether it was served or not.
    pub(crate) fn abandon_wait(&self, session: &mut crate::SessionState) {
        if let Some(waiter) = session.waiter.take() {
            let before = std::mem::replace(&mut *waiter.state.lock(), WaiterState::Gone);
            if matches!(before, WaiterState::Waiting(_)) {
                self.end_wait(&waiter);
            }
        }
    }

    /// Looks whether a session that waits for keys was served, or has waited long enough.
    pub(crate) fn resume_wait(
        &self,
        worker: &mut Worker,
        session: &mut Session,
        late: bool,
        unblocked: Option<Unblock>,
    ) -> bool {
        let Some(waiter) = session.state.waiter.clone() else { return true };
        let silent = session.state.reply_mode != ReplyMode::On;
        let mark = session.out.mark();
        let mut state = waiter.state.lock();
        match &*state {
            WaiterState::Served(served) => {
                session.out.raw(&served.reply);
                session.state.last_write_offset =
                    session.state.last_write_offset.max(served.last_write_offset);
                if served.close {
                    session.state.close_after_reply();
                }
                *state = WaiterState::Gone;
            }
            WaiterState::Waiting(_) if late || unblocked.is_some() => {
                match (unblocked, waiter.timeout_reply) {
                    (Some(Unblock::Error), _) => session.out.error(errors::UNBLOCKED.text()),
                    (_, TimeoutReply::Null) => session.out.null(),
                    (_, TimeoutReply::NullArray) => session.out.null_array(),
                }
                *state = WaiterState::Gone;
                self.end_wait(&waiter);
                let stats = &worker.stats.commands[waiter.entry as usize];
                stats.count(0, self.tracks_latency());
                bump(&worker.stats.processed, 1);
                if unblocked == Some(Unblock::Error) {
                    bump(&stats.failed, 1);
                    self.count_error(worker, errors::UNBLOCKED.code());
                }
            }
            WaiterState::Waiting(_) => return false,
            WaiterState::Gone => {}
        }
        drop(state);
        session.state.waiter = None;
        if silent {
            session.out.truncate(mark);
        }
        true
    }

    /// Ends the waiting of all clients with an error and closes their connections: what they wait for cannot come here
    /// any more.
    pub fn unblock_all(&self, error: &ReplyError) {
        for database in &self.observers().blocked.databases {
            let waiters: Vec<Arc<Waiter>> = database.read().values().flatten().cloned().collect();
            for waiter in waiters {
                let mut state = waiter.state.lock();
                if let WaiterState::Waiting(session) = &mut *state {
                    session.out.clear();
                    session.out.error(error.text());
                    let reply = Bytes::copy_from_slice(session.out.as_slice());
                    *state = WaiterState::Served(Served { reply, last_write_offset: 0, close: true });
                    self.end_wait(&waiter);
                    waiter.client.mailbox.ring();
                }
            }
        }
    }

    /// Serves whoever waits for keys that are ready, if any are. To be called outside of the gate.
    #[inline]
    pub fn serve_waiters(&self, worker: &mut Worker) {
        if self.observers().blocked.has_ready() {
            let alone = self.gate().enter_alone();
            self.serve_waiters_alone(worker);
            drop(alone);
            self.make_way(worker);
        }
    }

    /// The same for a caller that runs alone already.
    #[cold]
    pub(crate) fn serve_waiters_alone(&self, worker: &mut Worker) {
        while self.observers().blocked.has_ready() {
            for (db, key) in self.observers().blocked.take_ready() {
                for waiter in self.observers().blocked.queue(db, &key) {
                    let holds = self.holds(db, &key);
                    if holds.is_none() && !waiter.heeds_missing {
                        // The next ones may heed it.
                        continue;
                    }
                    if holds == Some(waiter.kind) || waiter.heeds_missing {
                        self.try_serve(worker, &waiter);
                    }
                }
            }
        }
        self.notify_log(worker);
    }

    /// The type of a key's value.
    fn holds(&self, db: DbIndex, key: &[u8]) -> Option<Kind> {
        let now_ms = self.clock().wall_ms();
        let access =
            redan_keyspace::Access { expiry: ExpiryMode::Hide, ..redan_keyspace::Access::read(now_ms) };
        let mut view = self.keyspace().view_exclusive(db, access);
        view.peek(&Key::new(key)).map(|entry| entry.kind())
    }

    /// Runs a waiter's command again; it may find nothing again.
    fn try_serve(&self, worker: &mut Worker, waiter: &Arc<Waiter>) {
        if waiter.client.mailbox.is_killed() {
            // Its connection is about to close: what it would get would be lost.
            return;
        }
        let mut state = waiter.state.lock();
        let WaiterState::Waiting(session) = &mut *state else { return };
        session.out.clear();
        if !self.run_again(worker, session, waiter) {
            return;
        }
        let reply = Bytes::copy_from_slice(session.out.as_slice());
        let last_write_offset = session.state.last_write_offset;
        *state = WaiterState::Served(Served { reply, last_write_offset, close: false });
        drop(state);
        self.end_wait(waiter);
        self.deliver_invalidations();
        waiter.client.mailbox.ring();
    }

    /// Whether the waiter has its reply: what its command found, or that its user may not run it any more.
    fn run_again(&self, worker: &mut Worker, session: &mut Session, waiter: &Waiter) -> bool {
        let (entry, args) = (self.table().entry(waiter.entry), waiter.args.as_args());
        let now_ms = self.clock().wall_ms();
        worker.tick_ns = self.clock().monotonic_ns();
        self.refresh_user(&mut session.state);
        if !session.state.is_authenticated() {
            // The user is gone, and so will be the connection.
            return false;
        }
        if let Some(denied) = session.state.denied(entry, args) {
            let error = self.refuse_denied(&session.state, entry, args, denied);
            self.reject(worker, session, Some(entry), error);
            return true;
        }
        let access = self.access(now_ms, &session.state, entry.has(crate::flag::WRITE));
        let view = self.keyspace().view_exclusive(waiter.db, access);
        let call =
            Call { entry, args, raw: None, first_key: None, nested: false, again: true, scripted: false };
        let park = self.call_handler(worker, session, view, &call, now_ms);
        self.publish_events(worker);
        if park.is_some() {
            return false;
        }
        let spent_ns = self.account(worker, entry);
        self.note_latency(crate::dispatch::event_of(entry), spent_ns);
        if self.slowlog().is_slow(spent_ns) {
            self.note_slow(session, entry, args, spent_ns);
        }
        true
    }

    /// How many keys clients wait for, and for how many of them also when they are removed.
    pub fn blocking_keys(&self) -> (usize, usize) {
        let blocked = &self.observers().blocked;
        (blocked.keys.load(Ordering::Relaxed), blocked.keys_heeding_missing.load(Ordering::Relaxed))
    }
}
