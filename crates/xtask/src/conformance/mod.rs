//! `cargo xtask conformance`: the public Tcl suites, file by file.
//!
//! Every file runs in a fresh copy of the suite and, where the machine allows it, in namespaces of its own
//! ([`sandbox`]), with a time-out after which everything it started is ended. Its whole output is kept in
//! `target/conformance/logs/`. No suite file is edited and no test is special-cased; what is expected of
//! each file is in `tests/conformance/expected.toml` ([`expected`]).

mod expected;
mod outcome;
mod plan;
mod runner;
mod sandbox;
mod sys;
mod tree;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::conformance::expected::Expected;
use crate::conformance::outcome::Suite;
use crate::conformance::plan::Plan;
use crate::conformance::runner::{FileResult, Runner};
use crate::conformance::tree::Subject;
use crate::peers::Peers;
use crate::workspace::{Profile, Workspace};

pub(crate) use crate::conformance::sandbox::{InNamespaceArgs, run_in_namespace};

/// Characters of a failure's reason that are shown; some hold whole values, and the log has all of it.
const MAX_REASON: usize = 400;

/// Arguments of `cargo xtask conformance`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Suite files such as `unit/type/incr`, or parts of their names such as `unit/type`; all when none.
    files: Vec<String>,
    /// Which suite.
    #[arg(long, value_enum, default_value = "main")]
    suite: Suite,
    /// Run the files of both suites that have a floor, and fail when it is not reached.
    #[arg(long)]
    floor: bool,
    /// Raise the floors to what passes now.
    #[arg(long)]
    update: bool,
    /// Record the results as those of the reference instead (only with `--against redis`).
    #[arg(long, hide = true)]
    update_reference: bool,
    /// What is tested.
    #[arg(long, value_enum, default_value = "redan")]
    against: Against,
    /// How Redan is built.
    #[arg(long, value_enum, default_value = "quick")]
    profile: Profile,
    /// Do not build, take the binary that is there.
    #[arg(long)]
    no_build: bool,
    /// Files to run at the same time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Seconds after which a file is ended (default: three times the reference and a minute).
    #[arg(long)]
    timeout: Option<u64>,
    /// Run the suite in its TLS mode.
    #[arg(long)]
    tls: bool,
    /// Keep the folders the files ran in, with the servers' logs and data.
    #[arg(long)]
    keep: bool,
    /// More arguments for the suite's own program, such as `-- --only "/pattern"`.
    #[arg(last = true)]
    suite_args: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Against {
    Redan,
    Redis,
}

/// How many tests passed, and what breaks the floor.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// Tests that passed.
    pub(crate) passed: usize,
    /// Broken floors, in words: file and complaint.
    pub(crate) complaints: Vec<String>,
}

/// The command line task.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let peers = Peers::ensure(workspace)?;
    let subject = subject(workspace, args)?;
    let mut expected = Expected::load(workspace.root())?;
    let plans = Plan::select(&peers, &expected, args)?;
    if plans.is_empty() {
        bail!("no suite file matches; `cargo xtask conformance` without names runs all");
    }

    let runner = Runner::new(workspace, &peers, subject, args.clone());
    let results = runner.run_all(plans)?;
    print_failures(&results);
    print_totals(&results);

    if args.update_reference {
        record_reference(&mut expected, &results);
        expected.save(workspace.root())?;
    }
    if args.update {
        raise_floors(&mut expected, &results);
        expected.save(workspace.root())?;
    }
    if args.floor {
        let complaints = complaints(&results);
        for complaint in &complaints {
            println!("below the floor: {complaint}");
        }
        if !complaints.is_empty() {
            bail!("{} floors are broken", complaints.len());
        }
    }
    Ok(())
}

/// Runs the floors of both suites with `binary`, for `cargo xtask test`.
pub(crate) fn run_floor(workspace: &Workspace, binary: PathBuf, jobs: usize) -> Result<Totals> {
    let args = Args {
        files: Vec::new(),
        suite: Suite::Main,
        floor: true,
        update: false,
        update_reference: false,
        against: Against::Redan,
        profile: Profile::Quick,
        no_build: true,
        jobs,
        timeout: None,
        tls: false,
        keep: false,
        suite_args: Vec::new(),
    };
    let peers = Peers::ensure(workspace)?;
    let expected = Expected::load(workspace.root())?;
    let plans = Plan::select(&peers, &expected, &args)?;
    let results = Runner::new(workspace, &peers, Subject::Redan(binary), args).run_all(plans)?;
    print_failures(&results);
    Ok(Totals {
        passed: results.iter().map(|result| result.outcome.passed.len()).sum(),
        complaints: complaints(&results),
    })
}

fn subject(workspace: &Workspace, args: &Args) -> Result<Subject> {
    if args.update_reference && args.against != Against::Redis {
        bail!("the reference is Redis: --update-reference needs --against redis");
    }
    if args.update && args.against != Against::Redan {
        bail!("floors are about Redan: --update does not go with --against redis");
    }
    Ok(match args.against {
        Against::Redis => Subject::Redis,
        Against::Redan if args.no_build => Subject::Redan(workspace.server_binary(args.profile)),
        Against::Redan => Subject::Redan(workspace.build_server(args.profile)?),
    })
}

fn complaints(results: &[FileResult]) -> Vec<String> {
    let of_file = |result: &FileResult| {
        let file = result.plan.file.clone();
        let complaints = result.plan.entry.complaints(&result.outcome);
        complaints.into_iter().map(move |complaint| format!("{file}: {complaint}"))
    };
    results.iter().flat_map(of_file).collect()
}

fn raise_floors(expected: &mut Expected, results: &[FileResult]) {
    for result in results {
        let entry = expected.entry(result.plan.suite, &result.plan.file);
        entry.pass = entry.pass.max(result.outcome.passed.len());
    }
}

fn record_reference(expected: &mut Expected, results: &[FileResult]) {
    for result in results {
        let entry = expected.entry(result.plan.suite, &result.plan.file);
        entry.reference = result.outcome.passed.len();
        entry.seconds = result.elapsed.as_secs();
    }
}

fn print_failures(results: &[FileResult]) {
    for result in results {
        let outcome = &result.outcome;
        if outcome.failed.is_empty() && outcome.aborted.is_none() {
            continue;
        }
        println!("\n{} (log: {})", result.plan.file, result.log.display());
        for failure in &outcome.failed {
            let why: String = failure.why.chars().take(MAX_REASON).collect();
            println!("  [err] {}\n        {why}", failure.test);
        }
        if let Some(why) = &outcome.aborted {
            println!("  aborted after {}: {why}", outcome.passed.len() + outcome.failed.len());
        }
    }
}

fn print_totals(results: &[FileResult]) {
    let sum = |count: fn(&FileResult) -> usize| results.iter().map(count).sum::<usize>();
    println!(
        "\n{} files: {} ok of {} in the reference, {} failed, {} skipped, {} files aborted",
        results.len(),
        sum(|result| result.outcome.passed.len()),
        sum(|result| result.plan.entry.reference),
        sum(|result| result.outcome.failed.len()),
        sum(|result| result.outcome.skipped),
        sum(|result| usize::from(result.outcome.aborted.is_some())),
    );
}
