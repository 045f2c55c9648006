//! What DTLS needs of an identity. The version is 1.2: with 1.3 an exporter would not be told, before it sends, that the collector has
//! accepted its certificate.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::crypto::{CryptoProvider, Dtls12CipherSuite, HashAlgorithm, HmacProvider, rust_crypto};
use dimpl::{Config, CryptoError, DtlsCertificate};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;

/// How long a handshake may take.
pub(crate) const HANDSHAKE_TIME: Duration = Duration::from_secs(20);

/// The longest datagram of a handshake, if the path does not ask for shorter ones.
const HANDSHAKE_DATAGRAM: usize = 1150;

/// The suite of an exporter: its nonces are the numbers of the records. With the others they are drawn at random for each record, and the
/// same one must not come twice.
const OF_EXPORTER: &[Dtls12CipherSuite] = &[Dtls12CipherSuite::ECDHE_ECDSA_CHACHA20_POLY1305_SHA256];

/// Those of a collector, which sends next to nothing.
const OF_COLLECTOR: &[Dtls12CipherSuite] = &[
    Dtls12CipherSuite::ECDHE_ECDSA_CHACHA20_POLY1305_SHA256,
    Dtls12CipherSuite::ECDHE_ECDSA_AES256_GCM_SHA384,
    Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256,
];

/// An identity as DTLS can use it: its key is one for ECDSA on P-256 or P-384. No further certificates are sent along with it, nor read: it
/// has to be signed by one of the peer's authorities itself.
#[derive(Clone, Debug)]
pub struct DtlsIdentity {
    pub(super) certificate: DtlsCertificate,
    pub(super) collectors: Arc<WebPkiServerVerifier>,
    pub(super) exporters: Arc<dyn ClientCertVerifier>,
}

impl DtlsIdentity {
    /// Whether DTLS can sign with such a key (PKCS 8 or SEC 1).
    pub(super) fn can_use(key: &[u8]) -> bool {
        rust_crypto::default_provider().key_provider.load_private_key(key).is_ok()
    }

    /// The side of an exporter, with datagrams of at most `mtu` octets.
    pub(crate) fn exporter(&self, mtu: usize, now: Instant) -> Result<dimpl::Dtls, dimpl::Error> {
        let config = Config::builder()
            .mtu(mtu.min(HANDSHAKE_DATAGRAM))
            .dtls12_cipher_suites(OF_EXPORTER)
            .handshake_timeout(HANDSHAKE_TIME)
            .with_crypto_provider(rust_crypto::default_provider())
            .build()?;
        let mut dtls = dimpl::Dtls::new_12(Arc::new(config), self.certificate.clone(), now);
        dtls.set_active(true);
        Ok(dtls)
    }

    /// How a collector is configured.
    pub(crate) fn collector_config(&self) -> Result<Arc<Config>, dimpl::Error> {
        let provider = CryptoProvider { hmac_provider: &Cookies, ..rust_crypto::default_provider() };
        let config = Config::builder()
            .mtu(HANDSHAKE_DATAGRAM)
            .dtls12_cipher_suites(OF_COLLECTOR)
            .require_client_certificate(true)
            .handshake_timeout(HANDSHAKE_TIME)
            .with_crypto_provider(provider)
            .build()?;
        Ok(Arc::new(config))
    }

    /// The side of a collector.
    pub(crate) fn collector(&self, config: &Arc<Config>, now: Instant) -> dimpl::Dtls {
        dimpl::Dtls::new_12(Arc::clone(config), self.certificate.clone(), now)
    }

    /// Verifies the certificate of a collector.
    pub(crate) fn verify_collector(
        &self,
        certificate: &[u8],
        name: &ServerName<'_>,
    ) -> Result<(), rustls::Error> {
        let certificate = CertificateDer::from(certificate);
        self.collectors.verify_server_cert(&certificate, &[], name, &[], UnixTime::now()).map(|_| ())
    }

    /// Verifies the certificate of an exporter, and answers the names in it.
    pub(crate) fn verify_exporter(&self, certificate: &[u8]) -> Result<Vec<String>, rustls::Error> {
        let certificate = CertificateDer::from(certificate);
        self.exporters.verify_client_cert(&certificate, &[], UnixTime::now())?;
        Ok(super::names(&certificate))
    }
}

thread_local! {
    /// The cookie of the peer whose first message is being read, which is known to be right.
    static VERIFIED: Cell<Option<[u8; 32]>> = const { Cell::new(None) };
}

/// Does something during which the only right cookie is `cookie`.
pub(crate) fn with_cookie<T>(cookie: [u8; 32], run: impl FnOnce() -> T) -> T {
    VERIFIED.set(Some(cookie));
    let result = run();
    VERIFIED.set(None);
    result
}

/// `dimpl` makes cookies by HMAC with SHA-256, for which it uses this function and for nothing else, with a secret of each connection: it
/// would have to begin one for whoever asks. Here a connection begins when the cookie has been verified, and is told which one it was.
#[derive(Debug)]
struct Cookies;

impl HmacProvider for Cookies {
    fn hmac_sha256(&self, key: &[u8], data: &[u8]) -> Result<[u8; 32], CryptoError> {
        match VERIFIED.get() {
            Some(cookie) => Ok(cookie),
            None => rust_crypto::default_provider().hmac_provider.hmac_sha256(key, data),
        }
    }

    fn hmac(
        &self,
        hash: HashAlgorithm,
        key: &[u8],
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize, CryptoError> {
        rust_crypto::default_provider().hmac_provider.hmac(hash, key, data, out)
    }
}
