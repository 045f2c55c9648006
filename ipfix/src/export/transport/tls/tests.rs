#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;

use rustls::{ServerConnection, StreamOwned};

use super::*;
use crate::identity::IdentityFiles;
use crate::identity::authority::Authority;

const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn tls(port: u16, identity: &Identity) -> Tls {
    Tls::new("127.0.0.1", port, Duration::from_secs(5), identity).unwrap()
}

/// A collector of openssl, which writes what it is sent to its standard output.
struct Openssl {
    child: Child,
    port: u16,
    reader: thread::JoinHandle<Vec<u8>>,
}

impl Openssl {
    fn start(files: &IdentityFiles, options: &[&str]) -> Option<Openssl> {
        let port = UdpSocket::bind((LOCAL, 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new("openssl");
        command.args(["s_server", "-quiet", "-naccept", "1", "-Verify", "1", "-verify_return_error"]);
        command.arg("-accept").arg(port.to_string()).arg("-CAfile").arg(&files.authorities);
        command.arg("-cert").arg(&files.certificate).arg("-key").arg(&files.key).args(options);
        // It would end with its input.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else {
            eprintln!("SKIPPED: openssl is not here");
            return None;
        };
        let mut output = child.stdout.take().unwrap();
        let reader = thread::spawn(move || {
            let mut octets = Vec::new();
            output.read_to_end(&mut octets).unwrap();
            octets
        });
        Some(Openssl { child, port, reader })
    }

    /// What it was sent, once it has ended by itself, which it does after a connection.
    fn received(mut self) -> Vec<u8> {
        let _input = self.child.stdin.take();
        self.child.wait().unwrap();
        self.reader.join().unwrap()
    }

    fn stop(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Connects, with further attempts while nobody listens.
fn connect(tls: &mut Tls) -> io::Result<()> {
    let since = Instant::now();
    loop {
        assert!(since.elapsed().as_secs() < 20);
        match tls.connect() {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                tls.close();
                thread::sleep(Duration::from_millis(10));
            }
            Poll::Ready(result) => return result,
            Poll::Pending => tls.wait(Duration::from_millis(100)),
        }
    }
}

/// Sends all of it, until it has arrived.
fn send_all(tls: &mut Tls, mut octets: &[u8]) {
    while !octets.is_empty() {
        match tls.send(octets, &[octets.len()]) {
            Ok(count) => octets = &octets[count..],
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}"),
        }
        tls.wait(Duration::from_millis(100));
    }
    until_all_has_arrived(tls);
}

fn until_all_has_arrived(tls: &mut Tls) {
    while tls.unacknowledged() > 0 {
        tls.flush().unwrap();
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn openssl_receives_what_is_sent_over_tls_1_2_and_1_3() {
    let authority = Authority::new();
    let octets: Vec<u8> = (0..1_000_000u32).map(|number| (number % 251) as u8).collect();
    for options in [&["-tls1_2"][..], &["-tls1_3"], &["-tls1_3", "-num_tickets", "0"]] {
        let Some(openssl) = Openssl::start(&authority.issue("127.0.0.1"), options) else { return };
        let mut tls = tls(openssl.port, &authority.identity("exporter"));
        connect(&mut tls).unwrap();
        assert!(!tls.is_closed_by_peer());
        send_all(&mut tls, &octets);
        tls.close();
        let received = openssl.received();
        assert!(received == octets, "{options:?}: {} octets", received.len());
    }
}

#[test]
fn nothing_goes_to_a_collector_that_is_not_the_right_one() {
    let (authority, other) = (Authority::new(), Authority::new());
    let ours = authority.identity("exporter");
    let unknown = other.issue("127.0.0.1");
    let cases: [(IdentityFiles, &[&str], &str); 5] = [
        (authority.issue("collector.example"), &[], "not valid for name"),
        (authority.issue_expired("127.0.0.1"), &[], "certificate expired"),
        (unknown, &[], "UnknownIssuer"),
        (authority.issue("127.0.0.1"), &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], "ProtocolVersion"),
        (authority.issue("127.0.0.1"), &["-tls1_2", "-cipher", "aNULL,eNULL@SECLEVEL=0"], "HandshakeFailure"),
    ];
    for (files, options, expected) in cases {
        let Some(openssl) = Openssl::start(&files, options) else { return };
        let mut tls = tls(openssl.port, &ours);
        let told = connect(&mut tls).unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
        tls.close();
        assert!(openssl.received().is_empty());
    }
}

#[test]
fn a_collector_that_refuses_our_certificate_is_no_collector() {
    let (authority, other) = (Authority::new(), Authority::new());
    let unknown =
        IdentityFiles { authorities: authority.issue("exporter").authorities, ..other.issue("exporter") };
    for version in ["-tls1_2", "-tls1_3"] {
        for ours in [&unknown, &authority.issue_expired("exporter")] {
            let Some(openssl) = Openssl::start(&authority.issue("127.0.0.1"), &[version]) else { return };
            let mut tls = tls(openssl.port, &Identity::read(ours).unwrap());
            let told = connect(&mut tls).unwrap_err().to_string();
            assert!(told.contains("received fatal alert"), "{version}: {told}");
            openssl.stop();
        }
    }
}

#[test]
fn a_collector_that_says_nothing_or_reads_nothing_holds_nobody_up() {
    let authority = Authority::new();
    let identity = authority.identity("127.0.0.1");
    let listener = TcpListener::bind((LOCAL, 0)).unwrap();
    let mut tls = tls(listener.local_addr().unwrap().port(), &identity);
    // It says nothing.
    assert!(tls.connect().is_pending());
    let _silent = listener.accept().unwrap();
    for _ in 0..3 {
        assert!(tls.connect().is_pending());
        tls.wait(Duration::from_millis(10));
    }
    tls.close();
    // It reads nothing after the handshake.
    let config = identity.server();
    let shaking = thread::spawn(move || {
        let mut connection = ServerConnection::new(config).unwrap();
        let mut stream = listener.accept().unwrap().0;
        while connection.is_handshaking() || connection.wants_write() {
            connection.complete_io(&mut stream).unwrap();
        }
        StreamOwned::new(connection, stream)
    });
    connect(&mut tls).unwrap();
    let mut stream = shaking.join().unwrap();
    let octets: Vec<u8> = (0..64_000_000u32).map(|number| (number % 251) as u8).collect();
    let mut taken = 0;
    let refusal = loop {
        match tls.send(&octets[taken..], &[octets.len() - taken]) {
            Ok(count) => taken += count,
            Err(error) => break error,
        }
    };
    assert_eq!(refusal.kind(), io::ErrorKind::WouldBlock);
    assert!(taken < octets.len() && tls.unacknowledged() > 0, "{taken}");
    let held = tls.session.as_ref().unwrap().sealed.octets.len();
    assert!(held > 0 && held < AT_ONCE + 1024, "{held}");
    // Once it reads, all that was taken comes.
    let reading = thread::spawn(move || {
        let mut received = vec![0; taken];
        stream.read_exact(&mut received).unwrap();
        (received, stream)
    });
    until_all_has_arrived(&mut tls);
    let (received, stream) = reading.join().unwrap();
    assert!(received == octets[..taken]);
    drop(stream);
    while !tls.is_closed_by_peer() {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_name_that_can_be_in_no_certificate_is_refused() {
    let identity = Authority::new().identity("exporter");
    for host in ["", "a host", "-"] {
        assert!(Tls::new(host, 4740, Duration::from_secs(1), &identity).is_err(), "{host}");
    }
    for host in ["localhost", "10.0.0.1", "[2001:db8::1]", "2001:db8::1"] {
        assert!(Tls::new(host, 4740, Duration::from_secs(1), &identity).is_ok(), "{host}");
    }
}
