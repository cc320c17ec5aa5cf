//! What a thread that runs commands keeps for itself.

use crate::batch::Batch;
use crate::stats::WorkerStats;
use crate::{Effects, Engine, SlotId};
use crossbeam_utils::CachePadded;
use redan_keyspace::EvictionPool;
use redan_resp::ReplyBuf;
use std::sync::Arc;

/// A thread's place in the engine: its slot in the gate, its statistics and its reusable buffers. One for each worker,
/// and one for each background thread that touches the dataset.
pub struct Worker {
    pub(crate) slot: SlotId,
    pub(crate) stats: Arc<CachePadded<WorkerStats>>,
    pub(crate) effects: Effects,
    pub(crate) batch: Batch,
    /// The monotonic clock when the last command ended, ns: the next one's start.
    pub(crate) tick_ns: u64,
    /// Memory for the replies to commands of scripts.
    pub(crate) script_out: ReplyBuf,
    /// Candidates for eviction.
    pub(crate) eviction: EvictionPool,
    /// A snapshot was handed entries and may be full.
    pub(crate) handed_over: bool,
    /// Something was appended to the log and its readers have not been told.
    pub(crate) appended: bool,
    /// It never passes the gate: it runs only what may run beside a script that keeps the server busy.
    pub(crate) beside_scripts: bool,
    /// Whether it waits for a snapshot to have room.
    pub(crate) may_wait: bool,
}

impl Worker {
    /// A place for the calling thread.
    pub fn new(engine: &Engine) -> Self {
        Self {
            slot: engine.gate().claim_slot(),
            stats: engine.add_worker_stats(),
            effects: Effects::default(),
            batch: Batch::default(),
            tick_ns: 0,
            script_out: ReplyBuf::default(),
            eviction: EvictionPool::new(),
            handed_over: false,
            appended: false,
            beside_scripts: false,
            may_wait: true,
        }
    }

    /// The same for a thread that must never wait for a snapshot, because the snapshot waits for it.
    pub fn without_waiting(self) -> Self {
        Self { may_wait: false, ..self }
    }

    /// A place for a thread that runs only what may run beside a script that keeps the server busy.
    pub fn beside_scripts(engine: &Engine) -> Self {
        Self { beside_scripts: true, ..Self::new(engine) }
    }

    /// Whether it runs only such commands.
    pub fn is_beside_scripts(&self) -> bool {
        self.beside_scripts
    }

    /// The slot in the gate.
    pub fn slot(&self) -> SlotId {
        self.slot
    }

    /// Counts a read from a socket.
    pub fn count_read(&self, bytes: usize) {
        crate::stats::bump(&self.stats.net_in, bytes as u64);
        crate::stats::bump(&self.stats.reads, 1);
    }

    /// Counts a write to a socket.
    pub fn count_write(&self, bytes: usize) {
        crate::stats::bump(&self.stats.net_out, bytes as u64);
        crate::stats::bump(&self.stats.writes, 1);
    }
}
