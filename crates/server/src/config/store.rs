//! The configuration of the running server: read by everyone, changed by CONFIG SET.
//!
//! Readers take a snapshot ([`Config::load`], or [`Config::peek`] for a moment) and see one consistent set of values.
//! A change is parsed in full, swapped in, and then applied by the hooks that other parts of the server have
//! registered; if a hook fails, the old values are swapped in again and the hooks are told. Changes are serialised by
//! one lock, which is held while hooks run: a hook must not change the configuration itself.

use super::choices::ProtectedAction;
use super::error::SetError;
use super::param::{Flags, Param};
use super::rows::ENABLE_PROTECTED_CONFIGS;
use super::settings::Settings;
use super::table;
use super::value::{Prior, parse};
use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use redan_resp::glob::glob_match;
use std::sync::Arc;

/// Who asks for a change, and when.
#[derive(Debug, Clone, Copy, Default)]
pub struct SetContext {
    /// A dataset is being loaded.
    pub loading: bool,
    /// The client is connected from this machine.
    pub local_client: bool,
}

type Apply = Box<dyn FnMut(&Settings) -> Result<(), String> + Send>;

/// A part of the server that has to act when one of its parameters changes.
struct Hook {
    rows: Vec<usize>,
    apply: Apply,
}

/// The configuration of the server.
pub struct Config {
    current: ArcSwap<Settings>,
    hooks: Mutex<Vec<Hook>>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Config").finish_non_exhaustive()
    }
}

impl Config {
    /// Starts with the given values and without hooks.
    pub fn new(settings: Settings) -> Config {
        Config { current: ArcSwap::from_pointee(settings), hooks: Mutex::new(Vec::new()) }
    }

    /// The values at this moment, to be kept as long as one likes.
    pub fn load(&self) -> Arc<Settings> {
        self.current.load_full()
    }

    /// The values at this moment, for a short look: cheaper than [`Config::load`], not to be held across waiting.
    pub fn peek(&self) -> Guard<Arc<Settings>> {
        self.current.load()
    }

    /// Registers a hook that runs after a change of any of the named parameters (`KEY.name()`), once per change however
    /// many of them changed. Its error undoes the change and is shown to the client.
    ///
    /// # Panics
    /// If a name is not in the table, which is a bug of the caller.
    pub fn on_change(
        &self,
        names: &[&str],
        apply: impl FnMut(&Settings) -> Result<(), String> + Send + 'static,
    ) {
        let rows =
            names.iter().map(|name| table::position(name).expect("hooks name parameters of the table"));
        self.hooks.lock().push(Hook { rows: rows.collect(), apply: Box::new(apply) });
    }

    /// CONFIG SET: all pairs of name and value, or none.
    pub fn set(&self, pairs: &[(&[u8], &[u8])], context: SetContext) -> Result<(), SetError> {
        let mut hooks = self.hooks.lock();
        let old = self.load();
        let rows = admit(pairs, &old, context)?;
        let mut new = Settings::clone(&old);
        let mut changed = Vec::new();
        for (&row, (name, argument)) in rows.iter().zip(pairs) {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            match assign(&mut new, row, argument) {
                Ok(true) => changed.push((row, name)),
                Ok(false) => {}
                Err(reason) => return Err(SetError::Refused { name, reason }),
            }
        }
        self.commit(&mut hooks, &old, new, &changed)
    }

    /// Sets a parameter on behalf of the server itself (REPLICAOF, limits the system imposes): no hook runs, and it may
    /// be immutable. The error is the reason alone.
    pub fn put(&self, name: &str, value: &[u8]) -> Result<(), String> {
        let _serialised = self.hooks.lock();
        let row = table::position(name).ok_or_else(|| format!("no parameter is called {name}"))?;
        let mut new = Settings::clone(&self.load());
        let args = table::at(row).arguments_of(value);
        let parsed = parse(table::at(row), &args, Prior { value: new.value(row), accumulate: false })?;
        *new.value_mut(row) = parsed;
        self.current.store(Arc::new(new));
        Ok(())
    }

    /// CONFIG GET: names and values that match any of the patterns, each name once, in the order of the table. A name
    /// without special characters is looked up, and given back as it was written; only so can hidden parameters be seen.
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let settings = self.load();
        let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut add = |name: &[u8], row: usize| {
            if !found.iter().any(|(known, _)| known == name) {
                found.push((name.to_vec(), settings.value(row).show(table::at(row))));
            }
        };
        for pattern in patterns {
            if !pattern.iter().any(|byte| matches!(byte, b'[' | b'*' | b'?')) {
                if let Some(row) = std::str::from_utf8(pattern).ok().and_then(table::position) {
                    add(pattern, row);
                }
                continue;
            }
            for (row, param) in table::all().enumerate() {
                if param.flags.contains(Flags::HIDDEN) {
                    continue;
                }
                for name in std::iter::once(param.name).chain(param.alias) {
                    if glob_match(pattern, name.as_bytes(), true) {
                        add(name.as_bytes(), row);
                    }
                }
            }
        }
        found
    }

    /// Swaps the new values in and runs the hooks of what changed.
    fn commit(
        &self,
        hooks: &mut [Hook],
        old: &Arc<Settings>,
        new: Settings,
        changed: &[(usize, String)],
    ) -> Result<(), SetError> {
        let new = Arc::new(new);
        self.current.store(Arc::clone(&new));
        let concerned = |hook: &Hook| changed.iter().find(|(row, _)| hook.rows.contains(row));
        let mut failure = None;
        let mut ran = 0;
        for hook in hooks.iter_mut() {
            ran += 1;
            let Some((_, name)) = concerned(hook) else { continue };
            if let Err(reason) = (hook.apply)(&new) {
                failure = Some(SetError::Refused { name: name.clone(), reason });
                break;
            }
        }
        let Some(error) = failure else { return Ok(()) };
        tracing::warn!("Failed applying new configuration, restoring the previous one: {error}");
        self.current.store(Arc::clone(old));
        for hook in hooks[..ran].iter_mut().filter(|hook| concerned(hook).is_some()) {
            if let Err(reason) = (hook.apply)(old) {
                tracing::warn!("Failed applying the restored configuration: {reason}");
            }
        }
        Err(error)
    }
}

/// Finds the rows and refuses what may not be set, before any value is looked at.
fn admit(pairs: &[(&[u8], &[u8])], settings: &Settings, context: SetContext) -> Result<Vec<usize>, SetError> {
    let mut rows: Vec<usize> = Vec::with_capacity(pairs.len());
    for (name, _) in pairs {
        let shown = || String::from_utf8_lossy(name).into_owned();
        let row = std::str::from_utf8(name).ok().and_then(table::position);
        let row = row.ok_or_else(|| SetError::Unknown(shown()))?;
        let refuse = |reason: &str| Err(SetError::Refused { name: shown(), reason: reason.to_owned() });
        let flags = table::at(row).flags;
        if flags.contains(Flags::IMMUTABLE) {
            return refuse("can't set immutable config");
        }
        if flags.contains(Flags::PROTECTED) && !may_set_protected(settings, context) {
            return refuse("can't set protected config");
        }
        if flags.contains(Flags::DENY_LOADING) && context.loading {
            return Err(SetError::Loading);
        }
        if rows.contains(&row) {
            return refuse("duplicate parameter");
        }
        rows.push(row);
    }
    Ok(rows)
}

fn may_set_protected(settings: &Settings, context: SetContext) -> bool {
    match settings.get(ENABLE_PROTECTED_CONFIGS) {
        ProtectedAction::Yes => true,
        ProtectedAction::Local => context.local_client,
        ProtectedAction::No => false,
    }
}

/// Parses a value and stores it; tells whether its hooks have to run.
fn assign(settings: &mut Settings, row: usize, argument: &[u8]) -> Result<bool, String> {
    let param: &Param = table::at(row);
    let prior = Prior { value: settings.value(row), accumulate: false };
    let value = parse(param, &param.arguments_of(argument), prior)?;
    if let Some(check) = param.live_check {
        check(&value)?;
    }
    let changed = *settings.value(row) != value || param.flags.contains(Flags::VOLATILE);
    *settings.value_mut(row) = value;
    Ok(changed)
}

#[cfg(test)]
mod tests;
