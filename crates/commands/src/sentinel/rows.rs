//! The subcommands of SENTINEL.

use super::ask;
use redan_engine::{Arg, ArgKind, Command, Group, flag};

const MASTER: Arg = Arg::new("master-name", ArgKind::String);
const MASTERS: &str = "O(N) where N is the number of monitored masters";

/// A subcommand: name, number of words, first version, complexity, summary.
const fn row(
    name: &'static str,
    arity: i32,
    since: &'static str,
    complexity: &'static str,
    summary: &'static str,
) -> Command {
    Command::new(name, arity, ask).flags(flag::ADMIN | flag::SENTINEL | flag::ONLY_SENTINEL).docs(
        Group::Sentinel,
        since,
        complexity,
        summary,
    )
}

/// All of them.
pub(super) const SUBCOMMANDS: &[Command] = &[
    row("ckquorum", 3, "2.8.4", "", "Checks for a Redis Sentinel quorum.").args(&[MASTER]),
    row("config", -4, "6.2.0", "O(N) when N is the number of configuration parameters provided", CONFIG)
        .args(CONFIG_ARGS),
    row("debug", -2, "7.0.0", "O(N) where N is the number of configurable parameters", DEBUG)
        .args(&[Arg::block("data", PARAMETER).optional().multiple()]),
    row("failover", 3, "2.8.4", "", "Forces a Redis Sentinel failover.").args(&[MASTER]),
    row("flushconfig", 2, "2.8.4", "O(1)", "Rewrites the Redis Sentinel configuration file."),
    row(
        "get-master-addr-by-name",
        3,
        "2.8.4",
        "O(1)",
        "Returns the port and IP address of a master Redis instance.",
    )
    .args(&[MASTER]),
    row("help", 2, "2.8.4", "O(1)", "Returns helpful text about the different subcommands.")
        .flags(flag::LOADING | flag::STALE | flag::SENTINEL | flag::ONLY_SENTINEL),
    row("info-cache", -3, "3.2.0", "O(N) where N is the number of instances", INFO_CACHE).args(&[Arg::new(
        "nodename",
        ArgKind::String,
    )
    .multiple()]),
    row("is-master-down-by-addr", 6, "2.8.4", "O(1)", "Determines whether a master Redis instance is down.")
        .args(&[
            Arg::new("ip", ArgKind::String),
            Arg::new("port", ArgKind::Integer),
            Arg::new("current-epoch", ArgKind::Integer),
            Arg::new("runid", ArgKind::String),
        ]),
    row("master", 3, "2.8.4", "O(1)", "Returns the state of a master Redis instance.").args(&[MASTER]),
    row("masters", 2, "2.8.4", MASTERS, "Returns a list of monitored Redis masters."),
    row("monitor", 6, "2.8.4", "O(1)", "Starts monitoring.").args(&[
        Arg::new("name", ArgKind::String),
        Arg::new("ip", ArgKind::String),
        Arg::new("port", ArgKind::Integer),
        Arg::new("quorum", ArgKind::Integer),
    ]),
    row("myid", 2, "6.2.0", "O(1)", "Returns the Redis Sentinel instance ID."),
    row("pending-scripts", 2, "2.8.4", "", "Returns information about pending scripts for Redis Sentinel."),
    row("remove", 3, "2.8.4", "O(1)", "Stops monitoring.").args(&[MASTER]),
    row("replicas", 3, "5.0.0", REPLICAS, "Returns a list of the monitored Redis replicas.").args(&[MASTER]),
    row("reset", 3, "2.8.4", MASTERS, "Resets Redis masters by name matching a pattern.")
        .args(&[Arg::new("pattern", ArgKind::Pattern)]),
    row("sentinels", 3, "2.8.4", "O(N) where N is the number of Sentinels", SENTINELS).args(&[MASTER]),
    row("set", -5, "2.8.4", "O(1)", "Changes the configuration of a monitored Redis master.")
        .args(&[MASTER, Arg::block("data", OPTION).multiple()]),
    row("simulate-failure", -3, "3.2.0", "", "Simulates failover scenarios.").args(&[Arg::one_of(
        "mode", FAILURES,
    )
    .optional()
    .multiple()]),
    row("slaves", 3, "2.8.0", REPLICAS, "Returns a list of the monitored replicas.")
        .deprecated("5.0.0", "`SENTINEL REPLICAS`")
        .args(&[MASTER]),
];

const CONFIG: &str = "Configures Redis Sentinel.";
const DEBUG: &str = "Lists or updates the current configurable parameters of Redis Sentinel.";
const INFO_CACHE: &str = "Returns the cached `INFO` replies from the deployment's instances.";
const REPLICAS: &str = "O(N) where N is the number of replicas";
const SENTINELS: &str = "Returns a list of Sentinel instances.";

const PARAMETER: &[Arg] = &[Arg::new("parameter", ArgKind::String), Arg::new("value", ArgKind::String)];
const OPTION: &[Arg] = &[Arg::new("option", ArgKind::String), Arg::new("value", ArgKind::String)];
const CONFIG_ARGS: &[Arg] = &[Arg::one_of(
    "action",
    &[
        Arg::block("set", PARAMETER).after("SET").multiple(),
        Arg::new("parameter", ArgKind::String).after("GET").multiple(),
    ],
)];
const FAILURES: &[Arg] = &[
    Arg::token("crash-after-election", "CRASH-AFTER-ELECTION"),
    Arg::token("crash-after-promotion", "CRASH-AFTER-PROMOTION"),
    Arg::token("help", "HELP"),
];
