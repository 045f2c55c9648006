//! The plugins that ipfixprobe does not have.
#![allow(clippy::unwrap_used)]

mod probe;

use std::collections::BTreeMap;

use probe::{committed, json, lines, number, text};
use serde_json::Value;

#[test]
fn ssh_shows_both_ends_however_their_algorithms_arrive() {
    let ended = json(&committed("ssh-algorithms-split-and-out-of-order"), "-p ssh");
    ended.tables().assert_nothing_is_lost();
    let records = ended.records();
    assert_eq!(lines(&records), ["6 10.0.0.1 40022 > 10.0.0.2 2222, 9/6 packets, 0-140 ms, forced"]);
    let values = [
        ("SSH_CLIENT_PROTOCOL", "2.0"),
        ("SSH_CLIENT_SOFTWARE", "OpenSSH_7.6p1"),
        ("SSH_CLIENT_COMMENTS", "Ubuntu-4ubuntu0.3"),
        ("SSH_HASSH", "06046964c022c6407d15a27b12a6a4fb"),
        ("SSH_SERVER_PROTOCOL", "2.0"),
        ("SSH_SERVER_SOFTWARE", "OpenSSH_7.6"),
        ("SSH_SERVER_COMMENTS", ""),
        ("SSH_HASSH_SERVER", "b12d2871a1189eff20364cf5333619ee"),
    ];
    for (name, value) in values {
        assert_eq!(text(&records[0], name), value, "{name}");
    }
}

#[test]
fn dhcp_shows_which_host_gets_which_address() {
    let ended = json(&committed("dhcp-who-gets-which-address"), "-p dhcp");
    ended.tables().assert_nothing_is_lost();
    let summary = |r: &Value| {
        let name = |name| text(r, name).to_owned();
        format!(
            "{} > {}: type {}, {:x}, {} {:?} wants {}, gets {} for {} s",
            name("SRC_IP"),
            name("DST_IP"),
            number(r, "DHCP_TYPE"),
            number(r, "DHCP_XID"),
            name("DHCP_CLIENT_MAC"),
            name("DHCP_HOST_NAME"),
            name("DHCP_REQUESTED_IP"),
            name("DHCP_ASSIGNED_IP"),
            number(r, "DHCP_LEASE_TIME")
        )
    };
    let mut records = ended.records();
    records.sort_by_key(|r| (text(r, "TIME_FIRST").to_owned(), number(r, "DHCP_XID")));
    assert_eq!(
        records.iter().map(summary).collect::<Vec<_>>(),
        [
            "0.0.0.0 > 255.255.255.255: type 3, 5eed0005, 02:00:00:00:00:05 \"desk\" wants 10.0.0.5, gets 0.0.0.0 for 0 s",
            "10.0.0.1 > 10.0.0.5: type 5, 5eed0005, 02:00:00:00:00:05 \"\" wants 0.0.0.0, gets 10.0.0.5 for 86400 s",
            "10.0.0.1 > 10.0.0.5: type 5, 5eed0006, 02:00:00:00:00:05 \"desk\" wants 10.0.0.5, gets 10.0.0.5 for 86400 s",
            "10.7.0.1 > 10.0.0.1: type 5, 5eed0046, 02:00:00:00:00:46 \"laptop\" wants 10.0.0.70, gets 10.0.0.70 for 86400 s",
            "10.7.0.1 > 10.0.0.1: type 5, 5eed0047, 02:00:00:00:00:47 \"printer\" wants 10.0.0.71, gets 10.0.0.71 for 86400 s",
        ]
    );
    assert_eq!(text(&records[0], "DHCP_VENDOR_CLASS"), "MSFT 5.0");
    assert_eq!(records[0]["DHCP_PARAMETERS"].as_array().unwrap().len(), 14);
}

#[test]
fn tunnel_shows_ends_type_and_id_of_every_kind() {
    let ended = json(&committed("tunnels-that-are-opened-on-request"), "-p tunnel -s cache;decap=inner");
    let records = ended.records();
    let v4 = ("192.0.2.1", "192.0.2.2");
    let (v6, from_server) = (("2001:db8::f1", "2001:db8::f2"), ("192.0.2.2", "192.0.2.1"));
    // By the source port, as the capture describes them; where the version inside decides, IPv4 first.
    let expected = [
        [(v6, 1, 12345); 2],
        [(v4, 1, 12345); 2],
        [(v6, 1, 0); 2],
        [(v4, 2, 0); 2],
        [(v4, 2, 0x203); 2],
        [(v4, 2, 0x203); 2],
        [(v4, 3, 0x0a_0b0c); 2],
        [(v6, 3, 1); 2],
        [(v4, 4, 77); 2],
        [(v4, 4, 77); 2],
        [(v4, 5, 0xdead_beef); 2],
        [(v4, 5, 0xdead_beef); 2],
        [(v4, 6, 0), (v4, 7, 0)],
        [(v6, 8, 0), (v6, 9, 0)],
        [(v4, 10, 0); 2],
        [(from_server, 10, 0); 2],
    ];
    let mut seen = BTreeMap::new();
    for record in &records {
        let is_v6 = text(record, "SRC_IP").contains(':');
        let ends = (text(record, "TUNNEL_SRC_IP"), text(record, "TUNNEL_DST_IP"));
        let tunnel = (ends, number(record, "TUNNEL_TYPE"), number(record, "TUNNEL_ID"));
        let index = number(record, "SRC_PORT") as usize - 1000;
        assert_eq!(tunnel, expected[index][usize::from(is_v6)], "port {}, {is_v6}", 1000 + index);
        *seen.entry(index).or_insert(0) += 1;
    }
    assert_eq!((records.len(), seen.len()), (30, 16));
}

#[test]
fn tunnel_shows_gre_without_being_asked_to_open_it_and_nothing_of_plain_flows() {
    let records = json(&committed("tags-and-tunnels-of-every-kind"), "-p tunnel").records();
    let has = |r: &&Value| r.get("TUNNEL_TYPE").is_some();
    let mut ports: Vec<u64> = records.iter().filter(has).map(|r| number(r, "SRC_PORT")).collect();
    ports.sort_unstable();
    assert_eq!(ports, [1010, 1010, 1011, 1011, 1015, 1015]);
    let both =
        json(&committed("tunnels-that-are-opened-on-request"), "-p tunnel -s cache;decap=both").records();
    assert_eq!(both.iter().filter(has).count(), 30, "inner flows, not outer ones");
}
