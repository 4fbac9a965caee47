//! Candidates of other stacks that this transport cannot use.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use rejoin_core::port::{PeerAction, PeerEvent};
use rejoin_core::{IceCandidate, IceConnectionState, IceTransportPolicy};

use crate::pair::{Pair, Side};
use crate::sending::echo;

const CONNECTED: PeerEvent = PeerEvent::IceConnectionState(IceConnectionState::Connected);

#[tokio::test]
async fn tcp_candidates_are_neither_dialled_nor_fatal() {
    let open = TcpListener::bind("127.0.0.1:0").expect("a free port");
    open.set_nonblocking(true).expect("a listener that does not block");
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port");
    let opened = open.local_addr().expect("an address");
    let mut pair = Pair::open().await;

    for side in Side::BOTH {
        let candidates = [closed, opened].into_iter().map(tcp_candidate).collect();
        pair.perform(side, PeerAction::AddCandidates(candidates));
    }

    assert_restarts(&mut pair).await;
    let dialled = open.accept().map(|(_, caller)| caller);
    assert!(dialled.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "{dialled:?}");
}

#[tokio::test]
async fn unusable_candidates_are_ignored() {
    let mut pair = Pair::open().await;
    let lines = [
        "candidate:1 1 udp 2122265343 127.0.0.1 1 typ host",
        "candidate:2 1 udp 2122265343 ::1 1 typ host",
        "candidate:3 1 udp 2122265343 127.0.0.1 50000 typ host generation 0 ufrag gone",
        "candidate:4 1 udp 2122265343 0c2c2a8a-0000-4000-8000-000000000000.local 50000 typ host",
        "candidate:5 1 udp 1686052607 127.0.0.1 9 typ srflx raddr 0.0.0.0 rport 0",
        "candidate:6 1 tcp 1518214911 127.0.0.1 9 typ host tcptype active",
        "candidate:7 1 tcp 1518214911 127.0.0.1 1 typ host tcptype so",
        "candidate:8 1 sctp 1 127.0.0.1 1 typ host",
        "candidate:9",
        "not a candidate",
        "",
    ];
    for side in Side::BOTH {
        pair.perform(side, PeerAction::AddCandidates(lines.into_iter().map(candidate).collect()));
    }
    assert_restarts(&mut pair).await;
}

/// Checks that an ICE restart succeeds, that messages pass after it, and that nothing failed meanwhile.
async fn assert_restarts(pair: &mut Pair) {
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    pair.until_each(|event| {
        let over = matches!(event, PeerEvent::Failed { .. } | PeerEvent::ChannelClosed);
        assert!(!over, "{event:?}");
        *event == CONNECTED
    })
    .await;
    echo(pair).await;
}

fn tcp_candidate(address: SocketAddr) -> IceCandidate {
    let (ip, port) = (address.ip(), address.port());
    candidate(&format!("candidate:1 1 tcp 1518083839 {ip} {port} typ host tcptype passive generation 0"))
}

fn candidate(line: &str) -> IceCandidate {
    IceCandidate {
        candidate: line.to_owned(),
        sdp_mid: Some("0".to_owned()),
        sdp_m_line_index: Some(0),
        username_fragment: None,
    }
}
