//! The words of ICE that the machine needs (RFC 8445, W3C WebRTC).

use serde::{Deserialize, Serialize};

/// `RTCIceConnectionState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceConnectionState {
    /// No check has been sent.
    New,
    /// Candidate pairs are being checked.
    Checking,
    /// A pair works.
    Connected,
    /// All checks are done and a pair works.
    Completed,
    /// Nothing has been heard on the pair for a while; may heal by itself.
    Disconnected,
    /// No pair works.
    Failed,
    /// The agent is gone.
    Closed,
}

impl IceConnectionState {
    /// Returns whether a candidate pair is believed to work.
    pub fn is_connected(self) -> bool {
        match self {
            Self::Connected | Self::Completed => true,
            Self::New | Self::Checking | Self::Disconnected | Self::Failed | Self::Closed => false,
        }
    }
}

/// `RTCIceTransportPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IceTransportPolicy {
    /// Any candidate may be used.
    All,
    /// Only relayed candidates may be used.
    Relay,
}

/// Who writes the offer (RFC 8829); VDO.Ninja publishers offer, viewers answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Writes offers, and so restarts ICE.
    Offerer,
    /// Answers, and so can only ask for an ICE restart.
    Answerer,
}

/// `RTCIceServer`: a STUN or TURN server and its credentials.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` URLs.
    pub urls: Vec<String>,
    /// TURN user name; empty for STUN.
    #[serde(default)]
    pub username: String,
    /// TURN credential; empty for STUN.
    #[serde(default)]
    pub credential: String,
}

impl IceServer {
    /// Returns whether this server can relay.
    pub fn relays(&self) -> bool {
        self.urls.iter().any(|url| url.starts_with("turn"))
    }
}

/// Shows the URLs and keeps the credential out of logs.
impl std::fmt::Debug for IceServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls).finish_non_exhaustive()
    }
}

/// `RTCIceCandidateInit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IceCandidate {
    /// The candidate attribute, `candidate:…`; empty at the end of candidates.
    #[serde(default)]
    pub candidate: String,
    /// The media section's identification tag; raspberry_ninja leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdp_mid: Option<String>,
    /// The media section's index.
    #[serde(default, rename = "sdpMLineIndex", skip_serializing_if = "Option::is_none")]
    pub sdp_m_line_index: Option<u16>,
    /// The ICE user name fragment of the description that this candidate belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username_fragment: Option<String>,
}
