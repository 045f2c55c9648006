#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::element::{Element, Semantics, Units};
use crate::message::Records;

/// Gives the record that options are, as it is read, to `each`.
fn read_back<O: OptionsRecord, T>(options: &O, each: impl FnOnce(&Record<'_, '_>) -> T) -> T {
    let template = options.template(300).unwrap();
    let octets = options.to_record().unwrap();
    let mut records = Records::new(&template, &octets);
    let record = records.next().unwrap().unwrap();
    assert!(records.next().is_none());
    each(&record)
}

fn numbers(template: &Template) -> Vec<u16> {
    template.fields().iter().map(|field| field.id.number).collect()
}

const DOMAIN: MeteringScope = MeteringScope::ObservationDomain(7);

#[test]
fn statistics_have_the_elements_of_rfc_7011() {
    let statistics = MeteringStatistics { scope: DOMAIN, messages: 1, flow_records: 2, octets: u64::MAX };
    let template = statistics.template(300).unwrap();
    assert_eq!((template.scope_fields(), numbers(&template)), (1, vec![149, 41, 42, 40]));
    assert_eq!(statistics.to_record().unwrap()[..12], [0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1]);
    let of_process = MeteringStatistics { scope: MeteringScope::Process(3), ..statistics };
    for statistics in [statistics, of_process] {
        assert_eq!(read_back(&statistics, MeteringStatistics::read), Some(statistics));
        assert_eq!(read_back(&statistics, MeteringReliability::read), None, "it says something else");
    }
}

#[test]
fn reliability_tells_when_it_lacked_for_the_first_time_and_the_last() {
    let times = Some((Time::from_milliseconds(1), Time::from_milliseconds(1_600_000_000_001)));
    for times in [times, None] {
        let metering = MeteringReliability { scope: DOMAIN, ignored_packets: 3, ignored_octets: 4, times };
        assert_eq!(numbers(&metering.template(300).unwrap()), [149, 164, 165, 323, 323]);
        assert_eq!(read_back(&metering, MeteringReliability::read), Some(metering));
        let scopes = [
            (ExportingScope::Process(9), 144),
            (ExportingScope::Ipv4([192, 0, 2, 1].into()), 130),
            (ExportingScope::Ipv6("2001:db8::1".parse().unwrap()), 131),
        ];
        for (scope, number) in scopes {
            let exporting = ExportingReliability {
                scope,
                not_sent_flows: 1,
                not_sent_packets: 2,
                not_sent_octets: 3,
                times,
            };
            assert_eq!(numbers(&exporting.template(300).unwrap()), [number, 166, 167, 168, 323, 323]);
            assert_eq!(read_back(&exporting, ExportingReliability::read), Some(exporting));
        }
    }
}

#[test]
fn flow_keys_are_bits_by_the_place_of_the_field() {
    let fields: Vec<_> = [8, 12, 1, 7].map(|n| FieldSpecifier::new(ElementId::iana(n), 4)).into();
    let template = Template::new(256, fields).unwrap();
    let keys = FlowKeys::of(&template, |id| [7, 8, 12].contains(&id.number));
    assert_eq!(keys, FlowKeys { template: 256, indicator: 0b1011 });
    assert_eq!([0, 2, 3, 64].map(|place| keys.has(place)), [true, false, true, false]);
    assert_eq!(numbers(&keys.template(300).unwrap()), [145, 173]);
    assert_eq!(read_back(&keys, FlowKeys::read), Some(keys));
    let long = Template::new(256, vec![FieldSpecifier::new(ElementId::iana(4), 1); 70]).unwrap();
    assert_eq!(FlowKeys::of(&long, |_| true).indicator, u64::MAX);
}

#[test]
fn an_element_is_told_with_all_that_is_known_of_it() {
    let element = Element {
        semantics: Semantics::TotalCounter,
        units: Units::Packets,
        range: Some((1, 100)),
        ..Element::new(ElementId::new(4711, 12), "doors", DataType::Unsigned16)
    };
    let information =
        TypeInformation { description: "Doors that were opened", ..TypeInformation::new(&element) };
    let template = information.template(300).unwrap();
    assert_eq!(
        (template.scope_fields(), numbers(&template)),
        (2, vec![346, 303, 339, 344, 345, 342, 343, 341, 340])
    );
    read_back(&information, |record| {
        let read = TypeInformation::read(record).unwrap();
        assert_eq!((&*read.element, read.description), (&element, "Doors that were opened"));
    });
    for element in registry::all() {
        read_back(&TypeInformation::new(element), |record| {
            let read = TypeInformation::read(record).unwrap().element.into_owned();
            let range = element.range.filter(|&range| range != (0, 0));
            // The status is not told.
            assert_eq!(read, Element { status: read.status, range, ..element.clone() });
        });
    }
}

#[test]
fn what_cannot_be_an_element_is_not_read_as_one() {
    let element = Element::new(ElementId::new(4711, 12), "doors", DataType::Unsigned16);
    let template = TypeInformation::new(&element).template(300).unwrap();
    let octets = TypeInformation::new(&element).to_record().unwrap();
    let read = |octets: &[u8]| {
        let record = Records::new(&template, octets).next().unwrap().unwrap();
        TypeInformation::read(&record).map(|information| information.element.into_owned())
    };
    assert_eq!(read(&octets), Some(element.clone()));
    // The bit of the enterprise number, an unknown type, no name, a name that is no text.
    let with_bit = [&octets[..4], &[0x80, 12], &octets[6..]].concat();
    assert_eq!(read(&with_bit), Some(element));
    assert_eq!(read(&[&octets[..6], &[24], &octets[7..]].concat()), None);
    let head = &octets[..26];
    assert_eq!(read(&[head, &[0, 0]].concat()), None);
    assert_eq!(read(&[head, b"\x02\xc3\x28\0"].concat()), None);
    assert_eq!(read(&[head, b"\x02a\n\0"].concat()), None);
    assert_eq!(read(&[head, b"\x02a,\0"].concat()), None);
    assert_eq!(read(&[head, &[255, 1, 0], &[b'a'; 256], &[0]].concat()), None);
}

#[test]
fn sampling_is_told_by_sequences_of_selectors() {
    let sequence = SelectionSequence { id: 1, observation_point: 2, selectors: vec![5, 6] };
    assert_eq!(numbers(&sequence.template(300).unwrap()), [301, 138, 302, 302]);
    assert_eq!(read_back(&sequence, SelectionSequence::read), Some(sequence));
    for (algorithm, expected) in [
        (SelectorAlgorithm::SystematicCount { interval: 1, space: 99 }, &[302, 304, 305, 306][..]),
        (SelectorAlgorithm::SystematicTime { interval: 1, space: 99 }, &[302, 304, 307, 308]),
        (SelectorAlgorithm::RandomOfPopulation { size: 1, population: 100 }, &[302, 304, 309, 310]),
        (SelectorAlgorithm::UniformProbability(0.01), &[302, 304, 311]),
    ] {
        let selector = Selector { id: 5, algorithm };
        assert_eq!(numbers(&selector.template(300).unwrap()), expected);
        assert_eq!(read_back(&selector, Selector::read), Some(selector));
    }
}

#[test]
fn a_file_tells_its_times_and_its_session() {
    let seconds = |seconds| Time::new(seconds, 0);
    let window = FileTimeWindow {
        exported: (seconds(1_600_000_000), seconds(1_600_000_600)),
        flows: (Time::from_milliseconds(1_599_999_999_001), Time::from_milliseconds(1_600_000_599_002)),
    };
    assert_eq!(numbers(&window.template(300).unwrap()), [267, 264, 260, 272, 269]);
    assert_eq!(read_back(&window, FileTimeWindow::read), Some(window));
    for (exporter, collector, expected) in [
        ("192.0.2.1:40000", "192.0.2.2:4739", [267, 130, 211, 217, 216, 215, 214]),
        ("[2001:db8::1]:40000", "[2001:db8::2]:4739", [267, 131, 212, 217, 216, 215, 214]),
    ] {
        let (exporter, collector) = (exporter.parse().unwrap(), collector.parse().unwrap());
        let details = ExportSessionDetails { exporter, collector, transport: 17, version: 10 };
        assert_eq!(numbers(&details.template(300).unwrap()), expected);
        assert_eq!(read_back(&details, ExportSessionDetails::read), Some(details));
    }
}

proptest! {
    #[test]
    fn any_record_of_any_template_is_read_without_a_panic(
        fields in prop::collection::vec(
            (prop::sample::select(&[40, 41, 42, 130, 131, 138, 144, 145, 149, 164, 165, 166, 167, 168, 173, 211, 212, 214, 215,
                216, 217, 260, 264, 267, 269, 272, 301, 302, 303,
                304, 305, 306, 307, 308, 309, 310, 311, 323, 339, 340, 341, 342, 343, 344, 345, 346][..]), 0u16..12),
            1..12,
        ),
        octets in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let fields: Vec<_> =
            fields.into_iter().map(|(n, length)| FieldSpecifier::new(ElementId::iana(n), length)).collect();
        if let Ok(template) = Template::options(256, 1, fields) {
            for record in Records::new(&template, &octets).flatten() {
                let _ = MeteringStatistics::read(&record);
                let _ = MeteringReliability::read(&record);
                let _ = ExportingReliability::read(&record);
                let _ = FlowKeys::read(&record);
                let _ = TypeInformation::read(&record);
                let _ = SelectionSequence::read(&record);
                let _ = Selector::read(&record);
                let _ = FileTimeWindow::read(&record);
                let _ = ExportSessionDetails::read(&record);
            }
        }
    }
}
