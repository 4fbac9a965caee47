//! The negotiation of one connection: what was sent to the peer and what arrived from it.

use crate::ice::IceCandidate;
use crate::peer::local_signaling::SentSignaling;

/// Both halves of a connection's offer and answer.
#[derive(Debug, Default)]
pub(crate) struct Negotiation {
    /// Whether the local description in preparation answers over this connection's own channel.
    pub(crate) answers_over_channel: bool,
    /// Whether its signaling goes over the channel of the active connection, beside the server or instead of it.
    pub(crate) over_channel: bool,
    pub(crate) sent: SentSignaling,
    /// The peer's candidates since ICE started, without repetitions.
    pub(crate) remote_candidates: Vec<IceCandidate>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) ice_ufrag: Option<String>,
}
