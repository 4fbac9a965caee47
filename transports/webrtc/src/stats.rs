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
    let mut sample = Sample::new(at);
    sample.local = local;
    sample.bytes_outstanding = u64::try_from(bytes_outstanding).unwrap_or(u64::MAX);
    if let Some(pair) = pair {
        sample.rtt = round_trip(pair.current_round_trip_time);
        sample.responses_received = pair.responses_received;
    }
    if let Some(transport) = transport {
        sample.packets_received = transport.packets_received;
        sample.bytes_sent = transport.bytes_sent;
        sample.bytes_received = transport.bytes_received;
    }
    // The engine counts losses of media only, so `packets_lost` stays zero.
    sample
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
