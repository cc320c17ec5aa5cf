//! SLOWLOG: the last commands that took longer than `slowlog-log-slower-than`.

use crate::redact::redacted;
use crate::{CommandEntry, Engine, Session, flag};
use parking_lot::Mutex;
use redan_resp::Args;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Arguments kept of a command; one more says how many were left out.
const MAX_ARGS: usize = 32;
/// Bytes kept of an argument.
const MAX_ARG_LEN: usize = 128;

/// A slow command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowCommand {
    /// Counts all slow commands since the start.
    pub id: u64,
    /// When it ran, Unix seconds.
    pub at_s: i64,
    /// How long it took, microseconds.
    pub took_us: u64,
    /// Its arguments, shortened.
    pub args: Vec<Vec<u8>>,
    /// Who sent it.
    pub addr: String,
    /// The sender's name.
    pub name: String,
}

/// See the module's text.
pub struct Slowlog {
    /// Commands that took longer are logged, ns; `u64::MAX` for none.
    threshold_ns: AtomicU64,
    max_len: AtomicUsize,
    log: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    /// Newest in front.
    queue: VecDeque<SlowCommand>,
    next_id: u64,
}

impl Default for Slowlog {
    fn default() -> Self {
        Self {
            threshold_ns: AtomicU64::new(10_000_000),
            max_len: AtomicUsize::new(128),
            log: Mutex::default(),
        }
    }
}

impl Slowlog {
    /// Sets `slowlog-log-slower-than` (microseconds; negative for never) and `slowlog-max-len`.
    pub(crate) fn configure(&self, slower_than_us: i64, max_len: usize) {
        let threshold = u64::try_from(slower_than_us).map_or(u64::MAX, |micros| micros.saturating_mul(1000));
        self.threshold_ns.store(threshold, Ordering::Relaxed);
        self.max_len.store(max_len, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_slow(&self, nanos: u64) -> bool {
        nanos >= self.threshold_ns.load(Ordering::Relaxed)
    }

    /// The newest commands, newest first.
    pub fn newest(&self, count: usize) -> Vec<SlowCommand> {
        self.log.lock().queue.iter().take(count).cloned().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.log.lock().queue.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all.
    pub fn reset(&self) {
        self.log.lock().queue.clear();
    }

    fn add(&self, mut command: SlowCommand) {
        let max_len = self.max_len.load(Ordering::Relaxed);
        if max_len == 0 {
            return;
        }
        let mut log = self.log.lock();
        command.id = log.next_id;
        log.next_id += 1;
        log.queue.push_front(command);
        log.queue.truncate(max_len);
    }
}

impl Engine {
    /// The slow log.
    pub fn slowlog(&self) -> &Slowlog {
        &self.slowlog
    }

    /// Logs a command that was slow.
    #[cold]
    pub(crate) fn note_slow(&self, session: &Session, entry: &CommandEntry, args: Args<'_>, nanos: u64) {
        if entry.has(flag::SKIP_SLOWLOG) {
            return;
        }
        let hidden = redacted(entry, args);
        let (addr, name) = {
            let meta = session.state.client.meta.lock();
            (meta.addr.clone(), meta.name.clone())
        };
        self.slowlog.add(SlowCommand {
            id: 0,
            at_s: self.clock().wall_ms() / 1000,
            took_us: nanos / 1000,
            args: shortened(hidden.as_ref().map_or(args, |shown| shown.as_args())),
            addr,
            name,
        });
    }
}

fn shortened(args: Args<'_>) -> Vec<Vec<u8>> {
    let whole = args.len() <= MAX_ARGS;
    let kept = if whole { args.len() } else { MAX_ARGS - 1 };
    let mut short: Vec<Vec<u8>> = args.iter().take(kept).map(shortened_arg).collect();
    if !whole {
        short.push(format!("... ({} more arguments)", args.len() - kept).into_bytes());
    }
    short
}

fn shortened_arg(arg: &[u8]) -> Vec<u8> {
    if arg.len() <= MAX_ARG_LEN {
        return arg.to_vec();
    }
    let mut short = arg[..MAX_ARG_LEN].to_vec();
    short.extend_from_slice(format!("... ({} more bytes)", arg.len() - MAX_ARG_LEN).as_bytes());
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use redan_resp::OwnedArgs;

    #[test]
    fn long_commands_are_shortened() {
        let args: OwnedArgs = (0..40).map(|at| if at == 1 { vec![b'x'; 200] } else { b"a".to_vec() }).fold(
            OwnedArgs::new(),
            |mut args, arg| {
                args.push(&arg);
                args
            },
        );
        let short = shortened(args.as_args());
        assert_eq!(short.len(), 32);
        assert!(short[1].ends_with(b"xxx... (72 more bytes)"));
        assert_eq!(short[31], b"... (9 more arguments)");
    }

    #[test]
    fn the_log_keeps_the_newest() {
        let log = Slowlog::default();
        log.configure(0, 2);
        for took_us in 0..3 {
            let args = Vec::new();
            log.add(SlowCommand { id: 0, at_s: 0, took_us, args, addr: String::new(), name: String::new() });
        }
        let kept: Vec<_> = log.newest(10).iter().map(|entry| (entry.id, entry.took_us)).collect();
        assert_eq!(kept, [(2, 2), (1, 1)]);
        log.configure(-1, 2);
        assert!(!log.is_slow(1 << 40));
    }
}
