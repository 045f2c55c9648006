//! Options records and the layout of ulogd2, from the probe to other programs and to the collector of `weir-ipfix`.
#![allow(clippy::unwrap_used)]

mod probe;

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::process::Command;

use probe::messages::{Way, as_capture, export, received};
use probe::programs::{is_here, nfcapd};
use probe::{ALL_PLUGINS, Scratch, committed, json, number};
use weir_ipfix::collect::{Arrival, Event, Session, SessionSettings};
use weir_ipfix::element::ElementId;
use weir_ipfix::message::Message;
use weir_ipfix::options::{
    ExportingReliability, MeteringStatistics, Selector, SelectorAlgorithm, TypeInformation,
};
use weir_ipfix::registry;

/// What a collector is told that has never heard of an element of an enterprise.
#[derive(Default)]
struct Told {
    flows: u64,
    types: HashSet<ElementId>,
    used: HashSet<ElementId>,
    statistics: Vec<MeteringStatistics>,
    reliability: Vec<ExportingReliability>,
    selectors: Vec<Selector>,
}

fn told(messages: &[Vec<u8>], way: Way) -> Told {
    let mut session = Session::new(SessionSettings::new(way == Way::Udp));
    let mut told = Told::default();
    for message in messages {
        session.read(&Message::read(message).unwrap(), Arrival::default(), |event| match event {
            Event::Record(record) if record.template().is_options() => {
                if let Some(information) = TypeInformation::read(&record) {
                    let known = registry::by_id(information.element.id).unwrap();
                    assert_eq!(
                        (&known.name, known.data_type),
                        (&information.element.name, information.element.data_type)
                    );
                    assert!(!information.description.is_empty(), "{}", known.name);
                    told.types.insert(known.id);
                }
                told.statistics.extend(MeteringStatistics::read(&record));
                if let Some(selector) = Selector::read(&record) {
                    assert!(told.flows == 0 || !told.selectors.is_empty(), "sampling is told late");
                    told.selectors.push(selector);
                }
                told.reliability.extend(ExportingReliability::read(&record));
            }
            Event::Record(record) => {
                told.flows += 1;
                for field in record.fields() {
                    let id = field.specifier.id;
                    if !matches!(id.enterprise, 0 | 29305) {
                        assert!(told.types.contains(&id), "{id} is used before it is told");
                        told.used.insert(id);
                    }
                }
            }
            Event::Fault(fault) => panic!("{fault}"),
            _ => {}
        });
    }
    assert_eq!((session.counters().lost_records, session.counters().unknown_sets), (0, 0));
    told
}

#[test]
fn all_elements_of_plugins_are_told_before_they_are_used_and_statistics_are_true() {
    let capture = committed("quickstart");
    let records = json(&capture, ALL_PLUGINS).records().len() as u64;
    for way in [Way::Tcp, Way::Udp] {
        for mode in ["once", "always"] {
            let parameters = format!("options=all;template-mode={mode}");
            let messages = received(&capture, way, &parameters, ALL_PLUGINS);
            let told = told(&messages, way);
            assert!(told.used.len() > 20, "{:?}", told.used);
            assert_eq!(told.flows, records);
            let last = told.statistics.last().unwrap();
            // Statistics and reliability come last, each in a message of its own.
            let before = &messages[..messages.len() - 2];
            let octets: usize = before.iter().map(Vec::len).sum();
            assert_eq!(
                (last.messages, last.flow_records, last.octets),
                (before.len() as u64, records, octets as u64),
                "{way:?}, {mode}"
            );
            assert_eq!(told.reliability.last().unwrap().not_sent_flows, 0);
            let one_of_one = SelectorAlgorithm::SystematicCount { interval: 1, space: 0 };
            assert!(!told.selectors.is_empty());
            assert!(told.selectors.iter().all(|selector| selector.algorithm == one_of_one));
        }
    }
}

/// What tshark shows of messages, in which it finds nothing malformed or unknown.
fn shown_by_tshark(messages: &[Vec<u8>], way: Way) -> String {
    let scratch = Scratch::new();
    let path = scratch.file("ipfix.pcap", as_capture(messages, way));
    let shown = Command::new("tshark").arg("-r").arg(&path).arg("-V").output().unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    for fault in ["Malformed", "Unknown", "No template", "Expert Info (Warning", "Expert Info (Error"] {
        assert_eq!(shown.lines().find(|line| line.contains(fault)), None);
    }
    shown
}

#[test]
fn tshark_reads_options() {
    if !is_here("tshark") {
        return;
    }
    for mode in ["once", "always"] {
        for way in [Way::Tcp, Way::Udp] {
            let parameters = format!("options=all;template-mode={mode}");
            let messages = received(&committed("quickstart"), way, &parameters, ALL_PLUGINS);
            let shown = shown_by_tshark(&messages, way);
            let told = told(&messages, way);
            for id in &told.types {
                let name = registry::by_id(*id).unwrap().name.clone();
                let line = format!("Information Element Name: {name}\n");
                assert!(shown.contains(&line), "{line}");
            }
            let statistics = told.statistics.last().unwrap();
            for line in [
                format!("FlowsExp: {}\n", statistics.flow_records),
                format!("PacketsExp: {}\n", statistics.messages),
                "Not Sent Flows: 0\n".to_owned(),
            ] {
                assert!(shown.contains(&line), "{line}");
            }
        }
    }
}

#[test]
fn tshark_reads_the_records_of_ulogd2() {
    if !is_here("tshark") {
        return;
    }
    let capture = committed("quickstart");
    for mode in ["once", "always"] {
        let parameters = format!("layout=ulogd2;send_template={mode};mtu=512");
        let messages = received(&capture, Way::Udp, &parameters, "-p basic");
        let shown = shown_by_tshark(&messages, Way::Udp);
        let flows = shown.lines().filter(|line| line.trim().starts_with("SrcPort: ")).count();
        assert_eq!(flows, json(&capture, "-p basic").records().len(), "{mode}");
    }
}

#[test]
fn nfcapd_counts_the_records_of_ulogd2_and_is_not_disturbed_by_options() {
    if !["nfcapd", "nfdump"].into_iter().all(is_here) {
        return;
    }
    let capture = committed("quickstart");
    let lines = json(&capture, "-p basic").records();
    let sum = |names: [&str; 2]| -> u64 {
        lines.iter().map(|line| names.iter().map(|name| number(line, name)).sum::<u64>()).sum()
    };
    let (bytes, packets) = (sum(["BYTES", "BYTES_REV"]), sum(["PACKETS", "PACKETS_REV"]));
    for parameters in ["layout=ulogd2;send_template=always", "time=ms;options=all"] {
        let scratch = Scratch::new();
        let directory = scratch.path("");
        let nfcapd = nfcapd(Ipv4Addr::LOCALHOST.into(), &directory);
        export(&capture, &format!("ipfix;udp;port={};{parameters}", nfcapd.port), "-p basic");
        nfcapd.stop();
        let shown = Command::new("nfdump").arg("-R").arg(&directory).output().unwrap();
        let shown = String::from_utf8_lossy(&shown.stdout);
        let summary =
            shown.lines().find(|line| line.starts_with("Summary:")).unwrap_or_else(|| panic!("{shown}"));
        for (what, expected) in [("flows", lines.len() as u64), ("bytes", bytes), ("packets", packets)] {
            assert!(summary.contains(&format!("total {what}: {expected},")), "{what} {expected}: {summary}");
        }
    }
}
