//! A master, two replicas and three Sentinels survive the master's death under a client that writes on.

use redan_tests::{DOWN_AFTER, Group, Program, Signal};
use std::time::{Duration, Instant};

/// What a failover may take beyond `down-after-milliseconds` where all Sentinels are ours.
const SLACK: Duration = Duration::from_secs(2);
/// What it may take where real ones take part, whose votes may be split.
const PEER_SLACK: Duration = Duration::from_secs(25);

/// How often each story is told: `REDAN_ROUNDS=20` tells it twenty times.
fn rounds() -> usize {
    std::env::var("REDAN_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

fn master_dies(servers: &[Program], sentinels: &[Program], death: Signal) {
    let mut group = Group::start(servers, sentinels);
    let old = group.servers[0].port();
    let mut writes = group.write_until(|written| written >= 200);
    group.servers[0].kill(death);
    let died = Instant::now();
    let ours = sentinels.iter().all(|sentinel| *sentinel == Program::Redan);
    group.wait_for_other_master(old, DOWN_AFTER + if ours { SLACK } else { PEER_SLACK });
    let mut seen = 0;
    writes.extend(group.write_until(|written| {
        seen = written;
        written >= 200
    }));
    assert!(died.elapsed() < Duration::from_secs(60), "writes go on");
    assert_eq!(seen, 200);
    group.assert_kept(&writes);
    match death {
        Signal::Stop => group.servers[0].kill(Signal::Continue),
        _ => group.servers[0].restart(),
    }
    group.wait_until_same();
    group.assert_kept(&writes);
    if death == Signal::Stop && servers.iter().all(|server| *server == Program::Redan) {
        // It has its data still and nobody wrote to it meanwhile: nothing has to be sent to it twice.
        group.assert_old_master_continued();
    }
}

#[test]
fn ordered_failover() {
    let group = Group::start(&[Program::Redan; 3], &[Program::Redan; 3]);
    let old = group.servers[0].port();
    let writes = group.write_until(|written| written >= 200);
    assert_eq!(group.sentinels[0].client().text(&["SENTINEL", "FAILOVER", "group"]), "OK");
    group.wait_for_other_master(old, DOWN_AFTER + SLACK);
    group.wait_until_same();
    group.assert_kept(&writes);
    group.assert_old_master_continued();
}

#[test]
fn killed_master() {
    for _ in 0..rounds() {
        master_dies(&[Program::Redan; 3], &[Program::Redan; 3], Signal::Kill);
    }
}

#[test]
fn frozen_master() {
    for _ in 0..rounds() {
        master_dies(&[Program::Redan; 3], &[Program::Redan; 3], Signal::Stop);
    }
}

#[test]
fn our_sentinels_over_real_servers() {
    master_dies(&[Program::Redis7; 3], &[Program::Redan; 3], Signal::Kill);
    master_dies(&[Program::Redis8; 3], &[Program::Redan; 3], Signal::Stop);
}

#[test]
fn real_sentinels_over_our_servers() {
    master_dies(&[Program::Redan; 3], &[Program::Redis7; 3], Signal::Kill);
    master_dies(&[Program::Redan; 3], &[Program::Redis8; 3], Signal::Stop);
}

#[test]
fn one_quorum_of_ours_and_real_sentinels() {
    master_dies(&[Program::Redan; 3], &[Program::Redan, Program::Redis7, Program::Redis7], Signal::Kill);
    master_dies(
        &[Program::Redan, Program::Redis7, Program::Redan],
        &[Program::Redan, Program::Redis8, Program::Redis8],
        Signal::Kill,
    );
}
