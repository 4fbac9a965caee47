//! Secrets appear in no log at any level, neither in ours nor in those of our dependencies.
//!
//! This test is a process of its own, because a process has one log.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "wires/mute.rs"]
mod mute;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rejoin_core::port::{Resumption, SignalingAction, SignalingEvent, SignalingTransport};
use rejoin_core::{Generation, SignalingAddress};
use rejoin_websocket::{WebSocketOptions, WebSocketTransport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use mute::Mute;

#[tokio::test]
async fn neither_secret_nor_query_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("ws://{}/?token=query-secret", listener.local_addr().unwrap());
    let mut transport = WebSocketTransport::new(Arc::new(Mute), WebSocketOptions::default()).unwrap();
    let resume =
        Some(Resumption { address: SignalingAddress("address".into()), secret: "old-secret".into() });

    let open = SignalingAction::Open { server: server.into(), limit: Duration::from_secs(30), resume };
    transport.perform(Generation(1), open);
    let (tcp, _) = listener.accept().await.unwrap();
    let _tcp = answer(tcp).await;

    let (_, event) = transport.next_event().await;
    assert!(matches!(event, SignalingEvent::Opened { resumed: true, .. }));
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("dialling") && text.contains("opened"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

/// Answers the upgrade without tungstenite, whose server logs the request.
async fn answer(mut tcp: TcpStream) -> TcpStream {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        tcp.read_buf(&mut request).await.unwrap();
    }
    let request = String::from_utf8(request).unwrap();
    assert!(request.contains("old-secret") && request.contains("query-secret"));
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let answer = format!(
        "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\
         Rejoin-Route: address\r\nRejoin-Secret: new-secret\r\nRejoin-Resumed: 1\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    tcp.write_all(answer.as_bytes()).await.unwrap();
    tcp
}

/// The captured log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
