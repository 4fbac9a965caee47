//! Messages over the channel: sizes, order, and a full buffer.

use std::time::Duration;

use rejoin_core::message::{ChannelMessage, Payload};
use rejoin_core::port::{PeerAction, PeerEvent, PeerTransport as _};

use crate::pair::{Pair, Side, setup, text_message};

/// Sends a message in each direction and waits until both have arrived.
pub(crate) async fn echo(pair: &mut Pair) {
    for side in Side::BOTH {
        pair.send(side, 1, &format!("hello from {side:?}"));
    }
    let mut missing = Side::BOTH.to_vec();
    pair.until(|side, event| {
        if *event == PeerEvent::Received(text_message(&format!("hello from {:?}", side.other()))) {
            missing.retain(|other| *other != side);
        }
        missing.is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_message_of_60_000_bytes_arrives() {
    let mut pair = Pair::open().await;
    let text = "x".repeat(60_000);
    pair.send(Side::Offerer, 1, &text);
    pair.until(|side, event| side == Side::Answerer && *event == PeerEvent::Received(text_message(&text)))
        .await;
}

#[tokio::test]
async fn an_oversize_message_is_rejected_and_the_channel_stays_open() {
    let mut pair = Pair::open().await;
    pair.send(Side::Offerer, 1, &"x".repeat(60_001));
    pair.until(|side, event| match event {
        PeerEvent::Malformed { reason } => {
            assert!(side == Side::Offerer && reason.contains("60001 bytes"), "{reason}");
            true
        }
        _ => false,
    })
    .await;
    crate::sending::echo(&mut pair).await;
}

#[tokio::test]
async fn a_message_that_the_dialect_cannot_encode_is_rejected_and_the_channel_stays_open() {
    let mut pair = Pair::open().await;
    pair.perform(Side::Offerer, PeerAction::Send { tag: 1, message: ChannelMessage::Bye });
    pair.until(|side, event| side == Side::Offerer && matches!(event, PeerEvent::Malformed { .. })).await;
    echo(&mut pair).await;
}

#[tokio::test]
async fn a_malformed_frame_is_reported_and_the_channel_stays_open() {
    let mut pair = Pair::open().await;
    pair.send(Side::Offerer, 1, "!riddle");
    let malformed = PeerEvent::Malformed { reason: "not plain".to_owned() };
    pair.until(|side, event| side == Side::Answerer && *event == malformed).await;
    echo(&mut pair).await;
}

#[tokio::test]
async fn messages_arrive_in_order() {
    let mut pair = Pair::open().await;
    for number in 0..500 {
        pair.send(Side::Answerer, number, &number.to_string());
    }
    let mut expected = 0..500;
    pair.until(|side, event| match (side, event) {
        (Side::Offerer, PeerEvent::Received(message)) => {
            assert_eq!(Some(number(message)), expected.next());
            expected.is_empty()
        }
        _ => false,
    })
    .await;
}

#[tokio::test]
async fn a_message_before_the_channel_opens_is_returned() {
    let mut pair = Pair::new();
    pair.create(setup);
    pair.send(Side::Offerer, 7, "early");
    let mut order = Vec::new();
    pair.until(|side, event| {
        match (side, event) {
            (Side::Offerer, PeerEvent::Unsent { tag: 7, message }) if *message == text_message("early") => {
                order.push("unsent");
            }
            (Side::Offerer, PeerEvent::ChannelOpen) => order.push("open"),
            (Side::Offerer, PeerEvent::Writable) => order.push("writable"),
            _ => {}
        }
        order.len() == 3
    })
    .await;
    assert_eq!(order, ["unsent", "open", "writable"]);
}

#[tokio::test]
async fn a_full_buffer_returns_messages_until_it_is_writable() {
    // 30 messages of 50 kB overfill the buffer, and nothing is acknowledged while datagrams are blocked.
    const MESSAGES: u64 = 30;
    let mut pair = Pair::open().await;
    let faults = pair.offerer.faults();
    let padding = "x".repeat(50_000);
    faults.block_datagrams();
    for tag in 0..MESSAGES {
        pair.send(Side::Offerer, tag, &format!("{tag} {padding}"));
    }

    let mut unsent = Vec::new();
    pair.until(|_, event| {
        if let PeerEvent::Unsent { tag, message } = event {
            unsent.push((*tag, message.clone()));
        }
        unsent.last().is_some_and(|(tag, _)| *tag == MESSAGES - 1)
    })
    .await;
    let tags: Vec<u64> = unsent.iter().map(|(tag, _)| *tag).collect();
    let first = tags[0];
    assert!(first >= 20, "a buffer of 1 MiB took {first} messages only");
    assert_eq!(tags, (first..MESSAGES).collect::<Vec<u64>>(), "every message after the first is returned");

    faults.unblock_datagrams();
    let mut received = Vec::new();
    let mut keep = |side, event: &PeerEvent| match (side, event) {
        (Side::Answerer, PeerEvent::Received(message)) => received.push(number(message)),
        (Side::Offerer | Side::Answerer, _) => {}
    };
    pair.until(|side, event| {
        keep(side, event);
        side == Side::Offerer && *event == PeerEvent::Writable
    })
    .await;
    for (tag, message) in unsent {
        pair.perform(Side::Offerer, PeerAction::Send { tag, message });
    }
    let mut last = false;
    pair.until(|side, event| {
        assert!(!matches!(event, PeerEvent::Unsent { .. }), "half a buffer takes the rest");
        keep(side, event);
        if let (Side::Answerer, PeerEvent::Received(message)) = (side, event) {
            last = number(message) == MESSAGES - 1;
        }
        last
    })
    .await;
    assert_eq!(received, (0..MESSAGES).collect::<Vec<u64>>());
}

#[tokio::test]
async fn no_message_overtakes_a_returned_one_before_its_event_is_read() {
    const MESSAGES: u64 = 30;
    let mut pair = Pair::open().await;
    let faults = pair.offerer.faults();
    let padding = "x".repeat(50_000);
    faults.block_datagrams();
    for tag in 0..MESSAGES {
        pair.send(Side::Offerer, tag, &format!("{tag} {padding}"));
    }
    // A message was returned, and its event stays unread while the buffer drains.
    faults.unblock_datagrams();
    let mut arrived = 0;
    while arrived < 20 {
        if let (_, PeerEvent::Received(_)) = pair.answerer.next_event().await {
            arrived += 1;
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await; // no event reports an empty buffer
    pair.send(Side::Offerer, MESSAGES, &format!("{MESSAGES} late"));
    pair.until(|side, event| match (side, event) {
        (Side::Answerer, PeerEvent::Received(message)) => {
            assert_ne!(number(message), MESSAGES, "the late message went out ahead of others");
            false
        }
        (Side::Offerer, PeerEvent::Unsent { tag, .. }) => *tag == MESSAGES,
        _ => false,
    })
    .await;
}

/// Returns the number that an application message begins with.
fn number(message: &ChannelMessage) -> u64 {
    let ChannelMessage::Application(Payload(text)) = message else { panic!("unexpected {message:?}") };
    text.split(' ').next().and_then(|word| word.parse().ok()).expect("a number")
}
