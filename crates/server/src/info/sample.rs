//! Rates per second, as the mean of the last 16 samples.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use parking_lot::Mutex;
use redan_engine::Engine;
use std::time::Instant;

const KEPT: usize = 16;

/// What rates are shown of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Metric {
    /// Commands.
    Commands,
    /// Bytes read.
    NetIn,
    /// Bytes written.
    NetOut,
    /// Turns of the event loops.
    Cycles,
    /// Microseconds of processor time.
    Busy,
}

#[derive(Default)]
struct Series {
    last: u64,
    rates: [u64; KEPT],
    next: usize,
}

impl Series {
    fn add(&mut self, total: u64, elapsed_us: u64) {
        // A total that was reset gives one sample of nothing.
        let grown = total.saturating_sub(self.last);
        self.last = total;
        self.rates[self.next] = (u128::from(grown) * 1_000_000 / u128::from(elapsed_us.max(1))) as u64;
        self.next = (self.next + 1) % KEPT;
    }

    fn mean(&self) -> u64 {
        self.rates.iter().sum::<u64>() / KEPT as u64
    }
}

#[derive(Default)]
struct State {
    taken: Option<Instant>,
    series: [Series; 5],
    /// Times that samples were taken.
    ticks: u64,
}

/// The samples of all metrics.
#[derive(Default)]
pub(super) struct Samples(Mutex<State>);

impl Samples {
    pub(super) fn take(&self, engine: &Engine) {
        let totals = engine.totals();
        let mut state = self.0.lock();
        let now = Instant::now();
        let elapsed_us = state.taken.map_or(0, |taken| now.duration_since(taken).as_micros() as u64);
        state.taken = Some(now);
        state.ticks += 1;
        let cycles = totals.reads + state.ticks;
        let figures = [totals.commands, totals.net_in, totals.net_out, cycles, busy_us()];
        for (series, total) in state.series.iter_mut().zip(figures) {
            series.add(total, elapsed_us.max(1000));
        }
    }

    /// Turns of the event loops so far: one for each read of a socket and each tick of the cron.
    pub(super) fn cycles(&self, engine: &Engine) -> u64 {
        engine.totals().reads + self.0.lock().ticks
    }

    /// Per second.
    pub(super) fn rate(&self, metric: Metric) -> u64 {
        self.0.lock().series[metric as usize].mean()
    }
}

/// Processor time that the process has taken, microseconds.
pub(super) fn busy_us() -> u64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| {
        let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        u64::try_from(micros).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_has_its_rate() {
        let mut series = Series::default();
        for tick in 1..=KEPT as u64 {
            series.add(tick * 100, 100_000);
        }
        assert_eq!(series.mean(), 1000);
        series.add(0, 100_000);
        assert!(series.mean() < 1000);
    }
}
