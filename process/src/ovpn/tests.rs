use super::*;
use crate::driver::{Driver, PacketBuilder};

const CLIENT: &str = "192.168.43.91:54113";
const SERVER: &str = "90.178.247.107:1194";

/// The opcode and key of a message, and the session of whoever sends it.
fn header(opcode: u8) -> Vec<u8> {
    [&[opcode << 3][..], b"sessionI"].concat()
}

/// A control message with a TLS handshake message of this kind behind `header_len` bytes.
fn hello(header_len: usize, kind: u8) -> Vec<u8> {
    let mut bytes = header(4);
    bytes.resize(header_len, 0);
    bytes.extend([22, 3, 1, 0, 40, kind, 0, 0, 36]);
    bytes
}

/// A conversation: whether the client speaks, and what.
fn beginning(authenticated: bool) -> Vec<(bool, Vec<u8>)> {
    let more = if authenticated { 28 } else { 0 };
    vec![
        (true, header(7)),
        (false, header(8)),
        (true, header(5)),
        (true, hello(14 + more, 1)),
        (false, hello(26 + more, 2)),
        (true, header(5)),
        (true, header(4)),
        (false, header(5)),
    ]
}

fn data(count: usize, len: usize) -> Vec<(bool, Vec<u8>)> {
    let mut message = header(9);
    message.resize(len, 0);
    (0..count).map(|number| (number % 2 == 0, message.clone())).collect()
}

/// The text of a record over UDP, then of one over TCP.
fn texts(messages: &[(bool, Vec<u8>)]) -> [Vec<String>; 2] {
    let mut over_udp = Driver::new(&DESCRIPTOR, "");
    let mut over_tcp = Driver::new(&DESCRIPTOR, "");
    for (from_client, message) in messages {
        let (from, to) = if *from_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        over_udp.put(&PacketBuilder::udp(from, to).payload(message));
        let with_length = [&(message.len() as u16).to_be_bytes()[..], message].concat();
        over_tcp.put(&PacketBuilder::tcp(from, to).payload(&with_length));
    }
    [over_udp.finish_text(), over_tcp.finish_text()]
}

#[test]
fn a_tunnel_is_told_by_its_messages() {
    for authenticated in [false, true] {
        let tunnel = [beginning(authenticated), data(13, 100)].concat();
        assert_eq!(texts(&tunnel), [["ovpnconf=100"], ["ovpnconf=100"]]);
        // Of 20 packets nothing is said yet.
        assert_eq!(texts(&tunnel[..20]), [["ovpnconf=0"], ["ovpnconf=0"]]);
    }
}

#[test]
fn five_misfits_in_a_row_are_too_many() {
    let other = (true, header(11));
    let four = [beginning(false), vec![other.clone(); 4], data(13, 100)].concat();
    assert_eq!(texts(&four)[0], ["ovpnconf=100"]);
    let five = [beginning(false), vec![other; 5], data(13, 100)].concat();
    assert_eq!(texts(&five)[0], ["ovpnconf=0"]);
    // A server's reset where none belongs counts twice.
    let resets = [beginning(false), vec![(false, header(8)); 3], data(13, 100)].concat();
    assert_eq!(texts(&resets)[0], ["ovpnconf=0"]);
}

#[test]
fn a_tunnel_without_its_beginning_is_told_by_its_data() {
    let mut other = header(11);
    other.resize(600, 0);
    let mixed = |count, others| [data(count, 600), vec![(true, other.clone()); others]].concat();
    assert_eq!(texts(&mixed(21, 0)), [["ovpnconf=80"], ["ovpnconf=80"]]);
    assert_eq!(texts(&mixed(16, 8))[0], ["ovpnconf=53"]);
    assert_eq!(texts(&mixed(14, 10))[0], ["ovpnconf=0"]);
    assert_eq!(texts(&data(30, 500))[0], ["ovpnconf=0"]);
}

#[test]
fn rtp_is_no_data() {
    // Version 2 of RTP and opcode 16 share their bits; opcode 9 is version 1.
    let mut rtp = vec![0x80, 96];
    rtp.resize(600, 0);
    let mut messages = data(21, 600);
    messages.extend(vec![(true, rtp); 60]);
    assert_eq!(texts(&messages)[0], ["ovpnconf=80"]);
}

#[test]
fn records_of_five_packets_say_nothing_and_others_at_least_0() {
    assert_eq!(texts(&data(5, 600)), [const { Vec::<String>::new() }; 2]);
    assert_eq!(texts(&data(6, 600))[0], ["ovpnconf=0"]);
    let mut driver = Driver::new(&DESCRIPTOR, "");
    for _ in 0..6 {
        driver.put(&PacketBuilder::icmp("10.0.0.1", "10.0.0.2").payload(b"\x48"));
    }
    assert_eq!(driver.finish_text(), ["ovpnconf=0"]);
}

#[test]
fn a_segment_without_an_opcode_is_not_looked_at() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    for _ in 0..6 {
        driver.put(&PacketBuilder::tcp(CLIENT, SERVER).payload(b"\x00\x01"));
    }
    assert_eq!(driver.finish_text(), ["ovpnconf=0"]);
}
