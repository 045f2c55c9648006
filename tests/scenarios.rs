//! What is known about how records begin and end, and what headers lead to: a capture each, and the records of a probe that
//! does it right.
#![allow(clippy::unwrap_used)]

mod probe;

use probe::{Scratch, committed, json, lines, milliseconds, number, run, text, weir_on};
use serde_json::Value;
use weir_generator::captures;

const UDP: &str = "17 10.0.0.1 1000 > 10.0.0.2 2000";
const UDP_V6: &str = "17 2001:db8::1 1000 > 2001:db8::2 2000";

/// The records of a committed capture.
fn records(capture: &str, arguments: &str) -> Vec<Value> {
    let ended = json(&committed(capture), arguments);
    ended.tables().assert_nothing_is_lost();
    ended.records()
}

fn shown(capture: &str, arguments: &str) -> Vec<String> {
    lines(&records(capture, arguments))
}

/// How many packets of a committed capture were skipped, by reason.
fn skipped(capture: &str) -> Vec<(String, u64)> {
    json(&committed(capture), "").tables().skipped.into_iter().collect()
}

fn reasons(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|&(reason, count)| (reason.to_owned(), count)).collect()
}

#[test]
fn a_packet_after_the_inactive_timeout_begins_a_new_record() {
    let capture = "a-packet-after-the-inactive-timeout-begins-a-new-record";
    let expected = [
        format!("{UDP}, 2/0 packets, 0-29900 ms, inactive"),
        format!("{UDP}, 1/0 packets, 59100-59100 ms, forced"),
    ];
    assert_eq!(shown(capture, ""), expected);
    assert_eq!(shown(capture, "-s cache;split"), expected);
    assert_eq!(
        shown(capture, "-s cache;inactive=31"),
        [format!("{UDP}, 3/0 packets, 0-59100 ms, forced")],
        "the timeout is a parameter"
    );
}

#[test]
fn with_a_timeout_of_zero_every_packet_is_a_record() {
    let capture = "a-packet-after-the-inactive-timeout-begins-a-new-record";
    assert_eq!(shown(capture, "-s cache;inactive=0").len(), 3);
    assert_eq!(shown(capture, "-s cache;active=0").len(), 3);
    assert_eq!(shown("a-syn-after-a-fin-begins-a-new-record", "-s cache;i=0").len(), 6);
}

#[test]
fn after_the_active_timeout_the_next_packet_decides_the_direction() {
    assert_eq!(
        shown("after-the-active-timeout-the-next-packet-decides-the-direction", ""),
        [
            format!("{UDP}, 15/0 packets, 0-280000 ms, active"),
            "17 10.0.0.2 2000 > 10.0.0.1 1000, 1/1 packets, 300000-301000 ms, forced".to_owned(),
        ]
    );
}

#[test]
fn a_syn_after_a_fin_in_its_direction_begins_a_new_record() {
    let records = records("a-syn-after-a-fin-begins-a-new-record", "");
    assert_eq!(
        lines(&records),
        [
            "6 10.0.0.1 1000 > 10.0.0.2 2000, 2/2 packets, 1000-4000 ms, end of flow",
            "6 10.0.0.2 2000 > 10.0.0.1 1000, 1/1 packets, 5000-6000 ms, forced",
        ]
    );
    let flags = |r: &Value| (number(r, "TCP_FLAGS"), number(r, "TCP_FLAGS_REV"));
    assert_eq!(records.iter().map(flags).collect::<Vec<_>>(), [(0x13, 0x13), (0x12, 0x02)]);
}

#[test]
fn fragments_take_their_ports_from_the_first_one() {
    let capture = "fragments-take-their-ports-from-the-first-one";
    let orphans = "17 10.0.0.1 0 > 10.0.0.2 0";
    assert_eq!(
        shown(capture, ""),
        [
            format!("{UDP}, 2/0 packets, 1000-1100 ms, forced"),
            format!("{orphans}, 2/0 packets, 6000-7000 ms, forced"),
        ]
    );
    assert_eq!(
        shown(capture, "-s cache;frag-timeout=5"),
        [
            format!("{UDP}, 3/0 packets, 1000-6000 ms, forced"),
            format!("{orphans}, 1/0 packets, 7000-7000 ms, forced"),
        ]
    );
    assert_eq!(
        shown(capture, "-s cache;frag-enable=false"),
        [
            format!("{UDP}, 1/0 packets, 1000-1000 ms, forced"),
            format!("{orphans}, 3/0 packets, 1100-7000 ms, forced"),
        ]
    );
    let cache = json(&committed(capture), "").tables().cache;
    assert_eq!(cache["IP fragments"], 4);
    assert_eq!(cache["IP fragments without a first one"], 1);
    assert_eq!(cache["IP fragments too late for their first one"], 1);
}

#[test]
fn ipv6_fragments_take_their_ports_from_the_first_one() {
    assert_eq!(
        shown("ipv6-fragments-take-their-ports-from-the-first-one", ""),
        [format!("{UDP_V6}, 2/0 packets, 0-100 ms, forced")]
    );
}

#[test]
fn fragments_before_their_first_one_have_no_ports() {
    assert_eq!(
        shown("fragments-before-their-first-one", ""),
        [
            "17 10.0.0.1 0 > 10.0.0.2 0, 1/0 packets, 0-0 ms, forced",
            "17 10.0.0.1 1000 > 10.0.0.2 2000, 2/0 packets, 10-20 ms, forced",
            "17 2001:db8::1 0 > 2001:db8::2 0, 1/0 packets, 30-30 ms, forced",
            "17 2001:db8::1 1000 > 2001:db8::2 2000, 2/0 packets, 40-50 ms, forced",
        ]
    );
}

#[test]
fn fragments_of_two_protocols_do_not_take_each_others_ports() {
    assert_eq!(
        shown("two-protocols-with-the-same-identification", ""),
        [
            format!("{UDP}, 2/0 packets, 0-20 ms, forced"),
            "6 10.0.0.1 3000 > 10.0.0.2 4000, 2/0 packets, 10-30 ms, forced".to_owned(),
        ]
    );
}

#[test]
fn an_atomic_fragment_is_a_whole_packet() {
    assert_eq!(
        shown("an-atomic-fragment-is-a-whole-packet", ""),
        [format!("{UDP_V6}, 1/0 packets, 0-0 ms, forced")]
    );
}

#[test]
fn a_record_that_http_cuts_begins_with_the_message_that_cut_it() {
    let capture = "a-late-http-message-begins-a-new-record";
    let tcp = "6 10.0.0.1 40000 > 10.0.0.2 80";
    let records = records(capture, "-p http");
    assert_eq!(
        lines(&records),
        [
            format!("{tcp}, 1/1 packets, 1000-2000 ms, forced"),
            format!("{tcp}, 1/1 packets, 5000-6000 ms, forced"),
            format!("{tcp}, 0/1 packets, 8000-8000 ms, forced"),
        ]
    );
    let said =
        |r: &Value| (text(r, "HTTP_REQUEST_URL").to_owned(), text(r, "HTTP_RESPONSE_SERVER").to_owned());
    let expected = [("/1", "first"), ("/2", "second"), ("", "third")];
    assert_eq!(
        records.iter().map(said).collect::<Vec<_>>(),
        expected.map(|(url, server)| (url.to_owned(), server.to_owned()))
    );
    assert_eq!(shown(capture, ""), [format!("{tcp}, 2/3 packets, 1000-8000 ms, forced")]);
}

#[test]
fn split_makes_a_flow_of_each_direction() {
    assert_eq!(
        shown("a-late-http-message-begins-a-new-record", "-s cache;split"),
        [
            "6 10.0.0.1 40000 > 10.0.0.2 80, 2/0 packets, 1000-5000 ms, forced",
            "6 10.0.0.2 80 > 10.0.0.1 40000, 3/0 packets, 2000-8000 ms, forced",
        ]
    );
}

#[test]
fn two_tags_are_one_flow_by_the_outer_one() {
    let records = records("two-vlan-tags-are-one-flow-by-the-outer-one", "-p vlan");
    assert_eq!(lines(&records), [format!("{UDP}, 2/0 packets, 0-100 ms, forced")]);
    assert_eq!(number(&records[0], "VLAN_ID"), 5);
}

#[test]
fn tags_are_read_in_any_order_and_spelling() {
    let records = records("vlan-tags-in-any-order-are-read", "-p vlan");
    assert_eq!(
        lines(&records),
        [
            format!("{UDP}, 1/0 packets, 0-0 ms, forced"),
            "17 10.0.0.1 1000 > 10.0.0.2 2001, 1/0 packets, 100-100 ms, forced".to_owned(),
        ]
    );
    assert!(records.iter().all(|r| number(r, "VLAN_ID") == 5));
}

#[test]
fn a_priority_tag_is_no_vlan() {
    assert_eq!(shown("a-priority-tag-is-no-vlan", ""), [format!("{UDP}, 2/0 packets, 0-10 ms, forced")]);
}

#[test]
fn arp_is_counted_and_makes_no_flow() {
    let capture = "arp-is-counted-and-makes-no-flow";
    assert_eq!(shown(capture, ""), [format!("{UDP}, 2/0 packets, 10-30 ms, forced")]);
    assert_eq!(json(&committed(capture), "").tables().packets(), (4, 2));
    assert_eq!(skipped(capture), reasons(&[("unsupported EtherType", 2)]));
    assert_eq!(
        json(&committed(capture), "-c 1").tables().packets(),
        (2, 1),
        "one packet parsed, and the ARP packet before it"
    );
}

#[test]
fn raw_ip_has_no_mac_addresses() {
    let capture = "raw-ip-has-no-mac-addresses";
    let records = records(capture, "");
    assert_eq!(
        lines(&records),
        [format!("{UDP}, 1/0 packets, 0-0 ms, forced"), format!("{UDP_V6}, 1/0 packets, 10-10 ms, forced")]
    );
    for record in &records {
        assert_eq!(
            (text(record, "SRC_MAC"), text(record, "DST_MAC")),
            ("00:00:00:00:00:00", "00:00:00:00:00:00")
        );
    }
    assert_eq!(skipped(capture), reasons(&[("unsupported IP version", 1)]));
}

#[test]
fn pppoe_carries_ip() {
    let records = records("pppoe-carries-ip", "");
    assert_eq!(
        lines(&records),
        [format!("{UDP}, 1/0 packets, 0-0 ms, forced"), format!("{UDP_V6}, 1/0 packets, 10-10 ms, forced")]
    );
    assert_eq!(records.iter().map(|r| number(r, "BYTES")).collect::<Vec<_>>(), [32, 51], "inner IP lengths");
    assert!(records.iter().all(|r| text(r, "SRC_MAC") == "02:00:00:00:00:01"), "outer addresses");
}

#[test]
fn gre_is_a_flow_of_the_inner_addresses() {
    let records = records("gre-is-a-flow-of-the-inner-addresses", "");
    assert_eq!(lines(&records), [format!("{UDP}, 1/1 packets, 0-10 ms, forced")]);
    assert_eq!((number(&records[0], "BYTES"), number(&records[0], "BYTES_REV")), (34, 36));
}

#[test]
fn gre_around_something_unknown_is_a_flow_of_the_outer_packet() {
    assert_eq!(
        shown("gre-around-something-unknown-is-a-flow-of-the-outer-packet", ""),
        ["47 192.0.2.1 0 > 192.0.2.2 0, 1/0 packets, 0-0 ms, forced"]
    );
}

#[test]
fn a_file_cut_off_inside_a_packet_fails_after_what_is_readable() {
    let ended = run(weir_on(&committed("a-file-cut-off-inside-a-packet"), "-o json").arg("-p=basic"));
    assert_eq!(ended.status, Some(1));
    assert_eq!(lines(&ended.records()), [format!("{UDP}, 2/0 packets, 0-10 ms, forced")]);
    let tables = ended.tables();
    tables.assert_nothing_is_lost();
    assert_eq!(tables.packets(), (2, 2));
    assert!(tables.inputs[0].status.ends_with("at byte 176"), "{}", tables.inputs[0].status);
    assert_eq!(tables.outputs[0].status, "ok");
    assert!(ended.stderr.ends_with("\nError: a plugin ended unexpectedly\n"), "{}", ended.stderr);
}

#[test]
fn an_ip_length_smaller_than_the_headers_is_malformed() {
    let capture = "an-ip-length-smaller-than-the-headers-is-malformed";
    assert_eq!(
        shown(capture, ""),
        [
            format!("{UDP}, 1/0 packets, 30-30 ms, forced"),
            "17 10.0.0.1 1000 > 10.0.0.2 2001, 1/0 packets, 40-40 ms, forced".to_owned(),
        ]
    );
    assert_eq!(skipped(capture).iter().map(|(_, count)| count).sum::<u64>(), 3);
    assert!(skipped(capture).iter().all(|(reason, _)| reason.starts_with("malformed")));
}

#[test]
fn header_lengths_out_of_bounds_are_malformed() {
    let capture = "header-lengths-out-of-bounds-are-malformed";
    assert_eq!(shown(capture, ""), ["6 10.0.0.1 1000 > 10.0.0.2 2001, 1/0 packets, 40-40 ms, forced"]);
    assert_eq!(skipped(capture).iter().map(|(_, count)| count).sum::<u64>(), 4);
}

#[test]
fn headers_cut_off_by_the_snap_length_are_counted() {
    let capture = "headers-cut-off-by-the-snap-length-are-counted";
    assert!(shown(capture, "").is_empty());
    assert!(skipped(capture).iter().all(|(reason, _)| reason.starts_with("truncated")));
}

#[test]
fn ethernet_in_mpls_shows_the_inner_packet() {
    let records = records("ethernet-in-mpls-shows-the-inner-packet", "-p mpls");
    assert_eq!(lines(&records), [format!("{UDP}, 1/1 packets, 0-10 ms, forced")]);
}

#[test]
fn an_authentication_header_is_skipped_whole() {
    assert_eq!(
        shown("an-authentication-header-is-skipped-whole", ""),
        [format!("{UDP_V6}, 1/0 packets, 0-0 ms, forced")]
    );
}

#[test]
fn ipv6_with_no_next_header_is_a_flow() {
    assert_eq!(
        shown("ipv6-with-no-next-header-is-a-flow", ""),
        ["59 2001:db8::1 0 > 2001:db8::2 0, 2/0 packets, 0-10 ms, forced"]
    );
}

#[test]
fn the_mss_has_sixteen_bits_and_options_of_high_kinds_are_ignored() {
    let field = |capture, field| number(&records(capture, "-p basicplus")[0], field);
    assert_eq!(field("the-mss-has-sixteen-bits", "TCP_MSS"), 1460);
    assert_eq!(field("tcp-options-of-high-kinds-are-ignored", "TCP_MSS"), 1460);
    // The reference shows bit numbers reversed within each byte: kind 2 is bit 5.
    assert_eq!(field("tcp-options-of-high-kinds-are-ignored", "TCP_OPT"), 0x20);
}

#[test]
fn frames_longer_than_65535_bytes_are_packets() {
    let ended = json(&committed("a-frame-longer-than-65535-bytes"), "");
    assert_eq!(ended.records().len(), 2);
    assert_eq!(ended.tables().inputs[0].bytes, 140_000);
}

#[test]
fn a_flow_exported_by_its_first_packet_ends_as_forced() {
    let records = records("a-flow-exported-by-its-first-packet-ends-as-forced", "-p dns");
    assert_eq!(lines(&records), ["17 10.0.0.2 53 > 10.0.0.1 1000, 1/0 packets, 0-0 ms, forced"]);
    assert_eq!(text(&records[0], "DNS_NAME"), "www.example.com");
}

#[test]
fn a_reused_connection_keeps_what_the_first_one_said() {
    let records = records("a-reused-connection-keeps-what-the-first-one-said", "-p http");
    let tcp = "6 10.0.0.1 40000 > 10.0.0.2 80";
    assert_eq!(
        lines(&records),
        [
            format!("{tcp}, 5/3 packets, 0-70 ms, end of flow"),
            format!("{tcp}, 2/1 packets, 1000-1020 ms, forced"),
        ]
    );
    assert_eq!(text(&records[0], "HTTP_REQUEST_HOST"), "www.example.com");
    assert_eq!(number(&records[0], "HTTP_RESPONSE_STATUS_CODE"), 200);
    assert!(records[1].get("HTTP_REQUEST_HOST").is_none());
}

#[test]
fn a_late_packet_does_not_move_the_end_back() {
    let capture = "a-late-packet-does-not-move-the-end-back";
    assert_eq!(shown(capture, ""), [format!("{UDP}, 3/0 packets, 5000-9000 ms, forced")]);
    assert_eq!(
        json(&committed(capture), "").tables().cache["packets older than the latest of their flow"],
        1
    );
}

#[test]
fn flows_of_captures_glued_together_do_not_merge() {
    let records = records("captures-glued-together", "");
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|r| number(r, "PACKETS") == 2));
    let years_apart = milliseconds(&records[1], "TIME_FIRST") - milliseconds(&records[0], "TIME_FIRST");
    assert!(years_apart > 700 * 86_400_000);
}

#[test]
fn tags_and_tunnels_of_every_kind_are_followed_to_the_inner_packet() {
    let records = records("tags-and-tunnels-of-every-kind", "-p vlan");
    for v6 in [false, true] {
        let of_family = |r: &&Value| text(r, "SRC_IP").contains(':') == v6 && number(r, "PROTOCOL") == 17;
        let mut ports: Vec<u64> = records.iter().filter(of_family).map(|r| number(r, "SRC_PORT")).collect();
        ports.sort_unstable();
        // 1012 is GRE over IPv6.
        let expected: Vec<u64> = (1000..=1015).filter(|&port| port != 1012).collect();
        assert_eq!(ports, expected);
    }
    let tunnels: Vec<String> = lines(&records).into_iter().filter(|line| line.starts_with("47 ")).collect();
    assert_eq!(tunnels, ["47 2001:db8::f1 0 > 2001:db8::f2 0, 2/0 packets, 240-250 ms, forced"]);
}

/// The tunnels of "tunnels-that-are-opened-on-request", as flows of their outer headers.
const TUNNELS: [&str; 11] = [
    "17 192.0.2.1 2152 > 192.0.2.2 2152, 4/0 packets, 200-230 ms, forced",
    "17 192.0.2.1 50000 > 192.0.2.2 4789, 2/0 packets, 120-130 ms, forced",
    "17 192.0.2.1 50001 > 192.0.2.2 6081, 4/0 packets, 160-190 ms, forced",
    "17 192.0.2.1 50002 > 192.0.2.2 3544, 1/1 packets, 280-290 ms, forced",
    "17 2001:db8::f1 50000 > 2001:db8::f2 4789, 2/0 packets, 140-150 ms, forced",
    "4 192.0.2.1 0 > 192.0.2.2 0, 1/0 packets, 240-240 ms, forced",
    "4 2001:db8::f1 0 > 2001:db8::f2 0, 1/0 packets, 260-260 ms, forced",
    "41 192.0.2.1 0 > 192.0.2.2 0, 1/0 packets, 250-250 ms, forced",
    "41 2001:db8::f1 0 > 2001:db8::f2 0, 1/0 packets, 270-270 ms, forced",
    "47 192.0.2.1 0 > 192.0.2.2 0, 8/0 packets, 20-110 ms, forced",
    "47 2001:db8::f1 0 > 2001:db8::f2 0, 4/0 packets, 0-50 ms, forced",
];

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort_unstable();
    lines
}

#[test]
fn tunnels_are_opened_on_request() {
    let capture = "tunnels-that-are-opened-on-request";
    let inside = |number: u16, v6: bool| {
        let flow = if v6 { UDP_V6 } else { UDP }.replace("1000", &(1000 + number).to_string());
        let ms = if number == 15 { 290 } else { 10 * (2 * number + u16::from(v6 && number < 14)) };
        format!("{flow}, 1/0 packets, {ms}-{ms} ms, forced")
    };
    let mut inner: Vec<String> = (0..16).map(|number| inside(number, true)).collect();
    inner.extend((0..14).map(|number| inside(number, false)));
    let inner = sorted(inner);
    let outer = TUNNELS.map(str::to_owned);
    assert_eq!(sorted(shown(capture, "")), outer);
    assert_eq!(sorted(shown(capture, "-s cache;decap=outer")), outer);
    assert_eq!(sorted(shown(capture, "-s cache;decap=inner")), inner);
    let both = sorted([&inner[..], &outer].concat());
    assert_eq!(sorted(shown(capture, "-s cache;decap=both")), both);
    assert_eq!(sorted(shown(capture, "-s cache;decap=both;shards=3")), both);
    let some = shown(capture, "-s cache;decap=inner;tunnels=vxlan,gtp");
    let opened: Vec<_> = some.iter().filter(|line| inner.contains(line)).collect();
    let closed: Vec<_> = some.iter().filter(|line| outer.contains(line)).collect();
    assert_eq!((opened.len(), closed.len(), some.len()), (8, 8, 16), "{some:#?}");
}

#[test]
fn frames_metered_twice_are_accounted_for() {
    let file = committed("tunnels-that-are-opened-on-request");
    let tables = json(&file, "-s cache;decap=both").tables();
    assert_eq!((tables.packets(), tables.fates[0].twice, tables.outputs[0].packets), ((30, 30), 30, 60));
    let first_seven = json(&file, "-s cache;decap=both -c 7").tables();
    first_seven.assert_nothing_is_lost();
    assert_eq!((first_seven.packets(), first_seven.fates[0].twice), ((7, 7), 7), "frames, not packets");
}

#[test]
fn four_tunnels_inside_each_other_are_opened() {
    let capture = "tunnels-inside-each-other";
    let inner = |n: u16| {
        let ms = n * 10;
        format!("{}, 1/0 packets, {ms}-{ms} ms, forced", UDP.replace("1000", &(1000 + n).to_string()))
    };
    let outermost = "4 192.0.2.0 0 > 198.51.100.0 0, 6/0 packets, 0-50 ms, forced".to_owned();
    let fifth = "4 192.0.2.4 0 > 198.51.100.4 0, 2/0 packets, 40-50 ms, forced".to_owned();
    assert_eq!(shown(capture, ""), std::slice::from_ref(&outermost));
    let both = [inner(0), inner(1), inner(2), inner(3), outermost, fifth];
    assert_eq!(sorted(shown(capture, "-s cache;decap=both")), both);
}

#[test]
fn a_tunnel_with_nothing_to_meter_inside_is_a_flow_of_its_outer_header() {
    let capture = "tunnels-with-nothing-to-meter-inside";
    let outer = [
        "17 192.0.2.1 2152 > 192.0.2.2 2152, 2/0 packets, 30-40 ms, forced",
        "17 192.0.2.1 50000 > 192.0.2.2 4789, 4/0 packets, 0-60 ms, forced",
        "17 192.0.2.1 50001 > 192.0.2.2 6081, 1/0 packets, 50-50 ms, forced",
    ];
    for decap in ["", "-s cache;decap=inner", "-s cache;decap=outer", "-s cache;decap=both"] {
        assert_eq!(sorted(shown(capture, decap)), outer, "{decap}");
    }
    let cache = json(&committed(capture), "-s cache;decap=inner").tables().cache;
    assert_eq!(cache["tunnels left closed: cut off inside"], 2);
    assert_eq!(cache["tunnels left closed: malformed inside"], 1);
    assert_eq!(cache["tunnels left closed: nothing known inside"], 1);
}

#[test]
fn fragments_inside_a_tunnel_take_their_ports_and_fragments_of_a_tunnel_stay_closed() {
    let capture = "fragments-inside-and-outside-of-tunnels";
    let inner = format!("{UDP}, 2/0 packets, 0-10 ms, forced");
    let vxlan = "17 192.0.2.1 50000 > 192.0.2.2 4789, 2/0 packets, 0-10 ms, forced".to_owned();
    let pieces = "4 192.0.2.1 0 > 192.0.2.2 0, 2/0 packets, 20-30 ms, forced".to_owned();
    assert_eq!(sorted(shown(capture, "-s cache;decap=inner")), [inner.clone(), pieces.clone()]);
    assert_eq!(sorted(shown(capture, "-s cache;decap=outer")), [vxlan.clone(), pieces.clone()]);
    assert_eq!(sorted(shown(capture, "-s cache;decap=both")), [inner, vxlan, pieces]);
}

#[test]
fn a_record_that_makes_room_says_so() {
    let scratch = Scratch::new();
    let capture = scratch.capture(weir_generator::shapes::Shape::Flood, 1000, 1);
    let ended = json(&capture, "-s cache;size=4;line=2;fused");
    let tables = ended.tables();
    tables.assert_nothing_is_lost();
    assert_eq!(tables.outputs[0].records, 1000);
    assert!(tables.cache["records ended: lack of resources"] >= 1000 - 16);
}

#[test]
fn every_committed_capture_is_accounted_for_with_all_plugins() {
    for capture in captures::all().filter(|c| c.name != "a-file-cut-off-inside-a-packet") {
        let ended = json(&committed(capture.name), probe::ALL_PLUGINS);
        ended.tables().assert_nothing_is_lost();
    }
}
