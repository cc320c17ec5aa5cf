//! The time, for everybody who may not ask the system.

use redan_engine::Clock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The clocks of this machine.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

/// Unix time in microseconds.
pub fn unix_us() -> i64 {
    // A clock before 1970 counts as 1970.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Unix time in milliseconds.
pub fn unix_ms() -> i64 {
    unix_us() / 1000
}

/// Unix time in seconds.
pub fn unix_s() -> i64 {
    unix_us() / 1_000_000
}

impl Clock for SystemClock {
    fn wall_ms(&self) -> i64 {
        unix_ms()
    }

    fn wall_us(&self) -> i64 {
        unix_us()
    }

    fn monotonic_ns(&self) -> u64 {
        // 584 years fit.
        self.started.elapsed().as_nanos() as u64
    }
}
