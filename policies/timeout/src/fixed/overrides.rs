//! The limits that a platform has of its own.

use std::time::Duration;

use rejoin_core::Phase;
use serde::Deserialize;

use super::limit;

/// Limits that replace the general ones on one platform; what is absent does not differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// From dialing the signaling server to an open WebSocket.
    #[serde(deserialize_with = "limit::positive_option")]
    pub signaling_open: Option<Duration>,
    /// From a WebSocket ping to its pong, beside two round trips.
    #[serde(deserialize_with = "limit::positive_option")]
    pub signaling_pong: Option<Duration>,
    /// The same when the trouble of a peer link has put an open socket in doubt.
    #[serde(deserialize_with = "limit::positive_option")]
    pub signaling_suspect_pong: Option<Duration>,
    /// From `joinroom` to the listing.
    #[serde(deserialize_with = "limit::positive_option")]
    pub room_join: Option<Duration>,
    /// How long a link must have been up before its attempts are forgotten; may be zero.
    #[serde(with = "humantime_serde")]
    pub stable_after: Option<Duration>,
    /// From creating a peer connection to its local description.
    #[serde(deserialize_with = "limit::positive_option")]
    pub gathering: Option<Duration>,
    /// From `play` to an offer, or from an offer to its answer.
    #[serde(deserialize_with = "limit::positive_option")]
    pub offer_answer: Option<Duration>,
    /// From asking for an ICE restart to the offer.
    #[serde(deserialize_with = "limit::positive_option")]
    pub restart_request: Option<Duration>,
    /// From the exchange of descriptions to a working candidate pair.
    #[serde(deserialize_with = "limit::positive_option")]
    pub ice_checking: Option<Duration>,
    /// From a working candidate pair to an open data channel (DTLS and SCTP).
    #[serde(deserialize_with = "limit::positive_option")]
    pub data_channel_open: Option<Duration>,
    /// From an open data channel to bytes seen in both directions, beside two round trips.
    #[serde(deserialize_with = "limit::positive_option")]
    pub verification: Option<Duration>,
    /// How long a broken link may try to heal by itself; may be zero.
    #[serde(with = "humantime_serde")]
    pub disconnected_grace: Option<Duration>,
    /// How long without a STUN packet until ICE says `disconnected`.
    #[serde(deserialize_with = "limit::positive_option")]
    pub ice_disconnected_timeout: Option<Duration>,
    /// From `disconnected` to `failed`, by the ICE agent's own word.
    #[serde(deserialize_with = "limit::positive_option")]
    pub ice_failed_timeout: Option<Duration>,
    /// How long a publisher keeps its end for a viewer that is gone.
    #[serde(deserialize_with = "limit::positive_option")]
    pub peer_expiry: Option<Duration>,
    /// How long a publisher keeps its end, and what waits in it, for a rejoin viewer that is gone.
    #[serde(deserialize_with = "limit::positive_option")]
    pub rejoin_peer_expiry: Option<Duration>,
    /// How long a dormant link sleeps between two tries.
    #[serde(deserialize_with = "limit::positive_option")]
    pub dormant: Option<Duration>,
}

impl Overrides {
    /// Returns the limit of `phase`, if it differs.
    pub(super) fn limit(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::SignalingOpen => self.signaling_open,
            Phase::SignalingPong => self.signaling_pong,
            Phase::SignalingSuspectPong => self.signaling_suspect_pong,
            Phase::RoomJoin => self.room_join,
            Phase::StableAfter => self.stable_after,
            Phase::Gathering => self.gathering,
            Phase::OfferAnswer => self.offer_answer,
            Phase::RestartRequest => self.restart_request,
            Phase::IceChecking => self.ice_checking,
            Phase::DataChannelOpen => self.data_channel_open,
            Phase::Verification => self.verification,
            Phase::DisconnectedGrace => self.disconnected_grace,
            Phase::IceDisconnectedTimeout => self.ice_disconnected_timeout,
            Phase::IceFailedTimeout => self.ice_failed_timeout,
            Phase::PeerExpiry => self.peer_expiry,
            Phase::RejoinPeerExpiry => self.rejoin_peer_expiry,
            Phase::Dormant => self.dormant,
            _ => None,
        }
    }
}
