//! INFO clients.

use super::Fields;
use crate::config::rows;
use crate::host::Server;
use redan_engine::ClientKind;
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn write(server: &Server, fields: &mut Fields<'_>) {
    let engine = server.engine();
    let clients = engine.clients().all();
    let replicas = clients.iter().filter(|client| client.kind() == ClientKind::Replica).count();
    let pubsub = clients.iter().filter(|client| client.kind() == ClientKind::PubSub).count();
    let watching = clients.iter().filter(|client| client.watched.load(Relaxed) > 0).count();
    let watched: u32 = clients.iter().map(|client| client.watched.load(Relaxed)).sum();
    let input =
        clients.iter().map(|client| client.query_bytes.load(Relaxed) + client.query_free.load(Relaxed));
    let output = clients.iter().map(|client| client.reply_bytes.load(Relaxed));
    fields.add("connected_clients", clients.len() - replicas);
    fields.add("cluster_connections", 0);
    fields.add("maxclients", server.config().peek().get(rows::MAXCLIENTS));
    fields.add("client_recent_max_input_buffer", input.max().unwrap_or(0));
    fields.add("client_recent_max_output_buffer", output.max().unwrap_or(0));
    fields.add("blocked_clients", engine.blocked_clients());
    fields.add("tracking_clients", engine.tracking_counts().clients);
    fields.add("pubsub_clients", pubsub);
    fields.add("watching_clients", watching);
    fields.add("clients_in_timeout_table", 0);
    fields.add("total_watched_keys", watched);
    let (keys, heeding_missing) = engine.blocking_keys();
    fields.add("total_blocking_keys", keys);
    fields.add("total_blocking_keys_on_nokey", heeding_missing);
}
