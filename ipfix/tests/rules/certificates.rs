//! Authorities that issue certificates.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use weir_ipfix::identity::{Identity, IdentityFiles};

/// An authority with a directory for its files.
pub(crate) struct Authority {
    directory: tempfile::TempDir,
    parameters: CertificateParams,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let directory = tempfile::tempdir().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        // No other has its name.
        parameters.distinguished_name.push(DnType::CommonName, directory.path().display().to_string());
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        fs::write(directory.path().join("ca.pem"), parameters.self_signed(&key).unwrap().pem()).unwrap();
        Authority { directory, parameters, key }
    }

    /// A certificate for a name or address.
    pub(crate) fn issue(&self, name: &str) -> IdentityFiles {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let issuer = Issuer::from_params(&self.parameters, &self.key);
        let certificate = parameters.signed_by(&key, &issuer).unwrap();
        let path = |what| self.directory.path().join(format!("{name}.{what}"));
        let files = IdentityFiles {
            authorities: self.directory.path().join("ca.pem"),
            certificate: path("pem"),
            key: path("key"),
        };
        fs::write(&files.certificate, certificate.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    /// The identity of a certificate for a name or address.
    pub(crate) fn identity(&self, name: &str) -> Identity {
        Identity::read(&self.issue(name)).unwrap()
    }
}
