//! Development tasks, run as `cargo xtask TASK`.
//!
//! | task | what it does |
//! |---|---|
//! | `test` | everything a change must pass, ending in one line `N passed, N failed` |
//! | `tidy` | the architecture's invariants, read off the sources |
//! | `peers` | real Redis, Valkey, Tcl and the public test suite, fetched into `target/peers` |
//! | `conformance` | the public Tcl suites against our binary (or against real Redis) |
//! | `bench` | side by side with real Redis: throughput, CPU per operation, memory |
//! | `config-status` | which configuration parameters the server implements |
//!
//! Everything that lasts is written below `target/`; nothing is installed and no service is started on the machine.

mod bench;
mod config_status;
mod conformance;
mod peers;
mod process;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development tasks of Redan")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every check a change must pass; the last line is `N passed, N failed`.
    Test(test::Args),
    /// Check the architecture's invariants by reading the sources.
    Tidy,
    /// Fetch real Redis and Valkey, Tcl and the public test suite into target/peers.
    Peers(peers::Args),
    /// Run the public Tcl suites, one file at a time.
    Conformance(conformance::Args),
    /// Measure against real Redis.
    Bench(bench::Args),
    /// Print which configuration parameters are implemented.
    ConfigStatus,
    /// Internal: bring the loopback device of a fresh namespace up, then run a command and reap its orphans.
    #[command(hide = true)]
    InNamespace(conformance::InNamespaceArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.task) {
        Ok(code) => code,
        Err(error) => {
            // The chain of causes on one line; a backtrace through this program would help nobody.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    match task {
        Task::Test(args) => return test::run(&workspace, &args),
        Task::Tidy => tidy::run(&workspace)?,
        Task::Peers(args) => peers::run(&workspace, &args)?,
        Task::Conformance(args) => conformance::run(&workspace, &args)?,
        Task::Bench(args) => bench::run(&workspace, &args)?,
        Task::ConfigStatus => config_status::run(&workspace)?,
        Task::InNamespace(args) => return conformance::run_in_namespace(&args),
    }
    Ok(ExitCode::SUCCESS)
}
