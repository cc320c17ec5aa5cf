//! Servers that replicate from each other in memory, over a network that splits and breaks.

mod rig;

use proptest::prelude::*;
use redan_replication::primary::io::{FailoverState, PrimaryConfig};
use redan_replication::replica::io::{LinkConfig, LoadMode};
use rig::Rig;

fn config(diskless_sync: bool) -> PrimaryConfig {
    PrimaryConfig {
        diskless_sync,
        diskless_sync_delay_ms: 1000,
        timeout_ms: 10_000,
        ping_period_ms: 3000,
        backlog_ttl_ms: 0,
        ..PrimaryConfig::default()
    }
}

fn link(load: LoadMode) -> LinkConfig {
    LinkConfig { load, timeout_ms: 10_000, ..LinkConfig::default() }
}

fn rig(count: u16) -> Rig {
    Rig::new(count, &config(true), &link(LoadMode::Disk), 1 << 20)
}

fn write(rig: &mut Rig, port: u16, count: usize) {
    for i in 0..count {
        let value = format!("{port}-{i}");
        rig.with(port, |server| {
            server.write((i % 3) as u32, &[b"SET", b"key", value.as_bytes()], i % 5 == 0)
        });
    }
}

fn syncs(rig: &Rig) -> Vec<(u64, u64)> {
    let stats = rig.servers.values().map(|server| server.primary.stats());
    stats.map(|stats| (stats.full, stats.partial_ok)).collect()
}

#[test]
fn a_broken_link_is_resumed() {
    let mut rig = rig(2);
    write(&mut rig, 1, 10);
    rig.with(2, |server| server.follow(1));
    rig.settle(1);
    write(&mut rig, 1, 100);
    rig.cut(rig.connections()[0]);
    write(&mut rig, 1, 100);
    rig.settle(1);
    assert_eq!(syncs(&rig), [(1, 1), (0, 0)]);
}

#[test]
fn after_a_promotion_nobody_needs_a_full_sync() {
    let mut rig = rig(4);
    write(&mut rig, 1, 10);
    // 4 follows 3, which follows 1, as does 2.
    for (replica, master) in [(2, 1), (3, 1), (4, 3)] {
        rig.with(replica, |server| server.follow(master));
    }
    rig.settle(1);
    write(&mut rig, 1, 50);
    rig.settle(1);
    let before = syncs(&rig);
    rig.with(2, |server| server.promote());
    write(&mut rig, 2, 50);
    rig.with(3, |server| server.follow(2));
    rig.with(1, |server| server.follow(2));
    write(&mut rig, 2, 50);
    rig.settle(2);
    let full: Vec<u64> = syncs(&rig).iter().map(|(full, _)| *full).collect();
    assert_eq!(full, before.iter().map(|(full, _)| *full).collect::<Vec<_>>());
    let id = rig.servers[&2].log.ids().id;
    assert!(rig.servers.values().all(|server| server.log.ids().id == id));
    // The former master has written on alone: its history is another one.
    rig.with(1, |server| server.promote());
    write(&mut rig, 1, 1);
    rig.with(1, |server| server.follow(2));
    rig.settle(2);
    assert_eq!(syncs(&rig)[1].0, 1);
}

#[test]
fn a_failover_loses_nothing() {
    let mut rig = rig(3);
    rig.with(2, |server| server.follow(1));
    rig.with(3, |server| server.follow(1));
    write(&mut rig, 1, 50);
    rig.settle(1);
    write(&mut rig, 1, 50);
    rig.with(1, |server| server.failover());
    assert_eq!(rig.servers[&1].primary.failover_state(), FailoverState::WaitingForSync);
    let before = rig.servers[&1].history.len();
    write(&mut rig, 1, 50);
    assert_eq!(rig.servers[&1].history.len(), before, "writes are paused");
    for _ in 0..50 {
        rig.connections().into_iter().for_each(|id| {
            rig.carry(id, 100);
        });
        rig.pass(200);
    }
    let new = rig.servers.values().find(|server| server.is_master()).expect("someone took over").port;
    assert_ne!(new, 1);
    assert_eq!(rig.servers[&1].primary.failover_state(), FailoverState::NoFailover);
    assert!(!rig.servers[&1].paused);
    write(&mut rig, new, 50);
    // The third one still follows the old master, which is a replica now.
    rig.settle(new);
    assert_eq!(syncs(&rig).iter().map(|(full, _)| full).sum::<u64>(), 2);
    let history = String::from_utf8_lossy(&rig.servers[&new].history).into_owned();
    assert!(history.contains("1-49") && history.contains(&format!("{new}-49")));
}

#[derive(Clone, Debug)]
enum Op {
    Write {
        server: u16,
        db: u32,
        len: usize,
        is_transaction: bool,
    },
    Carry {
        connection: usize,
        max: usize,
    },
    /// All connections carry something, and snapshots and time go on.
    Flow {
        rounds: usize,
        max: usize,
    },
    Cut(usize),
    Pass(u64),
    Follow {
        server: u16,
        master: u16,
    },
    Promote(u16),
    Failover(u16),
    Snapshot(u16),
}

const SERVERS: u16 = 4;

fn op() -> impl Strategy<Value = Op> {
    let port = || 1..=SERVERS;
    prop_oneof![
        8 => (port(), 0u32..3, 0usize..300, any::<bool>())
            .prop_map(|(server, db, len, is_transaction)| Op::Write { server, db, len, is_transaction }),
        30 => (any::<usize>(), 1usize..400).prop_map(|(connection, max)| Op::Carry { connection, max }),
        6 => (1usize..60, 1usize..400).prop_map(|(rounds, max)| Op::Flow { rounds, max }),
        2 => any::<usize>().prop_map(Op::Cut),
        3 => (0u64..3000).prop_map(Op::Pass),
        2 => (port(), port()).prop_map(|(server, master)| Op::Follow { server, master }),
        1 => port().prop_map(Op::Promote),
        1 => port().prop_map(Op::Failover),
        4 => port().prop_map(Op::Snapshot),
    ]
}

fn apply(rig: &mut Rig, op: Op) {
    let pick = |rig: &Rig, i: usize| {
        let all = rig.connections();
        all.get(i % all.len().max(1)).copied()
    };
    match op {
        Op::Write { server, db, len, is_transaction } => {
            let value = vec![b'v'; len];
            rig.with(server, |server| server.write(db, &[b"APPEND", b"key", &value], is_transaction));
        }
        Op::Carry { connection, max } => {
            if let Some(id) = pick(rig, connection) {
                rig.carry(id, max);
            }
        }
        Op::Flow { rounds, max } => {
            for _ in 0..rounds {
                rig.connections().into_iter().for_each(|id| {
                    rig.carry(id, max);
                });
                (1..=SERVERS).for_each(|port| rig.with(port, |server| server.advance_snapshot()));
                rig.pass(50);
            }
        }
        Op::Cut(connection) => {
            if let Some(id) = pick(rig, connection) {
                rig.cut(id);
            }
        }
        Op::Pass(ms) => rig.pass(ms),
        Op::Follow { server, master } if server != master => rig.with(server, |server| {
            if server.primary.failover_state() == FailoverState::NoFailover {
                server.follow(master);
            }
        }),
        Op::Follow { .. } => {}
        Op::Promote(server) => rig.with(server, |server| {
            if server.primary.failover_state() == FailoverState::NoFailover {
                server.promote();
            }
        }),
        Op::Failover(server) => rig.with(server, |server| server.failover()),
        Op::Snapshot(server) => rig.with(server, |server| server.advance_snapshot()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happened, servers with one id never diverge, and in the end all have what their master has.
    #[test]
    fn all_converge_on_their_master(
        ops in proptest::collection::vec(op(), 1..150),
        diskless: bool,
        load in prop_oneof![Just(LoadMode::Disk), Just(LoadMode::Flush), Just(LoadMode::SwapDb)],
        backlog_size in prop_oneof![Just(0u64), 100u64..5000, Just(1 << 20)],
        is_chain: bool,
        begins_settled: bool,
    ) {
        let mut rig = Rig::new(SERVERS, &config(diskless), &link(load), backlog_size);
        let master_of = |port: u16| if is_chain { port - 1 } else { 1 };
        if begins_settled {
            (2..=SERVERS).for_each(|port| rig.with(port, |server| server.follow(master_of(port))));
            write(&mut rig, 1, 5);
            rig.settle(1);
        }
        for op in ops {
            apply(&mut rig, op);
            rig.check();
        }
        rig.with(1, |server| server.abort_failover());
        rig.with(1, |server| server.promote());
        for port in 2..=SERVERS {
            rig.with(port, |server| {
                server.abort_failover();
                server.follow(master_of(port));
            });
        }
        write(&mut rig, 1, 20);
        rig.settle(1);
    }
}
