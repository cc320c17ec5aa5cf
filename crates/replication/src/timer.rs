//! A table of deadlines: one slot for every kind of timer a state machine has.

/// Milliseconds on the driver's monotonic clock. Where it begins does not matter.
pub type Millis = u64;

/// Deadlines of `N` timers, indexed by an enum.
#[derive(Clone, Debug)]
pub(crate) struct TimerTable<const N: usize>([Option<Millis>; N]);

impl<const N: usize> TimerTable<N> {
    pub(crate) fn new() -> Self {
        TimerTable([None; N])
    }

    pub(crate) fn set(&mut self, timer: usize, at: Millis) {
        self.0[timer] = Some(at);
    }

    pub(crate) fn stop(&mut self, timer: usize) {
        self.0[timer] = None;
    }

    pub(crate) fn is_set(&self, timer: usize) -> bool {
        self.0[timer].is_some()
    }

    pub(crate) fn stop_all(&mut self) {
        self.0 = [None; N];
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Millis> {
        self.0.iter().flatten().min().copied()
    }

    /// Stops the timer if it is due and says whether it was.
    pub(crate) fn expire(&mut self, timer: usize, now: Millis) -> bool {
        let due = self.0[timer].is_some_and(|at| at <= now);
        if due {
            self.0[timer] = None;
        }
        due
    }
}
