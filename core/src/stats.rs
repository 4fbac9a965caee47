//! Readings of a peer connection over time.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::policy::Quality;

/// One reading of the selected candidate pair and the data channel; counters run from the connection's start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When it was read.
    pub at: Instant,
    /// The address of ours at which the peer is heard; `None` while nothing but checks has come.
    pub local: Option<IpAddr>,
    /// `currentRoundTripTime`; `None` while nothing has been measured on the pair.
    pub rtt: Option<Duration>,
    /// Packets received on the pair.
    pub packets_received: u64,
    /// Packets known to be lost; zero where the transport cannot tell.
    pub packets_lost: u64,
    /// Our connectivity checks that the peer's ICE has answered on the pair (`responsesReceived`).
    pub responses_received: u64,
    /// Bytes sent on the pair.
    pub bytes_sent: u64,
    /// Bytes received on the pair.
    pub bytes_received: u64,
    /// Bytes that the application handed over and the peer has not acknowledged (SCTP).
    pub bytes_outstanding: u64,
    /// Probes sent over the channel so far.
    pub probes_sent: u64,
    /// Probes answered so far.
    pub probes_answered: u64,
}

/// What a [`QualityPolicy`](crate::policy::QualityPolicy) may look at.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct QualityContext<'a> {
    /// Recent samples, oldest first.
    pub samples: &'a [Sample],
    /// The grade so far.
    pub previous: Quality,
    /// For how long the link has had it.
    pub since: Duration,
}

impl<'a> QualityContext<'a> {
    /// Creates a history.
    pub fn new(samples: &'a [Sample], previous: Quality, since: Duration) -> Self {
        Self { samples, previous, since }
    }
}
