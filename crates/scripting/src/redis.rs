//! What `redis.*` and the standard functions that the sandbox replaces ask of the server.

use crate::reply::to_lua;
use crate::vm::{LogLevel, LogWriter, VmOptions};
use mlua::{Lua, MultiValue, Table, Value, Variadic};
use parking_lot::Mutex;
use redan_engine::{REDIS_VERSION, ScriptCx, script_flag};
use redan_resp::{OwnedArgs, Protocol, format_f64};
use sha1::{Digest, Sha1};

/// The operation of a command with more arguments than functions of ours can take: they come as a table.
const MANY: i64 = 4;

const REPL_AOF: i64 = 1;
const REPL_REPLICA: i64 = 2;

/// How far up the stack the place of an error is looked for.
const MAX_LEVELS: usize = 30;

/// The functions that need no running script.
pub(crate) fn host_functions(lua: &Lua, options: &VmOptions) -> mlua::Result<Table> {
    let host = lua.create_table()?;
    host.raw_set("constants", constants(lua)?)?;
    host.raw_set("ask", lua.create_function(ask)?)?;
    host.raw_set("locate", lua.create_function(locate)?)?;
    host.raw_set("compile", lua.create_function(compile)?)?;
    host.raw_set("concat", lua.create_function(concat)?)?;
    host.raw_set("check_function", lua.create_function(check_function)?)?;
    host.raw_set("sha1hex", lua.create_function(sha1hex)?)?;
    host.raw_set("error_reply", lua.create_function(error_reply)?)?;
    host.raw_set("status_reply", lua.create_function(status_reply)?)?;
    let clock = std::sync::Arc::clone(&options.clock);
    let began_ns = clock.monotonic_ns();
    let elapsed = move || clock.monotonic_ns().saturating_sub(began_ns) as f64 / 1e9;
    host.raw_set("clock", lua.create_function(move |_, ()| Ok(elapsed()))?)?;
    let log = std::sync::Arc::clone(&options.log);
    host.raw_set("log", lua.create_function(move |lua, args: MultiValue| write_log(lua, &log, &args))?)?;
    let seed = options.clock.wall_us() as u64 ^ options.clock.monotonic_ns();
    let numbers = std::sync::Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
    let source = std::sync::Arc::clone(&numbers);
    host.raw_set("random", lua.create_function(move |lua, args: MultiValue| random(lua, &source, &args))?)?;
    host.raw_set(
        "randomseed",
        lua.create_function(move |lua, args: MultiValue| {
            let Some(seed) = args.front().and_then(|seed| lua.coerce_number(seed.clone()).ok().flatten())
            else {
                return refused(lua, "bad argument #1 to 'randomseed' (number expected)");
            };
            *numbers.lock() = fastrand::Rng::with_seed(seed as i64 as u64);
            (true,).into_lua_multi_values(lua)
        })?,
    )?;
    Ok(host)
}

trait Multi {
    fn into_lua_multi_values(self, lua: &Lua) -> mlua::Result<MultiValue>;
}

impl<T: mlua::IntoLuaMulti> Multi for T {
    fn into_lua_multi_values(self, lua: &Lua) -> mlua::Result<MultiValue> {
        self.into_lua_multi(lua)
    }
}

/// What a library's function returns that refuses its arguments.
pub(crate) fn refused(lua: &Lua, why: &str) -> mlua::Result<MultiValue> {
    (false, why).into_lua_multi_values(lua)
}

fn constants(lua: &Lua) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let version = REDIS_VERSION.split('.').map(|part| part.parse().unwrap_or(0));
    let number = version.fold(0_i64, |sum, part: i64| sum << 8 | part);
    table.raw_set("REDIS_VERSION", REDIS_VERSION)?;
    table.raw_set("REDIS_VERSION_NUM", number)?;
    for (name, value) in [
        ("LOG_DEBUG", 0),
        ("LOG_VERBOSE", 1),
        ("LOG_NOTICE", 2),
        ("LOG_WARNING", 3),
        ("REPL_NONE", 0),
        ("REPL_AOF", REPL_AOF),
        ("REPL_SLAVE", REPL_REPLICA),
        ("REPL_REPLICA", REPL_REPLICA),
        ("REPL_ALL", REPL_AOF | REPL_REPLICA),
    ] {
        table.raw_set(name, value)?;
    }
    Ok(table)
}

/// Makes an error a table that says where it came from: the innermost function of the user's.
fn locate(lua: &Lua, error: Value) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    match &error {
        Value::Table(given) => {
            table.raw_set("err", given.raw_get::<Value>("err")?)?;
            let counted = given.raw_get::<Value>("ignore_error_stats_update")?;
            table.raw_set("ignore_error_stats_update", counted)?;
        }
        Value::Error(error) => table.raw_set("err", format!("ERR {}", innermost(error)))?,
        Value::String(text) => {
            table.raw_set("err", lua.create_string([b"ERR ", &*text.as_bytes()].concat())?)?;
        }
        other => table.raw_set("err", format!("ERR {}", other.to_string()?))?,
    }
    for level in 1..MAX_LEVELS {
        let place = lua.inspect_stack(level, |debug| {
            let source = debug.source();
            let what = source.what;
            let source = source.source?.into_owned();
            let line = debug.current_line()?;
            (what != "C" && source.starts_with('@')).then_some((source, line))
        });
        match place {
            None => break,
            Some(None) => {}
            Some(Some((source, line))) => {
                table.raw_set("source", source)?;
                table.raw_set("line", line)?;
                break;
            }
        }
    }
    Ok(table)
}

/// What an error of ours says, without where it went through.
pub(crate) fn innermost(error: &mlua::Error) -> String {
    match error {
        mlua::Error::CallbackError { cause, .. } => innermost(cause),
        mlua::Error::RuntimeError(text) => text.clone(),
        mlua::Error::MemoryError(_) => "not enough memory".to_owned(),
        other => other.to_string(),
    }
}

/// Compiles source; compiled code, which could do anything, is refused.
fn compile(lua: &Lua, (code, name): (mlua::LuaString, Option<mlua::LuaString>)) -> mlua::Result<MultiValue> {
    let code = code.as_bytes();
    let name = name.map_or_else(
        || format!("={}", String::from_utf8_lossy(&code[..code.len().min(60)])),
        |name| name.to_string_lossy(),
    );
    let refusal = |why: &str| (Value::Nil, why).into_lua_multi_values(lua);
    if code.first() == Some(&BYTECODE) {
        return refusal("attempt to load chunk with wrong mode");
    }
    match crate::vm::compile(lua, &code, &name) {
        Ok(function) => (function,).into_lua_multi_values(lua),
        Err(mlua::Error::SyntaxError { message, .. }) => refusal(&message),
        Err(error) => refusal(&innermost(&error)),
    }
}

/// The first byte of compiled code.
const BYTECODE: u8 = 0x1b;

fn concat(lua: &Lua, pieces: Table) -> mlua::Result<Value> {
    let mut code = Vec::new();
    for piece in pieces.sequence_values::<mlua::LuaString>() {
        code.extend_from_slice(&piece?.as_bytes());
    }
    lua.create_string(code).map(Value::String)
}

/// The bits of a function's flags, or nil and what is wrong with its name or flags.
fn check_function(lua: &Lua, (name, flags): (mlua::LuaString, Option<Table>)) -> mlua::Result<MultiValue> {
    if !crate::library::is_name(&name.as_bytes()) {
        return (Value::Nil, crate::library::BAD_NAME).into_lua_multi_values(lua);
    }
    let mut bits = 0;
    for flag in flags.iter().flat_map(|flags| flags.sequence_values::<Value>()) {
        let flag = flag?;
        let known = flag.as_string().and_then(|flag| {
            let named = |(_, name): &&(u32, &str)| name.as_bytes() == &*flag.as_bytes();
            script_flag::NAMES.iter().find(named).map(|(bit, _)| *bit)
        });
        match known {
            Some(bit) => bits |= bit,
            None => return (Value::Nil, "unknown flag given").into_lua_multi_values(lua),
        }
    }
    (bits,).into_lua_multi_values(lua)
}

/// An error as `redis.*` functions raise it: a table, and true.
fn raised(lua: &Lua, why: &str) -> mlua::Result<MultiValue> {
    (error_table(lua, format!("ERR {why}").as_bytes(), false)?, true).into_lua_multi_values(lua)
}

fn error_table(lua: &Lua, text: &[u8], counted: bool) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, 2)?;
    table.raw_set("err", lua.create_string(text)?)?;
    if counted {
        table.raw_set("ignore_error_stats_update", true)?;
    }
    Ok(table)
}

fn sha1hex(lua: &Lua, args: MultiValue) -> mlua::Result<MultiValue> {
    let text = match args.front() {
        Some(value) if args.len() == 1 => lua.coerce_string(value.clone())?,
        _ => return raised(lua, "wrong number of arguments"),
    };
    let digest = hex_digest(&text.map_or_else(Vec::new, |text| text.as_bytes().to_vec()));
    (digest,).into_lua_multi_values(lua)
}

/// The SHA-1 of a text, hexadecimal: the name of a cached script.
pub(crate) fn hex_digest(text: &[u8]) -> String {
    hex(&Sha1::digest(text))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn error_reply(lua: &Lua, args: MultiValue) -> mlua::Result<Table> {
    let text = match args.front() {
        Some(Value::String(text)) if args.len() == 1 => text.as_bytes().to_vec(),
        _ => return error_table(lua, b"ERR wrong number or type of arguments", false),
    };
    let text = text.strip_prefix(b"-").unwrap_or(&text);
    // A single word is no code.
    let text = if text.contains(&b' ') { text.to_vec() } else { [b"ERR ", text].concat() };
    error_table(lua, &text, false)
}

fn status_reply(lua: &Lua, args: MultiValue) -> mlua::Result<Table> {
    match args.front() {
        Some(Value::String(text)) if args.len() == 1 => {
            let table = lua.create_table_with_capacity(0, 1)?;
            table.raw_set("ok", text)?;
            Ok(table)
        }
        _ => error_table(lua, b"ERR wrong number or type of arguments", false),
    }
}

fn write_log(lua: &Lua, log: &LogWriter, args: &MultiValue) -> mlua::Result<MultiValue> {
    if args.len() < 2 {
        return raised(lua, "redis.log() requires two arguments or more.");
    }
    let Some(level) = args.front().and_then(Value::as_f64) else {
        return raised(lua, "First argument must be a number (log level).");
    };
    let level = match level as i64 {
        0 => LogLevel::Debug,
        1 => LogLevel::Verbose,
        2 => LogLevel::Notice,
        3 => LogLevel::Warning,
        _ => return raised(lua, "Invalid log level."),
    };
    let words = args.iter().skip(1).filter_map(|word| lua.coerce_string(word.clone()).ok().flatten());
    let words: Vec<String> = words.map(|word| word.to_string_lossy()).collect();
    log(level, &words.join(" "));
    ().into_lua_multi_values(lua)
}

fn random(lua: &Lua, numbers: &Mutex<fastrand::Rng>, args: &MultiValue) -> mlua::Result<MultiValue> {
    let mut bounds = Vec::with_capacity(2);
    for value in args.iter() {
        match lua.coerce_number(value.clone())? {
            Some(number) => bounds.push(number.floor()),
            None => return refused(lua, "bad argument to 'random' (number expected)"),
        }
    }
    let unit = numbers.lock().f64();
    let (low, high) = match bounds[..] {
        [] => return (true, unit).into_lua_multi_values(lua),
        [high] => (1.0, high),
        [low, high] => (low, high),
        _ => return refused(lua, "wrong number of arguments"),
    };
    if low > high {
        return refused(lua, "bad argument to 'random' (interval is empty)");
    }
    (true, (unit * (high - low + 1.0)).floor() + low).into_lua_multi_values(lua)
}

scoped_tls_hkt::scoped_thread_local!(
    /// The way of the script that runs on this thread to the server.
    pub(crate) static mut RUNNING: for<'a> &'a mut (dyn Server + 'a)
);

/// What a running script asks of the server.
pub(crate) trait Server {
    /// Answers; see [`serve`].
    fn serve(&mut self, lua: &Lua, operation: i64, given: &[Value]) -> mlua::Result<(Value, bool)>;
}

/// A running script, with room for the arguments of its commands.
pub(crate) struct Caller<'r, 'c> {
    pub(crate) cx: &'r mut ScriptCx<'c>,
    pub(crate) args: &'r mut OwnedArgs,
}

impl Server for Caller<'_, '_> {
    fn serve(&mut self, lua: &Lua, operation: i64, given: &[Value]) -> mlua::Result<(Value, bool)> {
        serve(lua, self.cx, self.args, operation, given)
    }
}

/// [`serve`] for whichever script runs on this thread.
fn ask(lua: &Lua, (operation, given): (i64, Variadic<Value>)) -> mlua::Result<(Value, bool)> {
    if !RUNNING.is_set() {
        return failed(lua, "ERR redis functions can only be called while a script runs");
    }
    RUNNING.with(|server| server.serve(lua, operation, &given))
}

/// What a running script asks: the operation first, then its arguments. Returns the answer, and true if it is an error
/// to be raised.
fn serve(
    lua: &Lua,
    cx: &mut ScriptCx<'_>,
    args: &mut OwnedArgs,
    operation: i64,
    given: &[Value],
) -> mlua::Result<(Value, bool)> {
    if let (MANY, [Value::Table(given)]) = (operation, given) {
        let given = given.sequence_values().collect::<mlua::Result<Vec<Value>>>()?;
        return call(lua, cx, args, &given);
    }
    match operation {
        0 => call(lua, cx, args, given),
        1 => set_protocol(lua, cx, given),
        2 => set_repl(lua, cx, given),
        _ => check_user(lua, cx, args, given),
    }
}

fn failed(lua: &Lua, text: &str) -> mlua::Result<(Value, bool)> {
    Ok((Value::Table(error_table(lua, text.as_bytes(), false)?), true))
}

fn call(
    lua: &Lua,
    cx: &mut ScriptCx<'_>,
    args: &mut OwnedArgs,
    given: &[Value],
) -> mlua::Result<(Value, bool)> {
    if given.is_empty() {
        return failed(lua, "ERR Please specify at least one argument for this redis.call() call");
    }
    if !collect(args, given) {
        return failed(lua, "ERR Lua redis lib command arguments must be strings or integers");
    }
    match cx.call(args.as_args()) {
        Ok(reply) if reply.first() == Some(&b'-') => {
            let text = reply[1..].strip_suffix(b"\r\n").unwrap_or(&reply[1..]);
            Ok((Value::Table(error_table(lua, text, true)?), true))
        }
        Ok([]) => Ok((Value::Boolean(false), false)),
        Ok(reply) => Ok((to_lua(lua, reply, &mut 0)?, false)),
        Err(error) => Ok((Value::Table(error_table(lua, error.0.text().as_bytes(), true)?), true)),
    }
}

/// Makes a script's arguments a command's; false when one is neither text nor number.
fn collect(args: &mut OwnedArgs, given: &[Value]) -> bool {
    args.clear();
    for value in given {
        match value {
            Value::String(text) => args.push(&text.as_bytes()),
            Value::Integer(number) => args.push_int(*number),
            Value::Number(number) => {
                let mut text = Vec::with_capacity(32);
                format_f64(*number, &mut text);
                args.push(&text);
            }
            _ => return false,
        }
    }
    true
}

fn set_protocol(lua: &Lua, cx: &mut ScriptCx<'_>, given: &[Value]) -> mlua::Result<(Value, bool)> {
    let [version] = given else { return failed(lua, "ERR redis.setresp() requires one argument.") };
    match version.as_i64() {
        Some(2) => cx.set_protocol(Protocol::Resp2),
        Some(3) => cx.set_protocol(Protocol::Resp3),
        _ => return failed(lua, "ERR RESP version must be 2 or 3."),
    }
    Ok((Value::Nil, false))
}

fn set_repl(lua: &Lua, cx: &mut ScriptCx<'_>, given: &[Value]) -> mlua::Result<(Value, bool)> {
    let [flags] = given else { return failed(lua, "ERR redis.set_repl() requires one argument.") };
    match flags.as_i64() {
        Some(flags) if flags & !(REPL_AOF | REPL_REPLICA) == 0 => {
            cx.set_repl(flags & REPL_AOF != 0, flags & REPL_REPLICA != 0);
            Ok((Value::Nil, false))
        }
        _ => failed(
            lua,
            "ERR Invalid replication flags. Please use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        ),
    }
}

fn check_user(
    lua: &Lua,
    cx: &mut ScriptCx<'_>,
    args: &mut OwnedArgs,
    given: &[Value],
) -> mlua::Result<(Value, bool)> {
    if given.is_empty() {
        return failed(lua, "ERR Please specify at least one argument for this redis.acl_check_cmd() call");
    }
    if !collect(args, given) {
        return failed(lua, "ERR redis.acl_check_cmd() command arguments must be strings or integers");
    }
    match cx.may_run(args.as_args()) {
        Ok(may) => Ok((Value::Boolean(may), false)),
        Err(error) => failed(lua, error.text()),
    }
}
