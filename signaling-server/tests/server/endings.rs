//! Sockets that die silently, and the shutdown.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use crate::client::{Client, Seeded, TIMEOUT, serve};
use rejoin_signaling_server::Options;

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SEED: &str = r#"{"request":"seed","streamID":"cam"}"#;

/// Upgrades, seeds, waits until the server has processed that, and then neither reads nor writes.
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

fn short_timeouts() -> Options {
    let (ping_interval, silence_timeout) = (Duration::from_millis(100), Duration::from_millis(300));
    Options { ping_interval, silence_timeout, ..Options::default() }
}

#[tokio::test]
async fn a_half_open_socket_loses_its_stream_id() {
    let server = serve(short_timeouts()).await;
    let mut successor = Client::connect(server.local_addr()).await;
    let _dead = half_open(server.local_addr()).await;
    assert_eq!(successor.seed("cam").await, Seeded::InUse);
    let since = Instant::now();
    let mut ticks = interval(Duration::from_millis(20));
    while successor.seed("cam").await == Seeded::InUse {
        assert!(since.elapsed() < Duration::from_secs(5), "the dead socket still holds the stream id");
        ticks.tick().await;
    }
}

#[tokio::test]
async fn a_socket_that_answers_pings_stays_open() {
    let server = serve(short_timeouts()).await;
    let mut quiet = Client::connect(server.local_addr()).await;
    quiet.seed("cam").await;
    let silence = timeout(short_timeouts().silence_timeout * 3, quiet.receive_text()).await;
    assert!(silence.is_err());
    quiet.settle().await;
}

#[tokio::test]
async fn a_shutdown_closes_every_socket_with_1001() {
    let server = serve(Options::default()).await;
    let addr = server.local_addr();
    let clients = [Client::connect(addr).await, Client::connect(addr).await];
    // A socket that never answers the close frame must not delay the others.
    let _dead = half_open(addr).await;
    let shutdown = tokio::spawn(server.shutdown());
    for client in clients {
        assert_eq!(client.closed().await, (1001, "server is shutting down; reconnect".to_owned()));
    }
    timeout(TIMEOUT, shutdown).await.unwrap().unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
}
