//! One measured run of `redis-benchmark`.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::bench::server::Server;
use crate::bench::{KEYS, VALUE_BYTES};
use crate::peers::Peers;
use crate::process;

/// Connections that send requests.
const CONNECTIONS: usize = 50;
/// How many more requests a pipelined run makes at most, so that each run takes some seconds.
const MAX_FACTOR: usize = 12;

/// What is measured.
#[derive(Clone, Copy)]
pub(super) enum Command {
    Set,
    Get,
}

/// The figures of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// Requests per second as the clients saw it.
    pub(super) requests_per_s: f64,
    /// Processor time the server used for each request, in microseconds.
    pub(super) processor_us_per_request: f64,
    /// The latency 99 of 100 requests stay below, in milliseconds.
    pub(super) p99_ms: f64,
}

/// Runs `redis-benchmark`.
pub(super) struct Driver {
    program: PathBuf,
    requests: usize,
    threads: usize,
}

impl Command {
    /// The command's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Command::Set => "SET",
            Command::Get => "GET",
        }
    }
}

impl Driver {
    /// A driver whose runs make `requests` requests when they are not pipelined.
    pub(super) fn new(peers: &Peers, requests: usize, threads: usize) -> Driver {
        Driver { program: peers.program("redis-benchmark"), requests, threads }
    }

    /// One run against `server`.
    pub(super) fn run(&self, server: &Server, command: Command, pipeline: usize) -> Result<Sample> {
        let requests = self.requests * pipeline.clamp(1, MAX_FACTOR);
        let mut benchmark = std::process::Command::new(&self.program);
        benchmark.args(["-h", "127.0.0.1", "-p", &server.port().to_string()]);
        benchmark.args(["-c", &CONNECTIONS.to_string(), "-n", &requests.to_string()]);
        benchmark.args([
            "-P",
            &pipeline.to_string(),
            "-r",
            &KEYS.to_string(),
            "-d",
            &VALUE_BYTES.to_string(),
        ]);
        benchmark.args(["-t", &command.name().to_lowercase(), "--csv"]);
        if self.threads > 1 {
            benchmark.args(["--threads", &self.threads.to_string()]);
        }
        let before = server.processor_s()?;
        let output = process::capture(&mut benchmark)?;
        let used = server.processor_s()? - before;
        let (requests_per_s, p99_ms) = parse_csv(&output, command.name())?;
        Ok(Sample { requests_per_s, processor_us_per_request: used * 1e6 / requests as f64, p99_ms })
    }
}

/// Takes the throughput and the p99 latency out of `--csv` output by the names in its first line.
fn parse_csv(output: &str, test: &str) -> Result<(f64, f64)> {
    let mut lines = output.lines().map(|line| line.split(',').map(|cell| cell.trim_matches('"')));
    let header: Vec<&str> = lines.next().context("a header line")?.collect();
    let row: Vec<&str> =
        lines.map(|line| line.collect::<Vec<_>>()).find(|row| row[0] == test).context("a result")?;
    let column = |name: &str| -> Result<f64> {
        let index =
            header.iter().position(|column| *column == name).with_context(|| format!("column {name}"))?;
        row.get(index).context("a cell")?.parse().with_context(|| format!("a number in {name}"))
    };
    Ok((column("rps")?, column("p99_latency_ms")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_read_by_column_name() {
        let output =
            "\"test\",\"rps\",\"avg_latency_ms\",\"p99_latency_ms\"\n\"SET\",\"1000.50\",\"0.1\",\"0.9\"\n";
        assert_eq!(parse_csv(output, "SET").unwrap(), (1000.5, 0.9));
        assert!(parse_csv(output, "GET").is_err());
        assert!(parse_csv("", "GET").is_err());
        assert!(parse_csv("\"test\",\"rps\"\n\"SET\",\"x\"\n", "SET").is_err());
    }
}
