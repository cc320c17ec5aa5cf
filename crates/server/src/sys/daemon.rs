//! Going to the background.
#![allow(unsafe_code, reason = "fork is only safe in a process with one thread, which no type can tell")]

use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};
use std::fs::OpenOptions;
use std::io;

/// Goes on in a child process without a terminal, while the parent exits. To be called before any thread is started.
///
/// # Errors
/// When the system has no process for it.
pub(crate) fn go_to_background() -> io::Result<()> {
    // SAFETY: the process has one thread, so that the child is a full copy.
    match unsafe { fork() }? {
        ForkResult::Parent { .. } => std::process::exit(0),
        ForkResult::Child => {}
    }
    setsid()?;
    // Without /dev/null the old descriptors stay, which does no harm.
    if let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&null)?;
    }
    Ok(())
}
