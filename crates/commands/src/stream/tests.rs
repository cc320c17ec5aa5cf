//! Stream commands: replies, what they propagate, their events.

use crate::testing::{Rig, START_MS};

#[test]
fn ids_are_given_by_the_clock_and_propagate_as_given() {
    let mut rig = Rig::new();
    let id = format!("{START_MS}-0");
    let reply = format!("$15|{id}");
    rig.check(&[
        ("XADD s * f v", &reply, &format!("XADD s {id} f v")),
        (
            "XADD s 5-* f v",
            "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            "",
        ),
        ("XADD t 5-* f v", "$3|5-0", "XADD t 5-0 f v"),
        ("XADD t 5-* f v", "$3|5-1", "XADD t 5-1 f v"),
        ("XADD t 7 f v", "$3|7-0", "XADD t 7 f v"),
        (
            "XADD t 7 f v",
            "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            "",
        ),
        ("XADD t 0-0 f v", "-ERR The ID specified in XADD must be greater than 0-0", ""),
        ("XADD t * f", "-ERR wrong number of arguments for 'xadd' command", ""),
        ("XADD t * f v w", "-ERR wrong number of arguments for 'xadd' command", ""),
        ("XADD none NOMKSTREAM * f v", "$-1", ""),
        ("XADD t oops f v", "-ERR Invalid stream ID specified as stream command argument", ""),
        ("XLEN t", ":3", ""),
        ("TYPE t", "+stream", ""),
        (
            "XADD t 18446744073709551615-18446744073709551615 f v",
            "$41|18446744073709551615-18446744073709551615",
            "XADD t 18446744073709551615-18446744073709551615 f v",
        ),
        ("XADD t * f v", "-ERR The stream has exhausted the last possible ID, unable to add more items", ""),
    ]);
}

#[test]
fn approximate_trimming_propagates_as_what_it_did() {
    let mut rig = Rig::new();
    for ms in 1..=250 {
        rig.run(&format!("XADD s {ms} f v"));
    }
    rig.propagated();
    rig.check(&[
        ("XADD s MAXLEN ~ 120 251 f v", "$5|251-0", "XADD s MAXLEN = 151 251 f v"),
        ("XTRIM s MINID ~ 150", ":0", ""),
        ("XTRIM s MINID ~ 201", ":100", "XTRIM s MINID = 201-0"),
        ("XTRIM s MAXLEN 50", ":1", "XTRIM s MAXLEN 50"),
        (
            "XADD s MINID = 252 * f v",
            &format!("$15|{START_MS}-0"),
            &format!("XADD s MINID = 252 {START_MS}-0 f v"),
        ),
        (
            "XTRIM s MAXLEN 1 LIMIT 5",
            "-ERR syntax error, LIMIT cannot be used without the special ~ option",
            "",
        ),
        (
            "XTRIM s MAXLEN 1 MINID 5",
            "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            "",
        ),
        (
            "XTRIM s LIMIT 5",
            "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
            "",
        ),
        ("XTRIM s MAXLEN -1", "-ERR The MAXLEN argument must be >= 0.", ""),
        (
            "XTRIM s KEEPREF ACKED MAXLEN 1",
            "-ERR syntax error, KEEPREF, DELREF and ACKED options at the same time are not compatible",
            "",
        ),
    ]);
}

#[test]
fn ranges_go_both_ways() {
    let mut rig = Rig::new();
    for ms in 1..=3 {
        rig.run(&format!("XADD s {ms} f {ms}"));
    }
    let entry = |ms: u64| format!("*2|$3|{ms}-0|*2|$1|f|$1|{ms}");
    let entries = |all: &[u64]| {
        let all: Vec<String> =
            std::iter::once(format!("*{}", all.len())).chain(all.iter().map(|ms| entry(*ms))).collect();
        all.join("|")
    };
    assert_eq!(rig.run("XRANGE s - +"), entries(&[1, 2, 3]));
    assert_eq!(rig.run("XRANGE s (1 + COUNT 1"), entries(&[2]));
    assert_eq!(rig.run("XRANGE s (1-0 (3"), entries(&[2, 3]));
    assert_eq!(rig.run("XREVRANGE s + - COUNT 2"), entries(&[3, 2]));
    assert_eq!(rig.run("XREVRANGE s 2 1"), entries(&[2, 1]));
    assert_eq!(rig.run("XRANGE s - + COUNT 0"), "*-1");
    assert_eq!(rig.run("XRANGE s 3 1"), "*0");
    assert_eq!(rig.run("XRANGE nothing - +"), "*0");
    assert_eq!(rig.run("XDEL s 2 2 9"), ":1");
    assert_eq!(rig.run("XRANGE s - +"), entries(&[1, 3]));
    assert_eq!(rig.run("XREAD STREAMS s +"), format!("*1|*2|$1|s|{}", entries(&[3])));
    assert_eq!(rig.run("XREAD COUNT 1 STREAMS s none 0 0"), format!("*1|*2|$1|s|{}", entries(&[1])));
    assert_eq!(rig.run("XREAD STREAMS s $"), "*-1");
    rig.run("HELLO 3");
    assert_eq!(rig.run("XREAD STREAMS s 1"), format!("%1|$1|s|{}", entries(&[3])));
}

#[test]
fn a_group_reads_and_propagates_what_it_got() {
    let mut rig = Rig::new();
    rig.run("XADD s 1 f v");
    rig.run("XADD s 2 f v");
    rig.propagated();
    let claim = |id: &str, consumer: &str, count: u32, last: &str| {
        format!("XCLAIM s g {consumer} 0 {id} TIME {START_MS} RETRYCOUNT {count} FORCE JUSTID LASTID {last}")
    };
    let entry = "*1|*2|$1|s|*1|*2|$3|1-0|*2|$1|f|$1|v";
    rig.check(&[
        (
            "XREADGROUP GROUP g c STREAMS s >",
            "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
            "",
        ),
        ("XGROUP CREATE s g 0", "+OK", "XGROUP CREATE s g 0"),
        ("XGROUP CREATE s g 0", "-BUSYGROUP Consumer Group name already exists", ""),
        (
            "XREADGROUP GROUP g c COUNT 1 STREAMS s >",
            entry,
            &format!("MULTI; {}; XGROUP SETID s g 1-0 ENTRIESREAD 1; EXEC", claim("1-0", "c", 1, "1-0")),
        ),
        ("XREADGROUP GROUP g c STREAMS s 0", entry, ""),
        ("XPENDING s g", "*4|:1|$3|1-0|$3|1-0|*1|*2|$1|c|$1|1", ""),
        ("XPENDING s g - + 10", "*1|*4|$3|1-0|$1|c|:0|:2", ""),
        ("XCLAIM s g d 0 1 JUSTID", "*1|$3|1-0", &claim("1-0", "d", 2, "1-0")),
        ("XAUTOCLAIM s g c 0 0 JUSTID", "*3|$3|0-0|*1|$3|1-0|*0", &claim("1-0", "c", 2, "1-0")),
        ("XACK s g 1 2", ":1", "XACK s g 1 2"),
        ("XACK s g 1", ":0", ""),
        (
            "XREADGROUP GROUP g new NOACK STREAMS s >",
            "*1|*2|$1|s|*1|*2|$3|2-0|*2|$1|f|$1|v",
            "MULTI; XGROUP CREATECONSUMER s g new; XGROUP SETID s g 2-0 ENTRIESREAD 2; EXEC",
        ),
        ("XREADGROUP GROUP g new STREAMS s >", "*-1", ""),
        ("XGROUP DELCONSUMER s g new", ":0", "XGROUP DELCONSUMER s g new"),
        ("XGROUP SETID s g 1", "+OK", "XGROUP SETID s g 1"),
        ("XGROUP DESTROY s g", ":1", "XGROUP DESTROY s g"),
    ]);
}

#[test]
fn deleting_minds_references() {
    let mut rig = Rig::new();
    for command in
        ["XADD s 1 f v", "XADD s 2 f v", "XADD s 3 f v", "XGROUP CREATE s g 0", "XGROUP CREATE s h 0"]
    {
        rig.run(command);
    }
    rig.run("XREADGROUP GROUP g c STREAMS s >");
    rig.run("XREADGROUP GROUP h c COUNT 2 STREAMS s >");
    assert_eq!(rig.run("XDELEX s ACKED IDS 2 1 9"), "*2|:2|:-1");
    assert_eq!(rig.run("XACKDEL s g ACKED IDS 1 1"), "*1|:2");
    assert_eq!(rig.run("XACKDEL s h ACKED IDS 2 1 1"), "*2|:1|:-1");
    assert_eq!(rig.run("XDELEX s DELREF IDS 1 2"), "*1|:1");
    assert_eq!(rig.run("XPENDING s g"), "*4|:1|$3|3-0|$3|3-0|*1|*2|$1|c|$1|1");
    assert_eq!(rig.run("XDELEX s IDS 2 1"), "-ERR The `numids` parameter must match the number of arguments");
    assert_eq!(rig.run("XDELEX s IDS 0 1"), "-ERR Number of IDs must be a positive integer");
    assert_eq!(rig.run("XDELEX none IDS 1 1"), "*1|:-1");
    assert_eq!(rig.run("XLEN s"), ":1");
}

#[test]
fn events_say_what_happened() {
    let mut rig = Rig::new();
    rig.listen();
    let mut events = |command: &str| {
        rig.run(command);
        rig.events()
    };
    assert_eq!(events("XADD s MAXLEN 1 1 f v"), "new s; xadd s");
    assert_eq!(events("XADD s MAXLEN 1 2 f v"), "xadd s; xtrim s");
    assert_eq!(events("XGROUP CREATE s g 0"), "xgroup-create s");
    assert_eq!(events("XREADGROUP GROUP g c STREAMS s >"), "xgroup-createconsumer s");
    assert_eq!(events("XGROUP SETID s g 5"), "xgroup-setid s");
    assert_eq!(events("XGROUP DELCONSUMER s g c"), "xgroup-delconsumer s");
    assert_eq!(events("XGROUP DESTROY s g"), "xgroup-destroy s");
    assert_eq!(events("XDEL s 2"), "xdel s");
    assert_eq!(events("XSETID s 9"), "xsetid s");
    assert_eq!(events("XRANGE none - +"), "keymiss none");
}

#[test]
fn who_waits_is_served_what_comes() {
    let mut rig = Rig::new();
    let mut other = rig.another();
    rig.run("XADD s 1 f v");
    rig.run("XGROUP CREATE s g $");
    assert_eq!(other.run("XREAD BLOCK 0 STREAMS s $"), "");
    rig.run("XADD s 2 f v");
    assert_eq!(other.resume(), "*1|*2|$1|s|*1|*2|$3|2-0|*2|$1|f|$1|v");
    assert_eq!(other.run("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"), "*1|*2|$1|s|*1|*2|$3|2-0|*2|$1|f|$1|v");
    assert_eq!(other.run("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"), "");
    rig.run("XGROUP DESTROY s g");
    assert_eq!(
        other.resume(),
        "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option"
    );
}
