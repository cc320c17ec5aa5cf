//! The memory limit, eviction and expiry.

use crate::config::choices::{MaxmemoryPolicy, OomScoreAdj};
use crate::config::value::Amount;

super::rows! {
    Memory;
    /// Bytes the dataset may use, 0 for no limit; a percentage is of the memory of the container or machine.
    MAXMEMORY: Amount = memory("maxmemory", 0).size_range(0, u64::MAX).or_percent();
    /// Which keys are evicted beyond that.
    MAXMEMORY_POLICY: MaxmemoryPolicy =
        choice("maxmemory-policy", MaxmemoryPolicy::NAMES, MaxmemoryPolicy::NoEviction as i64);
    /// Keys looked at to choose one to evict.
    MAXMEMORY_SAMPLES: i64 = int("maxmemory-samples", 5).range(1, 64);
    /// How long eviction may delay clients: 0 barely, 100 for as long as it takes.
    MAXMEMORY_EVICTION_TENACITY: i64 = int("maxmemory-eviction-tenacity", 10).range(0, 100).inert();
    /// How many accesses it takes to saturate the frequency counter of a key.
    LFU_LOG_FACTOR: i64 = int("lfu-log-factor", 10);
    /// Minutes after which the frequency counter of a key falls by one.
    LFU_DECAY_TIME: i64 = int("lfu-decay-time", 1);
    /// How hard expired keys are looked for, 1 to 10.
    ACTIVE_EXPIRE_EFFORT: i64 = int("active-expire-effort", 1).range(1, 10);
    /// Adjust the process's out-of-memory score.
    OOM_SCORE_ADJ: OomScoreAdj = choice("oom-score-adj", OomScoreAdj::NAMES, OomScoreAdj::No as i64);
    /// Scores of a master, a replica and a background process.
    OOM_SCORE_ADJ_VALUES: [i32; 3] = special("oom-score-adj-values", Kind::OomScores);
    /// Keep huge pages away from the process; without effect, because nothing forks.
    DISABLE_THP: bool = flag("disable-thp", true).immutable().inert();
    /// Let the allocator return memory in the background.
    JEMALLOC_BG_THREAD: bool = flag("jemalloc-bg-thread", true);
    /// Rehash tables in the background; without effect, because tables grow without pauses.
    ACTIVEREHASHING: bool = flag("activerehashing", true).inert();
}
