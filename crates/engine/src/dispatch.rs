//! One turn of a connection, and what each of its requests goes through.

use crate::batch::BatchEnd;
use crate::checks::Check;
use crate::session::special;
use crate::stats::bump;
use crate::{
    ClientKind, CommandEntry, Counters, Cx, Engine, Lookup, Park, ReplyError, ReplyMode, Run, RunNow,
    Session, SessionOrigin, SlotGuard, Worker, condition, errors, flag,
};
use redan_keyspace::{KeyHash, View};
use redan_replication::{Appender, Audience};
use redan_resp::{Args, RequestDecoder, RequestLimits};
use smallvec::SmallVec;
use std::sync::atomic::Ordering;

/// More keys than this and a command runs alone: locking that many shards one by one is no longer a short hold.
const MAX_KEYED: usize = 64;

/// The outcome of a turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn {
    /// Bytes at the front of the buffer that are done with.
    pub consumed: usize,
    /// Why the turn ended.
    pub end: TurnEnd,
}

/// Why a turn ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TurnEnd {
    /// Every complete request has run; at least so many bytes are missing from the next.
    NeedInput(usize),
    /// The session sleeps: see [`SessionState::park`](crate::SessionState::park).
    Parked,
    /// The connection closes once its replies are written.
    Close,
    /// The connection is a replica's from now on: see [`SessionState::hand_over`](crate::SessionState::hand_over).
    HandOver,
}

/// What a request leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Go,
    /// Run again later.
    Again,
    Stop(TurnEnd),
}

/// A request on its way.
pub(crate) struct Request<'b> {
    pub(crate) entry: Option<u16>,
    pub(crate) args: Args<'b>,
    pub(crate) raw: Option<&'b [u8]>,
    pub(crate) first_key: Option<KeyHash>,
}

impl Engine {
    /// Executes every complete request at the front of `buf`. Replies are left in the session's buffer. `now_ms` is
    /// the time all of them run at.
    pub fn run(&self, worker: &mut Worker, session: &mut Session, buf: &[u8]) -> Turn {
        let mut consumed = 0;
        let now_ms = self.clock().wall_ms();
        self.refresh_user(&mut session.state);
        let mut batch = std::mem::take(&mut worker.batch);
        let end = loop {
            let limits = self.limits_of(session);
            let (decoded, end) = batch.fill(self, session, &limits, buf, consumed);
            let mut inside = if batch.items.len() > 1 { self.try_enter(worker) } else { None };
            if inside.is_some() {
                batch.prefetch(self, session.state.db);
            }
            let mut stop = None;
            for item in &batch.items {
                let request = Request {
                    entry: item.entry.checked_sub(1),
                    args: item.args(buf, batch.spans()),
                    raw: item.raw(buf),
                    first_key: item.first_key,
                };
                let next = self.serve(worker, session, &request, &mut inside, now_ms);
                if next != Next::Again {
                    consumed = item.end;
                }
                match next {
                    Next::Go => {}
                    Next::Again => stop = Some(TurnEnd::Parked),
                    Next::Stop(end) => stop = Some(end),
                }
                if stop.is_some() {
                    break;
                }
            }
            drop(inside);
            if let Some(end) = stop {
                // What was decoded beyond is decoded again later, from its start.
                session.decoder = RequestDecoder::new();
                break end;
            }
            consumed = decoded;
            match end {
                BatchEnd::More => {}
                BatchEnd::Incomplete(want) => break TurnEnd::NeedInput(want),
                BatchEnd::Broken(error) => {
                    if !error.has_reply() {
                        Counters::count(&self.counters().query_limit_disconnections);
                    } else {
                        self.count_error(worker, "ERR");
                        session.out.error(&format!("ERR {error}"));
                    }
                    session.state.close_after_reply();
                    break TurnEnd::Close;
                }
            }
        };
        worker.batch = batch;
        self.note_turn(worker, session, now_ms);
        Turn { consumed, end }
    }

    /// Executes one command for a session that is not a client's connection: our master's stream, a file.
    pub fn apply(&self, worker: &mut Worker, session: &mut Session, args: Args<'_>) {
        let entry = match self.table().lookup(args) {
            Lookup::Found(entry) => Some(entry.index),
            _ => None,
        };
        let request = Request { entry, args, raw: None, first_key: None };
        let now_ms = self.clock().wall_ms();
        self.serve(worker, session, &request, &mut None, now_ms);
    }

    fn limits_of(&self, session: &Session) -> RequestLimits {
        let settings = self.settings();
        RequestLimits {
            max_bulk_len: settings.proto_max_bulk_len,
            max_buffer: settings.query_buffer_limit,
            unauthenticated: !session.state.is_authenticated(),
            ..RequestLimits::authenticated()
        }
    }

    /// Looks at one request from all sides, then queues it, refuses it or runs it.
    fn serve<'e>(
        &'e self,
        worker: &mut Worker,
        session: &mut Session,
        request: &Request<'_>,
        inside: &mut Option<SlotGuard<'e>>,
        now_ms: i64,
    ) -> Next {
        let mark = session.out.mark();
        let mode = session.state.reply_mode;
        let next = match request.entry {
            None => {
                let error = self.table().unknown(self.table().lookup(request.args), request.args);
                self.reject(worker, session, None, error);
                Next::Go
            }
            Some(index) => {
                let entry = self.table().entry(index);
                let conditions = self.conditions().get();
                // Who tracks keys hears of those that make room in front of its next reply, whatever that is.
                let heeds = entry.heeds | if self.tracking().is_on() { condition::MEMORY_LIMITED } else { 0 };
                if conditions & heeds & condition::MEMORY_LIMITED != 0
                    && conditions & condition::BUSY == 0
                    && !is_obeyed(session)
                {
                    self.make_room(worker, inside, now_ms);
                    self.deliver_in_front(session);
                }
                if conditions & condition::TRACKING_FULL != 0 {
                    self.limit_tracking(session);
                }
                let outcome = match self.check(session, entry, request.args, now_ms, true) {
                    Check::Run => self.enter_and_call(worker, session, entry, request, inside, now_ms),
                    other => Err(other),
                };
                match outcome {
                    Ok(next) => next,
                    Err(Check::Queue) => {
                        self.queue(session, entry, request.args);
                        Next::Go
                    }
                    Err(Check::Refuse(error)) => {
                        self.reject(worker, session, Some(entry), error);
                        Next::Go
                    }
                    Err(Check::Wait | Check::Run) => {
                        let until_ms = self.pause.lock().map_or(now_ms, |(_, until_ms)| until_ms);
                        self.fall_asleep(&mut session.state, Park::Paused { until_ms });
                        Next::Again
                    }
                }
            }
        };
        self.end_tracked(session, request.entry.map(|index| self.table().entry(index)));
        if session.state.special != 0 || mode != ReplyMode::On {
            return after_special(session, mark, mode, next);
        }
        next
    }

    /// Refuses a request: replies the error, and spoils the transaction it was meant for.
    pub(crate) fn reject(
        &self,
        worker: &mut Worker,
        session: &mut Session,
        entry: Option<&CommandEntry>,
        error: ReplyError,
    ) {
        let mut error = error;
        if let Some(entry) = entry {
            bump(&worker.stats.commands[entry.index as usize].rejected, 1);
            if entry.full_name == "exec" && session.state.multi.is_some() {
                error = errors::exec_abort(&error);
                self.end_transaction(&mut session.state);
            }
        }
        if let Some(multi) = &mut session.state.multi {
            multi.aborted = true;
        }
        self.count_error(worker, error.code());
        session.out.error(error.text());
    }

    pub(crate) fn count_error(&self, worker: &Worker, code: &str) {
        bump(&worker.stats.error_replies, 1);
        self.errors().count(code);
    }

    fn enter_and_call<'e>(
        &'e self,
        worker: &mut Worker,
        session: &mut Session,
        entry: &'e CommandEntry,
        request: &Request<'_>,
        inside: &mut Option<SlotGuard<'e>>,
        now_ms: i64,
    ) -> Result<Next, Check> {
        let run = if self.runs_alone(entry, request.args) { Run::Exclusive } else { entry.command.run };
        if worker.beside_scripts || self.conditions().any(condition::BUSY) && inside.is_none() {
            return self.call_while_busy(worker, session, entry, request, now_ms);
        }
        if run == Run::Exclusive {
            // The own slot is left first: whoever runs alone waits for all slots.
            *inside = None;
            let Some(alone) = self.gate().try_enter_alone() else {
                return self.call_while_busy(worker, session, entry, request, now_ms);
            };
            worker.tick_ns = self.clock().monotonic_ns();
            self.check_again(session, entry, request, now_ms)?;
            let next = self.call(worker, session, entry, request, run, now_ms);
            if self.observers().blocked.has_ready() {
                self.serve_waiters_alone(worker);
            }
            drop(alone);
            self.make_way(worker);
            self.post_letters(worker, session);
            // The command may have changed what the next one may do.
            self.refresh_user(&mut session.state);
            return Ok(next);
        }
        if inside.is_none() {
            *inside = self.try_enter(worker);
            if inside.is_none() {
                return self.call_while_busy(worker, session, entry, request, now_ms);
            }
            self.check_again(session, entry, request, now_ms)?;
        }
        let next = self.call(worker, session, entry, request, run, now_ms);
        if worker.handed_over {
            *inside = None;
            self.make_way(worker);
        }
        if self.observers().blocked.has_ready() {
            *inside = None;
            self.serve_waiters(worker);
        }
        if !worker.effects.letters.is_empty() {
            *inside = None;
            self.post_letters(worker, session);
        }
        Ok(next)
    }

    /// Delivers what was published to so many that it had to wait until the gate was left.
    fn post_letters(&self, worker: &mut Worker, session: &mut Session) {
        if worker.effects.letters.is_empty() {
            return;
        }
        self.deliver(std::mem::take(&mut worker.effects.letters));
        if session.state.client.kind() == ClientKind::PubSub && session.state.reply_mode == ReplyMode::On {
            // What a publisher sends to itself comes right behind its reply.
            for message in session.state.client.mailbox.take() {
                session.out.raw(&message);
            }
        }
    }

    /// Runs a command, if it is one of the few that may, beside a script that keeps the server busy. They touch no keys.
    #[cold]
    fn call_while_busy(
        &self,
        worker: &mut Worker,
        session: &mut Session,
        entry: &CommandEntry,
        request: &Request<'_>,
        now_ms: i64,
    ) -> Result<Next, Check> {
        if !entry.has(flag::ALLOW_BUSY) || entry.command.run == Run::Keyed {
            return Err(Check::Refuse(self.busy_error()));
        }
        self.check_again(session, entry, request, now_ms)?;
        worker.tick_ns = self.clock().monotonic_ns();
        let next = self.call(worker, session, entry, request, Run::Shared, now_ms);
        self.post_letters(worker, session);
        Ok(next)
    }

    /// Looks at a command once more when it has passed the gate: whoever ran alone while it waited there may have turned
    /// this server into a replica, or begun to replace its dataset.
    #[inline]
    fn check_again(
        &self,
        session: &mut Session,
        entry: &CommandEntry,
        request: &Request<'_>,
        now_ms: i64,
    ) -> Result<(), Check> {
        // Who may run it was asked before, and users change only where something runs alone.
        let users_changed = self.refresh_user(&mut session.state);
        match self.check(session, entry, request.args, now_ms, users_changed) {
            Check::Run => Ok(()),
            other => Err(other),
        }
    }

    /// Enters the gate by the worker's own slot. A command's time begins here: waiting is not its own slowness.
    #[inline]
    pub(crate) fn enter(&self, worker: &mut Worker) -> SlotGuard<'_> {
        let inside = self.gate().enter(worker.slot);
        worker.tick_ns = self.clock().monotonic_ns();
        inside
    }

    /// The same, unless a script keeps the server busy.
    #[inline]
    fn try_enter(&self, worker: &mut Worker) -> Option<SlotGuard<'_>> {
        if worker.beside_scripts {
            return None;
        }
        let inside = self.gate().try_enter(worker.slot)?;
        worker.tick_ns = self.clock().monotonic_ns();
        Some(inside)
    }

    /// Waits, holding nothing, until a running snapshot has room again for what writers hand over to it.
    pub(crate) fn make_way(&self, worker: &mut Worker) {
        if std::mem::take(&mut worker.handed_over) && worker.may_wait {
            // Whoever reads the log need not wait for it too.
            self.notify_log(worker);
            self.keyspace().wait_for_snapshot_room();
        }
    }

    /// Whether a command has to run alone.
    pub(crate) fn runs_alone(&self, entry: &CommandEntry, args: Args<'_>) -> bool {
        match entry.command.run {
            Run::Exclusive => true,
            Run::Keyed => {
                args.len() > MAX_KEYED && self.has_many_keys(entry, args)
                    || entry.command.alone_when.is_some_and(|condition| condition(args))
            }
            Run::Shared => false,
        }
    }

    fn has_many_keys(&self, entry: &CommandEntry, args: Args<'_>) -> bool {
        entry.key_positions(args).is_some_and(|positions| positions.len() > MAX_KEYED)
    }

    fn open_view(
        &self,
        session: &Session,
        entry: &CommandEntry,
        request: &Request<'_>,
        run: Run,
        now_ms: i64,
    ) -> View<'_> {
        let db = session.state.db;
        let access = self.access(now_ms, &session.state, entry.has(flag::WRITE));
        match run {
            Run::Exclusive => self.keyspace().view_exclusive(db, access),
            Run::Shared => self.keyspace().view_keyed(db, access, std::iter::empty()),
            Run::Keyed => match (request.first_key, entry.simple_keys) {
                (Some(hash), Some((first, last, _))) if last == first as i32 => {
                    self.keyspace().view_keyed(db, access, std::iter::once(hash))
                }
                _ => {
                    let positions = entry.key_positions(request.args).unwrap_or_default();
                    let hashes: SmallVec<[KeyHash; 8]> =
                        positions.iter().map(|&at| KeyHash::of(&request.args[at as usize])).collect();
                    self.keyspace().view_keyed(db, access, hashes)
                }
            },
        }
    }

    /// Runs a command whose place in the gate is taken.
    pub(crate) fn call(
        &self,
        worker: &mut Worker,
        session: &mut Session,
        entry: &CommandEntry,
        request: &Request<'_>,
        run: Run,
        now_ms: i64,
    ) -> Next {
        let view = self.open_view(session, entry, request, run, now_ms);
        let first_key = match (request.first_key, entry.simple_keys) {
            (Some(hash), Some((first, _, _))) => {
                request.args.get(first).map(|key| (key.as_ptr(), key.len(), hash))
            }
            _ => None,
        };
        let call = Call {
            entry,
            args: request.args,
            raw: request.raw,
            first_key,
            nested: false,
            again: false,
            scripted: false,
        };
        let park = self.call_handler(worker, session, view, &call, now_ms);
        if let Some(next) = session.state.run_now.take() {
            self.run_next(worker, session, entry, request.args, next, now_ms);
        }
        if !worker.effects.events.is_empty() {
            self.publish_events(worker);
        }
        if matches!(park, Some(Park::Keys { .. })) {
            // It is counted when it is served.
            worker.tick_ns = self.clock().monotonic_ns();
        } else {
            let spent_ns = self.account(worker, entry);
            self.note_latency(event_of(entry), spent_ns);
            if self.slowlog().is_slow(spent_ns) {
                self.note_slow(session, entry, request.args, spent_ns);
            }
        }
        if let Some(park) = park {
            self.fall_asleep(&mut session.state, park);
            return Next::Stop(TurnEnd::Parked);
        }
        if session.state.hand_over.is_some() { Next::Stop(TurnEnd::HandOver) } else { Next::Go }
    }

    /// Runs what a handler has left to run: a transaction, a script.
    fn run_next(
        &self,
        worker: &mut Worker,
        session: &mut Session,
        entry: &CommandEntry,
        args: Args<'_>,
        next: RunNow,
        now_ms: i64,
    ) {
        match next {
            RunNow::Queued(multi) => {
                self.exec(worker, session, &multi, now_ms);
                if self.conditions().any(condition::MONITORED) {
                    self.feed_monitors(session, entry, args);
                }
            }
            RunNow::Script(job) => {
                self.run_script(worker, session, entry, args, job, now_ms);
                self.append_effects(worker, session);
            }
        }
    }

    /// Runs the handler and records what it changed, all under its locks. Also what EXEC does for each of its commands.
    pub(crate) fn call_handler<'e>(
        &'e self,
        worker: &mut Worker,
        session: &mut Session,
        view: View<'e>,
        call: &Call<'e, '_>,
        now_ms: i64,
    ) -> Option<Park> {
        // A replica's log is its master's stream: what its own clients change does not belong there.
        let logging =
            session.state.origin == SessionOrigin::Client && self.log().is_active() && !self.is_replica();
        let mark = session.out.mark();
        let caller = self.begin_tracked(session, call);
        worker.effects.begin_command();
        let mut cx = Cx {
            engine: self,
            entry: call.entry,
            session: &mut session.state,
            out: &mut session.out,
            view,
            now_ms,
            effects: &mut worker.effects,
            logging,
            first_key: call.first_key,
            nested: call.nested,
            park: None,
            blocking: None,
        };
        let result = (call.entry.command.handler)(&mut cx, call.args);
        let park = cx.park;
        let blocking = cx.blocking;
        let mut view = cx.view;
        let error = result.err();
        if let Some(error) = &error {
            session.out.truncate(mark);
            session.out.error(error.text());
        }
        if caller.is_some() && view.has_expired() {
            // What expired under the command went with what was noted.
            self.note_reads(session, call);
        }
        let dirty = view.dirty();
        if dirty > 0 || view.has_expired() || worker.effects.verbatim_off || worker.effects.extra_dirty > 0 {
            self.record(worker, session, &mut view, call, logging);
        }
        if let Some(block) = blocking
            && !call.again
        {
            self.begin_wait(session, call.entry.index, call.args, *block);
        }
        let closed = view.close();
        worker.handed_over |= closed.handed_over;
        if !closed.garbage.is_empty() {
            self.counters().lazyfreed_objects.fetch_add(closed.garbage.len() as u64, Ordering::Relaxed);
            self.host().free_later(Box::new(closed.garbage));
        }
        if dirty > 0 {
            self.add_dirty(dirty);
        }
        if let Some(error) = error {
            bump(&worker.stats.commands[call.entry.index as usize].failed, 1);
            self.count_error(worker, error.code());
        }
        // EXEC is shown behind what it runs.
        if self.conditions().any(condition::MONITORED) && session.state.run_now.is_none() && !call.again {
            self.show_to_monitors(session, call);
        }
        park
    }

    #[cold]
    fn show_to_monitors(&self, session: &Session, call: &Call<'_, '_>) {
        if call.scripted {
            if !call.entry.has(flag::SKIP_MONITOR) {
                self.feed_monitors_always(&session.state, call.entry, call.args, true);
            }
        } else {
            self.feed_monitors(session, call.entry, call.args);
        }
    }

    /// Turns what the command changed into its effects, and unless it is part of a transaction appends them to the log.
    fn record(
        &self,
        worker: &mut Worker,
        session: &mut Session,
        view: &mut View<'_>,
        call: &Call<'_, '_>,
        logging: bool,
    ) {
        let expired = view.take_expired();
        if logging {
            for gone in &expired {
                self.with_deletion(gone, |args| worker.effects.push(gone.db, args));
            }
        }
        worker.effects.push_expired_events(&expired);
        if !logging {
            return;
        }
        if worker.effects.verbatim_off {
            for (db, encoded) in std::mem::take(&mut worker.effects.said) {
                worker.effects.push_encoded(db, &encoded);
            }
        } else if view.dirty() + worker.effects.extra_dirty > 0 {
            match call.raw {
                Some(raw) => worker.effects.push_encoded(session.state.db, raw),
                None => worker.effects.push_args(session.state.db, call.args),
            }
        }
        if !call.nested {
            self.append_effects(worker, session);
        }
    }

    /// Appends the unit's effects to the log, as one transaction if there are several.
    pub(crate) fn append_effects(&self, worker: &mut Worker, session: &mut Session) {
        if worker.effects.is_empty() {
            return;
        }
        session.state.last_write_offset = self.append_unit(worker);
    }

    /// Appends what is in the worker's effects, and returns the log's end behind it.
    pub(crate) fn append_unit(&self, worker: &mut Worker) -> u64 {
        let several = worker.effects.len() > 1;
        let write = |log: &mut Appender<'_>| {
            if several {
                log.command([b"MULTI".as_slice()].into_iter());
            }
            for (db, bytes) in worker.effects.commands() {
                if worker.effects.changes_data() {
                    log.select(db.0);
                }
                log.raw(bytes);
            }
            if several {
                log.command([b"EXEC".as_slice()].into_iter());
            }
        };
        let end = if worker.effects.changes_data() {
            self.log().append_unit(write)
        } else {
            self.log().append(0, Audience::ReplicasOnly, write)
        };
        worker.effects.clear();
        worker.appended = true;
        end
    }

    pub(crate) fn publish_events(&self, worker: &mut Worker) {
        let mut events = std::mem::take(&mut worker.effects.events);
        for (class, event, db, key) in events.drain(..) {
            self.publish_event(class, event, db, &key);
        }
        worker.effects.events = events;
    }

    #[inline]
    pub(crate) fn account(&self, worker: &mut Worker, entry: &CommandEntry) -> u64 {
        let now_ns = self.clock().monotonic_ns();
        let stats = &worker.stats.commands[entry.index as usize];
        let spent_ns = now_ns.saturating_sub(worker.tick_ns);
        stats.count(spent_ns, self.tracks_latency());
        bump(&worker.stats.processed, 1);
        worker.tick_ns = now_ns;
        spent_ns
    }

    /// Updates what others may see of the session, once a turn.
    fn note_turn(&self, worker: &mut Worker, session: &mut Session, now_ms: i64) {
        let client = &session.state.client;
        if let Some(item) = worker.batch.items.last() {
            client.last_command.store(u32::from(item.entry), Ordering::Relaxed);
        }
        client.last_active_ms.store(now_ms, Ordering::Relaxed);
        client.commands.fetch_add(worker.batch.items.len() as u64, Ordering::Relaxed);
        client.db.store(session.state.db.0, Ordering::Relaxed);
        self.notify_log(worker);
    }
}

/// A command about to run.
pub(crate) struct Call<'e, 'b> {
    pub(crate) entry: &'e CommandEntry,
    pub(crate) args: Args<'b>,
    pub(crate) raw: Option<&'b [u8]>,
    pub(crate) first_key: Option<(*const u8, usize, KeyHash)>,
    /// Part of a transaction or a script.
    pub(crate) nested: bool,
    /// It ran before and found nothing: it runs for a client that waits.
    pub(crate) again: bool,
    /// A script's.
    pub(crate) scripted: bool,
}

/// The name under which LATENCY keeps spikes of a command.
pub(crate) fn event_of(entry: &CommandEntry) -> &'static str {
    if entry.has(flag::FAST) { "fast-command" } else { "command" }
}

/// Whether the session's commands are carried out without the checks made for clients.
fn is_obeyed(session: &Session) -> bool {
    session.state.special & special::OBEYED != 0
}

/// The end of a request of a session that is not plain: silence, closing.
#[cold]
fn after_special(session: &mut Session, mark: usize, mode: ReplyMode, next: Next) -> Next {
    let state = &mut session.state;
    match (mode, state.reply_mode) {
        (ReplyMode::Off, ReplyMode::Off) | (ReplyMode::SkipNext, ReplyMode::Off) => {
            session.out.truncate(mark)
        }
        (ReplyMode::SkipNext, ReplyMode::SkipNext) => {
            session.out.truncate(mark);
            state.set_reply_mode(ReplyMode::On);
        }
        _ => {}
    }
    if state.special & special::CLOSING != 0 && next == Next::Go { Next::Stop(TurnEnd::Close) } else { next }
}
