//! The port to the peer connections.

use std::time::Duration;

use async_trait::async_trait;

use crate::ice::{IceCandidate, IceConnectionState, IceServer, IceTransportPolicy, Role};
use crate::id::Generation;
use crate::message::ChannelMessage;
use crate::sdp::Description;
use crate::stats::Sample;

/// Owns the `RTCPeerConnection`s, one per generation.
#[async_trait]
pub trait PeerTransport: Send {
    /// Starts `action` and returns at once; results arrive through [`next_event`](Self::next_event).
    ///
    /// Actions for an unknown or closed generation are ignored.
    fn perform(&mut self, generation: Generation, action: PeerAction);

    /// Yields what happened next, on any connection; pends for ever while there is nothing to tell. Cancel-safe.
    async fn next_event(&mut self) -> (Generation, PeerEvent);
}

/// What the machine wants of a peer connection.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerAction {
    /// Build a peer connection. An offerer also creates the data channel and its first offer.
    Create(ConnectionSetup),
    /// Offerer: restart ICE with a new offer, gathering under this policy.
    RestartIce(IceTransportPolicy),
    /// Apply the peer's description; an offer is answered at once.
    Accept(Description),
    /// Add the peer's candidates; kept until its description is there.
    AddCandidates(Vec<IceCandidate>),
    /// Send over the data channel. Comes back as [`PeerEvent::Unsent`] with `tag` if the buffer is full.
    Send {
        /// The sender's mark.
        tag: u64,
        /// The message.
        message: ChannelMessage,
    },
    /// Read a [`Sample`].
    ReadStats,
    /// Close the connection and free everything; no event follows.
    Close,
}

/// How to build a peer connection.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSetup {
    /// Offerer or answerer.
    pub role: Role,
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Which candidates may be used.
    pub ice_transport_policy: IceTransportPolicy,
    /// Addresses to bind, as `address:port`; empty means every interface, IPv4 and IPv6.
    pub bind: Vec<String>,
    /// The interfaces that its packets may leave by, at the addresses that these have; empty means any.
    pub interfaces: Vec<String>,
    /// How long without a STUN packet until ICE says `disconnected`.
    pub ice_disconnected_timeout: Duration,
    /// From `disconnected` to `failed`.
    pub ice_failed_timeout: Duration,
    /// How long candidate pairs are checked before the agent gives up by itself.
    pub ice_checking: Duration,
}

/// What happened to a peer connection.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerEvent {
    /// Our description is set and ready to travel.
    LocalDescription(Description),
    /// Candidates were found.
    LocalCandidates(Vec<IceCandidate>),
    /// ICE changed its mind.
    IceConnectionState(IceConnectionState),
    /// The data channel opened.
    ChannelOpen,
    /// The data channel closed, by the peer or under us.
    ChannelClosed,
    /// A message arrived over the channel.
    Received(ChannelMessage),
    /// A channel frame arrived that could not be read; the connection lives on.
    Malformed {
        /// What is wrong with it and what may help.
        reason: String,
    },
    /// The send buffer is full; the message comes back, and so does every later one until [`Writable`](Self::Writable).
    Unsent {
        /// The sender's mark.
        tag: u64,
        /// The message.
        message: ChannelMessage,
    },
    /// The send buffer has room again.
    Writable,
    /// A reading.
    Stats(Sample),
    /// An action failed, and the connection with it; only [`PeerAction::Close`] is left.
    Failed {
        /// What failed.
        reason: String,
    },
}
