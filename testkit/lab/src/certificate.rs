//! A certificate for the lab's signaling server, and the authority that signed it.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

/// The files of a certificate, its key and its authority, each in PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The authority that peers trust.
    pub authority: PathBuf,
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Certificate {
    /// Creates a certificate for an address and a name, and writes it to `directory`.
    ///
    /// # Errors
    /// If it cannot be created or written.
    pub fn write(directory: &Path, address: IpAddr, name: &str) -> Result<Self> {
        let paths = Self {
            authority: directory.join("authority.pem"),
            certificate: directory.join("certificate.pem"),
            key: directory.join("key.pem"),
        };
        let mut authority = CertificateParams::default();
        // OpenSSL treats a certificate as self-signed if its issuer has the same name.
        authority.distinguished_name.push(DnType::CommonName, "the authority of the lab");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate()?;
        fs::write(&paths.authority, authority.self_signed(&authority_key)?.pem())?;
        let mut server = CertificateParams::default();
        server.subject_alt_names = vec![SanType::IpAddress(address), SanType::DnsName(name.try_into()?)];
        let key = KeyPair::generate()?;
        let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key))?;
        fs::write(&paths.certificate, certificate.pem())?;
        fs::write(&paths.key, key.serialize_pem())?;
        Ok(paths)
    }
}
