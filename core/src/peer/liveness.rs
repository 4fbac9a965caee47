//! The evidence that one connection carries bytes both ways: pings, SCTP acknowledgements and ICE consent.

use std::time::Instant;

use crate::peer::consent::Consent;
use crate::peer::probes::Probes;

/// What was probed and read on one connection.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    /// Whether the peer has ever answered a ping over this connection.
    pub(crate) answers_pings: bool,
    /// When we last answered a ping of the peer over this connection.
    pub(crate) answered_at: Option<Instant>,
    pub(crate) probes: Probes,
    /// Bytes not acknowledged by the peer's SCTP, and when that was read.
    pub(crate) outstanding: Option<(u64, Instant)>,
    pub(crate) consent: Consent,
    /// Outstanding stats requests made for consent alone; their samples are not graded.
    pub(crate) consent_readings: u32,
}
