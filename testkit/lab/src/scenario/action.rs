//! The actions of a scenario, and what is measured between them.

use std::time::Duration;

use crate::fault::Fault;

/// One action of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A fault begins.
    Inject(Fault),
    /// A fault ends.
    Heal(Fault),
    /// The signaling server is killed.
    KillServer,
    /// The signaling server starts, on the same port.
    StartServer,
    /// A server that accepts every connection and drops it starts, on the same port.
    AcceptAndDrop,
    /// The signaling server stops responding, as on a machine that hangs.
    FreezeServer,
    /// The signaling server continues.
    ThawServer,
    /// The target role is killed.
    KillPeer,
    /// The target role starts again.
    StartPeer,
    /// The target role stops, as on a machine that sleeps.
    FreezePeer,
    /// The target role continues.
    ThawPeer,
    /// Time passes.
    Wait(Duration),
    /// Both peers have recovered, verified, and messages arrive both ways; the time until then is measured.
    AwaitRecovery(Checkpoint),
}

/// What is measured when both peers have recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its name in tables.
    pub name: &'static str,
    /// The beginning of the measurement.
    pub since: Since,
    /// The lower bound, in round trips.
    pub limit: Limit,
}

/// The beginning of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The first fault or kill: another path remained.
    Inject,
    /// The last [`Action::Heal`] or start: no recovery was possible before.
    Heal,
    /// The detection of the fault.
    Detect,
}

/// The time that a recovery needs at least, in round trips: to the server (`Rs`) and between the peers (`R`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// 4 Rs: TCP, TLS 1.3, the upgrade, and the first request with its answer.
    Signaling,
    /// 4 Rs + 4 R: a new socket, and then an ICE restart of the existing connection.
    Switch,
    /// 10 R: offer and answer, ICE, DTLS, SCTP, channel, hello and ping; 11 R for a viewer, which requests the offer first.
    Rebuild,
    /// 1 R: a ping on a path that healed by itself.
    Heal,
}

impl Limit {
    /// Returns the bound for a viewer, with the same round-trip time between any two hosts.
    pub fn bound(self, rtt: Duration) -> Duration {
        rtt * match self {
            Self::Signaling => 4,
            Self::Switch => 8,
            Self::Rebuild => 11,
            Self::Heal => 1,
        }
    }

    /// Returns the formula for tables.
    pub fn formula(self) -> &'static str {
        match self {
            Self::Signaling => "4 Rs",
            Self::Switch => "4 Rs + 4 R",
            Self::Rebuild => "11 R",
            Self::Heal => "1 R",
        }
    }
}
