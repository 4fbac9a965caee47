//! Frames over an open socket: unreadable ones, pings, and more than the reader accepts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{FutureExt, SinkExt, StreamExt};
use rejoin_core::SignalingMessage;
use rejoin_core::port::{SignalingAction, SignalingEvent, SignalingTransport};
use rejoin_websocket::WebSocketOptions;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

use crate::server;
use crate::wire::{FIRST, next, opened, play, received, transport, transport_with, within};

#[tokio::test]
async fn unreadable_frames_do_not_close_the_socket() {
    let (url, _served) = server::websocket(async |mut socket| {
        socket.send("{\"half".into()).await.unwrap();
        socket.send(Message::binary(vec![0xff, 0xfe])).await.unwrap();
        socket.send("play on".into()).await.unwrap();
        socket.next().await
    })
    .await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    assert!(matches!(next(&mut transport).await.1, SignalingEvent::Malformed { .. }));
    let SignalingEvent::Malformed { reason } = next(&mut transport).await.1 else { panic!("readable") };
    assert!(reason.contains("2 bytes") && reason.contains(&url), "{reason}");
    assert_eq!(next(&mut transport).await.1, received("on"));
}

#[tokio::test]
async fn binary_frames_are_read_as_text() {
    let (url, _served) = server::websocket(async |mut socket| {
        socket.send(Message::binary(&b"play bytes"[..])).await.unwrap();
        socket.next().await
    })
    .await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    assert_eq!(next(&mut transport).await.1, received("bytes"));
}

#[tokio::test]
async fn a_message_that_cannot_be_encoded_is_malformed_and_the_next_one_is_sent() {
    let (url, served) = server::websocket(async |mut socket| socket.next().await).await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    transport.perform(FIRST, SignalingAction::Send(SignalingMessage::Bye { address: None }));
    transport.perform(FIRST, SignalingAction::Send(play("next")));

    assert!(matches!(next(&mut transport).await.1, SignalingEvent::Malformed { .. }));
    let message = within(served).await.unwrap().unwrap().unwrap();
    assert_eq!(message.to_text().unwrap(), "play next");
}

#[tokio::test]
async fn a_ping_yields_a_pong_event() {
    let (url, _served) =
        server::websocket(async |mut socket| while let Some(Ok(_)) = socket.next().await {}).await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    transport.perform(FIRST, SignalingAction::Ping);

    assert_eq!(next(&mut transport).await, (FIRST, SignalingEvent::Pong));
}

#[tokio::test]
async fn the_servers_ping_is_answered_while_the_application_reads_no_events() {
    let (url, served) = server::websocket(async |mut socket| {
        socket.send(Message::Ping("token".into())).await.unwrap();
        socket.next().await.unwrap().unwrap()
    })
    .await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    let answer = within(served).await.unwrap();

    assert_eq!(answer, Message::Pong("token".into()));
}

#[tokio::test]
async fn an_unanswered_ping_yields_no_event_and_blocks_no_message() {
    let (read, may_read) = oneshot::channel::<()>();
    let (url, served) = server::websocket(async |mut socket| {
        may_read.await.unwrap();
        [socket.next().await.unwrap().unwrap(), socket.next().await.unwrap().unwrap()]
    })
    .await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    transport.perform(FIRST, SignalingAction::Ping);
    for _ in 0..100 {
        assert_eq!(transport.next_event().now_or_never(), None);
        tokio::task::yield_now().await;
    }
    transport.perform(FIRST, SignalingAction::Send(play("behind")));
    read.send(()).unwrap();

    let seen = within(served).await.unwrap();
    assert_eq!(seen, [Message::Ping("".into()), Message::text("play behind")]);
}

#[tokio::test]
async fn a_cancelled_wait_loses_nothing() {
    let (url, _served) = server::websocket(async |mut socket| {
        for number in 0..100 {
            socket.send(format!("play {number}").into()).await.unwrap();
            tokio::task::yield_now().await;
        }
        socket.next().await
    })
    .await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    let mut numbers = Vec::new();
    let collect = async {
        while numbers.len() < 100 {
            tokio::select! {
                biased;
                (_, event) = transport.next_event() => numbers.push(event),
                () = tokio::task::yield_now() => {}
            }
        }
    };
    within(collect).await;

    let expected: Vec<_> = (0..100).map(|number| received(&number.to_string())).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn reading_pauses_while_the_event_queue_is_full() {
    // 64 MiB exceed the capacity of the kernel and of a queue of four.
    const FRAMES: usize = 1024;
    let all_sent = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&all_sent);
    let (url, _served) = server::websocket(async move |mut socket| {
        let frame = format!("play {}", "x".repeat(64 * 1024));
        for _ in 0..FRAMES {
            socket.send(frame.as_str().into()).await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
        socket.next().await
    })
    .await;
    let mut transport = transport_with(WebSocketOptions { incoming_queue: 4, ..WebSocketOptions::default() });
    opened(&mut transport, &url).await;

    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }

    assert!(!all_sent.load(Ordering::Relaxed));
    for _ in 0..FRAMES {
        assert!(matches!(next(&mut transport).await.1, SignalingEvent::Received(_)));
    }
}

#[tokio::test]
async fn messages_are_sent_while_reading_pauses() {
    let (url, served) = server::websocket(async |mut socket| {
        for _ in 0..10 {
            socket.send("play much".into()).await.unwrap();
        }
        socket.next().await.unwrap().unwrap()
    })
    .await;
    let mut transport = transport_with(WebSocketOptions { incoming_queue: 1, ..WebSocketOptions::default() });
    opened(&mut transport, &url).await;

    transport.perform(FIRST, SignalingAction::Send(play("out")));

    assert_eq!(within(served).await.unwrap(), Message::text("play out"));
}
