//! Which worker serves which connection.
//!
//! A worker that is not busy answers more requests for each time it is woken, and two half-idle workers only take the
//! processors from each other and from the clients beside them. So connections start out on one worker; when the
//! workers in use are near the end of what a thread can do, one more is put to use and takes over its share of the
//! connections, and when the load is gone the last one gives its connections back. One more is of no use where no
//! processor is idle: it would only take turns with the first, and with the clients.

use crate::worker::WorkerHandle;
use redan_engine::{Client, ClientKind, Clients};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

/// Above this share of a thread's time, on average, one more worker is put to use.
const BUSY: f64 = 0.80;
/// One more worker needs so much of a processor that is idle now.
const IDLE: f64 = 0.5;
/// Below this share, if one worker less did the work, one is spared...
const SPARE: f64 = 0.50;
/// ...once it has been so for so many looks in a row.
const SPARE_LOOKS: u32 = 20;
/// Looks closer together than this say little.
const MIN_SECONDS: f64 = 0.05;

/// What to do about the number of workers in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Stay,
    Grow,
    Shrink,
}

/// How busy the machine was between two looks.
struct Load {
    /// The share of its time that each worker was busy.
    busy: Vec<f64>,
    /// Processors that had nothing to do.
    idle: f64,
}

/// Linux counts processor time in hundredths of a second for programs, whatever it does itself.
const TICKS_PER_SECOND: f64 = 100.0;

/// Idle time of all processors so far; `None` where the system does not tell. Source: proc(5), `/proc/stat`.
fn idle_ticks() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let mut fields = text.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace().skip(3);
    let idle: u64 = fields.next()?.parse().ok()?;
    let waiting_for_disk: u64 = fields.next()?.parse().ok()?;
    Some(idle + waiting_for_disk)
}

/// How many workers are in use.
pub(super) struct Placement {
    active: AtomicUsize,
}

impl Default for Placement {
    fn default() -> Self {
        Self { active: AtomicUsize::new(1) }
    }
}

/// What the thread that looks after the placement remembers between two looks.
pub(crate) struct Watch {
    last: Instant,
    /// Processor time of each worker so far, ns.
    spent_ns: Vec<u64>,
    /// Time that processors were idle so far, in ticks of the system.
    idle_ticks: Option<u64>,
    spare_looks: u32,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self { last: Instant::now(), spent_ns: Vec::new(), idle_ticks: None, spare_looks: 0 }
    }

    /// What has happened since the last look; `None` if that is no time ago.
    fn look(&mut self, workers: &[WorkerHandle]) -> Option<Load> {
        let elapsed = self.last.elapsed().as_secs_f64();
        if elapsed < MIN_SECONDS {
            return None;
        }
        self.last = Instant::now();
        let spent_ns: Vec<u64> = workers.iter().map(WorkerHandle::spent_ns).collect();
        self.spent_ns.resize(spent_ns.len(), 0);
        let busy = spent_ns.iter().zip(&self.spent_ns);
        let busy = busy.map(|(now, before)| now.saturating_sub(*before) as f64 / 1e9 / elapsed).collect();
        self.spent_ns = spent_ns;
        let before = std::mem::replace(&mut self.idle_ticks, idle_ticks());
        let idle = match (before, self.idle_ticks) {
            (Some(before), Some(now)) => now.saturating_sub(before) as f64 / TICKS_PER_SECOND / elapsed,
            // Where the system does not tell, each worker is taken to have a processor.
            _ => f64::INFINITY,
        };
        Some(Load { busy, idle })
    }

    /// The decision, from how busy the workers in use were.
    fn decide(&mut self, busy: &[f64], all: usize, idle: f64) -> Step {
        let (active, sum) = (busy.len() as f64, busy.iter().sum::<f64>());
        if sum > active * BUSY && busy.len() < all && idle >= IDLE {
            self.spare_looks = 0;
            return Step::Grow;
        }
        let could_spare = busy.len() > 1 && sum < (active - 1.0) * SPARE;
        self.spare_looks = if could_spare { self.spare_looks + 1 } else { 0 };
        if self.spare_looks < SPARE_LOOKS {
            return Step::Stay;
        }
        self.spare_looks = 0;
        Step::Shrink
    }
}

impl Placement {
    /// The worker in use with the fewest connections.
    pub(super) fn choose(&self, workers: &[WorkerHandle]) -> usize {
        let active = self.active.load(Relaxed).min(workers.len());
        (0..active).min_by_key(|&worker| workers[worker].connections()).unwrap_or(0)
    }

    /// Looks how busy the workers are and moves connections if that is worth it.
    pub(super) fn balance(&self, watch: &mut Watch, workers: &[WorkerHandle], clients: &Clients) {
        if workers.len() < 2 {
            return;
        }
        let Some(load) = watch.look(workers) else { return };
        let active = self.active.load(Relaxed);
        let now_active = match watch.decide(&load.busy[..active], workers.len(), load.idle) {
            Step::Stay => return,
            Step::Grow => active + 1,
            Step::Shrink => active - 1,
        };
        self.active.store(now_active, Relaxed);
        spread(&clients.all(), now_active);
    }
}

/// Gives each of the first `active` workers an equal share of the connections, moving no more than must be.
fn spread(clients: &[Arc<Client>], active: usize) {
    let movable =
        |client: &&Arc<Client>| client.kind() != ClientKind::Replica && client.kind() != ClientKind::Master;
    let share = clients.iter().filter(movable).count().div_ceil(active);
    let mut counts = vec![0; active];
    let mut homeless = Vec::new();
    for client in clients.iter().filter(movable) {
        match counts.get_mut(client.worker.load(Relaxed) as usize) {
            Some(count) if *count < share => *count += 1,
            _ => homeless.push(client),
        }
    }
    for client in homeless {
        let (worker, count) =
            counts.iter_mut().enumerate().min_by_key(|(_, count)| **count).expect("one is active");
        *count += 1;
        client.worker.store(worker as u32, Relaxed);
        client.mailbox.ring();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redan_engine::ClientMeta;

    #[test]
    fn one_more_worker_when_those_in_use_are_busy() {
        let mut watch = Watch::new();
        assert_eq!(watch.decide(&[0.5], 4, 3.0), Step::Stay);
        assert_eq!(watch.decide(&[0.9], 4, 3.0), Step::Grow);
        assert_eq!(watch.decide(&[0.9], 4, 0.2), Step::Stay, "no processor is idle");
        assert_eq!(watch.decide(&[0.9, 0.6], 4, 3.0), Step::Stay);
        assert_eq!(watch.decide(&[1.0], 1, 3.0), Step::Stay, "there is no more");
    }

    #[test]
    fn one_less_only_after_a_long_calm() {
        let mut watch = Watch::new();
        for _ in 1..SPARE_LOOKS {
            assert_eq!(watch.decide(&[0.2, 0.2], 2, 1.0), Step::Stay);
        }
        assert_eq!(watch.decide(&[0.2, 0.2], 2, 1.0), Step::Shrink);
        for _ in 1..SPARE_LOOKS {
            watch.decide(&[0.2, 0.2], 2, 1.0);
        }
        assert_eq!(watch.decide(&[0.6, 0.6], 2, 1.0), Step::Stay, "the calm was interrupted");
        assert_eq!(watch.decide(&[0.2, 0.2], 2, 1.0), Step::Stay);
        assert_eq!(
            (0..100).map(|_| watch.decide(&[0.0], 2, 1.0)).filter(|step| *step != Step::Stay).count(),
            0
        );
    }

    #[test]
    fn shares_are_equal_and_few_move() {
        let clients = Clients::default();
        let all: Vec<_> = (0..50).map(|_| clients.add(0, ClientMeta::default(), 0, 0)).collect();
        let homes = || {
            let mut counts = [0; 3];
            all.iter().for_each(|client| counts[client.worker.load(Relaxed) as usize] += 1);
            counts
        };
        spread(&all, 2);
        assert_eq!(homes(), [25, 25, 0]);
        let before: Vec<u32> = all.iter().map(|client| client.worker.load(Relaxed)).collect();
        spread(&all, 3);
        assert_eq!(homes(), [17, 17, 16]);
        let moved = all.iter().zip(before).filter(|(client, before)| client.worker.load(Relaxed) != *before);
        assert_eq!(moved.count(), 16);
        spread(&all, 1);
        assert_eq!(homes(), [50, 0, 0]);
    }
}
