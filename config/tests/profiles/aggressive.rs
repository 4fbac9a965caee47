//! What `aggressive` says.

use super::*;

#[test]
fn aggressive_retries_at_once_and_for_ever_but_spread_out() {
    let configuration = load("aggressive");
    assert_eq!(delays(&configuration, 3, 0.0), [Some(100), Some(160), Some(256)]);
    assert_eq!(delays(&configuration, 1, 0.5), [Some(85)]);
    assert_eq!(delays(&configuration, 1_000, 0.0).last(), Some(&Some(1_000)));
}

#[test]
fn aggressive_rebuilds_at_once() {
    assert_eq!(steps(&load("aggressive"), 1), [RecoveryStep::RecreatePeerConnection]);
}

#[test]
fn aggressive_pings_everybody_five_times_a_second() {
    for platform in Platform::ALL {
        let (probed, _) = pinged(&load("aggressive"), Link::Peer, platform);
        assert!(probed, "{platform}");
    }
    let health = format!("{:?}", load("aggressive").policies.health);
    assert!(health.contains(" interval: 200ms, timeout: 400ms, misses: 3,"), "{health}");
}

/// Returns what the profile thinks of a peer that last answered a ping at 0, at `now` milliseconds, with 50 ms of RTT.
fn health_of_silence(now: u64) -> Health {
    let up_since = std::time::Instant::now();
    let at = |millis: u64| up_since + Duration::from_millis(millis);
    let probe = |sent| Probe { sent_at: at(sent), answered_at: None };
    let probes: Vec<_> = (0..=now).skip(1).step_by(200).map(probe).collect();
    let mut log = HealthContext::new(Link::Peer, Platform::Linux, up_since, at(now));
    (log.probes, log.acknowledged_at) = (&probes, Some(at(0)));
    log.rtt = Some(Rtt { smoothed: Duration::from_millis(50), variation: Duration::ZERO });
    load("aggressive").policies.health.examine(&log).health
}

#[test]
fn aggressive_survives_the_time_that_sctp_needs_for_one_lost_packet() {
    assert_eq!(health_of_silence(800), Health::Suspect);
}

#[test]
fn aggressive_finds_death_900_ms_after_the_first_lost_ping() {
    assert_eq!(health_of_silence(901), Health::Dead);
}

#[test]
fn aggressive_still_checks_a_candidate_when_a_dead_network_returns() {
    let checking = limit(&load("aggressive"), Phase::IceChecking, Platform::Linux);
    assert!((8..=10).contains(&checking.as_secs()), "{checking:?}");
}

#[test]
fn aggressive_doubts_a_socket_for_one_lost_packet() {
    let mut wait = TimeoutContext::new(Link::Signaling, Phase::SignalingSuspectPong, Platform::Linux);
    wait.rtt = Some(Rtt { smoothed: Duration::from_millis(50), variation: Duration::ZERO });
    let doubt = load("aggressive").policies.timeout.limit(&wait);
    // TCP's shortest timeout of 200 ms and a round trip, and a round trip for the pong
    assert!((300..=500).contains(&doubt.as_millis()), "{doubt:?}");
}

#[test]
fn aggressive_measures_every_2_seconds() {
    assert_eq!(load("aggressive").policies.quality.interval(), Some(Duration::from_secs(2)));
}
