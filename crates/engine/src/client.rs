//! What other threads may know of and do to a connection.
//!
//! The [`Session`](crate::Session) of a connection belongs to the worker that serves it. Everybody else (publishers,
//! CLIENT LIST and KILL, the cron) holds its [`Client`]: a name tag of atomics, and a [`Mailbox`].

use crate::User;
use bytes::Bytes;
use parking_lot::Mutex;
use redan_resp::Protocol;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Waker};

/// Identifies a connection for as long as the server runs; never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClientId(pub u64);

/// What a connection is, as CLIENT LIST TYPE and KILL TYPE see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ClientKind {
    /// An ordinary client.
    Normal = 0,
    /// A subscriber.
    PubSub = 1,
    /// A replica fed by us.
    Replica = 2,
    /// Our master.
    Master = 3,
}

/// How CLIENT UNBLOCK ends what a client waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Unblock {
    /// As if its time were over.
    Timeout = 1,
    /// With an error.
    Error = 2,
}

/// Bits of [`Client::flags`].
#[derive(Clone, Copy)]
pub struct ClientFlags;

impl ClientFlags {
    /// In a transaction.
    pub const MULTI: u32 = 1 << 0;
    /// Waits in a blocking command.
    pub const BLOCKED: u32 = 1 << 1;
    /// A watched key has changed; EXEC will fail.
    pub const DIRTY: u32 = 1 << 2;
    /// Will be closed once its replies are written.
    pub const CLOSE_AFTER_REPLY: u32 = 1 << 3;
    /// Came over a Unix socket.
    pub const UNIX_SOCKET: u32 = 1 << 4;
    /// Exempt from client eviction.
    pub const NO_EVICT: u32 = 1 << 5;
    /// Does not touch access clocks.
    pub const NO_TOUCH: u32 = 1 << 6;
    /// Watches with MONITOR.
    pub const MONITOR: u32 = 1 << 7;
    /// A read-only session.
    pub const READ_ONLY: u32 = 1 << 8;
    /// Came over a loopback address or a Unix socket.
    pub const LOCAL: u32 = 1 << 9;
    /// Waits for the end of a pause (and is `BLOCKED`).
    pub const PAUSED: u32 = 1 << 10;
}

/// The parts of a client's identity that are text.
#[derive(Clone, Debug, Default)]
pub struct ClientMeta {
    /// CLIENT SETNAME.
    pub name: String,
    /// CLIENT SETINFO LIB-NAME.
    pub lib_name: String,
    /// CLIENT SETINFO LIB-VER.
    pub lib_ver: String,
    /// The authenticated user, the default user before; `None` for what is no client's connection.
    pub user: Option<Arc<User>>,
    /// Its address, `ip:port` or the socket's path with `:0`.
    pub addr: String,
    /// Our address.
    pub laddr: String,
}

/// A connection as seen by others. All numbers are relaxed: they are for display and housekeeping.
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// The file descriptor, for display.
    pub fd: i32,
    /// When it connected, wall clock ms.
    pub created_ms: i64,
    /// What it is to be told.
    pub mailbox: Mailbox,
    /// Who it is.
    pub meta: Mutex<ClientMeta>,
    /// [`ClientFlags`] bits.
    pub flags: AtomicU32,
    /// When it last sent something, wall clock ms.
    pub last_active_ms: AtomicI64,
    /// Selected database.
    pub db: AtomicU32,
    /// 2 or 3.
    pub resp: AtomicU8,
    /// Index of its last command's entry in the command table, plus one.
    pub last_command: AtomicU32,
    /// Channels, patterns and shard channels subscribed to.
    pub subscriptions: [AtomicU32; 3],
    /// Commands queued by MULTI; negative outside.
    pub multi_queued: AtomicI64,
    /// Keys watched.
    pub watched: AtomicU32,
    /// Bytes of requests read and not yet executed.
    pub query_bytes: AtomicUsize,
    /// Capacity of the read buffer that is free.
    pub query_free: AtomicUsize,
    /// Bytes queued for EXEC.
    pub multi_bytes: AtomicUsize,
    /// Bytes of replies not yet taken by the socket.
    pub reply_bytes: AtomicUsize,
    /// The worker that serves it, or is to take it over.
    pub worker: AtomicU32,
    /// Bytes read from it.
    pub net_in: AtomicU64,
    /// Bytes written to it.
    pub net_out: AtomicU64,
    /// Commands executed.
    pub commands: AtomicU64,
    /// What it tracks.
    pub tracking: crate::ClientTracking,
    kind: AtomicU8,
    /// What CLIENT UNBLOCK has asked for: nothing, a timeout, an error.
    unblock: AtomicU8,
}

impl Client {
    /// A client that has just connected.
    pub fn new(id: ClientId, fd: i32, meta: ClientMeta, flags: u32, now_ms: i64) -> Self {
        Self {
            id,
            fd,
            created_ms: now_ms,
            mailbox: Mailbox::default(),
            meta: Mutex::new(meta),
            flags: AtomicU32::new(flags),
            last_active_ms: AtomicI64::new(now_ms),
            db: AtomicU32::new(0),
            resp: AtomicU8::new(2),
            last_command: AtomicU32::new(0),
            subscriptions: Default::default(),
            multi_queued: AtomicI64::new(-1),
            watched: AtomicU32::new(0),
            query_bytes: AtomicUsize::new(0),
            query_free: AtomicUsize::new(0),
            multi_bytes: AtomicUsize::new(0),
            reply_bytes: AtomicUsize::new(0),
            worker: AtomicU32::new(0),
            net_in: AtomicU64::new(0),
            net_out: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            tracking: Default::default(),
            kind: AtomicU8::new(ClientKind::Normal as u8),
            unblock: AtomicU8::new(0),
        }
    }

    /// Whether any of the [`ClientFlags`] `bits` is set.
    pub fn has(&self, bits: u32) -> bool {
        self.flags.load(Ordering::Relaxed) & bits != 0
    }

    /// Sets or clears [`ClientFlags`] `bits`.
    pub fn put(&self, bits: u32, on: bool) {
        if on {
            self.flags.fetch_or(bits, Ordering::AcqRel);
        } else {
            self.flags.fetch_and(!bits, Ordering::AcqRel);
        }
    }

    /// What it is.
    pub fn kind(&self) -> ClientKind {
        match self.kind.load(Ordering::Relaxed) {
            1 => ClientKind::PubSub,
            2 => ClientKind::Replica,
            3 => ClientKind::Master,
            _ => ClientKind::Normal,
        }
    }

    /// Says what it is.
    pub fn set_kind(&self, kind: ClientKind) {
        self.kind.store(kind as u8, Ordering::Relaxed);
    }

    /// CLIENT UNBLOCK: what it waits for ends, as if in a timeout or with an error.
    pub fn unblock(&self, reason: Unblock) {
        self.unblock.store(reason as u8, Ordering::Release);
        self.mailbox.ring();
    }

    /// Takes what CLIENT UNBLOCK has asked for.
    pub(crate) fn take_unblock(&self) -> Option<Unblock> {
        match self.unblock.swap(0, Ordering::AcqRel) {
            0 => None,
            1 => Some(Unblock::Timeout),
            _ => Some(Unblock::Error),
        }
    }

    /// The protocol version its pushes are encoded in.
    pub fn protocol(&self) -> Protocol {
        if self.resp.load(Ordering::Relaxed) == 3 { Protocol::Resp3 } else { Protocol::Resp2 }
    }
}

/// Messages for a connection, and the bell that wakes its task. Unbounded here; whoever pushes checks
/// [`pending_bytes`](Self::pending_bytes) against the output-buffer limits and kills the client that is over.
#[derive(Default)]
pub struct Mailbox {
    letters: Mutex<Letters>,
    pending_bytes: AtomicUsize,
    rung: AtomicBool,
    killed: AtomicBool,
    /// Since when the soft limit is exceeded, wall clock ms; 0 for not.
    soft_since_ms: AtomicI64,
}

#[derive(Default)]
struct Letters {
    queue: Vec<Bytes>,
    waker: Option<Waker>,
}

impl Mailbox {
    /// Queues a message, already encoded in the client's protocol version, and wakes the connection.
    pub fn push(&self, message: Bytes) {
        self.pending_bytes.fetch_add(message.len(), Ordering::Relaxed);
        let mut letters = self.letters.lock();
        letters.queue.push(message);
        self.wake(letters);
    }

    /// Wakes the connection: what it waits for may have come.
    pub fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.wake(self.letters.lock());
    }

    /// Asks the connection to close at once.
    pub fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        self.wake(self.letters.lock());
    }

    /// Whether the connection was asked to close.
    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    /// Bytes queued and not yet taken.
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes.load(Ordering::Relaxed)
    }

    /// Messages queued and not yet taken.
    pub fn pending_messages(&self) -> usize {
        self.letters.lock().queue.len()
    }

    /// Whether there is something to do: a message, a ring, a kill. Otherwise the task of `cx` is woken when there is.
    pub fn poll(&self, cx: &mut Context<'_>) -> bool {
        let mut letters = self.letters.lock();
        if !letters.queue.is_empty() || self.is_killed() || self.rung.swap(false, Ordering::AcqRel) {
            return true;
        }
        if !letters.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            letters.waker = Some(cx.waker().clone());
        }
        false
    }

    /// As [`poll`](Self::poll), for a connection that cannot take messages now: only a ring or a kill counts.
    pub fn poll_bell(&self, cx: &mut Context<'_>) -> bool {
        let mut letters = self.letters.lock();
        if self.is_killed() || self.rung.swap(false, Ordering::AcqRel) {
            return true;
        }
        letters.waker = Some(cx.waker().clone());
        false
    }

    /// Takes the queued messages in order.
    pub fn take(&self) -> Vec<Bytes> {
        if self.pending_bytes() == 0 {
            return Vec::new();
        }
        let messages = std::mem::take(&mut self.letters.lock().queue);
        let taken = messages.iter().map(Bytes::len).sum();
        self.pending_bytes.fetch_sub(taken, Ordering::Relaxed);
        messages
    }

    /// Whether `bytes` pending output is over the limit `(hard, soft, soft_ms)` at `now_ms`.
    pub fn over_limit(&self, bytes: u64, (hard, soft, soft_ms): (u64, u64, u64), now_ms: i64) -> bool {
        if hard != 0 && bytes >= hard {
            return true;
        }
        if soft == 0 || bytes < soft {
            self.soft_since_ms.store(0, Ordering::Relaxed);
            return false;
        }
        let since_ms = self.soft_since_ms.load(Ordering::Relaxed);
        if since_ms == 0 {
            self.soft_since_ms.store(now_ms, Ordering::Relaxed);
            return false;
        }
        now_ms.saturating_sub(since_ms) > soft_ms as i64
    }

    fn wake(&self, mut letters: parking_lot::MutexGuard<'_, Letters>) {
        let waker = letters.waker.take();
        drop(letters);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
