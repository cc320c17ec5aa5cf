//! Active defragmentation: understood, and without effect.

use crate::config::checks;

super::rows! {
    Defrag;
    /// Move values to defragment memory.
    ACTIVEDEFRAG: bool = flag("activedefrag", false).live_checked(checks::active_defrag).inert().debug();
    /// Wasted bytes from which to start.
    ACTIVE_DEFRAG_IGNORE_BYTES: u64 =
        memory("active-defrag-ignore-bytes", 100 << 20).size_range(1, i64::MAX as u64).inert();
    /// Wasted percentage from which to start.
    ACTIVE_DEFRAG_THRESHOLD_LOWER: i64 = int("active-defrag-threshold-lower", 10).range(0, 1000).inert();
    /// Wasted percentage that deserves the greatest effort.
    ACTIVE_DEFRAG_THRESHOLD_UPPER: i64 = int("active-defrag-threshold-upper", 100).range(0, 1000).inert();
    /// Least percentage of processor time spent.
    ACTIVE_DEFRAG_CYCLE_MIN: i64 = int("active-defrag-cycle-min", 1).range(1, 99).inert();
    /// Greatest percentage of processor time spent.
    ACTIVE_DEFRAG_CYCLE_MAX: i64 = int("active-defrag-cycle-max", 25).range(1, 99).inert();
    /// Elements of a value that are moved at once.
    ACTIVE_DEFRAG_MAX_SCAN_FIELDS: i64 = int("active-defrag-max-scan-fields", 1000).range(1, i64::MAX).inert();
}
