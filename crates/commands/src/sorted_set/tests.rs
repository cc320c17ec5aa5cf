use crate::testing::Rig;

/// Runs each test with listpacks and without.
fn both(test: impl Fn(&mut Rig)) {
    for entries in [128, 0] {
        let mut rig = Rig::new();
        rig.engine.keyspace().limits().set(redan_keyspace::Limit::ZsetMaxListpackEntries, entries);
        test(&mut rig);
    }
}

#[test]
fn members_are_added_and_counted() {
    both(|rig| {
        rig.check(&[
            ("ZADD z 1 a 2 b", ":2", "ZADD z 1 a 2 b"),
            ("ZADD z 1 a", ":0", ""),
            ("ZADD z 3 a 4 c", ":1", "ZADD z 3 a 4 c"),
            ("ZADD z CH 5 a 4 c", ":1", "ZADD z CH 5 a 4 c"),
            ("ZADD z NX 9 a", ":0", ""),
            ("ZADD z XX 9 nobody", ":0", ""),
            ("ZADD none XX 9 nobody", ":0", ""),
            ("ZADD none XX INCR 9 nobody", "$-1", ""),
            ("ZADD z GT CH 4 a", ":0", ""),
            ("ZADD z LT CH 4.5 a", ":1", "ZADD z LT CH 4.5 a"),
            ("ZADD z INCR 0.25 a", "$4|4.75", "ZADD z INCR 0.25 a"),
            ("ZADD z INCR NX 1 a", "$-1", ""),
            ("ZADD z XX INCR 0 a", "$4|4.75", ""),
            ("ZINCRBY z -4.75 a", "$1|0", "ZINCRBY z -4.75 a"),
            ("ZINCRBY z inf i", "$3|inf", "ZINCRBY z inf i"),
            ("ZINCRBY z -inf i", "-ERR resulting score is not a number (NaN)", ""),
            ("ZCARD z", ":4", ""),
            ("ZSCORE z a", "$1|0", ""),
            ("ZSCORE z nobody", "$-1", ""),
            ("ZMSCORE z b nobody i", "*3|$1|2|$-1|$3|inf", ""),
            ("ZMSCORE none a", "*1|$-1", ""),
            ("ZCOUNT z -inf (4", ":2", ""),
            ("ZCOUNT z (0 +inf", ":3", ""),
            ("ZRANK z c", ":2", ""),
            ("ZREVRANK z c WITHSCORE", "*2|:1|$1|4", ""),
            ("ZRANK z nobody", "$-1", ""),
            ("ZRANK z nobody WITHSCORE", "*-1", ""),
        ]);
    });
}

#[test]
fn wrong_arguments_of_zadd() {
    Rig::new().check(&[
        ("ZADD z 1 a 2", "-ERR syntax error", ""),
        ("ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible", ""),
        ("ZADD z NX GT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible", ""),
        ("ZADD z LT GT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible", ""),
        ("ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair", ""),
        ("ZADD z 1 a x b", "-ERR value is not a valid float", ""),
        ("ZADD z nan a", "-ERR value is not a valid float", ""),
        ("EXISTS z", ":0", ""),
        ("SET s v", "+OK", "SET s v"),
        ("ZADD s 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value", ""),
        ("ZRANK z a b c", "-ERR wrong number of arguments for 'zrank' command", ""),
    ]);
}

#[test]
fn ranges_from_both_ends() {
    both(|rig| {
        rig.run("ZADD z 1 a 2 b 3 c 4 d");
        rig.run("ZADD l 0 a 0 b 0 c 0 d");
        for (command, members) in [
            ("ZRANGE z 0 -1", "abcd"),
            ("ZRANGE z 1 2", "bc"),
            ("ZRANGE z -2 100", "cd"),
            ("ZRANGE z 5 9", ""),
            ("ZRANGE z 2 1", ""),
            ("ZRANGE z 0 1 REV", "dc"),
            ("ZREVRANGE z -2 -1", "ba"),
            ("ZRANGEBYSCORE z (1 3", "bc"),
            ("ZRANGEBYSCORE z -inf +inf LIMIT 1 2", "bc"),
            ("ZRANGEBYSCORE z -inf +inf LIMIT 3 -1", "d"),
            ("ZRANGEBYSCORE z -inf +inf LIMIT -1 5", ""),
            ("ZREVRANGEBYSCORE z 3 1 LIMIT 1 9", "ba"),
            ("ZREVRANGEBYSCORE z 1 3", ""),
            ("ZRANGE z (3 1 BYSCORE REV", "ba"),
            ("ZRANGE z -inf 1e400 BYSCORE", "abcd"),
            ("ZRANGEBYLEX l [b (d", "bc"),
            ("ZRANGEBYLEX l - +", "abcd"),
            ("ZRANGEBYLEX l + -", ""),
            ("ZREVRANGEBYLEX l + [c", "dc"),
            ("ZRANGE l - (c BYLEX LIMIT 1 5", "b"),
            ("ZRANGE none 0 -1", ""),
        ] {
            let shown: String = rig.run(command).split('|').skip(2).step_by(2).collect();
            assert_eq!(shown, members, "{command}");
        }
        assert_eq!(rig.run("ZRANGE z 0 1 WITHSCORES"), "*4|$1|a|$1|1|$1|b|$1|2");
        assert_eq!(rig.run("ZLEXCOUNT l (a +"), ":3");
        rig.run("HELLO 3");
        assert_eq!(rig.run("ZRANGE z 0 1 WITHSCORES"), "*2|*2|$1|a|,1|*2|$1|b|,2");
        rig.run("HELLO 2");
    });
    Rig::new().check(&[
        ("ZRANGE z a b", "-ERR value is not an integer or out of range", ""),
        ("ZRANGE z a b BYSCORE", "-ERR min or max is not a float", ""),
        ("ZRANGE z a b BYLEX", "-ERR min or max not valid string range item", ""),
        (
            "ZRANGE z 0 1 LIMIT 0 1",
            "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            "",
        ),
        (
            "ZRANGE z - + BYLEX WITHSCORES",
            "-ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            "",
        ),
        ("ZREVRANGE z 0 1 REV", "-ERR syntax error", ""),
        ("ZRANGEBYSCORE z 0 1 LIMIT 0", "-ERR syntax error", ""),
        ("ZRANGESTORE y z 0 1 WITHSCORES", "-ERR syntax error", ""),
    ]);
}

#[test]
fn a_big_reply_is_whole() {
    let mut rig = Rig::new();
    for n in 0..3000 {
        rig.run(&format!("ZADD z {n} m{n}"));
    }
    let reply = rig.run("ZRANGE z 0 -1");
    assert!(reply.starts_with("*3000|$2|m0|$2|m1|") && reply.ends_with("|$5|m2999"));
    assert!(rig.run("ZREVRANGEBYSCORE z 2998 0").starts_with("*2999|$5|m2998|"));
    assert!(rig.run("ZUNION 2 z z WITHSCORES").ends_with("|$5|m2999|$4|5998"));
}

#[test]
fn removals_end_with_the_key() {
    both(|rig| {
        rig.check(&[
            ("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6", "ZADD z 1 a 2 b 3 c 4 d 5 e 6 f"),
            ("ZREM z a nobody", ":1", "ZREM z a nobody"),
            ("ZREM z nobody", ":0", ""),
            ("ZREMRANGEBYRANK z -1 -1", ":1", "ZREMRANGEBYRANK z -1 -1"),
            ("ZREMRANGEBYRANK z 9 10", ":0", ""),
            ("ZREMRANGEBYSCORE z 2 (3", ":1", "ZREMRANGEBYSCORE z 2 (3"),
            ("ZREMRANGEBYSCORE z 9 10", ":0", ""),
            ("ZADD l 0 a 0 b 0 c", ":3", "ZADD l 0 a 0 b 0 c"),
            ("ZREMRANGEBYLEX l (a +", ":2", "ZREMRANGEBYLEX l (a +"),
            ("ZRANGE l 0 -1", "*1|$1|a", ""),
            ("ZREM z c d e", ":3", "ZREM z c d e"),
            ("EXISTS z", ":0", ""),
            ("ZREM z a", ":0", ""),
        ]);
    });
}

#[test]
fn pops_take_from_the_ends() {
    both(|rig| {
        rig.check(&[
            ("ZADD z 1 a 2 b 3 c 4 d 5 e", ":5", "ZADD z 1 a 2 b 3 c 4 d 5 e"),
            ("ZPOPMIN z", "*2|$1|a|$1|1", "ZPOPMIN z"),
            ("ZPOPMAX z 2", "*4|$1|e|$1|5|$1|d|$1|4", "ZPOPMAX z 2"),
            ("ZPOPMIN z 0", "*0", ""),
            ("ZPOPMIN none", "*0", ""),
            ("ZPOPMIN z -1", "-ERR value is out of range, must be positive", ""),
            ("ZMPOP 2 none z MAX COUNT 9", "*2|$1|z|*2|*2|$1|c|$1|3|*2|$1|b|$1|2", "ZPOPMAX z 2"),
            ("EXISTS z", ":0", ""),
            ("ZMPOP 1 z MIN", "*-1", ""),
            ("ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0", ""),
            ("ZMPOP 1 z MIN COUNT 0", "-ERR count should be greater than 0", ""),
            ("ZMPOP 1 z MIN COUNT 1 COUNT 1", "-ERR syntax error", ""),
            ("ZMPOP 2 z MIN", "-ERR syntax error", ""),
            ("ZMPOP 9223372036854775807 z MIN", "-ERR syntax error", ""),
            ("ZADD z 1 a 2 b", ":2", "ZADD z 1 a 2 b"),
            ("BZPOPMAX none z 0", "*3|$1|z|$1|b|$1|2", "ZPOPMAX z"),
            ("BZMPOP 0 2 none z MIN", "*2|$1|z|*1|*2|$1|a|$1|1", "ZPOPMIN z 1"),
            ("BZPOPMIN z -1", "-ERR timeout is negative", ""),
        ]);
        rig.run("ZADD z 1 a 2 b");
        rig.run("HELLO 3");
        assert_eq!(rig.run("ZPOPMIN z"), "*2|$1|a|,1");
        assert_eq!(rig.run("ZPOPMIN z 1"), "*1|*2|$1|b|,2");
        assert_eq!(rig.run("ZMPOP 1 z MIN"), "_");
        rig.run("HELLO 2");
    });
}

#[test]
fn nobody_waits_in_a_transaction() {
    let mut rig = Rig::new();
    rig.run("MULTI");
    rig.run("BZPOPMIN z 0");
    rig.run("BZMPOP 0 1 z MIN");
    assert_eq!(rig.run("EXEC"), "*2|*-1|*-1");
}

#[test]
fn combinations() {
    both(|rig| {
        rig.run("ZADD x 1 a 2 b 3 c");
        rig.run("ZADD y 10 b 20 c 30 d");
        rig.run("SADD s b d e");
        rig.propagated();
        rig.check(&[
            ("ZUNION 2 x y", "*4|$1|a|$1|b|$1|c|$1|d", ""),
            ("ZUNION 2 x y WITHSCORES", "*8|$1|a|$1|1|$1|b|$2|12|$1|c|$2|23|$1|d|$2|30", ""),
            ("ZINTER 2 x y WEIGHTS 2 3 WITHSCORES", "*4|$1|b|$2|34|$1|c|$2|66", ""),
            ("ZINTER 2 x y AGGREGATE MIN WITHSCORES", "*4|$1|b|$1|2|$1|c|$1|3", ""),
            ("ZINTER 2 x y AGGREGATE MAX WITHSCORES", "*4|$1|b|$2|10|$1|c|$2|20", ""),
            ("ZINTER 2 x s WITHSCORES", "*2|$1|b|$1|3", ""),
            ("ZINTER 2 x x WITHSCORES", "*6|$1|a|$1|2|$1|b|$1|4|$1|c|$1|6", ""),
            ("ZINTER 2 x none", "*0", ""),
            ("ZDIFF 2 x y WITHSCORES", "*2|$1|a|$1|1", ""),
            ("ZDIFF 2 x x", "*0", ""),
            ("ZDIFF 3 x none s", "*2|$1|a|$1|c", ""),
            ("ZINTERCARD 2 x y", ":2", ""),
            ("ZINTERCARD 2 x y LIMIT 1", ":1", ""),
            ("ZUNIONSTORE t 2 x s WEIGHTS 1 10", ":5", "ZUNIONSTORE t 2 x s WEIGHTS 1 10"),
            ("ZRANGE t 0 -1", "*5|$1|a|$1|c|$1|d|$1|e|$1|b", ""),
            ("ZINTERSTORE t 2 t y", ":3", "ZINTERSTORE t 2 t y"),
            ("ZDIFFSTORE t 2 t t", ":0", "ZDIFFSTORE t 2 t t"),
            ("EXISTS t", ":0", ""),
            ("ZDIFFSTORE t 2 x x", ":0", ""),
            ("ZRANGESTORE t x 1 -1", ":2", "ZRANGESTORE t x 1 -1"),
            ("ZRANGE t 0 -1 WITHSCORES", "*4|$1|b|$1|2|$1|c|$1|3", ""),
            ("ZRANGESTORE t none 0 -1", ":0", "ZRANGESTORE t none 0 -1"),
            ("ZUNION 0 x", "-ERR at least 1 input key is needed for 'zunion' command", ""),
            ("ZUNION 3 x y", "-ERR syntax error", ""),
            ("ZUNION 2 x y WEIGHTS 1", "-ERR syntax error", ""),
            ("ZUNION 2 x y WEIGHTS 1 x", "-ERR weight value is not a float", ""),
            ("ZDIFF 2 x y WEIGHTS 1 2", "-ERR syntax error", ""),
            ("ZUNIONSTORE t 2 x y WITHSCORES", "-ERR syntax error", ""),
            ("ZINTERCARD 1 x LIMIT -1", "-ERR LIMIT can't be negative", ""),
        ]);
        rig.run("ZADD i inf m");
        rig.run("ZADD j -inf m");
        assert_eq!(rig.run("ZUNION 2 i j WITHSCORES"), "*2|$1|m|$1|0");
        assert_eq!(rig.run("ZUNION 1 i WEIGHTS 0 WITHSCORES"), "*2|$1|m|$1|0");
    });
}

#[test]
fn random_members() {
    both(|rig| {
        assert_eq!(rig.run("ZRANDMEMBER z"), "$-1");
        assert_eq!(rig.run("ZRANDMEMBER z 3"), "*0");
        rig.run("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h");
        assert_eq!(rig.run("ZRANDMEMBER z 0"), "*0");
        assert!(rig.run("ZRANDMEMBER z").starts_with("$1|"));
        for (count, len) in [(1, 1), (2, 2), (7, 7), (8, 8), (100, 8)] {
            let reply = rig.run(&format!("ZRANDMEMBER z {count}"));
            let members: std::collections::BTreeSet<&str> = reply.split('|').skip(2).step_by(2).collect();
            assert_eq!(members.len(), len, "{reply}");
        }
        assert_eq!(rig.run("ZRANDMEMBER z -20").split('|').skip(2).step_by(2).count(), 20);
        let scored = rig.run("ZRANDMEMBER z 8 WITHSCORES");
        assert_eq!(scored.split('|').skip(2).step_by(2).count(), 16);
        rig.propagated();
        rig.check(&[
            ("ZRANDMEMBER z 9223372036854775807 WITHSCORES", "-ERR value is out of range", ""),
            ("ZRANDMEMBER z 1 NOPE", "-ERR syntax error", ""),
            ("ZRANDMEMBER z x", "-ERR value is not an integer or out of range", ""),
        ]);
    });
}

#[test]
fn random_members_are_fair() {
    const ROUNDS: usize = 4000;
    both(|rig| {
        rig.run("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h 9 i 10 j");
        for (count, picked) in [("1", 1), ("2", 2), ("6", 6), ("-3", 3)] {
            let mut counts = std::collections::BTreeMap::new();
            for _ in 0..ROUNDS {
                let reply = rig.run(&format!("ZRANDMEMBER z {count}"));
                for member in reply.split('|').skip(2).step_by(2) {
                    *counts.entry(member.to_owned()).or_insert(0_usize) += 1;
                }
            }
            let mean = (ROUNDS * picked) as f64 / 10.0;
            let chi_square: f64 = counts.values().map(|&n| (n as f64 - mean).powi(2) / mean).sum();
            // 9 degrees of freedom: above 33.7 in one of ten thousand.
            assert!(counts.len() == 10 && chi_square < 33.7, "{count}: {chi_square} {counts:?}");
        }
    });
}

#[test]
fn a_scan_shows_every_member() {
    both(|rig| {
        assert_eq!(rig.run("ZSCAN z 0"), "*2|$1|0|*0");
        for n in 0..100 {
            rig.run(&format!("ZADD z {n} m{n}"));
        }
        let (mut cursor, mut seen) = ("0".to_owned(), std::collections::BTreeMap::new());
        loop {
            let reply = rig.run(&format!("ZSCAN z {cursor} COUNT 7"));
            let words: Vec<&str> = reply.split('|').collect();
            for pair in words[4..].chunks(4) {
                seen.insert(pair[1].to_owned(), pair[3].to_owned());
            }
            cursor = words[2].to_owned();
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen.len(), 100);
        assert!(seen.iter().all(|(member, score)| member[1..] == *score));
        assert_eq!(rig.run("ZSCAN z 0 COUNT 200 MATCH m42"), "*2|$1|0|*2|$3|m42|$2|42");
        rig.propagated();
        rig.check(&[
            ("ZSCAN z x", "-ERR invalid cursor", ""),
            ("ZSCAN z 0 COUNT 0", "-ERR syntax error", ""),
            ("ZSCAN z 0 TYPE zset", "-ERR syntax error", ""),
        ]);
    });
}

#[test]
fn events_are_told_in_order() {
    let mut rig = Rig::new();
    rig.listen();
    for (command, events) in [
        ("ZADD z 1 a 2 b 3 c", "new z; zadd z"),
        ("ZADD z 1 a", ""),
        ("ZINCRBY z 1 a", "zincr z"),
        ("ZREM z a", "zrem z"),
        ("ZPOPMIN z", "zpopmin z"),
        ("ZREMRANGEBYRANK z 0 -1", "zremrangebyrank z; del z"),
        ("ZSCORE z a", "keymiss z"),
        ("ZADD x 1 a", "new x; zadd x"),
        ("ZUNIONSTORE y 1 x", "new y; zunionstore y"),
        ("ZINTERSTORE y 2 x none", "keymiss none; del y"),
        ("ZRANGESTORE y x 0 -1", "new y; zrangestore y"),
        ("ZMPOP 1 y MAX", "zpopmax y; del y"),
    ] {
        rig.run(command);
        assert_eq!(rig.events(), events, "{command}");
    }
}
