//! STUN queries that were lost are retried while the connection is not up, and only while a candidate is useful.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rejoin_core::port::{ConnectionSetup, PeerAction, PeerEvent};
use rejoin_core::{IceCandidate, IceConnectionState, IceTransportPolicy, Role};
use tokio::net::UdpSocket;
use tokio::time;

use crate::pair::{Pair, Side, TEST_TIMEOUT, setup_with};
use crate::servers::{named, success};

/// The mapped address in a correct answer, and in a forged one (RFC 5737).
const CORRECT: (Ipv4Addr, u16) = (Ipv4Addr::new(203, 0, 113, 7), 4444);
const FORGED: (Ipv4Addr, u16) = (Ipv4Addr::new(203, 0, 113, 66), 6666);

/// The engine sends a query eight times in all, so every further one is our retry.
const ENGINE_QUERIES: usize = 8;

/// How long silence is watched: six of our intervals, and less than the pause after the engine's fourth query.
const WATCHED: Duration = Duration::from_millis(1500);

#[tokio::test]
async fn retries_until_an_answer_arrives_and_reports_it_once() {
    let server = Server::start().await;
    let mut pair = offering(&server, IceTransportPolicy::All);
    for _ in 0..ENGINE_QUERIES {
        server.query().await;
    }
    let (request, from) = server.query().await;
    server.answer(&success(&request, CORRECT), from).await;

    let line = reflexive(&mut pair).await;
    assert!(line.contains(&format!(" {} {} typ srflx", CORRECT.0, CORRECT.1)), "{line}");
    assert!(line.contains(&format!(" raddr {} rport {}", from.ip(), from.port())), "{line}");
    server.drain();
    server.gets_no_query().await;
    let again = time::timeout(WATCHED, reflexive(&mut pair)).await;
    assert!(again.is_err(), "reported twice: {again:?}");
}

#[tokio::test]
async fn a_late_candidate_opens_a_connection_without_other_candidates() {
    let server = Server::start().await;
    let (outside, mapped, mut pair) = behind(&server).await;
    let answers = async {
        for _ in 0..ENGINE_QUERIES {
            server.query().await;
        }
        let (request, from) = server.query().await;
        server.answer(&success(&request, mapped), from).await;
        translate(&outside, from, |_| true).await;
    };
    tokio::select! {
        () = answers => panic!("the outside closed"),
        () = open_from_outside(&mut pair) => {}
    }
}

#[tokio::test]
async fn a_restart_without_an_answer_reports_the_cached_address() {
    let server = Server::start().await;
    let mut pair = Pair::new();
    pair.create(|role| asking(&server, role, IceTransportPolicy::All));
    let mut open = Side::BOTH.to_vec();
    while !open.is_empty() {
        tokio::select! {
            (request, from) = server.query() => server.answer(&success(&request, CORRECT), from).await,
            (side, event) = pair.next() => {
                open.retain(|other| event != PeerEvent::ChannelOpen || *other != side);
                pair.carry(side, event);
            }
        }
    }
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    let guess = loop {
        match pair.next().await {
            // No candidate is carried over, so no peer-reflexive one precedes the guess.
            (Side::Offerer, PeerEvent::LocalCandidates(mut found)) => {
                found.retain(|found| found.candidate.contains("typ srflx"));
                if let Some(guess) = found.pop() {
                    break guess.candidate;
                }
            }
            (side, event @ PeerEvent::LocalDescription(_)) => pair.carry(side, event),
            (Side::Offerer | Side::Answerer, _) => {}
        }
    };
    let words: Vec<&str> = guess.split(' ').collect();
    assert_eq!(words[4], CORRECT.0.to_string(), "{guess}");
    assert_eq!(words[5], words[11], "not the port of the socket: {guess}");
}

#[tokio::test]
async fn blocked_queries_are_sent_after_the_block() {
    let server = Server::start().await;
    let mut pair = Pair::new();
    let faults = pair.offerer.faults();
    faults.block_datagrams();
    create(&mut pair, &server, IceTransportPolicy::All);
    server.gets_no_query().await;

    faults.unblock_datagrams();
    let (request, from) = server.query().await;
    server.answer(&success(&request, CORRECT), from).await;
    reflexive(&mut pair).await;
}

#[tokio::test]
async fn ignores_a_forged_answer() {
    let server = Server::start().await;
    let elsewhere = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
    let mut pair = offering(&server, IceTransportPolicy::All);
    for _ in 0..=ENGINE_QUERIES {
        let (request, from) = server.query().await;
        elsewhere.send_to(&success(&request, FORGED), from).await.expect("loopback takes it");
        let mut guessed = request;
        guessed[19] ^= 1;
        server.answer(&success(&guessed, FORGED), from).await;
    }
    let (request, from) = server.query().await;
    server.answer(&success(&request, CORRECT), from).await;
    let line = reflexive(&mut pair).await;
    assert!(line.contains(&CORRECT.0.to_string()), "{line}");
}

#[tokio::test]
async fn a_relay_only_connection_sends_no_query() {
    let server = Server::start().await;
    let _pair = offering(&server, IceTransportPolicy::Relay);
    server.gets_no_query().await;
}

#[tokio::test]
async fn a_connection_that_is_up_sends_no_further_query() {
    let server = Server::start().await;
    let mut pair = Pair::new();
    pair.create(|role| asking(&server, role, IceTransportPolicy::All));
    pair.until_each(|event| *event == PeerEvent::IceConnectionState(IceConnectionState::Connected)).await;
    server.drain();
    // The engine itself goes on with its eight on either side.
    let mut heard = 0;
    let end = time::Instant::now() + 3 * WATCHED;
    while time::timeout_at(end, server.query()).await.is_ok() {
        heard += 1;
    }
    assert!(heard <= 2 * ENGINE_QUERIES, "{heard} queries");
}

/// Returns a pair with an offerer only, which gathers and never connects.
fn offering(server: &Server, policy: IceTransportPolicy) -> Pair {
    let mut pair = Pair::new();
    create(&mut pair, server, policy);
    pair
}

fn create(pair: &mut Pair, server: &Server, policy: IceTransportPolicy) {
    pair.perform(Side::Offerer, PeerAction::Create(asking(server, Role::Offerer, policy)));
}

/// Creates a pair whose offerer queries `server`, and the public socket of the NAT that the answer reports.
pub(crate) async fn behind(server: &Server) -> (UdpSocket, (Ipv4Addr, u16), Pair) {
    let outside = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
    let SocketAddr::V4(mapped) = outside.local_addr().expect("bound") else { panic!("bound to IPv4") };
    let mut pair = Pair::new();
    pair.create(|role| match role {
        Role::Offerer => asking(server, role, IceTransportPolicy::All),
        Role::Answerer => setup_with(role, |setup| setup.bind = vec!["127.0.0.1:0".to_owned()]),
    });
    (outside, (*mapped.ip(), mapped.port()), pair)
}

fn asking(server: &Server, role: Role, ice_transport_policy: IceTransportPolicy) -> ConnectionSetup {
    setup_with(role, |setup| {
        setup.bind = vec!["127.0.0.1:0".to_owned()];
        setup.ice_servers = vec![named(&server.url)];
        setup.ice_transport_policy = ice_transport_policy;
    })
}

/// Returns the line of the next server-reflexive candidate, which is the only one in its event.
async fn reflexive(pair: &mut Pair) -> String {
    loop {
        let (_, PeerEvent::LocalCandidates(mut found)) = pair.next().await else { continue };
        found.retain(|found| found.candidate.contains("typ srflx"));
        if let Some(last) = found.pop() {
            assert_eq!(found, [], "more than {last:?}");
            assert!(last.username_fragment.is_some() && last.sdp_m_line_index == Some(0), "{last:?}");
            return last.candidate;
        }
    }
}

/// Opens a pair that gets server-reflexive candidates of each other only.
///
/// Host candidates would connect without a server, which a NAT would prevent.
pub(crate) async fn open_from_outside(pair: &mut Pair) {
    let mut missing = Side::BOTH.to_vec();
    while !missing.is_empty() {
        let (side, event) = pair.next().await;
        missing.retain(|other| event != PeerEvent::ChannelOpen || *other != side);
        let hidden = |found: &IceCandidate| !found.candidate.contains("typ srflx");
        match &event {
            PeerEvent::LocalCandidates(candidates) if candidates.iter().any(hidden) => {}
            _ => pair.carry(side, event),
        }
    }
}

/// Acts as a NAT with one mapping: forwards the datagrams that `passes` accepts between the peer that sends to
/// `outside` and the host `inside`.
pub(crate) async fn translate(
    outside: &UdpSocket,
    inside: SocketAddr,
    mut passes: impl FnMut(&[u8]) -> bool,
) {
    let (mut datagram, mut other) = ([0; 2048], None);
    while let Ok((length, from)) = outside.recv_from(&mut datagram).await {
        let to = if from == inside { other } else { Some(inside) };
        if from != inside {
            other = Some(from);
        }
        if let Some(to) = to.filter(|_| passes(&datagram[..length])) {
            outside.send_to(&datagram[..length], to).await.expect("loopback takes it");
        }
    }
}

/// A STUN server whose answers the test writes.
pub(crate) struct Server {
    socket: UdpSocket,
    url: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
        let url = format!("stun:{}", socket.local_addr().expect("bound"));
        Self { socket, url }
    }

    /// Returns the next query and its sender.
    pub(crate) async fn query(&self) -> ([u8; 20], SocketAddr) {
        let mut query = [0; 20];
        let received = time::timeout(TEST_TIMEOUT, self.socket.recv_from(&mut query)).await;
        let (length, from) = received.expect("a query in time").expect("loopback delivers");
        assert_eq!((length, &query[..4]), (20, &[0, 1, 0, 0][..]));
        (query, from)
    }

    pub(crate) async fn answer(&self, answer: &[u8], to: SocketAddr) {
        self.socket.send_to(answer, to).await.expect("loopback takes it");
    }

    /// Drops the queries that have arrived already.
    fn drain(&self) {
        while self.socket.try_recv_from(&mut [0; 20]).is_ok() {}
    }

    async fn gets_no_query(&self) {
        let asked = time::timeout(WATCHED, self.socket.recv_from(&mut [0; 20])).await;
        assert!(asked.is_err(), "a query from {asked:?}");
    }
}
