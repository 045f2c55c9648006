//! Messages in segments and datagrams.

use proptest::prelude::*;

use super::*;
use crate::{
    driver::{Connection, Driver, Exported, Owned, PacketBuilder},
    transactions::{FURTHER_TEXTS, MAX_TRANSACTIONS},
};

const CLIENT: &str = "192.168.0.30:44332";
const SERVER: &str = "54.175.219.8:80";

const GET: &[u8] =
    b"GET /a HTTP/1.1\r\nUser-Agent: Wget/1.17.1 (linux-gnu)\r\nHost: httpbin.org\r\nReferer: r\r\n\r\n";
const GET_TEXT: &str =
    r#"method="GET",host="httpbin.org",uri="/a",agent="Wget/1.17.1 (linux-gnu)",referer="r","#;
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html; charset=utf-8\r\n\
                    Set-Cookie: a=1; path=/\r\nContent-Length: 2\r\nSet-Cookie: b=2\r\n\r\nhi";
const OK_TEXT: &str = r#"content="text/html; charset=utf-8",status=200,server="nginx",set-cookie="a;b""#;
const NO_RESPONSE: &str = r#"content="",status=0,server="",set-cookie="""#;

/// A connection of which the driver has seen the handshake.
fn connected() -> (Driver, Connection) {
    let mut connection = Connection::new(CLIENT, SERVER);
    (Driver::connected(&DESCRIPTOR, &mut connection), connection)
}

/// Of each instance of each record: method and target, status.
fn summary(records: Vec<Exported>) -> Vec<Vec<(String, u64)>> {
    let instance = |values: Vec<Owned>| match (&values[1], &values[4], &values[8]) {
        (Owned::Text(method), Owned::Text(target), Owned::Number(status)) => {
            (format!("{method} {target}").trim().to_owned(), *status)
        }
        other => panic!("{other:?}"),
    };
    records.into_iter().map(|record| record.instances.into_iter().map(instance).collect()).collect()
}

/// What [`summary`] is expected to be.
fn expect(actual: Vec<Exported>, expected: &[&[(&str, u64)]]) {
    let expected: Vec<Vec<(String, u64)>> = expected
        .iter()
        .map(|record| record.iter().map(|&(request, status)| (request.to_owned(), status)).collect())
        .collect();
    assert_eq!(summary(actual), expected);
}

#[test]
fn a_head_gives_the_same_fields_wherever_it_is_cut() {
    for cut in 1..GET.len() {
        let (mut driver, mut connection) = connected();
        driver.put(&connection.client(&GET[..cut]));
        driver.put(&connection.server(b""));
        driver.put(&connection.client(&GET[cut..]));
        driver.put(&connection.server(OK));
        assert_eq!(driver.finish_text(), [format!("{GET_TEXT}{OK_TEXT}")], "request cut at {cut}");
    }
    for cut in 1..OK.len() {
        let (mut driver, mut connection) = connected();
        driver.put(&connection.client(GET));
        driver.put(&connection.server(&OK[..cut]));
        driver.put(&connection.server(&OK[cut..]));
        assert_eq!(driver.finish_text(), [format!("{GET_TEXT}{OK_TEXT}")], "response cut at {cut}");
    }
}

#[test]
fn a_head_may_come_byte_by_byte() {
    let (mut driver, mut connection) = connected();
    for byte in GET {
        driver.put(&connection.client(&[*byte]));
    }
    for byte in OK {
        driver.put(&connection.server(&[*byte]));
    }
    assert_eq!(driver.finish_text(), [format!("{GET_TEXT}{OK_TEXT}")]);
}

#[test]
fn the_next_request_ends_the_record() {
    let (mut driver, mut connection) = connected();
    for (request, status) in [("/a", 200), ("/b", 404), ("/c", 200)] {
        driver.put(&connection.client(format!("GET {request} HTTP/1.1\r\n\r\n").as_bytes()));
        driver.put(
            &connection.server(format!("HTTP/1.1 {status} x\r\nContent-Length: 4\r\n\r\nbo").as_bytes()),
        );
        driver.put(&connection.server(b"dy"));
    }
    let records = driver.records();
    assert_eq!(records.iter().map(|r| r.packets).collect::<Vec<_>>(), [[2, 3], [1, 2], [1, 2]]);
    expect(records, &[&[("GET /a", 200)], &[("GET /b", 404)], &[("GET /c", 200)]]);
}

#[test]
fn a_second_response_ends_the_record() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.server(b"HTTP/1.1 200 OK\r\n\r\n"));
    driver.put(&connection.server(b"HTTP/1.1 404\r\n\r\n"));
    expect(driver.records(), &[&[("", 200)], &[("", 404)]]);
}

#[test]
fn requests_in_one_packet_are_instances_and_responses_fill_them() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(
        b"GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcHEAD /c HTTP/1.1\r\n\r\n",
    ));
    driver.put(&connection.server(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 HTTP/1.1 404 no\r\nContent-Length: 0\r\n\r\n",
    ));
    driver.put(&connection.server(b"HTTP/1.1 204 x\r\nContent-Length: 9\r\n\r\n"));
    expect(driver.records(), &[&[("GET /a", 200), ("POST /b", 404), ("HEAD /c", 204)]]);
}

#[test]
fn a_pipelined_head_goes_on_in_its_record() {
    let stream = [GET, b"GET /b HTTP/1.1\r\nHost: b\r\n\r\n"].concat();
    // Behind the second start line, so that the second request has begun with the first packet.
    for cut in GET.len() + 17..stream.len() {
        let (mut driver, mut connection) = connected();
        driver.put(&connection.client(&stream[..cut]));
        driver.put(&connection.client(&stream[cut..]));
        let text = driver.finish_text();
        assert_eq!(text.len(), 2);
        assert!(text[1].starts_with(r#"method="GET",host="b",uri="/b""#), "{text:?}");
    }
}

#[test]
fn an_interim_response_gives_way_to_the_final_one() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\n\r\n"));
    driver.put(&connection.server(b"HTTP/1.1 100 Continue\r\nServer: early\r\n\r\n"));
    driver.put(&connection.server(b"HTTP/1.1 200 OK\r\n\r\n"));
    assert_eq!(
        driver.finish_text(),
        [
            r#"method="POST",host="",uri="/a",agent="",referer="",content="",status=200,server="",set-cookie="""#
        ]
    );
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(b"POST /a HTTP/1.1\r\n\r\n"));
    driver.put(&connection.server(b"HTTP/1.1 100 Continue\r\n\r\n"));
    expect(driver.records(), &[&[("POST /a", 100)]]);
}

#[test]
fn a_head_cut_off_by_the_end_shows_its_complete_lines() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(b"GET /leak HTTP/1.1\r\nHost: whole\r\nUser-Agent: lea"));
    let request = r#"method="GET",host="whole",uri="/leak",agent="",referer="","#;
    assert_eq!(driver.finish_text(), [format!("{request}{NO_RESPONSE}")]);
}

#[test]
fn the_end_of_a_body_that_looks_like_a_method_hides_no_message() {
    for end in ["OK", "P", "GE", "HTTP", "GET /", "PUT x"] {
        let (mut driver, mut connection) = connected();
        driver.put(&connection.client(b"GET /a HTTP/1.1\r\n\r\n"));
        driver.put(&connection.server(b"HTTP/1.1 200 OK\r\n\r\n"));
        driver.put(&connection.server(end.as_bytes()));
        driver.put(&connection.server(b"HTTP/1.1 404 x\r\nServer: s\r\n\r\n"));
        expect(driver.records(), &[&[("GET /a", 200)], &[("", 404)]]);
    }
}

#[test]
fn a_gap_ends_a_head() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.server(b"HTTP/1.1 200 OK\r\nServer: a\r\n"));
    connection.server_gap(100);
    driver.put(&connection.server(b"\nServer: b\r\n\r\n"));
    driver.put(&connection.server(b"\nServer: c\r\n\r\n"));
    assert!(driver.finish_text()[0].contains(r#"server="a""#));
}

#[test]
fn a_line_longer_than_the_buffer_ends_a_head() {
    let (mut driver, mut connection) = connected();
    driver.buffer = 100;
    driver.put(&connection.server(b"HTTP/1.1 200 OK\r\nServer: a\r\nX: "));
    for _ in 0..3 {
        driver.put(&connection.server(&[b'x'; 80]));
    }
    driver.put(&connection.server(b"\nServer: b\r\n\r\n"));
    assert!(driver.finish_text()[0].contains(r#"server="a""#));
}

#[test]
fn datagrams_hold_whole_messages() {
    let search = b"M-SEARCH * HTTP/1.1\r\nHOST:[FF02::C]:1900\r\nST: x\r\n\r\n";
    let mut driver = Driver::new(&DESCRIPTOR, "");
    for _ in 0..2 {
        driver.put(&PacketBuilder::udp("192.168.0.30:50000", "239.255.255.250:1900").payload(search));
    }
    let text = driver.finish_text();
    assert_eq!(text.len(), 2);
    assert!(text[1].starts_with(r#"method="M-SEARCH",host="[FF02::C]:1900",uri="*""#), "{text:?}");
}

#[test]
fn what_shows_no_http_is_given_up() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(b"\x16\x03\x01\x02\x00\x01"));
    assert!(!driver.is_interested());
    let (mut driver, mut connection) = connected();
    for _ in 0..PATIENCE_PACKETS {
        driver.put(&connection.client(b"anything else"));
    }
    assert!(!driver.is_interested());
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(GET));
    for _ in 0..PATIENCE_PACKETS {
        driver.put(&connection.client(b"a long body"));
    }
    assert!(driver.is_interested());
}

#[test]
fn a_switch_of_protocols_ends_http() {
    for (request, response) in [
        (&b"GET /chat HTTP/1.1\r\n\r\n"[..], &b"HTTP/1.1 101 Switching Protocols\r\n\r\n"[..]),
        (b"CONNECT h:443 HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 Connected\r\n\r\n"),
    ] {
        let (mut driver, mut connection) = connected();
        driver.put(&connection.client(request));
        driver.put(&connection.server(response));
        assert!(!driver.is_interested());
    }
}

#[test]
fn texts_are_bounded_alone_and_together() {
    let long = "x".repeat(600);
    let request = format!(
        "METHOD-OF-20-LETTERS /{long} HTTP/1.1\r\nHost: {long}\r\nUser-Agent: {long}\r\nReferer: {long}\r\n\r\n"
    );
    let response = format!(
        "HTTP/1.1 200 x\r\nContent-Type: {long}\r\nServer: {long}\r\nSet-Cookie: {long}=1\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(request.repeat(20).as_bytes()));
    driver.put(&connection.server(response.repeat(20).as_bytes()));
    let instances = driver.finish();
    assert_eq!(instances.len(), MAX_TRANSACTIONS);
    let lengths = |instance: &[Owned]| -> Vec<usize> {
        instance.iter().map(|value| if let Owned::Text(text) = value { text.len() } else { 0 }).collect()
    };
    assert_eq!(lengths(&instances[0]), [127, 15, 63, 127, 127, 31, 127, 511, 0]);
    let total: usize = instances.iter().flat_map(|instance| lengths(instance)).sum();
    assert_eq!(total, Slot::MAX_TOTAL + FURTHER_TEXTS);
}

proptest! {
    #[test]
    fn no_segments_make_the_plugin_fail(
        segments in proptest::collection::vec(
            (any::<bool>(), prop_oneof![
                "(GET |HTTP/1.1 200|POST / HTTP/1.1\r\n|Host: |Set-Cookie: a=|\r\n|\n|x|Content-Length: 3\n){0,8}",
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

    #[test]
    fn the_places_of_cuts_do_not_matter(mut cuts in proptest::collection::vec(0..OK.len(), 0..6)) {
        cuts.sort_unstable();
        let (mut driver, mut connection) = connected();
        driver.put(&connection.client(GET));
        let mut start = 0;
        for cut in cuts.into_iter().chain([OK.len()]) {
            driver.put(&connection.server(&OK[start..cut]));
            start = cut;
        }
        prop_assert_eq!(driver.finish_text(), [format!("{GET_TEXT}{OK_TEXT}")]);
    }
}
