//! The errors of the TLS configuration.

use std::io;
use std::path::PathBuf;

/// The reason why the CA file or TLS itself cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsSetupError {
    /// The file cannot be read.
    #[error("cannot read the CA file {}: {source}; give a readable PEM file with --ca-file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is not PEM.
    #[error("the CA file {} is not valid PEM: {problem}; give a PEM file with --ca-file", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// The file is PEM without a certificate.
    #[error("the CA file {} holds no certificate; it needs a BEGIN CERTIFICATE section", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A certificate of the file cannot be a trust anchor.
    #[error("the CA file {} holds an unusable certificate: {source}; export the CA again", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: rustls::Error,
    },
    /// The cryptography provider supports no accepted protocol version.
    #[error("no usable TLS version: {0}; rebuild with TLS 1.2 or 1.3")]
    Provider(rustls::Error),
}
