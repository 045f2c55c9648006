#![allow(clippy::unwrap_used)]

use std::{fs, slice::from_ref};

use proptest::prelude::*;

use super::*;
use crate::driver::{Driver, PacketBuilder};

const RESPONSE: u16 = 0x8400;
const QUERY: u16 = 0;

fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|label| !label.is_empty());
    let labels = labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    labels.chain([0]).collect()
}

fn record(owner: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let len = data.len() as u16;
    [&name(owner), &kind.to_be_bytes()[..], b"\x80\x01\0\0\0\x78", &len.to_be_bytes(), data].concat()
}

fn srv(owner: &str, port: u16, target: &str) -> Vec<u8> {
    record(owner, kind::SRV, &[&[0; 4], &port.to_be_bytes()[..], &name(target)].concat())
}

fn txt(owner: &str, strings: &[&str]) -> Vec<u8> {
    let data: Vec<u8> =
        strings.iter().flat_map(|string| [&[string.len() as u8], string.as_bytes()].concat()).collect();
    record(owner, kind::TXT, &data)
}

/// A message with these questions, answers, authority and additional records.
fn message(flags: u16, questions: &[&str], [answers, authority, additional]: [&[Vec<u8>]; 3]) -> Vec<u8> {
    let counts = [questions.len(), answers.len(), authority.len(), additional.len()];
    let mut message = [0, flags].map(u16::to_be_bytes).concat();
    message.extend(counts.iter().flat_map(|&count| (count as u16).to_be_bytes()));
    questions.iter().for_each(|asked| message.extend([&name(asked)[..], b"\0\x0c\0\x01"].concat()));
    [answers, authority, additional].into_iter().flatten().for_each(|record| message.extend(record));
    message
}

fn shown(parameters: &str, messages: &[Vec<u8>]) -> Vec<String> {
    let mut driver = Driver::new(&DESCRIPTOR, parameters);
    for message in messages {
        driver.put(&PacketBuilder::udp("10.0.0.1:5353", "224.0.0.251:5353").payload(message));
    }
    driver.finish_text()
}

const PRINTER: &str = "My printer._ipp._tcp.local";

#[test]
fn questions_are_gathered_once_and_names_of_reverse_trees_left_out() {
    let first = message(QUERY, &["_ipp._tcp.local", "1.0.0.10.in-addr.ARPA", "harpa.local"], [&[], &[], &[]]);
    let second = message(RESPONSE, &["_tcp.local", "harpa.local", "_ipp._tcp.local"], [&[], &[], &[]]);
    assert_eq!(
        shown("", &[first, second]),
        ["dnssdqueries=\"_ipp._tcp.local;harpa.local;_tcp.local;\",dnssdresponses=\"\""]
    );
}

#[test]
fn records_of_a_name_are_one_entry() {
    let host = record("host.local", kind::HINFO, b"\x06X86_64\x05LINUX");
    let address = record("host.local", kind::A, &[10, 0, 0, 1]);
    let messages = [
        message(RESPONSE, &[], [&[host, address, txt(PRINTER, &["a=1"])], &[], &[]]),
        message(RESPONSE, &[], [&[], &[], &[record("", kind::OPT, b""), srv(PRINTER, 631, "host.local")]]),
    ];
    let responses = "host.local;-1;;X86_64:LINUX;;My printer._ipp._tcp.local;631;host.local;;;";
    assert_eq!(shown("", &messages), [format!("dnssdqueries=\"\",dnssdresponses=\"{responses}\"")]);
    let with_text = responses.replace("local;;;", "local;;a=1:;");
    assert_eq!(shown("txt", &messages), [format!("dnssdqueries=\"\",dnssdresponses=\"{with_text}\"")]);
}

#[test]
fn queries_offer_what_they_propose_and_not_what_they_know() {
    let known = srv("known._ipp._tcp.local", 1, "a.local");
    let proposed = srv("proposed._ipp._tcp.local", 2, "b.local");
    let query = message(QUERY, &[], [from_ref(&known), &[proposed], from_ref(&known)]);
    assert_eq!(
        shown("", &[query]),
        ["dnssdqueries=\"\",dnssdresponses=\"proposed._ipp._tcp.local;2;b.local;;;\""]
    );
}

#[test]
fn attributes_of_further_records_are_appended_with_a_colon() {
    let text = |strings: &[&str]| message(RESPONSE, &[], [&[txt(PRINTER, strings)], &[], &[]]);
    let messages = [text(&["a=1", "b=2"]), text(&["b=2"]), text(&["c=3"]), text(&[""])];
    assert!(shown("t", &messages)[0].ends_with(";-1;;;a=1:b=2:c=3::;\""), "{:?}", shown("t", &messages));
    let messages = [message(RESPONSE, &[], [&[srv(PRINTER, 631, "h.local"), txt(PRINTER, &[""])], &[], &[]])];
    assert!(shown("txt", &messages)[0].ends_with(";631;h.local;;::;\""));
}

#[test]
fn a_file_says_which_attributes_are_wanted() {
    let path = std::env::temp_dir().join(format!("weir-dnssd-{}", std::process::id()));
    fs::write(&path, "_ipp._tcp.local,ty,Color\n").unwrap();
    let records = [txt(PRINTER, &["ty=A 1", "color=T", "note=x"]), txt("x._http._tcp.local", &["ty=B"])];
    let messages = [message(RESPONSE, &[], [&records, &[], &[]])];
    let text = shown(&format!("txt={}", path.display()), &messages);
    fs::remove_file(&path).unwrap();
    let responses = "My printer._ipp._tcp.local;-1;;;ty=A 1:color=T:;x._http._tcp.local;-1;;;;";
    assert_eq!(text, [format!("dnssdqueries=\"\",dnssdresponses=\"{responses}\"")]);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let string = weir_flow::options::PluginString::parse("dnssd;txt=/nowhere/at all").unwrap();
    let error = (DESCRIPTOR.configure)(&string.parameters(OPTIONS).unwrap()).err().unwrap().to_string();
    assert!(
        error.starts_with("invalid argument for option txt: \"/nowhere/at all\", the file cannot"),
        "{error}"
    );
}

#[test]
fn a_message_cut_off_counts_as_far_as_it_goes_and_one_with_a_broken_name_begins_nothing() {
    let whole =
        message(RESPONSE, &["q.local"], [&[srv(PRINTER, 631, "h.local"), srv("b", 1, "c")], &[], &[]]);
    let cut = whole[..whole.len() - 1].to_vec();
    assert!(shown("", &[cut])[0].ends_with("responses=\"My printer._ipp._tcp.local;631;h.local;;;\""));
    let mut broken = whole.clone();
    let position = broken.len() - 3;
    broken[position] = 0xc0;
    broken[position + 1] = 0xff;
    assert!(shown("", &[broken.clone()]).is_empty());
    assert!(shown("", &[message(QUERY, &[], [&[], &[], &[]]), broken])[0].contains("printer"));
    assert!(shown("", &[b"short".to_vec()]).is_empty());
}

#[test]
fn lists_are_bounded() {
    let names: Vec<String> =
        (0..100).map(|i| format!("{}.{i:060}._ipp._tcp.local", "x".repeat(63))).collect();
    let messages: Vec<_> =
        names.iter().map(|name| message(RESPONSE, &[name], [&[txt(name, &["y"; 120])], &[], &[]])).collect();
    let mut driver = Driver::new(&DESCRIPTOR, "txt");
    for message in &messages {
        driver.put(&PacketBuilder::udp("10.0.0.1:5353", "224.0.0.251:5353").payload(message));
    }
    let text = driver.finish_text();
    let (queries, responses) = text[0].split_once(",dnssdresponses").unwrap();
    assert_eq!(queries.matches("x.0").count(), MAX_QUERIES / 141);
    assert_eq!(responses.matches("x.0").count(), MAX_RESPONSES / (140 + 240 + 11));
}

#[test]
fn what_is_no_dns_is_given_up() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    (0..30).for_each(|_| driver.put(&PacketBuilder::udp("10.0.0.1:5353", "10.0.0.2:9").payload(b"upload")));
    assert!(!driver.is_interested());
}

proptest! {
    #[test]
    fn no_change_of_a_message_makes_the_plugin_fail(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let host = record("host.local", kind::HINFO, b"\x06X86_64\x05LINUX");
        let records = [host, srv(PRINTER, 631, "host.local"), txt(PRINTER, &["a=1", "b"])];
        let mut bytes = message(RESPONSE, &["q.local"], [&records, &[], &[]]);
        for (position, byte) in changes {
            let position = position.index(bytes.len());
            bytes[position] = byte;
        }
        shown("txt", &[bytes]);
    }
}
