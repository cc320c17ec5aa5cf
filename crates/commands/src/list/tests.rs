use redan_keyspace::Limit;

use crate::testing::Rig;

/// Replies `*n` with these bulk strings.
fn array(words: &str) -> String {
    let words: Vec<_> = words.split(' ').collect();
    let bulks: Vec<_> = words.iter().map(|word| format!("${}|{word}", word.len())).collect();
    format!("*{}|{}", words.len(), bulks.join("|"))
}

#[test]
fn pushing() {
    Rig::new().check(&[
        ("LPUSHX k a", ":0", ""),
        ("RPUSHX k a", ":0", ""),
        ("RPUSH k a b", ":2", "RPUSH k a b"),
        ("LPUSH k 1 -2", ":4", "LPUSH k 1 -2"),
        ("LPUSHX k x", ":5", "LPUSHX k x"),
        ("RPUSHX k y z", ":7", "RPUSHX k y z"),
        ("LRANGE k 0 -1", &array("x -2 1 a b y z"), ""),
        ("LLEN k", ":7", ""),
        ("SET s v", "+OK", "SET s v"),
        ("LPUSH s a", "-WRONGTYPE Operation against a key holding the wrong kind of value", ""),
        ("RPUSHX s a", "-WRONGTYPE Operation against a key holding the wrong kind of value", ""),
        ("LLEN s", "-WRONGTYPE Operation against a key holding the wrong kind of value", ""),
        ("LLEN none", ":0", ""),
    ]);
}

#[test]
fn popping() {
    Rig::new().check(&[
        ("RPUSH k a b c d e f", ":6", "RPUSH k a b c d e f"),
        ("LPOP k", "$1|a", "LPOP k"),
        ("RPOP k", "$1|f", "RPOP k"),
        ("LPOP k 0", "*0", ""),
        ("RPOP k 2", &array("e d"), "RPOP k 2"),
        ("LPOP k 5", &array("b c"), "LPOP k 5"),
        ("EXISTS k", ":0", ""),
        ("LPOP k", "$-1", ""),
        ("LPOP k 1", "*-1", ""),
        ("LPOP k -1", "-ERR value is out of range, must be positive", ""),
        ("LPOP k 1 2", "-ERR wrong number of arguments for 'lpop' command", ""),
    ]);
}

#[test]
fn popping_from_the_first_of_several() {
    Rig::new().check(&[
        ("RPUSH b 1 2 3 4", ":4", "RPUSH b 1 2 3 4"),
        ("LMPOP 2 a b LEFT", "*2|$1|b|*1|$1|1", "LPOP b 1"),
        ("LMPOP 2 a b right COUNT 2", "*2|$1|b|*2|$1|4|$1|3", "RPOP b 2"),
        ("LMPOP 1 b LEFT COUNT 10", "*2|$1|b|*1|$1|2", "LPOP b 1"),
        ("LMPOP 2 a b LEFT", "*-1", ""),
        ("LMPOP 0 a LEFT", "-ERR numkeys should be greater than 0", ""),
        ("LMPOP x a LEFT", "-ERR numkeys should be greater than 0", ""),
        ("LMPOP 2 a LEFT", "-ERR syntax error", ""),
        ("LMPOP 1 a UP", "-ERR syntax error", ""),
        ("LMPOP 1 a LEFT COUNT 0", "-ERR count should be greater than 0", ""),
        ("LMPOP 1 a LEFT COUNT 1 COUNT 1", "-ERR syntax error", ""),
        ("LMPOP 1 a LEFT COUNT", "-ERR syntax error", ""),
        ("SET s v", "+OK", "SET s v"),
        ("LMPOP 2 s b LEFT", "-WRONGTYPE Operation against a key holding the wrong kind of value", ""),
    ]);
}

#[test]
fn reading() {
    Rig::new().check(&[
        ("RPUSH k a 1 b", ":3", "RPUSH k a 1 b"),
        ("LINDEX k 1", "$1|1", ""),
        ("LINDEX k -1", "$1|b", ""),
        ("LINDEX k 3", "$-1", ""),
        ("LINDEX k x", "-ERR value is not an integer or out of range", ""),
        ("LINDEX none x", "$-1", ""),
        ("LRANGE k 1 1", &array("1"), ""),
        ("LRANGE k -2 100", &array("1 b"), ""),
        ("LRANGE k 2 1", "*0", ""),
        ("LRANGE none 0 -1", "*0", ""),
        ("LRANGE none x -1", "-ERR value is not an integer or out of range", ""),
    ]);
}

#[test]
fn a_long_range_is_read_without_the_lock() {
    let mut rig = Rig::new();
    for number in 0..1500 {
        rig.run(&format!("RPUSH k {number}"));
    }
    assert!(rig.run("LRANGE k 0 -1").starts_with("*1500|$1|0|"));
    assert!(rig.run("LRANGE k 100 1400").starts_with("*1301|$3|100|"));
}

#[test]
fn positions() {
    let rank = "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list";
    Rig::new().check(&[
        ("RPUSH k a b c 1 2 3 c c", ":8", "RPUSH k a b c 1 2 3 c c"),
        ("LPOS k a", ":0", ""),
        ("LPOS k c", ":2", ""),
        ("LPOS k 2", ":4", ""),
        ("LPOS k x", "$-1", ""),
        ("LPOS k c RANK 2", ":6", ""),
        ("LPOS k c RANK -1", ":7", ""),
        ("LPOS k c RANK 4", "$-1", ""),
        ("LPOS k c COUNT 0", "*3|:2|:6|:7", ""),
        ("LPOS k c COUNT 2 RANK -1", "*2|:7|:6", ""),
        ("LPOS k c COUNT 0 MAXLEN 7", "*2|:2|:6", ""),
        ("LPOS k c COUNT 0 MAXLEN 2 RANK -2", "*1|:6", ""),
        ("LPOS k x COUNT 0", "*0", ""),
        ("LPOS none x COUNT 0", "*0", ""),
        ("LPOS none x", "$-1", ""),
        ("LPOS k c RANK 0", rank, ""),
        ("LPOS k c COUNT -1", "-ERR COUNT can't be negative", ""),
        ("LPOS k c MAXLEN -1", "-ERR MAXLEN can't be negative", ""),
        ("LPOS k c MAXLEN", "-ERR syntax error", ""),
        ("LPOS k c FIRST 1", "-ERR syntax error", ""),
    ]);
}

#[test]
fn changing() {
    Rig::new().check(&[
        ("RPUSH k a b c", ":3", "RPUSH k a b c"),
        ("LSET k 1 B", "+OK", "LSET k 1 B"),
        ("LSET k -1 C", "+OK", "LSET k -1 C"),
        ("LSET k 3 x", "-ERR index out of range", ""),
        ("LSET k x x", "-ERR value is not an integer or out of range", ""),
        ("LSET none x x", "-ERR no such key", ""),
        ("LINSERT k before B 1", ":4", "LINSERT k before B 1"),
        ("LINSERT k AFTER C 2", ":5", "LINSERT k AFTER C 2"),
        ("LINSERT k AFTER x 2", ":-1", ""),
        ("LINSERT none AFTER x 2", ":0", ""),
        ("LINSERT k BESIDE x 2", "-ERR syntax error", ""),
        ("LRANGE k 0 -1", &array("a 1 B C 2"), ""),
    ]);
}

#[test]
fn removing() {
    let range = "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";
    Rig::new().check(&[
        ("RPUSH k a b a c a b", ":6", "RPUSH k a b a c a b"),
        ("LREM k -1 a", ":1", "LREM k -1 a"),
        ("LREM k 1 b", ":1", "LREM k 1 b"),
        ("LREM k 0 x", ":0", ""),
        ("LREM none 0 x", ":0", ""),
        ("LREM k -9223372036854775808 x", range, ""),
        ("LRANGE k 0 -1", &array("a a c b"), ""),
        ("LREM k 0 a", ":2", "LREM k 0 a"),
        ("LTRIM k 0 -1", "+OK", ""),
        ("LTRIM k 1 -1", "+OK", "LTRIM k 1 -1"),
        ("LRANGE k 0 -1", &array("b"), ""),
        ("LTRIM k 5 1", "+OK", "LTRIM k 5 1"),
        ("EXISTS k", ":0", ""),
        ("LTRIM k 5 1", "+OK", ""),
    ]);
}

#[test]
fn moving() {
    Rig::new().check(&[
        ("RPUSH a 1 2 3", ":3", "RPUSH a 1 2 3"),
        ("LMOVE a b RIGHT LEFT", "$1|3", "LMOVE a b RIGHT LEFT"),
        ("RPOPLPUSH a b", "$1|2", "RPOPLPUSH a b"),
        ("LRANGE b 0 -1", &array("2 3"), ""),
        ("LMOVE b b LEFT RIGHT", "$1|2", "LMOVE b b LEFT RIGHT"),
        ("LRANGE b 0 -1", &array("3 2"), ""),
        ("RPOPLPUSH a a", "$1|1", "RPOPLPUSH a a"),
        ("LMOVE a b LEFT RIGHT", "$1|1", "LMOVE a b LEFT RIGHT"),
        ("EXISTS a", ":0", ""),
        ("LMOVE a b LEFT LEFT", "$-1", ""),
        ("LMOVE a b LEFT UP", "-ERR syntax error", ""),
        ("SET s v", "+OK", "SET s v"),
        ("LMOVE b s LEFT LEFT", "-WRONGTYPE Operation against a key holding the wrong kind of value", ""),
        ("LMOVE s b LEFT LEFT", "-WRONGTYPE Operation against a key holding the wrong kind of value", ""),
        ("LMOVE none s LEFT LEFT", "$-1", ""),
        ("LRANGE b 0 -1", &array("3 2 1"), ""),
    ]);
}

#[test]
fn blocking_commands_that_need_not_wait() {
    Rig::new().check(&[
        ("RPUSH k 1 2 3 4 5 6 7", ":7", "RPUSH k 1 2 3 4 5 6 7"),
        ("BLPOP none k 0", "*2|$1|k|$1|1", "LPOP k"),
        ("BRPOP k 1.5", "*2|$1|k|$1|7", "RPOP k"),
        ("BLMPOP 1 2 none k RIGHT COUNT 2", "*2|$1|k|*2|$1|6|$1|5", "RPOP k 2"),
        ("BLMOVE k l LEFT LEFT 0", "$1|2", "LMOVE k l LEFT LEFT"),
        ("BRPOPLPUSH k l 0", "$1|4", "RPOPLPUSH k l"),
        ("BLPOP k -1", "-ERR timeout is negative", ""),
        ("BLPOP k x", "-ERR timeout is not a float or out of range", ""),
        ("BLMPOP x 1 k LEFT", "-ERR timeout is not a float or out of range", ""),
        ("BLMPOP 1 0 k LEFT", "-ERR numkeys should be greater than 0", ""),
        ("BLMOVE k l LEFT UP x", "-ERR syntax error", ""),
        ("SET s v", "+OK", "SET s v"),
        ("BLPOP none s k 0", "-WRONGTYPE Operation against a key holding the wrong kind of value", ""),
        ("MULTI", "+OK", ""),
        ("BLPOP none 0", "+QUEUED", ""),
        ("BLMPOP 0 1 none LEFT", "+QUEUED", ""),
        ("BLMOVE none l LEFT LEFT 0", "+QUEUED", ""),
        ("BRPOPLPUSH none l 0", "+QUEUED", ""),
        ("EXEC", "*4|*-1|*-1|$-1|$-1", ""),
    ]);
}

#[test]
fn events() {
    let mut rig = Rig::new();
    rig.listen();
    for (command, events) in [
        ("LPUSH k a b", "new k; lpush k"),
        ("RPUSH k a", "rpush k"),
        ("LPOP k", "lpop k"),
        ("LSET k 0 x", "lset k"),
        ("LINSERT k BEFORE x y", "linsert k"),
        ("LREM k 0 none", ""),
        ("LREM k 0 y", "lrem k"),
        ("LMOVE k l LEFT RIGHT", "new l; rpush l; lpop k"),
        ("LMOVE k l LEFT RIGHT", "rpush l; lpop k; del k"),
        ("RPOPLPUSH l l", "lpush l; rpop l"),
        ("LTRIM l 0 0", "ltrim l"),
        ("LTRIM l 1 0", "ltrim l; del l"),
        ("LLEN l", "keymiss l"),
        ("LPOP l", ""),
    ] {
        rig.run(command);
        assert_eq!(rig.events(), events, "{command}");
    }
}

#[test]
fn encodings_follow_the_limits() {
    let mut rig = Rig::new();
    rig.engine.keyspace().limits().set(Limit::ListMaxListpackSize, 4);
    rig.run("RPUSH k 1 2 3 4");
    assert_eq!(rig.run("OBJECT ENCODING k"), "$8|listpack");
    rig.run("RPUSH k 5");
    assert_eq!(rig.run("OBJECT ENCODING k"), "$9|quicklist");
    rig.run("LTRIM k 0 1");
    assert_eq!(rig.run("OBJECT ENCODING k"), "$8|listpack");
}

#[test]
fn who_waits_is_served_in_order() {
    let mut writer = Rig::new();
    let (mut first, mut second, mut mover) = (writer.another(), writer.another(), writer.another());
    assert_eq!(first.run("BLPOP a k 0"), "");
    assert_eq!(second.run("BLMPOP 0 1 k RIGHT COUNT 2"), "");
    assert_eq!(mover.run("BLMOVE m a LEFT RIGHT 0"), "");
    writer.propagated();
    writer.run("RPUSH k 1 2 3 4");
    assert_eq!(first.resume(), "*2|$1|k|$1|1");
    assert_eq!(second.resume(), "*2|$1|k|*2|$1|4|$1|3");
    assert_eq!(writer.propagated(), "SELECT 0; RPUSH k 1 2 3 4; LPOP k; RPOP k 2");
    // What is moved wakes the one who waits for where it goes.
    assert_eq!(first.run("BRPOP a 0"), "");
    writer.run("RPUSH m x");
    assert_eq!(mover.resume(), "$1|x");
    assert_eq!(first.resume(), "*2|$1|a|$1|x");
    assert_eq!(writer.propagated(), "RPUSH m x; LMOVE m a LEFT RIGHT; RPOP a");
    // Another type wakes nobody.
    assert_eq!(first.run("BLPOP s 0"), "");
    writer.run("SET s v");
    assert_eq!(first.resume(), "");
    writer.run("DEL s");
    writer.run("LPUSH s v");
    assert_eq!(first.resume(), "*2|$1|s|$1|v");
}

#[test]
fn who_waits_too_long_gets_a_null_array() {
    let mut rig = Rig::new();
    for command in ["BLPOP k 0.5", "BRPOPLPUSH k l 0.5", "BLMPOP 0.5 1 k LEFT"] {
        assert_eq!(rig.run(command), "");
        assert_eq!(rig.resume(), "", "not yet");
        rig.advance_ms(501);
        assert_eq!(rig.resume(), "*-1", "{command}");
    }
}
