//! The plugins that ipfixprobe does not have.
#![allow(clippy::unwrap_used)]

mod probe;

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
