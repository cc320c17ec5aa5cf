//! Seeds, and whether the invariants notice anything at all.

use redan_sim::{Break, World, run};

/// Runs a range of seeds and tells how many failovers there were.
fn hold(seeds: std::ops::Range<u64>) -> usize {
    let run = |seed| run(seed).unwrap_or_else(|failure| panic!("{failure}")).failovers;
    seeds.map(run).sum()
}

#[test]
fn seeds_0_to_49_hold() {
    assert!(hold(0..50) > 50, "faults lead to failovers");
}

#[test]
fn seeds_50_to_99_hold() {
    assert!(hold(50..100) > 50, "faults lead to failovers");
}

#[test]
fn seeds_100_to_149_hold() {
    assert!(hold(100..150) > 50, "faults lead to failovers");
}

#[test]
fn seeds_150_to_199_hold() {
    assert!(hold(150..200) > 50, "faults lead to failovers");
}

#[test]
fn a_seed_always_tells_the_same_story() {
    assert_eq!(run(7), run(7));
    assert_ne!(run(7).map(|report| report.trace), run(8).map(|report| report.trace));
}

/// What is wrong with a world that has a bug, for one of the first seeds.
fn found(bug: Break) -> String {
    (0..100).find_map(|seed| World::new(seed, Some(bug)).run().err()).expect("the bug shows").violation
}

#[test]
fn a_replica_that_loses_writes_is_found() {
    assert!(found(Break::LosesWrites).contains("do not continue"));
}

#[test]
fn nodes_that_do_not_follow_are_found() {
    assert!(found(Break::FollowsNobodyElse).contains("no convergence"));
}

#[test]
fn sentinels_that_vote_for_all_are_found() {
    assert!(found(Break::VotesForAll).contains("two leaders"));
}
