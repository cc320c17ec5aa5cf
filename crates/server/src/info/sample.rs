//! Rates per second, as the mean of the last 16 samples.

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
    series: [Series; 3],
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
        for (series, total) in state.series.iter_mut().zip([totals.commands, totals.net_in, totals.net_out]) {
            series.add(total, elapsed_us.max(1000));
        }
    }

    /// Per second.
    pub(super) fn rate(&self, metric: Metric) -> u64 {
        self.0.lock().series[metric as usize].mean()
    }
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
