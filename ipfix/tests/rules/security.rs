//! Who may listen and speak, and what others can make one keep.
//!
//! With other programs at the other end, over TLS and DTLS:
//!
//! | rule | tests |
//! |---|---|
//! | who is verified is heard | `openssl_is_read_over_tls_1_2_and_1_3`, `openssl_is_read_over_dtls`, `over_tls_all_records_arrive`, `over_dtls_all_records_arrive` |
//! | nobody else is, nor with old versions or suites without encryption | `who_cannot_be_verified_has_no_session`, of both |
//! | the collector is verified | `nothing_goes_to_a_collector_that_is_not_the_right_one`, of both |
//! | so is the exporter | `a_collector_that_refuses_our_certificate_is_no_collector`, of both |
//! | a flood of handshakes costs little | `whatever_comes_instead_of_a_handshake_the_collector_lives_and_keeps_little` |

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use weir_ipfix::collect::{CollectorSettings, Session, SessionSettings};
use weir_ipfix::export::transport::Tls;
use weir_ipfix::export::{Collector, Exporter, Now, Records};
use weir_ipfix::identity::{Identity, IdentityError, IdentityFiles};
use weir_ipfix::template::Template;

use crate::by_hand::{PROTOCOL, iana, message, message_of, set_ids, stream, template, told, told_after};
use crate::certificates::Authority;
use crate::collecting::{ANY, Collecting};
use crate::exporting::{Exporting, Lost, Wire, settings};

/// A collector at a port of its own.
fn collecting(identity: &Identity) -> (Collecting, SocketAddr) {
    let mut collecting = Collecting::new(CollectorSettings::default());
    let address = collecting.collector.listen_tls(ANY, identity).unwrap();
    (collecting, address)
}

/// Exports a record over TLS to a host that this address is meant to be, until the collector has told so much.
fn export(
    identity: &Identity,
    host: &str,
    address: SocketAddr,
    to: &mut Collecting,
    count: usize,
) -> Exporter {
    let tls = Tls::new(host, address.port(), Duration::from_secs(20), identity).unwrap();
    let mut exporter = Exporter::new(7, 100).unwrap();
    exporter.add_collector(Collector::new(Box::new(tls), None, settings(1 << 20)));
    let (now, mut lost) = (Now { elapsed: Duration::ZERO, unix_s: 1_000_000_000 }, Lost::default());
    let slot = exporter.add_template(template(4, 1), now, &mut lost).unwrap();
    exporter.put(slot, Records::of_equal_length(&[6], 1), now, &mut lost);
    exporter.flush(now, &mut lost);
    to.until(|it| {
        exporter.advance(now, &mut lost);
        it.told.len() >= count
    });
    exporter
}

/// RFC 7011, 11.1
#[test]
fn over_tls_records_arrive() {
    let authority = Authority::new();
    let (mut collecting, address) = collecting(&authority.identity("127.0.0.1"));
    let exporter = export(&authority.identity("exporter"), "127.0.0.1", address, &mut collecting, 3);
    collecting.expect(&["opened", "template 256", "4: [06]"]);
    assert_eq!(exporter.collectors()[0].statistics().sessions, 1);
}

/// RFC 7011, 11.3
#[test]
fn who_cannot_be_verified_is_not_sent_to_and_not_heard() {
    let (authority, other) = (Authority::new(), Authority::new());
    let ours = authority.identity("exporter");
    // The collector has a certificate for another name, or of an authority that the exporter does not know.
    for identity in [authority.identity("127.0.0.2"), other.identity("127.0.0.1")] {
        let (mut collecting, address) = collecting(&identity);
        let exporter = export(&ours, "127.0.0.1", address, &mut collecting, 1);
        assert!(collecting.told[0].starts_with("refused: "), "{:?}", collecting.told);
        let statistics = exporter.collectors()[0].statistics();
        assert_eq!((statistics.sessions, statistics.messages), (0, 0));
        assert_eq!(collecting.collector.sessions().count(), 0);
    }
    // The exporter has a certificate of an authority that the collector does not know.
    let unknown =
        IdentityFiles { authorities: authority.issue("exporter").authorities, ..other.issue("exporter") };
    let (mut collecting, address) = collecting(&authority.identity("127.0.0.1"));
    let unknown = Identity::read(&unknown).unwrap();
    export(&unknown, "127.0.0.1", address, &mut collecting, 1);
    assert!(collecting.told[0].contains("UnknownIssuer"), "{:?}", collecting.told);
    assert_eq!((collecting.told.len(), collecting.collector.counters().failed_handshakes), (1, 1));
    // There is no identity without a certificate or an authority.
    let files = authority.issue("exporter");
    let without = IdentityFiles { certificate: files.key.clone(), ..files.clone() };
    assert!(matches!(Identity::read(&without), Err(IdentityError::Certificate(..))));
    let without = IdentityFiles { authorities: files.key.clone(), ..files };
    assert!(matches!(Identity::read(&without), Err(IdentityError::Authorities(..))));
}

/// The beginning of a handshake that offers a version up to TLS 1.2 and these suites.
fn hello(version: u8, suites: &[u16]) -> Vec<u8> {
    let with_length = |octets: Vec<u8>| [&(octets.len() as u16).to_be_bytes()[..], &octets].concat();
    let suites = with_length(suites.iter().flat_map(|suite| suite.to_be_bytes()).collect());
    // Groups x25519 and P-256, signatures by ECDSA with P-256, points uncompressed.
    let extensions = b"\0\x0a\0\x06\0\x04\0\x1d\0\x17\0\x0d\0\x04\0\x02\x04\x03\0\x0b\0\x02\x01\0".to_vec();
    let body = [&[3, version][..], &[7; 32], &[0], &suites, &[1, 0], &with_length(extensions)].concat();
    let handshake = [&[1, 0][..], &with_length(body)].concat();
    [&[22, 3, 1][..], &with_length(handshake)].concat()
}

/// What a collector answers at first: 22 is a handshake that goes on, 21 an alert. Then comes which.
fn answer(collecting: &mut Collecting, address: SocketAddr, octets: &[u8]) -> (u8, u8) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(octets).unwrap();
    stream.set_nonblocking(true).unwrap();
    let mut first = Vec::new();
    collecting.until(|_| {
        let mut buffer = [0; 7];
        match stream.read(&mut buffer[..7 - first.len()]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            read => {
                let length = read.unwrap();
                first.extend_from_slice(&buffer[..length]);
                first.len() == 7 || length == 0
            }
        }
    });
    (first[0], first[6])
}

/// RFC 7011, 11.1 and RFC 8996
#[test]
fn versions_before_tls_1_2_are_refused() {
    let (mut collecting, address) = collecting(&Authority::new().identity("127.0.0.1"));
    const SUITE: u16 = 0xc02b;
    assert_eq!(answer(&mut collecting, address, &hello(3, &[SUITE])).0, 22, "TLS 1.2");
    for version in [0, 1, 2] {
        // protocol_version
        assert_eq!(answer(&mut collecting, address, &hello(version, &[SUITE])), (21, 70), "3.{version}");
    }
    // SSL 2 begins in another way.
    let ssl2 = b"\x80\x1c\x01\0\x02\0\x03\0\0\0\x10\x01\0\x80abcdefghijklmnop";
    let failed = collecting.collector.counters().failed_handshakes;
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(ssl2).unwrap();
    collecting.until(|it| it.collector.counters().failed_handshakes > failed);
    assert!(!collecting.told.contains(&"opened".to_owned()));
}

/// RFC 7011, 11.1
#[test]
fn no_suite_is_without_encryption_or_authentication() {
    let (mut collecting, address) = collecting(&Authority::new().identity("127.0.0.1"));
    assert_eq!(answer(&mut collecting, address, &hello(3, &[0x003b, 0xc02b])).0, 22, "with a good one");
    // NULL with RSA and ECDSA, then anonymous ones: DH and ECDH, with and without encryption.
    let bad =
        [0x0001, 0x0002, 0x003b, 0xc001, 0xc006, 0xc010, 0x0018, 0x0034, 0x006c, 0x00a6, 0xc015, 0xc018];
    for suite in bad {
        // handshake_failure
        assert_eq!(answer(&mut collecting, address, &hello(3, &[suite])), (21, 40), "{suite:04x}");
    }
}

/// RFC 7011, 11.4
#[test]
fn what_a_peer_can_make_a_collector_keep_is_bounded() {
    let settings = SessionSettings { most_templates: 10, most_domains: 3, ..SessionSettings::new(true) };
    let mut session = Session::new(settings);
    for id in 256..1000u16 {
        let definition = [&id.to_be_bytes()[..], &PROTOCOL[2..]].concat();
        told(&mut session, &message(0, &[(2, &definition)]));
    }
    let known = (256..1000).filter(|id| session.template(7, *id).is_some());
    assert!(known.eq(256..266));
    for domain in 0..1000 {
        told(&mut session, &message_of(domain, 0, &[(2, PROTOCOL)]));
    }
    assert_eq!(session.domains(), 3);
    assert_eq!(session.counters().faults, 1000 - 266 + 1000 - 3);
    // Two thousand sets of a thousand octets, of which what waits for its template has 64 KiB.
    let mut session = Session::new(SessionSettings::new(true));
    for _ in 0..2000 {
        told(&mut session, &message(0, &[(256, &[6; 1000])]));
    }
    let released = told(&mut session, &message(0, &[(2, PROTOCOL)])).len() - 1;
    assert!((50_000..=65_536).contains(&released), "{released}");
    // Peers: those that are here stay.
    let settings = CollectorSettings { most_peers: 2, most_connections: 2, ..CollectorSettings::default() };
    let mut collecting = Collecting::new(settings);
    let (udp, tcp) =
        (collecting.collector.listen_udp(ANY).unwrap(), collecting.collector.listen_tcp(ANY).unwrap());
    let datagrams: Vec<UdpSocket> = (0..10).map(|_| UdpSocket::bind(ANY).unwrap()).collect();
    for socket in &datagrams {
        socket.send_to(&message(0, &[(2, PROTOCOL)]), udp).unwrap();
    }
    let connections: Vec<TcpStream> = (0..10).map(|_| TcpStream::connect(tcp).unwrap()).collect();
    collecting.until(|it| {
        let counters = it.collector.counters();
        (counters.refused_datagrams, counters.refused_connections) == (8, 8)
    });
    assert_eq!((collecting.collector.sessions().count(), connections.len()), (4, 10));
}

/// RFC 7011, 11.5
#[test]
fn a_collector_may_be_for_certain_addresses_only() {
    let mut collecting = Collecting::new(CollectorSettings::default());
    let (udp, tcp) =
        (collecting.collector.listen_udp(ANY).unwrap(), collecting.collector.listen_tcp(ANY).unwrap());
    collecting.collector.allow_only([Ipv4Addr::new(127, 0, 0, 2).into()]);
    for host in [1, 2] {
        let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, host), 0)).unwrap();
        socket.send_to(&message(0, &[(2, PROTOCOL), (256, &[host])]), udp).unwrap();
    }
    let _connection = TcpStream::connect(tcp).unwrap();
    collecting.until(|it| it.collector.counters().refused_connections == 1 && it.told.len() == 3);
    collecting.expect(&["opened", "template 256", "4: [02]"]);
    assert_eq!(collecting.collector.counters().refused_datagrams, 1);
}

/// RFC 5153: an address alone does not say who it is.
#[test]
fn two_exporters_with_one_address_are_two() {
    let mut collecting = Collecting::new(CollectorSettings::default());
    let udp = collecting.collector.listen_udp(ANY).unwrap();
    let (one, other) = (UdpSocket::bind(ANY).unwrap(), UdpSocket::bind(ANY).unwrap());
    one.send_to(&message(0, &[(2, PROTOCOL)]), udp).unwrap();
    other.send_to(&message(0, &[(256, &[6])]), udp).unwrap();
    one.send_to(&message(0, &[(256, &[6])]), udp).unwrap();
    collecting.expect(&["opened", "template 256", "opened", "unknown 256: [06]", "4: [06]"]);
}

/// RFC 5153, 6.2: not all at once, and none more often than at its interval.
#[test]
fn templates_are_repeated_when_their_own_time_has_come() {
    let mut exporting = Exporting::to(Wire::datagrams());
    exporting.add(template(4, 1));
    exporting.pass(0);
    exporting.pass(30);
    exporting.add(Template::new(257, [iana(5, 1)]).unwrap());
    exporting.pass(0);
    let mut repeated = Vec::new();
    for second in 31..130 {
        let before = exporting.messages().len();
        exporting.pass(1);
        for octets in &exporting.messages()[before..] {
            assert_eq!(set_ids(octets), [2]);
            repeated.push((second, u16::from_be_bytes([octets[20], octets[21]])));
        }
    }
    assert_eq!(repeated, [(60, 256), (90, 257), (120, 256)]);
}

/// RFC 5153: clocks differ; templates live by the clock of the collector, and times are those of the exporter.
#[test]
fn a_template_lives_by_the_clock_of_the_collector() {
    let mut session = Session::new(SessionSettings::new(true));
    let at =
        |export_time: u32, octets: &[u8]| [&octets[..4], &export_time.to_be_bytes(), &octets[8..]].concat();
    told_after(&mut session, &at(u32::MAX, &message(0, &[(2, PROTOCOL)])), 0);
    assert_eq!(told_after(&mut session, &at(0, &message(0, &[(256, &[6])])), 1800), ["4: [06]"]);
    let mut session = stream();
    told(&mut session, &at(1000, &message(0, &[(2, PROTOCOL)])));
    assert_eq!(told(&mut session, &at(10, &message(0, &[(256, &[6])]))), ["4: [06]"]);
}
