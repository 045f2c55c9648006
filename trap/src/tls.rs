//! TLS of interfaces: both sides have certificates, which have to be signed by one of the authorities of the interface. Names in them do
//! not matter.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig,
    SignatureScheme,
};

use crate::specification::TlsFiles;

fn at(path: &Path, error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {error}", path.display()))
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    let certificates = read().map_err(|error| at(path, error))?;
    if certificates.is_empty() { Err(at(path, "no certificate in it")) } else { Ok(certificates) }
}

/// What the three files hold.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    authorities: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl Identity {
    fn read(files: &TlsFiles) -> io::Result<Identity> {
        let mut authorities = RootCertStore::empty();
        for certificate in certificates(&files.authority)? {
            authorities.add(certificate).map_err(|error| at(&files.authority, error))?;
        }
        Ok(Identity {
            chain: certificates(&files.certificate)?,
            key: PrivateKeyDer::from_pem_file(&files.key).map_err(|error| at(&files.key, error))?,
            authorities: Arc::new(authorities),
            provider: Arc::new(ring::default_provider()),
        })
    }
}

/// For an output: clients have to show a certificate.
pub(crate) fn server(files: &TlsFiles) -> io::Result<ServerConfig> {
    let Identity { chain, key, authorities, provider } = Identity::read(files)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(authorities, Arc::clone(&provider))
        .build()
        .map_err(|error| at(&files.authority, error))?;
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_client_cert_verifier(verifier).with_single_cert(chain, key))
        .map_err(|error| at(&files.certificate, error))
}

/// For an input.
pub(crate) fn client(files: &TlsFiles) -> io::Result<ClientConfig> {
    let Identity { chain, key, authorities, provider } = Identity::read(files)?;
    let inner = WebPkiServerVerifier::builder_with_provider(authorities, Arc::clone(&provider))
        .build()
        .map_err(|error| at(&files.authority, error))?;
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyName { inner }))
                .with_client_auth_cert(chain, key)
        })
        .map_err(|error| at(&files.certificate, error))
}

/// Verifies everything but the name: senders are told apart by where they are, and their certificates name no host.
#[derive(Debug)]
struct AnyName {
    inner: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name is looked at last, when all else was found to be right.
        match self.inner.verify_server_cert(end_entity, intermediates, name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
