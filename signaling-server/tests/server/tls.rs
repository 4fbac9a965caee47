//! The server with TLS, against the WebSocket transport of the client.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rejoin_core::Generation;
use rejoin_core::port::{SignalingAction, SignalingEvent, SignalingTransport};
use rejoin_signaling_server::{Options, Server, ServerHandle, Tls};
use rejoin_vdo_ninja::{Hosted, HostedOptions};
use rejoin_websocket::{WebSocketOptions, WebSocketTransport};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::TIMEOUT;

#[tokio::test]
async fn a_transport_that_trusts_the_authority_connects() {
    let server = TlsServer::start(Options::default()).await;
    let mut transport = server.transport();
    assert!(matches!(open(&mut transport, &server.url("wss")).await, SignalingEvent::Opened { .. }));
    ping(&mut transport).await;
}

#[tokio::test]
async fn a_shutdown_closes_with_1001_over_tls() {
    let server = TlsServer::start(Options::default()).await;
    let mut transport = server.transport();
    open(&mut transport, &server.url("wss")).await;
    server.handle.shutdown().await;
    let event = next(&mut transport).await;
    assert!(matches!(event, SignalingEvent::Closed { code: Some(1001), .. }), "{event:?}");
}

#[tokio::test]
async fn a_transport_without_tls_is_answered_with_the_scheme_to_use() {
    let server = TlsServer::start(Options::default()).await;
    let event = open(&mut server.transport(), &server.url("ws")).await;
    let SignalingEvent::Closed { opened: false, status: Some(426), reason, .. } = event else {
        panic!("{event:?}")
    };
    assert!(reason.contains("wss://"), "{reason}");
}

#[tokio::test]
async fn a_plain_request_is_answered_without_tls_and_affects_no_other_socket() {
    let server = TlsServer::start(Options::default()).await;
    let mut healthy = server.transport();
    open(&mut healthy, &server.url("wss")).await;
    let answer = server.send_plain(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 ") && answer.contains("wss://"), "{answer}");
    ping(&mut healthy).await;
}

#[tokio::test]
async fn stalled_handshakes_are_dropped_and_affect_no_other_socket() {
    let server =
        TlsServer::start(Options { upgrade_timeout: Duration::from_secs(1), ..Options::default() }).await;
    let mut healthy = server.transport();
    open(&mut healthy, &server.url("wss")).await;
    // No bytes at all, and a client hello that ends within its header.
    assert_eq!(server.send_plain(b"").await, b"");
    assert_eq!(server.send_plain(&[22, 3, 1, 2]).await, b"");
    ping(&mut healthy).await;
}

/// A server with a certificate for this machine, and the file of the authority that signed it.
struct TlsServer {
    handle: ServerHandle,
    authority: NamedTempFile,
}

impl TlsServer {
    async fn start(options: Options) -> Self {
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let authority_file = file(&authority.self_signed(&authority_key).unwrap().pem());
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
        let (certificate, key) = (file(&certificate.pem()), file(&key.serialize_pem()));
        let tls = Tls::from_pem_files(certificate.path(), key.path()).unwrap();
        let handle = Server::bind("127.0.0.1:0", options).await.unwrap().tls(tls).start();
        Self { handle, authority: authority_file }
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.handle.local_addr())
    }

    fn transport(&self) -> WebSocketTransport {
        let options = WebSocketOptions {
            ca_file: Some(self.authority.path().to_owned()),
            ..WebSocketOptions::default()
        };
        WebSocketTransport::new(Arc::new(Hosted::new(&HostedOptions::default())), options).unwrap()
    }

    /// Sends `bytes` without TLS and returns the whole answer.
    async fn send_plain(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.handle.local_addr()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        timeout(TIMEOUT, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        answer
    }
}

const FIRST: Generation = Generation(1);

async fn open(transport: &mut WebSocketTransport, server: &str) -> SignalingEvent {
    transport.perform(FIRST, SignalingAction::Open { server: server.into(), limit: TIMEOUT, resume: None });
    next(transport).await
}

/// Checks that the socket carries a ping and its pong.
async fn ping(transport: &mut WebSocketTransport) {
    transport.perform(FIRST, SignalingAction::Ping);
    while next(transport).await != SignalingEvent::Pong {}
}

async fn next(transport: &mut WebSocketTransport) -> SignalingEvent {
    timeout(TIMEOUT, transport.next_event()).await.unwrap().1
}

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}
