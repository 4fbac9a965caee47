//! What `silence` promises, told as short histories of a link.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rejoin_core::ice::IceConnectionState;
use rejoin_core::policy::{Checkup, Health, HealthContext, Probe};
use rejoin_core::rtt::Rtt;
use rejoin_core::{HealthProbe, Link, Platform};
use rejoin_health::Silence;

/// A link's history in seconds since it came up; asked after 60 s, missed after 10 s, dead after two misses.
#[derive(Clone, Debug)]
struct History {
    link: Link,
    sent: Vec<u64>,
    acknowledged: Option<u64>,
    received: Option<u64>,
    rtt: Option<u64>,
    ice: Option<IceConnectionState>,
}

fn peer(sent: &[u64]) -> History {
    let ice = Some(IceConnectionState::Connected);
    History { link: Link::Peer, sent: sent.to_vec(), acknowledged: Some(0), received: None, rtt: None, ice }
}

fn ask(history: &History, now: u64) -> Checkup {
    let up_since = Instant::now();
    let at = |seconds: u64| up_since + Duration::from_secs(seconds);
    let probes: Vec<_> =
        history.sent.iter().map(|&sent| Probe { sent_at: at(sent), answered_at: None }).collect();
    let mut log = HealthContext::new(history.link, Platform::Linux, up_since, at(now));
    log.probes = &probes;
    log.acknowledged_at = history.acknowledged.map(at);
    log.last_received = history.received.map(at);
    log.ice = history.ice;
    log.rtt =
        history.rtt.map(|seconds| Rtt { smoothed: Duration::from_secs(seconds), variation: Duration::ZERO });
    Silence::default().examine(&log)
}

fn checkup(health: Health, probe: bool, seconds: u64) -> Checkup {
    Checkup { health, probe, again_in: Duration::from_secs(seconds) }
}

#[test]
fn a_link_is_left_alone_until_it_has_been_silent_for_long() {
    assert_eq!(ask(&peer(&[]), 0), checkup(Health::Alive, false, 60));
    assert_eq!(ask(&peer(&[]), 59), checkup(Health::Alive, false, 1));
    assert_eq!(ask(&peer(&[]), 60), checkup(Health::Alive, true, 10));
}

#[test]
fn data_puts_the_question_off() {
    let history = History { received: Some(59), ..peer(&[]) };
    assert_eq!(ask(&history, 60), checkup(Health::Alive, false, 59));
}

#[test]
fn the_next_question_follows_a_miss() {
    assert_eq!(ask(&peer(&[60]), 65), checkup(Health::Alive, false, 5));
    assert_eq!(ask(&peer(&[60]), 70), checkup(Health::Suspect, true, 10));
}

#[test]
fn enough_misses_mean_death() {
    assert_eq!(ask(&peer(&[60, 70]), 79), checkup(Health::Suspect, false, 1));
    let end = ask(&peer(&[60, 70]), 80);
    assert_eq!((end.health, end.probe), (Health::Dead, false));
}

#[test]
fn anything_that_comes_forgives_all_misses() {
    let history = History { received: Some(75), ..peer(&[60, 70]) };
    assert_eq!(ask(&history, 80), checkup(Health::Alive, false, 55));
    let history = History { acknowledged: Some(79), ..peer(&[60, 70]) };
    assert_eq!(ask(&history, 80).health, Health::Alive);
}

#[test]
fn a_long_round_trip_is_waited_for() {
    let history = History { rtt: Some(2), ..peer(&[60]) };
    assert_eq!(ask(&history, 73).health, Health::Alive);
    assert_eq!(ask(&history, 74).health, Health::Suspect);
}

#[test]
fn a_peer_that_never_answers_lives_by_ice() {
    let mute = History { acknowledged: None, ..peer(&[60, 70]) };
    assert_eq!(ask(&mute, 1_000), checkup(Health::Alive, false, 60));
    let cut = History { ice: Some(IceConnectionState::Disconnected), ..mute };
    assert_eq!(ask(&cut, 1_000).health, Health::Dead);
}

#[test]
fn a_server_is_asked_before_proxies_lose_patience() {
    let socket = History { link: Link::Signaling, ice: None, ..peer(&[]) };
    assert_eq!(ask(&socket, 25), checkup(Health::Alive, true, 10));
    let silent = History { sent: vec![25, 35], ..socket };
    assert_eq!(ask(&silent, 45).health, Health::Dead);
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for (options, remedy) in [
        ("after = '0s'", "at least 10ms"),
        ("misses = 33", "give fewer"),
        ("misses = 0", "nonzero"),
        ("interval = '1s'", "unknown field"),
    ] {
        let error = toml::from_str::<Silence>(options).unwrap_err();
        assert!(error.message().contains(remedy), "{options}: {error}");
    }
}

#[test]
fn the_default_gives_one_lost_ping_another_chance() {
    assert!(Silence::default().misses > NonZeroU32::MIN);
}

/// Lives through `seconds` of silence after `received` and returns when the link was found dead.
fn found_dead(received: u64, seconds: u64) -> Option<u64> {
    let mut history = History { received: Some(received), ..peer(&[]) };
    let mut due = 0;
    for now in 0..seconds {
        if now < due || now < received {
            continue;
        }
        let checkup = ask(&history, now);
        if checkup.health == Health::Dead {
            return Some(now);
        }
        if checkup.probe {
            history.sent.push(now);
        }
        due = now + checkup.again_in.as_secs().max(1);
    }
    None
}

proptest! {
    #[test]
    fn death_is_found_after_the_silence_and_its_misses(received in 0..500_u64) {
        prop_assert_eq!(found_dead(received, 1_000), Some(received + 60 + 10 + 10));
    }
}
