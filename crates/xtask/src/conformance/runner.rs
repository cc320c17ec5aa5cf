//! Runs planned suite files, a few at a time, and turns their output into results.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::conformance::Args;
use crate::conformance::outcome::{Outcome, Suite};
use crate::conformance::plan::Plan;
use crate::conformance::sandbox::{Isolation, Sandboxed};
use crate::conformance::tree::{Subject, Tree};
use crate::peers::Peers;
use crate::process;
use crate::workspace::Workspace;

/// The suite's own first port; only runs that share a network need others.
const BASE_PORT: usize = 21_111;
/// Ports each run gets when they share a network.
const PORTS_PER_RUN: usize = 1_000;
/// How many runs that share a network find ports of their own below the range of outgoing connections.
const RUNS_WITH_PORTS: usize = 10;

/// The folders of a run begin with this and end with its process id. They are in the temporary directory,
/// whose path is short: suites put Unix sockets deep below, and such a path has room for 107 bytes.
const WORK: &str = "redan-suite-";

/// A file that marks a run's folder as one to keep.
const KEPT: &str = "kept";

/// One finished suite file.
pub(super) struct FileResult {
    /// What was run.
    pub(super) plan: Plan,
    /// What came out.
    pub(super) outcome: Outcome,
    /// How long it took.
    pub(super) elapsed: Duration,
    /// Its whole output.
    pub(super) log: PathBuf,
}

/// Everything the files of one run have in common.
pub(super) struct Runner<'a> {
    peers: &'a Peers,
    subject: Subject,
    args: Args,
    isolation: Isolation,
    work: PathBuf,
    logs: PathBuf,
    started: AtomicUsize,
}

impl<'a> Runner<'a> {
    /// A runner whose folders no other run shares.
    pub(super) fn new(workspace: &Workspace, peers: &'a Peers, subject: Subject, args: Args) -> Runner<'a> {
        let logs = match subject {
            Subject::Redan(_) => "conformance/logs",
            Subject::Redis => "conformance/logs-redis",
        };
        Runner {
            peers,
            subject,
            args,
            isolation: Isolation::probe(),
            work: std::env::temp_dir().join(format!("{WORK}{}", std::process::id())),
            logs: workspace.target(logs),
            started: AtomicUsize::new(0),
        }
    }

    /// Runs every plan and returns the results by suite and name. A floor that is missed is tried a second time, alone,
    /// because timing tests suffer on a busy machine; the second attempt is shown and counts.
    pub(super) fn run_all(&self, plans: Vec<Plan>) -> Result<Vec<FileResult>> {
        if self.isolation != Isolation::NetworkAndProcesses {
            println!("note: this machine allows only {:?} isolation", self.isolation);
        }
        self.remove_leftovers();
        let queue = Mutex::new(plans.into_iter().rev().collect::<Vec<_>>());
        let next = || queue.lock().expect("no worker panics").pop();
        let results = Mutex::new(Vec::new());
        thread::scope(|scope| -> Result<()> {
            let worker = || -> Result<()> {
                while let Some(plan) = next() {
                    let result = self.run_file(plan)?;
                    println!("{}", result.line());
                    results.lock().expect("no worker panics").push(result);
                }
                Ok(())
            };
            let workers: Vec<_> = (0..self.args.jobs.max(1)).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
        })?;

        let mut results = results.into_inner().expect("no worker panics");
        if self.args.floor {
            for result in &mut results {
                if !result.plan.entry.complaints(&result.outcome).is_empty() {
                    *result = self.run_file(result.plan.clone())?;
                    println!("{} (second attempt)", result.line());
                }
            }
        }
        results.sort_by(|a, b| (a.plan.suite, &a.plan.file).cmp(&(b.plan.suite, &b.plan.file)));
        if self.args.keep {
            File::create(self.work.join(KEPT))?;
        } else {
            // Every file's folder is gone by now; an error leaves an empty folder.
            let _ = fs::remove_dir(&self.work);
        }
        Ok(results)
    }

    /// Removes folders of runs that were interrupted: they are named after a process that is gone.
    fn remove_leftovers(&self) {
        let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(process) = name.strip_prefix(WORK) else { continue };
            let is_running = Path::new("/proc").join(process).exists();
            if !is_running && !entry.path().join(KEPT).exists() {
                // Only disk space is lost when this fails.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    fn run_file(&self, plan: Plan) -> Result<FileResult> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let dir = self.work.join(number.to_string());
        let tree = Tree::create(dir, self.peers, &self.subject, self.args.keep)?;
        if self.args.tls {
            tree.make_certificates()?;
        }
        let log = self.log_path(&plan)?;
        let started = Instant::now();
        if self.args.keep {
            println!("{} runs in {}", plan.file, tree.path().display());
        }
        let timed_out = self.run_in(&tree, &plan, &log, number)?;
        let elapsed = started.elapsed();
        let output = fs::read(&log).with_context(|| format!("reading {}", log.display()))?;
        let outcome = Outcome::parse(plan.suite, &String::from_utf8_lossy(&output), timed_out);
        Ok(FileResult { plan, outcome, elapsed, log })
    }

    /// Runs the suite's program; true when it had to be ended.
    fn run_in(&self, tree: &Tree, plan: &Plan, log: &Path, number: usize) -> Result<bool> {
        let output = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let mut command = self.isolation.command(&self.words(plan, number))?;
        command.current_dir(tree.path());
        command.env("PATH", process::path_with(&self.peers.bin())?).env("TERM", "dumb");
        command.stdin(std::process::Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let deadline = Instant::now() + plan.timeout;
        let mut suite = Sandboxed::spawn(&mut command)?;
        while !suite.has_ended()? {
            if Instant::now() > deadline {
                return Ok(true);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(false)
    }

    /// The suite's command line for one file.
    fn words(&self, plan: &Plan, number: usize) -> Vec<OsString> {
        let mut words: Vec<String> = Vec::new();
        match plan.suite {
            Suite::Main => {
                words.extend(["./runtest", "--single", &plan.file].map(str::to_owned));
                words.extend(["--durable", "--clients", "1", "--dump-logs"].map(str::to_owned));
                // Cluster mode is not there yet: its servers refuse to start, and the file would wait for them.
                words.extend(["--tags", "-cluster"].map(str::to_owned));
                words.extend(["--timeout".to_owned(), plan.stall.as_secs().to_string()]);
                if self.isolation == Isolation::Ports {
                    let slot = (number + std::process::id() as usize) % RUNS_WITH_PORTS;
                    let base = BASE_PORT + slot * PORTS_PER_RUN;
                    words.extend(["--baseport".to_owned(), base.to_string()]);
                    words.extend(["--portcount".to_owned(), (PORTS_PER_RUN - 100).to_string()]);
                }
            }
            // The suite's pattern language is a glob that it puts stars around.
            Suite::Sentinel => {
                words.extend(
                    ["./runtest-sentinel", "--single", &format!("/{}.tcl", plan.file)].map(str::to_owned),
                );
            }
        }
        if self.args.tls {
            words.push("--tls".to_owned());
        }
        if self.args.keep {
            words.push("--dont-clean".to_owned());
        }
        words.extend(self.args.suite_args.iter().cloned());
        words.into_iter().map(OsString::from).collect()
    }

    fn log_path(&self, plan: &Plan) -> Result<PathBuf> {
        let folder = match plan.suite {
            Suite::Main => "main",
            Suite::Sentinel => "sentinel",
        };
        let log = self.logs.join(folder).join(format!("{}.log", plan.file));
        if let Some(parent) = log.parent() {
            fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        }
        Ok(log)
    }
}

impl FileResult {
    /// One line of the table.
    fn line(&self) -> String {
        let Outcome { passed, failed, skipped, aborted: _ } = &self.outcome;
        format!(
            "{:<44} {:<8} ok {:>3}/{:<3} failed {:>3} skipped {:>3}  {:>4.0}s of {:>3}s",
            self.plan.file,
            self.outcome.verdict(),
            passed.len(),
            self.plan.entry.reference,
            failed.len(),
            skipped,
            self.elapsed.as_secs_f64(),
            self.plan.entry.seconds,
        )
    }
}
