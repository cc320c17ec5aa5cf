//! Golden scripts: what the link is told (`>`) and what it does.

mod script;

use expect_test::expect;

use super::io::LoadMode;
use super::*;
use script::{A, B, Script};

fn with_auth() -> LinkConfig {
    LinkConfig {
        master_user: Some("repl".to_owned()),
        master_auth: Some(b"secret".to_vec()),
        announce_ip: Some("10.0.0.9".to_owned()),
        announce_port: 7000,
        ..LinkConfig::default()
    }
}

/// Length of [`set`].
const SET_LEN: u64 = 27;

/// `SET k <digit>`
fn set(digit: u8) -> String {
    format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n{digit}\r\n")
}

#[test]
fn a_full_sync_with_everything() {
    let mut script = Script::new(with_auth());
    script.follow("m", None, false).connected();
    script.receive("-NOAUTH Authentication required.\r\n").receive("+OK\r\n+O").receive("K\r\n+OK\r\n");
    script.receive("+OK\r\n").receive("\n").receive(format!("+FULLRESYNC {A} 1000\r\n"));
    script.receive("\n\n").receive("$8\r\nRED").receive("IS000*1\r\n$4\r\nPI");
    assert!(!script.link.wants_read());
    script
        .wait(1000)
        .receive("NG\r\n")
        .loaded()
        .receive("*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n")
        .wait(1000);
    script.check(expect![[r#"
        > REPLICAOF m 6379
        Notice: Connecting to MASTER m:6379
        connect #1 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > -NOAUTH Authentication required.\r\n
        Notice: Master replied to PING, replication can continue...
        send [AUTH repl secret][REPLCONF listening-port 7000][REPLCONF ip-address 10.0.0.9][REPLCONF capa eof capa psync2]
        > +OK\r\n+O
        > K\r\n+OK\r\n
        > +OK\r\n
        Notice: Partial resynchronization not possible (no cached master)
        send [PSYNC ? -1]
        > \n
        > +FULLRESYNC <a> 1000\r\n
        Notice: Full resync from master: <a>:1000
        > \n\n
        > $8\r\nRED
        Notice: MASTER <-> REPLICA sync: receiving 8 bytes from master to disk
        payload start a:1000 Some(8) Disk
        payload RED
        > IS000*1\r\n$4\r\nPI
        payload IS000
        DropReplicas
        Notice: MASTER <-> REPLICA sync: Loading DB in memory
        payload done, refuse if empty: false
        > 1000 ms pass
        send \n
        > NG\r\n
        > loaded
        adopt a:1000 db 0
        Notice: MASTER <-> REPLICA sync: Finished with success
        LinkChanged(true)
        send [REPLCONF ACK 1000]
        apply ..1014 0>0 ReplicasOnly [PING]
        > [REPLCONF GETACK *]
        apply ..1051 0>0 ReplicasOnly [REPLCONF GETACK *]
        send [REPLCONF ACK 1014]
        > 1000 ms pass
        send [REPLCONF ACK 1051]
    "#]]);
}

#[test]
fn a_marked_payload_to_the_parser() {
    let mut script = Script::new(LinkConfig { load: LoadMode::Flush, ..LinkConfig::default() });
    script.follow("m", None, false).connected().receive("+PONG\r\n");
    script
        .receive("-ERR unknown option\r\n-ERR unknown option\r\n")
        .receive(format!("+FULLRESYNC {A} 0\r\n"));
    let mark = "0123456789012345678901234567890123456789";
    script.receive(format!("$EOF:{mark}\r\nREDIS")).receive(&mark[..20]).receive(&mark[20..]);
    script.input("fsynced 0", Input::Fsynced(Some(0))).loaded();
    script.check(expect![[r#"
        > REPLICAOF m 6379
        Notice: Connecting to MASTER m:6379
        connect #1 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n
        Notice: Master replied to PING, replication can continue...
        send [REPLCONF listening-port 6379][REPLCONF capa eof capa psync2]
        > -ERR unknown option\r\n-ERR unknown option\r\n
        Notice: (Non critical) Master does not understand REPLCONF listening-port: -ERR unknown option
        Notice: (Non critical) Master does not understand REPLCONF capa: -ERR unknown option
        Notice: Partial resynchronization not possible (no cached master)
        send [PSYNC ? -1]
        > +FULLRESYNC <a> 0\r\n
        Notice: Full resync from master: <a>:0
        > $EOF:0123456789012345678901234567890123456789\r\nREDIS
        Notice: MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to parser
        DropReplicas
        Notice: MASTER <-> REPLICA sync: Loading DB in memory
        Notice: MASTER <-> REPLICA sync: Flushing old data
        payload start a:0 None Flush
        > 01234567890123456789
        > 01234567890123456789
        payload REDIS
        payload done, refuse if empty: false
        > fsynced 0
        > loaded
        adopt a:0 db 0
        Notice: MASTER <-> REPLICA sync: Finished with success
        LinkChanged(true)
        send [REPLCONF ACK 0 FACK 0]
    "#]]);
}

#[test]
fn the_link_breaks_and_continues() {
    let mut script = Script::streaming(LinkConfig::default());
    script.receive(set(1)).receive("*1\r\n$5\r\nMULTI\r\n").receive(&set(2)[..10]);
    let status = script.link.status(script.now);
    assert_eq!((status.read_offset, status.applied_offset), (1000 + SET_LEN + 15 + 10, 1000 + SET_LEN));
    script.closed().wait(500).connected().receive("+PONG\r\n+OK\r\n+OK\r\n");
    assert_eq!(script.link.status(1500).down_since_seconds, Some(1));
    script.receive(format!("+CONTINUE {A}\r\n{}", set(3)));
    script.check(expect![[r#"
        > [SET k 1]
        apply ..1027 0>0 All [SET k 1]
        > [MULTI]
        > *3\r\n$3\r\nSE
        > closed
        close #1
        Notice: Connection with master lost.
        Notice: Caching the disconnected master state.
        LinkChanged(false)
        Notice: Reconnecting to MASTER m:6379
        connect #2 m:6379
        Notice: MASTER <-> REPLICA sync started
        > 500 ms pass
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n+OK\r\n+OK\r\n
        Notice: Master replied to PING, replication can continue...
        send [REPLCONF listening-port 6379][REPLCONF capa eof capa psync2]
        Notice: Trying a partial resynchronization (request <a>:1028).
        send [PSYNC <a> 1028]
        > +CONTINUE <a>\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n3\r\n
        Notice: Successful partial resynchronization with master.
        continue a:1027 db 0
        Notice: MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.
        LinkChanged(true)
        send [REPLCONF ACK 1027]
        apply ..1054 0>0 All [SET k 3]
    "#]]);
    assert_eq!(script.link.status(script.now).applied_offset, 1000 + 2 * SET_LEN);
}

#[test]
fn another_master_has_the_same_history_under_another_name() {
    let mut script = Script::streaming(LinkConfig::default());
    script.receive(format!("*2\r\n$6\r\nSELECT\r\n$1\r\n5\r\n{}", set(1)));
    script.follow("other", None, false).connected().receive("+PONG\r\n+OK\r\n+OK\r\n");
    script.receive(format!("+CONTINUE {B}\r\n")).receive(set(2)).closed();
    script.check(expect![[r#"
        > [SELECT 5][SET k 1]
        apply ..1050 0>5 All [SELECT 5][SET k 1]
        > REPLICAOF other 6379
        close #1
        Notice: Connection with master lost.
        Notice: Caching the disconnected master state.
        LinkChanged(false)
        Notice: Connecting to MASTER other:6379
        connect #2 other:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n+OK\r\n+OK\r\n
        Notice: Master replied to PING, replication can continue...
        send [REPLCONF listening-port 6379][REPLCONF capa eof capa psync2]
        Notice: Trying a partial resynchronization (request <a>:1051).
        send [PSYNC <a> 1051]
        > +CONTINUE <b>\r\n
        Notice: Successful partial resynchronization with master.
        Notice: Master replication ID changed to <b>
        id changed a -> b at 1050
        continue b:1050 db 5
        Notice: MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.
        LinkChanged(true)
        send [REPLCONF ACK 1050]
        > [SET k 2]
        apply ..1077 5>5 All [SET k 2]
        > closed
        close #2
        Notice: Connection with master lost.
        Notice: Caching the disconnected master state.
        LinkChanged(false)
        Notice: Reconnecting to MASTER other:6379
        connect #3 other:6379
        Notice: MASTER <-> REPLICA sync started
    "#]]);
}

#[test]
fn a_former_master_asks_with_its_own_history() {
    let mut script = Script::new(LinkConfig::default());
    let own = Some(Position { id: A, offset: 500, db: 0 });
    script
        .follow("new", own, true)
        .connected()
        .receive("+PONG\r\n+OK\r\n+OK\r\n")
        .receive(format!("+CONTINUE {B}\r\n"));
    script.input("REPLICAOF NO ONE", Input::Unset);
    script.check(expect![[r#"
        > REPLICAOF new 6379
        Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
        Notice: Connecting to MASTER new:6379
        connect #1 new:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n+OK\r\n+OK\r\n
        Notice: Master replied to PING, replication can continue...
        send [REPLCONF listening-port 6379][REPLCONF capa eof capa psync2]
        Notice: Trying a partial resynchronization (request <a>:501).
        send [PSYNC <a> 501 FAILOVER]
        > +CONTINUE <b>\r\n
        FailoverAccepted
        Notice: Successful partial resynchronization with master.
        Notice: Master replication ID changed to <b>
        id changed a -> b at 500
        continue b:500 db 0
        Notice: MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.
        LinkChanged(true)
        send [REPLCONF ACK 500]
        > REPLICAOF NO ONE
        close #1
        Notice: Connection with master lost.
        Notice: Caching the disconnected master state.
        LinkChanged(false)
        Notice: Discarding previously cached master state.
        Promoted
    "#]]);
    assert_eq!(script.link.status(0).state, LinkState::None);
}

#[test]
fn a_failover_is_refused() {
    let own = Some(Position { id: A, offset: 500, db: 0 });
    let mut script = Script::new(LinkConfig::default());
    script.follow("new", own, true).connected().receive("+PONG\r\n+OK\r\n+OK\r\n");
    script.text.clear();
    script.receive("-ERR PSYNC FAILOVER replid must match my replid.\r\n");
    script.check(expect![[r#"
        > -ERR PSYNC FAILOVER replid must match my replid.\r\n
        Notice: Master does not support PSYNC or is in error state (reply: -ERR PSYNC FAILOVER replid must match my replid.)
        FailoverRejected { reason: "Failover target rejected psync request" }
        close #1
    "#]]);
}

#[test]
fn handshakes_that_fail_are_repeated_each_second() {
    let mut script = Script::new(with_auth());
    script.follow("m", None, false);
    script.input("refused", Input::ConnectFailed { link: LinkId(1), error: "Connection refused".to_owned() });
    script.wait(999).wait(1).connected().receive("-MASTERDOWN x\r\n");
    script.wait(1000).connected().receive("+PONG\r\n-WRONGPASS y\r\n");
    script.wait(1000).connected().receive("+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n-LOADING z\r\n");
    script.wait(1000).connected().closed();
    script.wait(1000).connected().receive("+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n").closed();
    script.check(expect![[r#"
        > REPLICAOF m 6379
        Notice: Connecting to MASTER m:6379
        connect #1 m:6379
        Notice: MASTER <-> REPLICA sync started
        > refused
        Warning: Error condition on socket for SYNC: Connection refused
        close #1
        > 999 ms pass
        > 1 ms pass
        Notice: Connecting to MASTER m:6379
        connect #2 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > -MASTERDOWN x\r\n
        Warning: Error reply to PING from master: '-MASTERDOWN x'
        close #2
        > 1000 ms pass
        Notice: Connecting to MASTER m:6379
        connect #3 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n-WRONGPASS y\r\n
        Notice: Master replied to PING, replication can continue...
        send [AUTH repl secret][REPLCONF listening-port 7000][REPLCONF ip-address 10.0.0.9][REPLCONF capa eof capa psync2]
        Warning: Unable to AUTH to MASTER: -WRONGPASS y
        close #3
        > 1000 ms pass
        Notice: Connecting to MASTER m:6379
        connect #4 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n-LOADING z\r\n
        Notice: Master replied to PING, replication can continue...
        send [AUTH repl secret][REPLCONF listening-port 7000][REPLCONF ip-address 10.0.0.9][REPLCONF capa eof capa psync2]
        Notice: Partial resynchronization not possible (no cached master)
        send [PSYNC ? -1]
        Notice: Master is currently unable to PSYNC but should be in the future: -LOADING z
        close #4
        > 1000 ms pass
        Notice: Connecting to MASTER m:6379
        connect #5 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > closed
        Warning: Master did not respond to command during SYNC handshake
        close #5
        > 1000 ms pass
        Notice: Connecting to MASTER m:6379
        connect #6 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n
        Notice: Master replied to PING, replication can continue...
        send [AUTH repl secret][REPLCONF listening-port 7000][REPLCONF ip-address 10.0.0.9][REPLCONF capa eof capa psync2]
        Notice: Partial resynchronization not possible (no cached master)
        send [PSYNC ? -1]
        > closed
        Warning: Master did not reply to PSYNC, will try later
        close #6
    "#]]);
}

#[test]
fn an_old_master_is_asked_with_sync() {
    let mut script = Script::new(LinkConfig::default());
    script.follow("m", None, false).connected().receive("+PONG\r\n-ERR a\r\n-ERR b\r\n");
    script.text.clear();
    script
        .receive("-ERR unknown command 'PSYNC'\r\n")
        .receive("$1\r\nR")
        .loaded()
        .receive(set(1))
        .wait(2000)
        .closed();
    script.connected().receive("+PONG\r\n+OK\r\n+OK\r\n");
    script.check(expect![[r#"
        > -ERR unknown command \'PSYNC\'\r\n
        Notice: Master does not support PSYNC or is in error state (reply: -ERR unknown command 'PSYNC')
        Notice: Retrying with SYNC...
        send SYNC\r\n
        > $1\r\nR
        Notice: MASTER <-> REPLICA sync: receiving 1 bytes from master to disk
        payload start 0:0 Some(1) Disk
        payload R
        DropReplicas
        Notice: MASTER <-> REPLICA sync: Loading DB in memory
        payload done, refuse if empty: false
        > loaded
        adopt 0:0 db 0
        Notice: MASTER <-> REPLICA sync: Finished with success
        LinkChanged(true)
        > [SET k 1]
        apply ..27 0>0 All [SET k 1]
        > 2000 ms pass
        > closed
        close #1
        Notice: Connection with master lost.
        Notice: Caching the disconnected master state.
        LinkChanged(false)
        Notice: Reconnecting to MASTER m:6379
        connect #2 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n+OK\r\n+OK\r\n
        Notice: Master replied to PING, replication can continue...
        send [REPLCONF listening-port 6379][REPLCONF capa eof capa psync2]
        Notice: Partial resynchronization not possible (no cached master)
        send [PSYNC ? -1]
    "#]]);
}

#[test]
fn silence_is_noticed_in_every_state() {
    let mut script = Script::new(LinkConfig { timeout_ms: 5000, ..LinkConfig::default() });
    script.follow("m", None, false).wait(5000).connected().wait(3000).receive("+PONG\r\n").wait(4999);
    script.receive(format!("+OK\r\n+OK\r\n+FULLRESYNC {A} 7\r\n")).wait(5000);
    script.connected().receive(format!("+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC {A} 7\r\n$9\r\nabc")).wait(5000);
    script.connected().receive(format!("+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC {A} 7\r\n$3\r\nabc"));
    script.text.clear();
    script.wait(2000).loaded().wait(5000);
    script.check(expect![[r#"
        > 2000 ms pass
        send \n
        send \n
        > loaded
        adopt a:7 db 0
        Notice: MASTER <-> REPLICA sync: Finished with success
        LinkChanged(true)
        send [REPLCONF ACK 7]
        > 5000 ms pass
        send [REPLCONF ACK 7]
        send [REPLCONF ACK 7]
        send [REPLCONF ACK 7]
        send [REPLCONF ACK 7]
        Warning: MASTER timeout: no data nor PING received...
        close #4
        Notice: Connection with master lost.
        Notice: Caching the disconnected master state.
        LinkChanged(false)
        Notice: Reconnecting to MASTER m:6379
        connect #5 m:6379
        Notice: MASTER <-> REPLICA sync started
    "#]]);
}

#[test]
fn a_shorter_timeout_counts_at_once() {
    let mut script = Script::streaming(LinkConfig::default());
    let master = script.current();
    script
        .wait(3000)
        .input("repl-timeout 2", Input::Config(LinkConfig { timeout_ms: 2000, ..LinkConfig::default() }));
    script.wait(0);
    assert_ne!(script.current(), master, "still the old connection");
}

#[test]
fn transfers_that_fail_are_repeated_at_once() {
    let mut script = Script::new(LinkConfig { load: LoadMode::SwapDb, ..LinkConfig::default() });
    let greeting = format!("+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC {A} 7\r\n");
    script.follow("m", None, false).connected().receive(&greeting);
    script.text.clear();
    script.receive("-ERR no disk\r\n").connected().receive(&greeting).receive("what?\r\n");
    script.connected().receive(&greeting).receive("$10\r\nREDIS").closed();
    script.connected().receive(&greeting).receive("$3\r\nRDB");
    script.input("cannot load", Input::PayloadFailed { link: script.current(), error: "bad CRC".to_owned() });
    script.check(expect![[r#"
        > -ERR no disk\r\n
        Warning: MASTER aborted replication with an error: ERR no disk
        close #1
        Notice: Reconnecting to MASTER m:6379 after failure
        connect #2 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC <a> 7\r\n
        Notice: Master replied to PING, replication can continue...
        send [REPLCONF listening-port 6379][REPLCONF capa eof capa psync2]
        Notice: Partial resynchronization not possible (no cached master)
        send [PSYNC ? -1]
        Notice: Full resync from master: <a>:7
        > what?\r\n
        Warning: Bad protocol from MASTER, the first byte is not '$' (we received 'what?'), are you sure the host and port are right?
        close #2
        Notice: Reconnecting to MASTER m:6379 after failure
        connect #3 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC <a> 7\r\n
        Notice: Master replied to PING, replication can continue...
        send [REPLCONF listening-port 6379][REPLCONF capa eof capa psync2]
        Notice: Partial resynchronization not possible (no cached master)
        send [PSYNC ? -1]
        Notice: Full resync from master: <a>:7
        > $10\r\nREDIS
        Notice: MASTER <-> REPLICA sync: receiving 10 bytes from master to parser
        Notice: MASTER <-> REPLICA sync: Loading DB in memory
        payload start a:7 Some(10) SwapDb
        payload REDIS
        > closed
        Warning: I/O error trying to sync with MASTER: connection lost
        close #3
        Notice: Reconnecting to MASTER m:6379 after failure
        connect #4 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC <a> 7\r\n
        Notice: Master replied to PING, replication can continue...
        send [REPLCONF listening-port 6379][REPLCONF capa eof capa psync2]
        Notice: Partial resynchronization not possible (no cached master)
        send [PSYNC ? -1]
        Notice: Full resync from master: <a>:7
        > $3\r\nRDB
        Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master to parser
        Notice: MASTER <-> REPLICA sync: Loading DB in memory
        payload start a:7 Some(3) SwapDb
        payload RDB
        payload done, refuse if empty: false
        > cannot load
        Warning: Failed trying to load the MASTER synchronization DB from socket: bad CRC
        close #4
        Notice: Reconnecting to MASTER m:6379 after failure
        connect #5 m:6379
        Notice: MASTER <-> REPLICA sync started
    "#]]);
}

#[test]
fn an_empty_master_is_refused() {
    let mut script = Script::streaming(LinkConfig { refuse_empty_master: true, ..LinkConfig::default() });
    script.closed().connected();
    script.receive(format!("+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC {B} 0\r\n$3\r\nRDB"));
    script.text.clear();
    script.input("it is empty", Input::PayloadRefused { link: script.current() });
    script.wait(1000).connected().receive("+PONG\r\n+OK\r\n+OK\r\n");
    script.check(expect![[r#"
        > it is empty
        Warning: MASTER <-> REPLICA sync: the master came back empty, keeping the data set of this replica
        close #2
        > 1000 ms pass
        Notice: Connecting to MASTER m:6379
        connect #3 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n+OK\r\n+OK\r\n
        Notice: Master replied to PING, replication can continue...
        send [REPLCONF listening-port 6379][REPLCONF capa eof capa psync2]
        Notice: Trying a partial resynchronization (request <a>:1001).
        send [PSYNC <a> 1001]
    "#]]);
}

#[test]
fn garbage_in_the_stream_costs_a_full_sync() {
    let mut script = Script::streaming(LinkConfig::default());
    script.receive(format!("{}SET k 2\r\n", set(1))).connected().receive("+PONG\r\n+OK\r\n+OK\r\n");
    script.check(expect![[r#"
        > [SET k 1]SET k 2\r\n
        Warning: WARNING: Receiving inline protocol from master, master stream corruption? Closing the master connection and discarding the cached master.
        close #1
        Notice: Connection with master lost.
        Notice: Caching the disconnected master state.
        LinkChanged(false)
        Notice: Reconnecting to MASTER m:6379
        connect #2 m:6379
        Notice: MASTER <-> REPLICA sync started
        Notice: Discarding previously cached master state.
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n+OK\r\n+OK\r\n
        Notice: Master replied to PING, replication can continue...
        send [REPLCONF listening-port 6379][REPLCONF capa eof capa psync2]
        Notice: Partial resynchronization not possible (no cached master)
        send [PSYNC ? -1]
    "#]]);
}

#[test]
fn a_link_that_breaks_while_loading_continues_afterwards() {
    let mut script = Script::new(LinkConfig::default());
    script.follow("m", None, false).connected();
    script.receive(format!("+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC {A} 7\r\n$3\r\nRDB{}", set(1)));
    script.text.clear();
    script.closed().wait(3000).loaded().connected().receive("+PONG\r\n+OK\r\n+OK\r\n");
    script.check(expect![[r#"
        > closed
        > 3000 ms pass
        > loaded
        adopt a:7 db 0
        Notice: MASTER <-> REPLICA sync: Finished with success
        LinkChanged(true)
        send [REPLCONF ACK 7]
        apply ..34 0>0 All [SET k 1]
        close #1
        Notice: Connection with master lost.
        Notice: Caching the disconnected master state.
        LinkChanged(false)
        Notice: Reconnecting to MASTER m:6379
        connect #2 m:6379
        Notice: MASTER <-> REPLICA sync started
        > connected
        Notice: Non blocking connect for SYNC fired the event.
        send [PING]
        > +PONG\r\n+OK\r\n+OK\r\n
        Notice: Master replied to PING, replication can continue...
        send [REPLCONF listening-port 6379][REPLCONF capa eof capa psync2]
        Notice: Trying a partial resynchronization (request <a>:35).
        send [PSYNC <a> 35]
    "#]]);
}

#[test]
fn getack_is_answered_when_what_is_before_it_was_executed() {
    let mut script = Script::streaming(LinkConfig::default());
    script.applies = false;
    let link = script.current();
    script.receive(format!("{}*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n{}", set(1), set(2)));
    script.input("first", Input::Applied { link, offset: 1000 + SET_LEN });
    script.input("all", Input::Applied { link, offset: 1000 + 2 * SET_LEN + 37 });
    script.input("GETACK", Input::AckNow);
    script.check(expect![[r#"
        > [SET k 1][REPLCONF GETACK *][SET k 2]
        apply ..1027 0>0 All [SET k 1]
        apply ..1064 0>0 ReplicasOnly [REPLCONF GETACK *]
        apply ..1091 0>0 All [SET k 2]
        > first
        send [REPLCONF ACK 1027]
        > all
        > GETACK
        send [REPLCONF ACK 1091]
    "#]]);
}

#[test]
fn what_an_old_connection_says_is_ignored() {
    let mut script = Script::streaming(LinkConfig::default());
    let old = script.current();
    script.follow("other", None, false);
    script.text.clear();
    script.input("connected", Input::Connected(old));
    script.input("bytes", Input::Received { link: old, bytes: set(1).into() });
    script.input("applied", Input::Applied { link: old, offset: 5000 });
    script.input("closed", Input::Closed { link: old, error: None });
    script.input("loaded", Input::PayloadLoaded { link: old, stream_db: 0 });
    script.check(expect![[r#"
        > connected
        > bytes
        > applied
        > closed
        > loaded
    "#]]);
}
