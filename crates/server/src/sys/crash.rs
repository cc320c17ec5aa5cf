//! The report of a crash: what happened and where, into the log, before the process dies of it.
//!
//! A signal handler may do next to nothing. This one writes text that it composes on the stack to a descriptor that is open
//! already, and last of all tries a backtrace, which may allocate: if that fails too, the rest is written.
#![allow(unsafe_code, reason = "signal handlers, and a crash on demand")]

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use std::backtrace::Backtrace;
use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Signals that are bugs.
const SIGNALS: [Signal; 5] =
    [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGABRT];

const BEGIN: &str = "\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===\n";
const END: &str = "\n------ STACK TRACE DONE ------\n\n=== REDIS BUG REPORT END. Make sure to include from START to END. ===\n\n";

/// Where reports go.
static REPORT: OnceLock<File> = OnceLock::new();
/// A report is being written: a second crash must not write another one.
static CRASHED: AtomicBool = AtomicBool::new(false);

/// Has crashes and panics reported to the log file, or to standard output.
///
/// # Errors
/// When the file or the handlers cannot be had.
pub(crate) fn install(log_file: Option<&Path>) -> io::Result<()> {
    let file = match log_file {
        Some(path) => OpenOptions::new().append(true).create(true).open(path)?,
        None => File::from(io::stdout().as_fd().try_clone_to_owned()?),
    };
    let _ = REPORT.set(file);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |place| format!(" ({place})"));
        report(&format!("{}{place}\n", panic.payload_as_str().unwrap_or("no reason given")), "panicked: ");
    }));
    // On the stack of the crash, since the alternative one is too small for naming the frames; a stack that has
    // overflowed therefore gets no report.
    let flags = SaFlags::SA_NODEFER | SaFlags::SA_RESETHAND;
    let action = SigAction::new(SigHandler::Handler(on_crash), flags, SigSet::empty());
    for signal in SIGNALS {
        // SAFETY: the handler ends the process; what it does before may fail, but harms nobody any more.
        unsafe { sigaction(signal, &action) }?;
    }
    Ok(())
}

extern "C" fn on_crash(signal: c_int) {
    let mut digits = [0; 12];
    report(decimal(signal, &mut digits), "crashed by signal: ");
    // The handler was reset when it was called: the next one is deadly.
    if let Ok(signal) = Signal::try_from(signal) {
        let _ = raise(signal);
    }
}

/// Writes the report once.
fn report(what: &str, how: &str) {
    if CRASHED.swap(true, SeqCst) {
        return;
    }
    let Some(mut file) = REPORT.get() else { return };
    let version = crate::cli::REDIS_VERSION;
    for part in [BEGIN, "Redis ", version, " ", how, what, "\n\n------ STACK TRACE ------\n"] {
        let _ = file.write_all(part.as_bytes());
    }
    // The short form leaves out what does not come from `main`, as a handler's frames do not.
    let _ = writeln!(file, "{:#}", Backtrace::force_capture());
    let _ = file.write_all(END.as_bytes());
}

/// A positive number as text, without allocating.
fn decimal(number: c_int, digits: &mut [u8; 12]) -> &str {
    let mut rest = number.unsigned_abs();
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    std::str::from_utf8(&digits[at..]).unwrap_or("?")
}

/// DEBUG SEGFAULT.
pub(crate) fn segfault() -> ! {
    // SAFETY: there is none; the process is to die, and does.
    unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_text_without_memory() {
        assert_eq!(decimal(11, &mut [0; 12]), "11");
        assert_eq!(decimal(0, &mut [0; 12]), "0");
        assert_eq!(decimal(c_int::MAX, &mut [0; 12]), "2147483647");
    }
}
