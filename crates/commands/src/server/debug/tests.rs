use crate::testing::Rig;

#[test]
fn every_type_of_the_protocol() {
    let mut rig = Rig::new();
    let script = [
        ("string", "$11|Hello World", "$11|Hello World"),
        ("integer", ":12345", ":12345"),
        ("double", "$5|3.141", ",3.141"),
        ("bignum", "$37|1234567999999999999999999999999999999", "(1234567999999999999999999999999999999"),
        ("null", "$-1", "_"),
        ("array", "*3|:0|:1|:2", "*3|:0|:1|:2"),
        ("set", "*3|:0|:1|:2", "~3|:0|:1|:2"),
        ("map", "*6|:0|:0|:1|:1|:2|:0", "%3|:0|#f|:1|#t|:2|#f"),
        ("true", ":1", "#t"),
        ("false", ":0", "#f"),
        ("verbatim", "$25|This is a verbatim\nstring", "=29|txt:This is a verbatim\nstring"),
    ];
    for (name, resp2, _) in script {
        assert_eq!(rig.run(&format!("DEBUG PROTOCOL {name}")), resp2);
    }
    assert_eq!(rig.run("DEBUG PROTOCOL push"), "-ERR RESP2 is not supported by this command");
    rig.run("HELLO 3");
    for (name, _, resp3) in script {
        assert_eq!(rig.run(&format!("DEBUG PROTOCOL {name}")), resp3);
    }
    assert!(rig.run("DEBUG PROTOCOL push").starts_with(">2|$16|server-cpu-usage|:42|$"));
    assert!(rig.run("DEBUG PROTOCOL attrib").starts_with("|1|$14|key-popularity|*2|$7|key:123|:90|$"));
}

#[test]
fn digests_depend_on_data_only() {
    let mut rig = Rig::new();
    let empty = format!("+{}", "0".repeat(40));
    assert_eq!(rig.run("DEBUG DIGEST"), empty);
    rig.run("SET a 1");
    rig.run("SET b 2");
    let digest = rig.run("DEBUG DIGEST");
    rig.run("FLUSHALL");
    rig.run("SET b 2");
    assert_ne!(rig.run("DEBUG DIGEST"), digest);
    rig.run("SET a 1");
    assert_eq!(rig.run("DEBUG DIGEST"), digest);
    let values = rig.run("DEBUG DIGEST-VALUE a b c");
    assert!(values.starts_with("*3|+") && values.ends_with(&empty), "{values}");
}

#[test]
fn populate_makes_keys_that_replicas_do_not_see() {
    let mut rig = Rig::new();
    rig.run("SET key:1 mine");
    rig.propagated();
    assert_eq!(rig.run("DEBUG POPULATE 3"), "+OK");
    assert_eq!(rig.run("MGET key:0 key:1 key:2"), "*3|$7|value:0|$4|mine|$7|value:2");
    assert_eq!(rig.run("DEBUG POPULATE 1 p 10"), "+OK");
    assert_eq!(rig.run("GET p:0"), "$10|value:0\0\0\0");
    assert_eq!(rig.run("DEBUG POPULATE -1"), "-ERR value is out of range, must be positive");
    assert_eq!(rig.propagated(), "");
    let before = rig.engine.log().end_offset();
    assert_eq!(rig.run("DEBUG REPLICATE set x y"), "+OK");
    assert_eq!(rig.propagated(), "", "not for the append-only file");
    assert_eq!(rig.engine.log().end_offset() - before, "*3||$3||set||$1||x||$1||y||".len() as u64);
    assert_eq!(rig.run("EXISTS x"), ":0");
}

#[test]
fn objects_tell_how_they_are_stored() {
    let mut rig = Rig::new();
    assert_eq!(rig.run("DEBUG OBJECT a"), "-ERR no such key");
    rig.run("SET a 12");
    let object = rig.run("DEBUG OBJECT a");
    assert!(object.contains(" encoding:int serializedlength:2 lru:"), "{object}");
    rig.run("RPUSH l a b c");
    assert!(!rig.run("DEBUG OBJECT l").contains("ql_"));
    // An element of that many bytes has a node of its own, once the list is a long one.
    rig.run("DEBUG QUICKLIST-PACKED-THRESHOLD 100b");
    rig.run(&format!("RPUSH l {} {}", "x".repeat(9000), "y".repeat(99)));
    let object = rig.run("DEBUG OBJECT l");
    let quicklist =
        " ql_nodes:3 ql_avg_node:1.67 ql_listpack_max:-2 ql_compressed:0 ql_uncompressed_size:9125";
    assert!(object.ends_with(quicklist), "{object}");
}

#[test]
fn what_is_not_known_is_refused() {
    let mut rig = Rig::new();
    let refusal = "-ERR unknown subcommand or wrong number of arguments for 'nope'. Try DEBUG HELP.";
    assert_eq!(rig.run("DEBUG nope"), refusal);
    assert_eq!(rig.run("DEBUG ERROR CODE"), "-CODE");
    assert_eq!(
        rig.run("DEBUG RELOAD TWICE"),
        "-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."
    );
    assert!(
        rig.run("DEBUG QUICKLIST-PACKED-THRESHOLD 4gb").starts_with("-ERR argument must be a memory value")
    );
    assert_eq!(rig.run("DEBUG QUICKLIST-PACKED-THRESHOLD 100b"), "+OK");
    assert_eq!(rig.run("DEBUG SET-ACTIVE-EXPIRE 0"), "+OK");
    assert!(!rig.engine.switches().active_expire());
    assert!(rig.run("DEBUG HELP").contains("|+SLEEP <seconds>|"));
}
