//! Connections as they are on the wire.
#![allow(clippy::unwrap_used)]

use weir_generator::{
    content::{
        quic::{Connection, Version, ack, crypto, padded, vectors},
        tls,
    },
    random::Random,
};

use super::*;
use crate::driver::{Driver, Instance, Owned, PacketBuilder};

const CLIENT: &str = "10.0.0.1:50000";
const SERVER: &str = "10.0.0.2:443";

/// A ClientHello for `example.com` whose keys take `key_len` bytes beside the usual ones.
fn hello(key_len: usize) -> Vec<u8> {
    tls::quic_client_hello("example.com", "Agent/1.0", key_len, &mut Random::new(1))
}

fn driver(parameters: &str) -> Driver {
    Driver::new(&DESCRIPTOR, parameters)
}

trait Talk {
    fn client(&mut self, datagram: &[u8]) -> &mut Self;
    fn server(&mut self, datagram: &[u8]) -> &mut Self;
}

impl Talk for Driver {
    fn client(&mut self, datagram: &[u8]) -> &mut Self {
        self.put(&PacketBuilder::udp(CLIENT, SERVER).payload(datagram));
        self
    }
    fn server(&mut self, datagram: &[u8]) -> &mut Self {
        self.put(&PacketBuilder::udp(SERVER, CLIENT).payload(datagram));
        self
    }
}

/// The value of a field of the only record.
struct Said(Instance);

impl Said {
    fn by(driver: Driver) -> Said {
        let [instance] = driver.finish().try_into().unwrap();
        Said(instance)
    }
    fn field(&self, name: &str) -> &Owned {
        &self.0[FIELDS.iter().position(|field| field.name == name).unwrap()]
    }
    fn number(&self, name: &str) -> u64 {
        match self.field(name) {
            Owned::Number(number) => *number,
            other => panic!("{name} is {other:?}"),
        }
    }
    fn numbers(&self, name: &str) -> Vec<i64> {
        match self.field(name) {
            Owned::Numbers(numbers) => numbers.clone(),
            other => panic!("{name} is {other:?}"),
        }
    }
    fn octets(&self, name: &str) -> Vec<u8> {
        match self.field(name) {
            Owned::Text(text) => text.chars().map(|c| c as u8).collect(),
            other => panic!("{name} is {other:?}"),
        }
    }
    fn ids(&self) -> [Vec<u8>; 4] {
        ["QUIC_OCCID", "QUIC_OSCID", "QUIC_SCID", "QUIC_RETRY_SCID"].map(|name| self.octets(name))
    }
    /// The ClientHello was read.
    #[track_caller]
    fn assert_hello(&self) {
        assert_eq!(self.octets("QUIC_SNI"), b"example.com");
        assert_eq!(self.octets("QUIC_USER_AGENT"), b"Agent/1.0");
        assert_eq!(self.number("QUIC_CH_PARSED"), 1);
        assert_eq!(self.numbers("QUIC_TLS_EXT_TYPE"), [0, 10, 16, 13, 51, 43, 57]);
    }
}

/// A Handshake packet behind an Initial of the server.
fn server_flight(connection: &Connection) -> Vec<u8> {
    let mut datagram = connection.server_initial(0, &[ack(0), crypto(0, &[2, 0, 0, 90])].concat());
    datagram.extend(connection.handshake(false, 900));
    datagram
}

#[test]
fn the_initial_of_rfc_9001_is_read() {
    let mut driver = driver("");
    driver.client(&vectors::client_initial(Version::V1));
    assert_eq!(
        driver.finish_text(),
        ["quicsni=\"example.com\",quicuseragent=\"\",quicversion=\"1\",quicclientversion=\"1\",\
          quicoccidlength=\"0\",quicoccid=\"\",quicoscidlength=\"8\",quicoscid=\"8394c8f03e515708\",\
          quicscidlength=\"0\",quicscid=\"\",quicmultiplexed=\"0\",quiczerortt=\"0\",quicparsedch=\"1\",\
          quictlsexttype=(0,65281,10,16,5,51,43,13,45,28,57),quictlsextlen=(16,1,8,7,5,38,3,16,2,2,50),\
          quictlsext=\"000504616c706e0408ffffffffffffffff05048000ffff07048000ffff08011001048000753009\
          01100f088394c8f03e51570806048000ffff\""]
    );
}

#[test]
fn a_handshake_tells_who_is_who() {
    for version in [Version::V1, Version::V2, Version::Draft29, Version::Reserved] {
        let mut connection = Connection::new(version, 1);
        connection.token = vec![7; 70];
        let mut driver = driver("coalesced");
        driver.client(&connection.initial(0, &padded(&crypto(0, &hello(100)))));
        driver.server(&server_flight(&connection));
        let mut answer = connection.later_initial(1, &ack(0));
        answer.extend(connection.handshake(true, 50));
        driver.client(&answer).client(&connection.short(true, 30)).server(&connection.short(false, 30));
        let said = Said::by(driver);
        said.assert_hello();
        let number = u64::from(version.number());
        assert_eq!([said.number("QUIC_VERSION"), said.number("QUIC_CLIENT_VERSION")], [number; 2]);
        assert_eq!(said.ids(), [connection.client, connection.original, connection.server, vec![]]);
        assert_eq!((said.number("QUIC_TOKEN_LENGTH"), said.number("QUIC_SERVER_PORT")), (70, 443));
        assert_eq!(said.numbers("QUIC_PACKETS"), [0x81, 0x85, 0x85, 0x80, 0x80]);
    }
}

#[test]
fn a_client_hello_is_put_together_from_initials_in_any_order() {
    let connection = Connection::new(Version::V1, 2);
    let hello = hello(1184);
    assert!((1300..2000).contains(&hello.len()));
    let pieces = [0..700, 700..1100, 1000..hello.len()].map(|range| crypto(range.start, &hello[range]));
    let packets = [0, 1, 2].map(|number| connection.initial(number, &pieces[usize::from(number)]));
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        // A datagram each.
        let mut apart = driver("");
        for number in order {
            apart.client(&packets[number]);
        }
        assert!(apart.is_interested());
        Said::by(apart).assert_hello();
        // All in one.
        let mut together = driver("");
        together.client(&order.map(|number| packets[number].clone()).concat());
        Said::by(together).assert_hello();
        // In one packet, with other frames between them, and again.
        let frames = order.map(|number| [&[1, 0, 0][..], &pieces[number], &ack(0)].concat());
        let mut shuffled = driver("");
        shuffled.client(&connection.initial(0, &frames.concat())).client(&packets[0]);
        Said::by(shuffled).assert_hello();
    }
}

#[test]
fn without_a_part_the_client_hello_is_not_read_but_the_connection_is() {
    let connection = Connection::new(Version::V1, 2);
    let hello = hello(1184);
    let mut driver = driver("");
    driver.client(&connection.initial(0, &crypto(0, &hello[..1000])));
    driver.server(&server_flight(&connection));
    let said = Said::by(driver);
    assert_eq!((said.number("QUIC_CH_PARSED"), said.octets("QUIC_SNI")), (0, vec![]));
    assert_eq!((said.number("QUIC_CLIENT_VERSION"), said.number("QUIC_TOKEN_LENGTH")), (1, 0));
    assert_eq!(said.ids(), [connection.client, connection.original, connection.server, vec![]]);
}

#[test]
fn a_part_that_is_sent_again_to_the_server_s_id_completes_the_client_hello() {
    let connection = Connection::new(Version::V2, 2);
    let hello = hello(1184);
    let mut driver = driver("");
    driver.client(&connection.initial(0, &crypto(0, &hello[..1000])));
    driver.server(&connection.server_initial(0, &ack(0)));
    driver.client(&connection.later_initial(2, &crypto(1000, &hello[1000..])));
    Said::by(driver).assert_hello();
}

#[test]
fn after_a_retry_keys_follow_from_its_id() {
    for whole in [true, false] {
        let mut connection = Connection::new(Version::V1, 3);
        let hello = hello(1184);
        let first = if whole { &hello[..] } else { &hello[..1000] };
        let mut driver = driver("");
        driver.client(&connection.initial(0, &padded(&crypto(0, first))));
        let original = connection.original.clone();
        connection.retry = Some((b"retried".to_vec(), vec![9; 30]));
        driver.server(&connection.retry_packet());
        driver.client(&connection.initial(1, &padded(&crypto(0, &hello[..1000]))));
        driver.client(&connection.initial(2, &padded(&crypto(1000, &hello[1000..]))));
        driver.server(&server_flight(&connection));
        let said = Said::by(driver);
        said.assert_hello();
        assert_eq!(said.ids(), [connection.client, original, connection.server, b"retried".to_vec()]);
        assert_eq!((said.number("QUIC_TOKEN_LENGTH"), said.number("QUIC_MULTIPLEXED")), (30, 0));
        assert_eq!(said.numbers("QUIC_PACKETS")[..3], [0x81, 0x88, 0x81]);
    }
}

#[test]
fn version_negotiation_is_a_part_of_the_connection() {
    let mut connection = Connection::new(Version::Reserved, 4);
    let hello = hello(0);
    let mut driver = driver("");
    driver.client(&connection.initial(0, &padded(&crypto(0, &hello))));
    driver.server(&connection.version_negotiation());
    connection.version = Version::V1;
    driver.client(&connection.initial(1, &padded(&crypto(0, &hello))));
    driver.server(&server_flight(&connection));
    let said = Said::by(driver);
    said.assert_hello();
    assert_eq!((said.number("QUIC_VERSION"), said.number("QUIC_CLIENT_VERSION")), (1, 0xbaba_baba));
    assert_eq!(said.ids(), [connection.client, connection.original, connection.server, vec![]]);
    assert_eq!(said.numbers("QUIC_PACKETS"), [0x81, 0x90, 0x81, 0x81]);
    assert_eq!(said.number("QUIC_MULTIPLEXED"), 0);
}

#[test]
fn a_record_that_begins_with_version_negotiation_is_over() {
    let connection = Connection::new(Version::V1, 4);
    let mut driver = driver("");
    driver.server(&connection.version_negotiation());
    driver.client(&connection.initial(1, &padded(&crypto(0, &hello(0)))));
    let records = driver.records();
    assert_eq!(records.iter().map(|record| record.packets).collect::<Vec<_>>(), [[1, 0], [1, 0]]);
    let [first, second] = records.try_into().unwrap();
    let [first, second] = [first, second].map(|record| Said(record.instances.into_iter().next().unwrap()));
    assert_eq!((first.numbers("QUIC_PACKETS"), first.number("QUIC_SERVER_PORT")), (vec![0x90], 443));
    assert_eq!((first.octets("QUIC_OCCID"), first.octets("QUIC_SCID")), (connection.client, vec![]));
    second.assert_hello();
}

#[test]
fn another_version_begins_the_client_hello_anew() {
    let mut connection = Connection::new(Version::V2, 4);
    let (old, new) = (hello(1300), hello(1184));
    let mut driver = driver("");
    driver.client(&connection.initial(0, &padded(&crypto(0, &old[..1000]))));
    driver.server(&connection.version_negotiation());
    connection.version = Version::V1;
    driver.client(&connection.initial(1, &padded(&crypto(1000, &new[1000..]))));
    driver.client(&connection.initial(2, &padded(&crypto(0, &new[..1000]))));
    let said = Said::by(driver);
    said.assert_hello();
    assert_eq!(said.numbers("QUIC_TLS_EXT_LEN")[4], 2 + 4 + 1184 + 4 + 32);
}

#[test]
fn zero_rtt_packets_are_counted_and_tell_the_client() {
    let connection = Connection::new(Version::V1, 5);
    let initial = connection.initial(0, &crypto(0, &hello(0)));
    let coalesced = [&initial[..], &connection.zero_rtt(60), &connection.zero_rtt(200)].concat();
    for (parameters, packets) in [("", [0x00, 0x83, 0x82]), ("coalesced", [0x82, 0x83, 0x82])] {
        let mut driver = driver(parameters);
        driver.client(&connection.zero_rtt(100)).client(&coalesced).client(&connection.zero_rtt(100));
        let said = Said::by(driver);
        said.assert_hello();
        assert_eq!((said.number("QUIC_ZERO_RTT"), said.number("QUIC_VERSION")), (4, 1));
        assert_eq!(said.numbers("QUIC_PACKETS"), packets);
    }
    let mut alone = driver("");
    alone.client(&connection.zero_rtt(100));
    let said = Said::by(alone);
    assert_eq!((said.number("QUIC_SERVER_PORT"), said.numbers("QUIC_PACKETS")), (443, vec![0x82]));
    assert_eq!(said.octets("QUIC_OCCID"), connection.client);
}

#[test]
fn an_initial_is_read_wherever_it_is_in_its_datagram() {
    let connection = Connection::new(Version::V1, 5);
    let mut driver = driver("");
    driver.client(&[connection.zero_rtt(60), connection.initial(0, &crypto(0, &hello(0)))].concat());
    let said = Said::by(driver);
    said.assert_hello();
    assert_eq!(said.numbers("QUIC_PACKETS"), [0x83]);
}

#[test]
fn a_record_that_the_server_begins_is_turned_around() {
    let connection = Connection::new(Version::V1, 6);
    for (parameters, packets) in [("", [0x00, 0x81]), ("coalesced", [0x85, 0x81])] {
        let mut driver = driver(parameters);
        driver.server(&server_flight(&connection));
        driver.client(&connection.initial(0, &padded(&crypto(0, &hello(0)))));
        let said = Said::by(driver);
        said.assert_hello();
        assert_eq!(
            said.ids(),
            [&connection.client, &connection.original, &connection.server, &vec![]].map(Vec::clone)
        );
        assert_eq!((said.number("QUIC_SERVER_PORT"), said.numbers("QUIC_PACKETS")), (443, packets.to_vec()));
    }
}

#[test]
fn without_client_hello_a_handshake_is_recognised_and_nothing_is_made_up() {
    let connection = Connection::new(Version::V1, 6);
    let mut driver = driver("");
    driver.server(&connection.handshake(false, 500)).client(&connection.handshake(true, 50));
    let said = Said::by(driver);
    assert_eq!(said.numbers("QUIC_PACKETS"), [0x84, 0x84]);
    assert_eq!((said.number("QUIC_SERVER_PORT"), said.number("QUIC_VERSION")), (0, 1));
    assert_eq!((said.ids(), said.number("QUIC_TOKEN_LENGTH")), ([const { vec![] }; 4], u64::MAX));
}

#[test]
fn from_the_client_alone_the_server_s_id_is_that_of_its_handshake() {
    let connection = Connection::new(Version::V1, 6);
    let mut driver = driver("");
    driver.client(&connection.initial(0, &padded(&crypto(0, &hello(0)))));
    driver.client(&[connection.later_initial(1, &ack(0)), connection.handshake(true, 50)].concat());
    let said = Said::by(driver);
    assert_eq!(said.ids(), [connection.client, connection.original, connection.server, vec![]]);
    assert_eq!(said.number("QUIC_MULTIPLEXED"), 0);
}

#[test]
fn an_initial_that_was_not_captured_whole_tells_what_its_header_does() {
    let connection = Connection::new(Version::V1, 7);
    let mut driver = driver("");
    driver.client(&connection.initial(0, &padded(&crypto(0, &hello(0))))[..100]);
    driver.server(&server_flight(&connection)[..100]);
    let said = Said::by(driver);
    assert_eq!(said.ids(), [connection.client, connection.original, connection.server, vec![]]);
    assert_eq!((said.number("QUIC_SERVER_PORT"), said.number("QUIC_TOKEN_LENGTH")), (443, 0));
    assert_eq!((said.number("QUIC_CH_PARSED"), said.number("QUIC_CLIENT_VERSION")), (0, 0));
}

#[test]
fn other_connections_between_the_same_ports_are_counted_once_each() {
    let mut driver = driver("");
    let first = Connection::new(Version::V1, 8);
    driver.client(&first.initial(0, &padded(&crypto(0, &hello(0))))).server(&server_flight(&first));
    for number in [9, 9, 10] {
        let other = Connection::new(Version::V1, number);
        driver.client(&other.initial(0, &padded(&crypto(0, &hello(1)))));
    }
    let said = Said::by(driver);
    assert_eq!(said.number("QUIC_MULTIPLEXED"), 2);
    assert_eq!(said.ids(), [first.client, first.original, first.server, vec![]]);
    assert_eq!(said.numbers("QUIC_TLS_EXT_LEN")[4], 2 + 4 + 4 + 32);
}

#[test]
fn another_protocol_is_left_alone_after_its_first_payload() {
    for payload in [&b"\x00\x01rest of it"[..], b"\xc0\x51\x30\x35\x30more", b"\xc0\0\0\0\x01\x01", b"x"] {
        let mut driver = driver("");
        driver.client(payload);
        assert!(!driver.is_interested());
        assert!(driver.finish().is_empty());
    }
}

#[test]
fn the_plugin_is_done_after_thirty_packets_but_counts_zero_rtt_to_its_end() {
    let connection = Connection::new(Version::V1, 11);
    let mut driver = driver("");
    driver.client(&connection.initial(0, &padded(&crypto(0, &hello(0)))));
    for _ in 0..40 {
        driver.client(&connection.zero_rtt(100));
    }
    assert!(driver.is_interested());
    driver.client(&connection.short(true, 20));
    assert!(!driver.is_interested());
    let said = Said::by(driver);
    assert_eq!((said.number("QUIC_ZERO_RTT"), said.numbers("QUIC_PACKETS").len()), (40, 30));

    let mut driver = self::driver("");
    for _ in 1..PATIENCE_PACKETS {
        driver.client(&connection.handshake(true, 20));
    }
    assert!(driver.is_interested());
    driver.client(&connection.handshake(true, 20));
    assert!(!driver.is_interested());
}

#[test]
fn what_is_decrypted_of_a_record_is_bounded() {
    let mut driver = driver("");
    for number in 0..60 {
        let connection = Connection::new(Version::V1, number);
        driver.client(&connection.initial(0, &padded(&crypto(0, &hello(0)))));
    }
    let said = Said::by(driver);
    said.assert_hello();
    assert_eq!(said.number("QUIC_MULTIPLEXED"), 31);
}

#[test]
fn a_client_hello_that_is_none_is_not_awaited_any_longer() {
    // A ServerHello, one of 60,000 bytes, one that contradicts itself.
    for beginning in [&b"\x02\0\0\x01x"[..], b"\x01\0\xea\x60\x03\x03", b"\x01\0\0\x03\x03\x03x"] {
        let connection = Connection::new(Version::V1, 12);
        let mut driver = driver("");
        driver.client(&connection.initial(0, &padded(&crypto(0, beginning))));
        driver.client(&connection.initial(1, &padded(&crypto(0, &hello(0)))));
        let said = Said::by(driver);
        assert_eq!((said.number("QUIC_CH_PARSED"), said.number("QUIC_SERVER_PORT")), (0, 443));
    }
}
