#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::process::Child;
use std::thread;

use super::super::tests::{SOON, Told, export, message};
use super::super::{Collector, CollectorSettings};
use super::*;
use crate::export::transport::Dtls;
use crate::identity::authority::{Authority, openssl};
use crate::identity::{Identity, IdentityFiles};

const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn collector(identity: &Identity, settings: CollectorSettings) -> (Collector, SocketAddr) {
    let mut collector = Collector::new(settings);
    let address = collector.listen_dtls((LOCAL, 0).into(), identity.for_dtls().unwrap()).unwrap();
    (collector, address)
}

fn dtls(to: SocketAddr, identity: &Identity) -> Box<Dtls> {
    let identity = identity.for_dtls().unwrap();
    Box::new(Dtls::new(to.ip().to_string(), to.port(), 1400, identity).unwrap())
}

#[test]
fn our_exporter_is_read_over_dtls() {
    let authority = Authority::new();
    let (mut collector, address) = collector(&authority.identity("127.0.0.1"), CollectorSettings::default());
    let identity = authority.identity("exporter");
    let exporting = thread::spawn(move || export(dtls(address, &identity), 0..5000));
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.ends.len() == 1);
    exporting.join().unwrap();
    assert_eq!(told.ends(), ["at its end"]);
    assert_eq!((told.ends[0].1.records, told.ends[0].1.lost_records), (5000, 0));
    assert!(told.values.iter().copied().eq(0..5000));
    assert!(matches!(&told.peers[..], [Peer::Dtls { names, .. }] if names == &["exporter"]));
}

#[test]
fn our_exporter_is_read_over_dtls_and_ipv6() {
    let authority = Authority::new();
    let mut collector = Collector::new(CollectorSettings::default());
    let identity = authority.identity("::1").for_dtls().unwrap();
    let Ok(address) = collector.listen_dtls((Ipv6Addr::LOCALHOST, 0).into(), identity) else {
        eprintln!("SKIPPED: there is no IPv6 here");
        return;
    };
    let identity = authority.identity("exporter");
    let exporting = thread::spawn(move || export(dtls(address, &identity), 0..1000));
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.ends.len() == 1);
    exporting.join().unwrap();
    assert!(told.values.iter().copied().eq(0..1000));
}

/// Sends one message by openssl.
fn send_by_openssl(to: SocketAddr, files: &IdentityFiles, shows: bool, options: &[&str]) -> Option<Child> {
    let mut child = openssl(to, files, shows, &[&["-dtls1_2"], options].concat())?;
    // The pipe stays open: openssl would end with it.
    child.stdin.as_mut().unwrap().write_all(&message(0, true, &[1, 2, 3])).unwrap();
    Some(child)
}

fn stop(mut child: Child) {
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn openssl_is_read_over_dtls() {
    let authority = Authority::new();
    let (mut collector, address) = collector(&authority.identity("127.0.0.1"), CollectorSettings::default());
    for cipher in [&[][..], &["-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"]] {
        let Some(child) = send_by_openssl(address, &authority.issue("exporter"), true, cipher) else {
            return;
        };
        let mut told = Told::default();
        told.until(&mut collector, |told, _| told.values == [1, 2, 3]);
        stop(child);
    }
}

#[test]
fn who_cannot_be_verified_has_no_session() {
    let (authority, other) = (Authority::new(), Authority::new());
    let settings =
        CollectorSettings { handshake_time: Duration::from_secs(1), ..CollectorSettings::default() };
    let (mut collector, address) = collector(&authority.identity("127.0.0.1"), settings);
    let unknown =
        IdentityFiles { authorities: authority.issue("exporter").authorities, ..other.issue("exporter") };
    let cases: [(IdentityFiles, bool, &str); 3] = [
        (authority.issue("exporter"), false, "certificate"),
        (authority.issue_expired("exporter"), true, "certificate expired"),
        (unknown, true, "UnknownIssuer"),
    ];
    for (files, shows, expected) in cases {
        let Some(child) = send_by_openssl(address, &files, shows, &[]) else { return };
        let mut told = Told::default();
        told.until(&mut collector, |told, _| told.news.len() == 1);
        assert!(told.news[0].starts_with("refused: ") && told.news[0].contains(expected), "{told:?}");
        assert!(told.values.is_empty() && told.peers.is_empty() && collector.sessions().next().is_none());
        stop(child);
        // It may try once more before it is stopped.
        collector.poll(SOON, |_, _| {}).unwrap();
    }
}

/// An exporter, datagram by datagram.
struct Client {
    socket: UdpSocket,
    connection: Connection,
}

impl Client {
    fn new(to: SocketAddr, socket: UdpSocket, identity: &Identity) -> Client {
        socket.connect(to).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        let now = Instant::now();
        let dtls = identity.for_dtls().unwrap().exporter(1200, now).unwrap();
        Client { socket, connection: Connection::new(dtls, now) }
    }

    /// Goes on with its handshake.
    fn advance(&mut self) {
        let mut room = vec![0; ROOM];
        let socket = &self.socket;
        let each = |event: Event<'_>| {
            if let Event::Send(datagram) = event {
                socket.send(datagram)?;
            }
            Ok(())
        };
        let mut datagram = [0; 2000];
        match self.socket.recv(&mut datagram) {
            Ok(length) => self.connection.receive(&datagram[..length], Instant::now(), &mut room, each),
            Err(_) => self.connection.advance(Instant::now(), &mut room, each),
        }
        .unwrap();
    }

    /// Until its handshake is over.
    fn connect(&mut self, collector: &mut Collector, told: &mut Told) {
        while !self.connection.is_connected() {
            self.advance();
            collector.poll(Duration::ZERO, |peer, news| told.take(peer, news)).unwrap();
        }
    }

    /// The datagram of a message.
    fn seal(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::new();
        self.connection
            .send(octets, &mut vec![0; ROOM], |event| {
                if let Event::Send(datagram) = event {
                    sealed.extend_from_slice(datagram);
                }
                Ok(())
            })
            .unwrap();
        sealed
    }
}

/// A generator of octets that are the same in each run.
struct Random(u64);

impl Random {
    fn octet(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 56) as u8
    }
}

#[test]
fn what_is_forged_changes_nothing_in_a_session() {
    let authority = Authority::new();
    let (mut collector, address) = collector(&authority.identity("127.0.0.1"), CollectorSettings::default());
    let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
    let mut client = Client::new(address, socket, &authority.identity("exporter"));
    let mut told = Told::default();
    client.connect(&mut collector, &mut told);
    let first = client.seal(&message(0, true, &[1]));
    client.socket.send(&first).unwrap();
    told.until(&mut collector, |told, _| told.values == [1]);
    let mut random = Random(1);
    for round in 0..2000usize {
        let mut forged = match round % 4 {
            // What would be data if it were not encrypted; the same again; something garbled; anything.
            0 => {
                let plain = message(1, false, &[666]);
                let length = (plain.len() as u16).to_be_bytes();
                [&[23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 1, round as u8][..], &length, &plain].concat()
            }
            1 | 2 => first.clone(),
            _ => (0..round / 8).map(|_| random.octet()).collect(),
        };
        if round % 4 == 2 {
            for _ in 0..1 + round % 3 {
                let at = usize::from(random.octet()) % forged.len();
                forged[at] = random.octet();
            }
        }
        client.socket.send(&forged).unwrap();
        collector.poll(Duration::ZERO, |peer, news| told.take(peer, news)).unwrap();
    }
    let second = client.seal(&message(1, false, &[2]));
    client.socket.send(&second).unwrap();
    told.until(&mut collector, |told, _| told.values.len() > 1);
    assert_eq!((&*told.values, told.ends.len()), (&[1, 2][..], 0));
}

#[test]
fn whatever_comes_instead_of_a_handshake_the_collector_lives_and_keeps_little() {
    let authority = Authority::new();
    let settings = CollectorSettings { most_handshakes: 4, ..CollectorSettings::default() };
    let (mut collector, address) = collector(&authority.identity("127.0.0.1"), settings);
    let identity = authority.identity("exporter");
    let mut told = Told::default();
    // Who asks and shows no cookie is not remembered.
    for _ in 0..100 {
        let mut client = Client::new(address, UdpSocket::bind((LOCAL, 0)).unwrap(), &identity);
        client.advance();
        collector.poll(SOON, |peer, news| told.take(peer, news)).unwrap();
        assert_eq!((collector.dtls[0].handshakes.len(), collector.sessions().count()), (0, 0));
    }
    // Who shows it and says no more is, up to a number.
    let waiting: Vec<Client> = (0..6)
        .map(|_| {
            let mut client = Client::new(address, UdpSocket::bind((LOCAL, 0)).unwrap(), &identity);
            client.advance();
            collector.poll(SOON, |peer, news| told.take(peer, news)).unwrap();
            client.advance();
            collector.poll(SOON, |peer, news| told.take(peer, news)).unwrap();
            client
        })
        .collect();
    assert_eq!(collector.dtls[0].handshakes.len(), 4);
    assert_eq!(told.news, ["refused: too many handshakes at a time"; 2]);
    // Handshakes in which something is garbled.
    let mut random = Random(2);
    for _ in 0..60 {
        let mut garbled = Vec::new();
        let mut client = Client::new(address, UdpSocket::bind((LOCAL, 0)).unwrap(), &identity);
        for _ in 0..4 {
            let mut datagram = [0; 2000];
            let received = client.socket.recv(&mut datagram).unwrap_or(0);
            let each = |event: Event<'_>| {
                if let Event::Send(datagram) = event {
                    garbled = datagram.to_vec();
                    if random.octet() > 100 {
                        let at = usize::from(random.octet()) * 7 % garbled.len();
                        garbled[at] ^= random.octet();
                    }
                    client.socket.send(&garbled)?;
                }
                Ok(())
            };
            let mut room = vec![0; ROOM];
            let went_on = if received > 0 {
                client.connection.receive(&datagram[..received], Instant::now(), &mut room, each)
            } else {
                client.connection.advance(Instant::now(), &mut room, each)
            };
            collector.poll(Duration::ZERO, |peer, news| told.take(peer, news)).unwrap();
            if went_on.is_err() {
                break;
            }
        }
        assert!(collector.dtls[0].handshakes.len() <= 4);
    }
    drop(waiting);
    let mut told = Told::default();
    let exporting = thread::spawn(move || export(dtls(address, &identity), 0..10));
    told.until(&mut collector, |told, _| told.values.len() == 10);
    exporting.join().unwrap();
}

#[test]
fn who_begins_anew_from_the_same_port_has_a_new_session() {
    let authority = Authority::new();
    let (mut collector, address) = collector(&authority.identity("127.0.0.1"), CollectorSettings::default());
    let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
    let mut told = Told::default();
    for round in 1..=2u64 {
        let mut client = Client::new(address, socket.try_clone().unwrap(), &authority.identity("exporter"));
        client.connect(&mut collector, &mut told);
        let octets = client.seal(&message(0, true, &[round]));
        client.socket.send(&octets).unwrap();
        told.until(&mut collector, |told, _| told.values.len() as u64 == round);
    }
    assert_eq!((told.ends(), collector.sessions().count()), (vec!["at its end"], 1));
}

#[test]
fn sessions_end_in_which_nothing_comes() {
    let authority = Authority::new();
    let settings =
        CollectorSettings { idle_time: Duration::from_millis(100), ..CollectorSettings::default() };
    let (mut collector, address) = collector(&authority.identity("127.0.0.1"), settings);
    let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
    let mut client = Client::new(address, socket, &authority.identity("exporter"));
    let mut told = Told::default();
    client.connect(&mut collector, &mut told);
    told.until(&mut collector, |told, _| told.ends.len() == 1);
    assert_eq!((told.ends(), collector.sessions().count()), (vec!["nothing has come for long"], 0));
}
