//! Two machines, a server and the paths between them, broken at random: afterwards everything is as if nothing had been.
//!
//! The engine and the server are models, just deep enough to be broken; each run replays from its seed.

#[path = "pair/audit.rs"]
mod audit;
#[path = "pair/engine.rs"]
mod engine;
#[path = "pair/exchange.rs"]
mod exchange;
#[path = "pair/falsified.rs"]
mod falsified;
#[path = "scripts/policies.rs"]
mod policies;
#[path = "pair/script.rs"]
mod script;
#[path = "pair/server.rs"]
mod server;
#[path = "pair/store.rs"]
mod store;
#[path = "pair/tally.rs"]
mod tally;
#[path = "pair/world.rs"]
mod world;

use std::cell::RefCell;
use std::thread;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use script::{Script, Shape, Weather, script};
use tally::Tally;
use world::{Story, World};

/// Enough to come by every pair of faults, in seconds of a debug build.
const SHORT_RUNS: u64 = 300;
/// Enough to come by most orders of three faults.
const DENSE_RUNS: u64 = 200;
/// Enough for a million messages over a thousand faults.
const LONG_RUNS: u64 = 110;
/// All of them, and the death of processes with mail that is kept.
const KINDS_OF_FAULTS: usize = 14;
/// A long run whose faults have been thinned out so often is small enough to read.
const MOST_SHRINKING: u32 = 1_000;
/// So is one after this time, in milliseconds.
const LONGEST_SHRINKING: u32 = 60_000;

#[test]
fn two_machines_find_each_other_again_and_lose_nothing() {
    let tally = run_all(&short(), 0..SHORT_RUNS);
    println!("{tally}");
}

#[test]
fn a_million_messages_survive_a_thousand_faults() {
    let half = LONG_RUNS / 2;
    let other = thread::spawn(move || run_all(&long(), 0..half));
    let mut tally = run_all(&long(), half..LONG_RUNS);
    tally += &other.join().unwrap();
    println!("{tally}");
    assert!(tally.count.accepted >= 1_000_000);
    assert!(tally.faults.values().sum::<u64>() >= 1_000);
    assert_eq!(tally.faults.len(), KINDS_OF_FAULTS);
    // nothing was proven about what did not happen
    let Tally { unsent, repeated, stale, large, echoes, lost, .. } = tally;
    let happened = [tally.count.gaps, tally.count.again, unsent, repeated, stale, large, echoes, lost];
    assert!(happened.iter().all(|times| *times > 50), "{happened:?}");
}

#[test]
fn a_minute_in_which_everything_fails_loses_nothing() {
    let tally = run_all(&dense(), 0..DENSE_RUNS);
    println!("{tally}");
    assert!(tally.faults.values().sum::<u64>() >= 10 * DENSE_RUNS);
}

/// `REJOIN_SEED=7 cargo test -p rejoin-core --test pair one_run` looks for the smallest part of a run that fails and
/// tells its story.
#[test]
fn one_run_is_replayed_from_its_seed() {
    let seed = std::env::var("REJOIN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for shape in [short(), dense(), long()] {
        if let Err(failure) = run_one(&shape, seed, MOST_SHRINKING) {
            if let Some(smallest) = &failure.smallest {
                let mut world = World::new(smallest, Story::SentSignaling);
                world.run();
                println!("{}\n{smallest:?}", world.story.join("\n"));
            }
            panic!("REJOIN_SEED={seed}, {:?} weather: {}", shape.weather, failure.reason);
        }
    }
}

/// Six faults and forty messages, as a person would try it.
fn short() -> Shape {
    Shape {
        begin: 5_000..=120_000,
        longest: 60_000,
        disasters: 0..=6,
        bursts: 40..=40,
        messages: 1,
        weather: Weather::Fair,
    }
}

/// Faults upon faults, while the last one is still under repair.
fn dense() -> Shape {
    Shape {
        begin: 1_000..=60_000,
        longest: 8_000,
        disasters: 5..=40,
        bursts: 60..=60,
        messages: 20,
        weather: Weather::Foul,
    }
}

/// A few minutes in a bad hotel.
fn long() -> Shape {
    Shape {
        begin: 5_000..=240_000,
        longest: 30_000,
        disasters: 8..=20,
        bursts: 100..=100,
        messages: 200,
        weather: Weather::Foul,
    }
}

fn run_all(shape: &Shape, seeds: std::ops::Range<u64>) -> Tally {
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    for seed in seeds {
        match run_one(shape, seed, 0) {
            Ok(one) => tally += &one,
            Err(failure) => failed.push(format!("REJOIN_SEED={seed}: {}", failure.reason)),
        }
    }
    assert!(
        failed.is_empty(),
        "{} runs in {:?} weather failed\n{}",
        failed.len(),
        shape.weather,
        failed.join("\n")
    );
    tally
}

/// Why a run failed, and the smallest part of it that does.
struct Failure {
    reason: String,
    smallest: Option<Script>,
}

/// Runs the script of a seed; if it fails, finds a smaller one that fails too.
fn run_one(shape: &Shape, seed: u64, most_shrinking: u32) -> Result<Tally, Box<Failure>> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: 1,
        max_shrink_iters: most_shrinking,
        max_shrink_time: LONGEST_SHRINKING,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tally = RefCell::new(Tally::default());
    let outcome = runner.run(&script(shape, seed), |script| {
        let mut world = World::new(&script, Story::Untold);
        world.run();
        tally.replace(world.tally());
        let punctual = match shape.weather {
            Weather::Fair => world.punctuality(),
            Weather::Foul => Ok(()),
        };
        world.verdict().and(punctual).map_err(TestCaseError::fail)
    });
    outcome.map(|()| tally.into_inner()).map_err(|error| {
        let (reason, smallest) = match error {
            TestError::Fail(reason, smallest) => (reason.to_string(), Some(smallest)),
            TestError::Abort(reason) => (reason.to_string(), None),
        };
        Box::new(Failure { reason, smallest })
    })
}
