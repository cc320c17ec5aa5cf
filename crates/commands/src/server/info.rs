//! INFO.
//!
//! Sections about the process and its links are the host's; those about commands and keys are printed here.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, CommandEntry, Cx, Engine, Group, InfoSection, condition, flag,
};
use redan_keyspace::DbIndex;
use redan_resp::Args;
use std::fmt::Write;

/// INFO [section [section ...]]
pub(super) const INFO: Command = Command::new("info", -1, info)
    .flags(flag::LOADING | flag::STALE | flag::SENTINEL)
    .acl(redan_engine::category::DANGEROUS)
    .docs(Group::Server, "1.0.0", "O(1)", "Returns information and statistics about the server.")
    .args(&[Arg::new("section", ArgKind::String).optional().multiple()])
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]);

/// A section: its name in requests, its title, whether it is shown unasked, how it is printed.
struct Section {
    name: &'static str,
    title: &'static str,
    shown: Shown,
    print: fn(&Engine, &mut String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// In plain INFO.
    Default,
    /// In INFO all.
    All,
    /// In INFO everything.
    Everything,
}

const SECTIONS: &[Section] = &[
    Section {
        name: "server",
        title: "Server",
        shown: Shown::Default,
        print: |e, out| e.host().info(InfoSection::Server, out),
    },
    Section {
        name: "clients",
        title: "Clients",
        shown: Shown::Default,
        print: |e, out| e.host().info(InfoSection::Clients, out),
    },
    Section {
        name: "memory",
        title: "Memory",
        shown: Shown::Default,
        print: |e, out| e.host().info(InfoSection::Memory, out),
    },
    Section {
        name: "persistence",
        title: "Persistence",
        shown: Shown::Default,
        print: |e, out| e.host().info(InfoSection::Persistence, out),
    },
    Section {
        name: "threads",
        title: "Threads",
        shown: Shown::Everything,
        print: |e, out| e.host().info(InfoSection::Threads, out),
    },
    Section {
        name: "stats",
        title: "Stats",
        shown: Shown::Default,
        print: |e, out| e.host().info(InfoSection::Stats, out),
    },
    Section {
        name: "replication",
        title: "Replication",
        shown: Shown::Default,
        print: |e, out| e.host().info(InfoSection::Replication, out),
    },
    Section {
        name: "cpu",
        title: "CPU",
        shown: Shown::Default,
        print: |e, out| e.host().info(InfoSection::Cpu, out),
    },
    Section { name: "modules", title: "Modules", shown: Shown::Everything, print: |_, _| {} },
    Section { name: "commandstats", title: "Commandstats", shown: Shown::All, print: commandstats },
    Section { name: "latencystats", title: "Latencystats", shown: Shown::All, print: latencystats },
    Section { name: "errorstats", title: "Errorstats", shown: Shown::Default, print: errorstats },
    Section {
        name: "cluster",
        title: "Cluster",
        shown: Shown::Default,
        print: |_, out| out.push_str("cluster_enabled:0\r\n"),
    },
    Section { name: "keyspace", title: "Keyspace", shown: Shown::Default, print: keyspace },
    Section { name: "keysizes", title: "Keysizes", shown: Shown::Everything, print: super::keysizes::print },
];

const SENTINEL_SECTIONS: &[Section] = &[
    Section {
        name: "server",
        title: "Server",
        shown: Shown::Default,
        print: |e, out| e.host().info(InfoSection::Server, out),
    },
    Section {
        name: "clients",
        title: "Clients",
        shown: Shown::Default,
        print: |e, out| e.host().info(InfoSection::Clients, out),
    },
    Section {
        name: "cpu",
        title: "CPU",
        shown: Shown::Default,
        print: |e, out| e.host().info(InfoSection::Cpu, out),
    },
    Section {
        name: "stats",
        title: "Stats",
        shown: Shown::Default,
        print: |e, out| e.host().info(InfoSection::Stats, out),
    },
    Section {
        name: "sentinel",
        title: "Sentinel",
        shown: Shown::Default,
        print: |e, out| e.host().info(InfoSection::Sentinel, out),
    },
];

fn info(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let sections = if cx.engine.conditions().any(condition::SENTINEL) { SENTINEL_SECTIONS } else { SECTIONS };
    let wanted: Vec<String> =
        args.skip(1).iter().map(|name| String::from_utf8_lossy(name).to_lowercase()).collect();
    let mut out = String::new();
    for section in sections.iter().filter(|section| is_wanted(section, &wanted)) {
        if !out.is_empty() {
            out.push_str("\r\n");
        }
        let _ = write!(out, "# {}\r\n", section.title);
        (section.print)(cx.engine, &mut out);
    }
    cx.out.verbatim("txt", out.as_bytes());
    Ok(())
}

fn is_wanted(section: &Section, wanted: &[String]) -> bool {
    if wanted.is_empty() {
        return section.shown == Shown::Default;
    }
    wanted.iter().any(|name| match name.as_str() {
        "default" => section.shown == Shown::Default,
        "all" => section.shown != Shown::Everything,
        "everything" => true,
        name => name == section.name,
    })
}

fn commandstats(engine: &Engine, out: &mut String) {
    for entry in engine.table().entries() {
        let [calls, nanos, rejected, failed] = engine.command_totals(entry.index);
        if calls + rejected + failed == 0 {
            continue;
        }
        let usec = nanos / 1000;
        let per_call = if calls == 0 { 0.0 } else { nanos as f64 / 1000.0 / calls as f64 };
        let _ = write!(
            out,
            "cmdstat_{}:calls={calls},usec={usec},usec_per_call={per_call:.2},rejected_calls={rejected},failed_calls={failed}\r\n",
            stat_name(entry),
        );
    }
}

fn latencystats(engine: &Engine, out: &mut String) {
    let settings = engine.settings();
    if !settings.latency_tracking {
        return;
    }
    for entry in engine.table().entries() {
        let latencies = engine.command_latencies(entry.index);
        if latencies.count() == 0 {
            continue;
        }
        let percentiles = settings.latency_percentiles.iter();
        let values: Vec<String> = percentiles
            .map(|&percent| format!("p{percent}={:.3}", latencies.percentile(percent) as f64 / 1000.0))
            .collect();
        let _ = write!(out, "latency_percentiles_usec_{}:{}\r\n", stat_name(entry), values.join(","));
    }
}

/// A command's name as a field name.
fn stat_name(entry: &CommandEntry) -> String {
    entry.full_name.replace([' ', ':', '\r', '\n'], "_")
}

fn errorstats(engine: &Engine, out: &mut String) {
    for (code, count) in engine.errors().all() {
        let _ = write!(out, "errorstat_{code}:count={count}\r\n");
    }
}

fn keyspace(engine: &Engine, out: &mut String) {
    let keyspace = engine.keyspace();
    for db in (0..keyspace.databases()).map(DbIndex) {
        let (keys, expires) = (keyspace.len(db), keyspace.expires_len(db));
        if keys > 0 {
            let avg_ttl = keyspace.avg_ttl_ms(db);
            let hashes = keyspace.hashes_with_expiring_fields(db);
            let _ = write!(
                out,
                "db{}:keys={keys},expires={expires},avg_ttl={avg_ttl},subexpiry={hashes}\r\n",
                db.0
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn sections_are_shown_as_asked() {
        let mut rig = Rig::new();
        let plain = rig.run("INFO");
        assert!(
            plain.contains("# Server|") && plain.contains("# Keyspace|") && !plain.contains("# Commandstats")
        );
        let one = rig.run("INFO commandstats");
        assert!(one.contains("cmdstat_info:calls=1,") && !one.contains("# Server"), "{one}");
        assert!(rig.run("INFO everything").contains("# Modules|"));
        assert_eq!(rig.run("INFO nonsense"), "$0|");
    }

    #[test]
    fn errors_are_counted_by_code() {
        let mut rig = Rig::new();
        rig.run("NOPE");
        rig.run("GET");
        let info = rig.run("INFO errorstats commandstats");
        assert!(info.contains("errorstat_ERR:count=2|"), "{info}");
        assert_eq!(rig.engine.totals().error_replies, 2);
        assert!(
            info.contains("cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0|")
        );
    }
}
