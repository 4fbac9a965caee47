//! Faults of uplinks, and how the network manager of the lab reacts.

use std::time::{Duration, Instant};

use rejoin_lab::probe::ask;
use rejoin_lab::{Family, Fault, LinkId, Nat, OldAddress, Timestamp, Topology, Way, sandbox};

use crate::fixture::{CGN, Fixture, HOME, any, output, question, quick, router, silence, socket};

#[test]
fn a_pulled_cable_shows_and_moves_the_default_route() {
    sandbox::test("uplinks::a_pulled_cable_shows_and_moves_the_default_route", || {
        let mut fixture = Fixture::build(&quick());
        let bound = socket(fixture.world.a(), fixture.world.a().addresses()[0]);
        assert_eq!(question(&bound, fixture.echo.udp).unwrap().ip(), router(HOME));
        fixture.world.inject(&Fault::Carrier(LinkId::Wifi)).unwrap();
        assert!(output(fixture.world.a(), "ip", &["link", "show", "wifi"]).contains("NO-CARRIER"));
        assert!(silence(&bound, fixture.echo.udp));
        assert_eq!(fixture.router_of_a().unwrap(), router(CGN));
        fixture.world.heal(&Fault::Carrier(LinkId::Wifi)).unwrap();
        assert_eq!(question(&bound, fixture.echo.udp).unwrap().ip(), router(HOME));
        assert_eq!(fixture.router_of_a().unwrap(), router(HOME));
    });
}

#[test]
fn without_its_only_cable_a_host_has_no_route() {
    sandbox::test("uplinks::without_its_only_cable_a_host_has_no_route", || {
        let mut fixture = Fixture::build(&quick());
        let free = socket(fixture.world.b(), any(fixture.echo.udp.ip()));
        fixture.world.inject(&Fault::Carrier(LinkId::B)).unwrap();
        assert!(free.send_to(b"?", fixture.echo.udp).is_err());
        fixture.world.heal(&Fault::Carrier(LinkId::B)).unwrap();
        question(&free, fixture.echo.udp).unwrap();
    });
}

#[test]
fn a_silent_cut_stops_its_direction_and_shows_nowhere() {
    sandbox::test("uplinks::a_silent_cut_stops_its_direction_and_shows_nowhere", || {
        let mut fixture = Fixture::build(&quick());
        let near = socket(fixture.world.a(), any(fixture.echo.udp.ip()));
        question(&near, fixture.echo.udp).unwrap();
        for way in [Way::Out, Way::In, Way::Both] {
            let before = fixture.world.carried(LinkId::Wifi).unwrap().map(|carried| carried.lost);
            fixture.world.inject(&Fault::SilentCut(LinkId::Wifi, way)).unwrap();
            assert!(silence(&near, fixture.echo.udp), "{way:?}");
            assert!(!output(fixture.world.a(), "ip", &["link", "show", "wifi"]).contains("NO-CARRIER"));
            let after = fixture.world.carried(LinkId::Wifi).unwrap().map(|carried| carried.lost);
            let lost = [after[0] > before[0], after[1] > before[1]];
            match way {
                Way::Out => assert_eq!(lost, [true, false]),
                Way::In => assert_eq!(lost, [false, true]),
                // The question is lost, so there is no answer to lose.
                Way::Both => assert!(lost[0]),
            }
            fixture.world.heal(&Fault::SilentCut(LinkId::Wifi, way)).unwrap();
            question(&near, fixture.echo.udp).unwrap();
        }
    });
}

#[test]
fn an_interface_that_is_switched_off_comes_back_complete() {
    sandbox::test("uplinks::an_interface_that_is_switched_off_comes_back_complete", || {
        let mut fixture = Fixture::build(&quick());
        switch_off_and_on(&mut fixture);
    });
}

#[test]
fn an_interface_with_ipv6_comes_back_complete_too() {
    sandbox::test("uplinks::an_interface_with_ipv6_comes_back_complete_too", || {
        let mut fixture = Fixture::build(&Topology { family: Family::V6, nat: Nat::Routed, ..quick() });
        switch_off_and_on(&mut fixture);
    });
}

fn switch_off_and_on(fixture: &mut Fixture) {
    let usual = fixture.router_of_a().unwrap();
    let shown = |fixture: &Fixture| {
        let words = |words: &[&str]| output(fixture.world.a(), "ip", words);
        let mut routes = words(&["route", "show", "table", "all"]);
        routes += &words(&["-6", "route", "show", "table", "all", "type", "unicast"]);
        let mut lines: Vec<_> = routes.lines().map(str::to_owned).collect();
        lines.sort();
        (lines, words(&["-brief", "address", "show", "wifi", "scope", "global"]))
    };
    let before = shown(fixture);
    fixture.world.inject(&Fault::AdminDown(LinkId::Wifi)).unwrap();
    assert!(output(fixture.world.a(), "ip", &["link", "show", "wifi"]).contains("state DOWN"));
    assert_ne!(fixture.router_of_a().unwrap(), usual);
    fixture.world.heal(&Fault::AdminDown(LinkId::Wifi)).unwrap();
    assert_eq!(fixture.router_of_a().unwrap(), usual);
    assert_eq!(shown(fixture), before);
}

#[test]
fn a_changed_address_replaces_the_old_one() {
    sandbox::test("uplinks::a_changed_address_replaces_the_old_one", || {
        let mut fixture = Fixture::build(&quick());
        let bound = socket(fixture.world.a(), fixture.world.a().addresses()[0]);
        question(&bound, fixture.echo.udp).unwrap();
        fixture.world.inject(&Fault::AddressChange(LinkId::Wifi)).unwrap();
        let shown = output(fixture.world.a(), "ip", &["-brief", "address", "show", "wifi"]);
        assert!(shown.contains("10.1.0.3/24") && !shown.contains("10.1.0.2/24"), "{shown}");
        assert!(silence(&bound, fixture.echo.udp));
        assert_eq!(fixture.router_of_a().unwrap(), router(HOME));
        fixture.world.heal(&Fault::AddressChange(LinkId::Wifi)).unwrap();
        question(&bound, fixture.echo.udp).unwrap();
    });
}

#[test]
fn a_switch_keeps_the_old_address_or_drops_it() {
    sandbox::test("uplinks::a_switch_keeps_the_old_address_or_drops_it", || {
        let mut fixture = Fixture::build(&quick());
        let bound = socket(fixture.world.a(), fixture.world.a().addresses()[0]);
        for old in [OldAddress::Kept, OldAddress::Dropped] {
            fixture.world.inject(&Fault::DefaultRouteSwitch(old)).unwrap();
            assert_eq!(fixture.router_of_a().unwrap(), router(CGN));
            match old {
                OldAddress::Kept => drop(question(&bound, fixture.echo.udp).unwrap()),
                OldAddress::Dropped => assert!(silence(&bound, fixture.echo.udp)),
            }
            fixture.world.heal(&Fault::DefaultRouteSwitch(old)).unwrap();
            assert_eq!(fixture.router_of_a().unwrap(), router(HOME));
            question(&bound, fixture.echo.udp).unwrap();
        }
    });
}

#[test]
fn the_link_of_a_server_can_have_faults_too() {
    sandbox::test("uplinks::the_link_of_a_server_can_have_faults_too", || {
        let mut fixture = Fixture::build(&quick());
        let near = socket(fixture.world.a(), any(fixture.echo.udp.ip()));
        question(&near, fixture.echo.udp).unwrap();
        for fault in [
            Fault::Carrier(LinkId::Signaling),
            Fault::AdminDown(LinkId::Signaling),
            Fault::SilentCut(LinkId::Signaling, Way::Both),
        ] {
            fixture.world.inject(&fault).unwrap();
            assert!(silence(&near, fixture.echo.udp), "{fault:?}");
            fixture.world.heal(&fault).unwrap();
            question(&near, fixture.echo.udp).unwrap();
        }
        assert!(fixture.world.inject(&Fault::AddressChange(LinkId::Signaling)).is_err());
        assert!(fixture.world.inject(&Fault::Carrier(LinkId::Turn)).is_err());
    });
}

#[test]
fn faults_add_up_and_go_one_by_one() {
    sandbox::test("uplinks::faults_add_up_and_go_one_by_one", || {
        let mut fixture = Fixture::build(&quick());
        let (carrier, address) = (Fault::Carrier(LinkId::Wifi), Fault::AddressChange(LinkId::Wifi));
        fixture.world.inject(&carrier).unwrap();
        fixture.world.inject(&address).unwrap();
        assert!(fixture.world.inject(&address).is_err());
        fixture.world.heal(&carrier).unwrap();
        assert_eq!(fixture.router_of_a().unwrap(), router(HOME));
        let shown = output(fixture.world.a(), "ip", &["-brief", "address", "show", "wifi"]);
        assert!(shown.contains("10.1.0.3/24"), "{shown}");
        assert!(fixture.world.heal(&carrier).is_err());
        assert_eq!(fixture.world.faults(), [address]);
    });
}

#[test]
fn a_healed_link_carries_at_once() {
    sandbox::test("uplinks::a_healed_link_carries_at_once", || {
        let mut fixture = Fixture::build(&quick());
        for fault in [
            Fault::Carrier(LinkId::B),
            Fault::AdminDown(LinkId::B),
            Fault::SilentCut(LinkId::B, Way::Both),
            Fault::Carrier(LinkId::Signaling),
        ] {
            // Questions go on meanwhile, for longer than neighbours are looked for once (1 s), so that they are not found.
            let free = socket(fixture.world.b(), any(fixture.echo.udp.ip()));
            question(&free, fixture.echo.udp).unwrap();
            fixture.world.inject(&fault).unwrap();
            let cut = Instant::now();
            while cut.elapsed() < Duration::from_millis(1_200) {
                let _ = ask(&free, fixture.echo.udp, Duration::from_millis(20));
            }
            let done = fixture.world.heal(&fault).unwrap().done;
            while ask(&free, fixture.echo.udp, Duration::from_millis(20)).is_err() {}
            let took = Timestamp::now().unwrap().monotonic - done.monotonic;
            println!("{fault:?}: {took:?}");
            // A neighbour that is looked for is found by the next question, up to a second later.
            assert!(took < Duration::from_millis(500), "{fault:?}: {took:?}");
        }
    });
}
