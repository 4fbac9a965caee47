//! What a run is made of: the weather, the faults and what the two say, drawn by proptest and shrunk by it.

use std::ops::RangeInclusive;
use std::time::Duration;

use proptest::prelude::*;
use rejoin_core::delivery::durable::Durability;

use crate::server::Node;

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// For what is too small to be planned: jitter, and which frame comes twice.
    pub(crate) seed: u64,
    pub(crate) climate: Climate,
    pub(crate) disasters: Vec<Disaster>,
    pub(crate) bursts: Vec<Burst>,
}

/// What holds during a whole run.
#[derive(Clone, Debug)]
pub(crate) struct Climate {
    pub(crate) repairs: Repairs,
    /// Whose mail outlives its processes.
    pub(crate) durability: [Durability; 2],
    /// How many messages a link keeps.
    pub(crate) held_messages: usize,
    /// How many messages a data channel takes before it is full.
    pub(crate) capacity: usize,
    /// The longest time that a message takes from one node to the other.
    pub(crate) latency: Duration,
    /// Of so many messages one travels in parts; 0 for none.
    pub(crate) large: u64,
    /// Of so many frames from the server, one comes twice and one comes late; 0 for none.
    pub(crate) echo: u64,
    pub(crate) names: Names,
}

/// What the server calls a node that opens another socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Something else.
    New,
    /// What it was called before.
    Kept,
}

/// How broken links are repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Repairs {
    /// The plain ladder of the scripts.
    Plain,
    Ladder,
    Rebuild,
    Hedged,
    /// Rebuilds and dials again after 100 ms.
    Prompt,
}

/// What breaks, when, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disaster {
    pub(crate) at: Duration,
    pub(crate) lasts: Duration,
    pub(crate) trouble: Trouble,
}

/// What breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Nothing passes between the two.
    Path,
    /// What a node sends to the other does not arrive.
    OneWay(Node),
    /// Little passes between the two.
    Slow,
    /// What the connections of this moment carry arrives late, perhaps behind what another one carries.
    Late,
    /// Nothing passes between a node and the server.
    Server(Node),
    /// The server restarts.
    Crash,
    /// A node moves to another network; what was bound to the old one is dead.
    Move(Node),
    /// A node loses its network and knows it.
    Lost(Node),
    /// A node's process is killed and another takes its place at once.
    Kill(Node),
    /// A node's host sleeps.
    Sleep(Node),
    /// The data channels close under both.
    Channel,
    /// ICE fails on a node's connections.
    Ice(Node),
    /// A node's application asks for a repair.
    Restart(Node),
    /// A node's socket breaks, with all that it carries.
    Socket(Node),
}

/// What a node says in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Burst {
    pub(crate) at: Duration,
    pub(crate) node: Node,
    pub(crate) messages: u32,
    pub(crate) pace: Duration,
}

/// How large runs are.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// When faults begin, in milliseconds.
    pub(crate) begin: RangeInclusive<u64>,
    /// The longest of common faults, in milliseconds.
    pub(crate) longest: u64,
    pub(crate) disasters: RangeInclusive<usize>,
    pub(crate) bursts: RangeInclusive<usize>,
    /// The longest burst.
    pub(crate) messages: u32,
    pub(crate) weather: Weather,
}

/// How odd runs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Faults that a link gets over within its longest pause, and a channel without bounds.
    Fair,
    /// Everything that a reliable, ordered channel permits.
    Foul,
}

/// Returns the strategy of proptest that draws scripts of a shape.
pub(crate) fn script(shape: &Shape, seed: u64) -> impl Strategy<Value = Script> + use<> {
    let Shape { begin, longest, disasters, bursts, messages, weather } = shape.clone();
    let until = *begin.end() + longest;
    let trouble = match weather {
        Weather::Fair => fair_trouble().boxed(),
        Weather::Foul => prop_oneof![3 => fair_trouble(), 2 => foul_trouble()].boxed(),
    };
    let climate = match weather {
        Weather::Fair => names().prop_map(|names| Climate { names, ..Climate::fair() }).boxed(),
        Weather::Foul => foul_climate().boxed(),
    };
    let lasts = match weather {
        Weather::Fair => (200..=longest).boxed(),
        // now and then long enough for a publisher to give its viewer up
        Weather::Foul => prop_oneof![14 => 200..=longest, 1 => longest..=longest * 5].boxed(),
    };
    let disaster = (begin, lasts, trouble).prop_map(|(at, lasts, trouble)| Disaster {
        at: Duration::from_millis(at),
        lasts: Duration::from_millis(lasts),
        trouble,
    });
    let burst = (0..=until, node(), 1..=messages, 0..20u64).prop_map(|(at, node, messages, pace)| Burst {
        at: Duration::from_millis(at),
        node,
        messages,
        pace: Duration::from_millis(pace),
    });
    (climate, prop::collection::vec(disaster, disasters), prop::collection::vec(burst, bursts))
        .prop_map(move |(climate, disasters, bursts)| Script { seed, climate, disasters, bursts })
}

impl Climate {
    pub(crate) fn fair() -> Self {
        Self {
            repairs: Repairs::Plain,
            durability: [Durability::InMemory; 2],
            held_messages: 4096,
            capacity: usize::MAX,
            latency: Duration::from_millis(20),
            large: 0,
            echo: 0,
            names: Names::New,
        }
    }
}

fn node() -> impl Strategy<Value = Node> {
    0..2usize
}

fn names() -> impl Strategy<Value = Names> {
    prop_oneof![Just(Names::New), Just(Names::Kept)]
}

fn fair_trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        2 => Just(Trouble::Path),
        1 => node().prop_map(Trouble::Server),
        1 => Just(Trouble::Crash),
        1 => node().prop_map(Trouble::Move),
        1 => node().prop_map(Trouble::Lost),
        1 => node().prop_map(Trouble::Kill),
    ]
}

fn foul_trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        2 => node().prop_map(Trouble::OneWay),
        1 => Just(Trouble::Slow),
        1 => Just(Trouble::Late),
        1 => node().prop_map(Trouble::Sleep),
        1 => Just(Trouble::Channel),
        1 => node().prop_map(Trouble::Ice),
        1 => node().prop_map(Trouble::Restart),
    ]
}

fn foul_climate() -> impl Strategy<Value = Climate> {
    let repairs = prop_oneof![
        Just(Repairs::Plain),
        Just(Repairs::Ladder),
        Just(Repairs::Rebuild),
        Just(Repairs::Hedged)
    ];
    let durability = prop_oneof![2 => Just([Durability::InMemory; 2]), 2 => Just([Durability::Durable; 2]), 1 => Just([Durability::InMemory, Durability::Durable]), 1 => Just([Durability::Durable, Durability::InMemory])];
    let held_messages = prop_oneof![2 => Just(4096usize), 1 => 1usize..=300];
    let capacity = prop_oneof![1 => Just(usize::MAX), 1 => 8usize..=200];
    let latency = prop_oneof![3 => 5u64..=60, 1 => 60u64..=400];
    let large = prop_oneof![2 => Just(0u64), 1 => 200u64..=1_000];
    let echo = prop_oneof![1 => Just(0u64), 1 => 3u64..=20];
    (repairs, durability, held_messages, capacity, latency, large, echo, names()).prop_map(
        |(repairs, durability, held_messages, capacity, latency, large, echo, names)| Climate {
            repairs,
            durability,
            held_messages,
            capacity,
            latency: Duration::from_millis(latency),
            large,
            echo,
            names,
        },
    )
}
