//! Handshakes of encrypted protocols: what the plugins say about a capture of each.
#![allow(clippy::unwrap_used)]

mod probe;

use probe::{committed, json, lines, number, text};
use serde_json::{Value, json};

/// The records of a committed capture, in the order of their first packets.
fn records(capture: &str, arguments: &str) -> Vec<Value> {
    let ended = json(&committed(capture), arguments);
    ended.tables().assert_nothing_is_lost();
    let mut records = ended.records();
    records.sort_by_key(|record| text(record, "TIME_FIRST").to_owned());
    records
}

const QUIC_FIELDS: [&str; 4] = ["QUIC_SNI", "QUIC_OSCID", "QUIC_SCID", "QUIC_RETRY_SCID"];

#[test]
fn quic_handshakes_of_three_versions() {
    let records = records("quic-handshakes-of-three-versions", "-p quic");
    let versions = [1, 0x6b33_43cf, 0xff00_001d];
    assert_eq!(records.len(), versions.len());
    for (record, (flow, version)) in records.iter().zip((1..).zip(versions)) {
        let ids = ["QUIC_SNI", "QUIC_USER_AGENT", "QUIC_OCCID", "QUIC_OSCID", "QUIC_SCID"];
        assert_eq!(
            ids.map(|field| text(record, field).to_owned()),
            [
                format!("host{flow}.example.com"),
                "Agent/1.0".to_owned(),
                format!("0{flow}0c000ff099000c"),
                format!("0{flow}0a000ff099000a"),
                format!("0{flow}05000ff0990005"),
            ]
        );
        assert_eq!(number(record, "QUIC_VERSION"), version);
        assert_eq!((number(record, "QUIC_SERVER_PORT"), number(record, "QUIC_CH_PARSED")), (443, 1));
        assert_eq!(record["QUIC_PACKETS"], json!([0x81, 0x81, 0x81, 0x80, 0x80]));
        assert_eq!(record["QUIC_TLS_EXT_TYPE"], json!([0, 10, 16, 13, 51, 43, 57]));
    }
}

#[test]
fn a_quic_client_hello_in_pieces() {
    for arguments in ["-p quic", "-p quic -s cache;split"] {
        let records = records("a-quic-client-hello-in-pieces", arguments);
        let names: Vec<&str> = records.iter().map(|record| text(record, "QUIC_SNI")).collect();
        assert_eq!(names, ["host4.example.com", "host5.example.com", "host6.example.com"]);
    }
}

#[test]
fn quic_retry_and_version_negotiation() {
    let records = records("quic-retry-and-version-negotiation", "-p quic;coalesced");
    let [retried, negotiated] = &records[..] else { panic!("{:?}", lines(&records)) };
    let ids = ["host7.example.com", "070a000ff099000a", "0705000ff0990005", "7265747279"];
    assert_eq!(QUIC_FIELDS.map(|field| text(retried, field)), ids);
    assert_eq!((number(retried, "QUIC_TOKEN_LENGTH"), number(retried, "QUIC_MULTIPLEXED")), (30, 0));
    assert_eq!(retried["QUIC_PACKETS"], json!([0x81, 0x88, 0x81, 0x85]));
    let ids = ["host8.example.com", "080a000ff099000a", "0805000ff0990005", ""];
    assert_eq!(QUIC_FIELDS.map(|field| text(negotiated, field)), ids);
    assert_eq!(
        (number(negotiated, "QUIC_VERSION"), number(negotiated, "QUIC_CLIENT_VERSION")),
        (1, 0xbaba_baba)
    );
    assert_eq!(negotiated["QUIC_PACKETS"], json!([0x81, 0x90, 0x81, 0x85]));
}

#[test]
fn quic_0_rtt_and_a_server_that_is_seen_first() {
    for (arguments, early_packets, late_packets) in
        [("-p quic", [0, 0x83], [0, 0x81]), ("-p quic;coalesced", [0x82, 0x83], [0x85, 0x81])]
    {
        let records = records("quic-0-rtt-and-a-server-that-is-seen-first", arguments);
        let [early, late] = &records[..] else { panic!("{:?}", lines(&records)) };
        assert_eq!((text(early, "QUIC_SNI"), number(early, "QUIC_ZERO_RTT")), ("host9.example.com", 2));
        assert_eq!(early["QUIC_PACKETS"], json!(early_packets));
        assert_eq!((text(late, "QUIC_SNI"), number(late, "QUIC_SERVER_PORT")), ("host10.example.com", 443));
        assert_eq!(
            (text(late, "QUIC_OCCID"), text(late, "QUIC_SCID")),
            ("0a0c000ff099000c", "0a05000ff0990005")
        );
        assert_eq!(late["QUIC_PACKETS"], json!(late_packets));
    }
}
