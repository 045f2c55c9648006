#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::{
    dns::samples::{QUERY, RESPONSE},
    driver::{Connection, Driver, PacketBuilder},
};

const CLIENT: &str = "10.0.0.1:40000";
const SERVER: &str = "10.0.0.2:53";

const RESPONSE_TEXT: [&str; 2] = [
    "dnsid=18755,atype=1,aname=\"kernel.org\",rrttl=360,ip=199.204.44.194",
    "dnsid=18755,atype=1,aname=\"kernel.org\",rrttl=360,ip=10.10.10.10",
];

/// A response with these answers: owner, type, data. The question is for `ex`, at 12.
fn response(answers: &[(&[u8], u16, &[u8])]) -> Vec<u8> {
    let count = answers.len() as u16;
    let mut message = b"\x12\x34\x81\x80\0\x01".to_vec();
    message.extend(count.to_be_bytes());
    message.extend(b"\0\0\0\0\x02ex\0\0\x01\0\x01");
    for (owner, kind, data) in answers {
        message.extend(*owner);
        message.extend(kind.to_be_bytes());
        message.extend(b"\0\x01\0\0\x01\x2c");
        message.extend((data.len() as u16).to_be_bytes());
        message.extend(*data);
    }
    message
}

fn shown(message: &[u8]) -> Vec<String> {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&PacketBuilder::udp(SERVER, CLIENT).payload(message));
    driver.finish_text()
}

fn name(labels: &str) -> Vec<u8> {
    let mut name: Vec<u8> =
        labels.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    name.push(0);
    name
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

#[test]
fn a_response_ends_the_record_of_its_query_and_each_answer_is_an_instance() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    for _ in 0..2 {
        driver.put(&PacketBuilder::udp(CLIENT, SERVER).payload(&QUERY));
        driver.put(&PacketBuilder::udp(SERVER, CLIENT).payload(&RESPONSE));
    }
    driver.put(&PacketBuilder::udp(CLIENT, SERVER).payload(&QUERY));
    driver.put(&PacketBuilder::udp(SERVER, CLIENT).payload(b"no message"));
    let records = driver.records();
    assert_eq!(records.iter().map(|r| r.packets).collect::<Vec<_>>(), [[1, 1]; 3]);
    assert_eq!(records.iter().map(|r| r.instances.len()).collect::<Vec<_>>(), [2, 2, 0]);
}

#[test]
fn addresses_and_reverse_names_are_pairs_and_others_are_not() {
    let reverse = name("4.4.8.8.in-addr.arpa");
    let reverse6 = name("b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa");
    let message = response(&[
        (b"\xc0\x0c", 5, b"\x01c\xc0\x0c"),
        (b"\x01c\xc0\x0c", 28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (b"\x01c\xc0\x0c", 1, &[1, 2, 3]),
        (&reverse, 12, b"\x03dns\xc0\x0c"),
        (&reverse6, 12, b"\x03dns\xc0\x0c"),
        (b"\xc0\x0c", 12, b"\x03dns\xc0\x0c"),
        (b"\xc0\x0c", 1, &[192, 0, 2, 1]),
    ]);
    assert_eq!(
        shown(&message),
        [
            "dnsid=4660,atype=28,aname=\"c.ex\",rrttl=300,ip=2001:db8::1",
            "dnsid=4660,atype=12,aname=\"dns.ex\",rrttl=300,ip=8.8.4.4",
            "dnsid=4660,atype=12,aname=\"dns.ex\",rrttl=300,ip=4321:0:1:2:3:4:567:89ab",
            "dnsid=4660,atype=1,aname=\"ex\",rrttl=300,ip=192.0.2.1",
        ]
    );
}

#[test]
fn what_comes_before_a_broken_answer_counts() {
    let whole = response(&[(b"\xc0\x0c", 1, &[192, 0, 2, 1]), (b"\xc0\x0c", 1, &[192, 0, 2, 2])]);
    assert_eq!(shown(&whole).len(), 2);
    assert_eq!(shown(&whole[..whole.len() - 1]).len(), 1);
    let looped = response(&[(b"\xc0\x0c", 1, &[192, 0, 2, 1]), (b"\xc0\x2b", 1, &[192, 0, 2, 2])]);
    assert_eq!(shown(&looped).len(), 1);
}

#[test]
fn pairs_and_their_names_are_bounded() {
    let address: (&[u8], u16, &[u8]) = (b"\xc0\x0c", 1, &[192, 0, 2, 1]);
    assert_eq!(shown(&response(&vec![address; 100])).len(), 64);
    let names: Vec<Vec<u8>> =
        (0..50).map(|i| name(&format!("{i:063}.{}.{}", "x".repeat(63), "y".repeat(60)))).collect();
    let answers: Vec<_> = names.iter().map(|name| (&name[..], address.1, address.2)).collect();
    assert_eq!(shown(&response(&answers)).len(), 4096 / 188);
}

#[test]
fn a_state_is_given_back_empty() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&PacketBuilder::udp(SERVER, CLIENT).payload(&RESPONSE));
    driver.put(&PacketBuilder::udp(SERVER, CLIENT).payload(&response(&[(b"\xc0\x0c", 1, &[1, 2, 3, 4])])));
    assert_eq!(driver.finish().len(), 3);
}

#[test]
fn a_response_over_tcp_is_put_together_wherever_it_is_cut() {
    let stream = framed(&RESPONSE);
    for cut in 1..stream.len() {
        let mut connection = Connection::new(CLIENT, SERVER);
        let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
        driver.put(&connection.client(&framed(&QUERY)));
        driver.put(&connection.server(&stream[..cut]));
        driver.put(&connection.client(b""));
        driver.put(&connection.server(&stream[cut..]));
        assert_eq!(driver.finish_text(), RESPONSE_TEXT, "cut at {cut}");
    }
}

#[test]
fn what_is_no_dns_is_given_up() {
    let mut connection = Connection::new(CLIENT, SERVER);
    let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
    driver.put(&connection.server(b"\0\x01x"));
    assert!(!driver.is_interested());

    let mut connection = Connection::new(CLIENT, SERVER);
    let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
    (0..300).for_each(|_| driver.put(&connection.client(b"upload")));
    assert!(!driver.is_interested());
}

proptest! {
    #[test]
    fn no_change_of_a_message_makes_the_plugin_fail(
        changes in proptest::collection::vec((0..RESPONSE.len(), any::<u8>()), 1..6)
    ) {
        let mut bytes = RESPONSE;
        for (position, byte) in changes {
            bytes[position] = byte;
        }
        shown(&bytes);
    }
}
