//! What stands between a request and its execution: authentication, ACL, the state of the server and of the dataset.

use crate::session::special;
use crate::{CommandEntry, Denied, Engine, Flags, PauseKind, ReplyError, Session, condition, errors, flag};
use redan_resp::Args;

/// What stands between a request and its execution.
pub(crate) enum Check {
    Run,
    Queue,
    Wait,
    Refuse(ReplyError),
}

impl Engine {
    /// Whether a request may run now. Without `ask_user` its user's permissions were asked for before and have not
    /// changed since.
    #[inline]
    pub(crate) fn check(
        &self,
        session: &mut Session,
        entry: &CommandEntry,
        args: Args<'_>,
        now_ms: i64,
        ask_user: bool,
    ) -> Check {
        if !entry.command.accepts(args.len()) {
            return Check::Refuse(errors::wrong_arity(&entry.full_name));
        }
        let conditions = self.conditions().get();
        if session.state.special == 0 && conditions & entry.heeds == 0 {
            return Check::Run;
        }
        let denied = if ask_user { session.state.denied(entry, args) } else { None };
        self.check_special(session, (entry, args), denied, conditions, now_ms)
    }

    #[cold]
    fn check_special(
        &self,
        session: &mut Session,
        (entry, args): (&CommandEntry, Args<'_>),
        denied: Option<Denied>,
        conditions: u32,
        now_ms: i64,
    ) -> Check {
        let state = &mut session.state;
        if state.special & special::OBEYED != 0 {
            let queue = state.multi.is_some() && !RUNS_IN_MULTI.contains(&entry.full_name.as_str());
            return if queue { Check::Queue } else { Check::Run };
        }
        if entry.has(flag::PROTECTED) && !self.host().debug_allowed(&state.client) {
            return Check::Refuse(errors::DEBUG_DISABLED);
        }
        if !state.is_authenticated() && !entry.has(flag::NO_AUTH) {
            return Check::Refuse(errors::NO_AUTH);
        }
        if state.multi.is_some() && entry.has(flag::NO_MULTI) {
            return Check::Refuse(errors::NOT_IN_MULTI);
        }
        if let Some(denied) = denied {
            return Check::Refuse(self.refuse_denied(state, entry, args, denied));
        }
        // EXEC answers for what it is about to run.
        let queued = state.multi.as_ref().filter(|_| entry.full_name == "exec");
        let own = self.flags_for(entry, args);
        let flags = own | queued.map_or(0, |multi| multi.flags);
        let missing = !own | queued.map_or(0, |multi| multi.missing);
        if let Some(error) = self.check_dataset(entry, flags, conditions) {
            return Check::Refuse(error);
        }
        if state.special & special::SUBSCRIBED != 0
            && session.out.protocol() == redan_resp::Protocol::Resp2
            && !ALLOWED_SUBSCRIBED.contains(&entry.full_name.as_str())
        {
            return Check::Refuse(errors::subscribed_only(&entry.full_name));
        }
        if let Some(error) = self.check_serving(flags, missing, conditions) {
            return Check::Refuse(error);
        }
        if conditions & (condition::PAUSE_WRITE | condition::PAUSE_ALL) != 0 && self.is_paused(flags, now_ms)
        {
            return Check::Wait;
        }
        if state.multi.is_some() && !RUNS_IN_MULTI.contains(&entry.full_name.as_str()) {
            return Check::Queue;
        }
        Check::Run
    }

    /// Whether the dataset may be changed now.
    fn check_dataset(&self, entry: &CommandEntry, flags: u32, conditions: u32) -> Option<ReplyError> {
        let writes = flags & flag::WRITE != 0;
        if conditions & condition::MEMORY_LIMITED != 0 && !self.has_memory() && flags & flag::DENYOOM != 0 {
            return Some(errors::OOM);
        }
        let replica = conditions & condition::REPLICA != 0;
        if !replica && (writes || entry.full_name == "ping") {
            if conditions & condition::SAVE_ERROR != 0 {
                return Some(errors::MISCONF_SAVE);
            }
            if conditions & condition::AOF_ERROR != 0 {
                return Some(errors::misconf_aof(&self.host().aof_error()));
            }
        }
        if writes && !replica && conditions & condition::FEW_REPLICAS != 0 {
            return Some(errors::NO_REPLICAS);
        }
        (writes && conditions & condition::READ_ONLY != 0).then_some(errors::READ_ONLY)
    }

    /// Whether there is a dataset to serve now to commands with any of these flags, and all but the missing ones.
    fn check_serving(&self, flags: Flags, missing: Flags, conditions: u32) -> Option<ReplyError> {
        if conditions & condition::STALE != 0 && missing & flag::STALE != 0 {
            return Some(errors::MASTER_DOWN);
        }
        if conditions & condition::LOADING != 0 && missing & flag::LOADING != 0 {
            return Some(errors::LOADING);
        }
        if conditions & condition::ASYNC_LOADING != 0 && flags & flag::NO_ASYNC_LOADING != 0 {
            return Some(errors::LOADING);
        }
        (conditions & condition::BUSY != 0 && missing & flag::ALLOW_BUSY != 0).then(|| self.busy_error())
    }

    /// Whether a command with these flags waits for the end of a pause.
    fn is_paused(&self, flags: u32, now_ms: i64) -> bool {
        match *self.pause.lock() {
            Some((_, until_ms)) if until_ms <= now_ms => false,
            Some((PauseKind::All, _)) => true,
            Some((PauseKind::Write, _)) => flags & (flag::WRITE | flag::MAY_REPLICATE) != 0,
            None => false,
        }
    }
}

/// What a RESP2 client may still do once it has subscribed to something.
const ALLOWED_SUBSCRIBED: &[&str] = &[
    "ping",
    "subscribe",
    "ssubscribe",
    "unsubscribe",
    "sunsubscribe",
    "psubscribe",
    "punsubscribe",
    "quit",
    "reset",
];

/// What is not queued between MULTI and EXEC.
const RUNS_IN_MULTI: &[&str] = &["exec", "discard", "multi", "watch", "quit", "reset"];
