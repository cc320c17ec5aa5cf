//! The registry of users.

use super::log::AclLog;
use super::password::Passwords;
use super::permissions::Permissions;
use super::rule::{RuleError, RuleScope, merge_selectors};
use super::user::User;
use crate::session::special;
use crate::{CommandTable, SessionOrigin, SessionState};
use bytes::Bytes;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The user of a connection that has not said who it is.
pub const DEFAULT_USER: &str = "default";

/// Why ACL SETUSER changed nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SetUserError {
    /// A selector begins with this argument and ends nowhere.
    Unmatched(Vec<u8>),
    /// A rule, and what is wrong with it.
    Rule(Vec<u8>, RuleError),
}

/// What a change of users means to connections.
#[derive(Default)]
pub(crate) struct UserChanges {
    /// Users that are gone: their connections have to go too.
    pub(crate) removed: Vec<Arc<User>>,
    /// Users that may have lost channels: whoever is subscribed to one of those has to go.
    pub(crate) lost_channels: Vec<Arc<User>>,
}

/// The users of this server. Changed only while nothing runs that could be in the middle of a check.
pub struct Users {
    by_name: RwLock<BTreeMap<Bytes, Arc<User>>>,
    /// Also in `by_name`, and never removed.
    default: Arc<User>,
    /// Counts changes.
    generation: AtomicU64,
    /// `acl-pubsub-default allchannels`.
    all_channels: AtomicBool,
    log: AclLog,
}

impl Users {
    /// The default user alone, who may do everything.
    pub(crate) fn new(table: &CommandTable) -> Self {
        let name = Bytes::from_static(DEFAULT_USER.as_bytes());
        let scope = RuleScope { table, all_channels: true };
        let default = Arc::new(User::new(name.clone(), Permissions::everything(scope)));
        Self {
            by_name: RwLock::new(BTreeMap::from([(name, Arc::clone(&default))])),
            default,
            generation: AtomicU64::new(1),
            all_channels: AtomicBool::new(false),
            log: AclLog::default(),
        }
    }

    /// What was refused lately.
    pub fn log(&self) -> &AclLog {
        &self.log
    }

    /// Sets `acl-pubsub-default`: whether new users may use all channels.
    pub(crate) fn set_all_channels(&self, all_channels: bool) {
        self.all_channels.store(all_channels, Ordering::Relaxed);
    }

    /// What rules are read against now.
    pub fn scope<'t>(&self, table: &'t CommandTable) -> RuleScope<'t> {
        RuleScope { table, all_channels: self.all_channels.load(Ordering::Relaxed) }
    }

    /// The user of connections that have not said who they are.
    pub fn default_user(&self) -> &Arc<User> {
        &self.default
    }

    /// The user of this name.
    pub fn get(&self, name: &[u8]) -> Option<Arc<User>> {
        self.by_name.read().get(name).cloned()
    }

    /// All users, by name.
    pub fn all(&self) -> Vec<Arc<User>> {
        self.by_name.read().values().cloned().collect()
    }

    /// All users as lines of the configuration or the ACL file.
    pub fn lines(&self) -> Vec<Vec<u8>> {
        let line =
            |user: &Arc<User>| [b"user ", user.name(), b" ", &user.permissions().describe()[..]].concat();
        self.all().iter().map(line).collect()
    }

    /// Whether the default user needs no password.
    pub fn default_is_open(&self) -> bool {
        let permissions = self.default.permissions();
        permissions.is_enabled() && permissions.takes_any_password()
    }

    /// Sets the default user's password (`requirepass`), or none if it is empty; connections already in stay in.
    pub fn set_default_password(&self, password: &[u8], table: &CommandTable) {
        let rule = if password.is_empty() { b"nopass".to_vec() } else { [b">", password].concat() };
        let scope = self.scope(table);
        let mut permissions = Permissions::clone(&self.default.permissions());
        for rule in [b"resetpass", &rule[..]] {
            permissions.apply(rule, scope).expect("these are rules");
        }
        self.default.replace(permissions);
        self.note_change();
    }

    /// Applies rules to a user, all or none; makes the user if there is none of this name.
    pub(crate) fn set<'a>(
        &self,
        name: &[u8],
        rules: impl IntoIterator<Item = &'a [u8]>,
        table: &CommandTable,
    ) -> Result<UserChanges, SetUserError> {
        let scope = self.scope(table);
        let rules = merge_selectors(rules).map_err(SetUserError::Unmatched)?;
        let user = self.get(name);
        let mut permissions = user
            .as_ref()
            .map_or_else(|| Permissions::new(scope), |user| Permissions::clone(&user.permissions()));
        for rule in rules {
            permissions.apply(&rule, scope).map_err(|error| SetUserError::Rule(rule, error))?;
        }
        let mut changes = UserChanges::default();
        match user {
            Some(user) => changes.replace(&user, permissions),
            None => self.insert(Bytes::copy_from_slice(name), permissions),
        }
        self.note_change();
        Ok(changes)
    }

    /// Removes users; all but the default one can be.
    pub(crate) fn remove<'a>(&self, names: impl IntoIterator<Item = &'a [u8]>) -> UserChanges {
        let mut by_name = self.by_name.write();
        let mut changes = UserChanges::default();
        for name in names.into_iter().filter(|name| *name != DEFAULT_USER.as_bytes()) {
            changes.removed.extend(by_name.remove(name));
        }
        changes.removed.iter().for_each(|user| user.remove());
        self.note_change();
        changes
    }

    /// Replaces all users. A user that was there stays the same user with other permissions; a default user that is not
    /// among the new ones may do everything.
    pub(crate) fn replace_all(
        &self,
        new: impl IntoIterator<Item = (Vec<u8>, Permissions)>,
        table: &CommandTable,
    ) -> UserChanges {
        let mut new: BTreeMap<Vec<u8>, Permissions> = new.into_iter().collect();
        new.entry(DEFAULT_USER.into()).or_insert_with(|| Permissions::everything(self.scope(table)));
        let gone = self.all().into_iter().map(|user| Bytes::copy_from_slice(user.name()));
        let gone: Vec<Bytes> = gone.filter(|name| !new.contains_key(&name[..])).collect();
        let mut changes = self.remove(gone.iter().map(|name| &name[..]));
        for (name, permissions) in new {
            match self.get(&name) {
                Some(user) => changes.replace(&user, permissions),
                None => self.insert(Bytes::from(name), permissions),
            }
        }
        self.note_change();
        changes
    }

    fn insert(&self, name: Bytes, permissions: Permissions) {
        let user = Arc::new(User::new(name.clone(), permissions));
        self.by_name.write().insert(name, user);
    }

    /// The user these credentials belong to.
    pub fn authenticate(&self, name: &[u8], password: &[u8]) -> Option<Arc<User>> {
        let user = self.get(name);
        let Some(user) = user else {
            // As much work as for a user that exists, so that timing tells nobody which do.
            let mut nobody = Passwords::default();
            nobody.add(b"");
            nobody.accept(password);
            return None;
        };
        let permissions = user.permissions();
        let fits = permissions.passwords().accept(password);
        let welcome = permissions.is_enabled() && (permissions.takes_any_password() || fits);
        drop(permissions);
        welcome.then_some(user)
    }

    /// What a new connection (or one after RESET) is: the default user if that needs no password, else nobody.
    pub fn greet(&self, session: &mut SessionState, table: &CommandTable) {
        if self.default_is_open() {
            session.authenticate(Arc::clone(&self.default), table);
        } else {
            session.require_auth(Some(Arc::clone(&self.default)));
        }
    }

    fn note_change(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Brings what a session knows of its user up to date, if users have changed; returns whether they have.
    #[inline]
    pub(crate) fn refresh(&self, session: &mut SessionState, table: &CommandTable) -> bool {
        let generation = self.generation.load(Ordering::Acquire);
        if session.users_seen == generation {
            return false;
        }
        session.users_seen = generation;
        self.refresh_changed(session, table);
        true
    }

    #[cold]
    fn refresh_changed(&self, session: &mut SessionState, table: &CommandTable) {
        if session.origin != SessionOrigin::Client {
            return;
        }
        match &session.user {
            None if self.default_is_open() && !session.client.mailbox.is_killed() => {
                self.greet(session, table)
            }
            None => {}
            Some(user) if user.is_removed() => session.require_auth(None),
            Some(user) => {
                let restricted = !user.permissions().allows_all(table);
                session.put_special(special::RESTRICTED, restricted);
            }
        }
    }
}

impl UserChanges {
    fn replace(&mut self, user: &Arc<User>, permissions: Permissions) {
        let before = user.replace(permissions);
        if user.permissions().lost_channels(&before) {
            self.lost_channels.push(Arc::clone(user));
        }
    }
}
