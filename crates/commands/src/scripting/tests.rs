use crate::testing::Rig;

fn eval(rig: &mut Rig, script: &str) -> String {
    rig.run_args(&[b"EVAL", script.as_bytes(), b"0"])
}

#[test]
fn values_become_replies() {
    let mut rig = Rig::new();
    for (script, reply) in [
        ("return 'hello'", "$5|hello"),
        ("return 100.5", ":100"),
        ("return -3.9", ":-3"),
        ("return true", ":1"),
        ("return false", "$-1"),
        ("return nil", "$-1"),
        ("", "$-1"),
        ("return {1,2,'x',{3}}", "*4|:1|:2|$1|x|*1|:3"),
        ("return {1,nil,3}", "*1|:1"),
        ("return {ok='fine'}", "+fine"),
        ("return {err='ERR bad'}", "-ERR bad"),
        ("return {double=3.5}", "$3|3.5"),
        ("return {map={a=1}}", "*2|$1|a|:1"),
        ("return {set={a=true}}", "*1|$1|a"),
        ("return {big_number='123\\r\\n1'}", "$6|123  1"),
        ("return {verbatim_string={format='txt',string='x'}}", "$1|x"),
        ("return _G", "*0"),
        ("return {[2]=1}", "*0"),
        ("local a={} setmetatable(a,{__index=function() foo() end}) return a", "*0"),
    ] {
        assert_eq!(eval(&mut rig, script), reply, "{script}");
    }
    rig.run("HELLO 3");
    for (script, reply) in [
        ("return true", ":1"),
        ("return nil", "_"),
        ("redis.setresp(3) return true", "#t"),
        ("return {double=3.5}", ",3.5"),
        ("return {map={a=1}}", "%1|$1|a|:1"),
        ("return {set={a=true}}", "~1|$1|a"),
        ("return {big_number='12'}", "(12"),
        ("return {verbatim_string={format='txt',string='x'}}", "=5|txt:x"),
    ] {
        assert_eq!(eval(&mut rig, script), reply, "{script}");
    }
}

#[test]
fn commands_run_and_their_replies_become_values() {
    let mut rig = Rig::new();
    rig.run("SET s text");
    for (script, reply) in [
        ("return redis.call('get','s')", "$4|text"),
        ("return redis.call('get','none') == false", ":1"),
        ("return redis.call('set','n',5)", "+OK"),
        ("return redis.call('set','n',5).ok", "$2|OK"),
        ("return redis.call('incr','n') + 1", ":7"),
        ("return redis.call('mget','s','none','n')", "*3|$4|text|$-1|$1|6"),
        ("return redis.pcall('incr','s').err", "$43|ERR value is not an integer or out of range"),
        ("redis.call('set','f',3.5) return redis.call('get','f')", "$3|3.5"),
        ("redis.call('set','f',9007199254740991) return redis.call('get','f')", "$16|9007199254740991"),
        (
            "return {redis.pcall('ping'), redis.sha1hex('')}",
            "*2|+PONG|$40|da39a3ee5e6b4b0d3255bfef95601890afd80709",
        ),
    ] {
        assert_eq!(eval(&mut rig, script), reply, "{script}");
    }
}

#[test]
fn keys_and_arguments() {
    let mut rig = Rig::new();
    assert_eq!(rig.run("EVAL return{KEYS[1],KEYS[2],ARGV[1],ARGV[2]} 2 a b c d"), "*4|$1|a|$1|b|$1|c|$1|d");
    assert_eq!(rig.run("EVAL return(1) 1"), "-ERR Number of keys can't be greater than number of args");
    assert_eq!(rig.run("EVAL return(1) -1"), "-ERR Number of keys can't be negative");
    assert_eq!(rig.run("EVAL return(1) x"), "-ERR value is not an integer or out of range");
    assert_eq!(rig.run("COMMAND GETKEYS EVAL x 2 a b c"), "*2|$1|a|$1|b");
}

#[test]
fn errors_say_where_they_come_from() {
    let mut rig = Rig::new();
    let sha = |script: &str| crate::testing::sha1_hex(script.as_bytes());
    rig.run("SET s text");
    for (script, reply) in [
        (
            "redis.call('incr','s')",
            "ERR value is not an integer or out of range script: {}, on @user_script:1.",
        ),
        (
            "\nredis.call('nope')",
            "ERR Unknown Redis command called from script script: {}, on @user_script:2.",
        ),
        (
            "redis.call('get')",
            "ERR Wrong number of args calling Redis command from script script: {}, on @user_script:1.",
        ),
        (
            "redis.call('eval','x',0)",
            "ERR This Redis command is not allowed from script script: {}, on @user_script:1.",
        ),
        ("error('mine')", "ERR user_script:1: mine script: {}, on @user_script:1."),
        ("error({err='MY code'})", "MY code script: {}, on @user_script:1."),
        (
            "return x",
            "ERR user_script:1: Script attempted to access nonexistent global variable 'x' script: {}, on @user_script:1.",
        ),
        ("x = 1", "ERR user_script:1: Attempt to modify a readonly table script: {}, on @user_script:1."),
        (
            "redis.call()",
            "ERR Please specify at least one argument for this redis.call() call script: {}, on @user_script:1.",
        ),
        (
            "redis.call('ping',{})",
            "ERR Lua redis lib command arguments must be strings or integers script: {}, on @user_script:1.",
        ),
        (
            "local f = function() local t = cjson.decode('[') end f()",
            "ERR user_script:1: Expected value but found T_END at character 2 script: {}, on @user_script:1.",
        ),
    ] {
        let expected = format!("-{}", reply.replace("{}", &sha(script)));
        assert_eq!(eval(&mut rig, script), expected, "{script}");
    }
    assert!(
        eval(&mut rig, "return return")
            .starts_with("-ERR Error compiling script (new function): user_script:1:")
    );
}

#[test]
fn what_a_script_changes_propagates_as_one() {
    let mut rig = Rig::new();
    rig.check(&[
        ("EVAL return(1) 0", ":1", ""),
        ("EVAL return(redis.call('set','a',1)) 0", "+OK", "set a 1"),
        ("EVAL redis.call('set','a',1)redis.call('incr','a') 0", "$-1", "MULTI; set a 1; incr a; EXEC"),
    ]);
    rig.run("EVAL redis.call('set','a',1)redis.call('nope') 0");
    assert_eq!(rig.propagated(), "set a 1", "what was done before an error is done");
    rig.run("EVAL redis.set_repl(redis.REPL_NONE)redis.call('set','b',1)redis.set_repl(redis.REPL_ALL)redis.call('set','c',1) 0");
    assert_eq!(rig.propagated(), "set c 1");
    assert_eq!(rig.run("EVAL redis.call('select','3')redis.call('set','d',1) 0"), "$-1");
    assert_eq!(rig.propagated(), "SELECT 3; set d 1");
    assert_eq!(rig.run("GET d"), "$-1", "the caller's database is as before");
}

#[test]
fn scripts_run_inside_transactions() {
    let mut rig = Rig::new();
    rig.run("MULTI");
    rig.run("SET a 1");
    rig.run("EVAL return(redis.call('incr','a')) 0");
    rig.run("EVAL return(redis.call('nope')) 0");
    rig.run("GET a");
    let reply = rig.run("EXEC");
    assert!(reply.starts_with("*4|+OK|:2|-ERR Unknown Redis command"), "{reply}");
    assert!(reply.ends_with("|$1|2"), "{reply}");
    let said = rig.propagated();
    assert_eq!(said, "MULTI; SELECT 0; SET a 1; incr a; EXEC");
}

#[test]
fn the_cache_is_by_sha() {
    let mut rig = Rig::new();
    assert_eq!(
        rig.run("EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0"),
        "-NOSCRIPT No matching script. Please use EVAL."
    );
    assert_eq!(
        rig.run_args(&[b"SCRIPT", b"LOAD", b"return 1"]),
        "$40|e0e1f9fabfc9d4800c877a703b823ac0578ff8db"
    );
    assert_eq!(rig.run("EVALSHA E0E1F9FABFC9D4800C877A703B823AC0578FF8DB 0"), ":1");
    assert_eq!(rig.run("SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db x"), "*2|:1|:0");
    assert_eq!(rig.run("SCRIPT FLUSH"), "+OK");
    assert_eq!(rig.run("SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db"), "*1|:0");
    assert_eq!(rig.run("SCRIPT FLUSH NOW"), "-ERR SCRIPT FLUSH only support SYNC|ASYNC option");
    for number in 0..600 {
        rig.run(&format!("EVAL return({number}) 0"));
    }
    let figures = rig.engine.scripts().figures();
    assert_eq!((figures.cached_scripts, figures.evicted), (500, 100));
    assert_eq!(rig.run("SCRIPT KILL"), "-NOTBUSY No scripts in execution right now.");
    assert!(rig.run("SCRIPT DEBUG YES").starts_with("-ERR"));
}

#[test]
fn read_only_scripts_do_not_write() {
    let mut rig = Rig::new();
    let refused = "-ERR Write commands are not allowed from read-only scripts.";
    assert!(rig.run("EVAL_RO return(redis.call('set','a',1)) 0").starts_with(refused));
    assert_eq!(rig.run("EVAL_RO return(redis.call('get','a')) 0"), "$-1");
    let said = rig.run_args(&[b"EVAL", b"#!lua flags=no-writes\nreturn redis.call('set','a',1)", b"0"]);
    assert!(said.starts_with(refused), "{said}");
    let said = rig.run_args(&[b"EVAL_RO", b"#!lua\nreturn 1", b"0"]);
    assert_eq!(said, "-ERR Can not execute a script with write flag using *_ro command.");
    let said = rig.run_args(&[b"EVAL", b"#!lua flags=bad\nreturn 1", b"0"]);
    assert_eq!(said, "-ERR Unexpected flag in script shebang: bad");
}

#[test]
fn libraries_of_functions() {
    let mut rig = Rig::new();
    let library = b"#!lua name=lib\nlocal n = 1\nredis.register_function('f', function(keys, args) n = n + 1 return {keys[1], args[1], n} end)\nredis.register_function{function_name='g', callback=function() return redis.call('get','x') end, flags={'no-writes'}, description='reads'}";
    assert_eq!(rig.run_args(&[b"FUNCTION", b"LOAD", library]), "$3|lib");
    assert_eq!(rig.run("FCALL f 1 k a"), "*3|$1|k|$1|a|:2");
    assert_eq!(rig.run("FCALL F 1 k a"), "*3|$1|k|$1|a|:3");
    assert_eq!(rig.run("FCALL_RO g 0"), "$-1");
    assert_eq!(rig.run("FCALL_RO f 0"), "-ERR Can not execute a script with write flag using *_ro command.");
    assert_eq!(rig.run("FCALL nope 0"), "-ERR Function not found");
    assert_eq!(rig.run_args(&[b"FUNCTION", b"LOAD", library]), "-ERR Library 'lib' already exists");
    assert_eq!(
        rig.run("FUNCTION STATS"),
        "*4|$14|running_script|$-1|$7|engines|*2|$3|LUA|*4|$15|libraries_count|:1|$15|functions_count|:2"
    );
    let listed = rig.run("FUNCTION LIST");
    assert_eq!(
        listed,
        "*1|*6|$12|library_name|$3|lib|$6|engine|$3|LUA|$9|functions|*2|*6|$4|name|$1|f|$11|description|$-1|$5|flags|*0|*6|$4|name|$1|g|$11|description|$5|reads|$5|flags|*1|+no-writes"
    );
    rig.propagated();
    assert_eq!(rig.run("FUNCTION DELETE lib"), "+OK");
    assert_eq!(rig.propagated(), "FUNCTION DELETE lib");
    assert_eq!(rig.run("FCALL f 0"), "-ERR Function not found");
}

#[test]
fn libraries_are_dumped_and_restored() {
    let mut rig = Rig::new();
    let library = |name: &str, function: &str| {
        format!("#!lua name={name}\nredis.register_function('{function}', function() return '{name}' end)")
    };
    rig.run_args(&[b"FUNCTION", b"LOAD", library("one", "f").as_bytes()]);
    let codes: Vec<_> = rig.engine.scripts().libraries().into_iter().map(|library| library.code).collect();
    let payload = redan_persistence::dump::encode_functions(codes.iter().map(|code| &code[..]));
    assert_eq!(rig.run_args(&[b"FUNCTION", b"RESTORE", &payload]), "-ERR Library one already exists");
    assert_eq!(rig.run_args(&[b"FUNCTION", b"RESTORE", &payload, b"REPLACE"]), "+OK");
    rig.run("FUNCTION FLUSH");
    rig.run_args(&[b"FUNCTION", b"LOAD", library("two", "F").as_bytes()]);
    assert_eq!(rig.run_args(&[b"FUNCTION", b"RESTORE", &payload]), "-ERR Function f already exists");
    assert_eq!(rig.run("FCALL f 0"), "$3|two");
    assert_eq!(rig.run_args(&[b"FUNCTION", b"RESTORE", &payload, b"FLUSH"]), "+OK");
    assert_eq!(rig.run("FCALL f 0"), "$3|one");
    assert_eq!(rig.run("FUNCTION RESTORE x"), "-ERR DUMP payload version or checksum are wrong");
}
