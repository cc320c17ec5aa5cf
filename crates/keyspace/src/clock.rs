//! The access clock: 24 bits per key that say how recently (LRU) or how often (LFU) it was used.
//!
//! LRU: seconds modulo 2^24 (194 days). LFU: 16 bits of minutes when the counter last decayed, 8 bits of a
//! logarithmic counter that starts at 5 so that new keys are not evicted at once. Both are Redis's own scales,
//! because `OBJECT IDLETIME`, `OBJECT FREQ` and the RDB opcodes for them show these numbers to clients.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

/// The 24 bits of a slot.
pub(crate) const CLOCK_MASK: u32 = 0xFF_FFFF;

/// The LFU counter of a new key.
pub const LFU_INITIAL: u8 = 5;

/// Which of the two clocks runs, and the LFU's parameters. Changing the policy at run time makes the clocks of existing keys
/// meaningless for a while, as in Redis.
#[derive(Debug)]
pub struct AccessClock {
    lfu: AtomicBool,
    log_factor: AtomicU32,
    decay_minutes: AtomicU32,
}

impl Default for AccessClock {
    fn default() -> Self {
        Self { lfu: AtomicBool::new(false), log_factor: AtomicU32::new(10), decay_minutes: AtomicU32::new(1) }
    }
}

fn lru_seconds(now_ms: i64) -> u32 {
    (now_ms / 1000) as u32 & CLOCK_MASK
}

fn lfu_minutes(now_ms: i64) -> u32 {
    (now_ms / 60_000) as u32 & 0xFFFF
}

impl AccessClock {
    /// Chooses LFU (true) or LRU (false, the default).
    pub fn set_lfu(&self, lfu: bool) {
        self.lfu.store(lfu, Relaxed);
    }

    /// Whether keys carry an LFU counter.
    #[inline]
    pub fn is_lfu(&self) -> bool {
        self.lfu.load(Relaxed)
    }

    /// `lfu-log-factor`: the higher, the more hits saturate the counter.
    pub fn set_log_factor(&self, factor: u32) {
        self.log_factor.store(factor, Relaxed);
    }

    /// Does as `other` does.
    pub(crate) fn follow(&self, other: &AccessClock) {
        self.set_lfu(other.is_lfu());
        self.set_log_factor(other.log_factor.load(Relaxed));
        self.set_decay_minutes(other.decay_minutes.load(Relaxed));
    }

    /// `lfu-decay-time` in minutes; 0 means that the counter never decays.
    pub fn set_decay_minutes(&self, minutes: u32) {
        self.decay_minutes.store(minutes, Relaxed);
    }

    /// The clock of a key that is created now.
    #[inline]
    pub(crate) fn born(&self, now_ms: i64) -> u32 {
        if self.is_lfu() { lfu_minutes(now_ms) << 8 | u32::from(LFU_INITIAL) } else { lru_seconds(now_ms) }
    }

    /// The clock of a key that had `clock` and is used now; `random` drives the logarithmic counter.
    #[inline]
    pub(crate) fn touched(&self, clock: u32, now_ms: i64, random: impl FnOnce() -> u32) -> u32 {
        if !self.is_lfu() {
            return lru_seconds(now_ms);
        }
        let counter = self.lfu_incremented(self.frequency(clock, now_ms), random());
        lfu_minutes(now_ms) << 8 | u32::from(counter)
    }

    /// Increments with probability `1 / ((counter - initial) * factor + 1)`.
    fn lfu_incremented(&self, counter: u8, random: u32) -> u8 {
        let above = u64::from(counter.saturating_sub(LFU_INITIAL));
        let odds = above * u64::from(self.log_factor.load(Relaxed)) + 1;
        if (u64::from(random) * odds) >> 32 == 0 { counter.saturating_add(1) } else { counter }
    }

    /// The LFU counter now, after the decay since it was last written.
    pub(crate) fn frequency(&self, clock: u32, now_ms: i64) -> u8 {
        let counter = clock as u8;
        let elapsed = lfu_minutes(now_ms).wrapping_sub(clock >> 8) & 0xFFFF;
        let periods = elapsed.checked_div(self.decay_minutes.load(Relaxed)).unwrap_or(0);
        counter.saturating_sub(u8::try_from(periods).unwrap_or(u8::MAX))
    }

    /// Milliseconds since the key was last used, in steps of a second.
    pub(crate) fn idle_ms(&self, clock: u32, now_ms: i64) -> u64 {
        u64::from(lru_seconds(now_ms).wrapping_sub(clock) & CLOCK_MASK) * 1000
    }

    /// The clock of a key that was idle for `seconds` (at most 2^24 - 1), for RESTORE and RDB load.
    pub(crate) fn with_idle(&self, seconds: u64, now_ms: i64) -> u32 {
        let seconds = u32::try_from(seconds).unwrap_or(CLOCK_MASK).min(CLOCK_MASK);
        lru_seconds(now_ms).wrapping_sub(seconds) & CLOCK_MASK
    }

    /// The clock of a key with this LFU counter, for RESTORE and RDB load.
    pub(crate) fn with_frequency(&self, frequency: u8, now_ms: i64) -> u32 {
        lfu_minutes(now_ms) << 8 | u32::from(frequency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_survives_the_wrap() {
        let clock = AccessClock::default();
        let wrap_ms = (i64::from(CLOCK_MASK) + 1) * 1000;
        let stamp = clock.born(wrap_ms - 5_000);
        assert_eq!(clock.idle_ms(stamp, wrap_ms + 7_000), 12_000);
        assert_eq!(clock.idle_ms(clock.with_idle(90, wrap_ms), wrap_ms), 90_000);
    }

    #[test]
    fn the_counter_is_logarithmic_and_decays() {
        let clock = AccessClock::default();
        clock.set_lfu(true);
        let mut random = fastrand::Rng::with_seed(7);
        let mut stamp = clock.born(0);
        assert_eq!(clock.frequency(stamp, 0), LFU_INITIAL);
        for _ in 0..1000 {
            stamp = clock.touched(stamp, 0, || random.u32(..));
        }
        // Redis documents 18 for 1000 hits with factor 10.
        assert!((12..=25).contains(&clock.frequency(stamp, 0)), "{}", clock.frequency(stamp, 0));
        let full = clock.with_frequency(200, 0);
        assert_eq!(clock.frequency(full, 50 * 60_000), 150);
        assert_eq!(clock.frequency(full, 500 * 60_000), 0);
        clock.set_decay_minutes(0);
        assert_eq!(clock.frequency(full, 500 * 60_000), 200);
    }
}
