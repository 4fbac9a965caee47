//! An exchange of offer and answer loses a socket: it goes on over the next at once, whatever was under way.

use std::time::Duration;

use crate::script::{Climate, Disaster, Names, Repairs, Script, Trouble};
use crate::world::{Story, World};

/// When a connection fails and the exchange begins; both are up and proven by then.
const BEGIN: Duration = Duration::from_secs(30);
/// From the first word of the exchange to its end, in steps of a quarter of the way from a node to the server.
const MOMENTS: u32 = 60;
const STEP: Duration = Duration::from_millis(5);
/// A socket that dials again after 100 ms, the exchange anew, and two looks of the engine at its path; the limit of
/// an answer is 10 s.
const SOON: Duration = Duration::from_millis(1_000);

#[test]
fn a_socket_that_breaks_costs_no_limit() {
    let late = late(Trouble::Socket);
    assert!(late.is_empty(), "{}", late.join("\n"));
}

#[test]
fn a_network_that_switches_costs_no_limit() {
    let late = late(Trouble::Move);
    assert!(late.is_empty(), "{}", late.join("\n"));
}

/// Returns when, and on which side, what breaks in the middle of an exchange lets it take long.
fn late(breaks: fn(usize) -> Trouble) -> Vec<String> {
    let mut late = Vec::new();
    for (begins, names) in [Trouble::Ice(0), Trouble::Ice(1), Trouble::Channel]
        .into_iter()
        .flat_map(|begins| [Names::New, Names::Kept].map(|names| (begins, names)))
    {
        for (node, moment) in (0..2).flat_map(|node| (0..MOMENTS).map(move |moment| (node, moment))) {
            let at = BEGIN + STEP * moment;
            let mut world = World::new(&broken(begins, (at, breaks(node)), names), Story::Untold);
            world.run();
            let took = world.whole_after(at);
            let soon = if took > SOON { Err(format!("took {took:?}")) } else { world.verdict() };
            if let Err(error) = soon {
                late.push(format!("{begins:?}, names {names:?}, {node} at {at:?}: {error}"));
            }
        }
    }
    late
}

/// Returns the script in which an exchange begins and something breaks in the middle of it.
fn broken(begins: Trouble, (at, breaks): (Duration, Trouble), names: Names) -> Script {
    let climate = Climate { repairs: Repairs::Prompt, names, ..Climate::fair() };
    let disaster = |at, trouble| Disaster { at, lasts: Duration::ZERO, trouble };
    let disasters = vec![disaster(BEGIN, begins), disaster(at, breaks)];
    Script { seed: at.as_millis() as u64, climate, disasters, bursts: Vec::new() }
}
