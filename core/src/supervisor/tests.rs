//! Random inputs in virtual time: whatever the world says, the machine keeps its invariants.

mod announced;
mod answers;
mod audit;
mod disk;
mod identities;
mod reached;
mod room;
mod rules;
mod words;
mod world;

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::delivery::durable::Durability;
use crate::id::Identity;
use crate::supervisor::tests::audit::Audit;
use crate::supervisor::tests::disk::Disk;
use crate::supervisor::tests::reached::Reached;
use crate::supervisor::tests::world::{Dice, World};

/// Enough to open a link, break it, and see a repair through.
const LONGEST: usize = 200;

fn settings(seed: u64) -> Settings {
    Settings {
        held_messages: 4,
        held_bytes: 64,
        seed,
        membership: if seed.is_multiple_of(2) { Membership::ServerListed } else { Membership::SelfAnnounced },
        spares: if (seed / 4).is_multiple_of(2) { Spares::OtherUplink } else { Spares::Never },
        durability: if (seed / 2).is_multiple_of(2) { Durability::InMemory } else { Durability::Durable },
        servers: vec!["wss://one.test".into(), "wss://two.test".into()],
        ..Settings::new(Identity(1), "")
    }
}

/// Plays one sequence, checks the rules after every input, and returns everything that came out.
fn play(seed: u64, start: Instant, throws: &[Dice]) -> Result<Vec<Vec<Output>>, TestCaseError> {
    let mut machine = Supervisor::new(settings(seed), answers::policies(seed), start);
    let mut world = World::new(start);
    let (mut audit, mut disk) = (Audit::default(), Disk::default());
    let (mut told, mut inputs) = (Vec::new(), Vec::new());
    // most runs begin with a intent, and all on a host with two uplinks
    for throw in [[185, seed as u8, 0, 0], [250, 2, 0, 0]].iter().chain(throws) {
        let (input, now) = world.next(throw, &machine);
        let before = rules::Before::new(&machine, &input, &audit);
        machine.handle_input(input.clone(), now);
        let outputs: Vec<Output> = std::iter::from_fn(|| machine.poll_output()).collect();
        world.watch(&outputs);
        inputs.push(format!("{:>8?} {input:?}", now.duration_since(start)));
        audit
            .record(&outputs, now)
            .and_then(|()| disk.check(&machine, &outputs))
            .and_then(|()| rules::check(&machine, &input, &outputs, &before, &audit))
            .map_err(|error| format!("{error}\nafter\n{}\ncame {outputs:#?}", inputs.join("\n")))
            .map_err(TestCaseError::fail)?;
        told.push(outputs);
    }
    Ok(told)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_whatever_happens(
        seed: u64,
        throws in prop::collection::vec(any::<[u8; 4]>(), 20..LONGEST),
    ) {
        play(seed, Instant::now(), &throws)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_replays_exactly_from_its_seed(
        seed: u64,
        throws in prop::collection::vec(any::<[u8; 4]>(), 20..LONGEST),
    ) {
        let start = Instant::now();
        let (one, two) = (play(seed, start, &throws)?, play(seed, start, &throws)?);
        prop_assert_eq!(format!("{one:?}"), format!("{two:?}"));
    }
}

#[test]
fn the_random_world_reaches_what_matters() {
    let mut reached = Reached::default();
    let mut dice = crate::rng::Rng::new(1);
    for seed in 0..400 {
        let throws: Vec<Dice> = (0..LONGEST).map(|_| (dice.next_u64() as u32).to_le_bytes()).collect();
        let told = play(seed, Instant::now(), &throws).unwrap();
        told.iter().flatten().for_each(|output| reached.record(output));
    }
    assert!(reached.everything(), "{reached:?}");
}

/// The tests' short way to a duration.
fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
