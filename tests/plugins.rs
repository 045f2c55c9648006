//! A plugin says the same about a record alone and beside others, as long as none of those ends records.
#![allow(clippy::unwrap_used)]

mod laboratory;

use laboratory::{Walked, plugins, settings, walk};
use proptest::prelude::*;
use weir_flow::{Record, RecordConsumer};
use weir_generator::captures::Film;
use weir_generator::content::{dns, http};
use weir_generator::dialogue::Dialogue;
use weir_generator::headers::flags;
use weir_generator::layers::Layer;
use weir_generator::path::Path;

/// The plugins that end no records.
const MEASURING: [&str; 8] = [
    "basicplus",
    "flowhash",
    "icmp",
    "mpls",
    "vlan",
    "pstats",
    "pstats;includezeroes;skipdup",
    "pstats;includezeroes",
];
/// The plugins that do.
const CUTTING: [&str; 2] = ["http", "dns"];

/// One thing that happens in a capture.
#[derive(Clone, Debug)]
enum Event {
    /// A datagram of this flow: which way, how long.
    Udp(u8, bool, u8),
    /// A DNS query and maybe its answer.
    Dns(u8, bool),
    /// A segment in the middle of nowhere: which way, flags, how long.
    Tcp(u8, bool, u8, u8),
    /// A conversation with a request of this many pieces.
    Web(u8, u8),
    /// A tagged datagram, or one below a label.
    Wrapped(u8, bool),
}

fn event() -> impl Strategy<Value = (u32, Event)> {
    let kind = prop_oneof![
        (0..4u8, any::<bool>(), any::<u8>()).prop_map(|(flow, way, len)| Event::Udp(flow, way, len)),
        (0..4u8, any::<bool>()).prop_map(|(flow, answered)| Event::Dns(flow, answered)),
        (0..4u8, any::<bool>(), any::<u8>(), 0..40u8)
            .prop_map(|(flow, way, bits, len)| Event::Tcp(flow, way, bits, len)),
        (0..4u8, 1..5u8).prop_map(|(flow, pieces)| Event::Web(flow, pieces)),
        (0..4u8, any::<bool>()).prop_map(|(flow, tagged)| Event::Wrapped(flow, tagged)),
    ];
    // Mostly close together; some pauses are longer than the timeouts.
    (prop_oneof![9 => 0..200u32, 1 => 0..8000u32], kind)
}

/// A capture of these events.
fn capture(events: &[(u32, Event)]) -> Vec<u8> {
    let path = |flow: u8, port| Path::v4([10, 0, 0, 1], 4000 + u16::from(flow), [10, 0, 0, 2], port);
    let mut film = Film::new();
    let mut now = 0;
    for (pause, event) in events {
        now += u64::from(*pause);
        film = match *event {
            Event::Udp(flow, forward, len) => {
                film.udp(now, &path(flow, 9).directed(forward), &vec![b'u'; len.into()])
            }
            Event::Dns(flow, answered) => {
                let film = film.udp(now, &path(flow, 53), &dns::query(flow.into(), "www.example.com"));
                let answer = dns::response(flow.into(), "www.example.com", &[[192, 0, 2, 1].into()]);
                if answered { film.udp(now + 1, &path(flow, 53).reversed(), &answer) } else { film }
            }
            Event::Tcp(flow, forward, bits, len) => {
                let segment = Dialogue::new(7, 9).segment(forward, bits & 0x3f, &vec![b't'; len.into()]);
                film.dialogue(now, 0, &path(flow, 80), segment)
            }
            Event::Web(flow, pieces) => {
                let request = http::request("www.example.com", "/", flow.into());
                let cuts: Vec<usize> =
                    (1..pieces).map(|n| request.len() * usize::from(n) / usize::from(pieces)).collect();
                let talk = Dialogue::new(100, 200)
                    .handshake()
                    .pieces(true, &request, &cuts)
                    .answers(&http::response("nginx", 1, 0))
                    .segment(true, flags::FIN | flags::ACK, &[]);
                film.dialogue(now, 3, &path(flow, 80), talk)
            }
            Event::Wrapped(flow, tagged) => {
                let layer = if tagged { Layer::Vlan(0x8100, 7) } else { Layer::Mpls(1000) };
                film.inside(now, &path(flow, 9), &[layer], b"wrapped")
            }
        };
    }
    film.into_bytes()
}

/// Writes records down: the record, and what each plugin says about it.
#[derive(Default)]
struct Notes(Vec<(String, Vec<String>)>);

impl RecordConsumer for Notes {
    fn consume(&mut self, record: &Record<'_>) {
        let flow = record.flow;
        let basic = format!(
            "{:?}:{} > {:?}:{} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            flow.source(),
            flow.source_port(),
            flow.destination(),
            flow.destination_port(),
            flow.key,
            flow.packets,
            flow.bytes,
            flow.tcp_flags,
            flow.first,
            flow.last,
            record.end_reason
        );
        let sections = record.sections.iter().map(|section| {
            let instances: Vec<_> = section.instances.iter().collect();
            format!("{} {instances:?}", section.schema.name)
        });
        self.0.push((basic, sections.collect()));
    }
}

/// The records of a capture with these plugins, each with what plugin `of` says if it is given.
fn records(capture: &[u8], names: &[&str], of: Option<&str>) -> Vec<(String, Vec<String>)> {
    let mut notes = Notes::default();
    let settings = settings("cache;size=10;active=6;inactive=2");
    let walked: Walked = walk(capture, &settings, &plugins(names), &mut notes);
    assert_eq!(walked.read, walked.parsed);
    let mut records = notes.0;
    if let Some(name) = of {
        let prefix = format!("{} ", name.split(';').next().unwrap());
        for (_, said) in &mut records {
            said.retain(|section| section.starts_with(&prefix));
        }
    }
    records.sort();
    records
}

#[test]
fn every_plugin_speaks_about_some_record() {
    let events = [
        (0, Event::Udp(0, true, 9)),
        (1, Event::Dns(1, true)),
        (1, Event::Web(2, 3)),
        (1, Event::Wrapped(3, false)),
        (1, Event::Wrapped(2, true)),
    ];
    let capture = capture(&events);
    for name in MEASURING.into_iter().chain(CUTTING).filter(|name| *name != "icmp") {
        let records = records(&capture, &[name], None);
        assert!(records.iter().any(|(_, said)| !said.is_empty()), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plugin_says_the_same_alone_and_beside_others(events in prop::collection::vec(event(), 1..60), pstats in 5..8usize) {
        let capture = capture(&events);
        let mut together: Vec<&str> = MEASURING[..5].to_vec();
        together.push(MEASURING[pstats]);
        let reversed: Vec<&str> = together.iter().rev().copied().collect();
        let without = records(&capture, &[], None);
        let bare = |records: &[(String, Vec<String>)]| -> Vec<String> {
            records.iter().map(|(basic, _)| basic.clone()).collect()
        };
        for name in &together {
            let alone = records(&capture, &[name], None);
            prop_assert_eq!(bare(&alone), bare(&without), "{} changes no record", name);
            prop_assert_eq!(&alone, &records(&capture, &together, Some(name)), "{} beside others", name);
            prop_assert_eq!(&alone, &records(&capture, &reversed, Some(name)), "{} in another order", name);
        }
    }

    #[test]
    fn a_plugin_that_ends_records_says_the_same_beside_those_that_do_not(
        events in prop::collection::vec(event(), 1..60),
    ) {
        let capture = capture(&events);
        for cutting in CUTTING {
            let alone = records(&capture, &[cutting], None);
            let mut together = MEASURING[..6].to_vec();
            together.insert(3, cutting);
            prop_assert_eq!(&alone, &records(&capture, &together, Some(cutting)), "{}", cutting);
            // And the others say about its records what they say beside it alone.
            for name in &MEASURING[..6] {
                let pair = records(&capture, &[cutting, name], Some(name));
                prop_assert_eq!(&pair, &records(&capture, &together, Some(name)), "{} with {}", name, cutting);
            }
        }
    }

    #[test]
    fn both_plugins_that_end_records_agree_on_the_records(events in prop::collection::vec(event(), 1..60)) {
        let capture = capture(&events);
        let one = records(&capture, &["http", "dns"], None);
        let other = records(&capture, &["dns", "http"], None);
        for name in CUTTING {
            let of = |records: &[(String, Vec<String>)]| -> Vec<(String, Vec<String>)> {
                let mut records = records.to_vec();
                records.iter_mut().for_each(|(_, said)| said.retain(|section| section.starts_with(name)));
                records
            };
            let (mut one, mut other) = (of(&one), of(&other));
            one.sort();
            other.sort();
            prop_assert_eq!(one, other);
        }
    }
}
