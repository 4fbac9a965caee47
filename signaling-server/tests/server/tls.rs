//! The server behind TLS, with the transport of `rejoin join` on the other side.

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

use crate::client::PATIENCE;

#[tokio::test]
async fn a_transport_that_trusts_the_authority_gets_in() {
    let house = House::open(Options::default()).await;
    let mut transport = house.transport();
    assert!(matches!(open(&mut transport, &house.url("wss")).await, SignalingEvent::Opened { .. }));
    prove(&mut transport).await;
}

#[tokio::test]
async fn a_shutdown_says_goodbye_over_tls() {
    let house = House::open(Options::default()).await;
    let mut transport = house.transport();
    open(&mut transport, &house.url("wss")).await;
    house.server.shutdown().await;
    let event = next(&mut transport).await;
    assert!(matches!(event, SignalingEvent::Closed { code: Some(1001), .. }), "{event:?}");
}

#[tokio::test]
async fn a_transport_in_the_clear_is_told_to_use_wss() {
    let house = House::open(Options::default()).await;
    let event = open(&mut house.transport(), &house.url("ws")).await;
    let SignalingEvent::Closed { opened: false, status: Some(426), reason, .. } = event else {
        panic!("{event:?}")
    };
    assert!(reason.contains("wss://"), "{reason}");
}

#[tokio::test]
async fn a_plain_request_is_answered_in_the_clear_and_harms_nobody() {
    let house = House::open(Options::default()).await;
    let mut healthy = house.transport();
    open(&mut healthy, &house.url("wss")).await;
    let answer = house.say(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 ") && answer.contains("wss://"), "{answer}");
    prove(&mut healthy).await;
}

#[tokio::test]
async fn handshakes_that_stall_are_dropped_and_harm_nobody() {
    let house = House::open(Options { upgrade_timeout: Duration::from_secs(1), ..Options::default() }).await;
    let mut healthy = house.transport();
    open(&mut healthy, &house.url("wss")).await;
    // Silence, and a client hello that ends in its head.
    assert_eq!(house.say(b"").await, b"");
    assert_eq!(house.say(&[22, 3, 1, 2]).await, b"");
    prove(&mut healthy).await;
}

/// A server with a certificate for this machine, and the file of the authority that signed it.
struct House {
    server: ServerHandle,
    authority: NamedTempFile,
}

impl House {
    async fn open(options: Options) -> Self {
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let authority_file = file(&authority.self_signed(&authority_key).unwrap().pem());
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
        let (certificate, key) = (file(&certificate.pem()), file(&key.serialize_pem()));
        let tls = Tls::from_pem_files(certificate.path(), key.path()).unwrap();
        let server = Server::bind("127.0.0.1:0", options).await.unwrap().tls(tls).start();
        Self { server, authority: authority_file }
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.server.local_addr())
    }

    fn transport(&self) -> WebSocketTransport {
        let options = WebSocketOptions {
            ca_file: Some(self.authority.path().to_owned()),
            ..WebSocketOptions::default()
        };
        WebSocketTransport::new(Arc::new(Hosted::new(&HostedOptions::default())), options).unwrap()
    }

    /// Says `bytes` without TLS and returns everything that is answered.
    async fn say(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.server.local_addr()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        answer
    }
}

const FIRST: Generation = Generation(1);

async fn open(transport: &mut WebSocketTransport, server: &str) -> SignalingEvent {
    transport.perform(FIRST, SignalingAction::Open { server: server.into(), limit: PATIENCE, resume: None });
    next(transport).await
}

/// Makes sure that bytes go both ways.
async fn prove(transport: &mut WebSocketTransport) {
    transport.perform(FIRST, SignalingAction::Ping);
    while next(transport).await != SignalingEvent::Pong {}
}

async fn next(transport: &mut WebSocketTransport) -> SignalingEvent {
    timeout(PATIENCE, transport.next_event()).await.unwrap().1
}

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}
