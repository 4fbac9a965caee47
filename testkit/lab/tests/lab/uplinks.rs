//! Faults of uplinks, and what the network manager of the lab makes of them.

use std::time::{Duration, Instant};

use rejoin_lab::probe::ask;
use rejoin_lab::{Family, Fault, Line, Moment, Nat, OldAddress, Plan, Way, enclosure};

use crate::stage::{CGN, HOME, Stage, any, output, question, quick, router, silence, socket};

#[test]
fn a_pulled_cable_shows_and_moves_the_default_route() {
    enclosure::test("uplinks::a_pulled_cable_shows_and_moves_the_default_route", || {
        let mut stage = Stage::build(&quick());
        let bound = socket(stage.world.a(), stage.world.a().addresses()[0]);
        assert_eq!(question(&bound, stage.echo.udp).unwrap().ip(), router(HOME));
        stage.world.inject(&Fault::Carrier(Line::Wifi)).unwrap();
        assert!(output(stage.world.a(), "ip", &["link", "show", "wifi"]).contains("NO-CARRIER"));
        assert!(silence(&bound, stage.echo.udp));
        assert_eq!(stage.router_of_a().unwrap(), router(CGN));
        stage.world.heal(&Fault::Carrier(Line::Wifi)).unwrap();
        assert_eq!(question(&bound, stage.echo.udp).unwrap().ip(), router(HOME));
        assert_eq!(stage.router_of_a().unwrap(), router(HOME));
    });
}

#[test]
fn without_its_only_cable_a_host_has_no_route() {
    enclosure::test("uplinks::without_its_only_cable_a_host_has_no_route", || {
        let mut stage = Stage::build(&quick());
        let free = socket(stage.world.b(), any(stage.echo.udp.ip()));
        stage.world.inject(&Fault::Carrier(Line::B)).unwrap();
        assert!(free.send_to(b"?", stage.echo.udp).is_err());
        stage.world.heal(&Fault::Carrier(Line::B)).unwrap();
        question(&free, stage.echo.udp).unwrap();
    });
}

#[test]
fn a_silent_cut_stops_its_direction_and_shows_nowhere() {
    enclosure::test("uplinks::a_silent_cut_stops_its_direction_and_shows_nowhere", || {
        let mut stage = Stage::build(&quick());
        let near = socket(stage.world.a(), any(stage.echo.udp.ip()));
        question(&near, stage.echo.udp).unwrap();
        for way in [Way::Out, Way::In, Way::Both] {
            let before = stage.world.carried(Line::Wifi).unwrap().map(|carried| carried.lost);
            stage.world.inject(&Fault::SilentCut(Line::Wifi, way)).unwrap();
            assert!(silence(&near, stage.echo.udp), "{way:?}");
            assert!(!output(stage.world.a(), "ip", &["link", "show", "wifi"]).contains("NO-CARRIER"));
            let after = stage.world.carried(Line::Wifi).unwrap().map(|carried| carried.lost);
            let lost = [after[0] > before[0], after[1] > before[1]];
            match way {
                Way::Out => assert_eq!(lost, [true, false]),
                Way::In => assert_eq!(lost, [false, true]),
                // The question is lost, so there is no answer to lose.
                Way::Both => assert!(lost[0]),
            }
            stage.world.heal(&Fault::SilentCut(Line::Wifi, way)).unwrap();
            question(&near, stage.echo.udp).unwrap();
        }
    });
}

#[test]
fn an_interface_that_is_switched_off_comes_back_whole() {
    enclosure::test("uplinks::an_interface_that_is_switched_off_comes_back_whole", || {
        let mut stage = Stage::build(&quick());
        switch_off_and_on(&mut stage);
    });
}

#[test]
fn an_interface_with_ipv6_comes_back_whole_too() {
    enclosure::test("uplinks::an_interface_with_ipv6_comes_back_whole_too", || {
        let mut stage = Stage::build(&Plan { family: Family::V6, nat: Nat::Routed, ..quick() });
        switch_off_and_on(&mut stage);
    });
}

fn switch_off_and_on(stage: &mut Stage) {
    let usual = stage.router_of_a().unwrap();
    let shown = |stage: &Stage| {
        let words = |words: &[&str]| output(stage.world.a(), "ip", words);
        let mut routes = words(&["route", "show", "table", "all"]);
        routes += &words(&["-6", "route", "show", "table", "all", "type", "unicast"]);
        let mut lines: Vec<_> = routes.lines().map(str::to_owned).collect();
        lines.sort();
        (lines, words(&["-brief", "address", "show", "wifi", "scope", "global"]))
    };
    let before = shown(stage);
    stage.world.inject(&Fault::AdminDown(Line::Wifi)).unwrap();
    assert!(output(stage.world.a(), "ip", &["link", "show", "wifi"]).contains("state DOWN"));
    assert_ne!(stage.router_of_a().unwrap(), usual);
    stage.world.heal(&Fault::AdminDown(Line::Wifi)).unwrap();
    assert_eq!(stage.router_of_a().unwrap(), usual);
    assert_eq!(shown(stage), before);
}

#[test]
fn a_changed_address_replaces_the_old_one() {
    enclosure::test("uplinks::a_changed_address_replaces_the_old_one", || {
        let mut stage = Stage::build(&quick());
        let bound = socket(stage.world.a(), stage.world.a().addresses()[0]);
        question(&bound, stage.echo.udp).unwrap();
        stage.world.inject(&Fault::AddressChange(Line::Wifi)).unwrap();
        let shown = output(stage.world.a(), "ip", &["-brief", "address", "show", "wifi"]);
        assert!(shown.contains("10.1.0.3/24") && !shown.contains("10.1.0.2/24"), "{shown}");
        assert!(silence(&bound, stage.echo.udp));
        assert_eq!(stage.router_of_a().unwrap(), router(HOME));
        stage.world.heal(&Fault::AddressChange(Line::Wifi)).unwrap();
        question(&bound, stage.echo.udp).unwrap();
    });
}

#[test]
fn a_switch_keeps_the_old_address_or_drops_it() {
    enclosure::test("uplinks::a_switch_keeps_the_old_address_or_drops_it", || {
        let mut stage = Stage::build(&quick());
        let bound = socket(stage.world.a(), stage.world.a().addresses()[0]);
        for old in [OldAddress::Kept, OldAddress::Dropped] {
            stage.world.inject(&Fault::DefaultRouteSwitch(old)).unwrap();
            assert_eq!(stage.router_of_a().unwrap(), router(CGN));
            match old {
                OldAddress::Kept => drop(question(&bound, stage.echo.udp).unwrap()),
                OldAddress::Dropped => assert!(silence(&bound, stage.echo.udp)),
            }
            stage.world.heal(&Fault::DefaultRouteSwitch(old)).unwrap();
            assert_eq!(stage.router_of_a().unwrap(), router(HOME));
            question(&bound, stage.echo.udp).unwrap();
        }
    });
}

#[test]
fn the_link_of_a_server_suffers_as_any() {
    enclosure::test("uplinks::the_link_of_a_server_suffers_as_any", || {
        let mut stage = Stage::build(&quick());
        let near = socket(stage.world.a(), any(stage.echo.udp.ip()));
        question(&near, stage.echo.udp).unwrap();
        for fault in [
            Fault::Carrier(Line::Signaling),
            Fault::AdminDown(Line::Signaling),
            Fault::SilentCut(Line::Signaling, Way::Both),
        ] {
            stage.world.inject(&fault).unwrap();
            assert!(silence(&near, stage.echo.udp), "{fault:?}");
            stage.world.heal(&fault).unwrap();
            question(&near, stage.echo.udp).unwrap();
        }
        assert!(stage.world.inject(&Fault::AddressChange(Line::Signaling)).is_err());
        assert!(stage.world.inject(&Fault::Carrier(Line::Turn)).is_err());
    });
}

#[test]
fn faults_add_up_and_go_one_by_one() {
    enclosure::test("uplinks::faults_add_up_and_go_one_by_one", || {
        let mut stage = Stage::build(&quick());
        let (carrier, address) = (Fault::Carrier(Line::Wifi), Fault::AddressChange(Line::Wifi));
        stage.world.inject(&carrier).unwrap();
        stage.world.inject(&address).unwrap();
        assert!(stage.world.inject(&address).is_err());
        stage.world.heal(&carrier).unwrap();
        assert_eq!(stage.router_of_a().unwrap(), router(HOME));
        let shown = output(stage.world.a(), "ip", &["-brief", "address", "show", "wifi"]);
        assert!(shown.contains("10.1.0.3/24"), "{shown}");
        assert!(stage.world.heal(&carrier).is_err());
        assert_eq!(stage.world.faults(), [address]);
    });
}

#[test]
fn a_mended_link_carries_at_once() {
    enclosure::test("uplinks::a_mended_link_carries_at_once", || {
        let mut stage = Stage::build(&quick());
        for fault in [
            Fault::Carrier(Line::B),
            Fault::AdminDown(Line::B),
            Fault::SilentCut(Line::B, Way::Both),
            Fault::Carrier(Line::Signaling),
        ] {
            // Questions go on meanwhile, for longer than neighbours are looked for once (1 s), so that they are not found.
            let free = socket(stage.world.b(), any(stage.echo.udp.ip()));
            question(&free, stage.echo.udp).unwrap();
            stage.world.inject(&fault).unwrap();
            let cut = Instant::now();
            while cut.elapsed() < Duration::from_millis(1_200) {
                let _ = ask(&free, stage.echo.udp, Duration::from_millis(20));
            }
            let done = stage.world.heal(&fault).unwrap().done;
            while ask(&free, stage.echo.udp, Duration::from_millis(20)).is_err() {}
            let took = Moment::now().unwrap().monotonic - done.monotonic;
            println!("{fault:?}: {took:?}");
            // A neighbour that is looked for is found by the next question, up to a second later.
            assert!(took < Duration::from_millis(500), "{fault:?}: {took:?}");
        }
    });
}
