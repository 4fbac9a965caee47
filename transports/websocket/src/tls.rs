//! TLS to the server: trusted authorities and handshake.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

use crate::dial_error::DialError;
use crate::tls_error::TlsSetupError;

/// Returns a configuration that trusts the system's authorities and those of `ca_file`.
///
/// A system without authorities is not an error: `ws://` needs none, and the error of a `wss://` dial names the remedy.
pub(crate) fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsSetupError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (trusted, ignored) = roots.add_parsable_certificates(system.certs);
    tracing::debug!(trusted, ignored, errors = system.errors.len(), "loaded the system's authorities");
    if let Some(path) = ca_file {
        for certificate in certificates(path)? {
            roots
                .add(certificate)
                .map_err(|source| TlsSetupError::Unusable { path: path.to_owned(), source })?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsSetupError::Provider)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Runs the handshake and verifies that the certificate names `host`.
pub(crate) async fn connect(
    config: &Arc<ClientConfig>,
    host: &Host<String>,
    tcp: TcpStream,
) -> Result<TlsStream<TcpStream>, DialError> {
    let name = match host {
        Host::Domain(domain) => ServerName::try_from(domain.clone())
            .map_err(|_| DialError::BadUrl(format!("\"{domain}\" cannot be in a certificate")))?,
        Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(*address)),
        Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(*address)),
    };
    TlsConnector::from(Arc::clone(config)).connect(name, tcp).await.map_err(dial_error)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsSetupError> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| match error {
            pem::Error::Io(source) => TlsSetupError::Unreadable { path: path.to_owned(), source },
            other => TlsSetupError::Malformed { path: path.to_owned(), problem: other.to_string() },
        })?;
    if certificates.is_empty() {
        return Err(TlsSetupError::Empty { path: path.to_owned() });
    }
    Ok(certificates)
}

/// Returns a handshake error with its remedy.
fn dial_error(error: io::Error) -> DialError {
    let problem = error.to_string();
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => DialError::Tls { problem, remedy: "use a host name that the certificate names" },
        Some(rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        )) => DialError::Tls { problem, remedy: "check this machine's clock, or renew the certificate" },
        Some(rustls::Error::InvalidCertificate(_)) => DialError::Tls {
            problem,
            remedy: "if the server has a private authority, give its PEM file with --ca-file",
        },
        Some(rustls::Error::InvalidMessage(_)) => {
            DialError::Tls { problem, remedy: "if the server does not use TLS, use ws:// in its URL" }
        }
        Some(_) => DialError::Tls {
            problem,
            remedy: "check the server's TLS configuration; give a private authority with --ca-file",
        },
        None => DialError::Tls { problem, remedy: "check that the port is the server's TLS port" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_ca_file_is_named_with_the_option() {
        let error = client_config(Some(Path::new("/nowhere/ca.pem"))).unwrap_err().to_string();
        assert!(error.contains("/nowhere/ca.pem") && error.contains("--ca-file"), "{error}");
    }

    #[test]
    fn a_ca_file_without_a_certificate_is_rejected() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no certificate\n").unwrap();
        let error = client_config(Some(file.path())).unwrap_err();
        assert!(matches!(error, TlsSetupError::Empty { .. }), "{error}");
    }

    #[test]
    fn a_truncated_ca_file_is_rejected() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
        let error = client_config(Some(file.path())).unwrap_err();
        assert!(matches!(error, TlsSetupError::Malformed { .. }), "{error}");
    }

    #[test]
    fn an_invalid_certificate_is_rejected() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            .unwrap();
        let error = client_config(Some(file.path())).unwrap_err();
        assert!(matches!(error, TlsSetupError::Unusable { .. }), "{error}");
    }
}
