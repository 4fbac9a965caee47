//! A path that loses datagrams while a connection opens.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use rejoin_core::port::ConnectionSetup;
use rejoin_core::{IceTransportPolicy, Role};
use tokio::net::UdpSocket;

use crate::pair::{Pair, setup};
use crate::reflection::{Server, asking, open_from_outside, translate};
use crate::servers::success;

/// Content types of DTLS (RFC 5246 section 6.2.1): the change of ciphers and the handshake.
const HANDSHAKE: [u8; 2] = [20, 22];

#[tokio::test]
async fn a_handshake_survives_the_loss_of_every_datagram() {
    let server = Server::start().await;
    let outside = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
    let SocketAddr::V4(mapped) = outside.local_addr().expect("bound") else { panic!("bound to IPv4") };
    let mut pair = Pair::new();
    pair.create(|role| match role {
        Role::Offerer => asking(&server, role, IceTransportPolicy::All),
        Role::Answerer => ConnectionSetup { bind: vec!["127.0.0.1:0".to_owned()], ..setup(role) },
    });
    let mut lost = BTreeSet::new();
    let network = async {
        let (request, from) = server.query().await;
        server.answer(&success(&request, (*mapped.ip(), mapped.port())), from).await;
        // What the engine repeats by itself has numbers of its own and is lost for the first time again.
        translate(&outside, from, |datagram| {
            !HANDSHAKE.contains(&datagram[0]) || !lost.insert(datagram.to_vec())
        })
        .await;
    };
    tokio::select! {
        () = network => panic!("the outside closed"),
        () = open_from_outside(&mut pair) => {}
    }
    assert!(lost.len() >= 6, "a handshake has six flights, and {} datagrams were lost", lost.len());
}
