//! LATENCY: how long commands take, and what took too long.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, CommandEntry, Cx, Flags, Group, Handler, LatencySeries, errors, flag,
};
use redan_resp::Args;
use std::fmt::Write;

const FLAGS: Flags = flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE;

/// A subcommand.
const fn sub(
    name: &'static str,
    arity: i32,
    handler: Handler,
    (since, complexity, summary): (&'static str, &'static str, &'static str),
) -> Command {
    Command::new(name, arity, handler).flags(FLAGS).docs(Group::Server, since, complexity, summary).tips(&[
        "nondeterministic_output",
        "request_policy:all_nodes",
        "response_policy:special",
    ])
}

const EVENT: &[Arg] = &[Arg::new("event", ArgKind::String)];

/// LATENCY subcommand [argument [argument ...]]
pub(super) const LATENCY: Command = Command::new("latency", -2, crate::container)
    .docs(Group::Server, "2.8.13", "Depends on subcommand.", "A container for latency diagnostics commands.")
    .subcommands(&[
        sub("doctor", 2, doctor, ("2.8.13", "O(1)", "Returns a human-readable latency analysis report.")),
        sub("graph", 3, graph, ("2.8.13", "O(1)", "Returns a latency graph for an event.")).args(EVENT),
        Command::new("help", 2, help).flags(flag::LOADING | flag::STALE).docs(
            Group::Server,
            "2.8.13",
            "O(1)",
            "Returns helpful text about the subcommands.",
        ),
        sub(
            "histogram",
            -2,
            histogram,
            (
                "7.0.0",
                "O(N) where N is the number of commands with latency information being retrieved.",
                "Returns the cumulative distribution of latencies of a subset or all commands.",
            ),
        )
        .args(&[Arg::new("command", ArgKind::String).optional().multiple()]),
        sub("history", 3, history, ("2.8.13", "O(1)", "Returns timestamp-latency samples for an event."))
            .args(EVENT),
        sub("latest", 2, latest, ("2.8.13", "O(1)", "Returns the latest latency samples for all events.")),
        sub("reset", -2, reset, ("2.8.13", "O(1)", "Resets the latency data for one or more events."))
            .args(&[Arg::new("event", ArgKind::String).optional().multiple()])
            .tips(&["request_policy:all_nodes", "response_policy:agg_sum"]),
    ]);

fn histogram(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let table = cx.engine.table();
    let mut wanted: Vec<&CommandEntry> = Vec::new();
    if args.len() == 2 {
        wanted.extend(table.entries());
    }
    for name in args.skip(2).iter() {
        if let Some(entry) = super::command::named(table, name) {
            wanted.push(entry);
            wanted.extend(entry.subcommands.iter().map(|&sub| table.entry(sub)));
        }
    }
    let (header, mut shown) = (cx.out.begin_deferred(), 0);
    for entry in wanted {
        let latencies = cx.engine.command_latencies(entry.index);
        if latencies.count() == 0 {
            continue;
        }
        shown += 1;
        cx.out.bulk(entry.full_name.as_bytes());
        cx.out.map(2);
        cx.out.bulk(b"calls");
        cx.out.int(latencies.count() as i64);
        cx.out.bulk(b"histogram_usec");
        let steps = latencies.cumulative();
        cx.out.map(steps.len());
        for (micros, count) in steps {
            cx.out.int(micros as i64);
            cx.out.int(count as i64);
        }
    }
    cx.out.end_deferred_map(header, shown);
    Ok(())
}

fn latest(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let events = cx.engine.latency().events();
    cx.out.array(events.len());
    for (event, series) in events {
        let last = series.samples.back();
        cx.out.array(4);
        cx.out.bulk(event.as_bytes());
        cx.out.int(last.map_or(0, |sample| sample.at_s));
        cx.out.int(last.map_or(0, |sample| sample.took_ms as i64));
        cx.out.int(series.max_ms as i64);
    }
    Ok(())
}

fn history(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let series = cx.engine.latency().event(&args[2]).unwrap_or_default();
    cx.out.array(series.samples.len());
    for sample in series.samples {
        cx.out.array(2);
        cx.out.int(sample.at_s);
        cx.out.int(sample.took_ms as i64);
    }
    Ok(())
}

fn reset(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let latency = cx.engine.latency();
    let gone = match args.len() {
        2 => latency.reset(None),
        _ => args.skip(2).iter().map(|event| latency.reset(Some(event))).sum(),
    };
    cx.out.int(gone as i64);
    Ok(())
}

/// Heights of the bars of a graph, lowest first.
const BARS: &[u8] = b"_.-o#";

fn graph(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let name = String::from_utf8_lossy(&args[2]);
    let Some(series) = cx.engine.latency().event(&args[2]) else {
        return Err(errors::err(format!("No samples available for event '{name}'")));
    };
    let text = draw(&name, &series, cx.now_ms / 1000);
    cx.out.verbatim("txt", text.as_bytes());
    Ok(())
}

/// A line of numbers, a line of bars, and how long ago the first and the last were.
fn draw(name: &str, series: &LatencySeries, now_s: i64) -> String {
    let times = || series.samples.iter().map(|sample| sample.took_ms);
    let (high, low) = (times().max().unwrap_or(0), times().min().unwrap_or(0));
    let mut text = format!("{name} - high {high} ms, low {low} ms (all time high {} ms)\n", series.max_ms);
    text.push_str(&"-".repeat(80));
    text.push('\n');
    for took_ms in times() {
        let height = (took_ms - low) * (BARS.len() as u64 - 1) / (high - low).max(1);
        text.push(char::from(BARS[height as usize]));
    }
    let ago = |sample: Option<&redan_engine::LatencySample>| sample.map_or(0, |sample| now_s - sample.at_s);
    let _ = write!(
        text,
        "\n\nfrom {} to {} seconds ago\n",
        ago(series.samples.front()),
        ago(series.samples.back())
    );
    text
}

fn doctor(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let events = cx.engine.latency().events();
    let mut text = String::new();
    if cx.engine.settings().latency_monitor_threshold_ms == 0 {
        text.push_str("Latency is not monitored: see CONFIG SET latency-monitor-threshold <milliseconds>.\n");
    } else if events.is_empty() {
        text.push_str("Nothing has taken longer than the threshold.\n");
    }
    for (event, series) in &events {
        let count = series.samples.len().max(1) as u64;
        let sum: u64 = series.samples.iter().map(|sample| sample.took_ms).sum();
        let _ = writeln!(
            text,
            "{event}: {count} spikes, {} ms on average, {} ms at worst. {}",
            sum / count,
            series.max_ms,
            advice(event)
        );
    }
    cx.out.verbatim("txt", text.as_bytes());
    Ok(())
}

fn advice(event: &str) -> &'static str {
    match event {
        "command" => "SLOWLOG tells which commands; look for those that touch many elements.",
        "fast-command" => "These should never be slow: look at the machine (swapping, a busy host).",
        "expire-cycle" => "Many keys expire at the same time, or are large.",
        _ if event.starts_with("aof") => "The disk is slow: look at appendfsync.",
        _ => "",
    }
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "LATENCY",
        &[
            ("DOCTOR", "What looks wrong."),
            ("GRAPH <event>", "The spikes of an event as a picture."),
            ("HISTOGRAM [<command> ...]", "How many calls of each command took how long, cumulated."),
            ("HISTORY <event>", "The spikes of an event: time and milliseconds."),
            ("LATEST", "The last spike of each event: time, milliseconds, worst of all."),
            ("RESET [<event> ...]", "Forget the spikes of these events, or all."),
        ],
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;
    use redan_engine::Settings;

    #[test]
    fn histograms_count_calls() {
        let mut rig = Rig::new();
        rig.run("CLIENT ID");
        rig.run("GET a");
        rig.run("GET a");
        assert_eq!(
            rig.run("LATENCY HISTOGRAM get nope"),
            "*2|$3|get|*4|$5|calls|:2|$14|histogram_usec|*2|:1|:2"
        );
        assert!(rig.run("LATENCY HISTOGRAM client").starts_with("*2|$9|client|id|"));
        let info = rig.run("INFO latencystats");
        assert!(info.contains("latency_percentiles_usec_get:p50=0.001,p99=0.001,p99.9=0.001|"), "{info}");
        rig.run("CONFIG RESETSTAT");
        assert_eq!(rig.run("LATENCY HISTOGRAM get"), "*0");
    }

    #[test]
    fn spikes_are_kept_by_event() {
        let mut rig = Rig::new();
        assert!(rig.run("LATENCY DOCTOR").contains("not monitored"));
        rig.engine.set_settings(Settings { latency_monitor_threshold_ms: 100, ..Settings::default() });
        rig.engine.note_latency("command", 99_000_000);
        rig.engine.note_latency("command", 250_000_000);
        rig.advance_ms(1000);
        rig.engine.note_latency("command", 150_000_000);
        assert_eq!(rig.run("LATENCY LATEST"), "*1|*4|$7|command|:1700000001|:150|:250");
        assert_eq!(rig.run("LATENCY HISTORY command"), "*2|*2|:1700000000|:250|*2|:1700000001|:150");
        assert_eq!(rig.run("LATENCY HISTORY nope"), "*0");
        let graph = rig.run("LATENCY GRAPH command");
        assert!(graph.contains("command - high 250 ms, low 150 ms (all time high 250 ms)\n"), "{graph}");
        assert!(graph.contains("\n#_\n"), "{graph}");
        assert_eq!(rig.run("LATENCY GRAPH nope"), "-ERR No samples available for event 'nope'");
        assert_eq!(rig.run("LATENCY RESET nope"), ":0");
        assert_eq!(rig.run("LATENCY RESET"), ":1");
        assert_eq!(rig.run("LATENCY LATEST"), "*0");
    }
}
