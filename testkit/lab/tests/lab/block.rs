//! Traffic that routers no longer let through.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use rejoin_lab::{Block, Fault, Side, Traffic, Verdict, Way, sandbox};

use crate::fixture::{Fixture, SILENCE, any, connect, question, quick, silence, socket};

#[test]
fn dropped_udp_vanishes_and_tcp_goes_on() {
    sandbox::test("block::dropped_udp_vanishes_and_tcp_goes_on", || {
        let mut fixture = Fixture::build(&quick());
        let datagrams = socket(fixture.world.a(), any(fixture.echo.udp.ip()));
        let mut stream = opened(&fixture);
        let fault = block(Traffic::Udp(vec![]), Verdict::Drop);
        fixture.world.inject(&fault).unwrap();
        assert!(silence(&datagrams, fixture.echo.udp));
        repeats(&mut stream).unwrap();
        fixture.world.heal(&fault).unwrap();
        question(&datagrams, fixture.echo.udp).unwrap();
    });
}

#[test]
fn a_block_of_some_ports_spares_the_others() {
    sandbox::test("block::a_block_of_some_ports_spares_the_others", || {
        let mut fixture = Fixture::build(&quick());
        let datagrams = socket(fixture.world.a(), any(fixture.echo.udp.ip()));
        // Ports outside of the range that the system assigns.
        fixture.world.inject(&block(Traffic::Udp(vec![3478, 5349]), Verdict::Drop)).unwrap();
        question(&datagrams, fixture.echo.udp).unwrap();
        fixture.world.inject(&block(Traffic::Udp(vec![fixture.echo.udp.port()]), Verdict::Drop)).unwrap();
        assert!(silence(&datagrams, fixture.echo.udp));
        let other_side = socket(fixture.world.b(), any(fixture.echo.udp.ip()));
        question(&other_side, fixture.echo.udp).unwrap();
    });
}

#[test]
fn udp_may_vanish_one_way_alone() {
    sandbox::test("block::udp_may_vanish_one_way_alone", || {
        let mut fixture = Fixture::build(&quick());
        let mut stream = opened(&fixture);
        let a = socket(fixture.world.a(), any(fixture.echo.udp.ip()));
        let server = socket(fixture.world.signaling(), fixture.echo.udp.ip());
        let there = server.local_addr().unwrap();
        a.send_to(b"?", there).unwrap();
        let seen = server.recv_from(&mut [0; 8]).unwrap().1;
        for (way, out, into) in [(Way::Out, false, true), (Way::In, true, false)] {
            let fault = Fault::Block(Side::A, Block { way, ..udp() });
            fixture.world.inject(&fault).unwrap();
            assert_eq!((passes(&a, &server, there), passes(&server, &a, seen)), (out, into), "{way:?}");
            repeats(&mut stream).unwrap();
            fixture.world.heal(&fault).unwrap();
            assert_eq!((passes(&a, &server, there), passes(&server, &a, seen)), (true, true), "{way:?}");
        }
    });
}

#[test]
fn rejected_udp_tells_its_sender() {
    sandbox::test("block::rejected_udp_tells_its_sender", || {
        let mut fixture = Fixture::build(&quick());
        let datagrams = socket(fixture.world.a(), any(fixture.echo.udp.ip()));
        datagrams.connect(fixture.echo.udp).unwrap();
        fixture.world.inject(&block(Traffic::Udp(vec![]), Verdict::Reject)).unwrap();
        datagrams.send(b"?").unwrap();
        datagrams.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        assert_eq!(datagrams.recv(&mut [0; 64]).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn dropped_tcp_stalls_and_goes_on() {
    sandbox::test("block::dropped_tcp_stalls_and_goes_on", || {
        let mut fixture = Fixture::build(&quick());
        let mut stream = opened(&fixture);
        let fault = block(Traffic::Tcp(vec![fixture.echo.tcp.port()]), Verdict::Drop);
        fixture.world.inject(&fault).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let stalled = repeats(&mut stream).unwrap_err().kind();
        assert!(matches!(stalled, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{stalled:?}");
        fixture.world.heal(&fault).unwrap();
        // Its retransmission backs off meanwhile.
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.read_exact(&mut [0]).unwrap();
    });
}

#[test]
fn reset_tcp_breaks_and_refuses_until_healed() {
    sandbox::test("block::reset_tcp_breaks_and_refuses_until_healed", || {
        let mut fixture = Fixture::build(&quick());
        let mut stream = opened(&fixture);
        let fault = block(Traffic::Tcp(vec![]), Verdict::Reset);
        fixture.world.inject(&fault).unwrap();
        assert_eq!(repeats(&mut stream).unwrap_err().kind(), ErrorKind::ConnectionReset);
        let refused = connect(fixture.world.a(), fixture.echo.tcp).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        fixture.world.heal(&fault).unwrap();
        repeats(&mut opened(&fixture)).unwrap();
    });
}

fn block(traffic: Traffic, verdict: Verdict) -> Fault {
    Fault::Block(Side::A, Block { traffic, way: Way::Both, verdict })
}

fn udp() -> Block {
    Block { traffic: Traffic::Udp(vec![]), way: Way::Both, verdict: Verdict::Drop }
}

/// Returns whether a datagram from one socket reaches the other.
fn passes(from: &UdpSocket, to: &UdpSocket, address: SocketAddr) -> bool {
    from.send_to(b"!", address).unwrap();
    to.set_read_timeout(Some(SILENCE)).unwrap();
    to.recv_from(&mut [0; 8]).is_ok()
}

/// A connection of `a` that has carried something.
fn opened(fixture: &Fixture) -> TcpStream {
    let mut stream = connect(fixture.world.a(), fixture.echo.tcp).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    repeats(&mut stream).unwrap();
    stream
}

fn repeats(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"!")?;
    stream.read_exact(&mut [0])
}
