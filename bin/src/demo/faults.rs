//! What the demonstration breaks, and what counts as whole again.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::cast::Role;
use super::stage::Link;

/// What to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// Kill the signaling server
    Server,
    /// Cut the cable between the peers
    Path,
    /// Kill the publisher
    Peer,
    /// Close the data channel
    Channel,
}

/// On which of the affected links a fault must be noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noticing {
    /// On every one.
    Everywhere,
    /// On one at least.
    Somewhere,
    /// On none.
    Nowhere,
}

/// What a peer's process is told over its stdin, as a line of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "order")]
pub(crate) enum Order {
    /// Let every datagram vanish, both ways.
    Cut,
    /// Let them pass again.
    Mend,
    /// Close the data channel.
    CloseChannels,
    /// Send no more messages.
    Quiet,
}

impl FaultKind {
    /// Returns the word of the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Path => "path",
            Self::Peer => "peer",
            Self::Channel => "channel",
        }
    }

    /// Returns how long it stays broken; a closed channel is no state of the world that could be mended.
    pub(crate) fn lasts(self) -> Option<Duration> {
        match self {
            // Long enough that no reconnection at once can pass for patience.
            Self::Server => Some(Duration::from_secs(8)),
            // Longer than the ten seconds after which people look for a cable.
            Self::Path => Some(Duration::from_secs(12)),
            // What a supervisor of processes takes to restart one.
            Self::Peer => Some(Duration::from_secs(2)),
            Self::Channel => None,
        }
    }

    /// Returns whether `link` of `role` suffers from it.
    pub(crate) fn affects(self, role: Role, link: Link) -> bool {
        match (self, link) {
            (Self::Server, Link::Signaling) => true,
            (Self::Path | Self::Channel, Link::Peer) => true,
            // The publisher's new process has no outage: it is new.
            (Self::Peer, Link::Peer) => role == Role::Viewer,
            (Self::Server, Link::Peer) | (Self::Path | Self::Channel | Self::Peer, Link::Signaling) => false,
        }
    }

    /// Returns on which of the affected links it must have been noticed before it can be over.
    pub(crate) fn noticing(self) -> Noticing {
        match self {
            Self::Server => Noticing::Everywhere,
            Self::Peer | Self::Channel => Noticing::Somewhere,
            // A patient profile may sit it out, and the path heals by itself.
            Self::Path => Noticing::Nowhere,
        }
    }

    /// Returns what happens, for the live timeline.
    pub(crate) fn deed(self) -> &'static str {
        match self {
            Self::Server => "kill -9 the signaling server",
            Self::Path => "cut the cable: every datagram of the viewer vanishes",
            Self::Peer => "kill -9 the publisher",
            Self::Channel => "close the data channel under both peers",
        }
    }

    /// Returns how it ends, for the live timeline.
    pub(crate) fn mending(self) -> &'static str {
        match self {
            Self::Server => "the signaling server is back on the same port",
            Self::Path => "the cable is whole again",
            Self::Peer => "the publisher is started again with the same identity",
            Self::Channel => "",
        }
    }
}
