//! Access control beside a real Redis: the same rules make the same users, in memory and in files.

use redan_tests::{Client, Process, Program, eventually};

/// Rules whose commands and categories both servers have with the same meaning.
const RULES: &[&str] = &[
    "on",
    "off",
    "nopass",
    "resetpass",
    ">one",
    ">two",
    "<one",
    "#2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    "!2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    "skip-sanitize-payload",
    "sanitize-payload",
    "~*",
    "allkeys",
    "resetkeys",
    "~a*",
    "~b",
    "%R~r*",
    "%W~w*",
    "%RW~x",
    "%R~w*",
    "%~x",
    "~",
    "&*",
    "resetchannels",
    "&c*",
    "&d",
    "allchannels",
    "+@all",
    "-@all",
    "allcommands",
    "nocommands",
    "+@read",
    "-@read",
    "+@write",
    "-@string",
    "+@STRING",
    "-@admin",
    "+@dangerous",
    "-@fast",
    "+@slow",
    "+@connection",
    "-@keyspace",
    "+@pubsub",
    "+@bitmap",
    "+get",
    "-get",
    "+GET",
    "+set",
    "-set",
    "+mget",
    "+config",
    "-config",
    "+config|get",
    "-config|set",
    "+client|id",
    "-client|kill",
    "+client",
    "+select|0",
    "+select|1",
    "-select",
    "+debug|object",
    "+nope",
    "-@nope",
    "+get|a|b",
    "+config|get|x",
    "+config|nope",
    "nonsense",
    "(+get ~s*)",
    "(+@all -set ~t %R~u &e)",
    "()",
    "(+get",
    ")",
    "(nope)",
    "clearselectors",
    "reset",
    "",
];

/// Commands that are tried out.
const COMMANDS: &[&str] = &[
    "get a1",
    "get r1",
    "get w1",
    "get s",
    "set a1 1",
    "set r1 1",
    "set w1 1",
    "set w1 1 GET",
    "mget a1 b s1",
    "del t",
    "exists r1",
    "exists w1",
    "type x",
    "config get x",
    "config set x y",
    "client id",
    "client kill x",
    "select 0",
    "select 1",
    "debug object a1",
    "publish c1 x",
    "publish d x",
    "publish e x",
    "subscribe c1 d",
    "psubscribe c*",
    "psubscribe d",
    "ping",
    "auth x",
    "bitfield r1 get u4 0",
    "bitfield w1 set u4 0 1",
    "bitcount u",
    "flushall",
    "acl whoami",
    "copy r1 w1",
    "copy w1 r1",
    "rename a1 a2",
    "dbsize",
    "info",
    "multi",
    "keys *",
    "spublish c1 x",
    "lpush w1 a",
    "lrange r1 0 -1",
    "blpop r1 w1 0",
    "lmpop 2 r1 w1 left",
    "llen w1",
    "hexists r1 f",
    "hexists x f",
    "hset w1 f v",
    "hget w1 f",
    "sismember w1 a",
    "sintercard 2 r1 r2",
    "sintercard 2 r1 w1",
    "sdiffstore w1 r1 r2",
    "smove r1 w1 a",
    "zadd w1 1 a",
    "zcount w1 0 1",
    "zunionstore w1 2 r1 r2",
    "zunionstore r1 1 r2",
    "xadd w1 * a b",
    "xlen w1",
    "xread streams r1 w1 0 0",
    "xread count 1 streams r1 0",
    "eval s 1 a1",
    "eval s 1 r1",
    "eval s 0 r1",
    "eval s -1 r1",
    "eval s 3 a1 r1",
    "eval_ro s 1 r1",
    "fcall f 1 w1",
    "memory usage x",
    "object encoding w1",
    "xgroup create w1 g $",
];

/// Commands with many ways to name keys, some of them malformed.
const SHAPES: &[&str] = &[
    "sort a",
    "sort a by x get y store d",
    "sort a store d store e",
    "sort a limit store 2 store d",
    "sort_ro a by x",
    "geoadd k 1 1 m",
    "georadius k 1 1 1 m store d",
    "georadius k 1 1 1 m storedist d",
    "georadius k 1 1 1 m",
    "geosearchstore d k frommember m byradius 1 m",
    "pfcount a b",
    "pfmerge d a b",
    "migrate h 1 k 0 1",
    "migrate h 1 x 0 1 copy replace",
    "get k",
    "set k v",
    "set k v get",
    "set k v ex get",
    "mset a 1 b 2",
    "mset a 1 b",
    "mget a b c",
    "del a b",
    "eval x 2 a b",
    "eval x 0",
    "eval x 3 a",
    "eval x -1 a",
    "eval x z a",
    "evalsha x 1 k y",
    "fcall f 1 k",
    "fcall_ro f 1 k",
    "eval_ro x 1 k",
    "zunionstore d 2 a b",
    "zunionstore d 0",
    "zunionstore d 3 a b",
    "zunionstore d x a",
    "zinter 2 a b",
    "zdiff 1 a",
    "zintercard 2 a b",
    "sintercard 1 a",
    "lmpop 2 a b left",
    "blmpop 0 2 a b left",
    "bzmpop 0 1 z min",
    "zmpop 1 z min",
    "xread streams a b 0 0",
    "xread count 1 block 0 streams a 0",
    "xread streams a b 0",
    "xread streams",
    "xreadgroup group g c streams a b > >",
    "xreadgroup group streams c streams a >",
    "bitfield k get u4 0",
    "bitfield k set u4 0 1",
    "bitfield k overflow wrap get u4 0",
    "bitfield k",
    "bitfield k incrby u4 0 1",
    "bitfield_ro k get u4 0",
    "bitop and d a b",
    "copy a b",
    "rename a b",
    "renamenx a b",
    "smove a b c",
    "rpoplpush a b",
    "lmove a b left left",
    "blmove a b left left 0",
    "brpop a b 0",
    "blpop a b c 0",
    "bzpopmin a b 0",
    "brpoplpush a b 0",
    "object encoding k",
    "memory usage k",
    "memory usage k samples 1",
    "xgroup create k g $",
    "xinfo stream k",
    "restore k 0 x",
    "dump k",
    "hget k f",
    "hset k f v",
    "hgetex k fields 1 f",
    "hsetex k fields 1 f v",
    "hgetdel k fields 1 f",
    "zrangestore a b 0 1",
    "watch a b",
    "touch a",
    "exists a b",
    "getex k",
    "getdel k",
    "append k v",
    "lcs a b",
    "lcs a b len",
    "spublish c m",
    "ssubscribe c",
    "subscribe c",
    "ping",
    "client list",
    "xclaim k g c 0 1",
    "xautoclaim k g c 0 0",
    "xack k g 1",
    "debug object k",
    "flushall",
    "sdiffstore d a b",
    "sinter a b",
    "sunionstore d a",
    "spop k",
    "msetnx a 1 b 2",
    "psetex k 1 v",
    "hexpire k 1 fields 1 f",
    "httl k fields 1 f",
    "expire k 1",
    "persist k",
    "type k",
    "unlink a b",
    "zadd k 1 m",
    "zincrby k 1 m",
    "zpopmin k",
    "lpos k v",
    "ltrim k 0 1",
    "incr k",
    "setrange k 0 v",
    "getset k v",
    "strlen k",
    "substr k 0 1",
    "setbit k 0 1",
    "getbit k 0",
    "bitcount k",
    "bitpos k 1",
    "acl setuser x",
    "command getkeys get k",
    "nosuch x",
    "set k",
    "get",
];

/// A reply, errors included, in a form that can be compared.
fn reply(client: &mut Client, args: &[&str]) -> String {
    client.try_text(args).unwrap_or_else(|error| format!("error: {error}"))
}

#[test]
fn rules_make_the_same_users_as_in_redis() {
    let (ours, theirs) = (Process::server(Program::Redan, &[]), Process::server(Program::Redis8, &[]));
    let mut both = [ours.client(), theirs.client()];
    let mut random = fastrand::Rng::with_seed(4);
    for round in 0..400 {
        let mut args = vec!["ACL", "SETUSER", if round % 3 == 0 { "bob" } else { "eve" }];
        let count = random.usize(0..7);
        args.extend(std::iter::repeat_with(|| RULES[random.usize(..RULES.len())]).take(count));
        let context = format!("round {round}: {args:?}");
        let [one, other] = both.each_mut().map(|client| reply(client, &args));
        assert_eq!(one, other, "{context}");
        for question in [&["ACL", "LIST"][..], &["ACL", "GETUSER", args[2]]] {
            let [one, other] = both.each_mut().map(|client| reply(client, question));
            assert_eq!(one, other, "{context}");
        }
        for command in COMMANDS {
            let mut question = vec!["ACL", "DRYRUN", args[2]];
            question.extend(command.split(' '));
            let [one, other] = both.each_mut().map(|client| reply(client, &question));
            assert_eq!(one, other, "{context}: {command}");
        }
        if round % 20 == 19 {
            both.iter_mut().for_each(|client| drop(reply(client, &["ACL", "DELUSER", "bob", "eve"])));
        }
    }
}

#[test]
fn keys_and_what_is_done_to_them_are_found_as_by_redis() {
    let (ours, theirs) = (Process::server(Program::Redan, &[]), Process::server(Program::Redis8, &[]));
    let mut both = [ours.client(), theirs.client()];
    for shape in SHAPES {
        for question in ["GETKEYS", "GETKEYSANDFLAGS"] {
            let args: Vec<&str> = ["COMMAND", question].into_iter().chain(shape.split(' ')).collect();
            let [one, other] = both.each_mut().map(|client| reply(client, &args));
            assert_eq!(one, other, "{question} {shape}");
        }
    }
}

#[test]
fn acl_files_are_exchanged_with_redis() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("users.acl");
    let file = path.to_str().expect("UTF-8");
    let text = "user alice on >pw ~a* %R~b resetchannels &c +@all -@dangerous +config|get\nuser bob (+get ~x) (+set %W~y)\n";
    std::fs::write(&path, text).expect("the directory is writable");
    let mut lists = Vec::new();
    for program in [Program::Redis8, Program::Redan, Program::Redis8] {
        let server = Process::server(program, &["--aclfile", file]);
        lists.push(server.client().text(&["ACL", "LIST"]));
        assert_eq!(server.client().text(&["ACL", "SAVE"]), "OK");
    }
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[1], lists[2]);
}

#[test]
fn users_outlive_a_restart() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("users.acl");
    std::fs::write(&path, "").expect("the directory is writable");
    let mut server = Process::server(Program::Redan, &["--aclfile", path.to_str().expect("UTF-8")]);
    let mut admin = server.client();
    admin.text(&["ACL", "SETUSER", "bob", "on", ">pw", "~b*", "+@all"]);
    admin.text(&["ACL", "SAVE"]);
    admin.text(&["ACL", "SETUSER", "eve", "on", "nopass", "+@all"]);
    server.restart();
    let mut client = server.client();
    assert_eq!(client.text(&["ACL", "USERS"]), "bob default");
    assert_eq!(client.text(&["AUTH", "bob", "pw"]), "OK");
    assert_eq!(client.text(&["SET", "b1", "x"]), "OK");
    assert_eq!(reply(&mut client, &["SET", "a", "x"]), "error: NOPERM No permissions to access a key");
}

#[test]
fn a_replica_logs_in_as_a_user_of_its_own() {
    for (ours, theirs) in [(Program::Redan, Program::Redis8), (Program::Redis8, Program::Redan)] {
        let (master, replica) = (Process::server(ours, &[]), Process::server(theirs, &[]));
        let mut admin = master.client();
        admin.text(&["ACL", "SETUSER", "repl", "on", ">secret", "+psync", "+replconf", "+ping"]);
        admin.text(&["ACL", "SETUSER", "default", ">other"]);
        admin.text(&["SET", "key", "value"]);
        let mut client = replica.client();
        client.text(&["CONFIG", "SET", "masteruser", "repl", "masterauth", "secret"]);
        client.text(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]);
        eventually("the replica has the data", || {
            client.try_text(&["GET", "key"]).is_ok_and(|value| value == "value")
        });
        assert!(admin.text(&["CLIENT", "LIST", "TYPE", "replica"]).contains(" user=repl "));
        // A change that only the master's user may see does not go through the replica.
        admin.text(&["ACL", "SETUSER", "bob", "on"]);
        assert_eq!(client.text(&["ACL", "USERS"]), "default");
    }
}

#[test]
fn a_subscriber_that_loses_its_channel_is_gone_at_once() {
    let server = Process::server(Program::Redan, &[]);
    let (mut admin, mut bob) = (server.client(), server.client());
    admin.text(&["ACL", "SETUSER", "bob", "on", "nopass", "+@all", "resetchannels", "&a", "&b"]);
    bob.text(&["AUTH", "bob", "x"]);
    bob.call(&["SUBSCRIBE", "a"]);
    admin.text(&["ACL", "SETUSER", "bob", "resetchannels", "&b"]);
    assert!(!admin.text(&["CLIENT", "LIST"]).contains("user=bob"));
    assert!(bob.receive().is_err(), "the connection is closed");
}
