use crate::testing::Rig;
use redan_engine::condition;
use std::sync::atomic::{AtomicBool, Ordering};

/// WATCH, then this, then MULTI, PING, EXEC: whether the transaction ran.
fn runs_after(rig: &mut Rig, between: &[&str]) -> bool {
    assert_eq!(rig.run("WATCH foo"), "+OK");
    between.iter().for_each(|command| drop(rig.run(command)));
    rig.run("MULTI");
    rig.run("PING");
    match rig.run("EXEC").as_str() {
        "*1|+PONG" => true,
        "*-1" => false,
        other => panic!("{other}"),
    }
}

#[test]
fn a_transaction_runs_unless_a_watched_key_has_changed() {
    let mut rig = Rig::new();
    assert!(runs_after(&mut rig, &["SET other 1"]));
    assert!(!runs_after(&mut rig, &["SET foo 1"]));
    assert!(!runs_after(&mut rig, &["DEL foo"]));
    assert!(runs_after(&mut rig, &["SET foo 1", "UNWATCH"]));
}

#[test]
fn flushing_changes_keys_that_are_there() {
    let mut rig = Rig::new();
    for flush in ["FLUSHALL", "FLUSHDB"] {
        assert!(runs_after(&mut rig, &[flush]));
        rig.run("SET foo 1");
        assert!(!runs_after(&mut rig, &[flush]));
        rig.run("SET foo 1 PX 1");
        rig.advance_ms(2);
        assert!(runs_after(&mut rig, &[flush]), "its time was over before it was watched");
    }
}

#[test]
fn swapping_changes_keys_of_either_side() {
    let mut rig = Rig::new();
    assert!(runs_after(&mut rig, &["SWAPDB 0 1"]));
    rig.run("SET foo 1");
    assert!(!runs_after(&mut rig, &["SWAPDB 0 1"]), "now it is gone");
    assert!(!runs_after(&mut rig, &["SWAPDB 0 1"]), "now it is back");
    rig.run("FLUSHALL");
    rig.run("SELECT 1");
    rig.run("SET foo 1 PX 1");
    rig.run("SELECT 0");
    rig.advance_ms(2);
    assert!(runs_after(&mut rig, &["SWAPDB 0 1"]), "what was over before is nobody's loss");
}

#[test]
fn errors_while_queueing_abort() {
    let mut rig = Rig::new();
    rig.run("MULTI");
    assert_eq!(rig.run("NOPE"), "-ERR unknown command 'NOPE', with args beginning with: ");
    assert_eq!(rig.run("EXEC"), "-EXECABORT Transaction discarded because of previous errors.");
    rig.run("MULTI");
    assert_eq!(rig.run("WATCH a"), "-ERR WATCH inside MULTI is not allowed");
    assert_eq!(rig.run("MULTI"), "-ERR MULTI calls can not be nested");
    assert_eq!(rig.run("DISCARD"), "+OK");
    assert_eq!(rig.run("DISCARD"), "-ERR DISCARD without MULTI");
    assert_eq!(rig.run("EXEC"), "-ERR EXEC without MULTI");
}

#[test]
fn a_transaction_propagates_as_one() {
    let mut rig = Rig::new();
    for command in ["MULTI", "SET a 1", "GET a", "SELECT 2", "SET b 2"] {
        rig.run(command);
    }
    assert_eq!(rig.run("EXEC"), "*4|+OK|$1|1|+OK|+OK");
    assert_eq!(
        rig.propagated(),
        "MULTI; SELECT 0; SET a 1; SELECT 2; SET b 2; EXEC",
        "what only reads is left out"
    );
}

#[test]
fn a_snapshot_inside_a_transaction_finds_the_log_complete() {
    let mut rig = Rig::new();
    for command in ["MULTI", "INCR a", "BGSAVE", "INCR a", "INCR a"] {
        rig.run(command);
    }
    rig.run("EXEC");
    assert_eq!(rig.propagated(), "SELECT 0; INCR a; MULTI; INCR a; INCR a; EXEC");
}

#[test]
fn watching_goes_on_when_others_have_ended_it() {
    const ROUNDS: usize = 2_000;
    let rig = Rig::silent();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut other = rig.another();
            while !stop.load(Ordering::Relaxed) {
                other.run("WATCH other");
                other.run("UNWATCH");
            }
        });
        let mut own = rig.another();
        let failed = (0..ROUNDS).filter(|_| !runs_after(&mut own, &["INCR foo"])).count();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(failed, ROUNDS);
    });
    assert_eq!(rig.engine.watched_keys(), 0);
}

#[test]
fn a_watched_key_ends_on_a_replica_too() {
    let mut rig = Rig::silent();
    rig.run("SET foo 1 PX 10");
    rig.engine.conditions().put(condition::REPLICA, true);
    assert_eq!(rig.run("WATCH foo"), "+OK");
    rig.advance_ms(11);
    for command in ["MULTI", "PING"] {
        rig.run(command);
    }
    assert_eq!(rig.run("EXEC"), "*-1");
    assert!(runs_after(&mut rig, &[]), "now its time was over before it was watched");
}
