//! HTTP answers to requests that get no WebSocket.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{Client, TIMEOUT, limited, serve};
use rejoin_signaling_server::{Limits, Options, ServerHandle};

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async fn ask(server: &ServerHandle, request: &str) -> String {
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    timeout(TIMEOUT, stream.read_to_string(&mut response)).await.unwrap().unwrap();
    response
}

#[tokio::test]
async fn a_plain_get_is_answered_with_426() {
    let server = serve(Options::default()).await;
    let response = ask(&server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(response.starts_with("HTTP/1.1 426 ") && response.contains("websocket client"), "{response}");
}

#[tokio::test]
async fn a_full_server_sends_retry_after() {
    let server = serve(limited(Limits { sockets: 1, ..Limits::default() })).await;
    let mut first = Client::connect(server.local_addr()).await;
    let response = ask(&server, UPGRADE).await;
    assert!(response.starts_with("HTTP/1.1 503 ") && response.contains("\r\nRetry-After: "), "{response}");
    first.settle().await;
}

#[tokio::test]
async fn a_request_that_never_ends_is_dropped() {
    let server =
        serve(Options { upgrade_timeout: std::time::Duration::from_millis(100), ..Options::default() }).await;
    assert_eq!(ask(&server, "GET / HTTP/1.1\r\nHost: ").await, "");
}
