//! Publish/subscribe: who listens to which channel, and delivery.
//!
//! A message is encoded once for each protocol version its receivers speak, and handed to their mailboxes as a
//! reference-counted slice. Many receivers get theirs once the publisher has left the gate, before its next command.

use crate::{Client, ClientId};
use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::RwLock;
use redan_resp::{Protocol, ReplyBuf, glob};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Subscribers = HashMap<ClientId, Arc<Client>>;

/// The subscriptions of all clients.
#[derive(Default)]
pub struct PubSub {
    channels: DashMap<Bytes, Subscribers>,
    shard_channels: DashMap<Bytes, Subscribers>,
    patterns: RwLock<BTreeMap<Bytes, Subscribers>>,
    pattern_count: AtomicUsize,
}

impl PubSub {
    /// Subscribes a client to a channel.
    pub fn subscribe(&self, channel: Bytes, client: &Arc<Client>) {
        self.channels.entry(channel).or_default().insert(client.id, Arc::clone(client));
    }

    /// Ends a subscription to a channel.
    pub fn unsubscribe(&self, channel: &Bytes, client: ClientId) {
        leave(&self.channels, channel, client);
    }

    /// Subscribes a client to a shard channel.
    pub fn subscribe_shard(&self, channel: Bytes, client: &Arc<Client>) {
        self.shard_channels.entry(channel).or_default().insert(client.id, Arc::clone(client));
    }

    /// Ends a subscription to a shard channel.
    pub fn unsubscribe_shard(&self, channel: &Bytes, client: ClientId) {
        leave(&self.shard_channels, channel, client);
    }

    /// Subscribes a client to all channels a pattern matches.
    pub fn subscribe_pattern(&self, pattern: Bytes, client: &Arc<Client>) {
        let mut patterns = self.patterns.write();
        patterns.entry(pattern).or_default().insert(client.id, Arc::clone(client));
        self.pattern_count.store(patterns.len(), Ordering::Relaxed);
    }

    /// Ends a subscription to a pattern.
    pub fn unsubscribe_pattern(&self, pattern: &Bytes, client: ClientId) {
        let mut patterns = self.patterns.write();
        if let Some(subscribers) = patterns.get_mut(pattern) {
            subscribers.remove(&client);
            if subscribers.is_empty() {
                patterns.remove(pattern);
            }
        }
        self.pattern_count.store(patterns.len(), Ordering::Relaxed);
    }

    /// A message to everybody who listens to `channel`, by name or by pattern.
    fn address(&self, channel: &[u8], message: &[u8]) -> Letters {
        let mut letters = Letters::default();
        if let Some(subscribers) = self.channels.get(channel) {
            letters.add(&subscribers, &[b"message", channel, message]);
        }
        if self.pattern_count.load(Ordering::Relaxed) > 0 {
            for (pattern, subscribers) in self.patterns.read().iter() {
                if glob::glob_match(pattern, channel, false) {
                    letters.add(subscribers, &[b"pmessage", pattern, channel, message]);
                }
            }
        }
        letters
    }

    /// A message to everybody who listens to the shard channel.
    fn address_shard(&self, channel: &[u8], message: &[u8]) -> Letters {
        let mut letters = Letters::default();
        if let Some(subscribers) = self.shard_channels.get(channel) {
            letters.add(&subscribers, &[b"smessage", channel, message]);
        }
        letters
    }

    /// Channels somebody listens to that match `pattern` (all without one).
    pub fn channels(&self, pattern: Option<&[u8]>, shard: bool) -> Vec<Bytes> {
        let map = if shard { &self.shard_channels } else { &self.channels };
        map.iter()
            .map(|entry| entry.key().clone())
            .filter(|channel| pattern.is_none_or(|pattern| glob::glob_match(pattern, channel, false)))
            .collect()
    }

    /// Everybody who is subscribed to something that `wanted` (its name, and whether it is a pattern); several times if to
    /// several. Walks all subscriptions.
    pub fn subscribers_of(&self, wanted: impl Fn(&[u8], bool) -> bool) -> Vec<Arc<Client>> {
        let mut found = Vec::new();
        for channel in self.channels.iter().chain(self.shard_channels.iter()) {
            if wanted(channel.key(), false) {
                found.extend(channel.value().values().cloned());
            }
        }
        for (pattern, subscribers) in self.patterns.read().iter() {
            if wanted(pattern, true) {
                found.extend(subscribers.values().cloned());
            }
        }
        found
    }

    /// How many listen to this very channel.
    pub fn subscriber_count(&self, channel: &[u8], shard: bool) -> usize {
        let map = if shard { &self.shard_channels } else { &self.channels };
        map.get(channel).map_or(0, |subscribers| subscribers.len())
    }

    /// How many different patterns are subscribed to.
    pub fn pattern_count(&self) -> usize {
        self.pattern_count.load(Ordering::Relaxed)
    }

    /// How many different channels are subscribed to.
    pub fn channel_count(&self, shard: bool) -> usize {
        if shard { self.shard_channels.len() } else { self.channels.len() }
    }
}

fn leave(map: &DashMap<Bytes, Subscribers>, channel: &Bytes, client: ClientId) {
    if let Some(mut subscribers) = map.get_mut(channel) {
        subscribers.remove(&client);
    }
    map.remove_if(channel, |_, subscribers| subscribers.is_empty());
}

/// Messages with the clients they are for, not yet delivered.
#[derive(Default)]
pub(crate) struct Letters(Vec<(Arc<Client>, Bytes)>);

impl Letters {
    /// So many are delivered where they were written; more of them once the gate is left.
    const FEW: usize = 64;

    fn add(&mut self, subscribers: &Subscribers, parts: &[&[u8]]) {
        let (mut resp2, mut resp3) = (None, None);
        self.0.reserve(subscribers.len());
        for client in subscribers.values() {
            let protocol = client.protocol();
            let encoded = match protocol {
                Protocol::Resp2 => &mut resp2,
                Protocol::Resp3 => &mut resp3,
            };
            let message = encoded.get_or_insert_with(|| encode(protocol, parts));
            self.0.push((Arc::clone(client), message.clone()));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn encode(protocol: Protocol, parts: &[&[u8]]) -> Bytes {
    let mut buf = ReplyBuf::new(protocol);
    buf.push(parts.len());
    for part in parts {
        buf.bulk(part);
    }
    Bytes::copy_from_slice(buf.as_slice())
}

impl crate::Engine {
    /// Publishes a message and returns how many got it. Receivers that do not keep up are disconnected.
    pub fn publish(&self, channel: &[u8], message: &[u8]) -> usize {
        self.deliver(self.pubsub().address(channel, message))
    }

    /// Delivers messages and returns how many there were.
    pub(crate) fn deliver(&self, letters: Letters) -> usize {
        let count = letters.0.len();
        let receivers = letters.0.into_iter().map(|(client, message)| {
            client.mailbox.push(message);
            client
        });
        self.hold_to_limits(receivers.collect());
        count
    }

    /// Disconnects those who do not keep up with what they were sent.
    pub(crate) fn hold_to_limits(&self, receivers: Vec<Arc<Client>>) {
        if receivers.is_empty() {
            return;
        }
        let (limits, now_ms) = (self.settings().pubsub_output_limit, self.clock().wall_ms());
        for client in &receivers {
            let pending = client.mailbox.pending_bytes() + client.reply_bytes.load(Ordering::Relaxed);
            if client.mailbox.over_limit(pending as u64, limits, now_ms) && !client.mailbox.is_killed() {
                crate::Counters::count(&self.counters().output_limit_disconnections);
                client.mailbox.kill();
            }
        }
    }

    /// Shows others what a session is subscribed to.
    pub(crate) fn note_subscriptions(&self, session: &crate::SessionState, subscribed: bool) {
        let counts = [session.channels.len(), session.patterns.len(), session.shard_channels.len()];
        for (shown, count) in session.client.subscriptions.iter().zip(counts) {
            shown.store(count as u32, Ordering::Relaxed);
        }
        session.client.set_kind(if subscribed {
            crate::ClientKind::PubSub
        } else {
            crate::ClientKind::Normal
        });
    }

    /// Ends all subscriptions of a session, without a word to it.
    pub fn forget_subscriptions(&self, session: &mut crate::SessionState) {
        let id = session.client.id;
        session.channels.drain().for_each(|channel| self.pubsub().unsubscribe(&channel, id));
        session.patterns.drain().for_each(|pattern| self.pubsub().unsubscribe_pattern(&pattern, id));
        session.shard_channels.drain().for_each(|channel| self.pubsub().unsubscribe_shard(&channel, id));
    }
}

impl crate::Cx<'_, '_> {
    /// Publishes a message and returns how many get it.
    pub fn publish(&mut self, channel: &[u8], message: &[u8]) -> usize {
        let letters = self.engine.pubsub().address(channel, message);
        self.post(letters)
    }

    /// Publishes a message on a shard channel and returns how many get it.
    pub fn publish_shard(&mut self, channel: &[u8], message: &[u8]) -> usize {
        let letters = self.engine.pubsub().address_shard(channel, message);
        self.post(letters)
    }

    fn post(&mut self, mut letters: Letters) -> usize {
        let waiting = &mut self.effects.letters;
        if letters.0.len() <= Letters::FEW && waiting.is_empty() {
            return self.engine.deliver(letters);
        }
        // None overtakes those that wait already.
        let count = letters.0.len();
        waiting.0.append(&mut letters.0);
        count
    }
}
