//! Two machines, a server and the paths between them, broken at random: afterwards everything is as if nothing had been.
//!
//! The engine and the server are models, just deep enough to be broken; each run replays from its seed.

#[path = "pair/engine.rs"]
mod engine;
#[path = "scripts/policies.rs"]
mod policies;
#[path = "pair/server.rs"]
mod server;
#[path = "pair/world.rs"]
mod world;

use world::World;

/// Enough to come by every pair of faults, in seconds of a debug build.
const RUNS: u64 = 300;

#[test]
fn two_machines_find_each_other_again_and_lose_nothing() {
    let failed: Vec<String> = (0..RUNS)
        .filter_map(|seed| {
            let mut world = World::new(seed);
            world.run();
            world.verdict().err().map(|error| format!("seed {seed}: {error}"))
        })
        .collect();
    assert!(failed.is_empty(), "{} of {RUNS} failed\n{}", failed.len(), failed.join("\n"));
}

/// `REJOIN_SEED=7 cargo test -p rejoin-core --test pair one -- --nocapture` tells the story of one run.
#[test]
fn one_run_tells_its_story() {
    let seed = std::env::var("REJOIN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let mut world = World::new(seed);
    world.run();
    println!("{}", world.story.join("\n"));
    assert_eq!(world.verdict(), Ok(()));
}
