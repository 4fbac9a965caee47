//! What `fixed` promises.

use std::time::Duration;

use rejoin_core::policy::TimeoutContext;
use rejoin_core::rtt::Rtt;
use rejoin_core::{Link, Phase, Platform, TimeoutPolicy};
use rejoin_timeout::Fixed;

const PHASES: [Phase; 16] = [
    Phase::SignalingOpen,
    Phase::SignalingPong,
    Phase::SignalingSuspectPong,
    Phase::RoomJoin,
    Phase::StableAfter,
    Phase::Gathering,
    Phase::OfferAnswer,
    Phase::RestartRequest,
    Phase::IceChecking,
    Phase::DataChannelOpen,
    Phase::Verification,
    Phase::DisconnectedGrace,
    Phase::IceDisconnectedTimeout,
    Phase::IceFailedTimeout,
    Phase::PeerExpiry,
    Phase::Dormant,
];

fn wait(phase: Phase, platform: Platform) -> TimeoutContext {
    TimeoutContext::new(Link::Peer, phase, platform)
}

#[test]
fn every_phase_has_an_option_of_its_name() {
    for phase in PHASES {
        let policy: Fixed = toml::from_str(&format!("{} = '123s'", phase.name())).unwrap();
        assert_eq!(policy.limit(&wait(phase, Platform::Linux)), Duration::from_secs(123), "{phase:?}");
    }
}

#[test]
fn every_phase_may_differ_on_a_platform() {
    for phase in PHASES {
        let policy: Fixed = toml::from_str(&format!("platform.windows.{} = '123s'", phase.name())).unwrap();
        assert_eq!(policy.limit(&wait(phase, Platform::Windows)), Duration::from_secs(123), "{phase:?}");
        assert_eq!(
            policy.limit(&wait(phase, Platform::Macos)),
            Fixed::default().limit(&wait(phase, Platform::Macos)),
            "{phase:?}"
        );
    }
}

#[test]
fn no_phase_may_hang_by_default() {
    for phase in PHASES {
        for platform in Platform::ALL {
            let limit = Fixed::default().limit(&wait(phase, platform));
            assert!(limit > Duration::ZERO && limit <= Duration::from_secs(300), "{phase:?} {limit:?}");
        }
    }
}

#[test]
fn verification_allows_two_round_trips_and_a_second() {
    let mut verification = wait(Phase::Verification, Platform::Linux);
    verification.rtt = Some(Rtt::first(Duration::from_millis(250)));
    assert_eq!(Fixed::default().limit(&verification), Duration::from_millis(1_500));
}

#[test]
fn a_retransmitted_ping_does_not_measure_the_round_trip() {
    let mut verification = wait(Phase::Verification, Platform::Linux);
    for seconds in [1, 7, u64::MAX] {
        let smoothed = Duration::from_secs(seconds);
        verification.rtt = Some(Rtt { smoothed, variation: Duration::ZERO });
        assert_eq!(Fixed::default().limit(&verification), Duration::from_secs(3));
    }
}

#[test]
fn other_waits_do_not_depend_on_the_path() {
    let mut checking = wait(Phase::IceChecking, Platform::Linux);
    checking.rtt = Some(Rtt::first(Duration::from_secs(2)));
    assert_eq!(Fixed::default().limit(&checking), Fixed::default().ice_checking);
}

#[test]
fn only_the_grace_and_the_proof_may_be_zero() {
    for phase in PHASES {
        let zero = format!("{} = '0s'", phase.name());
        let may_be_zero = matches!(phase, Phase::DisconnectedGrace | Phase::StableAfter);
        assert_eq!(toml::from_str::<Fixed>(&zero).is_ok(), may_be_zero, "{phase:?}");
        assert_eq!(
            toml::from_str::<Fixed>(&format!("platform.ios.{zero}")).is_ok(),
            may_be_zero,
            "{phase:?}"
        );
    }
}

#[test]
fn refuses_unknown_phases_and_platforms() {
    assert!(toml::from_str::<Fixed>("ice_cheking = '1s'").is_err());
    assert!(toml::from_str::<Fixed>("platform.windos.ice_checking = '1s'").is_err());
    assert!(toml::from_str::<Fixed>("platform.windows.ice_cheking = '1s'").is_err());
}
