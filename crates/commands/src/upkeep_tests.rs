//! What the engine does without being asked by a client, seen through commands.

use crate::testing::Rig;
use redan_engine::{ClientMeta, ExpireCursor, PauseKind, Session, SessionOrigin, Settings, condition};
use redan_keyspace::{DbIndex, EvictionPolicy};
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

/// A server with ten keys that takes a lot of memory.
fn crowded(maxmemory: u64) -> Rig {
    let mut rig = Rig::new();
    for n in 0..10 {
        rig.run(&format!("SET key:{n} v"));
    }
    rig.propagated();
    let maxmemory_policy = EvictionPolicy::AllKeysRandom;
    rig.engine.set_settings(Settings { maxmemory, maxmemory_policy, ..Settings::default() });
    rig.host.used_memory.store(1 << 20, Ordering::Relaxed);
    rig
}

fn keep_to_memory(rig: &mut Rig) {
    let engine = rig.engine.clone();
    engine.keep_to_memory(rig.worker());
}

#[test]
fn keys_are_evicted() {
    let mut rig = crowded(1000);
    keep_to_memory(&mut rig);
    assert_eq!(rig.run("DBSIZE"), ":0");
    assert!(rig.run("SET a 1").starts_with("-OOM"));
}

#[test]
fn no_key_is_evicted_while_the_dataset_shall_stay_as_it_is() {
    let mut rig = crowded(1000);
    for state in [condition::REPLICA, condition::LOADING, condition::ASYNC_LOADING] {
        rig.engine.conditions().put(state, true);
        keep_to_memory(&mut rig);
        rig.engine.conditions().put(state, false);
    }
    rig.engine.pause(PauseKind::Write, i64::MAX);
    keep_to_memory(&mut rig);
    assert_eq!(rig.run("DBSIZE"), ":10");
    assert_eq!(rig.run("SET a 1"), "", "it waits for the end of the pause");
    assert_eq!(rig.propagated(), "");
}

#[test]
fn no_limit_is_no_reason_to_evict() {
    let mut rig = crowded(0);
    // As it looks to a command that began when there was a limit.
    rig.engine.conditions().put(condition::MEMORY_LIMITED, true);
    assert_eq!(rig.run("SET a 1"), "+OK");
    assert_eq!(rig.run("DBSIZE"), ":11");
}

#[test]
fn an_expiry_cycle_under_way_leaves_a_replica_alone() {
    let mut rig = Rig::new();
    rig.run("SET a 1 PX 1");
    rig.propagated();
    rig.advance_ms(2);
    let engine = rig.engine.clone();
    engine.conditions().put(condition::REPLICA, true);
    assert_eq!(engine.expire_cycle(rig.worker(), &mut ExpireCursor::default(), 1_000_000), 0);
    assert_eq!(rig.propagated(), "");
    engine.conditions().put(condition::REPLICA, false);
    assert_eq!(engine.expire_cycle(rig.worker(), &mut ExpireCursor::default(), 1_000_000), 1);
    assert_eq!(rig.propagated(), "DEL a");
}

#[test]
fn a_session_that_falls_asleep_looks_once_more() {
    let mut rig = Rig::new();
    rig.engine.pause(PauseKind::All, i64::MAX);
    let client = rig.engine.clients().all()[0].clone();
    assert_eq!(rig.run("GET a"), "");
    // The pause may have ended after the command had seen it and before anybody could see that it sleeps.
    assert!(client.mailbox.poll(&mut Context::from_waker(Waker::noop())), "rung by itself");
}

#[test]
fn a_database_that_only_the_master_has_is_not_selected() {
    let rig = Rig::silent();
    let client = rig.engine.clients().unlisted(-1, ClientMeta::default(), 0, 0);
    let mut session = Session::new(client, SessionOrigin::Master, &rig.engine);
    assert!(rig.engine.select(&mut session, 15));
    assert!(!rig.engine.select(&mut session, 16));
    assert_eq!(session.state.db, DbIndex(15));
}
