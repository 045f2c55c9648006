//! What the output `ipfix` sends is what JSON says, and tshark knows all of it.
#![allow(clippy::unwrap_used)]

mod probe;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use probe::messages::{Way, as_capture, received};
use probe::programs::is_here;
use probe::sums::{sums, sums_of_json};
use probe::{Scratch, committed, every_plugin};
use weir_generator::shapes::Shape;
use weir_ipfix::message::{Message, TemplateRecord};
use weir_ipfix::registry;

/// A capture, and what is sent of it.
struct Sent {
    capture: PathBuf,
    messages: Vec<Vec<u8>>,
}

/// Every capture of the repository with every plugin, each in an observation domain of its own, over UDP.
static SENT: LazyLock<Vec<Sent>> = LazyLock::new(|| {
    let directory = committed("quickstart").parent().unwrap().to_owned();
    let mut captures: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pcap"))
        // With this one the program ends with an error.
        .filter(|path| !path.file_name().unwrap().to_str().unwrap().contains("cut-off-inside"))
        .collect();
    captures.sort();
    let sent = |(domain, capture): (usize, PathBuf)| {
        let messages = received(&capture, Way::Udp, &format!("id={domain}"), &every_plugin());
        Sent { capture, messages }
    };
    captures.into_iter().enumerate().map(sent).collect()
});

#[test]
fn records_and_sums_are_those_of_json() {
    for Sent { capture, messages } in &*SENT {
        assert_eq!(sums(messages), sums_of_json(capture, &every_plugin()), "{}", capture.display());
    }
    let scratch = Scratch::new();
    for capture in [committed("quickstart"), scratch.capture(Shape::Imix, 3000, 200)] {
        for way in [Way::Tcp, Way::Udp] {
            let sent = received(&capture, way, "", &every_plugin());
            assert_eq!(sums(&sent), sums_of_json(&capture, &every_plugin()), "{way:?}");
        }
    }
}

#[test]
fn every_element_that_is_sent_is_known_with_a_type_that_fits() {
    let mut seen = Vec::new();
    for message in SENT.iter().flat_map(|sent| &sent.messages) {
        for set in Message::read(message).unwrap().sets().map(Result::unwrap) {
            for record in set.templates() {
                let TemplateRecord::Definition(view) = record.unwrap() else { panic!() };
                for field in view.fields() {
                    let element = registry::by_id(field.id).unwrap_or_else(|| panic!("{}", field.id));
                    let data_type = element.data_type;
                    let fits =
                        if field.is_variable() { data_type.may_vary() } else { data_type.fits(field.length) };
                    assert!(fits, "{element} in {} octets", field.length);
                    seen.push(field.id);
                }
            }
        }
    }
    seen.sort();
    seen.dedup();
    assert!(seen.len() > 150, "{}", seen.len());
}

/// tshark, by what it shows of messages.
fn assert_tshark_knows_all(messages: &[Vec<u8>], way: Way) {
    let scratch = Scratch::new();
    let path = scratch.file("ipfix.pcap", as_capture(messages, way));
    let shown = Command::new("tshark")
        .args(["-o", "cflow.max_template_fields:0", "-Vr"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let shown = String::from_utf8_lossy(&shown.stdout);
    for fault in ["Malformed", "Unknown", "No template", "Expert Info (Warning", "Expert Info (Error"] {
        let lines: Vec<_> = shown.lines().filter(|line| line.contains(fault)).collect();
        assert!(lines.is_empty(), "over {way:?}: {lines:?}");
    }
    let is_flow =
        |line: &&str| line.trim().strip_prefix("Flow ").is_some_and(|number| number.parse::<u32>().is_ok());
    let flows = shown.lines().filter(is_flow).count() as u64;
    let sent: u64 = match way {
        Way::Tcp => sums(messages).0,
        Way::Udp => SENT.iter().map(|sent| sums(&sent.messages).0).sum(),
    };
    assert_eq!(flows, sent, "over {way:?}");
}

#[test]
fn tshark_finds_nothing_malformed_or_unknown() {
    if !is_here("tshark") {
        return;
    }
    let over_udp: Vec<Vec<u8>> = SENT.iter().flat_map(|sent| sent.messages.clone()).collect();
    assert_tshark_knows_all(&over_udp, Way::Udp);
    assert_tshark_knows_all(&received(&committed("quickstart"), Way::Tcp, "", &every_plugin()), Way::Tcp);
}
