//! `cargo xtask bench`: Redan and a real server side by side on this machine.
//!
//! Both run with their default settings and without persistence. `redis-benchmark` drives them in turns
//! (A B A B, so that a machine that gets warmer or busier slows both down), and each figure is the median of
//! the runs. Processor time is what the kernel charged the server for, so it does not depend on how busy the
//! clients kept it. Memory is resident memory, read before and after filling in a million keys.

mod drive;
mod load;
mod report;
mod server;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::bench::drive::{Command, Driver, Sample};
use crate::bench::report::{Row, Target};
use crate::bench::server::Server;
use crate::peers::Peers;
use crate::workspace::{Profile, Workspace};

/// Keys that are filled in, and the range `redis-benchmark` picks from.
const KEYS: usize = 1_000_000;
/// Bytes of each value.
const VALUE_BYTES: usize = 32;

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Requests of a run without pipelining; pipelined runs make up to twelve times as many.
    #[arg(long, default_value_t = 400_000)]
    requests: usize,
    /// Requests a client sends before it reads replies.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    pipelines: Vec<usize>,
    /// Runs of each kind and server; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Threads of the client; one is enough unless it is slower than the server.
    #[arg(long, default_value_t = 1)]
    client_threads: usize,
    /// Fail when a target is missed.
    #[arg(long)]
    check: bool,
    /// The server to compare with.
    #[arg(long, default_value = "redis-server", value_parser = ["redis-server", "redis-server-8.0", "valkey-server"])]
    peer: String,
    /// How Redan is built.
    #[arg(long, value_enum, default_value = "release")]
    profile: Profile,
    /// Measure this binary instead of building one, such as an older build.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// More arguments for Redan, such as `-- --io-threads 1`.
    #[arg(last = true)]
    server_args: Vec<String>,
}

/// Prints a table in Markdown; with `--check` an error when a target is missed.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let peers = Peers::ensure(workspace)?;
    let binary = match &args.binary {
        Some(binary) => binary.clone(),
        None => workspace.build_server(args.profile)?,
    };
    let ours = Server::start(&binary, &args.server_args)?;
    let theirs = Server::start(&peers.program(&args.peer), &[])?;

    let mut rows = memory_rows(&ours, &theirs)?;
    let driver = Driver::new(&peers, args.requests, args.client_threads);
    for &pipeline in &args.pipelines {
        for command in [Command::Set, Command::Get] {
            rows.extend(speed_rows(&driver, [&ours, &theirs], command, pipeline, args.runs)?);
        }
    }
    println!("{}", report::markdown(&rows, &args.peer, args.runs)?);

    let missed: Vec<_> = rows.iter().filter(|row| !row.meets_target()).map(|row| row.name.as_str()).collect();
    if args.check && !missed.is_empty() {
        bail!("targets missed: {}", missed.join("; "));
    }
    Ok(())
}

/// Resident memory of a server that has just started, and what a million keys add to it.
fn memory_rows(ours: &Server, theirs: &Server) -> Result<Vec<Row>> {
    let measure = |server: &Server| -> Result<(f64, f64)> {
        let idle = server.resident_bytes()?;
        load::fill(server.port(), KEYS, VALUE_BYTES)?;
        server.settle();
        let added = server.resident_bytes()?.saturating_sub(idle);
        Ok((idle as f64 / 1e6, added as f64 / KEYS as f64))
    };
    let (our_idle, our_key) = measure(ours)?;
    let (their_idle, their_key) = measure(theirs)?;
    Ok(vec![
        Row::new("idle, MB of memory", our_idle, their_idle, Target::AtMost(10.0)),
        Row::new(
            "16-byte key with a 32-byte value, bytes of memory",
            our_key,
            their_key,
            Target::AtMost(90.0),
        ),
    ])
}

/// Throughput, processor time and latency of one command at one pipeline depth.
fn speed_rows(
    driver: &Driver,
    [ours, theirs]: [&Server; 2],
    command: Command,
    pipeline: usize,
    runs: usize,
) -> Result<Vec<Row>> {
    let (mut our_samples, mut their_samples) = (Vec::new(), Vec::new());
    for run in 1..=runs.max(1) {
        our_samples.push(driver.run(ours, command, pipeline)?);
        their_samples.push(driver.run(theirs, command, pipeline)?);
        eprintln!("{} pipeline {pipeline}: run {run} of {runs} done", command.name());
    }
    let row = |what: &str, value: fn(&Sample) -> f64, target| {
        let name = format!("{} pipeline {pipeline}, {what}", command.name());
        Row::new(&name, median(&our_samples, value), median(&their_samples, value), target)
    };
    let (throughput, processor) = speed_targets(pipeline);
    Ok(vec![
        row("requests/s", |sample| sample.requests_per_s, throughput),
        row("processor µs/request", |sample| sample.processor_us_per_request, processor),
        row("p99 latency ms", |sample| sample.p99_ms, Target::None),
    ])
}

/// Least ratio of throughput and largest ratio of processor time by pipeline depth.
fn speed_targets(pipeline: usize) -> (Target, Target) {
    match pipeline {
        1 => (Target::RatioAtLeast(1.0), Target::RatioAtMost(1.0)),
        16 => (Target::RatioAtLeast(1.5), Target::RatioAtMost(0.75)),
        64 => (Target::RatioAtLeast(2.0), Target::RatioAtMost(0.65)),
        _ => (Target::None, Target::None),
    }
}

fn median(samples: &[Sample], value: fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
