//! How connections close: without an event here, at once on the other side.

use std::time::Duration;

use rejoin_core::port::{PeerAction, PeerEvent, PeerTransport};
use rejoin_core::{Generation, IceTransportPolicy};

use crate::pair::{Pair, Side, setup, text_message};
use crate::sending::echo;

#[tokio::test]
async fn no_event_follows_close() {
    let mut pair = Pair::open().await;
    pair.perform(Side::Offerer, PeerAction::ReadStats);
    pair.perform(Side::Offerer, PeerAction::Close);
    pair.until(|side, event| {
        assert_eq!(side, Side::Answerer, "{event:?} after close");
        *event == PeerEvent::ChannelClosed
    })
    .await;
    let silence = tokio::time::timeout(Duration::from_millis(300), pair.offerer.next_event()).await;
    assert!(silence.is_err(), "{silence:?} after close");
}

#[tokio::test]
async fn a_message_sent_before_close_arrives() {
    let mut pair = Pair::open().await;
    pair.send(Side::Offerer, 1, "goodbye");
    pair.perform(Side::Offerer, PeerAction::Close);
    pair.until(|side, event| {
        side == Side::Answerer && *event == PeerEvent::Received(text_message("goodbye"))
    })
    .await;
}

#[tokio::test]
async fn dropping_the_transport_closes_its_connections() {
    let Pair { offerer, mut answerer, .. } = Pair::open().await;
    drop(offerer);
    let closed = async { while answerer.next_event().await.1 != PeerEvent::ChannelClosed {} };
    tokio::time::timeout(crate::pair::TEST_TIMEOUT, closed).await.expect("the peer sees the close");
}

#[tokio::test]
async fn closing_the_transport_frees_its_sockets() {
    let sockets = || std::fs::read_dir("/proc/self/fd").expect("Linux").count();
    let pair = Pair::open().await;
    let open = sockets();
    pair.offerer.close().await;
    pair.answerer.close().await;
    // Other tests open sockets of their own meanwhile.
    assert!(sockets() <= open + 64);
}

#[tokio::test]
async fn actions_for_unknown_generations_are_ignored() {
    let mut pair = Pair::open().await;
    let other = Generation(99);
    pair.offerer.perform(other, PeerAction::RestartIce(IceTransportPolicy::All));
    pair.offerer.perform(other, PeerAction::Send { tag: 1, message: text_message("lost") });
    pair.offerer.perform(other, PeerAction::ReadStats);
    pair.offerer.perform(other, PeerAction::Close);
    echo(&mut pair).await;
}

#[tokio::test]
async fn create_replaces_a_connection_of_the_same_generation() {
    let mut pair = Pair::open().await;
    pair.create(setup);
    pair.until_open().await;
    echo(&mut pair).await;
}
