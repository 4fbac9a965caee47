//! What a world shall be like.

use std::time::Duration;

/// What a world shall be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Seeds every random decision of the emulated links.
    pub seed: u64,
    /// The round-trip time between `a` and `b`, and between each of them and the servers; zero for no delay.
    pub rtt: Duration,
    /// What the routers of `a` and `b` do to addresses.
    pub nat: Nat,
    /// The addresses that hosts have.
    pub family: Family,
    /// Whether there is a STUN and TURN server.
    pub turn: bool,
}

impl Default for Plan {
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

/// What routers do to addresses; all of them drop what nobody inside asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nat {
    /// The port stays the same to every destination, as with most home routers: hole punching works.
    PortPreserving,
    /// A new random port for every destination (RFC 4787 section 4.1, address and port-dependent mapping).
    ///
    /// Two of these cannot be punched through; only a relay helps.
    Symmetric,
    /// No translation, as is usual with IPv6.
    Routed,
}

/// The addresses that hosts have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// An emulated link between a host and the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Line {
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
