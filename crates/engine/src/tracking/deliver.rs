//! Telling clients that what they have read is void.

use super::{CallerGuard, Due, Tracking, TrackingCounts, TrackingFlags};
use crate::dispatch::Call;
use crate::{Client, ClientId, ClientKind, CommandEntry, Engine, ReplyMode, Session, condition, flag};
use bytes::Bytes;
use redan_resp::{Protocol, ReplyBuf};
use std::sync::Arc;

/// The channel that stands for invalidations where a RESP2 client is told.
const CHANNEL: &[u8] = b"__redis__:invalidate";

impl Engine {
    pub(crate) fn tracking(&self) -> &Tracking {
        &self.observers().tracking
    }

    /// How much is tracked.
    pub fn tracking_counts(&self) -> TrackingCounts {
        self.tracking().counts()
    }

    /// A command is about to run, and its keys are locked: if it reads for a client that tracks, the keys are noted. What
    /// the command changes is the client's doing for as long as the guard lives.
    #[inline]
    pub(crate) fn begin_tracked(&self, session: &Session, call: &Call<'_, '_>) -> Option<CallerGuard> {
        if !self.tracking().is_on() {
            return None;
        }
        self.note_reads(session, call);
        Some(CallerGuard::enter(session.state.client.id))
    }

    #[cold]
    pub(crate) fn note_reads(&self, session: &Session, call: &Call<'_, '_>) {
        let client = &session.state.client;
        if !call.entry.has(flag::READONLY) || call.entry.has(flag::PUBSUB) || !client.tracking.notes_reads() {
            return;
        }
        if call.entry.runs_script {
            // The commands that the script calls are looked at one by one.
            return;
        }
        let mut over = false;
        for at in call.entry.key_positions(call.args).unwrap_or_default() {
            over |= self.tracking().note(&call.args[at as usize], client.id);
        }
        if over {
            self.conditions().put(condition::TRACKING_FULL, true);
        }
    }

    /// Forgets keys if there are too many, and tells this client in front of its next reply.
    #[cold]
    pub(crate) fn limit_tracking(&self, session: &mut Session) {
        self.conditions().put(condition::TRACKING_FULL, false);
        self.tracking().keep_to_limit();
        self.deliver_in_front(session);
    }

    /// Forgets keys if there are too many although nobody sends a command: `tracking-table-max-keys` was lowered. To be
    /// called from time to time.
    pub fn keep_tracking_to_limit(&self) {
        if self.conditions().any(condition::TRACKING_FULL) {
            self.conditions().put(condition::TRACKING_FULL, false);
            self.tracking().keep_to_limit();
        }
        self.deliver_invalidations();
    }

    /// As [`deliver_invalidations`](Self::deliver_invalidations), with what this client is told itself in front of its
    /// next reply.
    pub(crate) fn deliver_in_front(&self, session: &mut Session) {
        if !self.tracking().has_due() {
            return;
        }
        self.deliver_invalidations();
        if session.state.reply_mode == ReplyMode::On {
            for message in session.state.client.mailbox.take() {
                session.out.raw(&message);
            }
        }
    }

    /// A request has been replied: tells whom it concerns what it changed, and ends what CLIENT CACHING said.
    #[inline]
    pub(crate) fn end_tracked(&self, session: &Session, entry: Option<&CommandEntry>) {
        if !self.tracking().is_on() {
            return;
        }
        self.deliver_invalidations();
        let tracking = &session.state.client.tracking;
        let is_client = entry.is_some_and(|entry| entry.full_name.starts_with("client|"));
        if tracking.has(TrackingFlags::CACHING) && session.state.multi.is_none() && !is_client {
            tracking.put(TrackingFlags::CACHING, false);
        }
    }

    /// Tells clients what has become void since they read it. To be called outside of the shards' locks.
    pub fn deliver_invalidations(&self) {
        if !self.tracking().has_due() {
            return;
        }
        let Due { keys, broadcasts, flushed } = self.tracking().take_due();
        let mut told = Vec::new();
        if flushed {
            let all: Vec<_> = self.tracking().clients.lock().values().cloned().collect();
            all.iter().for_each(|client| told.extend(self.tell(client, None)));
        }
        for (key, readers, origin) in keys {
            for id in readers {
                let client = self.tracking().clients.lock().get(&id).cloned();
                // It may have stopped, or track in another way by now.
                let Some(client) = client.filter(|client| !client.tracking.has(TrackingFlags::BCAST)) else {
                    continue;
                };
                if !is_own(&client, origin) {
                    told.extend(self.tell(&client, Some(std::slice::from_ref(&key))));
                }
            }
        }
        for (prefix, keys) in broadcasts {
            let prefixes = self.tracking().prefixes.read();
            let trackers: Vec<_> =
                prefixes.get(&prefix).into_iter().flat_map(|all| all.values().cloned()).collect();
            drop(prefixes);
            for client in trackers {
                let foreign = keys.iter().filter(|(_, origin)| !is_own(&client, **origin));
                let foreign: Vec<Bytes> = foreign.map(|(key, _)| key.clone()).collect();
                if !foreign.is_empty() {
                    told.extend(self.tell(&client, Some(&foreign)));
                }
            }
        }
        self.hold_to_limits(told);
    }

    /// Tells a client, or who is told instead of it, and gives back who that was. Without keys all are meant.
    fn tell(&self, client: &Arc<Client>, keys: Option<&[Bytes]>) -> Option<Arc<Client>> {
        let target = match client.tracking.redirect() {
            None => Arc::clone(client),
            Some(id) => match self.clients().get(id) {
                Some(target) => target,
                None => {
                    self.tell_broken(client, id);
                    return None;
                }
            },
        };
        let protocol = target.protocol();
        let redirected = target.id != client.id;
        let mut out = ReplyBuf::new(protocol);
        match protocol {
            Protocol::Resp3 => {
                out.push(2);
                out.bulk(b"invalidate");
            }
            Protocol::Resp2 if redirected && target.kind() == ClientKind::PubSub => {
                out.push(3);
                out.bulk(b"message");
                out.bulk(CHANNEL);
            }
            // It cannot be told anything.
            Protocol::Resp2 => return None,
        }
        match keys {
            Some(keys) => {
                out.array(keys.len());
                keys.iter().for_each(|key| out.bulk(key));
            }
            None => out.null(),
        }
        target.mailbox.push(Bytes::from(out.take()));
        (target.kind() == ClientKind::PubSub).then_some(target)
    }

    /// Whoever was to be told instead of a client is gone.
    fn tell_broken(&self, client: &Client, redirect: ClientId) {
        client.tracking.put(TrackingFlags::BROKEN, true);
        if client.protocol() == Protocol::Resp3 {
            let mut out = ReplyBuf::new(Protocol::Resp3);
            out.push(2);
            out.bulk(b"tracking-redir-broken");
            out.int(redirect.0 as i64);
            client.mailbox.push(Bytes::from(out.take()));
        }
    }
}

/// Whether a change is a client's own, of which it does not want to hear.
fn is_own(client: &Client, origin: Option<ClientId>) -> bool {
    client.tracking.has(TrackingFlags::NOLOOP) && origin == Some(client.id)
}
