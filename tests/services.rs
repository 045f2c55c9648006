//! Protocols with which hosts find names, services and the time: what the plugins say about a capture of each.
#![allow(clippy::unwrap_used)]

mod probe;

use probe::{committed, json, lines, number, text};
use serde_json::Value;

/// The records of a committed capture.
fn records(capture: &str, arguments: &str) -> Vec<Value> {
    let ended = json(&committed(capture), arguments);
    ended.tables().assert_nothing_is_lost();
    ended.records()
}

#[test]
fn each_ntp_datagram_is_a_record() {
    let records = records("each-ntp-datagram-is-a-record", "-p ntp");
    let [request, answer] = ["17 10.0.0.1 123 > 10.0.0.2 123", "17 10.0.0.2 123 > 10.0.0.1 123"];
    assert_eq!(
        lines(&records),
        [
            format!("{request}, 1/0 packets, 0-0 ms, forced"),
            format!("{answer}, 1/0 packets, 20-20 ms, forced"),
            format!("{request}, 1/0 packets, 1000-1000 ms, forced"),
            format!("{answer}, 1/0 packets, 1020-1020 ms, forced"),
        ]
    );
    assert_eq!((number(&records[0], "NTP_MODE"), text(&records[0], "NTP_REF")), (3, "0.000000"));
    let answer = &records[1];
    assert_eq!((number(answer, "NTP_DELAY"), number(answer, "NTP_DISPERSION")), (81, 2385));
    assert_eq!(text(answer, "NTP_REF_ID"), "192.0.2.123");
    assert_eq!(
        ["NTP_REF", "NTP_ORIG", "NTP_RECV", "NTP_SENT"].map(|field| text(answer, field)),
        ["3669098496.902500", "3669165328.003937", "1048576.000000", "3669165329.000000"]
    );
    assert!(records[2..].iter().all(|record| record.get("NTP_MODE").is_none()));
}
