//! What plugins find in a stream does not depend on how it was cut into segments, in which order these came, or how often.
#![allow(clippy::unwrap_used)]

mod probe;

use std::collections::BTreeMap;

use probe::{Scratch, committed, json, lines, number, text};
use serde_json::{Map, Value};
use weir_generator::captures::Film;
use weir_generator::content::{dns, http, mqtt, rtsp, sip, smtp, tls};
use weir_generator::dialogue::{Dialogue, Segment};
use weir_generator::headers::flags;
use weir_generator::path::Path;
use weir_generator::random::Random;

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

/// A conversation's opening and its end, and what the client and the server say between them.
struct Talk {
    request: Vec<u8>,
    response: Vec<u8>,
}

/// In which way a message arrives, cut in two.
#[derive(Clone, Copy, Debug)]
enum Arrival {
    InOrder,
    Swapped,
    EachTwice,
    BothTwiceSwapped,
    /// The second segment begins with the last bytes of the first.
    Overlapping,
    /// As before, and the second comes first.
    OverlappingSwapped,
}

const ARRIVALS: [Arrival; 6] = [
    Arrival::InOrder,
    Arrival::Swapped,
    Arrival::EachTwice,
    Arrival::BothTwiceSwapped,
    Arrival::Overlapping,
    Arrival::OverlappingSwapped,
];

/// How many bytes overlapping segments share.
const SHARED: usize = 7;

impl Arrival {
    /// The two segments of a whole one that is cut at `cut`, as they arrive.
    fn cut(self, whole: &Segment, cut: usize) -> Vec<Segment> {
        let piece = |start: usize, end: usize| Segment {
            sequence: whole.sequence.wrapping_add(start as u32),
            payload: whole.payload[start..end].to_vec(),
            ..whole.clone()
        };
        let first = piece(0, cut);
        let rest = piece(cut, whole.payload.len());
        let more = piece(cut.saturating_sub(SHARED), whole.payload.len());
        match self {
            Arrival::InOrder => vec![first, rest],
            Arrival::Swapped => vec![rest, first],
            Arrival::EachTwice => vec![first.clone(), first, rest.clone(), rest],
            Arrival::BothTwiceSwapped => vec![rest.clone(), first.clone(), rest, first],
            Arrival::Overlapping => vec![first, more],
            Arrival::OverlappingSwapped => vec![more, first],
        }
    }
}

impl Talk {
    /// The segments of the conversation: the request is number 3, the response number 4.
    fn segments(&self) -> Vec<Segment> {
        // Sequence numbers wrap within the messages.
        Dialogue::new(u32::MAX - 50, u32::MAX - 20)
            .handshake()
            .says(&self.request)
            .answers(&self.response)
            .close()
            .segments()
    }

    /// A conversation each for every cut of the message in segment number `number`.
    fn cut_everywhere(&self, number: usize, arrival: Arrival) -> Vec<Vec<Segment>> {
        let whole = self.segments();
        (1..whole[number].payload.len())
            .map(|cut| {
                let mut segments = whole.clone();
                segments.splice(number..=number, arrival.cut(&whole[number], cut));
                segments
            })
            .collect()
    }
}

/// A capture of conversations with a server's port, from a client port each, one after the other.
fn film(conversations: &[Vec<Segment>], server_port: u16) -> Film {
    let mut film = Film::new();
    for (number, segments) in conversations.iter().enumerate() {
        let path = Path::v4(CLIENT, 2000 + number as u16, SERVER, server_port);
        for segment in segments {
            let mut frame = Vec::new();
            segment.frame(&path, &mut frame);
            let ms = film.len() as u64;
            film = film.frame(ms, frame);
        }
    }
    film
}

/// What a plugin said about each conversation, by client port: its fields of every record that has them, in order.
fn said(film: Film, prefix: &str, arguments: &str) -> BTreeMap<u64, Vec<Map<String, Value>>> {
    let scratch = Scratch::new();
    let ended = json(&scratch.file("conversations.pcap", film.into_bytes()), arguments);
    ended.tables().assert_nothing_is_lost();
    let mut said: BTreeMap<u64, Vec<Map<String, Value>>> = BTreeMap::new();
    for record in ended.records() {
        let from_client = text(&record, "SRC_IP") == "10.0.0.1";
        let port = number(&record, if from_client { "SRC_PORT" } else { "DST_PORT" });
        let Value::Object(fields) = record else { panic!("no object") };
        let fields: Map<String, Value> =
            fields.into_iter().filter(|(name, _)| name.starts_with(prefix)).collect();
        let of_port = said.entry(port).or_default();
        if !fields.is_empty() {
            of_port.push(fields);
        }
    }
    said
}

fn assert_cuts_make_no_difference(talk: &Talk, server_port: u16, plugin: &str, records: usize) {
    let name = plugin.split(';').next().unwrap();
    let prefix = format!("{}_", name.to_uppercase());
    let arguments = format!("-p {plugin} -s cache;fused");
    let whole = said(film(&[talk.segments()], server_port), &prefix, &arguments);
    let expected = &whole[&2000];
    assert_eq!(expected.len(), records, "{expected:?}");
    for number in [3, 4] {
        for arrival in ARRIVALS {
            let conversations = talk.cut_everywhere(number, arrival);
            let said = said(film(&conversations, server_port), &prefix, &arguments);
            assert_eq!(said.len(), conversations.len());
            for (port, said) in said {
                assert_eq!(&said, expected, "{plugin}, segment {number} cut at {}, {arrival:?}", port - 1999);
            }
        }
    }
}

#[test]
fn an_http_head_cut_anywhere_says_the_same() {
    let talk = Talk {
        request: http::request("cut.example.com", "/every/where.html", 99),
        response: http::response("nginx/1.26.2", 5, 0),
    };
    assert_cuts_make_no_difference(&talk, 80, "http", 1);
}

#[test]
fn an_http_transaction_with_bodies_cut_anywhere_says_the_same() {
    let talk = Talk {
        request: b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\nname=x&age=42"
            .to_vec(),
        response: b"HTTP/1.1 404 Not Found\r\nset-cookie: a=1\r\nServer:x\r\nSet-Cookie:b\r\nContent-Length: 12\r\n\r\nnothing here"
            .to_vec(),
    };
    assert_cuts_make_no_difference(&talk, 8080, "http", 1);
}

#[test]
fn pipelined_requests_cut_anywhere_are_all_told() {
    let request = |n| format!("GET /{n} HTTP/1.1\r\nHost: host{n}\r\n\r\n");
    let response = |n| format!("HTTP/1.1 20{n} OK\r\nServer: server{n}\r\nContent-Length: 0\r\n\r\n");
    let talk = Talk {
        request: (0..3).map(request).collect::<String>().into_bytes(),
        response: (0..3).map(response).collect::<String>().into_bytes(),
    };
    // A request in a packet of its own begins a record of its own, whatever is still to be answered. So which response goes with
    // which request may differ; but each is told once.
    for number in [3, 4] {
        for arrival in ARRIVALS {
            let conversations = talk.cut_everywhere(number, arrival);
            for (port, said) in said(film(&conversations, 80), "HTTP_", "-p http -s cache;fused") {
                let told = |name: &str| -> Vec<&str> {
                    let values = said.iter().map(|fields| fields[name].as_str().unwrap());
                    values.filter(|value| !value.is_empty()).collect()
                };
                let what = format!("segment {number} cut at {}, {arrival:?}", port - 1999);
                assert_eq!(told("HTTP_REQUEST_URL"), ["/0", "/1", "/2"], "{what}");
                assert_eq!(told("HTTP_REQUEST_HOST"), ["host0", "host1", "host2"], "{what}");
                assert_eq!(told("HTTP_RESPONSE_SERVER"), ["server0", "server1", "server2"], "{what}");
            }
        }
    }
}

#[test]
fn a_dns_message_over_tcp_cut_anywhere_says_the_same() {
    let name = "cut.example.com";
    let talk = Talk {
        request: dns::over_tcp(&dns::query(7, name)),
        response: dns::over_tcp(&dns::response(7, name, &[[203, 0, 113, 80].into(); 2])),
    };
    assert_cuts_make_no_difference(&talk, 53, "dns", 2);
}

#[test]
fn a_tls_hello_cut_anywhere_says_the_same() {
    let random = &mut Random::new(1);
    let talk =
        Talk { request: tls::client_hello("cut.example.com", random), response: tls::server_hello(random) };
    assert_cuts_make_no_difference(&talk, 443, "tls", 1);
}

/// The fields of tls in a committed capture, whose one record has them.
fn handshake(capture: &str, plugin: &str) -> Value {
    let ended = json(&committed(capture), &format!("-p {plugin}"));
    ended.tables().assert_nothing_is_lost();
    let mut records = ended.records();
    assert_eq!(records.len(), 1);
    records.remove(0)
}

#[test]
fn handshakes_of_tls_are_read_however_they_lie_in_segments_and_records() {
    for (capture, name) in [
        ("a-tls-hello-in-two-segments", "shop.example.com"),
        ("a-tls-hello-in-two-records-behind-a-warning", "shop.example.com"),
        ("tls-asks-for-another-hello", "shop.example.com"),
        ("tls-behind-starttls", "mail.example.com"),
    ] {
        let record = handshake(capture, "tls");
        assert_eq!((text(&record, "TLS_SNI"), number(&record, "TLS_VERSION")), (name, 0x0304), "{capture}");
        assert_eq!(text(&record, "TLS_JA4"), "t13d1508h2_8daaf6152771_0217bda7c7b8", "{capture}");
        assert!(record.get("TLS_SERVER_VERSION").is_none(), "only by parameter");
    }
}

#[test]
fn the_certificate_and_what_the_server_chose_are_told_by_parameter() {
    let record = handshake("tls-1-2-shows-the-certificate", "tls;server;cert");
    assert_eq!(text(&record, "TLS_ALPN"), "h2");
    assert_eq!(
        (number(&record, "TLS_SERVER_VERSION"), number(&record, "TLS_SERVER_CIPHER")),
        (0x0303, 0xc02f)
    );
    assert_eq!(text(&record, "TLS_CERT_SUBJECT"), "CN=shop.example.com,C=CZ");
    assert_eq!(text(&record, "TLS_CERT_ISSUER"), "O=Example CA,C=CZ");
    assert_eq!(text(&record, "TLS_CERT_SERIAL"), "00cafe01");
    let validity = ["TLS_CERT_NOT_BEFORE", "TLS_CERT_NOT_AFTER"].map(|name| number(&record, name));
    assert_eq!(validity, [1_709_164_800, 2_024_870_399]);
    let record = handshake("tls-asks-for-another-hello", "tls;server");
    assert_eq!(number(&record, "TLS_SERVER_VERSION"), 0x0304);
    assert_eq!(text(&record, "TLS_JA3S"), "f4febc55ea12b31ae17cfb7e614afda8");
}

#[test]
fn http_and_dns_say_the_same_in_every_division_of_work() {
    let talk =
        Talk { request: http::request("cut.example.com", "/", 99), response: http::response("nginx", 5, 0) };
    let conversations = talk.cut_everywhere(3, Arrival::Swapped);
    let arguments = |cache: &str| format!("-p http -p dns -s cache;{cache}");
    let expected = said(film(&conversations, 80), "HTTP_", &arguments("fused"));
    for cache in ["shards=1", "shards=3"] {
        assert_eq!(said(film(&conversations, 80), "HTTP_", &arguments(cache)), expected, "{cache}");
    }
}

/// What http says about a conversation: method, host, target, status and cookies of each transaction; and its records.
fn transactions(dialogue: Dialogue) -> (Vec<String>, Vec<String>) {
    let scratch = Scratch::new();
    let path = Path::v4(CLIENT, 40_000, SERVER, 80);
    let film = Film::new().dialogue(0, 10, &path, dialogue);
    let ended = json(&scratch.file("talk.pcap", film.into_bytes()), "-p http");
    ended.tables().assert_nothing_is_lost();
    let records = ended.records();
    let transactions = records
        .iter()
        .filter(|r| r.get("HTTP_REQUEST_METHOD").is_some())
        .map(|r| {
            let field = |name| text(r, name);
            format!(
                "{} {}{} {} {}",
                field("HTTP_REQUEST_METHOD"),
                field("HTTP_REQUEST_HOST"),
                field("HTTP_REQUEST_URL"),
                number(r, "HTTP_RESPONSE_STATUS_CODE"),
                field("HTTP_RESPONSE_SET_COOKIE_NAMES")
            )
        })
        .collect();
    (transactions, lines(&records))
}

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes()
}

fn status(code: u16) -> Vec<u8> {
    format!("HTTP/1.1 {code} Whatever\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

#[test]
fn a_connection_kept_alive_has_a_record_for_each_transaction() {
    let dialogue = Dialogue::new(1, 1)
        .handshake()
        .says(&get("/a"))
        .answers(&status(200))
        .says(&get("/b"))
        .answers(&status(404))
        .says(&get("/c"))
        .answers(&status(200))
        .close();
    let (transactions, records) = transactions(dialogue);
    assert_eq!(transactions, ["GET h/a 200 ", "GET h/b 404 ", "GET h/c 200 "]);
    let tcp = "6 10.0.0.1 40000 > 10.0.0.2 80";
    assert_eq!(
        records,
        [
            format!("{tcp}, 3/2 packets, 0-40 ms, forced"),
            format!("{tcp}, 1/1 packets, 50-60 ms, forced"),
            format!("{tcp}, 3/2 packets, 70-110 ms, forced"),
        ]
    );
}

#[test]
fn pipelined_requests_are_a_transaction_each() {
    let dialogue = Dialogue::new(1, 1)
        .handshake()
        .says(&[get("/a"), get("/b")].concat())
        .answers(&[status(200), status(201)].concat())
        .close();
    let (transactions, records) = transactions(dialogue);
    assert_eq!(transactions, ["GET h/a 200 ", "GET h/b 201 "]);
    let whole = "6 10.0.0.1 40000 > 10.0.0.2 80, 5/3 packets, 0-70 ms, forced";
    assert_eq!(records, [whole, whole], "both with the basic fields of the one record");
}

#[test]
fn the_committed_pipeline_has_a_transaction_for_each_request() {
    let ended = json(&committed("pipelined-requests"), "-p http");
    assert_eq!(ended.tables().outputs[0].packets, 9);
    let mut hosts: Vec<String> = ended
        .records()
        .iter()
        .map(|r| format!("{} {}", text(r, "HTTP_REQUEST_HOST"), text(r, "HTTP_RESPONSE_SERVER")))
        .collect();
    hosts.sort_unstable();
    assert_eq!(
        hosts,
        ["host1.example.com server1", "host2.example.com server2", "host3.example.com server3"]
    );
}

#[test]
fn a_hundred_continue_is_no_response_of_its_own() {
    let dialogue = Dialogue::new(1, 1)
        .handshake()
        .says(b"PUT /big HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        .answers(b"HTTP/1.1 100 Continue\r\n\r\n")
        .says(b"body")
        .answers(b"HTTP/1.1 201 Created\r\nSet-Cookie: id=7\r\nContent-Length: 0\r\n\r\n")
        .close();
    let (transactions, records) = transactions(dialogue);
    assert_eq!(transactions, ["PUT h/big 201 id"]);
    assert_eq!(records, ["6 10.0.0.1 40000 > 10.0.0.2 80, 6/4 packets, 0-90 ms, forced"]);
}

#[test]
fn header_names_are_read_in_any_case_and_values_without_a_blank() {
    let dialogue = Dialogue::new(1, 1)
        .handshake()
        .says(b"GET / HTTP/1.1\r\nhost: h\r\nUser-Agent:x\r\n\r\n")
        .answers(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: sess=1\r\nSet-Cookie:nospace=2\r\nset-cookie: third=3\r\n\r\n",
        )
        .close();
    assert_eq!(transactions(dialogue).0, ["GET h/ 200 sess;nospace;third"]);
}

#[test]
fn a_head_without_its_empty_line_is_taken_for_what_it_says() {
    let dialogue = Dialogue::new(1, 1).handshake().says(b"GET /a HTTP/1.1\r\nHost: h\r\n").close();
    assert_eq!(transactions(dialogue).0, ["GET h/a 0 "]);
}

#[test]
fn a_connection_seen_from_its_middle_is_read_from_the_next_head_on() {
    let dialogue = Dialogue::new(1000, 2000)
        .segment(false, flags::ACK, b"the end of some body")
        .says(&get("/middle"))
        .answers(&status(200));
    assert_eq!(transactions(dialogue).0, ["GET h/middle 200 "]);
}

#[test]
fn mqtt_packets_cut_anywhere_say_the_same() {
    let talk = Talk {
        request: [
            mqtt::connect("client"),
            mqtt::publish("a/b", &[b'm'; 200]),
            mqtt::subscribe("c/#"),
            mqtt::publish("d", b""),
        ]
        .concat(),
        response: [mqtt::connack(), mqtt::publish("e/f/g", b"\xe0\x00")].concat(),
    };
    assert_cuts_make_no_difference(&talk, 1883, "mqtt;topiccount=3", 1);
}

#[test]
fn a_mail_session_cut_anywhere_says_the_same() {
    let talk = Talk {
        request: [
            b"EHLO a\r\n".to_vec(),
            smtp::envelope("b@c", &["d@e"]),
            smtp::mail("f", 1),
            b"QUIT\r\n".to_vec(),
        ]
        .concat(),
        response: b"220 a\r\n250-b\r\n250 c\r\n250 d\r\n250 e\r\n354 f\r\n554 Spam\r\n221 g\r\n".to_vec(),
    };
    assert_cuts_make_no_difference(&talk, 25, "smtp", 1);
}

#[test]
fn sip_messages_cut_anywhere_say_the_same() {
    let talk = Talk { request: sip::request("INVITE", 1, 2), response: sip::response("200 OK", "INVITE", 1) };
    assert_cuts_make_no_difference(&talk, 5060, "sip", 2);
}

#[test]
fn an_rtsp_transaction_cut_anywhere_says_the_same() {
    let talk = Talk {
        request: rtsp::request("DESCRIBE", 1),
        response: [rtsp::media(0, 9), rtsp::response(200, 1, 1), rtsp::media(0, 3)].concat(),
    };
    assert_cuts_make_no_difference(&talk, 554, "rtsp", 1);
}
