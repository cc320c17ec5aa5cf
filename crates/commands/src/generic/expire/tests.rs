use crate::testing::{Rig, START_MS};

#[test]
fn relative_times_propagate_as_absolute_ones() {
    let at = |ms: i64| format!("PEXPIREAT k {}", START_MS + ms);
    Rig::new().check(&[
        ("EXPIRE k 10", ":0", ""),
        ("SET k v", "+OK", "SET k v"),
        ("EXPIRE k 10", ":1", &at(10_000)),
        ("PEXPIRE k 1501", ":1", &at(1501)),
        ("TTL k", ":2", ""),
        ("PTTL k", ":1501", ""),
        ("EXPIREAT k 1800000000", ":1", "PEXPIREAT k 1800000000000"),
        ("PEXPIREAT k 1800000000499", ":1", "PEXPIREAT k 1800000000499"),
        ("EXPIRETIME k", ":1800000000", ""),
        ("PEXPIRETIME k", ":1800000000499", ""),
        ("PERSIST k", ":1", "PERSIST k"),
        ("PERSIST k", ":0", ""),
        ("PERSIST none", ":0", ""),
        ("TTL k", ":-1", ""),
        ("PTTL none", ":-2", ""),
        ("EXPIRETIME k", ":-1", ""),
        ("PEXPIRETIME none", ":-2", ""),
    ]);
}

#[test]
fn conditions() {
    let at = |ms: i64, option: &str| format!("PEXPIREAT k {} {option}", START_MS + ms);
    Rig::new().check(&[
        ("SET k v", "+OK", "SET k v"),
        ("EXPIRE k 10 XX", ":0", ""),
        ("EXPIRE k 10 GT", ":0", ""),
        ("EXPIRE k 10 lt", ":1", &at(10_000, "lt")),
        ("EXPIRE k 20 NX", ":0", ""),
        ("EXPIRE k 20 LT", ":0", ""),
        ("EXPIRE k 10 LT", ":0", ""),
        ("EXPIRE k 10 GT", ":0", ""),
        ("EXPIRE k 20 GT", ":1", &at(20_000, "GT")),
        ("EXPIRE k 5 XX LT", ":1", &at(5000, "XX LT")),
        ("PERSIST k", ":1", "PERSIST k"),
        ("EXPIRE k 5 XX LT", ":0", ""),
        ("EXPIRE k 5 NX", ":1", &at(5000, "NX")),
    ]);
}

#[test]
fn times_in_the_past_delete() {
    for (command, propagated) in [
        ("EXPIRE k -1", "DEL k"),
        ("EXPIRE k 0", "DEL k"),
        ("PEXPIRE k -9223372036854775808", "DEL k"),
        ("EXPIREAT k 1", "DEL k"),
        ("PEXPIREAT k 1 LT", "DEL k"),
    ] {
        let mut rig = Rig::new();
        rig.run("SET k v");
        rig.propagated();
        rig.check(&[(command, ":1", propagated), ("EXISTS k", ":0", "")]);
    }
}

#[test]
fn errors() {
    let too_large = |name: &str| format!("-ERR invalid expire time in '{name}' command");
    let incompatible = "-ERR NX and XX, GT or LT options at the same time are not compatible";
    Rig::new().check(&[
        ("EXPIRE k 9223372036854775807", &too_large("expire"), ""),
        ("EXPIRE k -9223372036854775808", &too_large("expire"), ""),
        ("EXPIRE k 9223372036854775", &too_large("expire"), ""),
        ("PEXPIRE k 9223372036854775807", &too_large("pexpire"), ""),
        ("EXPIREAT k 9223372036854776", &too_large("expireat"), ""),
        ("PEXPIREAT k 9223372036854775807", ":0", ""),
        ("EXPIRE k 1.5", "-ERR value is not an integer or out of range", ""),
        ("EXPIRE k 1 AB", "-ERR Unsupported option AB", ""),
        ("EXPIRE k 1 NX XX", incompatible, ""),
        ("EXPIRE k 1 NX GT", incompatible, ""),
        ("EXPIRE k 1 LT NX", incompatible, ""),
        ("EXPIRE k 1 GT LT", "-ERR GT and LT options at the same time are not compatible", ""),
        ("EXPIRE k", "-ERR wrong number of arguments for 'expire' command", ""),
    ]);
}

#[test]
fn getex_changes_the_expiry() {
    let at = |ms: i64| format!("PEXPIREAT k {}", START_MS + ms);
    Rig::new().check(&[
        ("GETEX k EX 10", "$-1", ""),
        ("SET k v", "+OK", "SET k v"),
        ("GETEX k", "$1|v", ""),
        ("GETEX k PERSIST", "$1|v", ""),
        ("GETEX k EX 10", "$1|v", &at(10_000)),
        ("GETEX k PX 10", "$1|v", &at(10)),
        ("GETEX k PERSIST", "$1|v", "PERSIST k"),
        ("GETEX k EXAT 1800000000", "$1|v", "PEXPIREAT k 1800000000000"),
        ("GETEX k PXAT 1800000000001", "$1|v", "PEXPIREAT k 1800000000001"),
        ("GETEX k EX 0", "-ERR invalid expire time in 'getex' command", ""),
        ("GETEX k EX", "-ERR syntax error", ""),
        ("GETEX k KEEPTTL", "-ERR syntax error", ""),
        ("GETEX k PERSIST EX 1", "-ERR syntax error", ""),
        ("GETEX k EX 1 PERSIST", "-ERR syntax error", ""),
        ("GETEX k EX 1 PX 1", "-ERR syntax error", ""),
        ("GETEX k PXAT 1", "$1|v", "DEL k"),
        ("EXISTS k", ":0", ""),
        ("SET k w", "+OK", "SET k w"),
        ("GETDEL k", "$1|w", "DEL k"),
        ("GETDEL k", "$-1", ""),
    ]);
}
