//! What `vdo-ninja` says.

use super::*;

#[test]
fn vdo_ninja_retries_after_5_10_20_and_then_30_seconds_ten_times() {
    let seconds = [5, 10, 20, 30, 30, 30, 30, 30, 30, 30].map(|seconds| Some(seconds * 1_000));
    assert_eq!(delays(&load("vdo-ninja"), 11, 0.9), [&seconds[..], &[None]].concat());
}

#[test]
fn vdo_ninja_waits_10_seconds_on_windows_and_5_elsewhere() {
    let configuration = load("vdo-ninja");
    for platform in Platform::ALL {
        let seconds = if platform == Platform::Windows { 10 } else { 5 };
        let grace = limit(&configuration, Phase::DisconnectedGrace, platform);
        assert_eq!(grace, Duration::from_secs(seconds), "{platform}");
    }
}

#[test]
fn vdo_ninja_sleeps_5_minutes_between_dormant_tries() {
    let dormant = limit(&load("vdo-ninja"), Phase::Dormant, Platform::Linux);
    assert_eq!(dormant, Duration::from_secs(300));
}

#[test]
fn vdo_ninja_pings_peers_on_apple_every_5_seconds() {
    let configuration = load("vdo-ninja");
    for platform in Platform::ALL {
        let apple = matches!(platform, Platform::Macos | Platform::Ios);
        let (probed, first) = pinged(&configuration, Link::Peer, platform);
        assert_eq!(probed, apple, "{platform}");
        assert!(!apple || first == Duration::from_secs(5), "{platform}");
    }
}

#[test]
fn vdo_ninja_allows_three_misses() {
    let health = format!("{:?}", load("vdo-ninja").policies.health);
    assert!(health.contains(" misses: 3,"), "{health}");
}

#[test]
fn vdo_ninja_pings_the_server_every_10_seconds_everywhere() {
    for platform in Platform::ALL {
        let ping = pinged(&load("vdo-ninja"), Link::Signaling, platform);
        assert_eq!(ping, (true, Duration::from_secs(10)), "{platform}");
    }
}

#[test]
fn vdo_ninja_tries_every_step_of_the_ladder() {
    use RecoveryStep::{ReconnectSignaling, RecreatePeerConnection, RestartIce, RestartIceViaRelay, Wait};
    let rebuilds = [RecreatePeerConnection, ReconnectSignaling, RecreatePeerConnection];
    assert_eq!(
        steps(&load("vdo-ninja"), 6),
        [&[Wait, RestartIce, RestartIceViaRelay], &rebuilds[..]].concat()
    );
}

/// Returns the grade after `windows` windows of 10 s with this share of pings lost, in hundredths, and this round trip.
fn grade(windows: u32, lost: u64, round_trip: u64) -> Quality {
    let start = std::time::Instant::now();
    let sample = |index: u32| {
        let mut sample = Sample::new(start + Duration::from_secs(10) * index);
        sample.rtt = Some(Duration::from_millis(round_trip));
        sample.probes_sent = u64::from(index) * 100;
        sample.probes_answered = u64::from(index) * (100 - lost);
        sample
    };
    let samples: Vec<_> = (0..=windows).map(sample).collect();
    let history = QualityContext::new(&samples, Quality::Good, Duration::ZERO);
    load("vdo-ninja").policies.quality.grade(&history)
}

#[test]
fn vdo_ninja_measures_every_10_seconds() {
    assert_eq!(load("vdo-ninja").policies.quality.interval(), Some(Duration::from_secs(10)));
}

#[test]
fn vdo_ninja_calls_10_percent_or_500_milliseconds_poor_after_20_seconds() {
    assert_eq!(grade(3, 8, 400), Quality::Good);
    assert_eq!(grade(3, 12, 100), Quality::Poor);
    assert_eq!(grade(2, 0, 501), Quality::Poor);
    assert_eq!(grade(1, 0, 501), Quality::Good);
}
