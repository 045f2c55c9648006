use proptest::prelude::*;

use super::*;
use crate::driver::{Driver, PacketBuilder};

const HOST: &str = "192.168.1.5:50000";
const GROUP: &str = "239.255.255.250:1900";

const SEARCH: &[u8] =
    b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n\
    ST: urn:dial-multiscreen-org:service:dial:1\r\nUSER-AGENT: Google Chrome/83.0 Linux\r\n\r\n";

const ADVERTISEMENT: &[u8] = b"NOTIFY * HTTP/1.1\r\nHost:239.255.255.250:1900\r\n\
    NT:urn:schemas-upnp-org:device:MediaServer:1\r\nNTS:ssdp:alive\r\n\
    Location:http://192.168.1.5:2869/upnphost/udhisapi.dll\r\nServer:Linux/5.1 UPnP/1.0\r\n\r\n";

fn shown(datagrams: &[&[u8]]) -> Vec<String> {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    datagrams.iter().for_each(|datagram| driver.put(&PacketBuilder::udp(HOST, GROUP).payload(datagram)));
    driver.finish_text()
}

#[test]
fn searches_and_advertisements_are_gathered() {
    let expected = "ssdpport=2869,nt=\"schemas-upnp-org:device:MediaServer:1;\",server=\"Linux/5.1 UPnP/1.0;\",\
                    st=\"dial-multiscreen-org:service:dial:1;\",useragent=\"Google Chrome/83.0 Linux;\"";
    assert_eq!(shown(&[SEARCH, ADVERTISEMENT, SEARCH]), [expected]);
}

#[test]
fn only_urns_are_targets_and_values_end_with_their_line() {
    let datagram = b"m-search\nM-SEARCH";
    let other = b"M-SEARCH * HTTP/1.1\nst:\nST: ssdp:all\r\nSt:\tURN: a:b:1 \r\nuser-agent:\r\nUSER-AGENT : x\r\nST: urn:c";
    let expected = "ssdpport=0,nt=\"\",server=\"\",st=\"a:b:1;c;\",useragent=\"\"";
    assert_eq!(shown(&[datagram, other]), [expected]);
}

#[test]
fn a_search_after_its_response_counts() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    let reply = b"HTTP/1.1 200 OK\r\nST: urn:no\r\nSERVER: no\r\n\r\n";
    driver.put(&PacketBuilder::udp(GROUP, HOST).payload(reply));
    driver.put(&PacketBuilder::udp(HOST, GROUP).payload(SEARCH));
    assert!(driver.finish_text()[0].contains("st=\"dial-"));
}

#[test]
fn a_flow_to_the_port_has_the_fields_and_others_have_none() {
    let empty = "ssdpport=0,nt=\"\",server=\"\",st=\"\",useragent=\"\"";
    assert_eq!(shown(&[b""]), [empty]);
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&PacketBuilder::tcp(HOST, GROUP));
    assert!(!driver.is_interested());
    assert_eq!(driver.finish_text(), [empty]);
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&PacketBuilder::udp(GROUP, HOST).payload(SEARCH));
    assert!(driver.finish().is_empty());
}

#[test]
fn what_is_no_ssdp_is_given_up() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    (0..30).for_each(|_| driver.put(&PacketBuilder::udp(HOST, GROUP).payload(b"upload")));
    assert!(!driver.is_interested());
    let mut driver = Driver::new(&DESCRIPTOR, "");
    (0..30).for_each(|_| driver.put(&PacketBuilder::udp(HOST, GROUP).payload(SEARCH)));
    assert!(driver.is_interested());
}

#[test]
fn lists_keep_whole_values_within_their_bounds() {
    let datagrams: Vec<Vec<u8>> = (0..100)
        .map(|i| format!("NOTIFY * HTTP/1.1\r\nNT: urn:service:{i:030}\r\nSERVER: s{i:030}\r\n").into_bytes())
        .collect();
    let mut driver = Driver::new(&DESCRIPTOR, "");
    datagrams.iter().for_each(|datagram| driver.put(&PacketBuilder::udp(HOST, GROUP).payload(datagram)));
    let text = driver.finish_text();
    assert_eq!(text[0].matches("service:0").count(), MAX_TARGETS / 39);
    assert_eq!(text[0].matches("s0000").count(), MAX_PRODUCTS / 32);
}

proptest! {
    #[test]
    fn no_bytes_make_the_plugin_fail(lines in "(NOTIFY|M-SEARCH) (\r\n(NT|ST|LOCATION|SERVER):[ -~\\x00]{0,40}){0,8}") {
        shown(&[lines.as_bytes()]);
    }
}
