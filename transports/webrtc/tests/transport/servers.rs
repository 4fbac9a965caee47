//! STUN servers: one that answers, and one whose name does not resolve.

use std::net::Ipv4Addr;

use rejoin_core::IceServer;
use rejoin_core::port::PeerEvent;
use tokio::net::UdpSocket;

use crate::pair::{Pair, setup_with};

/// The mapped address in every answer of the server (RFC 5737: an address for documentation).
const MAPPED: (Ipv4Addr, u16) = (Ipv4Addr::new(203, 0, 113, 7), 4444);

#[tokio::test]
async fn a_stun_server_adds_server_reflexive_candidates() {
    let server = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("stun:{}", server.local_addr().expect("bound"));
    tokio::spawn(answer_bindings(server));
    let mut pair = Pair::new();
    pair.create(|role| {
        setup_with(role, |setup| {
            setup.ice_servers = vec![named(&url)];
            setup.bind = vec!["127.0.0.1:0".to_owned()];
        })
    });
    let expected = format!(" {} {} typ srflx", MAPPED.0, MAPPED.1);
    pair.until(|_, event| match event {
        PeerEvent::LocalCandidates(candidates) => {
            candidates.iter().any(|candidate| candidate.candidate.contains(&expected))
        }
        _ => false,
    })
    .await;
}

#[tokio::test]
async fn an_unresolvable_server_does_not_delay_the_opening() {
    let mut pair = Pair::new();
    let server = named("stun:no-such-host.invalid:3478");
    pair.create(|role| setup_with(role, |setup| setup.ice_servers = vec![server.clone()]));
    pair.until_open().await;
}

pub(crate) fn named(url: &str) -> IceServer {
    IceServer { urls: vec![url.to_owned()], ..IceServer::default() }
}

async fn answer_bindings(socket: UdpSocket) {
    let mut request = [0; 1500];
    while let Ok((_, from)) = socket.recv_from(&mut request).await {
        socket.send_to(&success(&request, MAPPED), from).await.expect("loopback takes it");
    }
}

/// Returns the answer to a binding request with the mapped address `mapped` (RFC 8489 section 14.2).
pub(crate) fn success(request: &[u8], mapped: (Ipv4Addr, u16)) -> Vec<u8> {
    const COOKIE: u32 = 0x2112_A442;
    let mut response = vec![0x01, 0x01, 0, 12];
    response.extend(&request[4..20]);
    response.extend([0x00, 0x20, 0, 8, 0, 0x01]);
    response.extend((mapped.1 ^ (COOKIE >> 16) as u16).to_be_bytes());
    response.extend((u32::from(mapped.0) ^ COOKIE).to_be_bytes());
    response
}
