//! How long things take: a histogram for each command, and a memory of spikes (LATENCY).

use crate::Engine;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

/// Samples kept of an event.
const MAX_SAMPLES: usize = 160;

/// A spike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencySample {
    /// When, Unix seconds.
    pub at_s: i64,
    /// How long, milliseconds.
    pub took_ms: u64,
}

/// The spikes of one event, oldest first; of a second only the longest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencySeries {
    /// The last ones.
    pub samples: VecDeque<LatencySample>,
    /// The longest of all, milliseconds.
    pub max_ms: u64,
}

impl LatencySeries {
    fn add(&mut self, sample: LatencySample) {
        self.max_ms = self.max_ms.max(sample.took_ms);
        match self.samples.back_mut() {
            Some(last) if last.at_s == sample.at_s => last.took_ms = last.took_ms.max(sample.took_ms),
            _ => self.samples.push_back(sample),
        }
        if self.samples.len() > MAX_SAMPLES {
            self.samples.pop_front();
        }
    }
}

/// What took longer than `latency-monitor-threshold`, by event.
pub struct LatencyMonitor {
    /// `u64::MAX` for never.
    threshold_ns: AtomicU64,
    events: Mutex<BTreeMap<&'static str, LatencySeries>>,
}

impl Default for LatencyMonitor {
    fn default() -> Self {
        Self { threshold_ns: AtomicU64::new(u64::MAX), events: Mutex::default() }
    }
}

impl LatencyMonitor {
    /// Sets `latency-monitor-threshold`, milliseconds; 0 for never.
    pub(crate) fn configure(&self, threshold_ms: u64) {
        let threshold_ns = if threshold_ms == 0 { u64::MAX } else { threshold_ms.saturating_mul(1_000_000) };
        self.threshold_ns.store(threshold_ns, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_spike(&self, nanos: u64) -> bool {
        nanos >= self.threshold_ns.load(Ordering::Relaxed)
    }

    /// All events with their spikes.
    pub fn events(&self) -> Vec<(&'static str, LatencySeries)> {
        self.events.lock().iter().map(|(event, series)| (*event, series.clone())).collect()
    }

    /// The spikes of one event.
    pub fn event(&self, event: &[u8]) -> Option<LatencySeries> {
        let events = self.events.lock();
        events.iter().find(|(name, _)| name.as_bytes() == event).map(|(_, series)| series.clone())
    }

    /// Forgets an event, or all; returns how many there were.
    pub fn reset(&self, event: Option<&[u8]>) -> usize {
        let mut events = self.events.lock();
        let before = events.len();
        events.retain(|name, _| event.is_some_and(|event| name.as_bytes() != event));
        before - events.len()
    }
}

impl Engine {
    /// The memory of spikes.
    pub fn latency(&self) -> &LatencyMonitor {
        &self.latency
    }

    /// Says that something took so long; it is kept if it was too long.
    #[inline]
    pub fn note_latency(&self, event: &'static str, nanos: u64) {
        if self.latency.is_spike(nanos) {
            self.keep_spike(event, nanos);
        }
    }

    #[cold]
    fn keep_spike(&self, event: &'static str, nanos: u64) {
        let sample = LatencySample { at_s: self.clock().wall_ms() / 1000, took_ms: nanos / 1_000_000 };
        self.latency.events.lock().entry(event).or_default().add(sample);
    }
}

/// Values below are counted exactly; above, each power of two is cut into half as many buckets: a duration is off by an eighth at most.
const EXACT: u64 = 16;
const HALF: usize = EXACT as usize / 2;
/// Longest time told apart, as a power of two of nanoseconds: 18 minutes.
const MAX_BITS: u32 = 40;
const BUCKETS: usize = HALF * (MAX_BITS as usize - 2);

/// How often a command took how long. One thread writes, any may read.
pub(crate) struct Histogram([AtomicU64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }
}

impl Histogram {
    #[inline]
    pub(crate) fn count(&self, nanos: u64) {
        crate::stats::bump(&self.0[bucket_of(nanos)], 1);
    }

    pub(crate) fn reset(&self) {
        self.0.iter().for_each(|bucket| bucket.store(0, Ordering::Relaxed));
    }
}

/// The bucket of a duration: its leading bit, and the three bits behind it.
#[inline]
fn bucket_of(nanos: u64) -> usize {
    let nanos = nanos.min((1 << MAX_BITS) - 1);
    if nanos < EXACT {
        return nanos as usize;
    }
    let shift = nanos.ilog2() - (EXACT.ilog2() - 1);
    shift as usize * HALF + (nanos >> shift) as usize
}

/// The duration below which all of a bucket are.
fn limit_of(bucket: usize) -> u64 {
    if bucket < EXACT as usize {
        return bucket as u64 + 1;
    }
    let shift = bucket / HALF - 1;
    ((bucket % HALF + HALF + 1) as u64) << shift
}

/// The durations of a command, over all workers.
#[derive(Clone, Debug)]
pub struct Latencies {
    buckets: Vec<u64>,
    count: u64,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0 }
    }

    pub(crate) fn add(&mut self, histogram: &Histogram) {
        for (sum, bucket) in self.buckets.iter_mut().zip(&histogram.0) {
            let count = bucket.load(Ordering::Relaxed);
            *sum += count;
            self.count += count;
        }
    }

    /// How many were measured.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The duration, ns, that so many percent did not reach.
    pub fn percentile(&self, percent: f64) -> u64 {
        let wanted = ((self.count as f64 * percent / 100.0).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return limit_of(bucket);
            }
        }
        0
    }

    /// For each power of two of (about) microseconds that some were within and not within the one before: the limit in
    /// microseconds, and how many were within it.
    pub fn cumulative(&self) -> Vec<(u64, u64)> {
        let mut steps = Vec::new();
        let (mut seen, mut bucket, mut shown) = (0, 0, 0);
        for bits in 10..=MAX_BITS {
            while bucket < BUCKETS && limit_of(bucket) <= 1 << bits {
                seen += self.buckets[bucket];
                bucket += 1;
            }
            if seen > shown {
                steps.push(((1 << bits) / 1000, seen));
                shown = seen;
            }
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_follow_each_other() {
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
        for bucket in 1..BUCKETS {
            assert_eq!(bucket_of(limit_of(bucket) - 1), bucket);
            assert_eq!(bucket_of(limit_of(bucket - 1)), bucket);
        }
    }

    proptest! {
        #[test]
        fn a_bucket_is_close_to_what_it_holds(nanos in 16u64..1 << MAX_BITS) {
            let limit = limit_of(bucket_of(nanos));
            prop_assert!(nanos < limit && limit - nanos <= nanos / 8 + 1);
        }
    }

    #[test]
    fn percentiles_and_steps() {
        let histogram = Histogram::default();
        for micros in 1..=100 {
            histogram.count(micros * 1000);
        }
        let mut sum = Latencies::new();
        sum.add(&histogram);
        let median = sum.percentile(50.0);
        assert!((50_000..57_000).contains(&median), "{median}");
        assert!(sum.percentile(100.0) >= 100_000);
        assert_eq!(
            sum.cumulative(),
            [(1, 1), (2, 2), (4, 4), (8, 8), (16, 16), (32, 32), (65, 65), (131, 100)]
        );
    }

    #[test]
    fn spikes_of_one_second_are_one() {
        let mut series = LatencySeries::default();
        for (at_s, took_ms) in [(1, 5), (1, 9), (1, 7), (2, 3)] {
            series.add(LatencySample { at_s, took_ms });
        }
        let kept: Vec<_> = series.samples.iter().map(|sample| (sample.at_s, sample.took_ms)).collect();
        assert_eq!((kept, series.max_ms), (vec![(1, 9), (2, 3)], 9));
    }
}
