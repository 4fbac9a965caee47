//! Converts the engine's statistics to a sample.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use rejoin_core::stats::Sample;
use webrtc::peer_connection::RTCStatsReport;

/// Returns the selected pair's round trip and the transport's counters.
///
/// The counters are the transport's because a pair's start again with each ICE restart.
pub(crate) fn sample(
    at: Instant,
    local: Option<IpAddr>,
    report: &RTCStatsReport,
    bytes_outstanding: usize,
) -> Sample {
    let transport = report.transport();
    let selected = transport.map(|transport| transport.selected_candidate_pair_id.as_str());
    let pair = report.candidate_pairs().find(|pair| Some(pair.stats.id.as_str()) == selected);
    Sample {
        at,
        local,
        rtt: pair.and_then(|pair| round_trip(pair.current_round_trip_time)),
        packets_received: transport.map_or(0, |transport| transport.packets_received),
        // The engine counts losses of media only.
        packets_lost: 0,
        responses_received: pair.map_or(0, |pair| pair.responses_received),
        bytes_sent: transport.map_or(0, |transport| transport.bytes_sent),
        bytes_received: transport.map_or(0, |transport| transport.bytes_received),
        bytes_outstanding: u64::try_from(bytes_outstanding).unwrap_or(u64::MAX),
        // The supervisor sends the probes, so it counts them.
        probes_sent: 0,
        probes_answered: 0,
    }
}

/// Returns a round trip; the engine reports zero while nothing has been measured on the pair.
fn round_trip(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().filter(|rtt| !rtt.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_of_zero_is_unknown() {
        assert_eq!(round_trip(0.0), None);
        assert_eq!(round_trip(f64::NAN), None);
        assert_eq!(round_trip(0.012), Some(Duration::from_millis(12)));
    }
}
