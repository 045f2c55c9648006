//! Flows told by the lengths and times of their packets, or by the form of encrypted messages: what the plugins say about a
//! capture of each.
#![allow(clippy::unwrap_used)]

mod probe;

use probe::{committed, json, lines, number};
use serde_json::{Value, json as list};

/// The records of a committed capture.
fn records(capture: &str, arguments: &str) -> Vec<Value> {
    let ended = json(&committed(capture), arguments);
    ended.tables().assert_nothing_is_lost();
    ended.records()
}

#[test]
fn an_openvpn_tunnel_is_told_by_its_messages() {
    let records = records("an-openvpn-tunnel-is-told-by-its-messages", "-p ovpn -p wg");
    assert_eq!(lines(&records), ["17 10.0.0.1 50000 > 10.0.0.2 1194, 11/12 packets, 0-220 ms, forced"]);
    assert_eq!(number(&records[0], "OVPN_CONF_LEVEL"), 100);
    assert!(records[0].get("WG_CONF_LEVEL").is_none());
}

#[test]
fn a_new_wireguard_session_begins_a_new_record() {
    let capture = "a-new-wireguard-session-begins-a-new-record";
    let records = records(capture, "-p wg -p bstats -p nettisa");
    assert_eq!(
        lines(&records),
        [
            "17 10.0.0.1 51820 > 10.0.0.2 51820, 3/2 packets, 0-80 ms, forced",
            "17 10.0.0.1 51820 > 10.0.0.2 51820, 3/2 packets, 10000-10080 ms, forced",
        ]
    );
    for (session, record) in records.iter().enumerate() {
        assert_eq!(number(record, "WG_CONF_LEVEL"), 100);
        let peers = ["WG_SRC_PEER", "WG_DST_PEER"].map(|field| number(record, field));
        assert_eq!(peers, [0x0100_0007, 0x0200_0009].map(|index| index + session as u64));
        // What other plugins say about a record that was cut is finished.
        assert_eq!(record["SBI_BRST_BYTES"], list!([148 + 32 + 128]));
        assert_eq!(record["NTS_SWITCHING_RATIO"], list!(1.0));
    }
    assert_eq!(lines(&self::records(capture, "")).len(), 1);
}

#[test]
fn handshakes_inside_a_tunnel_are_suspects() {
    let plugins = "-p bstats -p phists -p ssadetector -p idpcontent";
    let records = records("handshakes-inside-a-tunnel", plugins);
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(number(record, "SSA_CONF_LEVEL"), 1);
    // Of each direction's packets never three come within a second.
    assert_eq!((&record["SBI_BRST_PACKETS"], &record["DBI_BRST_PACKETS"]), (&list!([]), &list!([])));
    assert_eq!(record["S_PHISTS_SIZES"], list!([0, 0, 0, 30, 0, 0, 0, 0]));
    assert_eq!(record["S_PHISTS_IPT"], list!([0, 15, 0, 0, 0, 0, 0, 14]));
    assert_eq!(record["IDP_CONTENT_REV"], list!("02".repeat(82)));
}
