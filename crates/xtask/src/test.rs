//! `cargo xtask test`: everything a change must pass, in the order in which it is quickest to fail.
//!
//! Each step counts tests; a check without tests of its own (formatting, lints) counts as one. The last line
//! printed is `N passed, N failed`, and the exit code says the same.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::peers::Peers;
use crate::process;
use crate::workspace::{Profile, Workspace};
use crate::{conformance, tidy};

/// The server is optimised as for release, with less time spent on building it.
const PROFILE: Profile = Profile::Quick;

/// Arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run these steps alone.
    #[arg(long, value_enum, num_args = 1..)]
    only: Vec<Step>,
    /// Suite files to run at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
}

/// The steps in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Step {
    /// Formatting.
    Format,
    /// The invariants.
    Tidy,
    /// Compiler and clippy warnings.
    Lint,
    /// Unit and property tests of every crate.
    Unit,
    /// Examples in the documentation.
    Doc,
    /// The server as the next steps use it.
    Build,
    /// Real Redis and Valkey.
    Peers,
    /// End-to-end and interoperability tests.
    EndToEnd,
    /// The public suites' floor.
    Conformance,
}

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: usize,
    failed: usize,
}

impl Step {
    const ALL: &[Step] = &[
        Step::Format,
        Step::Tidy,
        Step::Lint,
        Step::Unit,
        Step::Doc,
        Step::Build,
        Step::Peers,
        Step::EndToEnd,
        Step::Conformance,
    ];

    fn run(self, workspace: &Workspace, args: &Args) -> Result<Count> {
        match self {
            Step::Format => check(workspace.cargo().args(["fmt", "--all", "--check"])),
            Step::Tidy => check_tidy(workspace),
            Step::Lint => {
                let clippy = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
                check(workspace.cargo().args(clippy))
            }
            Step::Unit => {
                run_tests(workspace, &["--workspace", "--exclude", "redan-tests"], &mut workspace.cargo())
            }
            Step::Doc => count_tests(workspace.cargo().args(["test", "--quiet", "--workspace", "--doc"])),
            Step::Build => workspace.build_server(PROFILE).map(|_| Count::PASSED),
            Step::Peers => Peers::ensure(workspace).map(|_| Count::PASSED),
            Step::EndToEnd => end_to_end(workspace),
            Step::Conformance => conformance_floor(workspace, args.jobs),
        }
    }
}

impl Count {
    const PASSED: Count = Count { passed: 1, failed: 0 };
    const FAILED: Count = Count { passed: 0, failed: 1 };
}

/// The command line task. Failed tests are an exit code and not an error: nothing is printed after the counts.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let mut summary = Vec::new();
    for &step in Step::ALL {
        if !args.only.is_empty() && !args.only.contains(&step) {
            continue;
        }
        println!("==> {step:?}");
        let started = Instant::now();
        let count = step.run(workspace, args).unwrap_or_else(|error| {
            println!("{error:#}");
            Count::FAILED
        });
        let line = StepLine { step, count, elapsed: started.elapsed() };
        println!("{line}");
        summary.push(line);
    }

    println!("\n==> Summary");
    for line in &summary {
        println!("{line}");
    }
    let passed: usize = summary.iter().map(|line| line.count.passed).sum();
    let failed: usize = summary.iter().map(|line| line.count.failed).sum();
    println!("{passed} passed, {failed} failed");
    std::io::stdout().flush()?;
    Ok(if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A finished step.
struct StepLine {
    step: Step,
    count: Count,
    elapsed: Duration,
}

impl fmt::Display for StepLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count { passed, failed } = self.count;
        let name = format!("{:?}", self.step);
        write!(f, "    {name:<12} {passed:>5} ok {failed:>4} not {:>7.1}s", self.elapsed.as_secs_f64())
    }
}

fn check(command: &mut Command) -> Result<Count> {
    process::check(command).map(|()| Count::PASSED)
}

fn check_tidy(workspace: &Workspace) -> Result<Count> {
    let violations = tidy::check(workspace)?;
    for violation in &violations {
        println!("{violation}");
    }
    Ok(if violations.is_empty() { Count::PASSED } else { Count { passed: 0, failed: violations.len() } })
}

fn end_to_end(workspace: &Workspace) -> Result<Count> {
    let mut cargo = workspace.cargo();
    cargo.env("REDAN_BIN", workspace.server_binary(PROFILE));
    cargo.env("REDAN_PEERS", Peers::ensure(workspace)?.bin());
    run_tests(workspace, &["--package", "redan-tests"], &mut cargo)
}

fn conformance_floor(workspace: &Workspace, jobs: usize) -> Result<Count> {
    let binary = workspace.server_binary(PROFILE);
    if !binary.exists() {
        bail!("{} is not built", binary.display());
    }
    let totals = conformance::run_floor(workspace, binary, jobs)?;
    for complaint in &totals.complaints {
        println!("below the floor: {complaint}");
    }
    Ok(Count { passed: totals.passed, failed: totals.complaints.len() })
}

/// Runs the tests of some packages with nextest where it is installed, which is quicker, or with cargo.
fn run_tests(workspace: &Workspace, packages: &[&str], cargo: &mut Command) -> Result<Count> {
    if process::capture(workspace.cargo().args(["nextest", "--version"])).is_ok() {
        cargo.args(["nextest", "run", "--no-fail-fast", "--no-tests=pass", "--status-level=fail"]);
        cargo.args(["--final-status-level=fail"]);
    } else {
        cargo.args(["test", "--no-fail-fast", "--all-targets"]);
    }
    count_tests(cargo.args(packages))
}

/// Runs `command`, shows its output, and counts the tests it reports. A command that fails without
/// reporting a failed test (it did not compile, say) counts as one failure.
fn count_tests(command: &mut Command) -> Result<Count> {
    let (reader, writer) = std::io::pipe().context("making a pipe")?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().context("starting the tests")?;
    // The command keeps the pipe's writing end open, and reading would never end.
    command.stdout(std::process::Stdio::inherit()).stderr(std::process::Stdio::inherit());
    let mut count = Count::default();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        if let Some(found) = count_in(&line) {
            count.passed += found.passed;
            count.failed += found.failed;
        }
    }
    if !child.wait()?.success() && count.failed == 0 {
        count.failed = 1;
    }
    Ok(count)
}

/// Reads the summary lines of nextest and of cargo's own harness.
///
/// `Summary [ 0.1s] 3 tests run: 1 passed (1 slow), 1 failed, 1 timed out, 0 skipped` and
/// `test result: ok. 3 passed; 0 failed; 0 ignored; ...`.
fn count_in(line: &str) -> Option<Count> {
    let line = line.trim_start();
    let parts = match line.strip_prefix("test result: ") {
        Some(result) => result.split_once(". ")?.1,
        None => line.strip_prefix("Summary [")?.split_once("run: ")?.1,
    };
    let mut count = Count::default();
    for part in parts.split([',', ';']) {
        let Some((number, what)) = part.trim().split_once(' ') else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        match what.split(" (").next().unwrap_or_default() {
            "passed" => count.passed += number,
            "failed" | "timed out" | "exec failed" => count.failed += number,
            _ => {}
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_lines_are_counted() {
        let counted = |line| count_in(line).map(|count| (count.passed, count.failed));
        assert_eq!(counted("     Summary [   0.059s] 21 tests run: 21 passed, 0 skipped"), Some((21, 0)));
        let mixed = "     Summary [ 1s] 5/7 tests run: 2 passed (1 slow), 2 failed, 1 timed out, 3 skipped";
        assert_eq!(counted(mixed), Some((2, 3)));
        assert_eq!(counted("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured"), Some((3, 0)));
        assert_eq!(counted("test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured"), Some((3, 2)));
        assert_eq!(counted("test a_summary ... ok"), None);
    }

    #[test]
    fn a_command_that_fails_silently_is_a_failure() {
        let counted = |script: &str| count_tests(Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(counted("exit 1"), Count::FAILED);
        let passing = "echo 'test result: ok. 2 passed; 0 failed'";
        assert_eq!(counted(passing), Count { passed: 2, failed: 0 });
        let failing = "echo 'test result: FAILED. 2 passed; 3 failed' >&2; exit 1";
        assert_eq!(counted(failing), Count { passed: 2, failed: 3 });
    }
}
