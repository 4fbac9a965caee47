//! A scenario is data: the setting of its world, the actions in it, and what the peers must detect.

pub mod action;
pub mod machines;
mod outage;
pub mod table;

use std::time::Duration;

use crate::fault::Side;
use crate::scenario::action::Action;
use crate::topology::Nat;
use rejoin_demo::harness::Link;

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The name on the command line.
    pub name: &'static str,
    /// What happens, in one sentence without its full stop.
    pub description: &'static str,
    /// The category that it belongs to.
    pub category: Category,
    /// The host that the faults target, on which the target role runs.
    pub target: Side,
    /// The setting of its world.
    pub setting: Setting,
    /// The actions, in order.
    pub actions: Vec<Action>,
    /// The link whose recovery is measured.
    pub measured: Link,
    /// Which peers must detect the fault; otherwise a fault that was never injected would count as a pass.
    pub detection: Detection,
}

/// The category of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
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

/// The setting of a scenario's world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The address translation of the routers, with IPv4.
    pub nat: Nat,
    /// The ICE servers that the peers use.
    pub ice_servers: IceServers,
    /// How the peers address the signaling server.
    pub server: ServerAddressing,
    /// More arguments of both peers.
    pub arguments: &'static [&'static str],
}

impl Default for Setting {
    /// Two home connections that need STUN to reach each other.
    fn default() -> Self {
        Self {
            nat: Nat::PortPreserving,
            ice_servers: IceServers::Stun,
            server: ServerAddressing::Address,
            arguments: &[],
        }
    }
}

/// The ICE servers that the peers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceServers {
    /// None: the peers reach each other at their own addresses.
    None,
    /// A STUN server.
    Stun,
    /// A STUN and TURN server.
    Turn,
}

/// How the peers address the signaling server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerAddressing {
    /// By its address.
    Address,
    /// By its name, which the lab's name server resolves.
    Name,
}

/// Which peers must detect the fault on the measured link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detection {
    /// Both peers must have an incident.
    ByBoth,
    /// One of the peers at least must have an incident.
    ByAny,
    /// None: a patient profile may not react.
    Optional,
}

/// Returns how long a profile may take to recover after the end of the faults; then the run has failed.
///
/// For `vdo-ninja` and `conservative` this is the sum of their settings: the longest backoff, the timeout of a failed
/// attempt and another attempt.
pub fn recovery_timeout(profile: &str) -> Duration {
    match profile {
        "aggressive" => Duration::from_secs(45),
        "vdo-ninja" => Duration::from_secs(90),
        _ => Duration::from_secs(200),
    }
}
