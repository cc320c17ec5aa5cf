//! Host names: looked up beside the timers, never waited for, and never the reason for two records of one instance.

mod rig;

use redan_sentinel::{Input, Output, Reply};
use rig::World;
use rig::redis::FakeRedis;

/// A master known by name that lists its replicas as told.
fn world(replicas: &[&str]) -> World {
    let mut world = World::new();
    for n in 1..=3usize {
        world.dns.insert(format!("redis-{}", n - 1), format!("10.0.0.{n}"));
    }
    let replicas = replicas.iter().map(|host| host.to_string()).collect();
    world.redis.insert("10.0.0.1".into(), FakeRedis { replicas, ..FakeRedis::master(1) });
    for n in 2..=3 {
        world.redis.insert(format!("10.0.0.{n}"), FakeRedis::replica(n, "redis-0", 100));
    }
    world.add_sentinel("resolve-hostnames yes\nmonitor mymaster redis-0 6379 1");
    world
}

fn replicas(world: &mut World) -> Vec<String> {
    let Reply::Array(items) = world.ask(0, "SENTINEL REPLICAS mymaster") else { panic!("an array") };
    let name = |item: &Reply| match item {
        Reply::Map(pairs) => match &pairs[0].1 {
            Reply::Bulk(name) => String::from_utf8_lossy(name).into_owned(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    items.iter().map(name).collect()
}

#[test]
fn a_replica_listed_by_name_and_by_address_is_one() {
    let mut world = world(&["10.0.0.2", "redis-1", "REDIS-2"]);
    world.run_for(12_000);
    assert_eq!(replicas(&mut world), ["10.0.0.2:6379", "REDIS-2:6379"]);
}

#[test]
fn a_name_that_does_not_resolve_is_a_replica_all_the_same() {
    let mut world = world(&["redis-1", "nowhere"]);
    world.run_for(12_000);
    assert_eq!(replicas(&mut world), ["redis-1:6379", "nowhere:6379"]);
    let flags = world.ask(0, "SENTINEL REPLICAS mymaster");
    assert!(format!("{flags:?}").contains(&format!("{:?}", Reply::bulk("slave,disconnected"))));
}

#[test]
fn announced_is_the_address_or_the_name() {
    let mut world = world(&["redis-1", "redis-2"]);
    world.run_for(1_000);
    assert_eq!(world.master_of(0), "10.0.0.1");
    world.ask(0, "SENTINEL CONFIG SET announce-hostnames yes");
    assert_eq!(world.master_of(0), "redis-0");
    // What is remembered are names either way, so that the same instances are found after a restart.
    let config = world.nodes[0].sentinel.to_config();
    assert_eq!(config.masters[0].host, "redis-0");
    assert_eq!(config.masters[0].replicas, [("redis-1".to_owned(), 6379), ("redis-2".to_owned(), 6379)]);
}

#[test]
fn another_sentinel_may_speak_of_the_master_by_either() {
    let mut world = world(&[]);
    world.run_for(1_000);
    let vote = |world: &mut World, host: &str, epoch: u64| {
        let id = "a".repeat(40);
        world.ask(0, &format!("SENTINEL is-master-down-by-addr {host} 6379 {epoch} {id}"))
    };
    for (epoch, host) in ["redis-0", "10.0.0.1", "Redis-0"].into_iter().enumerate() {
        let epoch = epoch as u64 + 1;
        let Reply::Array(parts) = vote(&mut world, host, epoch) else { panic!("an array") };
        assert_eq!(parts[1], Reply::bulk("a".repeat(40)), "{host}");
    }
    let Reply::Array(parts) = vote(&mut world, "redis-1", 9) else { panic!("an array") };
    assert_eq!(parts[1], Reply::bulk("*"));
}

#[test]
fn lookups_do_not_pile_up() {
    let mut world = World::new();
    // DNS that never answers.
    world.add_sentinel("resolve-hostnames yes\nmonitor mymaster redis-0 6379 1");
    let mut now = world.now();
    let mut asked = 0;
    for _ in 0..60 {
        now.mono.0 += 1_000;
        world.nodes[0].sentinel.handle_timeout(now);
        while let Some(output) = world.nodes[0].sentinel.poll_output() {
            asked += usize::from(matches!(output, Output::Resolve { .. }));
        }
    }
    assert_eq!(asked, 0, "the first one, from before, is still under way");
    world.nodes[0]
        .sentinel
        .handle(now, Input::Resolved { name: "redis-0".into(), ip: Some("10.0.0.1".into()) });
    let connects = std::iter::from_fn(|| world.nodes[0].sentinel.poll_output());
    assert_eq!(connects.filter(|output| matches!(output, Output::Connect { .. })).count(), 2, "at once");
}
