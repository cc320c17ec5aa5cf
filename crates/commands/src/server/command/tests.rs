use crate::testing::Rig;

#[test]
fn info_describes_a_row() {
    let mut rig = Rig::new();
    assert_eq!(
        rig.run("COMMAND INFO get nope config|get|set"),
        "*3|*10|$3|get|:2|*2|+readonly|+fast|:1|:1|:1|*3|+@read|+@string|+@fast|*0|\
         *1|*6|$5|flags|*2|+RO|+access|$12|begin_search|*4|$4|type|$5|index|$4|spec|*2|$5|index|:1|\
         $9|find_keys|*4|$4|type|$5|range|$4|spec|*6|$7|lastkey|:0|$7|keystep|:1|$5|limit|:0|*0|$-1|$-1"
    );
    rig.run("HELLO 3");
    let resp3 = rig.run("COMMAND INFO config|get");
    assert!(resp3.starts_with("*1|*10|$10|config|get|:-3|~4|+admin|+noscript|+loading|+stale|:0|:0|:0|~3|"));
    assert!(resp3.ends_with("|~0|~0|~0"));
}

#[test]
fn every_command_is_listed_and_described() {
    let mut rig = Rig::new();
    let count: usize = rig.run("COMMAND COUNT")[1..].parse().unwrap();
    assert!(rig.run("COMMAND").starts_with(&format!("*{count}|*10|")));
    assert!(rig.run("COMMAND INFO").starts_with(&format!("*{count}|*10|")));
    assert!(rig.run("COMMAND DOCS").starts_with(&format!("*{}|", count * 2)));
    assert!(rig.run("COMMAND LIST").contains("|config|get|"));
}

#[test]
fn docs_show_what_rows_say() {
    let mut rig = Rig::new();
    rig.run("HELLO 3");
    assert_eq!(
        rig.run("COMMAND DOCS echo nope"),
        "%1|$4|echo|%5|$7|summary|$25|Returns the given string.|$5|since|$5|1.0.0|$5|group|$10|connection|\
         $10|complexity|$4|O(1)|$9|arguments|*1|%3|$4|name|$7|message|$4|type|$6|string|$12|display_text|$7|message"
    );
    let quit = rig.run("COMMAND DOCS quit");
    assert!(quit.contains("|$9|doc_flags|~1|+deprecated|$16|deprecated_since|$5|7.2.0|"), "{quit}");
}

#[test]
fn lists_are_filtered() {
    let mut rig = Rig::new();
    assert_eq!(rig.run("COMMAND LIST FILTERBY PATTERN ech*"), "*1|$4|echo");
    assert_eq!(rig.run("COMMAND LIST FILTERBY MODULE x"), "*0");
    assert_eq!(rig.run("COMMAND LIST FILTERBY ACLCAT nope"), "*0");
    assert!(rig.run("COMMAND LIST FILTERBY ACLCAT transaction").starts_with("*5|"));
    for wrong in ["COMMAND LIST FILTERBY", "COMMAND LIST FILTERBY X y", "COMMAND LIST PATTERN x y"] {
        assert_eq!(rig.run(wrong), "-ERR syntax error", "{wrong}");
    }
    assert_eq!(rig.run("COMMAND NOPE"), "-ERR unknown subcommand 'NOPE'. Try COMMAND HELP.");
}

#[test]
fn keys_are_extracted() {
    let mut rig = Rig::new();
    assert_eq!(rig.run("COMMAND GETKEYS mset a 1 b 2"), "*2|$1|a|$1|b");
    assert_eq!(rig.run("COMMAND GETKEYSANDFLAGS set k v"), "*1|*2|$1|k|*2|+OW|+update");
    assert_eq!(rig.run("COMMAND GETKEYSANDFLAGS set k v GET"), "*1|*2|$1|k|*3|+RW|+access|+update");
    assert_eq!(rig.run("COMMAND GETKEYS ping"), "-ERR The command has no key arguments");
    assert_eq!(rig.run("COMMAND GETKEYS nope"), "-ERR Invalid command specified");
    assert_eq!(rig.run("COMMAND GETKEYS get"), "-ERR Invalid number of arguments specified for command");
}

#[test]
fn renamed_commands_stay_what_they_are() {
    let mut rig = Rig::renaming(&[("exec", "Run"), ("flushall", ""), ("auth", "login")]);
    rig.run("MULTI");
    rig.run("PING");
    assert!(rig.run("EXEC").starts_with("-ERR unknown command 'EXEC'"));
    assert_eq!(rig.run("run"), "-EXECABORT Transaction discarded because of previous errors.");
    rig.run("MULTI");
    rig.run("PING");
    assert_eq!(rig.run("RUN"), "*1|+PONG");
    assert!(rig.run("FLUSHALL").starts_with("-ERR unknown command 'FLUSHALL'"));
    assert!(!rig.run("COMMAND LIST").contains("flushall"));
}
