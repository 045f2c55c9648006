//! Messages in datagrams and segments.

use proptest::prelude::*;

use super::*;
use crate::driver::{Connection, Driver, Exported, Owned, PacketBuilder};

const CLIENT: &str = "10.8.0.1:64538";
const SERVER: &str = "172.16.1.75:5060";

const INVITE: &[u8] = b"INVITE sip:bob@biloxi.example.com;transport=tcp SIP/2.0\r\n\
    Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bf9\r\n\
    v: SIP/2.0/UDP 192.0.2.3\r\n\
    From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
    To: Bob <sip:bob@biloxi.example.com;user=phone>\r\n\
    Call-ID: 3848276298220188511@atlanta.example.com\r\n\
    CSeq: 1 INVITE\r\n\
    User-Agent: Zoiper\r\n r33688 (x)\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 11\r\n\r\n\
    v=0\r\ns=-\r\n\r";
const INVITE_TEXT: &str = "sipmsgtype=1,statuscode=0,cseq=\"1 INVITE\",callingparty=\"sip:alice@atlanta.example.com\",\
    calledparty=\"sip:bob@biloxi.example.com;user=phone\",callid=\"3848276298220188511@atlanta.example.com\",\
    useragent=\"Zoiper r33688 (x)\",requri=\"sip:bob@biloxi.example.com\",\
    via=\"SIP/2.0/TCP client.atlanta.example.com:5060;SIP/2.0/UDP 192.0.2.3\"";
const RINGING: &[u8] =
    b"SIP/2.0 180 Ringing\r\nf: sip:a@b\r\nt: sip:c@d;tag=1\r\ni: x\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n";
const RINGING_TEXT: &str = "sipmsgtype=99,statuscode=180,cseq=\"1 INVITE\",callingparty=\"sip:a@b\",\
    calledparty=\"sip:c@d\",callid=\"x\",useragent=\"\",requri=\"\",via=\"\"";

fn connected() -> (Driver, Connection) {
    let mut connection = Connection::new(CLIENT, SERVER);
    (Driver::connected(&DESCRIPTOR, &mut connection), connection)
}

/// Of each instance of each record: type and CSeq.
fn summary(records: Vec<Exported>) -> Vec<Vec<(u64, String)>> {
    let instance = |values: Vec<Owned>| match (&values[0], &values[2]) {
        (Owned::Number(kind), Owned::Text(cseq)) => (*kind, cseq.clone()),
        other => panic!("{other:?}"),
    };
    records.into_iter().map(|record| record.instances.into_iter().map(instance).collect()).collect()
}

/// A request with this method and a body.
fn request(method: &str, number: u32, body: &str) -> Vec<u8> {
    format!(
        "{method} sip:x@y SIP/2.0\r\nCSeq: {number} {method}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[test]
fn every_datagram_with_a_message_is_a_record() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&PacketBuilder::udp(CLIENT, SERVER).payload(b"\r\n\r\n"));
    driver.put(&PacketBuilder::udp(CLIENT, SERVER).payload(INVITE));
    driver.put(&PacketBuilder::udp(CLIENT, SERVER).payload(INVITE));
    driver.put(&PacketBuilder::udp(SERVER, CLIENT).payload(RINGING));
    driver.put(&PacketBuilder::udp(SERVER, CLIENT).payload(b"\0\0\0\0"));
    let records = driver.records();
    assert_eq!(records.iter().map(|r| r.packets).collect::<Vec<_>>(), [[1, 0], [1, 0], [1, 0], [0, 2]]);
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&PacketBuilder::udp(CLIENT, SERVER).payload(INVITE));
    driver.put(&PacketBuilder::udp(SERVER, CLIENT).payload(RINGING));
    assert_eq!(driver.finish_text(), [INVITE_TEXT, RINGING_TEXT]);
}

#[test]
fn a_datagram_is_read_to_its_end_and_not_beyond() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&PacketBuilder::udp(CLIENT, SERVER).payload(b"BYE sip:a SIP/2.0\r\nCSeq: 2 BYE\r\ni: cut-o"));
    driver.put(&PacketBuilder::udp(CLIENT, SERVER).payload(b"\nff\r\nf: a:b\r\n\r\n"));
    let text = driver.finish_text();
    assert_eq!(text.len(), 1);
    assert!(text[0].contains("callingparty=\"\",calledparty=\"\",callid=\"cut-o\""), "{text:?}");
}

#[test]
fn a_message_gives_the_same_fields_wherever_it_is_cut() {
    for cut in 1..INVITE.len() {
        let (mut driver, mut connection) = connected();
        driver.put(&connection.client(&INVITE[..cut]));
        driver.put(&connection.server(b""));
        driver.put(&connection.client(&INVITE[cut..]));
        driver.put(&connection.client(&[b"\r\n\r\n", &request("BYE", 2, "")[..]].concat()));
        let text = driver.finish_text();
        assert_eq!(text.len(), 2, "cut at {cut}");
        assert_eq!(text[0], INVITE_TEXT, "cut at {cut}");
        assert!(text[1].starts_with("sipmsgtype=4,"), "{text:?}");
    }
}

#[test]
fn a_message_may_come_byte_by_byte() {
    let (mut driver, mut connection) = connected();
    for byte in INVITE {
        driver.put(&connection.client(&[*byte]));
    }
    for byte in RINGING {
        driver.put(&connection.server(&[*byte]));
    }
    assert_eq!(driver.finish_text(), [INVITE_TEXT, RINGING_TEXT]);
}

#[test]
fn messages_in_one_segment_are_instances_and_the_next_one_cuts() {
    let (mut driver, mut connection) = connected();
    // A body that looks like a message is none.
    let first =
        [request("NOTIFY", 1, "SIP/2.0 200 OK\r\n\r\n"), request("MESSAGE", 2, "hi"), request("FOO", 3, "")]
            .concat();
    driver.put(&connection.client(&first));
    driver.put(&connection.client(&request("REFER", 4, "")));
    let message = |kind, cseq: &str| (kind, cseq.to_owned());
    assert_eq!(
        summary(driver.records()),
        [
            vec![],
            vec![message(8, "1 NOTIFY"), message(13, "2 MESSAGE"), message(0, "3 FOO")],
            vec![message(14, "4 REFER")]
        ]
    );
}

#[test]
fn a_body_in_further_segments_is_skipped() {
    let (mut driver, mut connection) = connected();
    let refer = request("NOTIFY", 1, "SIP/2.0 200 OK\r\n\r\n");
    let body = refer.len() - 18;
    driver.put(&connection.client(&refer[..body]));
    driver.put(&connection.client(&refer[body..]));
    let next = request("INFO", 2, &"x".repeat(50));
    driver.put(&connection.client(&next[..next.len() - 20]));
    driver.put(&connection.client(&[&next[next.len() - 20..], &request("BYE", 3, "")[..]].concat()));
    let message = |kind, cseq: &str| (kind, cseq.to_owned());
    assert_eq!(
        summary(driver.records()),
        [vec![], vec![message(8, "1 NOTIFY")], vec![message(9, "2 INFO"), message(4, "3 BYE")]]
    );
}

#[test]
fn methods_have_their_numbers() {
    let number = |method: &str| message_type(method.as_bytes());
    assert_eq!(
        ["INVITE", "ACK", "CANCEL", "BYE", "REGISTER", "OPTIONS", "PUBLISH", "NOTIFY", "INFO", "SUBSCRIBE"]
            .map(number),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    );
    assert_eq!(["PRACK", "UPDATE", "MESSAGE", "REFER", "FOO"].map(number), [11, 12, 13, 14, 0]);
}

#[test]
fn other_protocols_are_given_up() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(b"\x16\x03\x01\x02\x00\x01"));
    assert!(!driver.is_interested());
    for text in
        ["OPTIONS * HTTP/1.1\r\n\r\n", "NOTIFY * HTTP/1.1\r\n\r\n", "INFORMATION is power SIP\r\n\r\n"]
    {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        for _ in 0..=PATIENCE_PACKETS {
            driver.put(&PacketBuilder::udp(CLIENT, SERVER).payload(text.as_bytes()));
        }
        assert!(!driver.is_interested());
        assert!(driver.finish().is_empty());
    }
}

#[test]
fn a_gap_ends_a_head() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.server(b"SIP/2.0 200 OK\r\nCSeq: 1 BYE\r\nf: a:b\r\n"));
    connection.server_gap(100);
    driver.put(&connection.server(b"\nf: c:d\r\n\r\n"));
    driver.put(&connection.server(RINGING));
    let text = driver.finish_text();
    assert!(text[0].contains("callingparty=\"\""), "{text:?}");
    assert_eq!(text[1], RINGING_TEXT);
}

#[test]
fn texts_are_bounded_alone_and_together() {
    let long = "x".repeat(200);
    let message = format!(
        "INVITE sip:{long} SIP/2.0\r\nv: {long}\r\nf: <{long}>\r\nt: <{long}>\r\ni: {long}\r\nCSeq: {long}\r\nUser-Agent: {long}\r\n\r\n"
    );
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(message.repeat(20).as_bytes()));
    let instances = driver.finish();
    assert_eq!(instances.len(), MAX_MESSAGES);
    let len = |value: &Owned| if let Owned::Text(text) = value { text.len() } else { 0 };
    assert!(instances[0][2..].iter().all(|value| len(value) == Text::MAX));
    let total: usize = instances.iter().flatten().map(len).sum();
    assert_eq!(total, Text::COUNT * Text::MAX + FURTHER_TEXTS);
}

proptest! {
    #[test]
    fn no_segments_make_the_plugin_fail(
        segments in proptest::collection::vec(
            (any::<bool>(), prop_oneof![
                "(INVITE sip:a SIP/2.0\r\n|SIP/2.0 200|v: a;b,|f: <|Content-Length: 3\n|\r\n|\n| |x){0,8}",
                "\\PC{0,40}",
            ]),
            1..12,
        ),
        udp in any::<bool>(),
        buffer in 0usize..300,
    ) {
        let (mut driver, mut connection) = connected();
        driver.buffer = buffer;
        for (from_client, segment) in &segments {
            let bytes = segment.as_bytes();
            driver.put(&match (udp, from_client) {
                (true, true) => PacketBuilder::udp(CLIENT, SERVER).payload(bytes),
                (true, false) => PacketBuilder::udp(SERVER, CLIENT).payload(bytes),
                (false, true) => connection.client(bytes),
                (false, false) => connection.server(bytes),
            });
        }
        driver.records();
    }
}
