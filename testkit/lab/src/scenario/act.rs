//! What can happen in a scenario.

use std::time::Duration;

use crate::fault::Fault;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A fault begins.
    Break(Fault),
    /// A fault ends.
    Mend(Fault),
    /// The signaling server is killed.
    KillServer,
    /// The signaling server starts, on the same port.
    StartServer,
    /// A server that accepts every connection and drops it starts, on the same port.
    AcceptAndDrop,
    /// The signaling server stops as a machine that hangs does.
    FreezeServer,
    /// The signaling server goes on.
    ThawServer,
    /// The role under test is killed.
    KillPeer,
    /// The role under test starts again.
    StartPeer,
    /// The role under test stops as on a machine that sleeps.
    FreezePeer,
    /// The role under test goes on.
    ThawPeer,
    /// Time passes.
    Pass(Duration),
    /// Everything is whole again, verified, and what was sent has arrived; the time until then is measured.
    Whole(Stage),
}

/// What is measured when everything is whole again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What is told of it, in a word or two.
    pub name: &'static str,
    /// From when on.
    pub since: Since,
    /// What bounds it from below, in round trips.
    pub limit: Limit,
}

/// From when on a stage counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Since the last [`Act::Break`] or kill: another path remained.
    Break,
    /// Since the last [`Act::Mend`] or start: nothing could be done before.
    Mend,
    /// Since the fault was noticed.
    Notice,
}

/// What a recovery cannot be quicker than, in round trips: to the server (`Rs`) and between the peers (`R`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// 4 Rs: TCP, TLS 1.3, the upgrade, and the wish with its answer.
    Signaling,
    /// 4 Rs + 4 R: a new socket, and then an ICE restart on a living connection.
    Switch,
    /// 10 R: offer and answer, ICE, DTLS, SCTP, channel, hello and ping; 11 R for a viewer, who asks first.
    Rebuild,
    /// 1 R: a ping on a path that healed by itself.
    Heal,
}

impl Limit {
    /// Returns the bound, with one round-trip time to everywhere and a viewer's view.
    pub fn bound(self, rtt: Duration) -> Duration {
        rtt * match self {
            Self::Signaling => 4,
            Self::Switch => 8,
            Self::Rebuild => 11,
            Self::Heal => 1,
        }
    }

    /// Returns how it is written.
    pub fn formula(self) -> &'static str {
        match self {
            Self::Signaling => "4 Rs",
            Self::Switch => "4 Rs + 4 R",
            Self::Rebuild => "11 R",
            Self::Heal => "1 R",
        }
    }
}
