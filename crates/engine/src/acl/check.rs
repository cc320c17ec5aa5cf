//! Where commands meet permissions: what a session is refused, and the record of it.

use super::log::AclEntry;
use super::users::{SetUserError, UserChanges};
use super::{Permissions, User};
use crate::session::special;
use crate::{Client, CommandEntry, Counters, Cx, Engine, KeyFlags, ReplyError, SessionState, errors};
use redan_resp::Args;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What of a command its user may not do. Later ones mean that the check came further.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Denied {
    /// The command itself.
    Command,
    /// The key that is this argument.
    Key(u32),
    /// The channel that is this argument.
    Channel(u32),
}

impl Denied {
    /// The key or channel among the arguments; the command's own name for the command.
    pub fn object<'a>(self, entry: &'a CommandEntry, args: Args<'a>) -> &'a [u8] {
        match self {
            Self::Command => entry.full_name.as_bytes(),
            Self::Key(at) | Self::Channel(at) => args.get(at as usize).unwrap_or_default(),
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Key(_) => "key",
            Self::Channel(_) => "channel",
        }
    }

    fn counter(self, counters: &Counters) -> &AtomicU64 {
        match self {
            Self::Command => &counters.acl_denied_commands,
            Self::Key(_) => &counters.acl_denied_keys,
            Self::Channel(_) => &counters.acl_denied_channels,
        }
    }
}

/// Where a command that was refused came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AclContext {
    /// Straight from the client.
    TopLevel,
    /// From the client for a transaction, or from EXEC.
    Multi,
    /// From a script.
    Lua,
}

impl AclContext {
    /// The name in ACL LOG.
    pub fn name(self) -> &'static str {
        match self {
            Self::TopLevel => "toplevel",
            Self::Multi => "multi",
            Self::Lua => "lua",
        }
    }
}

impl SessionState {
    /// What of a command with these arguments the session's user may not do; `None` if it may run. Costs a test of one
    /// bit for a user who may do everything.
    #[inline]
    pub fn denied(&self, entry: &CommandEntry, args: Args<'_>) -> Option<Denied> {
        if self.special & special::RESTRICTED == 0 { None } else { self.find_denied(entry, args) }
    }

    #[cold]
    fn find_denied(&self, entry: &CommandEntry, args: Args<'_>) -> Option<Denied> {
        self.user.as_ref().and_then(|user| user.permissions().check(entry, args).err())
    }
}

impl Engine {
    /// Brings what a session knows of its user up to date; returns whether users have changed. Inside of the gate they
    /// do not, unless the command that runs alone there changes them.
    #[inline]
    pub fn refresh_user(&self, session: &mut SessionState) -> bool {
        self.users().refresh(session, self.table())
    }

    /// Notes that a command was refused: counts it and writes it to the log. `outer` is what the client sent: EXEC or
    /// EVAL for a command that one of these wanted to run.
    #[cold]
    pub fn note_denied(
        &self,
        session: &SessionState,
        outer: &CommandEntry,
        (entry, args): (&CommandEntry, Args<'_>),
        denied: Denied,
        context: AclContext,
    ) {
        Counters::count(denied.counter(self.counters()));
        session.client.last_command.store(u32::from(outer.index) + 1, Ordering::Relaxed);
        let user = session.user.as_ref().map(|user| user.name().to_vec()).unwrap_or_default();
        self.log_denied(session, denied.reason(), context, denied.object(entry, args), user);
    }

    /// The same for a login that failed, with the name it was for; `command` is what the client called it.
    pub fn note_login_denied(
        &self,
        session: &SessionState,
        entry: &CommandEntry,
        command: &[u8],
        user: &[u8],
    ) {
        Counters::count(&self.counters().auth_denied);
        session.client.last_command.store(u32::from(entry.index) + 1, Ordering::Relaxed);
        let context = if session.multi.is_some() { AclContext::Multi } else { AclContext::TopLevel };
        self.log_denied(session, "auth", context, command, user.to_vec());
    }

    fn log_denied(
        &self,
        session: &SessionState,
        reason: &'static str,
        context: AclContext,
        object: &[u8],
        user: Vec<u8>,
    ) {
        let now_ms = self.clock().wall_ms();
        let mut client = String::new();
        crate::client_line::write_client_line(self, &session.client, None, now_ms, &mut client);
        client.truncate(client.trim_end().len());
        self.users().log().add(AclEntry {
            id: 0,
            count: 1,
            reason,
            context,
            object: object.to_vec(),
            user,
            created_ms: now_ms,
            updated_ms: now_ms,
            client,
        });
    }

    /// Notes that a client's command was refused, and returns the reply.
    #[cold]
    pub(crate) fn refuse_denied(
        &self,
        session: &SessionState,
        entry: &CommandEntry,
        args: Args<'_>,
        denied: Denied,
    ) -> ReplyError {
        let context = if session.multi.is_some() { AclContext::Multi } else { AclContext::TopLevel };
        self.note_denied(session, entry, (entry, args), denied, context);
        errors::no_permission(&denied_text(session, entry, denied))
    }

    /// What a script is told whose user may not run a command, after that was noted. `outer` is the script's own command,
    /// EVAL for example.
    pub fn script_denied(
        &self,
        session: &SessionState,
        outer: &CommandEntry,
        entry: &CommandEntry,
        args: Args<'_>,
    ) -> Option<ReplyError> {
        let denied = session.denied(entry, args)?;
        self.note_denied(session, outer, (entry, args), denied, AclContext::Lua);
        Some(errors::script_denied(&denied_text(session, entry, denied)))
    }

    /// Replaces all users, and disconnects whoever may not stay. The caller runs alone, or nothing runs yet.
    pub fn replace_users(
        &self,
        users: impl IntoIterator<Item = (Vec<u8>, Permissions)>,
        own: Option<&mut SessionState>,
    ) {
        let changes = self.users().replace_all(users, self.table());
        self.disconnect_after(&changes, own);
    }

    /// Sets the default user's password; an empty one means none is needed.
    pub fn set_default_password(&self, password: &[u8]) {
        self.users().set_default_password(password, self.table());
    }

    /// Disconnects the clients of removed users, and the subscribers that have lost one of their channels.
    fn disconnect_after(&self, changes: &UserChanges, mut own: Option<&mut SessionState>) {
        let is = |users: &[Arc<User>], client: &Client| {
            let meta = client.meta.lock();
            meta.user.as_ref().is_some_and(|user| users.iter().any(|other| Arc::ptr_eq(user, other)))
        };
        let mut doomed = Vec::new();
        if !changes.removed.is_empty() {
            doomed.extend(self.clients().all().into_iter().filter(|client| is(&changes.removed, client)));
        }
        for user in &changes.lost_channels {
            let permissions = user.permissions();
            let lost =
                self.pubsub().subscribers_of(|name, pattern| !permissions.allows_channel(name, pattern));
            doomed.extend(lost.into_iter().filter(|client| is(std::slice::from_ref(user), client)));
        }
        for client in doomed {
            match &mut own {
                // Its reply still goes out.
                Some(session) if session.client.id == client.id => session.close_after_reply(),
                _ => client.mailbox.kill(),
            }
            // Its worker closes it soon; for everybody else it is gone now.
            self.clients().remove(client.id);
        }
        if let Some(session) = own {
            self.refresh_user(session);
        }
    }
}

/// What a user is told who may not do something. A key or channel is not named: a script might have computed it.
fn denied_text(session: &SessionState, entry: &CommandEntry, denied: Denied) -> String {
    let user = session.user.as_ref().map_or_else(String::new, |user| user.name_text().into_owned());
    errors::denied(&user, &entry.full_name, denied, None)
}

impl Cx<'_, '_> {
    /// ACL SETUSER. The command runs alone.
    ///
    /// # Errors
    /// Which rule is wrong.
    pub fn set_user<'b>(
        &mut self,
        name: &[u8],
        rules: impl IntoIterator<Item = &'b [u8]>,
    ) -> Result<(), SetUserError> {
        let changes = self.engine.users().set(name, rules, self.engine.table())?;
        self.engine.disconnect_after(&changes, Some(self.session));
        Ok(())
    }

    /// ACL DELUSER: how many there were. The command runs alone.
    pub fn remove_users<'b>(&mut self, names: impl IntoIterator<Item = &'b [u8]>) -> usize {
        let changes = self.engine.users().remove(names);
        self.engine.disconnect_after(&changes, Some(self.session));
        changes.removed.len()
    }

    /// ACL LOAD. The command runs alone.
    pub fn replace_users(&mut self, users: impl IntoIterator<Item = (Vec<u8>, Permissions)>) {
        self.engine.replace_users(users, Some(self.session));
    }

    /// Logs the session in as a user.
    pub fn log_in(&mut self, user: Arc<User>) {
        self.session.authenticate(user, self.engine.table());
    }

    /// Whether the session's user may do this to any key, also to those that the running command does not name. `args` are
    /// the command's.
    pub fn may_touch_every_key(&self, args: Args<'_>, flags: KeyFlags) -> bool {
        self.session.special & special::RESTRICTED == 0
            || self
                .session
                .user
                .as_ref()
                .is_none_or(|user| user.permissions().allows_with_every_key(self.entry, args, flags))
    }
}
