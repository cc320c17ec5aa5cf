//! MEMORY: where memory goes.

use crate::arg;
use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Flags, Group, InfoSection, KeySpec, errors, flag, key_flag,
};
use redan_keyspace::DbIndex;
use redan_resp::Args;
use std::collections::HashMap;

const NO_FLAGS: Flags = 0;

/// A subcommand.
const fn sub(
    name: &'static str,
    arity: i32,
    handler: redan_engine::Handler,
    (flags, complexity, summary): (Flags, &'static str, &'static str),
) -> Command {
    Command::new(name, arity, handler).flags(flags).docs(Group::Server, "4.0.0", complexity, summary)
}

/// MEMORY subcommand [argument]
pub(super) const MEMORY: Command = Command::new("memory", -2, crate::container)
    .docs(Group::Server, "4.0.0", "Depends on subcommand.", "A container for memory diagnostics commands.")
    .subcommands(&[
        sub("doctor", 2, doctor, (NO_FLAGS, "O(1)", "Outputs a memory problems report.")).tips(&[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ]),
        sub(
            "help",
            2,
            help,
            (flag::LOADING | flag::STALE, "O(1)", "Returns helpful text about the subcommands."),
        ),
        sub(
            "malloc-stats",
            2,
            malloc_stats,
            (
                NO_FLAGS,
                "Depends on how much memory is allocated, could be slow",
                "Returns the allocator statistics.",
            ),
        )
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]),
        sub(
            "purge",
            2,
            purge,
            (
                NO_FLAGS,
                "Depends on how much memory is allocated, could be slow",
                "Asks the allocator to release memory.",
            ),
        )
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
        sub("stats", 2, stats, (NO_FLAGS, "O(1)", "Returns details about memory usage.")).tips(&[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ]),
        sub(
            "usage",
            -3,
            usage,
            (
                flag::READONLY,
                "O(N) where N is the number of samples.",
                "Estimates the memory usage of a key.",
            ),
        )
        .keys(&[KeySpec::one(2, key_flag::RO)])
        .args(&[Arg::key("key", 0), Arg::new("count", ArgKind::Integer).after("SAMPLES").optional()]),
    ]);

/// Elements looked at to say what a value takes.
const DEFAULT_SAMPLES: usize = 5;

fn usage(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut options = args.skip(3).iter();
    let mut samples = DEFAULT_SAMPLES;
    while let Some(option) = options.next() {
        let number = options.next().filter(|_| arg::is(option, "SAMPLES")).ok_or(errors::SYNTAX)?;
        samples = usize::try_from(arg::int(number)?).map_err(|_| errors::SYNTAX)?;
    }
    match cx.view.peek(&cx.key(&args[2])) {
        Some(entry) => cx.out.int(entry.memory_usage(samples) as i64),
        None => cx.out.null(),
    }
    Ok(())
}

/// The numbers of INFO memory.
struct Figures(HashMap<String, f64>);

impl Figures {
    fn read(cx: &Cx<'_, '_>) -> Self {
        let mut text = String::new();
        cx.host().info(InfoSection::Memory, &mut text);
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        Self(fields.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
    }

    fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0)
    }
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part * 100.0 / whole } else { 0.0 }
}

/// What is counted as a number of bytes: the name here and in INFO.
const SUMS: &[(&str, &str)] = &[
    ("peak.allocated", "used_memory_peak"),
    ("total.allocated", "used_memory"),
    ("startup.allocated", "used_memory_startup"),
    ("replication.backlog", "mem_replication_backlog"),
    ("clients.slaves", "mem_clients_slaves"),
    ("clients.normal", "mem_clients_normal"),
    ("cluster.links", "mem_cluster_links"),
    ("aof.buffer", "mem_aof_buffer"),
    ("lua.caches", "used_memory_scripts_eval"),
    ("functions.caches", "used_memory_functions"),
    ("script.VMs", "used_memory_vm_total"),
];

/// The same, behind the databases.
const ALLOCATOR_SUMS: &[(&str, &str)] = &[
    ("allocator.allocated", "allocator_allocated"),
    ("allocator.active", "allocator_active"),
    ("allocator.resident", "allocator_resident"),
    ("allocator.muzzy", "allocator_muzzy"),
];

const RATIOS: &[(&str, &str)] = &[
    ("allocator-fragmentation.ratio", "allocator_frag_ratio"),
    ("allocator-rss.ratio", "allocator_rss_ratio"),
    ("rss-overhead.ratio", "rss_overhead_ratio"),
    ("fragmentation", "mem_fragmentation_ratio"),
];

/// The same in bytes, which may be negative.
const DIFFERENCES: &[(&str, &str)] = &[
    ("allocator-fragmentation.bytes", "allocator_frag_bytes"),
    ("allocator-rss.bytes", "allocator_rss_bytes"),
    ("rss-overhead.bytes", "rss_overhead_bytes"),
    ("fragmentation.bytes", "mem_fragmentation_bytes"),
];

fn stats(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let figures = Figures::read(cx);
    let keyspace = cx.engine.keyspace();
    let databases: Vec<DbIndex> =
        (0..keyspace.databases()).map(DbIndex).filter(|db| keyspace.len(*db) > 0).collect();
    let tables: usize = databases.iter().map(|db| keyspace.table_memory_usage(*db)).sum();
    let keys: u64 = databases.iter().map(|db| keyspace.len(*db)).sum();
    let used = figures.get("used_memory");
    let kept: f64 = SUMS[3..].iter().map(|(_, name)| figures.get(name)).sum();
    let overhead = figures.get("used_memory_startup") + kept + tables as f64;
    let dataset = (used - overhead).max(0.0);
    let net = (used - figures.get("used_memory_startup")).max(0.0);

    let (header, mut pairs) = (cx.out.begin_deferred(), 0);
    let mut int = |cx: &mut Cx<'_, '_>, name: &str, value: f64| {
        cx.out.bulk(name.as_bytes());
        cx.out.int(value as i64);
        pairs += 1;
    };
    SUMS.iter().for_each(|(name, field)| int(cx, name, figures.get(field)));
    for db in &databases {
        cx.out.bulk(format!("db.{}", db.0).as_bytes());
        cx.out.map(2);
        cx.out.bulk(b"overhead.hashtable.main");
        cx.out.int(keyspace.table_memory_usage(*db) as i64);
        // Expiries lie in the same table.
        cx.out.bulk(b"overhead.hashtable.expires");
        cx.out.int(0);
    }
    int(cx, "overhead.db.hashtable.lut", tables as f64);
    // Tables grow in place: none is ever between two sizes.
    int(cx, "overhead.db.hashtable.rehashing", 0.0);
    int(cx, "db.dict.rehashing.count", 0.0);
    int(cx, "overhead.total", overhead);
    int(cx, "keys.count", keys as f64);
    int(cx, "keys.bytes-per-key", if keys > 0 { net / keys as f64 } else { 0.0 });
    int(cx, "dataset.bytes", dataset);
    ALLOCATOR_SUMS.iter().for_each(|(name, field)| int(cx, name, figures.get(field)));
    DIFFERENCES.iter().for_each(|(name, field)| int(cx, name, figures.get(field)));
    let percentages = [
        ("dataset.percentage", percent(dataset, net)),
        ("peak.percentage", percent(used, figures.get("used_memory_peak"))),
    ];
    let ratios = RATIOS.iter().map(|(name, field)| (*name, figures.get(field)));
    let doubles: Vec<_> = percentages.into_iter().chain(ratios).collect();
    for (name, value) in &doubles {
        cx.out.bulk(name.as_bytes());
        cx.out.double(*value);
    }
    pairs += doubles.len() + databases.len();
    cx.out.end_deferred_map(header, pairs);
    Ok(())
}

fn purge(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.host().purge_memory();
    cx.out.ok();
    Ok(())
}

/// The allocator's share of INFO memory.
fn malloc_stats(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let mut text = String::new();
    cx.host().info(InfoSection::Memory, &mut text);
    let lines =
        text.lines().filter(|line| line.starts_with("allocator_") || line.starts_with("mem_allocator:"));
    let stats: String = lines.map(|line| format!("{line}\n")).collect();
    cx.out.verbatim("txt", stats.as_bytes());
    Ok(())
}

/// Below this there is nothing to complain about, bytes.
const LITTLE: f64 = 5.0 * 1024.0 * 1024.0;

fn doctor(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let figures = Figures::read(cx);
    let used = figures.get("used_memory");
    let mut findings = Vec::new();
    if used < LITTLE {
        findings.push(
            "This instance is (nearly) empty: there is nothing to say about its memory yet.".to_owned(),
        );
    } else {
        if figures.get("used_memory_peak") > used * 1.5 {
            findings.push(
                "Memory in use was more than half again as high once. Pages of that time may still be resident."
                    .to_owned(),
            );
        }
        if figures.get("mem_fragmentation_ratio") > 1.4
            && figures.get("mem_fragmentation_bytes") > LITTLE * 2.0
        {
            findings.push(
                "The process takes over 40 % more memory than its data: high fragmentation.".to_owned(),
            );
        }
        let clients = figures.get("mem_clients_normal");
        if clients > used / 10.0 {
            findings.push(
                "Clients take over a tenth of the memory: look for slow readers in CLIENT LIST.".to_owned(),
            );
        }
        if figures.get("mem_clients_slaves") > used / 10.0 {
            findings.push("Replicas that lag take over a tenth of the memory.".to_owned());
        }
        if findings.is_empty() {
            findings.push("No memory problem found.".to_owned());
        }
    }
    cx.out.verbatim("txt", (findings.join("\n") + "\n").as_bytes());
    Ok(())
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "MEMORY",
        &[
            ("DOCTOR", "What looks wrong about the use of memory."),
            ("MALLOC-STATS", "The figures of the allocator."),
            ("PURGE", "Give memory that the allocator keeps in reserve back to the system."),
            ("STATS", "Where memory goes."),
            ("USAGE <key> [SAMPLES <count>]", "The bytes a key and its value take."),
        ],
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn a_longer_value_takes_more() {
        let mut rig = Rig::new();
        assert_eq!(rig.run("MEMORY USAGE a"), "$-1");
        rig.run("SET a b");
        let short: i64 = rig.run("MEMORY USAGE a")[1..].parse().unwrap();
        rig.run(&format!("SET a {}", "b".repeat(1000)));
        let long: i64 = rig.run("MEMORY USAGE a SAMPLES 0")[1..].parse().unwrap();
        assert!(short > 0 && long >= short + 900, "{short} {long}");
        assert_eq!(rig.run("MEMORY USAGE a SAMPLES"), "-ERR syntax error");
        assert_eq!(rig.run("MEMORY USAGE a SAMPLES -1"), "-ERR syntax error");
    }

    #[test]
    fn stats_name_databases_in_use() {
        let mut rig = Rig::new();
        rig.run("HELLO 3");
        rig.run("SET a b");
        let stats = rig.run("MEMORY STATS");
        assert!(stats.contains("|$4|db.0|%2|$23|overhead.hashtable.main|:"), "{stats}");
        assert!(stats.contains("|$10|keys.count|:1|") && !stats.contains("db.1"), "{stats}");
        assert!(rig.run("MEMORY DOCTOR").contains("empty"));
        assert_eq!(rig.run("MEMORY PURGE"), "+OK");
    }
}
