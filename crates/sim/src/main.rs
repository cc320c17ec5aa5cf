//! `redan-sim`: runs seeds until one fails.

use clap::Parser;

/// Simulates replication and Sentinel: faults, healing, and what must hold.
#[derive(Parser)]
struct Args {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print everything that happens.
    #[arg(long)]
    trace: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (mut failovers, mut writes, mut slowest_ms) = (0, 0, 0);
    for seed in args.seed..args.seed.saturating_add(args.seeds) {
        match redan_sim::run(seed) {
            Ok(report) => {
                if args.trace {
                    report.trace.iter().for_each(|line| println!("{line}"));
                }
                failovers += report.failovers;
                writes += report.writes;
                slowest_ms = slowest_ms.max(report.healed_after_ms);
            }
            Err(failure) => {
                println!("{failure}");
                anyhow::bail!("seed {seed} failed; run it again with --seed {seed} --seeds 1");
            }
        }
    }
    println!(
        "{} seeds held: {failovers} failovers, {writes} writes, healed after at most {slowest_ms} ms",
        args.seeds
    );
    Ok(())
}
