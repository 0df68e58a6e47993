//! For any seed: cuts, drops, slow verdicts, a log that fails, cancels and hang-ups in any order.
//!
//! The checks are in `world.rs`, where the world does what they are about:
//! S1 no effect at the upstream, and no row at the agent, before its entry is durable;
//! S2 every question has one final verdict at most;
//! S3 no card number reaches the agent;
//! S5 no command that policy refuses reaches the upstream.

use crate::world::World;

/// Worlds lived through, each from its own seed.
const SEEDS: u64 = 400;

/// Things that happen in one world.
const STEPS: usize = 800;

#[test]
fn for_any_seed_no_promise_is_broken() {
    let mut ran = 0;
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        ran += world.effects();
    }
    assert!(ran > SEEDS, "the worlds did next to nothing: {ran} effects");
}

#[test]
fn a_world_without_faults_answers_everything() {
    for seed in 0..10 {
        let mut world = World::calm(seed);
        for _ in 0..STEPS {
            world.step();
        }
        world.settle();
        assert_eq!(world.unanswered(), 0, "seed {seed}");
    }
}
