//! Scripts that try to get out of the sandbox, or to leave something behind for the next one.

use crate::testing::Rig;

fn eval(rig: &mut Rig, script: &str) -> String {
    rig.run_args(&[b"EVAL", script.as_bytes(), b"0"])
}

/// Each attempt, and what its error must say.
const REFUSED: &[(&str, &str)] = &[
    // The tables that all scripts share.
    ("x = 1", "Attempt to modify a readonly table"),
    ("_G = {}", "Attempt to modify a readonly table"),
    ("_G.x = 1", "Attempt to modify a readonly table"),
    ("redis = 1", "Attempt to modify a readonly table"),
    ("redis.call = function() end", "Attempt to modify a readonly table"),
    ("string.rep = nil", "Attempt to modify a readonly table"),
    ("cjson.encode = 1", "Attempt to modify a readonly table"),
    ("cmsgpack.pack = 1", "Attempt to modify a readonly table"),
    ("struct.pack = 1", "Attempt to modify a readonly table"),
    ("bit.band = 1", "Attempt to modify a readonly table"),
    ("os.clock = 1", "Attempt to modify a readonly table"),
    ("rawset(_G, 'x', 1)", "Attempt to modify a readonly table"),
    ("rawset(redis, 'call', 1)", "Attempt to modify a readonly table"),
    ("table.insert(redis, 1)", "Attempt to modify a readonly table"),
    ("table.insert(_G, 1, 1)", "Attempt to modify a readonly table"),
    ("setmetatable(_G, {})", "Attempt to modify a readonly table"),
    ("setmetatable(redis, {})", "Attempt to modify a readonly table"),
    ("getmetatable(_G).__index = {}", "Attempt to modify a readonly table"),
    ("getmetatable(_G).__newindex = nil", "Attempt to modify a readonly table"),
    ("getmetatable(redis).__newindex = nil", "Attempt to modify a readonly table"),
    ("getmetatable('').__index = {}", "Attempt to modify a readonly table"),
    ("rawset(getmetatable(''), '__index', {})", "Attempt to modify a readonly table"),
    ("getmetatable(getmetatable('')).__newindex = nil", "Attempt to modify a readonly table"),
    ("for k, v in pairs(_G) do _G[k] = nil end", "Attempt to modify a readonly table"),
    // What reaches files, processes or the interpreter's inside.
    ("dofile('/etc/passwd')", "nonexistent global variable 'dofile'"),
    ("loadfile('/etc/passwd')", "nonexistent global variable 'loadfile'"),
    ("require('os')", "nonexistent global variable 'require'"),
    ("io.open('/etc/passwd')", "nonexistent global variable 'io'"),
    ("debug.getregistry()", "nonexistent global variable 'debug'"),
    ("package.loadlib('x', 'y')", "nonexistent global variable 'package'"),
    ("print('x')", "nonexistent global variable 'print'"),
    ("setfenv(1, {})", "nonexistent global variable 'setfenv'"),
    ("return getfenv(0)", "nonexistent global variable 'getfenv'"),
    ("newproxy(true)", "nonexistent global variable 'newproxy'"),
    ("module('x')", "nonexistent global variable 'module'"),
    ("os.execute('true')", "attempt to call field 'execute'"),
    ("os.exit()", "attempt to call field 'exit'"),
    ("os.getenv('PATH')", "attempt to call field 'getenv'"),
    ("os.remove('/tmp/x')", "attempt to call field 'remove'"),
    // Code that is not source.
    ("return loadstring(string.dump(function() return 1 end))()", "attempt to call a nil value"),
    ("return load(function() return nil end and '\\27Lua')()", "attempt to call"),
    (
        "local n = 0 return load(function() n = n + 1 return ({'\\27', 'Lua'})[n] end)()",
        "attempt to call a nil value",
    ),
    ("loadstring('x = 1')()", "Attempt to modify a readonly table"),
    ("coroutine.wrap(function() x = 1 end)()", "Attempt to modify a readonly table"),
    // What ends the process in a plain Lua 5.1: stacks and numbers of the native code.
    ("return {unpack({1,2,3}, -2, 2147483647)}", "too many results to unpack"),
    ("return {unpack({1,2,3}, -2147483648, -2)}", "too many results to unpack"),
    ("local function f() return coroutine.wrap(f)() end return f()", "C stack overflow"),
    ("return string.find(string.rep('a', 100000), string.rep('a?', 100000))", "pattern too complex"),
    ("return string.match('x', string.rep('(', 20000))", "pattern too complex"),
    ("local function f() return f() + 1 end return f()", "stack overflow"),
    ("local t = {} t.t = t return cjson.encode(t)", "excessive depth"),
    ("return cjson.decode(string.rep('[', 100000))", "too many nested"),
    ("cjson.encode_max_depth(1000000000) local t = {} t.t = t return cjson.encode(t)", "excessive depth"),
    ("return cmsgpack.unpack(string.rep('\\145', 100000))", "Bad data format"),
    ("return cmsgpack.unpack('\\221\\255\\255\\255\\255')", "Missing bytes"),
    ("return struct.unpack('i99999999999999999999', 'x')", "overflow"),
    ("return struct.pack('!3i4', 1)", "power of 2"),
    ("return struct.unpack('c0', 'x')", "previous size"),
    // More memory than there may be.
    ("return string.rep('x', 1000000000)", "memory"),
    ("local t = {} for i = 1, 1e9 do t[i] = i end", "memory"),
    ("local s = 'x' while true do s = s .. s end", "memory"),
    ("local t = {} while true do t = {t, string.rep('y', 100)} end", "memory"),
    // Commands that are not for scripts, and what is for other moments.
    ("redis.call('eval', 'return 1', 0)", "not allowed from script"),
    ("redis.call('script', 'flush')", "not allowed from script"),
    ("redis.call('function', 'flush')", "not allowed from script"),
    ("redis.call('multi')", "not allowed from script"),
    ("redis.call('subscribe', 'c')", "not allowed from script"),
    ("redis.register_function('f', function() end)", "attempt to call field 'register_function'"),
];

#[test]
fn attempts_are_refused_and_leave_nothing_behind() {
    // Workers have such stacks; the frames of a debug build are several times as large.
    let thread = std::thread::Builder::new().stack_size(32 << 20).spawn(make_attempts);
    thread.expect("there is room for a thread").join().expect("all attempts are refused");
}

fn make_attempts() {
    let mut rig = Rig::new();
    assert!(REFUSED.len() >= 25);
    for (script, why) in REFUSED {
        let reply = eval(&mut rig, script);
        assert!(reply.starts_with('-') && reply.contains(why), "{script}: {reply}");
        // The next script finds everything as it was.
        let check = "return {type(redis.call), type(string.rep), ('x'):rep(2), type(cjson.encode), #redis, redis.call('ping').ok}";
        assert_eq!(
            eval(&mut rig, check),
            "*6|$8|function|$8|function|$2|xx|$8|function|:0|$4|PONG",
            "after {script}"
        );
    }
}

#[test]
fn shared_tables_can_be_looked_at() {
    let mut rig = Rig::new();
    for (script, reply) in [
        ("local n = 0 for k, v in pairs(os) do n = n + 1 end return n", ":1"),
        ("return next(os)", "$5|clock"),
        ("return type(rawget(_G, 'redis'))", "$5|table"),
        ("return rawget(_G, 'nothing') == nil", ":1"),
        ("return type(getmetatable(_G).__index)", "$8|function"),
        ("local f, t = pairs(redis) return t == redis", ":1"),
        ("local ok = pcall(function() return nothing end) return ok", "$-1"),
        ("return tostring(_G) == tostring(_G._G)", ":1"),
        ("return type(string.gmatch('a', 'a'))", "$8|function"),
        ("return ('a-b'):gsub('-', '+')", "$3|a+b"),
        (
            "local c = coroutine.create(function(a) local b = coroutine.yield(a + 1) return b end) local _, x = coroutine.resume(c, 1) local _, y = coroutine.resume(c, 5) return {x, y}",
            "*2|:2|:5",
        ),
        (
            "local f = coroutine.wrap(function() coroutine.yield(1) return 2 end) return {f(), f()}",
            "*2|:1|:2",
        ),
        ("return loadstring('return 7')()", ":7"),
        (
            "local parts, i = {'return ', '8'}, 0 return load(function() i = i + 1 return parts[i] end)()",
            ":8",
        ),
        ("local f, why = loadstring('return return') return f == nil and type(why)", "$6|string"),
        ("return select('#', unpack({1, nil, 3}, 1, 3))", ":3"),
        ("local a = {} for i = 1, 7999 do a[i] = i end return redis.call('del', unpack(a))", ":0"),
        ("return type(collectgarbage('count'))", "$6|number"),
    ] {
        assert_eq!(eval(&mut rig, script), reply, "{script}");
    }
}

#[test]
fn nothing_of_one_script_is_there_for_the_next() {
    let mut rig = Rig::new();
    rig.run("EVAL return(KEYS[1]) 1 secret");
    assert!(eval(&mut rig, "return KEYS[1]").starts_with("$-1"));
    eval(&mut rig, "redis.setresp(3) redis.call('select', 5)");
    assert_eq!(eval(&mut rig, "return redis.call('get','x') == false"), ":1");
    eval(&mut rig, "redis.set_repl(redis.REPL_NONE)");
    rig.propagated();
    eval(&mut rig, "redis.call('set','x',1)");
    assert_eq!(rig.propagated().trim_start_matches("SELECT 0; "), "set x 1");
}

#[test]
fn a_script_that_does_not_end_is_killed() {
    let mut rig = Rig::new();
    rig.engine.set_settings(redan_engine::Settings { busy_reply_threshold_ms: 1, ..Default::default() });
    let engine = std::sync::Arc::clone(&rig.engine);
    for script in [
        "while true do end",
        "local f = function() while 1 do redis.call('ping') end end while 1 do pcall(f) end",
        "local function f() while true do end end while true do coroutine.wrap(f)() end",
    ] {
        let (clock, engine) = (std::sync::Arc::clone(&rig.clock), std::sync::Arc::clone(&engine));
        let killer = std::thread::spawn(move || {
            while engine.script_watch().kill(redan_engine::ScriptKind::Eval).is_err() {
                clock.advance_ms(1);
                std::thread::yield_now();
            }
        });
        let reply = eval(&mut rig, script);
        killer.join().expect("the killer ends");
        assert!(reply.contains("killed by user"), "{script}: {reply}");
        assert_eq!(eval(&mut rig, "for i = 1, 300000 do end return 1"), ":1", "after {script}");
    }
}

#[test]
fn a_library_that_does_not_end_is_not_loaded() {
    let mut rig = Rig::new();
    let clock = std::sync::Arc::clone(&rig.clock);
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stop = std::sync::Arc::clone(&done);
    let ticker = std::thread::spawn(move || {
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            clock.advance_ms(10);
            std::thread::yield_now();
        }
    });
    let reply = rig.run_args(&[b"FUNCTION", b"LOAD", b"#!lua name=a\nlocal a = 1 while 1 do a = a + 1 end"]);
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    ticker.join().expect("the ticker ends");
    assert_eq!(reply, "-ERR Error registering functions: FUNCTION LOAD timeout");
    let reply = rig.run_args(&[
        b"FUNCTION",
        b"LOAD",
        b"#!lua name=a\nredis.register_function('f', function() return 1 end)",
    ]);
    assert_eq!((reply.as_str(), rig.run("FCALL f 0").as_str()), ("$1|a", ":1"), "the next one is");
}
