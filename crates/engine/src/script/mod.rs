//! Scripts: what the engine knows of them.
//!
//! The engine runs scripts but speaks no script language. A handler (EVAL, FCALL) names a script with
//! [`Cx::run_script`]; when it has returned, the engine makes a [`ScriptCx`] and gives it to the [`ScriptEngine`], which
//! calls back for each command of the script. A script runs alone behind the gate, inside EXEC as well as outside, and
//! what all its commands changed propagates as one unit. How long it has been running, and whether it is to be killed,
//! is kept in the [`ScriptWatch`].
//!
//! [`Cx::run_script`]: crate::Cx::run_script

mod cx;
mod run;
mod watch;

pub use cx::{CallError, ScriptCx};
pub use run::ScriptEnd;
pub use watch::{KillRefusal, RunningScript, ScriptKind, ScriptWatch, Verdict};

use crate::ReplyError;
use bytes::Bytes;

/// What a script says about itself in its first line, or a function when it is registered.
pub mod script_flag {
    /// Writes nothing.
    pub const NO_WRITES: u32 = 1 << 0;
    /// May run while memory is over `maxmemory`.
    pub const ALLOW_OOM: u32 = 1 << 1;
    /// May run on a replica without its master.
    pub const ALLOW_STALE: u32 = 1 << 2;
    /// Not in a cluster.
    pub const NO_CLUSTER: u32 = 1 << 3;
    /// May touch keys of several slots.
    pub const ALLOW_CROSS_SLOT_KEYS: u32 = 1 << 4;
    /// Says nothing: a script of the time before there were flags. Its commands are checked one by one.
    pub const UNDECLARED: u32 = 1 << 5;

    /// Name of each flag that a script may name.
    pub const NAMES: &[(u32, &str)] = &[
        (NO_WRITES, "no-writes"),
        (ALLOW_OOM, "allow-oom"),
        (ALLOW_STALE, "allow-stale"),
        (NO_CLUSTER, "no-cluster"),
        (ALLOW_CROSS_SLOT_KEYS, "allow-cross-slot-keys"),
    ];
}

/// A script that is known and compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Script {
    /// Where its engine keeps it. Valid until scripts of its kind are loaded, deleted or flushed.
    pub slot: u32,
    /// EVAL's or FCALL's.
    pub kind: ScriptKind,
    /// [`script_flag`] bits.
    pub flags: u32,
}

/// A script that is to run now, with the arguments of the command that asked for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScriptJob {
    /// The script.
    pub script: Script,
    /// How many of the arguments behind the count of keys are keys.
    pub keys: usize,
    /// It must not write: it says so, or the command does (EVAL_RO).
    pub read_only: bool,
}

/// A library of functions, for FUNCTION LIST.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LibraryInfo {
    /// Its name.
    pub name: String,
    /// Its source.
    pub code: Bytes,
    /// Name, description and flags of each function.
    pub functions: Vec<FunctionInfo>,
}

/// A function of a library.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionInfo {
    /// Its name.
    pub name: String,
    /// What its author says of it.
    pub description: Option<Bytes>,
    /// [`script_flag`] bits.
    pub flags: u32,
}

/// What becomes of libraries that are there already when others are restored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RestorePolicy {
    /// They go first.
    Flush,
    /// They stay, and one of the same name is an error.
    Append,
    /// One of the same name is replaced.
    Replace,
}

/// Figures for INFO and MEMORY.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ScriptFigures {
    /// Heap of the interpreter that runs EVAL, bytes.
    pub vm_eval: u64,
    /// Heap of the interpreter that runs functions, bytes.
    pub vm_functions: u64,
    /// What is kept about cached scripts outside of the interpreter, bytes.
    pub scripts: u64,
    /// What is kept about functions outside of the interpreter, bytes.
    pub functions: u64,
    /// Cached scripts.
    pub cached_scripts: u64,
    /// Libraries.
    pub libraries: u64,
    /// Functions.
    pub function_count: u64,
    /// Scripts of EVAL that made room for others.
    pub evicted: u64,
}

/// Runs scripts and keeps them. All methods but [`figures`](Self::figures) and [`reset_stats`](Self::reset_stats) are called
/// by whoever runs alone.
pub trait ScriptEngine: Send + Sync {
    /// The script with this text, compiled and cached unless it is known.
    ///
    /// # Errors
    /// What is wrong with it.
    fn eval(&self, body: &[u8]) -> Result<Script, ReplyError>;

    /// The cached script with this SHA-1, hexadecimal.
    ///
    /// # Errors
    /// `NOSCRIPT`.
    fn eval_sha(&self, sha: &[u8]) -> Result<Script, ReplyError>;

    /// The function of this name.
    ///
    /// # Errors
    /// When there is none.
    fn function(&self, name: &[u8]) -> Result<Script, ReplyError>;

    /// What a script says about itself, without compiling it: `named` is its text, its SHA-1 or its name. `None` when that
    /// cannot be told.
    fn flags_of(&self, source: ScriptSource, named: &[u8]) -> Option<u32>;

    /// Runs the script of a job, and writes its reply.
    fn run(&self, cx: &mut ScriptCx<'_>) -> ScriptEnd;

    /// SCRIPT LOAD: returns the SHA-1, hexadecimal.
    ///
    /// # Errors
    /// What is wrong with it.
    fn load(&self, body: &[u8]) -> Result<String, ReplyError>;

    /// Whether a script with this SHA-1 is cached.
    fn exists(&self, sha: &[u8]) -> bool;

    /// SCRIPT FLUSH: returns what is left over, to be dropped wherever the caller likes.
    fn flush_scripts(&self) -> Box<dyn Send>;

    /// FUNCTION LOAD: returns the library's name.
    ///
    /// # Errors
    /// What is wrong with it, or that there is one of this name and `replace` is not set.
    fn load_library(&self, code: &[u8], replace: bool) -> Result<String, ReplyError>;

    /// FUNCTION DELETE.
    ///
    /// # Errors
    /// When there is no such library.
    fn delete_library(&self, name: &[u8]) -> Result<(), ReplyError>;

    /// FUNCTION FLUSH: returns what is left over and how many libraries that are.
    fn flush_libraries(&self) -> (Box<dyn Send>, usize);

    /// All libraries, by name.
    fn libraries(&self) -> Vec<LibraryInfo>;

    /// Loads several libraries, all or none.
    ///
    /// # Errors
    /// What is wrong with one of them.
    fn restore(&self, codes: &[Vec<u8>], policy: RestorePolicy) -> Result<(), ReplyError>;

    /// Figures, as of the end of the last script.
    fn figures(&self) -> ScriptFigures;

    /// CONFIG RESETSTAT.
    fn reset_stats(&self);
}

/// How a command names its script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScriptSource {
    /// By its text: EVAL.
    Text,
    /// By its SHA-1: EVALSHA.
    Sha,
    /// By name: FCALL.
    Function,
}

impl ScriptSource {
    /// How the command of this name does, if it runs scripts.
    pub(crate) fn of(command: &str) -> Option<Self> {
        match command {
            "eval" | "eval_ro" => Some(Self::Text),
            "evalsha" | "evalsha_ro" => Some(Self::Sha),
            "fcall" | "fcall_ro" => Some(Self::Function),
            _ => None,
        }
    }
}
