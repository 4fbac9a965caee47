//! The ends of an open socket.

use futures_util::{SinkExt, StreamExt};
use rejoin_core::Generation;
use rejoin_core::port::{SignalingAction, SignalingEvent, SignalingTransport};
use rejoin_websocket::WebSocketOptions;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::server;
use crate::wire::{FIRST, closed, next, open, opened, play, transport, transport_with, within};

#[tokio::test]
async fn the_servers_close_keeps_its_code_and_reason() {
    let (url, served) = server::websocket(async |mut socket| {
        let frame = CloseFrame { code: CloseCode::from(4001), reason: "room closed".into() };
        socket.close(Some(frame)).await.unwrap();
        socket.next().await.unwrap().unwrap()
    })
    .await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    let closed = closed(&mut transport).await;

    assert!(closed.opened);
    assert_eq!(closed.code, Some(4001));
    assert_eq!(closed.reason, format!("{url} closed the socket: \"room closed\""));
    let Message::Close(Some(echo)) = within(served).await.unwrap() else { panic!("no answer") };
    assert_eq!(u16::from(echo.code), 4001);
}

#[tokio::test]
async fn a_lost_connection_has_no_code() {
    let (url, _served) = server::websocket(async |socket| drop(socket)).await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    let closed = closed(&mut transport).await;

    assert!(closed.opened);
    assert_eq!(closed.code, None);
    assert!(closed.reason.contains("without a close frame"), "{}", closed.reason);
}

#[tokio::test]
async fn our_close_follows_the_queued_messages() {
    let (url, served) = server::websocket(async |mut socket| {
        let mut seen = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            seen.push(message);
        }
        seen
    })
    .await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    transport.perform(FIRST, SignalingAction::Send(play("last")));
    transport.perform(FIRST, SignalingAction::Close);

    let closed = closed(&mut transport).await;
    assert_eq!((closed.opened, closed.code), (true, Some(1000)));
    let seen = within(served).await.unwrap();
    let normal = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    assert_eq!(seen, [Message::text("play last"), Message::Close(Some(normal))]);
}

#[tokio::test]
async fn an_unanswered_close_ends_after_its_timeout() {
    let (release, released) = oneshot::channel::<()>();
    let (url, _served) = server::websocket(async |socket| {
        let _ = released.await;
        drop(socket);
    })
    .await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    transport.perform(FIRST, SignalingAction::Close);

    let closed = closed(&mut transport).await;
    assert!(closed.reason.contains("did not answer our close"), "{}", closed.reason);
    drop(release);
}

#[tokio::test]
async fn a_close_frame_is_sent_even_if_the_next_socket_follows_at_once() {
    let (old, served) = server::websocket(async |mut socket| socket.next().await.unwrap().unwrap()).await;
    let (new, _served) = server::websocket(async |mut socket| socket.next().await).await;
    let mut transport = transport();
    opened(&mut transport, &old).await;

    transport.perform(FIRST, SignalingAction::Close);
    transport.perform(Generation(2), open(&new));

    assert!(matches!(next(&mut transport).await, (Generation(2), SignalingEvent::Opened { .. })));
    assert!(within(served).await.unwrap().is_close());
}

#[tokio::test]
async fn a_dial_can_be_closed() {
    let (url, _served) = server::tcp(async |stream: TcpStream| {
        stream.readable().await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let mut transport = transport();
    transport.perform(FIRST, open(&url));

    transport.perform(FIRST, SignalingAction::Close);

    let closed = closed(&mut transport).await;
    assert!(!closed.opened);
    assert!(closed.reason.contains("we closed"), "{}", closed.reason);
}

#[tokio::test]
async fn a_frame_above_the_limit_closes_with_1009() {
    let (url, served) = server::websocket(async |mut socket| {
        socket.send(Message::text("x".repeat(5000))).await.unwrap();
        socket.next().await
    })
    .await;
    let mut transport =
        transport_with(WebSocketOptions { max_frame_bytes: 4096, ..WebSocketOptions::default() });
    opened(&mut transport, &url).await;

    let closed = closed(&mut transport).await;

    assert!(closed.opened);
    assert!(closed.reason.contains("5000") && closed.reason.contains("4096"), "{}", closed.reason);
    // The rest of the frame is unread, so a TCP reset may overtake the close frame.
    if let Some(Ok(Message::Close(Some(frame)))) = within(served).await.unwrap() {
        assert_eq!(frame.code, CloseCode::Size);
    }
}

#[tokio::test]
async fn a_server_that_does_not_read_is_dropped() {
    let (release, released) = oneshot::channel::<()>();
    let (url, _served) = server::websocket(async |socket| {
        let _ = released.await;
        drop(socket);
    })
    .await;
    let mut transport = transport_with(WebSocketOptions { outgoing_queue: 4, ..WebSocketOptions::default() });
    opened(&mut transport, &url).await;
    let large = play(&"x".repeat(256 * 1024));

    // The kernel buffers about ten megabytes; the task is scheduled after every message.
    for _ in 0..1000 {
        transport.perform(FIRST, SignalingAction::Send(large.clone()));
        tokio::task::yield_now().await;
    }

    let closed = closed(&mut transport).await;
    assert!(closed.opened);
    assert!(closed.reason.contains(&url) && closed.reason.contains("does not read"), "{}", closed.reason);
    drop(release);
}
