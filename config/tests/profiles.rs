//! What the profiles say.

use std::time::Duration;

use rejoin_config::{Configuration, Loader, PROFILES, Registry, profile};
use rejoin_core::policy::{Health, Incident, Outcome, Probe, ProbeLog, Retry, Tried, Wait};
use rejoin_core::rtt::Rtt;
use rejoin_core::{Fault, Link, NetworkSnapshot, Phase, Platform, RecoveryStep, Role};

fn load(name: &str) -> Configuration {
    match Loader::new(Registry::builtin()).profile(name).load() {
        Ok(configuration) => configuration,
        Err(error) => unreachable!("{name}: {error}"),
    }
}

fn delays(configuration: &Configuration, count: u32, jitter: f64) -> Vec<Option<u128>> {
    let delay = |attempt| {
        let mut retry = Retry::new(Link::Signaling, attempt, &Fault::SignalingSilent);
        retry.jitter = jitter;
        configuration.policies.backoff.delay(&retry).map(|delay| delay.as_millis())
    };
    (0..count).map(delay).collect()
}

fn limit(configuration: &Configuration, phase: Phase, platform: Platform) -> Duration {
    configuration.policies.timeout.limit(&Wait::new(Link::Peer, phase, platform))
}

/// Returns the first `count` steps of an incident in which nothing helps.
fn steps(configuration: &Configuration, count: usize) -> Vec<RecoveryStep> {
    let network = NetworkSnapshot::default();
    let mut tried = Vec::new();
    for _ in 0..count {
        let mut incident = Incident::new(Role::Offerer, &Fault::IceDisconnected, &network);
        incident.tried = &tried;
        incident.relay_available = true;
        let step = configuration.policies.recovery.next_step(&incident);
        tried.push(Tried { step, outcome: Outcome::TimedOut, took: Duration::ZERO });
    }
    tried.iter().map(|tried| tried.step).collect()
}

/// Returns whether a fresh link of this kind is pinged on `platform`, and how soon.
fn pinged(configuration: &Configuration, link: Link, platform: Platform) -> (bool, Duration) {
    let up_since = std::time::Instant::now();
    let examine = |now| configuration.policies.health.examine(&ProbeLog::new(link, platform, up_since, now));
    (examine(up_since + Duration::from_secs(3_600)).probe, examine(up_since).again_in)
}

#[test]
fn every_profile_loads_without_complaint() {
    for profile in PROFILES {
        let mistakes = Loader::new(Registry::builtin()).profile(profile.name).check();
        assert!(mistakes.is_empty(), "{}: {mistakes:?}", profile.name);
    }
}

#[test]
fn every_page_begins_with_its_name_and_reasons_about_every_option() {
    for profile in PROFILES {
        assert!(profile.page.starts_with(&format!("# {}: ", profile.name)), "{}", profile.name);
        let lines: Vec<_> = profile.page.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with('#')) {
            // The choice of a kind that stands alone is explained by its options.
            let explained =
                pair[0].starts_with('#') || pair[0].starts_with("[timeout]") || pair[0] == "[health]";
            assert!(explained || pair[0] == "[[ice_servers]]", "{}: {}", profile.name, pair[1]);
        }
    }
}

#[test]
fn every_page_sets_every_option_of_its_policies() {
    let options = [
        ("exponential", "base factor max max_attempts jitter"),
        ("ladder", "steps rounds stale_after"),
        ("rebuild", "patience signaling_after"),
        ("ping", "interval timeout misses platforms signaling_interval signaling_timeout signaling_misses"),
        (
            "fixed",
            "signaling_open signaling_pong room_join proven_health gathering offer_answer restart_request \
             ice_checking data_channel_open verification disconnected_grace ice_silence ice_failure peer_gone \
             dormant",
        ),
        ("off", ""),
    ];
    for profile in PROFILES {
        let settings = Loader::new(Registry::builtin()).profile(profile.name).explain().unwrap();
        let set = |key: &str| settings.iter().any(|setting| setting.key == key);
        for chosen in settings.iter().filter(|setting| setting.key.ends_with(".use")) {
            let (question, _) = chosen.key.split_once('.').unwrap();
            let name = chosen.value.trim_matches('"');
            let known = options.iter().find(|(policy, _)| *policy == name);
            let (_, known) = known.unwrap_or_else(|| panic!("list the options of {name} here"));
            for option in known.split_whitespace().filter(|_| question != "network") {
                assert!(set(&format!("{question}.{name}.{option}")), "{}: {option}", profile.name);
            }
        }
    }
}

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
fn vdo_ninja_climbs_the_whole_ladder() {
    use RecoveryStep::{ReconnectSignaling, RecreatePeerConnection, RestartIce, RestartIceViaRelay, Wait};
    let rebuilds = [RecreatePeerConnection, ReconnectSignaling, RecreatePeerConnection];
    assert_eq!(
        steps(&load("vdo-ninja"), 6),
        [&[Wait, RestartIce, RestartIceViaRelay], &rebuilds[..]].concat()
    );
}

#[test]
fn aggressive_retries_at_once_and_for_ever_but_spread_out() {
    let configuration = load("aggressive");
    assert_eq!(delays(&configuration, 3, 0.0), [Some(100), Some(160), Some(256)]);
    assert_eq!(delays(&configuration, 1, 0.5), [Some(85)]);
    assert_eq!(delays(&configuration, 1_000, 0.0).last(), Some(&Some(2_000)));
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
    let mut log = ProbeLog::new(Link::Peer, Platform::Linux, up_since, at(now));
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
fn a_page_of_ones_own_is_the_profile_it_was_copied_from() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mine.toml");
    std::fs::write(&path, profile("aggressive").unwrap().page).unwrap();
    let mine = Loader::new(Registry::builtin()).file(path).load().unwrap();
    assert_eq!(format!("{:?}", mine.policies.backoff), format!("{:?}", load("aggressive").policies.backoff));
}
