#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

use super::*;
use crate::identity::authority::Authority;
use crate::identity::{Identity, IdentityFiles};

const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;
const SOON: Duration = Duration::from_millis(20);

fn dtls(port: u16, identity: &Identity) -> Dtls {
    Dtls::new("127.0.0.1", port, 1400, identity.for_dtls().unwrap()).unwrap()
}

fn free_port() -> u16 {
    UdpSocket::bind((LOCAL, 0)).unwrap().local_addr().unwrap().port()
}

/// A collector of openssl.
struct Openssl(Child);

impl Openssl {
    fn start(port: u16, files: &IdentityFiles, options: &[&str]) -> Option<Openssl> {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-dtls1_2", "-quiet", "-Verify", "1", "-verify_return_error"]);
        command.arg("-accept").arg(port.to_string()).arg("-CAfile").arg(&files.authorities);
        command.arg("-cert").arg(&files.certificate).arg("-key").arg(&files.key).args(options);
        // It would end with its input.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else {
            eprintln!("SKIPPED: openssl is not here");
            return None;
        };
        Some(Openssl(child))
    }
}

impl Drop for Openssl {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Connects, with further attempts while nobody listens.
fn connect(dtls: &mut Dtls) -> io::Result<()> {
    let since = Instant::now();
    loop {
        assert!(since.elapsed().as_secs() < 30);
        match dtls.connect() {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                dtls.close();
                thread::sleep(SOON);
            }
            Poll::Ready(result) => return result,
            Poll::Pending => dtls.wait(SOON),
        }
    }
}

#[test]
fn openssl_receives_what_is_sent_with_and_without_cookies() {
    let authority = Authority::new();
    for options in [&[][..], &["-listen"]] {
        let port = free_port();
        let Some(mut openssl) = Openssl::start(port, &authority.issue("127.0.0.1"), options) else { return };
        let mut dtls = dtls(port, &authority.identity("exporter"));
        connect(&mut dtls).unwrap();
        let octets: Vec<u8> = (0..50_000u32).map(|number| (number % 251) as u8).collect();
        let output = openssl.0.stdout.as_mut().unwrap();
        let mut received = vec![0; 1000];
        for message in octets.chunks(1000) {
            assert_eq!(dtls.send(message, &[1000]).unwrap(), 1000);
            output.read_exact(&mut received).unwrap();
            assert_eq!(received, message);
        }
        assert!(!dtls.is_closed_by_peer());
    }
}

#[test]
fn nothing_goes_to_a_collector_that_is_not_the_right_one() {
    let (authority, other) = (Authority::new(), Authority::new());
    let ours = authority.identity("exporter");
    for (files, expected) in [
        (authority.issue("collector.example"), "not valid for name"),
        (authority.issue_expired("127.0.0.1"), "certificate expired"),
        (other.issue("127.0.0.1"), "UnknownIssuer"),
    ] {
        let port = free_port();
        let Some(_openssl) = Openssl::start(port, &files, &[]) else { return };
        let mut dtls = dtls(port, &ours);
        let told = connect(&mut dtls).unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
        assert!(dtls.send(b"x", &[1]).is_err());
    }
}

#[test]
fn a_collector_that_refuses_our_certificate_is_no_collector() {
    let (authority, other) = (Authority::new(), Authority::new());
    let unknown =
        IdentityFiles { authorities: authority.issue("exporter").authorities, ..other.issue("exporter") };
    for ours in [&unknown, &authority.issue_expired("exporter")] {
        let port = free_port();
        let Some(_openssl) = Openssl::start(port, &authority.issue("127.0.0.1"), &[]) else { return };
        let told = connect(&mut dtls(port, &Identity::read(ours).unwrap())).unwrap_err().to_string();
        assert!(told.contains("received fatal alert"), "{told}");
    }
}

#[test]
fn a_collector_that_ends_or_is_gone_is_noticed() {
    let authority = Authority::new();
    let port = free_port();
    let files = authority.issue("127.0.0.1");
    let Some(openssl) = Openssl::start(port, &files, &[]) else { return };
    let mut dtls = dtls(port, &authority.identity("exporter"));
    connect(&mut dtls).unwrap();
    drop(openssl);
    while !dtls.is_closed_by_peer() {
        // Nobody is told of what is sent, until the system says that nobody listens.
        match dtls.send(&[0; 100], &[100]) {
            Ok(taken) => assert_eq!(taken, 100),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        thread::sleep(SOON);
    }
    dtls.close();
    // It comes again.
    let Some(mut openssl) = Openssl::start(port, &files, &[]) else { return };
    connect(&mut dtls).unwrap();
    dtls.send(&[7; 100], &[100]).unwrap();
    let mut received = [0; 100];
    openssl.0.stdout.as_mut().unwrap().read_exact(&mut received).unwrap();
    assert_eq!(received, [7; 100]);
}

#[test]
fn a_collector_that_says_nothing_holds_nobody_up() {
    let silent = UdpSocket::bind((LOCAL, 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut dtls = dtls(port, &Authority::new().identity("exporter"));
    for _ in 0..3 {
        assert!(dtls.connect().is_pending());
        assert!(dtls.send(b"x", &[1]).is_err());
        dtls.wait(SOON);
    }
    dtls.close();
    assert!(dtls.send(b"x", &[1]).is_err());
}

#[test]
fn a_key_of_rsa_is_refused_with_its_path() {
    let authority = Authority::new();
    let files = authority.issue("exporter");
    let (key, certificate) = (files.key.with_file_name("rsa.key"), files.key.with_file_name("rsa.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=exporter", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status();
    if made.is_err() {
        eprintln!("SKIPPED: openssl is not here");
        return;
    }
    assert!(fs::metadata(&key).is_ok());
    let identity = Identity::read(&IdentityFiles { key, certificate, ..files }).unwrap();
    let told = identity.for_dtls().unwrap_err().to_string();
    assert!(told.contains("rsa.key: DTLS needs an ECDSA key"), "{told}");
}
