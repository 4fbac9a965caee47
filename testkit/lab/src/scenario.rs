//! A scenario is data: what the world is like, what happens in it, and what must be noticed.

pub mod act;
pub mod machines;
pub mod table;

use std::time::Duration;

use crate::fault::Side;
use crate::incident::Link;
use crate::plan::Nat;
use crate::scenario::act::Act;

/// A disaster, told as data.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The word by which it is chosen.
    pub name: &'static str,
    /// What happens, in one sentence without its full stop.
    pub story: &'static str,
    /// Which of the project's scenarios it belongs to.
    pub chapter: Chapter,
    /// The host that is hit, on which the role under test runs.
    pub hit: Side,
    /// What the world is like.
    pub setting: Setting,
    /// What happens, in order.
    pub acts: Vec<Act>,
    /// The link whose way back is measured.
    pub measured: Link,
    /// What must be noticed, so that a fault that did not happen does not pass for one that was survived.
    pub noticed: Noticed,
}

/// Which of the project's scenarios a scenario belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chapter {
    /// 1: no network for ten seconds and more.
    NetworkGone,
    /// 2: the signaling server is killed and restarted.
    ServerRestart,
    /// 3: STUN and TURN servers cannot be reached, or nothing else can.
    StunTurnBlocked,
    /// 4: other platforms, other limits.
    Platforms,
    /// 5: heavy loss and latency.
    LossLatency,
    /// 6: from WiFi to cellular and back.
    UplinkSwitch,
    /// NAT, one-way loss, half-open TCP, killed peers, servers that accept and drop.
    Extra,
}

/// What the world of a scenario is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What the routers do to addresses, where there is IPv4.
    pub nat: Nat,
    /// Which servers help the peers to find a way.
    pub relay: Relay,
    /// How the peers are told of the signaling server.
    pub server: Called,
    /// What the peers are told besides.
    pub arguments: &'static [&'static str],
}

impl Default for Setting {
    /// Two home connections that need STUN to reach each other.
    fn default() -> Self {
        Self { nat: Nat::PortPreserving, relay: Relay::Stun, server: Called::ByAddress, arguments: &[] }
    }
}

/// Which servers help the peers to find a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relay {
    /// None: the peers reach each other by their own addresses.
    None,
    /// One that tells them their addresses.
    Stun,
    /// One that relays as well.
    Turn,
}

/// How the peers are told of the signaling server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// By its address.
    ByAddress,
    /// By its name, which the lab's name server knows.
    ByName,
}

/// What must be noticed, by anybody, on the measured link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// Both peers must have an incident.
    ByBoth,
    /// One of the peers at least must have an incident.
    BySomebody,
    /// A patient profile may sleep through it.
    Perhaps,
}

/// Returns the longest that a profile may take to be whole again after everything is mended.
///
/// For `vdo-ninja` and `conservative` this is what their pages add up to: the longest backoff, the limit of a fruitless
/// attempt and another one; beyond this a run has failed.
pub fn patience(profile: &str) -> Duration {
    match profile {
        "aggressive" => Duration::from_secs(45),
        "vdo-ninja" => Duration::from_secs(90),
        _ => Duration::from_secs(200),
    }
}
