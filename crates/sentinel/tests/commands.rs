//! The SENTINEL command as clients see it.

mod rig;

use expect_test::expect;
use redan_resp::{Protocol, ReplyBuf};
use redan_sentinel::{Answer, Reply, SUBCOMMANDS};
use rig::World;

const DIRECTIVES: &str = "
    monitor mymaster 10.0.0.1 6379 2
    down-after-milliseconds mymaster 5000
";

fn settled() -> World {
    let mut world = World::standard(2, 2, DIRECTIVES);
    world.quietly_run_for(10_000);
    world
}

/// A reply on few lines: `name value` for maps.
fn show(reply: &Reply) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match reply {
        Reply::Simple(text) => format!("+{text}\n"),
        Reply::Error(text) => format!("-{text}\n"),
        Reply::Integer(n) => format!(":{n}\n"),
        Reply::Bulk(bytes) => format!("{}\n", text(bytes)),
        Reply::Null => "(null)\n".into(),
        Reply::NullArray => "(null array)\n".into(),
        Reply::Array(items) => {
            let items: String = items.iter().map(show).collect();
            format!("[\n{items}]\n")
        }
        Reply::Map(pairs) => {
            pairs.iter().map(|(name, value)| format!("{} {}", show(name).trim_end(), show(value))).collect()
        }
    }
}

#[test]
fn a_master_is_described_field_by_field() {
    let mut world = settled();
    expect![[r#"
        name mymaster
        ip 10.0.0.1
        port 6379
        runid 1111111111111111111111111111111111111111
        flags master
        link-pending-commands 0
        link-refcount 1
        last-ping-sent 0
        last-ok-ping-reply 978
        last-ping-reply 978
        down-after-milliseconds 5000
        info-refresh 9996
        role-reported master
        role-reported-time 10000
        config-epoch 0
        num-slaves 2
        num-other-sentinels 1
        quorum 2
        failover-timeout 180000
        parallel-syncs 1
    "#]]
    .assert_eq(&show(&world.ask(0, "SENTINEL MASTER mymaster")));
    let masters = world.ask(0, "sentinel masters");
    assert_eq!(masters, Reply::Array(vec![world.ask(0, "SENTINEL master mymaster")]));
}

#[test]
fn a_failing_master_is_described_with_its_troubles() {
    let mut world = settled();
    world.redis.get_mut("10.0.0.2").unwrap().refuses = "SLAVEOF";
    world.kill_redis("10.0.0.1");
    world.run_for(6_000);
    let leader = (0..2).find(|n| show(&world.ask(*n, "SENTINEL MASTER mymaster")).contains("failover-state"));
    let reply = show(&world.ask(leader.expect("one of them leads"), "SENTINEL MASTER mymaster"));
    let fields = ["flags", "failover-state", "s-down-time", "o-down-time"];
    let lines = reply.lines().filter(|line| fields.iter().any(|field| line.starts_with(field)));
    expect![[r#"
        flags s_down,o_down,master,disconnected,failover_in_progress
        failover-state wait_promotion
        s-down-time 999
        o-down-time 997
    "#]]
    .assert_eq(&lines.map(|line| format!("{line}\n")).collect::<String>());
    let info = world.nodes[leader.unwrap()].sentinel.info_section();
    assert!(info.contains("master0:name=mymaster,status=odown,address=10.0.0.1:6379,slaves=2,sentinels=2"));
}

#[test]
fn replicas_and_sentinels_are_described() {
    let mut world = settled();
    world.redis.get_mut("10.0.0.3").unwrap().announced = false;
    world.run_for(11_000);
    expect![[r#"
        [
        name 10.0.0.2:6379
        ip 10.0.0.2
        port 6379
        runid 2222222222222222222222222222222222222222
        flags slave
        link-pending-commands 0
        link-refcount 1
        last-ping-sent 0
        last-ok-ping-reply 952
        last-ping-reply 952
        down-after-milliseconds 5000
        info-refresh 988
        role-reported slave
        role-reported-time 20996
        master-link-down-time 0
        master-link-status ok
        master-host 10.0.0.1
        master-port 6379
        slave-priority 100
        slave-repl-offset 1000
        replica-announced 1
        ]
    "#]]
    .assert_eq(&show(&world.ask(0, "SENTINEL REPLICAS mymaster")));
    expect![[r#"
        [
        name 2222222222222222222222222222222222222222
        ip 10.0.1.2
        port 26379
        runid 2222222222222222222222222222222222222222
        flags sentinel
        link-pending-commands 0
        link-refcount 1
        last-ping-sent 0
        last-ok-ping-reply 952
        last-ping-reply 952
        down-after-milliseconds 5000
        last-hello-message 992
        voted-leader ?
        voted-leader-epoch 0
        ]
    "#]]
    .assert_eq(&show(&world.ask(0, "SENTINEL SENTINELS mymaster")));
    assert_eq!(world.ask(0, "SENTINEL SLAVES mymaster"), world.ask(0, "SENTINEL REPLICAS mymaster"));
}

#[test]
fn info_role_and_addresses() {
    let mut world = settled();
    let section = world.nodes[0].sentinel.info_section();
    assert_eq!(section.matches("\r\n").count(), section.lines().count());
    expect![[r#"
        # Sentinel
        sentinel_masters:1
        sentinel_tilt:0
        sentinel_tilt_since_seconds:-1
        sentinel_running_scripts:0
        sentinel_scripts_queue_length:0
        sentinel_simulate_failure_flags:0
        master0:name=mymaster,status=ok,address=10.0.0.1:6379,slaves=2,sentinels=2
    "#]]
    .assert_eq(&section.replace('\r', ""));
    assert_eq!(
        world.nodes[0].sentinel.role(),
        Reply::Array(vec![Reply::bulk("sentinel"), Reply::Array(vec![Reply::bulk("mymaster")])])
    );
    let address = Reply::Array(vec![Reply::bulk("10.0.0.1"), Reply::bulk("6379")]);
    assert_eq!(world.ask(0, "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster"), address);
    assert_eq!(world.ask(0, "SENTINEL GET-MASTER-ADDR-BY-NAME nobody"), Reply::NullArray);
    assert_eq!(world.ask(0, "SENTINEL MYID"), Reply::bulk("1".repeat(40)));
    assert_eq!(world.ask(0, "SENTINEL PENDING-SCRIPTS"), Reply::Array(vec![]));
    let cache = show(&world.ask(0, "SENTINEL INFO-CACHE mymaster nobody"));
    assert!(cache.starts_with("[\nmymaster\n[\n[\n:9996\n# Server"), "{cache}");
    assert_eq!(cache.matches("# Server").count(), 3, "{cache}");
    let quorum = "OK 2 usable Sentinels. Quorum and failover authorization can be reached";
    assert_eq!(world.ask(0, "SENTINEL CKQUORUM mymaster"), Reply::Simple(quorum.into()));
}

#[test]
fn mistakes_get_the_words_of_redis() {
    let mut world = settled();
    let table = [
        "SENTINEL",
        "SENTINEL FROB",
        "SENTINEL MASTER",
        "SENTINEL MASTER nobody",
        "SENTINEL MASTERS x",
        "SENTINEL RESET",
        "SENTINEL CKQUORUM nobody",
        "SENTINEL FAILOVER nobody",
        "SENTINEL REMOVE nobody",
        "SENTINEL SET mymaster fakeoption",
        "SENTINEL SET mymaster fakeoption fakevalue",
        "SENTINEL SET mymaster down-after-milliseconds -20",
        "SENTINEL SET mymaster down-after-milliseconds abc",
        "SENTINEL SET mymaster quorum 2 failover-timeout",
        "SENTINEL SET mymaster notification-script /x",
        "SENTINEL SET mymaster rename-command PING ",
        "SENTINEL MONITOR mymaster 10.0.0.1 6379 2",
        "SENTINEL MONITOR other redis-0 6379 2",
        "SENTINEL MONITOR other 10.0.0.1 x 2",
        "SENTINEL MONITOR other 10.0.0.1 65536 2",
        "SENTINEL MONITOR other 10.0.0.1 6379 x",
        "SENTINEL MONITOR other 10.0.0.1 6379 0",
        "SENTINEL IS-MASTER-DOWN-BY-ADDR 10.0.0.1 x 1 *",
        "SENTINEL CONFIG SET announce-port",
        "SENTINEL CONFIG SET announce-port -1",
        "SENTINEL CONFIG SET announce-port 1 announce-port 2",
        "SENTINEL CONFIG SET announce-port 1 announce-ip",
        "SENTINEL CONFIG SET frob 1",
        "SENTINEL CONFIG SET loglevel loud",
        "SENTINEL DEBUG frob 1",
        "SENTINEL DEBUG info-period 0",
        "SENTINEL DEBUG info-period",
        "SENTINEL SIMULATE-FAILURE frob",
    ];
    let told: String = table.iter().map(|line| format!("{line}\n  {}", show(&world.ask(0, line)))).collect();
    expect![[r#"
        SENTINEL
          -ERR wrong number of arguments for 'sentinel' command
        SENTINEL FROB
          -ERR unknown subcommand 'FROB'. Try SENTINEL HELP.
        SENTINEL MASTER
          -ERR wrong number of arguments for 'sentinel|master' command
        SENTINEL MASTER nobody
          -ERR No such master with that name
        SENTINEL MASTERS x
          -ERR wrong number of arguments for 'sentinel|masters' command
        SENTINEL RESET
          -ERR wrong number of arguments for 'sentinel|reset' command
        SENTINEL CKQUORUM nobody
          -ERR No such master with that name
        SENTINEL FAILOVER nobody
          -ERR No such master with that name
        SENTINEL REMOVE nobody
          -ERR No such master with that name
        SENTINEL SET mymaster fakeoption
          -ERR wrong number of arguments for 'sentinel|set' command
        SENTINEL SET mymaster fakeoption fakevalue
          -ERR Unknown option or number of arguments for SENTINEL SET 'fakeoption'
        SENTINEL SET mymaster down-after-milliseconds -20
          -ERR Invalid argument '-20' for SENTINEL SET 'down-after-milliseconds'
        SENTINEL SET mymaster down-after-milliseconds abc
          -ERR Invalid argument 'abc' for SENTINEL SET 'down-after-milliseconds'
        SENTINEL SET mymaster quorum 2 failover-timeout
          -ERR Unknown option or number of arguments for SENTINEL SET 'failover-timeout'
        SENTINEL SET mymaster notification-script /x
          -ERR Reconfiguration of scripts path is denied for security reasons. Check the deny-scripts-reconfig configuration directive in your Sentinel configuration
        SENTINEL SET mymaster rename-command PING 
          -ERR Invalid argument '' for SENTINEL SET 'rename-command'
        SENTINEL MONITOR mymaster 10.0.0.1 6379 2
          -ERR Duplicate master name.
        SENTINEL MONITOR other redis-0 6379 2
          -ERR Invalid IP address or hostname specified
        SENTINEL MONITOR other 10.0.0.1 x 2
          -ERR Invalid port
        SENTINEL MONITOR other 10.0.0.1 65536 2
          -ERR Invalid port number.
        SENTINEL MONITOR other 10.0.0.1 6379 x
          -ERR Invalid quorum
        SENTINEL MONITOR other 10.0.0.1 6379 0
          -ERR Quorum must be 1 or greater.
        SENTINEL IS-MASTER-DOWN-BY-ADDR 10.0.0.1 x 1 *
          -ERR value is not an integer or out of range
        SENTINEL CONFIG SET announce-port
          -ERR Only SENTINEL CONFIG GET <param> [<param> <param> ...] / SET <param> <value> [<param> <value> ...] are supported.
        SENTINEL CONFIG SET announce-port -1
          -ERR Invalid value '-1' to SENTINEL CONFIG SET 'announce-port'
        SENTINEL CONFIG SET announce-port 1 announce-port 2
          -ERR Duplicate argument 'announce-port' to SENTINEL CONFIG SET
        SENTINEL CONFIG SET announce-port 1 announce-ip
          -ERR Missing argument 'announce-ip' value
        SENTINEL CONFIG SET frob 1
          -ERR Invalid argument 'frob' to SENTINEL CONFIG SET
        SENTINEL CONFIG SET loglevel loud
          -ERR Invalid value 'loud' to SENTINEL CONFIG SET 'loglevel'
        SENTINEL DEBUG frob 1
          -ERR Unknown option or number of arguments for SENTINEL DEBUG 'frob'
        SENTINEL DEBUG info-period 0
          -ERR Invalid argument '0' for SENTINEL DEBUG 'info-period'
        SENTINEL DEBUG info-period
          -ERR Unknown option or number of arguments for SENTINEL DEBUG 'info-period'
        SENTINEL SIMULATE-FAILURE frob
          -ERR Unknown failure simulation specified
    "#]].assert_eq(&told);
    assert_eq!(world.ask(0, "SENTINEL CONFIG GET announce-port"), show_pair("announce-port", "0"));
}

fn show_pair(name: &str, value: &str) -> Reply {
    Reply::Map(vec![(Reply::bulk(name), Reply::bulk(value))])
}

#[test]
fn settings_take_effect_and_are_saved() {
    let mut world = settled();
    let set =
        "SENTINEL SET mymaster quorum 3 parallel-syncs 4 rename-command PING PONG auth-user u auth-pass p";
    let Answer::AfterSave { saved, .. } = world.command(0, set) else { panic!("a promise needs the disk") };
    assert_eq!(saved, Reply::ok());
    expect![[r#"
          10.000 s1 +set master mymaster 10.0.0.1 6379 quorum 3
          10.000 s1 +set master mymaster 10.0.0.1 6379 parallel-syncs 4
          10.000 s1 +set master mymaster 10.0.0.1 6379 rename-command PING PONG
          10.000 s1 +set master mymaster 10.0.0.1 6379 auth-user u
          10.000 s1 +set master mymaster 10.0.0.1 6379 auth-pass ******
    "#]]
    .assert_eq(&world.story_of(0));
    let config = world.nodes[0].sentinel.to_config();
    let options = &config.masters[0].options;
    assert_eq!((options.quorum, options.parallel_syncs), (3, 4));
    assert_eq!(options.renamed_commands, [("PING".to_owned(), "PONG".to_owned())]);
    assert_eq!(
        world.field(0, "SENTINEL MASTER mymaster", "flags"),
        "master,disconnected",
        "it connects anew"
    );
    // PONG is no answer, so that the instance is down in the end; the old name brings it back.
    world.redis.get_mut("10.0.0.1").unwrap().refuses = "PONG";
    world.run_for(7_000);
    assert!(world.field(0, "SENTINEL MASTER mymaster", "flags").contains("s_down"));
    world.ask(0, "SENTINEL SET mymaster rename-command PING PING");
    world.run_for(1_100);
    assert!(!world.field(0, "SENTINEL MASTER mymaster", "flags").contains("s_down"));
}

#[test]
fn global_settings() {
    let mut world = settled();
    assert_eq!(world.ask(0, "SENTINEL CONFIG SET resolve-hostnames yes announce-port 1234"), Reply::ok());
    let all =
        show(&world.ask(0, "SENTINEL CONFIG GET *level announce* resolve-hostnames announce-ip nothing"));
    expect![[r#"
        loglevel notice
        announce-hostnames no
        announce-ip 
        announce-port 1234
        resolve-hostnames yes
    "#]]
    .assert_eq(&all);
    let before = world.ask(0, "SENTINEL CONFIG SET announce-ip 10.7.7.7 announce-port x");
    assert_eq!(before, Reply::error("Invalid value 'x' to SENTINEL CONFIG SET 'announce-port'"));
    assert_eq!(world.ask(0, "SENTINEL CONFIG GET announce-ip"), show_pair("announce-ip", ""));
    assert_eq!(world.ask(0, "SENTINEL DEBUG info-period 8888 ask-period 77"), Reply::ok());
    expect![[r#"
        INFO-PERIOD 8888
        PING-PERIOD 1000
        ASK-PERIOD 77
        PUBLISH-PERIOD 2000
        DEFAULT-DOWN-AFTER 30000
        DEFAULT-FAILOVER-TIMEOUT 180000
        TILT-TRIGGER 2000
        TILT-PERIOD 30000
        SLAVE-RECONF-TIMEOUT 10000
        MIN-LINK-RECONNECT-PERIOD 15000
        ELECTION-TIMEOUT 10000
        SCRIPT-MAX-RUNTIME 60000
        SCRIPT-RETRY-DELAY 30000
    "#]]
    .assert_eq(&show(&world.ask(0, "SENTINEL DEBUG")));
}

#[test]
fn masters_come_and_go() {
    let mut world = settled();
    assert_eq!(world.ask(0, "SENTINEL REMOVE mymaster"), Reply::ok());
    assert_eq!(world.ask(0, "SENTINEL MASTERS"), Reply::Array(vec![]));
    world.run_for(3_000);
    assert_eq!(world.ask(0, "SENTINEL DEBUG default-down-after 1000"), Reply::ok());
    assert_eq!(world.ask(0, "SENTINEL MONITOR mymaster 10.0.0.1 6379 2"), Reply::ok());
    world.run_for(3_000);
    expect![[r#"
          10.000 s1 -monitor master mymaster 10.0.0.1 6379
          13.000 s1 +monitor master mymaster 10.0.0.1 6379 quorum 2
          13.004 s1 +slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          13.004 s1 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          14.004 s1 +sentinel sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
    "#]].assert_eq(&world.story_of(0));
    assert_eq!(world.field(0, "SENTINEL MASTER mymaster", "down-after-milliseconds"), "1000");
}

#[test]
fn help_lists_every_subcommand() {
    let mut world = settled();
    let help = show(&world.ask(0, "SENTINEL HELP"));
    assert!(help.starts_with("[\n+SENTINEL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\n"));
    for row in SUBCOMMANDS.iter().filter(|row| row.name != "slaves") {
        let usage = format!("\n+{}", row.name.to_uppercase());
        assert!(help.contains(&usage), "{usage}");
    }
}

#[test]
fn replies_are_encoded_for_both_protocols() {
    let reply = Reply::Array(vec![
        Reply::Map(vec![(Reply::bulk("a"), Reply::Integer(1))]),
        Reply::Null,
        Reply::NullArray,
        Reply::Simple("s".into()),
        Reply::Error("ERR e".into()),
    ]);
    let encode = |protocol| {
        let mut out = ReplyBuf::new(protocol);
        reply.write_to(&mut out);
        String::from_utf8(out.take()).expect("ASCII")
    };
    assert_eq!(encode(Protocol::Resp2), "*5\r\n*2\r\n$1\r\na\r\n:1\r\n$-1\r\n*-1\r\n+s\r\n-ERR e\r\n");
    assert_eq!(encode(Protocol::Resp3), "*5\r\n%1\r\n$1\r\na\r\n:1\r\n_\r\n_\r\n+s\r\n-ERR e\r\n");
}
