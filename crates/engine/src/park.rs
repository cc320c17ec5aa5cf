//! Why a connection sleeps between two commands, and what wakes it.
//!
//! A handler that cannot reply yet leaves a [`Park`] behind and returns. The connection then reads no further, sleeps
//! until its [`Mailbox`](crate::Mailbox) is rung or the deadline passes, and calls [`Engine::resume`], which either
//! finishes the reply or lets it sleep on.

use crate::{ClientFlags, Engine, Session, SessionState, Unblock, Worker, condition, errors};
use std::sync::atomic::Ordering;

/// What a connection waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Park {
    /// CLIENT PAUSE or a failover: the request itself is run again when the pause ends.
    Paused {
        /// When the pause ends by itself, wall clock ms.
        until_ms: i64,
    },
    /// WAIT: `replicas` of them have acknowledged `offset`.
    Acks {
        /// Replication offset of the client's last write.
        offset: u64,
        /// How many replicas must have it.
        replicas: usize,
        /// Wall clock, ms; `None` waits for ever.
        deadline_ms: Option<i64>,
    },
    /// WAITAOF: everything up to `offset` is in the append-only file on disk, here and at `replicas` of them.
    Fsync {
        /// Replication offset of the client's last write.
        offset: u64,
        /// Whether it must be on disk here.
        local: bool,
        /// How many replicas must have it on disk.
        replicas: usize,
        /// Wall clock, ms; `None` waits for ever.
        deadline_ms: Option<i64>,
    },
    /// A value for one of its keys: see [`Cx::block_on`](crate::Cx::block_on).
    Keys {
        /// Wall clock, ms; `None` waits for ever.
        deadline_ms: Option<i64>,
    },
    /// The host has something to do first and will say when (SHUTDOWN waiting for replicas).
    Host {
        /// Wall clock, ms; `None` waits for ever.
        deadline_ms: Option<i64>,
    },
}

impl Park {
    /// When to look again, wall clock ms.
    pub fn deadline_ms(self) -> Option<i64> {
        match self {
            Self::Paused { until_ms } => Some(until_ms),
            Self::Acks { deadline_ms, .. }
            | Self::Fsync { deadline_ms, .. }
            | Self::Keys { deadline_ms }
            | Self::Host { deadline_ms } => deadline_ms,
        }
    }
}

/// Which commands CLIENT PAUSE holds back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PauseKind {
    /// Those that may write.
    Write,
    /// All.
    All,
}

impl Engine {
    pub(crate) fn fall_asleep(&self, session: &mut SessionState, park: Park) {
        // Whatever was meant for an earlier sleep is void.
        session.client.take_unblock();
        session.park = Some(park);
        session.client.put(ClientFlags::BLOCKED, true);
        session.client.put(ClientFlags::PAUSED, matches!(park, Park::Paused { .. }));
        self.parked.fetch_add(1, Ordering::Relaxed);
        // What it waits for may have come before anybody could see that it waits: it looks once more.
        session.client.mailbox.ring();
    }

    /// Forgets what a session waits for: it was woken, or its connection has closed.
    pub fn wake_up(&self, session: &mut SessionState) {
        if session.park.take().is_some() {
            self.abandon_wait(session);
            session.client.put(ClientFlags::BLOCKED | ClientFlags::PAUSED, false);
            self.parked.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Looks whether a sleeping session is done waiting, and writes its reply if it is. Then [`run`](Self::run) goes on
    /// with what it has sent meanwhile.
    pub fn resume(&self, worker: &mut Worker, session: &mut Session) -> bool {
        let Some(park) = session.state.park else { return true };
        let now_ms = self.clock().wall_ms();
        let mut late = park.deadline_ms().is_some_and(|deadline_ms| deadline_ms <= now_ms);
        if matches!(park, Park::Acks { .. } | Park::Fsync { .. }) {
            if self.is_replica() {
                session.out.error(errors::UNBLOCKED_BY_ROLE.text());
                self.wake_up(&mut session.state);
                return true;
            }
            match session.state.client.take_unblock() {
                Some(Unblock::Error) => {
                    session.out.error(errors::UNBLOCKED.text());
                    self.wake_up(&mut session.state);
                    return true;
                }
                Some(Unblock::Timeout) => late = true,
                None => {}
            }
        }
        let done = match park {
            Park::Paused { .. } => late || self.pause.lock().is_none(),
            Park::Acks { offset, replicas, .. } => {
                let acked = self.host().acked_replicas(offset);
                let done = late || acked >= replicas;
                if done {
                    session.out.int(acked as i64);
                }
                done
            }
            Park::Fsync { offset, local, replicas, .. } => {
                self.resume_fsync(session, (offset, local, replicas), late)
            }
            Park::Keys { .. } => {
                let unblocked = session.state.client.take_unblock();
                self.resume_wait(worker, session, late, unblocked)
            }
            Park::Host { .. } => self.host().resume(&mut session.state, &mut session.out, now_ms),
        };
        if done {
            self.wake_up(&mut session.state);
        }
        done
    }

    /// Whether a WAITAOF is done, with its reply.
    fn resume_fsync(
        &self,
        session: &mut Session,
        (offset, local, replicas): (u64, bool, usize),
        late: bool,
    ) -> bool {
        let fsynced = self.host().is_fsynced(offset);
        if local && fsynced.is_none() {
            session.out.error(errors::WAITAOF_WITHOUT_AOF.text());
            return true;
        }
        let here = fsynced == Some(true);
        let there = self.host().fsynced_replicas(offset);
        let done = late || (there >= replicas && (here || !local));
        if done {
            session.out.array(2);
            session.out.int(i64::from(here));
            session.out.int(there as i64);
        }
        done
    }

    /// Holds commands back until `until_ms`. A pause under way is only ever prolonged or made stricter.
    pub fn pause(&self, kind: PauseKind, until_ms: i64) {
        let mut pause = self.pause.lock();
        let now_ms = self.clock().wall_ms();
        // A pause that is over and that nobody has ended yet counts no more.
        let (kind, until_ms) = match pause.filter(|(_, until_ms)| *until_ms > now_ms) {
            Some((old_kind, old_until_ms)) => (old_kind.max(kind), old_until_ms.max(until_ms)),
            None => (kind, until_ms),
        };
        *pause = Some((kind, until_ms));
        self.conditions().put(condition::PAUSE_WRITE, true);
        self.conditions().put(condition::PAUSE_ALL, kind == PauseKind::All);
    }

    /// Ends a pause and wakes everybody it held back.
    pub fn unpause(&self) {
        if self.pause.lock().take().is_some() {
            self.conditions().put(condition::PAUSE_WRITE | condition::PAUSE_ALL, false);
            self.ring_parked();
        }
    }

    /// Ends a pause whose time is over. The server's cron calls this.
    pub fn end_stale_pause(&self) {
        let now_ms = self.clock().wall_ms();
        if self.pause.lock().is_some_and(|(_, until_ms)| until_ms <= now_ms) {
            self.unpause();
        }
    }

    /// What is paused, and until when (wall clock ms).
    pub fn paused(&self) -> Option<(PauseKind, i64)> {
        *self.pause.lock()
    }

    /// Has everybody who waits look again: replicas have acknowledged something, a pause has ended.
    pub fn ring_parked(&self) {
        if self.parked.load(Ordering::Acquire) == 0 {
            return;
        }
        for client in self.clients().all() {
            if client.has(ClientFlags::BLOCKED) {
                client.mailbox.ring();
            }
        }
    }
}
