//! What a connection tracks, and how it says so.

use crate::{Client, ClientId, Engine, ReplyError, errors};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Bits of [`ClientTracking::flags`].
#[derive(Clone, Copy)]
pub struct TrackingFlags;

impl TrackingFlags {
    /// It tracks.
    pub const ON: u32 = 1 << 0;
    /// It hears of all keys with its prefixes.
    pub const BCAST: u32 = 1 << 1;
    /// It tracks what it reads behind a CLIENT CACHING YES only.
    pub const OPTIN: u32 = 1 << 2;
    /// It tracks all it reads but behind a CLIENT CACHING NO.
    pub const OPTOUT: u32 = 1 << 3;
    /// It does not hear of its own changes.
    pub const NOLOOP: u32 = 1 << 4;
    /// CLIENT CACHING counts for the next command.
    pub const CACHING: u32 = 1 << 5;
    /// The client that was to be told instead is gone.
    pub const BROKEN: u32 = 1 << 6;
}

/// The tracking of a connection, as everybody may see it.
#[derive(Default)]
pub struct ClientTracking {
    flags: AtomicU32,
    redirect: AtomicU64,
}

impl ClientTracking {
    /// [`TrackingFlags`] bits.
    #[inline]
    pub fn flags(&self) -> u32 {
        self.flags.load(Relaxed)
    }

    /// Whether any of the bits is set.
    #[inline]
    pub fn has(&self, bits: u32) -> bool {
        self.flags() & bits != 0
    }

    /// Who is told instead of it, if anybody.
    pub fn redirect(&self) -> Option<ClientId> {
        Some(self.redirect.load(Relaxed)).filter(|id| *id != 0).map(ClientId)
    }

    /// Sets or clears bits.
    pub fn put(&self, bits: u32, on: bool) {
        if on {
            self.flags.fetch_or(bits, Relaxed);
        } else {
            self.flags.fetch_and(!bits, Relaxed);
        }
    }

    /// Whether the keys of the reading command that runs now are to be noted.
    #[inline]
    pub(crate) fn notes_reads(&self) -> bool {
        let flags = self.flags();
        let caching = flags & TrackingFlags::CACHING != 0;
        flags & (TrackingFlags::ON | TrackingFlags::BCAST) == TrackingFlags::ON
            && (flags & TrackingFlags::OPTIN == 0 || caching)
            && (flags & TrackingFlags::OPTOUT == 0 || !caching)
    }
}

/// CLIENT TRACKING ON with its options.
#[derive(Default)]
pub struct TrackingRequest {
    /// BCAST, OPTIN, OPTOUT and NOLOOP of [`TrackingFlags`].
    pub options: u32,
    /// REDIRECT.
    pub redirect: Option<ClientId>,
    /// PREFIX, each.
    pub prefixes: Vec<Bytes>,
}

impl Engine {
    /// The prefixes that a client hears of.
    pub fn tracked_prefixes(&self, client: ClientId) -> Vec<Bytes> {
        let prefixes = self.tracking().prefixes.read();
        prefixes
            .iter()
            .filter(|(_, trackers)| trackers.contains_key(&client))
            .map(|(p, _)| p.clone())
            .collect()
    }

    /// Has a client track, or changes how it does.
    ///
    /// # Errors
    /// Options that exclude each other, or what it tracks already.
    pub fn start_tracking(
        &self,
        client: &Arc<Client>,
        mut request: TrackingRequest,
    ) -> Result<(), ReplyError> {
        use TrackingFlags as F;
        let (options, old) = (request.options, client.tracking.flags());
        let broadcasts = options & F::BCAST != 0;
        if !broadcasts && !request.prefixes.is_empty() {
            return Err(errors::TRACKING_PREFIX);
        }
        if old & F::ON != 0 && (old & F::BCAST != 0) != broadcasts {
            return Err(errors::TRACKING_SWITCH_BCAST);
        }
        if broadcasts && options & (F::OPTIN | F::OPTOUT) != 0 {
            return Err(errors::TRACKING_OPT_BCAST);
        }
        if options & F::OPTIN != 0 && options & F::OPTOUT != 0 {
            return Err(errors::TRACKING_BOTH_OPT);
        }
        if (options & F::OPTIN != 0 && old & F::OPTOUT != 0)
            || (options & F::OPTOUT != 0 && old & F::OPTIN != 0)
        {
            return Err(errors::TRACKING_SWITCH_OPT);
        }
        self.check_prefixes(client.id, &request.prefixes)?;
        if broadcasts && request.prefixes.is_empty() {
            request.prefixes.push(Bytes::new());
        }
        let tracking = self.tracking();
        let mut prefixes = tracking.prefixes.write();
        for prefix in request.prefixes {
            prefixes.entry(prefix).or_default().insert(client.id, Arc::clone(client));
        }
        drop(prefixes);
        client.tracking.redirect.store(request.redirect.map_or(0, |id| id.0), Relaxed);
        client.tracking.flags.store(options | F::ON | old & F::CACHING, Relaxed);
        if tracking.clients.lock().insert(client.id, Arc::clone(client)).is_none() {
            tracking.client_count.fetch_add(1, Relaxed);
            self.observers().change_interest(self.keyspace(), |interest| interest.tracking += 1);
        }
        Ok(())
    }

    /// No prefix of a client may begin with another one: it would hear of keys twice.
    fn check_prefixes(&self, client: ClientId, prefixes: &[Bytes]) -> Result<(), ReplyError> {
        let overlap = |a: &Bytes, b: &Bytes| a.starts_with(b) || b.starts_with(a);
        let own = self.tracked_prefixes(client);
        for (at, prefix) in prefixes.iter().enumerate() {
            if let Some(other) = own.iter().find(|other| *other != prefix && overlap(prefix, other)) {
                return Err(errors::prefix_overlap(prefix, "an existing", other));
            }
            if let Some(other) = prefixes[at + 1..].iter().find(|other| overlap(prefix, other)) {
                return Err(errors::prefix_overlap(prefix, "another provided", other));
            }
        }
        Ok(())
    }

    /// Has a client track no more. What was noted with it is forgotten as the keys change.
    pub fn stop_tracking(&self, client: &Client) {
        let tracking = self.tracking();
        let mut clients = tracking.clients.lock();
        if clients.remove(&client.id).is_none() {
            return;
        }
        if clients.is_empty() {
            // Nobody is left to be told of what was noted; whoever begins to track waits for the lock.
            tracking.forget_keys();
        }
        drop(clients);
        if client.tracking.has(TrackingFlags::BCAST) {
            tracking.prefixes.write().retain(|_, trackers| {
                trackers.remove(&client.id);
                !trackers.is_empty()
            });
        }
        client.tracking.flags.store(0, Relaxed);
        client.tracking.redirect.store(0, Relaxed);
        tracking.client_count.fetch_sub(1, Relaxed);
        self.observers().change_interest(self.keyspace(), |interest| interest.tracking -= 1);
    }
}
