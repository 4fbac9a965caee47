//! Readings of a peer connection over time.

use std::net::IpAddr;
use std::time::{Duration, Instant};

/// One reading of the selected candidate pair and the data channel.
///
/// Counters run from the start of the connection and never fall, also not by an ICE restart.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// When it was read.
    pub at: Instant,
    /// The local address at which the peer's packets arrive; `None` while only connectivity checks have arrived.
    pub local: Option<IpAddr>,
    /// `currentRoundTripTime`; `None` while nothing has been measured on the pair.
    pub rtt: Option<Duration>,
    /// Packets received on the pair.
    pub packets_received: u64,
    /// Packets known to be lost; zero if the transport does not count them.
    pub packets_lost: u64,
    /// Our connectivity checks that the peer's ICE has answered on the pair (`responsesReceived`).
    pub responses_received: u64,
    /// Bytes sent on the pair.
    pub bytes_sent: u64,
    /// Bytes received on the pair.
    pub bytes_received: u64,
    /// Bytes that the application handed over and the peer has not acknowledged (SCTP).
    pub bytes_outstanding: u64,
    /// Probes sent over the channel so far; core overwrites it, and a transport leaves it zero.
    pub probes_sent: u64,
    /// Probes answered so far; core overwrites it, and a transport leaves it zero.
    pub probes_answered: u64,
}

impl Sample {
    /// Creates a reading at `at` with nothing measured: every counter is zero, and `local` and `rtt` are `None`.
    pub fn new(at: Instant) -> Self {
        Self {
            at,
            local: None,
            rtt: None,
            packets_received: 0,
            packets_lost: 0,
            responses_received: 0,
            bytes_sent: 0,
            bytes_received: 0,
            bytes_outstanding: 0,
            probes_sent: 0,
            probes_answered: 0,
        }
    }
}
