//! Freeing what takes long to free, on a thread of its own.

use crate::memory;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};

/// The thread, which is started when there is something to free for the first time.
#[derive(Default)]
pub(crate) struct LazyFree {
    queue: OnceLock<Option<Sender<Box<dyn Send>>>>,
    counts: std::sync::Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    added: AtomicU64,
    freed: AtomicU64,
}

impl LazyFree {
    /// Has a value dropped soon.
    pub(crate) fn add(&self, garbage: Box<dyn Send>) {
        self.counts.added.fetch_add(1, Relaxed);
        let queue = self.queue.get_or_init(|| self.start());
        let kept = match queue {
            Some(queue) => queue.send(garbage).map_err(|back| back.0),
            None => Err(garbage),
        };
        if let Err(garbage) = kept {
            // Without the thread it is dropped here.
            drop(garbage);
            self.counts.freed.fetch_add(1, Relaxed);
        }
    }

    /// How many values wait to be dropped.
    pub(crate) fn pending(&self) -> u64 {
        self.counts.added.load(Relaxed).saturating_sub(self.counts.freed.load(Relaxed))
    }

    fn start(&self) -> Option<Sender<Box<dyn Send>>> {
        let (sender, values) = channel::<Box<dyn Send>>();
        let counts = std::sync::Arc::clone(&self.counts);
        let free = move || {
            memory::join_thread();
            while let Ok(garbage) = values.recv() {
                drop(garbage);
                counts.freed.fetch_add(1, Relaxed);
                memory::publish();
            }
        };
        let thread = std::thread::Builder::new().name("lazyfree".to_owned()).spawn(free);
        thread.map(|_| sender).inspect_err(|error| tracing::warn!("No thread to free memory: {error}")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_dropped_and_counted() {
        struct Tell(Sender<()>);
        impl Drop for Tell {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let (sender, dropped) = channel();
        let lazy = LazyFree::default();
        lazy.add(Box::new(Tell(sender)));
        dropped.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
        while lazy.pending() > 0 {
            std::thread::yield_now();
        }
    }
}
