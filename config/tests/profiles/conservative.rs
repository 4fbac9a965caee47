//! What `conservative` says.

use super::*;

#[test]
fn conservative_draws_its_first_delay_from_3_to_9_seconds_and_stops_after_8() {
    let configuration = load("conservative");
    assert_eq!(delays(&configuration, 1, 0.0), [Some(3_000)]);
    assert_eq!(delays(&configuration, 1, 0.5), [Some(6_000)]);
    assert_eq!(delays(&configuration, 9, 0.0).last(), Some(&None));
}

#[test]
fn conservative_never_waits_longer_than_a_minute_between_tries() {
    let mut retry = BackoffContext::new(Link::Peer, 7, &Fault::IceFailed);
    (retry.previous, retry.jitter) = (Some(Duration::from_secs(60)), 0.99);
    let delay = load("conservative").policies.backoff.delay(&retry);
    assert_eq!(delay, Some(Duration::from_secs(60)));
}

#[test]
fn conservative_waits_15_seconds_then_restarts_then_rebuilds() {
    use RecoveryStep::{ReconnectSignaling, RecreatePeerConnection, RestartIce, Wait};
    let configuration = load("conservative");
    assert_eq!(steps(&configuration, 4), [Wait, RestartIce, RecreatePeerConnection, ReconnectSignaling]);
    for platform in Platform::ALL {
        let grace = limit(&configuration, Phase::DisconnectedGrace, platform);
        assert_eq!(grace, Duration::from_secs(15), "{platform}");
    }
}

#[test]
fn conservative_pings_nobody_but_the_silent() {
    for platform in Platform::ALL {
        let configuration = load("conservative");
        assert_eq!(pinged(&configuration, Link::Peer, platform), (true, Duration::from_secs(120)));
        assert_eq!(pinged(&configuration, Link::Signaling, platform), (true, Duration::from_secs(25)));
    }
}

#[test]
fn conservative_sleeps_15_minutes_between_dormant_tries_and_measures_nothing() {
    let configuration = load("conservative");
    assert_eq!(limit(&configuration, Phase::Dormant, Platform::Linux), Duration::from_secs(900));
    assert_eq!(configuration.policies.quality.interval(), None);
}
