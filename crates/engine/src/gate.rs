//! The gate: a big-reader lock that every command passes.
//!
//! Each worker (and each background thread that touches the dataset) owns one cache-padded slot. Entering the gate for
//! ordinary commands is one store to the own slot and one load of the shared word, so that workers do not bounce a
//! cache line between them. Running alone means raising the shared word and waiting until every slot is empty.
//!
//! The protocol is Dekker's: a reader publishes its slot *then* looks at the shared word, a writer publishes the word
//! *then* looks at the slots, both with sequentially consistent order, so at least one of them sees the other.

use crossbeam_utils::{Backoff, CachePadded};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The number of a slot: one for each thread that passes the gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotId(pub usize);

/// See the module's text.
pub struct Gate {
    slots: Box<[CachePadded<AtomicBool>]>,
    claimed: AtomicUsize,
    closed: CachePadded<AtomicBool>,
    /// Held by whoever runs alone; what waits for it sleeps on `opened`.
    alone: Mutex<()>,
    waiting: Mutex<()>,
    opened: Condvar,
    /// Nobody is to wait for whoever runs alone.
    impatient: AtomicBool,
}

impl Gate {
    /// A gate with room for `slots` threads.
    pub fn new(slots: usize) -> Self {
        Self {
            slots: (0..slots).map(|_| CachePadded::new(AtomicBool::new(false))).collect(),
            claimed: AtomicUsize::new(0),
            closed: CachePadded::new(AtomicBool::new(false)),
            alone: Mutex::new(()),
            waiting: Mutex::new(()),
            opened: Condvar::new(),
            impatient: AtomicBool::new(false),
        }
    }

    /// Gives the calling thread a slot of its own, for good.
    ///
    /// # Panics
    /// When more threads ask than the gate was made for: a bug of the wiring.
    pub fn claim_slot(&self) -> SlotId {
        let slot = self.claimed.fetch_add(1, Ordering::Relaxed);
        assert!(slot < self.slots.len(), "the gate was made for {} threads", self.slots.len());
        SlotId(slot)
    }

    /// Enters with the caller's own slot, waiting while somebody runs alone. One slot must not be entered twice.
    #[inline]
    pub fn enter(&self, slot: SlotId) -> SlotGuard<'_> {
        let own = &self.slots[slot.0];
        debug_assert!(!own.load(Ordering::Relaxed), "a slot is entered once at a time");
        own.store(true, Ordering::SeqCst);
        if self.closed.load(Ordering::SeqCst) {
            self.enter_slow(own);
        }
        SlotGuard { own }
    }

    /// The same, but gives up when nobody is to wait ([`set_impatient`](Self::set_impatient)).
    #[inline]
    pub fn try_enter(&self, slot: SlotId) -> Option<SlotGuard<'_>> {
        let own = &self.slots[slot.0];
        debug_assert!(!own.load(Ordering::Relaxed), "a slot is entered once at a time");
        own.store(true, Ordering::SeqCst);
        if self.closed.load(Ordering::SeqCst) && !self.try_enter_slow(own) {
            return None;
        }
        Some(SlotGuard { own })
    }

    #[cold]
    fn try_enter_slow(&self, own: &AtomicBool) -> bool {
        loop {
            own.store(false, Ordering::SeqCst);
            let mut waiting = self.waiting.lock();
            while self.closed.load(Ordering::SeqCst) {
                if self.impatient.load(Ordering::SeqCst) {
                    return false;
                }
                self.opened.wait_for(&mut waiting, Duration::from_millis(10));
            }
            drop(waiting);
            own.store(true, Ordering::SeqCst);
            if !self.closed.load(Ordering::SeqCst) {
                return true;
            }
        }
    }

    /// Whether those who would wait for whoever runs alone now are to give up: it takes too long.
    pub fn set_impatient(&self, on: bool) {
        let waiting = self.waiting.lock();
        self.impatient.store(on, Ordering::SeqCst);
        drop(waiting);
        self.opened.notify_all();
    }

    #[cold]
    fn enter_slow(&self, own: &AtomicBool) {
        loop {
            own.store(false, Ordering::SeqCst);
            let mut waiting = self.waiting.lock();
            while self.closed.load(Ordering::SeqCst) {
                // The timeout only guards against a lost wake-up turning into a hang.
                self.opened.wait_for(&mut waiting, Duration::from_millis(10));
            }
            drop(waiting);
            own.store(true, Ordering::SeqCst);
            if !self.closed.load(Ordering::SeqCst) {
                return;
            }
        }
    }

    /// Waits until nobody else is inside and keeps everybody out. The caller must not hold its own slot.
    pub fn enter_alone(&self) -> ExclusiveGuard<'_> {
        self.close(self.alone.lock())
    }

    /// The same, but gives up when nobody is to wait for whoever runs alone now.
    pub fn try_enter_alone(&self) -> Option<ExclusiveGuard<'_>> {
        let alone = match self.alone.try_lock() {
            Some(alone) => alone,
            None => self.wait_alone()?,
        };
        Some(self.close(alone))
    }

    #[cold]
    fn wait_alone(&self) -> Option<MutexGuard<'_, ()>> {
        loop {
            if self.impatient.load(Ordering::SeqCst) {
                return None;
            }
            if let Some(alone) = self.alone.try_lock_for(Duration::from_millis(5)) {
                return Some(alone);
            }
        }
    }

    fn close<'g>(&'g self, alone: MutexGuard<'g, ()>) -> ExclusiveGuard<'g> {
        self.closed.store(true, Ordering::SeqCst);
        for slot in &self.slots {
            let backoff = Backoff::new();
            while slot.load(Ordering::SeqCst) {
                backoff.snooze();
            }
        }
        ExclusiveGuard { gate: self, _alone: alone }
    }
}

/// The caller is inside with its own slot; dropping leaves.
pub struct SlotGuard<'g> {
    own: &'g AtomicBool,
}

impl Drop for SlotGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.own.store(false, Ordering::Release);
    }
}

/// The caller runs alone; dropping lets the others in.
pub struct ExclusiveGuard<'g> {
    gate: &'g Gate,
    _alone: MutexGuard<'g, ()>,
}

impl Drop for ExclusiveGuard<'_> {
    fn drop(&mut self) {
        let waiting = self.gate.waiting.lock();
        self.gate.closed.store(false, Ordering::SeqCst);
        drop(waiting);
        self.gate.opened.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn whoever_runs_alone_is_alone() {
        const THREADS: usize = 4;
        let gate = Gate::new(THREADS);
        let inside = AtomicU64::new(0);
        let alone = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (gate, inside, alone) = (&gate, &inside, &alone);
                scope.spawn(move || {
                    let slot = gate.claim_slot();
                    for round in 0..2_000 {
                        if (round + thread) % 7 == 0 {
                            let _guard = gate.enter_alone();
                            alone.store(true, Ordering::SeqCst);
                            assert_eq!(inside.load(Ordering::SeqCst), 0);
                            alone.store(false, Ordering::SeqCst);
                        } else {
                            let _guard = gate.enter(slot);
                            inside.fetch_add(1, Ordering::SeqCst);
                            assert!(!alone.load(Ordering::SeqCst));
                            inside.fetch_sub(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn nobody_waits_for_what_takes_too_long() {
        let gate = Gate::new(2);
        let slot = gate.claim_slot();
        let alone = gate.enter_alone();
        std::thread::scope(|scope| {
            let waiters = [
                scope.spawn(|| gate.try_enter(slot).is_none()),
                scope.spawn(|| gate.try_enter_alone().is_none()),
            ];
            gate.set_impatient(true);
            for waiter in waiters {
                assert!(waiter.join().expect("the waiter gives up"));
            }
        });
        gate.set_impatient(false);
        drop(alone);
        assert!(gate.try_enter(slot).is_some());
        assert!(gate.try_enter_alone().is_some());
    }
}
