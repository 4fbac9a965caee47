//! The topology of a world: round-trip time, NAT, address family and servers.

use std::time::Duration;

use clap::ValueEnum;

/// The topology of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Seeds every random decision of the emulated links.
    pub seed: u64,
    /// The round-trip time between `a` and `b`, and between each of them and the servers; zero for none.
    pub rtt: Duration,
    /// The address translation of the routers of `a` and `b`.
    pub nat: Nat,
    /// The address family of the hosts.
    pub family: Family,
    /// Whether there is a STUN and TURN server.
    pub turn: bool,
}

impl Default for Topology {
    fn default() -> Self {
        // 50 ms is what two home connections of one continent measure.
        Self {
            seed: 1,
            rtt: Duration::from_millis(50),
            nat: Nat::PortPreserving,
            family: Family::V4,
            turn: false,
        }
    }
}

/// The address translation of a router; every router drops unsolicited packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nat {
    /// The port stays the same to every destination, as with most home routers: hole punching works.
    PortPreserving,
    /// A new random port for every destination (RFC 4787 section 4.1, address and port-dependent mapping).
    ///
    /// Hole punching between two of these fails; only a relay helps.
    Symmetric,
    /// No translation, as is usual with IPv6.
    Routed,
}

/// The address family of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Family {
    /// IPv4 only, behind NAT
    V4,
    /// IPv6 only
    V6,
}

impl Family {
    /// Returns the word of the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "v4",
            Self::V6 => "v6",
        }
    }
}

/// An emulated link between a host and the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkId {
    /// The first uplink of `a`, behind the router `home`.
    Wifi,
    /// The second uplink of `a`, behind the router `cgn`.
    Cell,
    /// The only uplink of `b`, behind the router `office`.
    B,
    /// The link of the signaling server.
    Signaling,
    /// The link of the STUN and TURN server.
    Turn,
}
