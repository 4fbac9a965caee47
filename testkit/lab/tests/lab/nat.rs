//! What routers do to addresses, and what happens when they forget.

use std::io::{ErrorKind, Read, Write};
use std::net::UdpSocket;
use std::time::Duration;

use rejoin_lab::probe::Echo;
use rejoin_lab::{Block, Family, Fault, Host, Nat, Plan, Side, Traffic, Verdict, Way, enclosure};

use crate::stage::{Stage, any, connect, question, quick, socket};

#[test]
fn a_router_that_preserves_ports_shows_one_address_to_all() {
    enclosure::test("nat::a_router_that_preserves_ports_shows_one_address_to_all", || {
        let stage = Stage::build(&quick());
        let (socket, seen) = seen_by_two(&stage);
        assert_eq!(seen[0], seen[1]);
        assert_eq!(seen[0].port(), socket.local_addr().unwrap().port());
    });
}

#[test]
fn a_symmetric_router_shows_each_another_port() {
    enclosure::test("nat::a_symmetric_router_shows_each_another_port", || {
        let stage = Stage::build(&Plan { nat: Nat::Symmetric, ..quick() });
        let (_, seen) = seen_by_two(&stage);
        assert_ne!(seen[0].port(), seen[1].port());
        assert_eq!(seen[0].ip(), seen[1].ip());
    });
}

#[test]
fn peers_punch_through_routers_that_preserve_ports() {
    enclosure::test("nat::peers_punch_through_routers_that_preserve_ports", || {
        assert!(punches(&mut Stage::build(&quick())));
    });
}

#[test]
fn peers_do_not_punch_through_symmetric_routers() {
    enclosure::test("nat::peers_do_not_punch_through_symmetric_routers", || {
        assert!(!punches(&mut Stage::build(&Plan { nat: Nat::Symmetric, ..quick() })));
    });
}

#[test]
fn ipv6_is_routed_and_guarded() {
    enclosure::test("nat::ipv6_is_routed_and_guarded", || {
        let mut stage = Stage::build(&Plan { family: Family::V6, nat: Nat::Routed, ..quick() });
        let (socket, seen) = seen_by_two(&stage);
        assert_eq!(seen[0].ip(), stage.world.a().addresses()[0]);
        assert_eq!(seen[0].port(), socket.local_addr().unwrap().port());
        assert!(punches(&mut stage));
    });
}

#[test]
fn nobody_comes_in_uninvited() {
    enclosure::test("nat::nobody_comes_in_uninvited", || {
        let stage = Stage::build(&quick());
        let inside = socket(stage.world.a(), any(stage.echo.udp.ip()));
        let mapped = question(&inside, stage.echo.udp).unwrap();
        let stranger = socket(stage.world.b(), any(stage.echo.udp.ip()));
        stranger.send_to(b"knock", mapped).unwrap();
        assert!(!hears(&inside, b"knock"));
    });
}

#[test]
fn packets_for_nowhere_vanish_and_nobody_is_told() {
    enclosure::test("nat::packets_for_nowhere_vanish_and_nobody_is_told", || {
        let stage = Stage::build(&quick());
        for host in [stage.world.a(), stage.world.signaling()] {
            let socket = socket(host, any(stage.echo.udp.ip()));
            // The address of `b` inside of its network, which this one cannot know a way to.
            socket.connect((stage.world.b().addresses()[0], 9)).unwrap();
            socket.send(b"?").unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            let told = socket.recv(&mut [0; 64]).unwrap_err().kind();
            assert!(matches!(told, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{told:?}");
        }
    });
}

#[test]
fn only_a_relay_is_left_when_the_direct_way_is_blocked() {
    enclosure::test("nat::only_a_relay_is_left_when_the_direct_way_is_blocked", || {
        let mut stage = Stage::build(&quick());
        let block = Block { traffic: Traffic::Direct, way: Way::Both, verdict: Verdict::Drop };
        stage.world.inject(&Fault::Block(Side::A, block)).unwrap();
        assert!(!punches(&mut stage));
        stage.router_of_a().unwrap();
    });
}

#[test]
fn a_rebound_router_shows_another_port_and_breaks_tcp() {
    enclosure::test("nat::a_rebound_router_shows_another_port_and_breaks_tcp", || {
        rebinds(Nat::PortPreserving);
    });
}

#[test]
fn a_rebound_symmetric_router_does_too() {
    enclosure::test("nat::a_rebound_symmetric_router_does_too", || rebinds(Nat::Symmetric));
}

fn rebinds(nat: Nat) {
    let mut stage = Stage::build(&Plan { nat, ..quick() });
    let socket = socket(stage.world.a(), any(stage.echo.udp.ip()));
    let mut ports = vec![question(&socket, stage.echo.udp).unwrap().port()];
    let mut stream = connect(stage.world.a(), stage.echo.tcp).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    stream.write_all(b"a").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    for round in 0..3 {
        let flushed = stage.world.inject(&Fault::NatRebind(Side::A)).unwrap().flushed.unwrap();
        assert!(flushed.udp > 0 && (round > 0 || flushed.tcp > 0), "{flushed:?}");
        ports.push(question(&socket, stage.echo.udp).unwrap().port());
        let (last, before) = ports.split_last().unwrap();
        assert!(!before.contains(last), "{ports:?}");
    }
    // The server does not know who speaks from another port, and resets (RFC 9293 section 3.10.7.1).
    let broken = stream.write_all(b"b").and_then(|()| stream.read_exact(&mut [0]));
    assert!(broken.is_err());
    connect(stage.world.a(), stage.echo.tcp).unwrap();
}

/// Asks two echoes from one socket of `a` and returns what they saw.
fn seen_by_two(stage: &Stage) -> (UdpSocket, [std::net::SocketAddr; 2]) {
    let other = Echo::start(stage.world.signaling()).unwrap();
    let socket = socket(stage.world.a(), any(stage.echo.udp.ip()));
    let seen = [stage.echo, other].map(|echo| question(&socket, echo.udp).unwrap());
    (socket, seen)
}

/// Whether the hosts reach each other when both send to what the echo saw of the other.
fn punches(stage: &mut Stage) -> bool {
    let open = |host: &Host| {
        let socket = socket(host, any(stage.echo.udp.ip()));
        let seen = question(&socket, stage.echo.udp).unwrap();
        (socket, seen)
    };
    let ((a, a_seen), (b, b_seen)) = (open(stage.world.a()), open(stage.world.b()));
    // A knock opens the own router and finds the other's open, if that one has knocked before.
    let mut heard = [false; 2];
    for _ in 0..KNOCKS {
        a.send_to(b"knock", b_seen).unwrap();
        b.send_to(b"knock", a_seen).unwrap();
        heard = [heard[0] || hears(&a, b"knock"), heard[1] || hears(&b, b"knock")];
        if heard == [true; 2] {
            break;
        }
    }
    assert_eq!(heard[0], heard[1]);
    heard[0]
}

const KNOCKS: u32 = 5;

fn hears(socket: &UdpSocket, word: &[u8]) -> bool {
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut buffer = [0; 64];
    while let Ok((size, _)) = socket.recv_from(&mut buffer) {
        if &buffer[..size] == word {
            return true;
        }
    }
    false
}
