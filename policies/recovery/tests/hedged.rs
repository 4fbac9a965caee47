//! What `hedged` promises, rule by rule.

use std::time::Duration;

use rejoin_core::ice::IceConnectionState;
use rejoin_core::policy::{Outcome, RecoveryContext, Tried};
use rejoin_core::rtt::Rtt;
use rejoin_core::{Fault, NetworkSnapshot, RecoveryStep, RecoveryStrategy, Role};
use rejoin_recovery::{First, Hedged};

use RecoveryStep::{
    GiveUp, ReconnectSignaling, RecreatePeerConnection, RestartIce, RestartIceViaRelay, Wait,
};

/// Asks `hedged` about an incident with a peer that hedges, changed by `change`.
fn with_incident<T>(
    fault: &Fault,
    change: impl FnOnce(&mut RecoveryContext<'_>),
    ask: impl FnOnce(&RecoveryContext<'_>) -> T,
) -> T {
    let network = NetworkSnapshot::default();
    let mut incident = RecoveryContext::new(Role::Offerer, fault, &network);
    incident.peer_hedges = true;
    change(&mut incident);
    ask(&incident)
}

fn first(strategy: &Hedged, fault: &Fault, change: impl FnOnce(&mut RecoveryContext<'_>)) -> RecoveryStep {
    with_incident(fault, change, |incident| strategy.next_step(incident))
}

fn unchanged(_: &mut RecoveryContext<'_>) {}

#[test]
fn a_dead_path_is_restarted_and_one_that_may_live_is_left_alone() {
    let strategy = Hedged::default();
    for fault in [Fault::IceDisconnected, Fault::IceFailed, Fault::ProbeUnanswered] {
        assert_eq!(first(&strategy, &fault, unchanged), RestartIce, "{fault:?}");
    }
    let failed = |incident: &mut RecoveryContext<'_>| incident.ice = Some(IceConnectionState::Failed);
    assert_eq!(first(&strategy, &Fault::NetworkSwitched, failed), RestartIce);
    for fault in [Fault::NetworkSwitched, Fault::QualityPoor, Fault::Requested, Fault::PeerInitiatedRepair] {
        let alive = |incident: &mut RecoveryContext<'_>| incident.ice = Some(IceConnectionState::Connected);
        assert_eq!(first(&strategy, &fault, alive), RecreatePeerConnection, "{fault:?}");
    }
}

#[test]
fn waits_instead_of_restarting_if_configured() {
    let strategy = Hedged { first: First::Wait, ..Hedged::default() };
    assert_eq!(first(&strategy, &Fault::IceDisconnected, unchanged), Wait);
    assert_eq!(first(&strategy, &Fault::ProbeUnanswered, unchanged), RecreatePeerConnection);
}

#[test]
fn what_a_restart_cannot_revive_is_rebuilt_at_once() {
    let strategy = Hedged::default();
    let stale = |incident: &mut RecoveryContext<'_>| {
        (incident.bytes_in_flight, incident.silent_for) = (1, Duration::from_millis(3_001));
    };
    assert_eq!(first(&strategy, &Fault::ProbeUnanswered, stale), RecreatePeerConnection);
    let closed = |incident: &mut RecoveryContext<'_>| incident.channel_open = false;
    assert_eq!(first(&strategy, &Fault::IceDisconnected, closed), RecreatePeerConnection);
    assert_eq!(first(&strategy, &Fault::DataChannelClosed, unchanged), RecreatePeerConnection);
}

#[test]
fn a_peer_that_keeps_one_connection_gets_a_new_one_at_once() {
    let foreign = |incident: &mut RecoveryContext<'_>| incident.peer_hedges = false;
    assert_eq!(first(&Hedged::default(), &Fault::IceDisconnected, foreign), RecreatePeerConnection);
}

#[test]
fn after_the_first_attempt_it_rebuilds_and_examines_signaling_now_and_then() {
    let network = NetworkSnapshot::default();
    let mut tried = vec![];
    for _ in 0..6 {
        let mut incident = RecoveryContext::new(Role::Answerer, &Fault::IceFailed, &network);
        (incident.peer_hedges, incident.tried) = (true, &tried);
        let step = Hedged::default().next_step(&incident);
        tried.push(Tried { step, outcome: Outcome::TimedOut, took: Duration::ZERO });
    }
    let steps: Vec<_> = tried.iter().map(|tried| tried.step).collect();
    let (rebuild, look) = (RecreatePeerConnection, ReconnectSignaling);
    assert_eq!(steps, [RestartIce, rebuild, rebuild, look, rebuild, rebuild]);
}

#[test]
fn the_head_start_grows_with_the_round_trip() {
    let head_start = |change: fn(&mut RecoveryContext<'_>)| {
        with_incident(&Fault::IceFailed, change, |incident| {
            Hedged::default().head_start(incident, RestartIce)
        })
    };
    assert_eq!(head_start(|_| ()), Some(Duration::from_millis(100)));
    let far = |incident: &mut RecoveryContext<'_>| {
        let (smoothed, variation) = (Duration::from_millis(200), Duration::ZERO);
        incident.rtt = Some(Rtt { smoothed, variation });
    };
    assert_eq!(head_start(far), Some(Duration::from_millis(700)));
}

#[test]
fn only_a_repair_that_keeps_the_connection_has_a_head_start() {
    for (step, has_one) in [
        (Wait, true),
        (RestartIce, true),
        (RestartIceViaRelay, true),
        (RecreatePeerConnection, false),
        (ReconnectSignaling, false),
        (GiveUp, false),
    ] {
        let head_start =
            with_incident(&Fault::IceFailed, |_| (), |incident| Hedged::default().head_start(incident, step));
        assert_eq!(head_start.is_some(), has_one, "{step:?}");
    }
}

#[test]
fn a_publisher_without_a_route_waits_and_builds_nothing() {
    let lost = |incident: &mut RecoveryContext<'_>| incident.address_known = false;
    assert_eq!(first(&Hedged::default(), &Fault::PeerLeft, lost), Wait);
    let head_start =
        with_incident(&Fault::PeerLeft, lost, |incident| Hedged::default().head_start(incident, Wait));
    assert_eq!(head_start, None);
}
