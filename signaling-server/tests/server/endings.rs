//! Sockets that die silently, and a server that stops.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use crate::client::{Client, PATIENCE, Seeded, serve};
use rejoin_signaling_server::Options;

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SEED: &str = r#"{"request":"seed","streamID":"cam"}"#;

/// Upgrades, seeds, waits until the server has dealt with that, and then neither reads nor writes.
async fn half_open(addr: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(UPGRADE.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    for text in [SEED, r#"{"request":"are you done?"}"#] {
        // FIN and text, masked with zeros.
        let mut frame = vec![0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        stream.write_all(&frame).await.unwrap();
    }
    let mut answer = Vec::new();
    while !answer.ends_with(b"ping\"}") {
        answer.push(stream.read_u8().await.unwrap());
    }
    stream
}

fn hasty() -> Options {
    let (ping_interval, silence_timeout) = (Duration::from_millis(100), Duration::from_millis(300));
    Options { ping_interval, silence_timeout, ..Options::default() }
}

#[tokio::test]
async fn a_half_open_socket_loses_its_stream_id() {
    let server = serve(hasty()).await;
    let mut heir = Client::connect(server.local_addr()).await;
    let _ghost = half_open(server.local_addr()).await;
    assert_eq!(heir.seed("cam").await, Seeded::InUse);
    let since = Instant::now();
    let mut ticks = interval(Duration::from_millis(20));
    while heir.seed("cam").await == Seeded::InUse {
        assert!(since.elapsed() < Duration::from_secs(5), "the ghost still holds the stream id");
        ticks.tick().await;
    }
}

#[tokio::test]
async fn a_socket_that_answers_pings_lives_on() {
    let server = serve(hasty()).await;
    let mut quiet = Client::connect(server.local_addr()).await;
    quiet.seed("cam").await;
    let silence = timeout(hasty().silence_timeout * 3, quiet.hear_text()).await;
    assert!(silence.is_err());
    quiet.settle().await;
}

#[tokio::test]
async fn a_shutdown_says_goodbye_to_everyone() {
    let server = serve(Options::default()).await;
    let addr = server.local_addr();
    let clients = [Client::connect(addr).await, Client::connect(addr).await];
    // One that will never answer the goodbye must not hold up the rest.
    let _ghost = half_open(addr).await;
    let shutdown = tokio::spawn(server.shutdown());
    for client in clients {
        assert_eq!(client.end().await, (1001, "server is shutting down; reconnect".to_owned()));
    }
    timeout(PATIENCE, shutdown).await.unwrap().unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
}
