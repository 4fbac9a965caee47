//! What can break, on which link, and in which wait.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A kind of link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// The WebSocket to the signaling server.
    Signaling,
    /// A peer connection.
    Peer,
}

/// A wait that has a limit; no phase may hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// From dialing the signaling server to an open WebSocket.
    SignalingOpen,
    /// From a WebSocket ping to its pong.
    SignalingPong,
    /// The same while the fault of a peer link makes the socket suspect.
    SignalingSuspectPong,
    /// From `joinroom` to the listing.
    RoomJoin,
    /// How long a link must have been up before its attempts count from zero again.
    StableAfter,
    /// From creating a peer connection to its local description.
    Gathering,
    /// From `play` to an offer, or from an offer to its answer.
    OfferAnswer,
    /// From asking for an ICE restart to the offer.
    RestartRequest,
    /// From the exchange of descriptions to a working candidate pair.
    IceChecking,
    /// From a working candidate pair to an open data channel (DTLS and SCTP).
    DataChannelOpen,
    /// From an open data channel to bytes seen in both directions.
    Verification,
    /// How long a broken link may try to heal by itself.
    DisconnectedGrace,
    /// How long without a STUN packet until ICE is `disconnected` (RFC 7675 consent).
    IceDisconnectedTimeout,
    /// From `disconnected` until ICE is `failed`.
    IceFailedTimeout,
    /// How long we keep our end for a peer that nobody named and that is gone.
    PeerExpiry,
    /// How long we keep our end, and what waits in it, for a rejoin peer that is away and will be known again.
    RejoinPeerExpiry,
    /// How long a dormant link sleeps between two tries.
    Dormant,
}

impl Phase {
    /// Returns the name that configuration files and messages use.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignalingOpen => "signaling_open",
            Self::SignalingPong => "signaling_pong",
            Self::SignalingSuspectPong => "signaling_suspect_pong",
            Self::RoomJoin => "room_join",
            Self::StableAfter => "stable_after",
            Self::Gathering => "gathering",
            Self::OfferAnswer => "offer_answer",
            Self::RestartRequest => "restart_request",
            Self::IceChecking => "ice_checking",
            Self::DataChannelOpen => "data_channel_open",
            Self::Verification => "verification",
            Self::DisconnectedGrace => "disconnected_grace",
            Self::IceDisconnectedTimeout => "ice_disconnected_timeout",
            Self::IceFailedTimeout => "ice_failed_timeout",
            Self::PeerExpiry => "peer_expiry",
            Self::RejoinPeerExpiry => "rejoin_peer_expiry",
            Self::Dormant => "dormant",
        }
    }
}

/// What broke.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The link is wanted and has never been up; not an outage.
    NotConnected,
    /// The WebSocket closed; RFC 6455 status code if there was one.
    SignalingClosed {
        /// The close code.
        code: Option<u16>,
        /// The server's words, cut to a readable length.
        reason: String,
    },
    /// The signaling server could not be reached or refused the upgrade.
    SignalingUnreachable {
        /// What went wrong, and where.
        reason: String,
    },
    /// The server no longer answers WebSocket pings.
    SignalingSilent,
    /// Another socket holds our UUID (self-host dialect).
    UuidInUse,
    /// Another socket, most often a ghost of ourselves, holds our stream id.
    StreamIdInUse,
    /// ICE heard nothing for a while.
    IceDisconnected,
    /// ICE found no working pair.
    IceFailed,
    /// The data channel closed under us.
    DataChannelClosed,
    /// The connection died without a word.
    ConnectionDied {
        /// What the transport knows.
        reason: String,
    },
    /// Pings over the data channel were not answered.
    ProbeUnanswered,
    /// A wait ran out.
    TimedOut(Phase),
    /// No network is left.
    NetworkLost,
    /// Another interface or address carries us than before.
    NetworkSwitched,
    /// The host slept for this long.
    Suspended(Duration),
    /// The peer said goodbye.
    PeerLeft,
    /// The peer began a repair before we noticed trouble.
    PeerInitiatedRepair,
    /// The peer's DTLS fingerprint changed under an unchanged session.
    FingerprintChanged,
    /// The link works, but badly.
    QualityPoor,
    /// The application asked for a repair.
    Requested,
}

impl Fault {
    /// Returns the word that tables, metrics and JSON use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotConnected => "not_connected",
            Self::SignalingClosed { .. } => "signaling_closed",
            Self::SignalingUnreachable { .. } => "signaling_unreachable",
            Self::SignalingSilent => "signaling_silent",
            Self::UuidInUse => "uuid_in_use",
            Self::StreamIdInUse => "stream_id_in_use",
            Self::IceDisconnected => "ice_disconnected",
            Self::IceFailed => "ice_failed",
            Self::DataChannelClosed => "data_channel_closed",
            Self::ConnectionDied { .. } => "connection_died",
            Self::ProbeUnanswered => "probe_unanswered",
            Self::TimedOut(_) => "timed_out",
            Self::NetworkLost => "network_lost",
            Self::NetworkSwitched => "network_switched",
            Self::Suspended(_) => "suspended",
            Self::PeerLeft => "peer_left",
            Self::PeerInitiatedRepair => "peer_repairs",
            Self::FingerprintChanged => "fingerprint_changed",
            Self::QualityPoor => "quality_poor",
            Self::Requested => "requested",
        }
    }

    /// Returns whether the host, the network or the application has moved, so that the link itself did not fail.
    pub fn is_change(&self) -> bool {
        match self {
            Self::NetworkLost | Self::NetworkSwitched | Self::Suspended(_) | Self::Requested => true,
            Self::NotConnected
            | Self::SignalingClosed { .. }
            | Self::SignalingUnreachable { .. }
            | Self::SignalingSilent
            | Self::UuidInUse
            | Self::StreamIdInUse
            | Self::IceDisconnected
            | Self::IceFailed
            | Self::DataChannelClosed
            | Self::ConnectionDied { .. }
            | Self::ProbeUnanswered
            | Self::TimedOut(_)
            | Self::PeerLeft
            | Self::PeerInitiatedRepair
            | Self::FingerprintChanged
            | Self::QualityPoor => false,
        }
    }

    /// Returns whether this fault was noticed by silence, so that the outage began with the last byte heard.
    pub fn is_silence(&self) -> bool {
        match self {
            Self::SignalingSilent | Self::IceDisconnected | Self::IceFailed | Self::ProbeUnanswered => true,
            Self::NotConnected
            | Self::SignalingClosed { .. }
            | Self::SignalingUnreachable { .. }
            | Self::UuidInUse
            | Self::StreamIdInUse
            | Self::DataChannelClosed
            | Self::ConnectionDied { .. }
            | Self::TimedOut(_)
            | Self::NetworkLost
            | Self::NetworkSwitched
            | Self::Suspended(_)
            | Self::PeerLeft
            | Self::PeerInitiatedRepair
            | Self::FingerprintChanged
            | Self::QualityPoor
            | Self::Requested => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected => f.write_str("not connected yet"),
            Self::SignalingClosed { code: Some(code), reason } if reason.is_empty() => {
                write!(f, "the signaling server closed the socket with code {code}")
            }
            Self::SignalingClosed { code: Some(code), reason } => {
                write!(f, "the signaling server closed the socket with code {code}: {reason}")
            }
            Self::SignalingClosed { code: None, reason } if reason.is_empty() => {
                f.write_str("the signaling socket broke")
            }
            Self::SignalingClosed { code: None, reason } => write!(f, "the signaling socket broke: {reason}"),
            Self::SignalingUnreachable { reason } => {
                write!(f, "the signaling server cannot be reached: {reason}")
            }
            Self::SignalingSilent => f.write_str("the signaling server does not answer pings"),
            Self::UuidInUse => f.write_str("our UUID is in use"),
            Self::StreamIdInUse => f.write_str("our stream id is in use"),
            Self::IceDisconnected => f.write_str("ICE hears nothing"),
            Self::IceFailed => f.write_str("ICE found no working pair"),
            Self::DataChannelClosed => f.write_str("the data channel closed"),
            Self::ConnectionDied { reason } => write!(f, "the peer connection died: {reason}"),
            Self::ProbeUnanswered => f.write_str("the peer does not answer pings"),
            Self::TimedOut(phase) => write!(f, "{} took too long", phase.name()),
            Self::NetworkLost => f.write_str("no network"),
            Self::NetworkSwitched => f.write_str("the network changed"),
            Self::Suspended(duration) => write!(f, "the host slept for {} s", duration.as_secs()),
            Self::PeerLeft => f.write_str("the peer left"),
            Self::PeerInitiatedRepair => f.write_str("the peer began a repair"),
            Self::FingerprintChanged => f.write_str("another process answered in the peer's place"),
            Self::QualityPoor => f.write_str("the link works badly"),
            Self::Requested => f.write_str("a repair was asked for"),
        }
    }
}
