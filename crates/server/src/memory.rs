//! How much memory the process uses.
//!
//! `used_memory` is asked before every write that may have to evict, so it must be exact and nearly free. jemalloc counts
//! what each thread has allocated and freed. Every thread publishes its balance at the end of each turn, and whoever
//! asks adds up the balances. What threads without a balance do is found by comparing with jemalloc's own total now
//! and then ([`calibrate`]), which is too expensive to ask for each time.

use parking_lot::Mutex;
use std::cell::RefCell;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use tikv_jemalloc_ctl::{epoch, stats, thread};

/// A difference to jemalloc's total that is put down to memory cached by threads.
const TOLERANCE: i64 = 2 << 20;

struct Balances {
    threads: Mutex<Vec<Arc<AtomicI64>>>,
    /// How many there are.
    joined: AtomicUsize,
    /// What the balances do not show.
    rest: AtomicI64,
    /// What [`calibrate`] found last.
    difference: AtomicI64,
    peak: AtomicU64,
}

static BALANCES: LazyLock<Balances> = LazyLock::new(|| Balances {
    threads: Mutex::default(),
    joined: AtomicUsize::new(0),
    rest: AtomicI64::new(0),
    difference: AtomicI64::new(0),
    peak: AtomicU64::new(0),
});

/// The calling thread's counters.
struct Meter {
    allocated: tikv_jemalloc_ctl::thread::ThreadLocal<u64>,
    freed: tikv_jemalloc_ctl::thread::ThreadLocal<u64>,
    balance: Arc<AtomicI64>,
    /// The balances of all threads, as of when this thread last looked.
    others: Vec<Arc<AtomicI64>>,
}

impl Meter {
    fn publish(&self) {
        self.balance.store(self.allocated.get().wrapping_sub(self.freed.get()) as i64, Relaxed);
    }
}

thread_local! {
    static METER: RefCell<Option<Meter>> = const { RefCell::new(None) };
}

/// Has the calling thread publish its balance from now on. Its last balance counts on after it has ended.
pub fn join_thread() {
    METER.with_borrow_mut(|meter| {
        if meter.is_some() {
            return;
        }
        let (Ok(allocated), Ok(freed)) = (thread::allocatedp::read(), thread::deallocatedp::read()) else {
            return;
        };
        let balance = Arc::new(AtomicI64::new(0));
        let mut threads = BALANCES.threads.lock();
        threads.push(Arc::clone(&balance));
        BALANCES.joined.store(threads.len(), Relaxed);
        drop(threads);
        *meter = Some(Meter { allocated, freed, balance, others: Vec::new() });
    });
    publish();
}

/// Publishes the calling thread's balance, if it has joined.
#[inline]
pub fn publish() {
    METER.with_borrow(|meter| {
        if let Some(meter) = meter {
            meter.publish();
        }
    });
}

/// Bytes in use (`used_memory`).
pub fn used() -> u64 {
    let sum = METER.with_borrow_mut(|meter| match meter {
        Some(meter) => {
            meter.publish();
            // Threads that have joined since it looked last count too.
            if meter.others.len() != BALANCES.joined.load(Relaxed) {
                meter.others = BALANCES.threads.lock().clone();
            }
            sum_of(&meter.others)
        }
        None => sum_of(&BALANCES.threads.lock()),
    });
    u64::try_from(sum + BALANCES.rest.load(Relaxed)).unwrap_or(0)
}

fn sum_of(balances: &[Arc<AtomicI64>]) -> i64 {
    balances.iter().map(|balance| balance.load(Relaxed)).sum()
}

/// Compares with jemalloc's total and notes the peak. To be called a few times a second.
///
/// A thread that is busy has not published its latest balance, so a difference counts only if it is there twice.
pub fn calibrate() {
    publish();
    let total = allocator().allocated as i64;
    let difference = total - sum_of(&BALANCES.threads.lock()) - BALANCES.rest.load(Relaxed);
    let before = BALANCES.difference.swap(difference, Relaxed);
    let smaller = if difference.abs() < before.abs() { difference } else { before };
    if smaller.abs() > TOLERANCE + total / 64 && difference.signum() == before.signum() {
        BALANCES.rest.fetch_add(smaller, Relaxed);
        BALANCES.difference.store(difference - smaller, Relaxed);
    }
    BALANCES.peak.fetch_max(used(), Relaxed);
}

/// Puts everything that was allocated so far down to nobody; called once, when all threads are idle.
pub fn start() {
    publish();
    let total = allocator().allocated as i64;
    BALANCES.rest.store(total - sum_of(&BALANCES.threads.lock()), Relaxed);
}

/// The most bytes that were in use.
pub fn peak() -> u64 {
    BALANCES.peak.fetch_max(used(), Relaxed).max(used())
}

/// Forgets the peak (CONFIG RESETSTAT does not, DEBUG and tests do).
pub fn reset_peak() {
    BALANCES.peak.store(used(), Relaxed);
}

/// jemalloc's own totals in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllocatorStats {
    /// Handed out.
    pub allocated: u64,
    /// In pages that hold something.
    pub active: u64,
    /// Mapped and physically there, as jemalloc believes.
    pub resident: u64,
    /// Mapped and kept for later.
    pub retained: u64,
}

/// Asks jemalloc.
pub fn allocator() -> AllocatorStats {
    // A statistic that cannot be read is shown as 0.
    let _ = epoch::advance();
    let read = |value: tikv_jemalloc_ctl::Result<usize>| value.unwrap_or(0) as u64;
    AllocatorStats {
        allocated: read(stats::allocated::read()),
        active: read(stats::active::read()),
        resident: read(stats::resident::read()),
        retained: read(stats::retained::read()),
    }
}

/// Bytes of physical memory the process has.
pub fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    pages * PAGE_LEN
}

/// Pages of `/proc/self/statm`, on the machines this runs on.
const PAGE_LEN: u64 = 4096;

/// Bytes of physical memory of the machine.
pub fn of_machine() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Bytes the process may use: the limit of its container, or else the machine's memory.
pub fn limit() -> u64 {
    let machine = of_machine();
    container_limit(&|path| std::fs::read_to_string(path).ok()).map_or(machine, |limit| limit.min(machine))
}

/// The memory limit of the container, by either version of control groups. `read` gives the content of a file.
fn container_limit(read: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let groups = read("/proc/self/cgroup")?;
    let mut limit = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        // Limits of all groups around it hold too; inside a container only its own root may be visible.
        let mut path = path.trim_end_matches('/');
        loop {
            let found =
                read(&format!("{root}{path}/{file}")).and_then(|text| text.trim().parse::<u64>().ok());
            limit = [limit, found].into_iter().flatten().min();
            let Some(parent) = path.rfind('/') else { break };
            path = &path[..parent];
        }
    }
    limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_allocates_is_seen_at_once() {
        join_thread();
        let before = used();
        let block = vec![1_u8; 8 << 20];
        assert!(used() >= before + block.len() as u64);
        drop(block);
        assert!(used() < before + (4 << 20));
    }

    #[test]
    fn container_limits_are_found() {
        let v2 = |path: &str| match path {
            "/proc/self/cgroup" => Some("0::/a/b\n".to_owned()),
            "/sys/fs/cgroup/a/b/memory.max" => Some("max\n".to_owned()),
            "/sys/fs/cgroup/a/memory.max" => Some("1048576\n".to_owned()),
            _ => None,
        };
        assert_eq!(container_limit(&v2), Some(1 << 20));
        let v1 = |path: &str| match path {
            "/proc/self/cgroup" => Some("5:cpu:/x\n4:memory:/docker/1\n".to_owned()),
            "/sys/fs/cgroup/memory/memory.limit_in_bytes" => Some("4096\n".to_owned()),
            _ => None,
        };
        assert_eq!(container_limit(&v1), Some(4096));
        assert_eq!(container_limit(&|_| None), None);
    }
}
