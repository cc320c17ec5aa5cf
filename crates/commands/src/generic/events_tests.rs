//! The keyspace events of string and generic commands.

use crate::testing::Rig;

fn check(script: &[(&str, &str)]) {
    let mut rig = Rig::new();
    rig.listen();
    for (command, events) in script {
        let reply = rig.run(command);
        assert!(!reply.starts_with('-'), "{command}: {reply}");
        assert_eq!(rig.events(), *events, "{command}");
    }
}

#[test]
fn strings() {
    check(&[
        ("SET k 1", "new k; set k"),
        ("SET k 1 EX 10", "set k; expire k"),
        ("SET k 2 NX", ""),
        ("SET k 2 PXAT 1800000000000", "set k; expire k"),
        ("SETEX k 10 1", "set k; expire k"),
        ("SETNX k 1", ""),
        ("SETNX l 1", "new l; set l"),
        ("GETSET k 5", "set k"),
        ("GETSET o 5", "keymiss o; new o; set o"),
        ("MSET k 1 m 2", "set k; new m; set m"),
        ("MSETNX n 1", "new n; set n"),
        ("APPEND k 0", "append k"),
        ("APPEND p 0", "new p; append p"),
        ("SETRANGE k 0 2", "setrange k"),
        ("SETRANGE q 3 x", "new q; setrange q"),
        ("INCR k", "incrby k"),
        ("DECRBY r 2", "new r; incrby r"),
        ("INCRBYFLOAT k 1.5", "incrbyfloat k"),
        ("GETEX k EX 10", "expire k"),
        ("GETEX k PERSIST", "persist k"),
        ("GETEX k PERSIST", ""),
        ("GETEX k PXAT 1", "del k"),
        ("GET k", "keymiss k"),
        ("MGET k l k", "keymiss k; keymiss k"),
        ("STRLEN k", "keymiss k"),
        ("GETRANGE k 0 -1", "keymiss k"),
        ("LCS k l", "keymiss k"),
        ("GETDEL l", "del l"),
        ("GETDEL l", "keymiss l"),
    ]);
}

#[test]
fn keys() {
    check(&[
        ("MSET a 1 b 2", "new a; set a; new b; set b"),
        ("DEL a b c", "del a; del b"),
        ("EXISTS a", "keymiss a"),
        ("TYPE a", "keymiss a"),
        ("TTL a", "keymiss a"),
        ("OBJECT ENCODING a", ""),
        ("EXPIRE a 10", ""),
        ("SET a 1", "new a; set a"),
        ("EXPIRE a 10", "expire a"),
        ("PERSIST a", "persist a"),
        ("EXPIRE a -1", "del a"),
        ("SET a 1", "new a; set a"),
        ("RENAME a b", "new b; rename_from a; rename_to b"),
        ("RENAME b b", ""),
        ("COPY b c", "new c; copy_to c"),
        ("COPY none c", "keymiss none"),
        ("COPY b c DB 2", "new@2 c; copy_to@2 c"),
        ("MOVE b 3", "new@3 b; move_from b; move_to@3 b"),
        ("UNLINK c", "del c"),
    ]);
}

#[test]
fn an_expired_key_is_told_before_what_comes_next() {
    let mut rig = Rig::new();
    rig.listen();
    rig.run("SET k v PX 10");
    rig.events();
    rig.advance_ms(11);
    rig.run("SET k w");
    assert_eq!(rig.events(), "expired k; new k; set k");
}
