//! `rejoin serve` with a certificate, and `rejoin join` that trusts it.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::process::Process;

#[test]
fn two_peers_meet_over_wss() {
    let papers = Papers::issue();
    let mut server = papers.serve("certificate.pem", "key.pem");
    let url = server.stdout.next("the address of the server");
    assert!(url.starts_with("wss://127.0.0.1:"), "{url}");
    let authority = papers.path("authority.pem");
    let join = |role: &str| Process::join(&url, &[role, "cam", "--ca-file", &authority, "--events"]);
    let (mut publisher, _viewer) = (join("--push"), join("--view"));
    publisher.stdout.event("connected");
}

#[test]
fn papers_that_cannot_be_used_exit_with_2_and_are_named() {
    let papers = Papers::issue();
    for (certificate, key, named, remedy) in [
        ("nowhere.pem", "key.pem", "nowhere.pem", "check its name and permissions"),
        ("key.pem", "key.pem", "key.pem", "BEGIN CERTIFICATE"),
        ("certificate.pem", "certificate.pem", "certificate.pem", "BEGIN PRIVATE KEY"),
        ("certificate.pem", "other.pem", "other.pem", "issued together"),
    ] {
        let mut server = papers.serve(certificate, key);
        let message = server.stderr.with("--tls-cert and --tls-key cannot be used");
        assert!(message.contains(&papers.path(named)) && message.contains(remedy), "{message}");
        assert_eq!(server.end().code(), Some(2));
    }
}

#[test]
fn a_certificate_without_its_key_is_refused() {
    let mut server = Process::start(&["serve", "--tls-cert", "certificate.pem"]);
    server.stderr.with("--tls-key");
    assert_eq!(server.end().code(), Some(2));
}

/// An authority, a certificate for this machine with its key, and a key of nobody.
struct Papers(TempDir);

impl Papers {
    fn issue() -> Self {
        let papers = Self(TempDir::new().unwrap());
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        papers.write("authority.pem", &authority.self_signed(&authority_key).unwrap().pem());
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
        papers.write("certificate.pem", &certificate.pem());
        papers.write("key.pem", &key.serialize_pem());
        papers.write("other.pem", &KeyPair::generate().unwrap().serialize_pem());
        papers
    }

    fn serve(&self, certificate: &str, key: &str) -> Process {
        let (certificate, key) = (self.path(certificate), self.path(key));
        Process::start(&["serve", "--listen", "127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key])
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }
}
