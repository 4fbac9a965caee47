//! The server side of TLS: certificate, key and handshake.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::connection::reject;
use crate::upgrade::HttpRejection;

/// The certificate and the key of a server.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ServerConfig>,
}

/// The reason why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}; check its name and permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file is not valid PEM.
    #[error("{} is not valid PEM: {problem}; export it again", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// The certificate's file contains no certificate.
    #[error(
        "{} holds no certificate; give a PEM file with a BEGIN CERTIFICATE section", path.display()
    )]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The key's file contains no private key.
    #[error(
        "{} holds no private key; give a PEM file with a BEGIN PRIVATE KEY section that is not encrypted",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The key belongs to another certificate.
    #[error(
        "the key in {} does not fit the first certificate in {}; give the pair that was issued together, \
         the server's own certificate before its authorities", key.display(), certificate.display()
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate or the key is of an unsupported kind.
    #[error(
        "the certificate in {} and the key in {} cannot be used: {source}; use RSA, ECDSA or Ed25519",
        certificate.display(), key.display()
    )]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The cause.
        source: rustls::Error,
    },
}

impl Tls {
    /// Reads a certificate, followed by those of its authorities, and its key from PEM files.
    ///
    /// Each error names the file and the remedy.
    pub fn from_pem_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = certificates(certificate)?;
        let private = private_key(key)?;
        let unusable = |source| {
            let (certificate, key) = (certificate.to_owned(), key.to_owned());
            match source {
                rustls::Error::InconsistentKeys(_) => TlsError::Mismatch { certificate, key },
                source => TlsError::Unusable { certificate, key, source },
            }
        };
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
            .map_err(unusable)?;
        Ok(Self { config: Arc::new(config) })
    }

    /// Runs the handshake; a client that does not use TLS gets an HTTP error.
    pub(crate) async fn accept(self, mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut first = [0];
        if stream.peek(&mut first).await? > 0 && first != [HANDSHAKE_RECORD] {
            reject(&mut stream, HttpRejection::NotTls).await;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the client does not use TLS"));
        }
        TlsAcceptor::from(self.config).accept(stream).await
    }
}

/// The first byte of a TLS client's first record (RFC 8446 section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| unreadable(path, error))?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(certificates)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey { path: path.to_owned() },
        other => unreadable(path, other),
    })
}

fn unreadable(path: &Path, error: pem::Error) -> TlsError {
    match error {
        pem::Error::Io(source) => TlsError::Unreadable { path: path.to_owned(), source },
        other => TlsError::Malformed { path: path.to_owned(), problem: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use rcgen::KeyPair;
    use tempfile::NamedTempFile;

    use super::*;

    #[test]
    fn a_matching_pair_is_accepted() {
        let (certificate, key) = pair();
        assert!(refusal(&certificate, &key).is_none());
    }

    #[test]
    fn a_missing_file_is_named() {
        let (certificate, key) = pair();
        let nowhere = Path::new("/nowhere/file.pem");
        for error in
            [Tls::from_pem_files(nowhere, key.path()), Tls::from_pem_files(certificate.path(), nowhere)]
        {
            let message = error.unwrap_err().to_string();
            assert!(message.contains("/nowhere/file.pem cannot be read"), "{message}");
        }
    }

    #[test]
    fn swapped_files_are_reported_by_the_missing_section() {
        let (certificate, key) = pair();
        assert!(refusal(&key, &certificate).is_some_and(|message| message.contains("BEGIN CERTIFICATE")));
        assert!(
            refusal(&certificate, &certificate).is_some_and(|message| message.contains("BEGIN PRIVATE KEY"))
        );
    }

    #[test]
    fn a_key_of_another_certificate_names_both_files() {
        let (certificate, _) = pair();
        let (_, other) = pair();
        let message = refusal(&certificate, &other).unwrap();
        for part in [certificate.path(), other.path()] {
            assert!(message.contains(part.to_str().unwrap()), "{message}");
        }
        assert!(message.contains("does not fit"), "{message}");
    }

    #[test]
    fn a_truncated_file_is_refused() {
        let (_, key) = pair();
        let message = refusal(&file("-----BEGIN CERTIFICATE-----\nAAAA\n"), &key).unwrap();
        assert!(message.contains("not valid PEM"), "{message}");
    }

    #[test]
    fn an_invalid_certificate_is_refused() {
        let (_, key) = pair();
        let invalid = file("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert!(refusal(&invalid, &key).is_some_and(|message| message.contains("cannot be used")));
    }

    fn refusal(certificate: &NamedTempFile, key: &NamedTempFile) -> Option<String> {
        Tls::from_pem_files(certificate.path(), key.path()).err().map(|error| error.to_string())
    }

    fn pair() -> (NamedTempFile, NamedTempFile) {
        let key = KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        (file(&certificate.self_signed(&key).unwrap().pem()), file(&key.serialize_pem()))
    }

    fn file(text: &str) -> NamedTempFile {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }
}
