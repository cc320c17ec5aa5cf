use crate::testing::Rig;

fn array(words: &str) -> String {
    let words: Vec<_> = words.split(' ').collect();
    let bulks: Vec<_> = words.iter().map(|word| format!("${}|{word}", word.len())).collect();
    format!("*{}|{}", words.len(), bulks.join("|"))
}

fn rig(setup: &[&str]) -> Rig {
    let mut rig = Rig::new();
    for command in setup {
        assert!(!rig.run(command).starts_with('-'), "{command}");
    }
    rig.propagated();
    rig
}

#[test]
fn by_itself() {
    let mut rig = rig(&["RPUSH l 10 9 1.5 -3", "RPUSH w b a 10 9", "SADD s 3 1 2", "ZADD z 1 30 2 20 3 10"]);
    rig.check(&[
        ("SORT l", &array("-3 1.5 9 10"), ""),
        ("SORT l DESC", &array("10 9 1.5 -3"), ""),
        ("SORT l ALPHA", &array("-3 1.5 10 9"), ""),
        ("SORT w ALPHA DESC", &array("b a 9 10"), ""),
        ("SORT w", "-ERR One or more scores can't be converted into double", ""),
        ("SORT s", &array("1 2 3"), ""),
        ("SORT z", &array("10 20 30"), ""),
        ("SORT_RO z DESC", &array("30 20 10"), ""),
        ("SORT l LIMIT 1 2", &array("1.5 9"), ""),
        ("SORT l LIMIT -5 2", &array("-3 1.5"), ""),
        ("SORT l LIMIT 2 -1", &array("9 10"), ""),
        ("SORT l LIMIT 9 1", "*0", ""),
        ("SORT l LIMIT 0 0", "*0", ""),
        ("SORT none", "*0", ""),
    ]);
}

#[test]
fn not_at_all() {
    let mut rig = rig(&["RPUSH l 3 1 2", "ZADD z 1 c 2 a 3 b", "SADD s b a"]);
    rig.check(&[
        ("SORT l BY nosort", &array("3 1 2"), ""),
        ("SORT l BY nosort DESC", &array("2 1 3"), ""),
        ("SORT l BY nosort LIMIT 1 5", &array("1 2"), ""),
        ("SORT l BY nosort DESC LIMIT 1 1", &array("1"), ""),
        ("SORT z BY nosort", &array("c a b"), ""),
        ("SORT z BY nosort DESC LIMIT 0 2", &array("b a"), ""),
        ("SORT s BY nosort STORE d", ":2", "SORT s BY nosort STORE d"),
        ("LRANGE d 0 -1", &array("a b"), ""),
    ]);
}

#[test]
fn by_other_keys() {
    let mut rig = rig(&[
        "RPUSH l 1 2 3",
        "MSET w1 30 w2 20 w3 10 t1 b t2 c t3 a o1 x",
        "HSET h1 f 2 n one",
        "HSET h2 f 3",
        "HSET h3 f 1 n three",
    ]);
    rig.check(&[
        ("SORT l BY w*", &array("3 2 1"), ""),
        ("SORT l BY w* DESC LIMIT 0 2", &array("1 2"), ""),
        ("SORT l BY t* ALPHA", &array("3 1 2"), ""),
        ("SORT l BY o* ALPHA", &array("2 3 1"), ""),
        ("SORT l BY h*->f", &array("3 1 2"), ""),
        ("SORT l BY h*->none DESC", &array("3 2 1"), ""),
        ("SORT l BY t*", "-ERR One or more scores can't be converted into double", ""),
        ("SORT l GET # GET t*", &array("1 b 2 c 3 a"), ""),
        ("SORT l GET h*->n", "*3|$3|one|$-1|$5|three", ""),
        ("SORT l GET w*->f GET const", "*6|$-1|$-1|$-1|$-1|$-1|$-1", ""),
        ("SORT_RO l BY w* GET h*", "*3|$-1|$-1|$-1", ""),
        ("SORT l GET h*->n STORE d", ":3", "SORT l GET h*->n STORE d"),
        ("LRANGE d 0 -1", "*3|$3|one|$0||$5|three", ""),
    ]);
}

#[test]
fn stored() {
    let mut rig = rig(&["RPUSH l 2 1", "SETEX d 100 v"]);
    rig.listen();
    rig.propagated();
    for (command, reply, events) in [
        ("SORT l STORE d", ":2", "sortstore d"),
        ("TTL d", ":-1", ""),
        ("SORT l STORE e", ":2", "new e; sortstore e"),
        ("SORT none STORE d", ":0", "keymiss none; del d"),
        ("SORT none STORE d", ":0", "keymiss none"),
        ("EXISTS d", ":0", "keymiss d"),
    ] {
        assert_eq!(rig.run(command), reply, "{command}");
        assert_eq!(rig.events(), events, "{command}");
    }
}

#[test]
fn mistakes() {
    let mut rig = rig(&["RPUSH l 2 1", "SET v x", "HSET h f v"]);
    let wrong_type = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    rig.check(&[
        ("SORT l BY", "-ERR syntax error", ""),
        ("SORT l LIMIT 1", "-ERR syntax error", ""),
        ("SORT l LIMIT 1 x", "-ERR value is not an integer or out of range", ""),
        ("SORT l GET", "-ERR syntax error", ""),
        ("SORT l UP", "-ERR syntax error", ""),
        ("SORT_RO l STORE d", "-ERR syntax error", ""),
        ("SORT v", wrong_type, ""),
        ("SORT h", wrong_type, ""),
    ]);
}

#[test]
fn keys_are_found_among_options() {
    let mut rig = Rig::new();
    for (command, keys) in [
        ("COMMAND GETKEYS SORT abc STORE def", "abc def"),
        ("COMMAND GETKEYS SORT abc STORE no STORE neither STORE def", "abc def"),
        ("COMMAND GETKEYS SORT abc BY STORE GET STORE LIMIT STORE STORE", "abc"),
        ("COMMAND GETKEYS SORT_RO abc", "abc"),
    ] {
        assert_eq!(rig.run(command), array(keys), "{command}");
    }
}
