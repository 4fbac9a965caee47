//! The port to the peer connections.

use std::time::Duration;

use async_trait::async_trait;

use crate::ice::{IceCandidate, IceConnectionState, IceServer, IceTransportPolicy, Role};
use crate::id::Generation;
use crate::message::ChannelMessage;
use crate::sdp::Description;
use crate::stats::Sample;

/// Owns the `RTCPeerConnection`s, one per generation, each with one ordered and reliable data channel.
///
/// The rules that all transports share are in [`port`](crate::port). The others:
///
/// **Negotiation.** The offerer creates the data channel and the offer; the answerer waits for the offer.
/// [`LocalDescription`](PeerEvent::LocalDescription) precedes the candidates of its ICE generation.
/// An answer without an open offer is dropped, because signaling may deliver it twice.
///
/// **Restart.** The offer of an ICE restart is held: the transport reports it, and sets it only when its answer is
/// accepted, because setting it ends the old path, and many peers answer over the data channel of that path.
/// A restart, and an offer of the peer, replace an offer that has no answer.
/// A description that restarts ICE and that arrived over the data channel is applied 200 ms after
/// [`Accept`](PeerAction::Accept), while ICE is connected: the peer's candidates follow over the path that it ends.
/// Another description or restart ends that wait.
///
/// **Refusal.** The send buffer is bounded. From the first [`Unsent`](PeerEvent::Unsent) on, every later message comes
/// back too. The first phase ends when `next_event` has returned that first `Unsent`: messages that were sent without
/// knowing of it must not overtake the returned ones. The second phase ends when the buffer has room and the channel is
/// open; [`Writable`](PeerEvent::Writable) is reported then, once.
///
/// **End.** After [`Close`](PeerAction::Close) no event of the generation comes, not even one that was queued before.
/// After [`Failed`](PeerEvent::Failed) none comes either, and only `Close` and `Create` have an effect.
#[async_trait]
pub trait PeerTransport: Send {
    /// Starts `action` and returns at once; results come out of [`next_event`](Self::next_event).
    ///
    /// An action for an unknown or closed generation is ignored, except `Create`.
    fn perform(&mut self, generation: Generation, action: PeerAction);

    /// Returns the next event of any connection; pends while there is none. Cancel-safe.
    async fn next_event(&mut self) -> (Generation, PeerEvent);
}

/// What the supervisor wants of a peer connection.
///
/// A transport ignores an action of a newer core that it does not know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PeerAction {
    /// Builds a peer connection, in place of the one of the same generation, if there is one.
    ///
    /// An offerer also creates the data channel and its first offer.
    Create(ConnectionSetup),
    /// Restarts ICE with a new offer and gathers under this policy. Offerer only.
    RestartIce(IceTransportPolicy),
    /// Applies the peer's description; an offer is answered at once.
    Accept(Description),
    /// Adds the peer's candidates; those whose description is yet to come are held.
    AddCandidates(Vec<IceCandidate>),
    /// Sends over the data channel; comes back as [`PeerEvent::Unsent`] if the channel is not open or its buffer is full.
    Send {
        /// The sender's mark.
        tag: u64,
        /// The message.
        message: ChannelMessage,
    },
    /// Reads a [`Sample`]; yields one [`PeerEvent::Stats`].
    ReadStats,
    /// Sends what was accepted before, closes the connection and frees everything; no event follows.
    Close,
}

/// How to build a peer connection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
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
    /// From the last STUN packet to `disconnected`.
    pub ice_disconnected_timeout: Duration,
    /// From `disconnected` to `failed`.
    pub ice_failed_timeout: Duration,
    /// How long candidate pairs are checked before a connection that never connected is `failed`.
    pub ice_checking_timeout: Duration,
}

impl ConnectionSetup {
    /// Creates the setup of a connection on all interfaces, without ICE servers.
    ///
    /// Its timeouts are 5 s until `disconnected`, 20 s from there until `failed`, and 30 s of checks.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            ice_servers: Vec::new(),
            ice_transport_policy: IceTransportPolicy::All,
            bind: Vec::new(),
            interfaces: Vec::new(),
            ice_disconnected_timeout: Duration::from_secs(5),
            ice_failed_timeout: Duration::from_secs(20),
            ice_checking_timeout: Duration::from_secs(30),
        }
    }
}

/// What happened to a peer connection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PeerEvent {
    /// Our description is ready to be sent to the peer.
    LocalDescription(Description),
    /// Candidates of the last local description were found; each carries its media section and user name fragment.
    LocalCandidates(Vec<IceCandidate>),
    /// ICE changed its state; a connected state precedes [`ChannelOpen`](Self::ChannelOpen).
    IceConnectionState(IceConnectionState),
    /// The data channel opened; once, before any message.
    ChannelOpen,
    /// The data channel closed, by the peer or by a fault; once.
    ChannelClosed,
    /// A message arrived over the channel, once and in the peer's order.
    Received(ChannelMessage),
    /// A frame of the peer could not be decoded, or a message of ours not be encoded; the channel stays open.
    Malformed {
        /// What is wrong with it and what may help.
        reason: String,
    },
    /// A message was not sent, and no later one will be until [`Writable`](Self::Writable).
    Unsent {
        /// The sender's mark.
        tag: u64,
        /// The message.
        message: ChannelMessage,
    },
    /// Messages are accepted again after [`Unsent`](Self::Unsent).
    Writable,
    /// A reading.
    Stats(Sample),
    /// An action failed, and the connection with it; only [`PeerAction::Close`] is left.
    Failed {
        /// What failed and what may help.
        reason: String,
    },
}
