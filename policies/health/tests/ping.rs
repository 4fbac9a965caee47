//! What `ping` promises, told as short histories of a link.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rejoin_core::ice::IceConnectionState;
use rejoin_core::policy::{Checkup, Health, HealthContext, Probe};
use rejoin_core::rtt::Rtt;
use rejoin_core::{HealthProbe, Link, Platform};
use rejoin_health::Ping;

/// A link's history in milliseconds since it came up; pings every 250 ms, missed after 400 ms and two round trips.
#[derive(Clone, Debug)]
struct History {
    link: Link,
    platform: Platform,
    sent: Vec<u64>,
    acknowledged: Option<u64>,
    received: Option<u64>,
    bytes_due: u64,
    rtt: Option<u64>,
    variation: u64,
    ice: Option<IceConnectionState>,
    consented: Option<u64>,
}

fn peer(sent: &[u64]) -> History {
    History {
        link: Link::Peer,
        platform: Platform::Linux,
        sent: sent.to_vec(),
        acknowledged: Some(0),
        received: None,
        bytes_due: 0,
        rtt: None,
        variation: 0,
        ice: Some(IceConnectionState::Connected),
        consented: None,
    }
}

fn policy() -> Ping {
    Ping {
        interval: Duration::from_millis(250),
        timeout: Duration::from_millis(400),
        misses: TWO,
        stall: Duration::from_secs(8),
        platforms: BTreeSet::new(),
        signaling_interval: Duration::from_secs(1),
        signaling_timeout: Duration::from_secs(1),
        signaling_misses: TWO,
    }
}

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

fn ask(policy: &Ping, history: &History, now: u64) -> Checkup {
    let up_since = Instant::now();
    let at = |millis: u64| up_since + Duration::from_millis(millis);
    let answered = |sent: u64| history.acknowledged.filter(|acknowledged| *acknowledged > sent).map(at);
    let probes: Vec<_> =
        history.sent.iter().map(|&sent| Probe { sent_at: at(sent), answered_at: answered(sent) }).collect();
    let mut log = HealthContext::new(history.link, history.platform, up_since, at(now));
    log.probes = &probes;
    log.acknowledged_at = history.acknowledged.map(at);
    log.last_received = history.received.map(at);
    log.bytes_due = history.bytes_due;
    log.rtt = history.rtt.map(|millis| Rtt {
        smoothed: Duration::from_millis(millis),
        variation: Duration::from_millis(history.variation),
    });
    log.ice = history.ice;
    log.consented_since = history.consented.map(at);
    policy.examine(&log)
}

fn examine(history: &History, now: u64) -> Checkup {
    ask(&policy(), history, now)
}

fn millis(checkup: Checkup) -> u64 {
    checkup.again_in.as_secs() * 1_000 + u64::from(checkup.again_in.subsec_millis())
}

#[test]
fn a_fresh_link_is_pinged_after_one_interval() {
    let (before, after) = (examine(&peer(&[]), 100), examine(&peer(&[]), 250));
    assert_eq!((before.probe, millis(before)), (false, 150));
    assert_eq!((after.probe, millis(after)), (true, 250));
}

#[test]
fn a_ping_is_missed_after_its_timeout() {
    assert_eq!(examine(&peer(&[250]), 649).health, Health::Alive);
    assert_eq!(examine(&peer(&[250]), 650).health, Health::Suspect);
}

#[test]
fn a_long_path_has_two_round_trips_more() {
    let history = History { rtt: Some(300), ..peer(&[250]) };
    assert_eq!(examine(&history, 1_249).health, Health::Alive);
    assert_eq!(examine(&history, 1_250).health, Health::Suspect);
}

#[test]
fn the_last_miss_means_death() {
    assert_eq!(examine(&peer(&[250, 500]), 899).health, Health::Suspect);
    assert_eq!(examine(&peer(&[250, 500]), 900).health, Health::Dead);
}

#[test]
fn a_path_that_lives_below_its_pings_is_in_doubt_only() {
    let stalled = History { consented: Some(800), ..peer(&[250, 500, 750]) };
    assert_eq!(examine(&stalled, 1_400).health, Health::Suspect);
    assert_eq!(examine(&stalled, 1_450).health, Health::Dead);
}

#[test]
fn a_path_that_died_after_its_last_answer_is_found_as_soon() {
    // the pong of 250 and the answer of ICE are both lost from 300 on
    let cut = History { consented: Some(300), rtt: Some(50), ..peer(&[250, 500, 750]) };
    let dead = (800..2_000).find(|now| examine(&cut, *now).health == Health::Dead);
    let unheard = History { consented: None, ..cut.clone() };
    assert_eq!(dead, (800..2_000).find(|now| examine(&unheard, *now).health == Health::Dead));
}

#[test]
fn a_path_that_jumps_is_doubted_for_longer() {
    let steady = History { rtt: Some(50), consented: Some(800), ..peer(&[250, 500, 750]) };
    let jumpy = History { variation: 100, ..steady.clone() };
    assert_eq!(examine(&steady, 1_500).health, Health::Dead);
    assert_eq!(examine(&jumpy, 1_899).health, Health::Suspect);
    assert_eq!(examine(&jumpy, 1_900).health, Health::Dead);
}

#[test]
fn pings_that_waited_for_a_path_make_nobody_wait_as_long() {
    let waited = History { rtt: Some(9_000), variation: 4_000, ..peer(&[250, 500, 750]) };
    assert_eq!(examine(&waited, 8_499).health, Health::Suspect);
    assert_eq!(examine(&waited, 8_500).health, Health::Dead);
}

#[test]
fn a_stall_has_an_end_although_ice_answers() {
    let stalled = |now| History { consented: Some(now), ..peer(&[250, 500, 750]) };
    assert_eq!(examine(&stalled(8_249), 8_249).health, Health::Suspect);
    assert_eq!(examine(&stalled(8_250), 8_250).health, Health::Dead);
}

#[test]
fn a_late_answer_forgives_every_earlier_miss() {
    let history = History { acknowledged: Some(880), ..peer(&[250, 500, 750]) };
    assert_eq!(examine(&history, 1_100).health, Health::Alive);
}

#[test]
fn one_way_loss_is_death_although_data_comes() {
    let history = History { received: Some(899), ..peer(&[250, 500]) };
    assert_eq!(examine(&history, 900).health, Health::Dead);
}

#[test]
fn data_after_a_missed_ping_lifts_suspicion() {
    assert_eq!(examine(&History { received: Some(600), ..peer(&[250]) }, 700).health, Health::Alive);
    assert_eq!(examine(&History { received: Some(200), ..peer(&[250]) }, 700).health, Health::Suspect);
}

#[test]
fn a_busy_link_is_pinged_too() {
    assert!(examine(&History { received: Some(499), acknowledged: Some(300), ..peer(&[250]) }, 500).probe);
}

#[test]
fn a_peer_that_never_answers_is_judged_by_ice() {
    let mute = History { acknowledged: None, ..peer(&[250, 500, 750]) };
    assert_eq!(examine(&mute, 5_000).health, Health::Alive);
    let lost = History { ice: Some(IceConnectionState::Disconnected), ..mute };
    assert_eq!(examine(&lost, 5_000).health, Health::Dead);
}

#[test]
fn a_peer_that_never_answers_is_judged_by_bytes() {
    let stuck = History { acknowledged: None, bytes_due: 1, ..peer(&[250, 500, 750]) };
    assert_eq!(examine(&stuck, 5_000).health, Health::Dead);
    assert_eq!(examine(&History { received: Some(600), ..stuck }, 5_000).health, Health::Alive);
}

#[test]
fn our_own_ping_is_not_what_a_silent_peer_owes() {
    let mute = History { acknowledged: None, bytes_due: 1, ..peer(&[400, 800, 1_200]) };
    assert_eq!(examine(&mute, 1_500).health, Health::Alive);
    assert!(!examine(&mute, 1_500).probe);
}

#[test]
fn a_socket_that_never_answers_and_is_silent_is_dead() {
    let socket = History { link: Link::Signaling, acknowledged: None, ice: None, ..peer(&[1_000, 2_000]) };
    assert_eq!(examine(&socket, 2_999).health, Health::Suspect);
    assert_eq!(examine(&socket, 3_000).health, Health::Dead);
}

#[test]
fn platforms_that_are_not_named_ping_no_peer_but_the_server() {
    let apple = Ping { platforms: [Platform::Macos, Platform::Ios].into(), ..policy() };
    for platform in Platform::ALL {
        let named = matches!(platform, Platform::Macos | Platform::Ios);
        assert_eq!(ask(&apple, &History { platform, ..peer(&[]) }, 60_000).probe, named, "{platform}");
        let socket = History { platform, link: Link::Signaling, ice: None, ..peer(&[]) };
        assert!(ask(&apple, &socket, 60_000).probe, "{platform}");
    }
}

#[test]
fn a_peer_that_is_not_probed_is_never_suspect() {
    let apple = Ping { platforms: [Platform::Macos].into(), ..policy() };
    assert_eq!(ask(&apple, &peer(&[250, 500]), 60_000).health, Health::Alive);
}

#[test]
fn a_dead_link_is_not_pinged() {
    assert!(!examine(&peer(&[250, 500]), 900).probe);
}

#[test]
fn pings_do_not_pile_up_while_none_is_missed_yet() {
    let slow = Ping { interval: Duration::from_millis(20), timeout: Duration::from_secs(5), ..policy() };
    let (mut now, mut history) = (0, peer(&[]));
    while ask(&slow, &history, now).health != Health::Dead {
        let checkup = ask(&slow, &history, now);
        history.sent.extend(checkup.probe.then_some(now));
        now += millis(checkup);
    }
    assert_eq!((history.sent.len(), now), (6, 5_040));
}

#[test]
fn refuses_what_would_never_end_or_never_rest() {
    for options in [
        "interval = '0s'",
        "timeout = '0s'",
        "misses = 0",
        "signaling_misses = 0",
        "misses = 33",
        "mises = 2",
    ] {
        assert!(toml::from_str::<Ping>(options).is_err(), "{options}");
    }
}

/// Runs a link whose peer falls silent at `cut`, as core would, and returns when it is found dead.
fn found_dead_after(cut: u64, rtt: u64) -> u64 {
    let (mut now, mut history) = (0, History { rtt: Some(rtt), ..peer(&[]) });
    loop {
        let heard = history.sent.iter().filter(|sent| **sent + rtt <= now && **sent < cut).max();
        history.acknowledged = heard.map(|sent| sent + rtt).or(Some(0));
        let checkup = examine(&history, now);
        if checkup.health == Health::Dead {
            return now - cut;
        }
        if checkup.probe {
            history.sent.push(now);
        }
        now += millis(checkup);
    }
}

proptest! {
    #[test]
    fn death_is_found_within_1200_ms_at_50_ms(cut in 1_000u64..3_000) {
        let took = found_dead_after(cut, 50);
        prop_assert!(took <= 1_200, "{took} ms");
    }

    #[test]
    fn the_next_checkup_is_neither_at_once_nor_late(
        mut sent in prop::collection::vec(0u64..20_000, 0..8), acknowledged in prop::option::of(0u64..20_000),
        received in prop::option::of(0u64..20_000), bytes_due in 0u64..2, now in 0u64..30_000,
    ) {
        sent.retain(|sent| *sent <= now);
        sent.sort_unstable();
        let history = History { acknowledged, received, bytes_due, ..peer(&sent) };
        let checkup = examine(&history, now);
        prop_assert!((10..=400).contains(&millis(checkup)), "{checkup:?}");
        // Nothing may change between this checkup and the next, unless something happens.
        if millis(checkup) > 10 && !checkup.probe {
            let just_before = examine(&history, now + millis(checkup) - 1);
            prop_assert_eq!(just_before.health, checkup.health);
            prop_assert!(!just_before.probe);
        }
    }
}
