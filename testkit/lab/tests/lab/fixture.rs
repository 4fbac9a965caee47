//! What the tests share: a world with an echo at the signaling server, and short questions to it.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use rejoin_lab::probe::{Echo, ask};
use rejoin_lab::{Host, Topology, World};

/// A plan without delays, for what does not depend on them.
pub(crate) fn quick() -> Topology {
    Topology { rtt: Duration::ZERO, ..Topology::default() }
}

pub(crate) struct Fixture {
    pub(crate) world: World,
    pub(crate) echo: Echo,
}

impl Fixture {
    pub(crate) fn build(plan: &Topology) -> Self {
        println!("seed {}", plan.seed);
        let world = World::build(plan).unwrap();
        let echo = Echo::start(world.signaling()).unwrap();
        Self { world, echo }
    }

    /// Asks the echo from a new socket of `a` without an address; returns the router that it saw.
    pub(crate) fn router_of_a(&self) -> io::Result<IpAddr> {
        let local = any(self.echo.udp.ip());
        question(&socket(self.world.a(), local), self.echo.udp).map(|seen| seen.ip())
    }
}

/// A UDP socket on a host, at an address and any port.
pub(crate) fn socket(host: &Host, address: IpAddr) -> UdpSocket {
    host.within(|| UdpSocket::bind((address, 0))).unwrap().unwrap()
}

/// A TCP connection from a host to the echo.
pub(crate) fn connect(host: &Host, to: SocketAddr) -> io::Result<TcpStream> {
    host.within(|| TcpStream::connect_timeout(&to, TIMEOUT)).unwrap()
}

/// Asks an echo until it answers, for as long as a busy machine may need, and returns what it saw.
pub(crate) fn question(socket: &UdpSocket, echo: SocketAddr) -> io::Result<SocketAddr> {
    ask(socket, echo, TIMEOUT).map(|answer| answer.seen)
}

/// Returns whether an echo does not answer in the time that an answer takes on a busy machine.
pub(crate) fn silence(socket: &UdpSocket, echo: SocketAddr) -> bool {
    ask(socket, echo, SILENCE).is_err()
}

pub(crate) fn any(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::from([0, 0, 0, 0]),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// What a tool writes when it runs on a host.
pub(crate) fn output(host: &Host, program: &str, arguments: &[&str]) -> String {
    let output = host.command(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn router(number: u8) -> IpAddr {
    IpAddr::from([203, 0, 113, number])
}

pub(crate) const HOME: u8 = 21;
pub(crate) const CGN: u8 = 22;

const TIMEOUT: Duration = Duration::from_secs(3);
/// How long a busy machine may take to carry what is carried at all.
pub(crate) const SILENCE: Duration = Duration::from_millis(250);
