//! Waiting for conditions instead of sleeping.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const EVERY: Duration = Duration::from_millis(10);

/// Waits until `condition` holds, at most 20 seconds.
///
/// # Panics
/// When it does not hold by then; `what` says what was waited for.
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    eventually_within(Duration::from_secs(20), what, condition);
}

/// Waits until `condition` holds, at most `limit`. Returns how long it took.
///
/// # Panics
/// When it does not hold by then.
pub fn eventually_within(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(EVERY);
    }
    start.elapsed()
}
