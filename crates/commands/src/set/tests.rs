use std::collections::BTreeSet;

use crate::testing::Rig;

/// The bulk strings of an array or a set.
fn members(reply: &str) -> BTreeSet<String> {
    let words: Vec<&str> = reply.split('|').collect();
    let found: BTreeSet<String> =
        words[1..].iter().skip(1).step_by(2).map(|word| (*word).to_owned()).collect();
    assert_eq!(words[0][1..].parse::<usize>().unwrap(), found.len(), "{reply}");
    found
}

fn set(words: &str) -> BTreeSet<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn members_come_and_go() {
    Rig::new().check(&[
        ("SADD s a b a", ":2", "SADD s a b a"),
        ("SADD s a b", ":0", ""),
        ("SISMEMBER s a", ":1", ""),
        ("SISMEMBER s c", ":0", ""),
        ("SISMEMBER none a", ":0", ""),
        ("SMISMEMBER s a c b", "*3|:1|:0|:1", ""),
        ("SMISMEMBER none a c", "*2|:0|:0", ""),
        ("SCARD s", ":2", ""),
        ("SCARD none", ":0", ""),
        ("SREM s x", ":0", ""),
        ("SREM none x", ":0", ""),
        ("SREM s a x", ":1", "SREM s a x"),
        ("SMEMBERS s", "*1|$1|b", ""),
        ("SREM s b", ":1", "SREM s b"),
        ("EXISTS s", ":0", ""),
        ("SMEMBERS s", "*0", ""),
        ("SADD n 3 1 2", ":3", "SADD n 3 1 2"),
        ("SMEMBERS n", "*3|$1|1|$1|2|$1|3", ""),
        ("OBJECT ENCODING n", "$6|intset", ""),
        ("TYPE n", "+set", ""),
    ]);
}

#[test]
fn other_types_are_refused() {
    let mut rig = Rig::new();
    rig.run("SET k v");
    rig.run("SADD s a");
    for command in [
        "SADD k a",
        "SREM k a",
        "SISMEMBER k a",
        "SMISMEMBER k a",
        "SCARD k",
        "SMEMBERS k",
        "SPOP k",
        "SPOP k 2",
        "SRANDMEMBER k",
        "SRANDMEMBER k 2",
        "SSCAN k 0",
        "SMOVE k s a",
        "SMOVE s k a",
        "SINTER s k",
        "SINTER none k",
        "SINTERCARD 2 none k",
        "SUNION k s",
        "SDIFF none k",
        "SINTERSTORE d none k",
        "SUNIONSTORE d k",
        "SDIFFSTORE d s k",
    ] {
        assert!(rig.run(command).starts_with("-WRONGTYPE"), "{command}");
    }
    assert_eq!(rig.run("GET s"), "-WRONGTYPE Operation against a key holding the wrong kind of value");
    assert_eq!(rig.run("SMOVE none k a"), ":0");
    assert_eq!(rig.run("EXISTS d"), ":0");
}

#[test]
fn moving() {
    Rig::new().check(&[
        ("SADD s a b", ":2", "SADD s a b"),
        ("SMOVE s t x", ":0", ""),
        ("SMOVE s s a", ":1", ""),
        ("SMOVE s s x", ":0", ""),
        ("SMOVE s t a", ":1", "SMOVE s t a"),
        ("SADD s a", ":1", "SADD s a"),
        ("SMOVE s t a", ":1", "SMOVE s t a"),
        ("SMOVE s t b", ":1", "SMOVE s t b"),
        ("EXISTS s", ":0", ""),
        ("SCARD t", ":2", ""),
    ]);
}

#[test]
fn popping_propagates_what_was_taken() {
    let mut rig = Rig::new();
    rig.run("SADD s only");
    rig.propagated();
    rig.check(&[
        ("SPOP s 0", "*0", ""),
        ("SPOP s -1", "-ERR value is out of range, must be positive", ""),
        ("SPOP s x", "-ERR value is not an integer or out of range", ""),
        ("SPOP s 1 2", "-ERR syntax error", ""),
        ("SPOP none", "$-1", ""),
        ("SPOP none 3", "*0", ""),
        ("SPOP s", "$4|only", "SREM s only"),
        ("EXISTS s", ":0", ""),
        ("SADD s a b", ":2", "SADD s a b"),
    ]);
    assert_eq!(members(&rig.run("SPOP s 3")), set("a b"));
    assert_eq!(rig.propagated(), "DEL s");
    for (size, count) in [(50, 10), (50, 45), (400, 10), (400, 390), (5000, 4000), (5000, 4999)] {
        for name in ["member:", ""] {
            let all: BTreeSet<String> = (0..size).map(|n| format!("{name}{n}")).collect();
            let words: Vec<&str> = all.iter().map(String::as_str).collect();
            rig.run(&format!("SADD s {}", words.join(" ")));
            rig.propagated();
            let popped = members(&rig.run(&format!("SPOP s {count}")));
            assert_eq!(popped.len(), count);
            let said: BTreeSet<String> = rig
                .propagated()
                .split("; ")
                .filter(|command| command.starts_with("SREM s "))
                .flat_map(|command| command.split(' ').skip(2).map(str::to_owned).collect::<Vec<_>>())
                .collect();
            assert_eq!(said, popped);
            let rest = members(&rig.run("SMEMBERS s"));
            assert_eq!(rest.len(), size - count);
            assert_eq!(&rest | &popped, all);
            rig.run("DEL s");
        }
    }
}

#[test]
fn random_members() {
    let mut rig = Rig::new();
    rig.check(&[
        ("SRANDMEMBER none", "$-1", ""),
        ("SRANDMEMBER none 3", "*0", ""),
        ("SRANDMEMBER none x", "-ERR value is not an integer or out of range", ""),
        ("SRANDMEMBER none 1 2", "-ERR syntax error", ""),
        (
            "SRANDMEMBER none -9223372036854775808",
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
            "",
        ),
    ]);
    for (size, name) in [(100, ""), (100, "m"), (3000, "m")] {
        let all: BTreeSet<String> = (0..size).map(|n| format!("{name}{n}")).collect();
        let words: Vec<&str> = all.iter().map(String::as_str).collect();
        rig.run("DEL s");
        rig.run(&format!("SADD s {}", words.join(" ")));
        for count in [0, 1, size / 10, size / 2, size - 1, size, size * 2] {
            let found = members(&rig.run(&format!("SRANDMEMBER s {count}")));
            assert_eq!(found.len(), count.min(size));
            assert!(found.is_subset(&all));
        }
        let reply = rig.run("SRANDMEMBER s -5000");
        let words: Vec<&str> = reply.split('|').collect();
        assert_eq!((words[0], words.len()), ("*5000", 10_001));
        assert!(words[2..].iter().step_by(2).all(|word| all.contains(*word)));
    }
}

#[test]
fn algebra() {
    let mut rig = Rig::new();
    rig.run("SADD a 1 2 3 x");
    rig.run("SADD b 2 3 4");
    rig.run("SADD c 3 x");
    for (command, expected) in [
        ("SINTER a b", "2 3"),
        ("SINTER a b c", "3"),
        ("SINTER a none", ""),
        ("SINTER a a", "1 2 3 x"),
        ("SUNION a b none c", "1 2 3 4 x"),
        ("SUNION none", ""),
        ("SDIFF a b", "1 x"),
        ("SDIFF a b c", "1"),
        ("SDIFF a a", ""),
        ("SDIFF none a", ""),
        ("SDIFF a none", "1 2 3 x"),
    ] {
        assert_eq!(members(&rig.run(command)), set(expected), "{command}");
    }
    rig.propagated();
    rig.check(&[
        ("SINTERCARD 2 a b", ":2", ""),
        ("SINTERCARD 2 a b LIMIT 1", ":1", ""),
        ("SINTERCARD 2 a b limit 0", ":2", ""),
        ("SINTERCARD 2 a none", ":0", ""),
        ("SINTERCARD 0 a", "-ERR numkeys should be greater than 0", ""),
        ("SINTERCARD x a", "-ERR numkeys should be greater than 0", ""),
        ("SINTERCARD 3 a b", "-ERR Number of keys can't be greater than number of args", ""),
        ("SINTERCARD 1 a b", "-ERR syntax error", ""),
        ("SINTERCARD 1 a LIMIT", "-ERR syntax error", ""),
        ("SINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative", ""),
        ("SINTERCARD 1 a LIMIT x", "-ERR LIMIT can't be negative", ""),
        ("SINTERSTORE d a b", ":2", "SINTERSTORE d a b"),
        ("SMEMBERS d", "*2|$1|2|$1|3", ""),
        ("OBJECT ENCODING d", "$6|intset", ""),
        ("SINTERSTORE d a none", ":0", "SINTERSTORE d a none"),
        ("SINTERSTORE d a none", ":0", ""),
        ("EXISTS d", ":0", ""),
        ("SUNIONSTORE a a b", ":5", "SUNIONSTORE a a b"),
        ("SDIFFSTORE a a c", ":3", "SDIFFSTORE a a c"),
        ("SMEMBERS a", "*3|$1|1|$1|2|$1|4", ""),
    ]);
    rig.run("HELLO 3");
    assert_eq!(rig.run("SINTER a b"), "~2|$1|2|$1|4");
    assert_eq!(rig.run("SMEMBERS none"), "~0");
    assert_eq!(rig.run("SPOP none 2"), "~0");
    assert_eq!(rig.run("SPOP none"), "_");
}

#[test]
fn scanning_shows_everything() {
    let mut rig = Rig::new();
    for size in [5, 100, 1000] {
        let all: BTreeSet<String> = (0..size).map(|n| format!("m{n}")).collect();
        let words: Vec<&str> = all.iter().map(String::as_str).collect();
        rig.run(&format!("SADD s {}", words.join(" ")));
        rig.propagated();
        let (mut cursor, mut seen) = ("0".to_owned(), BTreeSet::new());
        loop {
            let reply = rig.run(&format!("SSCAN s {cursor} COUNT 50"));
            let (head, rest) = reply.split_at(reply.match_indices('|').nth(2).unwrap().0);
            seen.extend(members(&rest[1..]));
            cursor = head.rsplit('|').next().unwrap().to_owned();
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen, all);
    }
    rig.check(&[
        ("SSCAN none 0 NOPE", "*2|$1|0|*0", ""),
        ("SSCAN s x", "-ERR invalid cursor", ""),
        ("SSCAN s 0 COUNT 0", "-ERR syntax error", ""),
        ("SSCAN s 0 TYPE set", "-ERR syntax error", ""),
        ("SSCAN s 0 NOVALUES", "-ERR NOVALUES option can only be used in HSCAN", ""),
    ]);
    assert_eq!(rig.run("SSCAN s 0 COUNT 1000 MATCH m99"), "*2|$1|0|*1|$3|m99");
}

#[test]
fn events() {
    let mut rig = Rig::new();
    rig.listen();
    for (command, events) in [
        ("SADD s a b", "new s; sadd s"),
        ("SADD s a", ""),
        ("SREM s x", ""),
        ("SMOVE s t a", "srem s; new t; sadd t"),
        ("SMOVE s t b", "srem s; del s; sadd t"),
        ("SPOP t", "spop t"),
        ("SPOP t", "spop t; del t"),
        ("SADD s a b c d e f", "new s; sadd s"),
        ("SPOP s 5", "spop s"),
        ("SPOP s 5", "spop s; del s"),
        ("SMEMBERS s", "keymiss s"),
        ("SADD s a", "new s; sadd s"),
        ("SUNIONSTORE d s none", "keymiss none; new d; sunionstore d"),
        ("SINTERSTORE d s none", "keymiss none; del d"),
        ("SREM s a", "srem s; del s"),
    ] {
        rig.run(command);
        assert_eq!(rig.events(), events, "{command}");
    }
}
