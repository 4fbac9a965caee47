//! What `ladder` promises, rule by rule.

use std::time::Duration;

use rejoin_core::ice::IceConnectionState;
use rejoin_core::policy::{Outcome, RecoveryContext, Tried};
use rejoin_core::{Fault, NetworkSnapshot, Phase, RecoveryStep, RecoveryStrategy, Role};
use rejoin_recovery::Ladder;

use RecoveryStep::{
    GiveUp, ReconnectSignaling, RecreatePeerConnection, RestartIce, RestartIceViaRelay, Wait,
};

/// Asks `ladder` about an incident at an offerer with `fault` after `tried` timed out, changed by `change`.
fn ask(
    ladder: &Ladder,
    fault: &Fault,
    tried: &[RecoveryStep],
    change: fn(&mut RecoveryContext<'_>),
) -> RecoveryStep {
    let timed_out =
        |step: &RecoveryStep| Tried { step: *step, outcome: Outcome::TimedOut, took: Duration::ZERO };
    let tried: Vec<_> = tried.iter().map(timed_out).collect();
    let network = NetworkSnapshot::default();
    let mut incident = RecoveryContext::new(Role::Offerer, fault, &network);
    incident.tried = &tried;
    change(&mut incident);
    ladder.next_step(&incident)
}

/// Returns the first `count` steps of an incident in which nothing helps.
fn first_steps(
    ladder: &Ladder,
    fault: &Fault,
    count: usize,
    change: fn(&mut RecoveryContext<'_>),
) -> Vec<RecoveryStep> {
    let mut steps = Vec::new();
    for _ in 0..count {
        steps.push(ask(ladder, fault, &steps, change));
    }
    steps
}

fn unchanged(_: &mut RecoveryContext<'_>) {}

fn first(fault: &Fault) -> RecoveryStep {
    ask(&Ladder::default(), fault, &[], unchanged)
}

#[test]
fn begins_with_the_mildest_step_and_repeats_from_the_rebuild() {
    let steps = first_steps(&Ladder::default(), &Fault::IceDisconnected, 7, |incident| {
        incident.relay_available = true
    });
    assert_eq!(
        steps,
        [
            Wait,
            RestartIce,
            RestartIceViaRelay,
            RecreatePeerConnection,
            ReconnectSignaling,
            RecreatePeerConnection,
            ReconnectSignaling,
        ]
    );
}

#[test]
fn goes_by_relay_only_where_there_is_one() {
    let steps = first_steps(&Ladder::default(), &Fault::IceDisconnected, 3, unchanged);
    assert_eq!(steps, [Wait, RestartIce, RecreatePeerConnection]);
}

#[test]
fn a_lost_association_is_rebuilt_at_once() {
    for fault in [
        Fault::PeerLeft,
        Fault::DataChannelClosed,
        Fault::ConnectionDied { reason: String::new() },
        Fault::FingerprintChanged,
        Fault::NotConnected,
        Fault::TimedOut(Phase::DataChannelOpen),
    ] {
        assert_eq!(first(&fault), RecreatePeerConnection, "{fault:?}");
    }
}

#[test]
fn known_trouble_gets_no_grace() {
    for fault in [
        Fault::NetworkSwitched,
        Fault::NetworkLost,
        Fault::Requested,
        Fault::PeerInitiatedRepair,
        Fault::IceFailed,
        Fault::ProbeUnanswered,
        Fault::QualityPoor,
        Fault::Suspended(Duration::from_secs(60)),
    ] {
        assert_eq!(first(&fault), RestartIce, "{fault:?}");
    }
}

#[test]
fn a_path_without_bytes_is_rebuilt() {
    for step in [Wait, RestartIce] {
        let tried = [Tried { step, outcome: Outcome::Unverified, took: Duration::ZERO }];
        let network = NetworkSnapshot::default();
        let mut incident = RecoveryContext::new(Role::Offerer, &Fault::IceDisconnected, &network);
        incident.relay_available = true;
        incident.tried = &tried;
        assert_eq!(Ladder::default().next_step(&incident), RecreatePeerConnection, "{step:?}");
    }
}

#[test]
fn a_peer_that_cannot_restart_is_rebuilt_after_its_grace() {
    let refuses = |incident: &mut RecoveryContext<'_>| incident.peer_restarts_ice = Some(false);
    let steps = first_steps(&Ladder::default(), &Fault::IceDisconnected, 2, refuses);
    assert_eq!(steps, [Wait, RecreatePeerConnection]);
}

#[test]
fn a_viewer_without_a_route_plays_again() {
    let viewer = |incident: &mut RecoveryContext<'_>| {
        (incident.role, incident.address_known) = (Role::Answerer, false)
    };
    assert_eq!(ask(&Ladder::default(), &Fault::IceDisconnected, &[], viewer), RecreatePeerConnection);
}

#[test]
fn a_publisher_without_a_route_waits_for_ever() {
    let publisher = |incident: &mut RecoveryContext<'_>| incident.address_known = false;
    assert_eq!(first_steps(&Ladder::default(), &Fault::PeerLeft, 3, publisher), [Wait; 3]);
}

#[test]
fn a_returning_route_finds_the_ladder_where_it_was() {
    let step = ask(&Ladder::default(), &Fault::IceDisconnected, &[Wait, Wait, Wait], unchanged);
    assert_eq!(step, RestartIce);
}

#[test]
fn stale_data_in_flight_is_rebuilt_rather_than_restarted() {
    let first = |change| ask(&Ladder::default(), &Fault::NetworkSwitched, &[], change);
    let stale = |incident: &mut RecoveryContext<'_>| {
        (incident.bytes_in_flight, incident.silent_for) = (1, Duration::from_millis(3_001));
    };
    let fresh = |incident: &mut RecoveryContext<'_>| {
        (incident.bytes_in_flight, incident.silent_for) = (1, Duration::from_millis(3_000));
    };
    let idle = |incident: &mut RecoveryContext<'_>| incident.silent_for = Duration::from_secs(60);
    assert_eq!([first(stale), first(fresh), first(idle)], [RecreatePeerConnection, RestartIce, RestartIce]);
}

#[test]
fn nothing_closed_is_restarted() {
    let closed = |incident: &mut RecoveryContext<'_>| incident.ice = Some(IceConnectionState::Closed);
    let channel = |incident: &mut RecoveryContext<'_>| incident.channel_open = false;
    assert_eq!(ask(&Ladder::default(), &Fault::Requested, &[], closed), RecreatePeerConnection);
    assert_eq!(ask(&Ladder::default(), &Fault::Requested, &[], channel), RecreatePeerConnection);
}

#[test]
fn gives_up_after_its_rounds() {
    let ladder = toml::from_str("rounds = 2").unwrap();
    let steps = first_steps(&ladder, &Fault::PeerLeft, 6, unchanged);
    let round = [RecreatePeerConnection, ReconnectSignaling];
    assert_eq!(steps, [round, round, [GiveUp, GiveUp]].concat());
}

#[test]
fn a_step_listed_twice_is_tried_twice() {
    let ladder = toml::from_str(
        "steps = ['restart_ice', 'restart_ice', 'recreate_peer_connection', 'recreate_peer_connection', \
         'reconnect_signaling']",
    )
    .unwrap();
    let steps = first_steps(&ladder, &Fault::IceFailed, 7, unchanged);
    let rebuilds = [RecreatePeerConnection, RecreatePeerConnection];
    let expected = [&[RestartIce, RestartIce], &rebuilds[..], &[ReconnectSignaling], &rebuilds[..]].concat();
    assert_eq!(steps, expected);
}

#[test]
fn refuses_impossible_ladders() {
    for (options, remedy) in [
        ("steps = ['recreate_peer_connection', 'wait']", "from the mildest"),
        ("steps = ['wait', 'restart_ice']", "add it"),
        ("steps = []", "add it"),
        ("steps = ['recreate_peer_connection', 'give_up']", "set rounds"),
        ("steps = ['wait', 'wait', 'recreate_peer_connection']", "wait once"),
        ("step = ['wait']", "unknown field"),
    ] {
        let error = toml::from_str::<Ladder>(options).unwrap_err();
        assert!(error.message().contains(remedy), "{options}: {error}");
    }
}
