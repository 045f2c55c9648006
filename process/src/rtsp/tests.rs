//! Messages in segments.

use proptest::prelude::*;

use super::*;
use crate::driver::{Connection, Driver, Exported, Owned};

const CLIENT: &str = "81.131.231.67:3925";
const SERVER: &str = "82.211.92.253:554";

const DESCRIBE: &[u8] =
    b"DESCRIBE rtsp://example.com/tfm RTSP/1.0\r\nCSeq: 1\r\nuser-agent:WMPlayer/10.0\r\n\r\n";
const OK: &[u8] = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: WMServer/9.0\r\nContent-Type: application/sdp\r\n\
                    Content-Length: 5\r\n\r\nv=0\r\n";
const TEXT: &str = r#"httpmethod="DESCRIBE",uri="rtsp://example.com/tfm",agent="WMPlayer/10.0",server="WMServer/9.0",content="application/sdp",status=200"#;

fn connected() -> (Driver, Connection) {
    let mut connection = Connection::new(CLIENT, SERVER);
    (Driver::connected(&DESCRIPTOR, &mut connection), connection)
}

fn request(method: &str) -> Vec<u8> {
    format!("{method} rtsp://a/b RTSP/1.0\r\nCSeq: 2\r\n\r\n").into_bytes()
}

fn response(status: u16) -> Vec<u8> {
    format!("RTSP/1.0 {status} x\r\nCSeq: 2\r\n\r\n").into_bytes()
}

/// A frame of media of this length.
fn frame(len: u16) -> Vec<u8> {
    [&b"$\x00"[..], &len.to_be_bytes(), &vec![b'$'; len.into()]].concat()
}

/// Of each instance of each record: method and status.
fn summary(records: Vec<Exported>) -> Vec<Vec<(String, u64)>> {
    let instance = |values: Vec<Owned>| match (&values[0], &values[3]) {
        (Owned::Text(method), Owned::Number(status)) => (method.clone(), *status),
        other => panic!("{other:?}"),
    };
    records.into_iter().map(|record| record.instances.into_iter().map(instance).collect()).collect()
}

fn expect(actual: Vec<Exported>, expected: &[&[(&str, u64)]]) {
    let expected: Vec<Vec<(String, u64)>> = expected
        .iter()
        .map(|record| record.iter().map(|&(method, status)| (method.to_owned(), status)).collect())
        .collect();
    assert_eq!(summary(actual), expected);
}

#[test]
fn a_message_gives_the_same_fields_wherever_it_is_cut() {
    for cut in 1..DESCRIBE.len() {
        let (mut driver, mut connection) = connected();
        driver.put(&connection.client(&DESCRIBE[..cut]));
        driver.put(&connection.client(&DESCRIBE[cut..]));
        driver.put(&connection.server(OK));
        assert_eq!(driver.finish_text(), [TEXT], "request cut at {cut}");
    }
    for cut in 1..OK.len() {
        let (mut driver, mut connection) = connected();
        driver.put(&connection.client(DESCRIBE));
        driver.put(&connection.server(&OK[..cut]));
        driver.put(&connection.server(&OK[cut..]));
        assert_eq!(driver.finish_text(), [TEXT], "response cut at {cut}");
    }
}

#[test]
fn a_message_may_come_byte_by_byte() {
    let (mut driver, mut connection) = connected();
    DESCRIBE.iter().for_each(|byte| driver.put(&connection.client(&[*byte])));
    OK.iter().for_each(|byte| driver.put(&connection.server(&[*byte])));
    assert_eq!(driver.finish_text(), [TEXT]);
}

#[test]
fn the_next_request_ends_the_record_whatever_its_method() {
    let (mut driver, mut connection) = connected();
    for (method, status) in [("SETUP", 200), ("GET_PARAMETER", 451), ("PLAY", 200)] {
        driver.put(&connection.client(&request(method)));
        driver.put(&connection.server(&response(status)));
    }
    expect(driver.records(), &[&[("SETUP", 200)], &[("GET_PARAM", 451)], &[("PLAY", 200)]]);
}

#[test]
fn requests_in_one_packet_are_instances() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(&[request("SETUP"), request("PLAY")].concat()));
    driver.put(&connection.server(&[response(100), response(200), response(454)].concat()));
    expect(driver.records(), &[&[("SETUP", 200), ("PLAY", 454)]]);
}

#[test]
fn media_between_messages_hide_none() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(&request("PLAY")));
    let stream = [response(200), frame(3000), frame(100)].concat();
    stream.chunks(1460).for_each(|piece| driver.put(&connection.server(piece)));
    // The server is within a frame when the client asks, so that the record begins within it.
    let stream = [frame(2000), response(501), frame(10), request("REDIRECT")].concat();
    driver.put(&connection.server(&stream[..1460]));
    driver.put(&connection.client(&[frame(20), request("PAUSE")].concat()));
    driver.put(&connection.server(&stream[1460..]));
    driver.put(&connection.client(&request("TEARDOWN")));
    driver.put(&connection.server(&response(200)));
    expect(driver.records(), &[&[("PLAY", 200)], &[("PAUSE", 501), ("REDIRECT", 0)], &[("TEARDOWN", 200)]]);
}

#[test]
fn a_gap_within_media_is_overcome_by_the_next_response() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(&request("PLAY")));
    driver.put(&connection.server(&[&response(100)[..], &frame(100)[..50]].concat()));
    connection.server_gap(20);
    driver.put(&connection.server(&[&frame(100)[70..], &response(200)[..]].concat()));
    expect(driver.records(), &[&[("PLAY", 200)]]);
}

#[test]
fn other_protocols_are_given_up() {
    for first in [&b"\x16\x03\x01\x02\x00"[..], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut connection = Connection::new(CLIENT, "82.211.92.253:80");
        let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
        for _ in 0..PATIENCE_PACKETS {
            driver.put(&connection.client(first));
        }
        assert!(!driver.is_interested());
        assert!(driver.finish().is_empty());
    }
}

#[test]
fn texts_are_bounded() {
    let long = "x".repeat(300);
    let message = format!("DESCRIBE rtsp://{long} RTSP/1.0\r\nUser-Agent: {long}\r\n\r\n");
    let answer = format!("RTSP/1.0 200 OK\r\nServer: {long}\r\nContent-Type: {long}\r\n\r\n");
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(message.as_bytes()));
    driver.put(&connection.server(answer.as_bytes()));
    let lengths: Vec<usize> = driver.finish()[0]
        .iter()
        .map(|value| if let Owned::Text(text) = value { text.len() } else { 0 })
        .collect();
    assert_eq!(lengths, [8, 127, 127, 0, 127, 31]);
}

proptest! {
    #[test]
    fn no_segments_make_the_plugin_fail(
        segments in proptest::collection::vec(
            (any::<bool>(), prop_oneof![
                "(PLAY rtsp://a RTSP/1.0\r\n|RTSP/1.0 200|Server: |\\$|\0|\u{1}|Content-Length: 3\n|\r\n|\n|x){0,8}",
                "\\PC{0,40}",
            ]),
            1..12,
        ),
        buffer in 0usize..300,
    ) {
        let (mut driver, mut connection) = connected();
        driver.buffer = buffer;
        for (from_client, segment) in &segments {
            let bytes = segment.as_bytes();
            driver.put(&if *from_client { connection.client(bytes) } else { connection.server(bytes) });
        }
        driver.records();
    }
}
