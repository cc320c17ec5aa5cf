//! A connection's own state, owned by the worker that serves it.

use crate::blocking::Waiter;
use crate::{Client, CommandTable, Engine, Park, ScriptJob, User};
use bytes::Bytes;

use redan_keyspace::DbIndex;
use redan_resp::{OwnedArgs, Protocol, ReplyBuf, RequestDecoder};
use std::collections::HashSet;
use std::sync::Arc;

/// Where a session's commands come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionOrigin {
    /// A client's connection.
    Client,
    /// Our master's replication stream: obeyed without the checks made for clients.
    Master,
    /// A file being replayed: likewise, and nothing propagates.
    File,
}

/// CLIENT REPLY.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplyMode {
    /// Replies are sent.
    On,
    /// No replies are sent.
    Off,
    /// The next command's reply is not sent.
    SkipNext,
}

/// Bits of [`SessionState::special`]: zero for a session that needs no thought.
pub(crate) mod special {
    /// Has not authenticated and must.
    pub(crate) const NEEDS_AUTH: u32 = 1 << 0;
    /// Between MULTI and EXEC.
    pub(crate) const MULTI: u32 = 1 << 1;
    /// Subscribed to something, with RESP2.
    pub(crate) const SUBSCRIBED: u32 = 1 << 2;
    /// CLIENT REPLY OFF or SKIP.
    pub(crate) const QUIET: u32 = 1 << 3;
    /// Closes once its replies are written.
    pub(crate) const CLOSING: u32 = 1 << 4;
    /// The master's stream or a file.
    pub(crate) const OBEYED: u32 = 1 << 5;
    /// Its user may not do everything.
    pub(crate) const RESTRICTED: u32 = 1 << 6;
}

/// The commands queued since MULTI.
#[derive(Default)]
pub struct MultiState {
    /// Index of the command's entry, its arguments.
    pub queue: Vec<(u16, OwnedArgs)>,
    /// A command was refused while queueing: EXEC will abort.
    pub aborted: bool,
    /// Union of the queued commands' flags.
    pub flags: u32,
    /// Union of the flags that a queued command lacks.
    pub missing: u32,
    /// Bytes queued.
    pub bytes: usize,
}

/// What is left to run when a handler has returned.
pub(crate) enum RunNow {
    /// EXEC: the queued commands.
    Queued(Box<MultiState>),
    /// EVAL, FCALL: a script.
    Script(ScriptJob),
}

/// A key that a session watches.
pub struct Watched {
    /// Its database.
    pub db: DbIndex,
    /// Its name.
    pub key: Bytes,
    /// Its time was over already when it was watched: it counted as absent.
    pub was_over: bool,
}

/// A session: its reply buffer, its request decoder and the rest of its state.
pub struct Session {
    /// Replies not yet written.
    pub out: ReplyBuf,
    /// Everything handlers may see and change.
    pub state: SessionState,
    pub(crate) decoder: RequestDecoder,
}

/// What a session is in. Handlers change it through [`Cx`](crate::Cx).
pub struct SessionState {
    /// The connection as others see it.
    pub client: Arc<Client>,
    /// Where its commands come from.
    pub origin: SessionOrigin,
    /// Selected database.
    pub db: DbIndex,
    /// The authenticated user; `None` before, and where everything is obeyed.
    pub user: Option<Arc<User>>,
    /// Set between MULTI and EXEC.
    pub multi: Option<Box<MultiState>>,
    /// Keys watched.
    pub watched: Vec<Watched>,
    /// Channels subscribed to.
    pub channels: HashSet<Bytes>,
    /// Patterns subscribed to.
    pub patterns: HashSet<Bytes>,
    /// Shard channels subscribed to.
    pub shard_channels: HashSet<Bytes>,
    /// CLIENT REPLY.
    pub reply_mode: ReplyMode,
    /// Why it sleeps, if it does.
    pub park: Option<Park>,
    /// CLIENT NO-TOUCH.
    pub no_touch: bool,
    /// Offset of the log behind its last write, for WAIT.
    pub last_write_offset: u64,
    /// PSYNC or SYNC with its arguments: the connection is now a replica's.
    pub hand_over: Option<OwnedArgs>,
    /// What the running handler wants to be run when it has returned.
    pub(crate) run_now: Option<RunNow>,
    /// The generation of users it has last looked at.
    pub(crate) users_seen: u64,
    /// Itself as one that waits for keys.
    pub(crate) waiter: Option<Arc<Waiter>>,
    pub(crate) special: u32,
}

impl Session {
    /// A session for a connection.
    pub fn new(client: Arc<Client>, origin: SessionOrigin, engine: &Engine) -> Self {
        let mut state = SessionState {
            client,
            origin,
            db: DbIndex(0),
            user: None,
            multi: None,
            watched: Vec::new(),
            channels: HashSet::new(),
            patterns: HashSet::new(),
            shard_channels: HashSet::new(),
            reply_mode: ReplyMode::On,
            park: None,
            no_touch: false,
            last_write_offset: 0,
            hand_over: None,
            run_now: None,
            users_seen: 0,
            waiter: None,
            special: if origin == SessionOrigin::Client { 0 } else { special::OBEYED },
        };
        if origin == SessionOrigin::Client {
            engine.users().greet(&mut state, engine.table());
        }
        Self { out: ReplyBuf::new(Protocol::Resp2), state, decoder: RequestDecoder::new() }
    }

    /// A session on which others run a command for this one, which sleeps: the same client, database and user.
    pub(crate) fn stand_in(&self) -> Self {
        let state = &self.state;
        let state = SessionState {
            client: Arc::clone(&state.client),
            origin: state.origin,
            db: state.db,
            user: state.user.clone(),
            multi: None,
            watched: Vec::new(),
            channels: HashSet::new(),
            patterns: HashSet::new(),
            shard_channels: HashSet::new(),
            reply_mode: ReplyMode::On,
            park: None,
            no_touch: state.no_touch,
            last_write_offset: 0,
            hand_over: None,
            run_now: None,
            users_seen: state.users_seen,
            waiter: None,
            special: state.special & special::RESTRICTED,
        };
        Self { out: ReplyBuf::new(self.out.protocol()), state, decoder: RequestDecoder::new() }
    }

    /// Whether the connection closes once its replies are written.
    pub fn is_closing(&self) -> bool {
        self.state.special & special::CLOSING != 0
    }
}

impl SessionState {
    /// Whether the session is allowed to do anything.
    pub fn is_authenticated(&self) -> bool {
        self.special & special::NEEDS_AUTH == 0
    }

    /// Makes it `user`'s session.
    pub(crate) fn authenticate(&mut self, user: Arc<User>, table: &CommandTable) {
        self.put_special(special::RESTRICTED, !user.permissions().allows_all(table));
        self.put_special(special::NEEDS_AUTH, false);
        self.client.meta.lock().user = Some(Arc::clone(&user));
        self.user = Some(user);
    }

    /// Makes it nobody's session: everything but AUTH, HELLO, QUIT and RESET is refused. Others see it as `shown`'s.
    pub(crate) fn require_auth(&mut self, shown: Option<Arc<User>>) {
        self.user = None;
        self.put_special(special::RESTRICTED, false);
        self.put_special(special::NEEDS_AUTH, true);
        if shown.is_some() {
            self.client.meta.lock().user = shown;
        }
    }

    /// Closes the connection once its replies are written.
    pub fn close_after_reply(&mut self) {
        self.special |= special::CLOSING;
    }

    /// Sets CLIENT REPLY.
    pub fn set_reply_mode(&mut self, mode: ReplyMode) {
        self.reply_mode = mode;
        self.put_special(special::QUIET, mode != ReplyMode::On);
    }

    /// How many channels and patterns it is subscribed to (what SUBSCRIBE replies).
    pub fn subscription_count(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    pub(crate) fn put_special(&mut self, bit: u32, on: bool) {
        if on {
            self.special |= bit;
        } else {
            self.special &= !bit;
        }
    }
}

impl Engine {
    /// The end of a session: whatever others hold of it is taken back.
    pub fn close_session(&self, session: &mut Session) {
        let state = &mut session.state;
        self.wake_up(state);
        self.forget_subscriptions(state);
        self.remove_monitor(&state.client);
        self.stop_tracking(&state.client);
        self.end_transaction(state);
        self.clients().remove(state.client.id);
    }
}
