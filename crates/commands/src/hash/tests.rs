use std::collections::BTreeSet;

use crate::testing::Rig;
use redan_engine::{ExpireCursor, condition};

/// Both encodings.
const ENTRIES: [u32; 2] = [0, 512];

fn rig(entries: u32) -> Rig {
    let rig = Rig::new();
    rig.engine.keyspace().limits().set(redan_keyspace::Limit::HashMaxListpackEntries, entries.into());
    rig
}

/// The bulk strings of an array.
fn strings(reply: &str) -> Vec<String> {
    reply.split('|').skip(1).skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn fields_come_and_go() {
    for entries in ENTRIES {
        rig(entries).check(&[
            ("HSET h a 1 b 2", ":2", "HSET h a 1 b 2"),
            ("HSET h a x c 3", ":1", "HSET h a x c 3"),
            ("HMSET h d 4", "+OK", "HMSET h d 4"),
            ("HSETNX h d 5", ":0", ""),
            ("HSETNX h e 5", ":1", "HSETNX h e 5"),
            ("HGET h a", "$1|x", ""),
            ("HGET h none", "$-1", ""),
            ("HGET none a", "$-1", ""),
            ("HMGET h a none e", "*3|$1|x|$-1|$1|5", ""),
            ("HMGET none a b", "*2|$-1|$-1", ""),
            ("HLEN h", ":5", ""),
            ("HLEN none", ":0", ""),
            ("HSTRLEN h a", ":1", ""),
            ("HSTRLEN h none", ":0", ""),
            ("HEXISTS h a", ":1", ""),
            ("HEXISTS h none", ":0", ""),
            ("HDEL h none", ":0", ""),
            ("HDEL h a none b c d", ":4", "HDEL h a none b c d"),
            ("HGETALL h", "*2|$1|e|$1|5", ""),
            ("HKEYS h", "*1|$1|e", ""),
            ("HVALS h", "*1|$1|5", ""),
            ("HDEL h e", ":1", "HDEL h e"),
            ("EXISTS h", ":0", ""),
            ("HGETALL h", "*0", ""),
            ("HSET h a", "-ERR wrong number of arguments for 'hset' command", ""),
            ("HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command", ""),
        ]);
    }
}

#[test]
fn other_types_are_refused() {
    let mut rig = Rig::new();
    rig.run("SET k v");
    for command in [
        "HSET k a 1",
        "HSETNX k a 1",
        "HMSET k a 1",
        "HGET k a",
        "HMGET k a",
        "HGETALL k",
        "HKEYS k",
        "HVALS k",
        "HLEN k",
        "HSTRLEN k a",
        "HEXISTS k a",
        "HDEL k a",
        "HINCRBY k a 1",
        "HINCRBYFLOAT k a 1",
        "HRANDFIELD k",
        "HRANDFIELD k 2 WITHVALUES",
        "HSCAN k 0",
        "HEXPIRE k 1 FIELDS 1 a",
        "HPERSIST k FIELDS 1 a",
        "HTTL k FIELDS 1 a",
        "HGETDEL k FIELDS 1 a",
        "HGETEX k FIELDS 1 a",
        "HSETEX k FIELDS 1 a 1",
        "HSETEX k FXX FIELDS 1 a 1",
    ] {
        let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value";
        assert_eq!(rig.run(command), wrong, "{command}");
    }
}

#[test]
fn numbers() {
    rig(512).check(&[
        ("HINCRBY h n 5", ":5", "HINCRBY h n 5"),
        ("HINCRBY h n -7", ":-2", "HINCRBY h n -7"),
        ("HINCRBY h n x", "-ERR value is not an integer or out of range", ""),
        ("HSET h s abc", ":1", "HSET h s abc"),
        ("HINCRBY h s 1", "-ERR hash value is not an integer", ""),
        ("HINCRBYFLOAT h s 1", "-ERR hash value is not a float", ""),
        ("HSET h max 9223372036854775807", ":1", "HSET h max 9223372036854775807"),
        ("HINCRBY h max 1", "-ERR increment or decrement would overflow", ""),
        ("HINCRBYFLOAT h n 2.5", "$3|0.5", "HSET h n 0.5"),
        ("HINCRBYFLOAT h new 1.50", "$3|1.5", "HSET h new 1.5"),
        ("HINCRBYFLOAT h n inf", "-ERR value is NaN or Infinity", ""),
        ("HINCRBYFLOAT h n x", "-ERR value is not a valid float", ""),
        ("HPEXPIREAT h 1700000001000 FIELDS 1 n", "*1|:1", "HPEXPIREAT h 1700000001000 FIELDS 1 n"),
        ("HINCRBYFLOAT h n 1", "$3|1.5", "HSETEX h KEEPTTL FIELDS 1 n 1.5"),
        ("HPTTL h FIELDS 1 n", "*1|:1000", ""),
    ]);
}

#[test]
fn times_to_live() {
    for entries in ENTRIES {
        rig(entries).check(&[
            ("HSET h a 1 b 2 c 3", ":3", "HSET h a 1 b 2 c 3"),
            ("HEXPIRE h 10 FIELDS 2 a none", "*2|:1|:-2", "HPEXPIREAT h 1700000010000 FIELDS 1 a"),
            ("HEXPIRE h 20 NX FIELDS 2 a b", "*2|:0|:1", "HPEXPIREAT h 1700000020000 FIELDS 1 b"),
            ("HPEXPIRE h 30 NX FIELDS 1 c", "*1|:1", "HPEXPIREAT h 1700000000030 NX FIELDS 1 c"),
            ("HEXPIREAT h 1700000009 GT FIELDS 1 a", "*1|:0", ""),
            ("HPTTL h FIELDS 4 a b c none", "*4|:10000|:20000|:30|:-2", ""),
            ("HTTL h FIELDS 2 a c", "*2|:10|:1", ""),
            ("HEXPIRETIME h FIELDS 2 a c", "*2|:1700000010|:1700000001", ""),
            ("HPEXPIRETIME h FIELDS 2 a c", "*2|:1700000010000|:1700000000030", ""),
            ("HPERSIST h FIELDS 2 c none", "*2|:1|:-2", "HPERSIST h FIELDS 2 c none"),
            ("HPERSIST h FIELDS 1 c", "*1|:-1", ""),
            ("HTTL none FIELDS 2 a b", "*2|:-2|:-2", ""),
            ("HEXPIRE none 1 FIELDS 1 a", "*1|:-2", ""),
            ("HPEXPIRE h 0 FIELDS 3 b none c", "*3|:2|:-2|:2", "MULTI; HDEL h b; HDEL h c; EXEC"),
            ("HSET h a 5", ":0", "HSET h a 5"),
            ("HTTL h FIELDS 1 a", "*1|:-1", ""),
            ("HEXPIREAT h 1 FIELDS 1 a", "*1|:2", "HDEL h a"),
            ("EXISTS h", ":0", ""),
        ]);
    }
}

#[test]
fn wrong_arguments_of_times() {
    let mut rig = rig(512);
    rig.run("HSET h a 1");
    for (command, error) in [
        ("HEXPIRE h x FIELDS 1 a", "value is not an integer or out of range"),
        ("HEXPIRE h -1 FIELDS 1 a", "invalid expire time, must be >= 0"),
        ("HEXPIRE h 99999999999999 FIELDS 1 a", "invalid expire time in 'hexpire' command"),
        ("HEXPIRE h 1 FIELD 1 a", "Mandatory argument FIELDS is missing or not at the right position"),
        ("HEXPIRE h 1 NX XX FIELDS 1 a", "Mandatory argument FIELDS is missing or not at the right position"),
        ("HEXPIRE h 1 FIELDS 0 a", "Parameter `numFields` should be greater than 0"),
        ("HEXPIRE h 1 FIELDS 2 a", "The `numfields` parameter must match the number of arguments"),
        ("HTTL h FIELDS 0 a", "Number of fields must be a positive integer"),
        ("HGETEX h EX FIELDS 1 a", "value is not an integer or out of range"),
        (
            "HGETEX h PERSIST EX 1 FIELDS 1 a",
            "Mandatory argument FIELDS is missing or not at the right position",
        ),
        ("HSETEX h FOO FIELDS 1 a b", "unknown argument: FOO"),
        ("HSETEX h FNX FXX FIELDS 1 a b", "Only one of FXX or FNX arguments can be specified"),
        (
            "HSETEX h EX 1 KEEPTTL FIELDS 1 a b",
            "Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        ),
        ("HSETEX h FIELDS 0 a b", "invalid number of fields"),
        ("HSETEX h FIELDS 2 a b", "wrong number of arguments for 'hsetex' command"),
        ("HRANDFIELD h 1 x", "syntax error"),
        (
            "HRANDFIELD h -9223372036854775808",
            "value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ),
        ("HRANDFIELD h 9223372036854775807 WITHVALUES", "value is out of range"),
    ] {
        assert_eq!(rig.run(command), format!("-ERR {error}"), "{command}");
    }
}

#[test]
fn values_with_times() {
    for entries in ENTRIES {
        rig(entries).check(&[
            ("HSETEX h FXX FIELDS 1 a 1", ":0", ""),
            ("EXISTS h", ":0", ""),
            ("HSETEX h FNX EX 10 FIELDS 2 a 1 b 2", ":1", "HSETEX h FNX PXAT 1700000010000 FIELDS 2 a 1 b 2"),
            ("HSETEX h FNX FIELDS 2 b 1 c 2", ":0", ""),
            ("HSETEX h KEEPTTL FIELDS 1 a 2", ":1", "HSETEX h KEEPTTL FIELDS 1 a 2"),
            ("HSETEX h FXX FIELDS 1 b 3", ":1", "HSETEX h FXX FIELDS 1 b 3"),
            ("HTTL h FIELDS 2 a b", "*2|:10|:-1", ""),
            ("HGETEX h FIELDS 2 a none", "*2|$1|2|$-1", ""),
            ("HGETEX h PX 5 FIELDS 2 b none", "*2|$1|3|$-1", "HPEXPIREAT h 1700000000005 FIELDS 1 b"),
            ("HGETEX h PERSIST FIELDS 1 b", "*1|$1|3", "HPERSIST h FIELDS 1 b"),
            ("HGETEX h PERSIST FIELDS 1 b", "*1|$1|3", ""),
            ("HGETEX h EXAT 1 FIELDS 1 b", "*1|$1|3", "HDEL h b"),
            ("HSETEX h PX 0 FIELDS 2 a 1 c 2", ":1", "MULTI; HDEL h a; HDEL h c; EXEC"),
            ("EXISTS h", ":0", ""),
            ("HSET h a 1 b 2 c 3", ":3", "HSET h a 1 b 2 c 3"),
            ("HGETDEL h FIELDS 3 a none b", "*3|$1|1|$-1|$1|2", "HDEL h a none b"),
            ("HGETDEL h FIELDS 1 none", "*1|$-1", ""),
            ("HGETDEL h FIELDS 1 c", "*1|$1|3", "HDEL h c"),
            ("EXISTS h", ":0", ""),
        ]);
    }
}

#[test]
fn fields_expire_when_they_are_met() {
    for entries in ENTRIES {
        let mut rig = rig(entries);
        rig.run("HSET h a 1 b 2 c 3 d 4 e 5");
        rig.run("HPEXPIRE h 10 FIELDS 4 a b c d");
        rig.propagated();
        rig.advance_ms(11);
        rig.check(&[
            ("EXISTS h", ":1", ""),
            ("HLEN h", ":5", ""),
            ("HGETALL h", "*2|$1|e|$1|5", ""),
            ("HSCAN h 0 NOVALUES", "*2|$1|0|*1|$1|e", ""),
            ("HGET h a", "$-1", "HDEL h a"),
            ("HTTL h FIELDS 1 b", "*1|:-2", ""),
            ("HINCRBY h b 1", ":1", "MULTI; HDEL h b; HINCRBY h b 1; EXEC"),
            ("HSET h c 5", ":0", "HSET h c 5"),
            ("HLEN h", ":4", ""),
        ]);
        let left: BTreeSet<String> = strings(&rig.run("HRANDFIELD h 9")).into_iter().collect();
        assert_eq!(left, ["b", "c", "e"].map(str::to_owned).into());
        assert_eq!(rig.propagated(), "HDEL h d");
        assert_eq!(rig.engine.keyspace().stats().expired_fields, 3);
    }
}

#[test]
fn a_replica_hides_expired_fields() {
    let mut rig = rig(512);
    rig.run("HSET h a 1 b 2");
    rig.run("HPEXPIRE h 10 FIELDS 1 a");
    rig.propagated();
    rig.advance_ms(11);
    rig.engine.conditions().put(condition::REPLICA, true);
    rig.check(&[
        ("HGET h a", "$-1", ""),
        ("HMGET h a b", "*2|$-1|$1|2", ""),
        ("HGETALL h", "*2|$1|b|$1|2", ""),
        ("HRANDFIELD h", "$1|b", ""),
        ("HLEN h", ":2", ""),
    ]);
}

#[test]
fn fields_expire_actively() {
    for entries in ENTRIES {
        let mut rig = rig(entries);
        rig.run("HSET h a 1 b 2");
        rig.run("HSET only a 1");
        rig.run("HPEXPIRE h 20 FIELDS 1 b");
        rig.run("HPEXPIRE only 10 FIELDS 1 a");
        rig.propagated();
        rig.listen();
        rig.advance_ms(21);
        let engine = rig.engine.clone();
        assert!(rig.run("INFO keyspace").contains("subexpiry=2"));
        assert_eq!(engine.expire_cycle(rig.worker(), &mut ExpireCursor::default(), 1_000_000), 2);
        assert_eq!(rig.propagated(), "HDEL only a; HDEL h b");
        assert_eq!(rig.events(), "hexpired only; del only; hexpired h");
        assert_eq!(rig.run("HGETALL h"), "%1|$1|a|$1|1");
        assert_eq!(rig.run("EXISTS only"), ":0");
        assert!(rig.run("INFO keyspace").contains("subexpiry=0"));
    }
}

#[test]
fn events_tell_each_change_once() {
    let mut rig = rig(512);
    rig.listen();
    for (command, events) in [
        ("HSET h a 1 b 2", "new h; hset h"),
        ("HINCRBY h a 1", "hincrby h"),
        ("HINCRBYFLOAT h a 1", "hincrbyfloat h"),
        ("HEXPIRE h 9 FIELDS 1 a", "hexpire h"),
        ("HPERSIST h FIELDS 1 a", "hpersist h"),
        ("HEXPIREAT h 1 FIELDS 1 a", "hdel h"),
        ("HDEL h b", "hdel h; del h"),
        ("HSETEX h PX 10 FIELDS 2 a 1 b 2", "new h; hset h; hexpire h"),
        ("HGETEX h EX 10 FIELDS 1 a", "hexpire h"),
        ("HGETDEL h FIELDS 1 a", "hdel h"),
        ("HSETEX h PX 0 FIELDS 1 b 2", "hset h; hdel h; del h"),
        ("HGET h a", "keymiss h"),
        ("HSETEX h PX 10 FIELDS 2 a 1 b 2", "new h; hset h; hexpire h"),
    ] {
        rig.run(command);
        assert_eq!(rig.events(), events, "{command}");
    }
    rig.advance_ms(11);
    assert_eq!(rig.run("HMGET h a b"), "*2|_|_");
    assert_eq!(rig.events(), "hexpired h; del h");
}

#[test]
fn resp3_forms() {
    let mut rig = rig(512);
    rig.run("HSET h a 1");
    rig.run("HELLO 3");
    for (command, reply) in [
        ("HGETALL h", "%1|$1|a|$1|1"),
        ("HGETALL none", "%0"),
        ("HKEYS h", "*1|$1|a"),
        ("HGET h none", "_"),
        ("HRANDFIELD h 1 WITHVALUES", "*1|*2|$1|a|$1|1"),
        ("HRANDFIELD h -2 WITHVALUES", "*2|*2|$1|a|$1|1|*2|$1|a|$1|1"),
        ("HRANDFIELD none", "_"),
        ("HRANDFIELD none 2", "*0"),
        ("HSCAN h 0", "*2|$1|0|*2|$1|a|$1|1"),
        ("HINCRBYFLOAT h a 0.5", "$3|1.5"),
    ] {
        assert_eq!(rig.run(command), reply, "{command}");
    }
}

#[test]
fn a_walk_shows_every_field() {
    let mut rig = rig(0);
    let all: BTreeSet<String> = (0..100).map(|n| format!("f{n}")).collect();
    for field in &all {
        rig.run(&format!("HSET h {field} v"));
    }
    let (mut cursor, mut seen) = ("0".to_owned(), BTreeSet::new());
    for _ in 0..=100 {
        let reply = rig.run(&format!("HSCAN h {cursor} COUNT 7 MATCH f* NOVALUES"));
        cursor = reply.split('|').nth(2).expect("a cursor").to_owned();
        seen.extend(reply.split('|').skip(5).step_by(2).map(str::to_owned));
        if cursor == "0" {
            break;
        }
    }
    assert_eq!((cursor.as_str(), seen), ("0", all));
}
