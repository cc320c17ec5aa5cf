//! Notification and reconfiguration scripts: a queue with a limit, retries and a watchdog.

use std::collections::VecDeque;

use crate::core::Core;
use crate::event::LogLevel;
use crate::ids::{Millis, ScriptId};
use crate::io::{Output, ScriptEnd};

/// Scripts that wait or run; the oldest waiting one is dropped for a new one beyond that.
const MAX_QUEUE: usize = 256;
/// Scripts that run at the same time.
const MAX_RUNNING: usize = 16;
/// Runs of one script before it is given up.
const MAX_RUNS: u32 = 10;

/// Where a script is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobState {
    /// To be run, not before this time if given.
    Scheduled {
        not_before: Option<Millis>,
    },
    Running {
        since: Millis,
        pid: i64,
        kill_sent: bool,
    },
}

/// A script to run once, or again until it succeeds.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: ScriptId,
    pub(crate) argv: Vec<Vec<u8>>,
    pub(crate) state: JobState,
    /// Runs begun.
    pub(crate) runs: u32,
}

#[derive(Debug, Default)]
pub(crate) struct ScriptQueue {
    last_id: u64,
    jobs: VecDeque<Job>,
}

impl ScriptQueue {
    pub(crate) fn jobs(&self) -> impl ExactSizeIterator<Item = &Job> {
        self.jobs.iter()
    }

    pub(crate) fn running(&self) -> usize {
        self.jobs.iter().filter(|job| matches!(job.state, JobState::Running { .. })).count()
    }

    /// Queues a script; it is started when the input being handled has been dealt with.
    pub(crate) fn schedule(&mut self, argv: Vec<Vec<u8>>) {
        self.last_id += 1;
        let state = JobState::Scheduled { not_before: None };
        self.jobs.push_back(Job { id: ScriptId(self.last_id), argv, state, runs: 0 });
        if self.jobs.len() > MAX_QUEUE {
            let waits = |job: &Job| matches!(job.state, JobState::Scheduled { .. });
            if let Some(oldest) = self.jobs.iter().position(waits) {
                self.jobs.remove(oldest);
            }
        }
    }

    fn find(&mut self, id: ScriptId) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    /// When [`Core::run_scripts`] has something to do.
    pub(crate) fn deadline(&self, max_runtime_ms: u64) -> Option<Millis> {
        let may_start = self.running() < MAX_RUNNING;
        let due = self.jobs.iter().filter_map(|job| match job.state {
            JobState::Scheduled { not_before } => may_start.then_some(not_before.unwrap_or_default()),
            JobState::Running { kill_sent: true, .. } => None,
            JobState::Running { since, .. } => Some(since + max_runtime_ms),
        });
        due.min()
    }
}

impl Core {
    /// Starts what may start and kills what runs too long.
    pub(crate) fn run_scripts(&mut self) {
        let now = self.mono();
        let mut running = self.scripts.running();
        let (mut outputs, mut timeouts) = (Vec::new(), Vec::new());
        for job in &mut self.scripts.jobs {
            match &mut job.state {
                JobState::Scheduled { not_before }
                    if running < MAX_RUNNING && not_before.is_none_or(|at| at <= now) =>
                {
                    job.state = JobState::Running { since: now, pid: 0, kill_sent: false };
                    job.runs += 1;
                    running += 1;
                    outputs.push(Output::RunScript { script: job.id, argv: job.argv.clone() });
                }
                JobState::Running { since, pid, kill_sent }
                    if !*kill_sent && now >= *since + self.periods.script_max_runtime =>
                {
                    *kill_sent = true;
                    outputs.push(Output::KillScript { script: job.id });
                    timeouts.push(format!("{} {pid}", String::from_utf8_lossy(&job.argv[0])));
                }
                _ => {}
            }
        }
        for message in timeouts {
            self.event(LogLevel::Warning, "-script-timeout", message);
        }
        self.outputs.extend(outputs);
    }

    pub(crate) fn on_script_started(&mut self, script: ScriptId, process: i64) {
        if let Some(Job { state: JobState::Running { pid, .. }, .. }) = self.scripts.find(script) {
            *pid = process;
            self.event(LogLevel::Debug, "+script-child", process.to_string());
        }
    }

    pub(crate) fn on_script_ended(&mut self, script: ScriptId, end: ScriptEnd) {
        let retry_delay = self.periods.script_retry_delay;
        let now = self.mono();
        let Some(job) = self.scripts.find(script) else { return };
        let JobState::Running { pid, .. } = job.state else { return };
        let (code, signal) = match end {
            ScriptEnd::Exited(code) => (code, 0),
            ScriptEnd::Killed(signal) => (0, signal),
            ScriptEnd::NotStarted => (2, 0),
        };
        let path = String::from_utf8_lossy(&job.argv[0]).into_owned();
        let retry = (signal != 0 || code == 1) && job.runs < MAX_RUNS;
        if retry {
            // Each retry waits twice as long as the one before.
            let delay = retry_delay.saturating_mul(1 << (job.runs - 1));
            job.state = JobState::Scheduled { not_before: Some(now + delay) };
        } else {
            self.scripts.jobs.retain(|job| job.id != script);
        }
        self.event(LogLevel::Debug, "-script-child", format!("{pid} {code} {signal}"));
        if !retry && (signal != 0 || code != 0) {
            self.event(LogLevel::Warning, "-script-error", format!("{path} {signal} {code}"));
        }
    }
}

#[cfg(test)]
mod tests;
