//! What every strategy promises, whatever the incident.

use std::time::Duration;

use proptest::prelude::*;
use rejoin_core::ice::IceConnectionState;
use rejoin_core::policy::{Outcome, RecoveryContext, Spare, Tried};
use rejoin_core::{Fault, Link, NetworkSnapshot, Phase, RecoveryStep, RecoveryStrategy, Role};
use rejoin_recovery::{Hedged, Ladder, Patience, Rebuild};

fn strategies() -> Result<Vec<Box<dyn RecoveryStrategy>>, toml::de::Error> {
    let repeated = "steps = ['wait', 'restart_ice', 'restart_ice', 'recreate_peer_connection', \
                    'recreate_peer_connection', 'reconnect_signaling']";
    Ok(vec![
        Box::new(Ladder::default()),
        Box::new(toml::from_str::<Ladder>(repeated)?),
        Box::new(toml::from_str::<Ladder>("steps = ['recreate_peer_connection']")?),
        Box::new(Rebuild::default()),
        Box::new(Rebuild { patience: Patience::Grace, signaling_after: 0 }),
        Box::new(Hedged::default()),
        Box::new(toml::from_str::<Hedged>("first = 'wait'\nhead_start = '2s'\nround_trips = 0")?),
    ])
}

#[test]
fn a_spare_comes_first_where_a_path_broke() {
    let network = NetworkSnapshot::default();
    let paths = [Fault::NetworkSwitched, Fault::ProbeUnanswered, Fault::IceFailed, Fault::QualityPoor];
    let others =
        [Fault::Requested, Fault::PeerLeft, Fault::PeerInitiatedRepair, Fault::Suspended(Duration::ZERO)];
    for strategy in strategies().unwrap() {
        let step = |fault: &Fault| {
            let mut incident = RecoveryContext::new(Role::Offerer, fault, &network);
            incident.spare = Spare::Ready;
            strategy.next_step(&incident)
        };
        assert!(paths.iter().all(|fault| step(fault) == RecoveryStep::MoveToSpare), "{strategy:?}");
        assert!(others.iter().all(|fault| step(fault) != RecoveryStep::MoveToSpare), "{strategy:?}");
    }
}

#[test]
fn a_switch_that_took_only_the_spare_is_waited_out_once() {
    let network = NetworkSnapshot::default();
    let waited = [Tried { step: RecoveryStep::Wait, outcome: Outcome::TimedOut, took: Duration::ZERO }];
    for strategy in strategies().unwrap() {
        let mut incident = RecoveryContext::new(Role::Answerer, &Fault::NetworkSwitched, &network);
        incident.spare = Spare::Lost;
        assert_eq!(strategy.next_step(&incident), RecoveryStep::Wait, "{strategy:?}");
        incident.tried = &waited;
        assert_ne!(strategy.next_step(&incident), RecoveryStep::Wait, "{strategy:?}");
    }
}

fn fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(vec![
        Fault::NotConnected,
        Fault::SignalingSilent,
        Fault::IceDisconnected,
        Fault::IceFailed,
        Fault::DataChannelClosed,
        Fault::ConnectionDied { reason: String::new() },
        Fault::ProbeUnanswered,
        Fault::TimedOut(Phase::IceChecking),
        Fault::TimedOut(Phase::OfferAnswer),
        Fault::NetworkLost,
        Fault::NetworkSwitched,
        Fault::Suspended(Duration::MAX),
        Fault::PeerLeft,
        Fault::PeerInitiatedRepair,
        Fault::FingerprintChanged,
        Fault::QualityPoor,
        Fault::Requested,
    ])
}

fn tried() -> impl Strategy<Value = Tried> {
    let steps = prop::sample::select(vec![
        RecoveryStep::Wait,
        RecoveryStep::RestartIce,
        RecoveryStep::RestartIceViaRelay,
        RecoveryStep::RecreatePeerConnection,
        RecoveryStep::ReconnectSignaling,
        RecoveryStep::GiveUp,
    ]);
    let outcomes = prop::sample::select(vec![
        Outcome::Verified,
        Outcome::Unverified,
        Outcome::TimedOut,
        Outcome::Failed,
        Outcome::Superseded,
    ]);
    (steps, outcomes).prop_map(|(step, outcome)| Tried { step, outcome, took: Duration::MAX })
}

proptest! {
    #[test]
    fn no_answer_panics_gives_up_or_waits_twice(
        fault in fault(), mut tried in prop::collection::vec(tried(), 0..12),
        offerer: bool, address_known: bool, relay_available: bool, channel_open: bool,
        peer_restarts_ice: Option<bool>, signaling: bool, silent in 0u64..=u64::MAX, bytes_in_flight: u64,
        ice in prop::option::of(prop::sample::select(vec![IceConnectionState::Closed, IceConnectionState::Failed])),
    ) {
        let network = NetworkSnapshot::default();
        let role = if offerer { Role::Offerer } else { Role::Answerer };
        for strategy in strategies().unwrap() {
            let mut incident = RecoveryContext::new(role, &fault, &network);
            incident.link = if signaling { Link::Signaling } else { Link::Peer };
            incident.address_known = address_known;
            incident.relay_available = relay_available;
            incident.channel_open = channel_open;
            incident.peer_restarts_ice = peer_restarts_ice;
            incident.silent_for = Duration::from_nanos(silent);
            incident.bytes_in_flight = bytes_in_flight;
            incident.ice = ice;
            incident.tried = &tried;
            let step = strategy.next_step(&incident);
            prop_assert_ne!(step, RecoveryStep::GiveUp);
            let helpless = !signaling && offerer && !address_known;
            prop_assert!(step != RecoveryStep::Wait || helpless || incident.times(RecoveryStep::Wait) == 0);
            prop_assert!(!helpless || step == RecoveryStep::Wait);
        }
        // A wait that has just timed out is never answered with another, whatever came before it.
        tried.push(Tried { step: RecoveryStep::Wait, outcome: Outcome::TimedOut, took: Duration::ZERO });
        for strategy in strategies().unwrap() {
            let mut incident = RecoveryContext::new(Role::Answerer, &fault, &network);
            incident.tried = &tried;
            prop_assert_ne!(strategy.next_step(&incident), RecoveryStep::Wait);
        }
    }
}
