//! Parameters for tests and debugging.

super::rows! {
    TestOnly;
    /// Microseconds to wait after each key that is saved; negative: keys per microsecond.
    RDB_KEY_SAVE_DELAY: i64 = int("rdb-key-save-delay", 0).range(i32::MIN as i64, i32::MAX as i64).hidden();
    /// Microseconds to wait after each key that is loaded; negative: keys per microsecond.
    KEY_LOAD_DELAY: i64 = int("key-load-delay", 0).range(i32::MIN as i64, i32::MAX as i64).hidden();
    /// Bytes loaded between two looks at clients.
    LOADING_PROCESS_EVENTS_INTERVAL_BYTES: i64 =
        int("loading-process-events-interval-bytes", 512 << 10).range(1024, i32::MAX as i64).hidden();
    /// Milliseconds after which a stuck server logs where it is stuck; 0 for never.
    WATCHDOG_PERIOD: i64 = int("watchdog-period", 0).hidden().inert();
    /// File that records requests and replies.
    REQ_RES_LOGFILE: str = optional("req-res-logfile").immutable().hidden().inert();
    /// Protocol version of a client that has not said HELLO.
    CLIENT_DEFAULT_RESP: i64 = int("client-default-resp", 2).range(2, 3).immutable().hidden().inert();
}
