//! The time constants of Sentinel, adjustable with `SENTINEL DEBUG`.

use crate::config::{DEFAULT_DOWN_AFTER_MS, DEFAULT_FAILOVER_TIMEOUT_MS};

/// All in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Periods {
    pub(crate) info: u64,
    pub(crate) ping: u64,
    pub(crate) ask: u64,
    pub(crate) publish: u64,
    pub(crate) default_down_after: u64,
    pub(crate) default_failover_timeout: u64,
    /// How late a timer may be before the process is believed to have been stopped.
    pub(crate) tilt_trigger: u64,
    pub(crate) tilt: u64,
    pub(crate) replica_reconf_timeout: u64,
    pub(crate) min_link_reconnect: u64,
    pub(crate) election_timeout: u64,
    pub(crate) script_max_runtime: u64,
    pub(crate) script_retry_delay: u64,
}

impl Default for Periods {
    fn default() -> Self {
        Periods {
            info: 10_000,
            ping: 1_000,
            ask: 1_000,
            publish: 2_000,
            default_down_after: DEFAULT_DOWN_AFTER_MS,
            default_failover_timeout: DEFAULT_FAILOVER_TIMEOUT_MS,
            tilt_trigger: 2_000,
            tilt: 30_000,
            replica_reconf_timeout: 10_000,
            min_link_reconnect: 15_000,
            election_timeout: 10_000,
            script_max_runtime: 60_000,
            script_retry_delay: 30_000,
        }
    }
}

/// One adjustable constant.
pub(crate) struct Row {
    /// As the option is written; the listing shows it in upper case.
    pub(crate) name: &'static str,
    pub(crate) field: fn(&mut Periods) -> &mut u64,
}

/// In the order of the listing.
pub(crate) const ROWS: &[Row] = &[
    Row { name: "info-period", field: |p| &mut p.info },
    Row { name: "ping-period", field: |p| &mut p.ping },
    Row { name: "ask-period", field: |p| &mut p.ask },
    Row { name: "publish-period", field: |p| &mut p.publish },
    Row { name: "default-down-after", field: |p| &mut p.default_down_after },
    Row { name: "default-failover-timeout", field: |p| &mut p.default_failover_timeout },
    Row { name: "tilt-trigger", field: |p| &mut p.tilt_trigger },
    Row { name: "tilt-period", field: |p| &mut p.tilt },
    Row { name: "slave-reconf-timeout", field: |p| &mut p.replica_reconf_timeout },
    Row { name: "min-link-reconnect-period", field: |p| &mut p.min_link_reconnect },
    Row { name: "election-timeout", field: |p| &mut p.election_timeout },
    Row { name: "script-max-runtime", field: |p| &mut p.script_max_runtime },
    Row { name: "script-retry-delay", field: |p| &mut p.script_retry_delay },
];
