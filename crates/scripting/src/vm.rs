//! An interpreter with its sandbox.

use crate::redis::Caller;
use crate::reply::{ErrorValue, from_lua};
use crate::{bits, json, msgpack, packing, redis};
use mlua::state::{GcIncParams, GcMode};
use mlua::{Function, HookTriggers, Lua, LuaOptions, StdLib, Table, Value, VmState};
use redan_engine::{Clock, ScriptCx, ScriptEnd, ScriptKind, ScriptWatch, Verdict};
use redan_resp::{Args, OwnedArgs, Protocol};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What interpreters are made with.
#[derive(Clone)]
pub(crate) struct VmOptions {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watch: Arc<ScriptWatch>,
    pub(crate) log: LogWriter,
    /// `getfenv`, `setfenv` and `newproxy` exist.
    pub(crate) deprecated: bool,
    /// Most bytes of its heap; 0 for no limit.
    pub(crate) memory_limit: usize,
}

/// Writes what `redis.log` is given.
pub type LogWriter = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// Severities that `redis.log` knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the levels")]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
}

/// How often the hook looks at the clock, in instructions of the interpreter: about a millisecond.
const LOOK_EVERY: u32 = 100_000;

/// How long a library may take to load, ns.
const LOAD_LIMIT_NS: u64 = 500_000_000;

/// The collector begins anew when the heap is so much larger than what it left, percent.
const GC_PAUSE: i32 = 125;

/// After how many new scripts the collector is helped along.
const COLLECT_EVERY: u32 = 50;

const PRELUDE: &str = include_str!("prelude.lua");
const PRELUDE_NAME: &str = "=redan";

/// A function that a library has registered.
pub(crate) struct Registered {
    pub(crate) name: String,
    pub(crate) description: Option<Vec<u8>>,
    pub(crate) flags: u32,
    pub(crate) callback: Function,
}

/// See the module's text.
pub(crate) struct Vm {
    lua: Lua,
    kind: ScriptKind,
    run: Function,
    put: Function,
    load_library: Function,
    /// When loading a library must be over, monotonic ns; 0 while none is loaded.
    load_until_ns: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
    watch: Arc<ScriptWatch>,
    compiled: u32,
    /// Arguments of the running command.
    args: OwnedArgs,
    memory_limit: usize,
}

impl Vm {
    /// A new interpreter. Costs some hundred microseconds.
    pub(crate) fn new(kind: ScriptKind, options: &VmOptions) -> Self {
        Self::try_new(kind, options).expect("the sandbox is sound and there is memory for it")
    }

    fn try_new(kind: ScriptKind, options: &VmOptions) -> mlua::Result<Self> {
        let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH;
        // The standard pcall: scripts get no panics of ours, and the standard one is quicker.
        let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(false))?;
        let host = redis::host_functions(&lua, options)?;
        let families = lua.create_table()?;
        for (name, family) in [
            ("cjson", json::library(&lua)?),
            ("cmsgpack", msgpack::library(&lua)?),
            ("struct", packing::library(&lua)?),
            ("bit", bits::library(&lua)?),
        ] {
            families.raw_set(name, family)?;
        }
        host.raw_set("libraries", families)?;
        let entry: Table = lua.load(PRELUDE).set_name(PRELUDE_NAME).call((host, options.deprecated))?;
        let sandbox: Table = entry.raw_get("sandbox")?;
        lua.set_globals(sandbox)?;
        let load_until_ns = Arc::new(AtomicU64::new(0));
        let vm = Self {
            run: entry.raw_get("run")?,
            put: entry.raw_get("put")?,
            load_library: entry.raw_get("load_library")?,
            kind,
            load_until_ns,
            clock: Arc::clone(&options.clock),
            watch: Arc::clone(&options.watch),
            compiled: 0,
            args: OwnedArgs::new(),
            memory_limit: options.memory_limit,
            lua,
        };
        vm.install_hook()?;
        // Scripts leave much behind that dies young, in a heap that is small.
        vm.lua.gc_set_mode(GcMode::Incremental(GcIncParams::default().pause(GC_PAUSE)));
        vm.lua.gc_collect()?;
        if options.memory_limit > 0 {
            vm.lua.set_memory_limit(options.memory_limit)?;
        }
        Ok(vm)
    }

    /// Has the interpreter look at the clock from time to time.
    fn install_hook(&self) -> mlua::Result<()> {
        let (clock, watch) = (Arc::clone(&self.clock), Arc::clone(&self.watch));
        let load_until_ns = Arc::clone(&self.load_until_ns);
        let triggers = HookTriggers { every_nth_instruction: Some(LOOK_EVERY), ..HookTriggers::new() };
        self.lua.set_global_hook(triggers, move |lua, _| {
            let now_ns = clock.monotonic_ns();
            let until_ns = load_until_ns.load(Ordering::Relaxed);
            if until_ns != 0 {
                return if now_ns < until_ns {
                    Ok(VmState::Continue)
                } else {
                    end_at_every_line(lua, LOAD_TIMEOUT)
                };
            }
            match watch.look(now_ns) {
                Verdict::Go => Ok(VmState::Continue),
                Verdict::Kill => end_at_every_line(lua, KILLED),
            }
        })
    }

    /// Bytes of the heap.
    pub(crate) fn used_memory(&self) -> usize {
        self.lua.used_memory()
    }

    /// Compiles a script and puts it in a slot.
    pub(crate) fn compile(&mut self, slot: u32, source: &[u8]) -> Result<(), String> {
        let function = compile(&self.lua, source, "@user_script");
        let function = function.map_err(|error| syntax_error(&error))?;
        self.put.call::<()>((slot, function)).map_err(|error| error.to_string())?;
        self.help_collector();
        Ok(())
    }

    /// Runs a library's source and returns what it registers.
    pub(crate) fn load_library(&mut self, source: &[u8]) -> Result<Vec<Registered>, LoadError> {
        let chunk = compile(&self.lua, source, "@user_function");
        let chunk = chunk.map_err(|error| LoadError::Compile(syntax_error(&error)))?;
        self.load_until_ns.store(self.clock.monotonic_ns() + LOAD_LIMIT_NS, Ordering::Relaxed);
        let loaded = self.load_library.call::<(Option<Table>, Value)>(chunk);
        let timed_out = self.load_until_ns.swap(0, Ordering::Relaxed) <= self.clock.monotonic_ns();
        if timed_out {
            // Whatever the library made of it: the hook ends everything by now.
            self.reinstall_hook();
            return Err(LoadError::Run(LOAD_TIMEOUT.to_owned()));
        }
        let (functions, problem) = loaded.map_err(|error| LoadError::Run(redis::innermost(&error)))?;
        let Some(functions) = functions else {
            return Err(LoadError::Run(ErrorValue::of(&problem).message()));
        };
        let read = functions.sequence_values::<Table>().map(|function| registered(&function?));
        let read = read.collect::<mlua::Result<Vec<_>>>();
        self.help_collector();
        read.map_err(|error| LoadError::Run(error.to_string()))
    }

    /// Puts a function in a slot.
    pub(crate) fn put(&self, slot: u32, function: &Function) -> Result<(), String> {
        self.put.call::<()>((slot, function)).map_err(|error| error.to_string())
    }

    /// Empties a slot.
    pub(crate) fn clear(&self, slot: u32) {
        // Without memory for a call it stays where it is, and does no harm there.
        let _ = self.put.call::<()>((slot, Value::Nil));
    }

    /// Gives the collector something to do when many scripts were compiled: nothing else may call it for a while.
    fn help_collector(&mut self) {
        self.compiled += 1;
        if self.compiled.is_multiple_of(COLLECT_EVERY) {
            let _ = self.lua.gc_step();
        }
    }

    fn reinstall_hook(&self) {
        self.lua.remove_hook();
        self.install_hook().expect("there was a hook before");
    }

    /// Runs what is in a slot, and writes the reply.
    ///
    /// `name` is what error messages call it.
    pub(crate) fn run(&mut self, slot: u32, cx: &mut ScriptCx<'_>, name: impl Fn() -> String) -> ScriptEnd {
        let mut args = std::mem::take(&mut self.args);
        let outcome = self.run_scoped(slot, cx, &mut args);
        args.clear();
        self.args = args;
        let killed = self.watch.is_killed();
        let end = match outcome {
            Ok((true, reply)) if !killed => self.succeed(cx, &reply),
            Ok((_, problem)) => {
                let mut error = ErrorValue::of(&problem);
                if killed {
                    error.text = killed_text();
                    error.counted = false;
                }
                self.fail(cx, error, &name())
            }
            Err(error) => self.fail(cx, ErrorValue::plain(&redis::innermost(&error)), &name()),
        };
        if killed {
            self.reinstall_hook();
        }
        end
    }

    fn run_scoped(
        &self,
        slot: u32,
        cx: &mut ScriptCx<'_>,
        args: &mut OwnedArgs,
    ) -> mlua::Result<(bool, Value)> {
        let (keys, argv) = (self.sequence(cx.keys())?, self.sequence(cx.argv())?);
        let as_globals = self.kind == ScriptKind::Eval;
        let mut caller = Caller { cx, args };
        redis::RUNNING.set(&mut caller, || self.run.call::<(bool, Value)>((slot, keys, argv, as_globals)))
    }

    /// Arguments as a table; nothing for none.
    fn sequence(&self, args: Args<'_>) -> mlua::Result<Option<Table>> {
        if args.is_empty() {
            return Ok(None);
        }
        self.lua.create_sequence_from(args.iter().map(Bytes)).map(Some)
    }

    fn succeed(&self, cx: &mut ScriptCx<'_>, reply: &Value) -> ScriptEnd {
        let resp3 = cx.protocol() == Protocol::Resp3;
        match from_lua(reply, cx.reply(), resp3) {
            None => ScriptEnd::Done,
            Some(error) => ScriptEnd::Failed { uncounted: (!error.counted).then(|| error.code()) },
        }
    }

    fn fail(&self, cx: &mut ScriptCx<'_>, error: ErrorValue, name: &str) -> ScriptEnd {
        let mut text = error.text.clone();
        if error.text.ends_with(b"not enough memory") {
            text = format!("ERR the script needs more memory than it may use ({} bytes)", self.memory_limit)
                .into();
            let _ = self.lua.gc_collect();
        }
        if let Some((source, line)) = &error.place {
            text.extend_from_slice(b" script: ");
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(format!(", on {source}:{line}.").as_bytes());
        }
        cx.reply().error_bytes(&text);
        ScriptEnd::Failed { uncounted: (!error.counted).then(|| error.code()) }
    }
}

/// Bytes that become a Lua string.
struct Bytes<'a>(&'a [u8]);

impl mlua::IntoLua for Bytes<'_> {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        lua.create_string(self.0).map(Value::String)
    }
}

/// Why a library was not loaded.
pub(crate) enum LoadError {
    Compile(String),
    Run(String),
}

const LOAD_TIMEOUT: &str = "FUNCTION LOAD timeout";
const KILLED: &str = "Script killed by user.";

fn killed_text() -> Vec<u8> {
    format!("ERR {KILLED}").into_bytes()
}

/// Longest source that is compiled, bytes: the compiler counts with 32 bits.
const MAX_SOURCE: usize = 1 << 30;

/// Compiles source. The collector rests meanwhile: the compiler of Lua 5.1 holds strings that it does not know of.
pub(crate) fn compile(lua: &Lua, source: &[u8], name: &str) -> mlua::Result<Function> {
    if source.len() > MAX_SOURCE {
        return Err(mlua::Error::runtime("the source is too long"));
    }
    lua.gc_stop();
    let function = lua.load(source).set_name(name).set_mode(mlua::chunk::ChunkMode::Text).into_function();
    lua.gc_restart();
    function
}

/// Ends the running code with an error, and again at each of its next lines: it may have caught the first one.
fn end_at_every_line(lua: &Lua, why: &'static str) -> mlua::Result<VmState> {
    lua.set_hook(HookTriggers::EVERY_LINE, move |_, debug| {
        // Ours is not ended: it has to clean up.
        let ours = debug.source().source.is_some_and(|source| source == PRELUDE_NAME);
        if ours { Ok(VmState::Continue) } else { Err(mlua::Error::runtime(why)) }
    })?;
    Ok(VmState::Continue)
}

fn registered(function: &Table) -> mlua::Result<Registered> {
    let description: Option<mlua::LuaString> = function.raw_get("description")?;
    Ok(Registered {
        name: function.raw_get("name")?,
        description: description.map(|text| text.as_bytes().to_vec()),
        flags: function.raw_get("flags")?,
        callback: function.raw_get("callback")?,
    })
}

/// What the compiler says, without what our library adds.
fn syntax_error(error: &mlua::Error) -> String {
    match error {
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        other => other.to_string(),
    }
}
