//! Certificates of a collector and an exporter, and the authority of both.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use weir_ipfix::identity::{Identity, IdentityFiles};

use super::Scratch;

/// A directory with them.
pub(crate) struct Certificates {
    scratch: Scratch,
}

impl Certificates {
    pub(crate) fn new() -> Certificates {
        let scratch = Scratch::new();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.distinguished_name.push(DnType::CommonName, "authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let pem = authority.self_signed(&authority_key).unwrap().pem();
        scratch.file("ca.pem", pem);
        let issuer = Issuer::from_params(&authority, &authority_key);
        for name in ["127.0.0.1", "exporter"] {
            let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
            parameters.distinguished_name.push(DnType::CommonName, name);
            let key = KeyPair::generate().unwrap();
            scratch.file(&format!("{name}.pem"), parameters.signed_by(&key, &issuer).unwrap().pem());
            scratch.file(&format!("{name}.key"), key.serialize_pem());
        }
        Certificates { scratch }
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.scratch.path("")
    }

    pub(crate) fn collector(&self) -> Identity {
        collector_of(&self.directory())
    }

    /// The parameters of the output.
    pub(crate) fn parameters(&self) -> String {
        let [ca, cert, key] = ["ca.pem", "exporter.pem", "exporter.key"].map(|name| self.scratch.path(name));
        format!("ca={};cert={};key={}", ca.display(), cert.display(), key.display())
    }
}

/// Who the collector is, from a directory of certificates.
pub(crate) fn collector_of(directory: &Path) -> Identity {
    Identity::read(&IdentityFiles {
        authorities: directory.join("ca.pem"),
        certificate: directory.join("127.0.0.1.pem"),
        key: directory.join("127.0.0.1.key"),
    })
    .unwrap()
}
