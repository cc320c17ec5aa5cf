//! The slow log, latencies and keyspace events.

super::rows! {
    Observability;
    /// Microseconds a command may take before it is logged as slow; 0 logs all, -1 none.
    SLOWLOG_LOG_SLOWER_THAN: i64 = int("slowlog-log-slower-than", 10_000).range(-1, i64::MAX);
    /// Entries the slow log keeps.
    SLOWLOG_MAX_LEN: i64 = int("slowlog-max-len", 128).range(0, i64::MAX);
    /// Milliseconds from which the latency monitor records an event; 0 for never.
    LATENCY_MONITOR_THRESHOLD: i64 = int("latency-monitor-threshold", 0).range(0, i64::MAX);
    /// Keep a histogram of the duration of each command.
    LATENCY_TRACKING: bool = flag("latency-tracking", true);
    /// Percentiles of it that INFO shows.
    LATENCY_TRACKING_INFO_PERCENTILES: [f64] = special("latency-tracking-info-percentiles", Kind::Percentiles);
    /// Which keyspace events are published, as letters in canonical order.
    NOTIFY_KEYSPACE_EVENTS: str = special("notify-keyspace-events", Kind::Notify);
}
