#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::net::TcpStream;
use std::process::Child;
use std::thread;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::super::tests::{SOON, Told, export, message};
use super::super::{Collector, CollectorSettings};
use super::*;
use crate::export::transport::Tls;
use crate::identity::authority::{Authority, openssl};
use crate::identity::{Identity, IdentityFiles};

const LOCAL: std::net::Ipv4Addr = std::net::Ipv4Addr::LOCALHOST;

fn collector(identity: &Identity) -> (Collector, SocketAddr) {
    let mut collector = Collector::new(CollectorSettings::default());
    let address = collector.listen_tls((LOCAL, 0).into(), identity).unwrap();
    (collector, address)
}

fn tls(to: SocketAddr, identity: &Identity) -> Box<Tls> {
    Box::new(Tls::new(to.ip().to_string(), to.port(), Duration::from_secs(5), identity).unwrap())
}

/// Sends `octets` by openssl.
fn send_by_openssl(
    to: SocketAddr,
    files: &IdentityFiles,
    shows: bool,
    options: &[&str],
    octets: &[u8],
) -> Option<Child> {
    let mut child = openssl(to, files, shows, &[&["-no_ign_eof"], options].concat())?;
    let octets = octets.to_vec();
    let mut stdin = child.stdin.take().unwrap();
    thread::spawn(move || stdin.write_all(&octets));
    Some(child)
}

fn client(to: SocketAddr, config: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    StreamOwned::new(connection, TcpStream::connect(to).unwrap())
}

/// Ends a connection, and waits for the other side to do the same.
fn end(mut stream: TcpStream) {
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    io::copy(&mut stream, &mut io::sink()).unwrap();
}

#[test]
fn openssl_is_read_over_tls_1_2_and_1_3() {
    let authority = Authority::new();
    let (mut collector, address) = collector(&authority.identity("127.0.0.1"));
    let values: Vec<u64> = (0..100).collect();
    for (round, version) in ["-tls1_2", "-tls1_3"].into_iter().enumerate() {
        let octets = message(0, true, &values);
        let Some(mut child) =
            send_by_openssl(address, &authority.issue("exporter"), true, &[version], &octets)
        else {
            return;
        };
        let mut told = Told::default();
        told.until(&mut collector, |told, _| told.ends.len() == 1);
        assert_eq!((&told.values, told.ends()), (&values, vec!["at its end"]), "{version}");
        assert_eq!(told.peers.len(), 1);
        assert!(matches!(&told.peers[0], Peer::Tls { names, .. } if names == &["exporter"]));
        assert_eq!(collector.counters().failed_handshakes, 0, "{round}");
        child.wait().unwrap();
    }
}

#[test]
fn who_cannot_be_verified_has_no_session() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (mut collector, address) = collector(&authority.identity("127.0.0.1"));
    // It trusts the collector, which does not trust it.
    let unknown =
        IdentityFiles { authorities: authority.issue("exporter").authorities, ..other.issue("exporter") };
    let cases: [(IdentityFiles, bool, &[&str], &str); 6] = [
        (authority.issue("exporter"), false, &["-tls1_2"], "peer sent no certificates"),
        (authority.issue("exporter"), false, &["-tls1_3"], "peer sent no certificates"),
        (authority.issue_expired("exporter"), true, &[], "certificate expired"),
        (unknown, true, &[], "UnknownIssuer"),
        (
            authority.issue("exporter"),
            true,
            &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"],
            "peer is incompatible",
        ),
        (
            authority.issue("exporter"),
            true,
            &["-tls1_2", "-cipher", "aNULL,eNULL@SECLEVEL=0"],
            "NoCipherSuitesInCommon",
        ),
    ];
    for (files, shows, options, expected) in cases {
        let Some(mut child) = send_by_openssl(address, &files, shows, options, &message(0, true, &[1]))
        else {
            return;
        };
        let mut told = Told::default();
        told.until(&mut collector, |told, _| told.news.len() == 1);
        assert!(
            told.news[0].starts_with("refused: ") && told.news[0].contains(expected),
            "{told:?} {options:?}"
        );
        assert!(told.values.is_empty() && told.peers.is_empty() && collector.sessions().next().is_none());
        child.wait().unwrap();
    }
    assert_eq!(collector.counters().failed_handshakes, 6);
}

#[test]
fn our_exporter_is_read_over_tls() {
    let authority = Authority::new();
    let (mut collector, address) = collector(&authority.identity("127.0.0.1"));
    let identity = authority.identity("exporter");
    let exporting = thread::spawn(move || export(tls(address, &identity), 0..100_000));
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.ends.len() == 1);
    exporting.join().unwrap();
    assert_eq!(told.ends(), ["at its end"]);
    assert_eq!((told.ends[0].1.records, told.ends[0].1.lost_records), (100_000, 0));
    assert!(told.values.iter().copied().eq(0..100_000));
}

#[test]
fn our_exporter_is_read_over_tls_and_ipv6() {
    let authority = Authority::new();
    let mut collector = Collector::new(CollectorSettings::default());
    let Ok(address) =
        collector.listen_tls((std::net::Ipv6Addr::LOCALHOST, 0).into(), &authority.identity("::1"))
    else {
        eprintln!("SKIPPED: there is no IPv6 here");
        return;
    };
    let identity = authority.identity("exporter");
    let exporting = thread::spawn(move || {
        let transport = Tls::new("[::1]", address.port(), Duration::from_secs(5), &identity).unwrap();
        export(Box::new(transport), 0..1000);
    });
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.ends.len() == 1);
    exporting.join().unwrap();
    assert!(told.values.iter().copied().eq(0..1000));
}

#[test]
fn messages_may_be_cut_anywhere_into_records() {
    let authority = Authority::new();
    let (mut collector, address) = collector(&authority.identity("127.0.0.1"));
    let config = authority.identity("exporter").client();
    let octets = [message(0, true, &[1, 2, 3]), message(3, false, &[4]), message(4, false, &[5, 6])].concat();
    let sending = thread::spawn(move || {
        for length in [1, 7, 15, 17, 63] {
            let mut stream = client(address, &config);
            for part in octets.chunks(length) {
                stream.write_all(part).unwrap();
                stream.flush().unwrap();
            }
            stream.conn.send_close_notify();
            stream.flush().unwrap();
            end(stream.sock);
        }
    });
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.ends.len() == 5);
    sending.join().unwrap();
    assert_eq!(told.ends(), ["at its end"; 5]);
    told.values.sort_unstable();
    assert!(told.values.iter().copied().eq((1..=6).flat_map(|value| [value; 5])));
}

#[test]
fn a_connection_that_is_cut_is_not_taken_for_one_that_ends() {
    let authority = Authority::new();
    let (mut collector, address) = collector(&authority.identity("127.0.0.1"));
    let config = authority.identity("exporter").client();
    let sending = thread::spawn(move || {
        let mut stream = client(address, &config);
        stream.write_all(&message(0, true, &[1])).unwrap();
        stream.flush().unwrap();
        end(stream.sock);
    });
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.ends.len() == 1);
    sending.join().unwrap();
    assert!(told.ends()[0].contains("without sending TLS close_notify"), "{told:?}");
    assert_eq!(told.values, [1]);
}

#[test]
fn whatever_comes_instead_of_a_handshake_the_collector_lives() {
    let authority = Authority::new();
    let settings = CollectorSettings {
        most_handshakes: 4,
        handshake_time: Duration::from_millis(200),
        ..CollectorSettings::default()
    };
    let mut collector = Collector::new(settings);
    let address = collector.listen_tls((LOCAL, 0).into(), &authority.identity("127.0.0.1")).unwrap();
    let mut told = Told::default();
    // Who says nothing gives way to others, and is given up after a while.
    let silent: Vec<TcpStream> = (0..10).map(|_| TcpStream::connect(address).unwrap()).collect();
    told.until(&mut collector, |told, _| told.news.len() == 10);
    let given_up = told.news.iter().filter(|news| news.contains("too many handshakes")).count();
    let late = told.news.iter().filter(|news| news.contains("takes too long")).count();
    assert_eq!((given_up, late, collector.handshakes.len()), (6, 4, 0));
    drop(silent);
    // A generator of octets that are the same in each run.
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for round in 0..50usize {
        let mut octets: Vec<u8> = (0..round * 37 + 1).map(|_| random()).collect();
        if round % 2 == 0 {
            // What could be the beginning of a handshake, as long as can be.
            let begin = [22, 3, 1, 0x3f, 0xff, 1, 0, 0xff, 0xff];
            octets.splice(0..0, begin);
        }
        let mut stream = TcpStream::connect(address).unwrap();
        let _ = stream.write_all(&octets);
        drop(stream);
        collector.poll(SOON, |peer, news| told.take(peer, news)).unwrap();
        assert!(collector.handshakes.len() <= 4);
    }
    told.until(&mut collector, |_, collector| collector.handshakes.len() == 0);
    assert_eq!((collector.counters().failed_handshakes, collector.sessions().count()), (60, 0));
    let identity = authority.identity("exporter");
    let exporting = thread::spawn(move || export(tls(address, &identity), 0..10));
    told.until(&mut collector, |told, _| told.ends.len() == 1);
    exporting.join().unwrap();
    assert!(told.values.iter().copied().eq(0..10));
}
