//! A path that drops datagrams while a connection opens.

use std::collections::BTreeSet;

use crate::servers::success;
use crate::stun_retry::{Server, behind, open_from_outside, translate};

/// Content types of DTLS (RFC 5246 section 6.2.1): the change of ciphers and the handshake.
const HANDSHAKE: [u8; 2] = [20, 22];

#[tokio::test]
async fn a_handshake_survives_the_loss_of_every_datagram() {
    let server = Server::start().await;
    let (outside, mapped, mut pair) = behind(&server).await;
    let mut lost = BTreeSet::new();
    let network = async {
        let (request, from) = server.query().await;
        server.answer(&success(&request, mapped), from).await;
        // A retransmission of the engine has sequence numbers of its own, so it is dropped for the first time again.
        translate(&outside, from, |datagram| {
            !HANDSHAKE.contains(&datagram[0]) || !lost.insert(datagram.to_vec())
        })
        .await;
    };
    tokio::select! {
        () = network => panic!("the outside closed"),
        () = open_from_outside(&mut pair) => {}
    }
    assert!(lost.len() >= 6, "a handshake has six DTLS flights, and {} datagrams were dropped", lost.len());
}
