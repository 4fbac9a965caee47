//! What the profiles say.
#![allow(clippy::unwrap_used, reason = "a test")]

mod aggressive;
mod conservative;
mod vdo_ninja;

use std::time::Duration;

use rejoin_config::{Configuration, Loader, Outbox, PROFILES, Registry, profile};
use rejoin_core::delivery::WhenFull;
use rejoin_core::policy::QualityContext;
use rejoin_core::policy::{
    BackoffContext, Health, HealthContext, Outcome, Probe, Quality, RecoveryContext, TimeoutContext, Tried,
};
use rejoin_core::rtt::Rtt;
use rejoin_core::stats::Sample;
use rejoin_core::supervisor::Spares;
use rejoin_core::{Fault, Identity, Link, NetworkSnapshot, Phase, Platform, RecoveryStep, Role, Settings};

fn load(name: &str) -> Configuration {
    match Loader::new(Registry::builtin()).profile(name).load() {
        Ok(configuration) => configuration,
        Err(error) => unreachable!("{name}: {error}"),
    }
}

fn delays(configuration: &Configuration, count: u32, jitter: f64) -> Vec<Option<u128>> {
    let delay = |attempt| {
        let mut retry = BackoffContext::new(Link::Signaling, attempt, &Fault::SignalingSilent);
        retry.jitter = jitter;
        configuration.policies.backoff.delay(&retry).map(|delay| delay.as_millis())
    };
    (0..count).map(delay).collect()
}

fn limit(configuration: &Configuration, phase: Phase, platform: Platform) -> Duration {
    configuration.policies.timeout.limit(&TimeoutContext::new(Link::Peer, phase, platform))
}

/// Returns the first `count` steps of an incident in which nothing helps.
fn steps(configuration: &Configuration, count: usize) -> Vec<RecoveryStep> {
    let network = NetworkSnapshot::default();
    let mut tried = Vec::new();
    for _ in 0..count {
        let mut incident = RecoveryContext::new(Role::Offerer, &Fault::IceDisconnected, &network);
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
    let examine =
        |now| configuration.policies.health.examine(&HealthContext::new(link, platform, up_since, now));
    (examine(up_since + Duration::from_secs(3_600)).probe, examine(up_since).again_in)
}

#[test]
fn every_profile_says_what_is_kept_for_a_peer() {
    for (name, messages, bytes) in
        [("vdo-ninja", 4096, 4 << 20), ("aggressive", 16_384, 16 << 20), ("conservative", 1024, 2 << 20)]
    {
        let outbox = load(name).outbox;
        assert_eq!((outbox.messages.get(), outbox.bytes.get()), (messages, bytes), "{name}");
        assert_eq!(outbox.when_full, WhenFull::Wait, "{name}");
        let page = profile(name).unwrap().page;
        assert!(["messages =", "bytes =", "when_full ="].iter().all(|key| page.contains(key)), "{name}");
    }
}

#[test]
fn no_profile_keeps_a_spare_until_it_is_told_to() {
    for known in PROFILES {
        assert_eq!(load(known.name).spare.keep, Spares::Never, "{}", known.name);
        assert!(known.page.contains("[spare]"), "{}", known.name);
    }
    let told = Loader::new(Registry::builtin()).set("spare.keep=other_uplink").load().unwrap();
    assert_eq!(told.spare.keep, Spares::OtherUplink);
}

#[test]
fn the_outbox_can_be_set_and_is_the_machines_own_without() {
    let set = |key: &str| Loader::new(Registry::builtin()).set(key).load().unwrap().outbox;
    assert_eq!(set("outbox.when_full=refuse").when_full, WhenFull::Refuse);
    assert_eq!(set("outbox.when_full=drop_oldest").when_full, WhenFull::DropOldest);
    let machine = Settings::new(Identity(0), "");
    let default = Outbox::default();
    assert_eq!(
        (default.messages.get() as usize, default.bytes.get() as usize),
        (machine.held_messages, machine.held_bytes)
    );
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
        ("decorrelated_jitter", "base max max_attempts"),
        ("ladder", "steps rounds stale_after"),
        ("rebuild", "patience signaling_after"),
        (
            "ping",
            "interval timeout misses stall platforms signaling_interval signaling_timeout signaling_misses",
        ),
        ("silence", "after timeout misses signaling_after signaling_timeout signaling_misses"),
        (
            "fixed",
            "signaling_open signaling_pong signaling_suspect_pong room_join stable_after gathering offer_answer \
             restart_request ice_checking data_channel_open verification disconnected_grace ice_disconnected_timeout ice_failed_timeout peer_expiry \
             rejoin_peer_expiry dormant",
        ),
        ("off", ""),
        ("thresholds", "interval loss rtt worse_after better_after margin"),
        ("ewma", "interval alpha factor loss_floor rtt_floor margin"),
        ("netlink", "debounce urgent_debounce"),
    ];
    for profile in PROFILES {
        let settings = Loader::new(Registry::builtin()).profile(profile.name).explain().unwrap();
        let set = |key: &str| settings.iter().any(|setting| setting.key == key);
        for chosen in settings.iter().filter(|setting| setting.key.ends_with(".use")) {
            let (question, _) = chosen.key.split_once('.').unwrap();
            let name = chosen.value.trim_matches('"');
            let known = options.iter().find(|(policy, _)| *policy == name);
            let (_, known) = known.unwrap_or_else(|| panic!("list the options of {name} here"));
            for option in known.split_whitespace() {
                assert!(set(&format!("{question}.{name}.{option}")), "{}: {option}", profile.name);
            }
        }
    }
}

/// Returns the chosen policies, question by question.
fn choices(name: &str) -> Vec<String> {
    let settings = Loader::new(Registry::builtin()).profile(name).explain().unwrap();
    let chosen = settings.into_iter().filter(|setting| setting.key.ends_with(".use"));
    chosen.map(|setting| setting.value.trim_matches('"').to_owned()).collect()
}

#[test]
fn every_profile_differs_in_kind() {
    for (name, kinds) in [
        ("vdo-ninja", ["exponential", "ping", "netlink", "thresholds", "ladder", "fixed"]),
        ("aggressive", ["exponential", "ping", "netlink", "ewma", "rebuild", "fixed"]),
        ("conservative", ["decorrelated_jitter", "silence", "netlink", "off", "ladder", "fixed"]),
    ] {
        assert_eq!(choices(name), kinds, "{name}");
    }
}

#[test]
fn a_page_of_ones_own_is_the_profile_it_was_copied_from() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mine.toml");
    std::fs::write(&path, profile("aggressive").unwrap().page).unwrap();
    let mine = Loader::new(Registry::builtin()).file(path).load().unwrap();
    assert_eq!(format!("{:?}", mine.policies.backoff), format!("{:?}", load("aggressive").policies.backoff));
}
