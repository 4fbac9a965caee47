//! TLS with a private authority.

use std::sync::Arc;

use futures_util::StreamExt;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rejoin_core::port::SignalingTransport;
use rejoin_websocket::WebSocketOptions;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server;
use crate::wire::{Closed, FIRST, closed, open, opened, transport, transport_with};

/// A server with a certificate for `name`, and the file of the authority that signed it.
async fn secure_server(name: &str) -> (u16, NamedTempFile) {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let ca_file = NamedTempFile::new().unwrap();
    std::fs::write(ca_file.path(), authority.self_signed(&authority_key).unwrap().pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else { return };
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    });
    (port, ca_file)
}

fn trusting(ca_file: &NamedTempFile) -> WebSocketOptions {
    WebSocketOptions { ca_file: Some(ca_file.path().to_owned()), ..WebSocketOptions::default() }
}

async fn refused(url: &str, options: WebSocketOptions) -> Closed {
    let mut transport = transport_with(options);
    transport.perform(FIRST, open(url));
    let closed = closed(&mut transport).await;
    assert!(!closed.opened);
    assert!(closed.reason.contains(url), "{}", closed.reason);
    closed
}

#[tokio::test]
async fn a_private_authority_is_trusted_by_file() {
    let (port, ca_file) = secure_server("localhost").await;
    let mut transport = transport_with(trusting(&ca_file));

    opened(&mut transport, &format!("wss://localhost:{port}/")).await;
}

#[tokio::test]
async fn a_certificate_may_name_an_ip_address() {
    let (port, ca_file) = secure_server("127.0.0.1").await;
    let mut transport = transport_with(trusting(&ca_file));

    opened(&mut transport, &format!("wss://127.0.0.1:{port}/")).await;
}

#[tokio::test]
async fn an_unknown_authority_names_the_option() {
    let (port, _ca_file) = secure_server("localhost").await;

    let closed = refused(&format!("wss://localhost:{port}/"), WebSocketOptions::default()).await;

    assert!(closed.reason.contains("--ca-file"), "{}", closed.reason);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_rejected() {
    let (port, ca_file) = secure_server("elsewhere.example").await;

    let closed = refused(&format!("wss://localhost:{port}/"), trusting(&ca_file)).await;

    assert!(closed.reason.contains("a host name that the certificate names"), "{}", closed.reason);
}

#[tokio::test]
async fn a_server_without_tls_names_the_ws_scheme() {
    let url = server::answering("HTTP/1.1 400 Bad Request\r\n\r\n").await.replace("ws:", "wss:");

    let closed = refused(&url, WebSocketOptions::default()).await;

    assert!(closed.reason.contains("use ws://"), "{}", closed.reason);
}

#[tokio::test]
async fn a_server_with_tls_names_the_wss_scheme() {
    let (port, _ca_file) = secure_server("localhost").await;
    let mut transport = transport();
    transport.perform(FIRST, open(&format!("ws://127.0.0.1:{port}/")));

    let closed = closed(&mut transport).await;

    assert!(closed.reason.contains("wss://"), "{}", closed.reason);
}
