//! A private network, and when possible a private process table, for one run of a suite.
//!
//! The suites use fixed ports and leave servers behind when they fail. In namespaces of their own two runs
//! can go side by side, and ending the namespace's first process ends everything started in it. `unshare`
//! (util-linux, on every Debian) makes the namespaces; this program is started inside them once more
//! (`in-namespace`) to bring the loopback device up and to reap orphans, as the first process must.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode};

use anyhow::{Context, Result};

use crate::conformance::sys;

/// Arguments of the hidden task `in-namespace`.
#[derive(clap::Args)]
pub(crate) struct InNamespaceArgs {
    /// This process is the first one of a private process table.
    #[arg(long)]
    init: bool,
    /// The command to run.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// How well runs can be kept apart on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isolation {
    /// Own network and own process table.
    NetworkAndProcesses,
    /// Own network.
    Network,
    /// None: runs get different base ports.
    Ports,
}

impl Isolation {
    /// Tries out what this machine allows, best first.
    pub(super) fn probe() -> Isolation {
        for isolation in [Isolation::NetworkAndProcesses, Isolation::Network] {
            let works = isolation
                .command(&["true".into()])
                .is_ok_and(|mut command| command.output().is_ok_and(|output| output.status.success()));
            if works {
                return isolation;
            }
        }
        Isolation::Ports
    }

    /// A command that runs `words` kept apart this well.
    pub(super) fn command(self, words: &[OsString]) -> Result<Command> {
        if self == Isolation::Ports {
            let (program, args) = words.split_first().context("an empty command")?;
            let mut command = Command::new(program);
            command.args(args);
            return Ok(command);
        }
        let mut command = Command::new("unshare");
        command.arg("--net");
        if !sys::is_root() {
            // The user keeps its own id, and only as much power as setting the namespace up takes.
            command.args(["--user", "--map-current-user", "--keep-caps"]);
        }
        if self == Isolation::NetworkAndProcesses {
            command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
        }
        command.arg("--").arg(std::env::current_exe().context("finding this program")?).arg("in-namespace");
        if self == Isolation::NetworkAndProcesses {
            command.arg("--init");
        }
        command.arg("--").args(words);
        Ok(command)
    }
}

/// A running suite with everything it starts; ends it all when dropped.
pub(super) struct Sandboxed {
    child: Child,
}

impl Sandboxed {
    /// Starts `command` as the leader of a process group of its own.
    pub(super) fn spawn(command: &mut Command) -> Result<Sandboxed> {
        sys::end_with_parent(command);
        let child = command.process_group(0).spawn().context("starting the suite")?;
        Ok(Sandboxed { child })
    }

    /// True once the suite's first process has ended by itself.
    pub(super) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }
}

impl Drop for Sandboxed {
    fn drop(&mut self) {
        sys::kill_group(self.child.id());
        // Already reaped children answer at once; an error leaves nothing to clean up.
        let _ = self.child.wait();
    }
}

/// The hidden task: runs the command inside fresh namespaces and exits as it does.
pub(crate) fn run_in_namespace(args: &InNamespaceArgs) -> Result<ExitCode> {
    sys::bring_loopback_up().context("bringing the loopback device up")?;
    let (program, words) = args.command.split_first().context("an empty command")?;
    let mut command = Command::new(program);
    command.args(words);
    if !args.init {
        return Err(command.exec()).with_context(|| format!("starting {}", Path::new(program).display()));
    }
    let child = command.spawn().with_context(|| format!("starting {}", Path::new(program).display()))?;
    let code = sys::reap_until(child.id())?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn dropping_ends_grandchildren_too() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & sleep 1000"]).stdout(writer);
        let mut suite = Sandboxed::spawn(&mut command).unwrap();
        drop(command);
        assert!(!suite.has_ended().unwrap());
        drop(suite);
        // Reading ends when the last process that holds the pipe is gone.
        assert_eq!(reader.read(&mut [0; 1]).unwrap(), 0);
    }
}
