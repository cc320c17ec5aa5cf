//! Host names: what is known about them, and which lookups are under way.

use std::collections::BTreeMap;

use crate::addr::is_ip;
use crate::ids::Millis;

/// How long a failed lookup counts before it is tried again, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// What is known about a name now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup<'a> {
    /// Its address, as last heard.
    Found(&'a str),
    /// Not looked up yet, or waiting for the first answer.
    Pending,
    /// It does not resolve.
    Failed,
    /// `resolve-hostnames` is off.
    Refused,
}

#[derive(Debug, Default)]
struct Name {
    ip: Option<String>,
    pending: bool,
    /// Set by the first answer, good or bad.
    answered: bool,
    asked_at: Millis,
}

/// The names this Sentinel has met. A name keeps its last good address for ever: DNS that is down, or a record
/// that vanished with its pod, must not stop a failover.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// `resolve-hostnames`.
    pub(crate) enabled: bool,
    now: Millis,
    known: BTreeMap<String, Name>,
    to_ask: Vec<String>,
}

impl Names {
    pub(crate) fn set_now(&mut self, now: Millis) {
        self.now = now;
    }

    /// The last good address of a name.
    pub(crate) fn known_ip(&self, name: &str) -> Option<&str> {
        self.known.get(&name.to_ascii_lowercase())?.ip.as_deref()
    }

    /// What is known about a name.
    pub(crate) fn status<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        match self.known.get(&name.to_ascii_lowercase()) {
            _ if is_ip(name) => Lookup::Found(name),
            _ if !self.enabled => Lookup::Refused,
            Some(Name { ip: Some(ip), .. }) => Lookup::Found(ip),
            Some(Name { answered: true, .. }) => Lookup::Failed,
            _ => Lookup::Pending,
        }
    }

    /// Looks a name up if its address is not known.
    pub(crate) fn want(&mut self, name: &str) {
        if !matches!(self.status(name), Lookup::Found(_)) {
            self.refresh(name);
        }
    }

    /// Looks a name up again, at most once a second.
    pub(crate) fn refresh(&mut self, name: &str) {
        if is_ip(name) || !self.enabled {
            return;
        }
        let key = name.to_ascii_lowercase();
        let entry = self.known.entry(key).or_default();
        let rested = !entry.answered || self.now.since(entry.asked_at) >= RETRY_MS;
        if !entry.pending && rested {
            entry.pending = true;
            entry.asked_at = self.now;
            self.to_ask.push(name.to_owned());
        }
    }

    /// Takes the result of a lookup; true if the address is new.
    pub(crate) fn on_resolved(&mut self, name: &str, ip: Option<String>) -> bool {
        let Some(entry) = self.known.get_mut(&name.to_ascii_lowercase()) else { return false };
        entry.pending = false;
        entry.answered = true;
        let ip = ip.filter(|ip| is_ip(ip));
        let changed = ip.is_some() && ip != entry.ip;
        if changed {
            entry.ip = ip;
        }
        changed
    }

    /// Lookups that have to be started.
    pub(crate) fn take_questions(&mut self) -> Vec<String> {
        std::mem::take(&mut self.to_ask)
    }
}
