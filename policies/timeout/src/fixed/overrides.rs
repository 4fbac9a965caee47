//! The limits of one platform.

use std::collections::BTreeMap;
use std::time::Duration;

use rejoin_core::{Phase, Platform};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::limit;

/// Limits that replace the general ones on one platform; an absent one is not replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// From dialing the signaling server to an open WebSocket.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub signaling_open: Option<Duration>,
    /// From a WebSocket ping to its pong, in addition to two round trips.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub signaling_pong: Option<Duration>,
    /// From a WebSocket ping to its pong while the fault of a peer link makes the socket suspect, in addition to two round trips.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub signaling_suspect_pong: Option<Duration>,
    /// From `joinroom` to the listing.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub room_join: Option<Duration>,
    /// How long a link must have been up before its attempts count from zero again; may be zero.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub stable_after: Option<Duration>,
    /// From creating a peer connection to its local description.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub gathering: Option<Duration>,
    /// From `play` to an offer, or from an offer to its answer.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub offer_answer: Option<Duration>,
    /// From asking for an ICE restart to the offer.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub restart_request: Option<Duration>,
    /// From the exchange of descriptions to a working candidate pair.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub ice_checking: Option<Duration>,
    /// From a working candidate pair to an open data channel (DTLS and SCTP).
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub data_channel_open: Option<Duration>,
    /// From an open data channel to bytes in both directions, in addition to two round trips.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub verification: Option<Duration>,
    /// How long rejoin waits for a broken link to heal by itself; may be zero.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub disconnected_grace: Option<Duration>,
    /// How long without a STUN packet until ICE is `disconnected`.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub ice_disconnected_timeout: Option<Duration>,
    /// From `disconnected` until ICE is `failed`.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub ice_failed_timeout: Option<Duration>,
    /// How long a publisher keeps its connection for a viewer that is unreachable.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub peer_expiry: Option<Duration>,
    /// How long a publisher keeps its connection and the waiting messages for a rejoin viewer that is unreachable.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub rejoin_peer_expiry: Option<Duration>,
    /// How long a dormant link waits between two attempts.
    #[serde(with = "limit::optional")]
    #[schemars(with = "String", extend("format" = "duration"))]
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

/// Returns the schema of the table with the limits of every platform.
pub(super) fn by_platform(generator: &mut SchemaGenerator) -> Schema {
    let overrides = generator.subschema_for::<Overrides>();
    let names = Platform::ALL.map(Platform::name);
    let properties: BTreeMap<_, _> = names.into_iter().map(|name| (name, overrides.clone())).collect();
    json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}
