//! Running scripts, each watched by a thread.

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use parking_lot::Mutex;
use redan_sentinel::{Input, ScriptEnd, ScriptId};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// The scripts that run. A process is in here only as long as its id cannot have become another's.
#[derive(Clone, Default)]
pub(super) struct Scripts {
    running: Arc<Mutex<HashMap<ScriptId, Pid>>>,
}

impl Scripts {
    /// Runs a script; what becomes of it is told to `inbox`.
    pub(super) fn run(&self, script: ScriptId, argv: Vec<Vec<u8>>, inbox: UnboundedSender<Input>) {
        let scripts = self.clone();
        let not_started = inbox.clone();
        let watch = move || {
            let end = match start(&argv) {
                Ok(child) => scripts.watch(script, child, &inbox),
                Err(_) => ScriptEnd::NotStarted,
            };
            let _ = inbox.send(Input::ScriptEnded { script, end });
        };
        if std::thread::Builder::new().name("script".to_owned()).spawn(watch).is_err() {
            let _ = not_started.send(Input::ScriptEnded { script, end: ScriptEnd::NotStarted });
        }
    }

    /// Kills a script, if it still runs.
    pub(super) fn kill(&self, script: ScriptId) {
        if let Some(pid) = self.running.lock().get(&script) {
            // It can only fail for a process that has ended already.
            let _ = kill(*pid, Signal::SIGKILL);
        }
    }

    fn watch(&self, script: ScriptId, mut child: Child, inbox: &UnboundedSender<Input>) -> ScriptEnd {
        let pid = Pid::from_raw(child.id().cast_signed());
        self.running.lock().insert(script, pid);
        let _ = inbox.send(Input::ScriptStarted { script, pid: i64::from(pid.as_raw()) });
        // The id stays the process's own until it is waited for below.
        while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(nix::Error::EINTR) {}
        self.running.lock().remove(&script);
        child.wait().map_or(ScriptEnd::NotStarted, end_of)
    }
}

fn start(argv: &[Vec<u8>]) -> io::Result<Child> {
    let (program, args) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let args = args.iter().map(|arg| OsStr::from_bytes(arg));
    Command::new(OsStr::from_bytes(program)).args(args).stdin(Stdio::null()).spawn()
}

fn end_of(status: ExitStatus) -> ScriptEnd {
    match (status.code(), status.signal()) {
        (Some(code), _) => ScriptEnd::Exited(code),
        (None, signal) => ScriptEnd::Killed(signal.unwrap_or_default()),
    }
}
