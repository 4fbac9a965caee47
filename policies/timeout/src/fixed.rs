//! `fixed`: one limit per phase, with exceptions per platform.

mod limit;
mod overrides;

use std::collections::BTreeMap;
use std::time::Duration;

use rejoin_core::policy::TimeoutContext;
use rejoin_core::{Phase, Platform, TimeoutPolicy};
use schemars::JsonSchema;
use serde::Deserialize;

pub use overrides::Overrides;

/// Gives every phase its configured limit.
///
/// Only waits that are one ping and its answer grow with the path: `verification`, `signaling_pong` and
/// `signaling_suspect_pong` are extended by two round trips, of a second at most: one for the answer and one for a lost
/// packet's second try.
/// The other phases mostly wait for people's machines, so their limits do not depend on the path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fixed {
    /// From dialing the signaling server to an open WebSocket.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub signaling_open: Duration,
    /// From a WebSocket ping to its pong, in addition to two round trips.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub signaling_pong: Duration,
    /// From a WebSocket ping to its pong while the fault of a peer link makes the socket suspect, in addition to two round trips.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub signaling_suspect_pong: Duration,
    /// From `joinroom` to the listing.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub room_join: Duration,
    /// How long a link must have been up before its attempts count from zero again; may be zero.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub stable_after: Duration,
    /// From creating a peer connection to its local description.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub gathering: Duration,
    /// From `play` to an offer, or from an offer to its answer.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub offer_answer: Duration,
    /// From asking for an ICE restart to the offer.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub restart_request: Duration,
    /// From the exchange of descriptions to a working candidate pair.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub ice_checking: Duration,
    /// From a working candidate pair to an open data channel (DTLS and SCTP).
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub data_channel_open: Duration,
    /// From an open data channel to bytes in both directions, in addition to two round trips.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub verification: Duration,
    /// How long rejoin waits for a broken link to heal by itself; may be zero.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub disconnected_grace: Duration,
    /// How long without a STUN packet until ICE is `disconnected`.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub ice_disconnected_timeout: Duration,
    /// From `disconnected` until ICE is `failed`.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub ice_failed_timeout: Duration,
    /// How long a publisher keeps its connection for a viewer that is unreachable.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub peer_expiry: Duration,
    /// How long a publisher keeps its connection and the waiting messages for a rejoin viewer that is unreachable.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub rejoin_peer_expiry: Duration,
    /// How long a dormant link waits between two attempts.
    #[serde(with = "limit")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub dormant: Duration,
    /// Limits that differ on a platform.
    #[schemars(schema_with = "overrides::by_platform")]
    pub platform: BTreeMap<Platform, Overrides>,
}

impl Default for Fixed {
    /// Returns limits that a browser, a busy server and a mobile path can keep.
    fn default() -> Self {
        Self {
            // Four round trips (TCP, TLS, upgrade) and two lost packets, which cost 1 s and 2 s
            signaling_open: Duration::from_secs(10),
            // TCP has retransmitted a lost ping four times by then
            signaling_pong: Duration::from_secs(5),
            // A peer in trouble says little about the server
            signaling_suspect_pong: Duration::from_secs(5),
            // A room of hundreds is listed slowly by a busy server
            room_join: Duration::from_secs(10),
            // Longer than a server that accepts and drops takes to drop
            stable_after: Duration::from_secs(10),
            // The local description needs no packet; a sluggish resolver for TURN names does
            gathering: Duration::from_secs(5),
            // A browser tab in the background answers late
            offer_answer: Duration::from_secs(10),
            // Two round trips through the server, and a peer that is busy with its own repair
            restart_request: Duration::from_secs(5),
            // A relayed pair takes up to 6 s where relay acceptance is not tuned
            ice_checking: Duration::from_secs(10),
            // DTLS retransmits after 1, 2 and 4 s (RFC 6347 section 4.2.4.1)
            data_channel_open: Duration::from_secs(10),
            // Room for one lost ping beside two round trips
            verification: Duration::from_secs(1),
            // ICE heals within 2 s of the path's return; most blips are shorter than the rest
            disconnected_grace: Duration::from_secs(5),
            // Two lost keepalives of 2 s
            ice_disconnected_timeout: Duration::from_secs(5),
            // What browsers wait, about 30 s in all (RFC 7675 section 5.1)
            ice_failed_timeout: Duration::from_secs(25),
            // A reloaded page is back by then
            peer_expiry: Duration::from_secs(60),
            // A machine that restarts or a tunnel is over by then, and who comes back is known by its identity
            rejoin_peer_expiry: Duration::from_secs(600),
            // A server that returns gives no local sign; twelve packets an hour cost nobody
            dormant: Duration::from_secs(300),
            platform: BTreeMap::new(),
        }
    }
}

impl Fixed {
    /// Returns the limit of `phase` on `platform`, without what the path adds.
    fn configured(&self, phase: Phase, platform: Platform) -> Duration {
        self.platform
            .get(&platform)
            .and_then(|overrides| overrides.limit(phase))
            .unwrap_or_else(|| self.everywhere(phase))
    }

    /// Returns the limit of `phase` where no platform differs.
    fn everywhere(&self, phase: Phase) -> Duration {
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
            // A phase that this policy does not know has the limit of an answer to an offer.
            _ => self.offer_answer,
        }
    }
}

/// The longest round trip of a path.
///
/// A satellite is 0.6 s away; a ping that took longer than this has waited for SCTP to send it again, which happens
/// after a second and then after ever longer (RFC 9260 section 16), and that would make a hopeless wait the longest.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(1);

impl TimeoutPolicy for Fixed {
    fn limit(&self, context: &TimeoutContext) -> Duration {
        let configured = self.configured(context.phase, context.platform);
        match context.phase {
            Phase::Verification | Phase::SignalingPong | Phase::SignalingSuspectPong => {
                let round_trip =
                    context.rtt.map_or(Duration::ZERO, |rtt| rtt.smoothed.min(LONGEST_ROUND_TRIP));
                configured.saturating_add(round_trip.saturating_mul(2))
            }
            _ => configured,
        }
    }
}
