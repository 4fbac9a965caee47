//! What `rebuild` promises, rule by rule.

use std::time::Duration;

use rejoin_core::policy::{Outcome, RecoveryContext, Tried};
use rejoin_core::{Fault, NetworkSnapshot, RecoveryStep, RecoveryStrategy, Role};
use rejoin_recovery::{Patience, Rebuild};

use RecoveryStep::{ReconnectSignaling, RecreatePeerConnection, Wait};

/// Returns the first `count` steps of an incident with `fault` in which nothing helps.
fn first_steps(
    strategy: &Rebuild,
    fault: &Fault,
    count: usize,
    change: fn(&mut RecoveryContext<'_>),
) -> Vec<RecoveryStep> {
    let network = NetworkSnapshot::default();
    let mut tried = Vec::new();
    for _ in 0..count {
        let mut incident = RecoveryContext::new(Role::Answerer, fault, &network);
        incident.tried = &tried;
        change(&mut incident);
        let step = strategy.next_step(&incident);
        tried.push(Tried { step, outcome: Outcome::TimedOut, took: Duration::ZERO });
    }
    tried.iter().map(|tried| tried.step).collect()
}

fn unchanged(_: &mut RecoveryContext<'_>) {}

#[test]
fn rebuilds_at_once_and_examines_signaling_now_and_then() {
    let round = [RecreatePeerConnection, RecreatePeerConnection, ReconnectSignaling];
    let steps = first_steps(&Rebuild::default(), &Fault::IceDisconnected, 6, unchanged);
    assert_eq!(steps, [round, round].concat());
}

#[test]
fn never_examines_signaling_if_configured() {
    let strategy = Rebuild { signaling_after: 0, ..Rebuild::default() };
    assert_eq!(first_steps(&strategy, &Fault::IceFailed, 9, unchanged), [RecreatePeerConnection; 9]);
}

#[test]
fn grace_comes_once_and_first() {
    let strategy = Rebuild { patience: Patience::Grace, signaling_after: 0 };
    let steps = first_steps(&strategy, &Fault::IceDisconnected, 3, unchanged);
    assert_eq!(steps, [Wait, RecreatePeerConnection, RecreatePeerConnection]);
}

#[test]
fn grace_is_not_wasted_on_what_cannot_heal() {
    let strategy = Rebuild { patience: Patience::Grace, signaling_after: 0 };
    for fault in [Fault::PeerLeft, Fault::NetworkSwitched, Fault::IceFailed] {
        assert_eq!(first_steps(&strategy, &fault, 1, unchanged), [RecreatePeerConnection], "{fault:?}");
    }
    let closed = |incident: &mut RecoveryContext<'_>| incident.channel_open = false;
    assert_eq!(first_steps(&strategy, &Fault::IceDisconnected, 1, closed), [RecreatePeerConnection]);
}

#[test]
fn a_publisher_without_a_route_waits() {
    let publisher =
        |incident: &mut RecoveryContext<'_>| (incident.role, incident.address_known) = (Role::Offerer, false);
    assert_eq!(first_steps(&Rebuild::default(), &Fault::PeerLeft, 3, publisher), [Wait; 3]);
}

#[test]
fn refuses_unknown_options() {
    assert!(toml::from_str::<Rebuild>("patience = 'none'\nsignaling_after = 3").is_ok());
    assert!(toml::from_str::<Rebuild>("patience = 'long'").is_err());
    assert!(toml::from_str::<Rebuild>("patienc = 'none'").is_err());
}
