//! MULTI, EXEC and WATCH.

use crate::context::Cx;
use crate::dispatch::{Call, event_of};
use crate::session::{Watched, special};
use crate::{
    AclContext, ClientFlags, CmdResult, CommandEntry, Denied, Engine, MultiState, RunNow, Session,
    SessionState, Worker, errors,
};
use bytes::Bytes;
use redan_keyspace::{Access, DbIndex, ExpiryMode, Key};
use redan_resp::Args;
use std::sync::atomic::Ordering;

/// What happens at the log's end, so that whatever the transaction has changed until then must be in the log: a
/// snapshot notes how far the log was, and so does a master that is to follow another.
const AT_LOGS_END: &[&str] =
    &["bgrewriteaof", "bgsave", "config|set", "debug", "failover", "replicaof", "slaveof"];

impl Engine {
    /// Queues a command for EXEC.
    pub(crate) fn queue(&self, session: &mut Session, entry: &CommandEntry, args: Args<'_>) {
        let flags = self.flags_for(entry, args);
        let Some(multi) = &mut session.state.multi else { return };
        // An aborted transaction will not run: keeping its commands would only cost memory.
        if !multi.aborted && !session.state.client.has(ClientFlags::DIRTY) {
            multi.flags |= flags;
            multi.missing |= !flags;
            multi.bytes += args.wire_len();
            multi.queue.push((entry.index, args.to_owned_args()));
        }
        session.state.client.multi_queued.store(multi.queue.len() as i64, Ordering::Relaxed);
        session.state.client.multi_bytes.store(multi.bytes, Ordering::Relaxed);
        session.out.simple("QUEUED");
    }

    /// Forgets the transaction and everything watched.
    pub(crate) fn end_transaction(&self, session: &mut SessionState) {
        session.multi = None;
        session.put_special(special::MULTI, false);
        session.client.put(ClientFlags::MULTI, false);
        session.client.multi_queued.store(-1, Ordering::Relaxed);
        session.client.multi_bytes.store(0, Ordering::Relaxed);
        self.unwatch(session);
    }

    /// Forgets everything watched.
    pub(crate) fn unwatch(&self, session: &mut SessionState) {
        for Watched { db, key, .. } in session.watched.drain(..) {
            self.watches().unwatch(db, &key, session.client.id);
            self.count_watched(|count| *count -= 1);
        }
        session.client.watched.store(0, Ordering::Relaxed);
        session.client.put(ClientFlags::DIRTY, false);
    }

    /// Changes the count of watched keys.
    fn count_watched(&self, change: impl FnOnce(&mut usize)) {
        self.observers().change_interest(self.keyspace(), |interest| change(&mut interest.watched));
    }

    /// Runs what a session has queued. The caller runs alone and has written nothing yet; `worker` is the caller's.
    pub(crate) fn exec(&self, worker: &mut Worker, session: &mut Session, multi: &MultiState, now_ms: i64) {
        session.out.array(multi.queue.len());
        for (index, args) in &multi.queue {
            let entry = self.table().entry(*index);
            if AT_LOGS_END.contains(&entry.full_name.as_str()) {
                self.append_effects(worker, session);
            }
            // Rules may have changed since the command was queued, or by a command before it.
            self.refresh_user(&mut session.state);
            if let Some(denied) = session.state.denied(entry, args.as_args()) {
                self.refuse_queued(worker, session, (entry, args.as_args()), denied);
                continue;
            }
            let started_ns = self.clock().monotonic_ns();
            let access = self.access(now_ms, &session.state, true);
            let view = self.keyspace().view_exclusive(session.state.db, access);
            let call = Call {
                entry,
                args: args.as_args(),
                raw: None,
                first_key: None,
                nested: true,
                again: false,
                scripted: false,
            };
            self.call_handler(worker, session, view, &call, now_ms);
            if let Some(RunNow::Script(job)) = session.state.run_now.take() {
                self.run_script(worker, session, entry, args.as_args(), job, now_ms);
            }
            self.publish_events(worker);
            let spent_ns = self.clock().monotonic_ns().saturating_sub(started_ns);
            worker.stats.commands[*index as usize].count(spent_ns, self.tracks_latency());
            self.note_latency(event_of(entry), spent_ns);
            if self.slowlog().is_slow(spent_ns) {
                self.note_slow(session, entry, args.as_args(), spent_ns);
            }
            crate::stats::bump(&worker.stats.processed, 1);
        }
        if self.is_replica() {
            // The transaction has made it one: the log is its master's stream by now.
            worker.effects.clear();
        }
        self.append_effects(worker, session);
    }

    /// Answers for a queued command that its user may no longer run.
    #[cold]
    fn refuse_queued(
        &self,
        worker: &mut Worker,
        session: &mut Session,
        command: (&CommandEntry, Args<'_>),
        denied: Denied,
    ) {
        let exec = self.table().by_full_name(b"exec").unwrap_or(command.0);
        self.note_denied(&session.state, exec, command, denied, AclContext::Multi);
        let error = errors::no_permission_any_more(denied);
        self.count_error(worker, error.code());
        session.out.error(error.text());
    }
}

impl Cx<'_, '_> {
    /// MULTI.
    ///
    /// # Errors
    /// Inside a transaction.
    pub fn multi(&mut self) -> CmdResult {
        if self.session.multi.is_some() {
            return Err(errors::NESTED_MULTI);
        }
        self.session.multi = Some(Box::default());
        self.session.put_special(special::MULTI, true);
        self.session.client.put(ClientFlags::MULTI, true);
        self.session.client.multi_queued.store(0, Ordering::Relaxed);
        self.out.ok();
        Ok(())
    }

    /// DISCARD.
    ///
    /// # Errors
    /// Outside of a transaction.
    pub fn discard(&mut self) -> CmdResult {
        if self.session.multi.is_none() {
            return Err(errors::DISCARD_WITHOUT_MULTI);
        }
        self.engine.end_transaction(self.session);
        self.out.ok();
        Ok(())
    }

    /// EXEC: decides whether the queued commands run. They run when the handler has returned, in the engine.
    ///
    /// # Errors
    /// Outside of a transaction, or when a command was refused while queueing.
    pub fn exec(&mut self) -> CmdResult {
        let Some(multi) = self.session.multi.take() else { return Err(errors::EXEC_WITHOUT_MULTI) };
        let dirty = self.session.client.has(ClientFlags::DIRTY) || self.watched_key_expired();
        self.engine.end_transaction(self.session);
        if multi.aborted {
            return Err(errors::EXEC_ABORT);
        }
        if dirty {
            self.out.null_array();
        } else {
            self.session.run_now = Some(RunNow::Queued(multi));
        }
        Ok(())
    }

    /// WATCH.
    ///
    /// # Errors
    /// Inside a transaction.
    pub fn watch(&mut self, keys: Args<'_>) -> CmdResult {
        if self.session.multi.is_some() {
            return Err(errors::WATCH_IN_MULTI);
        }
        let db = self.session.db;
        for key in keys.iter() {
            if self.session.watched.iter().any(|known| known.db == db && known.key == key) {
                continue;
            }
            self.watch_key(db, key);
        }
        self.session.client.watched.store(self.session.watched.len() as u32, Ordering::Relaxed);
        self.out.ok();
        Ok(())
    }

    fn watch_key(&mut self, db: DbIndex, key: &[u8]) {
        // A key whose time has come is deleted before it is watched: its absence is what the client has seen.
        let hashed = self.key(key);
        self.view.peek(&hashed);
        let bytes = Bytes::copy_from_slice(key);
        self.engine.count_watched(|count| *count += 1);
        self.engine.watches().watch(db, bytes.clone(), &self.session.client);
        let was_over = self.is_over(&hashed);
        self.session.watched.push(Watched { db, key: bytes, was_over });
    }

    /// UNWATCH.
    pub fn unwatch(&mut self) {
        self.engine.unwatch(self.session);
        self.out.ok();
    }

    /// Whether a watched key has passed its time without anybody having deleted it yet: that is a change too.
    /// A key that was past its time already when it was watched is not.
    fn watched_key_expired(&mut self) -> bool {
        let was = self.view.db();
        let mut expired = false;
        for watched in std::mem::take(&mut self.session.watched) {
            self.view.switch(watched.db);
            let key = Key::new(&watched.key);
            // Looking at the key deletes it if its time has come, which marks the watchers, this client among them.
            self.view.peek(&key);
            expired |=
                self.session.client.has(ClientFlags::DIRTY) || (!watched.was_over && self.is_over(&key));
            self.session.watched.push(watched);
        }
        self.view.switch(was);
        expired
    }

    /// Whether a key is there whose time is over: where only the master deletes it, or in a pause.
    fn is_over(&mut self, key: &Key<'_>) -> bool {
        let access = self.view.access();
        self.view.set_access(Access { expiry: ExpiryMode::Ignore, ..access });
        let expire_at_ms = self.view.expiry(key).flatten();
        self.view.set_access(access);
        expire_at_ms.is_some_and(|at_ms| at_ms < self.now_ms)
    }

    /// Deletes from both databases the keys past their time that somebody watches in one of them: nobody has seen
    /// them, and so nobody misses them when the databases change places.
    pub fn settle_watched(&mut self, first: DbIndex, second: DbIndex) {
        let was = self.view.db();
        let watched = [self.engine.watches().keys(first), self.engine.watches().keys(second)].concat();
        for db in [first, second] {
            self.view.switch(db);
            for key in &watched {
                self.view.peek(&Key::new(key));
            }
        }
        self.view.switch(was);
        self.view.release();
    }

    /// Forgets the transaction, the subscriptions and whatever else RESET takes back, except for the login.
    pub fn reset_transaction(&mut self) {
        self.engine.end_transaction(self.session);
    }
}
