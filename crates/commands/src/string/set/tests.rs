use crate::testing::{Rig, START_MS};

#[test]
fn set_with_conditions() {
    Rig::new().check(&[
        ("SET k v", "+OK", "SET k v"),
        ("SET k w NX", "$-1", ""),
        ("SET k w nx get", "$1|v", ""),
        ("SET k w XX", "+OK", "SET k w XX"),
        ("SET new w XX", "$-1", ""),
        ("SET new w xx GET", "$-1", ""),
        ("SET new w NX GET", "$-1", "SET new w NX"),
        ("SET new x GET", "$1|w", "SET new x"),
        ("SET new y GET GET KEEPTTL", "$1|x", "SET new y KEEPTTL"),
        ("SETNX new z", ":0", ""),
        ("SETNX newer z", ":1", "SETNX newer z"),
        ("GETSET newer a", "$1|z", "SET newer a"),
        ("GETSET newest a", "$-1", "SET newest a"),
    ]);
}

#[test]
fn expiries_propagate_as_absolute_times() {
    let ms = START_MS;
    Rig::new().check(&[
        ("SET k v EX 10", "+OK", &format!("SET k v PXAT {}", ms + 10_000)),
        ("TTL k", ":10", ""),
        ("SET k v PX 1500 GET", "$1|v", &format!("SET k v PXAT {}", ms + 1500)),
        ("SET k v KEEPTTL", "+OK", "SET k v KEEPTTL"),
        ("PTTL k", ":1500", ""),
        ("SET k w", "+OK", "SET k w"),
        ("TTL k", ":-1", ""),
        ("SET k v EXAT 1800000000 XX", "+OK", "SET k v PXAT 1800000000000"),
        ("SET k v PXAT 1800000000001", "+OK", "SET k v PXAT 1800000000001"),
        ("SETEX k 5 v", "+OK", &format!("SET k v PXAT {}", ms + 5000)),
        ("PSETEX k 5 v", "+OK", &format!("SET k v PXAT {}", ms + 5)),
        ("SET k v EX 1 EX 2", "+OK", &format!("SET k v PXAT {}", ms + 2000)),
    ]);
}

#[test]
fn errors_change_nothing() {
    let invalid = |name: &str| format!("-ERR invalid expire time in '{name}' command");
    let syntax = "-ERR syntax error";
    let not_integer = "-ERR value is not an integer or out of range";
    Rig::new().check(&[
        ("SET k v EX 0", &invalid("set"), ""),
        ("SET k v PX -1", &invalid("set"), ""),
        ("SET k v EX 9223372036854775807", &invalid("set"), ""),
        ("SET k v EX 9223372036854775", &invalid("set"), ""),
        ("SET k v PX 9223372036854775807", &invalid("set"), ""),
        ("SET k v PXAT 0", &invalid("set"), ""),
        ("SETEX k 0 v", &invalid("setex"), ""),
        ("PSETEX k -5 v", &invalid("psetex"), ""),
        ("SETEX k x v", not_integer, ""),
        ("SET k v EX x", not_integer, ""),
        ("SET k v EX", syntax, ""),
        ("SET k v NX XX", syntax, ""),
        ("SET k v EX 1 PX 1", syntax, ""),
        ("SET k v KEEPTTL EX 1", syntax, ""),
        ("SET k v EX 1 KEEPTTL", syntax, ""),
        ("SET k v PERSIST", syntax, ""),
        ("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command", ""),
        ("MSETNX a 1 b", "-ERR wrong number of arguments for 'msetnx' command", ""),
        ("EXISTS k a", ":0", ""),
    ]);
}

#[test]
fn several_at_once() {
    Rig::new().check(&[
        ("MSET a 1 b 2 a 3", "+OK", "MSET a 1 b 2 a 3"),
        ("MGET a b c", "*3|$1|3|$1|2|$-1", ""),
        ("MSETNX c 1 b 9", ":0", ""),
        ("MSETNX c 1 c 2 d 3", ":1", "MSETNX c 1 c 2 d 3"),
        ("MGET c d", "*2|$1|2|$1|3", ""),
    ]);
}

#[test]
fn an_expired_key_counts_as_missing_and_its_end_is_propagated_first() {
    let mut rig = Rig::new();
    rig.run("SET k v PX 10");
    rig.propagated();
    rig.advance_ms(11);
    assert_eq!(rig.run("SET k w NX"), "+OK");
    assert_eq!(rig.propagated(), "MULTI; DEL k; SET k w NX; EXEC");
    assert_eq!(rig.run("TTL k"), ":-1");
}
