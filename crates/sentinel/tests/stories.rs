//! Whole stories, told by the events of every Sentinel.

mod rig;

use expect_test::expect;
use redan_sentinel::Reply;
use rig::World;
use rig::redis::FakeRedis;

const DIRECTIVES: &str = "
    monitor mymaster 10.0.0.1 6379 2
    down-after-milliseconds mymaster 5000
    failover-timeout mymaster 60000
";

/// Three Sentinels, a master and two replicas that have known each other for ten seconds.
fn settled() -> World {
    settled_with("")
}

fn settled_with(more: &str) -> World {
    let mut world = World::standard(3, 2, &format!("{DIRECTIVES}{more}"));
    world.quietly_run_for(10_000);
    world
}

fn all_agree(world: &mut World, ip: &str) -> bool {
    (0..world.nodes.len()).all(|number| !world.nodes[number].alive || world.master_of(number) == ip)
}

#[test]
fn discovery() {
    let mut world = World::standard(3, 2, DIRECTIVES);
    world.run_for(20);
    expect![[r#"
           0.000 s1 +monitor master mymaster 10.0.0.1 6379 quorum 2
           0.000 s2 +monitor master mymaster 10.0.0.1 6379 quorum 2
           0.000 s3 +monitor master mymaster 10.0.0.1 6379 quorum 2
           0.004 s1 +slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
           0.004 s1 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
           0.004 s2 +sentinel sentinel 1111111111111111111111111111111111111111 10.0.1.1 26379 @ mymaster 10.0.0.1 6379
           0.004 s3 +sentinel sentinel 1111111111111111111111111111111111111111 10.0.1.1 26379 @ mymaster 10.0.0.1 6379
           0.004 s2 +slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
           0.004 s2 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
           0.004 s1 +sentinel sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
           0.004 s3 +sentinel sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
           0.004 s3 +slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
           0.004 s3 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
           0.004 s1 +sentinel sentinel 3333333333333333333333333333333333333333 10.0.1.3 26379 @ mymaster 10.0.0.1 6379
           0.004 s2 +sentinel sentinel 3333333333333333333333333333333333333333 10.0.1.3 26379 @ mymaster 10.0.0.1 6379
    "#]].assert_eq(&world.story());
}

#[test]
fn failover_by_election() {
    let mut world = settled();
    world.kill_redis("10.0.0.1");
    world.run_for(8_000);
    expect![[r#"
          15.001 s1 +sdown master mymaster 10.0.0.1 6379
          15.001 s2 +sdown master mymaster 10.0.0.1 6379
          15.001 s3 +sdown master mymaster 10.0.0.1 6379
          15.003 s1 +odown master mymaster 10.0.0.1 6379 #quorum 2/2
          15.003 s2 +odown master mymaster 10.0.0.1 6379 #quorum 2/2
          15.003 s3 +odown master mymaster 10.0.0.1 6379 #quorum 2/2
          15.056 s2 +new-epoch 1
          15.056 s2 +try-failover master mymaster 10.0.0.1 6379
          15.056 s2 +vote-for-leader 2222222222222222222222222222222222222222 1
          15.057 s1 +new-epoch 1
          15.057 s1 +vote-for-leader 2222222222222222222222222222222222222222 1
          15.057 s3 +new-epoch 1
          15.057 s3 +vote-for-leader 2222222222222222222222222222222222222222 1
          15.059 s2 +elected-leader master mymaster 10.0.0.1 6379
          15.059 s2 +failover-state-select-slave master mymaster 10.0.0.1 6379
          15.061 s2 +selected-slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          15.061 s2 +failover-state-send-slaveof-noone slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          15.061 s2 +failover-state-wait-promotion slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          15.063 s2 -role-change slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379 new reported role is master
          15.063 s2 +promoted-slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          15.063 s2 +failover-state-reconf-slaves master mymaster 10.0.0.1 6379
          15.063 s2 +slave-reconf-sent slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          15.064 s1 +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
          15.064 s1 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
          15.064 s1 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
          15.064 s1 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
          15.064 s3 +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
          15.064 s3 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
          15.064 s3 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
          15.064 s3 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
          15.065 s2 +slave-reconf-inprog slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          15.469 s2 +slave-reconf-done slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          15.469 s2 +failover-end master mymaster 10.0.0.1 6379
          15.469 s2 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
          15.469 s2 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
          15.469 s2 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
    "#]].assert_eq(&world.story());
    assert_eq!(world.redis["10.0.0.2"].following, None);
    assert_eq!(world.redis["10.0.0.3"].following, Some(("10.0.0.2".into(), 6379)));
}

#[test]
fn a_silent_master_is_down_after_the_first_unanswered_ping() {
    let mut world = settled();
    world.redis.get_mut("10.0.0.1").unwrap().paused = true;
    world.run_for(5_900);
    world.redis.get_mut("10.0.0.1").unwrap().paused = false;
    expect![[r#"
          15.022 s1 +sdown master mymaster 10.0.0.1 6379
          15.022 s2 +sdown master mymaster 10.0.0.1 6379
          15.022 s3 +sdown master mymaster 10.0.0.1 6379
          15.024 s1 +odown master mymaster 10.0.0.1 6379 #quorum 2/2
          15.024 s2 +odown master mymaster 10.0.0.1 6379 #quorum 2/2
          15.024 s3 +odown master mymaster 10.0.0.1 6379 #quorum 2/2
          15.077 s2 +new-epoch 1
          15.077 s2 +try-failover master mymaster 10.0.0.1 6379
          15.077 s2 +vote-for-leader 2222222222222222222222222222222222222222 1
          15.078 s1 +new-epoch 1
          15.078 s1 +vote-for-leader 2222222222222222222222222222222222222222 1
          15.078 s3 +new-epoch 1
          15.078 s3 +vote-for-leader 2222222222222222222222222222222222222222 1
          15.080 s2 +elected-leader master mymaster 10.0.0.1 6379
          15.080 s2 +failover-state-select-slave master mymaster 10.0.0.1 6379
          15.082 s2 +selected-slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          15.082 s2 +failover-state-send-slaveof-noone slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          15.082 s2 +failover-state-wait-promotion slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          15.084 s2 -role-change slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379 new reported role is master
          15.084 s2 +promoted-slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          15.084 s2 +failover-state-reconf-slaves master mymaster 10.0.0.1 6379
          15.084 s2 +slave-reconf-sent slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          15.085 s1 +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
          15.085 s1 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
          15.085 s1 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
          15.085 s1 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
          15.085 s3 +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
          15.085 s3 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
          15.085 s3 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
          15.085 s3 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
          15.086 s2 +slave-reconf-inprog slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          15.490 s2 +slave-reconf-done slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          15.490 s2 +failover-end master mymaster 10.0.0.1 6379
          15.490 s2 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
          15.490 s2 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
          15.490 s2 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
    "#]].assert_eq(&world.story());
}

#[test]
fn the_old_master_comes_back_as_a_replica() {
    let mut world = settled();
    world.kill_redis("10.0.0.1");
    world.quietly_run_for(15_000);
    world.redis.get_mut("10.0.0.1").unwrap().alive = true;
    world.run_for(12_000);
    expect![[r#"
          25.068 s1 -sdown slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
          25.068 s1 -role-change slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379 new reported role is master
          33.068 s1 +convert-to-slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
          33.070 s1 +role-change slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379 new reported role is slave
    "#]].assert_eq(&world.story_of(0));
    assert_eq!(world.redis["10.0.0.1"].following, Some(("10.0.0.2".into(), 6379)));
}

#[test]
fn no_failover_without_a_majority() {
    let mut world = settled();
    world.kill_sentinel(1);
    world.kill_sentinel(2);
    world.quietly_run_for(6_000);
    let reply = world.ask(0, "SENTINEL CKQUORUM mymaster");
    expect![[r#"Error("NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the specified quorum for this master. Not enough available Sentinels to reach the majority and authorize a failover")"#]].assert_eq(&format!("{reply:?}"));
    world.ask(0, "SENTINEL SET mymaster quorum 1");
    world.kill_redis("10.0.0.1");
    world.run_for(30_000);
    expect![[r#"
          16.000 s1 +set master mymaster 10.0.0.1 6379 quorum 1
          21.001 s1 +sdown master mymaster 10.0.0.1 6379
          21.001 s1 +odown master mymaster 10.0.0.1 6379 #quorum 1/1
          21.090 s1 +new-epoch 1
          21.090 s1 +try-failover master mymaster 10.0.0.1 6379
          21.090 s1 +vote-for-leader 1111111111111111111111111111111111111111 1
          31.746 s1 -failover-abort-not-elected master mymaster 10.0.0.1 6379
    "#]]
    .assert_eq(&world.story());
    assert_eq!(world.master_of(0), "10.0.0.1");
}

#[test]
fn manual_failover_needs_no_election() {
    let mut world = settled();
    assert_eq!(world.ask(0, "SENTINEL FAILOVER mymaster"), Reply::ok());
    let again = world.ask(0, "SENTINEL FAILOVER mymaster");
    assert_eq!(again, Reply::Error("INPROG Failover already in progress".into()));
    world.run_for(30_000);
    expect![[r#"
          10.000 s1 +new-epoch 1
          10.000 s1 +try-failover master mymaster 10.0.0.1 6379
          10.000 s1 +vote-for-leader 1111111111111111111111111111111111111111 1
          10.000 s1 +elected-leader master mymaster 10.0.0.1 6379
          10.000 s1 +failover-state-select-slave master mymaster 10.0.0.1 6379
          10.002 s1 +selected-slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          10.002 s1 +failover-state-send-slaveof-noone slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          10.002 s1 +failover-state-wait-promotion slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          10.004 s1 -role-change slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379 new reported role is master
          10.004 s1 +promoted-slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          10.004 s1 +failover-state-reconf-slaves master mymaster 10.0.0.1 6379
          10.004 s1 +slave-reconf-sent slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          10.006 s1 +slave-reconf-inprog slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          10.410 s1 +slave-reconf-done slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          10.410 s1 +failover-end master mymaster 10.0.0.1 6379
          10.410 s1 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
          10.410 s1 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
          10.410 s1 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
          10.414 s1 -role-change slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379 new reported role is master
          18.414 s1 +convert-to-slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
          18.416 s1 +role-change slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379 new reported role is slave
    "#]].assert_eq(&world.story_of(0));
    assert!(all_agree(&mut world, "10.0.0.2"));
    assert_eq!(world.redis["10.0.0.1"].following, Some(("10.0.0.2".into(), 6379)));
}

#[test]
fn a_stopped_process_goes_into_tilt() {
    let mut world = settled();
    world.pause_sentinel(0);
    world.run_for(20_000);
    world.kill_redis("10.0.0.1");
    world.run_for(1_000);
    world.say("back");
    world.resume_sentinel(0);
    world.run_for(2_000);
    let info = world.nodes[0].sentinel.info_section();
    assert!(info.contains("sentinel_tilt:1\r\nsentinel_tilt_since_seconds:2\r\n"), "{info}");
    world.run_for(34_000);
    expect![[r#"
        -- back
        31.000 s1 +tilt #tilt mode entered
        35.057 s1 +new-epoch 1
        35.057 s1 +vote-for-leader 2222222222222222222222222222222222222222 1
        35.064 s1 +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
        35.064 s1 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
        35.064 s1 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
        35.064 s1 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
        61.000 s1 -tilt #tilt mode exited
        61.000 s1 +sdown slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
    "#]].assert_eq(&world.story_of(0));
}

#[test]
fn reset_forgets_and_discovers_anew() {
    let mut world = settled();
    assert_eq!(world.ask(0, "SENTINEL RESET no*"), Reply::Integer(0));
    assert_eq!(world.ask(0, "SENTINEL RESET my*"), Reply::Integer(1));
    assert_eq!(world.ask(0, "SENTINEL SENTINELS mymaster"), Reply::Array(vec![]));
    assert_eq!(world.ask(0, "SENTINEL REPLICAS mymaster"), Reply::Array(vec![]));
    world.run_for(3_000);
    expect![[r#"
          10.000 s1 +reset-master master mymaster 10.0.0.1 6379
          10.004 s1 +slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          10.004 s1 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          10.004 s1 +sentinel sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
          10.004 s1 +sentinel sentinel 3333333333333333333333333333333333333333 10.0.1.3 26379 @ mymaster 10.0.0.1 6379
    "#]].assert_eq(&world.story_of(0));
}

#[test]
fn a_vanished_name_does_not_block_the_failover() {
    let names = "
        resolve-hostnames yes
        announce-hostnames yes
        monitor mymaster redis-0.svc 6379 2
        down-after-milliseconds mymaster 5000
    ";
    let mut world = World::new();
    for n in 1..=3usize {
        world.dns.insert(format!("redis-{}.svc", n - 1), format!("10.0.0.{n}"));
    }
    let master =
        FakeRedis { replicas: vec!["redis-1.svc".into(), "redis-2.svc".into()], ..FakeRedis::master(1) };
    world.redis.insert("10.0.0.1".into(), master);
    for n in 2..=3 {
        world.redis.insert(format!("10.0.0.{n}"), FakeRedis::replica(n, "redis-0.svc", 100));
    }
    for _ in 0..3 {
        world.add_sentinel(names);
    }
    world.quietly_run_for(10_000);
    // The pod is gone, with its name; then all of DNS.
    world.kill_redis("10.0.0.1");
    world.dns.clear();
    world.run_for(8_000);
    expect![[r#"
          15.001 s1 +sdown master mymaster redis-0.svc 6379
          15.001 s2 +sdown master mymaster redis-0.svc 6379
          15.001 s3 +sdown master mymaster redis-0.svc 6379
          15.003 s1 +odown master mymaster redis-0.svc 6379 #quorum 2/2
          15.003 s2 +odown master mymaster redis-0.svc 6379 #quorum 2/2
          15.003 s3 +odown master mymaster redis-0.svc 6379 #quorum 2/2
          15.056 s2 +new-epoch 1
          15.056 s2 +try-failover master mymaster redis-0.svc 6379
          15.056 s2 +vote-for-leader 2222222222222222222222222222222222222222 1
          15.057 s1 +new-epoch 1
          15.057 s1 +vote-for-leader 2222222222222222222222222222222222222222 1
          15.057 s3 +new-epoch 1
          15.057 s3 +vote-for-leader 2222222222222222222222222222222222222222 1
          15.059 s2 +elected-leader master mymaster redis-0.svc 6379
          15.059 s2 +failover-state-select-slave master mymaster redis-0.svc 6379
          15.061 s2 +selected-slave slave redis-1.svc:6379 redis-1.svc 6379 @ mymaster redis-0.svc 6379
          15.061 s2 +failover-state-send-slaveof-noone slave redis-1.svc:6379 redis-1.svc 6379 @ mymaster redis-0.svc 6379
          15.061 s2 +failover-state-wait-promotion slave redis-1.svc:6379 redis-1.svc 6379 @ mymaster redis-0.svc 6379
          15.063 s2 -role-change slave redis-1.svc:6379 redis-1.svc 6379 @ mymaster redis-0.svc 6379 new reported role is master
          15.063 s2 +promoted-slave slave redis-1.svc:6379 redis-1.svc 6379 @ mymaster redis-0.svc 6379
          15.063 s2 +failover-state-reconf-slaves master mymaster redis-0.svc 6379
          15.063 s2 +slave-reconf-sent slave redis-2.svc:6379 redis-2.svc 6379 @ mymaster redis-0.svc 6379
          15.064 s1 +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster redis-0.svc 6379
          15.064 s1 +switch-master mymaster redis-0.svc 6379 redis-1.svc 6379
          15.064 s1 +slave slave redis-2.svc:6379 redis-2.svc 6379 @ mymaster redis-1.svc 6379
          15.064 s1 +slave slave redis-0.svc:6379 redis-0.svc 6379 @ mymaster redis-1.svc 6379
          15.064 s3 +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster redis-0.svc 6379
          15.064 s3 +switch-master mymaster redis-0.svc 6379 redis-1.svc 6379
          15.064 s3 +slave slave redis-2.svc:6379 redis-2.svc 6379 @ mymaster redis-1.svc 6379
          15.064 s3 +slave slave redis-0.svc:6379 redis-0.svc 6379 @ mymaster redis-1.svc 6379
          15.065 s2 +slave-reconf-inprog slave redis-2.svc:6379 redis-2.svc 6379 @ mymaster redis-0.svc 6379
          15.469 s2 +slave-reconf-done slave redis-2.svc:6379 redis-2.svc 6379 @ mymaster redis-0.svc 6379
          15.469 s2 +failover-end master mymaster redis-0.svc 6379
          15.469 s2 +switch-master mymaster redis-0.svc 6379 redis-1.svc 6379
          15.469 s2 +slave slave redis-2.svc:6379 redis-2.svc 6379 @ mymaster redis-1.svc 6379
          15.469 s2 +slave slave redis-0.svc:6379 redis-0.svc 6379 @ mymaster redis-1.svc 6379
    "#]].assert_eq(&world.story());
    assert!(all_agree(&mut world, "redis-1.svc"));
    // It comes back elsewhere under its name.
    world.say("the pod is back at 10.0.0.9");
    world.dns.insert("redis-0.svc".into(), "10.0.0.9".into());
    world.redis.insert("10.0.0.9".into(), FakeRedis { replicas: vec![], ..FakeRedis::master(9) });
    world.run_for(12_000);
    expect![[r#"
        -- the pod is back at 10.0.0.9
        19.068 s1 -role-change slave redis-0.svc:6379 redis-0.svc 6379 @ mymaster redis-1.svc 6379 new reported role is master
        27.068 s1 +convert-to-slave slave redis-0.svc:6379 redis-0.svc 6379 @ mymaster redis-1.svc 6379
        27.070 s1 +role-change slave redis-0.svc:6379 redis-0.svc 6379 @ mymaster redis-1.svc 6379 new reported role is slave
    "#]].assert_eq(&world.story_of(0));
    assert_eq!(world.redis["10.0.0.9"].following, Some(("redis-1.svc".into(), 6379)));
}

#[test]
fn the_best_replica_is_chosen() {
    let mut world = settled();
    world.redis.get_mut("10.0.0.3").unwrap().offset = 2_000;
    world.kill_redis("10.0.0.1");
    world.quietly_run_for(8_000);
    // The offset counts even though it was learnt only after the election.
    assert!(all_agree(&mut world, "10.0.0.3"));

    let mut world = settled();
    world.redis.get_mut("10.0.0.3").unwrap().offset = 2_000;
    world.redis.get_mut("10.0.0.2").unwrap().priority = 10;
    world.kill_redis("10.0.0.1");
    world.quietly_run_for(8_000);
    assert!(all_agree(&mut world, "10.0.0.2"));
}

#[test]
fn no_good_replica() {
    let mut world = settled();
    world.redis.get_mut("10.0.0.2").unwrap().priority = 0;
    world.redis.get_mut("10.0.0.3").unwrap().link_down_s = 3_600;
    world.kill_redis("10.0.0.1");
    world.run_for(8_000);
    let story = world.story();
    assert!(story.contains("-failover-abort-no-good-slave master mymaster 10.0.0.1 6379"), "{story}");
    assert!(all_agree(&mut world, "10.0.0.1"));
    world.redis.get_mut("10.0.0.2").unwrap().priority = 1;
    world.run_for(122_000);
    assert!(all_agree(&mut world, "10.0.0.2"), "tried again after twice the failover timeout");
}

#[test]
fn a_sentinel_that_was_away_learns_the_new_master() {
    let mut world = settled();
    world.kill_sentinel(0);
    world.kill_redis("10.0.0.1");
    world.quietly_run_for(10_000);
    assert_eq!(world.master_of(1), "10.0.0.2");
    world.say("s1 restarts");
    world.restart_sentinel(0);
    world.run_for(50);
    expect![[r#"
        -- s1 restarts
        20.000 s1 +monitor master mymaster 10.0.0.1 6379 quorum 2
        20.004 s1 -role-change slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379 new reported role is master
        20.004 s1 +new-epoch 1
        20.004 s1 +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
        20.004 s1 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
        20.004 s1 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
        20.004 s1 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
    "#]].assert_eq(&world.story_of(0));
}

#[test]
fn a_master_that_says_it_is_a_replica_is_down() {
    let mut world = settled();
    world.redis.get_mut("10.0.0.1").unwrap().following = Some(("10.9.9.9".into(), 1));
    world.run_for(36_000);
    expect![[r#"
          10.006 s1 -role-change master mymaster 10.0.0.1 6379 new reported role is slave
          35.006 s1 +sdown master mymaster 10.0.0.1 6379
          35.008 s1 +odown master mymaster 10.0.0.1 6379 #quorum 2/2
          35.062 s1 +new-epoch 1
          35.062 s1 +vote-for-leader 2222222222222222222222222222222222222222 1
          35.069 s1 +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
          35.069 s1 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
          35.069 s1 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
          35.069 s1 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
    "#]].assert_eq(&world.story_of(0));
}

#[test]
fn a_rebooted_master_may_be_given_up() {
    let mut world = settled_with("master-reboot-down-after-period mymaster 2000");
    world.kill_redis("10.0.0.1");
    world.run_for(1_500);
    let master = world.redis.get_mut("10.0.0.1").unwrap();
    master.alive = true;
    master.run_id = "f".repeat(40);
    master.pong = "LOADING Redis is loading the dataset in memory";
    world.run_for(8_000);
    expect![[r#"
          12.005 s1 +reboot master mymaster 10.0.0.1 6379
          12.005 s2 +reboot master mymaster 10.0.0.1 6379
          12.005 s3 +reboot master mymaster 10.0.0.1 6379
          14.005 s1 +sdown master mymaster 10.0.0.1 6379
          14.005 s2 +sdown master mymaster 10.0.0.1 6379
          14.005 s3 +sdown master mymaster 10.0.0.1 6379
          14.007 s1 +odown master mymaster 10.0.0.1 6379 #quorum 2/2
          14.007 s2 +odown master mymaster 10.0.0.1 6379 #quorum 2/2
          14.007 s3 +odown master mymaster 10.0.0.1 6379 #quorum 2/2
          14.060 s2 +new-epoch 1
          14.060 s2 +try-failover master mymaster 10.0.0.1 6379
          14.060 s2 +vote-for-leader 2222222222222222222222222222222222222222 1
          14.061 s1 +new-epoch 1
          14.061 s1 +vote-for-leader 2222222222222222222222222222222222222222 1
          14.061 s3 +new-epoch 1
          14.061 s3 +vote-for-leader 2222222222222222222222222222222222222222 1
          14.063 s2 +elected-leader master mymaster 10.0.0.1 6379
          14.063 s2 +failover-state-select-slave master mymaster 10.0.0.1 6379
          14.065 s2 +selected-slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          14.065 s2 +failover-state-send-slaveof-noone slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          14.065 s2 +failover-state-wait-promotion slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          14.067 s2 -role-change slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379 new reported role is master
          14.067 s2 +promoted-slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          14.067 s2 +failover-state-reconf-slaves master mymaster 10.0.0.1 6379
          14.067 s2 +slave-reconf-sent slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          14.068 s1 +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
          14.068 s1 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
          14.068 s1 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
          14.068 s1 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
          14.068 s3 +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
          14.068 s3 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
          14.068 s3 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
          14.068 s3 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
          14.069 s2 +slave-reconf-inprog slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          14.072 s1 -role-change slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379 new reported role is master
          14.072 s3 -role-change slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379 new reported role is master
          14.473 s2 +slave-reconf-done slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          14.473 s2 +failover-end master mymaster 10.0.0.1 6379
          14.473 s2 +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
          14.473 s2 +slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.2 6379
          14.473 s2 +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379
          14.477 s2 -role-change slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379 new reported role is master
    "#]].assert_eq(&world.story());
}

#[test]
fn a_sentinel_moves_and_another_takes_its_place() {
    let mut world = settled();
    let hello = |ip, id: &str| format!("{ip},26379,{},0,mymaster,10.0.0.1,6379,0", id.repeat(40));
    let now = world.now();
    let channel = b"__sentinel__:hello";
    for message in [hello("10.0.1.77", "2"), hello("10.0.1.77", "e")] {
        let reply = world.nodes[0].sentinel.handle_publish(now, channel, message.as_bytes());
        assert_eq!(reply, Reply::Integer(1));
    }
    world.run_for(5);
    expect![[r#"
          10.002 s1 +sentinel-address-switch master mymaster 10.0.0.1 6379 ip 10.0.1.77 port 26379 for 2222222222222222222222222222222222222222
          10.002 s1 +sentinel-invalid-addr sentinel 2222222222222222222222222222222222222222 10.0.1.77 26379 @ mymaster 10.0.0.1 6379
          10.002 s1 +sentinel sentinel eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee 10.0.1.77 26379 @ mymaster 10.0.0.1 6379
          10.004 s1 +sentinel sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
    "#]].assert_eq(&world.story_of(0));
    let reply = world.nodes[0].sentinel.handle_publish(now, b"news", b"x");
    assert_eq!(reply, Reply::error("Only HELLO messages are accepted by Sentinel instances."));
}

#[test]
fn two_masters_share_the_sentinels_connections() {
    let two = format!("{DIRECTIVES}\nmonitor other 10.0.0.5 6379 2");
    let mut world = World::standard(2, 2, &two);
    world.redis.insert("10.0.0.5".into(), FakeRedis { replicas: vec![], ..FakeRedis::master(5) });
    world.quietly_run_for(3_000);
    let reply = world.ask(0, "SENTINEL SENTINELS mymaster");
    let text = format!("{reply:?}");
    let refcount = format!("({:?}, {:?})", Reply::bulk("link-refcount"), Reply::bulk("2"));
    assert!(text.contains(&refcount), "{text}");
    world.kill_sentinel(1);
    world.run_for(35_000);
    expect![[r#"
        8.001 s1 +sdown sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
        33.001 s1 +sdown sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ other 10.0.0.5 6379
    "#]].assert_eq(&world.story());
}

#[test]
fn simulated_crash_after_election_leaves_it_to_others() {
    let mut world = settled();
    for number in 0..3 {
        world.ask(number, "SENTINEL SIMULATE-FAILURE crash-after-election");
    }
    world.kill_redis("10.0.0.1");
    world.run_for(6_000);
    let story = world.story();
    assert_eq!(story.matches("crashes").count(), 1, "{story}");
    let first = (0..3).find(|number| !world.nodes[*number].alive).unwrap();
    for number in (0..3).filter(|number| *number != first) {
        world.ask(number, "SENTINEL SIMULATE-FAILURE crash-after-promotion");
    }
    // The next attempt comes after twice the failover timeout, and fails after the promotion.
    world.run_for(125_000);
    let story = world.story();
    assert!(story.contains("+promoted-slave"), "{story}");
    let last = (0..3).find(|number| world.nodes[*number].alive).unwrap();
    // It saw nothing of the promotion until those who did come back with what they saved.
    for number in (0..3).filter(|number| *number != last) {
        world.restart_sentinel(number);
    }
    world.run_for(5_000);
    assert!(all_agree(&mut world, "10.0.0.2"));
}

#[test]
fn scripts_are_run_for_warnings_and_new_masters() {
    let mut world = settled_with(
        "notification-script mymaster /bin/notify
         client-reconfig-script mymaster /bin/reconfig",
    );
    world.scripts.clear();
    world.kill_redis("10.0.0.1");
    world.run_for(6_000);
    let scripts = world.scripts.iter().filter(|line| line.starts_with("s1 "));
    let scripts: Vec<String> = scripts.map(|line| format!("{line}\n")).collect();
    expect![[r#"
        s1 /bin/notify +sdown master mymaster 10.0.0.1 6379
        s1 /bin/notify +odown master mymaster 10.0.0.1 6379 #quorum 2/2
        s1 /bin/notify +new-epoch 1
        s1 /bin/notify +vote-for-leader 2222222222222222222222222222222222222222 1
        s1 /bin/notify +config-update-from sentinel 2222222222222222222222222222222222222222 10.0.1.2 26379 @ mymaster 10.0.0.1 6379
        s1 /bin/notify +switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379
        s1 /bin/reconfig mymaster observer start 10.0.0.1 6379 10.0.0.2 6379
    "#]].assert_eq(&scripts.concat());
}

#[test]
fn a_full_disk_does_not_stop_the_failover() {
    let mut world = settled();
    world.disks_full = true;
    let reply = world.ask(0, "SENTINEL SET mymaster quorum 2");
    assert_eq!(reply, Reply::error("Failed to save config file. Check server logs."));
    world.kill_redis("10.0.0.1");
    world.run_for(8_000);
    assert!(all_agree(&mut world, "10.0.0.2"));
}

#[test]
fn replicas_are_turned_a_few_at_a_time() {
    let mut world = World::standard(
        1,
        5,
        "monitor mymaster 10.0.0.1 6379 1\ndown-after-milliseconds mymaster 1000\nparallel-syncs mymaster 2",
    );
    let replicas = (2..=6).map(|n| format!("10.0.0.{n}")).collect();
    world.redis.get_mut("10.0.0.1").unwrap().replicas = replicas;
    world.quietly_run_for(10_000);
    world.kill_redis("10.0.0.1");
    world.run_for(4_000);
    let story: String = world
        .story()
        .lines()
        .filter(|l| l.contains("reconf") || l.contains("failover"))
        .map(|l| format!("{l}\n"))
        .collect();
    expect![[r#"
          11.001 s1 +try-failover master mymaster 10.0.0.1 6379
          11.002 s1 +failover-state-select-slave master mymaster 10.0.0.1 6379
          11.004 s1 +failover-state-send-slaveof-noone slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          11.004 s1 +failover-state-wait-promotion slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
          11.006 s1 +failover-state-reconf-slaves master mymaster 10.0.0.1 6379
          11.006 s1 +slave-reconf-sent slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          11.006 s1 +slave-reconf-sent slave 10.0.0.4:6379 10.0.0.4 6379 @ mymaster 10.0.0.1 6379
          11.008 s1 +slave-reconf-inprog slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          11.008 s1 +slave-reconf-inprog slave 10.0.0.4:6379 10.0.0.4 6379 @ mymaster 10.0.0.1 6379
          11.412 s1 +slave-reconf-done slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
          11.412 s1 +slave-reconf-sent slave 10.0.0.5:6379 10.0.0.5 6379 @ mymaster 10.0.0.1 6379
          11.412 s1 +slave-reconf-done slave 10.0.0.4:6379 10.0.0.4 6379 @ mymaster 10.0.0.1 6379
          11.412 s1 +slave-reconf-sent slave 10.0.0.6:6379 10.0.0.6 6379 @ mymaster 10.0.0.1 6379
          11.414 s1 +slave-reconf-inprog slave 10.0.0.5:6379 10.0.0.5 6379 @ mymaster 10.0.0.1 6379
          11.414 s1 +slave-reconf-inprog slave 10.0.0.6:6379 10.0.0.6 6379 @ mymaster 10.0.0.1 6379
          11.818 s1 +slave-reconf-done slave 10.0.0.5:6379 10.0.0.5 6379 @ mymaster 10.0.0.1 6379
          11.818 s1 +slave-reconf-done slave 10.0.0.6:6379 10.0.0.6 6379 @ mymaster 10.0.0.1 6379
          11.818 s1 +failover-end master mymaster 10.0.0.1 6379
    "#]].assert_eq(&story);
}

#[test]
fn a_replica_that_follows_someone_else_is_put_right() {
    let mut world = settled();
    world.redis.get_mut("10.0.0.3").unwrap().following = Some(("10.0.0.2".into(), 6379));
    world.run_for(80_000);
    expect![[r#"
          70.010 s1 +fix-slave-config slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379
    "#]]
    .assert_eq(&world.story_of(0));
    assert_eq!(world.redis["10.0.0.3"].following, Some(("10.0.0.1".into(), 6379)));
}

#[test]
fn a_promotion_that_does_not_happen_is_given_up() {
    let mut world = settled_with("failover-timeout mymaster 3000");
    world.redis.get_mut("10.0.0.2").unwrap().refuses = "SLAVEOF";
    world.kill_redis("10.0.0.1");
    world.run_for(9_000);
    let story = world.story();
    assert!(story.contains("-failover-abort-slave-timeout"), "{story}");
}

#[test]
fn votes_survive_a_crash() {
    let mut world = settled();
    let ask = |world: &mut World, epoch: u64, id: &str| {
        let id = id.repeat(40);
        world.ask(0, &format!("SENTINEL is-master-down-by-addr 10.0.0.1 6379 {epoch} {id}"))
    };
    let vote = |id: &str, epoch| {
        Reply::Array(vec![Reply::Integer(0), Reply::bulk(id.repeat(40)), Reply::Integer(epoch)])
    };
    assert_eq!(ask(&mut world, 5, "a"), vote("a", 5));
    assert_eq!(ask(&mut world, 5, "b"), vote("a", 5));
    world.run_for(10);
    world.kill_sentinel(0);
    world.restart_sentinel(0);
    world.run_for(10);
    // Whom it voted for is forgotten, but not that it voted.
    let forgotten = Reply::Array(vec![Reply::Integer(0), Reply::bulk("*"), Reply::Integer(5)]);
    assert_eq!(ask(&mut world, 5, "b"), forgotten);
    assert_eq!(ask(&mut world, 6, "b"), vote("b", 6));
}

#[test]
fn what_was_said_of_the_old_master_is_not_held_against_the_new() {
    let mut world = settled_with("down-after-milliseconds mymaster 1000");
    world.kill_redis("10.0.0.1");
    world.run_until(2_000, |world| all_agree(world, "10.0.0.2"));
    // Only one of them loses sight of the new master, within the time in which an answer counts.
    world.quietly_run_for(1_100);
    world.redis.get_mut("10.0.0.2").unwrap().paused = true;
    world.kill_sentinel(1);
    world.kill_sentinel(2);
    world.run_for(6_000);
    let story = world.story_of(0);
    assert!(story.contains("+sdown master mymaster 10.0.0.2 6379"), "{story}");
    assert!(!story.contains("+odown"), "{story}");
}
