//! The faults of the demonstration: how each is injected, which links it affects, and what its recovery needs.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::harness::{Link, Role};

/// What to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Kill the signaling server
    Server,
    /// Cut the cable between the peers
    Path,
    /// Kill the publisher
    Peer,
    /// Close the data channel
    Channel,
}

/// On which of the affected links a fault must be detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detection {
    /// On every one.
    OnEveryLink,
    /// On one at least.
    OnAnyLink,
    /// On none: a patient profile may not react, and the path heals by itself.
    Optional,
}

/// A command to a peer process, as a line of JSON on its stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "command", deny_unknown_fields)]
pub enum PeerCommand {
    /// Drop every datagram, both ways.
    CutPath,
    /// Let datagrams pass again.
    RestorePath,
    /// Close the data channels.
    CloseChannels,
}

impl FaultKind {
    /// Returns the word of the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Path => "path",
            Self::Peer => "peer",
            Self::Channel => "channel",
        }
    }

    /// Returns how long the fault lasts; `None` for a closed channel, which nothing but the peers can repair.
    pub(crate) fn duration(self) -> Option<Duration> {
        match self {
            // Long enough that the first reconnection attempts of every profile fail.
            Self::Server => Some(Duration::from_secs(8)),
            // Longer than the ten seconds after which people look for a cable.
            Self::Path => Some(Duration::from_secs(12)),
            // What a service manager takes to restart a process.
            Self::Peer => Some(Duration::from_secs(2)),
            Self::Channel => None,
        }
    }

    /// Returns whether the fault affects this link of this peer.
    pub(crate) fn affects(self, role: Role, link: Link) -> bool {
        match (self, link) {
            (Self::Server, Link::Signaling) => true,
            (Self::Path | Self::Channel, Link::Peer) => true,
            // The new process of the publisher has no outage.
            (Self::Peer, Link::Peer) => role == Role::Viewer,
            (Self::Server, Link::Peer) | (Self::Path | Self::Channel | Self::Peer, Link::Signaling) => false,
        }
    }

    /// Returns on which of the affected links it must be detected before it can count as recovered.
    pub(crate) fn detection(self) -> Detection {
        match self {
            Self::Server => Detection::OnEveryLink,
            Self::Peer | Self::Channel => Detection::OnAnyLink,
            Self::Path => Detection::Optional,
        }
    }

    /// Returns how the fault begins, for the live timeline.
    pub(crate) fn injection(self) -> &'static str {
        match self {
            Self::Server => "kill -9 the signaling server",
            Self::Path => "cut the cable: every datagram of the viewer vanishes",
            Self::Peer => "kill -9 the publisher",
            Self::Channel => "close the data channel under both peers",
        }
    }

    /// Returns how the fault ends, for the live timeline.
    pub(crate) fn end(self) -> &'static str {
        match self {
            Self::Server => "the signaling server is back on the same port",
            Self::Path => "the cable is whole again",
            Self::Peer => "the publisher is started again with the same identity",
            Self::Channel => "",
        }
    }
}
