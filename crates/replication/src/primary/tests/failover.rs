use expect_test::expect;

use super::super::*;
use super::script::{A, Script};

fn script() -> Script {
    let mut script =
        Script::with_backlog(PrimaryConfig { ping_period_ms: 1000, ..PrimaryConfig::default() }, 100);
    script.online(1, 100).online(2, 100);
    script
}

fn answered(accepted: bool) -> Input {
    Input::FailoverAnswered { accepted, reason: "Failover target rejected psync request" }
}

#[test]
fn to_the_first_replica_that_has_everything() {
    let mut script = script();
    script.command(9, "FAILOVER").command(2, "REPLCONF ACK 99");
    assert_eq!(script.primary.failover_state(), FailoverState::WaitingForSync);
    script.command(2, "REPLCONF ACK 100");
    assert_eq!(script.primary.failover_state(), FailoverState::InProgress);
    script.command(3, "PSYNC ? -1").command(9, "FAILOVER").input("accepted", answered(true));
    assert_eq!(script.primary.failover_state(), FailoverState::NoFailover);
    script.check(expect![[r#"
        > #9 FAILOVER
        Notice: FAILOVER requested to any replica.
        PauseWrites
        #9 < +OK\r\n
        > #2 REPLCONF ACK 99
        AcksAdvanced
        > #2 REPLCONF ACK 100
        AcksAdvanced
        Notice: Failover target 10.0.0.1:7002 is synced, failing over.
        FailoverTo { host: "10.0.0.1", port: 7002 }
        > #3 PSYNC ? -1
        #3 < -NOMASTERLINK Can't SYNC while failing over\r\n
        > #9 FAILOVER
        #9 < -ERR FAILOVER already in progress.\r\n
        > accepted
        UnpauseWrites
    "#]]);
}

#[test]
fn to_one_replica_with_force() {
    let mut script = script();
    script.command(1, "REPLCONF ACK 100");
    script.text.clear();
    script
        .command(9, "FAILOVER TO 10.0.0.1 7002 FORCE TIMEOUT 2500")
        .command(1, "REPLCONF ACK 100")
        .wait(2500);
    script.input("rejected", answered(false));
    script.check(expect![[r#"
        > #9 FAILOVER TO 10.0.0.1 7002 FORCE TIMEOUT 2500
        Notice: FAILOVER requested to 10.0.0.1:7002.
        PauseWrites
        #9 < +OK\r\n
        > #1 REPLCONF ACK 100
        > 2500 ms pass
        Notice: FAILOVER to 10.0.0.1:7002 time out exceeded, failing over.
        FailoverTo { host: "10.0.0.1", port: 7002 }
        > rejected
        Notice: FAILOVER to 10.0.0.1:7002 aborted: Failover target rejected psync request
        BecomeMaster
        UnpauseWrites
    "#]]);
}

#[test]
fn that_comes_to_an_end() {
    let mut script = script();
    script.command(9, "FAILOVER TIMEOUT 2000").wait(2000).command(9, "FAILOVER ABORT");
    script.command(9, "FAILOVER to 10.0.0.1 7001").command(9, "FAILOVER ABORT");
    script.command(9, "FAILOVER").command(1, "REPLCONF ACK 100").command(9, "FAILOVER ABORT");
    script.check(expect![[r#"
        > #9 FAILOVER TIMEOUT 2000
        Notice: FAILOVER requested to any replica.
        PauseWrites
        #9 < +OK\r\n
        > 2000 ms pass
        Notice: FAILOVER to any replica aborted: Replica never caught up before timeout
        UnpauseWrites
        AppendPing
        > #9 FAILOVER ABORT
        #9 < -ERR No failover in progress.\r\n
        > #9 FAILOVER to 10.0.0.1 7001
        Notice: FAILOVER requested to 10.0.0.1:7001.
        PauseWrites
        #9 < +OK\r\n
        > #9 FAILOVER ABORT
        Notice: FAILOVER to 10.0.0.1:7001 aborted: Failover manually aborted
        UnpauseWrites
        #9 < +OK\r\n
        > #9 FAILOVER
        Notice: FAILOVER requested to any replica.
        PauseWrites
        #9 < +OK\r\n
        > #1 REPLCONF ACK 100
        AcksAdvanced
        Notice: Failover target 10.0.0.1:7001 is synced, failing over.
        FailoverTo { host: "10.0.0.1", port: 7001 }
        > #9 FAILOVER ABORT
        Notice: FAILOVER to 10.0.0.1:7001 aborted: Failover manually aborted
        BecomeMaster
        UnpauseWrites
        #9 < +OK\r\n
    "#]]);
}

#[test]
fn that_cannot_be() {
    let mut script = Script::with_backlog(PrimaryConfig::default(), 100);
    script.hides_log = true;
    script.command(9, "FAILOVER");
    script.online(1, 100).introduce(2).command(2, "PSYNC ? -1");
    script.text.clear();
    for command in [
        "FAILOVER WHY",
        "FAILOVER TO host",
        "FAILOVER TO host port",
        "FAILOVER TIMEOUT",
        "FAILOVER TIMEOUT x",
        "FAILOVER TIMEOUT 0",
        "FAILOVER TIMEOUT 1 TIMEOUT 2",
        "FAILOVER FORCE",
        "FAILOVER FORCE TIMEOUT 5",
        "FAILOVER TO 10.0.0.1 7001 FORCE",
        "FAILOVER TO 10.0.0.1 7009",
        "FAILOVER TO 10.0.0.1 70001",
        "FAILOVER TO 10.0.0.1 7002",
        "FAILOVER ABORT NOW",
    ] {
        script.command(9, command);
    }
    script.input("replica", Input::Role(Role::Replica { link_up: true })).command(9, "FAILOVER");
    script.check(expect![[r#"
        > #9 FAILOVER WHY
        #9 < -ERR syntax error\r\n
        > #9 FAILOVER TO host
        #9 < -ERR syntax error\r\n
        > #9 FAILOVER TO host port
        #9 < -ERR value is not an integer or out of range\r\n
        > #9 FAILOVER TIMEOUT
        #9 < -ERR syntax error\r\n
        > #9 FAILOVER TIMEOUT x
        #9 < -ERR value is not an integer or out of range\r\n
        > #9 FAILOVER TIMEOUT 0
        #9 < -ERR FAILOVER timeout must be greater than 0\r\n
        > #9 FAILOVER TIMEOUT 1 TIMEOUT 2
        #9 < -ERR syntax error\r\n
        > #9 FAILOVER FORCE
        #9 < -ERR FAILOVER with force option requires both a timeout and target HOST and IP.\r\n
        > #9 FAILOVER FORCE TIMEOUT 5
        #9 < -ERR FAILOVER with force option requires both a timeout and target HOST and IP.\r\n
        > #9 FAILOVER TO 10.0.0.1 7001 FORCE
        #9 < -ERR FAILOVER with force option requires both a timeout and target HOST and IP.\r\n
        > #9 FAILOVER TO 10.0.0.1 7009
        #9 < -ERR FAILOVER target HOST and PORT is not a replica.\r\n
        > #9 FAILOVER TO 10.0.0.1 70001
        #9 < -ERR FAILOVER target HOST and PORT is not a replica.\r\n
        > #9 FAILOVER TO 10.0.0.1 7002
        #9 < -ERR FAILOVER target replica is not online.\r\n
        > #9 FAILOVER ABORT NOW
        #9 < -ERR syntax error\r\n
        > replica
        > #9 FAILOVER
        #9 < -ERR FAILOVER is not valid when server is a replica.\r\n
    "#]]);
}

#[test]
fn asked_of_us() {
    let mut script = Script::with_backlog(PrimaryConfig::default(), 100);
    script.introduce(1);
    script.text.clear();
    script.command(1, &format!("PSYNC {A} 101 FAILOVER"));
    script.input("replica", Input::Role(Role::Replica { link_up: true }));
    script.command(1, &format!("PSYNC {} 101 FAILOVER", ReplId::repeat(b'f')));
    script.command(1, &format!("PSYNC {A} 101 FAILOVER"));
    // The driver promotes before anything else.
    script.log.shift_id(ReplId::repeat(b'd'));
    script.input("history changes", Input::DropReplicas).input("master", Input::Role(Role::Master));
    script.check(expect![[r#"
        > #1 PSYNC <a> 101 FAILOVER
        Notice: Failover request received for replid <a>.
        #1 < -ERR PSYNC FAILOVER can't be sent to a master.\r\n
        > replica
        > #1 PSYNC <f> 101 FAILOVER
        Notice: Failover request received for replid <f>.
        #1 < -ERR PSYNC FAILOVER replid must match my replid.\r\n
        > #1 PSYNC <a> 101 FAILOVER
        Notice: Failover request received for replid <a>.
        Notice: MASTER MODE enabled (failover request from 'id=1')
        BecomeMaster
        > history changes
        > master
        Notice: Replica 10.0.0.1:7001 asks for synchronization
        #1 is a replica
        #1 < +CONTINUE <d>\r\n
        #1 gets a cursor at 100
        #1 stream starts
        Notice: Partial resynchronization request from 10.0.0.1:7001 accepted. Sending 0 bytes of backlog starting from offset 101.
    "#]]);
}
