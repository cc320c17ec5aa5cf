//! Elections: split votes, competing epochs, Sentinels that are gone; many seeds, few invariants.

mod rig;

use std::collections::BTreeSet;

use expect_test::expect;
use rig::World;
use rig::redis::FakeRedis;

/// A slow network makes it likely that several want to lead at the same time.
fn world(seed: u64, sentinels: usize, quorum: usize) -> World {
    let mut world = World::new();
    world.redis.insert("10.0.0.1".into(), FakeRedis::master(1));
    for n in 2..=3 {
        world.redis.insert(format!("10.0.0.{n}"), FakeRedis::replica(n, "10.0.0.1", 100));
    }
    world.first_seed = seed * 1000;
    world.delay_ms = 10;
    let directives =
        format!("monitor mymaster 10.0.0.1 6379 {quorum}\ndown-after-milliseconds mymaster 1000");
    for _ in 0..sentinels {
        world.add_sentinel(&directives);
    }
    world.quietly_run_for(5_000);
    world
}

/// No Sentinel votes twice in an epoch.
fn assert_one_vote_each(story: &str) {
    let votes: Vec<(&str, &str)> = story
        .lines()
        .filter(|line| line.contains("+vote-for-leader"))
        .filter_map(|line| Some((line.split_whitespace().nth(1)?, line.split_whitespace().last()?)))
        .collect();
    let distinct: BTreeSet<_> = votes.iter().collect();
    assert_eq!(distinct.len(), votes.len(), "{story}");
}

#[test]
fn split_votes_are_repeated_at_once() {
    let split = |seed: &u64| {
        let mut world = world(*seed, 2, 2);
        world.kill_redis("10.0.0.1");
        world.run_for(1_300);
        world.story().contains("not-elected")
    };
    let seed = (0..100).find(split).expect("some seed splits the votes of two");
    let mut world = world(seed, 2, 2);
    world.kill_redis("10.0.0.1");
    world.run_for(1_700);
    expect![[r#"
           6.010 s1 +sdown master mymaster 10.0.0.1 6379
           6.010 s2 +sdown master mymaster 10.0.0.1 6379
           6.030 s1 +odown master mymaster 10.0.0.1 6379 #quorum 2/2
           6.030 s2 +odown master mymaster 10.0.0.1 6379 #quorum 2/2
           6.050 s2 +new-epoch 1
           6.050 s2 +try-failover master mymaster 10.0.0.1 6379
           6.050 s2 +vote-for-leader 2222222222222222222222222222222222222222 1
           6.057 s1 +new-epoch 1
           6.057 s1 +try-failover master mymaster 10.0.0.1 6379
           6.057 s1 +vote-for-leader 1111111111111111111111111111111111111111 1
           6.147 s2 -failover-abort-not-elected master mymaster 10.0.0.1 6379
           6.147 s2 +new-epoch 2
           6.147 s2 +try-failover master mymaster 10.0.0.1 6379
           6.147 s2 +vote-for-leader 2222222222222222222222222222222222222222 2
           6.157 s1 +new-epoch 2
           6.157 s1 +vote-for-leader 2222222222222222222222222222222222222222 2
           6.157 s1 -failover-abort-not-elected master mymaster 10.0.0.1 6379
           6.177 s2 +elected-leader master mymaster 10.0.0.1 6379
           6.177 s2 +failover-state-select-slave master mymaster 10.0.0.1 6379
           6.197 s2 +selected-slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
           6.197 s2 +failover-state-send-slaveof-noone slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
           6.197 s2 +failover-state-wait-promotion slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
           6.217 s2 -role-change slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379 new reported role is master
           6.217 s2 +promoted-slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
           6.217 s2 +failover-state-reconf-slaves master mymaster 10.0.0.1 6379
           6.217 s2 +slave-reconf-sent slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
           6.227 s1 +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
           6.227 s1 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
           6.227 s1 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
           6.227 s1 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
           6.237 s2 +slave-reconf-inprog slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
           6.677 s2 +slave-reconf-done slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
           6.677 s2 +failover-end master mymaster 10.0.0.1 6379
           6.677 s2 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
           6.677 s2 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
           6.677 s2 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
    "#]].assert_eq(&world.story());
}

#[test]
fn one_leader_whatever_the_seed() {
    for (sentinels, quorum) in [(2, 2), (3, 2), (4, 2), (5, 3), (5, 5), (7, 4)] {
        for seed in 0..15 {
            let mut world = world(seed, sentinels, quorum);
            // As many are missing as may be.
            let missing = (sentinels - (sentinels / 2 + 1)).min(sentinels - quorum);
            for number in 0..missing {
                world.kill_sentinel((number + seed as usize) % sentinels);
            }
            world.kill_redis("10.0.0.1");
            world.run_for(4_500);
            let story = world.story();
            assert_eq!(story.matches("+promoted-slave").count(), 1, "seed {seed} of {sentinels}: {story}");
            assert_one_vote_each(&story);
            for number in 0..sentinels {
                if world.nodes[number].alive {
                    assert_eq!(world.master_of(number), "10.0.0.2", "seed {seed} of {sentinels}: {story}");
                }
            }
        }
    }
}

#[test]
fn restarts_in_the_middle_do_not_vote_twice() {
    for seed in 0..30 {
        let mut world = world(seed, 3, 2);
        world.kill_redis("10.0.0.1");
        world.run_for(1_020 + seed * 7);
        world.kill_sentinel(seed as usize % 3);
        world.run_for(5);
        world.restart_sentinel(seed as usize % 3);
        world.run_for(4_000);
        let story = world.story();
        assert_one_vote_each(&story);
        assert!(story.contains("+promoted-slave"), "seed {seed}: {story}");
        let masters: BTreeSet<String> = (0..3).map(|number| world.master_of(number)).collect();
        assert_eq!(masters.len(), 1, "seed {seed}: {story}");
    }
}

#[test]
fn two_masters_that_die_together_do_not_hinder_each_other() {
    for seed in 0..20 {
        let mut world = World::new();
        world.redis.insert("10.0.0.1".into(), FakeRedis::master(1));
        world.redis.insert("10.0.0.2".into(), FakeRedis::replica(2, "10.0.0.1", 100));
        world.redis.insert("10.0.0.3".into(), FakeRedis::replica(3, "10.0.0.1", 100));
        let other = FakeRedis { replicas: vec!["10.0.0.6".into()], ..FakeRedis::master(5) };
        world.redis.insert("10.0.0.5".into(), other);
        world.redis.insert("10.0.0.6".into(), FakeRedis::replica(6, "10.0.0.5", 100));
        world.first_seed = seed * 1000;
        world.delay_ms = 10;
        for _ in 0..5 {
            world.add_sentinel(
                "monitor mymaster 10.0.0.1 6379 3
                 down-after-milliseconds mymaster 1000
                 monitor other 10.0.0.5 6379 3
                 down-after-milliseconds other 1000",
            );
        }
        world.quietly_run_for(5_000);
        world.kill_redis("10.0.0.1");
        world.kill_redis("10.0.0.5");
        world.run_for(5_000);
        let story = world.story();
        // Epochs are shared by all masters, votes are not.
        assert_eq!(story.matches("+promoted-slave").count(), 2, "seed {seed}: {story}");
        for number in 0..5 {
            assert_eq!(world.master_of(number), "10.0.0.2", "seed {seed}: {story}");
        }
    }
}
