//! What links do to the time that frames take, and to their number.

use std::thread;
use std::time::{Duration, Instant};

use rejoin_lab::probe::{answer, ask};
use rejoin_lab::{Fault, Impairment, LinkId, Loss, Topology, sandbox};

use crate::fixture::{Fixture, any, question, quick, socket};

/// By how much the quickest of some frames may be late; a busy machine makes many of them late, but not all.
const SLACK: Duration = Duration::from_millis(40);

#[test]
fn every_round_trip_is_as_planned() {
    sandbox::test("delay::every_round_trip_is_as_planned", || {
        let rtt = Duration::from_millis(50);
        let fixture = Fixture::build(&Topology { rtt, ..Topology::default() });
        for host in [fixture.world.a(), fixture.world.b()] {
            let times = times(&fixture, host, 11);
            assert!(times[0] >= rtt && times[0] < rtt + SLACK, "{times:?}");
        }
    });
}

#[test]
fn the_round_trip_between_peers_is_as_planned() {
    sandbox::test("delay::the_round_trip_between_peers_is_as_planned", || {
        let rtt = Duration::from_millis(50);
        let fixture = Fixture::build(&Topology { rtt, ..Topology::default() });
        let [(a, a_seen), (b, b_seen)] = [fixture.world.a(), fixture.world.b()].map(|host| {
            let socket = socket(host, any(fixture.echo.udp.ip()));
            let seen = question(&socket, fixture.echo.udp).unwrap();
            (socket, seen)
        });
        // Opens the router of `b` before `a` begins.
        b.send_to(b"knock", a_seen).unwrap();
        thread::spawn(move || answer(&b));
        assert!((0..10).any(|_| ask(&a, b_seen, 4 * rtt).is_ok()));
        let mut times: Vec<_> =
            (0..11).map(|_| ask(&a, b_seen, Duration::from_secs(3)).unwrap().rtt).collect();
        times.sort_unstable();
        assert!(times[0] >= rtt && times[0] < rtt + SLACK, "{times:?}");
    });
}

#[test]
fn a_world_without_delays_has_none() {
    sandbox::test("delay::a_world_without_delays_has_none", || {
        let fixture = Fixture::build(&quick());
        let times = times(&fixture, fixture.world.a(), 11);
        assert!(times[0] < Duration::from_millis(10), "{times:?}");
    });
}

#[test]
fn an_impairment_adds_to_the_plan_and_goes() {
    sandbox::test("delay::an_impairment_adds_to_the_plan_and_goes", || {
        let mut fixture = Fixture::build(&quick());
        let delay = Duration::from_millis(60);
        let fault = Fault::Impair(LinkId::Wifi, Impairment { delay, ..Impairment::default() });
        fixture.world.inject(&fault).unwrap();
        let slow = times(&fixture, fixture.world.a(), 5);
        assert!(slow[0] >= 2 * delay && slow[0] < 2 * delay + SLACK, "{slow:?}");
        fixture.world.heal(&fault).unwrap();
        assert!(times(&fixture, fixture.world.a(), 5)[0] < delay);
    });
}

#[test]
fn a_lossy_link_loses_its_share() {
    sandbox::test("delay::a_lossy_link_loses_its_share", || {
        let mut fixture = Fixture::build(&quick());
        times(&fixture, fixture.world.a(), 1);
        let loss = Loss::Random(0.3);
        fixture
            .world
            .inject(&Fault::Impair(LinkId::Wifi, Impairment { loss, ..Impairment::default() }))
            .unwrap();
        let before = fixture.world.carried(LinkId::Wifi).unwrap()[0];
        let local = any(fixture.echo.udp.ip());
        let sender = socket(fixture.world.a(), local);
        for _ in 0..1000 {
            sender.send_to(b"?", fixture.echo.udp).unwrap();
        }
        let started = Instant::now();
        let mut after = before;
        while after.arrived < before.arrived + 1000 && started.elapsed() < Duration::from_secs(3) {
            after = fixture.world.carried(LinkId::Wifi).unwrap()[0];
        }
        assert!(after.arrived >= before.arrived + 1000, "{after:?}");
        let lost = after.lost - before.lost;
        // Seven standard deviations of 1000 throws.
        assert!((200..400).contains(&lost), "{lost}");
    });
}

/// The sorted times of `count` questions to the echo, after one that finds the neighbours.
fn times(fixture: &Fixture, host: &rejoin_lab::Host, count: usize) -> Vec<Duration> {
    let socket = socket(host, any(fixture.echo.udp.ip()));
    let time = || ask(&socket, fixture.echo.udp, Duration::from_secs(3)).unwrap().rtt;
    time();
    let mut times: Vec<_> = (0..count).map(|_| time()).collect();
    times.sort_unstable();
    times
}
