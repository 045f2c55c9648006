//! Who one is, and whom one trusts: certificates and keys for TLS and DTLS (RFC 7011, 11).
//!
//! Both sides have a certificate that is signed by an authority of the other. There is no way to go without, nor to leave the
//! verification out. TLS is 1.2 or 1.3; its suites are those of rustls, none of which is anonymous or without encryption.

mod dtls;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dimpl::DtlsCertificate;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{StoresServerSessions, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use thiserror::Error;

pub use self::dtls::DtlsIdentity;
pub(crate) use self::dtls::with_cookie;

/// Where the parts of an identity are, all in PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdentityFiles {
    /// The certificates of the authorities that sign certificates of peers.
    pub authorities: PathBuf,
    /// The own certificate, and after it those that lead to one of the peer's authorities, if any.
    pub certificate: PathBuf,
    /// The own key: PKCS 8, PKCS 1 (RSA) or SEC 1 (ECDSA), not encrypted.
    pub key: PathBuf,
}

/// What is wrong with a file or what it holds.
#[derive(Debug, Error)]
pub enum FileError {
    /// It cannot be read.
    #[error(transparent)]
    Read(io::Error),
    /// It is no PEM.
    #[error("{0}")]
    Pem(String),
    /// There is no certificate in it.
    #[error("no certificate in it")]
    NoCertificate,
    /// There is no key in it, or an encrypted one.
    #[error("no unencrypted key in it")]
    NoKey,
    /// It cannot be used for DTLS.
    #[error("DTLS needs an ECDSA key on P-256 or P-384")]
    NotEcdsa,
    /// A certificate cannot be used as that of an authority, or a key does not fit the certificate or is of a kind that is not known.
    #[error(transparent)]
    Unusable(#[from] rustls::Error),
    /// The authorities cannot be used.
    #[error(transparent)]
    Authorities(#[from] VerifierBuilderError),
}

impl From<pem::Error> for FileError {
    fn from(error: pem::Error) -> FileError {
        match error {
            pem::Error::Io(error) => FileError::Read(error),
            other => FileError::Pem(other.to_string()),
        }
    }
}

/// Why there is no identity.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The file of the authorities.
    #[error("authorities: {}: {}", .0.display(), .1)]
    Authorities(PathBuf, FileError),
    /// The file of the own certificate.
    #[error("certificate: {}: {}", .0.display(), .1)]
    Certificate(PathBuf, FileError),
    /// The file of the own key.
    #[error("key: {}: {}", .0.display(), .1)]
    Key(PathBuf, FileError),
}

/// A certificate with its key, and the authorities that are trusted.
#[derive(Clone, Debug)]
pub struct Identity {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    dtls: DtlsIdentity,
    key_file: PathBuf,
}

impl Identity {
    /// Reads the files, once: later changes of them do not matter.
    ///
    /// # Errors
    /// If one is not there or not what it should be, or the key is not that of the certificate.
    pub fn read(files: &IdentityFiles) -> Result<Identity, IdentityError> {
        let of_authorities = |error| IdentityError::Authorities(files.authorities.clone(), error);
        let of_key = |error: rustls::Error| IdentityError::Key(files.key.clone(), error.into());
        let provider = Arc::new(ring::default_provider());
        let authorities = authorities(&files.authorities).map_err(of_authorities)?;
        let chain = certificates(&files.certificate)
            .map_err(|error| IdentityError::Certificate(files.certificate.clone(), error))?;
        let key = key(&files.key).map_err(|error| IdentityError::Key(files.key.clone(), error))?;

        let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(of_key)?
            .with_root_certificates(Arc::clone(&authorities))
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .map_err(of_key)?;
        // A resumed session would not be verified again.
        client.resumption = Resumption::disabled();

        let collectors =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&authorities), Arc::clone(&provider))
                .build()
                .map_err(|error| of_authorities(error.into()))?;
        let exporters = WebPkiClientVerifier::builder_with_provider(authorities, Arc::clone(&provider))
            .build()
            .map_err(|error| of_authorities(error.into()))?;
        let certificate = DtlsCertificate {
            certificate: chain.first().map(|first| first.to_vec()).unwrap_or_default(),
            private_key: key.secret_der().to_vec(),
        };
        let dtls = DtlsIdentity { certificate, collectors, exporters: Arc::clone(&exporters) };
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(of_key)?
            .with_client_cert_verifier(exporters)
            .with_single_cert(chain, key)
            .map_err(of_key)?;
        server.session_storage = Arc::new(Forgetful);

        Ok(Identity { client: Arc::new(client), server: Arc::new(server), dtls, key_file: files.key.clone() })
    }

    /// For DTLS.
    ///
    /// # Errors
    /// If the key is not one for ECDSA on P-256 or P-384.
    pub fn for_dtls(&self) -> Result<DtlsIdentity, IdentityError> {
        if !DtlsIdentity::can_use(&self.dtls.certificate.private_key) {
            return Err(IdentityError::Key(self.key_file.clone(), FileError::NotEcdsa));
        }
        Ok(self.dtls.clone())
    }

    /// For an exporter over TLS.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.client)
    }

    /// For a collector over TLS.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }
}

/// The host names in a certificate.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let names =
        |certificate: webpki::EndEntityCert<'_>| certificate.valid_dns_names().map(str::to_owned).collect();
    webpki::EndEntityCert::try_from(certificate).map(names).unwrap_or_default()
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let certificates = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() { Err(FileError::NoCertificate) } else { Ok(certificates) }
}

fn authorities(path: &Path) -> Result<Arc<RootCertStore>, FileError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store.add(certificate)?;
    }
    Ok(Arc::new(store))
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        pem::Error::NoItemsFound => FileError::NoKey,
        other => other.into(),
    })
}

/// Keeps no sessions, so that each is verified anew, but has the tickets of TLS 1.3 sent all the same: they tell an exporter that its
/// certificate was accepted.
#[derive(Debug)]
struct Forgetful;

impl StoresServerSessions for Forgetful {
    fn put(&self, _key: Vec<u8>, _value: Vec<u8>) -> bool {
        true
    }

    fn get(&self, _key: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn take(&self, _key: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn can_cache(&self) -> bool {
        false
    }
}

#[cfg(test)]
pub(crate) mod authority;
#[cfg(test)]
mod tests;
