//! A failover of our own that a later one of somebody else has overtaken.

mod rig;

use rig::World;

const PEER: &str = "2222222222222222222222222222222222222222";

#[test]
fn a_failover_overtaken_by_one_back_to_the_old_master_gives_way() {
    let mut world = World::standard(3, 2, "monitor mymaster 10.0.0.1 6379 2");
    world.quietly_run_for(10_000);
    // The other replica does not answer, so that the failover does not end at once.
    world.kill_redis("10.0.0.3");
    world.run_for(500);
    world.ask(0, "SENTINEL FAILOVER mymaster");
    world.run_until(10_000, |world| world.master_of(0) == "10.0.0.2");

    let hello = format!("10.0.1.2,26379,{PEER},9,mymaster,10.0.0.1,6379,9");
    let now = world.now();
    world.nodes[0].sentinel.handle_publish(now, b"__sentinel__:hello", hello.as_bytes());
    assert_eq!(world.master_of(0), "10.0.0.1");
    let config = world.nodes[0].sentinel.to_config();
    assert_eq!((config.masters[0].host.as_str(), config.masters[0].config_epoch), ("10.0.0.1", 9));

    // It stays so: nothing of the old failover is left to end.
    world.quietly_run_for(2_000);
    assert_eq!(world.master_of(0), "10.0.0.1");
}
