//! Messages in datagrams and streams.

use proptest::prelude::*;

use super::{
    samples::{QUERY, RESPONSE},
    *,
};
use crate::driver::{Connection, Driver, Owned, PacketBuilder};

const CLIENT: &str = "192.168.0.30:40244";
const SERVER: &str = "8.8.4.4:53";

const QUERY_TEXT: &str = "dnsid=18755,answers=0,rcode=0,qname=\"kernel.org\",qtype=1,qclass=1,rrttl=0,rlength=0,\
                          data=\"\",psize=4096,dnsdo=0";
const RESPONSE_TEXT: &str = "dnsid=18755,answers=2,rcode=0,qname=\"kernel.org\",qtype=1,qclass=1,rrttl=360,\
                             rlength=14,data=\"199.204.44.194\",psize=512,dnsdo=1";

/// A message as it goes over TCP.
fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

#[test]
fn each_datagram_is_a_record() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&PacketBuilder::udp(CLIENT, SERVER).payload(&QUERY));
    driver.put(&PacketBuilder::udp(SERVER, CLIENT).payload(b"no message"));
    driver.put(&PacketBuilder::udp(SERVER, CLIENT).payload(&RESPONSE));
    let records = driver.records();
    assert_eq!(records.iter().map(|r| r.packets).collect::<Vec<_>>(), [[1, 0], [2, 0]]);
    assert_eq!(records[1].instances[0][8], Owned::Number(18755));
}

#[test]
fn the_text_has_decimal_numbers() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&PacketBuilder::udp(CLIENT, SERVER).payload(&QUERY));
    driver.put(&PacketBuilder::udp(SERVER, CLIENT).payload(&RESPONSE));
    assert_eq!(driver.finish_text(), [QUERY_TEXT, RESPONSE_TEXT]);
}

#[test]
fn a_message_over_tcp_is_put_together_wherever_it_is_cut() {
    let stream = framed(&RESPONSE);
    for cut in 1..stream.len() {
        let mut connection = Connection::new(CLIENT, SERVER);
        let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
        driver.put(&connection.server(&stream[..cut]));
        driver.put(&connection.client(b""));
        driver.put(&connection.server(&stream[cut..]));
        assert_eq!(driver.finish_text(), [RESPONSE_TEXT], "cut at {cut}");
    }
}

#[test]
fn messages_in_one_segment_are_instances_of_one_record() {
    let mut connection = Connection::new(CLIENT, SERVER);
    let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
    let stream = [framed(&QUERY), framed(&RESPONSE), framed(&QUERY)].concat();
    driver.put(&connection.client(&stream[..stream.len() - 5]));
    driver.put(&connection.client(&stream[stream.len() - 5..]));
    let records = driver.records();
    assert_eq!(records.iter().map(|r| r.instances.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(records[0].packets, [2, 1]);
}

#[test]
fn what_is_no_dns_is_given_up() {
    for payload in [&b"\0\x01x"[..], &framed(b"\0\x01\0\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01")] {
        let mut connection = Connection::new(CLIENT, SERVER);
        let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
        driver.put(&connection.client(payload));
        assert!(!driver.is_interested());
    }
}

#[test]
fn a_message_longer_than_the_buffer_shows_its_beginning() {
    let mut connection = Connection::new(CLIENT, SERVER);
    let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
    driver.buffer = 60;
    let stream = framed(&RESPONSE);
    driver.put(&connection.server(&stream[..50]));
    driver.put(&connection.server(&stream[50..70]));
    let text = driver.finish_text();
    assert!(text[0].contains("qname=\"kernel.org\"") && text[0].contains("199.204.44.194"), "{text:?}");
}

proptest! {
    #[test]
    fn no_stream_makes_the_plugin_fail(
        segments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..80), 1..8),
        buffer in 0usize..200,
    ) {
        let mut connection = Connection::new(CLIENT, SERVER);
        let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
        driver.buffer = buffer;
        for segment in segments {
            driver.put(&connection.client(&segment));
        }
        driver.records();
    }
}
