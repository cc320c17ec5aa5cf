//! What a handler sees while its command runs.

use crate::session::special;
use crate::{
    BlockOn, CmdResult, CommandEntry, Effects, Engine, Host, Park, ReplyError, ReplyMode, SessionOrigin,
    SessionState,
};
use redan_keyspace::{DbIndex, Key, KeyHash, View};
use redan_resp::{ReplyBuf, encode_command};

/// The context of a running command.
///
/// `'k` is the engine's life, `'a` that of this execution. Fields are disjoint on purpose: a handler may hold an entry
/// of `view` while it writes to `out`.
pub struct Cx<'a, 'k> {
    /// The engine.
    pub engine: &'k Engine,
    /// The command's own entry.
    pub entry: &'k CommandEntry,
    /// The client's session.
    pub session: &'a mut SessionState,
    /// Where the reply goes. After an error return, what was written since the command began is dropped.
    pub out: &'a mut ReplyBuf,
    /// The keys: those the command declared, or any if it runs alone.
    pub view: View<'k>,
    /// The time the command runs at, Unix ms.
    pub now_ms: i64,
    pub(crate) effects: &'a mut Effects,
    /// Whether effects are recorded at all: somebody reads the log, and this is no replayed command.
    pub(crate) logging: bool,
    /// The hash of the first key, so that it is computed once.
    pub(crate) first_key: Option<(*const u8, usize, KeyHash)>,
    /// Runs inside EXEC or a script.
    pub(crate) nested: bool,
    pub(crate) park: Option<Park>,
    /// What the command waits for, with [`Park::Keys`].
    pub(crate) blocking: Option<Box<BlockOn>>,
}

impl<'a, 'k> Cx<'a, 'k> {
    /// The key with its hash, which for the first declared key is already known.
    #[inline]
    pub fn key<'b>(&self, bytes: &'b [u8]) -> Key<'b> {
        match self.first_key {
            Some((at, len, hash)) if at == bytes.as_ptr() && len == bytes.len() => Key { bytes, hash },
            _ => Key::new(bytes),
        }
    }

    /// The process around the engine.
    pub fn host(&self) -> &'k dyn Host {
        self.engine.host()
    }

    /// The selected database.
    pub fn db(&self) -> DbIndex {
        self.session.db
    }

    /// Propagates this instead of the command as it came. May be called several times; the commands then go out as one
    /// transaction.
    pub fn propagate(&mut self, args: &[&[u8]]) {
        self.propagate_in(self.session.db, args);
    }

    /// The same in another database than the selected one.
    pub fn propagate_in(&mut self, db: DbIndex, args: &[&[u8]]) {
        self.effects.verbatim_off = true;
        if self.logging {
            let mut encoded = Vec::new();
            encode_command(&mut encoded, args.iter().copied());
            self.effects.said.push((db, encoded));
        }
    }

    /// Whether anybody will see what [`propagate`](Self::propagate) says, for commands that have to collect it.
    pub fn is_logging(&self) -> bool {
        self.logging
    }

    /// Sends this to replicas instead of the command as it came: it changes no data, and no file needs it.
    pub fn propagate_to_replicas(&mut self, args: &[&[u8]]) {
        self.effects.to_replicas = true;
        self.propagate(args);
    }

    /// Propagates nothing for this command, whatever it changes.
    pub fn propagate_nothing(&mut self) {
        self.effects.verbatim_off = true;
        self.effects.said.clear();
    }

    /// Publishes a keyspace event once the command has released its keys.
    #[inline]
    pub fn notify(&mut self, class: u32, event: &'static str, key: &[u8]) {
        self.notify_in(class, event, self.session.db, key);
    }

    /// The same in another database than the selected one.
    #[inline]
    pub fn notify_in(&mut self, class: u32, event: &'static str, db: DbIndex, key: &[u8]) {
        if crate::NotifyClasses(self.engine.notify_bits()).wants(class) {
            self.effects.events.push((class, event, db, key.into()));
        }
    }

    /// Counts changes that are not changes of keys (a database flushed, for example), so that the command counts as
    /// one that changed something.
    pub fn add_dirty(&mut self, by: u64) {
        self.engine.add_dirty(by);
        self.effects.extra_dirty += by;
    }

    /// Puts the session to sleep: the reply comes later, from [`Engine::resume`]. Inside a transaction a command must
    /// not wait; it replies at once what it would reply at its deadline.
    pub fn park(&mut self, park: Park) {
        debug_assert!(self.may_wait(), "nobody waits inside a transaction");
        self.park = Some(park);
    }

    /// Whether the command may put its session to sleep.
    pub fn may_wait(&self) -> bool {
        !self.nested && self.session.origin == SessionOrigin::Client
    }

    /// Whether the command runs inside EXEC or a script.
    pub fn is_nested(&self) -> bool {
        self.nested
    }

    /// Whether the command comes from a client, not from our master or a file.
    pub fn is_from_client(&self) -> bool {
        self.session.origin == SessionOrigin::Client
    }

    /// Tells the client about a change of what it may do next (RESP2 subscribed mode).
    pub fn update_subscribed(&mut self) {
        let subscribed = self.session.subscription_count() + self.session.shard_channels.len() > 0;
        self.session.put_special(special::SUBSCRIBED, subscribed);
        self.engine.note_subscriptions(self.session, subscribed);
    }

    /// Writes what others (or this very command) have pushed to this client, in front of what follows.
    pub fn flush_mailbox(&mut self) {
        if self.session.reply_mode != ReplyMode::On {
            // Pushes are sent to silent clients too, but not among replies that are dropped.
            return;
        }
        for message in self.session.client.mailbox.take() {
            self.out.raw(&message);
        }
    }

    /// Drops something on a background thread.
    pub fn free_later(&self, garbage: impl Send + 'static) {
        self.host().free_later(Box::new(garbage));
    }

    /// An error unless there are from `min` arguments on (for containers called without a subcommand).
    ///
    /// # Errors
    /// The arity error of this command.
    pub fn need_args(&self, len: usize, min: usize) -> CmdResult {
        if len < min { Err(self.arity_error()) } else { Ok(()) }
    }

    /// The arity error of this command.
    pub fn arity_error(&self) -> ReplyError {
        crate::errors::wrong_arity(&self.entry.full_name)
    }
}
