//! MONITOR: clients that are shown every command.

use crate::redact::redacted;
use crate::{
    Client, ClientFlags, ClientId, CommandEntry, Engine, Session, SessionOrigin, SessionState, condition,
    flag,
};
use bytes::Bytes;
use parking_lot::RwLock;
use redan_resp::{Args, escape};
use std::sync::Arc;

/// The clients that watch.
#[derive(Default)]
pub(crate) struct Monitors(RwLock<Vec<Arc<Client>>>);

impl Engine {
    /// Shows a client every command from now on.
    pub fn add_monitor(&self, client: &Arc<Client>) {
        let mut watching = self.monitors.0.write();
        if !client.has(ClientFlags::MONITOR) {
            client.put(ClientFlags::MONITOR, true);
            watching.push(Arc::clone(client));
        }
        self.conditions().put(condition::MONITORED, true);
    }

    /// Ends that.
    pub fn remove_monitor(&self, client: &Client) {
        if client.has(ClientFlags::MONITOR) {
            client.put(ClientFlags::MONITOR, false);
            let mut watching = self.monitors.0.write();
            let id: ClientId = client.id;
            watching.retain(|other| other.id != id);
            self.conditions().put(condition::MONITORED, !watching.is_empty());
        }
    }

    /// How many clients watch.
    pub fn monitors(&self) -> usize {
        self.monitors.0.read().len()
    }

    /// Shows a command that has just run to everybody who watches. Administrators' commands are nobody's business.
    #[cold]
    pub(crate) fn feed_monitors(&self, session: &Session, entry: &CommandEntry, args: Args<'_>) {
        if !entry.has(flag::SKIP_MONITOR) {
            self.feed_monitors_always(&session.state, entry, args, false);
        }
    }

    /// The same for a command that is not shown by itself: it says when.
    #[cold]
    pub(crate) fn feed_monitors_always(
        &self,
        session: &SessionState,
        entry: &CommandEntry,
        args: Args<'_>,
        scripted: bool,
    ) {
        if entry.has(flag::ADMIN) || session.origin == SessionOrigin::File {
            return;
        }
        let hidden = redacted(entry, args);
        let shown = hidden.as_ref().map_or(args, |shown| shown.as_args());
        let line = self.monitor_line(session, shown, scripted);
        let (limits, now_ms) = (self.settings().normal_output_limit, self.clock().wall_ms());
        for client in self.monitors.0.read().iter() {
            client.mailbox.push(line.clone());
            let pending = client.mailbox.pending_bytes() as u64;
            if client.mailbox.over_limit(pending, limits, now_ms) && !client.mailbox.is_killed() {
                crate::Counters::count(&self.counters().output_limit_disconnections);
                client.mailbox.kill();
            }
        }
    }

    fn monitor_line(&self, session: &SessionState, args: Args<'_>, scripted: bool) -> Bytes {
        let now_us = self.clock().wall_us();
        let client = &session.client;
        let addr = if scripted {
            "lua".to_owned()
        } else {
            let meta = client.meta.lock();
            let unix = client.has(ClientFlags::UNIX_SOCKET);
            if unix { format!("unix:{}", meta.laddr) } else { meta.addr.clone() }
        };
        let (seconds, micros) = (now_us / 1_000_000, now_us % 1_000_000);
        let mut line = format!("+{seconds}.{micros:06} [{} {addr}]", session.db.0).into_bytes();
        for arg in args.iter() {
            line.push(b' ');
            escape::quote_into(arg, &mut line);
        }
        line.extend_from_slice(b"\r\n");
        Bytes::from(line)
    }
}
