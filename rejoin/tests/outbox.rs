//! The bounds of a profile are those of a running session.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use rejoin::delivery::WhenFull;
use rejoin::supervisor::Membership;
use rejoin::{
    Dialect, Event, Hosted, HostedOptions, Loader, Payload, Recipient, Registry, SendError, Session,
    WebRtcTransport,
};
use rejoin_signaling_server::{Options, Server};
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_of_the_aggressive_profile_holds_16_384_messages() {
    let server = Server::bind("127.0.0.1:0", Options::default()).await.unwrap().start();
    let url = format!("ws://{}", server.local_addr());
    let mut configuration = Loader::new(Registry::builtin()).profile("aggressive").load().unwrap();
    // A full outbox is an error then, and does not depend on the pace of the peer.
    configuration.outbox.when_full = WhenFull::Refuse;
    let mut publisher = rejoin::connect(&url)
        .configuration(configuration)
        .bind_address("127.0.0.1:0")
        .publish("outbox")
        .start()
        .unwrap();
    let dialect: Arc<dyn Dialect> = Arc::new(Hosted::new(&HostedOptions::default()));
    let peers = WebRtcTransport::new(Arc::clone(&dialect));
    let faults = peers.faults();
    let mut viewer = rejoin::connect(&url)
        .dialect(dialect, Membership::ServerListed)
        .peer_transport(Box::new(peers))
        .bind_address("127.0.0.1:0")
        .view("outbox")
        .start()
        .unwrap();
    connected(&mut publisher).await;
    connected(&mut viewer).await;

    faults.block_datagrams();
    let mut accepted = 0;
    let refused = loop {
        match publisher.send(Recipient::Everyone, Payload("1".into())).await {
            Ok(()) => accepted += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, SendError::Full { .. }), "{refused}");
    assert_eq!(accepted, 16_384);
    server.shutdown().await;
}

async fn connected(session: &mut Session) {
    let connects = async { while !matches!(session.next_event().await, Some(Event::Connected(_))) {} };
    timeout(Duration::from_secs(60), connects).await.unwrap();
}
