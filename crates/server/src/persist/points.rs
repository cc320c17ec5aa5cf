//! Save points: the server saves by itself after so many seconds with so many changes.

use super::{Persist, State};
use crate::clock;
use crate::config::rows;
use crate::config::value::SavePoint;
use crate::host::Server;
use std::time::{Duration, Instant};

/// How long a failed save is not tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

impl Persist {
    /// Starts what is due. Called by the cron, which is outside of the gate.
    pub fn on_cron(&self, server: &Server) {
        self.refresh_condition(server);
        if self.is_loading() || self.engine.keyspace().is_snapshot_running() {
            return;
        }
        let due = {
            let settings = server.config().peek();
            let state = self.shared.state.lock();
            let changes = self.engine.dirty().saturating_sub(state.saved_dirty);
            let idle_s = clock::unix_s() - state.last_save_s;
            if state.running.is_some() {
                None
            } else if state.scheduled && state.may_try() {
                Some(None)
            } else if state.may_try() {
                due_point(settings.get(rows::SAVE), changes, idle_s).map(Some)
            } else {
                None
            }
        };
        let Some(point) = due else { return };
        if let Some(point) = point {
            tracing::info!("{} changes in {} seconds. Saving...", point.changes, point.seconds);
        }
        let alone = self.engine.gate().enter_alone();
        // The load of a master's dataset may have begun while this waited at the gate.
        if !self.is_loading() {
            // Failures are logged and tried again later.
            let _ = self.bgsave(server, false);
        }
        drop(alone);
    }
}

impl State {
    fn may_try(&self) -> bool {
        self.last_ok || self.last_try.is_none_or(|tried: Instant| tried.elapsed() > RETRY_PAUSE)
    }
}

/// The first point whose changes and seconds are both exceeded.
fn due_point(points: &[SavePoint], changes: u64, idle_s: i64) -> Option<SavePoint> {
    let is_due = |point: &&SavePoint| changes >= point.changes && idle_s > point.seconds as i64;
    points.iter().find(is_due).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_needs_changes_and_time() {
        let points = [SavePoint { seconds: 3600, changes: 1 }, SavePoint { seconds: 60, changes: 100 }];
        assert_eq!(due_point(&points, 0, 10_000), None);
        assert_eq!(due_point(&points, 1, 3601), Some(points[0]));
        assert_eq!(due_point(&points, 99, 61), None);
        assert_eq!(due_point(&points, 100, 60), None);
        assert_eq!(due_point(&points, 100, 61), Some(points[1]));
    }
}
