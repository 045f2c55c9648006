//! Protocols with which hosts find names, services and the time: what the plugins say about a capture of each.
#![allow(clippy::unwrap_used)]

mod probe;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use probe::{Scratch, committed, json, lines, number, text};
use serde_json::Value;

/// The records of a committed capture.
fn records(capture: &str, arguments: &str) -> Vec<Value> {
    let ended = json(&committed(capture), arguments);
    ended.tables().assert_nothing_is_lost();
    ended.records()
}

#[test]
fn dns_answers_connect_names_and_addresses() {
    let records = records("dns-answers-connect-names-and-addresses", "-p passivedns");
    let pair = |record: &Value| {
        let name = record.get("DNS_NAME")?.as_str()?;
        Some(format!("{} {name} {}", number(record, "DNS_ATYPE"), text(record, "DNS_IP")))
    };
    assert_eq!(
        records.iter().filter_map(pair).collect::<Vec<_>>(),
        [
            "1 cdn.example.net 192.0.2.1",
            "1 cdn.example.net 192.0.2.2",
            "28 cdn.example.net 2001:db8::1",
            "12 host.example.com 192.0.2.7",
            "12 host.example.com 2001:db8::1",
            "1 tcp.example.com 192.0.2.9",
        ]
    );
    let udp = "17 10.0.0.1 40000 > 10.0.0.2 53, 1/1 packets";
    let tcp = "6 10.0.0.1 40001 > 10.0.0.2 53";
    let mut shown = lines(&records);
    shown.dedup();
    assert_eq!(
        shown,
        [
            format!("{udp}, 0-10 ms, forced"),
            format!("{udp}, 100-110 ms, forced"),
            format!("{udp}, 200-210 ms, forced"),
            format!("{tcp}, 3/4 packets, 300-360 ms, forced"),
            format!("{tcp}, 2/1 packets, 370-390 ms, forced"),
        ]
    );
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

#[test]
fn netbios_names_of_one_flow_are_instances() {
    let records = records("netbios-names-of-one-flow", "-p netbios");
    let name = |record: &Value| (text(record, "NB_NAME").to_owned(), number(record, "NB_SUFFIX"));
    let [workgroup, server] =
        [("WORKGROUP      ", 29), ("FILE-SERVER    ", 32)].map(|(n, s)| (n.to_owned(), s));
    assert_eq!(records.iter().map(name).collect::<Vec<_>>(), [workgroup.clone(), workgroup, server]);
    let flow = "17 10.0.0.1 137 > 10.0.0.255 137, 5/0 packets, 0-1000 ms, forced";
    assert_eq!(lines(&records), [flow; 3]);
}

#[test]
fn ssdp_searches_and_advertisements_are_gathered() {
    let records = records("ssdp-searches-and-advertisements", "-p ssdp");
    let fields = ["SSDP_NT", "SSDP_SERVER", "SSDP_ST", "SSDP_USER_AGENT"];
    let said =
        |record: &Value| (number(record, "SSDP_LOCATION_PORT"), fields.map(|f| text(record, f).to_owned()));
    let expected = [
        (0, ["", "", "dial-multiscreen-org:service:dial:1;", "browser/1.0 Linux;"]),
        (
            2869,
            ["schemas-upnp-org:device:MediaServer:1;device:MediaServer:1;", "Linux/6.1 UPnP/1.0;", "", ""],
        ),
        (8080, ["", "Linux/6.1 UPnP/1.0;", "", ""]),
        (0, [""; 4]),
    ];
    assert_eq!(
        records.iter().map(said).collect::<Vec<_>>(),
        expected.map(|(port, texts)| (port, texts.map(str::to_owned)))
    );
}

#[test]
fn services_in_multicast_dns_are_gathered() {
    let said = |arguments| {
        let records = records("services-in-multicast-dns", arguments);
        assert_eq!(records.len(), 1);
        ["DNSSD_QUERIES", "DNSSD_RESPONSES"].map(|field| text(&records[0], field).to_owned())
    };
    let [queries, responses] = said("-p dnssd");
    assert_eq!(queries, "_ipp._tcp.local;Printer._http._tcp.local;");
    assert_eq!(
        responses,
        "Printer._ipp._tcp.local;631;host.local;;;host.local;-1;;X86_64:LINUX;;\
         Printer._http._tcp.local;80;host.local;;;"
    );
    assert_eq!(said("-p dnssd;txt")[1], responses.replacen(";;;", ";;ty=Example:Color=T::;", 1));
    let scratch = Scratch::new();
    let list = scratch.file("list.csv", "_ipp._tcp.local,color\n");
    let [_, listed] = said(&format!("-p dnssd;txt={}", list.display()));
    assert_eq!(listed, responses.replacen(";;;", ";;Color=T::;", 1));
}

#[test]
fn osquery_tells_the_program_of_a_flow_of_this_host() {
    let scratch = Scratch::new();
    let stub = scratch.file(
        "osqueryi",
        r#"#!/bin/sh
while read -r line; do
    case "$line" in
        *os_version*) echo '[{"name":"Debian","major":"12","hostname":"probe.example"}]' ;;
        *process_open_sockets*10.0.0.1*) echo '[{"pid":"42"}]' ;;
        *processes*) echo '[{"name":"chronyd","username":"_chrony"}]' ;;
        *) echo '[]' ;;
    esac
done
"#,
    );
    fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
    let plugin = format!("-p osquery;path={};wait=20000", stub.display());
    let expected = [
        ("PROGRAM_NAME", "chronyd"),
        ("USERNAME", "_chrony"),
        ("OS_NAME", "Debian"),
        ("OS_ARCH", "UNDEFINED"),
    ];
    for (arguments, prefix) in [(plugin.clone(), "OSQUERY_"), (format!("{plugin};unprefixed"), "")] {
        let records = records("each-ntp-datagram-is-a-record", &arguments);
        assert_eq!(records.len(), 1);
        for (name, value) in expected {
            assert_eq!(text(&records[0], &format!("{prefix}{name}")), value);
        }
        assert_eq!(number(&records[0], &format!("{prefix}OS_MAJOR")), 12);
    }
}

#[test]
fn without_osquery_records_go_on_and_a_line_says_so() {
    let ended =
        json(&committed("each-ntp-datagram-is-a-record"), "-p osquery;path=/nowhere/osqueryi;wait=20000");
    assert_eq!(ended.records().len(), 1);
    assert!(ended.records()[0].get("OSQUERY_PROGRAM_NAME").is_none());
    assert_eq!(ended.stderr.matches("Warning: osquery: /nowhere/osqueryi is not asked any more").count(), 1);
}
