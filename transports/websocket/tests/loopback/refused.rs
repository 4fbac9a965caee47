//! Failed dials and their reasons.

use std::time::Duration;

use rejoin_core::port::{SignalingAction, SignalingTransport};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::server;
use crate::wire::{Closed, FIRST, closed, open, open_within, transport};

/// Dials and returns the `Closed` event.
async fn refused(action: SignalingAction) -> Closed {
    let mut transport = transport();
    transport.perform(FIRST, action);
    let closed = closed(&mut transport).await;
    assert!(!closed.opened);
    assert_eq!(closed.code, None);
    closed
}

#[tokio::test]
async fn the_retry_after_of_a_busy_server_is_returned() {
    let url = server::answering("HTTP/1.1 503 Busy\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n").await;

    let closed = refused(open(&url)).await;

    assert_eq!(closed.status, Some(503));
    assert_eq!(closed.retry_after, Some(Duration::from_secs(17)));
    assert!(closed.reason.contains(&url) && closed.reason.contains("try later"), "{}", closed.reason);
}

#[tokio::test]
async fn a_retry_after_date_is_parsed() {
    let url = server::answering(
        "HTTP/1.1 429 Slow\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
         Retry-After: Sun, 06 Nov 1994 08:50:00 GMT\r\n\r\n",
    )
    .await;

    assert_eq!(refused(open(&url)).await.retry_after, Some(Duration::from_secs(23)));
}

#[tokio::test]
async fn a_web_server_is_not_a_websocket_server() {
    let url = server::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;

    let closed = refused(open(&url)).await;

    assert_eq!(closed.status, Some(200));
    assert!(closed.reason.contains("not a WebSocket server"), "{}", closed.reason);
}

#[tokio::test]
async fn the_new_location_of_a_moved_server_is_named() {
    let url = server::answering("HTTP/1.1 301 Moved\r\nLocation: wss://there/?a=b\r\n\r\n").await;

    let closed = refused(open(&url)).await;

    assert!(closed.reason.ends_with("it moved to wss://there/"), "{}", closed.reason);
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_rejected() {
    let url = server::answering("SSH-2.0-OpenSSH_9.9\r\n").await;

    let closed = refused(open(&url)).await;

    assert_eq!(closed.status, None);
    assert!(closed.reason.contains("not HTTP"), "{}", closed.reason);
}

#[tokio::test]
async fn an_endless_head_is_rejected() {
    let head = format!("HTTP/1.1 101 Yes\r\nX: {}", "x".repeat(17 * 1024));
    let url = server::answering(head.leak()).await;

    let closed = refused(open(&url)).await;

    assert!(closed.reason.contains("exceeds 16384 bytes"), "{}", closed.reason);
}

#[tokio::test]
async fn a_server_that_closes_the_connection_is_named() {
    let (url, _served) = server::tcp(async |mut stream: TcpStream| {
        assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
    })
    .await;

    let closed = refused(open(&url)).await;

    assert!(closed.reason.contains(&url), "{}", closed.reason);
}

#[tokio::test]
async fn a_refused_connection_is_reported_with_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);

    let closed = refused(open(&format!("ws://{address}/"))).await;

    assert!(closed.reason.contains(&address.to_string()), "{}", closed.reason);
    assert!(closed.reason.contains("start the server"), "{}", closed.reason);
}

#[tokio::test]
async fn a_silent_server_is_dropped_at_the_limit() {
    let (url, _served) =
        server::tcp(
            async |mut stream: TcpStream| {
                while stream.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {}
            },
        )
        .await;

    let closed = refused(open_within(&url, Duration::from_millis(200))).await;

    assert!(closed.reason.contains("200ms") && closed.reason.contains("upgrade"), "{}", closed.reason);
}

#[tokio::test]
async fn an_unknown_host_is_reported_by_name() {
    // A label longer than DNS allows, so no name server is queried.
    let host = "x".repeat(64);

    let closed = refused(open(&format!("ws://{host}/"))).await;

    assert!(closed.reason.contains("cannot be resolved"), "{}", closed.reason);
}

#[tokio::test]
async fn other_schemes_and_texts_are_rejected() {
    for url in ["https://host/", "host:443", "wss://", "", "ws://me:hidden@host/"] {
        let closed = refused(open(url)).await;
        assert!(closed.reason.contains("write ws://"), "{}", closed.reason);
        assert!(!closed.reason.contains("hidden"), "{}", closed.reason);
    }
}

#[tokio::test]
async fn a_token_in_the_query_is_redacted() {
    let url = server::answering("HTTP/1.1 403 No\r\n\r\n").await;

    let closed = refused(open(&format!("{url}?token=hidden"))).await;

    assert_eq!(closed.status, Some(403));
    assert!(!closed.reason.contains("hidden"), "{}", closed.reason);
}
