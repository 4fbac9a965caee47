//! NAT behaviour of the routers, and what happens when they drop their translations.

use std::io::{ErrorKind, Read, Write};
use std::net::UdpSocket;
use std::time::Duration;

use rejoin_lab::probe::Echo;
use rejoin_lab::{Block, Family, Fault, Host, Nat, Side, Topology, Traffic, Verdict, Way, sandbox};

use crate::fixture::{Fixture, any, connect, question, quick, socket};

#[test]
fn a_router_that_preserves_ports_shows_one_address_to_all() {
    sandbox::test("nat::a_router_that_preserves_ports_shows_one_address_to_all", || {
        let fixture = Fixture::build(&quick());
        let (socket, seen) = seen_by_two(&fixture);
        assert_eq!(seen[0], seen[1]);
        assert_eq!(seen[0].port(), socket.local_addr().unwrap().port());
    });
}

#[test]
fn a_symmetric_router_shows_each_another_port() {
    sandbox::test("nat::a_symmetric_router_shows_each_another_port", || {
        let fixture = Fixture::build(&Topology { nat: Nat::Symmetric, ..quick() });
        let (_, seen) = seen_by_two(&fixture);
        assert_ne!(seen[0].port(), seen[1].port());
        assert_eq!(seen[0].ip(), seen[1].ip());
    });
}

#[test]
fn peers_punch_through_routers_that_preserve_ports() {
    sandbox::test("nat::peers_punch_through_routers_that_preserve_ports", || {
        assert!(punches(&mut Fixture::build(&quick())));
    });
}

#[test]
fn peers_do_not_punch_through_symmetric_routers() {
    sandbox::test("nat::peers_do_not_punch_through_symmetric_routers", || {
        assert!(!punches(&mut Fixture::build(&Topology { nat: Nat::Symmetric, ..quick() })));
    });
}

#[test]
fn ipv6_is_routed_and_guarded() {
    sandbox::test("nat::ipv6_is_routed_and_guarded", || {
        let mut fixture = Fixture::build(&Topology { family: Family::V6, nat: Nat::Routed, ..quick() });
        let (socket, seen) = seen_by_two(&fixture);
        assert_eq!(seen[0].ip(), fixture.world.a().addresses()[0]);
        assert_eq!(seen[0].port(), socket.local_addr().unwrap().port());
        assert!(punches(&mut fixture));
    });
}

#[test]
fn nobody_comes_in_uninvited() {
    sandbox::test("nat::nobody_comes_in_uninvited", || {
        let fixture = Fixture::build(&quick());
        let inside = socket(fixture.world.a(), any(fixture.echo.udp.ip()));
        let mapped = question(&inside, fixture.echo.udp).unwrap();
        let stranger = socket(fixture.world.b(), any(fixture.echo.udp.ip()));
        stranger.send_to(b"knock", mapped).unwrap();
        assert!(!receives(&inside, b"knock"));
    });
}

#[test]
fn packets_for_nowhere_vanish_and_nobody_is_told() {
    sandbox::test("nat::packets_for_nowhere_vanish_and_nobody_is_told", || {
        let fixture = Fixture::build(&quick());
        for host in [fixture.world.a(), fixture.world.signaling()] {
            let socket = socket(host, any(fixture.echo.udp.ip()));
            // The address of `b` inside of its network, which this one cannot know a way to.
            socket.connect((fixture.world.b().addresses()[0], 9)).unwrap();
            socket.send(b"?").unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            let error = socket.recv(&mut [0; 64]).unwrap_err().kind();
            assert!(matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error:?}");
        }
    });
}

#[test]
fn only_a_relay_is_left_when_the_direct_way_is_blocked() {
    sandbox::test("nat::only_a_relay_is_left_when_the_direct_way_is_blocked", || {
        let mut fixture = Fixture::build(&quick());
        let block = Block { traffic: Traffic::Direct, way: Way::Both, verdict: Verdict::Drop };
        fixture.world.inject(&Fault::Block(Side::A, block)).unwrap();
        assert!(!punches(&mut fixture));
        fixture.router_of_a().unwrap();
    });
}

#[test]
fn a_rebound_router_shows_another_port_and_breaks_tcp() {
    sandbox::test("nat::a_rebound_router_shows_another_port_and_breaks_tcp", || {
        rebinds(Nat::PortPreserving);
    });
}

#[test]
fn a_rebound_symmetric_router_does_too() {
    sandbox::test("nat::a_rebound_symmetric_router_does_too", || rebinds(Nat::Symmetric));
}

fn rebinds(nat: Nat) {
    let mut fixture = Fixture::build(&Topology { nat, ..quick() });
    let socket = socket(fixture.world.a(), any(fixture.echo.udp.ip()));
    let mut ports = vec![question(&socket, fixture.echo.udp).unwrap().port()];
    let mut stream = connect(fixture.world.a(), fixture.echo.tcp).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    stream.write_all(b"a").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    for round in 0..3 {
        let flushed = fixture.world.inject(&Fault::NatRebind(Side::A)).unwrap().flushed.unwrap();
        assert!(flushed.udp > 0 && (round > 0 || flushed.tcp > 0), "{flushed:?}");
        ports.push(question(&socket, fixture.echo.udp).unwrap().port());
        let (last, before) = ports.split_last().unwrap();
        assert!(!before.contains(last), "{ports:?}");
    }
    // The server has no connection with the new port, and resets (RFC 9293 section 3.10.7.1).
    let broken = stream.write_all(b"b").and_then(|()| stream.read_exact(&mut [0]));
    assert!(broken.is_err());
    connect(fixture.world.a(), fixture.echo.tcp).unwrap();
}

/// Asks two echoes from one socket of `a` and returns what they saw.
fn seen_by_two(fixture: &Fixture) -> (UdpSocket, [std::net::SocketAddr; 2]) {
    let other = Echo::start(fixture.world.signaling()).unwrap();
    let socket = socket(fixture.world.a(), any(fixture.echo.udp.ip()));
    let seen = [fixture.echo, other].map(|echo| question(&socket, echo.udp).unwrap());
    (socket, seen)
}

/// Whether the hosts reach each other when both send to what the echo saw of the other.
fn punches(fixture: &mut Fixture) -> bool {
    let open = |host: &Host| {
        let socket = socket(host, any(fixture.echo.udp.ip()));
        let seen = question(&socket, fixture.echo.udp).unwrap();
        (socket, seen)
    };
    let ((a, a_seen), (b, b_seen)) = (open(fixture.world.a()), open(fixture.world.b()));
    // A knock opens the own router and finds the other's open, if that one has knocked before.
    let mut received = [false; 2];
    for _ in 0..KNOCKS {
        a.send_to(b"knock", b_seen).unwrap();
        b.send_to(b"knock", a_seen).unwrap();
        received = [received[0] || receives(&a, b"knock"), received[1] || receives(&b, b"knock")];
        if received == [true; 2] {
            break;
        }
    }
    assert_eq!(received[0], received[1]);
    received[0]
}

const KNOCKS: u32 = 5;

fn receives(socket: &UdpSocket, word: &[u8]) -> bool {
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut buffer = [0; 64];
    while let Ok((size, _)) = socket.recv_from(&mut buffer) {
        if &buffer[..size] == word {
            return true;
        }
    }
    false
}
