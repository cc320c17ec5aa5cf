//! What is done to the dataset without being asked: keys whose time has come, and room for new ones.

use crate::effects::events_of;
use crate::{Counters, Engine, SlotGuard, Worker, condition, notify_class};
use redan_keyspace::{Access, DbIndex, EvictionPool, ExpireBudget, ExpiredKey, Key};
use redan_replication::Audience;
use std::sync::atomic::Ordering;

/// Where the active expiry cycle goes on.
#[derive(Default)]
pub struct ExpireCursor {
    db: u32,
    shard: usize,
    /// Whether the pass over all databases found much that had expired.
    busy: bool,
}

/// Entries looked at between two looks at the clock.
const EXPIRE_STEP: ExpireBudget = ExpireBudget { shards: 64, entries: 400 };

/// Fields of hashes removed between two looks at the clock.
const FIELDS_STEP: usize = 400;

/// A pass goes on while more than one entry in so many had expired.
const WORTHWHILE: usize = 10;

/// Most keys evicted before one command; the next one goes on.
const MAX_EVICTED: usize = 4096;

/// While one of these holds, no key is deleted without being asked for: the dataset is our master's, or being loaded, or
/// shall stay as it is.
const LEAVE_ALONE: u32 = condition::REPLICA
    | condition::LOADING
    | condition::ASYNC_LOADING
    | condition::PAUSE_WRITE
    | condition::PAUSE_ALL;

impl Engine {
    /// Deletes expired keys and fields of hashes of all databases for at most `budget_us` microseconds, and appends the
    /// deletions to the log. To be called on a master only, outside of the gate. Returns how many went.
    pub fn expire_cycle(&self, worker: &mut Worker, cursor: &mut ExpireCursor, budget_us: u64) -> usize {
        if !self.switches().active_expire() {
            return 0;
        }
        let began_ns = self.clock().monotonic_ns();
        let expired = self.expire_until(worker, cursor, began_ns + budget_us * 1_000);
        self.note_latency("expire-cycle", self.clock().monotonic_ns().saturating_sub(began_ns));
        self.notify_log(worker);
        expired
    }

    fn expire_until(&self, worker: &mut Worker, cursor: &mut ExpireCursor, deadline_ns: u64) -> usize {
        let mut expired = 0;
        // However many fields expire, half of the time is left for keys.
        let began_ns = self.clock().monotonic_ns();
        let fields_deadline_ns = began_ns + deadline_ns.saturating_sub(began_ns) / 2;
        for _ in 0..self.keyspace().databases() {
            loop {
                let fields = self.expire_fields_step(worker, DbIndex(cursor.db));
                expired += fields;
                if fields < FIELDS_STEP || self.clock().monotonic_ns() >= fields_deadline_ns {
                    break;
                }
            }
            loop {
                let step = self.expire_step(worker, cursor);
                expired += step.expired;
                cursor.busy = step.sampled > 0 && step.expired * WORTHWHILE > step.sampled;
                if self.clock().monotonic_ns() >= deadline_ns {
                    Counters::count(&self.counters().expired_time_cap_reached);
                    return expired;
                }
                if step.wrapped && !cursor.busy {
                    break;
                }
            }
            cursor.db = (cursor.db + 1) % self.keyspace().databases();
            cursor.shard = 0;
        }
        expired
    }

    fn expire_step(&self, worker: &mut Worker, cursor: &mut ExpireCursor) -> redan_keyspace::ExpireProgress {
        let inside = self.gate().enter(worker.slot);
        // Asked inside the gate: whoever ran alone between two steps may have made this a replica, or begun a failover.
        if self.conditions().any(LEAVE_ALONE) {
            return redan_keyspace::ExpireProgress { wrapped: true, ..Default::default() };
        }
        let access = Access::write(self.clock().wall_ms());
        let logging = self.log().is_active();
        let delete = self.expire_command();
        let mut gone: Vec<(DbIndex, Box<[u8]>)> = Vec::new();
        let step = self.keyspace().expire_cycle(
            DbIndex(cursor.db),
            &mut cursor.shard,
            access,
            EXPIRE_STEP,
            |db, key| {
                if logging {
                    self.log().append_command(db.0, Audience::All, [delete, key].into_iter());
                    worker.appended = true;
                }
                gone.push((db, key.into()));
            },
        );
        drop(inside);
        worker.handed_over |= step.handed_over;
        self.make_way(worker);
        for (db, key) in gone {
            self.publish_event(notify_class::EXPIRED, "expired", db, &key);
        }
        self.deliver_invalidations();
        step
    }

    /// Removes fields of hashes whose time has come, and says how many.
    fn expire_fields_step(&self, worker: &mut Worker, db: DbIndex) -> usize {
        let inside = self.gate().enter(worker.slot);
        // Asked inside the gate, as in `expire_step`.
        if self.conditions().any(LEAVE_ALONE) {
            return 0;
        }
        let access = Access::write(self.clock().wall_ms());
        let logging = self.log().is_active();
        let mut all_gone: Vec<ExpiredKey> = Vec::new();
        let step = self.keyspace().expire_fields_cycle(db, access, FIELDS_STEP, |gone| {
            if logging {
                self.log_deletion(&gone);
            }
            all_gone.push(gone);
        });
        worker.appended |= logging && step.expired > 0;
        worker.handed_over |= step.handed_over;
        drop(inside);
        self.make_way(worker);
        for (class, event, gone) in events_of(&all_gone) {
            self.publish_event(class, event, gone.db, &gone.key);
        }
        self.deliver_invalidations();
        step.expired
    }

    /// Shows the command that what expired propagates as.
    pub(crate) fn with_deletion(&self, gone: &ExpiredKey, show: impl FnOnce(&[&[u8]])) {
        match &gone.field {
            None => show(&[self.expire_command(), &gone.key]),
            Some(field) => show(&[b"HDEL", &gone.key, &field.name]),
        }
    }

    fn log_deletion(&self, gone: &ExpiredKey) {
        self.with_deletion(gone, |args| {
            self.log().append_command(gone.db.0, Audience::All, args.iter().copied());
        });
    }

    /// What an expired key propagates as.
    fn expire_command(&self) -> &'static [u8] {
        if self.settings().lazyfree_lazy_expire { b"UNLINK" } else { b"DEL" }
    }

    /// Whether memory is within `maxmemory`, or nothing may be done about it now.
    pub(crate) fn has_memory(&self) -> bool {
        // The condition that there is a limit may be older than the settings: 0 is none.
        let limit = self.settings().maxmemory;
        limit == 0 || self.conditions().any(LEAVE_ALONE) || self.host().used_memory() <= limit
    }

    /// Evicts keys if memory is over `maxmemory` although nobody writes: the limit was lowered, or clients take more. To
    /// be called from time to time, outside of the gate.
    pub fn keep_to_memory(&self, worker: &mut Worker) {
        if self.conditions().any(condition::MEMORY_LIMITED) {
            let mut inside = None;
            self.make_room(worker, &mut inside, self.clock().wall_ms());
            drop(inside);
            self.make_way(worker);
            self.notify_log(worker);
            self.deliver_invalidations();
        }
    }

    /// Evicts keys until memory is within `maxmemory` or nothing more can go. The caller holds its slot, or is given
    /// it here, and no shard.
    #[cold]
    pub(crate) fn make_room<'e>(
        &'e self,
        worker: &mut Worker,
        inside: &mut Option<SlotGuard<'e>>,
        now_ms: i64,
    ) {
        let settings = self.settings();
        if self.has_memory() {
            return;
        }
        if inside.is_none() {
            *inside = Some(self.enter(worker));
        }
        let delete: &[u8] = if settings.lazyfree_lazy_eviction { b"UNLINK" } else { b"DEL" };
        let mut pool = std::mem::take(&mut worker.eviction);
        for _ in 0..MAX_EVICTED {
            if self.has_memory() || !self.evict_one(worker, &mut pool, delete, now_ms) {
                break;
            }
        }
        worker.eviction = pool;
    }

    fn evict_one(&self, worker: &mut Worker, pool: &mut EvictionPool, delete: &[u8], now_ms: i64) -> bool {
        let settings = self.settings();
        let samples = settings.maxmemory_samples;
        let Some(victim) = pool.pick(self.keyspace(), settings.maxmemory_policy, samples, now_ms) else {
            return false;
        };
        let key = Key::new(&victim.key);
        let mut view = self.keyspace().view_keyed(victim.db, Access::write(now_ms), [key.hash]);
        let evicted = view.evict(&key);
        if self.log().is_active() {
            for gone in view.take_expired() {
                self.log_deletion(&gone);
            }
            if evicted {
                self.log().append_command(victim.db.0, Audience::All, [delete, &victim.key].into_iter());
            }
            worker.appended = true;
        } else {
            view.take_expired();
        }
        let closed = view.close();
        worker.handed_over |= closed.handed_over;
        if evicted {
            // Freed here and now: that is the point of it.
            drop(closed.garbage);
            self.counters().evicted_keys.fetch_add(1, Ordering::Relaxed);
            self.publish_event(notify_class::EVICTED, "evicted", victim.db, &victim.key);
        }
        true
    }

    pub(crate) fn is_replica(&self) -> bool {
        self.conditions().any(condition::REPLICA)
    }
}
