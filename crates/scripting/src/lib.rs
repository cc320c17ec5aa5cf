//! Lua for EVAL and functions: the interpreter and its sandbox, its libraries, the caches.
//!
//! There are two interpreters, one for EVAL's scripts and one for functions, each behind a lock that nobody waits for:
//! whoever runs scripts runs alone. A [`Vm`](vm) is a Lua 5.1 with a sandbox that `prelude.lua` builds; compiled scripts
//! live inside it, in numbered slots, and here is kept which slot is whose.
//!
//! The engine gives a running script its way to the dataset ([`ScriptCx`]); nothing here knows what commands do.

mod bits;
mod cache;
mod family;
mod json;
mod library;
mod msgpack;
mod numbers;
mod packing;
mod redis;
mod reply;
mod shebang;
mod vm;

pub use vm::{LogLevel, LogWriter};

use cache::{Cache, parse_sha, sha_of};
use library::Libraries;
use parking_lot::{Mutex, MutexGuard};
use redan_engine::{
    Clock, LibraryInfo, ReplyError, RestorePolicy, Script, ScriptCx, ScriptEnd, ScriptEngine, ScriptFigures,
    ScriptKind, ScriptSource, ScriptWatch, errors,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vm::{Vm, VmOptions};

/// What scripts are run with.
pub struct ScriptingOptions {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The engine's watch over running scripts.
    pub watch: Arc<ScriptWatch>,
    /// Where `redis.log` writes.
    pub log: LogWriter,
    /// `lua-enable-deprecated-api`.
    pub deprecated_api: bool,
    /// Most bytes of an interpreter's heap; 0 for no limit.
    pub memory_limit: usize,
}

/// See the module's text.
pub struct Scripting {
    options: VmOptions,
    evals: Mutex<Evals>,
    functions: Mutex<Functions>,
    figures: Figures,
}

struct Evals {
    vm: Vm,
    cache: Cache,
}

struct Functions {
    vm: Vm,
    libraries: Libraries,
}

/// The figures of the end of the last change: readers need no lock.
#[derive(Default)]
struct Figures {
    vm_eval: AtomicU64,
    vm_functions: AtomicU64,
    scripts: AtomicU64,
    functions: AtomicU64,
    cached_scripts: AtomicU64,
    libraries: AtomicU64,
    function_count: AtomicU64,
    evicted: AtomicU64,
}

impl Scripting {
    /// Two empty interpreters.
    pub fn new(options: ScriptingOptions) -> Self {
        let options = VmOptions {
            clock: options.clock,
            watch: options.watch,
            log: options.log,
            deprecated: options.deprecated_api,
            memory_limit: options.memory_limit,
        };
        let scripting = Self {
            evals: Mutex::new(Evals::new(&options)),
            functions: Mutex::new(Functions::new(&options)),
            options,
            figures: Figures::default(),
        };
        scripting.note_evals(&scripting.evals.lock());
        scripting.note_functions(&scripting.functions.lock());
        scripting
    }

    fn note_evals(&self, evals: &Evals) {
        self.figures.vm_eval.store(evals.vm.used_memory() as u64, Ordering::Relaxed);
        self.figures.scripts.store(evals.cache.bytes(), Ordering::Relaxed);
        self.figures.cached_scripts.store(evals.cache.len() as u64, Ordering::Relaxed);
    }

    fn note_functions(&self, functions: &Functions) {
        let (libraries, count, bytes) = functions.libraries.figures();
        self.figures.vm_functions.store(functions.vm.used_memory() as u64, Ordering::Relaxed);
        self.figures.functions.store(bytes, Ordering::Relaxed);
        self.figures.libraries.store(libraries, Ordering::Relaxed);
        self.figures.function_count.store(count, Ordering::Relaxed);
    }

    /// The caller runs alone: the lock is taken only if the caller is a command of a running script.
    fn lock_evals(&self) -> Result<MutexGuard<'_, Evals>, ReplyError> {
        self.evals.try_lock().ok_or(errors::SCRIPT_NESTED)
    }

    fn lock_functions(&self) -> Result<MutexGuard<'_, Functions>, ReplyError> {
        self.functions.try_lock().ok_or(errors::SCRIPT_NESTED)
    }

    /// The script with this text; `keep` for good.
    fn cached(&self, body: &[u8], keep: bool) -> Result<(Script, cache::Sha), ReplyError> {
        let mut evals = self.lock_evals()?;
        let sha = sha_of(body);
        if let Some((slot, flags)) = evals.cache.find(&sha) {
            if keep {
                evals.cache.keep(slot);
            } else {
                evals.cache.touch(slot);
            }
            return Ok((Script { slot, kind: ScriptKind::Eval, flags }, sha));
        }
        let flags = shebang::script_flags(body).map_err(errors::err)?;
        let slot = evals.cache.next_slot();
        let compiled = evals.vm.compile(slot, shebang::without(body));
        compiled.map_err(|why| errors::err(format!("Error compiling script (new function): {why}")))?;
        if let Some(evicted) = evals.cache.add(sha, body.to_vec().into(), flags, !keep) {
            evals.vm.clear(evicted);
            self.figures.evicted.fetch_add(1, Ordering::Relaxed);
        }
        self.note_evals(&evals);
        Ok((Script { slot, kind: ScriptKind::Eval, flags }, sha))
    }
}

impl Evals {
    fn new(options: &VmOptions) -> Self {
        Self { vm: Vm::new(ScriptKind::Eval, options), cache: Cache::default() }
    }
}

impl Functions {
    fn new(options: &VmOptions) -> Self {
        Self { vm: Vm::new(ScriptKind::Function, options), libraries: Libraries::default() }
    }
}

impl ScriptEngine for Scripting {
    fn eval(&self, body: &[u8]) -> Result<Script, ReplyError> {
        self.cached(body, false).map(|(script, _)| script)
    }

    fn eval_sha(&self, sha: &[u8]) -> Result<Script, ReplyError> {
        let mut evals = self.lock_evals()?;
        let found = parse_sha(sha).and_then(|sha| evals.cache.find(&sha));
        let (slot, flags) = found.ok_or(errors::NO_SCRIPT)?;
        evals.cache.touch(slot);
        Ok(Script { slot, kind: ScriptKind::Eval, flags })
    }

    fn function(&self, name: &[u8]) -> Result<Script, ReplyError> {
        let found = self.lock_functions()?.libraries.function(name);
        let (slot, flags) = found.ok_or(errors::NO_FUNCTION)?;
        Ok(Script { slot, kind: ScriptKind::Function, flags })
    }

    fn flags_of(&self, source: ScriptSource, named: &[u8]) -> Option<u32> {
        match source {
            ScriptSource::Text => shebang::script_flags(named).ok(),
            ScriptSource::Sha => {
                let found = self.evals.try_lock()?.cache.find(&parse_sha(named)?);
                found.map(|(_, flags)| flags)
            }
            ScriptSource::Function => {
                self.functions.try_lock()?.libraries.function(named).map(|(_, flags)| flags)
            }
        }
    }

    fn run(&self, cx: &mut ScriptCx<'_>) -> ScriptEnd {
        let script = cx.job().script;
        let refused = |cx: &mut ScriptCx<'_>, error: ReplyError| {
            cx.reply().error(error.text());
            ScriptEnd::Failed { uncounted: Some(error.code().to_owned()) }
        };
        match script.kind {
            ScriptKind::Eval => match self.lock_evals() {
                Ok(mut evals) => {
                    let sha = evals.cache.sha(script.slot);
                    let end = evals.vm.run(script.slot, cx, || redis::hex(&sha));
                    self.figures.vm_eval.store(evals.vm.used_memory() as u64, Ordering::Relaxed);
                    end
                }
                Err(error) => refused(cx, error),
            },
            ScriptKind::Function => match self.lock_functions() {
                Ok(mut functions) => {
                    let name = cx.name();
                    let called = || String::from_utf8_lossy(name).into_owned();
                    let end = functions.vm.run(script.slot, cx, called);
                    self.figures.vm_functions.store(functions.vm.used_memory() as u64, Ordering::Relaxed);
                    end
                }
                Err(error) => refused(cx, error),
            },
        }
    }

    fn load(&self, body: &[u8]) -> Result<String, ReplyError> {
        self.cached(body, true).map(|_| redis::hex_digest(body))
    }

    fn exists(&self, sha: &[u8]) -> bool {
        let Ok(evals) = self.lock_evals() else { return false };
        parse_sha(sha).is_some_and(|sha| evals.cache.find(&sha).is_some())
    }

    fn flush_scripts(&self) -> Box<dyn Send> {
        let Ok(mut evals) = self.lock_evals() else { return Box::new(()) };
        let old = std::mem::replace(&mut *evals, Evals::new(&self.options));
        self.note_evals(&evals);
        Box::new(old)
    }

    fn load_library(&self, code: &[u8], replace: bool) -> Result<String, ReplyError> {
        let mut functions = self.lock_functions()?;
        let Functions { vm, libraries } = &mut *functions;
        let loaded = libraries.load(vm, code, replace);
        self.note_functions(&functions);
        loaded
    }

    fn delete_library(&self, name: &[u8]) -> Result<(), ReplyError> {
        let mut functions = self.lock_functions()?;
        let Functions { vm, libraries } = &mut *functions;
        let removed = std::str::from_utf8(name).is_ok_and(|name| libraries.remove(vm, name));
        self.note_functions(&functions);
        if removed { Ok(()) } else { Err(errors::NO_LIBRARY) }
    }

    fn flush_libraries(&self) -> (Box<dyn Send>, usize) {
        let Ok(mut functions) = self.lock_functions() else { return (Box::new(()), 0) };
        let old = std::mem::replace(&mut *functions, Functions::new(&self.options));
        let count = old.libraries.figures().0 as usize;
        self.note_functions(&functions);
        (Box::new(old), count)
    }

    fn libraries(&self) -> Vec<LibraryInfo> {
        self.lock_functions().map(|functions| functions.libraries.list()).unwrap_or_default()
    }

    fn restore(&self, codes: &[Vec<u8>], policy: RestorePolicy) -> Result<(), ReplyError> {
        let mut functions = self.lock_functions()?;
        if policy == RestorePolicy::Flush {
            let mut new = Functions::new(&self.options);
            new.libraries.restore(&mut new.vm, codes, policy)?;
            *functions = new;
        } else {
            let Functions { vm, libraries } = &mut *functions;
            libraries.restore(vm, codes, policy)?;
        }
        self.note_functions(&functions);
        Ok(())
    }

    fn figures(&self) -> ScriptFigures {
        let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        ScriptFigures {
            vm_eval: read(&self.figures.vm_eval),
            vm_functions: read(&self.figures.vm_functions),
            scripts: read(&self.figures.scripts),
            functions: read(&self.figures.functions),
            cached_scripts: read(&self.figures.cached_scripts),
            libraries: read(&self.figures.libraries),
            function_count: read(&self.figures.function_count),
            evicted: read(&self.figures.evicted),
        }
    }

    fn reset_stats(&self) {
        self.figures.evicted.store(0, Ordering::Relaxed);
    }
}
