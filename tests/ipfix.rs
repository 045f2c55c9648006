//! What the output `ipfix` sends is what JSON says, and other programs read it.
#![allow(clippy::unwrap_used)]

mod probe;

use std::path::Path;
use std::process::Command;

use probe::messages::{Way, as_capture, export, received};
use probe::programs::{Nfcapd, is_here};
use probe::{ALL_PLUGINS, Scratch, committed, json, number};
use weir_generator::shapes::Shape;
use weir_ipfix::element::ElementId;
use weir_ipfix::message::{Message, Records, SetKind, TemplateRecord};
use weir_ipfix::registry;
use weir_ipfix::template::Template;
use weir_ipfix::value::unsigned;

/// Records and sums over what was received: octets and packets of both directions. The sequence numbers are those of the records.
fn sums(messages: &[Vec<u8>]) -> (u64, u64, u64) {
    let mut templates: Vec<Template> = Vec::new();
    let (mut records, mut octets, mut packets) = (0u32, 0, 0);
    for message in messages {
        let message = Message::read(message).unwrap();
        assert_eq!(message.header.sequence, records);
        for set in message.sets().map(Result::unwrap) {
            for record in set.templates() {
                let TemplateRecord::Definition(view) = record.unwrap() else { panic!() };
                templates.push(view.to_template().unwrap());
            }
            if set.kind() != SetKind::Data {
                continue;
            }
            let template = templates.iter().find(|template| template.id() == set.id).unwrap();
            for record in Records::new(template, set.content).map(Result::unwrap) {
                records += 1;
                let counter = |id| unsigned(record.get(id).unwrap());
                let both = |id: ElementId| counter(id) + counter(id.reversed().unwrap());
                octets += both(ElementId::iana(1));
                packets += both(ElementId::iana(2));
            }
        }
    }
    (records.into(), octets, packets)
}

/// Records, bytes and packets of both directions, as JSON has them. Records of a flow beyond the first repeat its counters there.
fn sums_of_json(capture: &Path) -> (u64, u64, u64) {
    let lines = json(capture, ALL_PLUGINS).records();
    let mut flows: Vec<_> = lines.iter().collect();
    flows.dedup_by_key(|line| {
        ["TIME_FIRST", "SRC_IP", "SRC_PORT", "DST_IP", "DST_PORT", "PACKETS", "BYTES"]
            .map(|name| line[name].to_string())
    });
    let sum = |names: [&str; 2]| -> u64 {
        flows.iter().map(|line| names.iter().map(|name| number(line, name)).sum::<u64>()).sum()
    };
    (lines.len() as u64, sum(["BYTES", "BYTES_REV"]), sum(["PACKETS", "PACKETS_REV"]))
}

fn assert_agrees_with_json(capture: &Path) {
    for way in [Way::Tcp, Way::Udp] {
        assert_eq!(sums(&received(capture, way, "", ALL_PLUGINS)), sums_of_json(capture), "{way:?}");
    }
}

#[test]
fn records_and_sums_are_those_of_json() {
    assert_agrees_with_json(&committed("quickstart"));
    assert_agrees_with_json(&committed("pipelined-requests"));
    let scratch = Scratch::new();
    assert_agrees_with_json(&scratch.capture(Shape::Imix, 3000, 200));
}

#[test]
fn every_element_that_is_sent_is_known_with_a_type_that_fits() {
    let messages = received(&committed("quickstart"), Way::Tcp, "", ALL_PLUGINS);
    let mut seen = 0;
    for message in &messages {
        for set in Message::read(message).unwrap().sets().map(Result::unwrap) {
            for record in set.templates() {
                let TemplateRecord::Definition(view) = record.unwrap() else { panic!() };
                for field in view.fields() {
                    let element = registry::by_id(field.id).unwrap_or_else(|| panic!("{}", field.id));
                    let data_type = element.data_type;
                    let fits =
                        if field.is_variable() { data_type.may_vary() } else { data_type.fits(field.length) };
                    assert!(fits, "{element} in {} octets", field.length);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 100);
}

#[test]
fn tshark_finds_nothing_malformed_or_unknown() {
    if !is_here("tshark") {
        return;
    }
    let scratch = Scratch::new();
    for name in ["quickstart", "pipelined-requests"] {
        for way in [Way::Tcp, Way::Udp] {
            let messages = received(&committed(name), way, "", ALL_PLUGINS);
            let path = scratch.file("ipfix.pcap", as_capture(&messages, way));
            let shown = Command::new("tshark").arg("-r").arg(&path).arg("-V").output().unwrap();
            assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
            let shown = String::from_utf8_lossy(&shown.stdout);
            for fault in ["Malformed", "Unknown", "No template", "Expert Info (Warning", "Expert Info (Error"]
            {
                let line = shown.lines().find(|line| line.contains(fault));
                assert_eq!(line, None, "{name} over {way:?}");
            }
            let (records, ..) = sums(&messages);
            let is_flow = |line: &&str| {
                line.trim().strip_prefix("Flow ").is_some_and(|number| number.parse::<u32>().is_ok())
            };
            let flows = shown.lines().filter(is_flow).count();
            assert_eq!(flows as u64, records, "{name} over {way:?}");
        }
    }
}

#[test]
fn nfcapd_counts_what_json_counts() {
    if !["nfcapd", "nfdump"].into_iter().all(is_here) {
        return;
    }
    let capture = committed("quickstart");
    let (records, bytes, packets) = sums_of_json(&capture);
    let scratch = Scratch::new();
    let directory = scratch.path("");
    let nfcapd = Nfcapd::start(&directory);
    export(&capture, &format!("ipfix;udp;time=ms;port={}", nfcapd.port), ALL_PLUGINS);
    nfcapd.stop();
    let shown = Command::new("nfdump").arg("-R").arg(&directory).output().unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout);
    let summary =
        shown.lines().find(|line| line.starts_with("Summary:")).unwrap_or_else(|| panic!("{shown}"));
    for (what, expected) in [("flows", records), ("bytes", bytes), ("packets", packets)] {
        assert!(summary.contains(&format!("total {what}: {expected},")), "{what} {expected}: {summary}");
    }
}
