//! Golden scripts: what the master's side is told (`>`) and what it does.

mod failover;
mod script;

use expect_test::expect;

use super::io::SnapshotId;
use super::*;
use script::{A, B, Script};

fn disk() -> PrimaryConfig {
    PrimaryConfig { diskless_sync: false, ..PrimaryConfig::default() }
}

#[test]
fn two_replicas_share_a_diskless_snapshot() {
    let mut script = Script::new(PrimaryConfig { diskless_sync_delay_ms: 2000, ..PrimaryConfig::default() });
    script.introduce(1).command(1, "PSYNC ? -1").wait(1500);
    script.introduce(2).command(2, "REPLCONF ip-address 10.9.9.9").command(2, "PSYNC ? -1").wait(500);
    script.write(100).cut(1).write(50);
    script.introduce(3).command(3, "PSYNC ? -1").wait(1000);
    script.input("all is streamed", Input::SnapshotStreamed(SnapshotId(1)));
    script.sent(1).command(1, "REPLCONF ACK 100");
    // The acknowledgement may overtake the news that the payload is out.
    script.command(2, "REPLCONF ACK 100").sent(2).wait(1000);
    script.check(expect![[r#"
        > #1 REPLCONF listening-port 7001
        #1 < +OK\r\n
        > #1 REPLCONF capa eof capa psync2
        #1 < +OK\r\n
        > #1 PSYNC ? -1
        Notice: Replica 10.0.0.1:7001 asks for synchronization
        Notice: Full resync requested by replica 10.0.0.1:7001
        #1 is a replica
        Notice: Replication backlog created, my new replication IDs are '<b>' and '<0>'
        Notice: Delay next BGSAVE for diskless SYNC
        > 1500 ms pass
        #1 < \n
        > #2 REPLCONF listening-port 7002
        #2 < +OK\r\n
        > #2 REPLCONF capa eof capa psync2
        #2 < +OK\r\n
        > #2 REPLCONF ip-address 10.9.9.9
        #2 < +OK\r\n
        > #2 PSYNC ? -1
        Notice: Replica 10.9.9.9:7002 asks for synchronization
        Notice: Full resync requested by replica 10.9.9.9:7002
        #2 is a replica
        Notice: Delay next BGSAVE for diskless SYNC
        > 500 ms pass
        Notice: Starting BGSAVE for SYNC with target: replicas sockets
        snapshot 1 diskless: true
        #1 < \n
        #2 < \n
        > 100 bytes are written
        > cut of 1 at 100
        #1 < +FULLRESYNC <b> 100\r\n
        #1 gets a cursor at 100
        #1 payload of 1: $EOF:<mark>\r\n .. <mark>
        #2 < +FULLRESYNC <b> 100\r\n
        #2 gets a cursor at 100
        #2 payload of 1: $EOF:<mark>\r\n .. <mark>
        > 50 bytes are written
        > #3 REPLCONF listening-port 7003
        #3 < +OK\r\n
        > #3 REPLCONF capa eof capa psync2
        #3 < +OK\r\n
        > #3 PSYNC ? -1
        Notice: Replica 10.0.0.1:7003 asks for synchronization
        Notice: Full resync requested by replica 10.0.0.1:7003
        #3 is a replica
        Notice: Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC
        > 1000 ms pass
        #3 < \n
        > all is streamed
        Notice: Diskless rdb transfer, done reading from pipe, 2 replicas still up.
        > #1 has its payload
        Notice: Streamed RDB transfer with replica 10.0.0.1:7001 succeeded (socket). Waiting for REPLCONF ACK from replica to enable streaming
        Notice: Synchronization with replica 10.0.0.1:7001 succeeded
        > #1 REPLCONF ACK 100
        #1 stream starts
        AcksAdvanced
        > #2 REPLCONF ACK 100
        AcksAdvanced
        > #2 has its payload
        Notice: Streamed RDB transfer with replica 10.9.9.9:7002 succeeded (socket). Waiting for REPLCONF ACK from replica to enable streaming
        Notice: Synchronization with replica 10.9.9.9:7002 succeeded
        #2 stream starts
        > 1000 ms pass
        Notice: Starting BGSAVE for SYNC with target: replicas sockets
        snapshot 2 diskless: true
        #3 < \n
    "#]]);
    let rows: Vec<String> = script.primary.rows(script.now).iter().map(ToString::to_string).collect();
    assert_eq!(
        rows,
        [
            "ip=10.0.0.1,port=7001,state=online,offset=100,lag=1",
            "ip=10.9.9.9,port=7002,state=online,offset=100,lag=1",
            "ip=10.0.0.1,port=7003,state=wait_bgsave,offset=0,lag=0",
        ]
    );
    assert_eq!(script.primary.stats(), SyncStats { full: 3, partial_ok: 0, partial_err: 0 });
}

#[test]
fn enough_replicas_end_the_delay() {
    let mut script = Script::new(PrimaryConfig { diskless_sync_max_replicas: 2, ..PrimaryConfig::default() });
    script.introduce(1).command(1, "PSYNC ? -1").introduce(2);
    script.text.clear();
    script.command(2, "PSYNC ? -1");
    script.check(expect![[r#"
        > #2 PSYNC ? -1
        Notice: Replica 10.0.0.1:7002 asks for synchronization
        Notice: Full resync requested by replica 10.0.0.1:7002
        #2 is a replica
        Notice: Starting BGSAVE for SYNC with target: replicas sockets
        snapshot 1 diskless: true
    "#]]);
}

#[test]
fn a_replica_joins_a_snapshot_on_disk() {
    let mut script = Script::with_backlog(disk(), 10);
    script.introduce(1).introduce(2).introduce(3);
    script.text.clear();
    script.command(1, "PSYNC ? -1").cut(1).write(20).command(2, "PSYNC ? -1").wait(1000);
    script.input("ready", Input::SnapshotReady { snapshot: SnapshotId(1), bytes: 777 });
    script.command(3, "PSYNC ? -1").sent(1).sent(2);
    script.check(expect![[r#"
        > #1 PSYNC ? -1
        Notice: Replica 10.0.0.1:7001 asks for synchronization
        Notice: Full resync requested by replica 10.0.0.1:7001
        #1 is a replica
        Notice: Starting BGSAVE for SYNC with target: disk
        snapshot 1 diskless: false
        > cut of 1 at 10
        #1 < +FULLRESYNC <a> 10\r\n
        #1 gets a cursor at 10
        > 20 bytes are written
        > #2 PSYNC ? -1
        Notice: Replica 10.0.0.1:7002 asks for synchronization
        Notice: Full resync requested by replica 10.0.0.1:7002
        #2 is a replica
        #2 < +FULLRESYNC <a> 10\r\n
        #2 gets a cursor at 10
        Notice: Waiting for end of BGSAVE for SYNC
        > 1000 ms pass
        #1 < \n
        #2 < \n
        > ready
        #1 payload of 1: $777\r\n .. 
        #2 payload of 1: $777\r\n .. 
        > #3 PSYNC ? -1
        Notice: Replica 10.0.0.1:7003 asks for synchronization
        Notice: Full resync requested by replica 10.0.0.1:7003
        #3 is a replica
        Notice: Starting BGSAVE for SYNC with target: disk
        snapshot 2 diskless: false
        > #1 has its payload
        Notice: Synchronization with replica 10.0.0.1:7001 succeeded
        #1 stream starts
        > #2 has its payload
        Notice: Synchronization with replica 10.0.0.1:7002 succeeded
        #2 stream starts
    "#]]);
}

#[test]
fn a_replica_that_cannot_join_waits_for_the_next_snapshot() {
    let mut script = Script::with_backlog(disk(), 10);
    script.introduce(1).introduce(2).command(1, "PSYNC ? -1").cut(1).closed(1);
    script.text.clear();
    script.write(20).command(2, "PSYNC ? -1");
    script.input("ready", Input::SnapshotReady { snapshot: SnapshotId(1), bytes: 777 }).cut(2);
    script.check(expect![[r#"
        > 20 bytes are written
        > #2 PSYNC ? -1
        Notice: Replica 10.0.0.1:7002 asks for synchronization
        Notice: Full resync requested by replica 10.0.0.1:7002
        #2 is a replica
        Notice: Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC
        > ready
        Notice: Starting BGSAVE for SYNC with target: disk
        snapshot 2 diskless: false
        > cut of 2 at 30
        #2 < +FULLRESYNC <a> 30\r\n
        #2 gets a cursor at 30
    "#]]);
}

#[test]
fn partial_resyncs() {
    let mut script = Script::with_backlog(PrimaryConfig::default(), 100);
    script.introduce(1).command(2, "REPLCONF listening-port 7002");
    script.text.clear();
    script.command(1, &format!("PSYNC {A} 61")).command(2, &format!("PSYNC {A} 101"));
    script.command(1, &format!("PSYNC {A} 61"));
    script.log.shift_id(B);
    script.write(5);
    script.command(3, &format!("PSYNC {A} 102")).command(4, &format!("PSYNC {A} 101"));
    script.command(5, &format!("PSYNC {} 7", ReplId::repeat(b'c'))).command(6, &format!("PSYNC {B} 200"));
    script.command(7, &format!("PSYNC {B} seven"));
    script.check(expect![[r#"
        > #1 PSYNC <a> 61
        Notice: Replica 10.0.0.1:7001 asks for synchronization
        #1 is a replica
        #1 < +CONTINUE <a>\r\n
        #1 gets a cursor at 60
        #1 stream starts
        Notice: Partial resynchronization request from 10.0.0.1:7001 accepted. Sending 40 bytes of backlog starting from offset 61.
        > #2 PSYNC <a> 101
        Notice: Replica 10.0.0.1:7002 asks for synchronization
        #2 is a replica
        #2 < +CONTINUE\r\n
        #2 gets a cursor at 100
        #2 stream starts
        Notice: Partial resynchronization request from 10.0.0.1:7002 accepted. Sending 0 bytes of backlog starting from offset 101.
        > #1 PSYNC <a> 61
        > 5 bytes are written
        > #3 PSYNC <a> 102
        Notice: Replica 10.0.0.1:<unknown-replica-port> asks for synchronization
        Notice: Partial resynchronization not accepted: Requested offset for second ID was 102, but I can reply up to 101
        #3 is a replica
        Notice: Starting BGSAVE for SYNC with target: disk
        snapshot 1 diskless: false
        > #4 PSYNC <a> 101
        Notice: Replica 10.0.0.1:<unknown-replica-port> asks for synchronization
        #4 is a replica
        #4 < +CONTINUE\r\n
        #4 gets a cursor at 100
        #4 stream starts
        Notice: Partial resynchronization request from 10.0.0.1:<unknown-replica-port> accepted. Sending 5 bytes of backlog starting from offset 101.
        > #5 PSYNC <c> 7
        Notice: Replica 10.0.0.1:<unknown-replica-port> asks for synchronization
        Notice: Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '<c>', my replication IDs are '<b>' and '<a>')
        #5 is a replica
        > #6 PSYNC <b> 200
        Notice: Replica 10.0.0.1:<unknown-replica-port> asks for synchronization
        Notice: Unable to partial resync with replica 10.0.0.1:<unknown-replica-port> for lack of backlog (Replica request was: 200).
        Warning: Warning: replica 10.0.0.1:<unknown-replica-port> tried to PSYNC with an offset that is greater than the master replication offset.
        #6 is a replica
        > #7 PSYNC <b> seven
        Notice: Replica 10.0.0.1:<unknown-replica-port> asks for synchronization
        Warning: Replica 10.0.0.1:<unknown-replica-port> asks for synchronization but with a wrong offset
        #7 < -ERR value is not an integer or out of range\r\n
    "#]]);
    assert_eq!(script.primary.stats(), SyncStats { full: 3, partial_ok: 3, partial_err: 3 });
}

#[test]
fn what_cannot_be_synchronised_is_told() {
    let mut script = Script::with_backlog(PrimaryConfig::default(), 100);
    for command in [
        "REPLCONF capa",
        "REPLCONF listening-port x",
        "REPLCONF listening-port 70000",
        &format!("REPLCONF ip-address {}", "h".repeat(256)),
        "REPLCONF rdb-only 2",
        "REPLCONF rdb-filter-only functions_keys",
        "REPLCONF rdb-filter-only \"",
        "REPLCONF who knows",
        "REPLCONF ACK 5",
        "REPLCONF GETACK *",
        "REPLCONF version 8.1.0 capa whatever",
        "REPLCONF rdb-filter-only functions",
        "PSYNC ? -1",
    ] {
        script.command(1, command);
    }
    let (replica, peer_ip) = (ReplicaId(2), String::new());
    let args: OwnedArgs = ["SYNC"].into_iter().collect();
    script.input("SYNC in a pipeline", Input::Sync { replica, args, peer_ip, has_pending_output: true });
    script.input("link down", Input::Role(Role::Replica { link_up: false })).command(2, "SYNC");
    script.input("link up", Input::Role(Role::Replica { link_up: true })).command(2, "SYNC");
    script.check(expect![[r#"
        > #1 REPLCONF capa
        #1 < -ERR syntax error\r\n
        > #1 REPLCONF listening-port x
        #1 < -ERR value is not an integer or out of range\r\n
        > #1 REPLCONF listening-port 70000
        #1 < -ERR value is not an integer or out of range\r\n
        > #1 REPLCONF ip-address hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh
        #1 < -ERR REPLCONF ip-address provided by replica instance is too long: 256 bytes\r\n
        > #1 REPLCONF rdb-only 2
        #1 < -ERR value is out of range, must be between 0 and 1\r\n
        > #1 REPLCONF rdb-filter-only functions_keys
        #1 < -ERR Unsupported rdb-filter-only option: keys\r\n
        > #1 REPLCONF rdb-filter-only "
        #1 < -ERR Missing rdb-filter-only values\r\n
        > #1 REPLCONF who knows
        #1 < -ERR Unrecognized REPLCONF option: who\r\n
        > #1 REPLCONF ACK 5
        > #1 REPLCONF GETACK *
        > #1 REPLCONF version 8.1.0 capa whatever
        #1 < +OK\r\n
        > #1 REPLCONF rdb-filter-only functions
        #1 < +OK\r\n
        > #1 PSYNC ? -1
        #1 < -ERR Filtered replica requires EOF capability\r\n
        > SYNC in a pipeline
        #2 < -ERR SYNC and PSYNC are invalid with pending output\r\n
        > link down
        > #2 SYNC
        #2 < -NOMASTERLINK Can't SYNC while not connected with my master\r\n
        > link up
        > #2 SYNC
        Notice: Replica 10.0.0.1:<unknown-replica-port> asks for synchronization
        #2 is a replica
        Notice: Starting BGSAVE for SYNC with target: disk
        snapshot 1 diskless: false
    "#]]);
}

#[test]
fn a_client_that_only_wants_the_functions() {
    let mut script = Script::with_backlog(disk(), 100);
    script.command(1, "REPLCONF rdb-filter-only functions").command(1, "REPLCONF rdb-only 1 capa eof");
    script.command(1, "SYNC").cut(1).sent(1);
    script.check(expect![[r#"
        > #1 REPLCONF rdb-filter-only functions
        #1 < +OK\r\n
        > #1 REPLCONF rdb-only 1 capa eof
        #1 < +OK\r\n
        > #1 SYNC
        Notice: Replica 10.0.0.1:<unknown-replica-port> asks for synchronization
        #1 is a replica
        Notice: Starting BGSAVE for SYNC with target: replicas sockets
        snapshot 1 diskless: true SnapshotContent { without_data: true, without_functions: false }
        > cut of 1 at 100
        #1 payload of 1: $EOF:<mark>\r\n .. <mark>
        > #1 has its payload
        Notice: Streamed RDB transfer with replica 10.0.0.1:<unknown-replica-port> succeeded (socket). Waiting for REPLCONF ACK from replica to enable streaming
        Notice: RDB transfer completed, rdb only replica (10.0.0.1:<unknown-replica-port>) should be disconnected asap
        #1 disconnect RdbOnly
    "#]]);
    assert_eq!(script.primary.replica_count(), 0);
}

#[test]
fn acknowledgements_are_counted() {
    let mut script = Script::with_backlog(
        PrimaryConfig { min_replicas_to_write: 2, min_replicas_max_lag_ms: 3000, ..PrimaryConfig::default() },
        100,
    );
    assert!(!script.primary.has_enough_replicas(0));
    script.online(1, 100).online(2, 100).online(3, 50);
    script.input("WAIT", Input::RequestAcks);
    script.command(1, "REPLCONF ACK 100 FACK 80").command(2, "REPLCONF ACK 90").command(2, "REPLCONF ACK 80");
    script.command(3, "REPLCONF ACK nonsense").command(3, "REPLCONF ACK -5");
    script.check(expect![[r#"
        > WAIT
        AppendGetAck
        > #1 REPLCONF ACK 100 FACK 80
        AcksAdvanced
        > #2 REPLCONF ACK 90
        AcksAdvanced
        > #2 REPLCONF ACK 80
        > #3 REPLCONF ACK nonsense
        > #3 REPLCONF ACK -5
    "#]]);
    let primary = &script.primary;
    assert_eq!([80, 90, 91, 100, 101].map(|offset| primary.acked(offset)), [2, 2, 1, 1, 0]);
    assert_eq!([1, 80, 81].map(|offset| primary.fsynced(offset)), [1, 1, 0]);
    let lagging: Vec<u64> = primary.lagging(0).iter().map(|row| row.id.0).collect();
    assert_eq!(lagging, [2, 3]);
    let report = [
        "Lagging replica 10.0.0.1:7002 reported offset 10 behind master, lag=0, state=online.",
        "Lagging replica 10.0.0.1:7003 reported offset 100 behind master, lag=0, state=online.",
        "1 of 3 replicas are in sync when shutting down.",
    ];
    assert_eq!(primary.shutdown_report(0), report);

    script.wait(2000).command(1, "REPLCONF ACK 100").wait(1999);
    assert_eq!(script.primary.good_replicas(script.now), 3);
    script.wait(1);
    assert_eq!(script.primary.good_replicas(script.now), 1);
    assert!(!script.primary.has_enough_replicas(script.now));
    script.input("newline", Input::Newline(ReplicaId(3)));
    assert!(script.primary.has_enough_replicas(script.now));
    script.input("replica", Input::Role(Role::Replica { link_up: true })).closed(3);
    assert!(script.primary.has_enough_replicas(script.now), "a replica does not need any");
}

#[test]
fn an_idle_stream_carries_pings_and_silence_ends_it() {
    let mut script = Script::with_backlog(
        PrimaryConfig { ping_period_ms: 3000, timeout_ms: 5000, ..PrimaryConfig::default() },
        100,
    );
    script.online(1, 100).online(2, 100).wait(2500).write(10).wait(2000);
    script.command(1, "REPLCONF ACK 100").wait(1500).wait(3500);
    script.check(expect![[r#"
        > 2500 ms pass
        > 10 bytes are written
        > 2000 ms pass
        > #1 REPLCONF ACK 100
        AcksAdvanced
        > 1500 ms pass
        AppendPing
        Warning: Disconnecting timedout replica (streaming sync): 10.0.0.1:7002
        #2 disconnect Timeout
        > 3500 ms pass
        AppendPing
    "#]]);
    assert_eq!(script.primary.poll_timeout(), Some(10_000));
}

#[test]
fn a_stalled_receiver_is_dropped() {
    let config = PrimaryConfig { timeout_ms: 5000, diskless_sync_delay_ms: 0, ..PrimaryConfig::default() };
    let mut script = Script::with_backlog(config, 100);
    script.introduce(1).introduce(2).command(1, "PSYNC ? -1").command(2, "PSYNC ? -1").cut(1);
    script.text.clear();
    let progress = |replica, stalled| Input::PayloadProgress { replica: ReplicaId(replica), stalled };
    script.input("#1 stalls", progress(1, true)).input("#2 stalls", progress(2, true)).wait(3000);
    script.input("#1 reads a little", progress(1, true)).input("#2 reads all", progress(2, false)).wait(5000);
    script.wait(2000).closed(2);
    script.check(expect![[r#"
        > #1 stalls
        > #2 stalls
        > 3000 ms pass
        > #1 reads a little
        > #2 reads all
        > 5000 ms pass
        > 2000 ms pass
        Warning: Disconnecting timedout replica (full sync): 10.0.0.1:7001
        #1 disconnect Timeout
        > #2 is gone
        Notice: Diskless rdb transfer, last replica dropped, killing fork child.
        CancelSnapshot(SnapshotId(1))
    "#]]);
}

#[test]
fn snapshots_that_fail() {
    let mut script = Script::with_backlog(disk(), 100);
    script.introduce(1).introduce(2);
    script.text.clear();
    let failed =
        |snapshot| Input::SnapshotFailed { snapshot: SnapshotId(snapshot), error: "disk full".to_owned() };
    script.command(1, "PSYNC ? -1").input("cannot begin", failed(1));
    script.command(2, "PSYNC ? -1").input("stale", failed(1)).cut(2).input("cannot end", failed(2));
    script.check(expect![[r#"
        > #1 PSYNC ? -1
        Notice: Replica 10.0.0.1:7001 asks for synchronization
        Notice: Full resync requested by replica 10.0.0.1:7001
        #1 is a replica
        Notice: Starting BGSAVE for SYNC with target: disk
        snapshot 1 diskless: false
        > cannot begin
        Warning: BGSAVE for replication failed: disk full
        #1 < -ERR BGSAVE failed, replication can't continue\r\n
        #1 disconnect SnapshotFailed
        > #2 PSYNC ? -1
        Notice: Replica 10.0.0.1:7002 asks for synchronization
        Notice: Full resync requested by replica 10.0.0.1:7002
        #2 is a replica
        Notice: Starting BGSAVE for SYNC with target: disk
        snapshot 2 diskless: false
        > stale
        > cut of 2 at 100
        #2 < +FULLRESYNC <a> 100\r\n
        #2 gets a cursor at 100
        > cannot end
        Warning: SYNC failed. BGSAVE child returned an error: disk full
        #2 disconnect SnapshotFailed
    "#]]);
}

#[test]
fn a_backlog_that_nobody_needs_is_freed() {
    let mut script =
        Script::with_backlog(PrimaryConfig { backlog_ttl_ms: 5000, ..PrimaryConfig::default() }, 100);
    script.online(1, 100).wait(10_000).closed(1).wait(4999);
    assert!(script.log.has_backlog());
    script.text.clear();
    script.wait(1);
    script.check(expect![[r#"
        > 1 ms pass
        Notice: Replication backlog freed after 5 seconds without connected replicas.
    "#]]);
    assert!(!script.log.is_active());
    assert_eq!(script.log.ids(), crate::ReplicationIds::new(B));

    // A replica keeps it, and counts anew when it becomes the master.
    let mut script =
        Script::with_backlog(PrimaryConfig { backlog_ttl_ms: 5000, ..PrimaryConfig::default() }, 100);
    script
        .online(1, 100)
        .input("replica", Input::Role(Role::Replica { link_up: true }))
        .closed(1)
        .wait(20_000);
    assert!(script.log.has_backlog());
    script.input("master", Input::Role(Role::Master)).wait(4999);
    assert!(script.log.has_backlog());
    script.wait(1);
    assert!(!script.log.has_backlog());
}

#[test]
fn replicas_are_disconnected() {
    let mut script = Script::with_backlog(PrimaryConfig::default(), 100);
    script.online(1, 100).online(2, 100).online(3, 100).introduce(4);
    script.text.clear();
    script.input("#2 lags", Input::Overrun(ReplicaId(2))).input("history changes", Input::DropReplicas);
    script.input("#1 lags", Input::Overrun(ReplicaId(1))).closed(3).command(1, "REPLCONF ACK 100");
    script.check(expect![[r#"
        > #2 lags
        Warning: Client 10.0.0.1:7002 closed ASAP for overcoming of output buffer limits.
        #2 disconnect Overrun
        > history changes
        #1 disconnect HistoryChanged
        #3 disconnect HistoryChanged
        > #1 lags
        > #3 is gone
        > #1 REPLCONF ACK 100
    "#]]);
    assert_eq!(script.primary.replica_count(), 0);
    script.log.free_backlog();
    assert!(!script.log.is_active(), "a cursor was left behind");
}
