//! How long the running script has been running, and what is to become of it.
//!
//! A script runs alone, so there is at most one. Its thread notes here when it began; the interpreter looks in from time
//! to time ([`ScriptWatch::look`]). When the time limit is over it rings the bell: a thread of the server then lets
//! everybody who waits know that the server is busy. SCRIPT KILL is a flag that the next look finds.

use crate::{ReplyError, errors};
use parking_lot::Mutex;
use redan_resp::OwnedArgs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Which commands run a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScriptKind {
    /// EVAL and its kin.
    Eval,
    /// FCALL and FCALL_RO.
    Function,
}

/// The running function, for FUNCTION STATS.
#[derive(Clone, Debug)]
pub struct RunningScript {
    /// EVAL's or FCALL's.
    pub kind: ScriptKind,
    /// The command that called it, and its arguments.
    pub command: OwnedArgs,
    /// How long it has been running, ms.
    pub duration_ms: u64,
}

/// What the interpreter is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Go on.
    Go,
    /// End the script with an error.
    Kill,
}

/// Why a script was not killed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KillRefusal(pub ReplyError);

struct Current {
    kind: ScriptKind,
    command: OwnedArgs,
    from_master: bool,
}

/// See the module's text.
#[derive(Default)]
pub struct ScriptWatch {
    /// When the running script began, monotonic ns; 0 for none.
    since_ns: AtomicU64,
    /// After how long others are told, ns; 0 for never.
    limit_ns: AtomicU64,
    is_late: AtomicBool,
    killed: AtomicBool,
    has_written: AtomicBool,
    current: Mutex<Option<Current>>,
    bell: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl ScriptWatch {
    /// Sets what is called, by the script's thread and once a script, when a script's time is over. It must only wake
    /// another thread.
    pub fn set_bell(&self, bell: impl Fn() + Send + Sync + 'static) {
        assert!(self.bell.set(Box::new(bell)).is_ok(), "one bell");
    }

    pub(crate) fn begin(
        &self,
        now_ns: u64,
        limit_ms: i64,
        kind: ScriptKind,
        command: OwnedArgs,
        from_master: bool,
    ) {
        self.killed.store(false, Ordering::Relaxed);
        self.has_written.store(false, Ordering::Relaxed);
        self.limit_ns
            .store(u64::try_from(limit_ms).unwrap_or(0).saturating_mul(1_000_000), Ordering::Relaxed);
        *self.current.lock() = Some(Current { kind, command, from_master });
        self.since_ns.store(now_ns.max(1), Ordering::Release);
    }

    /// The script is over. True when others had been told of it.
    pub(crate) fn end(&self) -> bool {
        self.since_ns.store(0, Ordering::Release);
        *self.current.lock() = None;
        self.is_late.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn note_write(&self) {
        self.has_written.store(true, Ordering::Relaxed);
    }

    /// What is to become of the running script. The interpreter asks every now and then.
    pub fn look(&self, now_ns: u64) -> Verdict {
        if self.killed.load(Ordering::Relaxed) {
            return Verdict::Kill;
        }
        let (since, limit) = (self.since_ns.load(Ordering::Relaxed), self.limit_ns.load(Ordering::Relaxed));
        let late = limit != 0 && since != 0 && now_ns.saturating_sub(since) >= limit;
        if late
            && !self.is_late.swap(true, Ordering::AcqRel)
            && let Some(bell) = self.bell.get()
        {
            bell();
        }
        Verdict::Go
    }

    /// Whether a script is running and its time is over.
    pub fn is_late(&self) -> bool {
        self.is_late.load(Ordering::Acquire) && self.since_ns.load(Ordering::Acquire) != 0
    }

    /// Whether somebody has ended the running script.
    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Relaxed)
    }

    /// The running script.
    pub fn running(&self, now_ns: u64) -> Option<RunningScript> {
        let current = self.current.lock();
        let since_ns = self.since_ns.load(Ordering::Acquire);
        let current = current.as_ref().filter(|_| since_ns != 0)?;
        let duration_ms = now_ns.saturating_sub(since_ns) / 1_000_000;
        Some(RunningScript { kind: current.kind, command: current.command.clone(), duration_ms })
    }

    /// SCRIPT KILL and FUNCTION KILL.
    ///
    /// # Errors
    /// Why the script goes on: there is none, it is of another kind, it has written, or it is our master's.
    pub fn kill(&self, kind: ScriptKind) -> Result<(), ReplyError> {
        let current = self.current.lock();
        let Some(current) = current.as_ref() else { return Err(errors::NOT_BUSY) };
        if current.from_master {
            return Err(errors::UNKILLABLE_MASTER);
        }
        if self.has_written.load(Ordering::Relaxed) {
            return Err(errors::UNKILLABLE);
        }
        if current.kind != kind {
            return Err(errors::busy_with(current.kind));
        }
        self.killed.store(true, Ordering::Relaxed);
        Ok(())
    }
}
