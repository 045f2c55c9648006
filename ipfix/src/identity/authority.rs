//! An authority for tests, which issues certificates as files, and a program of others that has some.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use super::{Identity, IdentityFiles};

/// An authority with a directory for its files.
#[derive(Debug)]
pub(crate) struct Authority {
    directory: tempfile::TempDir,
    parameters: CertificateParams,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        // No other has its name.
        let name = format!("The authority of {}", directory.path().display());
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        fs::write(directory.path().join("ca.pem"), parameters.self_signed(&key).unwrap().pem()).unwrap();
        Authority { directory, parameters, key }
    }

    fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A certificate for a name or address.
    pub(crate) fn issue(&self, name: &str) -> IdentityFiles {
        self.issue_until(name, 4000)
    }

    /// One that has expired.
    pub(crate) fn issue_expired(&self, name: &str) -> IdentityFiles {
        self.issue_until(name, 2001)
    }

    fn issue_until(&self, name: &str, year: i32) -> IdentityFiles {
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.not_before = date_time_ymd(2000, 1, 1);
        parameters.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate =
            parameters.signed_by(&key, &Issuer::from_params(&self.parameters, &self.key)).unwrap();
        IdentityFiles {
            authorities: self.directory.path().join("ca.pem"),
            certificate: self.put(&format!("{name}-{year}.pem"), &certificate.pem()),
            key: self.put(&format!("{name}-{year}.key"), &key.serialize_pem()),
        }
    }

    /// The identity of a certificate for a name or address.
    pub(crate) fn identity(&self, name: &str) -> Identity {
        Identity::read(&self.issue(name)).unwrap()
    }
}

/// openssl as a client with these options, which shows the files' certificate, or none. It sends what is put into its standard input.
pub(crate) fn openssl(to: SocketAddr, files: &IdentityFiles, shows: bool, options: &[&str]) -> Option<Child> {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-verify_return_error", "-connect", &to.to_string()]);
    command.arg("-CAfile").arg(&files.authorities).args(options);
    if shows {
        command.arg("-cert").arg(&files.certificate).arg("-key").arg(&files.key);
    }
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if child.is_err() {
        eprintln!("SKIPPED: openssl is not here");
    }
    child.ok()
}
