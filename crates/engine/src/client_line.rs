//! A client as a line of CLIENT LIST.

use crate::{Client, ClientFlags, ClientKind, Engine, TrackingFlags};
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

/// What the client's own session knows better while its command runs.
pub struct ClientNow<'a> {
    /// The database it has selected.
    pub db: u32,
    /// The running command.
    pub command: &'a str,
    /// Bytes of the running command's arguments.
    pub argv_len: usize,
}

/// Appends the client's line, with a line break.
pub fn write_client_line(
    engine: &Engine,
    client: &Client,
    now: Option<&ClientNow<'_>>,
    now_ms: i64,
    out: &mut String,
) {
    let meta = client.meta.lock().clone();
    let seconds_since = |at_ms: i64| (now_ms - at_ms).max(0) / 1000;
    let [sub, psub, ssub] = [0, 1, 2].map(|kind: usize| client.subscriptions[kind].load(Relaxed));
    let _ = write!(
        out,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={sub} psub={psub} ssub={ssub} multi={} watch={}",
        client.id.0,
        meta.addr,
        meta.laddr,
        client.fd,
        meta.name,
        seconds_since(client.created_ms),
        seconds_since(client.last_active_ms.load(Relaxed)),
        flags(client),
        now.map_or_else(|| client.db.load(Relaxed), |now| now.db),
        client.multi_queued.load(Relaxed),
        client.watched.load(Relaxed),
    );
    write_memory(client, now, out);
    let last = client.last_command.load(Relaxed);
    let command = match (now, last) {
        (Some(now), _) => now.command,
        (None, 0) => "NULL",
        (None, last) => &engine.table().entry(last as u16 - 1).full_name,
    };
    let user = meta.user.as_ref().map_or("(superuser)".into(), |user| user.name_text());
    let _ = writeln!(
        out,
        " events={} cmd={command} user={user} redir={} resp={} lib-name={} lib-ver={}",
        if client.reply_bytes.load(Relaxed) > 0 { "rw" } else { "r" },
        redirect(client),
        client.resp.load(Relaxed),
        meta.lib_name,
        meta.lib_ver,
    );
}

/// What the client takes. Replies lie in one buffer (`rbs`, `rbp`, `obl`), what others push to it in a list (`oll`, `omem`).
fn write_memory(client: &Client, now: Option<&ClientNow<'_>>, out: &mut String) {
    let (query, query_free) = (client.query_bytes.load(Relaxed), client.query_free.load(Relaxed));
    let (multi, reply) = (client.multi_bytes.load(Relaxed), client.reply_bytes.load(Relaxed));
    let argv = now.map_or(0, |now| now.argv_len);
    let (letters, pushed) = (client.mailbox.pending_messages(), client.mailbox.pending_bytes());
    let total = size_of::<Client>() + query + query_free + argv + multi + reply + pushed;
    let _ = write!(
        out,
        " qbuf={query} qbuf-free={query_free} argv-mem={argv} multi-mem={multi} rbs={reply} rbp={reply} obl={reply} oll={letters} omem={pushed} tot-mem={total}",
    );
}

/// Who is told of changed keys instead of the client: 0 for nobody, -1 if it does not track.
fn redirect(client: &Client) -> i64 {
    if client.tracking.has(TrackingFlags::ON) {
        client.tracking.redirect().map_or(0, |id| id.0 as i64)
    } else {
        -1
    }
}

/// The letters for what the client is in; `N` for nothing special.
fn flags(client: &Client) -> String {
    let kind = match client.kind() {
        ClientKind::Normal => None,
        ClientKind::PubSub => Some('P'),
        ClientKind::Replica => Some('S'),
        ClientKind::Master => Some('M'),
    };
    let bits = [
        (ClientFlags::MONITOR, 'O'),
        (ClientFlags::MULTI, 'x'),
        (ClientFlags::BLOCKED, 'b'),
        (ClientFlags::DIRTY, 'd'),
        (ClientFlags::CLOSE_AFTER_REPLY, 'c'),
        (ClientFlags::UNIX_SOCKET, 'U'),
        (ClientFlags::READ_ONLY, 'r'),
        (ClientFlags::NO_EVICT, 'e'),
        (ClientFlags::NO_TOUCH, 'T'),
    ];
    let tracking = [(TrackingFlags::ON, 't'), (TrackingFlags::BROKEN, 'R'), (TrackingFlags::BCAST, 'B')];
    let letters: String = kind
        .into_iter()
        .chain(bits.iter().filter(|(bit, _)| client.has(*bit)).map(|(_, letter)| *letter))
        .chain(tracking.iter().filter(|(bit, _)| client.tracking.has(*bit)).map(|(_, letter)| *letter))
        .collect();
    if letters.is_empty() { "N".to_owned() } else { letters }
}
